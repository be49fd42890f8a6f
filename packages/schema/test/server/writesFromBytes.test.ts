/**
 * Typed bulk writes send bytes that a compiled writer has made. What is stored, the results and the errors are those of documents that are
 * objects.
 *
 * @since 0.1.0
 */
import { assert, describe, it } from "@effect/vitest"
import { Integration, Mongo, MongoDatabase, MongoError } from "@mongofx/core"
import { Bson, TypedCollection } from "@mongofx/schema"
import { MongoTest } from "@mongofx/testing"
import { Effect, Fiber, Schema } from "effect"
import * as Driver from "mongodb"

const Item = Schema.Struct({
  _id: Schema.Int,
  name: Schema.String,
  born: Schema.optional(Bson.Date),
  views: Schema.optionalKey(Bson.Int64),
  ratio: Schema.optionalKey(Schema.FiniteFromString)
})
type Item = typeof Item.Type

const item = (_id: number, more: Partial<Item> = {}): Item => ({ _id, name: `item ${_id}`, ...more })

const isBytes = (document: unknown): boolean => document instanceof Integration.SerializedDocument

/** A typed collection, with what core is given of it: whether each document is bytes. */
const collectionOf = <S extends Schema.Constraint>(schema: S, options: { readonly name?: string } = {}) =>
  Effect.gen(function*() {
    const db = yield* MongoDatabase.MongoDatabase
    const typed = TypedCollection.make(db, options.name ?? "items", schema)
    const given: Array<boolean> = []
    const untyped = typed.untyped as unknown as {
      insertMany: (documents: ReadonlyArray<unknown>, options: unknown) => unknown
      bulkWrite: (models: ReadonlyArray<Driver.Document>, options: unknown) => unknown
    }
    const { bulkWrite, insertMany } = untyped
    untyped.insertMany = function(documents, options) {
      given.push(...documents.map(isBytes))
      return insertMany.call(this, documents, options)
    }
    untyped.bulkWrite = function(models, options) {
      given.push(
        ...models.flatMap(({ insertOne, replaceOne }) =>
          insertOne || replaceOne ? [isBytes(insertOne?.document ?? replaceOne?.replacement)] : []
        )
      )
      return bulkWrite.call(this, models, options)
    }
    const stored = Effect.map(
      Integration.rawQuery(db.collection<{ _id: unknown }>(options.name ?? "items").find().sort({ _id: 1 })),
      (all) => all.map((bytes) => Driver.BSON.deserialize(bytes, { promoteValues: false }))
    )
    return { db, typed, given, stored }
  })

const provided = Effect.provide(MongoTest.layer)

