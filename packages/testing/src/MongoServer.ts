/**
 * A real MongoDB server for a program or its tests: one that runs already, or one that is started for it.
 *
 * @since 0.1.0
 */
import * as Clock from "effect/Clock"
import * as Config from "effect/Config"
import * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import { findMongod, isExecutable } from "./internal/findMongod.ts"
import * as mongod from "./internal/mongod.ts"

/**
 * A server that can be connected to.
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface MongoServer {
  /** The connection string, with the credentials it may have. */
  readonly uri: Redacted.Redacted<string>
  /** Where the server comes from: a URI, a binary that was found, or one that was downloaded. */
  readonly source: "uri" | "binary" | "download"
}

/**
 * The server that a program or test connects to.
 *
 * **Example** (A client of whatever server there is)
 *
 * ```ts
 * import { MongoClient } from "@mongofx/core"
 * import { MongoServer } from "@mongofx/testing"
 * import { Effect, Layer } from "effect"
 *
 * const Client = MongoClient.layerFrom(
 *   Effect.flatMap(MongoServer.MongoServer, (server) => MongoClient.make({ url: server.uri }))
 * ).pipe(Layer.provide(MongoServer.layer))
 * ```
 *
 * @stability unstable
 * @category services
 * @since 0.1.0
 */
export const MongoServer: Context.Service<MongoServer, MongoServer> = Context.Service<MongoServer>(
  "@mongofx/testing/MongoServer"
)

/**
 * There is no server to connect to, and why.
 *
 * **Details**
 *
 * - `notFound`: no server is named and no `mongod` was found; the message says what to do
 * - `cannotStart`: the `mongod` did not come up; the message has the last lines of its log
 * - `cannotDownload`: the download failed, or `mongodb-memory-server-core` is not installed
 *
 * **Example** (Skipping what needs a server)
 *
 * ```ts
 * import { MongoServer } from "@mongofx/testing"
 * import { Console, Effect } from "effect"
 *
 * const program = Effect.scoped(MongoServer.startBinary()).pipe(
 *   Effect.catchTag("MongoServerError", (error) => Console.log(`no server: ${error.message}`))
 * )
 * ```
 *
 * @stability unstable
 * @category errors
 * @since 0.1.0
 */
export class MongoServerError extends Schema.TaggedError<MongoServerError>("@mongofx/testing/MongoServerError")(
  "MongoServerError",
  {
    /** What is missing. */
    kind: Schema.Literals(["notFound", "cannotStart", "cannotDownload"]),
    /** What happened, and what can be done. */
    message: Schema.String,
    /** The last lines of the server's own log, shortened for reading. */
    log: Schema.Array(Schema.String),
    /** What was thrown. */
    cause: Schema.optional(Schema.Defect())
  }
) {}

/**
 * How a `mongod` is started.
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface BinaryOptions {
  /** Path of the `mongod`. When left out it is the one that `MONGOD_BINARY` names, the one on `PATH`, or one that mongodb-memory-server has downloaded earlier. */
  readonly binary?: string | undefined
  /** Name of the replica set, `rs` by default. `false` starts a standalone server, which has no transactions and no change streams. */
  readonly replicaSet?: string | false | undefined
  /** More arguments for `mongod`. */
  readonly args?: ReadonlyArray<string> | undefined
  /** How long the server may take until it can be written to: 60 seconds by default. */
  readonly startTimeout?: Duration.Input | undefined
}

const settings = Config.all({
  uri: Config.option(Config.Redacted("MONGODB_URI")),
  binary: Config.option(Config.String("MONGOD_BINARY")),
  path: Config.option(Config.String("PATH")),
  downloadDir: Config.option(Config.String("MONGOMS_DOWNLOAD_DIR"))
})

const instructions =
  "Install MongoDB so that mongod is on PATH, name a binary in MONGOD_BINARY, or name a running server (a replica set) in MONGODB_URI. To download one, use MongoServer.layerDownload."

const notFound = (message: string) => new MongoServerError({ kind: "notFound", message, log: [] })

const nonEmpty = (text: Option.Option<string>): string | undefined =>
  Option.getOrUndefined(Option.filter(text, (text) => text !== ""))

const find: Effect.Effect<string, MongoServerError> = Effect.gen(function*() {
  const { binary, downloadDir, path } = yield* Effect.orDie(settings)
  const named = nonEmpty(binary)
  if (named !== undefined) {
    return isExecutable(named)
      ? named
      : yield* notFound(`MONGOD_BINARY names ${named}, which is no executable file. ${instructions}`)
  }
  const found = findMongod({ path: nonEmpty(path) ?? "", downloadDir: nonEmpty(downloadDir) })
  return found ?? (yield* notFound(`There is no MongoDB server. ${instructions}`))
})

/** Starting takes real time, under TestClock too. */
const start = (
  binary: string,
  source: MongoServer["source"],
  options: BinaryOptions
): Effect.Effect<MongoServer, MongoServerError, Scope.Scope> =>
  mongod.start(binary, options).pipe(
    Effect.map((uri): MongoServer => ({ uri, source })),
    Effect.mapError((failure) => new MongoServerError({ kind: "cannotStart", ...failure })),
    Effect.provideService(Clock.Clock, Clock.Clock.defaultValue())
  )

