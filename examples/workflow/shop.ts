/**
 * The steps of an order. A worker may die when it has done a step, and before that is noted. Then the next worker does the step again: so each step finds
 * out by the identifier of its execution whether it was done.
 */
import { MongoClient } from "@mongofx/core"
import type { TypedQuery } from "@mongofx/schema"
import { Context, Effect, Layer, Schedule, Schema } from "effect"
import { Accounts, type Entry, Journal, type Order, Orders, Payments, Stock } from "./models.ts"

export class Refused extends Schema.TaggedError<Refused>()("Refused", { reason: Schema.String }) {}

const carriers = new Set(["Norway", "Portugal"])

/** How long a bank takes to answer: the one of Cleo long enough to be killed in between. */
const answerOfBank = (customer: string) => customer === "Cleo" ? "10 seconds" : "50 millis"

type Placed = typeof Order.Type

/** Whether it changed something: not when it has been done before. */
type Change = Effect.Effect<boolean, Refused | TypedQuery.Failure>

export class Shop extends Context.Service<Shop>()("workflow/Shop", {
  make: Effect.gen(function*() {
    const mongo = yield* MongoClient.MongoClient
    const orders = yield* Orders
    const stock = yield* Stock
    const accounts = yield* Accounts
    const payments = yield* Payments
    const journal = yield* Journal

    /** Makes a change and tells of it, in one transaction. Without a server it waits: a failure would be the end of the order. */
    const once = (
      { _id: order }: Placed,
      step: Entry["step"],
      change: Change
    ): Effect.Effect<boolean, Refused> =>
      Effect.gen(function*() {
        const isNew = yield* change
        yield* journal.insertOne({ order, step, isNew, process: process.pid })
        return isNew
      }).pipe(
        mongo.withTransaction(),
        Effect.retry({
          while: (error) => error._tag === "MongoError" && error.isTransient,
          schedule: Schedule.spaced("1 second")
        }),
        Effect.catchTag(["MongoError", "DocumentError"], Effect.die)
      )

    const set = (order: Placed, state: "shipped" | "cancelled") =>
      Effect.map(orders.updateOne({ _id: order._id }, { $set: { state } }), ({ modifiedCount }) => modifiedCount === 1)

    const step = (order: Placed, name: Entry["step"], change: Change) =>
      Effect.tapErrorTag(once(order, name, change), "Refused", () => once(order, "refuse", set(order, "cancelled")))

    const undo = (order: Placed, name: Entry["step"], change: Change) =>
      Effect.asVoid(Effect.orDie(once(order, name, change)))

    return {
      reserve: (order: Placed, execution: string) =>
        step(
          order,
          "reserve",
          Effect.gen(function*() {
            const { product } = order
            if ((yield* stock.countDocuments({ _id: product, reserved: execution })) === 1) return false
            const { modifiedCount } = yield* stock.updateOne(
              { _id: product, left: { $gt: 0 } },
              { $inc: { left: -1 }, $push: { reserved: execution } }
            )
            return modifiedCount === 1 ? true : yield* new Refused({ reason: `${product} is sold out` })
          })
        ),

      /** The payment and the new balance are written together, or not at all. */
      charge: Effect.fnUntraced(function*(order: Placed, execution: string) {
        const { _id, customer, price } = order
        const isNew = yield* step(
          order,
          "charge",
          Effect.gen(function*() {
            const { upsertedCount } = yield* payments.updateOne(
              { _id: execution },
              { $setOnInsert: { order: _id, amount: price, state: "charged" } },
              { upsert: true }
            )
            if (upsertedCount === 0) return false
            const { modifiedCount } = yield* accounts.updateOne(
              { _id: customer, balance: { $gte: price } },
              { $inc: { balance: -price } }
            )
            return modifiedCount === 1 ? true : yield* new Refused({ reason: `${customer} lacks the money` })
          })
        )
        if (isNew) yield* Effect.sleep(answerOfBank(customer))
      }),

      ship: (order: Placed, execution: string) =>
        step(
          order,
          "ship",
          Effect.gen(function*() {
            const { country, product } = order
            if (!carriers.has(country)) return yield* new Refused({ reason: `no carrier goes to ${country}` })
            yield* stock.updateOne({ _id: product }, { $pull: { reserved: execution } })
            return yield* set(order, "shipped")
          })
        ),

      refund: (order: Placed, execution: string) =>
        undo(
          order,
          "refund",
          Effect.gen(function*() {
            const { customer, price } = order
            const { modifiedCount } = yield* payments.updateOne(
              { _id: execution, state: "charged" },
              { $set: { state: "refunded" } }
            )
            if (modifiedCount === 1) yield* accounts.updateOne({ _id: customer }, { $inc: { balance: price } })
            return modifiedCount === 1
          })
        ),

      giveBack: (order: Placed, execution: string) =>
        undo(
          order,
          "give back",
          Effect.map(
            stock.updateOne(
              { _id: order.product, reserved: execution },
              { $inc: { left: 1 }, $pull: { reserved: execution } }
            ),
            ({ modifiedCount }) => modifiedCount === 1
          )
        )
    }
  })
}) {
  static readonly layer = Layer.effect(this, this.make)
}
