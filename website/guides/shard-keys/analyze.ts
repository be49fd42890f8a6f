import { NodeRuntime } from "@effect/platform-node"
import { MongoClient, type MongoSharding } from "@mongofx/core"
import { Console, Effect } from "effect"
import { Live, Orders, some } from "./orders.ts"

const program = Effect.gen(function*() {
  const mongo = yield* MongoClient.MongoClient
  const orders = yield* Orders
  yield* orders.insertMany(some)

  // #region analyze
  const analyze = (key: MongoSharding.ShardKey) =>
    Effect.gen(function*() {
      yield* orders.untyped.createIndex(key)
      const { keyCharacteristics } = yield* mongo.db("admin").command({
        analyzeShardKey: orders.fullName,
        key,
        keyCharacteristics: true,
        readWriteDistribution: false
      })
      const { mostCommonValues, numDistinctValues } = keyCharacteristics
      const most = mostCommonValues[0].frequency
      yield* Console.log(`${JSON.stringify(key)}: ${numDistinctValues} values, the most common of ${most} orders`)
    })
  yield* analyze({ country: 1 })
  yield* analyze({ customer: 1 })
  yield* analyze({ customer: 1, _id: 1 })
  // #endregion analyze
})

NodeRuntime.runMain(Effect.provide(program, Live))
