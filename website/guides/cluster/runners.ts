import { NodeClusterSocket, NodeRuntime } from "@effect/platform-node"
import { MongoMessageStorage, MongoRunnerStorage } from "@mongofx/backends"
import { MongoClient, MongoDatabase } from "@mongofx/core"
import { Config, Console, Effect, Exit, Layer, Option, References, Schema, Scope } from "effect"
import { ClusterSchema, Entity, RunnerAddress, ShardingConfig } from "effect/cluster"
import { Rpc } from "effect/rpc"
import { createServer } from "node:net"

const Greeter = Entity.make("Greeter", [
  Rpc.make("greet", { payload: { id: Schema.String }, success: Schema.String, primaryKey: ({ id }) => id })
]).annotateRpcs(ClusterSchema.Persisted, true)

const greeterLive = (runner: string) =>
  Greeter.toLayer(Effect.map(Entity.CurrentAddress, ({ entityId }) => ({
    greet: () => Effect.succeed(`${entityId} greets in ${runner}`)
  })))

// #region settings
/** All processes of a cluster have the same settings, save the address. */
const settings = {
  shardsPerGroup: 30,
  shardLockExpiration: "6 seconds",
  shardLockRefreshInterval: "2 seconds",
  refreshAssignmentsInterval: "500 millis",
  entityTerminationTimeout: "1 second"
} as const
// #endregion settings

// #region storage
const Database = MongoDatabase.layer("greetings").pipe(
  Layer.provide(MongoClient.layerConfig({ url: Config.Redacted("MONGODB_URI") }))
)

const Storage = Layer.mergeAll(
  MongoMessageStorage.layer,
  MongoRunnerStorage.layer.pipe(Layer.provide(ShardingConfig.layer(settings)))
)
// #endregion storage

// #region runner
const runner = (port: number) => {
  const shardingConfig = { ...settings, runnerAddress: Option.some(RunnerAddress.make("localhost", port)) }
  return MongoMessageStorage.layerWake.pipe(
    Layer.provideMerge(NodeClusterSocket.layer({ storage: "byo", shardingConfig })),
    Layer.provide(Storage),
    Layer.provide(Database)
  )
}
// #endregion runner

// #region client
/** A process that sends, and runs no entities. */
const Client = NodeClusterSocket.layer({ storage: "byo", clientOnly: true, shardingConfig: settings }).pipe(
  Layer.provide(Storage),
  Layer.provide(Database)
)
// #endregion client

const freePort = Effect.callback<number>((resume) => {
  const server = createServer().listen(0, () => {
    const { port } = server.address() as { readonly port: number }
    server.close(() => resume(Effect.succeed(port)))
  })
})

/** A runner, as if in a process of its own. */
const start = (name: string) =>
  Effect.flatMap(freePort, (port) => Layer.build(Layer.fresh(Layer.provide(greeterLive(name), runner(port)))))

const program = Effect.gen(function*() {
  const greeter = yield* Greeter.client
  let turn = 0
  const greetings = () =>
    Effect.forEach(
      ["ada", "bob", "cleo", "dan", "eve", "flo", "gus", "hal"],
      (name) => greeter(name).greet({ id: `g${turn++}` }),
      { concurrency: "unbounded" }
    )

  const first = yield* Scope.make()
  yield* Scope.provide(start("the first"), first)
  yield* start("the second")
  // #region shared
  const all = yield* Effect.repeat(greetings(), {
    until: (all) => new Set(all.map((text) => text.split(" in ")[1])).size === 2
  })
  yield* Console.log(`${all.length} greetings, of both`)
  // #endregion shared
  yield* Scope.close(first, Exit.void)
  yield* Console.log((yield* greetings()).join("\n"))
}).pipe(Effect.scoped, Effect.provide(Client))

// Runners tell where they listen, and the last one warns at its end that there is none.
NodeRuntime.runMain(Effect.provideService(program, References.MinimumLogLevel, "Error"))
