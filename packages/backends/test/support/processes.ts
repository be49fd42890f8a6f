/**
 * Programs of this folder in processes of their own.
 */
import { Effect, type Scope } from "effect"
import { type ChildProcess, spawn } from "node:child_process"
import { fileURLToPath } from "node:url"
import { bundle } from "test-support/bundle"
import { until } from "test-support/utils"

/** A process, what it has printed, and ways to wait for it. */
export interface Process {
  readonly child: ChildProcess
  readonly lines: () => ReadonlyArray<string>
  readonly said: (line: string) => Effect.Effect<void>
  readonly tell: (line: string) => void
  readonly ended: Effect.Effect<void>
}

/** A program of this folder in one file, which many processes can start from. */
export const programOf = (name: string): Effect.Effect<string, never, Scope.Scope> =>
  bundle(fileURLToPath(new URL(`./${name}.ts`, import.meta.url)), "everything")

/** Starts a program on a server. It ends with this process at the latest. */
export const spawnProcess = (
  program: string,
  args: ReadonlyArray<string>,
  uri: string = process.env["MONGODB_URI"]!
): Process => {
  const child = spawn(process.execPath, [program, ...args], {
    stdio: ["pipe", "pipe", "inherit"],
    env: { ...process.env, MONGODB_URI: uri }
  })
  let output = ""
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    output += text
  })
  const lines = () => output.trim().split("\n")
  return {
    child,
    lines,
    said: (line: string) => until(`a process says ${line}`, () => lines().includes(line), 120_000),
    tell: (line: string) => void child.stdin.write(`${line}\n`),
    ended: until("a process has ended", () => child.exitCode !== null || child.signalCode !== null, 120_000)
  }
}

/** Starts a program of this folder, which is killed with the scope. */
export const startProcess = (
  name: string,
  ...args: ReadonlyArray<string>
): Effect.Effect<Process, never, Scope.Scope> =>
  Effect.flatMap(programOf(name), (program) =>
    Effect.acquireRelease(
      Effect.sync(() => spawnProcess(program, args)),
      ({ child }) => Effect.sync(() => child.kill("SIGKILL"))
    ))
