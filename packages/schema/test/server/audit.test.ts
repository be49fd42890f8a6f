/**
 * Audits: what does not decode is counted by place and message, in one pass over what the server sends.
 *
 * @since 0.1.0
 */
import { assert, describe, it } from "@effect/vitest"
import { Integration, MongoClient, MongoDatabase } from "@mongofx/core"
import { Bson, MongoAudit, TypedCollection } from "@mongofx/schema"
import { CommandLog, FailPoint, MongoTest } from "@mongofx/testing"
import { Effect, Option, Schema, SchemaGetter, SchemaTransformation, Stream } from "effect"
import { Model } from "effect/schema"
import * as Driver from "mongodb"
import { interrupt, until } from "../../../core/test/support/utils.ts"

const Line = Schema.Struct({ sku: Schema.String, price: Bson.BigDecimal })

const Order = Schema.Struct({
  _id: Schema.Int,
  customer: Schema.Struct({
    name: Schema.String.check(Schema.isMinLength(2)),
    phone: Schema.optionalKey(Schema.String)
  }),
  lines: Schema.Array(Line),
  rates: Schema.Record(Schema.String, Bson.Double),
  position: Schema.optionalKey(Schema.Tuple([Bson.Double, Bson.Double])),
  placedAt: Schema.Date
}).pipe(Schema.encodeKeys({ placedAt: "at" }))

const secret = "s3cret-value"
const price = Driver.Decimal128.fromString("3.50")
const good = (_id: number): Driver.Document => ({
  _id,
  customer: { name: "Ada" },
  lines: [{ sku: "tea", price }],
  rates: { eur: 1.5 },
  at: new Date(0)
})

const withLog = MongoTest.layerWith({ driverOptions: { monitorCommands: true } })

const fixture = Effect.gen(function*() {
  const db = yield* MongoDatabase.MongoDatabase
  return { db, orders: TypedCollection.make(db, "orders", Order) }
})

