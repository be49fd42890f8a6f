import { assert, describe, it } from "@effect/vitest"
import { MongoClient, MongoDatabase, MongoError } from "@mongofx/core"
import { Bson, DocumentError, Expr, Filter, Pagination, Pipeline, TypedCollection, TypedQuery } from "@mongofx/schema"
import { CommandLog, FailPoint, MongoTest } from "@mongofx/testing"
import { Effect, Exit, Fiber, Redacted, Result, Schema, Stream } from "effect"
import * as Driver from "mongodb"
import { until } from "test-support/utils"

const Post = Schema.Struct({
  _id: Schema.Int,
  author: Schema.String,
  created: Bson.Date,
  rank: Schema.optionalKey(Schema.Number),
  tags: Schema.Array(Schema.String),
  either: Schema.optionalKey(Schema.Union([Schema.String, Schema.Number])),
  anything: Schema.optionalKey(Schema.Unknown),
  pattern: Schema.optionalKey(Bson.BSONRegExp),
  items: Schema.optionalKey(Schema.Array(Schema.Struct({ sku: Schema.String }))),
  address: Schema.optionalKey(Schema.Struct({ city: Schema.String, zip: Schema.String }))
})
type Post = typeof Post.Type

/** Posts of two authors. Every created time has two of each author. */
const posts: ReadonlyArray<Post> = Array.from({ length: 20 }, (_, _id) => ({
  _id,
  author: _id % 2 === 0 ? "Ada" : "Bob",
  created: new Date(Math.floor(_id / 4)),
  tags: [],
  address: { city: `c${_id % 3}`, zip: String(_id) },
  ...(_id % 5 === 0 ? {} : { rank: _id % 7 })
}))

const fixture = Effect.gen(function*() {
  const db = yield* MongoDatabase.MongoDatabase
  const log = yield* CommandLog.make
  const collection = TypedCollection.make(db, "posts", Post)
  yield* collection.insertMany(posts)
  return { db, collection, log, names: () => log.names(db.name).filter((name) => name !== "insert") }
})

type Fixture = Effect.Success<typeof fixture>

const test =
  <A, E>(body: (fixture: Fixture) => Effect.Effect<A, E, Effect.Services<typeof fixture> | MongoTest.Services>) => () =>
    Effect.flatMap(fixture, body).pipe(
      Effect.scoped,
      Effect.provide(MongoTest.layerWith({ driverOptions: { monitorCommands: true } }))
    )

const ids = (page: Pagination.Page<{ readonly _id: number }>) => page.items.map(({ _id }) => _id)

const key = Redacted.make("a key that nobody can guess")

/** The `InvalidArgumentError` that an effect fails with. */
const refusal = <A, R>(effect: Effect.Effect<A, Pagination.Failure, R>) =>
  Effect.map(Effect.flip(effect), (error) => {
    if (!MongoError.isMongoError(error)) return assert.fail(String(error))
    assert.strictEqual(error.reason._tag, "InvalidArgumentError")
    return error.message
  })

const kindOf = <A, R>(effect: Effect.Effect<A, Pagination.Failure, R>) =>
  Effect.map(Effect.flip(effect), (error) => {
    if (!(error instanceof Pagination.InvalidCursorError)) return assert.fail(String(error))
    assert.isFalse(error.isTransient || error.isRetryable)
    return error.kind
  })

