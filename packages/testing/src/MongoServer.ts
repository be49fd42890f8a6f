/**
 * A real MongoDB server for a program or its tests: one that runs already, or one started for them.
 *
 * @since 0.1.0
 */
import * as Config from "effect/Config"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import { type Cluster, clusterOf, membersOf, type Node, untilWhole } from "./internal/cluster/cluster.ts"
import { askPlace, placesOf } from "./internal/cluster/discover.ts"
import { type ClusterOptions, startSet } from "./internal/cluster/replicaSet.ts"
import { problemOf, type Shape } from "./internal/cluster/shape.ts"
import { startSharded } from "./internal/cluster/sharded.ts"
import { Links } from "./internal/network/links.ts"
import { inRealTime } from "./internal/realTime.ts"
import { withClient } from "./internal/server/ask.ts"
import { downloadMongod } from "./internal/server/download.ts"
import { findMongod, findMongos, isExecutable } from "./internal/server/findMongod.ts"
import type { CannotStart } from "./internal/server/launch.ts"
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
  mongos: Config.option(Config.String("MONGOS_BINARY")),
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

const mongosInstructions =
  "A sharded cluster needs the router mongos, which MongoDB's packages have beside mongod: install it, or name it in MONGOS_BINARY."

const findRouter = (binary: string): Effect.Effect<string, MongoServerError> =>
  Effect.gen(function*() {
    const { downloadDir, mongos, path } = yield* Effect.orDie(settings)
    const named = nonEmpty(mongos)
    if (named !== undefined) {
      return isExecutable(named)
        ? named
        : yield* notFound(`MONGOS_BINARY names ${named}, which is not an executable file. ${mongosInstructions}`)
    }
    const found = findMongos(binary, { path: nonEmpty(path) ?? "", downloadDir: nonEmpty(downloadDir) })
    return found ?? (yield* notFound(`No mongos was found beside ${binary} or on PATH. ${mongosInstructions}`))
  })

const cannotStart = (failure: CannotStart) => new MongoServerError({ kind: "cannotStart", ...failure })

const start = (
  binary: string,
  source: MongoServer["source"],
  options: BinaryOptions
): Effect.Effect<MongoServer, MongoServerError, Scope.Scope> =>
  mongod.start(binary, options).pipe(
    Effect.map((uri): MongoServer => ({ uri, source })),
    Effect.mapError(cannotStart),
    inRealTime
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

/**
 * What a server is at a moment, as it says itself. One that was killed or paused, or does not answer within a second, is `down`. One that
 * answers and has no place in its set yet, as while it copies the data of the others, is `recovering`.
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export type Role = "primary" | "secondary" | "arbiter" | "mongos" | "standalone" | "recovering" | "down"

/**
 * A server of a deployment.
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface Member {
  /** Its address for clients, as in `127.0.0.1:27017`. */
  readonly host: string
  /** What it is at this moment, as it says itself. */
  readonly role: Role
  /** What it is a part of: a replica set that stands alone, a shard, the config servers of a cluster. A router is a part of its own. */
  readonly part: "replicaSet" | "shard" | "config" | "mongos" | "standalone"
  /** The name of its replica set. */
  readonly replicaSet: string | undefined
  /** The number of its process while it runs, on the machine that it runs on. Not every user may know it. */
  readonly pid: number | undefined
}

/**
 * The processes of a replica set or a cluster that this program has started, and the ways between them: what `Nemesis` makes fail.
 *
 * @see {@link layerReplicaSet} and {@link layerSharded}, which supply them
 *
 * @stability unstable
 * @category services
 * @since 0.1.0
 */
export interface Processes {
  /** What the functions of `Nemesis` work on. */
  readonly "~@mongofx/testing/Processes": Cluster
  /** The server that clients connect to. */
  readonly server: MongoServer
}

/**
 * The processes of a replica set or a cluster that this program has started.
 *
 * **Example** (Several servers and their processes)
 *
 * ```ts
 * import { MongoServer } from "@mongofx/testing"
 * import { Effect } from "effect"
 *
 * const uri = Effect.map(MongoServer.Processes, ({ server }) => server.uri).pipe(
 *   Effect.provide(MongoServer.layerReplicaSet({ members: 3 }))
 * )
 * ```
 *
 * @stability unstable
 * @category services
 * @since 0.1.0
 */
