// server: sharded
import { NodeRuntime } from "@effect/platform-node"
import { MongoSharding } from "@mongofx/core"
import { Console, Effect } from "effect"
import { Live, Orders, some } from "./orders.ts"

const program = Effect.gen(function*() {
  const orders = yield* Orders
  yield* MongoSharding.shardCollection(orders.untyped, { customer: "hashed" })
  yield* orders.insertMany(some)

  // #region reads
  const asked = (filter: Parameters<typeof orders.find>[0]) =>
    Effect.flatMap(
      orders.find(filter).explain(),
      ({ root }) => Console.log(`${JSON.stringify(filter)}: ${root.name}, ${root.inputs.length} of 2 shards`)
    )
  yield* asked({ customer: 7 })
  yield* asked({ customer: 7, country: "FR" })
  yield* asked({ customer: { $in: [1, 3] } })
  yield* asked({ _id: 7 })
  yield* asked({ country: "FR" })
  // #endregion reads
})

NodeRuntime.runMain(Effect.provide(program, Live))
