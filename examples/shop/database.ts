/** Collections, migrations, validators and indexes: what has to be there before the shop opens. */
import { MongoClient, MongoDatabase, MongoMigrator } from "@mongofx/core"
import { MongoIndex, MongoModel, MongoValidator } from "@mongofx/schema"
import { BigDecimal, Config, Effect, Layer } from "effect"
import { Customers, Orders, Outbox, Products } from "./models.ts"

export const collections = [Products, Customers, Orders, Outbox] as const

const assortment = [
  { sku: "TEA-1", name: "Assam", price: "4.20", stock: 40 },
  { sku: "TEA-2", name: "Darjeeling", price: "6.80", stock: 25 },
  { sku: "TEA-3", name: "Sencha", price: "5.50", stock: 3 }
]

export const migrations = {
  loader: MongoMigrator.fromRecord({
    "1_assortment": Effect.gen(function*() {
      const products = MongoModel.makeRepository(yield* Products)
      yield* products.insertMany(assortment.map(({ price, ...product }) => ({
        ...product,
        price: BigDecimal.fromStringUnsafe(price)
      })))
    })
  })
}

export const Collections = Layer.mergeAll(Products.layer, Customers.layer, Orders.layer, Outbox.layer)

/** Brings the database up to date. However many instances start at once, each step happens once. */
export const UpToDate = MongoMigrator.layer(migrations).pipe(
  Layer.provideMerge(Layer.mergeAll(MongoIndex.layer(Products), MongoIndex.layer(Customers), MongoIndex.layer(Orders))),
  Layer.provideMerge(Layer.effectDiscard(MongoValidator.applyAll(collections)))
)

/** The database of `MONGODB_URI`. */
export const Database = MongoDatabase.layer().pipe(
  Layer.provideMerge(MongoClient.layerConfig({ url: Config.Redacted("MONGODB_URI") }))
)
