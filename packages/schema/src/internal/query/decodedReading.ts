/** Reads a query of a typed collection: encodes its arguments, runs a query of core, and decodes its batches. */
import { Integration, type MongoCollection, type MongoDatabase, type Query, type QueryPlan } from "@mongofx/core"
import * as Effect from "effect/Effect"
import type * as Inspectable from "effect/Inspectable"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import type * as Driver from "mongodb"
import type { DecodePolicy, Failure } from "../../TypedQuery.ts"
import { encoded, type Origin } from "../collection/failures.ts"
import type { Shape } from "../collection/shape.ts"
import type { Decoder, DocumentCodec } from "../compiler/codec.ts"
import { encodeFilter } from "../encode/filter.ts"
import type { Operands } from "../encode/operands.ts"
import { encodeProjected } from "../encode/options.ts"
import { bytesOf, decodeBatch, decodeOne } from "./decodeBatch.ts"
import { flatten, inParts } from "./parts.ts"

/**
 * A reading with a policy for documents that do not decode.
 *
 * @internal
 */
export interface TypedReading<A, R> extends Integration.Reading<A, Failure, R> {
  readonly onInvalid: (policy: DecodePolicy) => TypedReading<unknown, R>
}

type CoreQuery = Query.Query<Driver.Document> & Query.Explainable

/** A query of core, and the decoders of its documents and of their bytes. */
interface Source {
  readonly query: CoreQuery
  readonly codec: DocumentCodec<unknown>
  readonly bytes: Decoder<unknown> | undefined
}

abstract class DecodedReading<A, R> extends Integration.Reading<A, Failure, R> implements TypedReading<A, R> {
  protected readonly origin: Origin
  protected readonly policy: DecodePolicy

  constructor(origin: Origin, policy: DecodePolicy) {
    super()
    this.origin = origin
    this.policy = policy
  }

  abstract onInvalid(policy: DecodePolicy): TypedReading<unknown, R>

  protected abstract source(settings: Integration.Settings): Effect.Effect<Source, Failure, R>

  /** A query of core for printing. Its arguments are not encoded, so it never runs. */
  protected abstract lookalike(settings: Integration.Settings): CoreQuery

  override printed(settings: Integration.Settings): object {
    return (this.lookalike(settings) as unknown as Inspectable.Inspectable).toJSON() as object
  }

  protected override get noDocument(): string {
    return `${this.origin.operation} on ${this.origin.collection}: found no document`
  }

  private decode(decoder: Decoder<unknown>, documents: ReadonlyArray<unknown>) {
    return decodeBatch<A, R>(this.origin, decoder, this.policy, documents)
  }

