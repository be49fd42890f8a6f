import { assert, describe, it } from "@effect/vitest"
import { Mongo, MongoClient } from "@mongofx/core"
import { Deferred, Effect, Exit, Fiber, Option, Redacted, Scope, Stream } from "effect"
import type * as Driver from "mongodb"
import {
  failCommand,
  type Fixture,
  interrupt,
  leftOnServer,
  nothingLeft,
  reasonOf,
  setup,
  timed,
  until,
  uri
} from "../support/utils.ts"
import { breakableWay, lossyWay, slowWay } from "../support/wire.ts"

interface Item {
  readonly _id: number
}

/** What a test needs of the driver's topology, to make it believe that a server is gone. */
interface Topology {
  readonly s: { readonly servers: ReadonlyMap<string, { readonly description: { readonly address: string } }> }
  readonly serverUpdateHandler: (description: object) => void
}

const filled = (maxPoolSize: number) =>
  Effect.gen(function*() {
    const fixture = yield* setup({ maxPoolSize })
    const collection = fixture.db.collection<Item>("items")
    yield* collection.insertMany(Array.from({ length: 50 }, (_, _id) => ({ _id })))
    return { ...fixture, collection, maxPoolSize }
  })

type Filled = Effect.Success<ReturnType<typeof filled>>

/** Far longer than any test waits: if it ends earlier, the interruption has ended it. */
const slow = { $where: "sleep(20000) || true" }

/** A function in an expression notices only between two documents that it should end. */
const slowExpression = {
  $expr: { $function: { body: "function() { sleep(200); return true }", args: [], lang: "js" } }
}

const slowStage = { $match: slowExpression }

/** Matches nothing, after a while. */
const slowToEnd = { $where: "this._id == 0 && sleep(600)" }

/** The first batch of five comes at once, the second does not come. */
const slowLater = { $where: `this._id < 5 || ${slow.$where}` }

/** Waits until the server works on something for the test. */
const running = (fixture: Fixture) =>
  until(
    "the operation runs on the server",
    () => Effect.runPromise(Effect.map(leftOnServer(fixture), (left) => left.length > 0))
  )

/** Asserts that every connection of the pool gives the answer to its own request. */
const poolIsClean = ({ collection, maxPoolSize }: Filled) =>
  Effect.gen(function*() {
    const ids = Array.from({ length: maxPoolSize * 3 }, (_, id) => id)
    const found = yield* Effect.forEach(ids, (_id) => collection.findOne({ _id }), { concurrency: "unbounded" })
    assert.deepStrictEqual(found, ids.map((_id) => Option.some({ _id })))
  })

/** Starts an effect, interrupts it while the server works on it, and looks at what is left. */
const interrupted = (fixture: Filled, effect: Effect.Effect<unknown, unknown>) =>
  Effect.gen(function*() {
    const fiber = yield* Effect.forkChild(effect)
    yield* running(fixture)
    assert.isUndefined(fiber.pollUnsafe())
    const elapsed = yield* interrupt(fiber)
    assert.isTrue(Exit.hasInterrupts(fiber.pollUnsafe()!))
    assert.isBelow(elapsed, 1000)
    yield* nothingLeft(fixture)
    yield* poolIsClean(fixture)
  })

const reads: Record<string, (fixture: Filled) => Effect.Effect<unknown, unknown>> = {
  "find": ({ collection }) => collection.find(slow),
  "a stream of find": ({ collection }) => Stream.runDrain(collection.find(slow).stream),
  "raw": ({ collection }) => Stream.runDrain(collection.find(slow).raw),
  "first": ({ collection }) => collection.find(slow).first,
  "one": ({ collection }) => collection.find(slow).one,
  "find with a batch of one, in an array": ({ collection }) => collection.find(slow).batchSize(1),
  "aggregate": ({ collection }) => collection.aggregate([slowStage]),
  "a stream of aggregate": ({ collection }) => Stream.runDrain(collection.aggregate([slowStage]).stream),
  "aggregate of the database": ({ db }) => db.aggregate([{ $documents: [{}] }, slowStage]),
  "findOne": ({ collection }) => collection.findOne(slow),
  "countDocuments": ({ collection }) => collection.countDocuments(slowExpression),
  "distinct": ({ collection }) => collection.distinct("_id", slow),
  "command": ({ db }) => db.command({ find: "items", filter: slow }),
  "use": ({ db, mongo }) =>
    mongo.use((driver, signal) => driver.db(db.name).collection("items").find(slow, { signal }).toArray())
}

/** Once these have begun, the server finishes them, although nobody waits for the answer any more. */
const unstoppable: Record<string, (fixture: Filled) => Effect.Effect<unknown, unknown>> = {
  "explain": ({ collection }) => collection.find(slowToEnd).explain("executionStats"),
  "updateOne": ({ collection }) => collection.updateOne(slowToEnd, { $set: { a: 1 } }),
  "deleteMany": ({ collection }) => collection.deleteMany(slowToEnd),
  "findOneAndUpdate": ({ collection }) => collection.findOneAndUpdate(slowToEnd, { $set: { a: 1 } }),
  "bulkWrite": ({ collection }) => collection.bulkWrite([{ deleteOne: { filter: slowToEnd } }])
}

