/**
 * Typed collections that know their shard key: what they refuse before anything is sent, and what a sharded cluster then does.
 *
 * @since 0.1.0
 */
import { assert, describe, it, layer } from "@effect/vitest"
import { MongoClient, MongoError, MongoSharding } from "@mongofx/core"
import { Filter, MongoModel, MongoResolver, TypedCollection } from "@mongofx/schema"
import { MongoServer } from "@mongofx/testing"
import { Effect, Exit, Option, Redacted, Schema } from "effect"
import { existsSync } from "node:fs"
import { dirname, join } from "node:path"

const mongos = process.env["MONGOS_BINARY"] ?? join(dirname(process.env["MONGOD_BINARY"] ?? ""), "mongos")

const Order = Schema.Struct({
  _id: Schema.Number,
  customer: Schema.Number,
  address: Schema.Struct({ city: Schema.String }),
  note: Schema.optionalKey(Schema.String)
}).pipe(Schema.encodeKeys({ customer: "c" }))

const order = (_id: number, customer = _id) => ({ _id, customer, address: { city: "Rome" } })

const refusal = (effect: Effect.Effect<unknown, unknown>) =>
  Effect.map(Effect.flip(effect), (error) => {
    assert.isTrue(MongoError.isMongoError(error), String(error))
    const { reason } = error as MongoError.MongoError
    assert.strictEqual(reason._tag, "InvalidArgumentError", reason.message)
    return reason.message
  })

const made = (options: TypedCollection.CollectionOptions<typeof Order.Type>) =>
  Effect.gen(function*() {
    const mongo = yield* MongoClient.make({ url: Redacted.make(process.env["MONGODB_URI"]!) })
    return TypedCollection.make(mongo.db("shardKeys"), "orders", Order, options)
  })

