/**
 * Faults that a real server makes on demand, for as long as a scope lives.
 *
 * They need a server with test commands enabled, such as the one that `MongoServer` starts.
 *
 * @since 0.1.0
 */
import { Integration, MongoClient, MongoError } from "@mongofx/core"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import type * as Scope from "effect/Scope"
import * as Driver from "mongodb"
import { randomUUID } from "node:crypto"
import { acquireTurn } from "./internal/turns.ts"
import { MongoServer } from "./MongoServer.ts"

/**
 * How often a fail point strikes: until its scope closes, a number of times, or always after skipping a number of times.
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export type Mode = "alwaysOn" | { readonly times: number } | { readonly skip: number }

/**
 * Which commands a `failCommand` strikes, and what happens to them.
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface FailCommandOptions {
  /** The commands that fail, for instance `insert` or `getMore`. */
  readonly failCommands: ReadonlyArray<string>
  /** How often it strikes; until the scope closes by default. */
  readonly mode?: Mode | undefined
  /** The code that the commands fail with, before they do anything. */
  readonly errorCode?: number | undefined
  /** The labels of that error. Without them the server adds its own. */
  readonly errorLabels?: ReadonlyArray<string> | undefined
  /** Whether the server closes the connection without an answer. */
  readonly closeConnection?: boolean | undefined
  /** How long the commands wait before they run. */
  readonly blockTime?: Duration.Input | undefined
  /** A write concern error for the answer: the commands run, and their answer has it. */
  readonly writeConcernError?: Readonly<Record<string, unknown>> | undefined
  /** Whose commands it strikes: by default those of the client of the context, with `"any"` those of every client of the server. */
  readonly clients?: "context" | "any" | undefined
}

const modeOf = (mode: Mode | undefined) => typeof mode === "object" ? { ...mode } : mode ?? "alwaysOn"

const failure = (operation: string, cause: unknown): MongoError.MongoError =>
  Integration.failure(MongoError.UnknownError, {
    operation,
    message: cause instanceof Error ? cause.message : String(cause),
    cause
  })

/**
 * A client of the driver apart from the test's own, whose pool and faults must not get in the way.
 */
const adminClient = (
  appName: string
): Effect.Effect<Driver.MongoClient, MongoError.MongoError, MongoServer | Scope.Scope> =>
  Effect.flatMap(MongoServer, (server) =>
    Effect.acquireRelease(
      Effect.tryPromise({
        try: () => Driver.MongoClient.connect(Redacted.value(server.uri), { appName }),
        catch: (cause) => failure("connect", cause)
      }),
      (client) => Effect.promise(() => client.close().catch(() => undefined))
    ))

/**
 * Turns a fail point of the server on for as long as the scope lives.
 *
 * **When to use**
 *
 * Use it for all fail points except `failCommand`, which has a function of its own. The names are those of the server's sources.
 *
 * **Gotchas**
 *
 * A server has one fail point of each name for all its clients. Scopes that use the same name take turns, in the order in which
 * they ask, even across processes. When the process that has the turn dies, the next one gets it within a few seconds. A scope
 * that asks twice for the same name waits for itself for ever.
 *
 * Fails with a `MongoError` when the server does not have the fail point or does not allow test commands.
 *
 * **Example** (A server that leaves transactions open)
 *
 * ```ts
 * import { FailPoint } from "@mongofx/testing"
 * import { Effect } from "effect"
 *
 * const program = Effect.scoped(Effect.gen(function*() {
 *   yield* FailPoint.make("hangBeforeCommitingTxn", { mode: { times: 1 } })
 *   // …
 * }))
 * ```
 *
 * @see {@link failCommand} for commands that fail, wait or lose their connection
 *
 * @stability unstable
 * @category constructors
 * @since 0.1.0
 */
export const make = (
  name: string,
  options: { readonly mode?: Mode | undefined; readonly data?: Readonly<Record<string, unknown>> | undefined } = {}
): Effect.Effect<void, MongoError.MongoError, MongoServer | Scope.Scope> =>
  Effect.gen(function*() {
    const ticket = `mongofx-fail-point-${randomUUID()}`
    const client = yield* adminClient(ticket)
    yield* acquireTurn(client, name, ticket).pipe(Effect.mapError((cause) => failure("configureFailPoint", cause)))
    const configure = (settings: Driver.Document) =>
      Effect.tryPromise({
        try: () => client.db("admin").command({ configureFailPoint: name, ...settings }),
        catch: (cause) => failure("configureFailPoint", cause)
      })
    yield* Effect.acquireRelease(
      configure({ mode: modeOf(options.mode), ...options.data === undefined ? {} : { data: options.data } }),
      () => Effect.ignore(configure({ mode: "off" }))
    )
  })

/**
 * Makes commands fail, break their connection or wait, for as long as the scope lives. It strikes only the client of the context, so
 * that tests can run side by side.
 *
 * **Gotchas**
 *
 * The client needs an `appName` of its own, as the clients of `MongoTest` have. Without one it strikes every client of the server.
 *
 * **Example** (A find whose connection breaks once)
 *
 * ```ts
 * import { MongoDatabase } from "@mongofx/core"
 * import { FailPoint, MongoTest } from "@mongofx/testing"
 * import { Effect } from "effect"
 *
 * const program = Effect.scoped(Effect.gen(function*() {
 *   const db = yield* MongoDatabase.MongoDatabase
 *   yield* FailPoint.failCommand({ failCommands: ["find"], mode: { times: 1 }, closeConnection: true })
 *   return yield* db.collection("users").findOne({})
 * })).pipe(Effect.provide(MongoTest.layer))
 * ```
 *
 * @see {@link make} for other fail points of the server
 *
 * @stability unstable
 * @category constructors
 * @since 0.1.0
 */
export const failCommand = (
  options: FailCommandOptions
): Effect.Effect<void, MongoError.MongoError, MongoServer | MongoClient.MongoClient | Scope.Scope> =>
  Effect.gen(function*() {
    const client = yield* MongoClient.MongoClient
    const appName = yield* client.use(async (driver) => driver.options.appName)
    const { blockTime, closeConnection, errorCode, errorLabels, failCommands, writeConcernError } = options
    yield* make("failCommand", {
      mode: options.mode,
      data: {
        failCommands: [...failCommands],
        ...appName === undefined || options.clients === "any" ? {} : { appName },
        ...errorCode === undefined ? {} : { errorCode },
        ...errorLabels === undefined ? {} : { errorLabels: [...errorLabels] },
        ...closeConnection === undefined ? {} : { closeConnection },
        ...writeConcernError === undefined ? {} : { writeConcernError },
        ...blockTime === undefined
          ? {}
          : { blockConnection: true, blockTimeMS: Duration.toMillis(Duration.fromInputUnsafe(blockTime)) }
      }
    })
  })
