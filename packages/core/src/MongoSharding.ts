/**
 * Sharded clusters: which collections are spread over shards, by which key, and where their documents are. The driver has only commands for this.
 *
 * A router (`mongos`) takes these operations. Any other server refuses them with an `InvalidCommandError` that says so.
 *
 * @since 0.1.0
 */
import type * as Duration from "effect/Duration"
import type * as Effect from "effect/Effect"
import type * as Option from "effect/Option"
import type * as Driver from "mongodb"
import * as internal from "./internal/handle/sharding.ts"
import type { MongoClient } from "./MongoClient.ts"
import type { MongoCollection } from "./MongoCollection.ts"
import type { MongoError } from "./MongoError.ts"

/**
 * The key of a sharded collection: its fields in their order, each by its value (`1`) or by the hash of its value. One field can be hashed.
 *
 * @see `TypedCollection.CollectionOptions` of `@mongofx/schema` for collections that know their key
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export type ShardKey = Readonly<Record<string, 1 | "hashed">>

/**
 * Options of `shardCollection`.
 *
 * @see {@link shardCollection} which takes them
 *
 * @stability unstable
 * @category options
 * @since 0.1.0
 */
export interface ShardCollectionOptions {
  /** Whether no two documents may have the same key. A key with a hashed field cannot be unique. */
  readonly unique?: boolean | undefined
  /** `{ locale: "simple" }` if the collection has another collation by default: a shard key is always compared as it is. */
  readonly collation?: Driver.CollationOptions | undefined
  /** For a hashed key in an empty collection with zones: whether each zone gets its chunks at once. */
  readonly presplitHashedZones?: boolean | undefined
}

/**
 * Options of `reshardCollection`.
 *
 * @see {@link reshardCollection} which takes them
 *
 * @stability unstable
 * @category options
 * @since 0.1.0
 */
export interface ReshardCollectionOptions {
  /** In how many chunks the documents begin: 90 by default. */
  readonly numInitialChunks?: number | undefined
  /** `{ locale: "simple" }` if the collection has another collation by default. */
  readonly collation?: Driver.CollationOptions | undefined
  /** Whether the documents are spread anew over the shards by the same key. The server refuses it for another key. Needs MongoDB 8.0. */
  readonly forceRedistribution?: boolean | undefined
}

/**
 * A shard of the cluster.
 *
 * @see {@link listShards} which finds them
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface Shard {
  /** The name of the shard. */
  readonly name: string
  /** Its replica set and members: `shard0/a.example:27018,b.example:27018`. */
  readonly host: string
  /** The zones that it belongs to. */
  readonly zones: ReadonlyArray<string>
  /** Whether its documents are moving to the other shards, so that it can be removed. */
  readonly isDraining: boolean
}

/**
 * What one shard holds of a collection.
 *
 * @see {@link distribution} which asks for it
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface ShardShare {
  /** The name of the shard. */
  readonly shard: string
  /** How many documents it owns. */
  readonly documents: number
  /** The size of these documents without compression: bytes. */
  readonly bytes: number
  /** Documents that have moved to another shard and are not removed yet. Reads leave them out. */
  readonly orphanedDocuments: number
}

/**
 * How a collection is sharded.
 *
 * @see {@link shardKeyOf} which asks for it
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface ShardedCollection {
  /** The shard key. */
  readonly key: ShardKey
  /** Whether no two documents may have the same key. */
  readonly isUnique: boolean
}

/**
 * Documents with keys from `min` up to, but without `max`, and the zone whose shards hold them.
 *
 * @see {@link updateZoneKeyRange} which takes it
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface ZoneKeyRange {
  /** The first key: a value for each field, `MinKey` for the lowest one. */
  readonly min: Driver.Document
  /** The key after the last one, `MaxKey` for the end. */
  readonly max: Driver.Document
  /** The zone; `null` removes the range. */
  readonly zone: string | null
}

/**
 * How far a `reshardCollection` is.
 *
 * @see {@link reshardingProgress} which asks for it
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface ReshardingProgress {
  /** How many documents are copied. */
  readonly documents: number
  /** How many documents there are to copy, by an estimate. */
  readonly totalDocuments: number
  /** How many bytes are copied. */
  readonly bytes: number
  /** How many bytes there are to copy, by an estimate. */
  readonly totalBytes: number
  /** How long it runs: whole seconds. */
  readonly elapsed: Duration.Duration
  /** How long it will still take, once every shard that takes documents has an estimate. */
  readonly remaining: Option.Option<Duration.Duration>
  /** What the shards do, in the words of the server: those that give documents, and those that take some. */
  readonly states: ReadonlyArray<{
    readonly shard: string
    readonly role: "donor" | "recipient"
    readonly state: string
  }>
}

