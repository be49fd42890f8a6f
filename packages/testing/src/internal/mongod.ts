/**
 * A `mongod` as a process: started on a free port with data of its own, and ended with its scope or with this process.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import * as Driver from "mongodb"
import { type ChildProcess, spawn } from "node:child_process"
import { mkdtemp, rm } from "node:fs/promises"
import { createServer } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { MongodLog } from "./mongodLog.ts"

/** What mongod ends with when its port is taken. */
const addressInUse = 48

const defaultStartTimeout = Duration.seconds(60)

/** How long the end of a killed server is waited for, and the removal of its data: milliseconds. */
const closeTimeout = 10_000

/** Runs in a process of its own: its standard input ends with the process that started it, however that ends. */
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
 * How a server is started.
 *
 * @internal
 */
export interface StartOptions {
  readonly replicaSet?: string | false | undefined
  readonly args?: ReadonlyArray<string> | undefined
  readonly startTimeout?: Duration.Input | undefined
}

/**
 * Why a server did not come up.
 *
 * @internal
 */
export interface CannotStart {
  readonly message: string
  /** The last lines of the server's own log. */
  readonly log: ReadonlyArray<string>
  readonly cause?: unknown
}

/** A port that is free at this moment. */
const freePort: Effect.Effect<number, CannotStart> = Effect.callback((resume) => {
  const server = createServer()
  server.on(
    "error",
    (cause) => resume(Effect.fail({ message: "no port is free", log: [], cause }))
  )
  server.listen(0, "127.0.0.1", () => {
    const address = server.address()
    server.close(() => resume(Effect.succeed(typeof address === "object" && address !== null ? address.port : 0)))
  })
})

const dataFolder: Effect.Effect<string, CannotStart, Scope.Scope> = Effect.acquireRelease(
  Effect.tryPromise({
    try: () => mkdtemp(join(tmpdir(), "mongofx-")),
    catch: (cause): CannotStart => ({ message: "no folder for the data can be made", log: [], cause })
  }),
  (dir) =>
    Effect.promise(() =>
      // A server that has just been killed may still hold a file where the system is slow.
      rm(dir, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 }).catch(() => undefined)
    )
)

/** The pipes to a process are sockets, whatever their type says. */
const unref = (pipe: object): void => (pipe as { readonly unref?: () => void }).unref?.()

const spawnMongod = (binary: string, args: ReadonlyArray<string>): Process => {
  // In a group of its own: Ctrl-C in a terminal is for the tests, which then end the server.
  const child = spawn(binary, args, { stdio: ["ignore", "pipe", "pipe"], detached: true })
  const log = new MongodLog()
  // Neither the server nor its output keeps this process alive: it may end, and the server with it.
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
  const watchdog = spawn(process.execPath, ["-e", watchdogProgram, String(pid), dir], {
    stdio: ["pipe", "ignore", "ignore"],
    detached: true
  })
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

const withDriver = <A>(port: number, use: (admin: Driver.Admin) => Promise<A>): Promise<A> => {
  const client = new Driver.MongoClient(`mongodb://127.0.0.1:${port}/?directConnection=true`, {
    serverSelectionTimeoutMS: 1000,
    connectTimeoutMS: 1000
  })
  return use(client.db("admin").admin()).finally(() => client.close())
}

const notYet = new Error("the server does not take writes yet")
const notOurs = new Error("the port belongs to another server")

/** Another server may have taken the port: it must be neither initiated nor used. Ours then ends by itself. */
const checkIsOurs = async (admin: Driver.Admin, dir: string): Promise<void> => {
  const options = await admin.command({ getCmdLineOpts: 1 }).catch((error: { readonly codeName?: unknown }) => {
    // Who has not logged in may not ask for the command line.
    if (error.codeName === "Unauthorized") return undefined
    throw error
  })
  if (options !== undefined && options["parsed"]?.storage?.dbPath !== dir) throw notOurs
}

const initiate = async (admin: Driver.Admin, replicaSet: string, port: number): Promise<void> => {
  const hello = await admin.command({ hello: 1 })
  if (hello["setName"] !== undefined) return
  const members = [{ _id: 0, host: `127.0.0.1:${port}` }]
  await admin.command({ replSetInitiate: { _id: replicaSet, members } })
}

/** Waits until the server takes writes. */
const writable = (port: number, dir: string, replicaSet: string | undefined): Effect.Effect<void, unknown> =>
  Effect.retry(
    Effect.tryPromise(() =>
      withDriver(port, async (admin) => {
        await checkIsOurs(admin, dir)
        if (replicaSet !== undefined) await initiate(admin, replicaSet, port)
        const hello = await admin.command({ hello: 1 })
        if (hello["isWritablePrimary"] !== true) throw notYet
      })
    ),
    Schedule.spaced("50 millis")
  )

const startOnce = (
  binary: string,
  options: StartOptions
): Effect.Effect<{ readonly port: number } | "addressInUse", CannotStart, Scope.Scope> =>
  Effect.gen(function*() {
    const port = yield* freePort
    const dir = yield* dataFolder
    const replicaSet = options.replicaSet === false ? undefined : options.replicaSet ?? "rs"
    const args = [
      "--dbpath",
      dir,
      "--port",
      String(port),
      "--bind_ip",
      "127.0.0.1",
      // The server's own choice is half of the memory, which tests that run at the same time do not have.
      "--wiredTigerCacheSizeGB",
      "0.25",
      "--setParameter",
      "enableTestCommands=1",
      "--setParameter",
      "diagnosticDataCollectionEnabled=false",
      ...(process.platform === "win32" ? [] : ["--nounixsocket"]),
      ...(replicaSet === undefined ? [] : ["--replSet", replicaSet]),
      ...(options.args ?? [])
    ]
    const server = yield* scopedProcess(binary, args, dir)
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
              code === null ? signal === null ? "before it began" : `by ${signal}` : `with code ${code}`
            } while it started:`
          )
        ))
    const startTimeout = Duration.fromInputUnsafe(options.startTimeout ?? defaultStartTimeout)
    const ready = writable(port, dir, replicaSet).pipe(
      Effect.as({ port }),
      Effect.mapError((cause) => failure(`${binary} cannot be made a replica set:`, cause)),
      Effect.timeoutOrElse({
        duration: startTimeout,
        orElse: () => Effect.fail(failure(`${binary} was not ready within ${Duration.format(startTimeout)}:`))
      })
    )
    return yield* Effect.raceFirst(ready, ended)
  })

/**
 * Starts a server on a free port with data of its own, and says where it is.
 *
 * @internal
 */
export const start = (
  binary: string,
  options: StartOptions
): Effect.Effect<Redacted.Redacted, CannotStart, Scope.Scope> =>
  Effect.gen(function*() {
    // Somebody else may take the port between the moment it was found free and the moment the server binds it.
    for (let attempt = 0; attempt < 5; attempt++) {
      const started = yield* startOnce(binary, options)
      if (started === "addressInUse") continue
      const query = options.replicaSet === false
        ? "?directConnection=true"
        : `?replicaSet=${options.replicaSet ?? "rs"}`
      return Redacted.make(`mongodb://127.0.0.1:${started.port}/${query}`)
    }
    return yield* Effect.fail<CannotStart>({ message: "five ports in a row were taken by others", log: [] })
  })
