/**
 * Reads that are cut off: they fail, and leave nothing on the server.
 *
 * @since 0.1.0
 */
import { assert, describe, it } from "@effect/vitest"
import { GridFS, MongoClient, type MongoError } from "@mongofx/core"
import { Effect, Exit, Fiber, Option, Redacted, Schedule, Scope, Stream } from "effect"
import * as Driver from "mongodb"
import { failCommand, nothingLeft, reasonOf, setup, until, uri } from "../support/utils.ts"
import { slowWay } from "../support/wire.ts"

interface Item {
  readonly _id: number
}

const count = 100

const config = { url: Redacted.make(uri), driverOptions: { monitorCommands: true } }

/** A separate client, which can be closed while it reads, and what it can read. */
const filled = Effect.gen(function*() {
  const fixture = yield* setup()
  const { db } = fixture
  const documents = Array.from({ length: count }, (_, _id) => ({ _id }))
  yield* db.collection<Item>("items").insertMany(documents)
  const log = yield* db.createCollection<Item>("log", { capped: true, size: 100_000 })
  yield* log.insertMany(documents)
  const scope = yield* Scope.make()
  yield* Effect.addFinalizer((exit) => Scope.close(scope, exit))
  const mongo = yield* Scope.provide(MongoClient.make(config), scope)
  return { ...fixture, mongo, db: mongo.db(db.name), close: Scope.close(scope, Exit.void) }
})

type Filled = Effect.Success<typeof filled>

const items = ({ db }: Filled) => db.collection<Item>("items")
const log = ({ db }: Filled) => db.collection<Item>("log")

/** Streams that are read to their end, and need more than one request. */
const streams: Record<string, (fixture: Filled) => Stream.Stream<unknown, MongoError.MongoError>> = {
  "stream": (fixture) => items(fixture).find().batchSize(10).stream,
  "batches": (fixture) => items(fixture).find().batchSize(10).batches,
  "raw": (fixture) => items(fixture).find().batchSize(10).raw,
  "aggregate": (fixture) => items(fixture).aggregate([], { batchSize: 10 }).stream,
  "runCursorCommand": ({ db }) => db.runCursorCommand({ find: "items", batchSize: 10 }, { batchSize: 10 }).stream,
  "open": (fixture) => Stream.unwrap(Effect.map(items(fixture).find().batchSize(10).open, (open) => open.stream)),
  "tailable": (fixture) => log(fixture).find().batchSize(10).tailable().stream,
  "tailable that waits": (fixture) => log(fixture).find().tailable().stream,
  "tailable that asks again": (fixture) => log(fixture).find().tailable({ awaitData: false }).stream,
  "a download": ({ db }) =>
    Stream.unwrap(Effect.map(
      GridFS.bucket(db).upload(
        "file",
        Stream.fromIterable(Array.from({ length: 10 }, () => new Uint8Array(1_000_000)))
      ),
      (file) => GridFS.bucket(db).download(file._id)
    ))
}

const isClientClosed = (reason: MongoError.MongoErrorReason) =>
  assert.deepInclude({ ...reason }, { _tag: "ClientClosedError", kind: "client" })