  override array(settings: Integration.Settings): Effect.Effect<Array<A>, Failure, R> {
    return Effect.flatMap(this.source(settings), ({ bytes, codec, query }) => {
      if (bytes === undefined) return Effect.flatMap(query, (documents) => this.decode(codec, documents))
      // Batch by batch, so that the bytes of all documents are never in memory at once.
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

  override batches(settings: Integration.Settings): Stream.Stream<ReadonlyArray<A>, Failure, R> {
    return Stream.unwrap(
      Effect.map(
        this.source(settings),
        ({ bytes, codec, query }) =>
          (bytes === undefined ? query.batches : Stream.chunks(query.raw)).pipe(
            Stream.mapEffect((documents: ReadonlyArray<unknown>) => this.decode(bytes ?? codec, documents)),
            Stream.filter((documents) => documents.length > 0)
          )
      )
    )
  }

  override stream(settings: Integration.Settings): Stream.Stream<A, Failure, R> {
    return Stream.unwrap(Effect.map(this.source(settings), ({ bytes, codec, query }) =>
      bytes === undefined
        ? flatten(Stream.mapEffect(query.batches, (documents) => this.decode(codec, documents)))
        : inParts(query.raw, (documents) => this.decode(bytes, documents))))
  }

  override raw(settings: Integration.Settings): Stream.Stream<Uint8Array, Failure, R> {
    return Stream.unwrap(Effect.map(this.source(settings), ({ query }) => query.raw))
  }

  override first(settings: Integration.Settings): Effect.Effect<Option.Option<A>, Failure, R> {
    // The first document that decodes may come later.
    if (this.policy === "skip") return super.first(settings)
    return Effect.flatMap(this.source(settings), ({ bytes, codec, query }) => {
      const first: Effect.Effect<Option.Option<unknown>, Failure> = bytes === undefined
        ? query.first
        : Integration.rawQuery(query).first
      return Effect.flatMap(first, (document) => {
        if (Option.isNone(document)) return Effect.succeedNone
        const decoder = bytes ?? codec
        return this.policy === "fail"
          ? Effect.mapEager(decodeOne<A, R>(this.origin, decoder, document.value), Option.some)
          : Effect.map(this.decode(decoder, [document.value]), ([first]) => Option.some(first as A))
      })
    })
  }

  override explain(
    settings: Integration.Settings,
    verbosity: Driver.ExplainVerbosityLike | undefined
  ): Effect.Effect<QueryPlan.QueryPlan, Failure, R> {
    return Effect.flatMap(this.source(settings), ({ query }) => query.explain(verbosity))
  }
}

/**
 * The encoded arguments of `find`, and what its results are decoded with.
 *
 * @internal
 */
export interface Found {
  readonly collection: MongoCollection.MongoCollection
  readonly origin: Origin
  readonly policy: DecodePolicy
  readonly shape: Shape
  readonly filter: Driver.Document
  readonly options: Integration.Settings
  readonly codec: DocumentCodec<unknown>
}

/** @internal */
export class FindReading<A, R> extends DecodedReading<A, R> {
  private readonly collection: MongoCollection.MongoCollection
  readonly shape: Shape
  private readonly filter: unknown

  constructor(
    collection: MongoCollection.MongoCollection,
    origin: Origin,
    policy: DecodePolicy,
    shape: Shape,
    filter: unknown
  ) {
    super(origin, policy)
    this.collection = collection
    this.shape = shape
    this.filter = filter
  }

  override onInvalid(policy: DecodePolicy): FindReading<unknown, R> {
    return new FindReading(this.collection, this.origin, policy, this.shape, this.filter)
  }

  /** What others need to run the query in their own way. */
  found(settings: Integration.Settings): Effect.Effect<Found, Failure, R> {
    const { collection, origin, policy, shape } = this
    return encoded(origin, (operands) => {
      const { codec, filter, options = {} } = this.encode(settings, operands)
      return { collection, origin, policy, shape, filter, options, codec }
    })
  }

  private encode(settings: Integration.Settings, operands: Operands) {
    const filter = encodeFilter(this.shape.read, this.filter, operands)
    const { codec, options } = encodeProjected(this.shape, settings, operands, "")
    return { codec, filter, options }
  }

  /** The name of the collection, with its database. */
  get namespace(): string {
    return this.origin.collection
  }

  protected override source(settings: Integration.Settings): Effect.Effect<Source, Failure, R> {
    return encoded(this.origin, (operands) => {
      const { codec, filter, options } = this.encode(settings, operands)
      const bytes = bytesOf(codec, this.collection, options)
      return { query: this.collection.find(filter, options), codec, bytes }
    })
  }

  protected override lookalike(settings: Integration.Settings): CoreQuery {
    return this.collection.find(this.filter as Driver.Document, settings)
  }
}

/**
 * The stages of a pipeline, and the codec of its results.
 *
 * @internal
 */
export interface Aggregation {
  /** The stages as far as they are known before a run, for printing. */
  readonly shown: ReadonlyArray<Driver.Document>
  /** What a run sends and decodes with. It is asked anew for every run. */
  readonly prepare: (origin: Origin) => Effect.Effect<Prepared, Failure, unknown>
}

interface Prepared {
  readonly codec: DocumentCodec<unknown>
  readonly stages: ReadonlyArray<Driver.Document>
}

/** @internal */
export class AggregateReading<A, R> extends DecodedReading<A, R> {
  /** The collection or the database that the pipeline reads. */
  private readonly reads: MongoCollection.MongoCollection | MongoDatabase.MongoDatabase
  private readonly aggregation: Aggregation

  constructor(
    source: MongoCollection.MongoCollection | MongoDatabase.MongoDatabase,
    origin: Origin,
    policy: DecodePolicy,
    aggregation: Aggregation
  ) {
    super(origin, policy)
    this.reads = source
    this.aggregation = aggregation
  }

  override onInvalid(policy: DecodePolicy): AggregateReading<unknown, R> {
    return new AggregateReading(this.reads, this.origin, policy, this.aggregation)
  }

  protected override source(settings: Integration.Settings): Effect.Effect<Source, Failure, R> {
    return Effect.map(this.aggregation.prepare(this.origin), ({ codec, stages }) => ({
      query: this.reads.aggregate(stages, settings),
      codec,
      bytes: bytesOf(codec, this.reads, settings)
    })) as Effect.Effect<Source, Failure, R>
  }

  protected override lookalike(settings: Integration.Settings): CoreQuery {
    return this.reads.aggregate(this.aggregation.shown, settings)
  }
}
