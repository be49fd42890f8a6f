/** Says how a collection and its indexes are used. */
import { dual } from "effect/Function"
import * as Schema from "effect/Schema"
import * as Bson from "../../Bson.ts"
import type { Pipeline } from "../../Pipeline.ts"
import { addStage } from "../pipeline/pipeline.ts"

/**
 * How often an index was used, on the server that answered.
 *
 * **Example** (Reading what a pipeline by hand gives)
 *
 * ```ts
 * import { Pipeline } from "@mongofx/schema"
 * import { Schema } from "effect"
 *
 * const read = Schema.decodeUnknownSync(Pipeline.IndexStats)
 * ```
 *
 * @see {@link indexStats} for the stage
 * @stability unstable
 * @category schemas
 * @since 0.1.0
 */
export const IndexStats = Schema.Struct({
  name: Schema.String,
  /** The fields of the index. */
  key: Schema.Record(Schema.String, Schema.Unknown),
  host: Schema.String,
  /** The name of the shard, in a sharded cluster. */
  shard: Schema.optionalKey(Schema.String),
  accesses: Schema.Struct({ ops: Schema.Number, since: Bson.Date }),
  spec: Schema.optionalKey(Schema.Record(Schema.String, Schema.Unknown)),
  building: Schema.optionalKey(Schema.Boolean)
})

/**
 * How often an index was used, on the server that answered.
 *
 * @see {@link indexStats} for the stage
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export type IndexStats = typeof IndexStats.Type

/**
 * Gives a document for each index of the collection: how often it was used since the server started or the index was made. It is the
 * first stage.
 *
 * **Example** (Indexes that nothing uses)
 *
 * ```ts
 * import { Bson, Pipeline } from "@mongofx/schema"
 * import { Schema } from "effect"
 *
 * const User = Schema.Struct({ _id: Bson.ObjectId, name: Schema.String })
 *
 * const unused = Pipeline.make(User).pipe(Pipeline.indexStats(), Pipeline.match({ "accesses.ops": 0 }))
 * ```
 *
 * @see {@link collStats} for the collection
 * @stability unstable
 * @category combinators
 * @since 0.1.0
 */
export const indexStats = () => <A, R>(self: Pipeline<A, R>): Pipeline<IndexStats, R> =>
  addStage(self, "$indexStats", () => ({ ast: IndexStats.ast, write: () => ({}) }))

/**
 * What `collStats` asks for.
 *
 * @see {@link collStats} for the stage
 * @stability unstable
 * @category options
 * @since 0.1.0
 */
export interface CollStatsOptions {
  /** How many documents there are. */
  readonly count?: boolean
  /** How long reads, writes and commands took. */
  readonly latencyStats?: boolean
  /** How much space documents and indexes take, in bytes. */
  readonly storageStats?: boolean
  /** How many queries scanned the collection. */
  readonly queryExecStats?: boolean
}

const Latency = Schema.Struct({ latency: Schema.Number, ops: Schema.Number })

const parts = {
  count: Schema.Number,
  latencyStats: Schema.Struct({ reads: Latency, writes: Latency, commands: Latency, transactions: Latency }),
  storageStats: Schema.Struct({
    size: Schema.Number,
    count: Schema.Number,
    avgObjSize: Schema.optionalKey(Schema.Number),
    storageSize: Schema.Number,
    freeStorageSize: Schema.optionalKey(Schema.Number),
    capped: Schema.Boolean,
    nindexes: Schema.Number,
    totalIndexSize: Schema.Number,
    totalSize: Schema.Number,
    indexSizes: Schema.Record(Schema.String, Schema.Number)
  }),
  queryExecStats: Schema.Struct({
    collectionScans: Schema.Struct({ total: Schema.Number, nonTailable: Schema.Number })
  })
}

type Parts = { readonly [Name in keyof typeof parts]: (typeof parts)[Name]["Type"] }

type Asked<O> = { [K in keyof O]: true extends O[K] ? K : never }[keyof O]

type Always = {
  readonly ns: string
  readonly host: string
  readonly shard?: string
  readonly localTime: Date
}

/**
 * The statistics of a collection, with the parts that were asked for.
 *
 * @see {@link collStats} for the stage
 * @stability unstable
 * @category utility types
 * @since 0.1.0
 */
export type CollStats<O> = { [K in keyof (Always & Pick<Parts, Asked<O> & keyof Parts>)]: (Always & Parts)[K] }

/**
 * Gives the statistics of the collection, one document for each shard. It is the first stage.
 *
 * **Example** (The space of a collection)
 *
 * ```ts
 * import { Bson, Pipeline } from "@mongofx/schema"
 * import { Schema } from "effect"
 *
 * const User = Schema.Struct({ _id: Bson.ObjectId, name: Schema.String })
 *
 * const space = Pipeline.make(User).pipe(
 *   Pipeline.collStats({ storageStats: true }),
 *   Pipeline.project({ "storageStats.totalSize": 1 })
 * )
 * ```
 *
 * @see {@link indexStats} for its indexes
 * @stability unstable
 * @category combinators
 * @since 0.1.0
 */
export const collStats: {
  <const O extends CollStatsOptions>(options: O): <A, R>(self: Pipeline<A, R>) => Pipeline<CollStats<O>, R>
  <A, R, const O extends CollStatsOptions>(self: Pipeline<A, R>, options: O): Pipeline<CollStats<O>, R>
} = dual(2, (self: unknown, options: CollStatsOptions) =>
  addStage(self, "$collStats", () => {
    const asked = (Object.keys(parts) as Array<keyof typeof parts>).filter((name) => options[name] === true)
    const schema = Schema.Struct({
      ns: Schema.String,
      host: Schema.String,
      shard: Schema.optionalKey(Schema.String),
      localTime: Bson.Date,
      ...Object.fromEntries(asked.map((name) => [name, parts[name]]))
    })
    return { ast: schema.ast, write: () => Object.fromEntries(asked.map((name) => [name, {}])) }
  }))
