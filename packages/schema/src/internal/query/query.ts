/** Decoding what queries deliver, batch by batch. */
import { Integration, type MongoCollection, type MongoError, type Query as Core } from "@mongofx/core"
import * as Arr from "effect/Array"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Effectable from "effect/Effectable"
import type * as Inspectable from "effect/Inspectable"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import type * as SchemaIssue from "effect/SchemaIssue"
import * as Stream from "effect/Stream"
import type * as Driver from "mongodb"
import type { DocumentError } from "../../DocumentError.ts"
import type { AggregateQuery, DecodePolicy, Failure, FindQuery, TypedQuery } from "../../TypedQuery.ts"
import { decodeError, encoded, type Origin } from "../collection/failures.ts"
import type { Shape } from "../collection/shape.ts"
import type { Decoder, DocumentCodec } from "../compiler/codec.ts"
import { definedFields } from "../encode/arguments.ts"
import { encodeFilter } from "../encode/filter.ts"
import type { Operands } from "../encode/operands.ts"
import { encodeProjection } from "../encode/projection.ts"
import { encodeIndexKeys, encodeSort } from "../encode/sort.ts"
import { encodeOperand } from "../path/codecs.ts"

const skipped = (errors: ReadonlyArray<DocumentError>): Effect.Effect<void> =>
  Effect.forEach(errors, (error) => Effect.logDebug(`A document is left out: ${error.message}`), { discard: true })

/**
 * Decodes a batch. As long as the decoder answers at once there is no effect for a document.
 *
 * @internal
 */
export const decodeBatch = <A, R>(
  origin: Origin,
  decoder: Decoder<unknown>,
  policy: DecodePolicy,
  documents: ReadonlyArray<unknown>
): Effect.Effect<Array<A>, Failure, R> => {
  const out: Array<unknown> = []
  const left: Array<DocumentError> = []
  const many = (from: number): number => {
    if (policy !== "collect") return decoder.decodeMany(documents, from, out)
    const values: Array<unknown> = []
    const end = decoder.decodeMany(documents, from, values)
    for (const value of values) out.push(Result.succeed(value))
    return end
  }
  const from = (start: number): Effect.Effect<Array<A>, Failure, R> => {
    const position = many(start)
    if (position === documents.length) {
      const result = Effect.succeed(out as Array<A>)
      return left.length === 0 ? result : Effect.andThen(skipped(left), result)
    }
    const document = documents[position]
    return Effect.flatMap(
      Effect.result(
        decoder.decode(document) as Effect.Effect<unknown, SchemaIssue.Issue, R>
      ),
      (result) => {
        if (Result.isSuccess(result)) out.push(policy === "collect" ? result : result.success)
        else {
          const error = decodeError(origin, decoder.idOf(document), result.failure)
          if (policy === "fail") return Effect.fail(error)
          if (policy === "skip") left.push(error)
          else out.push(Result.fail(error))
        }
        return from(position + 1)
      }
    )
  }
  return from(0)
}

/**
 * The elements of batches, of which some may be empty.
 *
 * @internal
 */
export const flatten = <A, E, R>(batches: Stream.Stream<ReadonlyArray<A>, E, R>): Stream.Stream<A, E, R> =>
  Stream.flattenArray(Stream.filter(batches, Arr.isReadonlyArrayNonEmpty))

/** How many documents are decoded at once: the garbage of few is cheap to collect, and a batch may hold tens of thousands. */
const partSize = 512

const inParts = <A, B, E, R, E2, R2>(
  self: Stream.Stream<A, E, R>,
  f: (values: ReadonlyArray<A>) => Effect.Effect<ReadonlyArray<B>, E2, R2>
): Stream.Stream<B, E | E2, R | R2> =>
  Stream.transformPull(self, (pull) =>
    Effect.sync(() => {
      let batch: ReadonlyArray<A> = []
      let from = 0
      const part: Effect.Effect<Arr.NonEmptyReadonlyArray<B>, E | E2 | Cause.Done, R2> = Effect.suspend(() => {
        const values = batch.slice(from, from + partSize)
        from += partSize
        return Effect.flatMap(f(values), (out) => Arr.isReadonlyArrayNonEmpty(out) ? Effect.succeed(out) : next)
      })
      const more = Effect.flatMap(pull, (values) => {
        batch = values
        from = 0
        return part
      })
      const next = Effect.suspend(() => from < batch.length ? part : more)
      return next
    }))