/** Each waits for a document that a transaction has. */
const held: Record<string, (fixture: Filled) => Effect.Effect<unknown, unknown>> = {
  "updateOne": ({ collection }) => collection.updateOne({ _id: 1 }, { $set: { n: 1 } }),
  "findOneAndUpdate": ({ collection }) => collection.findOneAndUpdate({ _id: 1 }, { $set: { n: 1 } }),
  "deleteOne": ({ collection }) => collection.deleteOne({ _id: 1 }),
  "bulkWrite": ({ collection }) =>
    collection.bulkWrite([
      { deleteOne: { filter: { _id: 2 } } },
      { updateOne: { filter: { _id: 1 }, update: { $set: { n: 1 } } } }
    ]),
  "bulkWrite of the client": ({ db, mongo }) =>
    mongo.bulkWrite([
      { name: "updateOne", namespace: `${db.name}.items`, filter: { _id: 1 }, update: { $set: { n: 1 } } }
    ])
}

describe("a write that the server goes on with: the next one of the client does not wait for it after", () => {
  for (const [name, write] of Object.entries(held)) {
    it.live(name, () =>
      Effect.gen(function*() {
        const fixture = yield* filled(2)
        const session = yield* Effect.acquireRelease(
          Effect.sync(() => fixture.admin.startSession()),
          (session) => Effect.promise(() => session.endSession())
        )
        const items = fixture.admin.db(fixture.db.name).collection<Item>("items")
        session.startTransaction()
        yield* Effect.promise(() => items.updateOne({ _id: 1 }, { $set: { held: true } }, { session }))
        const fiber = yield* Effect.forkChild(write(fixture))
        yield* running(fixture)
        yield* interrupt(fiber)
        // The server still works on the first one.
        assert.isAbove((yield* leftOnServer(fixture)).length, 0)
        const next = yield* fixture.collection.updateOne({ _id: 3 }, { $set: { n: 1 } }).pipe(
          Effect.timeoutOption("10 seconds")
        )
        assert.isTrue(Option.isSome(next))
      }).pipe(Effect.scoped))
  }
})

describe.each([1, 5])("interrupted while the first reply is awaited, pool of %i:", (maxPoolSize) => {
  for (const [name, read] of Object.entries(reads)) {
    it.live(name, () =>
      Effect.gen(function*() {
        const fixture = yield* filled(maxPoolSize)
        yield* interrupted(fixture, read(fixture))
      }))
  }

  it.live("reads of metadata", () =>
    Effect.gen(function*() {
      const fixture = yield* filled(maxPoolSize)
      const { collection, db } = fixture
      const failCommands = ["listIndexes", "listCollections"]
      yield* failCommand(fixture, "alwaysOn", { failCommands, blockConnection: true, blockTimeMS: 10_000 })
      for (const effect of [collection.listIndexes(), db.listCollectionNames()]) {
        const already = fixture.sent().length
        const fiber = yield* Effect.forkChild(effect as Effect.Effect<unknown, unknown>)
        yield* until("the command is sent", () => fixture.sent().length > already)
        yield* running(fixture)
        assert.isBelow(yield* interrupt(fiber), 1000)
        yield* nothingLeft(fixture)
        yield* poolIsClean(fixture)
      }
    }))

  it.live("writes: the fiber and the pool go on at once", () =>
    Effect.gen(function*() {
      const fixture = yield* filled(maxPoolSize)
      for (const [name, write] of Object.entries(unstoppable)) {
        const fiber = yield* Effect.forkChild(write(fixture))
        yield* running(fixture)
        assert.isUndefined(fiber.pollUnsafe(), name)
        assert.isBelow(yield* interrupt(fiber), 500, name)
        yield* poolIsClean(fixture)
        yield* nothingLeft(fixture)
      }
    }))
})

