/**
 * Programs of this folder in processes of their own.
 */
import { Effect, type Scope } from "effect"
import { type ChildProcess, spawn } from "node:child_process"
import { fileURLToPath } from "node:url"
import { until } from "test-support/utils"

/** A process, what it has printed, and ways to wait for it. */
export interface Process {
  readonly child: ChildProcess
  readonly lines: () => ReadonlyArray<string>
  readonly said: (line: string) => Effect.Effect<void>
  readonly tell: (line: string) => void
  readonly ended: Effect.Effect<void>
}

/** Starts a program, which is killed with the scope. */
export const startProcess = (
  program: string,
  ...args: ReadonlyArray<string>
): Effect.Effect<Process, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.sync(() => {
      const file = fileURLToPath(new URL(`./${program}.ts`, import.meta.url))
      const child = spawn(process.execPath, ["--import", "tsx", file, ...args], {
        stdio: ["pipe", "pipe", "inherit"],
        env: { ...process.env, MONGODB_URI: process.env["MONGODB_URI"]! }
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
    }),
    ({ child }) => Effect.sync(() => child.kill("SIGKILL"))
  )
