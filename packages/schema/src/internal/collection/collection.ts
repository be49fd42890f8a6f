/**
 * Collections with a schema: each operation encodes its arguments, runs an operation of core, and decodes the answer.
 */
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
import type * as Driver from "mongodb"
import type { Pipeline, Stages } from "../../Pipeline.ts"
import type * as Typed from "../../TypedCollection.ts"
import type { Failure } from "../../TypedQuery.ts"
import { checkStored } from "../bson/storable.ts"
import { makeChangeStream } from "../changeStream/stream.ts"
import { codecOf, type Decoder, type DocumentCodec } from "../compiler/codec.ts"
import { array } from "../encode/arguments.ts"
import { encodeFilter } from "../encode/filter.ts"
import { isUnsafe } from "../encode/marked.ts"
import { encodeOptions, encodeProjected } from "../encode/options.ts"
import { encodeIndexKeys } from "../encode/sort.ts"
import { typed } from "../pipeline/aggregation.ts"
import { bytesOf, decodeBatch, decodeOne } from "../query/decodeBatch.ts"
import type { Aggregation } from "../query/decodedReading.ts"
import { makeAggregate, makeFind } from "../query/query.ts"
import { bulkModels } from "./bulkWrite.ts"
import { checked, encoded, encodedThen, type Options, type Origin, type Run } from "./failures.ts"
import { encodeIndex, encodeIndexOptions } from "./indexes.ts"
import { insertion, insertions } from "./insert.ts"
import { replacement } from "./replace.ts"
import { astsOf, type Shape, shapeOf, variantOf } from "./shape.ts"
import { keeping, places, type ShardKeyRules, shardKeyRules } from "./shardKey.ts"
import { decodeUpdateResult, updating } from "./update.ts"

/** @internal */
export const TypeId = "~@mongofx/schema/TypedCollection" as const

/** The class of a schema is a function too. */
const isHandWritten = <A extends readonly [schema: Schema.Constraint, ...ReadonlyArray<unknown>]>(
  args: A | readonly [f: unknown, ...ReadonlyArray<unknown>]
): args is A => Schema.isSchema(args[0])

const handWritten = (schema: Schema.Constraint, pipeline: Stages): Aggregation => {
  const prepared = { codec: codecOf(schema.ast), stages: stagesOf(pipeline) }
  return { shown: prepared.stages, prepare: () => Effect.succeed(prepared) }
}

/** Core refuses values that are not arrays when the query runs. */
const stagesOf = (pipeline: Stages): Array<Driver.Document> =>
  Array.isArray(pipeline) ? pipeline.map((stage) => isUnsafe(stage) ? stage.document : stage) : pipeline as never

/** The operations that return one document, as the driver delivers it or as bytes. */
type Reads = {
  readonly [Name in keyof Integration.RawReads<Driver.Document>]: (
    ...args: Parameters<Core.MongoCollection[Name]>
  ) => Effect.Effect<Option.Option<unknown>, MongoError.MongoError>
}

class TypedCollectionImpl extends Inspectable.Class {
  readonly [TypeId] = TypeId
  readonly schema: Schema.Constraint
  readonly untyped: Core.MongoCollection
  private readonly shape: Shape
  /** The operations that return one document, as bytes. */
  private readonly raw: Integration.RawReads<Driver.Document>
  private readonly indexes: unknown
  /** Repositories and resolvers read it too. */
  readonly shardKeyRules: ShardKeyRules | undefined
  private ofUsual: { readonly bytes: Decoder<unknown> | undefined } | undefined

  constructor(
    untyped: Core.MongoCollection,
    schema: Schema.Constraint,
    indexes: unknown,
    shardKeyRules: ShardKeyRules | undefined
  ) {
    super()
    this.indexes = indexes
    this.shardKeyRules = shardKeyRules
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
    return new TypedCollectionImpl(this.untyped.withOptions(options), this.schema, this.indexes, this.shardKeyRules)
  }

  // ---- writing