describe("a slow reader whose client closes in between fails:", () => {
  for (const [name, stream] of Object.entries(streams)) {
    for (const inSession of [false, true]) {
      it.live(`${name}${inSession ? ", in a session" : ""}`, () =>
        Effect.gen(function*() {
          const fixture = yield* filled
          let parts = 0
          const read = Stream.runForEachArray(stream(fixture), () => parts++ === 0 ? fixture.close : Effect.void)
          isClientClosed(yield* reasonOf(inSession ? fixture.mongo.withSession()(read) : read))
          assert.strictEqual(parts, 1)
          yield* nothingLeft(fixture)
        }))
    }
  }

  it.live("open.next, and the stream of it", () =>
    Effect.gen(function*() {
      const fixture = yield* filled
      const open = yield* items(fixture).find().batchSize(10).open
      assert.strictEqual((yield* open.next).length, 10)
      yield* fixture.close
      isClientClosed(yield* reasonOf(open.next))
      isClientClosed(yield* reasonOf(open.next))
      isClientClosed(yield* reasonOf(Stream.runCollect(open.stream)))
      isClientClosed(yield* reasonOf(items(fixture).find()))
    }))

  it.live("a change stream", () =>
    Effect.gen(function*() {
      const fixture = yield* filled
      const open = yield* items(fixture).watch().open
      const fiber = yield* Effect.forkChild(Effect.flip(Stream.runDrain(open.stream)))
      yield* Effect.sleep(50)
      yield* fixture.close
      isClientClosed((yield* Fiber.join(fiber)).reason)
      isClientClosed(yield* reasonOf(open.next))
    }))

  it.live("in a transaction, whose abort overtakes the end of its cursor", () =>
    Effect.gen(function*() {
      const fixture = yield* filled
      const port = yield* slowWay(uri, (command) => "killCursors" in command ? 200 : 0)
      const scope = yield* Scope.make()
      const url = Redacted.make(`mongodb://127.0.0.1:${port}/?directConnection=true`)
      const mongo = yield* Scope.provide(MongoClient.make({ url }), scope)
      const query = mongo.db(fixture.db.name).collection<Item>("items").find().batchSize(10)
      const slowly = Stream.runForEachArray(query.stream, () => Scope.close(scope, Exit.void))
      isClientClosed(yield* reasonOf(mongo.withTransaction(slowly)))
      yield* nothingLeft(fixture)
    }))

  it.live("if nobody has read before", () =>
    Effect.gen(function*() {
      const fixture = yield* filled
      const open = yield* items(fixture).find().batchSize(10).open
      yield* fixture.close
      isClientClosed(yield* reasonOf(open.next))
      for (const stream of Object.values(streams)) isClientClosed(yield* reasonOf(Stream.runDrain(stream(fixture))))
    }))

  it.effect("even if the clock stands still", () =>
    Effect.gen(function*() {
      const fixture = yield* filled
      const open = yield* log(fixture).find().tailable({ awaitData: false }).open
      assert.strictEqual((yield* open.next).length, count)
      const fiber = yield* Effect.forkChild(Effect.flip(Stream.runDrain(open.stream)))
      yield* fixture.close
      isClientClosed((yield* Fiber.join(fiber)).reason)
      yield* nothingLeft(fixture)
    }))

  it.live("if other code closes the driver's client", () =>
    Effect.gen(function*() {
      const fixture = yield* filled
      const driver = yield* Effect.promise(() => Driver.MongoClient.connect(uri))
      const mongo = yield* MongoClient.fromClient(driver)
      const query = mongo.db(fixture.db.name).collection<Item>("items").find().batchSize(10)
      const open = yield* query.open
      yield* open.next
      const stream = Stream.runForEachArray(query.stream, () => Effect.promise(() => driver.close()))
      isClientClosed(yield* reasonOf(stream))
      isClientClosed(yield* reasonOf(open.next))
    }))

  it.live("unless it has already got everything", () =>
    Effect.gen(function*() {
      const fixture = yield* filled
      const open = yield* items(fixture).find().batchSize(60).open
      assert.strictEqual((yield* open.next).length, 60)
      assert.strictEqual((yield* open.next).length, 40)
      yield* fixture.close
      assert.deepStrictEqual(yield* open.next, [])
    }))
})

describe("a session whose scope closes", () => {
  it.live("makes its readers fail, and leaves no cursor", () =>
    Effect.gen(function*() {
      const fixture = yield* filled
      const scope = yield* Scope.make()
      const session = yield* Scope.provide(fixture.mongo.session(), scope)
      const reader = yield* Scope.make()
      const open = yield* session.use(Scope.provide(items(fixture).find().batchSize(10).open, reader))
      assert.strictEqual((yield* open.next).length, 10)
      yield* Scope.close(scope, Exit.void)
      for (const next of [open.next, open.next]) {
        assert.deepInclude({ ...yield* reasonOf(next) }, { _tag: "ClientClosedError", kind: "session" })
      }
      yield* Scope.close(reader, Exit.void)
      yield* nothingLeft(fixture)
    }))
})

