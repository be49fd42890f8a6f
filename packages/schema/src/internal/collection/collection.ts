import {
  type ChangeStream as CoreChangeStream,
  Integration,
  type MongoCollection as Core,
  type MongoError
} from "@mongofx/core"
import * as Effect from "effect/Effect"
import * as Inspectable from "effect/Inspectable"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import type * as SchemaAST from "effect/SchemaAST"
import type * as SchemaIssue from "effect/SchemaIssue"
import * as Stream from "effect/Stream"
import * as Driver from "mongodb"
import type { Pipeline } from "../../Pipeline.ts"
import type * as Typed from "../../TypedCollection.ts"
import type { DecodePolicy, Failure } from "../../TypedQuery.ts"
import { sameStored } from "../bson/extendedJson.ts"
import { checkStored } from "../bson/storable.ts"
import { codecOf, type Decoder, type DocumentCodec } from "../compiler/codec.ts"
import { array, plainObject } from "../encode/arguments.ts"
import { encodeFilter } from "../encode/filter.ts"
import { isUnsafe } from "../encode/marked.ts"
import type { Operands } from "../encode/operands.ts"
import { encodeOptions, encodeProjected } from "../encode/options.ts"
import { refuse } from "../encode/refusal.ts"
import { encodeIndexKeys } from "../encode/sort.ts"
import { encodeArrayFilters, encodeUpdate } from "../encode/update.ts"
import { bytesOf, decodeBatch } from "../query/decodeBatch.ts"
import { flatten } from "../query/parts.ts"
import { makeAggregate, makeFind } from "../query/query.ts"
import { decodedNext, eventDecoder } from "./changeEvents.ts"
import { forEachEager } from "./eager.ts"
import { checked, decodeError, encoded, encodeError, type Origin } from "./failures.ts"
import { Shape, type Writer } from "./shape.ts"
import { checkInserted, checkUpsert, equalTo } from "./upsert.ts"

/** @internal */
export const TypeId = "~@mongofx/schema/TypedCollection" as const

type Options = Readonly<Record<string, unknown>> | undefined

// The types of the operations stand in TypedCollection.ts; in here documents and filters are unknown, as they are at run time.
type Run<A> = Effect.Effect<A, Failure, never>

interface Insertion {
  readonly document: Driver.Document
  readonly id: unknown
}

/** An update that is ready to be sent. */
interface Updating {
  readonly filter: Driver.Document
  readonly update: Driver.Document | Array<Driver.Document>
  readonly options: Record<string, unknown>
  /** Of what `findOneAndUpdate` returns. */
  readonly codec: DocumentCodec<unknown>
}

interface Insertions {
  readonly documents: Array<Driver.Document>
  readonly ids: Array<unknown>
}

const shapes = new WeakMap<SchemaAST.AST, WeakMap<SchemaAST.AST, Shape>>()

/** A model's schema of what is inserted, or of what is updated; the schema itself where there is none. */
const variantOf = (schema: Schema.Constraint, name: "insert" | "update"): SchemaAST.AST => {
  const variant = (schema as { readonly [Name in typeof name]?: unknown })[name]
  return Schema.isSchema(variant) ? variant.ast : schema.ast
}

const shapeOf = (schema: Schema.Constraint): Shape => {
  const insert = variantOf(schema, "insert")
  let variants = shapes.get(schema.ast)
  if (variants === undefined) shapes.set(schema.ast, variants = new WeakMap())
  let shape = variants.get(insert)
  if (shape === undefined) variants.set(insert, shape = new Shape(schema.ast, insert, variantOf(schema, "update")))
  return shape
}

/** What is no array is left to core, which refuses it when the query runs. */
const stagesOf = (pipeline: Pipeline): Array<Driver.Document> =>
  Array.isArray(pipeline) ? pipeline.map((stage) => isUnsafe(stage) ? stage.document : stage) : pipeline as never

