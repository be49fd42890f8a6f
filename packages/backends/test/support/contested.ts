/**
 * Locks for which two storages ask.
 */
import { MongoRunnerStorage } from "@mongofx/backends"
import { MongoDatabase } from "@mongofx/core"
import { Context, Effect, Layer } from "effect"
import { RunnerAddress, RunnerStorage, ShardId, ShardingConfig } from "effect/cluster"
import { lockChanges, lockProblems } from "./clusterLog.ts"
import type { Site } from "./clusterWork.ts"

const shards = [1, 2, 3].map((id) => ShardId.make("default", id))

const newStorage = ({ db }: Site) =>
  Effect.map(
    Layer.build(MongoRunnerStorage.layer.pipe(
      Layer.provide(Layer.succeed(MongoDatabase.MongoDatabase, db)),
      Layer.provide(ShardingConfig.layer({ shardLockExpiration: "3 seconds" }))
    )),
    Context.get(RunnerStorage.RunnerStorage)
  )

/** What a storage without the condition of the lease does. */
const steal = ({ data }: Site) =>
  Effect.promise(() =>
    data.collection("cluster_locks").updateMany({}, [{
      $set: { owner: "thief", fence: { $add: ["$fence", 1] }, expiresAt: { $add: ["$$NOW", 3000] } }
    }])
  )

/** What is wrong with the locks after a second storage has taken them: while the first one has them, or when it may. */
export const contested = Effect.fnUntraced(function*(site: Site, how: "steals" | "waits") {
  const [first, second] = [yield* newStorage(site), yield* newStorage(site)]
  const [mine, yours] = [RunnerAddress.make("host", 1), RunnerAddress.make("host", 2)]
  yield* first.acquire(mine, shards)
  yield* first.release(mine, shards[0]!)
  yield* first.refresh(mine, shards)
  if (how === "steals") yield* steal(site)
  else yield* Effect.repeat(second.acquire(yours, shards), { until: (got) => got.length === shards.length })
  return lockProblems(yield* Effect.promise(() => lockChanges(site)))
})