describe("interrupted while its command is on the way to the server,", () => {
  /** A client whose commands are on the way for the milliseconds that `delay` says. */
  const late = (delay: (command: Driver.Document) => number) =>
    Effect.gen(function*() {
      const fixture = yield* filled(5)
      const arrived: Array<string> = []
      const port = yield* slowWay(uri, (command) => {
        const milliseconds = delay(command)
        setTimeout(() => arrived.push(Object.keys(command)[0]!), milliseconds)
        return milliseconds
      })
      const mongo = yield* MongoClient.make({
        url: Redacted.make(`mongodb://127.0.0.1:${port}/?directConnection=true`),
        driverOptions: { monitorCommands: true }
      })
      const sent: Array<string> = []
      let closed = 0
      yield* mongo.use(async (driver) => {
        driver.on("commandStarted", (event) => sent.push(event.commandName)).on("connectionClosed", () => closed++)
      })
      const count = (name: string, names: ReadonlyArray<string> = sent) => names.filter((each) => each === name).length
      const items = mongo.db(fixture.db.name).collection<Item>("items")
      /** Interrupts an effect that has sent its first command, and checks what is left after the command has arrived. */
      const interruptOnTheWay = (read: Effect.Effect<unknown, unknown>) =>
        Effect.gen(function*() {
          const already = count("find")
          const before = count("find", arrived)
          const fiber = yield* Effect.forkChild(read)
          yield* until("find is sent", () => count("find") > already)
          assert.isBelow(yield* interrupt(fiber), 1300)
          yield* until("find has arrived", () => count("find", arrived) > before)
          // It has opened its cursor by now, if it will.
          yield* fixture.collection.countDocuments()
          yield* nothingLeft(fixture)
        })
      return { mongo, items, count, closed: () => closed, interruptOnTheWay }
    })

  for (const milliseconds of [100, 1200]) {
    it.live(`for ${milliseconds} ms: it leaves no cursor although the server reads the end of its session first`, () =>
      Effect.gen(function*() {
        const { closed, interruptOnTheWay, items } = yield* late(({ find }) => find === "items" ? milliseconds : 0)
        const find = items.find().batchSize(5)
        yield* interruptOnTheWay(find as Effect.Effect<unknown, unknown>)
        yield* interruptOnTheWay(Stream.runDrain(find.stream))
        yield* interruptOnTheWay(Effect.scoped(find.open))
        assert.strictEqual(closed(), 0, "no connection was given up")
      }))
  }

  it.live("as the first command of a transaction: it leaves neither a cursor nor a transaction", () =>
    Effect.gen(function*() {
      const { interruptOnTheWay, items, mongo } = yield* late(({ find }) => find === "items" ? 100 : 0)
      const find = items.find().batchSize(5)
      yield* interruptOnTheWay(mongo.withTransaction(find))
      yield* interruptOnTheWay(mongo.withTransaction(Stream.runDrain(find.stream)))
      yield* interruptOnTheWay(mongo.withTransaction(Effect.scoped(find.open)))
      const session = yield* mongo.session()
      yield* session.startTransaction()
      yield* interruptOnTheWay(session.use(find))
      yield* session.abortTransaction
      yield* session.startTransaction()
      assert.strictEqual((yield* session.use(find)).length, 50)
      yield* session.commitTransaction
    }))

  it.live("an array is not read further", () =>
    Effect.gen(function*() {
      const { count, interruptOnTheWay, items, mongo } = yield* late(({ find }) => find === "items" ? 100 : 0)
      const find = items.find().batchSize(2)
      yield* interruptOnTheWay(find as Effect.Effect<unknown, unknown>)
      yield* interruptOnTheWay(mongo.withSession()(find))
      yield* Effect.sleep(100)
      assert.strictEqual(count("getMore"), 0)
    }))

  it.live("at any moment, in a transaction or not, it leaves nothing", () =>
    Effect.gen(function*() {
      const fixture = yield* filled(10)
      const { collection, driver, mongo } = fixture
      yield* collection.insertMany(Array.from({ length: 2000 }, (_, i) => ({ _id: 100 + i, pad: "x".repeat(1000) })))
      const find = collection.find().batchSize(500)
      const reads = [
        find as Effect.Effect<unknown, unknown>,
        Stream.runDrain(find.stream),
        mongo.withTransaction(find),
        mongo.withTransaction(Stream.runDrain(find.stream))
      ]
      const seed = Date.now()
      for (let i = 0; i < 120; i++) {
        // The reply comes within a millisecond or two, which a timer cannot hit.
        const milliseconds = (seed * (i + 1) * 7919) % 997 / 997 * 3
        const reached = new Promise<void>((resolve) => {
          const onStarted = ({ commandName }: Driver.CommandStartedEvent) => {
            if (commandName !== "find") return
            driver.off("commandStarted", onStarted)
            const moment = performance.now() + milliseconds
            const tick = () => performance.now() > moment ? resolve() : setImmediate(tick)
            tick()
          }
          driver.on("commandStarted", onStarted)
        })
        const fiber = yield* Effect.forkChild(Effect.exit(reads[i % reads.length]!))
        yield* Effect.promise(() => reached)
        yield* interrupt(fiber)
      }
      yield* Effect.onError(nothingLeft(fixture), () => Effect.logError(`seed ${seed}`))
    }))

  it.live("a session whose end may still reach the server is not used again", () =>
    Effect.gen(function*() {
      const fixture = yield* filled(5)
      const { collection, commands } = fixture
      yield* failCommand(fixture, "alwaysOn", { failCommands: ["killSessions"], closeConnection: true })
      const fiber = yield* Effect.forkChild(collection.find(slowToEnd))
      yield* running(fixture)
      assert.isBelow(yield* interrupt(fiber), 1300)
      yield* nothingLeft(fixture)
      const killed = commands.find(({ commandName }) => commandName === "killSessions")!.command["killSessions"][0]
      assert.deepStrictEqual(fixture.last("find")["lsid"], killed)
      const already = commands.length
      // Each repetition of killSessions breaks a connection, which clears the pool under these queries.
      const find = (_id: number) => Effect.retry(collection.find({ _id }), { times: 20 })
      yield* Effect.forEach([1, 2, 3], find, { concurrency: "unbounded" })
      for (const { command } of commands.slice(already)) assert.notDeepEqual(command["lsid"], killed)
    }))

  it.live("a session whose end is answered after its query is not used again", () =>
    Effect.gen(function*() {
      const { closed, items, mongo } = yield* late((command) =>
        "killSessions" in command ? 5000 : command["find"] === "items" ? 50 : 0
      )
      const sessions: Array<unknown> = []
      const finds = yield* mongo.use(async (driver) => {
        driver.on("commandStarted", ({ command, commandName }) => {
          if (commandName === "find") sessions.push(command["lsid"].id.toString("hex"))
        })
        return () => sessions.length
      })
      const fiber = yield* Effect.forkChild(items.find().sort({ _id: 1 }))
      yield* until("find is sent", () => finds() === 1)
      assert.isBelow(yield* interrupt(fiber), 1300)
      yield* Effect.forEach([1, 2, 3], (_id) => items.find({ _id }), { concurrency: "unbounded" })
      assert.strictEqual(finds(), 4)
      assert.notInclude(sessions.slice(1), sessions[0])
      assert.isAtMost(closed(), 1)
    }))
})

