// Uses the global setup as vitest does: calls it, connects to the server that it names, and ends it.
import { MongoClient } from "@mongofx/core"
import setup from "@mongofx/testing/VitestGlobalSetup"
import { Console, Effect, Redacted } from "effect"

const program = Effect.gen(function*() {
  const end = yield* Effect.promise(setup)
  const uri = process.env["MONGODB_URI"] ?? ""
  yield* Effect.scoped(Effect.flatMap(MongoClient.make({ url: Redacted.make(uri) }), (mongo) => mongo.ping))
  yield* Console.log(`${/127.0.0.1:\d+/.exec(uri)?.[0]} answers`)
  yield* Effect.promise(end)
  yield* Console.log(`MONGODB_URI is ${process.env["MONGODB_URI"]} again`)
})

void Effect.runPromise(program)
