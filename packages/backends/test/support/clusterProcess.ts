// A runner of a cluster in a process of its own: `clusterProcess.ts DATABASE PORT`.
import { NodeClusterSocket } from "@effect/platform-node"
import { MongoMessageStorage, MongoRunnerStorage } from "@mongofx/backends"
import { MongoClient, MongoDatabase } from "@mongofx/core"
import { Effect, Layer, Redacted } from "effect"
import { ShardingConfig } from "effect/cluster"
import { clusterLive, configOf } from "./cluster.ts"

const [database, port] = process.argv.slice(2) as [string, string]

const shardingConfig = configOf(Number(port))

const Live = Layer.merge(clusterLive, Layer.effectDiscard(Effect.sync(() => process.stdout.write("ready\n")))).pipe(
  Layer.provide(MongoMessageStorage.layerWake),
  Layer.provideMerge(NodeClusterSocket.layer({ storage: "byo", shardingConfig })),
  Layer.provide(MongoMessageStorage.layer),
  Layer.provide(MongoRunnerStorage.layer.pipe(Layer.provide(ShardingConfig.layer(shardingConfig)))),
  Layer.provide(MongoDatabase.layer(database)),
  Layer.provide(MongoClient.layer({
    url: Redacted.make(process.env["MONGODB_URI"]!),
    // A server that says nothing is noticed within some seconds.
    heartbeatFrequency: "1 second",
    connectTimeout: "2 seconds",
    serverSelectionTimeout: "15 seconds"
  }))
)

// No longer than the test.
process.stdin.resume().once("end", () => process.exit(1))
await Effect.runPromise(Layer.launch(Live))
