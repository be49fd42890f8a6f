// @barrel: none
/**
 * One server for a whole run of vitest: `globalSetup: ["@mongofx/testing/VitestGlobalSetup"]` in its configuration.
 *
 * The server is the one that `MongoServer.layer` finds. The setup names it in `MONGODB_URI`, so that the workers find it.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Scope from "effect/Scope"
import * as MongoServer from "./MongoServer.ts"

/**
 * Starts the server before the first test. Returns the function by which vitest ends it after the last one.
 *
 * @stability unstable
 * @category constructors
 * @since 0.1.0
 */
const setup = (): Promise<() => Promise<void>> =>
  Effect.runPromise(Effect.gen(function*() {
    const scope = yield* Scope.make()
    const context = yield* Layer.buildWithScope(MongoServer.layer, scope).pipe(
      Effect.onError((cause) => Scope.close(scope, Exit.failCause(cause)))
    )
    const server = yield* Effect.provideContext(MongoServer.MongoServer, context)
    const before = process.env["MONGODB_URI"]
    process.env["MONGODB_URI"] = Redacted.value(server.uri)
    return () => {
      if (before === undefined) delete process.env["MONGODB_URI"]
      else process.env["MONGODB_URI"] = before
      return Effect.runPromise(Scope.close(scope, Exit.void))
    }
  }))

export default setup