describe("a page", () => {
  it.live(
    "goes forwards and backwards in the order of the query, with one command",
    test(({ collection, log, names }) =>
      Effect.gen(function*() {
        const query = collection.find({ author: "Ada" }).sort({ created: -1 })
        log.clear()
        const first = yield* Pagination.page(query, { first: 3 })
        assert.deepStrictEqual(names(), ["find"])
        assert.deepStrictEqual(ids(first), [18, 16, 14])
        assert.deepStrictEqual([first.hasPreviousPage, first.hasNextPage], [false, true])
        const second = yield* query.pipe(Pagination.page({ first: 3, after: first.endCursor }))
        assert.deepStrictEqual(names(), ["find", "find"])
        assert.deepStrictEqual(ids(second), [12, 10, 8])
        assert.deepStrictEqual([second.hasPreviousPage, second.hasNextPage], [true, true])
        const back = yield* Pagination.page(query, { last: 2, before: second.startCursor })
        assert.deepStrictEqual(ids(back), [16, 14])
        assert.deepStrictEqual([back.hasPreviousPage, back.hasNextPage], [true, true])
        const last = yield* Pagination.page(query, { last: 100 })
        assert.deepStrictEqual(ids(last), [18, 16, 14, 12, 10, 8, 6, 4, 2, 0])
        assert.deepStrictEqual([last.hasPreviousPage, last.hasNextPage], [false, false])
        assert.deepStrictEqual(last.edges.map(({ node }) => node), last.items)
        // Every edge has a cursor of its own, which both directions take.
        assert.strictEqual(last.edges[2]!.cursor, first.endCursor)
        assert.strictEqual(last.startCursor, last.edges[0]!.cursor)
      })
    )
  )

  it.live(
    "without an order is sorted by _id, and a page of many documents is one batch",
    test(({ collection, db, names, log }) =>
      Effect.gen(function*() {
        assert.deepStrictEqual(ids(yield* Pagination.page(collection.find(), { first: 2 })), [0, 1])
        const numbers = TypedCollection.make(db, "numbers", Schema.Struct({ _id: Schema.Int }))
        yield* numbers.insertMany(Array.from({ length: 1000 }, (_, _id) => ({ _id })))
        log.clear()
        const page = yield* Pagination.page(numbers.find(), { last: 500 })
        assert.deepStrictEqual(ids(page), Array.from({ length: 500 }, (_, i) => 500 + i))
        assert.deepStrictEqual(names(), ["find"])
        // Documents of a schema without an `_id` have one.
        const unnamed = TypedCollection.make(db, "unnamed", Schema.Struct({ n: Schema.Int }))
        yield* unnamed.insertMany([{ n: 1 }, { n: 1 }, { n: 1 }])
        const all = yield* Stream.runCollect(Pagination.pages(unnamed.find().sort({ n: -1 }), { first: 1 }))
        assert.deepStrictEqual(all.map(({ items }) => items), [[{ n: 1 }], [{ n: 1 }], [{ n: 1 }]])
      })
    )
  )

  it.live(
    "that is empty has the cursor that was given",
    test(({ collection, db }) =>
      Effect.gen(function*() {
        const none = TypedCollection.make(db, "none", Post).find()
        assert.deepStrictEqual(yield* Pagination.page(none, { first: 5, total: true }), {
          items: [],
          edges: [],
          startCursor: undefined,
          endCursor: undefined,
          hasNextPage: false,
          hasPreviousPage: false,
          totalCount: 0
        })
        const { endCursor } = yield* Pagination.page(collection.find(), { last: 1 })
        const behind = yield* Pagination.page(collection.find(), { first: 5, after: endCursor })
        assert.deepStrictEqual(ids(behind), [])
        assert.deepStrictEqual([behind.startCursor, behind.endCursor], [endCursor, endCursor])
        assert.deepStrictEqual([behind.hasPreviousPage, behind.hasNextPage], [true, false])
        const zero = yield* Pagination.page(collection.find(), { first: 0, after: null, total: true })
        assert.deepStrictEqual([zero.items.length, zero.hasNextPage, zero.totalCount], [0, true, 20])
      })
    )
  )

  it.live(
    "counts its query, and looks at both ends",
    test(({ collection, log, names }) =>
      Effect.gen(function*() {
        const query = collection.find({ author: "ada" }).collation({ locale: "en", strength: 1 })
        const first = yield* Pagination.page(query, { first: 2, total: true, bothEnds: true })
        assert.strictEqual(first.totalCount, 10)
        assert.isFalse(first.hasPreviousPage)
        const second = yield* Pagination.page(query, { first: 2, after: first.endCursor, bothEnds: true })
        assert.isTrue(second.hasPreviousPage)
        // The documents before the cursor are gone: only the server knows.
        yield* collection.deleteMany({ _id: { $in: [0, 2] } })
        log.clear()
        assert.isTrue((yield* Pagination.page(query, { first: 2, after: first.endCursor })).hasPreviousPage)
        assert.deepStrictEqual(names(), ["find"])
        assert.isFalse(
          (yield* Pagination.page(query, { first: 2, after: first.endCursor, bothEnds: true })).hasPreviousPage
        )
        assert.deepStrictEqual(names(), ["find", "find", "find"])
        const end = yield* Pagination.page(query, { last: 1 })
        const behind = yield* Pagination.page(query, { first: 2, after: end.endCursor, bothEnds: true })
        assert.isTrue(behind.hasPreviousPage, "the document of the cursor is before the page")
        yield* collection.deleteMany({ _id: { $ne: 18 } })
        const alone = yield* Pagination.page(query, { first: 2, after: end.endCursor, bothEnds: true })
        assert.deepStrictEqual([ids(alone), alone.hasPreviousPage], [[], true])
        yield* collection.deleteMany({ _id: 18 })
        assert.isFalse(
          (yield* Pagination.page(query, { first: 2, after: end.endCursor, bothEnds: true })).hasPreviousPage
        )
        assert.isFalse((yield* Pagination.page(query, { last: 2, before: end.endCursor, bothEnds: true })).hasNextPage)
      })
    )
  )

  it.live(
    "is right where one query of the server is wrong: null and missing in one field",
    test(({ db }) =>
      Effect.gen(function*() {
        const Pair = Schema.Struct({
          _id: Schema.Int,
          a: Schema.optionalKey(Schema.NullOr(Schema.Int)),
          b: Schema.optionalKey(Schema.Null)
        })
        const pairs = TypedCollection.make(
          db,
          "pairs",
          Schema.Struct({ ...Pair.fields, b: Schema.optionalKey(Schema.NullOr(Schema.Int)) })
        )
        yield* pairs.insertMany([{ _id: 1, b: null, a: null }, { _id: 2, a: 0 }])
        yield* pairs.createIndex({ b: 1, a: 1, _id: 1 })
        const query = pairs.find().sort({ b: 1, a: 1 })
        // What the server does with all conditions at once: if this fails, the way around it may go.
        const merged: Driver.Document = { $or: [{ b: null, a: null, _id: { $gt: 0 } }, { b: null, a: { $ne: null } }] }
        const wrong = yield* pairs.untyped.find(merged).sort({ b: 1, a: 1, _id: 1 })
        assert.deepStrictEqual(wrong.map(({ _id }) => _id as unknown), [2, 1])
        assert.deepStrictEqual((yield* query).map(({ _id }) => _id), [1, 2])
        yield* pairs.insertOne({ _id: 0 })
        const { endCursor } = yield* Pagination.page(query, { first: 1 })
        assert.deepStrictEqual(ids(yield* Pagination.page(query, { first: 5, after: endCursor })), [1, 2])
        // A field that no document has a value of gives no order.
        assert.match(
          yield* refusal(Pagination.page(TypedCollection.make(db, "pairs", Pair).find().sort({ b: 1 }), { first: 1 })),
          /^page on .*\.pairs: sort\.b is never there/
        )
      })
    )
  )
})