describe("a collection with a shard key", () => {
  it.live("refuses writes to one document that do not name it", () =>
    Effect.gen(function*() {
      const orders = yield* made({ shardKey: { customer: 1, "address.city": 1 } })
      assert.deepStrictEqual(orders.declaredShardKey, { c: 1, "address.city": 1 })
      const set = { $set: { note: "x" } }
      const { _id, ...replacement } = order(1)
      const byCity = { "address.city": "Rome" }
      for (
        const refused of [
          orders.updateOne(byCity, set),
          orders.updateOne({ ...byCity, customer: { $gt: 1 } }, set),
          orders.updateOne({ ...byCity, customer: { $in: [1, 2] } }, set),
          orders.updateOne({ ...byCity, $or: [{ customer: 1 }, { customer: 2 }] }, set),
          orders.replaceOne(byCity, replacement),
          orders.deleteOne(byCity),
          orders.findOneAndDelete(byCity),
          orders.findOneAndReplace(byCity, replacement),
          orders.findOneAndUpdate(byCity, set)
        ]
      ) {
        assert.include(
          yield* refusal(refused),
          "filter has no equality on customer of the shard key, so that all shards would be asked: add it, or use the operation on many documents"
        )
      }
      for (const refused of [orders.updateById(1, set), orders.replaceById(1, replacement), orders.deleteById(1)]) {
        assert.include(yield* refusal(refused), "on customer, address.city of the shard key")
        assert.include(yield* refusal(refused), "broadcast: \"byId\"")
      }
      for (
        const operation of [
          { updateOne: { filter: byCity, update: set } },
          { replaceOne: { filter: byCity, replacement } },
          { deleteOne: { filter: byCity } }
        ]
      ) {
        const message = yield* refusal(orders.bulkWrite([{ insertOne: { document: order(9) } }, operation]))
        assert.include(message, `operations[1].${Object.keys(operation)[0]}.filter has no equality on customer`)
      }
      assert.strictEqual(yield* orders.untyped.countDocuments({}), 0)
    }))

  it.live("takes every form of an equality", () =>
    Effect.gen(function*() {
      const orders = yield* made({ shardKey: { customer: 1, "address.city": 1 } })
      for (
        const filter of [
          { customer: 1, "address.city": "Rome" },
          { customer: { $eq: 1 }, address: { city: "Rome" } },
          { $and: [{ customer: { $in: [1] } }, { "address.city": "Rome" }] },
          Filter.unsafe({ c: 1, "address.city": null })
        ]
      ) assert.strictEqual((yield* orders.deleteOne(filter as Filter.Filter<typeof Order.Type>)).deletedCount, 0)
    }))

  it.live("refuses upserts without the whole key, and changes of the key in many documents", () =>
    Effect.gen(function*() {
      const orders = yield* made({ shardKey: { customer: 1 }, broadcast: "byId" })
      const upsert = { upsert: true } as const
      const { _id, ...replacement } = order(1)
      for (
        const refused of [
          orders.updateOne({ _id: 1 }, { $set: { ...replacement } }, upsert),
          orders.updateMany({ _id: 1 }, { $set: { note: "x", address: { city: "Rome" } }, $setOnInsert: {} }, upsert),
          orders.replaceOne({ _id: 1 }, replacement, upsert),
          orders.findOneAndUpdate({ _id: 1 }, { $set: { ...replacement } }, upsert)
        ]
      ) assert.match(yield* refusal(refused), /options\.upsert (needs the whole shard key|could insert)/)
      assert.include(
        yield* refusal(orders.updateOne({ _id: 1 }, { $set: { ...replacement } }, upsert)),
        "add an equality on customer to the filter"
      )
      assert.include(
        yield* refusal(orders.updateMany({}, { $set: { customer: 2 } })),
        "update changes customer of the shard key in many documents"
      )
    }))

  it.live("looks into documents whose schema does not promise the key", () =>
    Effect.gen(function*() {
      const orders = yield* made({ shardKey: { note: "hashed" } })
      assert.include(
        yield* refusal(orders.insertOne(order(1))),
        "document.note is missing: it is a field of the shard key"
      )
      assert.include(
        yield* refusal(orders.insertMany([{ ...order(1), note: "x" }, order(2)])),
        "documents[1].note is missing"
      )
      assert.include(
        yield* refusal(orders.bulkWrite([{ insertOne: { document: order(1) } }])),
        "operations[0].insertOne.document.note is missing"
      )
      const { _id, ...replacement } = order(1)
      assert.include(
        yield* refusal(orders.replaceOne({ note: "x" }, replacement)),
        "replacement.note is missing"
      )
      assert.include(
        yield* refusal(MongoModel.makeRepository(orders).insert(order(1))),
        "document.note is missing"
      )
      const { insert, insertVoid } = MongoResolver.makeResolvers(orders)
      for (const resolver of [insert, insertVoid]) {
        const [refused, inserted] = yield* Effect.all([
          Effect.exit(refusal(MongoResolver.request(order(1), resolver))),
          Effect.exit(MongoResolver.request({ ...order(2), note: "x" }, resolver))
        ], { concurrency: "unbounded" })
        assert.include(yield* refused, "document.note is missing")
        assert.isTrue(Exit.isSuccess(inserted), String(inserted))
        assert.strictEqual((yield* orders.deleteMany({ _id: 2 })).deletedCount, 1)
      }
      assert.strictEqual(yield* orders.untyped.countDocuments({}), 0)
    }))

  it.live("is refused if it is not one", () =>
    Effect.gen(function*() {
      for (
        const [options, text] of [
          [{ shardKey: {} }, "options.shardKey has no fields"],
          [{ shardKey: { nothing: 1 } }, "options.shardKey.nothing is not a path of the schema"],
          [{ shardKey: { customer: -1 } }, "options.shardKey.customer is not 1 or \"hashed\""],
          [{ shardKey: { customer: 1 }, broadcast: "always" }, "options.broadcast is not"],
          [{ broadcast: "byId" }, "options.broadcast has no meaning without a shardKey"]
        ] as const
      ) {
        const mongo = yield* MongoClient.make({ url: Redacted.make(process.env["MONGODB_URI"]!) })
        assert.throws(() => TypedCollection.make(mongo.db("shardKeys"), "orders", Order, options as never), text)
      }
    }))
})

