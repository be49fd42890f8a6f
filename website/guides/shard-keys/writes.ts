// server: sharded
import { NodeRuntime } from "@effect/platform-node"
import { MongoDatabase, MongoSharding } from "@mongofx/core"
import { TypedCollection } from "@mongofx/schema"
import { Console, Effect } from "effect"
import { Live, Order, Orders, some } from "./orders.ts"

const program = Effect.gen(function*() {
  const db = yield* MongoDatabase.MongoDatabase
  const orders = yield* Orders
  yield* MongoSharding.shardCollection(orders.untyped, { customer: "hashed" })
  yield* orders.insertMany(some)

  // #region refused
  const attempt = <A, E extends Error>(write: Effect.Effect<A, E>) =>
    Effect.matchEffect(write, {
      onFailure: ({ message }) => Console.log(`refused: ${message}`),
      onSuccess: () => Console.log("done")
    })
  yield* attempt(orders.updateOne({ customer: 7, _id: 7 }, { $inc: { total: 1 } }))
  yield* attempt(orders.updateOne({ country: "FR" }, { $inc: { total: 1 } }))
  yield* attempt(orders.deleteById(7))
  const replacement = { customer: 7, country: "IT", total: 1 } as const
  yield* attempt(orders.replaceOne({ _id: 1000 }, replacement, { upsert: true }))
  yield* attempt(orders.updateMany({ country: "FR" }, { $set: { customer: 0 } }))
  // #endregion refused

  // #region byId
  const byId = TypedCollection.make(db, "orders", Order, { shardKey: { customer: "hashed" }, broadcast: "byId" })
  yield* attempt(byId.deleteById(7))
  // #endregion byId

  // #region many
  yield* attempt(orders.updateMany({ country: "FR" }, { $inc: { total: 1 } }))
  yield* attempt(orders.untyped.deleteOne({ country: "FR" }))
  // #endregion many

  // #region move
  yield* attempt(orders.updateOne({ customer: 8, _id: 8 }, { $set: { customer: 9 } }))
  // #endregion move
})

NodeRuntime.runMain(Effect.provide(program, Live))