/** The reads of one document, as the driver gives it or as bytes. */
type Reads = {
  readonly [Name in keyof Integration.RawReads<Driver.Document>]: (
    ...args: Parameters<Core.MongoCollection[Name]>
  ) => Effect.Effect<Option.Option<unknown>, MongoError.MongoError>
}

class CollectionImpl extends Inspectable.Class {
  readonly [TypeId] = TypeId
  readonly schema: Schema.Constraint
  readonly untyped: Core.MongoCollection
  private readonly shape: Shape
  /** The reads of the collection, with documents as bytes. */
  private readonly raw: Integration.RawReads<Driver.Document>

  constructor(untyped: Core.MongoCollection, schema: Schema.Constraint) {
    super()
    this.untyped = untyped
    this.raw = Integration.rawReads(untyped)
    this.schema = schema
    this.shape = shapeOf(schema)
  }

  get name(): string {
    return this.untyped.name
  }

  get fullName(): string {
    return this.untyped.fullName
  }

  toJSON(): unknown {
    return { _id: "TypedCollection", name: this.fullName }
  }

  private origin(operation: string): Origin {
    return { operation, collection: this.fullName }
  }

  withOptions(options: Core.CollectionOptions) {
    return new CollectionImpl(this.untyped.withOptions(options), this.schema)
  }

  // ---- writing

  /** Makes a document of what was given: defaults, checks, encoding. */
  private write(
    origin: Origin,
    { codec, make }: Writer,
    value: unknown,
    path: string
  ): Run<{ readonly value: unknown; readonly document: Driver.Document }> {
    return Effect.mapErrorEager(
      Effect.flatMapEager(make(value), (value) =>
        Effect.flatMapEager(
          codec.encode(value) as Effect.Effect<Driver.Document, SchemaIssue.Issue>,
          (document) => Effect.succeed({ value, document })
        )),
      (issue) => encodeError(origin, path, issue)
    )
  }

  /** A document to insert with its `_id`, and that `_id` decoded. */
  private insertion(
    origin: Origin,
    value: unknown,
    path: string
  ): Run<Insertion> {
    const { generated, insert, inserted } = this.shape
    const given = generated !== undefined && typeof value === "object" && value !== null &&
        (value as Record<string, unknown>)[generated] === undefined
      ? { ...value, [generated]: new Driver.ObjectId() }
      : value
    return Effect.flatMapEager(this.write(origin, insert, given, path), ({ document, value }): Run<Insertion> => {
      const known = inserted === undefined ? undefined : (value as Record<string, unknown>)[inserted]
      if (known !== undefined) return Effect.succeed({ document, id: known })
      const { _id, ...others } = document
      const id: unknown = _id === undefined ? new Driver.ObjectId() : _id
      return Effect.flatMapEager(
        this.id(origin, id, path),
        (decoded) => Effect.succeed({ document: { _id: id, ...others }, id: decoded })
      )
    })
  }

  /** Adds a document where there is nothing to make or to wait for, as for most documents of large inserts. */
  private insertNow(value: unknown, { documents, ids }: Insertions): boolean {
    const { insert, inserted } = this.shape
    if (!insert.plain || inserted === undefined || typeof value !== "object" || value === null) return false
    const id = (value as Record<string, unknown>)[inserted]
    const document = id === undefined ? undefined : insert.codec.encodeNow(value)
    if (document === undefined) return false
    documents.push(document)
    ids.push(id)
    return true
  }

  private id(origin: Origin, id: unknown, path: string): Run<unknown> {
    return Effect.mapErrorEager(
      this.shape.id.decode(id) as Effect.Effect<unknown, SchemaIssue.Issue>,
      (issue) => encodeError(origin, `${path}._id`, issue)
    )
  }

  insertOne(value: unknown, options?: Options): Run<Typed.InsertOneResult<unknown>> {
    return Effect.flatMap(
      Effect.suspend(() => this.insertion(this.origin("insertOne"), value, "document")),
      ({ document, id }) =>
        Effect.map(this.untyped.insertOne(document, options), ({ acknowledged }) => ({
          acknowledged,
          insertedId: id as Driver.ObjectId
        }))
    )
  }

