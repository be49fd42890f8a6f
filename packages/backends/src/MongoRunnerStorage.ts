/**
 * The `RunnerStorage` of Effect Cluster on MongoDB: which runners there are, and which of them has which shard.
 *
 * @since 0.1.0
 */
import { MongoDatabase } from "@mongofx/core"
import { isArrayNonEmpty } from "effect/Array"
import * as RunnerStorage from "effect/cluster/RunnerStorage"
import * as ShardingConfig from "effect/cluster/ShardingConfig"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import { failing } from "./internal/mailbox.ts"
import { newOwner } from "./internal/owners.ts"
import {
  freeFor,
  giving,
  heldBy,
  keeping,
  type LockDocument,
  notSeenWithin,
  type Owner,
  registering,
  type RunnerDocument,
  seen,
  seenWithin,
  taking
} from "./internal/shardLocks.ts"
import { makeStore, upserting } from "./internal/store.ts"

/**
 * Settings of the layers.
 *
 * @see {@link layerWith} for the layer that takes them
 *
 * @stability unstable
 * @category options
 * @since 0.1.0
 */
export interface Options {
  /** How the names of the collections begin, `cluster` by default: `cluster_runners`, `cluster_locks` and `cluster_counters`. */
  readonly prefix?: string | undefined
}

const makeStorage = Effect.fnUntraced(function*({ prefix = "cluster" }: Options) {
  const database = yield* MongoDatabase.MongoDatabase
  const config = yield* ShardingConfig.ShardingConfig
  const expiration = Duration.fromInputUnsafe(config.shardLockExpiration)
  // In milliseconds. The server counts no smaller ones.
  const lease = Math.max(1, Math.ceil(Duration.toMillis(expiration)))
  // A runner that waited longer could not stop its entities before its locks are over.
  const deadline = Duration.min(
    Duration.fromInputUnsafe(config.shardLockRefreshInterval),
    Duration.divideUnsafe(expiration, 3)
  )
  const options = { deadline }
  const { collection: runners, run } = makeStore<RunnerDocument>(database, `${prefix}_runners`, options)
  const { collection: locks } = makeStore<LockDocument>(database, `${prefix}_locks`, options)
  const { collection: counters } = makeStore<{ readonly _id: string; readonly value: number }>(
    database,
    `${prefix}_counters`,
    options
  )
  const process = yield* newOwner(locks.fullName)
  const ownerOf = (address: string): Owner => ({ owner: process, address })

  const machineIdOf = Effect.fnUntraced(function*(address: string, runner: string, healthy: boolean) {
    const known = yield* runners.findOneAndUpdate({ _id: address }, registering(runner, healthy), {
      returnDocument: "after"
    })
    if (Option.isSome(known)) return known.value.machineId
    const next = yield* upserting(counters.findOneAndUpdate(
      { _id: "machineId" },
      { $inc: { value: 1 } },
      { upsert: true, returnDocument: "after" }
    ))
    const added = yield* upserting(runners.findOneAndUpdate(
      { _id: address },
      registering(runner, healthy, Option.getOrThrow(next).value),
      { upsert: true, returnDocument: "after" }
    ))
    return Option.getOrThrow(added).machineId
  })

  /** The shards of these that are held, in their order. */
  const held = (owner: Owner, shardIds: ReadonlyArray<string>) =>
    Effect.map(
      locks.find({ _id: { $in: [...shardIds] }, ...heldBy(owner) }).project<{ readonly _id: string }>({ _id: 1 }),
      (found) => {
        const ids = new Set(found.map(({ _id }) => _id))
        return shardIds.filter((id) => ids.has(id))
      }
    )

  const acquire = Effect.fnUntraced(function*(owner: Owner, shardIds: ReadonlyArray<string>) {
    const update = taking(owner, lease)
    const { matchedCount } = yield* locks.updateMany({ _id: { $in: [...shardIds] }, ...freeFor(owner) }, update)
    if (matchedCount < shardIds.length) {
      const found = yield* locks.find({ _id: { $in: [...shardIds] } }).project<{ readonly _id: string }>({ _id: 1 })
      const known = new Set(found.map(({ _id }) => _id))
      const missing = shardIds.filter((id) => !known.has(id)).map((_id) => ({
        updateOne: { filter: { _id }, update, upsert: true }
      }))
      if (isArrayNonEmpty(missing)) yield* upserting(locks.bulkWrite(missing, { ordered: false }))
    }
    return yield* held(owner, shardIds)
  })

  const refresh = Effect.fnUntraced(function*(owner: Owner, shardIds: ReadonlyArray<string>) {
    yield* runners.updateOne({ _id: owner.address }, seen)
    if (shardIds.length === 0) return []
    const { matchedCount } = yield* locks.updateMany(
      { _id: { $in: [...shardIds] }, ...heldBy(owner) },
      keeping(lease)
    )
    return matchedCount === 0 ? [] : yield* held(owner, shardIds)
  })

  return RunnerStorage.makeEncoded({
    getRunners: Effect.map(
      runners.find(seenWithin(lease)).sort({ machineId: 1 }),
      (all) => all.map(({ healthy, runner }) => [runner, healthy] as const)
    ).pipe(run, failing),
    register: (address, runner, healthy) => machineIdOf(address, runner, healthy).pipe(run, failing),
    unregister: (address) =>
      runners.deleteMany({ $or: [{ _id: address }, notSeenWithin(lease)] }).pipe(Effect.asVoid, run, failing),
    setRunnerHealth: (address, healthy) =>
      runners.updateOne({ _id: address }, { $set: { healthy } }).pipe(Effect.asVoid, run, failing),
    // An update that goes on after the end would take locks that `releaseAll` has given back.
    acquire: (address, shardIds) => acquire(ownerOf(address), shardIds).pipe(run, failing, Effect.uninterruptible),
    refresh: (address, shardIds) => refresh(ownerOf(address), shardIds).pipe(run, failing),
    release: (address, shardId) =>
      locks.updateOne({ _id: shardId, ...ownerOf(address) }, giving).pipe(Effect.asVoid, run, failing),
    releaseAll: (address) => locks.updateMany(ownerOf(address), giving).pipe(Effect.asVoid, run, failing)
  })
})

