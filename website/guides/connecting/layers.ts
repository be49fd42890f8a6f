import { NodeRuntime } from "@effect/platform-node"
import { MongoClient, MongoDatabase } from "@mongofx/core"
import { Config, Console, Effect, Layer } from "effect"

// #region module
/** It needs a database, whichever that is. */
const countOrders = Effect.gen(function*() {
  const db = yield* MongoDatabase.MongoDatabase
  return `${db.name} has ${yield* db.collection("orders").countDocuments()} orders`
})
// #endregion module

// #region layers
const Mongo = MongoClient.layerConfig({
  url: Config.Redacted("MONGODB_URI"),
  appName: Config.String("APP_NAME").pipe(Config.withDefault("shop")),
  maxPoolSize: Config.Int("MONGODB_POOL").pipe(Config.withDefault(20)),
  serverSelectionTimeout: Config.succeed("5 seconds")
})

const Live = MongoDatabase.layer("shop").pipe(Layer.provideMerge(Mongo))
// #endregion layers

const program = Effect.gen(function*() {
  const mongo = yield* MongoClient.MongoClient
  yield* mongo.db("shop").collection("orders").insertOne({ total: 12 })
  yield* Console.log(yield* countOrders)
  yield* Console.log(yield* Effect.provide(countOrders, MongoDatabase.layer("archive")))
})

NodeRuntime.runMain(Effect.provide(program, Live))
