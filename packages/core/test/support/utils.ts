import { Mongo, MongoClient, MongoDatabase, type MongoError } from "@mongofx/core"
import { CommandLog, FailPoint, MongoServer, MongoTest } from "@mongofx/testing"
import { Cause, Clock, Context, Effect, Exit, Fiber, Layer, Option, Random, Redacted, type Scope } from "effect"
import * as Driver from "mongodb"
import { randomUUID } from "node:crypto"

/** The server of the run: the global setup of vitest names it. */
export const uri = process.env["MONGODB_URI"]!

/** What `MongoTest` gives to a test, and what an outside client sees of it. */
export interface Fixture {
  readonly mongo: MongoClient.MongoClient
  /** A database of this test alone; it is dropped at the end. */
  readonly db: MongoDatabase.MongoDatabase
  /** The driver's client under `mongo`. */
  readonly driver: Driver.MongoClient
  /** A client that looks at the server from outside. */
  readonly admin: Driver.MongoClient
  /** What `mongo` has sent, in order. */
  readonly commands: CommandLog.CommandLog["events"]
  /** Forgets what was sent up to now. */
  readonly clear: () => void
  /** The names of the commands sent for this test's database. */
  readonly sent: () => Array<string>
  /** The last command of the name that was sent. */
  readonly last: (name: string) => Driver.Document
}

/** A client with its own app name and database, whose commands are logged. */
export const setup = (
  config: MongoTest.ClientConfig = {}
): Effect.Effect<Fixture, MongoError.MongoError, Scope.Scope> =>
  Effect.gen(function*() {
    const admin = yield* Effect.acquireRelease(
      Effect.promise(() => Driver.MongoClient.connect(uri)),
      (admin) => Effect.promise(() => admin.close())
    )
    const services = yield* Layer.build(
      MongoTest.layerWith({ ...config, driverOptions: { monitorCommands: true, ...config.driverOptions } })
    ).pipe(
      Effect.catchTag("MongoServerError", Effect.die)
    )
    const mongo = Context.get(services, MongoClient.MongoClient)
    const db = Context.get(services, MongoDatabase.MongoDatabase)
    const driver = yield* mongo.use(async (driver) => driver)
    const log = yield* Effect.provideService(CommandLog.make, MongoClient.MongoClient, mongo)
    const sent = () => log.names(db.name)
    const last = (name: string) =>
      Option.getOrThrowWith(log.last(name), () => new Error(`no ${name} was sent, but ${sent()}`))
    return { mongo, db, driver, admin, commands: log.events, clear: log.clear, sent, last }
  })

/** Operations and cursors on the test's database that the server still has. */
export const leftOnServer = ({ admin, db }: Fixture): Effect.Effect<Array<Driver.Document>> =>
  Effect.promise(() =>
    admin.db("admin").aggregate([
      { $currentOp: { allUsers: true, idleCursors: true } },
      { $match: { $or: [{ ns: { $regex: `^${db.name}[.]` } }, { "command.$db": db.name }] } }
    ]).toArray()
  )

/** Waits until a condition holds, and dies with its name if it does not in time (milliseconds). */
export const until = (
  what: string | (() => string),
  condition: () => boolean | Promise<boolean>,
  timeout = 5000
): Effect.Effect<void> =>
  Effect.promise(async () => {
    const deadline = Date.now() + timeout
    while (!(await condition())) {
      if (Date.now() > deadline) throw new Error(`waited in vain: ${typeof what === "string" ? what : what()}`)
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
  })

/** Waits until the server has no operation and no cursor of the test left. */
export const nothingLeft = (fixture: Fixture): Effect.Effect<void> =>
  Effect.suspend(() => {
    let left: ReadonlyArray<Driver.Document> = []
    return until(
      () => `nothing left on the server, but there is ${JSON.stringify(left)}`,
      async () => {
        left = await Effect.runPromise(leftOnServer(fixture))
        return left.length === 0
      }
    )
  })

/** Sets a fail point on commands of the fixture's client for the time of the scope. */
export const failCommand = (
  { db }: Fixture,
  mode: FailPoint.Mode,
  data: Driver.Document
): Effect.Effect<void, MongoError.MongoError, Scope.Scope> =>
  FailPoint.make("failCommand", { mode, data: { appName: db.name, ...data } }).pipe(
    Effect.provideService(MongoServer.MongoServer, { uri: Redacted.make(uri), source: "uri" })
  )

/** Waits for servers by the clock of the test: for tests of the waiting itself. */
export const waitingByTestClock = <A, E, R>(self: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.flatMap(Clock.Clock, (clock) => Effect.provideService(self, Mongo.CurrentServerClock, clock))

/** Measures by the real clock, under `TestClock` too: for tests of durations that are measured by the clock of the fiber. */
export const measuringRealTime = <A, E, R>(self: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.provideService(self, Clock.Clock, Clock.Clock.defaultValue())

/** Runs a random test with `Random` of a seed, which is printed when the test fails and which `TEST_SEED` sets. */
export const seeded = <A, E, R>(self: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.suspend(() => {
    const seed = process.env["TEST_SEED"] ?? randomUUID()
    return Random.withSeed(self, seed).pipe(
      Effect.onError(() => Effect.sync(() => process.stderr.write(`failed with TEST_SEED=${seed}\n`)))
    )
  })

/** How long an effect takes: milliseconds. */
export const timed = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<readonly [A, number], E, R> =>
  Effect.suspend(() => {
    const start = performance.now()
    return Effect.map(effect, (value) => [value, performance.now() - start] as const)
  })

/** Interrupts a fiber and says how long that took: milliseconds. */
export const interrupt = (fiber: Fiber.Fiber<unknown, unknown>): Effect.Effect<number> =>
  Effect.map(timed(Fiber.interrupt(fiber)), ([, elapsed]) => elapsed)

/** The reason of the failure of an effect that must fail with a `MongoError`. */
export const reasonOf = <A, R>(
  effect: Effect.Effect<A, MongoError.MongoError, R>
): Effect.Effect<MongoError.MongoErrorReason, never, R> =>
  Effect.map(Effect.exit(effect), (exit) => {
    if (Exit.isSuccess(exit)) throw new Error(`succeeded with ${JSON.stringify(exit.value)}`)
    const error = Cause.findErrorOption(exit.cause)
    if (Option.isNone(error)) throw new Error(`failed with a defect: ${Cause.pretty(exit.cause)}`)
    return error.value.reason
  })
