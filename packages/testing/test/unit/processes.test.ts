import { assert, describe, it } from "@effect/vitest"
import { isLeftover, ownPrefix, thisSystem } from "@mongofx/testing/internal/server/processes"
import { execFileSync } from "node:child_process"

describe("a file that a process left", () => {
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

  it("is none of this process", () => {
    assert.isFalse(isLeftover(`${ownPrefix(thisSystem())}aB3dEf`, thisSystem()))
  })

  it("is one of a process that has just ended", () => {
    const ended = execFileSync("sh", ["-c", "echo $$"], { encoding: "utf8" }).trim()
    assert.isTrue(isLeftover(`mongofx-${thisSystem().id}-${ended}-1-aB3dEf`, thisSystem()))
  })
})