describe("a query whose first reply got lost, and which the driver has sent twice,", () => {
  it.live.each(["by itself", "in a session", "and whose end gets lost as well", "in vain"])(
    "leaves no cursor: %s",
    (form) =>
      Effect.gen(function*() {
        const fixture = yield* filled(5)
        if (form === "and whose end gets lost as well") {
          yield* failCommand(fixture, { times: 1 }, { failCommands: ["killSessions"], closeConnection: true })
        }
        let finds = 0
        const port = yield* lossyWay(uri, ({ find }) => find === "items" && finds++ < (form === "in vain" ? 2 : 1))
        const url = Redacted.make(`mongodb://127.0.0.1:${port}/?directConnection=true`)
        const mongo = yield* MongoClient.make({ url, appName: fixture.db.name })
        const query = mongo.db(fixture.db.name).collection<Item>("items").find().sort({ _id: 1 }).batchSize(5)
        const first = Stream.runCollect(Stream.take(query.stream, 1))
        if (form === "in vain") assert.strictEqual((yield* reasonOf(first))._tag, "ConnectionError")
        else assert.deepStrictEqual(yield* form === "in a session" ? mongo.withSession()(first) : first, [{ _id: 0 }])
        assert.strictEqual(finds, 2)
        yield* nothingLeft(fixture)
      })
  )
})

describe("a cursor leaves nothing when its connection breaks in the moment in which it is closed", () => {
  const moments: Record<
    string,
    Effect.Effect<{ readonly port: number; readonly breakNow: () => void }, never, Scope.Scope>
  > = {
    // The driver's write fails before it knows of the break.
    "as the command is written": Effect.map(breakableWay(uri), ({ breakAll, port }) => ({ port, breakNow: breakAll })),
    "before the server has the command": Effect.map(
      Effect.suspend(() => {
        let kills = 0
        return lossyWay(uri, (command) => "killCursors" in command && kills++ === 0, "command")
      }),
      (port) => ({ port, breakNow: () => undefined })
    )
  }
  for (const [moment, way] of Object.entries(moments)) {
    it.live.each(["by itself", "in a session", "in a session that goes on in a transaction"])(
      `${moment}: %s`,
      (form) =>
        Effect.gen(function*() {
          const fixture = yield* filled(5)
          const { breakNow, port } = yield* way
          const url = Redacted.make(`mongodb://127.0.0.1:${port}/?directConnection=true`)
          const mongo = yield* MongoClient.make({ url, appName: fixture.db.name })
          const items = mongo.db(fixture.db.name).collection<Item>("items")
          const session = form === "by itself" ? undefined : yield* mongo.session()
          const use = <A, E, R>(effect: Effect.Effect<A, E, R>) => session === undefined ? effect : session.use(effect)
          const scope = yield* Scope.make()
          const open = yield* use(Scope.provide(items.find().batchSize(5).open, scope))
          assert.strictEqual((yield* open.next).length, 5)
          assert.strictEqual((yield* leftOnServer(fixture)).length, 1)
          const isTransaction = form === "in a session that goes on in a transaction"
          if (isTransaction) yield* session!.startTransaction()
          yield* Effect.andThen(Effect.sync(breakNow), Scope.close(scope, Exit.void))
          // The session is still there: its end would have killed what is left.
          yield* nothingLeft(fixture)
          if (isTransaction) {
            yield* session!.use(items.insertOne({ _id: 100 }))
            yield* session!.commitTransaction
            assert.strictEqual(yield* fixture.collection.countDocuments({ _id: 100 }), 1)
          } else assert.deepStrictEqual(yield* use(items.findOne({ _id: 0 })), Option.some({ _id: 0 }))
        })
    )
  }
})

