import { NodeRuntime } from "@effect/platform-node"
import { MongoClient } from "@mongofx/core"
import { Config, Console, Effect } from "effect"

const program = Effect.gen(function*() {
  // #region closing
  const url = yield* Config.Redacted("MONGODB_URI")
  const closed = yield* Effect.scoped(Effect.gen(function*() {
    const mongo = yield* MongoClient.make({ url })
    yield* mongo.ping
    return mongo
  }))
  // The scope has closed the client.
  yield* closed.ping.pipe(
    Effect.catchReason("MongoError", "ClientClosedError", ({ message }) => Console.log(message))
  )
  // #endregion closing
})

NodeRuntime.runMain(program)
