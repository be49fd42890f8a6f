/**
 * Migrations of several processes at once, and of processes that are killed or stopped.
 *
 * @since 0.1.0
 */
import { assert, describe, it } from "@effect/vitest"
import { MongoDatabase, MongoMigrator } from "@mongofx/core"
import { Effect, Fiber, References } from "effect"
import { startProcess } from "../support/processes.ts"
import { type Fixture, setup, until } from "../support/utils.ts"

/** Starts a program that migrates, in a process of its own. */
const startMigrator = ({ db }: Fixture, form: "many" | "long") =>
  startProcess(new URL("../support/migratorProcess.ts", import.meta.url), db.name, form)

interface Run {
  readonly name: string
  readonly process: number
}

/** The long migration of the process, as another process would run it. */
const long = Effect.gen(function*() {
  const db = yield* MongoDatabase.MongoDatabase
  const items = db.collection<{ _id: number; n: number }>("items")
  yield* MongoMigrator.step("begun", db.collection("runs").insertOne({ name: "begun", process: process.pid }))
  yield* MongoMigrator.forEachBatch(
    { step: "items", collection: items, batchSize: 10 },
    (batch) => items.updateMany({ _id: { $in: batch.map(({ _id }) => _id) } }, { $inc: { n: 1 } })
  )
})
const loader = MongoMigrator.fromRecord({ "1_long": long })

/** Provides the database, without logs. */
const quietly = (db: MongoDatabase.MongoDatabase) => <A, E, R>(self: Effect.Effect<A, E, R>) =>
  self.pipe(
    Effect.provideService(MongoDatabase.MongoDatabase, db),
    Effect.provideService(References.MinimumLogLevel, "None")
  )

const insertItems = ({ db }: Fixture) =>
  db.collection<{ _id: number; n: number }>("items").insertMany(Array.from({ length: 95 }, (_, _id) => ({ _id, n: 0 })))

describe("processes that migrate", () => {
  it.live("run each migration once, when ten of them start at the same time", () =>
    Effect.gen(function*() {
      const fixture = yield* setup()
      const processes = yield* Effect.forEach(Array.from({ length: 10 }), () => startMigrator(fixture, "many"))
      yield* Effect.forEach(processes, ({ said }) => said("ready"))
      for (const { tell } of processes) tell("go")
      yield* Effect.forEach(processes, ({ ended }) => ended)

      assert.deepStrictEqual(processes.map(({ child }) => child.exitCode), processes.map(() => 0))
      const runs = yield* fixture.db.collection<Run>("runs").find().sort({ _id: 1 })
      assert.deepStrictEqual(runs.map(({ name }) => name), ["a", "b", "c"])
      assert.strictEqual(new Set(runs.map(({ process }) => process)).size, 1)
      const reports = processes.map(({ lines }) => lines().at(-1))
      assert.strictEqual(reports.filter((report) => report === `["a","b","c"]`).length, 1)
      assert.strictEqual(reports.filter((report) => report === "[]").length, 9)
    }), 300_000)

  it.live("go on where a killed one was, when its lease has run out", () =>
    Effect.gen(function*() {
      const fixture = yield* setup()
      const { db } = fixture
      yield* insertItems(fixture)
      const killed = yield* startMigrator(fixture, "long")
      yield* killed.said("here")

      const events: Array<MongoMigrator.MigrationEvent> = []
      const options: MongoMigrator.MigratorOptions<MongoDatabase.MongoDatabase | MongoMigrator.CurrentMigration> = {
        loader,
        onEvent: (event) =>
          Effect.sync(() => {
            events.push(event)
          })
      }
      const provided = quietly(db)
      const other = yield* Effect.forkScoped(provided(MongoMigrator.run(options)))
      yield* until("the other waits", () => events.some(({ _tag }) => _tag === "Waiting"))
      const held = yield* provided(MongoMigrator.status(options))
      assert.include(held.holder?.owner, `/${killed.child.pid}/`)
      assert.deepInclude(held.migrations[0], { id: 1, name: "long", state: "running", attempts: 1 })

      const at = performance.now()
      killed.child.kill("SIGKILL")
      yield* until("the other has begun", () => events.some(({ _tag }) => _tag === "Started"), 20_000)
      // Its lease lasts three seconds. The rest is for a busy machine.
      assert.isBelow(performance.now() - at, 3000 + 1500)
      const applied = yield* Fiber.join(other)
      assert.deepStrictEqual(applied.map(({ name }) => name), ["long"])

      const runs = yield* db.collection<Run>("runs").find()
      assert.deepStrictEqual(runs.map(({ process }) => process), [killed.child.pid])
      const items = yield* db.collection<{ _id: number; n: number }>("items").find().sort({ _id: 1 })
      // The batch in which it was killed came twice, and no other.
      assert.deepStrictEqual(
        items.map(({ n }) => n),
        items.map(({ _id }) => _id >= 20 && _id < 30 ? 2 : 1)
      )
      const [status] = (yield* provided(MongoMigrator.status(options))).migrations
      assert.deepInclude(status, { state: "applied", attempts: 2 })
      assert.deepStrictEqual(status?.steps.map(({ done, handled, name }) => ({ name, done, handled })), [
        { name: "begun", done: true, handled: 0 },
        { name: "items", done: true, handled: 95 }
      ])
    }), 180_000)

  it.live("record nothing when they come back after their lease has run out", () =>
    Effect.gen(function*() {
      const fixture = yield* setup()
      const { db } = fixture
      yield* insertItems(fixture)
      const provided = quietly(db)
      const stopped = yield* startMigrator(fixture, "long")
      yield* stopped.said("here")
      stopped.child.kill("SIGSTOP")
      yield* provided(MongoMigrator.run({ loader }))
      const journal = db.collection<{ _id: string }>("mongofx_migrations")
      const before = yield* journal.findOne({ _id: "journal" })
      stopped.child.kill("SIGCONT")
      // It notices at its next renewal, and ends with the failure.
      yield* stopped.ended
      assert.strictEqual(stopped.lines().at(-1), "LeaseLost")
      assert.deepStrictEqual(yield* journal.findOne({ _id: "journal" }), before)
    }), 180_000)
})
