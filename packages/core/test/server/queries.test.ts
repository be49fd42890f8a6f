/**
 * Queries: what their settings mean, what they refuse, and what they print.
 *
 * @since 0.1.0
 */
import { assert, describe, it } from "@effect/vitest"
import { Query } from "@mongofx/core"
import { Effect, Metric, Option, Redacted, Stream } from "effect"
import type * as Driver from "mongodb"
import { inspect } from "node:util"
import { failCommand, type Fixture, measuringRealTime, nothingLeft, reasonOf, setup, until } from "../support/utils.ts"

interface Item {
  readonly _id: number
}

const filled = Effect.gen(function*() {
  const fixture = yield* setup()
  const items = fixture.db.collection<Item>("items")
  yield* items.insertMany(Array.from({ length: 20 }, (_, _id) => ({ _id })))
  return { ...fixture, items }
})

describe("batchSize(0)", () => {
  it.live("gives an empty first batch, then all documents", () =>
    Effect.gen(function*() {
      const { items, last } = yield* filled
      const query = items.find().sort({ _id: 1 }).batchSize(0)
      assert.strictEqual((yield* query).length, 20)
      assert.strictEqual(last("find")["batchSize"], 0)
      assert.strictEqual(yield* Stream.runCount(query.stream), 20)
      assert.strictEqual(yield* Stream.runCount(query.raw), 20)
      const open = yield* query.open
      assert.strictEqual((yield* open.next).length, 20)
      assert.strictEqual((yield* items.aggregate([], { batchSize: 0 })).length, 20)
    }))

  it.live("still finds a first document", () =>
    Effect.gen(function*() {
      const fixture = yield* filled
      const { db, items } = fixture
      const query = items.find().sort({ _id: -1 }).batchSize(0)
      assert.deepStrictEqual(yield* query.first, Option.some({ _id: 19 }))
      assert.deepStrictEqual(yield* query.one, { _id: 19 })
      assert.deepStrictEqual(yield* items.aggregate([{ $sort: { _id: -1 } }]).batchSize(0).one, { _id: 19 })
      assert.strictEqual((yield* db.runCursorCommand({ find: "items", batchSize: 0 }).one)["_id"], 0)
      // The types leave it out, since it has no batches.
      const options: object = { batchSize: 0 }
      assert.deepStrictEqual(yield* items.findOne({ _id: 3 }, options), Option.some({ _id: 3 }))
      yield* nothingLeft(fixture)
    }))
})

describe("a negative batch size", () => {
  it.live("is refused: the driver would use it as a limit", () =>
    Effect.gen(function*() {
      const { items } = yield* filled
      for (
        const query of [
          Stream.runDrain(items.find().batchSize(-1).stream),
          Effect.asVoid(items.aggregate().batchSize(-1))
        ]
      ) {
        const reason = yield* reasonOf(query)
        assert.deepInclude({ ...reason }, { _tag: "InvalidArgumentError", path: "batchSize" })
      }
    }))
})

describe("invalid input", () => {
  it.live("is refused before anything is sent: NaN, text with a lone surrogate", () =>
    Effect.gen(function*() {
      const { db, items, sent } = yield* filled
      const before = sent().length
      const refused: Record<string, Effect.Effect<unknown, unknown>> = {
        limit: items.find().limit(NaN) as Effect.Effect<unknown, unknown>,
        skip: items.find().skip(NaN).first,
        batchSize: Stream.runDrain(items.find().batchSize(NaN).stream),
        key: items.distinct("a\uD83D" as "a"),
        index: items.dropIndex("a\uD83D"),
        "options.maxTimeMS": items.aggregate().maxTimeMS(NaN).explain(),
        "options.limit": items.countDocuments({}, { limit: NaN }),
        "options.maxAwaitTimeMS": Stream.runDrain(items.find().tailable({ maxAwaitTimeMS: NaN }).stream),
        "options.batchSize": Stream.runDrain(items.watch([], { batchSize: NaN })),
        "options.size": db.createCollection("capped", { capped: true, size: NaN })
      }
      for (const [path, effect] of Object.entries(refused)) {
        const reason = yield* reasonOf(effect as Effect.Effect<unknown, never>)
        assert.deepInclude({ ...reason }, { _tag: "InvalidArgumentError", path }, path)
      }
      assert.strictEqual(sent().length, before)
    }))
})

