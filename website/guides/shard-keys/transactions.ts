// server: sharded
import { NodeRuntime } from "@effect/platform-node"
import { MongoClient, MongoSharding } from "@mongofx/core"
import { Console, Duration, Effect } from "effect"
import { Live, Orders, some } from "./orders.ts"

const program = Effect.gen(function*() {
  const mongo = yield* MongoClient.MongoClient
  const orders = yield* Orders
  yield* MongoSharding.shardCollection(orders.untyped, { customer: "hashed" })
  yield* orders.insertMany(some)
  const kinds = Effect.map(
    mongo.db("admin").command({ serverStatus: 1 }),
    ({ transactions }) => ({
      one: Number(transactions.commitTypes.singleShard.successful),
      several: Number(transactions.commitTypes.twoPhaseCommit.successful)
    })
  )

  // #region price
  const raise = (customer: number) => orders.updateOne({ customer, _id: customer }, { $inc: { total: 1 } })
  const twice = (one: number, other: number) =>
    Effect.gen(function*() {
      const before = yield* kinds
      const transaction = mongo.withTransaction(Effect.andThen(raise(one), raise(other)))
      yield* transaction
      const [elapsed] = yield* Effect.timed(Effect.repeat(transaction, { times: 99 }))
      const { one: single, several } = yield* kinds
      yield* Console.log(`committed by one shard: ${single - before.one}, by several: ${several - before.several}`)
      yield* Console.log(`  ${(Duration.toMillis(elapsed) / 100).toFixed(1)} ms each`)
    })
  yield* twice(1, 1)
  yield* twice(1, 3)
  // #endregion price
})

NodeRuntime.runMain(Effect.provide(program, Live))
