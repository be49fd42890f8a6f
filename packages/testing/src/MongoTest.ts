/**
 * A database for each test, on one server for all of them.
 *
 * @since 0.1.0
 */
import {
  MongoClient,
  type MongoClientConfig,
  MongoDatabase,
  type MongoError,
  type Query,
  type QueryPlan
} from "@mongofx/core"
import * as Arbitrary from "effect/Arbitrary"
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Random from "effect/Random"
import * as Schema from "effect/Schema"
import * as Scope from "effect/Scope"
import type * as Types from "effect/Types"
import type * as Driver from "mongodb"
import { randomUUID } from "node:crypto"
import { Lanes } from "./internal/baseline/lanes.ts"
import { check, type CheckSettings } from "./internal/commands/check.ts"
import type * as Program from "./internal/commands/program.ts"
import { report } from "./internal/commands/report.ts"
import { leftOnServer, lookAtServer } from "./internal/leaks.ts"
import { openSessions } from "./internal/openSessions.ts"
import { problemsOf } from "./internal/plans.ts"
import { arbitraryOf, checkProperty, messageOf } from "./internal/property.ts"
import { sharedServer } from "./internal/sharedServer.ts"
import { MongoServer, type MongoServerError } from "./MongoServer.ts"

/**
 * The services that a test has to itself.
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export type Services = MongoServer | MongoClient.MongoClient | MongoDatabase.MongoDatabase

/**
 * Settings of the client of a test: those of `MongoClient.make` without the address and the name.
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export type ClientConfig = Omit<MongoClientConfig.MongoClientConfig, "url" | "appName">

const uniqueName = () => `mongofx_${randomUUID().replaceAll("-", "").slice(0, 16)}`

/** The server of the context, if a test has one of its own. */
const serverOfTest: Effect.Effect<MongoServer, MongoServerError> = Effect.flatMap(
  Effect.serviceOption(MongoServer),
  Option.match({ onNone: () => sharedServer, onSome: Effect.succeed })
)

const services = (
  config: ClientConfig | undefined,
  name: string
): Effect.Effect<Context.Context<Services>, MongoServerError | MongoError.MongoError, Scope.Scope> =>
  Effect.gen(function*() {
    const server = yield* serverOfTest
    const look = yield* lookAtServer(server)
    // The other client drops the database after the test's own has closed, and with it every transaction that it left open.
    yield* Effect.addFinalizer(() => Effect.promise(() => look.drop(name)))
    const mongo = yield* MongoClient.make({ ...config, url: server.uri, appName: name })
    return Context.make(MongoServer, server).pipe(
      Context.add(MongoClient.MongoClient, mongo),
      Context.add(MongoDatabase.MongoDatabase, mongo.db(name))
    )
  })

/**
 * Supplies the same as `layer`, with settings for the client.
 *
 * **Example** (A pool of one connection)
 *
 * ```ts
 * import { MongoTest } from "@mongofx/testing"
 *
 * const Test = MongoTest.layerWith({ maxPoolSize: 1 })
 * ```
 *
 * @see {@link layer} for a client with the default settings
 *
 * @stability unstable
 * @category layers
 * @since 0.1.0
 */
export const layerWith = (
  config: ClientConfig
): Layer.Layer<Services, MongoServerError | MongoError.MongoError> =>
  Layer.effectContext(Effect.suspend(() => services(config, uniqueName())))

/**
 * Supplies a test with its own client and its own empty database, which it drops when the layer ends.
 *
 * **When to use**
 *
 * Provide it to each test, or to a group of tests that share a database.
 *
 * **Details**
 *
 * The server is the one that `MongoServer.layer` finds. It starts once for a process, or once for a whole run of vitest if
 * the configuration names `@mongofx/testing/VitestGlobalSetup` as `globalSetup`. If the context has a `MongoServer`, such as a
 * replica set of `MongoServer.layerReplicaSet`, it is that one: `Layer.provide(MongoTest.layer, servers)`. The client's `appName` and the database have
 * the same random name, so that tests run side by side and `FailPoint` strikes only one test. Everything works under
 * `TestClock`.
 *
 * Without a majority of its members a server cannot drop a database. After about ten seconds the layer leaves it there, and prints that.
 *
 * Fails with a `MongoServerError` without a server, and with a `MongoError` when the client cannot connect.
 *
 * **Example** (A test)
 *
 * ```ts
 * import { assert, it } from "@effect/vitest"
 * import { MongoDatabase } from "@mongofx/core"
 * import { MongoTest } from "@mongofx/testing"
 * import { Effect } from "effect"
 *
 * it.effect("counts", () =>
 *   Effect.gen(function*() {
 *     const db = yield* MongoDatabase.MongoDatabase
 *     yield* db.collection("users").insertOne({ name: "Ada" })
 *     assert.strictEqual(yield* db.collection("users").countDocuments(), 1)
 *   }).pipe(Effect.provide(MongoTest.layer)))
 * ```
 *
 * @see {@link layerWith} for settings of the client
 * @see {@link noLeaks} for the same with a check that the test leaves nothing behind
 *
 * @stability unstable
 * @category layers
 * @since 0.1.0
 */
export const layer: Layer.Layer<Services, MongoServerError | MongoError.MongoError> = layerWith({})

