import { assert, describe, it, layer } from "@effect/vitest"
import { MongoClient, MongoDatabase } from "@mongofx/core"
import { FailPoint, MongoServer, MongoTest } from "@mongofx/testing"
import { Cause, Context, Deferred, Effect, Exit, Fiber, Layer, Option, Redacted, Schema, Scope } from "effect"
import * as Driver from "mongodb"
import { until } from "test-support/utils"
import { withAdmin } from "../support/admin.ts"
import { onEveryDatabase } from "../support/everyDatabase.ts"
import { collections, setup } from "../support/mess.ts"
import { snapshotOf } from "../support/snapshot.ts"

const database = MongoDatabase.MongoDatabase

const snapshot = Effect.flatMap(database, ({ name }) => withAdmin((admin) => snapshotOf(admin.db(name))))

const Baseline = MongoTest.baseline(setup)

layer(Baseline)("reset", (it) => {
  it.effect("begins with what the effect has made, down to the documents", () =>
    Effect.gen(function*() {
      const first = yield* MongoTest.isolated(snapshot)
      assert.deepStrictEqual(first.map(([name]) => name), collections)
      assert.deepStrictEqual(yield* onEveryDatabase(snapshot), [first, first])
    }))

  const undoes = (what: string, change: Effect.Effect<unknown, unknown, MongoTest.Services>) =>
    it.effect(`undoes ${what}`, () =>
      Effect.gen(function*() {
        const first = yield* MongoTest.isolated(snapshot)
        yield* MongoTest.isolated(Effect.gen(function*() {
          yield* change
          assert.notDeepEqual(yield* snapshot, first)
          yield* MongoTest.reset
          assert.deepStrictEqual(yield* snapshot, first)
          yield* change
        }))
        assert.deepStrictEqual(yield* onEveryDatabase(snapshot), [first, first])
      }))
  const onDb = (use: (db: Driver.Db) => Promise<unknown>) =>
    Effect.gen(function*() {
      const { name } = yield* database
      const mongo = yield* MongoClient.MongoClient
      yield* mongo.use((driver) => use(driver.db(name)))
    })

  undoes("documents", onDb((db) => db.collection("users").insertOne({ name: "Cy", age: 1 })))
  undoes("a dropped collection", onDb((db) => db.dropCollection("users")))
  undoes("a dropped database", onDb((db) => db.dropDatabase()))
  undoes("a new collection", onDb((db) => db.createCollection("more")))
  undoes("a new view", onDb((db) => db.createCollection("minors", { viewOn: "users", pipeline: [] })))
  undoes("a dropped view", onDb((db) => db.dropCollection("adults")))
  undoes("another pipeline of a view", onDb((db) => db.command({ collMod: "adults", viewOn: "users", pipeline: [] })))
  undoes("a renamed collection", onDb((db) => db.renameCollection("users", "people")))
  undoes(
    "a collection renamed over another",
    onDb((db) => db.renameCollection("users", "clustered", { dropTarget: true }))
  )
  undoes(
    "two collections that have changed their names",
    onDb(async (db) => {
      await db.renameCollection("users", "x")
      await db.renameCollection("words", "users")
      await db.renameCollection("x", "words")
    })
  )
  undoes("a changed validator", onDb((db) => db.command({ collMod: "users", validator: {} })))
  undoes("a dropped index", onDb((db) => db.collection("users").dropIndex("name_1")))
  undoes("all dropped indexes", onDb((db) => db.collection("users").dropIndexes()))
  undoes("a new index", onDb((db) => db.collection("users").createIndex({ more: 1 })))
  undoes("a hidden index", onDb((db) => db.command({ collMod: "users", index: { name: "name_1", hidden: true } })))
  undoes(
    "an index of the same name with another key",
    onDb(async (db) => {
      await db.collection("users").dropIndex("name_1")
      await db.collection("users").createIndex({ age: 1 }, { name: "name_1" })
      await db.collection("users").insertMany([{ name: "same", age: 1 }, { name: "same", age: 1 }])
    })
  )
  undoes("entries of a capped collection", onDb((db) => db.collection("log").insertOne({ a: 1 })))
  undoes(
    "a capped collection that is not any more",
    onDb(async (db) => {
      await db.dropCollection("log")
      await db.createCollection("log")
    })
  )
  undoes("a collection that became capped", onDb((db) => db.command({ convertToCapped: "users", size: 4096 })))
  undoes("measurements of a time series", onDb((db) => db.collection("samples").insertOne({ at: new Date(), of: 1 })))
  undoes("a dropped time series", onDb((db) => db.dropCollection("samples")))
  undoes(
    "indexes of a time series",
    onDb(async (db) => {
      await db.collection("samples").dropIndexes()
      await db.collection("samples").createIndex({ of: -1 })
    })
  )
  undoes("a text index", onDb((db) => db.collection("words").dropIndexes()))
  undoes(
    "the profiler",
    onDb(async (db) => {
      await db.command({ profile: 2 })
      await db.collection("users").findOne()
    })
  )
})

