/**
 * Migrations on a real server, in one process.
 *
 * @since 0.1.0
 */
import { assert, describe, it } from "@effect/vitest"
import { Integration, Mongo, MongoClient, MongoDatabase, MongoError, MongoMigrator } from "@mongofx/core"
import { journalOf } from "@mongofx/core/internal/migrator/journal"
import {
  Cause,
  Deferred,
  Effect,
  Exit,
  Fiber,
  FileSystem,
  Layer,
  Logger,
  type LogLevel,
  Option,
  Path,
  PlatformError,
  References,
  Schema,
  Scope
} from "effect"
import * as Driver from "mongodb"
import * as Fs from "node:fs/promises"
import { fileURLToPath } from "node:url"
import { failCommand, type Fixture, reasonOf, setup, until } from "../support/utils.ts"

type Services = MongoDatabase.MongoDatabase | MongoClient.MongoClient

const provided = ({ db, mongo }: Fixture, level: LogLevel.LogLevel) => <A, E, R>(self: Effect.Effect<A, E, R>) =>
  self.pipe(
    Effect.provideService(MongoDatabase.MongoDatabase, db),
    Effect.provideService(MongoClient.MongoClient, mongo),
    Effect.provideService(References.MinimumLogLevel, level)
  )

/** A test with a database, in which `run` and its neighbours work. */
const fixture = Effect.gen(function*() {
  const all = yield* setup()
  const provide = provided(all, "None")
  const events: Array<MongoMigrator.MigrationEvent> = []
  const note = <R, RL>(options: MongoMigrator.MigratorOptions<R, RL>): MongoMigrator.MigratorOptions<R, RL> => ({
    onEvent: (event) =>
      Effect.sync(() => {
        events.push(event)
      }),
    ...options
  })
  return {
    ...all,
    events,
    provide,
    /** A run that logs. */
    runLogged: <R extends Services | MongoMigrator.CurrentMigration>(options: MongoMigrator.MigratorOptions<R>) =>
      provided(all, "Info")(MongoMigrator.run(options)),
    run: <R extends Services | MongoMigrator.CurrentMigration>(options: MongoMigrator.MigratorOptions<R>) =>
      provide(MongoMigrator.run(note(options))),
    status: <R>(options: MongoMigrator.MigratorOptions<R>) => provide(MongoMigrator.status(options)),
    names: Effect.map(
      all.db.collection<{ by: string }>("work").find().sort({ _id: 1 }),
      (all) => all.map(({ by }) => by)
    ),
    journal: Effect.map(
      all.db.collection<Driver.Document>("mongofx_migrations").findOne({ _id: "journal" as never }),
      Option.getOrThrow
    )
  }
})

type Work = Effect.Effect<unknown, unknown, MongoDatabase.MongoDatabase>

/** A migration that leaves its name in the database. */
const work = (by: string) =>
  Effect.flatMap(MongoDatabase.MongoDatabase, (db) => db.collection("work").insertOne({ by }))

const record = MongoMigrator.fromRecord

/** The failure of an effect that must fail with a `MigrationError`. */
const migrationError = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.map(Effect.exit(effect), (exit) => {
    if (Exit.isSuccess(exit)) throw new Error(`succeeded with ${JSON.stringify(exit.value)}`)
    const error = Cause.findErrorOption(exit.cause)
    assert(Option.isSome(error) && error.value instanceof MongoMigrator.MigrationError, Cause.pretty(exit.cause))
    return error.value
  })