describe("a client that closes", () => {
  const slowly = (milliseconds: number, ...failCommands: ReadonlyArray<string>) => ({
    failCommands,
    blockConnection: true,
    blockTimeMS: milliseconds,
    appName: "closing"
  })

  it.live("starts no more queries", () =>
    Effect.gen(function*() {
      const fixture = yield* filled
      const scope = yield* Scope.make()
      const mongo = yield* Scope.provide(MongoClient.make({ ...config, appName: "closing" }), scope)
      const collection = mongo.db(fixture.db.name).collection<Item>("items")
      yield* failCommand(fixture, "alwaysOn", slowly(500, "find", "killSessions"))
      const sent: Array<string> = []
      yield* mongo.use(async (driver) => {
        driver.on("commandStarted", ({ commandName }) => sent.push(commandName))
      })
      const first = yield* Effect.forkChild(Effect.flip(Stream.runDrain(collection.find().stream)))
      yield* until("it is sent", () => sent.includes("find"))
      const closing = yield* Effect.forkChild(Scope.close(scope, Exit.void))
      yield* until("its session is killed", () => sent.includes("killSessions"))
      isClientClosed(yield* reasonOf(collection.find()))
      yield* Fiber.join(closing)
      isClientClosed((yield* Fiber.join(first)).reason)
      assert.deepStrictEqual(sent.filter((name) => name === "find"), ["find"])
    }))

  it.live("starts no more transactions, in an open session or another one", () =>
    Effect.gen(function*() {
      const fixture = yield* filled
      const scope = yield* Scope.make()
      const mongo = yield* Scope.provide(MongoClient.make({ ...config, appName: "closing" }), scope)
      const collection = mongo.db(fixture.db.name).collection<Item>("items")
      const [busy, idle] = yield* Effect.all([mongo.session(), mongo.session()])
      yield* busy.startTransaction()
      yield* busy.use(collection.insertOne({ _id: 1000 }))
      yield* idle.use(collection.findOne({}))
      yield* failCommand(fixture, "alwaysOn", slowly(500, "abortTransaction"))
      const sent: Array<string> = []
      yield* mongo.use(async (driver) => {
        driver.on("commandStarted", ({ commandName }) => sent.push(commandName))
      })
      const closing = yield* Effect.forkChild(Scope.close(scope, Exit.void))
      yield* until("the transaction that is open is aborted", () => sent.includes("abortTransaction"))
      const insertion = collection.insertOne({ _id: 1001 })
      for (
        const begun of [
          idle.startTransaction(),
          idle.use(insertion),
          idle.withTransaction(insertion),
          mongo.withTransaction(insertion),
          mongo.withSession()(insertion),
          Effect.scoped(mongo.session())
        ]
      ) {
        const reason = yield* reasonOf<unknown, never>(begun)
        isClientClosed(reason)
        assert.strictEqual(reason._tag === "ClientClosedError" ? reason.kind : "", "client")
      }
      yield* Fiber.join(closing)
      assert.notInclude(sent, "insert")
      yield* nothingLeft(fixture)
    }))

  for (const inSession of [false, true]) {
    it.live(`ends queries whose first replies have not come${inSession ? ", in sessions of their own" : ""}`, () =>
      Effect.gen(function*() {
        const fixture = yield* setup()
        yield* fixture.db.collection<Item>("items").insertMany(Array.from({ length: count }, (_, _id) => ({ _id })))
        const scope = yield* Scope.make()
        const mongo = yield* Scope.provide(MongoClient.make({ ...config, appName: "closing" }), scope)
        const found = mongo.db(fixture.db.name).collection<Item>("items").find().batchSize(5)
        // Longer than the client waits for a reader.
        yield* failCommand(fixture, "alwaysOn", slowly(1500, "find"))
        let sent = 0
        yield* mongo.use(async (driver) => {
          driver.on("commandStarted", ({ commandName }) => sent += commandName === "find" ? 1 : 0)
        })
        const reads = [found as Effect.Effect<unknown, MongoError.MongoError>, Stream.runDrain(found.stream)]
        const fibers = yield* Effect.forEach(
          Array.from({ length: 20 }, (_, i) => reads[i % 2]!),
          (read) => Effect.forkChild(Effect.flip(inSession ? mongo.withSession()(read) : read))
        )
        yield* until("all are sent", () => sent === 20)
        yield* Scope.close(scope, Exit.void)
        for (const fiber of fibers) isClientClosed((yield* Fiber.join(fiber)).reason)
        yield* nothingLeft(fixture)
      }))
  }
})

