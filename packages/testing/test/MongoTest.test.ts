import { assert, describe, it } from "@effect/vitest"
import { MongoClient, MongoDatabase } from "@mongofx/core"
import { FailPoint, MongoServer, MongoTest } from "@mongofx/testing"
import { Cause, Effect, Exit, Fiber, Option, Redacted, Stream } from "effect"
import * as Driver from "mongodb"

const database = MongoDatabase.MongoDatabase

const withAdmin = <A>(use: (admin: Driver.MongoClient) => Promise<A>) =>
  Effect.flatMap(MongoServer.MongoServer, (server) =>
    Effect.promise(async () => {
      const admin = await Driver.MongoClient.connect(Redacted.value(server.uri))
      return use(admin).finally(() => admin.close())
    }))

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

  it.effect("layerWith sets the client up", () =>
    Effect.gen(function*() {
      const mongo = yield* MongoClient.MongoClient
      const { appName, maxPoolSize } = yield* mongo.use(async (driver) => driver.options)
      assert.strictEqual(maxPoolSize, 1)
      assert.strictEqual(appName, (yield* database).name)
    }).pipe(Effect.provide(MongoTest.layerWith({ maxPoolSize: 1 }))))
})

describe("MongoTest.noLeaks", () => {
  const leaksOf = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
    Effect.map(Effect.exit(MongoTest.noLeaks(effect)), (exit) => {
      if (Exit.isSuccess(exit)) return assert.fail("no leak was found")
      const error = Option.getOrThrow(Cause.findErrorOption(exit.cause))
      if (!(error instanceof MongoTest.LeakError)) return assert.fail(String(error))
      return error.leaks
    })

  const filled = Effect.gen(function*() {
    const db = yield* database
    const items = db.collection<{ _id: number }>("items")
    yield* items.insertMany(Array.from({ length: 10 }, (_, _id) => ({ _id })))
    return items
  })

  it.effect("gives the value of a clean test", () =>
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

describe("FailPoint", () => {
  const insertion = Effect.gen(function*() {
    const db = yield* database
    return yield* db.collection("items").insertOne({ a: 1 })
  })

  it.effect("failCommand fails a command of this client as often as told, with the code and labels", () =>
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

  it.effect("ends with its scope, and strikes no other client", () =>
    Effect.gen(function*() {
      yield* Effect.scoped(Effect.gen(function*() {
        yield* FailPoint.failCommand({ failCommands: ["insert"], errorCode: 8 })
        yield* Effect.flip(insertion)
        yield* Effect.flip(insertion)
        yield* Effect.provide(insertion, MongoTest.layer, { local: true })
      }))
      yield* insertion
    }).pipe(Effect.provide(MongoTest.layer)))

  it.effect("breaks connections, and has write concern errors", () =>
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

  it.live("blocks commands for a time", () =>
    Effect.gen(function*() {
      yield* FailPoint.failCommand({ failCommands: ["insert"], blockTime: "200 millis" })
      const started = performance.now()
      yield* insertion
      assert.isAtLeast(performance.now() - started, 190)
    }).pipe(Effect.scoped, Effect.provide(MongoTest.layer)))

  it.live("of one server take turns", () =>
    Effect.gen(function*() {
      const first = yield* Effect.forkChild(Effect.scoped(Effect.gen(function*() {
        yield* FailPoint.failCommand({ failCommands: ["insert"], errorCode: 8 })
        yield* Effect.sleep("200 millis")
        return performance.now()
      })))
      yield* Effect.sleep("100 millis")
      const began = yield* Effect.scoped(Effect.as(
        FailPoint.failCommand({ failCommands: ["insert"], errorCode: 9 }),
        performance.now()
      ))
      assert.isDefined(began)
      const ended = yield* Fiber.join(first)
      assert.isAtLeast(performance.now(), ended)
    }).pipe(Effect.provide(MongoTest.layer)))

  it.live("that the server does not know fail with its error", () =>
    Effect.gen(function*() {
      const error = yield* Effect.flip(Effect.scoped(FailPoint.make("nonsense")))
      assert.include(error.message, "nonsense")
    }).pipe(Effect.provide(MongoTest.layer)))
})