/** A query of core, and what decodes the documents that it delivers, or their bytes. */
interface Source<Q> {
  readonly query: Q
  readonly codec: DocumentCodec<unknown>
  readonly bytes: Decoder<unknown> | undefined
  /** The first document, as bytes where there is a decoder of bytes. */
  readonly first: Effect.Effect<Option.Option<unknown>, MongoError.MongoError>
}

/**
 * The decoder of bytes for a collection and the options of one of its queries.
 *
 * @internal
 */
export const bytesOf = (
  codec: DocumentCodec<unknown>,
  collection: MongoCollection.MongoCollection,
  options: object | undefined
): Decoder<unknown> | undefined => codec.bytes(Integration.bsonOptions(collection, options))

abstract class QueryImpl<A, R, Q extends Core.Query<Driver.Document>> extends Effectable.Class<Array<A>, Failure, R>
  implements TypedQuery<A, R>
{
  protected readonly origin: Origin
  protected readonly policy: DecodePolicy

  constructor(origin: Origin, policy: DecodePolicy) {
    super()
    this.origin = origin
    this.policy = policy
  }

  protected abstract source(): Effect.Effect<Source<Q>, Failure, R>

  /** A query of core that is printed as this one: what it asks for, and no values. */
  protected abstract readonly printed: Q

  override toJSON(): unknown {
    return (this.printed as unknown as Inspectable.Inspectable).toJSON()
  }

  private decode(decoder: Decoder<unknown>, documents: ReadonlyArray<unknown>) {
    return decodeBatch<A, R>(this.origin, decoder, this.policy, documents)
  }

  override asEffect(): Effect.Effect<Array<A>, Failure, R> {
    return Effect.flatMap(this.source(), ({ bytes, codec, query }) => {
      if (bytes === undefined) return Effect.flatMap(query, (documents) => this.decode(codec, documents))
      // Batch by batch, so that the bytes of the whole are never there at once.
      const out: Array<A> = []
      return Effect.as(
        Stream.runForEachArray(
          query.raw,
          (documents) =>
            Effect.flatMapEager(this.decode(bytes, documents), (values) => {
              for (const value of values) out.push(value)
              return Effect.void
            })
        ),
        out
      )
    })
  }

  get batches(): Stream.Stream<ReadonlyArray<A>, Failure, R> {
    return Stream.unwrap(
      Effect.map(
        this.source(),
        ({ bytes, codec, query }) =>
          (bytes === undefined ? query.batches : Stream.chunks(query.raw)).pipe(
            Stream.mapEffect((documents: ReadonlyArray<unknown>) => this.decode(bytes ?? codec, documents)),
            Stream.filter((documents) => documents.length > 0)
          )
      )
    )
  }

  get stream(): Stream.Stream<A, Failure, R> {
    return Stream.unwrap(Effect.map(this.source(), ({ bytes, codec, query }) =>
      bytes === undefined
        ? flatten(Stream.mapEffect(query.batches, (documents) => this.decode(codec, documents)))
        : inParts(query.raw, (documents) => this.decode(bytes, documents))))
  }

  get raw(): Stream.Stream<Uint8Array, Failure, R> {
    return Stream.unwrap(Effect.map(this.source(), ({ query }) => query.raw))
  }

  get first(): Effect.Effect<Option.Option<A>, Failure, R> {
    if (this.policy === "skip") return Stream.runHead(this.stream)
    return Effect.flatMap(
      this.source(),
      ({ bytes, codec, first }) =>
        Effect.flatMap(first, (document) =>
          Option.isNone(document)
            ? Effect.succeedNone
            : Effect.map(this.decode(bytes ?? codec, [document.value]), ([first]) => Option.some(first as A)))
    )
  }

  get one(): Effect.Effect<A, Failure | Cause.NoSuchElementError, R> {
    return Effect.flatMap(
      this.first,
      Option.match({
        onNone: () =>
          Effect.fail(
            new Cause.NoSuchElementError(`${this.origin.operation} on ${this.origin.collection}: found no document`)
          ),
        onSome: (document) => Effect.succeed(document)
      })
    )
  }
}

