/**
 * Programs that run one side of a benchmark alone, so that the heaps of the sides do not disturb each other.
 *
 * @since 0.1.0
 */
import { spawn } from "node:child_process"
import { fileURLToPath } from "node:url"

const variable = "BENCH_TASK"

/** What this program has to do, if `inChild` has started it. */
export const taskOfChild = (): unknown => {
  const task = process.env[variable]
  return task === undefined ? undefined : JSON.parse(task)
}

/** Ends a program that `inChild` has started, with its result. */
export const answer = (result: unknown): void => {
  process.stdout.write(JSON.stringify(result))
}

/** Runs a file in a program of its own, with a task and flags of Node. Returns what it answers. */
export const inChild = (file: string, task: unknown, flags: ReadonlyArray<string> = []): Promise<unknown> =>
  new Promise((resolve, reject) => {
    const child = spawn(process.execPath, ["--expose-gc", ...flags, "--import", "tsx", fileURLToPath(file)], {
      stdio: ["ignore", "pipe", "inherit"],
      env: { ...process.env, [variable]: JSON.stringify(task) }
    })
    let output = ""
    child.stdout.setEncoding("utf8").on("data", (chunk: string) => {
      output += chunk
    })
    child.on("error", reject)
    child.on("close", (code) => {
      if (code === 0) resolve(JSON.parse(output))
      else reject(new Error(`the side ${JSON.stringify(task)} ended with ${code}`))
    })
  })