describe("an audit", () => {
  it.live("counts documents by place and message, with the first ids", () =>
    Effect.gen(function*() {
      const { orders } = yield* fixture
      yield* orders.untyped.insertMany([
        ...Array.from({ length: 20 }, (_, i) => good(i)),
        { ...good(100), lines: [{ sku: "tea", price: secret }, { sku: "tea", price }, { sku: "tea", price: secret }] },
        { ...good(101), lines: [{ price: 3 }] },
        { ...good(102), rates: { [secret]: secret, other: secret } },
        { ...good(103), at: secret, customer: { name: "A", phone: 5 } },
        { ...good(104), position: [1, secret] },
        { ...good(105), lines: secret },
        ...Array.from({ length: 5 }, (_, i) => ({ ...good(110 + i), lines: [{ sku: 1, price }] }))
      ] as never)
      const report = yield* MongoAudit.report(orders)
      assert.deepStrictEqual(
        report.problems.map(({ documents, ids, message, path }) => [path, message, documents, ids]),
        [
          ["lines[].sku", "Expected string", 5, [110, 111, 112]],
          ["lines[].price", "Expected a Decimal128", 2, [100, 101]],
          ["lines[].sku", "Missing key", 1, [101]],
          ["rates.*", "Expected a double", 1, [102]],
          ["customer.name", "Expected a value with a length of at least 2", 1, [103]],
          ["customer.phone", "Expected string", 1, [103]],
          ["at", "Expected a valid Date", 1, [103]],
          ["position[1]", "Expected a double", 1, [104]],
          ["lines", "Expected array", 1, [105]]
        ]
      )
      assert.deepInclude(report, { _tag: "Report", isSample: false, documents: 31, invalid: 11, folded: [] })
      assert.strictEqual(report.collection, orders.fullName)
      const text = MongoAudit.format(report)
      assert.notInclude(text + JSON.stringify(report), secret)
      assert.strictEqual(text.split("\n")[0], `${orders.fullName}: 11 of 31 documents do not decode`)
      assert.strictEqual(text.split("\n")[1], "  5  lines[].sku: Expected string (such as 110, 111, 112)")
    }).pipe(Effect.provide(MongoTest.layer)))

  it.live("agrees with what queries decode", () =>
    Effect.gen(function*() {
      const { orders } = yield* fixture
      const documents = Array.from({ length: 1500 }, (_, i) => i % 7 === 3 ? { ...good(i), rates: 1 } : good(i))
      yield* orders.untyped.insertMany(documents as never)
      const report = yield* MongoAudit.report(orders)
      const decoded = yield* orders.find().onInvalid("skip")
      assert.strictEqual(report.documents - report.invalid, decoded.length)
      assert.strictEqual(report.invalid, documents.filter(({ rates }) => rates === 1).length)
    }).pipe(Effect.provide(MongoTest.layer)))

  it.live("names places in classes, in models and in schemas that contain themselves", () =>
    Effect.gen(function*() {
      const { db } = yield* fixture
      class Part extends Schema.Class<Part>("audit/Part")({
        prices: Schema.Record(Schema.String, Bson.Double),
        sizes: Schema.Array(Schema.Struct({ width: Bson.Int32 }))
      }) {}
      interface Tree {
        readonly name: string
        readonly children: ReadonlyArray<Tree>
      }
      const Tree: Schema.Codec<Tree> = Schema.Struct({
        name: Schema.String,
        children: Schema.Array(Schema.suspend(() => Tree))
      })
      class Thing
        extends Model.Class<Thing>("audit/Thing")({ _id: Schema.Int, parts: Schema.Array(Part), tree: Tree })
      {}
      const things = TypedCollection.make(db, "things", Thing)
      const leaf = { name: 1, children: [] }
      yield* things.untyped.insertOne({
        _id: 1,
        parts: [{ prices: { [secret]: secret }, sizes: [{ width: 1 }, { width: secret }] }],
        tree: { name: "a", children: [{ name: "b", children: [leaf, leaf] }, leaf] }
      } as never)
      const { problems } = yield* MongoAudit.report(things)
      assert.deepStrictEqual(problems.map(({ path }) => path), [
        "parts[].prices.*",
        "parts[].sizes[].width",
        "tree.children[].children[].name",
        "tree.children[].name"
      ])
    }).pipe(Effect.provide(MongoTest.layer)))

  it.live("decodes a document that fits once, by the compiled decoder", () =>
    Effect.gen(function*() {
      const { db } = yield* fixture
      let checks = 0
      const counting = Schema.makeFilter((n: number) => {
        checks++
        return n >= 0
      })
      const Thing = Schema.Struct({ _id: Schema.Int, n: Schema.Number.check(counting) })
      const things = TypedCollection.make(db, "things", Thing)
      yield* things.untyped.insertMany(
        Array.from({ length: 1500 }, (_, _id) => ({ _id, n: _id === 700 ? -1 : _id })) as never
      )
      assert.deepInclude(yield* MongoAudit.report(things), { documents: 1500, invalid: 1 })
      // The interpreter gives the reason for the one that does not fit.
      assert.strictEqual(checks, 1501)
    }).pipe(Effect.provide(MongoTest.layer)))

  it.live("names each member of a union that a value does not fit, and shows no value", () =>
    Effect.gen(function*() {
      const { db } = yield* fixture
      const Thing = Schema.Struct({
        _id: Schema.Int,
        a: Schema.String.check(Schema.isMaxLength(3)),
        b: Schema.Union([
          Schema.Literal("x"),
          Schema.Struct({ c: Schema.Int }),
          Schema.Struct({ c: Schema.String, d: Schema.Int })
        ])
      })
      const things = TypedCollection.make(db, "things", Thing)
      yield* things.untyped.insertMany([
        { _id: 1, a: secret, b: secret },
        { _id: 2, a: 4, b: { c: secret, d: secret } },
        { _id: 3, a: "a", b: { c: 1 } }
      ] as never)
      const { problems } = yield* MongoAudit.report(things)
      assert.deepStrictEqual(problems.map(({ ids, message, path }) => [path, message, ids]), [
        ["a", "Expected a value with a length of at most 3", [1]],
        ["a", "Expected string", [2]],
        ["b", `Expected "x" | object`, [1]],
        ["b.c", "Expected number", [2]],
        ["b.d", "Expected number", [2]]
      ])
    }).pipe(Effect.provide(MongoTest.layer)))

  it.live("shows ids of every type, each on one line", () =>
    Effect.gen(function*() {
      const { db } = yield* fixture
      const things = TypedCollection.make(db, "things", Schema.Struct({ a: Schema.String }))
      const uuid = new Driver.UUID()
      const ids = [
        "seven",
        "two\nlines\u001b[31m",
        "turned\u202e",
        "x".repeat(200),
        new Date(0),
        uuid,
        new Driver.Binary(Buffer.from([1, 2, 255])),
        new Driver.MinKey(),
        Driver.Decimal128.fromString("1.50"),
        { day: new Date(0) }
      ]
      yield* things.untyped.insertMany([
        ...ids.map((_id) => ({ _id, a: 1 })),
        { _id: 1, $ref: "others", $id: new Driver.ObjectId() }
      ] as never)
      const report = yield* MongoAudit.report(things, { examples: 20 })
      assert.deepStrictEqual(
        MongoAudit.format(report),
        [
          `${things.fullName}: 11 of 11 documents do not decode`,
          `  10  a: Expected string (such as "seven", "two\\nlines\\u001b[31m", "turned\\u202e", "${
            "x".repeat(79)
          }..., 1970-01-01T00:00:00.000Z, ${uuid}, ` +
          "{\"$binary\":{\"base64\":\"AQL/\",\"subType\":\"00\"}}, {\"$minKey\":1}, 1.50, {\"day\":{\"$date\":\"1970-01-01T00:00:00Z\"}})",
          "   1  a: Missing key (such as 1)"
        ].join("\n")
      )
    }).pipe(Effect.provide(MongoTest.layer)))

  it.live("folds places and messages beyond its bounds, and says how many documents have them", () =>
    Effect.gen(function*() {
      const { db } = yield* fixture
      const Talkative = Schema.Struct({
        _id: Schema.Int,
        a: Schema.String.check(Schema.makeFilter((a: string) => `${a} is not good`)),
        b: Schema.optionalKey(Schema.Int),
        c: Schema.optionalKey(Schema.Int)
      })
      const things = TypedCollection.make(db, "things", Talkative)
      yield* things.untyped.insertMany(
        Array.from(
          { length: 1000 },
          (_, _id) => ({ _id, a: `text ${_id}`, ...(_id >= 990 ? { b: "b", c: "c" } : {}) })
        ) as never
      )
      const report = yield* MongoAudit.report(things, { messages: 5, paths: 2, examples: 1 })
      assert.strictEqual(report.problems.length, 6)
      assert.deepStrictEqual(report.folded, [
        { path: "a", documents: 995, ids: [5] },
        { path: undefined, documents: 10, ids: [990] }
      ])
      assert.deepStrictEqual(report.problems[0], { path: "b", message: "Expected number", documents: 10, ids: [990] })
      assert.include(MongoAudit.format(report), "  995  a: other problems (such as 5)")
      assert.include(MongoAudit.format(report), "   10  other places: other problems (such as 990)")
    }).pipe(Effect.provide(MongoTest.layer)))

  it.live("reads a sample, or what a filter finds", () =>
    Effect.gen(function*() {
      const { orders } = yield* fixture
      yield* orders.untyped.insertMany(
        Array.from({ length: 400 }, (_, i) => i < 200 ? good(i) : { ...good(i), lines: 1 }) as never
      )
      const sampled = yield* MongoAudit.report(orders, { sample: 50 })
      assert.deepInclude(sampled, { isSample: true, documents: 50 })
      const found = yield* MongoAudit.report(orders, { filter: { _id: { $gte: 190 } } })
      assert.deepInclude(found, { isSample: false, documents: 210, invalid: 200 })
      const both = yield* MongoAudit.report(orders, { filter: { _id: { $lt: 200 } }, sample: 30 })
      assert.deepInclude(both, { documents: 30, invalid: 0, problems: [] })
      assert.strictEqual(MongoAudit.format(both), `${orders.fullName}: all of 30 sampled documents decode`)
      for (const options of [{ sample: 0 }, { examples: 1.5 }, { filter: { _id: undefined } }]) {
        const failure = yield* Effect.flip(MongoAudit.report(orders, options as never))
        assert.strictEqual(failure._tag === "MongoError" && failure.reason._tag, "InvalidArgumentError")
      }
      const misfit = yield* Effect.flip(MongoAudit.report(orders, { filter: { _id: "one" as never } }))
      assert.deepInclude(misfit, { _tag: "DocumentError", kind: "encode", operation: "audit", path: "filter._id" })
    }).pipe(Effect.provide(MongoTest.layer)))

  it.live("tells its progress with each batch, and ends with the report", () =>
    Effect.gen(function*() {
      const { orders } = yield* fixture
      yield* orders.untyped.insertMany(
        Array.from({ length: 1000 }, (_, i) => i === 50 ? { ...good(i), rates: 1 } : good(i)) as never
      )
      const events = yield* Stream.runCollect(MongoAudit.run(orders))
      assert.deepStrictEqual(events.slice(0, -1), [
        { _tag: "Progress", documents: 101, invalid: 1, total: 1000 },
        { _tag: "Progress", documents: 1000, invalid: 1, total: 1000 }
      ])
      assert.deepInclude(events.at(-1), { _tag: "Report", documents: 1000, invalid: 1 })
      // A second run counts anew.
      assert.deepStrictEqual(yield* Stream.runCollect(MongoAudit.run(orders)), events)
      const sampled = Option.getOrThrow(yield* Stream.runHead(MongoAudit.run(orders, { sample: 20 })))
      assert.deepInclude(sampled, { _tag: "Progress", documents: 20, total: 20 })
    }).pipe(Effect.provide(MongoTest.layer)))

  it.live("joins a transaction, whose writes it sees, and sends nothing that has no place in one", () =>
    Effect.gen(function*() {
      const { db, orders } = yield* fixture
      const mongo = yield* MongoClient.MongoClient
      const log = yield* CommandLog.make
      yield* db.createCollection("orders")
      const events = yield* mongo.withTransaction(Effect.gen(function*() {
        yield* orders.untyped.insertOne({ _id: 1, lines: [] } as never)
        const events = yield* Stream.runCollect(MongoAudit.run(orders))
        yield* orders.untyped.insertOne(good(2) as never)
        return events
      }))
      assert.deepInclude(events[0], { documents: 1, invalid: 1, total: undefined })
      assert.notInclude(log.names(), "count")
      assert.strictEqual(yield* orders.countDocuments(), 2)
    }).pipe(Effect.scoped, Effect.provide(withLog)))

  it.live("sees one moment in a snapshot session and with the read concern", () =>
    Effect.gen(function*() {
      const { db, orders } = yield* fixture
      const mongo = yield* MongoClient.MongoClient
      yield* orders.untyped.insertMany(Array.from({ length: 1000 }, (_, i) => good(i)) as never)
      // The first batch has 101 documents.
      const counted = (collection: typeof orders, _id: number) =>
        Stream.runLast(Stream.tap(MongoAudit.run(collection), ({ documents }) =>
          documents === 101
            ? mongo.withoutTransaction(orders.untyped.insertOne(good(_id) as never))
            : Effect.void)).pipe(Effect.map((last) => Option.getOrThrow(last).documents))
      assert.strictEqual(yield* mongo.withSession({ snapshot: true })(counted(orders, 2000)), 1000)
      const snapshots = TypedCollection.make(db, "orders", Order, { readConcern: "snapshot" })
      assert.strictEqual(yield* counted(snapshots, 2001), 1001)
      assert.strictEqual(yield* orders.countDocuments(), 1002)
    }).pipe(Effect.provide(MongoTest.layer)))

  it.live("reads with the settings of the collection", () =>
    Effect.gen(function*() {
      const { db } = yield* fixture
      const log = yield* CommandLog.make
      const orders = TypedCollection.make(db, "orders", Order, {
        readConcern: "majority",
        readPreference: "secondaryPreferred"
      })
      yield* orders.untyped.insertOne(good(1) as never)
      yield* MongoAudit.report(orders)
      const { $readPreference, readConcern } = Option.getOrThrow(log.last("find"))
      assert.strictEqual(readConcern.level, "majority")
      assert.strictEqual($readPreference.mode, "secondaryPreferred")
    }).pipe(
      Effect.scoped,
      Effect.provide(withLog)
    ))

  it.live("reports bytes that cannot be read", () =>
    Effect.gen(function*() {
      const { db } = yield* fixture
      const notes = TypedCollection.make(db, "notes", Schema.Struct({ _id: Schema.Int, text: Schema.String }))
      const bytes = Driver.BSON.serialize({ _id: 1, text: "????" })
      Buffer.from(bytes.buffer, bytes.byteOffset).fill(0xff, bytes.length - 6, bytes.length - 2)
      yield* notes.untyped.insertMany([new Integration.SerializedDocument(bytes, 1)] as never)
      yield* notes.insertOne({ _id: 2, text: "fine" })
      const report = yield* MongoAudit.report(notes)
      assert.deepInclude(report, { documents: 2, invalid: 1 })
      assert.deepStrictEqual(report.problems.map(({ ids, path }) => [path, ids]), [["text", [1]]])
      assert.match(report.problems[0]!.message, /^Expected bytes that can be read: /)
    }).pipe(Effect.provide(MongoTest.layer)))

  it.live("counts documents for which a codec throws or dies, and shows no value", () =>
    Effect.gen(function*() {
      const { db } = yield* fixture
      const strict = (refuse: (text: string) => Effect.Effect<string>) =>
        Schema.String.pipe(Schema.decodeTo(Schema.String, {
          decode: SchemaGetter.transformEffect((text: string) => text === secret ? refuse(text) : Effect.succeed(text)),
          encode: SchemaGetter.passthrough()
        }))
      const throwing = SchemaTransformation.transform({
        decode: (text: string) => text === secret ? assert.fail(text) : text,
        encode: (text: string) => text
      })
      const schemas = [
        strict((text) => Effect.die(new TypeError(text))),
        strict((text) => {
          throw new TypeError(text)
        }),
        Schema.String.pipe(Schema.decodeTo(Schema.String, throwing)),
        Schema.String.check(Schema.makeFilter((text: string) => text !== secret || assert.fail(text)))
      ]
      const documents = Array.from(
        { length: 1000 },
        (_, _id) => ({ _id, a: _id % 100 === 50 ? secret : _id % 2 ? "a" : 1 })
      )
      yield* db.collection("things").insertMany(documents as never)
      for (const [i, a] of schemas.entries()) {
        const things = TypedCollection.make(db, "things", Schema.Struct({ _id: Schema.Int, a }))
        const report = yield* MongoAudit.report(things)
        assert.deepInclude(report, { documents: 1000, invalid: 500 })
        const dead = `Expected a document that the codec decodes or refuses, but it dies with: ${
          i < 2 ? "TypeError" : "AssertionError"
        }`
        assert.deepStrictEqual(report.problems, [
          { path: "a", message: "Expected string", documents: 490, ids: [0, 2, 4] },
          { path: "", message: dead, documents: 10, ids: [50, 150, 250] }
        ])
        // Without compiled code, which does not know a DBRef.
        const uncompiled = Schema.Struct({ _id: Schema.Int, a, $ref: Schema.optionalKey(Schema.String) })
        const interpreted = yield* MongoAudit.report(TypedCollection.make(db, "things", uncompiled))
        assert.deepStrictEqual(interpreted.problems, report.problems)
      }
    }).pipe(Effect.provide(MongoTest.layer)))

  it.live("cuts long messages, and keeps nothing of a document beside its id", () =>
    Effect.gen(function*() {
      const { db } = yield* fixture
      const bytesOf = (id: unknown): number => {
        if (id instanceof Driver.Binary) return id.buffer.buffer.byteLength
        return id instanceof Uint8Array
          ? id.buffer.byteLength
          : Object.values(id as object).reduce((n, x) => n + bytesOf(x), 0)
      }
      const Talkative = Schema.Struct({ a: Schema.String.check(Schema.makeFilter((a: string) => `${a} is not good`)) })
      const things = TypedCollection.make(db, "things", Talkative)
      const a = "x".repeat(100_000)
      const ids = [new Driver.UUID(), new Driver.Binary(new Uint8Array(16)), { parts: [new Driver.UUID()] }]
      yield* things.untyped.insertMany(ids.map((_id) => ({ _id, a })) as never)
      const { problems } = yield* MongoAudit.report(things)
      assert.deepStrictEqual(problems, [{ path: "a", message: `${"x".repeat(500)}...`, documents: 3, ids }])
      assert.deepStrictEqual(problems[0]!.ids.map(bytesOf), [16, 16, 16])
      // The driver promotes binary data to a buffer.
      const promoted = TypedCollection.make(db.withOptions({ promoteBuffers: true }), "things", Talkative)
      const report = yield* MongoAudit.report(promoted)
      assert.deepStrictEqual(report.problems[0]!.ids.map(bytesOf), [16, 16, 16])
    }).pipe(Effect.provide(MongoTest.layer)))

  it.live("ends when it is interrupted, and leaves nothing on the server", () =>
    Effect.gen(function*() {
      const { orders } = yield* fixture
      yield* orders.untyped.insertMany(Array.from({ length: 1000 }, (_, i) => good(i)) as never)
      yield* FailPoint.failCommand({ failCommands: ["getMore"], blockTime: "2 seconds", mode: { times: 1 } })
      const log = yield* CommandLog.make
      const fiber = yield* Effect.forkChild(MongoAudit.report(orders))
      yield* until("a getMore", () => log.names().includes("getMore"))
      assert.isBelow(yield* interrupt(fiber), 1500)
      yield* MongoTest.nothingLeft
      const some = yield* Stream.runCollect(Stream.take(MongoAudit.run(orders), 1))
      assert.strictEqual(some.length, 1)
      yield* MongoTest.nothingLeft
    }).pipe(
      Effect.scoped,
      Effect.provide(withLog)
    ))
})
