/** What the shop stores. */
import { MongoModel, TypedCollection } from "@mongofx/schema"
import { Layer, Schema } from "effect"
import { Model } from "effect/schema"

const Euros = Schema.Int.check(Schema.isGreaterThanOrEqualTo(0))

/** An order: also what its workflow is started with. */
export const Order = Schema.Struct({
  _id: Schema.String,
  customer: Schema.String,
  product: Schema.String,
  price: Euros,
  country: Schema.String
})

export class Orders extends TypedCollection.Service<Orders>()("workflow/Orders", {
  name: "orders",
  schema: Schema.Struct({ ...Order.fields, state: Schema.Literals(["placed", "shipped", "cancelled"]) })
}) {}

/** What is left of a product, and the executions of workflows that one piece of it is reserved for. */
export class Stock extends TypedCollection.Service<Stock>()("workflow/Stock", {
  name: "stock",
  schema: Schema.Struct({ _id: Schema.String, left: Euros, reserved: Schema.Array(Schema.String) })
}) {}

export class Accounts extends TypedCollection.Service<Accounts>()("workflow/Accounts", {
  name: "accounts",
  schema: Schema.Struct({ _id: Schema.String, balance: Euros })
}) {}

/** A payment has the identifier of the execution that made it: so there is one at most. */
export class Payments extends TypedCollection.Service<Payments>()("workflow/Payments", {
  name: "payments",
  schema: Schema.Struct({
    _id: Schema.String,
    order: Schema.String,
    amount: Euros,
    state: Schema.Literals(["charged", "refunded"])
  })
}) {}

/** What a worker did, or found done when it did it once more. */
export class Entry extends Model.Class<Entry>("Entry")({
  _id: MongoModel.ObjectIdGenerated,
  order: Schema.String,
  step: Schema.Literals(["reserve", "charge", "ship", "refuse", "refund", "give back"]),
  isNew: Schema.Boolean,
  process: Schema.Int
}) {}

export class Journal extends TypedCollection.Service<Journal>()("workflow/Journal", {
  name: "journal",
  schema: Entry
}) {}

export const Collections = Layer.mergeAll(
  Orders.layer,
  Stock.layer,
  Accounts.layer,
  Payments.layer,
  Journal.layer
)