type Settings = Readonly<Record<string, unknown>>

/**
 * The options of an operation, with what names fields or holds their values encoded.
 *
 * @internal
 */
export const encodeOptions = (
  shape: Shape,
  options: Settings,
  operands: Operands,
  at = "options."
): Record<string, unknown> => {
  const out = { ...options }
  if (options["sort"] !== undefined) out["sort"] = encodeSort(shape.read, options["sort"], `${at}sort`)
  if (options["hint"] !== undefined && typeof options["hint"] !== "string") {
    out["hint"] = encodeIndexKeys(shape.read, options["hint"], `${at}hint`)
  }
  for (const name of ["min", "max"]) {
    if (options[name] !== undefined) out[name] = encodeBound(shape, options[name], operands, `${at}${name}`)
  }
  return out
}

const encodeBound = (shape: Shape, bound: unknown, operands: Operands, at: string): Driver.Document => {
  const out: Driver.Document = {}
  for (const [name, value, path] of definedFields(bound, at)) {
    const { alternatives, key } = shape.read(name, path)
    operands.put({ out, key, path }, encodeOperand(alternatives)(value))
  }
  return out
}

/**
 * The projection among the options, encoded, and the codec of what it leaves.
 *
 * @internal
 */
export const encodeProjected = (
  shape: Shape,
  options: Settings,
  operands: Operands,
  at = "options."
): { readonly options: Settings; readonly codec: DocumentCodec<unknown> } => {
  const { projection, ...others } = encodeOptions(shape, options, operands, at)
  if (projection === undefined) return { options: others, codec: shape.codec }
  const encoded = encodeProjection(shape, projection, operands, `${at}projection`)
  return { options: { ...others, projection: encoded.projection }, codec: shape.projection(encoded) }
}

/** @internal */
export class FindQueryImpl<A, B, R> extends QueryImpl<B, R, Core.FindQuery<Driver.Document>>
  implements FindQuery<A, B, R>
{
  private readonly core: MongoCollection.MongoCollection
  private readonly shape: Shape
  private readonly filter: unknown
  private readonly settings: Settings

  constructor(
    core: MongoCollection.MongoCollection,
    shape: Shape,
    origin: Origin,
    policy: DecodePolicy,
    filter: unknown,
    settings: Settings
  ) {
    super(origin, policy)
    this.core = core
    this.shape = shape
    this.filter = filter
    this.settings = settings
  }

  protected source(): Effect.Effect<Source<Core.FindQuery<Driver.Document>>, Failure, R> {
    return encoded(this.origin, (operands) => {
      const { tailable, ...settings } = this.settings
      const filter = encodeFilter(this.shape.read, this.filter, operands)
      const { codec, options } = encodeProjected(this.shape, settings, operands, "")
      const bytes = bytesOf(codec, this.core, options)
      const find = this.core.find(filter, options)
      const query = tailable === undefined ? find : find.tailable(tailable as Core.TailableOptions)
      return { query, codec, bytes, first: (bytes === undefined ? query : Integration.rawQuery(query)).first }
    })
  }

  protected get printed(): Core.FindQuery<Driver.Document> {
    return this.core.find(this.filter as Driver.Document, this.settings)
  }

  private with<C = B>(settings: Settings): FindQuery<A, C, R> {
    return new FindQueryImpl<A, C, R>(this.core, this.shape, this.origin, this.policy, this.filter, {
      ...this.settings,
      ...settings
    })
  }

  readonly onInvalid =
    ((policy: DecodePolicy) =>
      new FindQueryImpl(this.core, this.shape, this.origin, policy, this.filter, this.settings)) as FindQuery<
        A,
        B,
        R
      >["onInvalid"]

  sort(sort: unknown) {
    return this.with({ sort })
  }
  limit(limit: number) {
    return this.with({ limit })
  }
  skip(skip: number) {
    return this.with({ skip })
  }
  project<C>(projection: unknown) {
    return this.with<C>({ projection })
  }
  hint(hint: unknown) {
    return this.with({ hint })
  }
  min(min: unknown) {
    return this.with({ min })
  }
  max(max: unknown) {
    return this.with({ max })
  }
  collation(collation: Driver.CollationOptions) {
    return this.with({ collation })
  }
  comment(comment: unknown) {
    return this.with({ comment })
  }
  batchSize(batchSize: number) {
    return this.with({ batchSize })
  }
  maxTimeMS(maxTimeMS: number) {
    return this.with({ maxTimeMS })
  }
  allowDiskUse(allowDiskUse = true) {
    return this.with({ allowDiskUse })
  }
  noCursorTimeout(noCursorTimeout = true) {
    return this.with({ noCursorTimeout })
  }
  tailable(options: Core.TailableOptions = {}) {
    return this.with({ tailable: options })
  }
  readPreference(readPreference: Driver.ReadPreferenceLike) {
    return this.with({ readPreference })
  }
  readConcern(readConcern: Driver.ReadConcernLike) {
    return this.with({ readConcern })
  }
  explain(verbosity?: Driver.ExplainVerbosityLike): Effect.Effect<Driver.Document, Failure, R> {
    return Effect.flatMap(this.source(), ({ query }) => query.explain(verbosity))
  }
}