export const Processes: Context.Service<Processes, Processes> = Context.Service<Processes>(
  "@mongofx/testing/MongoServer/Processes"
)

/**
 * How to start several servers.
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface ServersOptions extends Omit<BinaryOptions, "replicaSet"> {
  /**
   * How long the members of a replica set wait for their primary until they elect another one: 2 seconds by default, 10 in production. Less
   * makes tests of failures fast, and on a busy machine it makes elections that nobody has asked for.
   */
  readonly electionTimeout?: Duration.Input | undefined
  /**
   * Whether a proxy of this process stands before each server, so that `Nemesis` can cut, slow down and break the links between the servers, and
   * to clients: `false` by default. While this process is busy for long, nothing passes.
   */
  readonly proxied?: boolean | undefined
}

/**
 * How to start a replica set.
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface ReplicaSetOptions extends ServersOptions {
  /** How many members can become primary. With the other ones there may be seven. */
  readonly members: number
  /** How many arbiters there are besides: they vote and have no data. None by default. */
  readonly arbiters?: number | undefined
  /**
   * Members that stay behind, besides: one for each of these times, in whole seconds. They do not vote, never become primary, and no majority waits
   * for them. The server does not tell clients of them: connect to their `host` with `directConnection=true` to read from them.
   */
  readonly delayed?: ReadonlyArray<Duration.Input> | undefined
  /** The tags of the members that can become primary, in order: read preferences and write concerns name them. */
  readonly tags?: ReadonlyArray<Readonly<Record<string, string>>> | undefined
  /** Name of the replica set: `rs` by default. */
  readonly name?: string | undefined
}

/**
 * How to start a sharded cluster.
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface ShardedOptions extends ServersOptions {
  /** How many shards there are. */
  readonly shards: number
  /** How many members each shard has. */
  readonly members: number
  /** How many config servers there are: one by default. */
  readonly configServers?: number | undefined
  /** How many routers (`mongos`) there are: one by default. */
  readonly routers?: number | undefined
  /** Path of `mongos`. By default the one that `MONGOS_BINARY` names, the one beside `mongod`, or the one on `PATH`. */
  readonly mongos?: string | undefined
  /** Further arguments for `mongos`; those of `args` are for each `mongod`. */
  readonly mongosArgs?: ReadonlyArray<string> | undefined
}

const defaultElectionTimeout = Duration.seconds(2)

const several = (kind: string, problem: string | undefined, options: ServersOptions) =>
  Effect.gen(function*() {
    if (problem !== undefined) {
      return yield* new MongoServerError({ kind: "cannotStart", message: `${kind}: ${problem}`, log: [] })
    }
    return {
      binary: options.binary ?? (yield* find),
      args: options.args ?? [],
      durable: options.durable === true,
      startTimeout: options.startTimeout,
      electionTimeout: Duration.toMillis(Duration.fromInputUnsafe(options.electionTimeout ?? defaultElectionTimeout)),
      links: options.proxied === true ? new Links() : undefined
    } satisfies ClusterOptions
  })

const supply = (
  uri: string,
  nodes: ReadonlyArray<Node>,
  links: Links | undefined
): Context.Context<MongoServer | Processes> => {
  const server: MongoServer = { uri: Redacted.make(uri), source: "binary" }
  return Context.make(MongoServer, server).pipe(
    Context.add(Processes, { "~@mongofx/testing/Processes": { nodes, links }, server })
  )
}

