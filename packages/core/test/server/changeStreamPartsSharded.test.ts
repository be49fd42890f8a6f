import { assert, describe, layer } from "@effect/vitest"
import { ChangeStreamConsumer, MongoClient, MongoDatabase, ResumeTokenStore } from "@mongofx/core"
import { MongoServer } from "@mongofx/testing"
import { Context, Effect, Layer } from "effect"
import { existsSync } from "node:fs"
import { dirname, join } from "node:path"
import { range } from "../support/consumers.ts"
import { pause } from "../support/parts.ts"
import { until } from "../support/utils.ts"

const binary = process.env["MONGOD_BINARY"] ?? ""
const mongos = process.env["MONGOS_BINARY"] ?? join(dirname(binary), "mongos")

describe.skipIf(!existsSync(binary) || !existsSync(mongos))("partitions (needs MONGOD_BINARY and mongos)", () => {
  // An event comes when every shard has said how far it is. One without writes says so every ten seconds otherwise.
  const args = ["--setParameter", "periodicNoopIntervalSecs=1"]
  layer(MongoServer.layerSharded({ shards: 2, members: 1, args }), { excludeTestServices: true, timeout: 90_000 })(
    "on a sharded cluster",
    (it) => {
      it.effect(
        "have each event of both shards, in the order of its document, and change their number",
        () =>
          Effect.gen(function*() {
            const { uri } = yield* MongoServer.MongoServer
            const mongo = yield* MongoClient.make({ url: uri })
            const db = mongo.db("parts")
            yield* mongo.db("admin").command({ shardCollection: "parts.items", key: { _id: "hashed" } })
            const items = db.collection<{ readonly _id: number; readonly n: number }>("items")
            const ids = range(0, 40)
            const seen = new Map<number, Array<number>>(ids.map((id) => [id, []]))
            const consume = (partitions: number) =>
              ChangeStreamConsumer.make({
                name: "test",
                partitions: partitions as number,
                lease: { duration: "3 seconds" },
                watch: (position) =>
                  items.watch([], { maxAwaitTime: "50 millis", fullDocument: "whenAvailable", ...position }),
                handler: (event) =>
                  Effect.andThen(
                    pause(1),
                    Effect.sync(() => {
                      if (event.operationType !== "insert" && event.operationType !== "replace") return
                      seen.get(event.documentKey._id)!.push(event.fullDocument.n)
                    })
                  )
              })
            let n = 0
            const isComplete = () => ids.every((id) => new Set(seen.get(id)).size === n)
            const round = (parts: number) =>
              Effect.scoped(Effect.gen(function*() {
                yield* consume(parts)
                yield* consume(parts)
                for (const _ of range(0, 3)) {
                  const next = n++
                  yield* Effect.forEach(ids, (_id) => items.replaceOne({ _id }, { n: next }, { upsert: true }), {
                    concurrency: 8,
                    discard: true
                  })
                }
                yield* until(`all are handled by ${parts} parts`, isComplete, 40_000)
              }))
            const database = Layer.succeed(MongoDatabase.MongoDatabase, db)
            const store = yield* Layer.build(Layer.provide(ResumeTokenStore.layerMongo(), database))
            yield* Effect.provideService(
              Effect.forEach([1, 4, 3, 1], round, { discard: true }),
              ResumeTokenStore.ResumeTokenStore,
              Context.get(store, ResumeTokenStore.ResumeTokenStore)
            )
            // What comes again does so in order, after what came first.
            for (const [id, own] of seen) assert.deepStrictEqual([...new Set(own)], range(0, n), `of ${id}`)
            const shards = new Set(
              (yield* items.aggregate([{ $collStats: { storageStats: {} } }])).map(({ shard }) => shard)
            )
            assert.strictEqual(shards.size, 2)
          }),
        150_000
      )
    }
  )
})
