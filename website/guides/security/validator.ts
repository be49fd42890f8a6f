import { NodeRuntime } from "@effect/platform-node"
import { MongoClient, MongoDatabase } from "@mongofx/core"
import { MongoValidator, TypedCollection } from "@mongofx/schema"
import { Config, Console, Effect, Layer, Schema } from "effect"

// #region collection
const Account = Schema.Struct({
  _id: Schema.String,
  role: Schema.Literals(["reader", "editor"])
})

class Accounts extends TypedCollection.Service<Accounts>()("site/Accounts", { name: "accounts", schema: Account }) {}
// #endregion collection

const program = Effect.gen(function*() {
  // #region apply
  yield* MongoValidator.apply(yield* Accounts)

  // Another program, without the schema.
  const db = yield* MongoDatabase.MongoDatabase
  const refused = yield* Effect.flip(db.collection("accounts").insertOne({ _id: "eve", role: "owner" } as never))
  yield* Console.log(refused.reason._tag)
  // #endregion apply
})

const Live = Accounts.layer.pipe(
  Layer.provideMerge(MongoDatabase.layer("site")),
  Layer.provideMerge(MongoClient.layerConfig({ url: Config.Redacted("MONGODB_URI") }))
)

NodeRuntime.runMain(Effect.provide(program, Live))
