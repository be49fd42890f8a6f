/**
 * `Mongo.withDeadline` on a real server.
 *
 * @since 0.1.0
 */
import { assert, describe, it } from "@effect/vitest"
import { GridFS, Mongo, MongoClient, type MongoError } from "@mongofx/core"
import { Duration, Effect, Fiber, Redacted, Stream } from "effect"
import { TestClock } from "effect/testing"
import {
  failCommand,
  type Fixture,
  nothingLeft,
  reasonOf,
  setup,
  timed,
  until,
  uri,
  waitingByTestClock
} from "../support/utils.ts"

const block = (fixture: Fixture, command: string, milliseconds = 3000) =>
  failCommand(fixture, "alwaysOn", {
    failCommands: [command],
    blockConnection: true,
    blockTimeMS: milliseconds
  })

const limits = (fixture: Fixture, name: string): ReadonlyArray<unknown> =>
  fixture.commands.filter((event) => event.commandName === name).map((event) => event.command["maxTimeMS"])

const assertWithin = (value: unknown, low: number, high: number, what: string) => {
  assert.isNumber(value, what)
  assert.isAtLeast(value as number, low, what)
  assert.isAtMost(value as number, high, what)
}

describe("withDeadline", () => {
  it.live("makes the remaining time the limit of every kind of operation", () =>
    Effect.gen(function*() {
      const fixture = yield* setup()
      const { db, mongo } = fixture
      const things = db.collection("things")
      yield* Effect.gen(function*() {
        yield* db.createCollection("things")
        yield* things.insertOne({ a: 1 })
        yield* things.insertMany([{ a: 2 }, { a: 3 }])
        yield* things.findOne()
        yield* things.find()
        yield* Stream.runDrain(things.find().stream)
        yield* things.aggregate([{ $match: { a: 1 } }])
        yield* things.find({ a: 1 }).explain()
        yield* things.updateOne({ a: 1 }, { $set: { b: 1 } })
        yield* things.deleteMany({ a: 3 })
        yield* things.findOneAndUpdate({ a: 1 }, { $set: { b: 2 } })
        yield* things.countDocuments()
        yield* things.estimatedDocumentCount()
        yield* things.distinct("a")
        yield* things.bulkWrite([{ insertOne: { document: { a: 4 } } }])
        yield* things.createIndex({ a: 1 })
        yield* things.listIndexes()
        yield* things.indexExists("a_1")
        yield* things.dropIndex("a_1")
        yield* things.options()
        yield* things.isCapped()
        yield* db.listCollections()
        yield* db.stats()
        yield* db.validateCollection("things")
        yield* db.command({ collStats: "things" })
        yield* db.runCursorCommand({ find: "things" })
        yield* db.profilingLevel
        yield* mongo.ping
        yield* mongo.serverInfo
        yield* mongo.listDatabases()
        yield* mongo.bulkWrite([{ namespace: things.fullName, name: "insertOne", document: { a: 5 } }])
        yield* things.rename("others")
        yield* db.collection("others").drop()
        yield* db.dropDatabase()
      }).pipe(Mongo.withDeadline("1 minute"))
      const bounded = [
        "create",
        "insert",
        "find",
        "aggregate",
        "explain",
        "update",
        "delete",
        "findAndModify",
        "count",
        "distinct",
        "createIndexes",
        "listIndexes",
        "dropIndexes",
        "listCollections",
        "dbStats",
        "validate",
        "collStats",
        "profile",
        "buildInfo",
        "listDatabases",
        "bulkWrite",
        "renameCollection",
        "drop",
        "dropDatabase"
      ]
      for (const name of bounded) {
        const seen = limits(fixture, name)
        assert.isAbove(seen.length, 0, name)
        for (const limit of seen) assertWithin(limit, 30_000, 60_000, name)
      }
      // The ping of the connect has no limit.
      assertWithin(limits(fixture, "ping").at(-1), 30_000, 60_000, "ping")
    }))

  it.live("gives each operation the time that the earlier ones have left", () =>
    Effect.gen(function*() {
      const fixture = yield* setup()
      const things = fixture.db.collection("things")
      yield* Effect.gen(function*() {
        yield* things.findOne()
        yield* Effect.sleep("200 millis")
        yield* things.findOne()
      }).pipe(Mongo.withDeadline("10 seconds"))
      const [first, second] = limits(fixture, "find") as [number, number]
      assert.isAtLeast(first - second, 199)
      assert.isAtMost(first, 10_000)
    }))

  it.live("keeps an operation's own limit if it is shorter, and ignores a limit of 0", () =>
    Effect.gen(function*() {
      const fixture = yield* setup()
      const things = fixture.db.collection("things")
      yield* Effect.gen(function*() {
        yield* things.findOne({}, { maxTimeMS: 77 })
        yield* things.find().maxTimeMS(78)
        yield* things.find().maxTimeMS(99_999_999)
        yield* things.find().maxTimeMS(0)
        yield* fixture.db.command({ find: "things", maxTimeMS: 79 })
      }).pipe(Mongo.withDeadline("10 seconds"))
      const seen = limits(fixture, "find")
      assert.deepStrictEqual([seen[0], seen[1], seen[4]], [77, 78, 79])
      assertWithin(seen[2], 1, 10_000, "a longer limit")
      assertWithin(seen[3], 1, 10_000, "limit 0")
    }))

  it.live("respects the earlier of two deadlines, and ignores an infinite one", () =>
    Effect.gen(function*() {
      const fixture = yield* setup()
      const findOne = fixture.db.collection("things").findOne()
      yield* findOne.pipe(Mongo.withDeadline("1 minute"), Mongo.withDeadline("2 seconds"))
      yield* findOne.pipe(Mongo.withDeadline("2 seconds"), Mongo.withDeadline("1 minute"))
      yield* findOne.pipe(Mongo.withDeadline(Duration.infinity))
      yield* Mongo.withDeadline(findOne, "900 days")
      const [outer, inner, none, long] = limits(fixture, "find")
      assertWithin(outer, 1, 2000, "outer")
      assertWithin(inner, 1, 2000, "inner")
      assert.isUndefined(none)
      assert.strictEqual(long, 2 ** 31 - 1)
    }))

  it.live("aborts an operation when it passes", () =>
    Effect.gen(function*() {
      const fixture = yield* setup()
      const things = fixture.db.collection("things")
      yield* things.insertOne({ a: 1 })
      yield* block(fixture, "find")
      const [reason, elapsed] = yield* timed(reasonOf(things.findOne().pipe(Mongo.withDeadline("300 millis"))))
      assert.strictEqual(reason._tag, "MaxTimeExpiredError")
      assert.strictEqual(reason.operation, "findOne")
      assert.strictEqual(reason.namespace, things.fullName)
      assert.include(reason.message, "the deadline of 300ms passed before it ended")
      assert.isFalse(reason.isRetryable)
      assertWithin(elapsed, 250, 2000, "time")
    }))

  it.live("makes the server give up too: a slow query ends there by its limit", () =>
    Effect.gen(function*() {
      const fixture = yield* setup()
      const things = fixture.db.collection("things")
      yield* things.insertMany([{ a: 1 }, { a: 2 }])
      const slow = things.find({ $where: "sleep(1000) || true" })
      // The fiber waits for the server here, so the failure is the server's own error.
      const reason = yield* reasonOf(
        things.updateMany({ $where: "sleep(1000) || true" }, { $set: { b: 1 } }).pipe(
          Mongo.withDeadline("300 millis"),
          Mongo.withInterruptionPolicy("await")
        )
      )
      assert.strictEqual(reason._tag, "MaxTimeExpiredError")
      assert.strictEqual(reason.code, 50)
      const [found, elapsed] = yield* timed(reasonOf(slow.pipe(Mongo.withDeadline("300 millis"))))
      assert.strictEqual(found._tag, "MaxTimeExpiredError")
      assertWithin(elapsed, 250, 2500, "time")
      yield* nothingLeft(fixture)
    }))

  it.live("sends nothing after it has passed, and the effect itself goes on", () =>
    Effect.gen(function*() {
      const fixture = yield* setup()
      const things = fixture.db.collection("things")
      const reasons: Array<MongoError.MongoErrorReason> = []
      const result = yield* Effect.gen(function*() {
        yield* Effect.sleep("50 millis")
        reasons.push(yield* reasonOf(things.insertOne({ a: 1 })))
        reasons.push(yield* reasonOf(things.find()))
        reasons.push(yield* reasonOf(Stream.runCollect(things.find().stream)))
        reasons.push(yield* reasonOf(things.insertOne({ a: 1 }).pipe(Mongo.withInterruptionPolicy("await"))))
        return "went on"
      }).pipe(Mongo.withDeadline("20 millis"))
      assert.strictEqual(result, "went on")
      assert.strictEqual(reasons.length, 4)
      for (const reason of reasons) {
        assert.strictEqual(reason._tag, "MaxTimeExpiredError")
        assert.include(reason.message, "passed before it began")
      }
      assert.deepStrictEqual(fixture.sent(), [])
    }))

  it.live("leaves a detached operation alone, with the server's limit", () =>
    Effect.gen(function*() {
      const fixture = yield* setup()
      const things = fixture.db.collection("things")
      const closed: Array<unknown> = []
      const failed: Array<unknown> = []
      fixture.driver.on("connectionClosed", (event) => closed.push(event))
      fixture.driver.on("commandFailed", (event) => failed.push(event.failure))
      yield* block(fixture, "insert", 800)
      const [reason, elapsed] = yield* timed(reasonOf(
        things.insertOne({ a: 1 }).pipe(Mongo.withDeadline("300 millis"), Mongo.withInterruptionPolicy("detach"))
      ))
      assert.strictEqual(reason._tag, "MaxTimeExpiredError")
      assertWithin(elapsed, 250, 790, "time")
      yield* until("the server has given up", () => failed.length > 0)
      assert.strictEqual((failed[0] as { code?: number }).code, 50)
      assert.deepStrictEqual(closed, [])
    }))

  it.live("aborts the signal of use", () =>
    Effect.gen(function*() {
      const { mongo } = yield* setup()
      let aborted = false
      const reason = yield* reasonOf(
        mongo.use((_, signal) =>
          new Promise((_, reject) => {
            signal.addEventListener("abort", () => {
              aborted = true
              reject(new Error("aborted"))
            })
          })
        ).pipe(Mongo.withDeadline("100 millis"))
      )
      assert.strictEqual(reason._tag, "MaxTimeExpiredError")
      assert.isTrue(aborted)
    }))

  it.live("ends a stream in time, without a cursor left", () =>
    Effect.gen(function*() {
      const fixture = yield* setup()
      const things = fixture.db.collection("things")
      yield* things.insertMany(Array.from({ length: 30 }, (_, a) => ({ a })))
      yield* block(fixture, "getMore")
      let seen = 0
      const [reason, elapsed] = yield* timed(reasonOf(
        things.find().batchSize(10).stream.pipe(
          Stream.runForEach(() => Effect.sync(() => seen++)),
          Mongo.withDeadline("300 millis")
        )
      ))
      assert.strictEqual(reason._tag, "MaxTimeExpiredError")
      assert.strictEqual(seen, 10)
      assertWithin(elapsed, 250, 2500, "time")
      yield* nothingLeft(fixture)
    }))

  it.live("counts the time of a slow consumer of a stream", () =>
    Effect.gen(function*() {
      const fixture = yield* setup()
      const things = fixture.db.collection("things")
      yield* things.insertMany(Array.from({ length: 30 }, (_, a) => ({ a })))
      const reason = yield* reasonOf(
        things.find().batchSize(10).batches.pipe(
          Stream.runForEach(() => Effect.sleep("150 millis")),
          Mongo.withDeadline("100 millis")
        )
      )
      assert.strictEqual(reason._tag, "MaxTimeExpiredError")
      yield* nothingLeft(fixture)
    }))

  it.live("stops the waiting of a tailable cursor", () =>
    Effect.gen(function*() {
      const fixture = yield* setup()
      yield* fixture.db.createCollection("log", { capped: true, size: 4096 })
      const log = fixture.db.collection("log")
      yield* log.insertOne({ a: 1 })
      const [reason, elapsed] = yield* timed(reasonOf(
        Stream.runDrain(log.find().tailable().stream).pipe(Mongo.withDeadline("300 millis"))
      ))
      assert.strictEqual(reason._tag, "MaxTimeExpiredError")
      assertWithin(elapsed, 250, 2500, "time")
      assert.deepStrictEqual(limits(fixture, "find"), [undefined])
      yield* nothingLeft(fixture)
    }))

  it.live("counts the time of waiting for a connection", () =>
    Effect.gen(function*() {
      const fixture = yield* setup({ maxPoolSize: 1 })
      const things = fixture.db.collection("things")
      yield* block(fixture, "insert", 1000)
      const first = yield* Effect.forkChild(things.insertOne({ a: 1 }), { startImmediately: true })
      const [reason, elapsed] = yield* timed(reasonOf(things.findOne().pipe(Mongo.withDeadline("200 millis"))))
      assert.strictEqual(reason._tag, "MaxTimeExpiredError")
      assertWithin(elapsed, 150, 900, "time")
      yield* Fiber.join(first)
      assert.notInclude(fixture.sent(), "find")
    }))

  it.live("leaves nothing of an upload that runs out of time, and finishes a delete", () =>
    Effect.gen(function*() {
      const fixture = yield* setup()
      const bucket = GridFS.bucket(fixture.db)
      const bytes = new Uint8Array(1_000_000)
      const slow = Stream.fromIterable(Array.from({ length: 40 }, () => bytes)).pipe(
        Stream.tap(() => Effect.sleep("20 millis"))
      )
      const reason = yield* reasonOf(bucket.upload("large", slow).pipe(Mongo.withDeadline("500 millis")))
      assert.strictEqual(reason._tag, "MaxTimeExpiredError")
      yield* until(
        "no chunks are left",
        async () => await fixture.admin.db(fixture.db.name).collection("fs.chunks").countDocuments() === 0
      )
      const file = yield* bucket.upload("small", Stream.make(bytes))
      assert.strictEqual(file.length, bytes.length)
      yield* failCommand(fixture, { times: 1 }, { failCommands: ["delete"], blockConnection: true, blockTimeMS: 600 })
      const late = yield* reasonOf(bucket.delete(file._id).pipe(Mongo.withDeadline("200 millis")))
      assert.strictEqual(late._tag, "MaxTimeExpiredError")
      assert.strictEqual(late.operation, "delete")
      yield* until(
        "the delete is finished",
        async () => await fixture.admin.db(fixture.db.name).collection("fs.chunks").countDocuments() === 0
      )
    }))

  it.live("aborts a transaction whose body runs out of time", () =>
    Effect.gen(function*() {
      const fixture = yield* setup()
      const things = fixture.db.collection("things")
      yield* things.insertOne({ a: 0 })
      yield* block(fixture, "find")
      const reason = yield* reasonOf(
        fixture.mongo.withTransaction(Effect.gen(function*() {
          yield* things.insertOne({ a: 1 })
          yield* things.findOne()
        })).pipe(Mongo.withDeadline("500 millis"))
      )
      assert.strictEqual(reason._tag, "MaxTimeExpiredError")
      assert.strictEqual(yield* things.countDocuments(), 1)
      assert.include(fixture.sent().concat(fixture.commands.map((event) => event.commandName)), "abortTransaction")
    }))

  it.live("lets a transaction in time commit", () =>
    Effect.gen(function*() {
      const fixture = yield* setup()
      const things = fixture.db.collection("things")
      yield* things.insertOne({ a: 0 })
      yield* fixture.mongo.withTransaction(things.insertOne({ a: 1 })).pipe(Mongo.withDeadline("20 seconds"))
      assert.strictEqual(yield* things.countDocuments(), 2)
      assertWithin(limits(fixture, "insert").at(-1), 1, 20_000, "insert")
    }))

  it.effect("passes in real time, whatever the test clock does", () =>
    Effect.gen(function*() {
      const fixture = yield* setup()
      const things = fixture.db.collection("things")
      yield* things.insertOne({ a: 1 })
      const reason = yield* reasonOf(
        Effect.forever(things.find({ $where: "sleep(20) || true" })).pipe(Mongo.withDeadline("100 millis"))
      )
      assert.strictEqual(reason._tag, "MaxTimeExpiredError")
    }))

  it.effect("passes by the server clock", () =>
    Effect.gen(function*() {
      const mongo = yield* MongoClient.make({ url: Redacted.make(uri) })
      const reason = yield* Effect.gen(function*() {
        yield* mongo.ping
        yield* TestClock.adjust("59 seconds")
        yield* mongo.ping
        yield* TestClock.adjust("2 seconds")
        return yield* reasonOf(mongo.ping)
      }).pipe(Mongo.withDeadline("1 minute"), waitingByTestClock)
      assert.strictEqual(reason._tag, "MaxTimeExpiredError")
    }))
})