  insertMany(values: unknown, options?: Options): Run<Typed.InsertManyResult<unknown>> {
    const origin = this.origin("insertMany")
    return Effect.flatMap(encoded(origin, () => array(values, "documents")), (values) => {
      const insertions: Insertions = { documents: [], ids: [] }
      const encode = forEachEager(
        values,
        (value) => this.insertNow(value, insertions),
        (value, index) =>
          Effect.map(this.insertion(origin, value, `documents[${index}]`), ({ document, id }) => {
            insertions.documents.push(document)
            insertions.ids.push(id)
          })
      )
      return Effect.flatMap(encode, () =>
        Effect.map(
          this.untyped.insertMany(insertions.documents, options),
          ({ acknowledged, insertedCount }) => ({
            acknowledged,
            insertedCount,
            insertedIds: insertions.ids as Array<Driver.ObjectId>
          })
        ))
    })
  }

  private updateResult(origin: Origin) {
    return (result: Driver.UpdateResult): Run<Typed.UpdateResult<unknown>> => {
      const { acknowledged, matchedCount, modifiedCount, upsertedCount, upsertedId } = result
      const counts = { acknowledged, matchedCount, modifiedCount, upsertedCount }
      return upsertedId === null || upsertedId === undefined
        ? Effect.succeed({ ...counts, upsertedId: null })
        : Effect.map(
          Effect.mapError(
            this.shape.id.decode(upsertedId) as Effect.Effect<unknown, SchemaIssue.Issue>,
            (issue) => decodeError(origin, upsertedId, issue, "_id")
          ),
          (id) => ({ ...counts, upsertedId: id as Driver.ObjectId })
        )
    }
  }

  /** Filter, update and options of an operation that updates. */
  private updating(origin: Origin, filter: unknown, update: unknown, options: Options, at = ""): Run<Updating> {
    const prefix = at === "" ? "options." : at
    const upsert = options?.["upsert"] === true
    const updating = encoded<Updating, never>(origin, (operands) => {
      const encodedFilter = encodeFilter(this.shape.read, filter, operands, `${at}filter`)
      const { identifiers, update: encodedUpdate } = encodeUpdate(this.shape.write, update, operands, `${at}update`)
      const projected = encodeProjected(this.shape, options ?? {}, operands, prefix)
      const arrayFilters = options?.["arrayFilters"] === undefined
        ? {}
        : {
          arrayFilters: encodeArrayFilters(identifiers, options["arrayFilters"], operands, `${prefix}arrayFilters`)
        }
      return {
        filter: encodedFilter,
        update: isUnsafe(update)
          ? encodedUpdate
          : this.shape.withDefaults(encodedFilter, encodedUpdate, upsert, operands, `${at}update`),
        options: { ...projected.options, ...arrayFilters },
        codec: projected.codec
      }
    })
    return !upsert ?
      updating :
      Effect.tap(
        updating,
        ({ filter, update }) => encoded(origin, () => checkUpsert(this.shape.ast, filter, update, `${prefix}upsert`))
      )
  }

  private update(name: "updateOne" | "updateMany", filter: unknown, update: unknown, options: Options) {
    const origin = this.origin(name)
    return Effect.flatMap(
      this.updating(origin, filter, update, options),
      ({ filter, options, update }) =>
        Effect.flatMap(this.untyped[name](filter, update, options), this.updateResult(origin))
    )
  }

  updateOne(filter: unknown, update: unknown, options?: Options): Run<Typed.UpdateResult<unknown>> {
    return this.update("updateOne", filter, update, options)
  }

  updateMany(filter: unknown, update: unknown, options?: Options): Run<Typed.UpdateResult<unknown>> {
    return this.update("updateMany", filter, update, options)
  }