  insertOne(value: unknown, options?: Options): Run<Typed.InsertOneResult<unknown>> {
    const origin = this.origin("insertOne")
    return Effect.suspend(() =>
      Effect.flatMapEager(
        insertion(this.shape, origin, value, "document", this.shardKeyRules),
        ({ document, id }) =>
          Effect.map(this.untyped.insertOne(document, options), ({ acknowledged }) => ({
            acknowledged,
            insertedId: id as Driver.ObjectId
          }))
      )
    )
  }

  /** What a bulk write writes its documents in, if core sends bytes and nobody has to look into the documents. */
  private buffer(options: Options): Integration.WriteBuffer | undefined {
    return this.shardKeyRules?.mayBeMissing !== true && Integration.sendsBytes(this.untyped, options)
      ? new Integration.WriteBuffer()
      : undefined
  }

  insertMany(values: unknown, options?: Options): Run<Typed.InsertManyResult<unknown>> {
    const origin = this.origin("insertMany")
    return Effect.flatMap(encoded(origin, () => array(values, "documents")), (values) => {
      const buffer = this.buffer(options)
      return Effect.flatMap(
        insertions(this.shape, origin, values, buffer),
        ({ documents, ids }) =>
          keeping(
            this.shardKeyRules,
            origin,
            (rules) => rules.documents(documents),
            () =>
              Effect.map(this.untyped.insertMany(documents, options), ({ acknowledged, insertedCount }) => {
                // The driver has no more use for the bytes. After a failure or an interruption it may still send them.
                buffer?.release()
                return { acknowledged, insertedCount, insertedIds: ids as Array<Driver.ObjectId> }
              })
          )
      )
    })
  }

  private update(name: "updateOne" | "updateMany", filter: unknown, update: unknown, options: Options) {
    const origin = this.origin(name)
    return Effect.suspend(() =>
      Effect.flatMapEager(
        updating(this.shape, origin, filter, update, options),
        ({ filter, options, update }) =>
          keeping(
            this.shardKeyRules,
            origin,
            (rules) => rules.update(name, { filter, update, upsert: options?.["upsert"] }, places()),
            () => Effect.flatMap(this.untyped[name](filter, update, options), decodeUpdateResult(this.shape, origin))
          )
      )
    )
  }

  updateOne(filter: unknown, update: unknown, options?: Options): Run<Typed.UpdateResult<unknown>> {
    return this.update("updateOne", filter, update, options)
  }

  updateMany(filter: unknown, update: unknown, options?: Options): Run<Typed.UpdateResult<unknown>> {
    return this.update("updateMany", filter, update, options)
  }

  /** Runs an operation that takes a filter and options. */
  private filtered<A>(
    name: string,
    filter: unknown,
    options: Options,
    f: (filter: Driver.Document, options: Options, origin: Origin) => Effect.Effect<A, Failure>
  ): Run<A> {
    const origin = this.origin(name)
    return encodedThen(
      origin,
      (operands) => ({
        filter: encodeFilter(this.shape.read, filter, operands),
        options: encodeOptions(this.shape, options, operands)
      }),
      ({ filter, options }) => f(filter, options, origin)
    )
  }

  replaceOne(filter: unknown, value: unknown, options?: Options): Run<Typed.UpdateResult<unknown>> {
    return this.filtered("replaceOne", filter, options, (filter, options, origin) =>
      Effect.flatMap(
        replacement(this.shape, origin, filter, value, options, "replacement"),
        (replacement) =>
          keeping(
            this.shardKeyRules,
            origin,
            (rules) => {
              rules.one(filter, options?.["upsert"], places())
              rules.document(replacement, "replacement")
            },
            () =>
              Effect.flatMap(
                this.untyped.replaceOne(filter, replacement, options),
                decodeUpdateResult(this.shape, origin)
              )
          )
      ))
  }

  deleteOne(filter: unknown, options?: Options): Run<Driver.DeleteResult> {
    return this.filtered(
      "deleteOne",
      filter,
      options,
      (filter, options, origin) =>
        keeping(
          this.shardKeyRules,
          origin,
          (rules) => rules.one(filter, false, places()),
          () => this.untyped.deleteOne(filter, options)
        )
    )
  }