describe("a transaction leaves nothing when its connection breaks in the moment in which it is aborted", () => {
  it.live.each([
    "as the command is written",
    "before the server has the command",
    "before the server has the command, twice"
  ])(
    "%s",
    (moment) =>
      Effect.gen(function*() {
        const fixture = yield* filled(5)
        let aborts = 0
        const times = moment.endsWith("twice") ? 2 : 1
        const { breakNow, port } = moment === "as the command is written"
          ? yield* Effect.map(breakableWay(uri), ({ breakAll, port }) => ({ port, breakNow: breakAll }))
          : {
            port: yield* lossyWay(uri, (command) => "abortTransaction" in command && aborts++ < times, "command"),
            breakNow: () => undefined
          }
        const url = Redacted.make(`mongodb://127.0.0.1:${port}/?directConnection=true`)
        const mongo = yield* MongoClient.make({ url, appName: fixture.db.name })
        const items = mongo.db(fixture.db.name).collection<Item>("items")
        const body = Effect.andThen(
          items.updateOne({ _id: 0 }, { $set: { n: 1 } }),
          Effect.andThen(Effect.sync(breakNow), Effect.fail("no"))
        )
        assert.strictEqual(yield* Effect.flip(mongo.withTransaction()(body)), "no")
        // It would wait for the transaction.
        const { modifiedCount } = yield* fixture.collection.updateOne({ _id: 0 }, { $set: { n: 2 } }, {
          maxTimeMS: 3000
        })
        assert.strictEqual(modifiedCount, 1)
        yield* nothingLeft(fixture)
      })
  )
})

it.live("a transaction whose abort gets lost twice, and late, leaves nothing: its session ends without it", () =>
  Effect.gen(function*() {
    const fixture = yield* filled(5)
    const { collection, mongo } = fixture
    yield* failCommand(fixture, { times: 2 }, {
      failCommands: ["abortTransaction"],
      blockConnection: true,
      blockTimeMS: 1500,
      closeConnection: true
    })
    const body = Effect.andThen(collection.updateOne({ _id: 0 }, { $set: { n: 1 } }), Effect.fail("no"))
    assert.strictEqual(yield* Effect.flip(mongo.withTransaction()(body)), "no")
    // It would wait for the transaction.
    const { modifiedCount } = yield* collection.updateOne({ _id: 0 }, { $set: { n: 2 } }, { maxTimeMS: 10_000 })
    assert.strictEqual(modifiedCount, 1)
    yield* nothingLeft(fixture)
  }))

describe("a query whose server is gone when a batch fails leaves no cursor, even before its first documents", () => {
  it.live.each(["array", "stream", "tailable stream"])("%s", (form) =>
    Effect.gen(function*() {
      const fixture = yield* setup({ driverOptions: { heartbeatFrequencyMS: 500 } })
      const { db, driver } = fixture
      // As with a server that is newly no primary: the driver takes it for unknown, and keeps its connections.
      driver.on("commandFailed", ({ commandName }) => {
        if (commandName !== "getMore") return
        const { topology } = driver as unknown as { readonly topology: Topology }
        for (const { description } of topology.s.servers.values()) {
          const Description = description.constructor as new(address: string) => object
          topology.serverUpdateHandler(new Description(description.address))
        }
      })
      const collection = db.collection<Item>("capped")
      yield* db.createCollection("capped", { capped: true, size: 100_000 })
      yield* collection.insertMany(Array.from({ length: 50 }, (_, _id) => ({ _id: _id + 10 })))
      const tailable = form === "tailable stream"
      const query = collection.find(tailable ? { _id: 2 } : {}).batchSize(
        tailable ? 5 : 0
      )
      yield* failCommand(fixture, { times: 1 }, { failCommands: ["getMore"], errorCode: 10_107 })
      const run = form === "array" ? query : Stream.runCollect((tailable ? query.tailable() : query).stream)
      assert.strictEqual((yield* reasonOf(run))._tag, "NotPrimaryError")
      yield* nothingLeft(fixture)
    }))
})

