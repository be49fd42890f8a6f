import { assert, describe, it } from "@effect/vitest"
import { MongoClient, type Query } from "@mongofx/core"
import { Cause, Effect, Option, Redacted, Stream } from "effect"
import * as Driver from "mongodb"
import { setFlagsFromString } from "node:v8"
import { runInNewContext } from "node:vm"
import { failCommand, nothingLeft, reasonOf, setup, uri } from "../support/utils.ts"
import { send } from "../support/wire.ts"

const filled = (count: number, config?: Parameters<typeof setup>[0]) =>
  Effect.gen(function*() {
    const fixture = yield* setup(config)
    const collection = fixture.db.collection<{ _id: number; pad?: string }>("items")
    // The server makes the documents: sending a hundred thousand would take longer than the test.
    yield* fixture.db.aggregate([
      { $documents: [{ _id: { $range: [0, count] } }] },
      { $unwind: "$_id" },
      { $set: { pad: "0123456789".repeat(50) } },
      { $out: "items" }
    ])
    const batches: Array<number> = []
    fixture.driver.on("commandSucceeded", ({ reply }) => {
      const cursor = (reply as Driver.Document)["cursor"]
      const batch = cursor?.firstBatch ?? cursor?.nextBatch
      if (batch !== undefined) batches.push(batch.length)
    })
    return { ...fixture, collection, batches }
  })

const collectGarbage = (() => {
  setFlagsFromString("--expose-gc")
  return runInNewContext("gc") as () => void
})()

const heap = () => {
  collectGarbage()
  return process.memoryUsage().heapUsed
}

describe("a stream of 100,000 documents", () => {
  const count = 100_000

  it.live("keeps memory flat, and its chunks are the batches", () =>
    Effect.gen(function*() {
      const { collection } = yield* filled(count, { driverOptions: {} })
      const query = collection.find().batchSize(1000)
      const before = heap()
      const sizes: Array<number> = []
      let highest = 0
      yield* Stream.runForEach(query.batches, (batch) =>
        Effect.sync(() => {
          sizes.push(batch.length)
          if (sizes.length % 10 === 0) highest = Math.max(highest, heap())
        }))
      assert.deepStrictEqual(sizes, Array.from({ length: 100 }, () => 1000))
      // All documents together are more than 50 MB.
      assert.isBelow(highest - before, 10e6)
      const all = heap()
      const documents = yield* query
      assert.isAbove(heap() - all, 50e6, "the array, which the stream is compared with")
      assert.strictEqual(documents.length, count)
    }))

  it.live("has every document once, in order", () =>
    Effect.gen(function*() {
      const { batches, collection } = yield* filled(count)
      let next = 0
      const sizes: Array<number> = []
      yield* Stream.runForEachArray(collection.find().sort({ _id: 1 }).stream, (documents) =>
        Effect.sync(() => {
          sizes.push(documents.length)
          for (const { _id } of documents) assert.strictEqual(_id, next++)
        }))
      assert.strictEqual(next, count)
      assert.strictEqual(sizes[0], 101)
      assert.deepStrictEqual(sizes, batches.filter((size) => size > 0))
    }))
})

describe("batches", () => {
  it.live("of find, aggregate, runCursorCommand and raw are those of the server", () =>
    Effect.gen(function*() {
      const { batches, collection, db } = yield* filled(250)
      const sizesOf = <A, E>(stream: Stream.Stream<ReadonlyArray<A>, E>) =>
        Effect.map(Stream.runCollect(stream), (all) => all.map(({ length }) => length))
      const views = [
        collection.find().batchSize(100).batches,
        collection.aggregate().batchSize(100).batches,
        collection.find({}, { batchSize: 100 }).batches,
        db.runCursorCommand({ find: "items", batchSize: 100 }, { batchSize: 100 }).batches,
        Stream.chunks(collection.find().batchSize(100).raw)
      ]
      for (const view of views) {
        batches.length = 0
        assert.deepStrictEqual(yield* sizesOf<unknown, unknown>(view), [100, 100, 50])
        assert.deepStrictEqual(batches, [100, 100, 50])
      }
    }))

  it.live("are read at most one ahead", () =>
    Effect.gen(function*() {
      const { collection, sent } = yield* filled(200)
      const requests = () => sent().filter((name) => name === "find" || name === "getMore").length
      const ahead: Array<number> = []
      yield* Stream.runForEach(collection.find().batchSize(10).batches, () =>
        Effect.andThen(Effect.sleep(5), Effect.sync(() => ahead.push(requests() - ahead.length - 1))))
      assert.strictEqual(ahead.length, 20)
      assert.isAtMost(Math.max(...ahead), 1)
    }))

  it.live("of raw bytes are the documents", () =>
    Effect.gen(function*() {
      const { collection } = yield* filled(5)
      const expected = yield* collection.find().sort({ _id: 1 })
      const raw = collection.find().sort({ _id: 1 }).raw
      const documents = yield* Stream.runCollect(Stream.map(raw, (bytes) => {
        assert.instanceOf(bytes, Uint8Array)
        return Driver.BSON.deserialize(bytes)
      }))
      assert.deepStrictEqual<unknown>(documents, expected)
      const aggregated = yield* Stream.runCollect(collection.aggregate([{ $match: { _id: 1 } }]).raw)
      assert.deepStrictEqual(aggregated.map((bytes) => Driver.BSON.deserialize(bytes)["_id"]), [1])
    }))
})

