import { assert, describe, it } from "@effect/vitest"
import { isInMemory } from "@mongofx/testing/internal/server/dataFolder"

const GB = 1024 ** 3

describe("the place of a server's data", () => {
  it("is in memory from 1 GB on, of the file system in memory and of the machine's memory", () => {
    assert.isTrue(isInMemory(false, { free: GB, available: GB }))
    assert.isFalse(isInMemory(false, { free: GB - 1, available: 8 * GB }))
    assert.isFalse(isInMemory(false, { free: 8 * GB, available: GB - 1 }))
  })

  it("is on disk in a container whose /dev/shm has 64 MB", () => {
    assert.isFalse(isInMemory(false, { free: 64 * 1024 ** 2, available: 8 * GB }))
  })

  it("is on disk where there is no file system in memory", () => {
    assert.isFalse(isInMemory(false, undefined))
  })

  it("is on disk for a durable server", () => {
    assert.isFalse(isInMemory(true, { free: 8 * GB, available: 8 * GB }))
  })
})
