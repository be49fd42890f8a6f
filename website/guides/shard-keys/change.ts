// server: sharded
import { NodeRuntime } from "@effect/platform-node"
import { MongoSharding } from "@mongofx/core"
import { Console, Effect, Option, Schedule } from "effect"
import { Live, Orders, some } from "./orders.ts"

const program = Effect.gen(function*() {
  const orders = (yield* Orders).untyped
  yield* MongoSharding.shardCollection(orders, { customer: 1 })
  yield* (yield* Orders).insertMany(some)
  const showKey = Effect.flatMap(
    MongoSharding.shardKeyOf(orders),
    Option.match({ onNone: () => Effect.void, onSome: ({ key }) => Console.log(JSON.stringify(key)) })
  )

  // #region refine
  yield* orders.createIndex({ customer: 1, _id: 1 })
  yield* MongoSharding.refineCollectionShardKey(orders, { customer: 1, _id: 1 })
  yield* showKey
  // #endregion refine

  // #region reshard
  let seen = "nothing seen"
  const look = Effect.gen(function*() {
    const progress = yield* MongoSharding.reshardingProgress(orders)
    if (Option.isNone(progress) || progress.value.documents === 0) return
    seen = `copied ${progress.value.documents} of ${progress.value.totalDocuments} documents`
  })
  yield* Effect.raceFirst(
    MongoSharding.reshardCollection(orders, { customer: "hashed" }),
    Effect.andThen(Effect.repeat(look, Schedule.spaced("50 millis")), Effect.never)
  )
  yield* Console.log(seen)
  yield* showKey
  // #endregion reshard
})

NodeRuntime.runMain(Effect.provide(program, Live))
