import { assert, describe, it, layer } from "@effect/vitest"
import { MongoClient } from "@mongofx/core"
import { MongoServer } from "@mongofx/testing"
import { ConfigProvider, Effect, Layer, Redacted } from "effect"
import { existsSync } from "node:fs"
import { dirname, join } from "node:path"
import { hasBinary, processes } from "../support/processes.ts"

const mongos = process.env["MONGOS_BINARY"] ?? join(dirname(process.env["MONGOD_BINARY"] ?? ""), "mongos")

const withEnv = (env: Record<string, string>) => Effect.provide(ConfigProvider.layer(ConfigProvider.fromEnvRecord(env)))

describe.skipIf(!hasBinary || !existsSync(mongos))("a sharded cluster (needs MONGOD_BINARY and mongos)", () => {
  layer(MongoServer.layerSharded({ shards: 2, members: 1, routers: 2 }), {
    excludeTestServices: true,
    timeout: 60_000
  })(
    "of two shards",
    (it) => {
      it.effect("tells its parts, with a primary in each set", () =>
        Effect.gen(function*() {
          const members = yield* MongoServer.members
          assert.deepStrictEqual(members.map(({ part, replicaSet, role }) => [part, replicaSet, role]), [
            ["config", "config", "primary"],
            ["shard", "shard0", "primary"],
            ["shard", "shard1", "primary"],
            ["mongos", undefined, "mongos"],
            ["mongos", undefined, "mongos"]
          ])
          const { uri } = yield* MongoServer.MongoServer
          const [first, second] = members.filter(({ role }) => role === "mongos").map(({ host }) => host)
          assert.strictEqual(Redacted.value(uri), `mongodb://${first},${second}/`)
          assert.isTrue(members.every(({ pid }) => processes(`${pid} `).length > 0))
        }))

      it.effect("shards a collection, and commits transactions over both shards", () =>
        Effect.gen(function*() {
          const { uri } = yield* MongoServer.MongoServer
          const mongo = yield* MongoClient.make({ url: uri })
          yield* mongo.db("admin").command({ shardCollection: "app.orders", key: { _id: "hashed" } })
          const orders = mongo.db("app").collection<{ readonly _id: number }>("orders")
          yield* mongo.withTransaction(orders.insertMany(Array.from({ length: 40 }, (_, _id) => ({ _id }))))
          const { shards } = yield* mongo.db("app").command({ collStats: "orders" })
          const counts = Object.values(shards as Record<string, { readonly count: number }>).map(({ count }) => count)
          assert.lengthOf(counts, 2)
          assert.isTrue(counts.every((count) => count > 0))
          assert.strictEqual(counts.reduce((sum, count) => sum + count, 0), 40)
        }))

      it.effect("one that others have started tells its members too", () =>
        Effect.gen(function*() {
          const { uri } = yield* MongoServer.MongoServer
          const own = yield* MongoServer.members
          const seen = yield* Effect.provide(MongoServer.members, MongoServer.layerUri(uri))
          const lines = (members: ReadonlyArray<MongoServer.Member>) =>
            members.map(({ host, part, pid, replicaSet, role }) => [host, part, replicaSet, role, pid].join(" ")).sort()
          assert.deepStrictEqual(lines(seen), lines(own))
        }))

      it.effect("is ready while all sets have their primaries", () => MongoServer.ready)
    }
  )
})

describe("without mongos", () => {
  const failureOf = (env: Record<string, string>) =>
    Layer.build(MongoServer.layerSharded({ shards: 1, members: 1 })).pipe(Effect.scoped, Effect.flip, withEnv(env))

  it.effect("the message says what to install and how to name it", () =>
    Effect.gen(function*() {
      const error = yield* failureOf({ PATH: "", MONGOD_BINARY: process.execPath })
      assert.strictEqual(error.kind, "notFound")
      assert.include(error.message, `No mongos was found beside ${process.execPath}`)
      assert.include(error.message, "MONGOS_BINARY")
    }))

  it.effect("MONGOS_BINARY that names nothing", () =>
    Effect.gen(function*() {
      const error = yield* failureOf({ MONGOD_BINARY: process.execPath, MONGOS_BINARY: "/no/such/mongos" })
      assert.strictEqual(error.kind, "notFound")
      assert.include(error.message, "MONGOS_BINARY names /no/such/mongos")
    }))

  it.effect("counts that make no cluster fail with words", () =>
    Effect.gen(function*() {
      const error = yield* Effect.flip(Effect.scoped(Layer.build(MongoServer.layerSharded({ shards: 0, members: 1 }))))
      assert.strictEqual(error.message, "layerSharded: shards is 0: pass a whole number from 1")
    }))
})
