import { NodeRuntime } from "@effect/platform-node"
import { MongoClient } from "@mongofx/core"
import { Config, Console, Effect, Redacted } from "effect"
import { network } from "./network.ts"

const program = Effect.gen(function*() {
  const server = new URL(Redacted.value(yield* Config.Redacted("MONGODB_URI")))
  const { cut, mend, port } = yield* network(server.hostname, Number(server.port))
  // #region gone
  const mongo = yield* MongoClient.make({
    url: Redacted.make(`mongodb://127.0.0.1:${port}/?directConnection=true`),
    serverSelectionTimeout: "1 second"
  })
  const orders = mongo.db("shop").collection("orders")
  yield* Console.log(`connected: ${yield* orders.countDocuments()} orders`)

  yield* cut
  const count = orders.countDocuments().pipe(
    Effect.tapError(({ isRetryable, reason }) => Console.log(`${reason._tag}, retryable: ${isRetryable}`)),
    Effect.retry({ times: 1, while: (error) => error.isRetryable })
  )
  yield* Effect.flip(count)
  yield* Console.log("the program gives up, and the client stays")

  yield* mend
  yield* Console.log(`the server is back: ${yield* orders.countDocuments()} orders`)
  // #endregion gone
})

NodeRuntime.runMain(Effect.scoped(program))
