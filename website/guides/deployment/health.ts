import { NodeHttpServer, NodeRuntime } from "@effect/platform-node"
import { Mongo, MongoClient } from "@mongofx/core"
import { FailPoint, MongoServer } from "@mongofx/testing"
import { Config, Console, Effect, Layer } from "effect"
import { HttpClient, HttpRouter, HttpServerResponse } from "effect/http"

// #region health
/** Alive: the process answers. A database that is away is no reason to kill it. */
const live = HttpServerResponse.text("alive")

/** Ready: the database answers, and soon. Without that no request should come here. */
const ready = Effect.gen(function*() {
  const mongo = yield* MongoClient.MongoClient
  yield* mongo.ping.pipe(Mongo.withDeadline("1 second"))
  return HttpServerResponse.text("ready")
}).pipe(
  Effect.catchTag("MongoError", (error) => Effect.succeed(HttpServerResponse.text(error.reason._tag, { status: 503 })))
)

const Health = Layer.mergeAll(
  HttpRouter.add("GET", "/live", live),
  HttpRouter.add("GET", "/ready", ready)
)
// #endregion health

const ask = Effect.fnUntraced(function*(path: string) {
  const response = yield* HttpClient.get(path)
  yield* Console.log(`${path}: ${response.status} ${yield* response.text}`)
})

const program = Effect.gen(function*() {
  yield* ask("/ready")
  // The server stops answering for a while.
  yield* FailPoint.failCommand({ failCommands: ["ping"], mode: "alwaysOn", blockTime: "5 seconds" })
  yield* ask("/ready")
  yield* ask("/live")
}).pipe(Effect.scoped)

const Server = HttpRouter.serve(Health, { disableLogger: true, disableListenLog: true }).pipe(
  Layer.provideMerge(NodeHttpServer.layerTest),
  Layer.provideMerge(
    MongoClient.layerConfig({ url: Config.Redacted("MONGODB_URI"), appName: Config.succeed("health") })
  ),
  Layer.provideMerge(MongoServer.layer)
)

NodeRuntime.runMain(Effect.provide(program, Server))