describe("a query", () => {
  it.live(
    "has the same pages whatever form the driver reads values in, and each time it runs",
    test(({ collection }) =>
      Effect.gen(function*() {
        yield* collection.untyped.updateMany({}, { $set: { extra: "x" } })
        const all = [
          {},
          { promoteLongs: false },
          { useBigInt64: true },
          { bsonRegExp: true, promoteBuffers: true },
          { fieldsAsRaw: { extra: true } }
        ]
        for (const options of all) {
          const query = collection.find({}, options).sort({ rank: -1, created: 1 })
          const page = Pagination.page(query, { first: 4 })
          const first = yield* page
          assert.deepStrictEqual(yield* page, first)
          const rest = yield* Stream.runCollect(Pagination.pages(query, { first: 9, after: first.endCursor }))
          const expected = yield* query.sort({ rank: -1, created: 1, _id: 1 })
          assert.deepStrictEqual([first, ...rest].flatMap(({ items }) => items), expected)
        }
      })
    )
  )
})

describe("a filter", () => {
  it.live(
    "with $or is right where the server sorts its alternatives wrongly: a missing field",
    test(({ db }) =>
      Effect.gen(function*() {
        const Row = Schema.Struct({
          _id: Schema.Int,
          group: Schema.Int,
          x: Schema.Int,
          a: Schema.NullOr(Schema.Int),
          b: Schema.optionalKey(Schema.NullOr(Schema.Int))
        })
        const rows = TypedCollection.make(db, "rows", Row)
        yield* rows.insertMany([
          { _id: 1, group: 0, x: 5, a: null, b: null },
          { _id: 2, group: 2, x: 6, a: 0 },
          { _id: 3, group: 2, x: 7, a: 0 }
        ])
        yield* rows.createIndex({ group: 1, b: 1, a: 1, _id: 1 })
        const query = rows.find({ $or: [{ group: 0, x: 5 }, { group: 2, x: 6 }] }).sort({ b: 1, a: 1 })
        // What the server does with such a filter: if this fails, the way around it may go.
        assert.deepStrictEqual((yield* query.sort({ b: 1, a: 1, _id: 1 })).map(({ _id }) => _id), [2, 1])
        const pages = yield* Stream.runCollect(Pagination.pages(query, { first: 1 }))
        assert.deepStrictEqual(pages.flatMap(ids), [1, 2])
        const back = yield* Stream.runCollect(Pagination.pages(query, { last: 1 }))
        assert.deepStrictEqual(back.flatMap(ids), [2, 1])
      })
    )
  )

  it.live(
    "of text, of a place or of an expression has pages",
    test(({ db }) =>
      Effect.gen(function*() {
        const Point = Schema.Struct({
          type: Schema.tag("Point"),
          coordinates: Schema.Tuple([Schema.Number, Schema.Number])
        })
        const Place = Schema.Struct({
          _id: Schema.Int,
          name: Schema.String,
          at: Bson.Date,
          left: Schema.Int,
          point: Point
        })
        const places = TypedCollection.make(db, "places", Place)
        yield* places.insertMany(Array.from({ length: 9 }, (_, _id) => ({
          _id,
          name: _id % 3 === 0 ? "a red house" : "a blue house",
          at: new Date(_id % 2),
          left: _id % 4,
          point: { type: "Point" as const, coordinates: [_id / 100, 0] as const }
        })))
        yield* places.createIndex({ name: "text" })
        yield* places.createIndex({ point: "2dsphere" })
        const near = { $near: { $geometry: { type: "Point", coordinates: [0, 0] }, $maxDistance: 7000 } }
        const queries = [
          [places.find({ $text: { $search: "blue" } }), [1, 5, 7, 2, 4, 8]],
          [places.find({ $or: [{ $text: { $search: "blue" } }, { _id: 0 }] }), [1, 5, 7, 0, 2, 4, 8]],
          [places.find(Filter.unsafe({ point: near })), [1, 3, 5, 0, 2, 4, 6]],
          [places.find(Filter.expr(($) => Expr.gt($.left, 1))), [3, 7, 2, 6]]
        ] as const
        for (const [query, expected] of queries) {
          const pages = yield* Stream.runCollect(Pagination.pages(query.sort({ at: -1, _id: 1 }), { first: 2 }))
          assert.deepStrictEqual<ReadonlyArray<number>>(pages.flatMap(ids), expected)
        }
      })
    )
  )
})