it.live("a query whose connection breaks as its first command is written has its session killed: the server may have got it", () =>
  Effect.gen(function*() {
    const fixture = yield* filled(5)
    const { breakAll, port } = yield* breakableWay(uri)
    const url = Redacted.make(`mongodb://127.0.0.1:${port}/?directConnection=true`)
    const mongo = yield* MongoClient.make({ url, appName: fixture.db.name, driverOptions: { monitorCommands: true } })
    const sent: Array<Driver.CommandStartedEvent> = []
    yield* mongo.use(async (driver) => driver.on("commandStarted", (event) => sent.push(event)))
    const items = mongo.db(fixture.db.name).collection<Item>("items")
    assert.isTrue(Option.isSome(yield* items.findOne({ _id: 0 })))
    sent.length = 0
    const reason = yield* Effect.andThen(Effect.sync(breakAll), reasonOf(items.find().batchSize(5)))
    assert.strictEqual(reason._tag, "ConnectionError")
    const session = JSON.stringify([sent[0]!.command["lsid"]])
    yield* until(
      "its session is killed",
      () => sent.some(({ command }) => JSON.stringify(command["killSessions"]) === session)
    )
  }))

describe("interrupted runCursorCommand, which the driver cannot abort:", () => {
  const command = { find: "items", filter: slow }

  it.live("its cursor and its operation end on the server", () =>
    Effect.gen(function*() {
      const fixture = yield* filled(5)
      yield* interrupted(fixture, fixture.db.runCursorCommand(command))
      yield* interrupted(fixture, Stream.runDrain(fixture.db.runCursorCommand(command).stream))
    }))

  it.live("with the only connection of the pool, the fiber goes on after a second", () =>
    Effect.gen(function*() {
      const fixture = yield* filled(1)
      const fiber = yield* Effect.forkChild(
        fixture.db.runCursorCommand({ find: "items", filter: { $where: "this._id == 0 && sleep(1500)" } })
      )
      yield* running(fixture)
      assert.isBelow(yield* interrupt(fiber), 1300)
      yield* nothingLeft(fixture)
      yield* poolIsClean(fixture)
    }))
})

describe("interrupted later:", () => {
  const later: Record<string, (fixture: Filled) => Effect.Effect<unknown, unknown>> = {
    "a stream during getMore": ({ collection }) => Stream.runDrain(collection.find(slowLater).batchSize(5).stream),
    "an array during getMore": ({ collection }) => collection.find(slowLater).batchSize(5),
    "runCursorCommand during getMore": ({ db }) =>
      Stream.runDrain(db.runCursorCommand({ find: "items", filter: slowLater, batchSize: 5 }, { batchSize: 5 }).stream)
  }
  for (const [name, read] of Object.entries(later)) {
    it.live(name, () =>
      Effect.gen(function*() {
        const fixture = yield* filled(5)
        const fiber = yield* Effect.forkChild(read(fixture))
        yield* until("getMore is sent", () => fixture.sent().includes("getMore"))
        yield* running(fixture)
        assert.isBelow(yield* interrupt(fiber), 1000)
        yield* nothingLeft(fixture)
        yield* poolIsClean(fixture)
      }))
  }

  it.live("a stream in a session, before its first reply, is awaited once", () =>
    Effect.gen(function*() {
      const fixture = yield* filled(5)
      const { collection, mongo } = fixture
      const filter = { $where: "this._id > 0 || sleep(3000) || true" }
      const fiber = yield* Effect.forkChild(mongo.withSession()(Stream.runDrain(collection.find(filter).stream)))
      yield* running(fixture)
      assert.isBelow(yield* interrupt(fiber), 1500)
      yield* nothingLeft(fixture)
    }))

  it.live("the first command of a transaction ends on the server", () =>
    Effect.gen(function*() {
      const fixture = yield* filled(5)
      const { collection, mongo } = fixture
      yield* interrupted(fixture, mongo.withTransaction(collection.find(slow)))
      yield* interrupted(fixture, mongo.withTransaction(Stream.runDrain(collection.find(slow).stream)))
    }))

  it.live("a stream between two pulls", () =>
    Effect.gen(function*() {
      const fixture = yield* filled(1)
      const reached = yield* Deferred.make<void>()
      const fiber = yield* fixture.collection.find().batchSize(5).stream.pipe(
        Stream.runForEach(() => Effect.andThen(Deferred.succeed(reached, undefined), Effect.never)),
        Effect.forkChild
      )
      yield* Deferred.await(reached)
      assert.strictEqual((yield* leftOnServer(fixture)).length, 1)
      assert.isBelow(yield* interrupt(fiber), 1000)
      yield* nothingLeft(fixture)
      assert.deepStrictEqual(fixture.sent().slice(1), ["find", "killCursors"])
      yield* poolIsClean(fixture)
    }))

  it.live("a stream during getMore when its only connection is taken: the fiber does not wait for it", () =>
    Effect.gen(function*() {
      const fixture = yield* filled(1)
      const filter = { $where: "this._id < 5 || sleep(100) || true" }
      const fiber = yield* Effect.forkChild(Stream.runDrain(fixture.collection.find(filter).batchSize(20).stream))
      yield* until("getMore is sent", () => fixture.sent().includes("getMore"))
      yield* running(fixture)
      assert.isBelow(yield* interrupt(fiber), 1500)
      yield* nothingLeft(fixture)
      yield* poolIsClean(fixture)
    }))
})

