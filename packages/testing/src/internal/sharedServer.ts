/**
 * The one server that all tests of a process share.
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Scope from "effect/Scope"
import { layer, MongoServer, type MongoServerError } from "../MongoServer.ts"
import { checkReachable } from "./server/reachable.ts"

let shared: Promise<Exit.Exit<MongoServer, MongoServerError>> | undefined

const isUnreachable = (exit: Exit.Exit<MongoServer, MongoServerError>): boolean =>
  Option.exists(Exit.findErrorOption(exit), ({ kind }) => kind === "unreachable")

const start = (): Promise<Exit.Exit<MongoServer, MongoServerError>> =>
  Effect.runPromise(Effect.gen(function*() {
    const scope = yield* Scope.make()
    const exit = yield* Layer.buildWithScope(layer, scope).pipe(
      Effect.flatMap((context) => Effect.provideContext(MongoServer, context)),
      Effect.tap(checkReachable),
      Effect.exit
    )
    // A server that this process starts ends with it, by its watchdog. A failed start may be tried again. The tests do not wait one after the
    // other for a server that does not answer.
    if (Exit.isFailure(exit)) {
      if (!isUnreachable(exit)) shared = undefined
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
