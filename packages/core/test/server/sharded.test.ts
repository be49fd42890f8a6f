/**
 * A cluster of two shards and two routers: shard keys, transactions, aggregations that write, change streams and reads with preferences.
 *
 * @since 0.1.0
 */
import { assert, describe, it, layer } from "@effect/vitest"
import { MongoClient, type MongoError, MongoSharding } from "@mongofx/core"
import { MongoServer } from "@mongofx/testing"
import { Duration, Effect, Fiber, Option, Redacted } from "effect"
import * as Driver from "mongodb"
import { existsSync } from "node:fs"
import { dirname, join } from "node:path"
import { reasonOf, until, uri } from "../support/utils.ts"

const mongos = process.env["MONGOS_BINARY"] ?? join(dirname(process.env["MONGOD_BINARY"] ?? ""), "mongos")

interface Item {
  readonly _id: number
  readonly customer: number
  readonly n: number
}

const client = Effect.gen(function*() {
  const { uri } = yield* MongoServer.MongoServer
  return yield* MongoClient.make({ url: uri })
})

const itemOf = (_id: number): Item => ({ _id, customer: _id, n: 0 })

/** A collection with customers below 50 on the first shard and the others on the second. */
const sharded = (mongo: MongoClient.MongoClient, database: string, name = "items") =>
  Effect.gen(function*() {
    const items = mongo.db(database).collection<Item>(name)
    const admin = mongo.db("admin")
    yield* admin.command({ enableSharding: database, primaryShard: "shard0" })
    yield* MongoSharding.shardCollection(items, { customer: 1 })
    yield* admin.command({ split: items.fullName, middle: { customer: 50 } })
    yield* admin.command({ moveChunk: items.fullName, find: { customer: 50 }, to: "shard1", _waitForDelete: true })
    return items
  })

/** The server's words, without those of mongofx. */
const failsWith = (
  effect: Effect.Effect<unknown, MongoError.MongoError>,
  tag: MongoError.MongoErrorReason["_tag"],
  text: string
) =>
  Effect.map(reasonOf(effect), (reason) => {
    assert.strictEqual(reason._tag, tag, `${reason.message} (${reason.code})`)
    assert.include(reason.message, text)
  })

