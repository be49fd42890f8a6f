/**
 * The types of pipelines: what the stages give, and what must not compile.
 *
 * @since 0.1.0
 */
import { Acc, Bson, Expr, Pipeline, type TypedCollection, type TypedQuery } from "@mongofx/schema"
import { Schema } from "effect"
import type * as Driver from "mongodb"
import { describe, expect, it } from "tstyche"

class Customer extends Schema.Class<Customer>("Customer")({
  _id: Bson.ObjectId,
  name: Schema.String,
  address: Schema.optionalKey(Schema.Struct({ city: Schema.String, zip: Schema.NullOr(Schema.String) })),
  vip: Schema.Boolean
}) {
  get initial(): string {
    return this.name.slice(0, 1)
  }
  greet(): string {
    return `Hello ${this.name}`
  }
}

const Item = Schema.Struct({
  sku: Schema.String,
  price: Schema.Number,
  quantity: Schema.Number,
  note: Schema.optionalKey(Schema.String)
})

const Order = Schema.Struct({
  id: Bson.ObjectId,
  customer: Bson.ObjectId,
  status: Schema.Literals(["open", "paid", "sent"]),
  placed: Bson.Date,
  // Stored as text, so that operands must be encoded.
  reference: Schema.NumberFromString,
  discount: Schema.optionalKey(Schema.Number),
  cents: Bson.Int64,
  items: Schema.Array(Item)
}).pipe(Schema.encodeKeys({ id: "_id" }))
type Order = typeof Order.Type
type Item = typeof Item.Type

const Refund = Schema.Struct({ _id: Bson.ObjectId, refunded: Schema.Number })

const orders = Pipeline.make(Order)
const customers = Pipeline.make(Customer)
declare const orderCollection: TypedCollection.TypedCollection<typeof Order>
declare const customerCollection: TypedCollection.TypedCollection<typeof Customer>
declare const refundCollection: TypedCollection.TypedCollection<typeof Refund>

const result = <A, R>(_: Pipeline.Pipeline<A, R>): Pipeline.Result<Pipeline.Pipeline<A, R>> => null as never