describe("a cursor", () => {
  it.live(
    "of another collection, filter, order or collation is foreign, and nothing is sent",
    test(({ collection, db, log, names }) =>
      Effect.gen(function*() {
        const query = collection.find({ author: "Ada" }).sort({ created: 1 })
        const { endCursor } = yield* Pagination.page(query, { first: 2 })
        const after = { first: 2, after: endCursor }
        // Settings that change no order and no document leave it as it is.
        assert.deepStrictEqual(
          ids(yield* Pagination.page(query.comment("x").batchSize(1).project({ author: 1 }), after)),
          [4, 6]
        )
        log.clear()
        const others = [
          collection.find({ author: "Bob" }).sort({ created: 1 }),
          collection.find({ author: "Ada" }).sort({ created: -1 }),
          collection.find({ author: "Ada" }).sort({ created: 1, author: 1 }),
          query.sort({ _id: 1 }),
          query.collation({ locale: "de" }),
          TypedCollection.make(db, "others", Post).find({ author: "Ada" }).sort({ created: 1 })
        ]
        for (const other of others) assert.strictEqual(yield* kindOf(Pagination.page(other, after)), "foreign")
        const signed = yield* Pagination.page(query, { first: 2, key })
        log.clear()
        for (const other of others) {
          assert.strictEqual(
            yield* kindOf(Pagination.page(other, { ...after, after: signed.endCursor, key })),
            "foreign"
          )
        }
        assert.deepStrictEqual(names(), [])
      })
    )
  )

  it.live(
    "that is not one is malformed",
    test(({ collection, log, names }) =>
      Effect.gen(function*() {
        const query = collection.find().sort({ created: 1 })
        const { endCursor } = yield* Pagination.page(query, { first: 2 })
        const bytes = Buffer.from(endCursor!, "base64url")
        /** A cursor of this query with other values, as somebody without the key could write it. */
        const written = (values: Driver.Document) =>
          Buffer.concat([bytes.subarray(0, 17), Driver.BSON.serialize(values)]).toString("base64url")
        /** One whose first value has the bytes of another type. */
        const disguised = (type: number, values: Driver.Document, of = bytes) => {
          const content = Driver.BSON.serialize(values)
          content[4] = type
          return Buffer.concat([of.subarray(0, 17), content]).toString("base64url")
        }
        const ranked = collection.find().sort({ rank: 1 })
        const ofRanked = Buffer.from((yield* Pagination.page(ranked, { first: 2 })).endCursor!, "base64url")
        log.clear()
        const bad = [
          "",
          "x",
          "%%%",
          "null",
          `${endCursor} `,
          `${endCursor}=`,
          bytes.toString("hex"),
          bytes.subarray(0, 10).toString("base64url"),
          bytes.subarray(0, -1).toString("base64url"),
          Buffer.concat([bytes, Buffer.of(0)]).toString("base64url"),
          Buffer.concat([Buffer.of(9), bytes.subarray(1)]).toString("base64url"),
          written({}),
          written({ 0: new Date(0) }),
          written({ 0: new Date(0), 1: 1, 2: 1 }),
          written({ 0: new Date(0), 2: 1 }),
          written({ 0: new Date(0), 1: null }),
          written({ 0: new Date(0), 1: "1" }),
          written({ 0: new Date(0), 1: { $gt: 0 } }),
          written({ 0: new Date(0), 1: /x/ }),
          written({ 0: new Date(0), 1: [1] }),
          written({ 0: 0, 1: 1 }),
          // A date that JavaScript does not have.
          disguised(9, { 0: Driver.Long.fromBigInt(2n ** 62n), 1: 1 })
        ]
        for (const after of bad) {
          assert.strictEqual(yield* kindOf(Pagination.page(query, { first: 2, after })), "malformed", after)
        }
        assert.strictEqual(yield* kindOf(Pagination.page(query, { first: 2, after: 3 as never })), "malformed")
        const undefinedRank = disguised(6, { 0: null, 1: 1 }, ofRanked)
        assert.strictEqual(yield* kindOf(Pagination.page(ranked, { first: 2, after: undefinedRank })), "malformed")
        assert.deepStrictEqual(names(), [])
        // Without a key, values can be written. They lead to a place, and to nothing else.
        const place = yield* Pagination.page(query, { first: 2, after: written({ 0: new Date(2), 1: 9 }) })
        assert.deepStrictEqual(ids(place), [10, 11])
      })
    )
  )

  it.live(
    "that is signed cannot be written without the key",
    test(({ collection, log, names }) =>
      Effect.gen(function*() {
        const query = collection.find().sort({ created: 1 })
        const { endCursor } = yield* Pagination.page(query, { first: 2, key })
        assert.deepStrictEqual(ids(yield* Pagination.page(query, { first: 2, after: endCursor, key })), [2, 3])
        const plain = yield* Pagination.page(query, { first: 2 })
        const bytes = Buffer.from(endCursor!, "base64url")
        log.clear()
        const kind = (after: string | undefined, options: Pagination.KeyOption) =>
          kindOf(Pagination.page(query, { first: 2, after, ...options }))
        assert.strictEqual(yield* kind(plain.endCursor, { key }), "forged")
        assert.strictEqual(yield* kind(endCursor, {}), "forged")
        assert.strictEqual(yield* kind(endCursor, { key: Redacted.make("another key of the same size") }), "forged")
        for (let i = 1; i < bytes.length; i++) {
          const changed = Buffer.from(bytes)
          changed[i]! ^= 1
          assert.strictEqual(yield* kind(changed.toString("base64url"), { key }), "forged", String(i))
        }
        assert.strictEqual(yield* kind(bytes.subarray(0, 20).toString("base64url"), { key }), "malformed")
        assert.deepStrictEqual(names(), [])
        // The key may be that of the program.
        const signed = Effect.provideService(Pagination.CurrentCursorKey, key)
        assert.deepStrictEqual(ids(yield* Pagination.page(query, { first: 2, after: endCursor }).pipe(signed)), [2, 3])
        assert.strictEqual(yield* kind(plain.endCursor, {}).pipe(signed), "forged")
        assert.match(
          yield* refusal(Pagination.page(query, { first: 2, key: Redacted.make("short") })),
          /key is too short: use at least 16 bytes/
        )
        const error = yield* Effect.flip(Pagination.page(query, { first: 2, after: plain.endCursor, key }))
        assert.match(error.message, /^page on .*\.posts: the cursor is not signed by this key: start without a cursor$/)
        assert.notInclude(JSON.stringify(error), plain.endCursor!)
      })
    )
  )

  it.live(
    "keeps dates, ids, decimals and numbers exact",
    test(({ db }) =>
      Effect.gen(function*() {
        const Exact = Schema.Struct({ _id: Bson.ObjectId, big: Bson.Int64, price: Bson.Decimal128, at: Bson.Timestamp })
        const exact = TypedCollection.make(db, "exact", Exact)
        const documents = [0n, 1n, 2n].map((n) => ({
          _id: new Driver.ObjectId(),
          big: 2n ** 62n + n,
          price: Driver.Decimal128.fromString(`0.${"1".repeat(30)}${n}`),
          at: new Driver.Timestamp({ t: 1, i: Number(n) })
        }))
        yield* exact.insertMany(documents)
        for (const sort of [{ big: 1 }, { price: 1 }, { at: 1 }, { _id: 1 }] as const) {
          const pages = yield* Stream.runCollect(Pagination.pages(exact.find().sort(sort), { first: 1 }))
          assert.deepStrictEqual(pages.flatMap(({ items }) => items), documents)
        }
      })
    )
  )
})