  /** A document in the place of another. It may have the `_id` that the filter has; the server refuses any other. */
  private replacement(
    origin: Origin,
    filter: Driver.Document,
    value: unknown,
    options: Options,
    path: string,
    upsertPath = "options.upsert"
  ): Run<Driver.Document> {
    const { name, value: given } = this.shape.idIn(value)
    const at = `${path}.${name}`
    const id: Run<unknown> = given === undefined ? Effect.undefined : Effect.mapErrorEager(
      this.shape.id.encode(given) as Effect.Effect<unknown, SchemaIssue.Issue>,
      (issue) => encodeError(origin, at, issue)
    )
    return Effect.flatMapEager(id, (id) =>
      Effect.flatMapEager(
        encoded(origin, () => {
          const wanted = equalTo(filter["_id"])
          if (id !== undefined && wanted !== undefined && !sameStored(id, wanted)) {
            refuse(at, "is not that of the filter")
          }
          return this.shape.replacement
        }),
        (writer) =>
          Effect.flatMap(this.write(origin, writer, value, path), ({ document }) => {
            const replacement = id === undefined ? document : { _id: id, ...document }
            return options?.["upsert"] !== true ? Effect.succeed(replacement) : encoded(origin, () => {
              const wanted = equalTo(filter["_id"])
              checkInserted(
                this.shape.ast,
                wanted === undefined ? replacement : { _id: wanted, ...document },
                upsertPath
              )
              return replacement
            })
          })
      ))
  }

  replaceOne(filter: unknown, value: unknown, options?: Options): Run<Typed.UpdateResult<unknown>> {
    const origin = this.origin("replaceOne")
    return Effect.flatMap(
      encoded(origin, (operands) => ({
        filter: encodeFilter(this.shape.read, filter, operands),
        options: encodeOptions(this.shape, options ?? {}, operands)
      })),
      ({ filter, options }) =>
        Effect.flatMap(
          this.replacement(origin, filter, value, options, "replacement"),
          (replacement) =>
            Effect.flatMap(this.untyped.replaceOne(filter, replacement, options), this.updateResult(origin))
        )
    )
  }

  /** An operation that takes a filter and options. */
  private filtered<A>(
    name: string,
    filter: unknown,
    options: Options,
    f: (filter: Driver.Document, options: object) => Effect.Effect<A, MongoError.MongoError>
  ): Run<A> {
    return Effect.flatMap(
      encoded(this.origin(name), (operands) => ({
        filter: encodeFilter(this.shape.read, filter, operands),
        options: encodeOptions(this.shape, options ?? {}, operands)
      })),
      ({ filter, options }) => f(filter, options)
    )
  }

  deleteOne(filter: unknown, options?: Options): Run<Driver.DeleteResult> {
    return this.filtered("deleteOne", filter, options, this.untyped.deleteOne.bind(this.untyped))
  }

  deleteMany(filter: unknown, options?: Options): Run<Driver.DeleteResult> {
    return this.filtered("deleteMany", filter, options, this.untyped.deleteMany.bind(this.untyped))
  }

  bulkWrite(operations: unknown, options?: Options): Run<Driver.BulkWriteResult> {
    const origin = this.origin("bulkWrite")
    return Effect.flatMap(encoded(origin, () => array(operations, "operations")), (operations) =>
      Effect.flatMap(
        Effect.forEach(operations, (operation, index) => this.bulkModel(origin, operation, `operations[${index}]`)),
        (models) => this.untyped.bulkWrite(models, options)
      ))
  }