  deleteMany(filter: unknown, options?: Options): Run<Driver.DeleteResult> {
    return this.filtered("deleteMany", filter, options, (filter, options) => this.untyped.deleteMany(filter, options))
  }

  bulkWrite(operations: unknown, options?: Options): Run<Driver.BulkWriteResult> {
    const origin = this.origin("bulkWrite")
    return Effect.flatMap(encoded(origin, () => array(operations, "operations")), (operations) => {
      const buffer = this.buffer(options)
      return Effect.flatMap(
        bulkModels(this.shape, origin, operations, buffer),
        (models) =>
          keeping(
            this.shardKeyRules,
            origin,
            (rules) => rules.models(models),
            () =>
              Effect.map(this.untyped.bulkWrite(models, options), (result) => {
                buffer?.release()
                return result
              })
          )
      )
    })
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
    f: (reads: Reads, filter: Driver.Document, options: Options) => Effect.Effect<Option.Option<unknown>, Failure>
  ): Run<Option.Option<unknown>> {
    const origin = this.origin(name)
    return encodedThen(
      origin,
      (operands) => {
        const encodedFilter = encodeFilter(this.shape.read, filter, operands)
        const { codec, options: encodedOptions } = encodeProjected(this.shape, options, operands)
        return { filter: encodedFilter, options: encodedOptions, codec }
      },
      ({ codec, filter, options }) => this.decoded(origin, codec, options, (reads) => f(reads, filter, options))
    )
  }

  /** Runs an operation that returns one document. It takes bytes if the codec can decode them. */
  private decoded(
    origin: Origin,
    codec: DocumentCodec<unknown>,
    options: Options,
    f: (reads: Reads) => Effect.Effect<Option.Option<unknown>, Failure>
  ): Run<Option.Option<unknown>> {
    const bytes = options === undefined ? this.usual : bytesOf(codec, this.untyped, options)
    return Effect.flatMap(
      f(bytes === undefined ? this.untyped : this.raw),
      (document) =>
        Option.isNone(document)
          ? Effect.succeedNone
          : Effect.mapEager(decodeOne(origin, bytes ?? codec, document.value), Option.some)
    )
  }

  /** The decoder of bytes for calls without options. */
  private get usual(): Decoder<unknown> | undefined {
    return (this.ofUsual ??= { bytes: bytesOf(this.shape.codec, this.untyped, undefined) }).bytes
  }

  findOneAndDelete(filter: unknown, options?: Options): Run<Option.Option<unknown>> {
    return this.reading(
      "findOneAndDelete",
      filter,
      options,
      (reads, filter, options) =>
        keeping(
          this.shardKeyRules,
          this.origin("findOneAndDelete"),
          (rules) => rules.one(filter, false, places()),
          () => reads.findOneAndDelete(filter, options)
        )
    )
  }

  findOneAndReplace(filter: unknown, value: unknown, options?: Options): Run<Option.Option<unknown>> {
    return this.reading(
      "findOneAndReplace",
      filter,
      options,
      (reads, filter, encodedOptions) =>
        Effect.flatMap(
          replacement(this.shape, this.origin("findOneAndReplace"), filter, value, options, "replacement"),
          (replacement) =>
            keeping(
              this.shardKeyRules,
              this.origin("findOneAndReplace"),
              (rules) => {
                rules.one(filter, options?.["upsert"], places())
                rules.document(replacement, "replacement")
              },
              () => reads.findOneAndReplace(filter, replacement, encodedOptions)
            )
        )
    )
  }

  findOneAndUpdate(filter: unknown, update: unknown, options?: Options): Run<Option.Option<unknown>> {
    const origin = this.origin("findOneAndUpdate")
    return Effect.suspend(() =>
      Effect.flatMapEager(
        updating(this.shape, origin, filter, update, options),
        ({ codec, filter, options, update }) =>
          keeping(
            this.shardKeyRules,
            origin,
            (rules) => rules.one(filter, options?.["upsert"], places()),
            () => this.decoded(origin, codec, options, (reads) => reads.findOneAndUpdate(filter, update, options))
          )
      )
    )
  }

