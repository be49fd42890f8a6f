import { MongoClient, MongoDatabase } from "@mongofx/core"
import { Config, Effect, Layer } from "effect"

export interface Account {
  readonly _id: string
  readonly balance: number
}

export const accounts = MongoDatabase.MongoDatabase.useSync((db) => db.collection<Account>("accounts"))

export const seed = Effect.flatMap(
  accounts,
  (accounts) => accounts.insertMany([{ _id: "Ada", balance: 100 }, { _id: "Grace", balance: 20 }])
)

/** All accounts as text. */
export const balances = Effect.gen(function*() {
  const all = yield* (yield* accounts).find().sort({ _id: 1 })
  return all.map(({ _id, balance }) => `${_id} ${balance}`).join(", ")
})

export const Live = MongoDatabase.layer("bank").pipe(Layer.provideMerge(MongoClient.layerConfig({
  url: Config.Redacted("MONGODB_URI"),
  appName: Config.succeed("bank")
})))
