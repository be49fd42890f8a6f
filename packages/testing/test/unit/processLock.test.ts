import { assert, describe, it } from "@effect/vitest"
import { thisSystem } from "@mongofx/testing/internal/server/processes"
import { withProcessLock } from "@mongofx/testing/internal/server/processLock"
import { existsSync, mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"

const never = new AbortController().signal

const inFolder = (use: (folder: string) => Promise<void>) => async () => {
  const folder = mkdtempSync(join(tmpdir(), "mongofx-test-"))
  try {
    await use(folder)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

const sleep = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds))

describe("a lock among processes", () => {
  it(
    "lets only one in at a time, and leaves no file",
    inFolder(async (folder) => {
      let inside = 0
      let runs = 0
      await Promise.all(Array.from({ length: 6 }, () =>
        withProcessLock(folder, never, async () => {
          inside++
          runs++
          assert.strictEqual(inside, 1)
          await sleep(20)
          inside--
        })))
      assert.strictEqual(runs, 6)
      assert.deepStrictEqual(readdirSync(folder), [])
    })
  )

  it(
    "is free again after a failure",
    inFolder(async (folder) => {
      const failed = await withProcessLock(folder, never, () => Promise.reject(new Error("no"))).catch(String)
      assert.strictEqual(failed, "Error: no")
      assert.strictEqual(await withProcessLock(folder, never, async () => 1), 1)
    })
  )

  it(
    "passes over the file of a process that has ended, and removes it",
    inFolder(async (folder) => {
      const dead = join(folder, `mongofx-${thisSystem().id}-${process.pid}-1-0000`)
      writeFileSync(dead, "")
      assert.strictEqual(await withProcessLock(folder, never, async () => 1), 1)
      assert.isFalse(existsSync(dead))
    })
  )

  it(
    "waits for a process of another container until it gives no sign of life for 30 seconds",
    inFolder(async (folder) => {
      const other = join(folder, "mongofx-ffffffff-1-1-0000")
      writeFileSync(other, "")
      let isIn = false
      const entered = withProcessLock(folder, never, async () => {
        isIn = true
      })
      await sleep(500)
      assert.isFalse(isIn)
      const old = new Date(Date.now() - 31_000)
      utimesSync(other, old, old)
      await entered
      assert.isTrue(isIn)
    })
  )

  it(
    "is no longer waited for once the signal says so",
    inFolder(async (folder) => {
      const controller = new AbortController()
      let isIn = false
      await withProcessLock(folder, never, async () => {
        const waiting = withProcessLock(folder, controller.signal, async () => {
          isIn = true
        })
        controller.abort(new Error("enough"))
        assert.strictEqual(await waiting.catch(String), "Error: enough")
      })
      assert.isFalse(isIn)
      assert.deepStrictEqual(readdirSync(folder), [])
    })
  )
})
