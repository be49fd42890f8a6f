/**
 * The checks of what a cluster has written down can fail.
 *
 * @since 0.1.0
 */
import { assert, describe, it } from "@effect/vitest"
import type { Work } from "../support/cluster.ts"
import {
  type Answer,
  answerProblems,
  depositProblems,
  feedProblems,
  lockProblems,
  orderProblems,
  workProblems
} from "../support/clusterLog.ts"

const at = (seconds: number) => new Date(seconds * 1000)

describe("locks", () => {
  const change = (owner: string | null, fence: number, now: number, until: number) => ({
    shard: "s",
    owner,
    fence,
    at: at(now),
    expiresAt: at(until)
  })

  it("pass on when they were given back, or when their time is over", () => {
    const right = [
      change("a", 1, 0, 6),
      change("a", 1, 2, 8),
      change("b", 2, 8, 14),
      change(null, 2, 9, 0),
      change("a", 3, 10, 16)
    ]
    assert.deepStrictEqual(lockProblems(right), [])
    assert.deepStrictEqual(lockProblems([change("a", 1, 0, 6), change("b", 2, 5.9, 12)]), ["shard s had two owners"])
    assert.deepStrictEqual(lockProblems([change("a", 1, 0, 6), change("b", 1, 7, 12)]), ["the fence of s did not grow"])
  })
})

describe("work", () => {
  const work = (process: number, from: number, to: number, shard = "s"): Work => ({
    _id: `${process} ${from}`,
    process,
    shard,
    entity: "e",
    id: "i",
    from: at(from),
    to: at(to)
  })

  it("for a shard is of one process at a time", () => {
    assert.deepStrictEqual(workProblems([work(1, 0, 2), work(1, 1, 3), work(2, 3, 4), work(2, 0, 9, "t")], []), [])
    // Also if another work has ended in between.
    const problems = workProblems([work(1, 0, 5), work(1, 1, 2), work(2, 4, 6)], [])
    assert.lengthOf(problems, 1)
    assert.match(problems[0]!, /^shard s was at work in two processes: e in 1 until .*, e in 2 from/)
  })

  it("of a process that was stopped may overlap until it can know better, and no longer", () => {
    const stops = [{ process: 1, from: at(3), to: at(10) }]
    assert.deepStrictEqual(workProblems([work(1, 2, 10.1), work(1, 11, 12), work(2, 8, 12)], stops), [])
    assert.lengthOf(workProblems([work(1, 14, 15), work(2, 8, 16)], stops), 1)
    assert.lengthOf(workProblems([work(1, 1, 2), work(2, 1, 2)], stops), 1)
  })
})

describe("answers", () => {
  const answer = (value: string, entityType = "Counter"): Answer => ({ entityType, entity: "e", id: "i", value })
  const request = (...exits: ReadonlyArray<string>) => ({
    entityType: "Counter",
    entity: "e",
    id: "i",
    processed: exits.length > 0,
    exits
  })

  it("are those of the only exit of the only request", () => {
    assert.deepStrictEqual(answerProblems([answer("x"), answer("x")], [request("x")]), [])
    assert.deepStrictEqual(answerProblems([answer("y")], [request("x")]), [
      "Counter e i was answered y, and its exit is [\"x\"]"
    ])
    assert.deepStrictEqual(answerProblems([], [request()]), ["Counter e i has 0 exits, and is open"])
    assert.deepStrictEqual(answerProblems([], [request("x", "x")]), ["Counter e i has 2 exits"])
    assert.deepStrictEqual(answerProblems([answer("x")], [request("x"), request("x")]), [
      "Counter e i is stored 2 times"
    ])
  })

  it("in a stream are complete and in order", () => {
    const read = (...values: ReadonlyArray<number>) => feedProblems([{ id: "l", size: 3, values }])
    assert.deepStrictEqual([...read(0, 1, 2), ...read(0, 1, 1, 2)], [])
    for (const wrong of [[0, 2], [0, 1], [0, 1, 2, 3], [0, 1, 0, 1, 2], [1, 0, 2]]) assert.lengthOf(read(...wrong), 1)
  })

  it("and what was written with them are one", () => {
    const deposit = { id: "i", account: "e", amount: 2, work: "x" }
    const told = [answer("x", "Account")]
    const balance = { _id: "e", balance: 2 }
    assert.deepStrictEqual(depositProblems(told, [deposit], [balance]), [])
    assert.deepStrictEqual(depositProblems(told, [], []), ["deposit i is lost"])
    assert.deepStrictEqual(depositProblems(told, [deposit, deposit], [{ _id: "e", balance: 4 }]), [
      "deposit i took place 2 times"
    ])
    assert.deepStrictEqual(depositProblems(told, [deposit], [{ _id: "e", balance: 4 }]), [
      "the balance of e is 4, and its deposits are 2"
    ])
    assert.deepStrictEqual(depositProblems(told, [{ ...deposit, work: "y" }], [balance]), [
      "deposit i is of work y, and x was answered"
    ])
  })

  it("of workflows are those of their activities, and what was declined is given back", () => {
    const reserved = { _id: "w", process: 1, shard: "s", entity: "order o", id: "reserve 3", from: at(0), to: at(1) }
    const order = { id: "o", isDeclined: false, value: "w approved, shipped o" }
    const declined = { id: "o", isDeclined: true, value: "w declined" }
    const release = { _id: "o", reserved: "w" }
    assert.deepStrictEqual(orderProblems([order], [reserved], []), [])
    assert.deepStrictEqual(orderProblems([declined], [reserved], [release]), [])
    assert.lengthOf(orderProblems([order], [], []), 1)
    assert.lengthOf(orderProblems([order], [reserved], [release]), 1)
    assert.lengthOf(orderProblems([declined], [reserved], []), 1)
    assert.lengthOf(orderProblems([declined], [reserved], [{ ...release, reserved: "v" }]), 1)
  })
})