/**
 * Keeps the runners of a cluster and their locks in collections, with settings.
 *
 * **Example** (Two clusters in a database)
 *
 * ```ts
 * import { MongoRunnerStorage } from "@mongofx/backends"
 *
 * const Runners = MongoRunnerStorage.layerWith({ prefix: "billing" })
 * ```
 *
 * @see {@link layer} for the same without settings, and for what is stored
 *
 * @stability unstable
 * @category layers
 * @since 0.1.0
 */
export const layerWith = (
  options: Options
): Layer.Layer<
  RunnerStorage.RunnerStorage,
  never,
  MongoDatabase.MongoDatabase | ShardingConfig.ShardingConfig
> => Layer.effect(RunnerStorage.RunnerStorage, makeStorage(options))

/**
 * Keeps the runners of a cluster and their locks in the collections `cluster_runners` and `cluster_locks`.
 *
 * **When to use**
 *
 * Use it with `MongoMessageStorage` for a cluster of several processes. `MongoSingleRunner` has all that one process needs.
 *
 * **Details**
 *
 * A lock is a lease of `shardLockExpiration` of the `ShardingConfig`, by the server's clock, and belongs to this process alone. A lease that ran out is lost, and is not
 * renewed: so a process that was stopped for longer gives its shards up when it goes on, and no shard has two owners. `MongoMessageStorage` of the same database and prefix gives a process only messages of shards whose
 * locks it holds. The document of a lock has a `fence`, which counts its owners.
 *
 * A runner that has not renewed its locks for `shardLockExpiration` is not listed any more. The number of its machine is the same for the same address as long as
 * it is registered.
 *
 * Every operation leaves the transaction around it, has a deadline of `shardLockRefreshInterval` or a third of `shardLockExpiration`, whichever is shorter, and makes no
 * spans. It fails with a `PersistenceError` whose `cause` is the `MongoError`. Who is interrupted while it asks for locks waits for the answer, at most for the deadline: so it can give
 * them back.
 *
 * **Gotchas**
 *
 * A process that was killed keeps its shards until their leases are over, also from the next process at the same address. One that ends properly gives them back
 * at once. Shorten `shardLockExpiration` if that is too long.
 *
 * A process that was stopped for longer than its leases cannot know that before it goes on, so it may end a handler beside the next owner of the shard. It reads no
 * new messages, only the first exit of a request counts, and what a handler with `ClusterSchema.WithTransaction` has written is there with its exit or not at all. Other effects of
 * handlers may take place twice.
 *
 * All runners of a cluster need the same `shardLockExpiration`.
 *
 * **Example** (What a runner of a cluster needs)
 *
 * ```ts
 * import { MongoMessageStorage, MongoRunnerStorage } from "@mongofx/backends"
 * import { MongoClient, MongoDatabase } from "@mongofx/core"
 * import { Config, Layer } from "effect"
 *
 * // For instance for `NodeClusterSocket.layer({ storage: "byo" })` of `@effect/platform-node`.
 * const Storage = Layer.mergeAll(MongoRunnerStorage.layer, MongoMessageStorage.layer).pipe(
 *   Layer.provide(MongoDatabase.layer("app")),
 *   Layer.provide(MongoClient.layerConfig({ url: Config.Redacted("MONGODB_URI") }))
 * )
 * ```
 *
 * @see {@link layerWith} for settings
 *
 * @stability unstable
 * @category layers
 * @since 0.1.0
 */
export const layer: Layer.Layer<
  RunnerStorage.RunnerStorage,
  never,
  MongoDatabase.MongoDatabase | ShardingConfig.ShardingConfig
> = layerWith({})
