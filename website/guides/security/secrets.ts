import { NodeRuntime } from "@effect/platform-node"
import { MongoClient, type MongoClientConfig } from "@mongofx/core"
import { Config, Console, Effect, Redacted } from "effect"

// #region program
const settings: MongoClientConfig.MongoClientConfig = {
  url: Redacted.make("mongodb://ada:s3cret@127.0.0.1:1/?serverSelectionTimeoutMS=50")
}

const program = Effect.gen(function*() {
  yield* Console.log("settings", settings)

  const unreachable = yield* Effect.flip(MongoClient.make(settings))
  yield* Console.log(unreachable.message)

  const malformed = yield* Effect.flip(MongoClient.make({ url: Redacted.make("mongodb:/ada:s3cret@127.0.0.1") }))
  yield* Console.log(malformed.message)

  const mongo = yield* MongoClient.MongoClient
  const people = mongo.db("clinic").collection<{ readonly _id: string; readonly diagnosis: string }>("people")
  yield* people.insertOne({ _id: "ada@example.com", diagnosis: "secret" })
  const duplicate = yield* Effect.flip(people.insertOne({ _id: "ada@example.com", diagnosis: "secret" }))
  yield* Console.log(duplicate.message)
  if (duplicate.reason._tag === "DuplicateKeyError") yield* Console.log(duplicate.reason.keyValue)
}).pipe(Effect.scoped)
// #endregion program

const Mongo = MongoClient.layerConfig({ url: Config.Redacted("MONGODB_URI") })

NodeRuntime.runMain(Effect.provide(program, Mongo))