/**
 * Says what a test has left on the server or in the client.
 *
 * **Example** (Only warning of leaks)
 *
 * ```ts
 * import { MongoTest } from "@mongofx/testing"
 * import { Console, Effect } from "effect"
 *
 * const program = MongoTest.noLeaks(Effect.void).pipe(
 *   Effect.catchTag("LeakError", (error) => Console.warn(error.message))
 * )
 * ```
 *
 * @stability unstable
 * @category errors
 * @since 0.1.0
 */
export class LeakError extends Schema.TaggedError<LeakError>("@mongofx/testing/LeakError")("LeakError", {
  /** What the test has left, one line each. */
  leaks: Schema.Array(Schema.String),
  /** All of these lines in one text. */
  message: Schema.String
}) {}

const leakError = (leaks: ReadonlyArray<string>) =>
  new LeakError({
    leaks,
    message: `${leaks.length} left open or running, close or end them in the test:\n  ${leaks.join("\n  ")}`
  })

const driverOf = (mongo: MongoClient.MongoClient): Effect.Effect<Driver.MongoClient, MongoError.MongoError> =>
  mongo.use(async (driver) => driver)

/**
 * Fails with a `LeakError` when the client of the test has left something on the server so far: a cursor, a session, a transaction
 * or a running operation.
 *
 * **When to use**
 *
 * Use it in the middle of a test, after an interruption for instance. `noLeaks` checks the end of a test, and connections too.
 *
 * **Details**
 *
 * It checks the client and the database that `layer` supplies, on all members of a replica set or a sharded cluster. It waits up to two seconds for operations to end, since an interrupted
 * operation ends on the server a little later.
 *
 * **Gotchas**
 *
 * Everything that the test still uses counts too, such as a session or a change stream whose scope is open.
 *
 * **Example** (After an interruption)
 *
 * ```ts
 * import { it } from "@effect/vitest"
 * import { MongoDatabase } from "@mongofx/core"
 * import { MongoTest } from "@mongofx/testing"
 * import { Effect, Fiber } from "effect"
 *
 * it.effect("ends on the server too", () =>
 *   Effect.gen(function*() {
 *     const db = yield* MongoDatabase.MongoDatabase
 *     const fiber = yield* Effect.forkChild(db.collection("users").find({}))
 *     yield* Fiber.interrupt(fiber)
 *     yield* MongoTest.nothingLeft
 *   }).pipe(Effect.provide(MongoTest.layer)))
 * ```
 *
 * @see {@link noLeaks} for the same check at the end of a test
 *
 * @stability unstable
 * @category combinators
 * @since 0.1.0
 */
export const nothingLeft: Effect.Effect<void, LeakError | MongoError.MongoError, Services> = Effect.scoped(
  Effect.gen(function*() {
    const look = yield* lookAtServer(yield* MongoServer)
    const driver = yield* driverOf(yield* MongoClient.MongoClient)
    const { name } = yield* MongoDatabase.MongoDatabase
    const left = yield* leftOnServer(look, name, "inUse", () => openSessions(driver))
    if (left.length > 0) return yield* leakError(left)
  })
)

/**
 * Runs a test as with `layer`, and fails with a `LeakError` when the test leaves anything behind: a cursor, a session, a transaction or a
 * running operation at its end, or a connection after its client has closed.
 *
 * **Details**
 *
 * It looks at all members of a replica set or a sharded cluster that answer. It waits up to two seconds for leaks to end, since an interrupted
 * operation ends on the server a little later. A test that fails keeps its own failure.
 *
 * **Example** (A stream that is not read to its end)
 *
 * ```ts
 * import { it } from "@effect/vitest"
 * import { MongoDatabase } from "@mongofx/core"
 * import { MongoTest } from "@mongofx/testing"
 * import { Effect, Stream } from "effect"
 *
 * it.effect("takes two", () =>
 *   Effect.gen(function*() {
 *     const db = yield* MongoDatabase.MongoDatabase
 *     yield* db.collection("users").find().batchSize(1).stream.pipe(Stream.take(2), Stream.runDrain)
 *   }).pipe(MongoTest.noLeaks))
 * ```
 *
 * @see {@link nothingLeft} for the same check in the middle of a test
 * @see {@link layer} for tests without the check
 *
 * @stability unstable
 * @category combinators
 * @since 0.1.0
 */
export const noLeaks = <A, E, R>(
  self: Effect.Effect<A, E, R>
): Effect.Effect<A, E | LeakError | MongoServerError | MongoError.MongoError, Exclude<R, Services>> =>
  Effect.scoped(Effect.gen(function*() {
    const name = uniqueName()
    const server = yield* serverOfTest
    const look = yield* lookAtServer(server)
    const scope = yield* Effect.acquireRelease(Scope.make(), (scope, exit) => Scope.close(scope, exit))
    const context = yield* Scope.provide(services({}, name), scope)
    const value = yield* Effect.provideContext(self, context)
    const driver = yield* driverOf(Context.get(context, MongoClient.MongoClient))
    const inUse = yield* leftOnServer(look, name, "inUse", () => openSessions(driver))
    yield* Scope.close(scope, Exit.void)
    const connections = yield* leftOnServer(look, name, "connections", () => [])
    const leaks = [...inUse, ...connections]
    return leaks.length === 0 ? value : yield* leakError(leaks)
  })) as Effect.Effect<A, E | LeakError | MongoServerError | MongoError.MongoError, Exclude<R, Services>>