describe("the ends of a query", () => {
  it.live("are an empty array, an empty stream and no first document if nothing is found", () =>
    Effect.gen(function*() {
      const { db } = yield* setup()
      const collection = db.collection<{ a: number }>("none")
      const queries: ReadonlyArray<Query.Query<unknown>> = [
        collection.find({ a: 1 }),
        collection.aggregate([{ $match: { a: 1 } }]),
        db.listCollections()
      ]
      for (const query of queries) {
        assert.deepStrictEqual(yield* query, [])
        assert.deepStrictEqual(yield* Stream.runCollect(query.stream), [])
        assert.deepStrictEqual(yield* Stream.runCollect(query.batches), [])
        assert.deepStrictEqual(yield* Stream.runCollect(query.raw), [])
        assert.isTrue(Option.isNone(yield* query.first))
        assert.isTrue(Cause.isNoSuchElementError(yield* Effect.flip(query.one)))
      }
    }))

  it.live("belong to separate cursors for two concurrent runs of a stream", () =>
    Effect.gen(function*() {
      const { collection } = yield* filled(100)
      const stream = collection.find().batchSize(7).stream
      const counts = yield* Effect.all([Stream.runCount(stream), Stream.runCount(stream), Stream.runCount(stream)], {
        concurrency: "unbounded"
      })
      assert.deepStrictEqual(counts, [100, 100, 100])
      assert.strictEqual(yield* Stream.runCount(Stream.merge(stream, stream)), 200)
      assert.strictEqual(yield* Stream.runCount(Stream.zip(stream, stream)), 100)
    }))
})

describe("raw", () => {
  it.live("has the bytes of every document, as the driver would give them, whatever the batches", () =>
    Effect.gen(function*() {
      const { admin, collection, db } = yield* filled(250)
      yield* collection.insertOne({ _id: 1000, nested: { list: [1, "two", { three: null }] }, empty: {} } as never)
      for (
        const query of [
          collection.find().batchSize(7),
          collection.find().limit(3),
          collection.find(),
          collection.find({ _id: -1 })
        ]
      ) {
        const raw = yield* Stream.runCollect(query.raw)
        assert.deepStrictEqual<unknown>(raw.map((bytes) => Driver.BSON.deserialize(bytes)), yield* query)
      }
      const expected = yield* Effect.promise(() =>
        admin.db(db.name).collection("items").find({}, { raw: true }).toArray()
      )
      const raw = yield* Stream.runCollect(collection.aggregate([{ $match: {} }]).raw)
      assert.deepStrictEqual(
        raw.map((bytes) => Buffer.from(bytes)),
        expected.map((bytes) => Buffer.from(bytes as never))
      )
    }))
})

