import { NodeRuntime } from "@effect/platform-node"
import { MongoDatabase } from "@mongofx/core"
import { MongoTest } from "@mongofx/testing"
import { Console, Effect, Schema } from "effect"

interface Price {
  readonly _id: string
  readonly price: number
}

const prices = Effect.map(MongoDatabase.MongoDatabase, (db) => db.collection<Price>("prices"))

const Baseline = MongoTest.baseline(Effect.flatMap(prices, (prices) => prices.insertOne({ _id: "tea", price: 200 })))

// #region property
const Percent = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 50 }))

/** False: ten per cent off and ten per cent on is not what it was. */
const backAgain = MongoTest.prop({ percent: Percent }, ({ percent }) =>
  Effect.gen(function*() {
    const all = yield* prices
    yield* all.updateOne({ _id: "tea" }, { $mul: { price: 1 - percent / 100 } })
    yield* all.updateOne({ _id: "tea" }, { $mul: { price: 1 + percent / 100 } })
    const tea = yield* all.find({ _id: "tea" }).one
    return tea.price === 200
  }), { seed: 1 })
// #endregion property

const program = Effect.gen(function*() {
  const error = yield* Effect.flip(backAgain)
  yield* Console.log(error.message)
})

NodeRuntime.runMain(Effect.provide(program, Baseline))
