/**
 * A real MongoDB server for a program or its tests: one that runs already, or one started for them.
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
import { downloadMongod } from "./internal/server/download.ts"
import { findMongod, isExecutable } from "./internal/server/findMongod.ts"
import * as mongod from "./internal/server/mongod.ts"
import { failureOfRun } from "./internal/server/serverOfRun.ts"

/**
 * A server that a client can connect to.
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface MongoServer {
  /** The connection string, with its credentials if it has some. */
  readonly uri: Redacted.Redacted<string>
  /** Where the server comes from: a URI, a binary that was found, or a downloaded one. */
  readonly source: "uri" | "binary" | "download"
}

/**
 * The server that a program or test connects to.
 *
 * **Example** (A client of the server that `layer` finds)
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
 * Says that there is no server to connect to, and why.
 *
 * **Details**
 *
 * - `notFound`: nothing names a server and no `mongod` was found; the message says what to do
 * - `cannotStart`: the `mongod` did not start; the message has the last lines of its log
 * - `cannotDownload`: the download failed, or `mongodb-memory-server-core` is not installed
 * - `unreachable`: the server that `MONGODB_URI` names does not answer, or refuses its clients
 *
 * **Example** (Skipping work that needs a server)
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
    /** Why there is no server. */
    kind: Schema.Literals(["notFound", "cannotStart", "cannotDownload", "unreachable"]),
    /** What happened, and what to do. */
    message: Schema.String,
    /** The last lines of the server's log, shortened for reading. */
    log: Schema.Array(Schema.String),
    /** What was thrown. */
    cause: Schema.optional(Schema.Defect())
  }
) {}

/**
 * How to start a `mongod`.
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface BinaryOptions {
  /** Path of the `mongod`. By default the one that `MONGOD_BINARY` names, the one on `PATH`, or one that mongodb-memory-server has downloaded earlier. */
  readonly binary?: string | undefined
  /** Name of the replica set, `rs` by default. `false` starts a standalone server, which has no transactions and no change streams. */
  readonly replicaSet?: string | false | undefined
  /** Further arguments for `mongod`. They replace those of the same name that are given by default, such as `--oplogSize` (MB). */
  readonly args?: ReadonlyArray<string> | undefined
  /**
   * Whether the server keeps what it has confirmed when it crashes: `false` by default. `true` is for tests that kill the server: its data is
   * on disk, and a write with `w: "majority"` is confirmed once it is in the journal, as in production.
   */
  readonly durable?: boolean | undefined
  /** How long the server may take until it accepts writes: 60 seconds by default. */
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
      : yield* notFound(`MONGOD_BINARY names ${named}, which is not an executable file. ${instructions}`)
  }
  const found = findMongod({ path: nonEmpty(path) ?? "", downloadDir: nonEmpty(downloadDir) })
  return found ?? (yield* notFound(`No MongoDB server was found. ${instructions}`))
})

/** Starting takes real time, even under TestClock. */
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
 * Starts a `mongod` as a replica set of one member and waits until it accepts writes. It has a free port of the loopback interface,
 * its data in a temporary folder, and test commands enabled.
 *
 * **Details**
 *
 * Its data is in memory (`/dev/shm`) if 1 GB is free there and of the machine's memory, otherwise in the system's temporary folder. It
 * confirms a majority write before the write is in the journal, since no data of it outlives the test. All else is as in production: reads
 * and writes of every concern, transactions, change streams. Set `durable: true` for tests that kill the server and start it again.
 *
 * An empty server takes 20 MB there. What is stored, an oplog of up to 256 MB, and the journal and the dropped collections of the last 20 seconds
 * come on top. The server's cache is 256 MB. It keeps 10 seconds of history for snapshots at an earlier time, in place of five minutes.
 *
 * When the scope closes, the process is killed and its data removed. A small watchdog process does the same when this process ends,
 * even by a crash or `SIGKILL`. On Linux the next start also removes what is left if the watchdog was killed too. Starting is
 * interruptible, and takes real time under `TestClock`.
 *
 * Fails with a `MongoServerError` when no `mongod` is found, or when it does not start; the message then has the last lines of its log.
 *
 * **Gotchas**
 *
 * This process reads the server's log. While it is blocked, for instance by `execFileSync` of a program that uses the server, nobody does,
 * and the server stops once the pipe is full. Use `execFile` instead.
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
 * @see {@link layerBinary} for the same as a layer
 * @see {@link layer} for a server that may run already
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
 * Supplies a server that runs already.
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
 * @see {@link layer} for the server that `MONGODB_URI` names
 *
 * @stability unstable
 * @category layers
 * @since 0.1.0
 */
export const layerUri = (uri: Redacted.Redacted<string>): Layer.Layer<MongoServer> =>
  Layer.succeed(MongoServer, { uri, source: "uri" })

