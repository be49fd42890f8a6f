// Starts a server, prints its port, and runs until the test kills it.
import { MongoServer } from "@mongofx/testing"
import { Console, Effect, Redacted } from "effect"

const program = Effect.gen(function*() {
  const server = yield* MongoServer.startBinary({ durable: process.env["MONGOFX_TEST_DURABLE"] === "1" })
  yield* Console.log(new URL(Redacted.value(server.uri).replace(/^mongodb:/, "http:")).port)
  // The server does not keep this process alive.
  setInterval(() => {}, 1000)
  yield* Effect.never
})

void Effect.runPromise(Effect.scoped(program))