  private bulkModel(origin: Origin, operation: unknown, at: string): Run<Driver.AnyBulkWriteOperation> {
    return Effect.flatMap(
      encoded(origin, () => {
        const [entry, ...others] = Object.entries(plainObject(operation, at))
        if (entry === undefined || others.length > 0) return refuse(at, "is not one operation")
        return [entry[0], plainObject(entry[1], `${at}.${entry[0]}`)] as const
      }),
      ([name, fields]): Run<Driver.AnyBulkWriteOperation> => {
        const path = `${at}.${name}.`
        switch (name) {
          case "insertOne":
            return Effect.map(this.insertion(origin, fields["document"], `${path}document`), ({ document }) => ({
              insertOne: { document }
            }))
          case "updateOne":
          case "updateMany": {
            const { filter, update, ...options } = fields
            return Effect.map(
              this.updating(origin, filter, update, options, path),
              ({ filter, options, update }) =>
                ({ [name]: { ...options, filter, update } }) as unknown as Driver.AnyBulkWriteOperation
            )
          }
          case "replaceOne":
          case "deleteOne":
          case "deleteMany": {
            const { filter, replacement, ...options } = fields
            const model = encoded<Record<string, unknown>, never>(origin, (operands) => ({
              ...encodeOptions(this.shape, options, operands, path),
              filter: encodeFilter(this.shape.read, filter, operands, `${path}filter`)
            }))
            const whole = name !== "replaceOne" ?
              model :
              Effect.flatMap(
                model,
                (model) =>
                  Effect.map(
                    this.replacement(
                      origin,
                      model["filter"] as Driver.Document,
                      replacement,
                      options,
                      `${path}replacement`,
                      `${path}upsert`
                    ),
                    (replacement) => ({ ...model, replacement })
                  )
              )
            return Effect.map(whole, (model) => ({ [name]: model }) as unknown as Driver.AnyBulkWriteOperation)
          }
          default:
            return encoded(origin, () => refuse(`${at}.${name}`, "is no operation of a bulk write"))
        }
      }
    )
  }

  // ---- reading

  find(filter: unknown = {}, options: Options = {}) {
    return makeFind(this.untyped, this.origin("find"), this.shape, filter, options)
  }

  findOne(filter: unknown = {}, options?: Options): Run<Option.Option<unknown>> {
    return this.reading("findOne", filter, options, (reads, filter, options) => reads.findOne(filter, options))
  }

  private reading(
    name: string,
    filter: unknown,
    options: Options,
    f: (reads: Reads, filter: Driver.Document, options: object) => Effect.Effect<Option.Option<unknown>, Failure>
  ): Run<Option.Option<unknown>> {
    const origin = this.origin(name)
    return Effect.flatMap(
      encoded(origin, (operands) => ({
        filter: encodeFilter(this.shape.read, filter, operands),
        ...encodeProjected(this.shape, options ?? {}, operands)
      })),
      ({ codec, filter, options }) => this.decoded(origin, codec, options, (reads) => f(reads, filter, options))
    )
  }

  /** Runs an operation that gives one document, as bytes where they can be decoded. */
  private decoded(
    origin: Origin,
    codec: DocumentCodec<unknown>,
    options: object,
    f: (reads: Reads) => Effect.Effect<Option.Option<unknown>, Failure>
  ): Run<Option.Option<unknown>> {
    const bytes = bytesOf(codec, this.untyped, options)
    return Effect.flatMap(
      f(bytes === undefined ? this.untyped : this.raw),
      (document) =>
        Option.isNone(document)
          ? Effect.succeedNone
          : Effect.map(
            decodeBatch<unknown, never>(origin, bytes ?? codec, "fail", [document.value]),
            ([value]) => Option.some(value)
          )
    )
  }

  findOneAndDelete(filter: unknown, options?: Options): Run<Option.Option<unknown>> {
    return this.reading(
      "findOneAndDelete",
      filter,
      options,
      (reads, filter, options) => reads.findOneAndDelete(filter, options)
    )
  }

  findOneAndReplace(filter: unknown, value: unknown, options?: Options): Run<Option.Option<unknown>> {
    return this.reading(
      "findOneAndReplace",
      filter,
      options,
      (reads, filter, encodedOptions) =>
        Effect.flatMap(
          this.replacement(this.origin("findOneAndReplace"), filter, value, options, "replacement"),
          (replacement) => reads.findOneAndReplace(filter, replacement, encodedOptions)
        )
    )
  }