/**
 * The plan of a query is not one that its test wants: `plan` is the plan, and the message draws it.
 *
 * **Example** (Only warning of slow queries)
 *
 * ```ts
 * import type { MongoDatabase } from "@mongofx/core"
 * import { MongoTest } from "@mongofx/testing"
 * import { Console, Effect } from "effect"
 *
 * const check = (db: MongoDatabase.MongoDatabase) =>
 *   MongoTest.usesIndex(db.collection("users").find({ name: "Ada" })).pipe(
 *     Effect.catchTag("PlanError", (error) => Console.warn(error.message))
 *   )
 * ```
 *
 * @see {@link usesIndex} for the check
 *
 * @stability unstable
 * @category errors
 * @since 0.1.0
 */
export class PlanError extends Data.TaggedError("PlanError")<{
  /** What is wrong, one line each. */
  readonly problems: ReadonlyArray<string>
  /** The plan that the server chose. */
  readonly plan: QueryPlan.QueryPlan
  /** The problems and the plan, drawn as a tree. */
  readonly message: string
}> {}

/**
 * What `usesIndex` allows.
 *
 * @see {@link usesIndex} for the check
 *
 * @stability unstable
 * @category options
 * @since 0.1.0
 */
export interface UsesIndexOptions {
  /** Whether the query may sort in memory, as after a `$group`. Default: `false`. */
  readonly allowSort?: boolean
  /** How many keys of indexes the server may examine for each result. Without it, any number. */
  readonly maxKeysPerResult?: number
}

/**
 * Runs a query with `explain`, and fails with a `PlanError` when the server scans a collection, sorts in memory, or examines more keys
 * than you allow. Otherwise it gives the plan. The message has the plan, drawn as a tree.
 *
 * **When to use**
 *
 * Use it in tests of the queries that must stay fast: it fails when an index is lost, or a filter changes so that no index fits.
 *
 * **Details**
 *
 * It takes queries of `find` and `aggregate`, typed ones and pipelines too. The server executes the query to explain it, so the
 * keys are counted on the documents of the test.
 *
 * **Gotchas**
 *
 * A query of a collection that does not exist fails: nothing is known about it. The server does not say how `$graphLookup` searches.
 *
 * **Example** (The newest orders of a customer)
 *
 * ```ts
 * import { it } from "@effect/vitest"
 * import { MongoDatabase } from "@mongofx/core"
 * import { MongoTest } from "@mongofx/testing"
 * import { Effect } from "effect"
 *
 * it.effect("finds the newest orders by an index", () =>
 *   Effect.gen(function*() {
 *     const db = yield* MongoDatabase.MongoDatabase
 *     const orders = db.collection("orders")
 *     yield* orders.createIndex({ customer: 1, placed: -1 })
 *     yield* MongoTest.usesIndex(orders.find({ customer: 1 }).sort({ placed: -1 }), { maxKeysPerResult: 1 })
 *   }).pipe(Effect.provide(MongoTest.layer)))
 * ```
 *
 * @see {@link PlanError} for the failure
 *
 * @stability unstable
 * @category combinators
 * @since 0.1.0
 */
export const usesIndex = <E, R>(
  query: Query.Explainable<E, R>,
  options: UsesIndexOptions = {}
): Effect.Effect<QueryPlan.QueryPlan, E | PlanError, R> =>
  Effect.flatMap(query.explain("executionStats"), (plan) => {
    const problems = problemsOf(plan, options)
    return problems.length === 0 ? Effect.succeed(plan) : Effect.fail(
      new PlanError({
        problems,
        plan,
        message: `The plan of the query is not as it should be:\n  ${problems.join("\n  ")}\n${plan}`
      })
    )
  })

/**
 * Databases that are alike, and to whose state every run returns: the baseline.
 *
 * **Example** (How many runs go at the same time)
 *
 * ```ts
 * import { MongoTest } from "@mongofx/testing"
 * import { Effect } from "effect"
 *
 * const lanes = Effect.map(MongoTest.Baseline, ({ lanes }) => lanes)
 * ```
 *
 * @stability unstable
 * @category services
 * @since 0.1.0
 */
export interface Baseline {
  /** How many isolated runs go at the same time. */
  readonly lanes: number
}

/**
 * The service that `baseline` supplies, and that `isolated`, `prop` and `reset` use.
 *
 * **Example** (How many runs go at the same time)
 *
 * ```ts
 * import { MongoTest } from "@mongofx/testing"
 * import { Effect } from "effect"
 *
 * const lanes = Effect.map(MongoTest.Baseline, ({ lanes }) => lanes)
 * ```
 *
 * @stability unstable
 * @category services
 * @since 0.1.0
 */
export const Baseline: Context.Service<Baseline, Baseline> = Context.Service<Baseline>(
  "@mongofx/testing/MongoTest/Baseline"
)

/**
 * Says that a database cannot be recorded as a baseline, or cannot be brought back to it.
 *
 * **Example** (Saying why)
 *
 * ```ts
 * import { MongoTest } from "@mongofx/testing"
 * import { Console, Effect } from "effect"
 *
 * const program = MongoTest.isolated(Effect.void).pipe(
 *   Effect.catchTag("BaselineError", (error) => Console.log(error.message))
 * )
 * ```
 *
 * @stability unstable
 * @category errors
 * @since 0.1.0
 */