const users = Effect.map(database, (db) => db.collection<{ readonly _id: number }>("users"))

/** A client that the baseline does not know. */
const otherClient = Effect.gen(function*() {
  const { uri } = yield* MongoTest.isolated(MongoServer.MongoServer)
  return yield* Effect.acquireRelease(
    Effect.promise(() => Driver.MongoClient.connect(Redacted.value(uri))),
    (other) => Effect.promise(() => other.close())
  )
})

/** Leaves a transaction that the next reset has to wait for, until it ends it. */
const keepsFromChanging = (other: Driver.MongoClient) =>
  Effect.flatMap(database, ({ name }) =>
    Effect.promise(async () => {
      const session = other.startSession()
      session.startTransaction()
      await other.db(name).collection<{ _id: number }>("users").updateOne({ _id: 1 }, { $set: { age: 9 } }, { session })
    }))

layer(Baseline)("isolated", (it) => {
  /** Runs an effect whatever becomes of it, and then compares what the next run sees. */
  const leavesNothing = <E>(run: Effect.Effect<unknown, E, MongoTest.Services | Scope.Scope>) =>
    Effect.gen(function*() {
      const first = yield* MongoTest.isolated(snapshot)
      const exit = yield* Effect.exit(MongoTest.isolated(run))
      assert.deepStrictEqual(yield* onEveryDatabase(snapshot), [first, first])
      return exit
    })

  it.effect("leaves nothing of a run that fails, and fails with its error", () =>
    Effect.gen(function*() {
      const exit = yield* leavesNothing(
        Effect.andThen(Effect.flatMap(users, (users) => users.deleteMany({})), Effect.fail("mine"))
      )
      assert.deepStrictEqual(exit, Exit.fail("mine"))
    }))

  it.effect("leaves nothing of a run that dies", () =>
    Effect.gen(function*() {
      const exit = yield* leavesNothing(
        Effect.andThen(Effect.flatMap(users, (users) => users.deleteMany({})), Effect.die("no"))
      )
      assert.deepStrictEqual(exit, Exit.die("no"))
    }))

  it.effect("ends transactions and cursors that a run has left open, without waiting for them", () =>
    Effect.gen(function*() {
      const names: Array<string> = []
      yield* leavesNothing(Effect.gen(function*() {
        const db = yield* database
        names.push(db.name)
        const mongo = yield* MongoClient.MongoClient
        yield* mongo.use(async (driver) => {
          const session = driver.startSession()
          session.startTransaction()
          const users = driver.db(db.name).collection<{ _id: number }>("users")
          await users.updateOne({ _id: 1 }, { $set: { age: 9 } }, { session })
          await users.find({}, { batchSize: 1 }).next()
        })
      }))
      yield* onEveryDatabase(Effect.gen(function*() {
        names.push((yield* database).name)
        yield* MongoTest.nothingLeft
      }))
      assert.include(names.slice(1), names[0], "sessions end in place")
    }))

  it.effect("ends the transaction of another client that keeps the database from changing", () =>
    Effect.gen(function*() {
      const other = yield* otherClient
      yield* leavesNothing(keepsFromChanging(other))
    }))

  it.effect("gives the next run another database if operations of an interrupted run may still be under way", () =>
    Effect.gen(function*() {
      const started = yield* Deferred.make<string>()
      const slow = Effect.gen(function*() {
        const db = yield* database
        yield* Deferred.succeed(started, db.name)
        yield* db.collection("users").updateMany({
          $expr: { $function: { body: "function() { sleep(100); return true }", args: [], lang: "js" } }
        }, { $set: { age: 99 } })
      })
      const first = yield* MongoTest.isolated(snapshot)
      const fiber = yield* Effect.forkChild(MongoTest.isolated(slow))
      const name = yield* Deferred.await(started)
      yield* Effect.yieldNow
      yield* Fiber.interrupt(fiber)
      const second = yield* MongoTest.isolated(Effect.all([database, snapshot]))
      assert.deepStrictEqual(second[1].length, first.length)
      assert.notStrictEqual(second[0].name, name)
    }))

  it.effect("ends the fibers that a run has forked", () =>
    Effect.gen(function*() {
      const ended = yield* Deferred.make<void>()
      yield* MongoTest.isolated(
        Effect.forkChild(Effect.onInterrupt(Effect.never, () => Deferred.succeed(ended, undefined)), {
          startImmediately: true
        })
      )
      assert.isTrue(Deferred.isDoneUnsafe(ended))
    }))

  it.effect("a waiting run that is interrupted keeps no database", () =>
    Effect.gen(function*() {
      const release = yield* Deferred.make<void>()
      const holds = yield* Effect.forkChild(MongoTest.isolated(Deferred.await(release)), { startImmediately: true })
      const waits = yield* Effect.forkChild(MongoTest.isolated(Effect.void), { startImmediately: true })
      yield* Fiber.interrupt(waits)
      yield* Deferred.succeed(release, undefined)
      yield* Fiber.join(holds)
      yield* MongoTest.isolated(Effect.void)
    }))

  it.effect("refuses a run within another one of the same baseline, which could wait for itself", () =>
    Effect.gen(function*() {
      const within = MongoTest.isolated(Effect.flip(MongoTest.isolated(Effect.void)))
      const error = yield* within
      assert.strictEqual(error._tag, "BaselineError")
      assert.include(error.message, "use MongoTest.reset within a run")
      const property = yield* MongoTest.isolated(Effect.flip(MongoTest.prop([Schema.Int], () => Effect.void)))
      assert.strictEqual(property._tag, "BaselineError")
      // One of another baseline, and one after another, are fine.
      yield* MongoTest.isolated(
        Effect.provide(MongoTest.isolated(Effect.void), MongoTest.baseline(Effect.void), { local: true })
      )
    }))

  it.effect("a reset is what a change stream sees of it", () =>
    MongoTest.isolated(Effect.gen(function*() {
      const { name } = yield* database
      const mongo = yield* MongoClient.MongoClient
      const stream = yield* mongo.use(async (driver) => {
        const stream = driver.db(name).collection("words").watch()
        // Opens it.
        await stream.tryNext()
        return stream
      })
      const all = yield* mongo.use(async (driver) => {
        const stream = driver.db(name).watch([{ $match: { "ns.coll": "users" } }], { showExpandedEvents: true })
        await stream.tryNext()
        return stream
      })
      const next = (stream: Driver.ChangeStream) => mongo.use(async () => (await stream.next()).operationType)
      yield* mongo.db(name).collection<{ readonly _id: number }>("words").insertOne({ _id: 1 })
      yield* MongoTest.reset
      assert.deepStrictEqual(yield* Effect.all([next(stream), next(stream)]), ["insert", "delete"])
      // Two documents of the baseline, gone and back.
      assert.deepStrictEqual(yield* Effect.all([1, 2, 3, 4].map(() => next(all))), [
        "delete",
        "delete",
        "insert",
        "insert"
      ])
      yield* mongo.db(name).dropCollection("words")
      yield* MongoTest.reset
      assert.deepStrictEqual(yield* Effect.all([next(stream), next(stream)]), ["drop", "invalidate"])
    })))
})

