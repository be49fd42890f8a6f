/**
 * Plans that a real server explains.
 */
import { assert, describe, it } from "@effect/vitest"
import { MongoDatabase, QueryPlan } from "@mongofx/core"
import { MongoTest } from "@mongofx/testing"
import { Effect } from "effect"

const fixture = Effect.gen(function*() {
  const db = yield* MongoDatabase.MongoDatabase
  const orders = db.collection<{ _id: number; customer: number; total: number; place: unknown }>("orders")
  yield* orders.insertMany(
    Array.from({ length: 50 }, (_, i) => ({
      _id: i,
      customer: i % 5,
      total: i,
      place: { type: "Point", coordinates: [i / 100, 0] }
    }))
  )
  yield* orders.createIndex({ customer: 1, total: -1 })
  yield* orders.createIndex({ place: "2dsphere" })
  return { db, orders }
})

const test = <A, E>(
  body: (_: Effect.Success<typeof fixture>) => Effect.Effect<A, E>
) => Effect.flatMap(fixture, body).pipe(Effect.provide(MongoTest.layer))

describe("a plan", () => {
  it.live("of a find says what the server read", () =>
    test(({ orders }) =>
      Effect.gen(function*() {
        const byIndex = yield* orders.find({ customer: 3 }).sort({ total: -1 }).limit(4).explain("executionStats")
        assert.deepStrictEqual(byIndex.indexes, ["customer_1_total_-1"])
        assert.deepStrictEqual(
          [byIndex.returned, byIndex.documentsExamined, byIndex.keysExamined],
          [4, 4, 4]
        )
        assert.isFalse(byIndex.scansCollection || byIndex.sortsInMemory)
        assert.isObject(byIndex.raw["queryPlanner"])

        const scan = yield* orders.find({ total: { $gt: 40 } }).sort({ total: 1 }).explain("executionStats")
        assert.isTrue(scan.scansCollection && scan.sortsInMemory)
        assert.deepStrictEqual([scan.returned, scan.documentsExamined, scan.indexes], [9, 50, []])

        const planned = yield* orders.find({ customer: 3 }).explain()
        assert.deepStrictEqual(planned.indexes, ["customer_1_total_-1"])
        assert.isUndefined(planned.returned)
      })
    ))

  for (const settings of [{ promoteValues: false }, { promoteLongs: false }, { useBigInt64: true }]) {
    it.live(`has numbers, whatever the client makes of them: ${JSON.stringify(settings)}`, () =>
      test(({ db, orders }) =>
        Effect.gen(function*() {
          const asked = db.collection("orders", settings)
          const joined = [{ $match: { customer: 1 } }, {
            $lookup: { from: "orders", localField: "_id", foreignField: "total", as: "same" }
          }]
          const plans = (from: { readonly find: typeof asked.find; readonly aggregate: typeof asked.aggregate }) =>
            Effect.all([
              from.find({ customer: 3 }).sort({ total: -1 }).explain("executionStats"),
              from.aggregate(joined).explain("executionStats")
            ])
          const summary = (
            { documentsExamined, indexes, keysExamined, returned, scansCollection }: QueryPlan.QueryPlan
          ) => ({
            documentsExamined,
            indexes,
            keysExamined,
            returned,
            scansCollection
          })
          assert.deepStrictEqual((yield* plans(asked)).map(summary), (yield* plans(orders as never)).map(summary))
        })
      ))
  }

  it.live("of an aggregation has its stages, and those of the engine below them", () =>
    test(({ orders }) =>
      Effect.gen(function*() {
        const plan = yield* orders.aggregate([
          { $match: { customer: { $lt: 2 } } },
          { $lookup: { from: "orders", localField: "customer", foreignField: "total", as: "same" } },
          { $facet: { all: [{ $count: "n" }] } }
        ]).explain("executionStats")
        assert.strictEqual(plan.root.name, "$facet")
        assert.isTrue(plan.scansCollection)
        assert.include(plan.indexes, "customer_1_total_-1")
        assert.isAbove(plan.documentsExamined!, 20)

        const near = yield* orders.aggregate([
          { $geoNear: { near: { type: "Point", coordinates: [0, 0] }, distanceField: "d", key: "place" } },
          { $limit: 2 }
        ]).explain("executionStats")
        assert.deepStrictEqual(near.indexes, ["place_2dsphere"])
        assert.match(String(near), /GEO_NEAR_2DSPHERE place_2dsphere \{ place: 2dsphere \}/)
        assert.isBelow(String(near).split("\n").length, 30)
      })
    ))

  it.live("of other commands is read from their answers", () =>
    test(({ db }) =>
      Effect.gen(function*() {
        const explained = (command: object) =>
          Effect.map(db.command({ explain: command, verbosity: "executionStats" }), QueryPlan.fromExplain)
        const count = yield* explained({ count: "orders", query: { customer: 1 } })
        assert.deepStrictEqual([count.root.name, count.indexes], ["COUNT", ["customer_1_total_-1"]])
        const distinct = yield* explained({ distinct: "orders", key: "customer" })
        assert.deepStrictEqual([distinct.scansCollection, distinct.keysExamined], [false, 5])
        const deletion = yield* explained({ delete: "orders", deletes: [{ q: { total: 1 }, limit: 0 }] })
        assert.deepStrictEqual([deletion.root.name, deletion.scansCollection], ["BATCHED_DELETE", true])
      })
    ))
})
