/**
 * The one server that all tests of a process share.
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Scope from "effect/Scope"
import { layer, MongoServer, type MongoServerError } from "../MongoServer.ts"

let shared: Promise<Exit.Exit<MongoServer, MongoServerError>> | undefined

const start = (): Promise<Exit.Exit<MongoServer, MongoServerError>> =>
  Effect.runPromise(Effect.gen(function*() {
    const scope = yield* Scope.make()
    const exit = yield* Effect.exit(
      Effect.flatMap(Layer.buildWithScope(layer, scope), (context) => Effect.provideContext(MongoServer, context))
    )
    // A server that this process starts ends with it, by its watchdog. A failed start may be tried again.
    if (Exit.isFailure(exit)) {
      shared = undefined
      yield* Scope.close(scope, exit)
    }
    return exit
  }))

/**
 * The server of this process, started at first use. Interrupting a fiber that waits for the server does not interrupt its start.
 *
 * @internal
 */
export const sharedServer: Effect.Effect<MongoServer, MongoServerError> = Effect.flatMap(
  Effect.promise(() => shared ??= start()),
  (exit) => exit
)
