/**
 * Tests of plans: which queries pass, and what a failure shows.
 */
import { assert, describe, it } from "@effect/vitest"
import { MongoDatabase } from "@mongofx/core"
import { Bson, Pipeline, TypedCollection } from "@mongofx/schema"
import { MongoTest } from "@mongofx/testing"
import { Effect, Schema } from "effect"

const Order = Schema.Struct({ _id: Schema.Number, customer: Schema.Number, total: Schema.Number, placed: Bson.Date })

const fixture = Effect.gen(function*() {
  const db = yield* MongoDatabase.MongoDatabase
  const orders = TypedCollection.make(db, "orders", Order)
  yield* orders.insertMany(
    Array.from({ length: 40 }, (_, i) => ({ _id: i, customer: i % 4, total: i, placed: new Date(i) }))
  )
  yield* orders.createIndex({ customer: 1, total: 1 })
  return { db, orders }
})

const test = <A, E>(body: (_: Effect.Success<typeof fixture>) => Effect.Effect<A, E>) =>
  Effect.flatMap(fixture, body).pipe(Effect.provide(MongoTest.layer))

const planError = <A, E, R>(self: Effect.Effect<A, E, R>) =>
  Effect.map(Effect.flip(self), (error) => {
    assert.instanceOf(error, MongoTest.PlanError)
    return error as unknown as MongoTest.PlanError
  })

describe("usesIndex", () => {
  it.live("gives the plan of a query that uses an index", () =>
    test(({ db, orders }) =>
      Effect.gen(function*() {
        const plan = yield* MongoTest.usesIndex(orders.find({ customer: 1 }).sort({ total: 1 }), {
          maxKeysPerResult: 1
        })
        assert.deepStrictEqual(plan.indexes, ["customer_1_total_1"])
        yield* MongoTest.usesIndex(db.collection("orders").find({ customer: 1 }))
        yield* MongoTest.usesIndex(
          orders.aggregate((orders) => orders.pipe(Pipeline.match({ customer: 2 }), Pipeline.limit(3)))
        )
      })
    ))

  it.live("fails with the tree when the server scans the collection", () =>
    test(({ orders }) =>
      Effect.gen(function*() {
        const error = yield* planError(MongoTest.usesIndex(orders.find({ total: 3 })))
        assert.strictEqual(error.problems.length, 1)
        assert.match(
          error.message,
          /it scans a collection.*\nno index, scans the collection, 1 returned, 40 documents/s
        )
        assert.match(error.message, /COLLSCAN: scans the collection, 1 returned, 40 documents examined/)
        assert.isTrue(error.plan.scansCollection)
        yield* planError(
          MongoTest.usesIndex(
            orders.aggregate((all) =>
              all.pipe(
                Pipeline.match({ customer: 1 }),
                Pipeline.lookup({ from: orders, localField: "total", foreignField: "total", as: "same" })
              )
            )
          )
        )
      })
    ))

  it.live("fails when the server sorts in memory, unless that is allowed", () =>
    test(({ orders }) =>
      Effect.gen(function*() {
        const query = orders.find({ customer: 1 }).sort({ placed: 1 })
        assert.match(
          (yield* planError(MongoTest.usesIndex(query))).message,
          /it sorts in memory.*SORT \{ placed: 1 \}/s
        )
        yield* MongoTest.usesIndex(query, { allowSort: true })
      })
    ))

  it.live("fails when too many keys are examined for a result", () =>
    test(({ orders }) =>
      Effect.gen(function*() {
        const query = orders.find({ customer: { $gte: 0 }, total: { $in: [1, 2] } })
        yield* MongoTest.usesIndex(query)
        const { message } = yield* planError(MongoTest.usesIndex(query, { maxKeysPerResult: 2 }))
        assert.match(message, /it examines \d+ keys for 2 results, more than 2 for each of them/)
      })
    ))

  it.live("fails when there is nothing to plan for", () =>
    test(({ db }) =>
      Effect.gen(function*() {
        const { message } = yield* planError(MongoTest.usesIndex(db.collection("nothing").find({ a: 1 })))
        assert.match(message, /it reads nothing: the collection does not exist/)
      })
    ))
})