/**
 * Spreads a collection over the shards by a key. Succeeds if it is sharded by this key already.
 *
 * **When to use**
 *
 * Use it when a program is deployed, before the collection is large. The key decides which reads and writes ask one shard only. It can be made
 * longer later, by `refineCollectionShardKey`, or replaced at the cost of copying everything, by `reshardCollection`.
 *
 * **Details**
 *
 * An empty collection gets the index of the key if it has none; one with documents needs the index before. With a hashed key the documents of an empty
 * collection go to all shards from the beginning.
 *
 * Fails with an `InvalidArgumentError` for a malformed key, with an `InvalidCommandError` if the collection is sharded by another key or has no index for
 * this one, and if the server is not a router.
 *
 * **Gotchas**
 *
 * Every unique index must begin with the shard key. The server does not compare other values over shards, save `_id`s if they are the key.
 *
 * **Example** (Orders by their customer)
 *
 * ```ts
 * import { MongoDatabase, MongoSharding } from "@mongofx/core"
 * import { Effect } from "effect"
 *
 * const program = Effect.gen(function*() {
 *   const db = yield* MongoDatabase.MongoDatabase
 *   yield* MongoSharding.shardCollection(db.collection("orders"), { customer: 1, _id: 1 })
 * })
 * ```
 *
 * @see {@link distribution} for where the documents are
 * @see {@link refineCollectionShardKey} for a longer key
 *
 * @stability unstable
 * @category combinators
 * @since 0.1.0
 */
export const shardCollection: <A extends Driver.Document>(
  collection: MongoCollection<A>,
  key: ShardKey,
  options?: ShardCollectionOptions
) => Effect.Effect<void, MongoError> = internal.shardCollection

/**
 * Adds fields to the end of a collection's shard key, so that documents that agree in the old key can be on different shards. Nothing moves at first.
 *
 * **Details**
 *
 * `key` is the whole new key, which begins with the old one. Succeeds if the collection has this key already.
 *
 * Fails with an `InvalidCommandError` if the key does not begin with the old one or has no index, if the collection is not sharded, and if the server is
 * not a router.
 *
 * **Example** (Many orders of one customer)
 *
 * ```ts
 * import { MongoDatabase, MongoSharding } from "@mongofx/core"
 * import { Effect } from "effect"
 *
 * const program = Effect.gen(function*() {
 *   const orders = (yield* MongoDatabase.MongoDatabase).collection("orders")
 *   yield* orders.createIndex({ customer: 1, _id: 1 })
 *   yield* MongoSharding.refineCollectionShardKey(orders, { customer: 1, _id: 1 })
 * })
 * ```
 *
 * @see {@link reshardCollection} for another key
 *
 * @stability unstable
 * @category combinators
 * @since 0.1.0
 */
export const refineCollectionShardKey: <A extends Driver.Document>(
  collection: MongoCollection<A>,
  key: ShardKey
) => Effect.Effect<void, MongoError> = internal.refineCollectionShardKey

/**
 * Gives a collection another shard key: the shards copy all documents, and take writes until the copy is complete. Succeeds when that is done, which
 * takes five minutes at least unless the servers are set up otherwise (`reshardingMinimumOperationDurationMillis`).
 *
 * **Details**
 *
 * Each shard needs room for its part of the copy. Before MongoDB 8.0 the collection needs an index for the new key.
 *
 * When it is interrupted, the cluster goes on. The same call again waits for the rest, and `abortReshardCollection` ends it.
 *
 * Fails with a `ServerError` when it is aborted or cannot go on, with a `NamespaceNotFoundError` if the collection is not sharded, and with an
 * `InvalidCommandError` if the server is not a router.
 *
 * **Gotchas**
 *
 * Writes wait at the end, for two seconds in general. The server gives up after five (`reshardingCriticalSectionTimeoutMillis`).
 *
 * **Example** (Watching how far it is)
 *
 * ```ts
 * import { MongoDatabase, MongoSharding } from "@mongofx/core"
 * import { Console, Effect, Option, Schedule } from "effect"
 *
 * const program = Effect.gen(function*() {
 *   const orders = (yield* MongoDatabase.MongoDatabase).collection("orders")
 *   const report = Effect.flatMap(MongoSharding.reshardingProgress(orders), (progress) =>
 *     Option.isNone(progress)
 *       ? Effect.void
 *       : Console.log(`${progress.value.documents} of ${progress.value.totalDocuments}`))
 *   yield* Effect.raceFirst(
 *     MongoSharding.reshardCollection(orders, { region: 1, _id: 1 }),
 *     Effect.andThen(Effect.repeat(report, Schedule.spaced("10 seconds")), Effect.never)
 *   )
 * })
 * ```
 *
 * @see {@link reshardingProgress} for how far it is
 * @see {@link abortReshardCollection} for how to end it
 *
 * @stability unstable
 * @category combinators
 * @since 0.1.0
 */