describe("run", () => {
  it.live("applies what is pending in the order of the numbers, and nothing twice", () =>
    Effect.gen(function*() {
      const { events, journal, names, run } = yield* fixture
      const loader = record({ "10_c": work("c"), "2_b": work("b"), "1_a": work("a") })
      const applied = yield* run({ loader })
      assert.deepStrictEqual(applied.map(({ id, name }) => [id, name]), [[1, "a"], [2, "b"], [10, "c"]])
      assert.deepStrictEqual(yield* run({ loader }), [])
      assert.deepStrictEqual(yield* names, ["a", "b", "c"])
      assert.deepStrictEqual(
        yield* run({ loader: record({ "1_a": work("a"), "2_b": work("b"), "10_c": work("c"), "11_d": work("d") }) })
          .pipe(
            Effect.map((applied) => applied.map(({ name }) => name))
          ),
        ["d"]
      )
      assert.deepStrictEqual(events.map((event) => `${event._tag} ${"id" in event ? event.id : ""}`), [
        "Started 1",
        "Finished 1",
        "Started 2",
        "Finished 2",
        "Started 10",
        "Finished 10",
        "Started 11",
        "Finished 11"
      ])
      const { fence, migrations } = yield* journal
      assert.strictEqual(fence, 2)
      assert.deepStrictEqual(Object.keys(migrations), ["1", "2", "10", "11"])
      const { finishedAt, startedAt, durationMillis, ...rest } = migrations[1]
      assert.deepInclude(rest, { name: "a", state: "applied", attempts: 1 })
      assert.isTrue(finishedAt >= startedAt)
      assert.isAtLeast(durationMillis, 0)
    }))

  it.live("neither takes the lease nor writes when nothing is pending", () =>
    Effect.gen(function*() {
      const all = yield* fixture
      const loader = record({ "1_a": work("a") })
      yield* all.run({ loader })
      all.clear()
      yield* all.run({ loader })
      assert.deepStrictEqual(all.sent(), ["find"])
      all.clear()
      yield* all.run({ loader: record({}) })
      assert.deepStrictEqual(all.sent(), ["find"])
    }))

  it.live("runs each migration once, when twenty fibers start at the same time", () =>
    Effect.gen(function*() {
      const { names, run } = yield* fixture
      const loader = record({ "1_a": work("a"), "2_b": work("b") })
      const applied = yield* Effect.forEach(Array.from({ length: 20 }), () =>
        run({ loader, lease: { duration: "5 seconds" } }), { concurrency: "unbounded" })
      assert.deepStrictEqual(yield* names, ["a", "b"])
      assert.deepStrictEqual(
        applied.map((one) =>
          one.length
        ).sort(),
        [...Array.from({ length: 19 }, () => 0), 2]
      )
    }))

  it.live("returns to the others only when everything is applied", () =>
    Effect.gen(function*() {
      const all = yield* fixture
      const begun = yield* Deferred.make<void>()
      const go = yield* Deferred.make<void>()
      const slow = Effect.andThen(Deferred.succeed(begun, undefined), Deferred.await(go))
      const loader = record({ "1_slow": slow, "2_b": work("b") })
      const first = yield* Effect.forkScoped(all.run({ loader }))
      yield* Deferred.await(begun)
      const second = yield* Effect.forkScoped(all.run({ loader }))
      yield* until("the second waits", () => all.events.some(({ _tag }) => _tag === "Waiting"))
      assert.isUndefined(second.pollUnsafe())
      yield* Deferred.succeed(go, undefined)
      assert.deepStrictEqual(yield* Fiber.join(second), [])
      assert.deepStrictEqual(yield* all.names, ["b"])
      assert.strictEqual((yield* Fiber.join(first)).length, 2)
      const waiting = all.events.find(({ _tag }) => _tag === "Waiting")
      assert.include((waiting as { holder?: string }).holder, `/${process.pid}/`)
    }))

  it.live("waits no longer than it may for another process, and says who that is", () =>
    Effect.gen(function*() {
      const { db, run } = yield* fixture
      yield* Integration.leases(db, { collection: "mongofx_migrations" }).acquire("lease", "web-1/42/x", "1 minute")
      const error = yield* migrationError(run({ loader: record({ "1_a": work("a") }), lease: { wait: "300 millis" } }))
      assert.strictEqual(error.kind, "Locked")
      assert.include(error.message, "web-1/42/x")
      assert.include(error.message, "lease.wait")
    }))

  it.live("stops a migration whose lease was lost, and cannot record it", () =>
    Effect.gen(function*() {
      const { db, journal, run } = yield* fixture
      const collection = db.collection<Driver.Document>("mongofx_migrations")
      // Another process takes over in the middle: its lease, and its turn in the journal.
      const taken = Effect.andThen(
        collection.updateOne({ _id: "lease" as never }, {
          $set: { owner: "another", expiresAt: new Date(Date.now() + 60_000) },
          $inc: { fence: 1 }
        }),
        collection.updateOne({ _id: "journal" as never }, { $inc: { fence: 1 } })
      )
      let interrupted = false
      const stuck = Effect.onInterrupt(Effect.never, () =>
        Effect.sync(() => {
          interrupted = true
        }))
      const lease = { duration: "600 millis" } as const
      const lost = yield* migrationError(run({ loader: record({ "1_stuck": Effect.andThen(taken, stuck) }), lease }))
      assert.strictEqual(lost.kind, "LeaseLost")
      assert.isTrue(interrupted)
      assert.deepInclude((yield* journal)["migrations"][1], { state: "running" })

      // One that ends before it notices is not recorded either, and the next one does not begin.
      yield* collection.deleteMany({})
      const late = yield* migrationError(run({ loader: record({ "1_late": taken, "2_next": work("next") }) }))
      assert.strictEqual(late.kind, "LeaseLost")
      assert.deepInclude((yield* journal)["migrations"][1], { state: "running" })
      assert.deepStrictEqual(yield* db.listCollectionNames({ name: "work" }), [])
    }))

  it.live("does not begin a migration after its lease was lost between two of them", () =>
    Effect.gen(function*() {
      const { db, journal, names, run } = yield* fixture
      const lease = db.collection<Driver.Document>("mongofx_migrations")
      const loader = record({ "1_a": work("a"), "2_b": work("b") })
      const error = yield* migrationError(run({
        loader,
        onEvent: (event) =>
          event._tag === "Finished"
            ? Effect.orDie(
              lease.updateOne({ _id: "lease" as never }, { $set: { owner: "another" }, $inc: { fence: 1 } })
            )
            : Effect.void
      }))
      assert.strictEqual(error.kind, "LeaseLost")
      assert.deepStrictEqual(yield* names, ["a"])
      assert.deepStrictEqual(Object.keys((yield* journal)["migrations"]), ["1"])
    }))

  it.live("records a failure, runs nothing after it, and tries again", () =>
    Effect.gen(function*() {
      const { db, events, names, run, status } = yield* fixture
      class Broken extends Schema.TaggedError<Broken>()("Broken", { message: Schema.String }) {}
      let fails = true
      const flaky = Effect.suspend((): Work => fails ? Effect.fail(new Broken({ message: "no disk" })) : work("flaky"))
      const loader = record({ "1_a": work("a"), "2_flaky": flaky, "3_c": work("c") })
      const error = yield* migrationError(run({ loader }))
      assert.strictEqual(error.kind, "Failed")
      assert.instanceOf(error.cause, Broken)
      assert.deepStrictEqual(error.migrations, [{ id: 2, name: "flaky" }])
      assert.include(error.message, "2_flaky failed: Broken: no disk.")
      assert.deepInclude(events.at(-1), { _tag: "Failed", id: 2 })
      const failed = (yield* status({ loader })).migrations
      assert.deepStrictEqual(failed.map(({ state }) => state), ["applied", "failed", "pending"])
      assert.strictEqual(failed[1]?.error, "Broken: no disk")
      assert.isTrue(Option.isNone(yield* Integration.leases(db, { collection: "mongofx_migrations" }).holder("lease")))

      fails = false
      yield* run({ loader })
      assert.deepStrictEqual(yield* names, ["a", "flaky", "c"])
      const [, again] = (yield* status({ loader })).migrations
      assert.deepInclude(again, { state: "applied", attempts: 2 })
      assert.notProperty(again, "error")
    }))

  it.live("shows no credentials of a failure: in its error, the journal and the log", () =>
    Effect.gen(function*() {
      const { runLogged, status } = yield* fixture
      const lines: Array<string> = []
      const logger = Logger.make(({ message }) => void lines.push(String(message)))
      const loader = record({ "1_a": Effect.fail(new Error("no answer from mongodb://ada:lovelace@db.example/app")) })
      const error = yield* migrationError(runLogged({ loader }).pipe(Effect.provide(Logger.layer([logger]))))
      const [failed] = (yield* status({ loader })).migrations
      assert.strictEqual(failed?.error, "no answer from mongodb://<redacted>@db.example/app")
      assert.include(lines.join(), "Migration failed: no answer from mongodb://<redacted>@db.example/app")
      assert.notInclude(error.message, "lovelace")
    }))

  it.live("wraps the failure of a migration that runs another migrator", () =>
    Effect.gen(function*() {
      const { run } = yield* fixture
      const inner = MongoMigrator.run({ loader: record({ "1_inner": Effect.fail("no") }), collection: "inner" })
      const error = yield* migrationError(run({ loader: record({ "5_outer": inner }) }))
      assert.deepStrictEqual(error.migrations, [{ id: 5, name: "outer" }])
      assert.instanceOf(error.cause, MongoMigrator.MigrationError)
    }))

  it.live("keeps a defect of a migration a defect, and records it", () =>
    Effect.gen(function*() {
      const { run, status } = yield* fixture
      const loader = record({ "1_a": Effect.die(new TypeError("not a function")) })
      const exit = yield* Effect.exit(run({ loader }))
      assert.isTrue(Exit.isFailure(exit) && Cause.hasDies(exit.cause))
      assert.deepInclude((yield* status({ loader })).migrations[0], {
        state: "failed",
        error: "TypeError: not a function"
      })
    }))

  it.live("ends at an interruption, with a record and without a lease", () =>
    Effect.gen(function*() {
      const { db, events, run, status } = yield* fixture
      const loader = record({ "1_a": Effect.never as Effect.Effect<void> })
      const fiber = yield* Effect.forkScoped(run({ loader }))
      yield* until("it runs", () => events.some(({ _tag }) => _tag === "Started"))
      yield* Fiber.interrupt(fiber)
      assert.deepInclude((yield* status({ loader })).migrations[0], { state: "interrupted", attempts: 1 })
      assert.isTrue(Option.isNone(yield* Integration.leases(db, { collection: "mongofx_migrations" }).holder("lease")))
    }))

  it.live("records work that is done, even if it is interrupted just then", () =>
    Effect.gen(function*() {
      const all = yield* fixture
      let hasWorked = false
      // The first write after the migration takes a while.
      const slow = Effect.andThen(
        failCommand(all, { times: 1 }, { failCommands: ["update"], blockConnection: true, blockTimeMS: 500 }),
        Effect.sync(() => {
          all.clear()
          hasWorked = true
        })
      )
      const scope = yield* Effect.scope
      const loader = record({ "1_a": Effect.provideService(slow, Scope.Scope, scope) })
      const fiber = yield* Effect.forkScoped(all.run({ loader }))
      yield* until("the record is written", () => hasWorked && all.sent().includes("update"))
      yield* Fiber.interrupt(fiber)
      const [status] = (yield* all.status({ loader })).migrations
      assert.strictEqual(status?.state, "applied")
      assert.notProperty(status, "error")
      assert.deepStrictEqual(all.events.map(({ _tag }) => _tag), ["Started"])
    }))

  it.live("records work that is done, whatever breaks just then", () =>
    Effect.gen(function*() {
      const all = yield* fixture
      const scope = yield* Effect.scope
      // The driver tries once more by itself.
      const breaking = Effect.provideService(
        failCommand(all, { times: 2 }, { failCommands: ["update"], closeConnection: true }),
        Scope.Scope,
        scope
      )
      const loader = record({ "1_a": Effect.andThen(work("a"), breaking) })
      assert.strictEqual((yield* all.run({ loader })).length, 1)
      assert.deepInclude((yield* all.status({ loader })).migrations[0], { state: "applied", attempts: 1 })
    }))

  it.live(
    "ends soon after a failure that cannot be recorded, whatever the interruption policy is",
    () =>
      Effect.gen(function*() {
        const all = yield* fixture
        const scope = yield* Effect.scope
        // The first write after the migration is the record of its failure.
        const slow = Effect.provideService(
          failCommand(all, { times: 1 }, { failCommands: ["update"], blockConnection: true, blockTimeMS: 9000 }),
          Scope.Scope,
          scope
        )
        const loader = record({ "1_a": Effect.andThen(slow, Effect.fail("no")) })
        const run = yield* Effect.forkScoped(migrationError(Mongo.withInterruptionPolicy(all.run({ loader }), "await")))
        yield* until("it has ended", () => run.pollUnsafe() !== undefined, 7000)
        assert.include((yield* Fiber.join(run)).message, "1_a failed: no. Its record could not be changed")
      }),
    30_000
  )

  it.live("says of a record that fails what has become of it", () =>
    Effect.gen(function*() {
      const all = yield* fixture
      yield* all.db.createCollection("work")
      /** A run whose migration works, and from then on commands fail. */
      const failing = (key: string, transaction: boolean, data: Driver.Document) =>
        Effect.scoped(Effect.gen(function*() {
          const scope = yield* Effect.scope
          const fails = Effect.provideService(failCommand(all, "alwaysOn", data), Scope.Scope, scope)
          const up = MongoMigrator.migration(Effect.andThen(work(key), fails), { transaction })
          // The lease is not given back.
          return yield* migrationError(all.run({ loader: record({ [`1_${key}`]: up }), lease: { duration: 500 } }))
        }))

      // Neither the success can be recorded nor the failure.
      const unrecorded = yield* failing("a", false, { failCommands: ["update"], errorCode: 13 })
      assert.include(unrecorded.message, "the work of migration 1_a is done, but its record failed: updateOne on ")
      assert.include(unrecorded.message, "MongoMigrator.status")
      assert.include(unrecorded.message, "MongoMigrator.accept")
      // The commit was applied, and its reply is a failure.
      const writeConcernError = { code: 100, errmsg: "no" }
      const committed = yield* failing("b", true, { failCommands: ["commitTransaction"], writeConcernError })
      assert.notInclude(committed.message, "not recorded as applied")
      assert.include(committed.message, "MongoMigrator.status")
      assert.strictEqual(
        (yield* all.status({ loader: record({ "1_b": work("b") }) })).migrations[0]?.state,
        "applied"
      )
      // A failure that says nothing.
      for (const error of [new Error(), new (class Empty extends Schema.TaggedError<Empty>()("Empty", {}) {})()]) {
        const { message } = yield* migrationError(all.run({ loader: record({ "3_c": Effect.fail(error) }) }))
        assert.include(message, `3_c failed: ${error.name}. It is not recorded as applied`)
      }
    }))

  it.live("logs each migration with its number and its name", () =>
    Effect.gen(function*() {
      const { runLogged } = yield* fixture
      const lines: Array<string> = []
      const logger = Logger.make(({ fiber, message }) => {
        lines.push(`${String(message)} ${JSON.stringify(fiber.getRef(References.CurrentLogAnnotations))}`)
      })
      yield* runLogged({ loader: record({ "7_a": work("a") }) }).pipe(Effect.provide(Logger.layer([logger])))
      const at = `{"migration_id":"7","migration_name":"a"}`
      assert.strictEqual(lines[0], `Running migration ${at}`)
      assert.match(lines[1] ?? "", /^Applied migration in \d.*s \{/)
      assert.include(lines[1], at)
      assert.strictEqual(lines.length, 2)
    }))

  it.live("is refused in a transaction", () =>
    Effect.gen(function*() {
      const { mongo, run } = yield* fixture
      const loader = record({ "1_a": work("a") })
      const reason = yield* reasonOf(
        mongo.withTransaction(Effect.catchTag(run({ loader }), "MigrationError", Effect.die))
      )
      assert.strictEqual(reason._tag, "TransactionError")
    }))
})

describe("the set of applied migrations", () => {
  it.live("finds a lower number that comes late, and fails or runs it", () =>
    Effect.gen(function*() {
      const { names, run, status } = yield* fixture
      yield* run({ loader: record({ "1_a": work("a"), "3_c": work("c") }) })
      const loader = record({ "1_a": work("a"), "2_b": work("b"), "3_c": work("c"), "4_d": work("d") })
      const error = yield* migrationError(run({ loader }))
      assert.strictEqual(error.kind, "OutOfOrder")
      assert.deepStrictEqual(error.migrations, [{ id: 2, name: "b" }])
      assert.include(error.message, "2_b: ")
      assert.include(error.message, "outOfOrder")
      assert.deepStrictEqual(yield* names, ["a", "c"])
      const before = yield* status({ loader })
      assert.strictEqual(before.problem, error.message)
      assert.deepStrictEqual(before.migrations.map(({ problem }) => problem), [
        undefined,
        "outOfOrder",
        undefined,
        undefined
      ])
      yield* run({ loader, outOfOrder: "run" })
      assert.deepStrictEqual(yield* names, ["a", "c", "b", "d"])
      assert.deepStrictEqual(yield* run({ loader }), [])
    }))

  it.live("finds one that was changed or renamed, and fails, reports or accepts it", () =>
    Effect.gen(function*() {
      const { names, provide, run, status } = yield* fixture
      const of = (checksum: string) => record({ "1_a": MongoMigrator.migration(work("a"), { checksum }) })
      yield* run({ loader: of("1") })
      const error = yield* migrationError(run({ loader: of("2") }))
      assert.strictEqual(error.kind, "Changed")
      assert.deepStrictEqual(error.migrations, [{ id: 1, name: "a" }])
      assert.include(error.message, "the checksum of 1_a")
      const renamed = yield* migrationError(run({ loader: record({ "1_other": work("a") }) }))
      assert.strictEqual(renamed.kind, "Changed")
      assert.include(renamed.message, "1_other was applied as 1_a")
      assert.strictEqual((yield* status({ loader: of("2") })).migrations[0]?.problem, "changed")
      assert.deepStrictEqual(yield* run({ loader: of("2"), onChanged: "report" }), [])
      yield* provide(MongoMigrator.accept({ loader: of("2") }, [1]))
      assert.deepStrictEqual(yield* run({ loader: of("2") }), [])
      assert.strictEqual((yield* migrationError(run({ loader: of("1") }))).kind, "Changed")
      assert.deepStrictEqual(yield* names, ["a"])
      // Nothing is known about the checksum of one without.
      assert.deepStrictEqual(yield* run({ loader: record({ "1_a": work("a") }) }), [])
    }))

  it.live("keeps those that the loader does not have", () =>
    Effect.gen(function*() {
      const { provide, run, status } = yield* fixture
      yield* run({ loader: record({ "1_a": work("a"), "2_b": work("b") }) })
      const loader = record({ "1_a": work("a") })
      assert.deepStrictEqual(yield* run({ loader }), [])
      const { migrations } = yield* status({ loader })
      assert.deepStrictEqual(migrations.map(({ id, problem }) => [id, problem]), [[1, undefined], [2, "unknown"]])
      assert.deepStrictEqual((yield* provide(MongoMigrator.plan({ loader }))).unknown, [{ id: 2, name: "b" }])
      const error = yield* migrationError(run({ loader, onUnknown: "fail" }))
      assert.strictEqual(error.kind, "Unknown")
      assert.include(error.message, "2_b")
    }))

  it.live("takes over those that another tool has applied", () =>
    Effect.gen(function*() {
      const { names, provide, run, status } = yield* fixture
      const loader = record({ "1_a": work("a"), "2_b": work("b"), "3_c": work("c") })
      yield* provide(MongoMigrator.accept({ loader }, [1, 2]))
      yield* run({ loader })
      assert.deepStrictEqual(yield* names, ["c"])
      assert.deepStrictEqual((yield* status({ loader })).migrations.map(({ attempts }) => attempts), [0, 0, 1])
      const error = yield* migrationError(provide(MongoMigrator.accept({ loader }, [3, 4])))
      assert.strictEqual(error.kind, "BadState")
      assert.include(error.message, "4")
    }))
})

describe("the journal", () => {
  it.live("is written by whoever claimed it last, and by nobody else", () =>
    Effect.gen(function*() {
      const { db } = yield* fixture
      const journal = journalOf(db, "journal")
      const claimed = yield* Effect.forEach(
        Array.from({ length: 10 }, (_, i) => i),
        (i) => Effect.map(journal.claim(Effect.void), ({ write }) => Effect.exit(write(i, { name: `by ${i}` }))),
        { concurrency: "unbounded" }
      )
      const written = yield* Effect.forEach(claimed, (write) => write)
      assert.strictEqual(written.filter(Exit.isSuccess).length, 1)
      const stored = yield* db.collection<Driver.Document>("journal").find().one
      assert.strictEqual(stored["fence"], 10)
      assert.deepStrictEqual(Object.keys(stored["migrations"]), [String(written.findIndex(Exit.isSuccess))])
    }))

  it.live("is not claimed by a process that has lost its lease", () =>
    Effect.gen(function*() {
      const { db } = yield* fixture
      const journal = journalOf(db, "journal")
      const ours = yield* journal.claim(Effect.void)
      // It was stopped after it had asked for the lease: another one claims meanwhile.
      let asked = 0
      const confirm = Effect.suspend((): Effect.Effect<void, unknown> =>
        ++asked > 1 ? Effect.fail("lost") : Effect.asVoid(journal.claim(Effect.void))
      )
      assert.strictEqual(yield* Effect.flip(journal.claim(confirm)), "lost")
      assert.strictEqual((yield* migrationError(ours.write(1, { name: "a" }))).kind, "LeaseLost")
    }))
})

describe("plan", () => {
  it.live("says what would run, and writes nothing", () =>
    Effect.gen(function*() {
      const { db, names, provide, run } = yield* fixture
      const loader = record({ "1_a": work("a"), "2_b": Effect.fail("no"), "3_c": work("c") })
      const plan = provide(MongoMigrator.plan({ loader }))
      const all = yield* plan
      assert.deepStrictEqual(all.pending.map(({ id }) => id), [1, 2, 3])
      assert.deepStrictEqual(yield* db.listCollectionNames(), [])
      yield* migrationError(run({ loader }))
      assert.deepStrictEqual(yield* plan, {
        applied: 1,
        pending: [
          { id: 2, name: "b", outOfOrder: false, resumes: true },
          { id: 3, name: "c", outOfOrder: false, resumes: false }
        ],
        unknown: []
      })
      assert.deepStrictEqual(yield* names, ["a"])
      const late = { loader: record({ "0_z": work("z"), "1_a": work("a") }) }
      assert.strictEqual((yield* migrationError(provide(MongoMigrator.plan(late)))).kind, "OutOfOrder")
      const run0 = yield* provide(MongoMigrator.plan({ ...late, outOfOrder: "run" }))
      assert.deepStrictEqual(run0.pending, [{ id: 0, name: "z", outOfOrder: true, resumes: false }])
    }))
})

describe("status", () => {
  it.live("calls only that running which the holder of the lease runs", () =>
    Effect.gen(function*() {
      const all = yield* fixture
      const loader = record({ "1_a": Effect.never as Work })
      const fiber = yield* Effect.forkScoped(all.run({ loader }))
      yield* until("it runs", () => all.events.some(({ _tag }) => _tag === "Started"))
      assert.strictEqual((yield* all.status({ loader })).migrations[0]?.state, "running")
      // As if it had been killed, and another process had taken its turn.
      yield* all.db.collection<Driver.Document>("mongofx_migrations").updateOne({ _id: "lease" as never }, {
        $set: { owner: "another" }
      })
      const status = yield* all.status({ loader })
      assert.strictEqual(status.holder?.owner, "another")
      assert.strictEqual(status.migrations[0]?.state, "interrupted")
      yield* Fiber.interrupt(fiber)
    }))
})

describe("transactions", () => {
  it.live("commit the work of a migration with its record, or neither", () =>
    Effect.gen(function*() {
      const { db, names, run, status } = yield* fixture
      yield* db.createCollection("work")
      let fails = true
      const up = Effect.andThen(work("a"), Effect.suspend(() => fails ? Effect.fail("no") : Effect.void))
      const loader = record({ "1_a": MongoMigrator.migration(up, { transaction: true }) })
      yield* migrationError(run({ loader }))
      assert.deepStrictEqual(yield* names, [])
      assert.strictEqual((yield* status({ loader })).migrations[0]?.state, "failed")
      fails = false
      yield* run({ loader })
      assert.deepStrictEqual(yield* names, ["a"])
      assert.strictEqual((yield* status({ loader })).migrations[0]?.state, "applied")
    }))

  it.live("are not disturbed by the renewals of the lease", () =>
    Effect.gen(function*() {
      const { db, names, run } = yield* fixture
      yield* db.createCollection("work")
      let bodies = 0
      const up = Effect.gen(function*() {
        bodies++
        yield* work("a")
        yield* Effect.promise(() => new Promise((resolve) => setTimeout(resolve, 2500)))
      })
      yield* run({
        loader: record({ "1_a": MongoMigrator.migration(up, { transaction: true }) }),
        lease: { duration: "1500 millis" }
      })
      assert.strictEqual(bodies, 1)
      assert.deepStrictEqual(yield* names, ["a"])
    }))
})

describe("steps", () => {
  it.live("are not repeated once they have succeeded", () =>
    Effect.gen(function*() {
      const { events, names, run } = yield* fixture
      let fails = true
      const up = Effect.gen(function*() {
        yield* MongoMigrator.step("one.$%", work("one"))
        yield* MongoMigrator.step("one", work("another one"))
        yield* MongoMigrator.step("two", Effect.suspend((): Work => fails ? Effect.fail("no") : work("two")))
      })
      const loader = record({ "1_a": up })
      yield* migrationError(run({ loader }))
      fails = false
      yield* run({ loader })
      assert.deepStrictEqual(yield* names, ["one", "another one", "two"])
      assert.deepStrictEqual(
        events.flatMap((event) => event._tag === "Progress" ? [event.step] : []),
        ["one.$%", "one", "two"]
      )
    }))

  it.live("are not repeated because they were interrupted at their end, or because a connection broke", () =>
    Effect.gen(function*() {
      const all = yield* fixture
      const scope = yield* Effect.scope
      const broken = yield* Scope.make()
      const failing = (scope: Scope.Scope, times: number, data: Driver.Document) =>
        Effect.provideService(failCommand(all, { times }, { failCommands: ["update"], ...data }), Scope.Scope, scope)
      let isAtItsEnd = false
      const up = Effect.gen(function*() {
        yield* MongoMigrator.step("one", Effect.andThen(work("one"), failing(broken, 2, { closeConnection: true })))
        yield* Scope.close(broken, Exit.void)
        yield* MongoMigrator.step(
          "",
          Effect.gen(function*() {
            yield* work("two")
            yield* failing(scope, 1, { blockConnection: true, blockTimeMS: 500 })
            all.clear()
            isAtItsEnd = true
          })
        )
        yield* Effect.never
      })
      const loader = record({ "1_a": up })
      const fiber = yield* Effect.forkScoped(all.run({ loader }))
      yield* until("the second step is saved", () => isAtItsEnd && all.sent().includes("update"))
      yield* Fiber.interrupt(fiber)
      assert.deepStrictEqual(yield* all.names, ["one", "two"])
      const [status] = (yield* all.status({ loader })).migrations
      assert.strictEqual(status?.state, "interrupted")
      assert.deepStrictEqual(status?.steps.map(({ done, name }) => [name, done]), [["one", true], ["", true]])
    }))

  it.live("get the position that they have saved, as it was", () =>
    Effect.gen(function*() {
      const { run } = yield* fixture
      const seen: Array<unknown> = []
      for (
        const position of [
          1.5,
          "text",
          null,
          new Driver.UUID(),
          new Driver.ObjectId(),
          new Date(0),
          Driver.Decimal128.fromString("1.50"),
          Driver.Long.MAX_VALUE,
          { a: { b: [1] } }
        ]
      ) {
        const name = `s${seen.length}`
        let first = true
        const up = MongoMigrator.step(name, (progress) =>
          Effect.suspend(() => {
            if (!first) seen.push(Option.getOrThrow(progress.position), progress.handled)
            return first ? Effect.andThen(progress.save(position, 7), Effect.fail("no")) : Effect.void
          }))
        const loader = record({ [`1_${name}`]: up })
        const collection = `journal${seen.length}`
        yield* migrationError(run({ loader, collection }))
        first = false
        yield* run({ loader, collection })
        assert.strictEqual(seen.at(-1), 7)
        assert.isTrue(
          Driver.BSON.EJSON.stringify(seen.at(-2)) === Driver.BSON.EJSON.stringify(position),
          String(position)
        )
      }
    }))
})

describe("forEachBatch", () => {
  const mixed = (): ReadonlyArray<unknown> => [
    ...Array.from({ length: 23 }, (_, i) => i),
    Number.NaN,
    "a",
    "b",
    "$c",
    { a: 1 },
    new Driver.ObjectId(),
    new Driver.ObjectId(),
    new Driver.UUID(),
    true,
    new Date(),
    null
  ]

  it.live("hands out every document once, whatever the types of their ids are, in batches of the size", () =>
    Effect.gen(function*() {
      const { commands, db, run } = yield* fixture
      const items = db.collection<Driver.Document>("items")
      yield* items.insertMany(mixed().map((_id) => ({ _id: _id as never, keep: true })))
      yield* items.insertOne({ keep: false })
      const sizes: Array<number> = []
      const seen: Array<unknown> = []
      const up = MongoMigrator.forEachBatch(
        { step: "all", collection: items, filter: { keep: true }, batchSize: 5 },
        (batch) =>
          Effect.sync(() => {
            sizes.push(batch.length)
            seen.push(...batch.map(({ _id }) => String(_id)))
          })
      )
      yield* run({ loader: record({ "1_a": up }) })
      assert.strictEqual(new Set(seen).size, mixed().length)
      assert.deepStrictEqual(sizes, [...Array.from({ length: 6 }, () => 5), 4])
      // No batch reads what the earlier ones have read.
      const finds = commands.flatMap(({ command, commandName }) =>
        commandName === "find" && command["find"] === "items" ? [command] : []
      )
      assert.strictEqual(finds.length, 8)
      for (const { filter } of finds) {
        const plan = yield* items.find(filter).sort({ _id: 1 }).limit(5).explain("executionStats")
        assert.isAtMost(plan.documentsExamined ?? Infinity, 6)
      }
    }))

  it.live("goes on after the last batch, and repeats at most that one", () =>
    Effect.gen(function*() {
      for (const transaction of [false, true]) {
        const { db, run, status } = yield* fixture
        const items = db.collection<{ _id: number; n: number }>("items")
        yield* items.insertMany(Array.from({ length: 25 }, (_, _id) => ({ _id, n: 0 })))
        let fails = true
        const up = MongoMigrator.forEachBatch(
          // Members that follow are not asked, even if the collection asks them.
          {
            step: "all",
            collection: items.withOptions({ readPreference: "secondary" }),
            batchSize: 10,
            transaction
          },
          (batch) =>
            Effect.andThen(
              items.updateMany({ _id: { $in: batch.map(({ _id }) => _id) } }, { $inc: { n: 1 } }),
              Effect.suspend(() => fails && batch[0]?._id === 10 ? Effect.fail("no") : Effect.void)
            )
        )
        const loader = record({ "1_a": up })
        yield* migrationError(run({ loader }))
        const [before] = (yield* status({ loader })).migrations
        assert.deepInclude(before?.steps[0], { name: "all", done: false, handled: 10 })
        fails = false
        yield* run({ loader })
        const [after] = (yield* status({ loader })).migrations
        assert.deepInclude(after?.steps[0], { name: "all", done: true, handled: 25 })
        assert.deepStrictEqual(
          (yield* items.find().sort({ _id: 1 })).map(({ n }) => n),
          Array.from({ length: 25 }, (_, i) => !transaction && i >= 10 && i < 20 ? 2 : 1)
        )
      }
    }))

  it.live("starts over with its transaction, if that is the migration's", () =>
    Effect.gen(function*() {
      const { db, run } = yield* fixture
      const items = db.collection<{ _id: number; n: number }>("items")
      yield* items.insertMany(Array.from({ length: 25 }, (_, _id) => ({ _id, n: 0 })))
      let attempts = 0
      const up = Effect.andThen(
        MongoMigrator.forEachBatch({ step: "all", collection: items, batchSize: 10 }, (batch) =>
          items.updateMany({ _id: { $in: batch.map(({ _id }) => _id) } }, { $inc: { n: 1 } })),
        // What the server says when a transaction has to run again.
        Effect.suspend(() =>
          ++attempts === 1
            ? Effect.fail(
              Integration.failure(MongoError.WriteConflictError, {
                operation: "updateMany",
                message: "it meets another write",
                labels: ["TransientTransactionError"]
              })
            )
            : Effect.void
        )
      )
      yield* run({ loader: record({ "1_a": MongoMigrator.migration(up, { transaction: true }) }) })
      assert.strictEqual(attempts, 2)
      assert.deepStrictEqual(yield* items.distinct("n"), [1])
    }))

  it.live("refuses ids that the settings of the collection take their order from", () =>
    Effect.gen(function*() {
      const { db, run } = yield* fixture
      yield* db.collection<{ _id: Driver.UUID }>("items").insertMany([{ _id: new Driver.UUID() }])
      const items = db.collection<{ _id: Uint8Array }>("items", { promoteBuffers: true })
      let batches = 0
      const up = MongoMigrator.forEachBatch({ step: "ids", collection: items }, () => Effect.sync(() => ++batches))
      const error = yield* migrationError(run({ loader: record({ "1_a": up }) }))
      assert.include(error.message, "withOptions({ promoteBuffers: false })")
      assert.strictEqual(batches, 0)
    }))

  it.live("refuses a size that is none", () =>
    Effect.gen(function*() {
      const { db, run } = yield* fixture
      const up = MongoMigrator.forEachBatch(
        { step: "all", collection: db.collection("items"), batchSize: 0 },
        () => Effect.void
      )
      const error = yield* migrationError(run({ loader: record({ "1_a": up }) }))
      assert(MongoError.isMongoError(error.cause))
      assert.strictEqual(error.cause.reason._tag, "InvalidArgumentError")
    }))
})

describe("loaders", () => {
  const folder = fileURLToPath(new URL("../support/migrations", import.meta.url))
  const unreadable = (method: string) => () => PlatformError.badArgument({ module: "FileSystem", method })
  const inNode = Effect.provide(Layer.merge(
    Path.layer,
    FileSystem.layerNoop({
      readDirectory: (path) => Effect.tryPromise({ try: () => Fs.readdir(path), catch: unreadable("readDirectory") }),
      readFileString: (path) =>
        Effect.tryPromise({ try: () => Fs.readFile(path, "utf8"), catch: unreadable("readFileString") })
    })
  ))

  it.live("find the files of a folder, and run their default exports", () =>
    Effect.gen(function*() {
      const { names, provide } = yield* fixture
      const options = { loader: MongoMigrator.fromFileSystem(folder) }
      const applied = yield* provide(inNode(MongoMigrator.run(options)))
      assert.deepStrictEqual(applied.map(({ id, name }) => [id, name]), [[1, "first"], [2, "second"]])
      assert.deepStrictEqual(yield* names, ["first", "second"])
      const { migrations } = yield* provide(inNode(MongoMigrator.status(options)))
      assert.deepStrictEqual(migrations.map(({ checksum }) => checksum), [undefined, "of the second"])
    }))

  it.live("compare the content of files, if they are told to", () =>
    Effect.gen(function*() {
      const { db, provide } = yield* fixture
      const options = { loader: MongoMigrator.fromFileSystem(folder, { checksum: "content" }) }
      yield* provide(inNode(MongoMigrator.run(options)))
      assert.deepStrictEqual(yield* provide(inNode(MongoMigrator.run(options))), [])
      yield* db.collection("mongofx_migrations").updateOne({ _id: "journal" as never }, {
        $set: { "migrations.2.checksum": "sha256:0" }
      })
      const error = yield* migrationError(provide(inNode(MongoMigrator.run(options))))
      assert.strictEqual(error.kind, "Changed")
      assert.deepStrictEqual(error.migrations, [{ id: 2, name: "second" }])
    }))

  it.live("fail with the folder, the module or the export that is wrong, before anything runs", () =>
    Effect.gen(function*() {
      const { names, provide, run } = yield* fixture
      const missing = yield* migrationError(
        provide(inNode(MongoMigrator.run({ loader: MongoMigrator.fromFileSystem("/nowhere") })))
      )
      assert.strictEqual(missing.kind, "BadState")
      assert.include(missing.message, "/nowhere")
      const good = () => Promise.resolve({ default: work("a") })
      const broken = yield* migrationError(run({
        loader: MongoMigrator.fromGlob<Services>({
          "./m/1_a.ts": good,
          "./m/2_b.js": () => Promise.reject(new SyntaxError("no"))
        })
      }))
      assert.strictEqual(broken.kind, "ImportError")
      assert.instanceOf(broken.cause, SyntaxError)
      const nothing = yield* migrationError(run({
        loader: MongoMigrator.fromGlob<Services>({ "./m/1_a.ts": good, "2_b.mts": () => Promise.resolve({ up: 1 }) })
      }))
      assert.strictEqual(nothing.kind, "ImportError")
      assert.include(nothing.message, "2_b")
      const twice = yield* migrationError(run({
        loader: MongoMigrator.fromGlob<Services>({ "./m/1_a.ts": good, "./m/01_b.ts": good })
      }))
      assert.strictEqual(twice.kind, "Duplicates")
      assert.deepStrictEqual(yield* names, [])
      yield* run({
        loader: MongoMigrator.fromGlob<Services>({
          "./m/1_a.ts": good,
          "./m/1_a.test.ts": () => Promise.reject(new Error("not one")),
          "./m/helper.ts": () => Promise.reject(new Error("not one"))
        })
      })
      assert.deepStrictEqual(yield* names, ["a"])
    }))
})

describe("layer", () => {
  it.live("is built when everything is applied, and fails with what failed", () =>
    Effect.gen(function*() {
      const { names, provide } = yield* fixture
      const built = (loader: MongoMigrator.Loader<Services>) =>
        provide(Effect.scoped(Layer.build(MongoMigrator.layer({ loader }))))
      yield* built(record({ "1_a": work("a") }))
      assert.deepStrictEqual(yield* names, ["a"])
      assert.strictEqual(
        (yield* migrationError(built(record({ "1_a": work("a"), "2_b": Effect.fail("no") })))).kind,
        "Failed"
      )
    }))
})