  // ---- by `_id`

  /** Makes a filter of a condition on `_id`, under the name that the schema gives it. */
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
    return this.filtered(
      "countDocuments",
      filter,
      options,
      (filter, options) => this.untyped.countDocuments(filter, options)
    )
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
        options: encodeOptions(this.shape, options, operands)
      })),
      ({ filter, options, target }) =>
        Effect.flatMap(
          this.untyped.distinct(target.key, filter, options),
          (values) => decodeBatch<unknown, never>(origin, target.decoder, "fail", values, path)
        )
    )
  }

  aggregate(
    ...args:
      | readonly [schema: Schema.Constraint, stages: Stages, options?: Options]
      | readonly [pipeline: (documents: never) => Pipeline<unknown, unknown>, options?: Options]
  ) {
    const [aggregation, options] = isHandWritten(args)
      ? [handWritten(args[0], args[1]), args[2]]
      : [typed(this.schema, args[0]), args[1]]
    return makeAggregate(this.untyped, this.origin("aggregate"), aggregation, options)
  }

  watch(pipeline: Stages = [], options?: CoreChangeStream.WatchOptions) {
    return makeChangeStream(this.untyped, this.shape, this.origin("watch"), stagesOf(pipeline), options)
  }

  // ---- indexes and the collection itself

  createIndex(keys: unknown, indexOptions?: Options, options?: Options): Run<string> {
    return Effect.flatMap(
      encoded(this.origin("createIndex"), (operands) => ({
        keys: encodeIndexKeys(this.shape.read, keys),
        indexOptions: encodeIndexOptions(this.shape, indexOptions, operands, "indexOptions")
      })),
      ({ indexOptions, keys }) => this.untyped.createIndex(keys as Driver.IndexSpecification, indexOptions, options)
    )
  }

  private encodedIndexes(operation: string, indexes: unknown): Run<Array<Driver.IndexDescription>> {
    return encoded(
      this.origin(operation),
      (operands) =>
        array(indexes, "indexes").map((index, i) => encodeIndex(this.shape, index, operands, `indexes[${i}]`))
    )
  }

  createIndexes(indexes: unknown, options?: Options): Run<Array<string>> {
    return Effect.flatMap(
      this.encodedIndexes("createIndexes", indexes),
      (indexes) => this.untyped.createIndexes(indexes, options)
    )
  }

  get declaredIndexes(): Run<Array<Driver.IndexDescription>> {
    return this.encodedIndexes("declaredIndexes", this.indexes)
  }

  get declaredShardKey() {
    return this.shardKeyRules?.declared
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
    return Effect.map(
      this.untyped.rename(newName, options),
      (renamed) => new TypedCollectionImpl(renamed, this.schema, this.indexes, this.shardKeyRules)
    )
  }

  drop(options?: Options) {
    return this.untyped.drop(options)
  }
}

/**
 * What a collection declares about itself.
 *
 * @internal
 */
export interface Declared {
  readonly indexes?: unknown
  readonly shardKey?: unknown
  readonly broadcast?: unknown
}

/** @internal */
export const make = <S extends Schema.Constraint>(
  untyped: Core.MongoCollection,
  schema: S,
  { broadcast, indexes = [], shardKey }: Declared = {}
): Typed.TypedCollection<S> => {
  let rules: ShardKeyRules | undefined
  checked({ operation: "make", collection: untyped.fullName }, () => {
    for (const ast of astsOf(schema)) checkStored(ast, Integration.bsonOptions(untyped))
    if (shardKey !== undefined || broadcast !== undefined) {
      rules = shardKeyRules(shapeOf(schema), variantOf(schema, "insert"), shardKey, broadcast)
    }
  })
  return new TypedCollectionImpl(untyped, schema, indexes, rules) as unknown as Typed.TypedCollection<S>
}