describe("documents are read directly from the reply", () => {
  it.live("except when the reply is a plan", () =>
    Effect.gen(function*() {
      const { collection } = yield* filled(1)
      // The types leave it out: they have `query.explain` for it.
      const options: object = { explain: true }
      for (const query of [collection.find({}, options), collection.aggregate([], options)]) {
        assert.property((yield* query)[0], "queryPlanner")
      }
    }))

  const everyType = {
    _id: new Driver.ObjectId("0123456789abcdef01234567"),
    double: 1.5,
    minusZero: -0,
    int: 1,
    long: Driver.Long.fromNumber(2),
    wide: Driver.Long.MAX_VALUE,
    text: "ä€😀\u0000",
    nested: { list: [1, "two", [{ three: null }]] },
    buffer: new Driver.Binary(Buffer.from([1, 2, 3])),
    uuid: new Driver.UUID("0123456789abcdef0123456789abcdef"),
    date: new Date(1e12),
    expression: /a/i,
    serverExpression: new Driver.BSONRegExp("a", "i"),
    code: new Driver.Code("1", { a: 1 }),
    symbol: new Driver.BSONSymbol("s"),
    decimal: Driver.Decimal128.fromString("1.5"),
    timestamp: new Driver.Timestamp({ t: 1, i: 2 }),
    min: new Driver.MinKey(),
    max: new Driver.MaxKey(),
    reference: new Driver.DBRef("a", new Driver.ObjectId("0123456789abcdef01234567")),
    ["__proto__"]: { a: 1 }
  }

  for (
    const bsonOptions of [
      {},
      { promoteLongs: false },
      { useBigInt64: true },
      { promoteValues: false },
      { promoteBuffers: true },
      { bsonRegExp: true }
    ] satisfies ReadonlyArray<Driver.BSONSerializeOptions>
  ) {
    it.live(`as the driver would read them with ${JSON.stringify(bsonOptions)}`, () =>
      Effect.gen(function*() {
        const { db, driver } = yield* setup({ driverOptions: bsonOptions })
        const items = driver.db(db.name).collection("items")
        const expected = yield* Effect.promise(async () => {
          await items.insertMany([everyType, { a: [] }, {}] as never)
          return items.find().toArray()
        })
        assert.deepStrictEqual(Object.keys(expected[0]!), Object.keys(everyType))
        const collection = db.collection("items")
        for (const query of [collection.find(), collection.aggregate([]), collection.find().batchSize(1)]) {
          assert.deepStrictEqual<unknown>(yield* query, expected)
        }
      }))
  }

  it.live("with or without a check of UTF-8, as the driver would", () =>
    Effect.gen(function*() {
      const { collection, db } = yield* filled(0)
      const insert = Driver.BSON.serialize({ insert: "items", documents: [{ _id: 1, pad: "aXa" }], $db: db.name })
      // Invalid UTF-8, which no driver would send.
      insert[insert.indexOf(88)] = 0xff
      yield* send(uri, insert)
      assert.strictEqual((yield* reasonOf(collection.find()))._tag, "BsonError")
      const unchecked = yield* MongoClient.make({ url: Redacted.make(uri), enableUtf8Validation: false })
      const read = yield* unchecked.db(db.name).collection("items").find()
      assert.deepStrictEqual<unknown>(read, [{ _id: 1, pad: "a\ufffda" }])
    }))
})

describe("a stream that fails midway", () => {
  const failing = (data: Driver.Document) =>
    Effect.gen(function*() {
      const fixture = yield* filled(100)
      yield* failCommand(fixture, { skip: 1 }, { failCommands: ["getMore"], ...data })
      let seen = 0
      const stream = Stream.tap(fixture.collection.find().batchSize(10).stream, () => Effect.sync(() => seen++))
      const reason = yield* reasonOf(Stream.runDrain(stream))
      assert.strictEqual(seen, 20)
      yield* nothingLeft(fixture)
      return reason
    })

  it.live("gives the earlier documents, fails with the server's code, and leaves no cursor", () =>
    Effect.gen(function*() {
      const reason = yield* failing({ errorCode: 96 })
      assert.strictEqual(reason._tag, "ServerError")
      assert.strictEqual(reason.code, 96)
      assert.strictEqual(reason.operation, "find")
      assert.match(reason.namespace!, /[.]items$/)
    }))

  it.live("fails when the cursor is gone", () =>
    Effect.gen(function*() {
      const reason = yield* failing({ errorCode: 43 })
      assert.deepInclude({ ...reason }, { _tag: "CursorError", kind: "notFound", code: 43 })
    }))

  it.live("fails when the connection breaks", () =>
    Effect.gen(function*() {
      const reason = yield* failing({ closeConnection: true })
      assert.strictEqual(reason._tag, "ConnectionError")
      assert.isTrue(reason.isRetryable)
    }))

  it.live("fails at a document that cannot be decoded", () =>
    Effect.gen(function*() {
      const fixture = yield* filled(0)
      const { collection } = fixture
      yield* collection.insertMany(Array.from({ length: 30 }, (_, _id) => ({ _id })))
      // A regular expression of the server that JavaScript cannot compile.
      yield* collection.updateOne({ _id: 25 }, { $set: { pad: new Driver.BSONRegExp("(?i)a") as never } })
      const query = collection.find().batchSize(10)
      let seen = 0
      const reason = yield* reasonOf(Stream.runForEach(query.stream, () => Effect.sync(() => seen++)))
      assert.strictEqual(reason._tag, "BsonError")
      assert.strictEqual(seen, 20)
      assert.strictEqual((yield* reasonOf(query))._tag, "BsonError")
      yield* nothingLeft(fixture)
    }))
})
