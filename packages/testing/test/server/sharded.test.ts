import { assert, describe, it, layer } from "@effect/vitest"
import { MongoClient, MongoDatabase } from "@mongofx/core"
import { MongoServer, MongoTest, Nemesis } from "@mongofx/testing"
import { ConfigProvider, Effect, Layer, Redacted, Schedule, Stream } from "effect"
import { existsSync } from "node:fs"
import { dirname, join } from "node:path"
import { leaksOf } from "../support/leaksOf.ts"
import { hasBinary, processes } from "../support/processes.ts"

const mongos = process.env["MONGOS_BINARY"] ?? join(dirname(process.env["MONGOD_BINARY"] ?? ""), "mongos")

const withEnv = (env: Record<string, string>) => Effect.provide(ConfigProvider.layer(ConfigProvider.fromEnvRecord(env)))

describe.skipIf(!hasBinary || !existsSync(mongos))("a sharded cluster (needs MONGOD_BINARY and mongos)", () => {
  layer(MongoServer.layerSharded({ shards: 2, members: 1, routers: 2, proxied: true }), {
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

      it.effect("noLeaks looks at the routers and the shards", () =>
        Effect.gen(function*() {
          const fill = Effect.gen(function*() {
            const db = yield* MongoDatabase.MongoDatabase
            const mongo = yield* MongoClient.MongoClient
            yield* mongo.db("admin").command({ shardCollection: `${db.name}.items`, key: { _id: "hashed" } })
            yield* db.collection("items").insertMany(Array.from({ length: 40 }, () => ({})))
            return db.collection("items")
          })
          const leaks = yield* leaksOf(Effect.gen(function*() {
            const { name } = yield* fill
            const { name: database } = yield* MongoDatabase.MongoDatabase
            const mongo = yield* MongoClient.MongoClient
            yield* mongo.use((driver) => driver.db(database).collection(name).find().batchSize(2).next())
            const begin = mongo.use(async (driver) => {
              const session = driver.startSession()
              session.startTransaction()
              await driver.db(database).collection(name).insertOne({}, { session })
            })
            // Another router may begin it at a time before the collection.
            yield* Effect.retry(begin, { times: 20, schedule: Schedule.spaced("100 millis") })
          }))
          const members = yield* MongoServer.members
          const places = ["mongos", "shard"].map((part) =>
            members.filter((member) => member.part === part).some(({ host }) =>
              leaks.some((leak) => leak.includes("cursor") && leak.includes(host))
            )
          )
          assert.deepStrictEqual(places, [true, true], `${leaks}`)
          assert.isTrue(leaks.some((leak) => leak.startsWith("an idle session with a transaction")), `${leaks}`)
          yield* MongoTest.noLeaks(Effect.gen(function*() {
            const items = yield* fill
            yield* items.find().batchSize(2).stream.pipe(Stream.take(3), Stream.runDrain)
            const mongo = yield* MongoClient.MongoClient
            yield* mongo.withTransaction(items.insertMany(Array.from({ length: 10 }, () => ({}))))
          }))
        }))

      it.effect("its routers reach each shard on a link of its own", () =>
        Effect.gen(function*() {
          const { uri } = yield* MongoServer.MongoServer
          const mongo = yield* MongoClient.make({ url: uri })
          yield* mongo.db("admin").command({ enableSharding: "zero", primaryShard: "shard0" })
          yield* mongo.db("admin").command({ enableSharding: "one", primaryShard: "shard1" })
          const read = (name: string) => mongo.db(name).collection("items").countDocuments()
          yield* Effect.all([read("zero"), read("one")])
          yield* Nemesis.slow({
            latency: "300 millis",
            links: { from: "mongos", to: ({ replicaSet }) => replicaSet === "shard0" }
          })
          // Whoever is slow has answered last.
          const order: Array<string> = []
          const began = performance.now()
          yield* Effect.all(
            [read("zero"), read("one")].map((count, index) =>
              Effect.tap(count, () => Effect.sync(() => order.push(index === 0 ? "zero" : "one")))
            ),
            { concurrency: 2 }
          )
          assert.deepStrictEqual(order, ["one", "zero"])
          assert.isAtLeast(performance.now() - began, 600)
        }))

      it.effect("comes back when the primary of a shard is killed", () =>
        Effect.gen(function*() {
          const { uri } = yield* MongoServer.MongoServer
          const mongo = yield* MongoClient.make({ url: uri })
          yield* Effect.scoped(Nemesis.kill(({ replicaSet }) => replicaSet === "shard1"))
          yield* MongoServer.ready
          yield* Effect.retry(mongo.db("one").collection("items").insertOne({}), {
            times: 100,
            schedule: Schedule.spaced("100 millis")
          })
        }), 60_000)

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
