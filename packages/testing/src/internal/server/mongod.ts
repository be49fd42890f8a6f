/**
 * A `mongod` as a process: it starts on a free port with its own data, and ends with its scope or with this process.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import * as Driver from "mongodb"
import { type ChildProcess, spawn } from "node:child_process"
import { connect, createServer } from "node:net"
import { type DataFolder, dataFolder } from "./dataFolder.ts"
import { MongodLog } from "./mongodLog.ts"

const isWindows = process.platform === "win32"

/** The exit code of mongod when its port is taken. */
const addressInUse = 48

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

const defaultStartTimeout = Duration.seconds(60)

/** How long to wait for the end of a killed server: milliseconds. */
const closeTimeout = 10_000

/** How often to look whether the server is there: milliseconds. */
const lookInterval = 5

/**
 * Runs in its own process. Its standard input ends when the process that started it ends, in whatever way. A shell is there in a
 * twentieth of the time of Node.
 */
const watchdogCommand = (pid: number, dir: string): readonly [string, ReadonlyArray<string>] =>
  isWindows
    ? [process.execPath, ["-e", watchdogProgram, String(pid), dir]]
    : ["/bin/sh", ["-c", watchdogScript, String(pid), dir]]

const watchdogScript = `
read -r _
kill -9 "$0" 2>/dev/null
n=0
until rm -rf "$1" || [ $n -ge 50 ]; do sleep 0.1; n=$((n + 1)); done`

const watchdogProgram = `
const [pid, dir] = process.argv.slice(-2)
process.stdin.resume().on("error", () => {}).on("close", () => {
  try { process.kill(Number(pid), "SIGKILL") } catch {}
  require("node:fs").rmSync(dir, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 })
})`

interface Process {
  readonly child: ChildProcess
  readonly log: MongodLog
  readonly exited: Promise<{ readonly code: number | null; readonly signal: NodeJS.Signals | null }>
}

/**
 * How to start a server.
 *
 * @internal
 */
export interface StartOptions {
  readonly replicaSet?: string | false | undefined
  readonly args?: ReadonlyArray<string> | undefined
  readonly durable?: boolean | undefined
  readonly startTimeout?: Duration.Input | undefined
}

/**
 * Why a server did not start.
 *
 * @internal
 */
export interface CannotStart {
  readonly message: string
  /** The last lines of the server's log. */
  readonly log: ReadonlyArray<string>
  readonly cause?: unknown
}

/** A port that is free at this moment. */
const freePort: Effect.Effect<number, CannotStart> = Effect.callback((resume) => {
  const server = createServer()
  server.on(
    "error",
    (cause) => resume(Effect.fail({ message: "no port of 127.0.0.1 is free", log: [], cause }))
  )
  server.listen(0, "127.0.0.1", () => {
    const address = server.address()
    server.close(() => resume(Effect.succeed(typeof address === "object" && address !== null ? address.port : 0)))
  })
})

/** Pipes to a process are sockets, although their type does not say so. */
const unref = (pipe: object): void => (pipe as { readonly unref?: () => void }).unref?.()

const spawnMongod = (binary: string, args: ReadonlyArray<string>): Process => {
  // In its own group: Ctrl-C in a terminal goes to the tests, which then end the server.
  const child = spawn(binary, args, { stdio: ["ignore", "pipe", "pipe"], detached: true })
  const log = new MongodLog()
  // Neither the server nor its output keeps this process alive. When this process ends, the server ends too.
  child.unref()
  for (const output of [child.stdout, child.stderr]) {
    output.setEncoding("utf8").on("data", (chunk: string) => log.add(chunk))
    unref(output)
  }
  const exited: Process["exited"] = new Promise((resolve) => {
    child.on("error", (error) => {
      log.add(`${error.message}\n`)
      resolve({ code: null, signal: null })
    })
    child.on("close", (code, signal) => resolve({ code, signal }))
  })
  return { child, log, exited }
}

