import { MongoClient, type MongoError } from "@mongofx/core"
import { Config, Console, Effect, Redacted } from "effect"

/** The connection: to the server that MONGODB_URI names, or else to one on this machine. */
export const Mongo = MongoClient.layerConfig({
  url: Config.Redacted("MONGODB_URI").pipe(Config.withDefault(Redacted.make("mongodb://127.0.0.1:27017"))),
  serverSelectionTimeout: Config.succeed("3 seconds")
})

/** Says what to do when no server answers. */
export const explain = (reason: MongoError.ConnectionError) =>
  Effect.gen(function*() {
    yield* Console.error(`No MongoDB answers (${reason.message}).`)
    yield* Console.error("Start one on port 27017, or name yours in the variable MONGODB_URI.")
    process.exitCode = 1
  })
