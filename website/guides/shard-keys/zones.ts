// server: sharded
import { NodeRuntime } from "@effect/platform-node"
import { MongoClient, MongoDatabase, MongoSharding } from "@mongofx/core"
import { Console, Effect } from "effect"
import { MaxKey, MinKey } from "mongodb"
import { Live, some } from "./orders.ts"

const program = Effect.gen(function*() {
  // #region zones
  const mongo = yield* MongoClient.MongoClient
  const orders = (yield* MongoDatabase.MongoDatabase).collection<typeof some[number]>("orders")
  yield* MongoSharding.addShardToZone(mongo, "shard0", "Italy")
  yield* MongoSharding.addShardToZone(mongo, "shard1", "France")
  for (const [country, zone] of [["IT", "Italy"], ["FR", "France"]] as const) {
    yield* MongoSharding.updateZoneKeyRange(orders, {
      min: { country, customer: new MinKey() },
      max: { country, customer: new MaxKey() },
      zone
    })
  }
  yield* MongoSharding.shardCollection(orders, { country: 1, customer: 1 })
  yield* orders.insertMany(some)
  const zones = new Map((yield* MongoSharding.listShards(mongo)).map(({ name, zones }) => [name, zones.join()]))
  for (const { documents, shard } of yield* MongoSharding.distribution(orders)) {
    yield* Console.log(`${shard} (${zones.get(shard)}): ${documents} documents`)
  }
  // #endregion zones
})

NodeRuntime.runMain(Effect.provide(program, Live))
