/** What the shop stores. A model has a form for the program, one for inserts, one for updates, and three for JSON. */
import { Bson, MongoModel, TypedCollection } from "@mongofx/schema"
import { BigDecimal, Schema } from "effect"
import { Model } from "effect/schema"

const ProductId = Bson.ObjectId.pipe(Schema.brand("ProductId"))
const CustomerId = Bson.ObjectId.pipe(Schema.brand("CustomerId"))
const OrderId = Bson.ObjectId.pipe(Schema.brand("OrderId"))

/** An amount for people. */
export const money = (amount: BigDecimal.BigDecimal) => `${BigDecimal.toNumberUnsafe(amount).toFixed(2)} €`

const Count = Schema.Int.check(Schema.isGreaterThan(0))

export class Product extends Model.Class<Product>("Product")({
  _id: MongoModel.generatedId(ProductId),
  sku: Schema.NonEmptyString,
  name: Schema.NonEmptyString,
  price: MongoModel.Money,
  stock: Schema.Int.check(Schema.isGreaterThanOrEqualTo(0)),
  version: MongoModel.Version,
  deletedAt: MongoModel.DeletedAt,
  ...MongoModel.Timestamps
}) {}

/** Who left is deleted softly, and leaves the email address to others. */
const alive = { deletedAt: null } as const

export class Products extends TypedCollection.Service<Products>()("shop/Products", {
  name: "products",
  schema: Product,
  indexes: [
    { key: { sku: 1 }, unique: true, partialFilterExpression: alive },
    { key: { deletedAt: 1, name: 1, _id: 1 } }
  ]
}) {}

export class Customer extends Model.Class<Customer>("Customer")({
  _id: MongoModel.generatedId(CustomerId),
  name: Schema.NonEmptyString,
  email: Schema.NonEmptyString,
  version: MongoModel.Version,
  deletedAt: MongoModel.DeletedAt,
  ...MongoModel.Timestamps
}) {}

export class Customers extends TypedCollection.Service<Customers>()("shop/Customers", {
  name: "customers",
  schema: Customer,
  indexes: [{ key: { email: 1 }, unique: true, partialFilterExpression: alive }]
}) {}

/** A line keeps the price at which it was ordered. */
export class Line extends Model.Class<Line>("Line")({
  product: MongoModel.ref(Products),
  count: Count,
  price: MongoModel.Money
}) {}

export class Order extends Model.Class<Order>("Order")({
  _id: MongoModel.generatedId(OrderId),
  customer: MongoModel.ref(Customers),
  lines: MongoModel.arrayOf(Line),
  total: MongoModel.Money,
  status: Schema.Literals(["placed", "confirmed"]),
  version: MongoModel.Version,
  ...MongoModel.Timestamps
}) {}

export class Orders extends TypedCollection.Service<Orders>()("shop/Orders", {
  name: "orders",
  schema: Order,
  indexes: [{ key: { customer: 1, createdAt: -1, _id: -1 } }]
}) {}

/** What a customer asks for. */
export const Cart = Schema.Struct({
  customer: Order.jsonCreate.fields.customer,
  lines: Schema.NonEmptyArray(Schema.Struct({ product: Line.jsonCreate.fields.product, count: Count }))
})

/** A message that must be sent: written in the transaction of its order, sent by a consumer. */
export class Message extends Model.Class<Message>("Message")({
  _id: MongoModel.ObjectIdGenerated,
  order: MongoModel.ref(Orders),
  to: Schema.String,
  text: Schema.String,
  sentAt: Schema.NullOr(Schema.DateTimeUtcFromDate),
  createdAt: MongoModel.Timestamps.createdAt
}) {}

export class Outbox extends TypedCollection.Service<Outbox>()("shop/Outbox", { name: "outbox", schema: Message }) {}