const spawnWatchdog = (pid: number, dir: string): ChildProcess => {
  const watchdog = spawn(...watchdogCommand(pid, dir), { stdio: ["pipe", "ignore", "ignore"], detached: true })
  watchdog.on("error", () => {})
  watchdog.stdin.on("error", () => {})
  watchdog.unref()
  unref(watchdog.stdin)
  return watchdog
}

const within = (promise: Promise<unknown>, milliseconds: number): Promise<void> =>
  new Promise((resolve) => {
    const timer = setTimeout(resolve, milliseconds)
    promise.then(() => {
      clearTimeout(timer)
      resolve()
    })
  })

/** A server process that ends with the scope, or with this process. */
const scopedProcess = (
  binary: string,
  args: ReadonlyArray<string>,
  dir: string
): Effect.Effect<Process, never, Scope.Scope> =>
  Effect.map(
    Effect.acquireRelease(
      Effect.sync(() => {
        const process = spawnMongod(binary, args)
        const { pid } = process.child
        return { process, watchdog: pid === undefined ? undefined : spawnWatchdog(pid, dir) }
      }),
      ({ process, watchdog }) =>
        Effect.promise(async () => {
          process.child.kill("SIGKILL")
          await within(process.exited, closeTimeout)
          watchdog?.kill("SIGKILL")
        })
    ),
    ({ process }) => process
  )

const sleep = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds))

/** Waits until something listens at the port. The driver would look only every half second. */
const listening = async (port: number, signal: AbortSignal): Promise<void> => {
  const answers = () =>
    new Promise<boolean>((resolve) => {
      const socket = connect(port, "127.0.0.1", () => {
        socket.destroy()
        resolve(true)
      })
      socket.on("error", () => resolve(false))
    })
  while (!signal.aborted && !await answers()) await sleep(lookInterval)
}

const withDriver = <A>(port: number, use: (admin: Driver.Admin) => Promise<A>): Promise<A> => {
  const client = new Driver.MongoClient(`mongodb://127.0.0.1:${port}/?directConnection=true`, {
    serverSelectionTimeoutMS: 1000,
    connectTimeoutMS: 1000
  })
  return use(client.db("admin").admin()).finally(() => client.close())
}

const notOurs = new Error("the port belongs to another server")

/** Another server may have taken the port. It must be neither initiated nor used; our server then ends by itself. */
const checkIsOurs = async (admin: Driver.Admin, dir: string): Promise<void> => {
  const options = await admin.command({ getCmdLineOpts: 1 }).catch((error: { readonly codeName?: unknown }) => {
    // A server with logins does not tell a stranger its command line.
    if (error.codeName === "Unauthorized") return undefined
    throw error
  })
  if (options !== undefined && options["parsed"]?.storage?.dbPath !== dir) throw notOurs
}

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

/** Tests make and drop many tables, which would pile up. A server that does not know the parameter is fine without it. */
const shortenHistory = (admin: Driver.Admin): Promise<unknown> =>
  admin.command({ setParameter: 1, [historyParameter]: historyWindow }).catch(() => undefined)

/** Waits until the server accepts writes. */
const writable = (
  port: number,
  dir: string,
  replicaSet: ReplicaSet | undefined,
  options: StartOptions
): Effect.Effect<void, unknown> =>
  Effect.retry(
    Effect.tryPromise(async (signal) => {
      await listening(port, signal)
      await withDriver(port, async (admin) => {
        await checkIsOurs(admin, dir)
        if (options.durable !== true && !options.args?.some((arg) => arg.includes(historyParameter))) {
          await shortenHistory(admin)
        }
        if (replicaSet !== undefined) await initiate(admin, replicaSet, port)
        while (!signal.aborted && (await admin.command({ hello: 1 }))["isWritablePrimary"] !== true) {
          await sleep(lookInterval)
        }
      })
    }),
    Schedule.spaced("50 millis")
  )

