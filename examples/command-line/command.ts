// The commands of a shop's database. It is the one that MONGODB_URI names.
import { MongoClient, MongoDatabase, MongoMigrator } from "@mongofx/core"
import { Bson, TypedCollection } from "@mongofx/schema"
import * as MongoCli from "@mongofx/schema/MongoCli"
import { Config, Duration, Effect, Layer, Schema } from "effect"

const Customer = Schema.Struct({
  _id: Bson.ObjectId,
  email: Schema.String,
  name: Schema.String,
  city: Schema.optionalKey(Schema.String)
})

class Customers extends TypedCollection.Service<Customers>()("shop/Customers", {
  name: "customers",
  schema: Customer,
  indexes: [{ key: { email: 1 }, unique: true }]
}) {}

const Order = Schema.Struct({
  _id: Bson.ObjectId,
  customer: Bson.ObjectId,
  total: Bson.BigDecimal,
  status: Schema.Literals(["open", "paid", "sent"]),
  placed: Bson.Date
})

class Orders extends TypedCollection.Service<Orders>()("shop/Orders", {
  name: "orders",
  schema: Order,
  indexes: [{ key: { customer: 1, placed: -1 } }, { key: { status: 1 } }]
}) {}

const migrations = MongoMigrator.fromRecord({
  // Once, emails were stored as they were typed.
  "1_emails-in-lower-case": Effect.gen(function*() {
    const db = yield* MongoDatabase.MongoDatabase
    yield* db.collection("customers").updateMany({}, [{ $set: { email: { $toLower: "$email" } } }])
  }),
  // Once, totals were plain numbers. A batch that is done stays done if this is interrupted.
  "2_totals-as-decimals": Effect.gen(function*() {
    const db = yield* MongoDatabase.MongoDatabase
    const orders = db.collection("orders")
    yield* MongoMigrator.forEachBatch(
      { step: "totals", collection: orders, filter: { total: { $type: ["double", "int"] } }, batchSize: 500 },
      (batch) =>
        orders.updateMany({ _id: { $in: batch.map(({ _id }) => _id) } }, [{
          $set: { total: { $toDecimal: "$total" } }
        }])
    )
  })
})

export const command = MongoCli.make({
  name: "shop-db",
  collections: [Customers, Orders],
  migrations: { loader: migrations },
  validators: { level: "moderate" },
  layer: Layer.merge(Customers.layer, Orders.layer).pipe(
    Layer.provideMerge(MongoDatabase.layer()),
    Layer.provideMerge(MongoClient.layerConfig({
      url: Config.Redacted("MONGODB_URI"),
      // A pipeline does not wait half a minute for a server that is not there.
      serverSelectionTimeout: Config.Duration("MONGODB_PATIENCE").pipe(Config.withDefault(Duration.seconds(5)))
    }))
  )
})
