// What they write with mongofx: each row is run by website/test/comingFrom.test.ts. The comment of a row is the sentence below it.
import {
  MongoCircuitBreaker,
  MongoKeyValueStore,
  MongoMessageStorage,
  MongoPersistedQueue,
  MongoPersistence,
  MongoRateLimiter,
  MongoRunnerStorage,
  MongoSingleRunner
} from "@mongofx/backends"
import { MongoClient, MongoDatabase } from "@mongofx/core"
import { Config, Layer } from "effect"
import { Chat } from "effect/ai"
import { ClusterWorkflowEngine, ShardingConfig } from "effect/cluster"

// #region setup
export const Database = MongoDatabase.layer("app").pipe(
  Layer.provideMerge(MongoClient.layerConfig({ url: Config.Redacted("MONGODB_URI") }))
)
// #endregion setup

export const rows = {
  "Coming from Effect's SQL or Redis layers": {
    // A change stream wakes workers. The SQL store polls.
    "Queues": MongoPersistedQueue.layer,
    "The store of queues, with settings": MongoPersistedQueue.layerStoreWith({
      collectionName: "jobs",
      lockExpiration: "1 minute"
    }),
    "Caches and resolvers": MongoPersistence.layer,
    // The server deletes what is over: there is no fiber that does.
    "Chats": Layer.provide(Chat.layerPersisted({ storeId: "chats" }), MongoPersistence.layerBacking),
    // There is no layer for SQL.
    "Rate limits": MongoRateLimiter.layerWith({ collectionName: "limits" }),
    "The store of circuits": MongoCircuitBreaker.layerStore,
    "Values by key": MongoKeyValueStore.layerWith({ collectionName: "settings" }),
    // It wakes its entities by a change stream, too.
    "A cluster of one process": MongoSingleRunner.layer(),
    "Workflows": Layer.provide(ClusterWorkflowEngine.layer, MongoSingleRunner.layer()),
    // Provide `MongoMessageStorage.layerWakeWith` with the same prefix beside it. It needs no `Digest`.
    "The messages of a cluster": MongoMessageStorage.layerWith({ prefix: "billing" }),
    "The runners of a cluster": Layer.provide(MongoRunnerStorage.layer, ShardingConfig.layer())
  }
}