describe("after a batch that failed,", () => {
  const failing = Effect.gen(function*() {
    const fixture = yield* setup()
    const collection = fixture.db.collection<Item>("items")
    yield* collection.insertMany(Array.from({ length: count }, (_, _id) => ({ _id })))
    yield* failCommand(fixture, { times: 1 }, { failCommands: ["getMore"], errorCode: 91 })
    return { ...fixture, query: collection.find().batchSize(10) }
  })

  it.live("open.next and its stream keep failing with that failure", () =>
    Effect.gen(function*() {
      const { query } = yield* failing
      const open = yield* query.open
      assert.strictEqual((yield* open.next).length, 10)
      for (const next of [open.next, open.next, Stream.runCollect(open.stream)]) {
        assert.strictEqual((yield* reasonOf<unknown, never>(next)).code, 91)
      }
      const retried = Stream.runCollect(Stream.retry(open.stream, Schedule.recurs(3)))
      assert.strictEqual((yield* reasonOf(retried)).code, 91)
    }))

  it.live("a stream that runs again reads everything from the start", () =>
    Effect.gen(function*() {
      const { query } = yield* failing
      const ids = Array.from({ length: count }, (_, _id) => _id)
      const all = yield* Stream.runCollect(Stream.retry(query.stream, Schedule.recurs(3)))
      assert.deepStrictEqual(all.map(({ _id }) => _id), [...ids.slice(0, 10), ...ids])
    }))

  it.live("an array that runs again is complete", () =>
    Effect.gen(function*() {
      const { query } = yield* failing
      assert.strictEqual((yield* Effect.retry(query, Schedule.recurs(3))).length, count)
    }))
})

describe("an open change stream", () => {
  it.live("gives the batch that comes after an interruption to the next call", () =>
    Effect.gen(function*() {
      const fixture = yield* filled
      const open = yield* items(fixture).watch().open
      // Interrupted while the server holds the request, which the event then answers.
      assert.isTrue(Option.isNone(yield* Effect.timeoutOption(open.next, "100 millis")))
      yield* items(fixture).insertOne({ _id: 1000 })
      yield* Effect.sleep(200)
      yield* items(fixture).insertOne({ _id: 1001 })
      const events = yield* Stream.runCollect(Stream.take(open.stream, 2))
      assert.deepStrictEqual(events.map((event) => (event as Driver.Document)["documentKey"]["_id"]), [1000, 1001])
    }))
})

describe("an open query", () => {
  it.live("gives the batch that comes after an interruption to the next call", () =>
    Effect.gen(function*() {
      const fixture = yield* filled
      yield* failCommand(fixture, { times: 1 }, {
        failCommands: ["getMore"],
        blockConnection: true,
        blockTimeMS: 200,
        appName: "taken"
      })
      const mongo = yield* MongoClient.make({ ...config, appName: "taken" })
      const open = yield* mongo.db(fixture.db.name).collection<Item>("items").find().batchSize(40).open
      assert.strictEqual((yield* open.next).length, 40)
      assert.isTrue(Option.isNone(yield* Effect.timeoutOption(open.next, "20 millis")))
      assert.deepStrictEqual((yield* open.next).map(({ _id }) => _id), Array.from({ length: 40 }, (_, i) => i + 40))
      assert.strictEqual((yield* open.next).length, 20)
      assert.deepStrictEqual(yield* open.next, [])
    }))

  it.live("gives each batch to one of several concurrent calls", () =>
    Effect.gen(function*() {
      const fixture = yield* filled
      const open = yield* items(fixture).find().batchSize(10).open
      const batches = yield* Effect.all(Array.from({ length: 12 }, () => open.next), { concurrency: "unbounded" })
      const ids = batches.flat().map(({ _id }) => _id)
      assert.deepStrictEqual([...ids].sort((a, b) => a - b), Array.from({ length: count }, (_, i) => i))
    }))

  it.live("fails after its scope has closed", () =>
    Effect.gen(function*() {
      const fixture = yield* filled
      const open = yield* Effect.scoped(items(fixture).find().batchSize(10).open)
      assert.deepInclude({ ...yield* reasonOf(open.next) }, { _tag: "CursorError", kind: "killed" })
    }))
})