  findOneAndUpdate(filter: unknown, update: unknown, options?: Options): Run<Option.Option<unknown>> {
    const origin = this.origin("findOneAndUpdate")
    return Effect.flatMap(
      this.updating(origin, filter, update, options),
      ({ codec, filter, options, update }) =>
        this.decoded(origin, codec, options, (reads) => reads.findOneAndUpdate(filter, update, options))
    )
  }

  // ---- by `_id`

  /** The filter of a condition on `_id`, whatever its field is called in the schema. */
  private byId(condition: object): Record<string, unknown> {
    return { [this.shape.idName]: condition }
  }

  findById(id: unknown, options?: Options): Run<Option.Option<unknown>> {
    return this.findOne(this.byId({ $eq: id }), options)
  }

  findByIds(ids: unknown, options?: Options) {
    return this.find(this.byId({ $in: ids }), options)
  }

  replaceById(id: unknown, value: unknown, options?: Options): Run<Typed.UpdateResult<unknown>> {
    return this.replaceOne(this.byId({ $eq: id }), value, options)
  }

  updateById(id: unknown, update: unknown, options?: Options): Run<Typed.UpdateResult<unknown>> {
    return this.updateOne(this.byId({ $eq: id }), update, options)
  }

  deleteById(id: unknown, options?: Options): Run<Driver.DeleteResult> {
    return this.deleteOne(this.byId({ $eq: id }), options)
  }

  countDocuments(filter: unknown = {}, options?: Options): Run<number> {
    return this.filtered("countDocuments", filter, options, this.untyped.countDocuments.bind(this.untyped))
  }

  estimatedDocumentCount(options?: Options) {
    return this.untyped.estimatedDocumentCount(options)
  }

  distinct(path: string, filter: unknown = {}, options?: Options): Run<Array<unknown>> {
    const origin = this.origin("distinct")
    return Effect.flatMap(
      encoded(origin, (operands) => ({
        target: this.shape.distinct(path),
        filter: encodeFilter(this.shape.read, filter, operands),
        options: encodeOptions(this.shape, options ?? {}, operands)
      })),
      ({ filter, options, target }) =>
        Effect.flatMap(
          this.untyped.distinct(target.key, filter, options),
          (values) =>
            Effect.forEach(values, (value) =>
              Effect.mapError(
                target.codec.decode(value) as Effect.Effect<unknown, SchemaIssue.Issue>,
                (issue) => decodeError(origin, undefined, issue, path)
              ))
        )
    )
  }

  aggregate(schema: Schema.Constraint, pipeline: Pipeline, options: Options = {}) {
    return makeAggregate(this.untyped, this.origin("aggregate"), codecOf(schema.ast), stagesOf(pipeline), options)
  }

  // ---- watching

  watch(pipeline: Pipeline = [], options?: CoreChangeStream.WatchOptions) {
    const stages = stagesOf(pipeline)
    const bytes = bytesOf(this.shape.codec, this.untyped, options)
    const decoder = eventDecoder(this.shape.codec, this.shape.id, bytes)
    // An option of core's alone, which the types let in where it is no literal.
    const { rawDocuments: _, ...given } = (options ?? {}) as CoreChangeStream.WatchOptions & { rawDocuments?: unknown }
    const core: CoreChangeStream.ChangeStream<Driver.Document, unknown> = bytes === undefined
      ? this.untyped.watch(stages, given)
      : this.untyped.watch(stages, { ...given, rawDocuments: true })
    const of = (policy: DecodePolicy) => this.changes(core, decoder, policy)
    return Object.assign(of("fail"), { onInvalid: of })
  }

