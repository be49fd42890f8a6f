/**
 * The commands that a client sends, in order: for tests of how often a program asks its server, and for what.
 *
 * @since 0.1.0
 */
import { Integration, MongoClient, MongoError } from "@mongofx/core"
import * as Arr from "effect/Array"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import type * as Driver from "mongodb"

/**
 * The commands that a client has sent since the log was made.
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface CommandLog {
  /** The commands in order, as the driver reports them: each with its name, its database and the command itself. */
  readonly events: ReadonlyArray<Driver.CommandStartedEvent>
  /** The names of the commands in order; with a database only those sent to it. */
  readonly names: (database?: string) => Array<string>
  /** The last command of a name, if the client has sent one. */
  readonly last: (name: string) => Option.Option<Driver.Document>
  /** Forgets all commands so far. */
  readonly clear: () => void
}

/**
 * Logs the commands that the client of the context sends, for as long as the scope lives.
 *
 * **When to use**
 *
 * Use it to test how often a program asks its server, and for what: a list needs one query instead of one for each row, a read asks only
 * for the fields it needs, a cached value is not read again.
 *
 * **Details**
 *
 * A command that the driver repeats appears once for each time it was sent. The log leaves out the commands that the driver sends to connect
 * and to watch its servers.
 *
 * **Gotchas**
 *
 * Make the client with `driverOptions: { monitorCommands: true }`. Without it `make` fails with a `MongoError` whose reason is
 * an `InvalidArgumentError`.
 *
 * **Example** (One query for a page)
 *
 * ```ts
 * import { assert, it } from "@effect/vitest"
 * import { MongoDatabase } from "@mongofx/core"
 * import { CommandLog, MongoTest } from "@mongofx/testing"
 * import { Effect } from "effect"
 *
 * it.effect("asks once", () =>
 *   Effect.gen(function*() {
 *     const db = yield* MongoDatabase.MongoDatabase
 *     const log = yield* CommandLog.make
 *     yield* db.collection("users").find({}).limit(10)
 *     assert.deepStrictEqual(log.names(db.name), ["find"])
 *   }).pipe(Effect.scoped, Effect.provide(MongoTest.layerWith({ driverOptions: { monitorCommands: true } }))))
 * ```
 *
 * @stability unstable
 * @category constructors
 * @since 0.1.0
 */
export const make: Effect.Effect<CommandLog, MongoError.MongoError, MongoClient.MongoClient | Scope.Scope> = Effect.gen(
  function*() {
    const client = yield* MongoClient.MongoClient
    const driver = yield* client.use(async (driver) => driver)
    if (!driver.options.monitorCommands) {
      return yield* Integration.failure(MongoError.InvalidArgumentError, {
        operation: "CommandLog.make",
        message: "the client does not report its commands: make it with driverOptions: { monitorCommands: true }"
      })
    }
    const events: Array<Driver.CommandStartedEvent> = []
    const listener = (event: Driver.CommandStartedEvent) => void events.push(event)
    yield* Effect.acquireRelease(
      Effect.sync(() => driver.on("commandStarted", listener)),
      () => Effect.sync(() => driver.off("commandStarted", listener))
    )
    return {
      events,
      names: (database) =>
        events.filter((event) => database === undefined || event.databaseName === database).map((event) =>
          event.commandName
        ),
      last: (name) =>
        Option.map(
          Arr.findLast(events, (event) => event.commandName === name),
          (event) => event.command
        ),
      clear: () => {
        events.length = 0
      }
    }
  }
)
