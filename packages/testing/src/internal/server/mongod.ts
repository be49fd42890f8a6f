/**
 * A `mongod` as a process: how it is started for tests, and how one becomes a replica set of one member.
 */
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import type * as Scope from "effect/Scope"
import type * as Driver from "mongodb"
import { lookInterval, sleep } from "./ask.ts"
import type { DataFolder } from "./dataFolder.ts"
import { type CannotStart, launch, type Recipe, untilDone } from "./launch.ts"
import { isWindows } from "./serverProcess.ts"

/** Enough for the change streams of tests, and small enough for memory: MB. */
const oplogSize = 256

/**
 * How often a server in memory writes what its files need, so that it can remove dropped tables and old journal: seconds, 60 by default.
 * In memory that costs as good as nothing.
 */
const syncDelay = 10

/** How long a server keeps old versions of documents and dropped tables: seconds, 300 by default. */
const historyWindow = 10

const historyParameter = "minSnapshotHistoryWindowInSeconds"

/**
 * How to start a server.
 *
 * @internal
 */
export interface StartOptions {
  readonly args?: ReadonlyArray<string> | undefined
  readonly durable?: boolean | undefined
  readonly startTimeout?: Duration.Input | undefined
}

/** Tests make and drop many tables, which would pile up. A server that does not know the parameter is fine without it. */
const shortenHistory = (admin: Driver.Admin): Promise<unknown> =>
  admin.command({ setParameter: 1, [historyParameter]: historyWindow }).catch(() => undefined)

/**
 * The arguments of every server. Further arguments come in the place of ours of the same name, since a server refuses an option that is
 * given twice.
 *
 * @internal
 */
export const commonArgs = (
  port: number,
  args: ReadonlyArray<string>
): {
  readonly common: ReadonlyArray<string>
  readonly byDefault: (name: string, value: string) => ReadonlyArray<string>
} => {
  const isTheirs = (name: string) => args.some((arg) => arg === name || arg.startsWith(`${name}=`))
  return {
    common: [
      "--port",
      String(port),
      "--bind_ip",
      "127.0.0.1",
      "--setParameter",
      "enableTestCommands=1",
      "--setParameter",
      "diagnosticDataCollectionEnabled=false",
      ...(isWindows ? [] : ["--nounixsocket"])
    ],
    byDefault: (name, value) => isTheirs(name) ? [] : [name, value]
  }
}

/** What the storage engine is told: its cache, if it is smaller than an argument can say, and a journal that grows as it is used. */
const engineConfig = (durable: boolean, cacheSize: string | undefined): string =>
  [
    ...(cacheSize === undefined ? [] : [`cache_size=${cacheSize}`]),
    // By default a server lays out 200 MB for its journal.
    ...(durable ? [] : ["log=(prealloc=false,file_max=16MB)"])
  ].join(",")

/**
 * A `mongod`, of a replica set if `setArgs` says so.
 *
 * @internal
 */
export const mongodRecipe = (
  binary: string,
  { args = [], durable = false, startTimeout }: StartOptions,
  set: { readonly args: ReadonlyArray<string>; readonly cacheSize?: string | undefined } | undefined
): Recipe => ({
  binary,
  durable,
  startTimeout,
  args: (port: number, { dir, inMemory }: DataFolder) => {
    const { byDefault, common } = commonArgs(port, args)
    const engine = engineConfig(durable, set?.cacheSize)
    return [
      "--dbpath",
      dir,
      ...common,
      // By default a server takes half of the memory: too much for tests that run side by side.
      ...byDefault("--wiredTigerCacheSizeGB", "0.25"),
      ...(engine === "" ? [] : byDefault("--wiredTigerEngineConfigString", engine)),
      ...(inMemory ? byDefault("--syncdelay", String(syncDelay)) : []),
      // By default an oplog may take a twentieth of the disk.
      ...(durable || set === undefined ? [] : byDefault("--oplogSize", String(oplogSize))),
      ...(set?.args ?? []),
      ...args
    ]
  },
  isOurs: (parsed, dir) => parsed["storage"]?.dbPath === dir,
  prepare: async (admin) => {
    if (!durable && !args.some((arg) => arg.includes(historyParameter))) await shortenHistory(admin)
  }
})

/** The replica set of one member that a server is to become. */
interface ReplicaSet {
  readonly name: string
  readonly durable: boolean
}

const initiate = async (admin: Driver.Admin, { durable, name }: ReplicaSet, port: number): Promise<void> => {
  const hello = await admin.command({ hello: 1 })
  if (hello["setName"] !== undefined) return
  const members = [{ _id: 0, host: `127.0.0.1:${port}` }]
  await admin.command({ replSetInitiate: { _id: name, members, writeConcernMajorityJournalDefault: durable } })
}

/**
 * Starts a server on a free port with its own data, and returns its connection string.
 *
 * @internal
 */
export const start = (
  binary: string,
  options: StartOptions & { readonly replicaSet?: string | false | undefined }
): Effect.Effect<Redacted.Redacted, CannotStart, Scope.Scope> =>
  Effect.gen(function*() {
    const name = options.replicaSet ?? "rs"
    const set = name === false ? undefined : { args: ["--replSet", name] }
    const server = yield* launch(mongodRecipe(binary, options, set))
    yield* untilDone(server, "become writable", async (admin, signal) => {
      if (name !== false) await initiate(admin, { name, durable: options.durable === true }, server.port)
      while (!signal.aborted && (await admin.command({ hello: 1 }))["isWritablePrimary"] !== true) {
        await sleep(lookInterval)
      }
    })
    const query = name === false ? "?directConnection=true" : `?replicaSet=${name}`
    return Redacted.make(`mongodb://127.0.0.1:${server.port}/${query}`)
  })
