import { MongoServer } from "@mongofx/testing"
import { Context, Effect, Layer, Option, Pool, Redacted, type Scope } from "effect"
import * as Driver from "mongodb"
import { execFile } from "node:child_process"
import { existsSync } from "node:fs"
import { availableParallelism } from "node:os"
import { dirname, join } from "node:path"

/** How long a program may take: most take two seconds, and far more while the machine does other things. */
const limit = 180_000

/** Why programs cannot be run, if they cannot: a server that MONGODB_URI names may have databases of others. */
export const reasonToSkip: string | undefined = process.env["MONGOFX_TEST_SERVERS"] === undefined
  ? "MONGODB_URI names a server, and programs need servers without databases"
  : undefined

/** Whether there is a `mongos`, as sharded clusters need it. */
export const hasRouter: boolean = existsSync(
  process.env["MONGOS_BINARY"] ?? join(dirname(process.env["MONGOD_BINARY"] ?? ""), "mongos")
)

/** What a program says in comments before its code. */
export interface Directives {
  /**
   * `// server: standalone` asks for a server that is no replica set, `// server: sharded` for a cluster of two shards, `// server: none` for an
   * address without a server.
   */
  readonly server: "replica set" | "standalone" | "sharded" | "none"
  /** `// arguments: status --json` are the arguments of its command line. */
  readonly arguments: ReadonlyArray<string>
}

const kinds: ReadonlyArray<string> = ["replica set", "standalone", "sharded", "none"] satisfies ReadonlyArray<
  Directives["server"]
>

const isKind = (server: string): server is Directives["server"] => kinds.includes(server)

export const directivesOf = (source: string): Directives => {
  const comments = /^(?:(?:\/\/|#!).*\n)*/.exec(source)?.[0] ?? ""
  const value = (name: string) => new RegExp(`^// ${name}: (.*)$`, "m").exec(comments)?.[1]?.trim()
  const server = value("server") ?? "replica set"
  if (!isKind(server)) {
    throw new Error(
      `"// server: ${server}" is unknown: write "standalone", "sharded" or "none", or leave it out for a replica set`
    )
  }
  return { server, arguments: value("arguments")?.split(" ") ?? [] }
}

type ServerPool = Pool.Pool<MongoServer.MongoServer, MongoServer.MongoServerError>

/** The smallest cluster of two shards. Waits that production has for good reasons, such as five minutes before a resharding ends, are left out. */
const cluster = Effect.map(
  Layer.build(MongoServer.layerSharded({
    shards: 2,
    members: 1,
    args: [
      "reshardingMinimumOperationDurationMillis=0",
      "reshardingDelayBeforeRemainingOperationTimeQueryMillis=0",
      "periodicNoopIntervalSecs=1"
    ].flatMap((parameter) => ["--setParameter", parameter])
  })),
  (servers) => Context.get(servers, MongoServer.MongoServer)
)

/** Servers for programs that run at the same time: replica sets of one member with test commands, and one sharded cluster once a program needs it. */
export class Servers extends Context.Service<Servers, {
  readonly sets: ServerPool
  readonly sharded: ServerPool
}>()("website/Servers") {
  static readonly layer = Layer.effect(
    Servers,
    Effect.gen(function*() {
      return {
        sets: yield* Pool.make({ acquire: MongoServer.startBinary(), size: Math.min(4, availableParallelism()) }),
        sharded: yield* Pool.makeWithTTL({ acquire: cluster, min: 0, max: 1, timeToLive: "1 hour" })
      }
    })
  )
}

const dropDatabases = (uri: string): Effect.Effect<void> =>
  Effect.promise(async () => {
    await using client = await Driver.MongoClient.connect(uri)
    const { databases } = await client.db().admin().listDatabases({ nameOnly: true })
    for (const { name } of databases) {
      if (!["admin", "config", "local"].includes(name)) await client.db(name).dropDatabase()
    }
  })

/** The address of a server without databases, for as long as the scope lives. */
export const emptyServer = (
  kind: Directives["server"]
): Effect.Effect<string, MongoServer.MongoServerError, Scope.Scope | Servers> =>
  Effect.gen(function*() {
    switch (kind) {
      case "none":
        return "mongodb://127.0.0.1:1/?serverSelectionTimeoutMS=500"
      case "standalone":
        return Redacted.value((yield* MongoServer.startBinary({ replicaSet: false })).uri)
      case "replica set":
      case "sharded": {
        const { sets, sharded } = yield* Servers
        const uri = Redacted.value((yield* Pool.get(kind === "sharded" ? sharded : sets)).uri)
        yield* dropDatabases(uri)
        return uri
      }
    }
  })

/** How a process ended: what it printed, and a line that says how if not with 0. */
export interface Ended {
  readonly printed: string
  readonly end: string
}

/** Runs a command in a folder, in a process that ends with the effect. */
export const ran = (
  folder: string,
  command: string,
  args: ReadonlyArray<string>,
  variables: Readonly<Record<string, string>> = {}
): Effect.Effect<Ended> =>
  Effect.callback<Ended>((resume) => {
    const env: NodeJS.ProcessEnv = { ...process.env, ...variables, NO_COLOR: "1", TZ: "UTC" }
    // A program does not know that a test runs it: vitest in vitest would take these for its own.
    for (const name of Object.keys(env)) if (/^(VITEST|MONGOFX_TEST_)/.test(name)) delete env[name]
    delete env["FORCE_COLOR"]
    const child = execFile(command, args, { cwd: folder, env }, (error, stdout, stderr) => {
      const end = child.exitCode === null
        ? `ended by ${child.signalCode ?? String(error)}\n`
        : child.exitCode === 0
        ? ""
        : `exit code ${child.exitCode}\n`
      resume(Effect.succeed({ printed: `${stdout}${stderr}`, end }))
    })
    return Effect.sync(() => void child.kill("SIGKILL"))
  }).pipe(
    Effect.timeoutOption(limit),
    Effect.map(Option.getOrElse(() => ({ printed: "", end: `did not end within ${limit / 1000} seconds\n` })))
  )

/** What a program of a folder prints in a process of its own, and how the process ended if not with 0. */
export const printedBy = (
  folder: string,
  args: ReadonlyArray<string>,
  uri: string,
  command = process.execPath
): Effect.Effect<string> =>
  Effect.map(ran(folder, command, args, { MONGODB_URI: uri }), ({ end, printed }) => `${printed}${end}`)
