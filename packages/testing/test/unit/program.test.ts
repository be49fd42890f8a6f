import { assert, describe, it } from "@effect/vitest"
import { randomProgram, type Settings } from "@mongofx/testing/internal/commands/generate"
import {
  type Call,
  type Command,
  isRunnable,
  makeIsNew,
  type Program,
  smaller
} from "@mongofx/testing/internal/commands/program"
import { Arbitrary, Effect, Exit, Random, Schema } from "effect"
import { seeded } from "test-support/utils"

type Counter = Command<number, unknown, unknown, unknown, never>

/** A command that changes a counter, which must not become negative. */
const change = (by: number): Counter => ({
  arguments: () => Arbitrary.schema(Schema.Int),
  when: (model) => model + by >= 0,
  run: () => Effect.void,
  next: (model) => ({ model: model + by, result: Exit.void })
})

const call = (by: number): Call<number, never> => ({
  name: by > 0 ? "up" : "down",
  command: change(by),
  args: by,
  source: Arbitrary.Constant(by),
  seed: 0
})

const program = (
  before: ReadonlyArray<number>,
  branches: ReadonlyArray<ReadonlyArray<number>> = []
): Program<number, never> => ({
  before: before.map(call),
  branches: branches.map((branch) => branch.map(call)),
  after: []
})

const calls = ({ before, branches }: Program<number, never>) => ({
  before: before.map(({ args }) => args),
  branches: branches.map((branch) => branch.map(({ args }) => args))
})

const sizeOf = ({ before, branches }: Program<number, never>) => before.length + branches.flat().length

/** The smallest program that fails, by the way that the check goes. */
const shrunk = (start: Program<number, never>, fails: (program: Program<number, never>) => boolean) => {
  let best = start
  for (let steps = 0;; steps++) {
    assert.isBelow(steps, 1000, "shrinking does not end")
    const next = [...smaller(best)].find(fails)
    if (next === undefined) return best
    best = next
  }
}

describe("makeIsNew", () => {
  it("knows a program with the same calls in the same places", () => {
    const isNew = makeIsNew<number, never>()
    const [a, b] = [call(1), call(1)]
    const programs: ReadonlyArray<Program<number, never>> = [
      { before: [a, b], branches: [], after: [] },
      { before: [b, a], branches: [], after: [] },
      { before: [a], branches: [[b]], after: [] },
      { before: [], branches: [[a], [b]], after: [] },
      { before: [], branches: [[a, b]], after: [] }
    ]
    assert.deepStrictEqual(programs.map(isNew), [true, true, true, true, true])
    assert.deepStrictEqual(programs.map((program) => isNew({ ...program })), [false, false, false, false, false])
  })
})

describe("smaller", () => {
  it("has fewer commands, or fewer of them at the same time", () => {
    const start = program([1, 2, 3], [[4, 5], [6]])
    for (const candidate of smaller(start)) {
      const [size, parallel] = [sizeOf(candidate), candidate.branches.flat().length]
      assert.isTrue(size < 6 || size === 6 && parallel < 3, JSON.stringify(calls(candidate)))
      assert.isTrue(candidate.branches.length !== 1 && candidate.branches.every((branch) => branch.length > 0))
    }
  })

  it("leads to the commands that a failure needs, and to their order", () => {
    const order = (program: Program<number, never>) => calls(program).before.join("")
    assert.deepStrictEqual(
      calls(shrunk(program([9, 3, 8, 7, 5, 6, 4, 2]), (one) => /3.*5.*2/.test(order(one)))),
      { before: [3, 5, 2], branches: [] }
    )
  })

  it("leaves at the same time only what must be", () => {
    const together = (program: Program<number, never>) =>
      program.branches.some((branch, index) =>
        branch.some(({ args }) => args === 1) &&
        program.branches.some((other, at) => at !== index && other.some(({ args }) => args === 2))
      ) && [...program.before, ...program.branches.flat()].some(({ args }) => args === 7)
    assert.deepStrictEqual(
      calls(shrunk(program([5, 6], [[7, 1, 8], [9, 2], [3, 4]]), together)),
      { before: [7], branches: [[1], [2]] }
    )
    // Nothing has to be at the same time here.
    const alone = shrunk(program([5], [[1, 8], [9, 2]]), (one) => sizeOf(one) >= 2)
    assert.deepStrictEqual([sizeOf(alone), alone.branches], [2, []])
  })
})

const settings: Settings<number, never> = {
  model: 0,
  commands: { up: change(1), down: change(-1) },
  last: undefined,
  length: 10,
  branches: 3,
  branchLength: 3,
  size: 20
}

describe("randomProgram", () => {
  it("keeps the preconditions in every order of its branches", () =>
    Effect.runPromise(seeded(Effect.gen(function*() {
      let downs = 0
      let parallel = 0
      for (let i = 0; i < 300; i++) {
        const one = yield* randomProgram(settings, yield* Random.nextIntBetween(0, 2 ** 30))
        assert.isTrue(isRunnable(0, one), JSON.stringify(calls(one)))
        assert.isTrue(one.before.length <= 10 + 3 && one.branches.every((branch) => branch.length <= 3))
        downs += [...one.before, ...one.branches.flat()].filter(({ name }) => name === "down").length
        parallel += one.branches.length > 1 ? 1 : 0
      }
      assert.isAbove(downs, 100)
      assert.isTrue(parallel > 100 && parallel < 250, `${parallel}`)
    }))))

  it("makes the same program of the same seed", () =>
    Effect.runPromise(Effect.gen(function*() {
      for (const seed of [0, 1, -5, 2 ** 31]) {
        const [one, other] = [yield* randomProgram(settings, seed), yield* randomProgram(settings, seed)]
        assert.deepStrictEqual(calls(one), calls(other))
      }
      assert.notDeepEqual(calls(yield* randomProgram(settings, 1)), calls(yield* randomProgram(settings, 2)))
    })))

  it("has no branches where fewer than two are asked for", () =>
    Effect.runPromise(Effect.gen(function*() {
      for (let seed = 0; seed < 50; seed++) {
        assert.deepStrictEqual((yield* randomProgram({ ...settings, branches: 1 }, seed)).branches, [])
      }
    })))
})