/** Further arguments come in the place of ours of the same name, since mongod refuses an option that is given twice. */
const serverArgs = (
  port: number,
  { dir, inMemory }: DataFolder,
  replicaSet: ReplicaSet | undefined,
  { args = [], durable = false }: StartOptions
): ReadonlyArray<string> => {
  const isTheirs = (name: string) => args.some((arg) => arg === name || arg.startsWith(`${name}=`))
  const byDefault = (name: string, value: string) => isTheirs(name) ? [] : [name, value]
  return [
    "--dbpath",
    dir,
    "--port",
    String(port),
    "--bind_ip",
    "127.0.0.1",
    "--setParameter",
    "enableTestCommands=1",
    "--setParameter",
    "diagnosticDataCollectionEnabled=false",
    ...(isWindows ? [] : ["--nounixsocket"]),
    // By default a server takes half of the memory: too much for tests that run side by side.
    ...byDefault("--wiredTigerCacheSizeGB", "0.25"),
    // By default a server lays out 200 MB for its journal, and its oplog may take a twentieth of the disk.
    ...(durable ? [] : byDefault("--wiredTigerEngineConfigString", "log=(prealloc=false,file_max=16MB)")),
    ...(inMemory ? byDefault("--syncdelay", String(syncDelay)) : []),
    ...(durable || replicaSet === undefined ? [] : byDefault("--oplogSize", String(oplogSize))),
    ...(replicaSet === undefined ? [] : ["--replSet", replicaSet.name]),
    ...args
  ]
}

const startOnce = (
  binary: string,
  options: StartOptions
): Effect.Effect<{ readonly port: number } | "addressInUse", CannotStart, Scope.Scope> =>
  Effect.gen(function*() {
    const port = yield* freePort
    const durable = options.durable === true
    const folder = yield* dataFolder(durable, (cause): CannotStart => ({
      message:
        "cannot make a temporary folder for the data: check the free space and the rights of the system's temporary folder",
      log: [],
      cause
    }))
    const replicaSet = options.replicaSet === false ? undefined : { name: options.replicaSet ?? "rs", durable }
    const args = serverArgs(port, folder, replicaSet, options)
    const server = yield* scopedProcess(binary, args, folder.dir)
    const failure = (message: string, cause?: unknown): CannotStart => ({
      message: [message, ...server.log.tail].join("\n  "),
      log: server.log.tail,
      cause
    })
    const ended = Effect.flatMap(Effect.promise(() => server.exited), ({ code, signal }) =>
      code === addressInUse
        ? Effect.succeed("addressInUse" as const)
        : Effect.fail(
          failure(
            `${binary} ended ${
              code === null ? signal === null ? "before it ran" : `by ${signal}` : `with code ${code}`
            } while starting:`
          )
        ))
    const startTimeout = Duration.fromInputUnsafe(options.startTimeout ?? defaultStartTimeout)
    const ready = writable(port, folder.dir, replicaSet, options).pipe(
      Effect.as({ port }),
      Effect.mapError((cause) => failure(`${binary} did not become a replica set:`, cause)),
      Effect.timeoutOrElse({
        duration: startTimeout,
        orElse: () => Effect.fail(failure(`${binary} was not ready within ${Duration.format(startTimeout)}:`))
      })
    )
    return yield* Effect.raceFirst(ready, ended)
  })

/**
 * Starts a server on a free port with its own data, and returns its connection string.
 *
 * @internal
 */
export const start = (
  binary: string,
  options: StartOptions
): Effect.Effect<Redacted.Redacted, CannotStart, Scope.Scope> =>
  Effect.gen(function*() {
    // Another process may take the port after it was found free and before the server binds it.
    for (let attempt = 0; attempt < 5; attempt++) {
      const started = yield* startOnce(binary, options)
      if (started === "addressInUse") continue
      const query = options.replicaSet === false
        ? "?directConnection=true"
        : `?replicaSet=${options.replicaSet ?? "rs"}`
      return Redacted.make(`mongodb://127.0.0.1:${started.port}/${query}`)
    }
    return yield* Effect.fail<CannotStart>({
      message: "five ports in a row were taken by other processes: start again",
      log: []
    })
  })