describe.skipIf(!existsSync(mongos))("on a sharded cluster (needs mongos),", () => {
  layer(MongoServer.layerSharded({ shards: 2, members: 1 }), { excludeTestServices: true, timeout: 90_000 })(
    "",
    (it) => {
      it.effect(
        "a typed collection shards itself by its key, and a change of the key moves a document",
        () =>
          Effect.gen(function*() {
            const { uri } = yield* MongoServer.MongoServer
            const mongo = yield* MongoClient.make({ url: uri })
            const options = { shardKey: { customer: 1 } } as const
            const orders = TypedCollection.make(mongo.db("app"), "orders", Order, options)
            yield* mongo.db("admin").command({ enableSharding: "app", primaryShard: "shard0" })
            yield* MongoSharding.shardCollection(orders.untyped, orders.declaredShardKey!)
            yield* mongo.db("admin").command({ split: "app.orders", middle: { c: 50 } })
            yield* mongo.db("admin").command({
              moveChunk: "app.orders",
              find: { c: 50 },
              to: "shard1",
              _waitForDelete: true
            })
            yield* orders.insertMany([order(1), order(2), order(60)])
            const counts = Effect.map(
              MongoSharding.distribution(orders.untyped),
              (shares) => shares.map(({ documents }) => documents)
            )
            assert.deepStrictEqual(yield* counts, [2, 1])
            // One shard is asked.
            const plan = yield* orders.untyped.find({ c: 1 }).explain()
            assert.strictEqual(JSON.stringify(plan).includes("SINGLE_SHARD"), true)
            // A retryable write changes the key, and a transaction does.
            assert.strictEqual((yield* orders.updateOne({ customer: 1 }, { $set: { customer: 61 } })).modifiedCount, 1)
            assert.deepStrictEqual(yield* counts, [1, 2])
            yield* mongo.withTransaction(orders.updateOne({ customer: 2 }, { $set: { customer: 62 } }))
            assert.deepStrictEqual(yield* counts, [0, 3])
            // In a bulk write it has to be alone.
            const change = { updateOne: { filter: { customer: 62 }, update: { $set: { customer: 3 } } } } as const
            const other = { updateOne: { filter: { customer: 61 }, update: { $set: { note: "x" } } } } as const
            const refused = yield* Effect.flip(orders.bulkWrite([other, change]))
            assert.include(refused.message, "must be sent with write batch of size 1")
            assert.deepStrictEqual(yield* counts, [0, 3])
            assert.strictEqual((yield* orders.bulkWrite([change])).modifiedCount, 1)
            assert.deepStrictEqual(yield* counts, [1, 2])
            // Without retryable writes it is refused.
            const once = yield* MongoClient.make({ url: uri, retryWrites: false })
            const noRetries = TypedCollection.make(once.db("app"), "orders", Order, options)
            assert.include(
              (yield* Effect.flip(noRetries.updateOne({ customer: 3 }, { $set: { customer: 62 } }))).message,
              "Must run update to shard key field in a multi-statement transaction or with retryWrites: true"
            )
            // By `_id` alone where that is allowed.
            const any = TypedCollection.make(mongo.db("app"), "orders", Order, { ...options, broadcast: "byId" })
            assert.strictEqual((yield* any.updateById(60, { $set: { note: "seen" } })).modifiedCount, 1)
            assert.deepStrictEqual(Option.map(yield* orders.findById(60), ({ note }) => note), Option.some("seen"))
            assert.strictEqual((yield* any.deleteById(60)).deletedCount, 1)
            assert.strictEqual(yield* orders.countDocuments(), 2)
          }),
        90_000
      )
    }
  )
})
