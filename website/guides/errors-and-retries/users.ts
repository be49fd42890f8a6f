import { MongoClient, MongoDatabase } from "@mongofx/core"
import { Config, Effect, Layer } from "effect"

export interface User {
  readonly email: string
  readonly name: string
  readonly visits: number
}

export const users = MongoDatabase.MongoDatabase.useSync((db) => db.collection<User>("users"))

/** Ada, in a collection where emails and names are unique. */
export const seed = Effect.gen(function*() {
  const collection = yield* users
  yield* collection.createIndexes([{ key: { email: 1 }, unique: true }, { key: { name: 1 }, unique: true }])
  yield* collection.insertOne({ email: "ada@example.com", name: "Ada", visits: 1 })
})

export const Live = MongoDatabase.layer("club").pipe(Layer.provideMerge(MongoClient.layerConfig({
  url: Config.Redacted("MONGODB_URI"),
  appName: Config.succeed("club")
})))
