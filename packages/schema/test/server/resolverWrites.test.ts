import { assert, describe, it } from "@effect/vitest"
import { MongoClient, MongoDatabase, MongoError } from "@mongofx/core"
import { Bson, DocumentError, MongoModel, MongoResolver, TypedCollection } from "@mongofx/schema"
import { CommandLog, MongoTest } from "@mongofx/testing"
import { BigDecimal, Cause, DateTime, Effect, Exit, Option, Schema, Tracer } from "effect"
import { Model } from "effect/schema"
import { Decimal128, Double, Int32, Long, ObjectId } from "mongodb"

const Test = MongoTest.layerWith({ driverOptions: { monitorCommands: true } })

const test = <A, E, R>(self: Effect.Effect<A, E, R>) => Effect.provide(Effect.scoped(self), Test)

const unbounded = { concurrency: "unbounded" } as const

const tagOf = (exit: Exit.Exit<unknown, unknown>) => {
  const error = Option.getOrUndefined(Exit.findErrorOption(exit))
  return MongoError.isMongoError(error) ? error.reason._tag : undefined
}

class Account extends Model.Class<Account>("Account")({
  _id: MongoModel.ObjectIdGenerated,
  email: Schema.String,
  createdAt: Model.DateTimeInsertFromDate
}) {}

describe("makeResolvers", () => {
  const fixture = Effect.gen(function*() {
    const db = yield* MongoDatabase.MongoDatabase
    const mongo = yield* MongoClient.MongoClient
    const accounts = TypedCollection.make(db, "accounts", Account)
    yield* accounts.createIndex({ email: 1 }, { unique: true })
    const log = yield* CommandLog.make
    return { accounts, log, mongo, sent: () => log.names(db.name) }
  })

  it.live("inserts, finds and deletes a batch with one command each", () =>
    test(Effect.gen(function*() {
      const { accounts, log, sent } = yield* fixture
      const resolvers = MongoResolver.makeResolvers(accounts)
      const emails = ["a", "b", "c"]
      const inserted = yield* Effect.forEach(
        emails,
        (email) => MongoResolver.request(Account.insert.make({ email }), resolvers.insert),
        unbounded
      )
      assert.deepStrictEqual(inserted.map(({ email }) => email), emails)
      assert.isTrue(inserted.every((account) => account instanceof Account))
      yield* MongoResolver.request(Account.insert.make({ email: "d" }), resolvers.insertVoid)
      assert.deepStrictEqual(sent(), ["insert", "insert"])
      log.clear()
      const ids = inserted.map(({ _id }) => _id)
      const found = yield* Effect.forEach(ids, (id) => MongoResolver.request(id, resolvers.findById), unbounded)
      assert.deepStrictEqual(found, inserted)
      yield* Effect.forEach([...ids, ids[0]!], (id) => MongoResolver.request(id, resolvers.delete), unbounded)
      assert.deepStrictEqual(sent(), ["find", "delete"])
      assert.deepStrictEqual((yield* accounts.find()).map(({ email }) => email), ["d"])
    })))

  it.live("an insert answers with what a read gives: the driver delivers some values in another form", () =>
    test(Effect.gen(function*() {
      const db = yield* MongoDatabase.MongoDatabase
      const Item = Schema.Struct({ _id: Bson.ObjectId, value: Schema.Unknown, note: Schema.optional(Schema.String) })
      const items = TypedCollection.make(db, "items", Item)
      const { insert } = MongoResolver.makeResolvers(items)
      const values = [new Int32(5), Long.fromNumber(7), new Double(2), 7n, new Uint8Array([1]), { list: [{ a: 1 }] }]
      const inserted = yield* Effect.forEach(
        values,
        (value) => MongoResolver.request({ value, note: undefined }, insert),
        unbounded
      )
      assert.deepStrictEqual(inserted, yield* items.find().sort({ _id: 1 }))
      assert.deepStrictEqual(inserted.slice(0, 4).map(({ value }) => value), [5, 7, 2, 7])
      // The answer is not what the caller may go on changing.
      assert.notStrictEqual(inserted[5]?.value, values[5])
    })))

  it.live("a duplicate key, and a document that does not encode, fail alone", () =>
    test(Effect.gen(function*() {
      const { accounts } = yield* fixture
      const { insert } = MongoResolver.makeResolvers(accounts)
      const documents = ["a", "b", "a", 3, "c"].map((email) => ({ email }) as never)
      const exits = yield* Effect.forEach(
        documents,
        (document) => Effect.exit(MongoResolver.request(document, insert)),
        unbounded
      )
      assert.deepStrictEqual(exits.map(Exit.isSuccess), [true, true, false, false, true])
      assert.strictEqual(tagOf(exits[2]!), "DuplicateKeyError")
      assert.instanceOf(Option.getOrThrow(Exit.findErrorOption(exits[3]!)), DocumentError.DocumentError)
      assert.deepStrictEqual((yield* accounts.find().sort({ email: 1 })).map(({ email }) => email), ["a", "b", "c"])
    })))

  it.live("a duplicate key in a transaction fails its batch, and nothing is written", () =>
    test(Effect.gen(function*() {
      const { accounts, mongo } = yield* fixture
      const { insert } = MongoResolver.makeResolvers(accounts)
      const answers: Array<boolean> = []
      const exit = yield* Effect.exit(mongo.withTransaction(Effect.forEach(
        ["a", "b", "a"],
        (email) =>
          Effect.map(
            Effect.exit(MongoResolver.request(Account.insert.make({ email }), insert)),
            (exit) => answers.push(Exit.isSuccess(exit))
          ),
        unbounded
      )))
      assert.deepStrictEqual(answers, [false, false, false])
      assert.strictEqual(tagOf(exit), "TransactionError")
      assert.strictEqual(yield* accounts.countDocuments(), 0)
    })))

  it.live("an id that does not encode fails its own delete alone, and equal ids are sent once", () =>
    test(Effect.gen(function*() {
      const { log, sent } = yield* fixture
      const db = yield* MongoDatabase.MongoDatabase
      const Item = Schema.Struct({ id: Bson.BigDecimal, n: Schema.Int }).pipe(Schema.encodeKeys({ id: "_id" }))
      const items = TypedCollection.make(db, "items", Item)
      const ids = ["1", "2", "3"].map((text) => BigDecimal.fromStringUnsafe(text))
      yield* items.insertMany(ids.map((id, n) => ({ id, n })))
      log.clear()
      const { delete: remove } = MongoResolver.makeResolvers(items)
      const exits = yield* Effect.forEach(
        [ids[0]!, "2" as never, ids[2]!, BigDecimal.fromStringUnsafe("1.0")],
        (id) => Effect.exit(MongoResolver.request(id as never, remove)),
        unbounded
      )
      assert.deepStrictEqual(exits.map(Exit.isSuccess), [true, false, true, true])
      assert.instanceOf(Option.getOrThrow(Exit.findErrorOption(exits[1]!)), DocumentError.DocumentError)
      assert.deepStrictEqual(sent(), ["delete"])
      assert.strictEqual(log.events[0]?.command["deletes"][0].q._id.$in.length, 2)
      assert.deepStrictEqual((yield* items.find()).map(({ n }) => n), [1])
    })))

  it.live("has a span for each batch", () =>
    test(Effect.gen(function*() {
      const { accounts } = yield* fixture
      const names: Array<string> = []
      const tracer = Tracer.make({
        span: (options) => {
          names.push(options.name)
          return new Tracer.NativeSpan(options)
        }
      })
      const { insertVoid } = MongoResolver.makeResolvers(accounts, { spanPrefix: "accounts" })
      yield* Effect.forEach(
        ["a", "b"],
        (email) => MongoResolver.request(Account.insert.make({ email }), insertVoid),
        unbounded
      ).pipe(Effect.provideService(Tracer.Tracer, tracer))
      assert.deepStrictEqual(names.filter((name) => name.startsWith("accounts.")), ["accounts.insertVoidResolver"])
    })))
})

