import { NodeRuntime } from "@effect/platform-node"
import { MongoClient } from "@mongofx/core"
import { Config, Effect, Layer, Logger, References } from "effect"

/** The message, and two of the annotations. */
const OneLine = Logger.map(
  Logger.formatStructured,
  ({ annotations, message }) =>
    [message, annotations["mongodb.commandName"], annotations["mongodb.databaseName"]].join(" ").trimEnd()
)

// #region layers
const Mongo = MongoClient.layerConfig({
  url: Config.Redacted("MONGODB_URI"),
  logging: Config.succeed({ level: "Warn", components: { command: "Debug" } })
}).pipe(
  // Nearly all entries of the driver have the level Debug, which loggers do not get by default.
  Layer.provide(Layer.succeed(References.MinimumLogLevel, "Debug")),
  Layer.provide(Logger.layer([Logger.withConsoleLog(OneLine)]))
)
// #endregion layers

const program = Effect.gen(function*() {
  const mongo = yield* MongoClient.MongoClient
  yield* mongo.db("hotel").collection("rooms").findOne({ guest: "Ada" })
})

NodeRuntime.runMain(Effect.provide(program, Mongo))