describe("a hint", () => {
  const indexed = Effect.gen(function*() {
    const fixture = yield* filled
    yield* fixture.items.createIndex({ b: -1, a: 1 })
    return fixture
  })

  const forms: Record<string, object> = {
    "an object": { b: -1, a: 1 },
    "a Map": new Map([["b", -1], ["a", 1]]),
    "a list of pairs": [["b", -1], ["a", 1]]
  }

  for (const [form, hint] of Object.entries(forms)) {
    it.live(`is ${form}`, () =>
      Effect.gen(function*() {
        const { items, last, mongo } = yield* indexed
        const received = (command: string, from: (command: Driver.Document) => Driver.Document = (command) =>
          command) =>
        {
          const { hint } = from(last(command))
          return hint instanceof Map ? [...hint] : Object.entries(hint)
        }
        const expected = Object.entries({ b: -1, a: 1 })
        yield* items.find({}, { hint })
        assert.deepStrictEqual(received("find"), expected)
        yield* items.find().hint(hint)
        assert.deepStrictEqual(received("find"), expected)
        yield* items.findOne({}, { hint })
        assert.deepStrictEqual(received("find"), expected)
        yield* items.find().hint(hint).explain()
        assert.deepStrictEqual(received("explain", ({ explain }) => explain), expected)
        yield* items.aggregate().hint(hint)
        assert.deepStrictEqual(received("aggregate"), expected)
        yield* items.countDocuments({}, { hint })
        assert.deepStrictEqual(received("aggregate"), expected)
        yield* items.updateOne({ _id: 1 }, { $set: { a: 1 } } as never, { hint })
        assert.deepStrictEqual(received("update", ({ updates }) => updates[0]), expected)
        yield* items.deleteOne({ _id: 1 }, { hint })
        assert.deepStrictEqual(received("delete", ({ deletes }) => deletes[0]), expected)
        yield* items.findOneAndDelete({ _id: 2 }, { hint })
        assert.deepStrictEqual(received("findAndModify"), expected)
        yield* items.bulkWrite([{ deleteOne: { filter: { _id: 3 }, hint } }])
        assert.deepStrictEqual(received("delete", ({ deletes }) => deletes[0]), expected)
        const namespace = `${items.database.name}.items`
        yield* mongo.bulkWrite([{ name: "deleteOne", namespace, filter: { _id: 4 }, hint }])
        assert.deepStrictEqual(received("bulkWrite", ({ ops }) => ops[0]), expected)
      }))
  }

  it.live("of any other form is refused", () =>
    Effect.gen(function*() {
      const { items, sent } = yield* indexed
      const before = sent().length
      for (const hint of [1, null, [["b"]], [1], new Map([[1, 1]])] as ReadonlyArray<unknown> as ReadonlyArray<never>) {
        const reasons = [
          yield* reasonOf(items.find({}, { hint })),
          yield* reasonOf(items.aggregate().hint(hint))
        ]
        for (const reason of reasons) assert.strictEqual(reason._tag, "InvalidArgumentError", String(hint))
      }
      const unordered = yield* reasonOf(items.find().hint(new Map([["b", 1], ["1", 1]])))
      assert.deepInclude({ ...unordered }, { _tag: "InvalidArgumentError", path: "hint" })
      assert.strictEqual(sent().length, before)
    }))
})

