/**
 * A database for each test, on one server for all of them.
 *
 * @since 0.1.0
 */
import { MongoClient, type MongoClientConfig, MongoDatabase, type MongoError } from "@mongofx/core"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as Scope from "effect/Scope"
import type * as Driver from "mongodb"
import { randomUUID } from "node:crypto"
import { leftOnServer, lookAtServer } from "./internal/leaks.ts"
import { openSessions } from "./internal/openSessions.ts"
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

const services = (
  config: ClientConfig | undefined,
  name: string
): Effect.Effect<Context.Context<Services>, MongoServerError | MongoError.MongoError, Scope.Scope> =>
  Effect.gen(function*() {
    const server = yield* sharedServer
    const admin = yield* lookAtServer(server)
    // The other client drops the database after the test's own has closed, and with it every transaction that it left open.
    yield* Effect.addFinalizer(() => Effect.promise(() => admin.db(name).dropDatabase().catch(() => undefined)))
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
 * the configuration names `@mongofx/testing/VitestGlobalSetup` as `globalSetup`. The client's `appName` and the database have
 * the same random name, so that tests run side by side and `FailPoint` strikes only one test. Everything works under
 * `TestClock`.
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
 * It checks the client and the database that `layer` supplies. It waits up to two seconds for operations to end, since an interrupted
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
    const admin = yield* lookAtServer(yield* MongoServer)
    const driver = yield* driverOf(yield* MongoClient.MongoClient)
    const { name } = yield* MongoDatabase.MongoDatabase
    const left = yield* leftOnServer(admin, name, "inUse", () => openSessions(driver))
    if (left.length > 0) return yield* leakError(left)
  })
)

/**
 * Runs a test as with `layer`, and fails with a `LeakError` when the test leaves anything behind: a cursor, a session, a transaction or a
 * running operation at its end, or a connection after its client has closed.
 *
 * **Details**
 *
 * It waits up to two seconds for leaks to end, since an interrupted operation ends on the server a little later. A test that fails keeps
 * its own failure.
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
    const server = yield* sharedServer
    const admin = yield* lookAtServer(server)
    const scope = yield* Effect.acquireRelease(Scope.make(), (scope, exit) => Scope.close(scope, exit))
    const context = yield* Scope.provide(services({}, name), scope)
    const value = yield* Effect.provideContext(self, context)
    const driver = yield* driverOf(Context.get(context, MongoClient.MongoClient))
    const inUse = yield* leftOnServer(admin, name, "inUse", () => openSessions(driver))
    yield* Scope.close(scope, Exit.void)
    const connections = yield* leftOnServer(admin, name, "connections", () => [])
    const leaks = [...inUse, ...connections]
    return leaks.length === 0 ? value : yield* leakError(leaks)
  })) as Effect.Effect<A, E | LeakError | MongoServerError | MongoError.MongoError, Exclude<R, Services>>
