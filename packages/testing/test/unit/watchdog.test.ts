import { assert, describe, it } from "@effect/vitest"
import { isWindows, watchdogCommand } from "@mongofx/testing/internal/server/serverProcess"
import { Effect } from "effect"
import { spawn } from "node:child_process"
import { existsSync, mkdtempSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { isRunning } from "../support/processes.ts"

const folder = () => mkdtempSync(join(tmpdir(), "mongofx-watchdog-"))

/** A process that has these further arguments. */
const sleeper = (...args: ReadonlyArray<string>) =>
  Effect.map(
    Effect.acquireRelease(
      Effect.sync(() =>
        spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)", "--", ...args], { stdio: "ignore" })
      ),
      (child) => Effect.sync(() => child.kill("SIGKILL"))
    ),
    ({ pid }) => pid!
  )

/** Runs a watchdog that has read these lines when its input ends. */
const watch = (dir: string, ...lines: ReadonlyArray<number | "">) =>
  Effect.promise(() =>
    new Promise((resolve) => {
      const watchdog = spawn(...watchdogCommand(dir), { stdio: ["pipe", "ignore", "ignore"] })
      watchdog.on("close", resolve)
      watchdog.stdin.end(lines.map((line) => `${line}\n`).join(""))
    })
  )

describe.skipIf(isWindows)("a watchdog", () => {
  it.live("kills the server of its folder and removes the folder", () =>
    Effect.gen(function*() {
      for (const name of ["", "/mongod.lock"]) {
        const dir = folder()
        const server = yield* sleeper("--dbpath", `${dir}${name}`)
        yield* watch(dir, 1, "", server)
        assert.deepStrictEqual([isRunning(server), existsSync(dir)], [false, false])
      }
    }))

  it.live("lets another process be that has got the number of its server, and one whose end it was told", () =>
    Effect.gen(function*() {
      const dir = folder()
      const other = yield* sleeper("--dbpath", folder())
      yield* watch(dir, other)
      const told = yield* sleeper(dir)
      yield* watch(dir, told, "")
      assert.deepStrictEqual([isRunning(other), isRunning(told), existsSync(dir)], [true, true, false])
    }))
})