export const reshardCollection: <A extends Driver.Document>(
  collection: MongoCollection<A>,
  key: ShardKey,
  options?: ReshardCollectionOptions
) => Effect.Effect<void, MongoError> = internal.reshardCollection

/**
 * Ends a `reshardCollection`. The collection keeps its old key.
 *
 * **Details**
 *
 * Fails with an `InvalidCommandError` if the collection is not being resharded, with a `NamespaceNotFoundError` if it is not sharded, and with an
 * `InvalidCommandError` if the server is not a router.
 *
 * **Example** (Not today)
 *
 * ```ts
 * import { MongoDatabase, MongoSharding } from "@mongofx/core"
 * import { Effect } from "effect"
 *
 * const stop = Effect.flatMap(
 *   MongoDatabase.MongoDatabase,
 *   (db) => MongoSharding.abortReshardCollection(db.collection("orders"))
 * )
 * ```
 *
 * @see {@link reshardCollection} which it ends
 *
 * @stability unstable
 * @category combinators
 * @since 0.1.0
 */
export const abortReshardCollection: <A extends Driver.Document>(
  collection: MongoCollection<A>
) => Effect.Effect<void, MongoError> = internal.abortReshardCollection

/**
 * How far the `reshardCollection` of a collection is, whoever has begun it. `None` if it is not being resharded.
 *
 * **Details**
 *
 * The numbers are those of `$currentOp` of all shards, added up. They are zero as long as no shard has begun to take documents, and again once all
 * have taken theirs. Fails as every command does.
 *
 * **Example** (The share that is copied)
 *
 * ```ts
 * import { MongoDatabase, MongoSharding } from "@mongofx/core"
 * import { Effect, Option } from "effect"
 *
 * const share = Effect.gen(function*() {
 *   const orders = (yield* MongoDatabase.MongoDatabase).collection("orders")
 *   return Option.map(
 *     yield* MongoSharding.reshardingProgress(orders),
 *     ({ bytes, totalBytes }) => totalBytes === 0 ? 0 : Math.min(1, bytes / totalBytes)
 *   )
 * })
 * ```
 *
 * @see {@link reshardCollection} which begins it
 *
 * @stability unstable
 * @category getters
 * @since 0.1.0
 */
export const reshardingProgress: <A extends Driver.Document>(
  collection: MongoCollection<A>
) => Effect.Effect<Option.Option<ReshardingProgress>, MongoError> = internal.reshardingProgress

/**
 * The shards of the cluster, with their zones.
 *
 * **Details**
 *
 * Fails with an `InvalidCommandError` if the server is not a router.
 *
 * **Example** (The names of the shards)
 *
 * ```ts
 * import { MongoClient, MongoSharding } from "@mongofx/core"
 * import { Effect } from "effect"
 *
 * const names = Effect.gen(function*() {
 *   const shards = yield* MongoSharding.listShards(yield* MongoClient.MongoClient)
 *   return shards.map(({ name }) => name)
 * })
 * ```
 *
 * @see {@link distribution} for what they hold of a collection
 *
 * @stability unstable
 * @category getters
 * @since 0.1.0
 */
export const listShards: (client: MongoClient) => Effect.Effect<Array<Shard>, MongoError> = internal.listShards

/**
 * What each shard holds of a collection, by the names of the shards. Empty if the collection is not sharded.
 *
 * **Details**
 *
 * The numbers come from the metadata of the shards: reading them is cheap, and after an unclean shutdown they may be wrong. Needs MongoDB 6.0.3.
 *
 * Fails with an `InvalidCommandError` if the server is not a router.
 *
 * **Example** (Whether the load is even)
 *
 * ```ts
 * import { MongoDatabase, MongoSharding } from "@mongofx/core"
 * import { Console, Effect } from "effect"
 *
 * const program = Effect.gen(function*() {
 *   const orders = (yield* MongoDatabase.MongoDatabase).collection("orders")
 *   for (const { bytes, documents, shard } of yield* MongoSharding.distribution(orders)) {
 *     yield* Console.log(`${shard}: ${documents} documents, ${bytes} bytes`)
 *   }
 * })
 * ```
 *
 * @see {@link listShards} for all shards of the cluster
 *
 * @stability unstable
 * @category getters
 * @since 0.1.0
 */
