import { NodeRuntime } from "@effect/platform-node"
import { MongoClient } from "@mongofx/core"
import { Config, Console, Effect } from "effect"

const program = Effect.gen(function*() {
  const mongo = yield* MongoClient.MongoClient
  const readings = mongo.db("weather").collection<{ readonly station: number; readonly at: number }>("readings")
  yield* readings.insertMany(Array.from({ length: 1000 }, (_, i) => ({ station: i % 20, at: i })))

  // #region plan
  const newest = readings.find({ station: 7 }).sort({ at: -1 }).limit(10)
  yield* Console.log(String(yield* newest.explain("executionStats")))

  yield* readings.createIndex({ station: 1, at: -1 })
  yield* Console.log(`\nwith an index:\n${String(yield* newest.explain("executionStats"))}`)
  // #endregion plan
})

const Mongo = MongoClient.layerConfig({ url: Config.Redacted("MONGODB_URI") })

NodeRuntime.runMain(Effect.provide(program, Mongo))