describe.skipIf(!existsSync(mongos))("on a sharded cluster (needs mongos),", () => {
  layer(
    MongoServer.layerSharded({
      shards: 2,
      members: 1,
      routers: 2,
      args: ["--setParameter", "reshardingMinimumOperationDurationMillis=0"]
    }),
    { excludeTestServices: true, timeout: 90_000 }
  )("", (it) => {
    it.effect("a collection is sharded, asked for its key and for its documents", () =>
      Effect.gen(function*() {
        const mongo = yield* client
        const items = yield* sharded(mongo, "keys")
        assert.deepStrictEqual(yield* MongoSharding.distribution(items), [
          { shard: "shard0", documents: 0, bytes: 0, orphanedDocuments: 0 },
          { shard: "shard1", documents: 0, bytes: 0, orphanedDocuments: 0 }
        ])
        yield* items.insertMany(Array.from({ length: 60 }, (_, _id) => itemOf(_id)))
        const shares = yield* MongoSharding.distribution(items)
        assert.deepStrictEqual(shares.map(({ documents, shard }) => [shard, documents]), [["shard0", 50], [
          "shard1",
          10
        ]])
        assert.isTrue(shares.every(({ bytes, documents }) => bytes >= documents * 30))
        assert.deepStrictEqual(
          yield* MongoSharding.shardKeyOf(items),
          Option.some({ key: { customer: 1 } as const, isUnique: false })
        )
        // Once more.
        yield* MongoSharding.shardCollection(items, { customer: 1 })
        yield* failsWith(
          MongoSharding.shardCollection(items, { n: "hashed" }),
          "InvalidCommandError",
          "shardCollection on keys.items: "
        )
        const unsharded = mongo.db("keys").collection("others")
        yield* unsharded.insertOne({})
        assert.deepStrictEqual(yield* MongoSharding.distribution(unsharded), [])
        assert.deepStrictEqual(yield* MongoSharding.shardKeyOf(unsharded), Option.none())
        // The documents are on both shards, and not on either one alone.
        const shards = yield* MongoSharding.listShards(mongo)
        assert.deepStrictEqual(shards.map(({ isDraining, name, zones }) => ({ isDraining, name, zones })), [
          { isDraining: false, name: "shard0", zones: [] },
          { isDraining: false, name: "shard1", zones: [] }
        ])
        for (const [index, { host }] of shards.entries()) {
          const direct = yield* MongoClient.make({
            url: Redacted.make(`mongodb://${host.split("/")[1]}/`),
            directConnection: true
          })
          assert.strictEqual(yield* direct.db("keys").collection("items").countDocuments(), index === 0 ? 50 : 10)
        }
      }), 60_000)

    it.effect("malformed keys and ranges are refused before anything is sent", () =>
      Effect.gen(function*() {
        const mongo = yield* client
        const items = mongo.db("malformed").collection("items")
        for (
          const [key, text] of [
            [{}, "key has no fields"],
            [null, "key is null"],
            ["customer", "key is a string"],
            [{ customer: -1 }, "key.customer is not 1 or \"hashed\""]
          ] as const
        ) yield* failsWith(MongoSharding.shardCollection(items, key as never), "InvalidArgumentError", text)
        yield* failsWith(
          MongoSharding.shardCollection(mongo.db("malformed").collection(""), { customer: 1 }),
          "InvalidArgumentError",
          "the name of the collection is empty"
        )
        yield* failsWith(
          MongoSharding.updateZoneKeyRange(items, { min: { a: undefined }, max: { a: 1 }, zone: null }),
          "InvalidArgumentError",
          "command.min.a"
        )
      }))

    it.effect("a zone takes its documents to its shard", () =>
      Effect.gen(function*() {
        const mongo = yield* client
        const items = mongo.db("zones").collection<Item>("items")
        yield* MongoSharding.addShardToZone(mongo, "shard0", "low")
        yield* MongoSharding.addShardToZone(mongo, "shard1", "high")
        const low = { min: { customer: new Driver.MinKey() }, max: { customer: 10 }, zone: "low" }
        const high = { min: { customer: 10 }, max: { customer: new Driver.MaxKey() }, zone: "high" }
        yield* MongoSharding.updateZoneKeyRange(items, low)
        yield* MongoSharding.updateZoneKeyRange(items, high)
        yield* MongoSharding.shardCollection(items, { customer: 1 })
        yield* items.insertMany(Array.from({ length: 15 }, (_, _id) => itemOf(_id)))
        assert.deepStrictEqual(
          (yield* MongoSharding.distribution(items)).map(({ documents, shard }) => [shard, documents]),
          [["shard0", 10], ["shard1", 5]]
        )
        assert.deepStrictEqual(
          (yield* MongoSharding.listShards(mongo)).map(({ name, zones }) => [name, zones]),
          [["shard0", ["low"]], ["shard1", ["high"]]]
        )
        for (
          const refused of [
            MongoSharding.updateZoneKeyRange(items, { ...low, min: { customer: 5 }, max: { customer: 15 } }),
            MongoSharding.updateZoneKeyRange(items, { ...low, zone: "nowhere" }),
            MongoSharding.addShardToZone(mongo, "nowhere", "low"),
            MongoSharding.removeShardFromZone(mongo, "shard0", "low")
          ]
        ) assert.strictEqual((yield* reasonOf(refused))._tag, "InvalidCommandError")
        yield* MongoSharding.updateZoneKeyRange(items, { ...low, zone: null })
        yield* MongoSharding.updateZoneKeyRange(items, { ...high, zone: null })
        yield* MongoSharding.removeShardFromZone(mongo, "shard0", "low")
        yield* MongoSharding.removeShardFromZone(mongo, "shard1", "high")
        assert.isTrue((yield* MongoSharding.listShards(mongo)).every(({ zones }) => zones.length === 0))
      }), 60_000)

    it.effect("a key is refined, then replaced with a progress to see", () =>
      Effect.gen(function*() {
        const mongo = yield* client
        const items = yield* sharded(mongo, "resharded")
        yield* items.insertMany(Array.from({ length: 100 }, (_, _id) => itemOf(_id)))
        yield* failsWith(
          MongoSharding.refineCollectionShardKey(items, { customer: 1, _id: 1 }),
          "InvalidCommandError",
          "create an index"
        )
        yield* items.createIndex({ customer: 1, _id: 1 })
        yield* MongoSharding.refineCollectionShardKey(items, { customer: 1, _id: 1 })
        const keyOf = Effect.map(MongoSharding.shardKeyOf(items), (found) => Option.getOrThrow(found).key)
        assert.deepStrictEqual(yield* keyOf, { customer: 1, _id: 1 })

        assert.deepStrictEqual(yield* MongoSharding.reshardingProgress(items), Option.none())
        yield* failsWith(MongoSharding.abortReshardCollection(items), "InvalidCommandError", "abortReshardCollection")
        // The recipients stand still, so that there is something to see.
        const pause = (mode: "alwaysOn" | "off") =>
          Effect.gen(function*() {
            for (const { host } of yield* MongoSharding.listShards(mongo)) {
              const direct = yield* MongoClient.make({
                url: Redacted.make(`mongodb://${host.split("/")[1]}/`),
                directConnection: true
              })
              yield* direct.db("admin").command({ configureFailPoint: "reshardingPauseRecipientBeforeCloning", mode })
            }
          }).pipe(Effect.scoped)
        const isSeen = Effect.promise(() =>
          Effect.runPromise(MongoSharding.reshardingProgress(items)).then((progress) =>
            Option.match(progress, {
              onNone: () => undefined,
              onSome: (progress) => progress.states.length === 4 ? progress : undefined
            })
          )
        )
        const seen = Effect.gen(function*() {
          yield* until(
            "both shards give and take",
            () => Effect.runPromise(Effect.map(isSeen, (progress) => progress !== undefined)),
            90_000
          )
          return (yield* isSeen)!
        })
        const reshard = MongoSharding.reshardCollection(items, { _id: "hashed" }, { numInitialChunks: 4 })
        yield* pause("alwaysOn")
        const refused = yield* Effect.forkChild(reasonOf(reshard))
        const progress = yield* seen
        assert.deepStrictEqual(
          progress.states.map(({ role, shard }) => `${shard} ${role}`).sort(),
          ["shard0 donor", "shard0 recipient", "shard1 donor", "shard1 recipient"]
        )
        assert.strictEqual(progress.documents, 0)
        assert.isBelow(Duration.toMillis(progress.elapsed), 60_000)
        yield* MongoSharding.abortReshardCollection(items)
        assert.strictEqual((yield* Fiber.join(refused)).code, 341)
        assert.deepStrictEqual(yield* keyOf, { customer: 1, _id: 1 })

        // The cluster goes on without the one who is interrupted, and the same call waits for the rest.
        const interrupted = yield* Effect.forkChild(reshard)
        yield* seen
        yield* Fiber.interrupt(interrupted)
        assert.isTrue(Option.isSome(yield* MongoSharding.reshardingProgress(items)))
        yield* pause("off")
        yield* reshard
        assert.deepStrictEqual(yield* keyOf, { _id: "hashed" })
        const shares = yield* MongoSharding.distribution(items)
        assert.isTrue(shares.length === 2 && shares.every(({ documents }) => documents > 0), JSON.stringify(shares))
        assert.strictEqual(yield* items.countDocuments(), 100)
      }), 200_000)
  })
})

describe("on a server that is not a router,", () => {
  it.live("operations on shards fail and name what they need", () =>
    Effect.gen(function*() {
      const mongo = yield* MongoClient.make({ url: Redacted.make(uri) })
      const items = mongo.db("noRouter").collection("items")
      for (
        const refused of [
          MongoSharding.shardCollection(items, { customer: 1 }),
          MongoSharding.refineCollectionShardKey(items, { customer: 1 }),
          MongoSharding.reshardCollection(items, { customer: 1 }),
          MongoSharding.abortReshardCollection(items),
          MongoSharding.distribution(items),
          MongoSharding.listShards(mongo),
          MongoSharding.addShardToZone(mongo, "shard0", "zone"),
          MongoSharding.removeShardFromZone(mongo, "shard0", "zone"),
          MongoSharding.updateZoneKeyRange(items, { min: { customer: 0 }, max: { customer: 1 }, zone: "zone" })
        ]
      ) yield* failsWith(refused, "InvalidCommandError", "this server is not a router: connect to a mongos")
      assert.deepStrictEqual(yield* MongoSharding.shardKeyOf(items), Option.none())
      assert.deepStrictEqual(yield* MongoSharding.reshardingProgress(items), Option.none())
    }))
})