describe("a field of the order", () => {
  it.live(
    "is told from one whose name differs by a byte order mark, as tables that were exported to text have them",
    test(({ db }) =>
      Effect.gen(function*() {
        const Row = Schema.Struct({ _id: Schema.Int, "\uFEFFn": Schema.Int, n: Schema.Int, "\u00E9": Schema.Int })
        const rows = TypedCollection.make(db, "rows", Row)
        yield* rows.insertMany([1, 2, 3, 4].map((n) => ({ _id: n, "\uFEFFn": 10 - n, n, "\u00E9": n })))
        for (const sort of [{ n: 1 }, { "\uFEFFn": -1 }, { "\u00E9": 1 }] as const) {
          const pages = yield* Stream.runCollect(Pagination.pages(rows.find().sort(sort), { first: 2 }))
          assert.deepStrictEqual(pages.map(ids), [[1, 2], [3, 4]], JSON.stringify(sort))
        }
      })
    )
  )
})

describe("a view", () => {
  it.live(
    "that has an _id several times has pages if its order tells the documents apart",
    test(({ db }) =>
      Effect.gen(function*() {
        yield* db.collection<{ _id: number; skus: ReadonlyArray<string> }>("orders").insertMany([
          { _id: 1, skus: ["a", "b", "c"] },
          { _id: 2, skus: ["d"] }
        ])
        yield* db.command({ create: "lines", viewOn: "orders", pipeline: [{ $unwind: "$skus" }] })
        const lines = TypedCollection.make(db, "lines", Schema.Struct({ _id: Schema.Int, skus: Schema.String }))
        const skusOf = (query: TypedQuery.PageableQuery<{ readonly skus: string }>, options: Pagination.PagesOptions) =>
          Effect.map(Stream.runCollect(Pagination.pages(query, options)), (pages) =>
            pages.map(({ items }) => items.map(({ skus }) => skus).join("")))
        assert.deepStrictEqual(yield* skusOf(lines.find().sort({ skus: 1 }), { first: 2 }), ["ab", "cd"])
        // Wherever the page ends: behind the first document, or behind all of them.
        for (const options of [{ first: 1 }, { first: 3 }, { first: 10 }, { last: 3 }]) {
          assert.match(
            yield* refusal(skusOf(lines.find(), options)),
            /lines: query has two documents with the same _id/
          )
        }
      })
    )
  )
})

describe("what has no pages", () => {
  it.live(
    "is refused before anything is sent, with what to do",
    test(({ collection, db, log, names }) =>
      Effect.gen(function*() {
        log.clear()
        const refused = (query: TypedQuery.PageableQuery<unknown>, what: RegExp) =>
          Effect.map(refusal(Pagination.page(query, { first: 1 })), (message) => {
            assert.match(message, what)
            assert.match(message, /^page on mongofx_.*\.\w+: /)
          })
        yield* refused(collection.find().sort({ tags: 1 }), /sort\.tags is an array, or goes through one/)
        yield* refused(collection.find().sort({ "tags.0": 1 }), /sort\.tags\.0 is an array, or goes through one/)
        yield* refused(collection.find().sort({ "items.sku": 1 }), /sort\.items\.sku is an array, or goes through one/)
        yield* refused(
          collection.find().sort({ either: 1 }),
          /sort\.either is stored as string or number: the server does not/
        )
        yield* refused(collection.find().sort({ anything: 1 }), /sort\.anything may hold any value/)
        yield* refused(collection.find().sort({ pattern: 1 }), /sort\.pattern is stored as regex/)
        yield* refused(
          collection.find().sort({ score: { $meta: "textScore" } }),
          /sort\.score is computed by the server/
        )
        yield* refused(collection.find().limit(3), /limit limits a query that pages are made of: pass first or last/)
        yield* refused(collection.find().skip(3), /skip skips documents/)
        yield* refused(collection.find().min({ _id: 1 }).hint({ _id: 1 }), /min is a bound of an index/)
        yield* refused(collection.find().tailable(), /tailable has no end/)
        const slugs = TypedCollection.make(db, "slugs", Schema.Struct({ _id: Schema.String }))
        for (
          const collation of [{ locale: "en", strength: 2 }, { locale: "en", numericOrdering: true }, {
            locale: "th"
          }] as const
        ) {
          yield* refused(
            slugs.find().collation(collation),
            /collation takes different texts for one, and the `_id`s hold text/
          )
        }
        const Options: ReadonlyArray<readonly [object, RegExp]> = [
          [{}, /first is not a number of documents/],
          [{ first: -1 }, /first is not a number of documents/],
          [{ first: 1.5 }, /first is not a number of documents/],
          [{ last: NaN }, /last is not a number of documents/],
          [{ first: 1, last: 1 }, /first stands beside last/],
          [{ first: 1, before: "x" }, /before stands beside first: pass after/],
          [{ last: 1, after: "x" }, /after stands beside last: pass before/]
        ]
        for (const [options, what] of Options) {
          assert.match(yield* refusal(Pagination.page(collection.find(), options as { first: number })), what)
        }
        const pipeline = collection.aggregate((posts) => posts.pipe(Pipeline.sort({ created: 1 })))
        assert.match(
          yield* refusal(Pagination.page(pipeline as unknown as TypedQuery.PageableQuery<Post>, { first: 1 })),
          /query is not one of find/
        )
        assert.deepStrictEqual(names(), [])
        // A collation that tells all texts apart, and one of another `_id`, are taken.
        yield* Pagination.page(slugs.find().collation({ locale: "sv" }), { first: 1 })
        yield* Pagination.page(collection.find().collation({ locale: "en", strength: 1 }), { first: 1 })
      })
    )
  )
})

