/**
 * Wrong programs of pipelines, and what the compiler says about them. Filters and updates of expressions.
 *
 * @since 0.1.0
 */
import { Acc, Bson, Expr, Filter, Pipeline, type TypedCollection, Update } from "@mongofx/schema"
import { Schema } from "effect"
import { describe, expect, it } from "tstyche"

const Item = Schema.Struct({ sku: Schema.String, price: Schema.Number, quantity: Schema.Number })

const Order = Schema.Struct({
  _id: Bson.ObjectId,
  customer: Bson.ObjectId,
  status: Schema.Literals(["open", "paid", "sent"]),
  placed: Bson.Date,
  total: Schema.Number,
  paid: Schema.Number,
  cents: Bson.Int64,
  rank: Schema.Number.pipe(Schema.brand("Rank")),
  discount: Schema.optionalKey(Schema.Number),
  items: Schema.Array(Item)
})
type Order = typeof Order.Type

class Customer extends Schema.Class<Customer>("Customer")({
  _id: Bson.ObjectId,
  name: Schema.String,
  age: Schema.Number
}) {
  get initial(): string {
    return this.name.slice(0, 1)
  }
}

const orders = Pipeline.make(Order)
declare const collection: TypedCollection.TypedCollection<typeof Order>
declare const customers: TypedCollection.TypedCollection<typeof Customer>

describe("a wrong program", () => {
  it("names the field that is unknown", () => {
    // @ts-expect-error Property 'totl' does not exist
    orders.pipe(Pipeline.select(($) => ({ x: $.totl })))
  })

  it("offers fields in the place of one that a filter gets wrong", () => {
    // @ts-expect-error 'number' is not assignable to type 'NoSuchPath<"totle", "total">'
    orders.pipe(Pipeline.match({ totle: 5 }))
  })

  it("says which value a field cannot have", () => {
    // @ts-expect-error '"lost"' is not assignable to type 'Condition<"open" | "paid" | "sent">'
    orders.pipe(Pipeline.match({ status: "lost" }))
  })

  it("does not add a number to an int64", () => {
    // @ts-expect-error Type 'number' is not assignable to type 'bigint'
    orders.pipe(Pipeline.select(($) => ({ x: Expr.add($.cents, $.total) })))
  })

  it("does not compute with text", () => {
    // @ts-expect-error is not assignable to type 'Nullish | Numeric'
    orders.pipe(Pipeline.group(() => null, ($) => ({ x: Acc.sum($.status) })))
  })

  it("groups by accumulators", () => {
    // @ts-expect-error is missing in type 'Expr<number>' but required in type 'GroupOperator<unknown>'
    orders.pipe(Pipeline.group(() => null, ($) => ({ x: $.total })))
  })

  it("unwinds arrays only", () => {
    // @ts-expect-error UnwindNeedsArray<"status">
    Pipeline.unwind(orders, "status")
  })

  it("joins what can be equal", () => {
    // @ts-expect-error NeverEqual<"customer", "name">
    orders.pipe(Pipeline.lookup({ from: customers, localField: "customer", foreignField: "name", as: "x" }))
  })

  it("knows that a field is gone", () => {
    // @ts-expect-error is not assignable to parameter of type 'NoSuchPath<
    Pipeline.unwind(Pipeline.unset(orders, "items"), "items")
  })

  it("puts no value that may be missing in the place of the document", () => {
    // @ts-expect-error Type 'Expr<number | undefined>' is not assignable to type 'Expr<object>'
    orders.pipe(Pipeline.replaceRoot(($) => $.discount))
  })

  it("compares a date with dates", () => {
    // @ts-expect-error Argument of type 'number' is not assignable to parameter of type 'Expr<Date> | NoInfer<Date>'
    orders.pipe(Pipeline.matchExpr(($) => Expr.gt($.placed, 5)))
  })

  it("has no fields for the getters of a class", () => {
    // @ts-expect-error NoSuchPath<"initial", never>
    Pipeline.make(Customer).pipe(Pipeline.sort({ initial: 1 }))
  })

  it("updates no field to another type", () => {
    // @ts-expect-error LeavesSchema<"total", number, "open" | "paid" | "sent">
    collection.updateMany({}, Update.pipeline((order) => order.pipe(Pipeline.set(($) => ({ total: $.status })))))
  })

  it("updates no required field to what may be missing", () => {
    // @ts-expect-error LeavesSchema<"total", number, number | undefined>
    collection.updateMany({}, Update.pipeline((order) => order.pipe(Pipeline.set(($) => ({ total: $.discount })))))
  })

  it("takes no required field away", () => {
    // @ts-expect-error LeavesSchema<"total", number, undefined>
    collection.updateMany({}, Update.pipeline((order) => order.pipe(Pipeline.unset("total"))))
  })

  it("adds no field that the schema lacks", () => {
    // @ts-expect-error NoSuchPath<"totals", "total">
    collection.updateMany({}, Update.pipeline((order) => order.pipe(Pipeline.set(($) => ({ totals: $.total })))))
  })

  it("filters by conditions only", () => {
    // @ts-expect-error Type 'Expr<number>' is not assignable to type 'Expr<boolean | Nullish>'
    collection.find(Filter.expr(($) => $.total))
  })
})

