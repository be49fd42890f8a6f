import { MongoClient, MongoDatabase, MongoMigrator } from "@mongofx/core"
import { Bson, TypedCollection } from "@mongofx/schema"
import { Config, Effect, Layer, Schema } from "effect"

// #region collection
const Invoice = Schema.Struct({
  _id: Schema.Int,
  customer: Schema.String,
  total: Bson.BigDecimal,
  status: Schema.Literals(["open", "paid"])
})

export class Invoices extends TypedCollection.Service<Invoices>()("billing/Invoices", {
  name: "invoices",
  schema: Invoice,
  indexes: [{ key: { customer: 1, status: 1 } }]
}) {}
// #endregion collection

// #region migrations
const invoices = MongoDatabase.MongoDatabase.useSync((db) =>
  db.collection<{ _id: number; total: unknown; status?: string }>("invoices")
)

export const migrations = MongoMigrator.fromRecord({
  "1_status": Effect.gen(function*() {
    yield* (yield* invoices).updateMany({ status: { $exists: false } }, { $set: { status: "open" } })
  }),
  "2_totals-as-decimals": Effect.gen(function*() {
    const collection = yield* invoices
    yield* MongoMigrator.forEachBatch(
      { step: "totals", collection, filter: { total: { $type: "double" } }, batchSize: 500 },
      (batch) =>
        collection.updateMany({ _id: { $in: batch.map(({ _id }) => _id) } }, [{
          $set: { total: { $round: [{ $toDecimal: "$total" }, 2] } }
        }])
    )
  })
})
// #endregion migrations

/** What an older release has stored. */
export const past = Effect.gen(function*() {
  const db = yield* MongoDatabase.MongoDatabase
  yield* db.collection<{ _id: number }>("invoices").insertMany(
    Array.from({ length: 1200 }, (_, i) => ({ _id: i, customer: `c${i % 7}`, total: i + 0.5 }))
  )
})

export const Database = MongoDatabase.layer("billing").pipe(
  Layer.provideMerge(MongoClient.layerConfig({ url: Config.Redacted("MONGODB_URI") }))
)