describe("an index", () => {
  it.live(
    "of the filter and the order serves every page without a sort in memory",
    test(({ db }) =>
      Effect.gen(function*() {
        const many = TypedCollection.make(db, "many", Post)
        yield* many.insertMany(
          Array.from({ length: 3000 }, (_, _id) => ({ ...posts[_id % 20]!, _id, created: new Date(_id % 50) }))
        )
        yield* many.createIndex({ author: 1, created: 1, _id: 1 })
        yield* many.createIndex({ author: 1, created: 1, rank: -1, _id: -1 }, { name: "ranked" })
        const plansOf = <A>(query: TypedQuery.PageableQuery<A>, queries: number, sortsTies = false) =>
          Effect.gen(function*() {
            const middle = yield* Pagination.page(query, { first: 200 })
            for (const options of [{ first: 5, after: middle.endCursor }, { last: 5, before: middle.endCursor }]) {
              const sent = yield* Pagination.queries(query, options)
              assert.strictEqual(sent.length, queries)
              let examined = 0
              for (const [i, each] of sent.entries()) {
                const plan = yield* MongoTest.usesIndex(each, { allowSort: sortsTies && i === 0 })
                examined += plan.keysExamined!
              }
              // Up to seven for each of its parts, and some documents with the same time.
              assert.isAtMost(examined, 80, JSON.stringify(options))
            }
          })
        yield* plansOf(many.find({ author: "Ada" }).sort({ created: 1 }), 1)
        yield* plansOf(many.find({ author: "Ada" }).sort({ created: -1 }), 1)
        yield* plansOf(many.find({ author: "Ada" }).sort({ created: -1, rank: 1 }), 1)
        // With `$in` the server would sort the answers of all conditions in memory. Of one it sorts those with the same time at most.
        yield* plansOf(many.find({ author: { $in: ["Ada", "Bob"] } }).sort({ created: 1 }), 2, true)
      })
    )
  )
})

describe("a projection", () => {
  it.live(
    "may leave out what the page is sorted by",
    test(({ collection }) =>
      Effect.gen(function*() {
        const sorted = collection.find().sort({ created: -1, "address.city": 1 })
        const expected = yield* sorted.sort({ created: -1, "address.city": 1, _id: 1 })
        const projections = [
          [{ author: 1, _id: 0 }, ["author"]],
          [{ author: 1 }, ["_id", "author"]],
          [{ _id: 1 }, ["_id"]],
          [{ created: 0, _id: 0, address: 0, tags: 0, rank: 0 }, ["author"]],
          [{ "address.city": 0, author: 0, tags: 0, rank: 0 }, ["_id", "created", "address"]],
          [{ "address.zip": 1, _id: 0 }, ["address"]],
          [{ _id: 0 }, ["author", "created", "tags", "address", "rank"]]
        ] as const
        for (const [projection, names] of projections) {
          const query = sorted.project(projection as {})
          const pages = yield* Stream.runCollect(Pagination.pages(query, { first: 3 }))
          const items = pages.flatMap(({ items }) => items as ReadonlyArray<Record<string, unknown>>)
          assert.deepStrictEqual(items as unknown, yield* query.sort({ created: -1, "address.city": 1, _id: 1 }))
          assert.strictEqual(items.length, expected.length)
          for (const item of items) for (const name of Object.keys(item)) assert.include(names, name)
        }
        assert.match(
          yield* refusal(
            Pagination.page(collection.find().sort({ address: 1 }).project({ "address.nope": 1 } as {}), { first: 1 })
          ),
          /projection\.address\.nope is not a path of the schema/
        )
        // The whole object is read, although the projection takes a part of it.
        const whole = collection.find().sort({ address: 1 }).project({ "address.zip": 1, _id: 0 })
        const pages = yield* Stream.runCollect(Pagination.pages(whole, { last: 6 }))
        assert.strictEqual(new Set(pages.flatMap(({ items }) => items.map(({ address }) => address!.zip))).size, 20)
      })
    )
  )

  it.live(
    "of a schema with fields of any name has to keep the fields of the order",
    test(({ db }) =>
      Effect.gen(function*() {
        const Open = Schema.StructWithRest(Schema.Struct({ _id: Schema.Int, at: Bson.Date }), [
          Schema.Record(Schema.TemplateLiteral(["x", Schema.String]), Schema.Number)
        ])
        const open = TypedCollection.make(db, "open", Open)
        yield* open.insertMany([{ _id: 1, at: new Date(0), x1: 1 }, { _id: 2, at: new Date(1) }])
        const sorted = open.find().sort({ at: 1 })
        assert.deepStrictEqual(ids(yield* Pagination.page(sorted.project({ at: 1 }), { first: 2 })), [1, 2])
        assert.match(
          yield* refusal(Pagination.page(sorted.project({ _id: 1 }), { first: 2 })),
          /projection leaves out at, which the page is sorted by/
        )
      })
    )
  )
})

