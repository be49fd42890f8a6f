/**
 * A schema of 40 fields, for pipelines.
 *
 * @since 0.1.0
 */
import { Acc, Bson, Expr, Pipeline, type TypedCollection } from "@mongofx/schema"
import { Schema } from "effect"

const Line = Schema.Struct({
  sku: Schema.String,
  title: Schema.String,
  price: Schema.Number,
  quantity: Schema.Number,
  tax: Schema.Number,
  note: Schema.optionalKey(Schema.String)
})

const Address = Schema.Struct({
  street: Schema.String,
  city: Schema.String,
  zip: Schema.String,
  country: Schema.String
})

const Order = Schema.Struct({
  _id: Bson.ObjectId,
  customer: Bson.ObjectId,
  status: Schema.Literals(["open", "paid", "sent", "closed"]),
  placed: Bson.Date,
  paid: Schema.optionalKey(Bson.Date),
  lines: Schema.Array(Line),
  billing: Address,
  shipping: Schema.optionalKey(Address),
  tags: Schema.Array(Schema.String),
  s1: Schema.String,
  s2: Schema.String,
  s3: Schema.String,
  s4: Schema.String,
  s5: Schema.String,
  s6: Schema.String,
  s7: Schema.String,
  s8: Schema.String,
  n1: Schema.Number,
  n2: Schema.Number,
  n3: Schema.Number,
  n4: Schema.Number,
  n5: Schema.Number,
  n6: Schema.Number,
  n7: Schema.Number,
  n8: Schema.Number,
  o1: Schema.optionalKey(Schema.String),
  o2: Schema.optionalKey(Schema.Number),
  o3: Schema.optionalKey(Schema.Boolean),
  o4: Schema.optionalKey(Bson.Date),
  u1: Schema.NullOr(Schema.String),
  u2: Schema.NullOr(Schema.Number),
  u3: Schema.NullOr(Schema.Boolean),
  u4: Schema.NullOr(Bson.Date),
  b1: Schema.Boolean,
  b2: Schema.Boolean,
  b3: Schema.Boolean,
  b4: Schema.Boolean,
  i1: Bson.Int64,
  d1: Bson.Decimal128,
  r1: Schema.Record(Schema.String, Schema.Number)
})

const Customer = Schema.Struct({ _id: Bson.ObjectId, name: Schema.String, vip: Schema.Boolean, address: Address })

export const orders = Pipeline.make(Order)
export declare const customers: TypedCollection.TypedCollection<typeof Customer>
export { Acc, Expr, Pipeline }
