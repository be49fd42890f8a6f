// server: sharded
import { NodeRuntime } from "@effect/platform-node"
import { MongoDatabase, MongoSharding } from "@mongofx/core"
import { Console, Effect, Option } from "effect"
import { Live, Orders, some } from "./orders.ts"

const program = Effect.gen(function*() {
  const db = yield* MongoDatabase.MongoDatabase

  // #region shard
  const orders = yield* Orders
  if (orders.declaredShardKey !== undefined) {
    yield* MongoSharding.shardCollection(orders.untyped, orders.declaredShardKey)
  }
  yield* orders.insertMany(some)
  // #endregion shard

  // #region distribution
  const key = Option.map(yield* MongoSharding.shardKeyOf(orders.untyped), ({ key }) => JSON.stringify(key))
  yield* Console.log(`${orders.name} by ${Option.getOrElse(key, () => "nothing")}`)
  const shares = yield* MongoSharding.distribution(orders.untyped)
  yield* Console.log(
    `  ${shares.map(({ documents }) => documents).sort((a, b) => b - a).join(" and ")} documents on two shards`
  )
  // #endregion distribution

  // #region range
  const byNumber = db.collection<{ readonly _id: number }>("log")
  yield* MongoSharding.shardCollection(byNumber, { _id: 1 })
  yield* byNumber.insertMany(some.map(({ _id }) => ({ _id })))
  const used = (yield* MongoSharding.distribution(byNumber)).filter(({ documents }) => documents > 0)
  yield* Console.log(`log by {"_id":1}\n  all documents on ${used.length} of 2 shards`)
  // #endregion range
})

NodeRuntime.runMain(Effect.provide(program, Live))
