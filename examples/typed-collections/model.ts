import { Bson, MongoModel, TypedCollection } from "@mongofx/schema"
import { Schema } from "effect"
import { Model } from "effect/schema"

/** A price: a bigint of cents for the program, a 64-bit integer in the database. */
const Cents = Bson.Int64

const Line = Schema.Struct({
  sku: Schema.String,
  count: Schema.Int.check(Schema.isGreaterThan(0)),
  price: Cents,
  shipped: Schema.optionalKey(Schema.DateTimeUtcFromDate)
})

/** An order: dates are `DateTime`s for the program and BSON dates in the database. */
class Order extends Model.Class<Order>("Order")({
  _id: MongoModel.ObjectIdGenerated,
  customer: Schema.String,
  status: Schema.Literals(["open", "paid", "shipped"]),
  lines: Schema.Array(Line),
  address: Schema.Struct({ city: Schema.String, zip: Schema.String }),
  notes: Schema.Record(Schema.String, Schema.String),
  placedAt: Model.DateTimeInsertFromDate,
  updatedAt: Model.DateTimeUpdateFromDate
}) {
  /** Orders that are read from the database have the members of the class too. */
  get total(): bigint {
    return this.lines.reduce((sum, { count, price }) => sum + BigInt(count) * price, 0n)
  }
}

/** The collection as a service: `Orders.layer` needs a database. */
export class Orders extends TypedCollection.Service<Orders>()("shop/Orders", { name: "orders", schema: Order }) {}
