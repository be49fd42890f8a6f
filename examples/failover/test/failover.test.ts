import { assert, describe, it } from "@effect/vitest"
import { execFile } from "node:child_process"
import { promisify } from "node:util"
import { draw, type Recording } from "../timeline.ts"

const main = new URL("../main.ts", import.meta.url).pathname

const hasBinary = (process.env["MONGOD_BINARY"] ?? "") !== ""

describe.skipIf(!hasBinary)("the program (needs MONGOD_BINARY)", () => {
  it("counts every step once through two elections, and shows what was sent again", { timeout: 180_000 }, async () => {
    const { stdout } = await promisify(execFile)(process.execPath, ["--no-warnings", "--import", "tsx", main])
    const steps = Number(/^(\d+) steps: /m.exec(stdout)?.[1])
    assert.isAbove(steps, 20, stdout)
    assert.include(stdout, `The counters have counted ${steps}: no step is lost or counted twice.`)

    // The write went to one member, and then to the one that was elected.
    const retried = [...stdout.matchAll(/ took \d+ ms: sent to (\S+), then to (\S+)$/gm)]
    assert.isAbove(retried.length, 0, stdout)
    const killed = /killed: (\S+)/.exec(stdout)?.[1]
    assert.isTrue(retried.some(([, first, then]) => first === killed && then !== killed), stdout)

    for (const text of ["stepped down: ", "no primary is known", "started again: ", "█", "░", "✕"]) {
      assert.include(stdout, text)
    }
    assert.notInclude(stdout, "\u001b", "nothing for a terminal")
  })
})

describe("the drawing", () => {
  const recording: Recording = {
    hosts: ["a:1", "b:1", "c:1"],
    steps: [
      ...[10, 20, 30, 40].map((ended) => ({ began: ended - 5, ended, sentTo: ["a:1"] })),
      { began: 110, ended: 390, sentTo: ["a:1", "b:1"] },
      { began: 420, ended: 430, sentTo: ["b:1"] }
    ],
    views: [
      { at: 0, primary: "a:1", secondaries: ["b:1", "c:1"] },
      { at: 120, primary: undefined, secondaries: ["b:1", "c:1"] },
      { at: 320, primary: "b:1", secondaries: ["c:1"] }
    ],
    marks: [{ at: 110, sign: "✕" }, { at: 450, sign: "↑" }]
  }

  it("shows roles, steps and faults at their times", () => {
    assert.deepStrictEqual(draw(recording, 500, 10), [
      "              0 s",
      "  faults        ✕      ↑",
      "  a:1         ██········",
      "  b:1         ░░░░░░████",
      "  c:1         ░░░░░░░░░░",
      "  steps       █      ▂▂",
      "  sent again         2"
    ])
  })

  it("has no more columns than there is room for", () => {
    for (const end of [1, 499, 60_000, 10_000_000]) {
      for (const row of draw(recording, end, 40)) assert.isAtMost(row.length, 2 + "sent again".length + 2 + 40)
    }
  })
})
