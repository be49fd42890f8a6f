import { NodeRuntime } from "@effect/platform-node"
import { MongoClient } from "@mongofx/core"
import { Config, Console, Effect, Stream } from "effect"

const program = Effect.gen(function*() {
  const url = yield* Config.Redacted("MONGODB_URI")

  // #region shared
  const shared = yield* MongoClient.make({ url, maxPoolSize: 2, waitQueueTimeout: "500 millis" })
  const orders = shared.db("shop").collection("orders")
  for (let i = 0; i < 2; i++) {
    // While nothing happens, the server holds the request of each watcher for ten seconds, and so its connection.
    const { stream } = yield* orders.watch([], { maxAwaitTime: "10 seconds" }).open
    yield* Effect.forkScoped(Stream.runDrain(stream), { startImmediately: true })
  }
  const error = yield* Effect.flip(orders.findOne({}))
  yield* Console.log(`two watchers in a pool of two: ${error.reason._tag}`)
  // #endregion shared

  // #region apart
  const requests = yield* MongoClient.make({ url, maxPoolSize: 2, waitQueueTimeout: "500 millis" })
  yield* requests.db("shop").collection("orders").findOne({})
  yield* Console.log("a client of its own for requests: answered")
  // #endregion apart
}).pipe(Effect.scoped)

NodeRuntime.runMain(program)