export class BaselineError
  extends Schema.TaggedError<BaselineError>("@mongofx/testing/BaselineError")("BaselineError", {
    /** What is wrong, and what to do. */
    message: Schema.String
  })
{}

/**
 * Settings of a baseline.
 *
 * @stability unstable
 * @category options
 * @since 0.1.0
 */
export interface BaselineOptions {
  /** How many runs may go at the same time, each on a database of its own: 1 by default. */
  readonly lanes?: number | undefined
  /** How many documents the baseline may have: 10,000 by default. Each reset inserts them again. */
  readonly maxFixtures?: number | undefined
  /** Settings of the clients that runs use. */
  readonly client?: ClientConfig | undefined
}

/**
 * Makes a baseline: runs an effect that fills an empty database, and records what is in it then.
 *
 * **When to use**
 *
 * Provide it to a group of tests whose runs begin with the same collections, indexes and documents, and run each with `isolated` or `prop`.
 * A reset takes about a millisecond, while a new database with three collections takes twenty.
 *
 * **Details**
 *
 * The effect has the services of `layer`, and a `Scope`. It runs once. What it leaves is the baseline: collections with their options,
 * validators and indexes, views, capped and clustered collections, time series, and documents. Other databases of the baseline are made
 * after this record when a run needs them, so that they are alike, down to the `_id` of each document. Their names begin alike, and
 * all of them are dropped when the layer ends.
 *
 * Fails with the error of the effect, with a `BaselineError` when the database has too many documents, and like `layer`.
 *
 * **Gotchas**
 *
 * Only the database is reset: not other databases, users, roles, or parameters of the server.
 *
 * **Example** (Tests of transfers)
 *
 * ```ts
 * import { assert, layer } from "@effect/vitest"
 * import { MongoDatabase } from "@mongofx/core"
 * import { MongoTest } from "@mongofx/testing"
 * import { Effect } from "effect"
 *
 * const Baseline = MongoTest.baseline(Effect.gen(function*() {
 *   const db = yield* MongoDatabase.MongoDatabase
 *   yield* db.collection("accounts").createIndex({ owner: 1 }, { unique: true })
 *   yield* db.collection("accounts").insertOne({ owner: "Ada", balance: 100 })
 * }))
 *
 * layer(Baseline)("accounts", (it) => {
 *   it.effect("begin with one", () =>
 *     MongoTest.isolated(Effect.gen(function*() {
 *       const db = yield* MongoDatabase.MongoDatabase
 *       assert.strictEqual(yield* db.collection("accounts").countDocuments(), 1)
 *     })))
 * })
 * ```
 *
 * @see {@link isolated} for one run on it
 * @see {@link layer} for an empty database for each test
 *
 * @stability unstable
 * @category layers
 * @since 0.1.0
 */
export const baseline = <A, E, R>(
  effect: Effect.Effect<A, E, R>,
  options: BaselineOptions = {}
): Layer.Layer<
  Baseline,
  E | BaselineError | MongoServerError | MongoError.MongoError,
  Exclude<R, Services | Scope.Scope>
> =>
  Layer.effect(
    Baseline,
    Effect.gen(function*() {
      const { client = {}, lanes = 1, maxFixtures = 10_000 } = options
      if (!Number.isSafeInteger(lanes) || lanes < 1) {
        return yield* new BaselineError({ message: `options.lanes is ${lanes}: pass a whole number above zero` })
      }
      const server = yield* serverOfTest
      const outside = yield* MongoClient.make({ url: server.uri, appName: "mongofx-test" })
      const failure = (message: string) => new BaselineError({ message })
      const settings = { server, outside, prefix: uniqueName(), config: client, count: lanes, failure }
      return yield* Lanes.make(settings, Effect.scoped(effect), maxFixtures)
    })
  ) as Layer.Layer<
    Baseline,
    E | BaselineError | MongoServerError | MongoError.MongoError,
    Exclude<R, Services | Scope.Scope>
  >

const lanesOf: Effect.Effect<Lanes, never, Baseline> = Effect.map(Baseline, (baseline) => baseline as Lanes)

/**
 * Runs an effect on a database that is as the baseline says, and that no other run uses meanwhile.
 *
 * **When to use**
 *
 * Use it for each test, or for each run of a property of your own. `prop` does so by itself.
 *
 * **Details**
 *
 * The run has the services of `layer` and a `Scope`. It waits for a database of the baseline to be free. The reset, as `reset` describes
 * it, begins when the run before is over, and also ends the sessions and cursors that this one has left. After ten runs there is one
 * database more than lanes, so that it is reset while a run uses another. The run's scope and the fibers that it has
 * forked end with the run, however it ends. If operations are still under way a quarter of a second later, or if the run has lost or given up connections, as by an interruption, its database
 * is dropped. The next run gets a new one that is like it. So nothing of a run reaches another.
 *
 * Fails with the error of the effect, with a `BaselineError` when the baseline cannot be made again, and with a `MongoError` when the server
 * does not answer. A reset that has failed between two runs is tried once more for the next one. When the layer ends, a run that waits for
 * the reset of its database is interrupted.
 *
 * **Gotchas**
 *
 * - A run that makes a client of its own closes it by itself.
 * - A run within another one of the same baseline fails with a `BaselineError`: it could wait for itself. Use `reset` within a run.
 *
 * **Example** (A test on one of eight databases)
 *
 * ```ts
 * import { MongoDatabase } from "@mongofx/core"
 * import { MongoTest } from "@mongofx/testing"
 * import { Effect } from "effect"
 *
 * const Baseline = MongoTest.baseline(Effect.void, { lanes: 8 })
 *
 * const run = MongoTest.isolated(Effect.gen(function*() {
 *   const db = yield* MongoDatabase.MongoDatabase
 *   yield* db.collection("items").insertOne({ a: 1 })
 * }))
 *
 * const program = Effect.all(Array.from({ length: 100 }, () => run), { concurrency: 8 }).pipe(
 *   Effect.provide(Baseline)
 * )
 * ```
 *
 * @see {@link prop} for a property with many runs
 * @see {@link baseline} for what a run begins with
 *
 * @stability unstable
 * @category combinators
 * @since 0.1.0
 */
