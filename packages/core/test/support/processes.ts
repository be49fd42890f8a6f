/**
 * Programs in processes of their own.
 */
import { Effect, Exit, Scope } from "effect"
import { type ChildProcess, spawn } from "node:child_process"
import { fileURLToPath } from "node:url"
import { afterAll } from "vitest"
import { bundle } from "./bundle.ts"
import { until, uri } from "./utils.ts"

/** A process, what it has printed, and ways to wait for it. */
export interface Process {
  readonly child: ChildProcess
  readonly lines: () => ReadonlyArray<string>
  readonly said: (line: string) => Effect.Effect<void>
  readonly tell: (line: string) => void
  readonly ended: Effect.Effect<void>
}

const bundles = Scope.makeUnsafe()
const files = new Map<string, Promise<string>>()
afterAll(() => Effect.runPromise(Scope.close(bundles, Exit.void)))

/** A program in one file, which many processes can start from until the tests of a file have ended. */
export const programOf = (program: URL): Effect.Effect<string> =>
  Effect.promise(() => {
    const path = fileURLToPath(program)
    const file = files.get(path) ?? Effect.runPromise(Scope.provide(bundle(path, "everything"), bundles))
    files.set(path, file)
    return file
  })

/** Starts a program of `programOf` on a server. It ends with this process at the latest, if it reads its standard input. */
export const spawnProcess = (file: string, args: ReadonlyArray<string>, serverUri: string = uri): Process => {
  const child = spawn(process.execPath, [file, ...args], {
    stdio: ["pipe", "pipe", "inherit"],
    env: { ...process.env, MONGODB_URI: serverUri }
  })
  let output = ""
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    output += text
  })
  const lines = () => output.trim().split("\n")
  return {
    child,
    lines,
    said: (line: string) => until(`a process says ${line}`, () => lines().includes(line), 250_000),
    tell: (line: string) => void child.stdin.write(`${line}\n`),
    ended: until("a process has ended", () => child.exitCode !== null || child.signalCode !== null, 120_000)
  }
}

/** Starts a program, which is killed with the scope. */
export const startProcess = (
  program: URL,
  ...args: ReadonlyArray<string>
): Effect.Effect<Process, never, Scope.Scope> =>
  Effect.flatMap(programOf(program), (file) =>
    Effect.acquireRelease(
      Effect.sync(() => spawnProcess(file, args)),
      ({ child }) => Effect.sync(() => child.kill("SIGKILL"))
    ))
