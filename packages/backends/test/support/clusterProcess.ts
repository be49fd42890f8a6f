// A runner of a cluster in a process of its own: `clusterProcess.ts DATABASE PORT`.
import { NodeClusterSocket } from "@effect/platform-node"
import { MongoMessageStorage, MongoRunnerStorage } from "@mongofx/backends"
import { MongoClient, MongoDatabase } from "@mongofx/core"
import { Effect, Layer, Redacted } from "effect"
import { ClusterWorkflowEngine, ShardingConfig } from "effect/cluster"
import { configOf, counterLive, orderLive } from "./cluster.ts"

const [database, port] = process.argv.slice(2) as [string, string]

const shardingConfig = configOf(Number(port))

const Live = Layer.mergeAll(
  counterLive,
  orderLive.pipe(Layer.provide(ClusterWorkflowEngine.layer)),
  Layer.effectDiscard(Effect.sync(() => process.stdout.write("ready\n")))
).pipe(
  Layer.provide(MongoMessageStorage.layerWake),
  Layer.provideMerge(NodeClusterSocket.layer({ storage: "byo", shardingConfig })),
  Layer.provide(MongoMessageStorage.layer),
  Layer.provide(MongoRunnerStorage.layer.pipe(Layer.provide(ShardingConfig.layer(shardingConfig)))),
  Layer.provide(MongoDatabase.layer(database)),
  Layer.provide(MongoClient.layer({ url: Redacted.make(process.env["MONGODB_URI"]!) }))
)

// No longer than the test.
process.stdin.resume().once("end", () => process.exit(1))
await Effect.runPromise(Layer.launch(Live))