describe("streams that end early close their cursor", () => {
  const ends: Record<string, (fixture: Filled) => Effect.Effect<unknown, unknown>> = {
    take: ({ collection }) => Stream.runCollect(Stream.take(collection.find().batchSize(5).stream, 3)),
    takeLater: ({ collection }) => Stream.runCollect(Stream.take(collection.find().batchSize(5).stream, 12)),
    takeAggregate: ({ collection }) =>
      Stream.runCollect(Stream.take(collection.aggregate([], { batchSize: 5 }).stream, 3)),
    runHead: ({ db }) => Stream.runHead(db.runCursorCommand({ find: "items", batchSize: 5 }).stream),
    first: ({ db }) => db.runCursorCommand({ find: "items", batchSize: 5 }).first,
    failingConsumer: ({ collection }) =>
      Effect.exit(Stream.runForEach(collection.find().batchSize(5).stream, () => Effect.fail("enough"))),
    dyingConsumer: ({ collection }) =>
      Effect.exit(Stream.runForEach(collection.find().batchSize(5).stream, () => Effect.die("enough")))
  }
  for (const [name, run] of Object.entries(ends)) {
    it.live(name, () =>
      Effect.gen(function*() {
        const fixture = yield* filled(1)
        yield* run(fixture)
        assert.deepStrictEqual(yield* leftOnServer(fixture), [])
        assert.include(fixture.sent(), "killCursors")
        yield* poolIsClean(fixture)
      }))
  }

  it.live("first asks the server for one document and leaves no cursor to close", () =>
    Effect.gen(function*() {
      const fixture = yield* filled(1)
      yield* fixture.collection.find().batchSize(5).first
      yield* fixture.collection.find().one
      yield* fixture.collection.aggregate([]).first
      assert.deepStrictEqual(yield* leftOnServer(fixture), [])
      assert.notInclude(fixture.sent(), "killCursors")
      assert.deepInclude(fixture.last("find"), { limit: 1, singleBatch: true })
      assert.deepStrictEqual<unknown>(fixture.last("aggregate")["pipeline"], [{ $limit: 1 }])
    }))
})

describe("an operation that waits for a connection", () => {
  const operations: Record<string, (fixture: Filled) => Effect.Effect<unknown, unknown>> = {
    insertOne: ({ collection }) => collection.insertOne({ _id: 100 }),
    insertMany: ({ collection }) => collection.insertMany([{ _id: 100 }]),
    bulkWrite: ({ collection }) => collection.bulkWrite([{ insertOne: { document: { _id: 100 } } }]),
    updateOne: ({ collection }) => collection.updateOne({ _id: 100 }, { $set: { a: 1 } }, { upsert: true }),
    replaceOne: ({ collection }) => collection.replaceOne({ _id: 100 }, {}, { upsert: true }),
    findOneAndUpdate: ({ collection }) =>
      collection.findOneAndUpdate({ _id: 100 }, { $set: { a: 1 } }, { upsert: true }),
    findOneAndReplace: ({ collection }) => collection.findOneAndReplace({ _id: 100 }, {}, { upsert: true }),
    deleteOne: ({ collection }) => collection.deleteOne({ _id: 1 }),
    deleteMany: ({ collection }) => collection.deleteMany({}),
    findOneAndDelete: ({ collection }) => collection.findOneAndDelete({ _id: 1 }),
    createIndex: ({ collection }) => collection.createIndex({ a: 1 }),
    drop: ({ collection }) => collection.drop(),
    dropDatabase: ({ db }) => db.dropDatabase(),
    command: ({ db }) => db.command({ drop: "items" }),
    find: ({ collection }) => collection.find(),
    stream: ({ collection }) => Stream.runDrain(collection.find().stream),
    aggregate: ({ collection }) => collection.aggregate([{ $merge: "other" }])
  }
  it.live("is never sent when it is interrupted there", () =>
    Effect.gen(function*() {
      const fixture = yield* filled(1)
      const { collection, driver } = fixture
      let waiting = 0
      driver.on("connectionCheckOutStarted", () => waiting++)
      const blocker = yield* Effect.forkChild(
        collection.find({ $where: "this._id > 0 || sleep(6000) || true" })
      )
      yield* running(fixture)
      const before = fixture.commands.length
      waiting = 0
      for (const [name, operation] of Object.entries(operations)) {
        const effect = operation(fixture)
        for (const each of [effect, fixture.mongo.withSession()(effect)]) {
          const already = waiting
          const fiber = yield* Effect.forkChild(each)
          yield* until(`${name} waits`, () => waiting > already)
          assert.isBelow(yield* interrupt(fiber), 500, name)
        }
        // Interrupted in between, when it waits for nothing yet.
        const fiber = yield* Effect.forkChild(effect, { startImmediately: true })
        assert.isBelow(yield* interrupt(fiber), 500, name)
      }
      assert.strictEqual(fixture.commands.length, before, "the connection was still taken")
      assert.strictEqual((yield* Fiber.join(blocker)).length, 50)
      yield* Effect.sleep(100)
      assert.deepStrictEqual(fixture.commands.slice(before).map(({ commandName }) => commandName), [])
      assert.strictEqual(yield* collection.countDocuments(), 50)
      assert.deepStrictEqual(yield* fixture.db.listCollectionNames(), ["items"])
      yield* nothingLeft(fixture)
    }))
})