describe("typed documents", () => {
  it.live("are sent as bytes, and stored as the encoder and the driver would store them", () =>
    Effect.gen(function*() {
      const { given, stored, typed } = yield* collectionOf(Item)
      const result = yield* typed.insertMany([
        item(1),
        item(2, { born: new Date(5), views: 7n }),
        item(3, { born: undefined, ratio: 1.5 })
      ])
      assert.deepStrictEqual(result, { acknowledged: true, insertedCount: 3, insertedIds: [1, 2, 3] })
      const written = yield* typed.bulkWrite([
        { insertOne: { document: item(4) } },
        { replaceOne: { filter: { _id: 1 }, replacement: item(1, { name: "new" }) } },
        { replaceOne: { filter: { _id: 2 }, replacement: { name: "without _id" } } },
        { replaceOne: { filter: { _id: 5 }, replacement: { name: "five" }, upsert: true } },
        { updateOne: { filter: { _id: 3 }, update: { $set: { name: "three" } } } },
        { deleteOne: { filter: { _id: 99 } } }
      ])
      assert.deepStrictEqual([written.insertedCount, written.modifiedCount, written.upsertedCount], [1, 3, 1])
      assert.deepStrictEqual([written.insertedIds, written.upsertedIds], [{ 0: 4 }, { 3: 5 }])
      // An upsert looks into its document.
      assert.deepStrictEqual(given, [true, true, true, true, true, true, false])
      const int = (n: number) => new Driver.Int32(n)
      assert.deepStrictEqual(yield* stored, [
        { _id: int(1), name: "new" },
        { _id: int(2), name: "without _id" },
        { _id: int(3), name: "three", ratio: "1.5" },
        { _id: int(4), name: "item 4" },
        { _id: int(5), name: "five" }
      ])
    }).pipe(provided))

  it.live("are objects where bytes are of no use", () =>
    Effect.gen(function*() {
      const { given, typed } = yield* collectionOf(Item)
      yield* typed.insertMany([item(1)])
      yield* typed.bulkWrite([{ insertOne: { document: item(2) } }, {
        replaceOne: { filter: { _id: 1 }, replacement: item(1) }
      }])
      assert.deepStrictEqual(given, [false, false, false])
    }).pipe(Effect.provide(MongoTest.layerWith({ driverOptions: { monitorCommands: true } }))))

  it.live("get an _id in the first place where the schema has none, or inserts leave it out", () =>
    Effect.gen(function*() {
      const without = yield* collectionOf(Schema.Struct({ a: Schema.Int }))
      const { insertedIds } = yield* without.typed.insertMany([{ a: 1 }, { a: 2 }])
      assert.deepStrictEqual(without.given, [true, true])
      assert.deepStrictEqual(
        yield* without.stored,
        [1, 2].map((a, i) => ({ _id: insertedIds[i], a: new Driver.Int32(a) }))
      )
      assert.deepStrictEqual((yield* without.stored).map((document) => Object.keys(document)[0]), ["_id", "_id"])

      const Generated = Schema.Struct({ a: Schema.Int, _id: Bson.ObjectId.pipe(Schema.brand("Id")) })
      const generated = yield* collectionOf(Generated, { name: "generated" })
      const ids = (yield* generated.typed.insertMany([{ a: 1 }, { a: 2 }])).insertedIds
      assert.deepStrictEqual(generated.given, [true, true])
      assert.deepStrictEqual(yield* generated.stored, ids.map((_id, i) => ({ a: new Driver.Int32(i + 1), _id })))
    }).pipe(provided))

  it.live("are made first by schemas with defaults and classes", () =>
    Effect.gen(function*() {
      class User extends Schema.Class<User>("User")({
        _id: Schema.Int,
        name: Schema.String,
        lang: Schema.String.pipe(Schema.withConstructorDefault(Effect.succeed("en")))
      }) {}
      const { given, stored, typed } = yield* collectionOf(User)
      yield* typed.insertMany([new User({ _id: 1, name: "Ada" }), new User({ _id: 2, name: "Bea", lang: "de" })])
      assert.deepStrictEqual(given, [true, true])
      assert.deepStrictEqual((yield* stored).map(({ lang }) => lang), ["en", "de"])
    }).pipe(provided))

  it.live("are refused as before, and nothing is sent", () =>
    Effect.gen(function*() {
      const { stored, typed } = yield* collectionOf(Item)
      const failing = (second: unknown) => Effect.flip(typed.insertMany([item(1), second as Item, item(3)]))
      const issue = yield* failing({ _id: 2, name: 5 })
      assert.strictEqual(issue._tag, "DocumentError")
      assert.strictEqual((issue as { readonly path: string }).path, "documents[1].name")
      const surrogate = yield* failing({ _id: 2, name: "\uD800" })
      assert.include(surrogate.message, "documents[1].name has a lone surrogate, which BSON would replace")
      const inBulk = yield* Effect.flip(typed.bulkWrite([
        { insertOne: { document: item(1) } },
        { replaceOne: { filter: { _id: 2 }, replacement: item(2, { name: "a\uDC00" }) } }
      ]))
      assert.include(inBulk.message, "operations[1].replaceOne.replacement.name has a lone surrogate")
      const large = yield* failing(item(2, { name: "x".repeat(2 ** 24) }))
      assert.match(large.message, /documents\[1\] is too large: \d+ bytes/)
      const larger = yield* failing(item(2, { name: "x".repeat(18_000_000) }))
      assert.match(larger.message, /documents\[1\] is too large: \d+ bytes/)
      assert.deepStrictEqual(yield* stored, [])
    }).pipe(provided))

  it.live("are no updates in disguise", () =>
    Effect.gen(function*() {
      const Odd = Schema.Struct({ _id: Schema.Int, set: Schema.optionalKey(Schema.Int) }).pipe(
        Schema.encodeKeys({ set: "$set" })
      )
      const { given, typed } = yield* collectionOf(Odd)
      const error = yield* Effect.flip(typed.bulkWrite([
        { replaceOne: { filter: { _id: 1 }, replacement: { set: 5 } } }
      ]))
      assert.deepStrictEqual(given, [false])
      assert.include(error.message, "operations[0].replaceOne.replacement.$set is an update operator")
    }).pipe(provided))

  for (const ordered of [true, false]) {
    it.live(`fail by their indexes, with their stored ids, ${ordered ? "ordered" : "unordered"}`, () =>
      Effect.gen(function*() {
        const Long = Schema.Struct({ _id: Bson.Int64, name: Schema.String })
        const { given, typed } = yield* collectionOf(Long)
        const all = [0n, 1n, 2n, 3n].map((_id) => ({ _id, name: "a" }))
        yield* typed.insertMany([all[2]!])
        const error = yield* Effect.flip(typed.insertMany(all, { ordered }))
        assert.deepStrictEqual(given, [true, true, true, true, true])
        if (!MongoError.isMongoError(error) || error.reason._tag !== "BulkWriteError") return assert.fail(error.message)
        assert.deepStrictEqual(error.reason.writeErrors.map(({ index }) => index), [2])
        const ids = { 0: Driver.Long.fromNumber(0), 1: Driver.Long.fromNumber(1), 3: Driver.Long.fromNumber(3) }
        const { 3: _, ...before } = ids
        assert.deepStrictEqual(error.reason.insertedIds, ordered ? before : ids)
      }).pipe(provided))
  }
})

it.live("the bytes of a detached insert stay as they are, whatever is inserted after its interruption", () =>
  Effect.gen(function*() {
    const { given, stored, typed } = yield* collectionOf(Item)
    const db = yield* MongoDatabase.MongoDatabase
    const items = (from: number) => Array.from({ length: 200 }, (_, i) => item(from + i))
    yield* db.collection("slow").insertOne({})
    // It has the only connection, so the insert waits with its bytes.
    const slow = yield* Effect.forkChild(db.collection("slow").find({ $where: "sleep(1000) || true" } as never))
    yield* Effect.sleep("100 millis")
    const first = yield* Effect.forkChild(Mongo.withInterruptionPolicy(typed.insertMany(items(0)), "detach"))
    yield* Effect.sleep("100 millis")
    yield* Fiber.interrupt(first)
    yield* typed.insertMany(items(1000))
    yield* Fiber.join(slow)
    assert.isTrue(given.length === 400 && given.every((bytes) => bytes))
    const all = [...items(0), ...items(1000)].map(({ _id, name }) => ({ _id, name }))
    assert.deepStrictEqual((yield* stored).map(({ _id, name }) => ({ _id: Number(_id), name })), all)
  }).pipe(Effect.provide(MongoTest.layerWith({ maxPoolSize: 1 }))))
