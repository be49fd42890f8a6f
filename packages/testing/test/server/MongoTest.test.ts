import { assert, describe, it } from "@effect/vitest"
import { MongoClient, MongoDatabase } from "@mongofx/core"
import { FailPoint, MongoServer, MongoTest } from "@mongofx/testing"
import { Deferred, Effect, Fiber, Redacted, Stream } from "effect"
import * as Driver from "mongodb"
import { spawn } from "node:child_process"
import { fileURLToPath } from "node:url"
import { withAdmin } from "../support/admin.ts"
import { leaksOf } from "../support/leaksOf.ts"

const database = MongoDatabase.MongoDatabase

const names = withAdmin(async (admin) =>
  (await admin.db("admin").admin().listDatabases({ nameOnly: true })).databases.map(({ name }) => name)
)

describe("MongoTest.layer", () => {
  it.effect("gives each test an empty database, which is dropped after it", () =>
    Effect.gen(function*() {
      const one = Effect.gen(function*() {
        const db = yield* database
        assert.deepStrictEqual(yield* db.listCollectionNames(), [])
        yield* db.collection("items").insertOne({ a: 1 })
        assert.include(yield* names, db.name)
        return db.name
      }).pipe(Effect.provide(MongoTest.layer))
      const [a, b] = yield* Effect.all([one, one], { concurrency: 2 })
      assert.notStrictEqual(a, b)
      const left = yield* names.pipe(Effect.provide(MongoTest.layer))
      assert.notInclude(left, a)
      assert.notInclude(left, b)
    }))

  it.effect("drops the database of a test that fails or is interrupted", () =>
    Effect.gen(function*() {
      const seen: Array<string> = []
      const start = Effect.gen(function*() {
        const db = yield* database
        yield* db.collection("items").insertOne({ a: 1 })
        seen.push(db.name)
      })
      yield* Effect.exit(Effect.provide(Effect.andThen(start, Effect.die("no")), MongoTest.layer))
      yield* Effect.exit(Effect.provide(Effect.andThen(start, Effect.interrupt), MongoTest.layer))
      assert.strictEqual(seen.length, 2)
      const left = yield* names.pipe(Effect.provide(MongoTest.layer))
      for (const name of seen) assert.notInclude(left, name)
    }))

  it.effect("layerWith passes its settings to the client", () =>
    Effect.gen(function*() {
      const mongo = yield* MongoClient.MongoClient
      const { appName, maxPoolSize } = yield* mongo.use(async (driver) => driver.options)
      assert.strictEqual(maxPoolSize, 1)
      assert.strictEqual(appName, (yield* database).name)
    }).pipe(Effect.provide(MongoTest.layerWith({ maxPoolSize: 1 }))))
})

describe("MongoTest.noLeaks", () => {
  const filled = Effect.gen(function*() {
    const db = yield* database
    const items = db.collection<{ _id: number }>("items")
    yield* items.insertMany(Array.from({ length: 10 }, (_, _id) => ({ _id })))
    return items
  })

  it.effect("returns the value of a clean test", () =>
    Effect.gen(function*() {
      const count = yield* MongoTest.noLeaks(Effect.gen(function*() {
        const items = yield* filled
        yield* items.find().batchSize(2).stream.pipe(Stream.take(3), Stream.runDrain)
        return yield* items.countDocuments()
      }))
      assert.strictEqual(count, 10)
    }))

  it.effect("keeps the failure of a test that fails", () =>
    Effect.gen(function*() {
      const error = yield* Effect.flip(MongoTest.noLeaks(Effect.fail("mine")))
      assert.strictEqual(error, "mine")
    }))

  it.live("finds an open cursor", () =>
    Effect.gen(function*() {
      const leaks = yield* leaksOf(Effect.gen(function*() {
        yield* filled
        const db = yield* database
        const mongo = yield* MongoClient.MongoClient
        yield* mongo.use((driver) => driver.db(db.name).collection("items").find().batchSize(2).next())
      }))
      assert.strictEqual(leaks.length, 1)
      assert.match(leaks[0]!, /^an open cursor on mongofx_.*[.]items$/)
    }))

  it.live("finds a session and its open transaction", () =>
    Effect.gen(function*() {
      const leaks = yield* leaksOf(Effect.gen(function*() {
        const mongo = yield* MongoClient.MongoClient
        const db = yield* database
        yield* mongo.use(async (driver) => {
          const session = driver.startSession()
          session.startTransaction()
          await driver.db(db.name).collection("items").insertOne({ a: 1 }, { session })
        })
      }))
      assert.include(leaks, "a session that was not ended, with an open transaction")
      assert.isTrue(leaks.some((leak) => leak.startsWith("an idle session with a transaction")), leaks.join())
    }))

  it.live("finds a connection that stays open", () =>
    Effect.gen(function*() {
      let left: Driver.MongoClient | undefined
      const leaks = yield* leaksOf(Effect.gen(function*() {
        const server = yield* MongoServer.MongoServer
        const db = yield* database
        left = yield* Effect.promise(() => Driver.MongoClient.connect(Redacted.value(server.uri), { appName: db.name }))
        yield* Effect.promise(() => left!.db(db.name).command({ ping: 1 }))
      }))
      yield* Effect.promise(() => left!.close())
      assert.include(leaks, "an open connection")
    }))
})