export const isolated = <A, E, R>(
  effect: Effect.Effect<A, E, R>
): Effect.Effect<A, E | BaselineError | MongoError.MongoError, Exclude<R, Services | Scope.Scope> | Baseline> =>
  Effect.flatMap(lanesOf, (lanes) => lanes.isolated(Effect.scoped(effect))) as Effect.Effect<
    A,
    E | BaselineError | MongoError.MongoError,
    Exclude<R, Services | Scope.Scope> | Baseline
  >

/**
 * Brings the database of an isolated run back to the baseline, in the middle of the run.
 *
 * **When to use**
 *
 * Use it where one run tries several things from the same beginning. Each isolated run begins with a reset by itself.
 *
 * **Details**
 *
 * It ends the transactions of the run's client that are open. One command empties all collections and inserts
 * the documents of the baseline. Another, at the same time, reads the server's catalog. Only if the catalog has changed, the changes are
 * undone: new collections and views are dropped, renamed collections get their names again, missing ones and those with other options or
 * validators are made again, and so are indexes. If a transaction of another client keeps the database from changing, it is ended as well.
 *
 * Fails with a `BaselineError` when the database is not one of the baseline, or cannot be brought back to it, and with a `MongoError` when the
 * server does not answer.
 *
 * **Gotchas**
 *
 * - An index on arrays stays a multikey index. Only plans of queries show it.
 * - Operations that the run has started and not awaited may come after the reset.
 * - A change stream sees the deletions and insertions of a reset as those of anybody else.
 *
 * **Example** (Two ways from the same beginning)
 *
 * ```ts
 * import { MongoDatabase } from "@mongofx/core"
 * import { MongoTest } from "@mongofx/testing"
 * import { Effect } from "effect"
 *
 * const run = MongoTest.isolated(Effect.gen(function*() {
 *   const db = yield* MongoDatabase.MongoDatabase
 *   yield* db.collection("items").insertOne({ _id: 1 as never })
 *   yield* MongoTest.reset
 *   yield* db.collection("items").insertOne({ _id: 1 as never })
 * }))
 * ```
 *
 * @see {@link isolated} for a run that begins with a reset
 *
 * @stability unstable
 * @category combinators
 * @since 0.1.0
 */
export const reset: Effect.Effect<
  void,
  BaselineError | MongoError.MongoError,
  Baseline | MongoDatabase.MongoDatabase
> = Effect.gen(function*() {
  const lanes = yield* lanesOf
  yield* lanes.reset((yield* MongoDatabase.MongoDatabase).name)
})

/**
 * What a property is checked with: schemas and arbitraries, in an array or by name.
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export type Inputs =
  | ReadonlyArray<Schema.Constraint | Arbitrary.Arbitrary<unknown>>
  | { readonly [name: string]: Schema.Constraint | Arbitrary.Arbitrary<unknown> }

/**
 * The values that a property gets for its inputs.
 *
 * @stability unstable
 * @category utility types
 * @since 0.1.0
 */
export type Values<I extends Inputs> = {
  -readonly [K in keyof I]: I[K] extends Arbitrary.Arbitrary<infer A> ? A
    : I[K] extends { readonly Type: infer A } ? A
    : never
}

/**
 * Says that a property is false, and shows the smallest input that was found, with all that repeats it.
 *
 * **Example** (The input alone)
 *
 * ```ts
 * import { MongoTest } from "@mongofx/testing"
 * import { Console, Effect, Schema } from "effect"
 *
 * const program = MongoTest.prop([Schema.Int], ([n]) => Effect.succeed(n < 5)).pipe(
 *   Effect.catchTag("PropertyError", (error) => Console.log(error.input))
 * )
 * ```
 *
 * @stability unstable
 * @category errors
 * @since 0.1.0
 */
export class PropertyError
  extends Schema.TaggedError<PropertyError>("@mongofx/testing/PropertyError")("PropertyError", {
    /** The input, the failure, the documents and the token that repeats it, in one text. */
    message: Schema.String,
    /** The smallest input that fails; nothing if no input was found that does. */
    input: Schema.Unknown,
    /** The token for the option `replay`. */
    replay: Schema.optional(Schema.String),
    /** The documents that the run with this input has left, as Extended JSON: a line for each, under the name of its collection. */
    documents: Schema.Array(Schema.String),
    /** What the property failed with; nothing if it returned `false`. */
    cause: Schema.optional(Schema.Defect())
  })
{}

