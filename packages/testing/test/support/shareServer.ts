// Builds the layer of a test twice, and prints the port of the server each time. The process ends by itself, and so does the server.
import { MongoServer, MongoTest } from "@mongofx/testing"
import { Console, Effect, Redacted } from "effect"

const port = Effect.flatMap(
  MongoServer.MongoServer,
  (server) => Console.log(new URL(Redacted.value(server.uri).replace(/^mongodb:/, "http:")).port)
)

const inTest = Effect.scoped(Effect.provide(port, MongoTest.layer))

void Effect.runPromise(Effect.andThen(inTest, inTest))