describe("MongoTest.noLeaks and running operations", () => {
  /** Starts a query of the driver that nobody waits for. */
  const abandoned = (milliseconds: number) =>
    Effect.gen(function*() {
      const db = yield* database
      const mongo = yield* MongoClient.MongoClient
      yield* db.collection("items").insertOne({ a: 1 })
      const driver = yield* mongo.use(async (driver) => driver)
      const query = driver.db(db.name).collection("items").find({ $where: `sleep(${milliseconds}) || true` })
      query.toArray().catch(() => undefined)
      const isRunning = withAdmin(async (admin) => {
        const operations = admin.db("admin").aggregate([
          { $currentOp: {} },
          { $match: { active: true, ns: `${db.name}.items` } }
        ])
        return (await operations.toArray()).length > 0
      })
      yield* Effect.repeat(isRunning, { until: (runs) => runs })
    })

  it.live("noLeaks finds an operation that runs on", () =>
    Effect.gen(function*() {
      const error = yield* Effect.flip(MongoTest.noLeaks(abandoned(20_000)))
      assert.strictEqual(error._tag, "LeakError")
      assert.match(error.message, /a running find on mongofx_\w+[.]items/)
    }))

  it.live("noLeaks waits for an operation that is about to end", () => MongoTest.noLeaks(abandoned(700)))

  it.effect("nothingLeft checks in the middle of a test, and waits for the same time", () =>
    Effect.gen(function*() {
      yield* abandoned(700)
      yield* MongoTest.nothingLeft
      yield* abandoned(20_000)
      const error = yield* Effect.flip(MongoTest.nothingLeft)
      assert(error instanceof MongoTest.LeakError)
      assert.lengthOf(error.leaks, 1)
      assert.match(error.message, /a running find on mongofx_\w+[.]items/)
    }).pipe(Effect.provide(MongoTest.layer)))
})

describe("MongoTest.nothingLeft", () => {
  it.effect("finds a cursor and a session while they are open", () =>
    Effect.gen(function*() {
      const mongo = yield* MongoClient.MongoClient
      const items = (yield* database).collection("items")
      yield* items.insertMany([{ a: 1 }, { a: 2 }, { a: 3 }])
      yield* MongoTest.nothingLeft
      const leaksOf = <A, E, R>(open: Effect.Effect<A, E, R>) =>
        Effect.flip(Effect.scoped(Effect.andThen(open, MongoTest.nothingLeft))).pipe(
          Effect.map((error) => error instanceof MongoTest.LeakError ? error.leaks : assert.fail(String(error)))
        )
      assert.deepStrictEqual(yield* leaksOf(mongo.session()), ["a session that was not ended"])
      const query = yield* leaksOf(Effect.flatMap(items.find().batchSize(2).open, (open) => open.next))
      // Each query has its own session.
      assert.deepStrictEqual(query, [
        "a session that was not ended",
        `an open cursor on ${items.database.name}.items`
      ])
      yield* MongoTest.nothingLeft
    }).pipe(Effect.provide(MongoTest.layer)))
})

