import { NodeRuntime } from "@effect/platform-node"
import { MongoClient, MongoDatabase } from "@mongofx/core"
import { Config, Console, Effect, Fiber, Layer, Stream } from "effect"
import { seed } from "./meters.ts"

const Mongo = MongoClient.layerConfig({ url: Config.Redacted("MONGODB_URI") })

const program = Effect.gen(function*() {
  yield* seed.pipe(Effect.provide(MongoDatabase.layer("grid").pipe(Layer.provide(Mongo))))

  // #region closing
  /** Reads slowly, in a fiber that outlives the client. */
  const reader = Effect.gen(function*() {
    const mongo = yield* MongoClient.MongoClient
    const stream = mongo.db("grid").collection("meters").find().batchSize(10).stream
    return yield* stream.pipe(Stream.mapEffect(() => Effect.sleep("50 millis")), Stream.runDrain, Effect.forkDetach)
  })
  const fiber = yield* reader.pipe(Effect.tap(Effect.sleep("1 second")), Effect.provide(Mongo))
  // The layer has closed the client while the fiber was reading.
  yield* Fiber.join(fiber).pipe(
    Effect.catchReason("MongoError", "ClientClosedError", ({ message }) => Console.log(message))
  )
  // #endregion closing
})

NodeRuntime.runMain(program)
