import { NodeRuntime } from "@effect/platform-node"
import { Console, Effect } from "effect"
import { Live, rivers, seed } from "./rivers.ts"

// #region aggregate
const byCountry = Effect.gen(function*() {
  const collection = yield* rivers
  const countries = yield* collection.aggregate<{ readonly _id: string; readonly rivers: number; readonly km: number }>(
    [
      { $unwind: "$countries" },
      { $group: { _id: "$countries", rivers: { $sum: 1 }, km: { $max: "$km" } } },
      { $match: { rivers: { $gt: 1 } } },
      { $sort: { _id: 1 } }
    ]
  )
  for (const { _id, km, rivers } of countries) yield* Console.log(`${_id}: ${rivers} rivers, the longest has ${km} km`)
})
// #endregion aggregate

// #region explain
const explain = Effect.gen(function*() {
  const collection = yield* rivers
  const long = collection.find({ km: { $gt: 1100 } }).sort({ km: -1 })

  const before = yield* long.explain("executionStats")
  yield* Console.log(`scans: ${before.scansCollection}, sorts in memory: ${before.sortsInMemory}`)
  yield* Console.log(String(before))

  yield* collection.createIndex({ km: -1 })
  const after = yield* long.explain("executionStats")
  yield* Console.log(`scans: ${after.scansCollection}, sorts in memory: ${after.sortsInMemory}`)
  yield* Console.log(String(after))
})
// #endregion explain

const program = Effect.all([seed, byCountry, explain])

NodeRuntime.runMain(Effect.provide(program, Live))
