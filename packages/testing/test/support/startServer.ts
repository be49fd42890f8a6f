// Starts a server, prints its port and waits to be killed.
import { MongoServer } from "@mongofx/testing"
import { Console, Effect, Redacted } from "effect"

const program = Effect.gen(function*() {
  const server = yield* MongoServer.startBinary()
  yield* Console.log(new URL(Redacted.value(server.uri).replace(/^mongodb:/, "http:")).port)
  // The server keeps nobody alive.
  setInterval(() => {}, 1000)
  yield* Effect.never
})

void Effect.runPromise(Effect.scoped(program))
