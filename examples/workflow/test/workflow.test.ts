import { assert, describe, it } from "@effect/vitest"
import { MongoTest } from "@mongofx/testing"
import { Effect, Layer } from "effect"
import { Accounts, Collections, Journal, Orders, Payments, Stock } from "../models.ts"
import { Shop } from "../shop.ts"
import { draw, type Recording } from "../timeline.ts"

const order = { _id: "o1", customer: "Ada", product: "tea", price: 12, country: "Norway" }

/** A shop with one piece of tea and a customer with some money, and what becomes of them. */
const opened = Effect.fnUntraced(function*({ balance, left }: { readonly balance: number; readonly left: number }) {
  const [accounts, journal, orders, payments, stock] = [
    yield* Accounts,
    yield* Journal,
    yield* Orders,
    yield* Payments,
    yield* Stock
  ]
  yield* stock.insertOne({ _id: order.product, left, reserved: [] })
  yield* accounts.insertOne({ _id: order.customer, balance })
  yield* orders.insertOne({ ...order, state: "placed" })
  return Effect.gen(function*() {
    const [{ balance }, { left, reserved }, { state }] = [
      yield* accounts.find().one,
      yield* stock.find().one,
      yield* orders.find().one
    ]
    const steps = (yield* journal.find().sort({ _id: 1 })).map(({ isNew, step }) => isNew ? step : `${step} again`)
    return { balance, left, reserved, state, payments: (yield* payments.find()).map(({ state }) => state), steps }
  })
})

const Live = Shop.layer.pipe(Layer.provideMerge(Collections), Layer.provideMerge(MongoTest.layer))

describe("the steps", () => {
  it.live("change nothing when they are done again, one after the other and at once", () =>
    Effect.gen(function*() {
      const seen = yield* opened({ balance: 20, left: 1 })
      const shop = yield* Shop
      const both = { concurrency: "unbounded" } as const
      for (const step of [shop.reserve, shop.charge, shop.refund, shop.giveBack]) {
        yield* Effect.all([step(order, "e1"), step(order, "e1")], both)
        yield* step(order, "e1")
        const { balance, left } = yield* seen
        assert.deepStrictEqual(
          [left, balance],
          step === shop.reserve ? [0, 20] : step === shop.charge ? [0, 8] : step === shop.refund ? [0, 20] : [1, 20]
        )
      }
      const { payments, reserved, steps } = yield* seen
      assert.deepStrictEqual([payments, reserved], [["refunded"], []])
      assert.deepStrictEqual(
        steps,
        ["reserve", "charge", "refund", "give back"].flatMap((step) => [step, `${step} again`, `${step} again`])
      )
    }).pipe(Effect.provide(Live)))

  it.live("are refused as a whole, and the order is cancelled", () =>
    Effect.gen(function*() {
      const seen = yield* opened({ balance: 11, left: 1 })
      const shop = yield* Shop
      yield* shop.reserve(order, "e1")
      assert.strictEqual((yield* Effect.flip(shop.reserve(order, "e2"))).reason, "tea is sold out")
      assert.strictEqual((yield* Effect.flip(shop.charge(order, "e1"))).reason, "Ada lacks the money")
      assert.deepStrictEqual(yield* seen, {
        balance: 11,
        left: 0,
        reserved: ["e1"],
        state: "cancelled",
        payments: [],
        steps: ["reserve", "refuse", "refuse again"]
      })
    }).pipe(Effect.provide(Live)))
})

describe("the drawing", () => {
  const recording: Recording = {
    orders: ["o1", "o2"],
    workers: [{ pid: 1, began: 0, ended: 450 }, { pid: 2, began: 500 }],
    steps: [
      { order: "o1", step: "reserve", isNew: true, process: 1, at: 110 },
      { order: "o1", step: "charge", isNew: true, process: 1, at: 120 },
      { order: "o2", step: "reserve", isNew: true, process: 1, at: 320 },
      { order: "o2", step: "charge", isNew: true, process: 1, at: 430 },
      { order: "o2", step: "charge", isNew: false, process: 2, at: 710 },
      { order: "o1", step: "ship", isNew: true, process: 2, at: 950 },
      { order: "o2", step: "refuse", isNew: true, process: 2, at: 1010 },
      { order: "o2", step: "refund", isNew: true, process: 2, at: 1020 },
      { order: "o2", step: "give back", isNew: true, process: 2, at: 1030 }
    ]
  }

  it("shows who lives, and each step at its time", () => {
    assert.deepStrictEqual(draw(recording, 1050, 40), [
      "            0 s       1 s",
      "  worker 1  ████✕",
      "  worker 2       ██████",
      "  o1         RC······S",
      "  o2           RC··c··✕↶↺"
    ])
  })

  it("has no more columns than there is room for", () => {
    for (const end of [1050, 60_000, 10_000_000]) {
      for (const row of draw(recording, end, 40)) assert.isAtMost(row.length, 2 + "worker 1".length + 2 + 40)
    }
  })
})