/**
 * Starts a server from a `mongod` binary, as `startBinary` does, and supplies it for as long as the layer lives.
 *
 * **Example** (A server with further arguments)
 *
 * ```ts
 * import { MongoServer } from "@mongofx/testing"
 *
 * const Server = MongoServer.layerBinary({ args: ["--setParameter", "transactionLifetimeLimitSeconds=5"] })
 * ```
 *
 * @see {@link layer} for a server that may run already
 * @see {@link layerDownload} for machines without MongoDB
 *
 * @stability unstable
 * @category layers
 * @since 0.1.0
 */
export const layerBinary = (options?: BinaryOptions): Layer.Layer<MongoServer, MongoServerError> =>
  Layer.effect(MongoServer, startBinary(options))

/**
 * How to download and start a server.
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
 * Downloads a `mongod` by `mongodb-memory-server-core`, an optional peer dependency, and returns the path of the binary. It uses an earlier
 * download again.
 *
 * **When to use**
 *
 * Use it before the tests start: a download takes longer than a test or a hook may. `VitestGlobalSetup` does that for you.
 *
 * **Details**
 *
 * Processes that download at the same time wait for each other, so that only one downloads. The settings of mongodb-memory-server apply, such
 * as `MONGOMS_DOWNLOAD_DIR` and `MONGOMS_DOWNLOAD_MIRROR`. An interruption ends the wait; a download that runs goes on.
 *
 * Fails with a `MongoServerError` of the kind `cannotDownload`.
 *
 * **Example** (A server of a downloaded version)
 *
 * ```ts
 * import { MongoServer } from "@mongofx/testing"
 * import { Effect } from "effect"
 *
 * const server = Effect.flatMap(
 *   MongoServer.download({ version: "8.2.0" }),
 *   (binary) => MongoServer.startBinary({ binary })
 * )
 * ```
 *
 * @see {@link layerDownload} for the server as a layer
 *
 * @stability unstable
 * @category constructors
 * @since 0.1.0
 */
export const download = ({ version }: Pick<DownloadOptions, "version">): Effect.Effect<string, MongoServerError> =>
  Effect.flatMap(
    Effect.tryPromise({
      try: () => import("mongodb-memory-server-core"),
      catch: (cause) =>
        cannotDownload("Downloading a server needs the package mongodb-memory-server-core: install it.", cause)
    }),
    (core) =>
      Effect.tryPromise({
        try: (signal) => downloadMongod(core, version, signal),
        catch: (cause) => cannotDownload(`MongoDB ${version} cannot be downloaded: ${String(cause)}`, cause)
      })
  )

/**
 * Downloads a server as `download` does, then starts it as `startBinary` does and supplies it.
 *
 * **When to use**
 *
 * Use it for tests that run on machines without MongoDB.
 *
 * **Gotchas**
 *
 * In a test or a hook, the download counts against the time limit of it. `VitestGlobalSetup` downloads before the first test.
 *
 * **Example** (The version that runs in production)
 *
 * ```ts
 * import { MongoServer } from "@mongofx/testing"
 *
 * const Server = MongoServer.layerDownload({ version: "8.2.0" })
 * ```
 *
 * @see {@link layer} for a server of this machine
 *
 * @stability unstable
 * @category layers
 * @since 0.1.0
 */
export const layerDownload = (options: DownloadOptions): Layer.Layer<MongoServer, MongoServerError> =>
  Layer.effect(
    MongoServer,
    Effect.flatMap(download(options), (binary) => start(binary, "download", options))
  )

/**
 * Supplies the server that it finds: the one that the environment variable `MONGODB_URI` names. Otherwise it starts the `mongod`
 * that `MONGOD_BINARY` names, that is on `PATH`, or that mongodb-memory-server has downloaded earlier.
 *
 * **Details**
 *
 * It downloads nothing. Without a server it fails with a `MongoServerError` that says what to do. If `VitestGlobalSetup` has found no server, it
 * fails with the error of the setup.
 *
 * **Example** (A program on the server that is found)
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
 * @see {@link layerUri} for a server whose address the program knows
 * @see {@link layerBinary} for a new server
 * @see {@link layerDownload} for machines without MongoDB
 *
 * @stability unstable
 * @category layers
 * @since 0.1.0
 */
export const layer: Layer.Layer<MongoServer, MongoServerError> = Layer.effect(
  MongoServer,
  Effect.gen(function*() {
    const failure = yield* failureOfRun
    if (Option.isSome(failure)) return yield* new MongoServerError(failure.value)
    const { uri } = yield* Effect.orDie(settings)
    return yield* Option.match(Option.filter(uri, (uri) => Redacted.value(uri) !== ""), {
      onNone: () => startBinary(),
      onSome: (uri) => Effect.succeed<MongoServer>({ uri, source: "uri" })
    })
  })
)
