/**
 * The process of a server. It can be killed, frozen and started again, and ends with its scope or with this process.
 */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { type ChildProcess, spawn } from "node:child_process"
import { MongodLog } from "./mongodLog.ts"

/** @internal */
export const isWindows = process.platform === "win32"

/** How long to wait for the end of a killed server: milliseconds. */
const closeTimeout = 10_000

/**
 * Runs in its own process and reads the number of the server's process, again after each start. Its standard input ends when the process
 * that started it ends, in whatever way. It may run much later than that, as after a pause, when the number belongs to another process: so it
 * kills only one that names the folder, save on Windows. A shell is there in a twentieth of the time of Node.
 *
 * @internal
 */
export const watchdogCommand = (dir: string): readonly [string, ReadonlyArray<string>] =>
  isWindows
    ? [process.execPath, ["-e", watchdogProgram, dir]]
    : ["/bin/sh", ["-c", watchdogScript, dir]]

const watchdogScript = `
while read -r line; do pid=$line; done
if [ -n "$pid" ]; then
  args=$(tr '\\0' ' ' < "/proc/$pid/cmdline" || ps -ww -o args= -p "$pid")
  case $args in *"$0"*) kill -9 "$pid" ;; esac
fi 2>/dev/null
n=0
until rm -rf "$0" || [ $n -ge 50 ]; do sleep 0.1; n=$((n + 1)); done`

const watchdogProgram = `
const dir = process.argv.at(-1)
let text = ""
process.stdin.setEncoding("utf8").on("data", (chunk) => { text += chunk }).on("error", () => {}).on("close", () => {
  const pid = text.split("\\n").at(-2)
  try { if (pid) process.kill(Number(pid), "SIGKILL") } catch {}
  require("node:fs").rmSync(dir, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 })
})`

/**
 * How a process ended.
 *
 * @internal
 */
export interface Ended {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

/** Pipes to a process are sockets, although their type does not say so. */
const unref = (pipe: object): void => (pipe as { readonly unref?: () => void }).unref?.()

const spawnWatchdog = (dir: string): ChildProcess => {
  const watchdog = spawn(...watchdogCommand(dir), { stdio: ["pipe", "ignore", "ignore"], detached: true })
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

/**
 * The process of a server, with its watchdog.
 *
 * @internal
 */
export class ServerProcess {
  readonly log: MongodLog = new MongodLog()
  private readonly binary: string
  private readonly args: ReadonlyArray<string>
  private readonly watchdog: ChildProcess
  private child: ChildProcess | undefined
  private frozen = false
  private closed = false
  /** When the process that was started last ends. */
  exited: Promise<Ended> = Promise.resolve({ code: null, signal: null })

  constructor(binary: string, args: ReadonlyArray<string>, dir: string) {
    this.binary = binary
    this.args = args
    this.watchdog = spawnWatchdog(dir)
  }

  /** The number of the process while it runs. */
  get pid(): number | undefined {
    return this.child?.pid
  }

  get isFrozen(): boolean {
    return this.frozen
  }

  get isClosed(): boolean {
    return this.closed
  }

  /** Starts the process, unless it runs or was killed for good. */
  start(): void {
    if (this.closed || this.child !== undefined) return
    // In its own group: Ctrl-C in a terminal goes to the tests, which then end the server.
    const child = spawn(this.binary, this.args, { stdio: ["ignore", "pipe", "pipe"], detached: true })
    this.child = child
    if (child.pid !== undefined) this.tell(String(child.pid))
    // Neither the server nor its output keeps this process alive. When this process ends, the server ends too.
    child.unref()
    for (const output of [child.stdout, child.stderr]) {
      output.setEncoding("utf8").on("data", (chunk: string) => this.log.add(chunk))
      unref(output)
    }
    const ended = (result: Ended): Ended => {
      if (this.child === child) {
        this.child = undefined
        this.frozen = false
        // The system may give the number to another process.
        this.tell("")
      }
      return result
    }
    this.exited = new Promise((resolve) => {
      child.on("error", (error) => {
        this.log.add(`${error.message}\n`)
        resolve(ended({ code: null, signal: null }))
      })
      child.on("close", (code, signal) => resolve(ended({ code, signal })))
    })
  }

  /** Kills the process, which may be frozen, and waits for its end. */
  async kill(): Promise<void> {
    this.child?.kill("SIGKILL")
    await within(this.exited, closeTimeout)
  }

  /** Freezes the process. Says whether that was possible. */
  freeze(): boolean {
    // Windows does not know the signal, and Node throws.
    this.frozen = !isWindows && (this.child?.kill("SIGSTOP") ?? false)
    return this.frozen
  }

  /** Lets the process run on. */
  thaw(): void {
    this.child?.kill("SIGCONT")
    this.frozen = false
  }

  /** Kills the process for good. */
  async close(): Promise<void> {
    this.closed = true
    await this.kill()
    this.watchdog.kill("SIGKILL")
  }

  private tell(line: string): void {
    this.watchdog.stdin?.write(`${line}\n`)
  }
}

/**
 * A server's process, which runs. It ends with the scope, or with this process.
 *
 * @internal
 */
export const serverProcess = (
  binary: string,
  args: ReadonlyArray<string>,
  dir: string
): Effect.Effect<ServerProcess, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.sync(() => {
      const server = new ServerProcess(binary, args, dir)
      server.start()
      return server
    }),
    (server) => Effect.promise(() => server.close())
  )