/**
 * Starts a `mongod` as a replica set of one member, on a free port of the loopback interface, with data in a temporary
 * folder and test commands enabled, and waits until it can be written to.
 *
 * **Details**
 *
 * When the scope closes the process is killed and its data removed. Both happen too when this process ends in whatever way, a
 * crash or `SIGKILL` included: a small watchdog process sees to it. Starting is interruptible, and takes real time under
 * `TestClock`.
 *
 * Fails with a `MongoServerError` when no `mongod` is found, or it does not come up; the message then has the server's own last log
 * lines.
 *
 * **Example** (A standalone server for one effect)
 *
 * ```ts
 * import { MongoClient } from "@mongofx/core"
 * import { MongoServer } from "@mongofx/testing"
 * import { Effect } from "effect"
 *
 * const program = Effect.scoped(Effect.gen(function*() {
 *   const server = yield* MongoServer.startBinary({ replicaSet: false })
 *   const mongo = yield* MongoClient.make({ url: server.uri })
 *   yield* mongo.ping
 * }))
 * ```
 *
 * @stability unstable
 * @category constructors
 * @since 0.1.0
 */
export const startBinary = (
  options: BinaryOptions = {}
): Effect.Effect<MongoServer, MongoServerError, Scope.Scope> =>
  Effect.flatMap(
    options.binary === undefined ? find : Effect.succeed(options.binary),
    (binary) => start(binary, "binary", options)
  )

/**
 * Supplies a server that somebody else runs.
 *
 * **Example** (A server of the company's test network)
 *
 * ```ts
 * import { MongoServer } from "@mongofx/testing"
 * import { Redacted } from "effect"
 *
 * const Server = MongoServer.layerUri(Redacted.make("mongodb://127.0.0.1:27017/?replicaSet=rs"))
 * ```
 *
 * @stability unstable
 * @category layers
 * @since 0.1.0
 */
export const layerUri = (uri: Redacted.Redacted<string>): Layer.Layer<MongoServer> =>
  Layer.succeed(MongoServer, { uri, source: "uri" })

/**
 * Supplies a server that is started from a `mongod` binary, as `startBinary` does, for as long as the layer lives.
 *
 * **Example** (A server with more arguments)
 *
 * ```ts
 * import { MongoServer } from "@mongofx/testing"
 *
 * const Server = MongoServer.layerBinary({ args: ["--setParameter", "transactionLifetimeLimitSeconds=5"] })
 * ```
 *
 * @stability unstable
 * @category layers
 * @since 0.1.0
 */
export const layerBinary = (options?: BinaryOptions): Layer.Layer<MongoServer, MongoServerError> =>
  Layer.effect(MongoServer, startBinary(options))

/**
 * How a server is downloaded and started.
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface DownloadOptions extends Omit<BinaryOptions, "binary"> {
  /** Version of MongoDB, for instance `8.2.0`. */
  readonly version: string
}

const cannotDownload = (message: string, cause: unknown) =>
  new MongoServerError({ kind: "cannotDownload", message, log: [], cause })

/**
 * Supplies a server that is downloaded by `mongodb-memory-server-core`, an optional peer dependency, and then started as
 * `startBinary` does. An earlier download is used again.
 *
 * **When to use**
 *
 * Use it where tests have to run on machines without MongoDB. Nothing in this package downloads unless it is asked by this layer.
 *
 * **Example** (The version that runs in production)
 *
 * ```ts
 * import { MongoServer } from "@mongofx/testing"
 *
 * const Server = MongoServer.layerDownload({ version: "8.2.0" })
 * ```
 *
 * @stability unstable
 * @category layers
 * @since 0.1.0
 */
export const layerDownload = (options: DownloadOptions): Layer.Layer<MongoServer, MongoServerError> =>
  Layer.effect(
    MongoServer,
    Effect.gen(function*() {
      const { MongoBinary } = yield* Effect.tryPromise({
        try: () => import("mongodb-memory-server-core"),
        catch: (cause) =>
          cannotDownload("Downloading a server needs the package mongodb-memory-server-core: install it.", cause)
      })
      const binary = yield* Effect.tryPromise({
        try: () => MongoBinary.getPath({ version: options.version }),
        catch: (cause) => cannotDownload(`MongoDB ${options.version} cannot be downloaded: ${String(cause)}`, cause)
      })
      return yield* start(binary, "download", options)
    })
  )

/**
 * Supplies the server that is there: the one that the environment variable `MONGODB_URI` names, or else one that is started
 * from the `mongod` that `MONGOD_BINARY` names, that is on `PATH`, or that mongodb-memory-server has downloaded earlier.
 *
 * **Details**
 *
 * Nothing is downloaded. Where there is no server, it fails with a `MongoServerError` that says what to do.
 *
 * **Example** (A program on whatever server there is)
 *
 * ```ts
 * import { MongoServer } from "@mongofx/testing"
 * import { Console, Effect } from "effect"
 *
 * const program = MongoServer.MongoServer.pipe(
 *   Effect.flatMap((server) => Console.log(server.source)),
 *   Effect.provide(MongoServer.layer)
 * )
 * ```
 *
 * @stability unstable
 * @category layers
 * @since 0.1.0
 */
export const layer: Layer.Layer<MongoServer, MongoServerError> = Layer.effect(
  MongoServer,
  Effect.flatMap(
    Effect.orDie(settings),
    ({ uri }) =>
      Option.match(Option.filter(uri, (uri) => Redacted.value(uri) !== ""), {
        onNone: () => startBinary(),
        onSome: (uri) => Effect.succeed<MongoServer>({ uri, source: "uri" })
      })
  )
)