/**
 * Checks a property with random inputs, each on a database that is as the baseline says.
 *
 * **When to use**
 *
 * Use it in `it.effect` for properties of code that uses the database. It is what `it.effect.prop` of `@effect/vitest` is for code without one.
 *
 * **Details**
 *
 * Each run, and each attempt at a smaller input, is `isolated`: it begins with a reset, and has the services of `layer` and a `Scope`. As many
 * runs as the baseline has lanes go at the same time, unless `concurrency` says otherwise. The result is the same for every number of
 * them. The property is false if it returns `false`, fails or dies. The options are those of `Arbitrary.checkEffect`: `runs` (100 by
 * default), `seed`, `size`, `replay` and so on.
 *
 * Fails with a `PropertyError` when the property is false. Its message has the seed, the smallest input, what the property failed with, the
 * documents of the database after that run as Extended JSON (20 of each collection, 8,000 characters), and an option to paste that repeats
 * it. Its `cause` is the failure, with stack and causes. Fails with
 * a `BaselineError` or a `MongoError` when a reset fails; that does not count against the property.
 *
 * **Gotchas**
 *
 * When the time limit of the test interrupts the property, a warning in the log names the inputs that it ran with.
 *
 * **Example** (A transfer keeps the total)
 *
 * ```ts
 * import { layer } from "@effect/vitest"
 * import { MongoDatabase } from "@mongofx/core"
 * import { MongoTest } from "@mongofx/testing"
 * import { Effect, Schema } from "effect"
 *
 * interface Account {
 *   readonly _id: string
 *   readonly balance: number
 * }
 *
 * const accounts = Effect.map(MongoDatabase.MongoDatabase, (db) => db.collection<Account>("accounts"))
 *
 * const Accounts = MongoTest.baseline(
 *   Effect.flatMap(accounts, (accounts) =>
 *     accounts.insertMany([{ _id: "a", balance: 100 }, { _id: "b", balance: 100 }])),
 *   { lanes: 4 }
 * )
 *
 * layer(Accounts)("a transfer", (it) => {
 *   it.effect("keeps the total", () =>
 *     MongoTest.prop({ amount: Schema.Int }, ({ amount }) =>
 *       Effect.gen(function*() {
 *         const all = yield* accounts
 *         yield* all.updateOne({ _id: "a" }, { $inc: { balance: -amount } })
 *         yield* all.updateOne({ _id: "b" }, { $inc: { balance: amount } })
 *         const [a, b] = yield* all.find({})
 *         return a!.balance + b!.balance === 200
 *       }), { runs: 1000 }), 60_000)
 * })
 * ```
 *
 * @see {@link isolated} for a single run
 * @see {@link baseline} for what each run begins with
 *
 * @stability unstable
 * @category combinators
 * @since 0.1.0
 */
export const prop = <const I extends Inputs, A, E, R>(
  inputs: I,
  property: (values: Values<I>) => Effect.Effect<A, E, R>,
  options: Arbitrary.CheckOptions = {}
): Effect.Effect<
  void,
  PropertyError | BaselineError | MongoError.MongoError,
  Exclude<R, Services | Scope.Scope> | Baseline
> =>
  Effect.gen(function*() {
    const lanes = yield* lanesOf
    const failed = yield* checkProperty(
      lanes,
      arbitraryOf(inputs),
      (values) => Effect.scoped(property(values as Values<I>)),
      options
    )
    if (failed === undefined) return
    const message = messageOf(failed)
    if ("message" in failed) return yield* new PropertyError({ message, input: undefined, documents: [] })
    const { cause, documents, input, replay } = failed
    return yield* new PropertyError({
      message,
      input,
      replay,
      documents,
      cause: cause === undefined ? undefined : Cause.squash(cause)
    })
  }) as Effect.Effect<
    void,
    PropertyError | BaselineError | MongoError.MongoError,
    Exclude<R, Services | Scope.Scope> | Baseline
  >

// ---- models

/**
 * What a model says about a command: the model after it, and the result that the command must have.
 *
 * **Details**
 *
 * The result is an `Exit`, which is compared with `Equal`, or a test of the result: for errors of which only the tag matters, for
 * instance. A typed failure is a result like any other.
 *
 * @see {@link CommandOptions} for what has it
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface Step<Model, A, E> {
  /** The model after the command; a new value, never the old one changed. */
  readonly model: Model
  /** The result of the command, or a test of it. */
  readonly result: Exit.Exit<A, E> | ((result: Exit.Exit<A, E>) => boolean)
}

/**
 * What makes the arguments of a command.
 *
 * @see {@link CommandOptions} for what has it
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export type Arguments<Args> = Schema.Schema<Args> | Arbitrary.Arbitrary<Args>

/**
 * The parts of a command.
 *
 * @see {@link command} for how to make one
 * @stability unstable
 * @category options
 * @since 0.1.0
 */
export interface CommandOptions<Model, Args, A, E, R> {
  /** Makes the arguments, from the model if they depend on it. Without it the command has no arguments. */
  readonly arguments?: Arguments<Args> | ((model: Model) => Arguments<Args>) | undefined
  /** Whether the command may run. Among commands that run at the same time it must hold in every order of them. */
  readonly when?: ((model: Model, args: Args) => boolean) | undefined
  /** Runs the command against the program under test. */
  readonly run: (args: Args) => Effect.Effect<A, E, R>
  /** The model after the command, and the result that it must have. It has no effects and changes nothing. */
  readonly next: (model: Model, args: Args) => Step<Model, A, E>
}

