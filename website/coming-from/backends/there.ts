// What they write with Effect's layers on SQL and Redis: compiled, and not run. `here.ts` has the same rows with mongofx.
import { NodeRedis } from "@effect/platform-node"
import { Config, Layer } from "effect"
import { Chat } from "effect/ai"
import {
  ClusterWorkflowEngine,
  ShardingConfig,
  SingleRunner,
  SqlMessageStorage,
  SqlRunnerStorage
} from "effect/cluster"
import { CircuitBreaker, KeyValueStore, PersistedQueue, Persistence, RateLimiter } from "effect/persistence"

// #region setup
export const Redis = NodeRedis.layerConfig({ url: Config.String("REDIS_URI") })
// #endregion setup

export const rows = {
  "Coming from Effect's SQL or Redis layers": {
    "Queues": Layer.provide(PersistedQueue.layer, PersistedQueue.layerStoreSql()),
    "The store of queues, with settings": PersistedQueue.layerStoreSql({
      tableName: "jobs",
      lockExpiration: "1 minute"
    }),
    "Caches and resolvers": Persistence.layerSql,
    "Chats": Layer.provide(Chat.layerPersisted({ storeId: "chats" }), Persistence.layerBackingRedis),
    "Rate limits": Layer.provide(RateLimiter.layer, RateLimiter.layerStoreRedis({ prefix: "limits:" })),
    "The store of circuits": CircuitBreaker.layerStoreRedis(),
    "Values by key": KeyValueStore.layerSql({ table: "settings" }),
    "A cluster of one process": SingleRunner.layer({ runnerStorage: "sql" }),
    "Workflows": Layer.provide(ClusterWorkflowEngine.layer, SingleRunner.layer({ runnerStorage: "sql" })),
    "The messages of a cluster": SqlMessageStorage.layerWith({ prefix: "billing" }),
    "The runners of a cluster": Layer.provide(SqlRunnerStorage.layer, ShardingConfig.layer())
  }
}
