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

/** The files of programs, as long as the tests of a file run: a program may start often. */
const files = Scope.makeUnsafe()
const bundles = new Map<string, Promise<string>>()
afterAll(() => Effect.runPromise(Scope.close(files, Exit.void)))

const bundled = (program: string): Promise<string> => {
  const known = bundles.get(program)
  if (known !== undefined) return known
  const made = Effect.runPromise(Scope.provide(bundle(program, "everything"), files))
  bundles.set(program, made)
  return made
}

/** Starts a program on the server of the run. It is killed with the scope. */
export const startProcess = (
  program: URL,
  ...args: ReadonlyArray<string>
): Effect.Effect<Process, never, Scope.Scope> =>
  Effect.gen(function*() {
    const file = yield* Effect.promise(() => bundled(fileURLToPath(program)))
    const name = [program.pathname.split("/").at(-1), ...args].join(" ")
    return yield* Effect.acquireRelease(
      Effect.sync(() => {
        const child = spawn(process.execPath, [file, ...args], {
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
          said: (line: string) => until(`${name} says ${line}`, () => lines().includes(line), 250_000),
          tell: (line: string) => void child.stdin.write(`${line}\n`),
          ended: until(`${name} has ended`, () => child.exitCode !== null || child.signalCode !== null, 120_000)
        }
      }),
      ({ child }) => Effect.sync(() => child.kill("SIGKILL"))
    )
  })