describe("FailPoint", () => {
  const insertion = Effect.gen(function*() {
    const db = yield* database
    return yield* db.collection("items").insertOne({ a: 1 })
  })

  it.effect("failCommand fails a command of this client the given number of times, with the code and labels", () =>
    Effect.gen(function*() {
      yield* FailPoint.failCommand({
        failCommands: ["insert"],
        mode: { times: 1 },
        errorCode: 8,
        errorLabels: ["Mine"]
      })
      const error = yield* Effect.flip(insertion)
      assert.strictEqual(error.reason.code, 8)
      assert.deepStrictEqual(error.labels, ["Mine"])
      yield* insertion
    }).pipe(Effect.scoped, Effect.provide(MongoTest.layer)))

  it.effect("failCommand ends with its scope, and strikes no other client", () =>
    Effect.gen(function*() {
      yield* Effect.scoped(Effect.gen(function*() {
        yield* FailPoint.failCommand({ failCommands: ["insert"], errorCode: 8 })
        yield* Effect.flip(insertion)
        yield* Effect.flip(insertion)
        yield* Effect.provide(insertion, MongoTest.layer, { local: true })
      }))
      yield* insertion
    }).pipe(Effect.provide(MongoTest.layer)))

  it.effect("failCommand breaks connections, and answers with write concern errors", () =>
    Effect.gen(function*() {
      yield* Effect.scoped(Effect.gen(function*() {
        yield* FailPoint.failCommand({ failCommands: ["insert"], closeConnection: true })
        assert.strictEqual((yield* Effect.flip(insertion)).reason._tag, "ConnectionError")
      }))
      yield* Effect.scoped(Effect.gen(function*() {
        yield* FailPoint.failCommand({ failCommands: ["insert"], writeConcernError: { code: 100, errmsg: "too few" } })
        assert.strictEqual((yield* Effect.flip(insertion)).reason._tag, "WriteConcernError")
      }))
    }).pipe(Effect.provide(MongoTest.layer)))

  it.live("failCommand blocks commands for a time", () =>
    Effect.gen(function*() {
      yield* FailPoint.failCommand({ failCommands: ["insert"], blockTime: "200 millis" })
      const started = performance.now()
      yield* insertion
      assert.isAtLeast(performance.now() - started, 190)
    }).pipe(Effect.scoped, Effect.provide(MongoTest.layer)))

  // A fail point that no other test uses, and that strikes nobody.
  const harmless = "hangBeforeCommitingTxn"
  const holdHarmless = FailPoint.make(harmless, { mode: { skip: 1_000_000 } })

  /** The tickets of the clients that have that fail point or wait for it. */
  const inLine = withAdmin(async (admin) =>
    (await admin.db("mongofx_testing").collection<{ _id: string; tickets: Array<string> }>("lines")
      .findOne({ _id: harmless }))?.tickets ?? []
  )
  /** Waits until one more client joins the line, and returns its ticket. */
  const joins = (before: ReadonlyArray<string>) =>
    Effect.map(
      Effect.repeat(inLine, { until: (tickets) => tickets.some((ticket) => !before.includes(ticket)) }),
      (tickets) => tickets.find((ticket) => !before.includes(ticket))!
    )

  it.live("fail points of one server take turns, in the order in which tests ask", () =>
    Effect.gen(function*() {
      const seen: Array<string> = []
      const release = yield* Deferred.make<void>()
      const scopes = yield* Effect.forEach([0, 1, 2, 3, 4], (index) =>
        Effect.gen(function*() {
          const before = yield* inLine
          const fiber = yield* Effect.forkChild(Effect.scoped(Effect.gen(function*() {
            yield* holdHarmless
            seen.push(`${index} begins`)
            if (index === 0) yield* Deferred.await(release)
            // Long enough for another to come in between, if it could.
            yield* Effect.sleep("30 millis")
            seen.push(`${index} ends`)
          })))
          yield* joins(before)
          return fiber
        }))
      // The third gives up while it waits, and the others pass it over.
      yield* Fiber.interrupt(scopes[2]!)
      yield* Deferred.succeed(release, undefined)
      yield* Effect.forEach(scopes.filter((_, index) => index !== 2), Fiber.join)
      assert.deepStrictEqual(seen, [0, 1, 3, 4].flatMap((index) => [`${index} begins`, `${index} ends`]))
      assert.deepStrictEqual(yield* inLine, [])
    }).pipe(Effect.provide(MongoTest.layer)))

  it.live(
    "a fail point goes to the next client when the processes that have and await it are killed",
    () =>
      Effect.gen(function*() {
        const program = fileURLToPath(new URL("../support/holdFailPoint.ts", import.meta.url))
        const server = yield* MongoServer.MongoServer
        const start = Effect.acquireRelease(
          Effect.sync(() =>
            spawn(process.execPath, ["--import", "tsx", program], {
              stdio: ["ignore", "pipe", "inherit"],
              env: { ...process.env, MONGODB_URI: Redacted.value(server.uri) }
            })
          ),
          (child) => Effect.sync(() => child.kill("SIGKILL"))
        )
        const before = yield* inLine
        const processes = [yield* start, yield* start]
        const held = yield* joins(before)
        const awaited = yield* joins([...before, held])
        const mine = yield* Effect.forkChild(Effect.scoped(holdHarmless))
        yield* joins([...before, held, awaited])
        // A live process keeps its turn, however long that takes: four checks take two seconds.
        yield* Effect.sleep("3 seconds")
        assert.isUndefined(mine.pollUnsafe())
        assert.include(yield* inLine, held)
        for (const child of processes) child.kill("SIGKILL")
        yield* Fiber.join(mine)
        assert.deepStrictEqual(yield* inLine, [])
      }).pipe(Effect.scoped, Effect.provide(MongoTest.layer)),
    60_000
  )

  it.live("a fail point that the server does not know fails with its error", () =>
    Effect.gen(function*() {
      const error = yield* Effect.flip(Effect.scoped(FailPoint.make("nonsense")))
      assert.include(error.message, "nonsense")
    }).pipe(Effect.provide(MongoTest.layer)))
})