/**
 * Starts a replica set of several members on the loopback interface, waits until each has its place in it and the first is primary, and supplies
 * it for as long as the layer lives.
 *
 * **When to use**
 *
 * Use it for tests of what one member cannot show: elections, reads from secondaries, majorities that are lost.
 *
 * **Details**
 *
 * Each member is a `mongod` of its own, as `startBinary` starts it, with a cache of 64 MB. Three members are there in about two
 * seconds and take 600 MB of memory. A majority write is confirmed once it is in the journal, so that it survives when processes are killed. The data
 * is in memory if there is enough; `durable: true` puts it on disk, with the settings of production.
 *
 * When the scope closes, all processes are killed and their data removed, also when this process is killed.
 *
 * Fails with a `MongoServerError`: when no `mongod` is found, when the options make no replica set, and when a member does not start, with the last
 * lines of its log.
 *
 * **Example** (A client that reads from secondaries)
 *
 * ```ts
 * import { MongoClient } from "@mongofx/core"
 * import { MongoServer } from "@mongofx/testing"
 * import { Effect, Layer } from "effect"
 *
 * const Client = MongoClient.layerFrom(
 *   Effect.flatMap(
 *     MongoServer.MongoServer,
 *     (server) => MongoClient.make({ url: server.uri, readPreference: "secondary" })
 *   )
 * ).pipe(Layer.provide(MongoServer.layerReplicaSet({ members: 3 })))
 * ```
 *
 * @see {@link layerBinary} for one member, which starts in a second
 * @see {@link layerSharded} for a sharded cluster
 * @see {@link members} for who is primary
 *
 * @stability unstable
 * @category layers
 * @since 0.1.0
 */
export const layerReplicaSet = (
  options: ReplicaSetOptions
): Layer.Layer<MongoServer | Processes, MongoServerError> =>
  Layer.effectContext(inRealTime(Effect.gen(function*() {
    const shape: Shape = {
      members: options.members,
      arbiters: options.arbiters ?? 0,
      delayed: (options.delayed ?? []).map((delay) => Duration.toMillis(Duration.fromInputUnsafe(delay))),
      tags: options.tags ?? []
    }
    const settings = yield* several("layerReplicaSet", problemOf(shape), options)
    const name = options.name ?? "rs"
    const nodes = yield* Effect.mapError(startSet(name, "replicaSet", shape, settings), cannotStart)
    const hosts = nodes.slice(0, shape.members).map(({ host }) => host)
    return supply(`mongodb://${hosts.join(",")}/?replicaSet=${name}`, nodes, settings.links)
  })))

const countProblem = (counts: Readonly<Record<string, number>>): string | undefined => {
  const wrong = Object.entries(counts).find(([, count]) => !Number.isInteger(count) || count < 1)
  return wrong && `${wrong[0]} is ${wrong[1]}: pass a whole number from 1`
}

/**
 * Starts a sharded cluster on the loopback interface: its config servers, its shards, each a replica set, and its routers. It waits until the
 * routers know the shards, and supplies the cluster for as long as the layer lives. Clients connect to the routers.
 *
 * **Details**
 *
 * It is as `layerReplicaSet` says of each set. The sets are named `config`, `shard0`, `shard1` and so on. Two shards of one member are there
 * in about two seconds, two of three members in five.
 *
 * Fails with a `MongoServerError`, of the kind `notFound` when there is no `mongos`: `MONGOS_BINARY` names it, or it lies beside `mongod` or on `PATH`.
 *
 * **Gotchas**
 *
 * mongodb-memory-server downloads `mongod` alone.
 *
 * **Example** (A collection on two shards)
 *
 * ```ts
 * import { MongoClient } from "@mongofx/core"
 * import { MongoServer } from "@mongofx/testing"
 * import { Effect } from "effect"
 *
 * const program = Effect.scoped(Effect.gen(function*() {
 *   const server = yield* MongoServer.MongoServer
 *   const mongo = yield* MongoClient.make({ url: server.uri })
 *   yield* mongo.db("admin").command({ shardCollection: "app.orders", key: { customer: "hashed" } })
 * })).pipe(Effect.provide(MongoServer.layerSharded({ shards: 2, members: 1 })))
 * ```
 *
 * @see {@link layerReplicaSet} for a replica set alone
 *
 * @stability unstable
 * @category layers
 * @since 0.1.0
 */
export const layerSharded = (
  options: ShardedOptions
): Layer.Layer<MongoServer | Processes, MongoServerError> =>
  Layer.effectContext(inRealTime(Effect.gen(function*() {
    const { configServers = 1, members, routers = 1, shards } = options
    const problem = countProblem({ shards, members, configServers, routers }) ??
      problemOf({ members: Math.max(members, configServers), arbiters: 0, delayed: [], tags: [] })
    const settings = yield* several("layerSharded", problem, options)
    const mongos = options.mongos ?? (yield* findRouter(settings.binary))
    const nodes = yield* Effect.mapError(
      startSharded({
        ...settings,
        mongos,
        mongosArgs: options.mongosArgs ?? [],
        shards,
        members,
        configServers,
        routers
      }),
      cannotStart
    )
    const hosts = nodes.filter(({ part }) => part === "mongos").map(({ host }) => host)
    return supply(`mongodb://${hosts.join(",")}/`, nodes, settings.links)
  })))