describe("baseline", () => {
  it.effect("gives runs at the same time as many databases as it has lanes, all alike", () =>
    Effect.gen(function*() {
      let running = 0
      let most = 0
      const run = MongoTest.isolated(Effect.gen(function*() {
        most = Math.max(most, ++running)
        const all = yield* snapshot
        const { name } = yield* database
        running--
        return [name, JSON.stringify(all).replaceAll(name, "db")] as const
      }))
      const seen = yield* Effect.all(Array.from({ length: 12 }, () => run), { concurrency: 12 })
      assert.strictEqual(most, 3)
      assert.strictEqual(new Set(seen.map(([name]) => name)).size, 3)
      assert.strictEqual(new Set(seen.map(([, all]) => all)).size, 1)
    }).pipe(Effect.provide(MongoTest.baseline(setup, { lanes: 3 }))))

  it.effect("drops its databases when the layer ends", () =>
    Effect.gen(function*() {
      const name = yield* Effect.provide(
        MongoTest.isolated(Effect.map(database, ({ name }) => name)),
        MongoTest.baseline(setup)
      )
      const left = yield* withAdmin((admin) => admin.db("admin").admin().listDatabases({ nameOnly: true }))
      assert.notInclude(left.databases.map(({ name }) => name), name)
    }).pipe(Effect.provide(MongoTest.layer)))

  it.effect("a run that is interrupted while its database is reset leaves the reset to the next run", () =>
    Effect.gen(function*() {
      const other = yield* otherClient
      const first = yield* MongoTest.isolated(snapshot)
      yield* MongoTest.isolated(keepsFromChanging(other))
      let began = false
      const waits = yield* Effect.forkChild(MongoTest.isolated(Effect.sync(() => began = true)))
      for (let i = 0; i < 10; i++) yield* Effect.yieldNow
      yield* Fiber.interrupt(waits)
      assert.isFalse(began)
      assert.deepStrictEqual(yield* MongoTest.isolated(snapshot), first)
    }).pipe(Effect.provide(Baseline)))

  /** A baseline that ends when the test says so. */
  const ownBaseline = <E>(layer: Layer.Layer<MongoTest.Baseline, E>) =>
    Effect.gen(function*() {
      const scope = yield* Effect.acquireRelease(Scope.make(), (scope) => Scope.close(scope, Exit.void))
      return { scope, services: yield* Layer.buildWithScope(layer, scope) }
    })

  it.effect("drops a database whose reset still goes on when the layer ends, after the reset", () =>
    Effect.gen(function*() {
      const { scope, services } = yield* ownBaseline(Baseline)
      const isolated = <A, E>(run: Effect.Effect<A, E, MongoTest.Services>) =>
        Effect.provideContext(MongoTest.isolated(run), services)
      const { name } = yield* isolated(database)
      // The reset makes a collection, within its time of half a second: after a drop that would make the database again.
      yield* FailPoint.make("failCommand", {
        data: { failCommands: ["create"], namespace: `${name}.words`, blockConnection: true, blockTimeMS: 400 }
      })
      const untilMaking = (what: string, expected: boolean) =>
        withAdmin((admin) =>
          Effect.runPromise(until(what, async () => {
            const making = await admin.db("admin").aggregate([
              { $currentOp: { allUsers: true } },
              { $match: { "command.create": "words", "command.$db": name } }
            ]).hasNext()
            return making === expected
          }))
        )
      yield* isolated(Effect.flatMap(database, (db) => db.dropCollection("words")))
      yield* untilMaking("the reset makes the collection", true)
      yield* Scope.close(scope, Exit.void)
      yield* untilMaking("the reset is over", false)
      const left = yield* withAdmin((admin) => admin.db("admin").admin().listDatabases({ nameOnly: true }))
      assert.notInclude(left.databases.map(({ name }) => name), name)
    }).pipe(Effect.provide(MongoTest.layer)))

  it.effect("interrupts a run that still waits for its database when the layer ends", () =>
    Effect.gen(function*() {
      const { scope, services } = yield* ownBaseline(Baseline)
      const isolated = <A, E>(run: Effect.Effect<A, E, MongoTest.Services>) =>
        Effect.provideContext(MongoTest.isolated(run), services)
      const other = yield* Effect.provideContext(otherClient, services)
      yield* isolated(keepsFromChanging(other))
      let began = 0
      const waiting = yield* Effect.forEach(
        [1, 2, 3],
        () => Effect.forkChild(isolated(Effect.sync(() => began++)), { startImmediately: true })
      )
      yield* Scope.close(scope, Exit.void)
      const exits = yield* Effect.forEach(waiting, (fiber) => Fiber.await(fiber))
      assert.deepStrictEqual(exits.map((exit) => Exit.isFailure(exit) && Cause.hasInterruptsOnly(exit.cause)), [
        true,
        true,
        true
      ])
      assert.strictEqual(began, 0)
    }))

  it.effect("tries a reset again that failed while no run waited, and fails a run only if it fails once more", () =>
    Effect.gen(function*() {
      const { name } = yield* MongoTest.isolated(database)
      const first = yield* MongoTest.isolated(snapshot)
      const server = yield* MongoTest.isolated(MongoServer.MongoServer)
      const spoil = Effect.flatMap(database, (db) => db.dropCollection("words"))
      /** The next resets of the database cannot make a collection again. */
      const failing = (times: number) =>
        FailPoint.make("failCommand", {
          mode: { times },
          data: { failCommands: ["create"], namespace: `${name}.words`, errorCode: 8 }
        }).pipe(Effect.provideService(MongoServer.MongoServer, server))
      yield* Effect.scoped(Effect.gen(function*() {
        yield* failing(1)
        yield* MongoTest.isolated(spoil)
        assert.deepStrictEqual(yield* MongoTest.isolated(snapshot), first)
      }))
      yield* Effect.scoped(Effect.gen(function*() {
        yield* failing(2)
        yield* MongoTest.isolated(spoil)
        const error = yield* Effect.flip(MongoTest.isolated(Effect.void))
        assert.strictEqual(error._tag, "MongoError")
        assert.deepStrictEqual(yield* MongoTest.isolated(snapshot), first)
      }))
      assert.strictEqual((yield* MongoTest.isolated(database)).name, name)
    }).pipe(Effect.provide(MongoTest.baseline(setup))))

  it.effect("fails with what its effect fails with", () =>
    Effect.gen(function*() {
      const exit = yield* Effect.exit(Layer.build(MongoTest.baseline(Effect.fail("mine"))))
      assert.deepStrictEqual(exit, Exit.fail("mine"))
    }))

  const failureOf = (layer: Layer.Layer<MongoTest.Baseline, unknown>) =>
    Effect.map(Effect.exit(Layer.build(layer)), (exit) => {
      if (Exit.isSuccess(exit)) return assert.fail("made the baseline")
      const error = Option.getOrThrow(Cause.findErrorOption(exit.cause))
      if (!(error instanceof MongoTest.BaselineError)) return assert.fail(String(error))
      return error.message
    })

  it.effect("refuses too many documents", () =>
    Effect.gen(function*() {
      const message = yield* failureOf(MongoTest.baseline(Effect.orDie(setup), { maxFixtures: 1 }))
      assert.strictEqual(message, "the baseline has more than 1 documents: make fewer, or raise maxFixtures")
    }))

  it.effect("refuses a number of lanes that is not one", () =>
    Effect.gen(function*() {
      assert.include(yield* failureOf(MongoTest.baseline(Effect.void, { lanes: 0 })), "options.lanes is 0")
    }))

  it.effect("reset refuses a database that is not one of the baseline", () =>
    Effect.gen(function*() {
      const services = yield* Layer.build(MongoTest.layer)
      const error = yield* MongoTest.reset.pipe(
        Effect.provideService(database, Context.get(services, database)),
        Effect.provide(MongoTest.baseline(Effect.void)),
        Effect.flip
      )
      assert.include(error.message, "is not one of the baseline")
    }))
})