export const distribution: <A extends Driver.Document>(
  collection: MongoCollection<A>
) => Effect.Effect<Array<ShardShare>, MongoError> = internal.distribution

/**
 * The shard key of a collection. `None` if it is not sharded, or if the server is not a router.
 *
 * **Details**
 *
 * It reads `config.collections`, which the user must be allowed to read. Fails as every read does.
 *
 * **Example** (Sharding once)
 *
 * ```ts
 * import { MongoDatabase, MongoSharding } from "@mongofx/core"
 * import { Effect, Option } from "effect"
 *
 * const isSharded = Effect.gen(function*() {
 *   const orders = (yield* MongoDatabase.MongoDatabase).collection("orders")
 *   return Option.isSome(yield* MongoSharding.shardKeyOf(orders))
 * })
 * ```
 *
 * @see {@link shardCollection} which sets it
 *
 * @stability unstable
 * @category getters
 * @since 0.1.0
 */
export const shardKeyOf: <A extends Driver.Document>(
  collection: MongoCollection<A>
) => Effect.Effect<Option.Option<ShardedCollection>, MongoError> = internal.shardKeyOf

/**
 * Makes a shard part of a zone. A shard can belong to several zones.
 *
 * **Details**
 *
 * Fails with an `InvalidCommandError` if there is no such shard, and if the server is not a router.
 *
 * **Example** (A shard in Europe)
 *
 * ```ts
 * import { MongoClient, MongoSharding } from "@mongofx/core"
 * import { Effect } from "effect"
 *
 * const program = Effect.flatMap(
 *   MongoClient.MongoClient,
 *   (mongo) => MongoSharding.addShardToZone(mongo, "shard0", "EU")
 * )
 * ```
 *
 * @see {@link updateZoneKeyRange} for the documents of a zone
 * @see {@link removeShardFromZone} for the way back
 *
 * @stability unstable
 * @category combinators
 * @since 0.1.0
 */
export const addShardToZone: (client: MongoClient, shard: string, zone: string) => Effect.Effect<void, MongoError> =
  internal.addShardToZone

/**
 * Takes a shard out of a zone. Succeeds if it is not in it.
 *
 * **Details**
 *
 * Fails with an `InvalidCommandError` if it is the last shard of a zone that has ranges of keys, if there is no such shard, and if the server is not a router.
 *
 * **Example** (A shard for all)
 *
 * ```ts
 * import { MongoClient, MongoSharding } from "@mongofx/core"
 * import { Effect } from "effect"
 *
 * const program = Effect.flatMap(
 *   MongoClient.MongoClient,
 *   (mongo) => MongoSharding.removeShardFromZone(mongo, "shard0", "EU")
 * )
 * ```
 *
 * @see {@link addShardToZone} for the other way
 *
 * @stability unstable
 * @category combinators
 * @since 0.1.0
 */
export const removeShardFromZone: (
  client: MongoClient,
  shard: string,
  zone: string
) => Effect.Effect<void, MongoError> = internal.removeShardFromZone

/**
 * Says which zone holds the documents of a collection whose keys lie in a range. The balancer then moves them, in the background.
 *
 * **When to use**
 *
 * Use it before `shardCollection`, while the collection is empty: the documents are in their zones from the beginning then.
 *
 * **Details**
 *
 * The range begins at `min` and ends before `max`. Documents of no range can be on any shard. `zone: null` removes exactly this range.
 *
 * Fails with an `InvalidArgumentError` if `min` or `max` has no fields, and with an `InvalidCommandError` if their fields are not those of the shard key,
 * if the range overlaps another one, if no shard is in the zone, and if the server is not a router.
 *
 * **Example** (European customers in Europe)
 *
 * ```ts
 * import { MongoDatabase, MongoSharding } from "@mongofx/core"
 * import { Effect } from "effect"
 * import { MaxKey, MinKey } from "mongodb"
 *
 * const program = Effect.gen(function*() {
 *   const orders = (yield* MongoDatabase.MongoDatabase).collection("orders")
 *   yield* MongoSharding.updateZoneKeyRange(orders, {
 *     min: { region: "EU", customer: new MinKey() },
 *     max: { region: "EU", customer: new MaxKey() },
 *     zone: "EU"
 *   })
 *   yield* MongoSharding.shardCollection(orders, { region: 1, customer: 1 })
 * })
 * ```
 *
 * @see {@link addShardToZone} for the shards of a zone
 *
 * @stability unstable
 * @category combinators
 * @since 0.1.0
 */
export const updateZoneKeyRange: <A extends Driver.Document>(
  collection: MongoCollection<A>,
  range: ZoneKeyRange
) => Effect.Effect<void, MongoError> = internal.updateZoneKeyRange
