/**
 * Pipelines on a real server: what it sends is decoded by the schema that follows from the stages.
 */
import { assert, describe, it } from "@effect/vitest"
import { MongoDatabase, MongoError } from "@mongofx/core"
import { Acc, Bson, Expr, Pipeline, TypedCollection } from "@mongofx/schema"
import { MongoTest } from "@mongofx/testing"
import { Effect, Option, Schema, Stream } from "effect"
import * as Driver from "mongodb"

class Customer extends Schema.Class<Customer>("Customer")({
  _id: Bson.ObjectId,
  name: Schema.String,
  address: Schema.optionalKey(Schema.Struct({ city: Schema.String, zip: Schema.NullOr(Schema.String) })),
  vip: Schema.Boolean
}) {
  get initial(): string {
    return this.name.slice(0, 1)
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

const Refund = Schema.Struct({ _id: Bson.ObjectId, refunded: Schema.Number })

const id = (n: number) => new Driver.ObjectId(String(n).padStart(24, "0"))
const item = (sku: string, price: number, quantity: number) => ({ sku, price, quantity })

const ada = new Customer({ _id: id(1), name: "Ada", address: { city: "London", zip: null }, vip: true })
const bob = new Customer({ _id: id(2), name: "Bob", vip: false })
const first = {
  id: id(11),
  customer: id(1),
  status: "paid",
  placed: new Date("2026-02-01"),
  reference: 7,
  cents: 5n,
  items: [item("a", 2, 3), { ...item("b", 1.5, 2), note: "x" }]
} as const
const second = {
  id: id(12),
  customer: id(2),
  status: "paid",
  placed: new Date("2026-03-01"),
  reference: 8,
  discount: 10,
  cents: 6n,
  items: [item("a", 4, 1)]
} as const
const third = {
  id: id(13),
  customer: id(1),
  status: "open",
  placed: new Date("2020-03-01"),
  reference: 9,
  cents: 7n,
  items: []
} as const

const fixture = Effect.gen(function*() {
  const db = yield* MongoDatabase.MongoDatabase
  const orders = TypedCollection.make(db, "orders", Order)
  const customers = TypedCollection.make(db, "customers", Customer)
  const refunds = TypedCollection.make(db, "refunds", Refund)
  yield* customers.insertMany([ada, bob])
  yield* orders.insertMany([first, second, third])
  yield* refunds.insertOne({ _id: id(21), refunded: 3 })
  return { orders, customers, refunds }
})

type Collections = Effect.Success<typeof fixture>

const test = <A, E>(body: (collections: Collections) => Effect.Effect<A, E>) =>
  Effect.flatMap(fixture, body).pipe(Effect.provide(MongoTest.layer))

const check = <A, E, R>(effect: Effect.Effect<A, E, R>, expected: NoInfer<A>): Effect.Effect<void, E, R> =>
  Effect.map(effect, (actual) => assert.deepStrictEqual(actual, expected))

describe("a pipeline", () => {
  it.live("encodes filters, and keeps documents that no stage changes", () =>
    test(({ customers, orders }) =>
      Effect.gen(function*() {
        yield* check(
          orders.aggregate((orders) =>
            orders.pipe(
              Pipeline.match({ status: "paid", reference: { $in: [7, 8] }, "items.sku": "a" }),
              Pipeline.sort({ placed: -1, id: 1 }),
              Pipeline.skip(1),
              Pipeline.limit(10)
            )
          ),
          [first]
        )
        const [found] = yield* customers.aggregate((customers) => customers.pipe(Pipeline.match({ name: "Ada" })))
        assert.instanceOf(found, Customer)
        assert.strictEqual(found?.initial, "A")
      })
    ))

  it.live("makes documents of expressions", () =>
    test(({ orders }) =>
      check(
        orders.aggregate((orders) =>
          orders.pipe(
            Pipeline.sort({ id: 1 }),
            Pipeline.select(($) => ({
              order: $.id,
              reference: $.reference,
              skus: $.items.sku,
              notes: $.items.note,
              lines: Expr.map($.items, (item) => Expr.multiply(item.price, item.quantity)),
              large: Expr.filter($.items, (item) => Expr.gte(item.price, 2)).pipe(Expr.size),
              reduced: Expr.subtract(100, $.discount),
              double: Expr.add($.cents, $.cents, 1n),
              share: Expr.divide($.cents, 2n),
              discount: $.discount,
              when: { late: Expr.gt($.placed, new Date("2025-01-01")) },
              gone: Expr.missing,
              year: $.placed.pipe(Expr.year),
              second: Expr.arrayElemAt($.items.sku, 1),
              state: Expr.replaceAll($.status, { find: "pa", replacement: "p-a" })
            }))
          )
        ),
        [
          {
            order: id(11),
            reference: 7,
            skus: ["a", "b"],
            notes: ["x"],
            lines: [6, 3],
            large: 1,
            reduced: null,
            double: 11n,
            share: 2.5,
            when: { late: true },
            year: 2026,
            second: "b",
            state: "p-aid"
          },
          {
            order: id(12),
            reference: 8,
            skus: ["a"],
            notes: [],
            lines: [4],
            large: 1,
            reduced: 90,
            double: 13n,
            share: 3,
            discount: 10,
            when: { late: true },
            year: 2026,
            state: "p-aid"
          },
          {
            order: id(13),
            reference: 9,
            skus: [],
            notes: [],
            lines: [],
            large: 0,
            reduced: null,
            double: 15n,
            share: 3.5,
            when: { late: false },
            year: 2020,
            state: "open"
          }
        ]
      )
    ))

  it.live("encodes an operand by the codec of the other side, and reads no constant as an expression", () =>
    test(({ customers, orders }) =>
      Effect.gen(function*() {
        yield* check(orders.aggregate((orders) => orders.pipe(Pipeline.matchExpr(($) => Expr.eq($.reference, 8)))), [
          second
        ])
        yield* check(
          customers.aggregate((customers) =>
            customers.pipe(Pipeline.limit(1), Pipeline.select(() => ({ x: Expr.literal("$name") })))
          ),
          [{ x: "$name" }]
        )
      })
    ))

  it.live("sets and takes away fields, also at paths", () =>
    test(({ customers, orders }) =>
      Effect.gen(function*() {
        yield* check(
          customers.aggregate((customers) =>
            customers.pipe(
              Pipeline.set(($) => ({
                label: Expr.concat($.name, " of ", Expr.ifNull($.address.city, "nowhere")),
                vip: Expr.missing,
                "address.city": Expr.toUpper($.address.city)
              })),
              Pipeline.unset("name"),
              Pipeline.sort({ _id: 1 })
            )
          ),
          [
            { _id: id(1), label: "Ada of London", address: { city: "LONDON", zip: null } },
            { _id: id(2), label: "Bob of nowhere", address: { city: "" } }
          ]
        )
        yield* check(
          orders.aggregate((orders) =>
            orders.pipe(
              Pipeline.match({ reference: 7 }),
              Pipeline.set(() => ({ "items.tax": Expr.literal(1) })),
              Pipeline.unset("items.price", "items.note"),
              Pipeline.project({ id: 1, items: 1 })
            )
          ),
          [{ id: id(11), items: [{ sku: "a", quantity: 3, tax: 1 }, { sku: "b", quantity: 2, tax: 1 }] }]
        )
      })
    ))

  it.live("unwinds and groups", () =>
    test(({ orders }) =>
      check(
        orders.aggregate((orders) =>
          orders.pipe(
            Pipeline.unwind("items", { includeArrayIndex: "position" }),
            Pipeline.group(($) => $.items.sku, ($) => ({
              revenue: Acc.sum(Expr.multiply($.items.price, $.items.quantity)),
              cents: Acc.sum($.cents),
              positions: Acc.addToSet($.position),
              orders: Acc.count,
              latest: Acc.max($.placed),
              references: Acc.push($.reference),
              discounts: Acc.push($.discount),
              anyDiscount: Acc.first($.discount),
              average: Acc.avg($.items.price)
            })),
            Pipeline.sort({ revenue: -1 })
          )
        ),
        [
          {
            _id: "a",
            revenue: 10,
            cents: 11n,
            positions: [0],
            orders: 2,
            latest: second.placed,
            references: [7, 8],
            discounts: [10],
            anyDiscount: null,
            average: 3
          },
          {
            _id: "b",
            revenue: 3,
            cents: 5n,
            positions: [1],
            orders: 1,
            latest: first.placed,
            references: [7],
            discounts: [],
            anyDiscount: null,
            average: 1.5
          }
        ]
      )
    ))

  it.live("looks up documents of another collection", () =>
    test(({ customers, orders }) =>
      Effect.gen(function*() {
        yield* check(
          orders.aggregate((orders) =>
            orders.pipe(
              Pipeline.lookup({
                from: customers,
                localField: "customer",
                foreignField: "_id",
                as: "buyer",
                pipeline: (customers) =>
                  customers.pipe(Pipeline.match({ vip: true }), Pipeline.project({ name: 1, _id: 0 }))
              }),
              Pipeline.unwind("buyer", { preserveNullAndEmptyArrays: true }),
              Pipeline.sort({ id: 1 }),
              Pipeline.select(($) => ({ order: $.id, buyer: $.buyer.name }))
            )
          ),
          [{ order: id(11), buyer: "Ada" }, { order: id(12) }, { order: id(13), buyer: "Ada" }]
        )
        const [order] = yield* orders.aggregate((orders) =>
          orders.pipe(Pipeline.lookup({ from: customers, localField: "customer", foreignField: "_id", as: "buyers" }))
        )
        assert.instanceOf(order?.buyers[0], Customer)
      })
    ))

  it.live("splits, counts, replaces and joins", () =>
    test(({ orders, refunds }) =>
      Effect.gen(function*() {
        yield* check(
          orders.aggregate((orders) =>
            orders.pipe(Pipeline.facet((all) => ({
              newest: all.pipe(Pipeline.sort({ placed: -1 }), Pipeline.limit(1)),
              total: all.pipe(Pipeline.count("orders")),
              none: all.pipe(Pipeline.match({ status: "sent" }), Pipeline.count("orders"))
            })))
          ),
          [{ newest: [second], total: [{ orders: 3 }], none: [] }]
        )
        yield* check(
          orders.aggregate((orders) =>
            orders.pipe(
              Pipeline.sort({ id: 1 }),
              Pipeline.unwind("items"),
              Pipeline.replaceRoot(($) => $.items),
              Pipeline.skip(1)
            )
          ),
          [{ ...item("b", 1.5, 2), note: "x" }, item("a", 4, 1)]
        )
        yield* check(
          orders.aggregate((orders) =>
            orders.pipe(
              Pipeline.match({ reference: 8 }),
              Pipeline.select(($) => ({ _id: $.id, paid: $.cents })),
              Pipeline.unionWith(refunds, (refunds) => refunds.pipe(Pipeline.match({ refunded: { $gt: 0 } })))
            )
          ),
          [{ _id: id(12), paid: 6n }, { _id: id(21), refunded: 3 }]
        )
        const Counted = Schema.Struct({ _id: Schema.String, count: Schema.Number })
        yield* check(
          orders.aggregate((orders) => orders.pipe(Pipeline.stage(Counted, { $sortByCount: "$status" }))),
          [{ _id: "paid", count: 2 }, { _id: "open", count: 1 }]
        )
      })
    ))

  it.live("is read as a query: one, first, stream, with policies", () =>
    test(({ orders }) =>
      Effect.gen(function*() {
        const cents = orders.aggregate((orders) => orders.pipe(Pipeline.select(($) => ({ cents: $.cents }))))
        assert.deepStrictEqual(Option.getOrThrow(yield* cents.first), { cents: 5n })
        yield* check(Stream.runCollect(cents.stream), [{ cents: 5n }, { cents: 6n }, { cents: 7n }])
        yield* orders.untyped.insertOne({ _id: id(14), cents: "x" })
        assert.strictEqual((yield* Effect.flip(cents))._tag, "DocumentError")
        assert.strictEqual((yield* cents.onInvalid("skip")).length, 3)
        assert.property((yield* cents.explain()).raw, "ok")
      })
    ))

  it.live("fails with the stage and the field of what the compiler did not see", () =>
    test(({ orders }) =>
      Effect.gen(function*() {
        const error = yield* Effect.flip(
          orders.aggregate((orders) =>
            orders.pipe(Pipeline.limit(1), Pipeline.select(($) => ({ x: Expr.add($.reference, 1) })))
          )
        )
        assert.isTrue(MongoError.isMongoError(error))
        assert.include(error.message, "stage 2 ($replaceWith)")
        assert.include(error.message, "stored as string")
      })
    ))
})