/**
 * A command of `commands`, for a model of type `Model`. It needs the services `R`.
 *
 * @see {@link command} for how to make one
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface Command<in out Model, out R> {
  /** The types of the model and of the services. */
  readonly "~@mongofx/testing/Command": {
    readonly _Model: Types.Invariant<Model>
    readonly _R: Types.Covariant<R>
  }
}

/** What `command` has made of its options: the types of the parts are only known there. */
const parts = new WeakMap<object, unknown>()

const partsOf = <Model, R>(command: object) =>
  parts.get(command) as Program.Command<Model, unknown, unknown, unknown, R>

const noArguments = Arbitrary.Constant(undefined)

/**
 * Makes a command: an operation of the program under test, and what a model says about it.
 *
 * **Details**
 *
 * Say the type of the model in `next`; the other types follow. Let few arguments stand for the same thing: commands whose ids are three
 * letters meet each other, commands whose ids are random never do.
 *
 * **Example** (A command that may fail)
 *
 * ```ts
 * import { MongoDatabase } from "@mongofx/core"
 * import { MongoTest } from "@mongofx/testing"
 * import { Effect, Exit, Schema } from "effect"
 *
 * type Names = ReadonlySet<string>
 *
 * const take = MongoTest.command({
 *   arguments: Schema.Literals(["ada", "grace"]),
 *   run: (name) =>
 *     Effect.gen(function*() {
 *       const names = (yield* MongoDatabase.MongoDatabase).collection<{ _id: string }>("names")
 *       yield* names.insertOne({ _id: name })
 *     }).pipe(Effect.catchReason("MongoError", "DuplicateKeyError", () => Effect.fail("taken"))),
 *   next: (names: Names, name) => ({
 *     model: new Set([...names, name]),
 *     result: names.has(name) ? Exit.fail("taken") : Exit.void
 *   })
 * })
 * ```
 *
 * @see {@link commands} for the test that runs it
 * @stability unstable
 * @category constructors
 * @since 0.1.0
 */
export const command = <Model, A, E = never, R = never, Args = void>(
  options: CommandOptions<Model, Args, A, E, R>
): Command<Model, R> => {
  const { arguments: source = noArguments as Arbitrary.Arbitrary<never>, next, run, when = () => true } = options
  const arbitraryOf = (source: Arguments<Args>) =>
    Arbitrary.isArbitrary(source) ? source as Arbitrary.Arbitrary<Args> : Arbitrary.schema(source)
  const fixed = typeof source === "function" && !Arbitrary.isArbitrary(source) && !Schema.isSchema(source)
    ? undefined
    : arbitraryOf(source as Arguments<Args>)
  const made = {} as Command<Model, R>
  const internal: Program.Command<Model, Args, A, E, R> = {
    arguments: (model) => fixed ?? arbitraryOf((source as (model: Model) => Arguments<Args>)(model)),
    next,
    run,
    when
  }
  parts.set(made, internal)
  return made
}

/**
 * The services that commands need.
 *
 * @see {@link commands} for the test that runs them
 * @stability unstable
 * @category utility types
 * @since 0.1.0
 */
export type CommandServices<C> = C extends Command<infer _, infer R> ? R : never

/**
 * Settings of `commands`.
 *
 * @see {@link commands} for what they mean
 * @stability unstable
 * @category options
 * @since 0.1.0
 */
export interface CommandsOptions<Model, C, Last, S, E, R> {
  /** The model of the baseline: what is true before the first command. */
  readonly model: Types.NoInfer<Model>
  /** The commands, by the names that a report shows. */
  readonly commands: C & Readonly<Record<string, Command<Model, unknown>>>
  /** A command that runs last in every program: one that reads what the others have left. It has no arguments and no `when`. */
  readonly last?: (Last & Command<Model, unknown>) | undefined
  /** Supplies services of the commands, anew for each program. It may use the services of `isolated`. */
  readonly layer?: Layer.Layer<S, E, R> | undefined
  /** How many programs run. The default is 100. */
  readonly runs?: number | undefined
  /** How many commands at most run one after the other. The default is 12. */
  readonly length?: number | undefined
  /** How many branches of commands run at the same time. The default is 2; with 1 all programs are sequential. */
  readonly branches?: number | undefined
  /** How many commands a branch has at most. The default is 3. */
  readonly branchLength?: number | undefined
  /** The size of arguments, as in `Arbitrary`. The default is 20. */
  readonly size?: number | undefined
  /** Where random programs begin. The report of a failure names the seed that begins with the program that failed. */
  readonly seed?: number | undefined
  /** How many smaller programs are tried after a failure. The default is 200. */
  readonly maxShrinks?: number | undefined
  /** How often a smaller program with branches runs before it counts as one that does not fail. The default is 5. */
  readonly attempts?: number | undefined
}

/**
 * Says which program of commands had results that the model does not explain.
 *
 * **Example** (Showing only the report)
 *
 * ```ts
 * import { MongoTest } from "@mongofx/testing"
 * import { Console, Effect, Exit } from "effect"
 *
 * const one = MongoTest.command({ run: () => Effect.succeed(2), next: (model: number) => ({ model, result: Exit.succeed(1) }) })
 *
 * const program = MongoTest.commands({ model: 0, commands: { one } }).pipe(
 *   Effect.catchTag("CommandsError", (error) => Console.log(error.message)),
 *   Effect.provide(MongoTest.baseline(Effect.void))
 * )
 * ```
 *
 * @see {@link commands} for what fails with it
 * @stability unstable
 * @category errors
 * @since 0.1.0
 */