  private changes(
    core: CoreChangeStream.ChangeStream<Driver.Document, unknown>,
    decoder: Decoder<unknown>,
    policy: DecodePolicy
  ) {
    const origin = this.origin("watch")
    const decode = (stream: Stream.Stream<unknown, MongoError.MongoError>): Stream.Stream<unknown, Failure> =>
      flatten(Stream.mapEffect(
        Stream.chunks(stream),
        (events) => decodeBatch<unknown, never>(origin, decoder, policy, events)
      ))
    // What is printed of it is what core prints.
    const { [Inspectable.NodeInspectSymbol]: inspect, toJSON, toString } = core as unknown as Inspectable.Inspectable
    return Object.assign(decode(core), {
      [Inspectable.NodeInspectSymbol]: inspect,
      toJSON,
      toString,
      open: Effect.map(core.open, (opened) => ({
        ...opened,
        stream: decode(opened.stream),
        next: decodedNext(origin, decoder, policy, opened.next)
      }))
    })
  }

  // ---- indexes and the collection itself

  private indexOptions(options: Options, operands: Operands, at: string): Record<string, unknown> {
    const filter = options?.["partialFilterExpression"]
    if (filter === undefined) return { ...options }
    const partialFilterExpression = encodeFilter(this.shape.read, filter, operands, `${at}.partialFilterExpression`)
    return { ...options, partialFilterExpression }
  }

  createIndex(keys: unknown, indexOptions?: Options, options?: Options): Run<string> {
    return Effect.flatMap(
      encoded(this.origin("createIndex"), (operands) => ({
        keys: encodeIndexKeys(this.shape.read, keys),
        indexOptions: this.indexOptions(indexOptions, operands, "indexOptions")
      })),
      ({ indexOptions, keys }) => this.untyped.createIndex(keys as Driver.IndexSpecification, indexOptions, options)
    )
  }

  createIndexes(indexes: unknown, options?: Options): Run<Array<string>> {
    return Effect.flatMap(
      encoded(this.origin("createIndexes"), (operands) =>
        array(indexes, "indexes").map((index, i) => {
          const at = `indexes[${i}]`
          const { key, ...others } = plainObject(index, at)
          return {
            ...this.indexOptions(others, operands, at),
            key: encodeIndexKeys(this.shape.read, key, `${at}.key`)
          }
        })),
      (indexes) => this.untyped.createIndexes(indexes as Array<Driver.IndexDescription>, options)
    )
  }

  dropIndex(index: unknown, options?: Options): Run<void> {
    if (typeof index === "string") return this.untyped.dropIndex(index, options)
    return Effect.flatMap(
      encoded(this.origin("dropIndex"), () => encodeIndexKeys(this.shape.read, index, "index")),
      (keys) => this.untyped.dropIndex(keys as Driver.IndexSpecification, options)
    )
  }

  dropIndexes(options?: Options) {
    return this.untyped.dropIndexes(options)
  }

  listIndexes(options?: Options) {
    return this.untyped.listIndexes(options)
  }

  indexExists(names: string | ReadonlyArray<string>, options?: Options) {
    return this.untyped.indexExists(names, options)
  }

  options(options?: Options) {
    return this.untyped.options(options)
  }

  isCapped(options?: Options) {
    return this.untyped.isCapped(options)
  }

  rename(newName: string, options?: Options) {
    return Effect.map(this.untyped.rename(newName, options), (renamed) => new CollectionImpl(renamed, this.schema))
  }

  drop(options?: Options) {
    return this.untyped.drop(options)
  }
}

/** @internal */
export const make = <S extends Schema.Constraint>(
  untyped: Core.MongoCollection,
  schema: S
): Typed.TypedCollection<S> => {
  checked({ operation: "make", collection: untyped.fullName }, () => {
    for (const ast of new Set([schema.ast, variantOf(schema, "insert"), variantOf(schema, "update")])) {
      checkStored(ast, Integration.bsonOptions(untyped))
    }
  })
  return new CollectionImpl(untyped, schema) as unknown as Typed.TypedCollection<S>
}
