import { NodeRuntime } from "@effect/platform-node"
import { MongoClient } from "@mongofx/core"
import { FailPoint, MongoServer } from "@mongofx/testing"
import { Config, Console, Effect, Layer } from "effect"

// #region breaks
/** The server closes the connection of the next finds, as a crash or a firewall would. */
const breakFinds = (times: number) =>
  FailPoint.failCommand({ failCommands: ["find"], mode: { times }, closeConnection: true })

const breaks = Effect.gen(function*() {
  const mongo = yield* MongoClient.MongoClient
  const orders = mongo.db("shop").collection("orders")

  yield* Effect.scoped(Effect.andThen(breakFinds(1), orders.findOne()))
  yield* Console.log("one broken connection: the driver has sent the find again")

  yield* Effect.scoped(Effect.andThen(breakFinds(2), orders.findOne())).pipe(
    Effect.catchReason(
      "MongoError",
      "ConnectionError",
      ({ isRetryable, kind }) => Console.log(`two of them: ConnectionError (${kind}), retryable: ${isRetryable}`)
    )
  )
  yield* orders.findOne()
  yield* Console.log("the client goes on: the next find has a new connection")
})
// #endregion breaks

const Live = MongoClient.layerConfig({
  url: Config.Redacted("MONGODB_URI"),
  appName: Config.succeed("away")
}).pipe(Layer.merge(MongoServer.layer))

NodeRuntime.runMain(Effect.provide(breaks, Live))
