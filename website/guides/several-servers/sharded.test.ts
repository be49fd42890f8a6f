import { assert, describe, layer } from "@effect/vitest"
import { MongoClient, MongoDatabase, MongoSharding } from "@mongofx/core"
import { MongoServer, MongoTest, Nemesis } from "@mongofx/testing"
import { Effect } from "effect"
import { existsSync } from "node:fs"
import { dirname, join } from "node:path"

// #region skip
const mongos = process.env["MONGOS_BINARY"] ?? join(dirname(process.env["MONGOD_BINARY"] ?? ""), "mongos")

describe.skipIf(!existsSync(mongos))("with mongos", () => {
  // #endregion skip
  // #region cluster
  const Servers = MongoServer.layerSharded({ shards: 2, members: 1 })

  layer(Servers, { excludeTestServices: true, timeout: "2 minutes" })("orders on two shards", (it) => {
    it.effect("are on both, and are taken in one transaction", () =>
      Effect.gen(function*() {
        const mongo = yield* MongoClient.MongoClient
        const orders = (yield* MongoDatabase.MongoDatabase).collection("orders")
        yield* MongoSharding.shardCollection(orders, { customer: "hashed" })
        const customers = Array.from({ length: 50 }, (_, number) => ({ customer: number }))
        yield* mongo.withTransaction(orders.insertMany(customers))
        const shares = yield* MongoSharding.distribution(orders)
        assert.lengthOf(shares, 2)
        assert.isTrue(shares.every(({ documents }) => documents > 0))
      }).pipe(Effect.provide(MongoTest.layer)), 120_000)
    // #endregion cluster

    // #region shard
    it.effect("wait for a shard whose process is killed and started again", () =>
      Effect.gen(function*() {
        const orders = (yield* MongoDatabase.MongoDatabase).collection("orders")
        yield* MongoSharding.shardCollection(orders, { customer: "hashed" })
        const { members } = yield* Effect.scoped(Nemesis.kill(({ replicaSet }) => replicaSet === "shard0"))
        assert.strictEqual(members[0]?.part, "shard")
        yield* MongoServer.ready
        yield* orders.insertMany(Array.from({ length: 50 }, (_, number) => ({ customer: number })))
        assert.strictEqual(yield* orders.countDocuments(), 50)
      }).pipe(Effect.provide(MongoTest.layer)), 120_000)
    // #endregion shard
  })
})
