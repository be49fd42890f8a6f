import { Effect, type Scope } from "effect"
import { spawn } from "node:child_process"
import { once } from "node:events"
import { fileURLToPath } from "node:url"

/** A process that works on orders. */
export interface Worker {
  readonly pid: number
  /** Ends it at once, whatever it does: as a crash of its machine would. */
  readonly kill: Effect.Effect<void>
}

/** Starts a worker, which is killed with the scope at the latest. */
export const startWorker = (uri: string): Effect.Effect<Worker, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.sync(() => {
      const file = fileURLToPath(new URL("./worker.ts", import.meta.url))
      const child = spawn(process.execPath, ["--no-warnings", "--import", "tsx", file], {
        stdio: ["pipe", "ignore", "inherit"],
        env: { ...process.env, MONGODB_URI: uri }
      })
      const ended = once(child, "exit")
      return {
        pid: child.pid ?? 0,
        kill: Effect.promise(() => {
          child.kill("SIGKILL")
          return ended
        })
      }
    }),
    ({ kill }) => kill
  )