describe("raw", () => {
  it.live("decodes the errors of the server as usual", () =>
    Effect.gen(function*() {
      const { db, items } = yield* filled
      const other = db.collection<{ _id: number; a: { b: number } }>("other")
      yield* other.createIndex({ "a.b": 1 }, { unique: true })
      yield* other.insertOne({ _id: 100, a: { b: 1 } })
      const query = items.aggregate([
        { $match: { _id: 1 } },
        { $set: { a: { b: 1 } } },
        { $merge: { into: "other", whenMatched: "fail" } }
      ])
      const [plain, raw] = [yield* reasonOf(query), yield* reasonOf(Stream.runDrain(query.raw))]
      for (const reason of [plain, raw]) {
        if (reason._tag !== "DuplicateKeyError") throw new Error(`it is a ${reason._tag}`)
        assert.deepStrictEqual(reason.keyPattern, { "a.b": 1 })
      }
      assert.deepStrictEqual(JSON.stringify(raw), JSON.stringify(plain))
    }))

  it.live("fails with the details of a failed validation", () =>
    Effect.gen(function*() {
      const { db, items } = yield* filled
      yield* db.createCollection("strict", { validator: { name: { $type: "string" } } })
      const query = items.aggregate([{ $match: { _id: 1 } }, { $merge: "strict" }])
      const reasons = [yield* reasonOf(query), yield* reasonOf(Stream.runDrain(query.raw))]
      for (const reason of reasons) {
        if (reason._tag !== "DocumentValidationError") throw new Error(`it is a ${reason._tag}`)
        assert.property(reason.details === undefined ? {} : Redacted.value(reason.details), "failingDocumentId")
      }
    }))
})

describe("printing", () => {
  it("shows what a query asks for, without values", () =>
    Effect.runPromise(Effect.scoped(Effect.gen(function*() {
      const { db, items } = yield* setup().pipe(Effect.map((fixture) => ({
        ...fixture,
        items: fixture.db.collection<Driver.Document>("items")
      })))
      const find = items.find({ name: "s3cret", $or: [{ a: "s3cret" }] }, { comment: "s3cret" })
        .sort({ age: -1 }).limit(10).hint("age_1").min({ age: "s3cret" }).collation({ locale: "s3cret" })
      const aggregate = items.aggregate([{ $match: { a: "s3cret" } }, { $limit: 5 }]).batchSize(3)
      const command = db.runCursorCommand({ find: "items", filter: { a: "s3cret" } })
      const watch = items.watch([{ $match: { a: "s3cret" } }], { maxAwaitTime: 10, comment: "s3cret" })
      const list = db.listCollections({ name: "s3cret", $or: [{ type: "s3cret" }] }, { comment: "s3cret" })
      const open = yield* items.find({ name: "s3cret" }).open
      const openWatch = yield* watch.open
      for (const value of [find, aggregate, command, watch, list, open, openWatch]) {
        for (const text of [inspect(value, { depth: 20, showHidden: true }), String(value), JSON.stringify(value)]) {
          assert.notInclude(text, "s3cret")
          assert.include(text, `${db.name}`)
          assert.notInclude(text, "hosts")
          assert.isBelow(text.length, 600)
        }
      }
      const namespace = `${db.name}.items`
      const secret = items.find().comment(424_242).readConcern("majority")
      assert.deepInclude(JSON.parse(JSON.stringify(secret)), {
        settings: { comment: "<redacted>", readConcern: "majority" }
      })
      assert.deepStrictEqual(JSON.parse(JSON.stringify(find)), {
        _id: "Query",
        operation: "find",
        namespace,
        filter: ["name", "$or"],
        settings: {
          comment: "<redacted>",
          sort: ["age"],
          limit: 10,
          hint: "age_1",
          min: ["age"],
          collation: ["locale"]
        }
      })
      assert.deepStrictEqual(JSON.parse(JSON.stringify(aggregate)), {
        _id: "Query",
        operation: "aggregate",
        namespace,
        pipeline: ["$match", "$limit"],
        settings: { batchSize: 3 }
      })
      assert.deepStrictEqual(JSON.parse(JSON.stringify(watch)), {
        _id: "ChangeStream",
        operation: "watch",
        namespace,
        pipeline: ["$match"],
        options: ["maxAwaitTime", "comment"]
      })
      assert.deepStrictEqual(JSON.parse(JSON.stringify(list)), {
        _id: "Query",
        operation: "listCollections",
        namespace: db.name,
        filter: ["name", "$or"],
        settings: { comment: "<redacted>" }
      })
      assert.deepInclude(JSON.parse(JSON.stringify(command)), { command: ["find", "filter"] })
      assert.deepStrictEqual(JSON.parse(JSON.stringify([open, openWatch])), [
        { _id: "OpenQuery", operation: "find", namespace, filter: ["name"], settings: {} },
        {
          _id: "OpenChangeStream",
          operation: "watch",
          namespace,
          pipeline: ["$match"],
          options: ["maxAwaitTime", "comment"]
        }
      ])
      const values = yield* Effect.scoped(Query.fromIterable(["s3cret"]).open)
      assert.deepStrictEqual(JSON.parse(JSON.stringify(values)), { _id: "OpenQuery", operation: "fromIterable" })
      // Bad input fails when the query runs, but prints before that.
      for (const bad of [null, undefined, 1, "s3cret"]) {
        assert.notInclude(inspect([items.find(bad as never), items.aggregate(bad as never)]), "s3cret")
      }
    }))))
})

