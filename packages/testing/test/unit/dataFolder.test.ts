import { assert, describe, it } from "@effect/vitest"
import { isInMemory, isLeftover } from "@mongofx/testing/internal/dataFolder"

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

describe("a folder that a process left", () => {
  const system = {
    id: "0123abcd",
    startOf: (pid: number) => pid === 7 ? "500" : undefined
  }

  it("is one whose process no longer runs", () => {
    assert.isTrue(isLeftover("mongofx-0123abcd-8-500-aB3dEf", system))
  })

  it("is one whose process has ended although another one has its number now", () => {
    assert.isTrue(isLeftover("mongofx-0123abcd-7-499-aB3dEf", system))
  })

  it("is none whose process runs", () => {
    assert.isFalse(isLeftover("mongofx-0123abcd-7-500-aB3dEf", system))
  })

  it("is none of another container or machine, whose processes cannot be seen", () => {
    assert.isFalse(isLeftover("mongofx-ffffffff-8-500-aB3dEf", system))
  })

  it("is none of another name", () => {
    for (const name of ["mongofx-aB3dEf", "mongofx-0123abcd-8-500", "x-mongofx-0123abcd-8-500-aB3dEf", "data"]) {
      assert.isFalse(isLeftover(name, system), name)
    }
  })
})
