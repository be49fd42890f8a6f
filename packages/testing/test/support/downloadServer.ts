// Uses a global setup that downloads a server, as vitest does: prints whether the server answers, and ends it.
import { MongoClient } from "@mongofx/core"
import { make } from "@mongofx/testing/VitestGlobalSetup"
import { Console, Effect, Redacted } from "effect"

const program = Effect.gen(function*() {
  const end = yield* Effect.promise(make({ download: { version: process.env["MONGOFX_TEST_VERSION"]! } }))
  const url = Redacted.make(process.env["MONGODB_URI"] ?? "")
  yield* Effect.scoped(Effect.flatMap(MongoClient.make({ url }), (mongo) => mongo.ping))
  yield* Console.log("answers")
  yield* Effect.promise(end)
})

void Effect.runPromise(program)