/** The queries that the driver and the client know of. */
const kept = ({ driver, mongo }: Fixture) => {
  const { activeCursors, activeSessions } = (driver as unknown as {
    readonly s: { readonly activeCursors: ReadonlySet<unknown>; readonly activeSessions: ReadonlySet<unknown> }
  }).s
  const { open } = (mongo as unknown as {
    readonly connection: { readonly dependents: { readonly open: ReadonlySet<unknown> } }
  }).connection.dependents
  return [activeCursors.size, activeSessions.size, open.size]
}

describe("what a query leaves with its client", () => {
  it.live("is nothing, whether it ends, fails or is invalid", () =>
    Effect.gen(function*() {
      const fixture = yield* filled
      const { items, mongo } = fixture
      yield* failCommand(fixture, "alwaysOn", { failCommands: ["getMore"], errorCode: 96 })
      const failing = items.find().batchSize(5)
      const bad = items.find({ a: undefined } as never)
      const queries: Record<string, Effect.Effect<unknown, unknown>> = {
        "an array": items.find() as Effect.Effect<unknown, unknown>,
        "a stream": Stream.runDrain(items.find().stream),
        "an array that fails": failing as Effect.Effect<unknown, unknown>,
        "a stream that fails": Stream.runDrain(failing.stream),
        "an open query that fails": Effect.scoped(
          Effect.flatMap(failing.open, ({ next }) => Effect.andThen(next, next))
        ),
        "an array of bad input": bad as Effect.Effect<unknown, unknown>,
        "a stream of bad input": Stream.runDrain(bad.stream),
        "an array in a session": mongo.withSession()(items.find()),
        "a stream that fails in a transaction": mongo.withTransaction(Stream.runDrain(failing.stream)),
        "a session of a scope": Effect.scoped(Effect.flatMap(mongo.session(), (session) => session.use(items.find())))
      }
      for (const [name, query] of Object.entries(queries)) {
        yield* Effect.exit(query)
        // An array's session ends in the background.
        yield* until(() => `${name} leaves nothing, but ${kept(fixture)}`, () =>
          kept(fixture).every((size) => size === 0))
      }
      const open = yield* items.find().batchSize(5).open
      assert.deepStrictEqual(kept(fixture), [1, 1, 1], "of one that is open")
      assert.strictEqual((yield* open.next).length, 5)
    }))
})

describe("the duration of a query", () => {
  it.live("of several batches counts all of them", () =>
    Effect.gen(function*() {
      const fixture = yield* filled
      // The first two commands are slow and the last is not.
      yield* failCommand(fixture, { times: 2 }, {
        failCommands: ["find", "getMore"],
        blockConnection: true,
        blockTimeMS: 200
      })
      const registry: Metric.MetricRegistry = new Map()
      yield* Effect.provideService(
        Stream.runDrain(fixture.items.find().batchSize(8).stream),
        Metric.MetricRegistry,
        registry
      )
      const series = yield* Effect.provideService(Metric.snapshot, Metric.MetricRegistry, registry)
      const duration = series.find(({ id }) => id === "db.client.operation.duration")
      if (duration?.type !== "Histogram") throw new Error("it is not measured")
      assert.strictEqual(duration.state.count, 1)
      assert.isAtLeast(duration.state.sum, 0.4)
    }).pipe(measuringRealTime))
})