export class CommandsError
  extends Schema.TaggedError<CommandsError>("@mongofx/testing/CommandsError")("CommandsError", {
    /** The seed that begins with the program that failed. */
    seed: Schema.Number,
    /** The smallest program that was found, its results, the model, and the documents that it has left; or that no command ran. */
    message: Schema.String
  })
{}

/**
 * Runs random programs of commands against a program with a database, and compares their results with those of a model. Fails with a
 * `CommandsError` that shows the smallest program whose results the model does not explain, and also if no command ran in any program.
 *
 * **When to use**
 *
 * Use it for everything that keeps state: a repository, an account, a queue. It finds the sequences that nobody thought of, and races.
 *
 * **Details**
 *
 * Every program begins at the baseline, as with `isolated`, and as many run at the same time as the baseline has lanes. A sequential program runs one command after the other, and each result must be
 * the one of the model. A parallel program then runs branches of commands at the same time, on fibers of their own: there must be an
 * order of these commands that explains all results, in which a command that ended before another one began comes first
 * (linearizability).
 *
 * A failure of a command, a defect and an interruption of itself are results: the model can expect them, and the next command runs. When
 * the test itself is interrupted, all its commands are.
 *
 * The report has the program with its results, the model before the part that failed, the documents as Extended JSON, and the seed. A
 * smaller program with branches counts as one that does not fail only after several runs, since races do not happen every time.
 *
 * **Gotchas**
 *
 * A command whose outcome is unknown, such as a write whose connection broke, has two possible models. `next` can name only one.
 *
 * **Example** (A counter)
 *
 * ```ts
 * import { it } from "@effect/vitest"
 * import { MongoDatabase } from "@mongofx/core"
 * import { MongoTest } from "@mongofx/testing"
 * import { Effect, Exit, Option } from "effect"
 *
 * const counters = Effect.map(
 *   MongoDatabase.MongoDatabase,
 *   (db) => db.collection<{ _id: string; value: number }>("counters")
 * )
 *
 * const next = Effect.gen(function*() {
 *   const after = yield* (yield* counters).findOneAndUpdate(
 *     { _id: "orders" },
 *     { $inc: { value: 1 } },
 *     { upsert: true, returnDocument: "after" }
 *   )
 *   return Option.getOrThrow(after).value
 * })
 *
 * it.effect("gives each number once", () =>
 *   MongoTest.commands({
 *     model: 0,
 *     commands: {
 *       next: MongoTest.command({
 *         run: () => next,
 *         next: (last: number) => ({ model: last + 1, result: Exit.succeed(last + 1) })
 *       })
 *     }
 *   }).pipe(Effect.provide(MongoTest.baseline(Effect.void))))
 * ```
 *
 * @see {@link command} for how to make a command
 * @stability unstable
 * @category combinators
 * @since 0.1.0
 */
export const commands = <Model, C, Last = never, S = never, E = never, R = never>(
  options: CommandsOptions<Model, C, Last, S, E, R>
): Effect.Effect<
  void,
  CommandsError | BaselineError | MongoError.MongoError | E,
  Baseline | Exclude<Exclude<CommandServices<C[keyof C]> | CommandServices<Last>, S> | R, Services | Scope.Scope>
> =>
  Effect.gen(function*() {
    /** What a program may use: the services of its isolated run, and what the layer makes. */
    type Run = CommandServices<C[keyof C]> | CommandServices<Last> | MongoDatabase.MongoDatabase
    const lanes = yield* lanesOf
    const seed = options.seed ?? (yield* Random.nextIntBetween(0, 2 ** 31))
    const all: Readonly<Record<string, object>> = options.commands
    const settings: CheckSettings<Model, Run> = {
      model: options.model,
      commands: Object.fromEntries(Object.entries(all).map(([name, command]) => [name, partsOf(command)])),
      last: options.last && partsOf(options.last),
      length: options.length ?? 12,
      branches: options.branches ?? 2,
      branchLength: options.branchLength ?? 3,
      size: options.size ?? 20,
      seed,
      runs: options.runs ?? 100,
      maxShrinks: options.maxShrinks ?? 200,
      attempts: options.attempts ?? 5,
      lanes: lanes.lanes
    }
    const layer: Layer.Layer<S, E, R> = options.layer ?? Layer.empty as never
    const isolate = <A, F>(run: Effect.Effect<A, F, Run>) => isolated(Effect.provide(run, layer, { local: true }))
    const documents = Effect.flatMap(MongoDatabase.MongoDatabase, ({ name }) => lanes.documents(name))
    const refuted = yield* check<
      Model,
      Run,
      E | BaselineError | MongoError.MongoError,
      MongoError.MongoError,
      Effect.Services<ReturnType<typeof isolate>>
    >(settings, isolate, documents)
    if (refuted === "idle") {
      return yield* new CommandsError({
        seed,
        message: `no command ran in ${settings.runs} programs: check commands, runs, and what when says of the model`
      })
    }
    if (refuted !== undefined) yield* new CommandsError({ seed: refuted.seed, message: report(refuted) })
  })