describe("the documents", () => {
  it("stay what they are until a stage changes them", () => {
    expect(result(
      orders.pipe(
        Pipeline.match({ status: "paid", reference: { $in: [7, 8] }, "items.sku": "a" }),
        Pipeline.sort({ placed: -1, id: 1 }),
        Pipeline.skip(0),
        Pipeline.limit(10)
      )
    )).type.toBe<Order>()
    expect(result(customers.pipe(Pipeline.match({ vip: true }), Pipeline.limit(1)))).type.toBe<Customer>()
  })

  it("have the fields that a projection leaves", () => {
    expect(result(customers.pipe(Pipeline.project({ name: 1, "address.city": 1 })))).type.toBe<
      { readonly _id: Driver.ObjectId; readonly name: string; readonly address?: { readonly city: string } }
    >()
  })

  it("are made of expressions", () => {
    expect(result(
      orders.pipe(
        Pipeline.select(($) => ({
          order: $.id,
          reference: $.reference,
          skus: $.items.sku,
          notes: $.items.note,
          lines: Expr.map($.items, (item) => Expr.multiply(item.price, item.quantity)),
          reduced: Expr.subtract(100, $.discount),
          double: Expr.add($.cents, $.cents, 1n),
          discount: $.discount,
          when: { late: Expr.gt($.placed, new Date(0)) },
          gone: Expr.missing
        }))
      )
    )).type.toBe<{
      readonly order: Driver.ObjectId
      readonly reference: number
      readonly skus: ReadonlyArray<string>
      readonly notes: ReadonlyArray<string>
      readonly lines: ReadonlyArray<number>
      readonly reduced: number | null
      readonly double: bigint
      readonly when: { readonly late: boolean }
      readonly discount?: number
    }>()
  })

  it("have constants in the place of what is missing", () => {
    expect(result(
      orders.pipe(
        Pipeline.select(($) => ({
          constant: Expr.ifNull($.discount, 0),
          expression: Expr.ifNull($.discount, Expr.literal("none")),
          both: Expr.ifNull($.discount, $.reference),
          inside: { constant: Expr.ifNull($.discount, 0) }
        }))
      )
    )).type.toBe<{
      readonly constant: number
      readonly expression: number | "none"
      readonly both: number
      readonly inside: { readonly constant: number }
    }>()
    expect(result(orders.pipe(Pipeline.set(($) => ({ discount: Expr.ifNull($.discount, 0) }))))).type.toBe<
      { readonly [K in keyof Order]-?: Order[K] }
    >()
  })

  it("have what was set, and lack what was unset", () => {
    expect(result(
      customers.pipe(
        Pipeline.set(($) => ({
          label: Expr.concat($.name, " of ", Expr.ifNull($.address.city, "nowhere")),
          vip: Expr.missing
        })),
        Pipeline.unset("address")
      )
    )).type.toBe<{ readonly _id: Driver.ObjectId; readonly name: string; readonly label: string }>()
  })

  it("change at paths", () => {
    expect(
      result(
        orders.pipe(Pipeline.set(() => ({ "items.tax": Expr.literal(1) })), Pipeline.unset("items.note", "items.price"))
      ).items
    ).type.toBe<ReadonlyArray<{ readonly sku: string; readonly quantity: number; readonly tax: 1 }>>()
  })

  it("are grouped", () => {
    expect(result(
      orders.pipe(
        Pipeline.unwind("items", { includeArrayIndex: "position" }),
        Pipeline.group(($) => $.items.sku, ($) => ({
          revenue: Acc.sum(Expr.multiply($.items.price, $.items.quantity)),
          cents: Acc.sum($.cents),
          sold: Acc.sum($.position),
          orders: Acc.count,
          latest: Acc.max($.placed),
          highest: Acc.last($.reference),
          discounts: Acc.push($.discount),
          anyDiscount: Acc.first($.discount),
          average: Acc.avg($.items.price)
        })),
        Pipeline.sort({ revenue: -1 })
      )
    )).type.toBe<{
      readonly _id: string
      readonly revenue: number
      readonly cents: bigint
      readonly sold: number
      readonly orders: number
      readonly latest: Date
      readonly highest: number
      readonly discounts: ReadonlyArray<number>
      readonly anyDiscount: number | null
      readonly average: number
    }>()
  })

  it("get what was looked up", () => {
    expect(result(
      orders.pipe(
        Pipeline.lookup({
          from: customerCollection,
          localField: "customer",
          foreignField: "_id",
          as: "buyer",
          pipeline: (customers) => customers.pipe(Pipeline.match({ vip: true }), Pipeline.project({ name: 1, _id: 0 }))
        }),
        Pipeline.unwind("buyer", { preserveNullAndEmptyArrays: true }),
        Pipeline.select(($) => ({ order: $.id, buyer: $.buyer.name }))
      )
    )).type.toBe<{ readonly order: Driver.ObjectId; readonly buyer?: string }>()
    const whole = orders.pipe(
      Pipeline.lookup({ from: customerCollection, localField: "customer", foreignField: "_id", as: "buyers" })
    )
    expect(result(whole).buyers).type.toBe<ReadonlyArray<Customer>>()
  })

  it("are split, replaced, joined and counted", () => {
    expect(result(
      orders.pipe(
        Pipeline.facet((all) => ({
          newest: all.pipe(Pipeline.sort({ placed: -1 }), Pipeline.limit(1)),
          total: all.pipe(Pipeline.count("orders"))
        }))
      )
    )).type.toBe<
      { readonly newest: ReadonlyArray<Order>; readonly total: ReadonlyArray<{ readonly orders: number }> }
    >()
    expect(result(orders.pipe(Pipeline.unwind("items"), Pipeline.replaceRoot(($) => $.items)))).type.toBe<Item>()
    expect(result(
      orders.pipe(
        Pipeline.select(($) => ({ _id: $.id, paid: $.cents })),
        Pipeline.unionWith(refundCollection, (refunds) => refunds.pipe(Pipeline.match({ refunded: { $gt: 0 } })))
      )
    )).type.toBe<{ readonly _id: Driver.ObjectId; readonly paid: bigint } | typeof Refund.Type>()
  })

  it("come from a collection", () => {
    const query = customerCollection.aggregate((customers) => customers.pipe(Pipeline.match({ vip: true })))
    expect(query).type.toBe<TypedQuery.AggregateQuery<Customer>>()
    expect(orderCollection.aggregate((orders) => orders.pipe(Pipeline.count("n")))).type.toBe<
      TypedQuery.AggregateQuery<{ readonly n: number }>
    >()
  })
})