describe("a document that does not decode", () => {
  const invalid = (collection: Fixture["collection"]) =>
    collection.untyped.updateMany({ _id: { $in: [1, 4, 5, 6] as never } }, { $set: { author: 3 } })

  it.live(
    "fails its page",
    test(({ collection }) =>
      Effect.gen(function*() {
        yield* invalid(collection)
        assert.deepStrictEqual(ids(yield* Pagination.page(collection.find(), { first: 1 })), [0])
        const error = yield* Effect.flip(Pagination.page(collection.find(), { first: 3 }))
        if (!(error instanceof DocumentError.DocumentError)) return assert.fail(String(error))
        assert.deepStrictEqual([error.id, error.path], [1, "author"])
      })
    )
  )

  it.live(
    "is left out by the policy skip, and the next page begins behind it",
    test(({ collection }) =>
      Effect.gen(function*() {
        yield* invalid(collection)
        const query = collection.find({ _id: { $lt: 9 } }).onInvalid("skip")
        const pages = yield* Stream.runCollect(Pagination.pages(query, { first: 2 }))
        // The page of 4 and 5 has no items.
        assert.deepStrictEqual(pages.map(ids), [[0], [2, 3], [7], [8]])
        const first = yield* Pagination.page(query, { first: 2 })
        assert.isTrue(first.hasNextPage)
        assert.notStrictEqual(first.endCursor, first.edges.at(-1)!.cursor)
        const back = yield* Stream.runCollect(Pagination.pages(query, { last: 2 }))
        assert.deepStrictEqual(back.map(ids), [[7, 8], [3], [2], [0]])
        // The cursor of the last item leads on, too.
        assert.deepStrictEqual(ids(yield* Pagination.page(query, { first: 2, after: first.edges.at(-1)!.cursor })), [2])
      })
    )
  )

  it.live(
    "is an item of its own with the policy collect",
    test(({ collection }) =>
      Effect.gen(function*() {
        yield* invalid(collection)
        const query = collection.find().onInvalid("collect")
        const page = yield* Pagination.page(query, { first: 3, total: true })
        assert.deepStrictEqual(page.items.map(Result.isSuccess), [true, false, true])
        const after = yield* Pagination.page(query, { first: 1, after: page.edges[1]!.cursor })
        assert.strictEqual(Result.getOrThrow(after.items[0]!)._id, 2)
        assert.strictEqual(page.totalCount, 20)
      })
    )
  )

  it.live(
    "in a field of the order has no place",
    test(({ collection }) =>
      Effect.gen(function*() {
        yield* collection.untyped.updateMany({ _id: { $in: [3, 9] as never } }, { $set: { created: "long ago" } })
        const sorted = collection.find().sort({ created: 1 })
        // Text comes before dates.
        const projected = sorted.project({ author: 1 })
        const error = yield* Effect.flip(Pagination.page(projected, { first: 3 }))
        if (!(error instanceof DocumentError.DocumentError)) return assert.fail(String(error))
        assert.match(error.message, /document 3: created: Expected date, since the page is sorted by it$/)
        const collected = yield* Effect.exit(Pagination.page(sorted.onInvalid("collect"), { first: 3 }))
        assert.isTrue(Exit.isFailure(collected))
        const pages = yield* Stream.runCollect(Pagination.pages(sorted.onInvalid("skip"), { first: 3 }))
        assert.deepStrictEqual(pages.flatMap(ids), posts.map(({ _id }) => _id).filter((id) => id !== 3 && id !== 9))
        // So they are where the projection would decode them.
        const others = yield* Stream.runCollect(Pagination.pages(projected.onInvalid("skip"), { first: 3 }))
        assert.strictEqual(others.flatMap(ids).length, posts.length - 2)
        // Nothing but such documents: no page can go on.
        assert.isTrue(Exit.isFailure(yield* Effect.exit(Pagination.page(sorted.onInvalid("skip"), { first: 2 }))))
      })
    )
  )
})

describe("pages", () => {
  it.live(
    "are a stream, forwards and backwards, from a cursor on, and each is sent when it is asked for",
    test(({ collection, log, names }) =>
      Effect.gen(function*() {
        const query = collection.find().sort({ created: -1 })
        const all = yield* Stream.runCollect(Pagination.pages(query, { first: 6 }))
        assert.deepStrictEqual(all.map((page) => page.items.length), [6, 6, 6, 2])
        const back = yield* Stream.runCollect(query.pipe(Pagination.pages({ last: 6 })))
        assert.deepStrictEqual(back.map((page) => page.items.length), [6, 6, 6, 2])
        assert.deepStrictEqual([...back].reverse().flatMap(ids), all.flatMap(ids))
        log.clear()
        const two = yield* Stream.runCollect(
          Pagination.pages(query, { first: 6, after: all[0]!.endCursor }).pipe(Stream.take(2))
        )
        assert.deepStrictEqual(two.flatMap(ids), all.slice(1, 3).flatMap(ids))
        assert.deepStrictEqual(names(), ["find", "find"])
        assert.deepStrictEqual(
          yield* Stream.runCollect(Pagination.pages(collection.find({ author: "Eve" }), { last: 6 })),
          []
        )
        assert.match(
          yield* refusal(Stream.runDrain(Pagination.pages(query, { first: 0 }))),
          /^pages: first or last is 0: a stream of pages needs documents to go on$/
        )
        const failed = yield* kindOf(Stream.runDrain(Pagination.pages(query, { first: 1, after: "x" })))
        assert.strictEqual(failed, "malformed")
      })
    )
  )

  it.live(
    "of a snapshot and of a transaction see one state",
    test(({ collection }) =>
      Effect.gen(function*() {
        const mongo = yield* MongoClient.MongoClient
        const query = collection.find({ _id: { $lt: 6 } }).sort({ created: -1 })
        const walk = Effect.gen(function*() {
          const first = yield* Pagination.page(query, { first: 3, total: true })
          // Somebody else moves every document to the front.
          yield* mongo.withoutTransaction(collection.updateMany({}, { $set: { created: new Date(1e6) } }))
          const second = yield* Pagination.page(query, {
            first: 3,
            after: first.endCursor,
            bothEnds: true,
            total: true
          })
          return [ids(first), ids(second), [first.totalCount, second.totalCount]]
        })
        const reset = Effect.forEach(posts, ({ _id, created }) => collection.updateById(_id, { $set: { created } }))
        const expected = [[5, 4, 3], [2, 1, 0], [6, 6]]
        assert.deepStrictEqual(yield* mongo.withSession({ snapshot: true })(walk), expected)
        yield* reset
        assert.deepStrictEqual(yield* mongo.withTransaction(walk, { rerun: false }), expected)
        // Outside of both, the second page is another one.
        yield* reset
        assert.notDeepEqual(yield* walk, expected)
        // What a transaction has written is on its pages.
        const own = mongo.withTransaction(Effect.andThen(
          collection.insertOne({ _id: 99, author: "Eve", created: new Date(1e9), tags: [] }),
          Pagination.page(collection.find().sort({ created: -1 }), { first: 1 })
        ))
        assert.deepStrictEqual(ids(yield* own), [99])
      })
    )
  )

  it.live(
    "end on the server when they are interrupted",
    test(({ collection, log }) =>
      Effect.gen(function*() {
        yield* Effect.scoped(Effect.gen(function*() {
          yield* FailPoint.failCommand({ failCommands: ["find"], blockTime: "20 seconds" })
          log.clear()
          const fiber = yield* Effect.forkChild(Pagination.page(collection.find(), { first: 5, total: true }))
          yield* until("the find was sent", () => log.names().includes("find"))
          const began = Date.now()
          yield* Fiber.interrupt(fiber)
          assert.isBelow(Date.now() - began, 10_000)
        }))
        yield* MongoTest.nothingLeft
        assert.deepStrictEqual(ids(yield* Pagination.page(collection.find(), { first: 1 })), [0])
      })
    )
  )
})

