import { MongoClient } from "@mongofx/core"
import { Data, Effect } from "effect"

export interface Stock {
  readonly _id: string
  readonly count: number
}

export class SoldOut extends Data.TaggedError("SoldOut")<{ readonly product: string }> {}

// #region place
/** Takes a product from the stock, and writes the order, in one transaction. */
export const place = Effect.fn("Orders.place")(function*(product: string) {
  const mongo = yield* MongoClient.MongoClient
  const db = mongo.db("shop")
  yield* Effect.annotateCurrentSpan("shop.product", product)
  yield* Effect.gen(function*() {
    const { modifiedCount } = yield* db.collection<Stock>("stock").updateOne(
      { _id: product, count: { $gt: 0 } },
      { $inc: { count: -1 } }
    )
    if (modifiedCount === 0) return yield* new SoldOut({ product })
    yield* db.collection("orders").insertOne({ product })
  }).pipe(mongo.withTransaction())
})
// #endregion place
