import { Effect, type Scope } from "effect"
import { type ChildProcess, spawn, spawnSync } from "node:child_process"
import { fileURLToPath } from "node:url"
import { bundle } from "test-support/bundle"
import { type Fixture, uri } from "test-support/utils"

/** The example of a command line, in one file: a process then starts in a third of a second. */
export const bundled: Effect.Effect<string, never, Scope.Scope> = bundle(
  fileURLToPath(new URL("../../../../examples/command-line/db.ts", import.meta.url)),
  "everything"
)

/** Whether this machine has the `script` that gives a program a terminal. */
export const hasTerminal =
  spawnSync("script", ["--version"], { encoding: "utf8" }).stdout?.includes("util-linux") === true

export interface Ended {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

export interface Settings {
  /** Gives it a terminal, which shows standard output and standard error together. */
  readonly terminal?: boolean
  readonly env?: Record<string, string>
  /** What a person types. */
  readonly input?: string
  /** Runs when the process has started. */
  readonly during?: (child: ChildProcess) => Promise<void>
}

/** The connection string of a test's database. */
const urlOf = ({ db }: Fixture): string => {
  const url = new URL(uri)
  url.pathname = `/${db.name}`
  return url.href
}

/** Runs the example's command line on a test's database, as a process. */
export const cli = (
  program: string,
  fixture: Fixture,
  args: string,
  { during, env, input, terminal = false }: Settings = {}
): Effect.Effect<Ended> =>
  Effect.promise(async () => {
    const { FORCE_COLOR: _force, NO_COLOR: _no, ...inherited } = process.env
    const command = [process.execPath, program, ...args.split(" ")]
    const [file, ...rest] = terminal ? ["script", "-qec", command.join(" "), "/dev/null"] : command
    const child = spawn(file!, rest, {
      stdio: [input === undefined ? "ignore" : "pipe", "pipe", "pipe"],
      env: { ...inherited, TERM: "xterm", MONGODB_URI: urlOf(fixture), ...env }
    })
    let stdout = ""
    let stderr = ""
    child.stdout!.setEncoding("utf8").on("data", (text: string) => void (stdout += text))
    child.stderr!.setEncoding("utf8").on("data", (text: string) => void (stderr += text))
    const timer = setTimeout(() => child.kill("SIGKILL"), 60_000)
    const ended = new Promise<number | null>((resolve) => child.once("close", resolve))
    try {
      if (input !== undefined) {
        // A terminal that is asked too early loses what is typed.
        while (!stdout.includes("Go on?") && child.exitCode === null) {
          await new Promise((resolve) => setTimeout(resolve, 20))
        }
        child.stdin!.write(input)
      }
      await during?.(child)
      return { code: await ended, stdout, stderr }
    } finally {
      clearTimeout(timer)
      child.kill("SIGKILL")
    }
  })