/** The processes of this server, if this program has started several. */
const processesOf = (server: MongoServer): Effect.Effect<Cluster | undefined> =>
  Effect.map(
    Effect.serviceOption(Processes),
    (processes) =>
      Option.isSome(processes) && processes.value.server === server ? clusterOf(processes.value) : undefined
  )

const unreachable = (cause: unknown) =>
  new MongoServerError({
    kind: "unreachable",
    message: `The server does not name its members: ${cause instanceof Error ? cause.message : String(cause)}`,
    log: [],
    cause
  })

const discovered = (uri: Redacted.Redacted): Effect.Effect<ReadonlyArray<Member>, MongoServerError> =>
  Effect.tryPromise({
    try: () =>
      withClient(Redacted.value(uri), async (client) => {
        const places = await placesOf(client)
        return Promise.all(places.map(async (place) => ({ ...place, ...await askPlace(Redacted.value(uri), place) })))
      }),
    catch: unreachable
  })

/**
 * The members of the server and their roles at this moment, in the order of their sets: config servers and shards first, then routers.
 *
 * **Details**
 *
 * Each member is asked directly, also while `Nemesis` cuts it off from the others. Of a server that this program has not started, it gives the
 * members that the server itself names.
 *
 * Fails with a `MongoServerError` of the kind `unreachable` when such a server does not answer.
 *
 * **Gotchas**
 *
 * A role is what a member says of itself. For some moments after an election two of them can be primary: the old one does not know it yet.
 *
 * **Example** (The process of the primary)
 *
 * ```ts
 * import { MongoServer } from "@mongofx/testing"
 * import { Effect } from "effect"
 *
 * const pid = Effect.map(MongoServer.members, (members) => members.find(({ role }) => role === "primary")?.pid).pipe(
 *   Effect.provide(MongoServer.layerReplicaSet({ members: 3 }))
 * )
 * ```
 *
 * @see {@link ready} to wait until all of them have their places
 *
 * @stability unstable
 * @category getters
 * @since 0.1.0
 */
export const members: Effect.Effect<ReadonlyArray<Member>, MongoServerError, MongoServer> = Effect.gen(function*() {
  const server = yield* MongoServer
  const cluster = yield* processesOf(server)
  return cluster === undefined ? yield* discovered(server.uri) : yield* membersOf(cluster)
})

/** Long enough for a member that was killed and has to catch up. */
const readyTimeout = "60 seconds"

/**
 * Waits until every member of the processes that this program has started has its place, and each replica set one primary.
 *
 * **When to use**
 *
 * Use it after faults, before a test looks at what they have left.
 *
 * **Details**
 *
 * It waits in real time, also under `TestClock`. Fails with a `MongoServerError` of the kind `unreachable` after a minute, with the roles that the members then have.
 *
 * **Example** (After a fault)
 *
 * ```ts
 * import { MongoServer } from "@mongofx/testing"
 * import { Effect } from "effect"
 *
 * const program = Effect.gen(function*() {
 *   // … what makes members fail …
 *   yield* MongoServer.ready
 * }).pipe(Effect.provide(MongoServer.layerReplicaSet({ members: 3 })))
 * ```
 *
 * @see {@link members} for who has which role
 *
 * @stability unstable
 * @category combinators
 * @since 0.1.0
 */
export const ready: Effect.Effect<void, MongoServerError, Processes> = Effect.gen(function*() {
  const cluster = clusterOf(yield* Processes)
  yield* untilWhole(cluster.nodes).pipe(
    Effect.timeoutOrElse({
      duration: readyTimeout,
      orElse: () =>
        Effect.flatMap(membersOf(cluster), (members) =>
          Effect.fail(
            new MongoServerError({
              kind: "unreachable",
              message: `The members are not ready after ${readyTimeout}: ${
                members.map(({ host, role }) => `${host} is ${role}`).join(", ")
              }`,
              log: []
            })
          ))
    }),
    inRealTime
  )
})
