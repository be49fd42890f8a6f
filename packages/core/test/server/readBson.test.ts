/**
 * Documents that core reads out of replies, beside the same ones as the driver reads them.
 *
 * @since 0.1.0
 */
import { assert, describe, it } from "@effect/vitest"
import { Integration, MongoClient } from "@mongofx/core"
import { Effect, Redacted, Stream } from "effect"
import * as Driver from "mongodb"
import { reasonOf, setup, uri } from "../support/utils.ts"

const id = new Driver.ObjectId()

const values: ReadonlyArray<unknown> = [
  ["", "text", "seventeen letters", "äöü\u{1F600}", "\uFFFD", "x".repeat(1000)],
  [0, -1, 2 ** 31 - 1, 1.5, Number.NaN, new Driver.Double(-0), new Driver.Double(7)],
  [7n, 2n ** 53n, 2n ** 53n + 1n, Driver.Long.MAX_VALUE, Driver.Long.MIN_VALUE],
  [true, false, null, new Date(0), new Date(-1), new Driver.ObjectId()],
  [
    new Driver.Decimal128("1.50"),
    new Driver.Timestamp({ t: 2 ** 32 - 1, i: 7 }),
    new Driver.MinKey(),
    new Driver.MaxKey()
  ],
  [0, 2, 3, 5, 128].map((subType) => new Driver.Binary(Buffer.from("abc"), subType)),
  [new Driver.UUID(), Driver.Binary.fromFloat32Array(Float32Array.of(1, 2))],
  { nested: { deeply: [{ a: 1 }, { b: [[1], []] }, {}] } },
  // What core leaves to bson.
  new Driver.DBRef("items", id, "db", { more: 1 }),
  [
    /a/i,
    new Driver.BSONRegExp("a", "im"),
    new Driver.Code("x"),
    new Driver.Code("x", { y: 1 }),
    new Driver.BSONSymbol("s")
  ]
]

const documents: ReadonlyArray<Driver.Document> = [
  ...values.map((value, _id) => ({ _id, value })),
  ...values.map((value, i) => ({
    _id: 100 + i,
    before: i,
    ...i % 3 === 0 ? {} : { value },
    0: "a",
    constructor: [{ a: value }]
  })),
  ...Array.from(
    { length: 300 },
    (_, i) => ({ _id: 200 + i, name: `name ${i}`, ...i % 2 === 0 ? { even: 7n } : {}, tags: ["a", "b"] })
  )
]

const optionSets: ReadonlyArray<Driver.BSONSerializeOptions> = [
  {},
  { promoteValues: false },
  { promoteLongs: false },
  { promoteBuffers: true },
  { useBigInt64: true },
  { bsonRegExp: true },
  { enableUtf8Validation: false },
  { fieldsAsRaw: { constructor: true } } as never,
  { useBigInt64: true, promoteBuffers: true, bsonRegExp: true },
  { ignoreUndefined: true, serializeFunctions: true }
]

describe("documents out of a reply", () => {
  it.live.each(optionSets)("are those of the driver: %j", (options) =>
    Effect.gen(function*() {
      const { admin, db } = yield* setup()
      const bare = admin.db(db.name).collection<{ _id: number }>("items", options)
      yield* Effect.promise(() =>
        bare.insertMany(documents as ReadonlyArray<{ _id: number }>, { ignoreUndefined: false })
      )
      const items = db.collection<{ _id: number }>("items", options as object)
      const expected = yield* Effect.promise(() => bare.find().batchSize(100).toArray())
      assert.strictEqual(expected.length, documents.length)
      const same = (actual: ReadonlyArray<unknown>, wanted: ReadonlyArray<unknown> = expected) => {
        assert.deepStrictEqual(actual, wanted)
        const keys = (all: ReadonlyArray<unknown>) => all.map((document) => Object.keys(document as object))
        assert.deepStrictEqual(keys(actual), keys(wanted))
      }
      same(yield* items.find().batchSize(100))
      same(yield* Stream.runCollect(items.find().batchSize(7).stream))
      // So few documents are left to bson.
      same(yield* Stream.runCollect(items.find().batchSize(3).stream))
      same(yield* items.aggregate([{ $match: {} }]))
      same(yield* db.collection<{ _id: number }>("items").find({}, options as object))
      const command = { find: "items", batchSize: 50 }
      same(
        yield* db.runCursorCommand(command, options as object),
        yield* Effect.promise(() => admin.db(db.name).runCursorCommand(command, options).toArray())
      )
      const [listed] = yield* Effect.promise(() => admin.db(db.name).listCollections({}, options).toArray())
      same(yield* db.listCollections({}, options as object), [listed])
    }))

  it.live("fail as with the driver if their text is not UTF-8, unless nobody checks it", () =>
    Effect.gen(function*() {
      const { admin, db } = yield* setup()
      // Without listeners to commands, documents go to the server as the bytes that they are.
      const mongo = yield* MongoClient.make({ url: Redacted.make(uri) })
      const items = mongo.db(db.name).collection<{ _id: number }>("items")
      assert.isTrue(Integration.sendsBytes(items))
      // Only the first document is damaged.
      const stored = Array.from({ length: 50 }, (_, _id) => {
        const bytes = Buffer.from(Driver.BSON.serialize({ _id, text: "a text of more than twenty letters" }))
        if (_id === 0) bytes[bytes.indexOf("twenty")] = 0xff
        return new Integration.SerializedDocument(bytes, _id)
      })
      yield* items.insertMany(stored as never)
      const bare = admin.db(db.name).collection("items")
      const thrown = yield* Effect.promise(() => bare.find().toArray().then(() => undefined, (error: Error) => error))
      assert.instanceOf(thrown, Driver.BSON.BSONError)
      const reason = yield* reasonOf(items.find())
      assert.include(reason.message, thrown.message)
      const unchecked = { enableUtf8Validation: false }
      const expected = yield* Effect.promise(() => bare.find({}, unchecked).toArray())
      assert.include(expected[0]!["text"], "\uFFFD")
      assert.deepStrictEqual<unknown>(yield* items.find({}, unchecked as object), expected)
    }))
})
