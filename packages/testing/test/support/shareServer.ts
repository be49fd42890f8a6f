// Builds the layer of a test twice, and prints the port of the server each time. Ends by itself, and the server with it.
import { MongoServer, MongoTest } from "@mongofx/testing"
import { Console, Effect, Redacted } from "effect"

const port = Effect.flatMap(
  MongoServer.MongoServer,
  (server) => Console.log(new URL(Redacted.value(server.uri).replace(/^mongodb:/, "http:")).port)
)

const inTest = Effect.scoped(Effect.provide(port, MongoTest.layer))

void Effect.runPromise(Effect.andThen(inTest, inTest))
