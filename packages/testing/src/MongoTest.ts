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
 * What a test has to itself.
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
    // Dropped by the other client when the test's own is closed, and with it every transaction that it has left open.
    yield* Effect.addFinalizer(() => Effect.promise(() => admin.db(name).dropDatabase().catch(() => undefined)))
    const mongo = yield* MongoClient.make({ ...config, url: server.uri, appName: name })
    return Context.make(MongoServer, server).pipe(
      Context.add(MongoClient.MongoClient, mongo),
      Context.add(MongoDatabase.MongoDatabase, mongo.db(name))
    )
  })

/**
 * Like `layer`, with settings for the client.
 *
 * **Example** (A pool of one connection)
 *
 * ```ts
 * import { MongoTest } from "@mongofx/testing"
 *
 * const Test = MongoTest.layerWith({ maxPoolSize: 1 })
 * ```
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
 * Supplies a test with a client of its own and an empty database of its own, which is dropped when the layer ends.
 *
 * **When to use**
 *
 * Provide it to each test, or to a group of tests that shall share a database.
 *
 * **Details**
 *
 * The server is the one that `MongoServer.layer` finds. It is started once for a process, and once for a whole run of vitest where
 * its configuration names `@mongofx/testing/VitestGlobalSetup` as `globalSetup`. The client's `appName` and the database's name are
 * the same random name, so that tests run side by side and `FailPoint` strikes one test only. Everything works under
 * `TestClock`.
 *
 * Fails with a `MongoServerError` when there is no server, and with a `MongoError` when it cannot be connected to.
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
 * @stability unstable
 * @category layers
 * @since 0.1.0
 */
export const layer: Layer.Layer<Services, MongoServerError | MongoError.MongoError> = layerWith({})

/**
 * Something was left on the server, or in the client, when a test had ended.
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
  /** What was left, one line each. */
  leaks: Schema.Array(Schema.String),
  /** All of it in one text. */
  message: Schema.String
}) {}

const leakError = (leaks: ReadonlyArray<string>) =>
  new LeakError({ leaks, message: `the test has left ${leaks.length} on the server:\n  ${leaks.join("\n  ")}` })

const driverOf = (mongo: MongoClient.MongoClient): Effect.Effect<Driver.MongoClient, MongoError.MongoError> =>
  mongo.use(async (driver) => driver)

/**
 * Fails with a `LeakError` when the client of the test has left something on the server up to here: a cursor, a session, a transaction
 * or a running operation.
 *
 * **When to use**
 *
 * Use it in the middle of a test, after an interruption for instance. `noLeaks` looks at the end of a test, and at connections too.
 *
 * **Details**
 *
 * It looks at the client and the database that `layer` supplies. What ends within two seconds does not count: an interrupted operation
 * ends on the server a little later.
 *
 * **Gotchas**
 *
 * What the test still uses counts, such as a session or a change stream whose scope is open.
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
 * @see {@link noLeaks} looks when a test has ended
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
 * Runs a test as with `layer`, and fails with a `LeakError` when it leaves anything behind: a cursor, a session, a transaction or a
 * running operation when it has ended, a connection when its client is closed.
 *
 * **Details**
 *
 * What an interrupted operation has left ends on the server a little later, so that leaks are looked for during two seconds before they
 * count. A test that fails keeps its own failure.
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
 * @see {@link nothingLeft} looks in the middle of a test
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
