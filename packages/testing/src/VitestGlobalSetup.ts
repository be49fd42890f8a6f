// @barrel: none
/**
 * One server for a whole run of vitest: `globalSetup: ["@mongofx/testing/VitestGlobalSetup"]` in its configuration.
 *
 * The server is the one that `MongoServer.layer` finds. The setup names it in `MONGODB_URI`, so that the workers find it. Without a server only
 * the tests that need one fail.
 *
 * @since 0.1.0
 */
import * as Config from "effect/Config"
import * as Console from "effect/Console"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Scope from "effect/Scope"
import { checkReachable } from "./internal/server/reachable.ts"
import { failureText, failureVariable } from "./internal/server/serverOfRun.ts"
import * as MongoServer from "./MongoServer.ts"

/**
 * Which server a run of tests uses if `MONGODB_URI` names none, and how to start it.
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface Options extends Omit<MongoServer.BinaryOptions, "binary"> {
  /** Downloads this version, for instance `8.2.0`, unless it is there or `MONGOD_BINARY` names a binary. By default nothing is downloaded. */
  readonly download?: { readonly version: string } | undefined
}

const named = (variable: string) =>
  Effect.map(
    Effect.orDie(Config.option(Config.String(variable))),
    Option.filter((text) => text !== "")
  )

const serverLayer = (options: Options) =>
  Effect.gen(function*() {
    const uri = yield* named("MONGODB_URI")
    if (Option.isSome(uri)) return MongoServer.layerUri(Redacted.make(uri.value))
    const binary = yield* named("MONGOD_BINARY")
    return options.download === undefined || Option.isSome(binary)
      ? MongoServer.layerBinary(options)
      : MongoServer.layerDownload({ ...options, ...options.download })
  })

const acquire = (options: Options) =>
  Effect.gen(function*() {
    const server = Context.get(yield* Layer.build(yield* serverLayer(options)), MongoServer.MongoServer)
    yield* checkReachable(server)
    return server
  })

/** Names the server, or what is wrong with it, in the environment that the workers inherit. Returns what undoes that. */
const announce = (variable: string, value: string) =>
  Effect.acquireRelease(
    Effect.sync(() => {
      const before = process.env[variable]
      process.env[variable] = value
      return before
    }),
    (before) =>
      Effect.sync(() => {
        if (before === undefined) delete process.env[variable]
        else process.env[variable] = before
      })
  )

/**
 * Makes a global setup with options, for a file of your own that vitest's `globalSetup` names.
 *
 * **When to use**
 *
 * Use it to download a server before the tests start, or to start it with arguments. Without options, name this module itself.
 *
 * **Details**
 *
 * No time limit of a test or a hook counts the download. Runs that start at the same time download once, the others wait for it.
 *
 * If there is no server, because the download failed or because `MONGODB_URI` names one that does not answer within ten seconds, then the setup
 * prints why. The tests that need a server fail with that `MongoServerError`. The others run.
 *
 * **Example** (A version that machines without MongoDB download)
 *
 * ```ts
 * // test/globalSetup.ts
 * import { make } from "@mongofx/testing/VitestGlobalSetup"
 *
 * export default make({ download: { version: "8.2.0" } })
 * ```
 *
 * @see {@link MongoServer.download} for the download alone
 *
 * @stability unstable
 * @category constructors
 * @since 0.1.0
 */
export const make = (options: Options = {}) => (): Promise<() => Promise<void>> =>
  Effect.runPromise(Effect.gen(function*() {
    const scope = yield* Scope.make()
    yield* acquire(options).pipe(
      Effect.flatMap(({ uri }) => announce("MONGODB_URI", Redacted.value(uri))),
      Effect.catchTag("MongoServerError", (error) =>
        Effect.andThen(
          Console.error(`The tests have no MongoDB server. ${error.message}`),
          announce(failureVariable, failureText(error))
        )),
      Scope.provide(scope),
      Effect.onError((cause) => Scope.close(scope, Exit.failCause(cause)))
    )
    return () => Effect.runPromise(Scope.close(scope, Exit.void))
  }))

/**
 * Starts the server before the first test. Returns the function by which vitest ends it after the last one.
 *
 * @see {@link make} for a setup with options
 *
 * @stability unstable
 * @category constructors
 * @since 0.1.0
 */
const setup: () => Promise<() => Promise<void>> = make()

export default setup
