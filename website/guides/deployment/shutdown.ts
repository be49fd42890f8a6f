import { NodeHttpServer, NodeRuntime } from "@effect/platform-node"
import { ChangeStreamConsumer, MongoClient, MongoDatabase, ResumeTokenStore } from "@mongofx/core"
import { Config, Console, Effect, Layer } from "effect"
import { HttpRouter, HttpServer, HttpServerResponse } from "effect/http"
import { createServer } from "node:http"

/** Says when a layer is released: what is provided to it is released after it. */
const released = (name: string) => Layer.effectDiscard(Effect.addFinalizer(() => Console.log(`released: ${name}`)))

// #region layers
const Database = MongoDatabase.layer("shop").pipe(
  Layer.provideMerge(MongoClient.layerConfig({ url: Config.Redacted("MONGODB_URI") })),
  Layer.provideMerge(released("client"))
)

const Mail = Layer.effectDiscard(Effect.gen(function*() {
  const db = yield* MongoDatabase.MongoDatabase
  yield* ChangeStreamConsumer.make({
    name: "mail",
    watch: (position) => db.collection("outbox").watch([], position),
    handler: () => Effect.void
  })
})).pipe(Layer.provide(ResumeTokenStore.layerMongo()), Layer.provide(released("consumer")))

const report = Effect.gen(function*() {
  const db = yield* MongoDatabase.MongoDatabase
  yield* Effect.sleep("1 second")
  return HttpServerResponse.text(`${yield* db.collection("orders").countDocuments()} orders`)
})

const Api = HttpRouter.serve(HttpRouter.add("GET", "/report", report), { disableLogger: true, disableListenLog: true })
  .pipe(
    Layer.provideMerge(
      NodeHttpServer.layer(createServer, { host: "127.0.0.1", port: 0, gracefulShutdownTimeout: "10 seconds" })
    ),
    Layer.provide(released("server"))
  )

const App = Layer.mergeAll(Api, Mail).pipe(Layer.provide(Database))
// #endregion layers

/** Sends a slow request, and the signal in the middle of it. */
const Visit = Layer.effectDiscard(Effect.gen(function*() {
  const { address } = yield* HttpServer.HttpServer
  const url = `${HttpServer.formatAddress(address)}/report`
  yield* Effect.forkDetach(Effect.gen(function*() {
    const response = yield* Effect.promise(() => fetch(url))
    yield* Console.log(`${response.status}: ${yield* Effect.promise(() => response.text())}`)
  }))
  yield* Effect.forkDetach(Effect.gen(function*() {
    yield* Effect.sleep("100 millis")
    yield* Console.log("SIGTERM")
    process.kill(process.pid, "SIGTERM")
  }))
}))

// #region main
NodeRuntime.runMain(Layer.launch(Visit.pipe(Layer.provide(App))))
// #endregion main