describe("policies", () => {
  const insertSlowly = Effect.gen(function*() {
    const fixture = yield* filled(2)
    yield* failCommand(fixture, { times: 1 }, { failCommands: ["insert"], blockConnection: true, blockTimeMS: 600 })
    const insert = fixture.collection.insertOne({ _id: 100 })
    const stored = Effect.map(fixture.collection.findOne({ _id: 100 }), Option.isSome)
    const startAndInterrupt = (policy: Mongo.InterruptionPolicy) =>
      Effect.gen(function*() {
        const already = fixture.sent().length
        const fiber = yield* Effect.forkChild(Mongo.withInterruptionPolicy(insert, policy))
        yield* until("insert is sent", () => fixture.sent().length > already)
        const elapsed = yield* interrupt(fiber)
        return { elapsed, exit: fiber.pollUnsafe()! }
      })
    return { ...fixture, stored, startAndInterrupt }
  })

  it.live("abort closes the connection and goes on at once", () =>
    Effect.gen(function*() {
      const fixture = yield* insertSlowly
      let closed = 0
      fixture.driver.on("connectionClosed", () => closed++)
      const { elapsed, exit } = yield* fixture.startAndInterrupt("abort")
      assert.isBelow(elapsed, 500)
      assert.isTrue(Exit.hasInterrupts(exit))
      yield* until("the connection is closed", () => closed === 1)
      yield* nothingLeft(fixture)
      yield* poolIsClean(fixture)
    }))

  it.live("await waits until the write has ended", () =>
    Effect.gen(function*() {
      const fixture = yield* insertSlowly
      const { elapsed } = yield* fixture.startAndInterrupt("await")
      assert.isAbove(elapsed, 300)
      assert.isTrue(yield* fixture.stored)
    }))

  it.live("detach goes on at once, and the write is still done", () =>
    Effect.gen(function*() {
      const fixture = yield* insertSlowly
      const { elapsed, exit } = yield* fixture.startAndInterrupt("detach")
      assert.isBelow(elapsed, 500)
      assert.isTrue(Exit.hasInterrupts(exit))
      assert.isFalse(yield* fixture.stored)
      yield* until("the write is done", () => Effect.runPromise(fixture.stored))
    }))

  it.live("await still sends a write that waits for a connection", () =>
    Effect.gen(function*() {
      const fixture = yield* filled(1)
      const blocker = yield* Effect.forkChild(fixture.collection.find({ $where: "this._id > 0 || sleep(500) || true" }))
      yield* running(fixture)
      const fiber = yield* fixture.collection.insertOne({ _id: 100 }).pipe(
        Mongo.withInterruptionPolicy("await"),
        Effect.forkChild({ startImmediately: true })
      )
      yield* interrupt(fiber)
      yield* Fiber.join(blocker)
      assert.isTrue(Option.isSome(yield* fixture.collection.findOne({ _id: 100 })))
    }))

  it.live("the signal of use follows the policy", () =>
    Effect.gen(function*() {
      const { mongo } = yield* setup()
      const aborted = (policy: Mongo.InterruptionPolicy) =>
        Effect.gen(function*() {
          let signal: AbortSignal | undefined
          const fiber = yield* mongo.use((_, given) => {
            signal = given
            return new Promise((resolve) => setTimeout(resolve, 50))
          }).pipe(Mongo.withInterruptionPolicy(policy), Effect.forkChild({ startImmediately: true }))
          yield* interrupt(fiber)
          return signal!.aborted
        })
      assert.isTrue(yield* aborted("abort"))
      assert.isFalse(yield* aborted("await"))
      assert.isFalse(yield* aborted("detach"))
    }))
})

describe("closing the client", () => {
  it.live("ends in time, whatever is running", () =>
    Effect.gen(function*() {
      const observer = yield* filled(1)
      const scope = yield* Scope.make()
      const { collection } = yield* Scope.provide(filled(2), scope)
      const fibers = [
        yield* Effect.forkDetach(Effect.exit(Effect.asVoid(collection.find(slow)))),
        yield* Effect.forkDetach(Effect.exit(Stream.runDrain(collection.find(slowLater).batchSize(5).stream)))
      ]
      yield* Effect.sleep(100)
      const [, elapsed] = yield* timed(Scope.close(scope, Exit.void))
      assert.isBelow(elapsed, 6000)
      for (const fiber of fibers) {
        const exit = yield* Fiber.join(fiber)
        assert.isTrue(Exit.isFailure(exit))
      }
      yield* poolIsClean(observer)
    }))
})