describe("stages", () => {
  it("take the pipeline first, too", () => {
    expect(result(Pipeline.limit(Pipeline.match(orders, { status: "paid" }), 1))).type.toBe<Order>()
    expect(result(Pipeline.select(orders, ($) => ({ x: $.cents })))).type.toBe<{ readonly x: bigint }>()
    expect(result(Pipeline.unset(orders, "items", "cents", "placed", "reference", "discount", "status"))).type.toBe<
      { readonly id: Driver.ObjectId; readonly customer: Driver.ObjectId }
    >()
    expect(result(Pipeline.unwind(orders, "items")).items).type.toBe<Item>()
    expect(result(Pipeline.group(orders, ($) => $.status, () => ({ n: Acc.count })))).type.toBe<
      { readonly _id: "open" | "paid" | "sent"; readonly n: number }
    >()
  })

  it("are shared by pipelines of documents with more fields", () => {
    const newest = <A extends { readonly placed: Date }>(documents: Pipeline.Pipeline<A>) =>
      documents.pipe(Pipeline.limit(3))
    expect(result(orders.pipe(newest))).type.toBe<Order>()
    const paid = (orders: Pipeline.Pipeline<Order>) => orders.pipe(Pipeline.match({ status: "paid" }))
    expect(result(orders.pipe(paid, Pipeline.count("n")))).type.toBe<{ readonly n: number }>()
    const vips = (customers: Pipeline.Pipeline<Customer>) => customers.pipe(Pipeline.match({ vip: true }))
    expect(result(customers.pipe(vips))).type.toBe<Customer>()
  })

  it("have keys of groups without missing values, and objects with optional ones", () => {
    expect(result(orders.pipe(Pipeline.group(($) => $.discount, () => ({}))))._id).type.toBe<number | null>()
    expect(
      result(orders.pipe(Pipeline.group(($) => ({ d: $.discount, s: $.status, deep: { d: $.discount } }), () => ({}))))
        ._id
    ).type.toBe<{
      readonly s: "open" | "paid" | "sent"
      readonly deep: { readonly d?: number | null }
      readonly d?: number | null
    }>()
  })

  it("look up by a pipeline that sees the document", () => {
    expect(
      result(
        orders.pipe(
          Pipeline.lookup({
            from: customerCollection,
            as: "buyers",
            pipeline: (customers, order) =>
              customers.pipe(
                Pipeline.matchExpr(($) => Expr.eq($._id, order.customer)),
                Pipeline.select(($) => ({ name: $.name, order: order.id }))
              )
          })
        )
      ).buyers
    ).type.toBe<ReadonlyArray<{ readonly name: string; readonly order: Driver.ObjectId }>>()
  })

  it("set and take away fields below others", () => {
    const changed = result(
      customers.pipe(
        Pipeline.set(($) => ({ "address.city": $.vip, "extra.deep": $._id })),
        Pipeline.unset("address.zip")
      )
    )
    expect(changed).type.toBe<{
      readonly _id: Driver.ObjectId
      readonly name: string
      readonly vip: boolean
      readonly address: { readonly city: boolean }
      readonly extra: { readonly deep: Driver.ObjectId }
    }>()
  })
})

describe("references", () => {
  const Deep = Schema.Struct({
    _id: Schema.Number,
    rows: Schema.NullOr(Schema.Array(Schema.Struct({
      cells: Schema.optionalKey(Schema.Array(Schema.Struct({ n: Schema.optionalKey(Schema.Number) })))
    }))),
    grid: Schema.Array(Schema.Array(Schema.Struct({ n: Schema.Number }))),
    shape: Schema.Union([
      Schema.Struct({ kind: Schema.Literal("circle"), radius: Schema.Number }),
      Schema.Struct({ kind: Schema.Literal("square"), side: Schema.Number })
    ]),
    counts: Schema.Record(Schema.String, Schema.Number)
  })

  it("are arrays of what is there", () => {
    expect(result(
      Pipeline.make(Deep).pipe(Pipeline.select(($) => ({
        cells: $.rows.cells,
        n: $.rows.cells.n,
        kind: $.shape.kind,
        radius: $.shape.radius,
        count: $.counts["x"]!
      })))
    )).type.toBe<{
      readonly cells?: ReadonlyArray<ReadonlyArray<{ readonly n?: number }>>
      readonly n?: ReadonlyArray<ReadonlyArray<number>>
      readonly kind: "circle" | "square"
      readonly radius?: number
      readonly count?: number
    }>()
    // @ts-expect-error!
    Pipeline.make(Deep).pipe(Pipeline.select(($) => ({ x: $.grid.n })))
  })
})