/** @internal */
export class AggregateQueryImpl<A, R> extends QueryImpl<A, R, Core.AggregateQuery<Driver.Document>>
  implements AggregateQuery<A, R>
{
  private readonly query: Core.AggregateQuery<Driver.Document>
  private readonly codec: DocumentCodec<unknown>
  private readonly bytes: () => Decoder<unknown> | undefined

  constructor(
    query: Core.AggregateQuery<Driver.Document>,
    codec: DocumentCodec<unknown>,
    bytes: () => Decoder<unknown> | undefined,
    origin: Origin,
    policy: DecodePolicy
  ) {
    super(origin, policy)
    this.query = query
    this.codec = codec
    this.bytes = bytes
  }

  protected source() {
    return Effect.sync(() => {
      const bytes = this.bytes()
      return {
        query: this.query,
        codec: this.codec,
        bytes,
        first: (bytes === undefined ? this.query : Integration.rawQuery(this.query)).first
      }
    })
  }

  protected get printed(): Core.AggregateQuery<Driver.Document> {
    return this.query
  }

  private with(
    f: (query: Core.AggregateQuery<Driver.Document>) => Core.AggregateQuery<Driver.Document>
  ): AggregateQuery<A, R> {
    return new AggregateQueryImpl<A, R>(
      f(this.query),
      this.codec,
      this.bytes,
      this.origin,
      this.policy
    )
  }

  readonly onInvalid =
    ((policy: DecodePolicy) =>
      new AggregateQueryImpl(this.query, this.codec, this.bytes, this.origin, policy)) as AggregateQuery<
        A,
        R
      >["onInvalid"]

  hint(hint: Driver.Hint) {
    return this.with((query) => query.hint(hint))
  }
  collation(collation: Driver.CollationOptions) {
    return this.with((query) => query.collation(collation))
  }
  comment(comment: unknown) {
    return this.with((query) => query.comment(comment))
  }
  batchSize(batchSize: number) {
    return this.with((query) => query.batchSize(batchSize))
  }
  maxTimeMS(maxTimeMS: number) {
    return this.with((query) => query.maxTimeMS(maxTimeMS))
  }
  allowDiskUse(allowDiskUse = true) {
    return this.with((query) => query.allowDiskUse(allowDiskUse))
  }
  readPreference(readPreference: Driver.ReadPreferenceLike) {
    return this.with((query) => query.readPreference(readPreference))
  }
  readConcern(readConcern: Driver.ReadConcernLike) {
    return this.with((query) => query.readConcern(readConcern))
  }
  explain(verbosity?: Driver.ExplainVerbosityLike): Effect.Effect<Driver.Document, MongoError.MongoError> {
    return this.query.explain(verbosity)
  }
}