describe("known values", () => {
  const values = [1, 2, 3, 4, 5].map((n) => ({ n }))

  it.effect("have pages in their order, both ways", () =>
    Effect.gen(function*() {
      const query = TypedQuery.fromIterable(values)
      const numbers = (page: Pagination.Page<{ readonly n: number }>) => page.items.map(({ n }) => n)
      const first = yield* Pagination.page(query.sort({ n: 1 }), { first: 2, total: true })
      assert.deepStrictEqual([numbers(first), first.hasNextPage, first.hasPreviousPage, first.totalCount], [
        [1, 2],
        true,
        false,
        5
      ])
      const second = yield* Pagination.page(query.sort({ n: 1 }), { first: 2, after: first.endCursor })
      assert.deepStrictEqual([numbers(second), second.hasNextPage, second.hasPreviousPage], [[3, 4], true, true])
      const back = yield* Pagination.page(query.sort({ n: 1 }), { last: 5, before: second.edges[1]!.cursor })
      assert.deepStrictEqual([numbers(back), back.hasNextPage, back.hasPreviousPage], [[1, 2, 3], true, false])
      for (const options of [{ first: 2 }, { last: 2 }]) {
        const pages = yield* Stream.runCollect(Pagination.pages(query, options))
        assert.deepStrictEqual(pages.flatMap(numbers).sort(), [1, 2, 3, 4, 5])
        assert.deepStrictEqual(pages.map((page) => page.items.length), [2, 2, 1])
      }
      assert.deepStrictEqual(numbers(yield* Pagination.page(query, { first: 0 })), [])
      assert.strictEqual(yield* kindOf(Pagination.page(query, { first: 2, after: first.endCursor })), "foreign")
      assert.strictEqual(yield* kindOf(Pagination.page(query, { first: 2, after: first.endCursor, key })), "forged")
      assert.match(yield* refusal(Pagination.page(query.limit(2), { first: 2 })), /limit limits a query/)
      assert.deepStrictEqual(yield* Pagination.queries(query, { first: 2 }), [])
      const collected = yield* Pagination.page(query.onInvalid("collect"), { first: 1 })
      assert.deepStrictEqual(collected.items, [Result.succeed({ n: 1 })])
    }))
})

describe("a connection", () => {
  it.live(
    "is a page in the form of Relay, and its schema takes it through JSON",
    test(({ collection }) =>
      Effect.gen(function*() {
        const page = yield* Pagination.page(collection.find(), { first: 1 })
        const public_ = Pagination.map(page, ({ _id }) => ({ id: _id }))
        assert.deepStrictEqual(public_.items, [{ id: 0 }])
        assert.deepStrictEqual(Pagination.toConnection(public_), {
          edges: [{ cursor: page.endCursor!, node: { id: 0 } }],
          pageInfo: {
            hasNextPage: true,
            hasPreviousPage: false,
            startCursor: page.startCursor!,
            endCursor: page.endCursor!
          }
        })
        const counted = yield* Pagination.page(collection.find({ author: "Eve" }), { first: 1, total: true })
        const none = Pagination.toConnection(counted)
        assert.deepStrictEqual(none.pageInfo, {
          hasNextPage: false,
          hasPreviousPage: false,
          startCursor: null,
          endCursor: null
        })
        assert.strictEqual(none.totalCount, 0)
        const json = Schema.fromJsonString(Pagination.Connection(Schema.Struct({ _id: Schema.Int })))
        const last = yield* Pagination.page(collection.find().project({ _id: 1 }), { last: 2, total: true })
        const connection = Pagination.toConnection(last)
        const text = yield* Schema.encodeEffect(json)(connection)
        assert.deepStrictEqual(yield* Schema.decodeEffect(json)(text), connection)
      })
    )
  )
})
