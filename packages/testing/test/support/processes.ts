import { Effect } from "effect"
import { execFileSync } from "node:child_process"

/** Processes whose command line contains a text. */
export const processes = (text: string): ReadonlyArray<string> =>
  execFileSync("ps", ["-eo", "pid,args"], { encoding: "utf8" }).split("\n")
    .filter((line) => line.includes(text) && !line.includes("ps -eo"))

/** Waits until a condition holds, and dies with its name if it does not within 30 seconds. */
export const until = (what: string, condition: () => boolean | Promise<boolean>): Effect.Effect<void> =>
  Effect.promise(async () => {
    const deadline = Date.now() + 30_000
    while (!await condition()) {
      if (Date.now() > deadline) throw new Error(`waited in vain: ${what}`)
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  })

const binary = process.env["MONGOD_BINARY"]

/** A run on a server that runs already may have no binary to start another one. */
export const hasBinary: boolean = binary !== undefined && binary !== ""

/** Whether a process runs that is not only waiting for its parent to notice its end. */
export const isRunning = (pid: number): boolean => {
  try {
    return !execFileSync("ps", ["-o", "stat=", "-p", String(pid)], { encoding: "utf8" }).trim().startsWith("Z")
  } catch {
    return false
  }
}