describe("a filter of an expression", () => {
  it("knows the documents of the operation", () => {
    expect(() => collection.find(Filter.expr(($) => Expr.gt($.total, $.paid)))).type.not.toRaiseError()
    expect(() => customers.countDocuments(Filter.expr(($) => Expr.gt($.age, 5)))).type.not.toRaiseError()
    expect(() => collection.bulkWrite([{ deleteOne: { filter: Filter.expr(($) => Expr.gt($.total, $.paid)) } }])).type
      .not.toRaiseError()
  })

  it("fits the documents that have its fields", () => {
    const filter = Filter.expr<{ readonly total: number; readonly paid: number }>(($) => Expr.gt($.total, $.paid))
    expect(filter).type.toBe<Filter.Expression<{ readonly total: number; readonly paid: number }>>()
    expect(() => collection.find({ status: "paid", $and: [filter] })).type.not.toRaiseError()
    expect(filter).type.toBeAssignableTo<Filter.Filter<Order>>()
    // @ts-expect-error missing the following properties
    customers.find(filter)
  })
})

describe("an update by a pipeline", () => {
  it("knows the documents of the operation", () => {
    expect(() =>
      collection.updateOne(
        { status: "open" },
        Update.pipeline((order) =>
          order.pipe(
            Pipeline.set(($) => ({
              total: Expr.subtract($.total, Expr.ifNull($.discount, 0)),
              rank: Expr.abs($.rank),
              status: Expr.cond(Expr.gte($.paid, $.total), Expr.literal("paid"), Expr.literal("open"))
            })),
            Pipeline.unset("discount")
          )
        )
      )
    ).type.not.toRaiseError()
    expect(() =>
      customers.findOneAndUpdate(
        {},
        Update.pipeline((customer) => customer.pipe(Pipeline.set(($) => ({ age: Expr.add($.age, 1) }))))
      )
    ).type.not.toRaiseError()
  })

  it("fits the documents that have its fields", () => {
    const update = Update.pipeline((order: Pipeline.Pipeline<Order>) =>
      order.pipe(Pipeline.set(($) => ({ paid: $.total })))
    )
    expect(update).type.toBe<Update.Checked<Order>>()
    expect(() => collection.updateMany({}, update)).type.not.toRaiseError()
    // @ts-expect-error missing the following properties
    customers.updateMany({}, update)
  })
})

describe("a value in the place of null", () => {
  it("has the type of the field, wherever it stands", () => {
    const results = orders.pipe(
      Pipeline.select(($) => ({
        constant: Expr.ifNull($.discount, 0),
        piped: $.discount.pipe(Expr.ifNull(0)),
        other: Expr.ifNull($.discount, $.status),
        nothing: Expr.ifNull($.discount, Expr.missing)
      }))
    )
    expect<Pipeline.Result<typeof results>>().type.toBe<{
      readonly constant: number
      readonly piped: number
      readonly other: number | "open" | "paid" | "sent"
      readonly nothing?: number
    }>()
    // @ts-expect-error not assignable to parameter of type
    orders.pipe(Pipeline.select(($) => ({ x: Expr.ifNull($.discount, "none") })))
  })
})
