import { MongoClient, MongoDatabase } from "@mongofx/core"
import { TypedCollection } from "@mongofx/schema"
import { Config, Layer, Schema } from "effect"

export const Order = Schema.Struct({
  _id: Schema.Number,
  customer: Schema.Number,
  country: Schema.Literals(["IT", "FR"]),
  total: Schema.Number
})

// #region orders
export class Orders extends TypedCollection.Service<Orders>()("app/Orders", {
  name: "orders",
  schema: Order,
  shardKey: { customer: "hashed" }
}) {}
// #endregion orders

/** A few hundred orders: most of them from Italy. */
export const some: ReadonlyArray<typeof Order.Type> = Array.from({ length: 400 }, (_, _id) => ({
  _id,
  customer: _id % 100,
  country: _id % 4 === 0 ? "FR" : "IT",
  total: 10 + _id % 90
}))

export const Live = Orders.layer.pipe(
  Layer.provideMerge(MongoDatabase.layer("shop")),
  Layer.provideMerge(MongoClient.layerConfig({ url: Config.Redacted("MONGODB_URI") }))
)