describe("resolvers with an effect of the caller's", () => {
  const Row = Schema.Struct({ _id: Bson.Decimal128, n: Schema.Int })

  it.effect("execute never gets an empty batch, and gets duplicates of an id once", () =>
    Effect.gen(function*() {
      const batches: Array<number> = []
      const rows = [{ _id: Decimal128.fromString("1.0"), n: 1 }]
      const resolver = MongoResolver.findById({
        Id: Bson.Decimal128,
        Result: Row,
        ResultId: ({ _id }) => _id,
        execute: (ids) => {
          batches.push(ids.length)
          return Effect.succeed(rows)
        }
      })
      const find = (id: unknown) => Effect.exit(MongoResolver.request(id as Decimal128, resolver))
      const one = Decimal128.fromString("1")
      const exits = yield* Effect.all(
        [find(one), find(rows[0]!._id), find("x"), find(Decimal128.fromString("2"))],
        unbounded
      )
      assert.deepStrictEqual(exits.map(Exit.isSuccess), [true, true, false, false])
      assert.isTrue(Schema.isSchemaError(Option.getOrThrow(Exit.findErrorOption(exits[2]!))))
      assert.isTrue(Cause.isNoSuchElementError(Option.getOrThrow(Exit.findErrorOption(exits[3]!))))
      yield* Effect.all([find("x"), find(1)], unbounded)
      assert.deepStrictEqual(batches, [2])
    }))

  it.effect("tells requests apart that BSON cannot hold, and joins those that Effect finds equal", () =>
    Effect.gen(function*() {
      const urls = ["http://a/", "http://b/"].map((url) => new URL(url))
      let asked = 0
      const byUrl = MongoResolver.grouped({
        Request: Schema.URL,
        RequestGroupKey: ({ href }) => href,
        Result: Schema.String,
        ResultGroupKey: (href) => href,
        execute: (urls) => {
          asked += urls.length
          return Effect.succeed(urls.map(({ href }) => href))
        }
      })
      const groups = yield* Effect.forEach(urls, (url) => MongoResolver.request(url, byUrl), unbounded)
      assert.deepStrictEqual(groups, [["http://a/"], ["http://b/"]])
      assert.strictEqual(asked, 2)
      const days = [1, 2, 1].map((day) => DateTime.makeUnsafe(day))
      const byDay = MongoResolver.findById({
        Id: Schema.DateTimeUtc,
        Result: Schema.DateTimeUtc,
        ResultId: (day) => day,
        execute: (days) => {
          asked += days.length
          return Effect.succeed(days.map((day) => DateTime.makeUnsafe(day.epochMilliseconds)))
        }
      })
      const found = yield* Effect.forEach(days, (day) => MongoResolver.request(day, byDay), unbounded)
      assert.deepStrictEqual(found.map(({ epochMilliseconds }) => epochMilliseconds), [1, 2, 1])
      assert.strictEqual(asked, 4)
    }))

  it.effect("grouped gives [] for nothing, and groups by what the server finds equal", () =>
    Effect.gen(function*() {
      const resolver = MongoResolver.grouped({
        Request: Schema.Struct({ owner: Schema.Unknown }),
        RequestGroupKey: ({ owner }): unknown => owner,
        Result: Schema.Struct({ owner: Schema.Unknown, n: Schema.Int }),
        ResultGroupKey: ({ owner }) => owner,
        execute: () =>
          Effect.succeed([
            { owner: Decimal128.fromString("1.0"), n: 1 },
            { owner: 1, n: 2 },
            { owner: new ObjectId("000000000000000000000001"), n: 3 }
          ])
      })
      const owners = [1, "1", new ObjectId("000000000000000000000001"), Decimal128.fromString("1.00")]
      const found = yield* Effect.forEach(owners, (owner) => MongoResolver.request({ owner }, resolver), unbounded)
      assert.deepStrictEqual(found.map((group) => group.map(({ n }) => n)), [[1, 2], [], [3], [1, 2]])
    }))

  it.effect("ordered answers in order, refuses other numbers of results, and a bad result fails alone", () =>
    Effect.gen(function*() {
      const ordered = (execute: (names: ReadonlyArray<string>) => ReadonlyArray<unknown>, maxBatchSize?: number) => {
        const resolver = MongoResolver.ordered({
          Request: Schema.String,
          Result: Schema.Int,
          execute: (names) => Effect.sync(() => execute(names)),
          maxBatchSize
        })
        return (name: string) => Effect.exit(MongoResolver.request(name, resolver))
      }
      const sizes: Array<number> = []
      const length = ordered((names) => {
        sizes.push(names.length)
        return names.map((name) => name === "bad" ? "bad" : name.length)
      }, 2)
      const exits = yield* Effect.forEach(["a", "bad", "ccc", "a"], length, unbounded)
      assert.deepStrictEqual(exits.map((exit) => Exit.isSuccess(exit) ? exit.value : "failed"), [1, "failed", 3, 1])
      assert.deepStrictEqual(sizes, [2, 2])
      const short = ordered(() => [1])
      const errors = yield* Effect.forEach(["a", "b"], short, unbounded)
      for (const exit of errors) {
        const error = Option.getOrThrow(Exit.findErrorOption(exit))
        assert.instanceOf(error, MongoResolver.ResultLengthMismatch)
        assert.include((error as Error).message, "1 results for 2 requests")
      }
    }))

  it.effect("void does something with each batch", () =>
    Effect.gen(function*() {
      const seen: Array<ReadonlyArray<string>> = []
      const resolver = MongoResolver.void({
        Request: Schema.String,
        execute: (names) =>
          names.includes("bad") ? Effect.fail("refused" as const) : Effect.sync(() => seen.push(names)),
        maxBatchSize: 2
      })
      const exits = yield* Effect.forEach(
        ["a", "a", "bad", "c", "d"],
        (name) => Effect.exit(MongoResolver.request(name, resolver)),
        unbounded
      )
      assert.deepStrictEqual(exits.map(Exit.isSuccess), [true, true, false, false, true])
      assert.deepStrictEqual(seen, [["a", "a"], ["d"]])
    }))
})