describe("operators", () => {
  it("are piped, with constants and with expressions", () => {
    expect(result(
      orders.pipe(Pipeline.select(($) => ({
        more: $.reference.pipe(Expr.add(1), Expr.multiply($.reference)),
        cents: $.cents.pipe(Expr.add(1n)),
        left: $.discount.pipe(Expr.subtract($.reference)),
        reduced: $.reference.pipe(Expr.subtract($.discount)),
        half: $.cents.pipe(Expr.divide(2n)),
        late: $.placed.pipe(Expr.gt(new Date(0))),
        paid: $.status.pipe(Expr.eq("paid")),
        text: $.status.pipe(Expr.concat("!")),
        known: $.discount.pipe(Expr.ifNull(0)),
        either: $.discount.pipe(Expr.ifNull($.status)),
        same: $.discount.pipe(Expr.eq($.reference)),
        lines: $.items.pipe(Expr.map((item) => item.sku))
      })))
    )).type.toBe<{
      readonly more: number
      readonly cents: bigint
      readonly left: number | null
      readonly reduced: number | null
      readonly half: number
      readonly late: boolean
      readonly paid: boolean
      readonly text: string
      readonly known: number
      readonly either: number | "open" | "paid" | "sent"
      readonly same: boolean
      readonly lines: ReadonlyArray<string>
    }>()
    // @ts-expect-error!
    orders.pipe(Pipeline.select(($) => ({ x: $.cents.pipe(Expr.add($.reference)) })))
    // @ts-expect-error!
    orders.pipe(Pipeline.select(($) => ({ x: $.status.pipe(Expr.eq("lost")) })))
    // @ts-expect-error!
    orders.pipe(Pipeline.select(($) => ({ x: $.status.pipe(Expr.eq($.placed)) })))
    // @ts-expect-error!
    orders.pipe(Pipeline.select(($) => ({ x: $.discount.pipe(Expr.ifNull("none")) })))
  })
})

describe("what must not compile", () => {
  it("is refused in its stage", () => {
    // @ts-expect-error!
    orders.pipe(Pipeline.select(($) => ({ x: $.itemz })))
    // @ts-expect-error!
    orders.pipe(Pipeline.match({ statuz: "paid" }))
    // @ts-expect-error!
    orders.pipe(Pipeline.match({ status: "lost" }))
    // @ts-expect-error!
    orders.pipe(Pipeline.group(() => null, ($) => ({ x: Acc.sum($.status) })))
    // @ts-expect-error!
    orders.pipe(Pipeline.group(() => null, ($) => ({ x: $.discount })))
    // @ts-expect-error!
    orders.pipe(Pipeline.unwind("status"))
    // @ts-expect-error!
    orders.pipe(Pipeline.lookup({ from: customerCollection, localField: "customer", foreignField: "name", as: "x" }))
    // @ts-expect-error!
    customers.pipe(Pipeline.replaceRoot(($) => $.address))
    // @ts-expect-error!
    orders.pipe(Pipeline.unset("items"), Pipeline.unwind("items"))
    // @ts-expect-error!
    orders.pipe(Pipeline.select(($) => ({ x: Expr.add($.cents, $.discount) })))
    // @ts-expect-error!
    orders.pipe(Pipeline.matchExpr(($) => Expr.eq($.placed, 5)))
    // @ts-expect-error!
    customers.pipe(Pipeline.match({ initial: "A" }))
    // @ts-expect-error!
    customers.pipe(Pipeline.select(($) => ({ x: $.initial })))
    // @ts-expect-error!
    orders.pipe(Pipeline.project({ items: { $slice: 1 } }))
    // @ts-expect-error!
    orders.pipe(Pipeline.set(() => ({ x: 1 })))
    // @ts-expect-error!
    orders.pipe(Pipeline.replaceRoot(($) => $.status))
    // @ts-expect-error!
    orders.pipe(Pipeline.unset("items.nothing"))
    // @ts-expect-error!
    orders.pipe(Pipeline.sort({ nothing: 1 }))
  })
})
