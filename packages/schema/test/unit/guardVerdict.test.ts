/**
 * What `pnpm bench-guard` concludes from the ratios of its rounds.
 *
 * @since 0.1.0
 */
import { assert, describe, it } from "@effect/vitest"
import { figures, limitOf } from "../../benchmark/figures.ts"
import { medianInterval, type Rounds, type Verdict, verdictOf } from "../../benchmark/verdict.ts"
import { Random } from "../support/compiledSchemas.ts"

const rounds: Rounds = { least: 9, most: 40 }

const ascending = (ratios: ReadonlyArray<number>) => ratios.slice().sort((a, b) => a - b)

const repeated = (ratio: number, count: number) => Array.from({ length: count }, () => ratio)

/** Measures ratios around a true one until there is a verdict. */
const measure = (random: Random, ratio: number, noise: number, limit: number) => {
  let ratios: ReadonlyArray<number> = []
  let verdict: Verdict = "undecided"
  while (verdict === "undecided") {
    // A busy machine: now and then one of the two sides takes far longer.
    const disturbed = random.chance(0.15) ? random.pick([0.4, 2.5]) : 1
    ratios = ascending([...ratios, ratio * disturbed * Math.exp((random.next() - 0.5) * 2 * noise)])
    verdict = verdictOf(ratios, limit, rounds)
  }
  return { verdict, count: ratios.length }
}

describe("the verdict of the guard", () => {
  it("needs the least number of rounds, however clear they are", () => {
    assert.strictEqual(verdictOf([], 1.25, rounds), "undecided")
    assert.strictEqual(verdictOf(repeated(1, 8), 1.25, rounds), "undecided")
    assert.strictEqual(verdictOf(repeated(1, 9), 1.25, rounds), "within")
    assert.strictEqual(verdictOf(repeated(2, 8), 1.25, rounds), "undecided")
    assert.strictEqual(verdictOf(repeated(2, 9), 1.25, rounds), "above")
  })

  it("waits while the interval of the median holds the limit, up to the most rounds", () => {
    const mixed = ascending([...repeated(1.2, 16), ...repeated(1.3, 14)])
    assert.deepStrictEqual(medianInterval(mixed), [1.2, 1.3])
    assert.strictEqual(verdictOf(mixed, 1.25, rounds), "undecided")
    assert.strictEqual(verdictOf(ascending([...repeated(1.2, 21), ...repeated(1.3, 19)]), 1.25, rounds), "within")
    assert.strictEqual(verdictOf(ascending([...repeated(1.2, 19), ...repeated(1.3, 21)]), 1.25, rounds), "above")
    assert.strictEqual(verdictOf(repeated(1.25, 40), 1.25, rounds), "within")
  })

  it("is not moved by a few disturbed rounds", () => {
    assert.strictEqual(verdictOf(ascending([...repeated(1.1, 14), 9, 9]), 1.25, rounds), "within")
    assert.strictEqual(verdictOf(ascending([...repeated(1.5, 14), 0.1, 0.1]), 1.25, rounds), "above")
  })

  it("has an interval that holds the true median", () => {
    const random = new Random(1)
    for (const count of [9, 12, 25, 40, 120]) {
      const missed = Array.from({ length: 1000 }, () => {
        const [low, high] = medianInterval(ascending(Array.from({ length: count }, () => random.next())))
        assert.isBelow(low, high)
        return low > 0.5 || high < 0.5
      })
      assert.isBelow(missed.filter((is) => is).length, 25, `${count} numbers`)
    }
  })

  it("passes what meets its figure and fails what is 40 % slower, on a busy machine too", () => {
    const random = new Random(2)
    for (const noise of [0.05, 0.2, 0.4]) {
      const counts = { within: 0, above: 0 }
      for (let i = 0; i < 500; i++) {
        const met = measure(random, 1, noise, 1.25)
        const slower = measure(random, 1.4, noise, 1.25)
        if (met.verdict === "within") counts.within++
        if (slower.verdict === "above") counts.above++
        if (noise === 0.05) assert.isAtMost(met.count, 30)
      }
      // The guard looks once more at what is above, so that a wrong verdict needs to come twice.
      assert.isAtLeast(counts.within, 495, `noise ${noise}`)
      assert.isAtLeast(counts.above, noise < 0.3 ? 490 : 420, `noise ${noise}`)
    }
  })

  it("has limits a quarter above the budgets, or above today where that misses the budget", () => {
    assert.strictEqual(limitOf({ budget: 1 }), 1.25)
    assert.strictEqual(limitOf({ budget: 1, today: 1.2 }), 1.5)
    assert.strictEqual(limitOf({ budget: 1, today: 0.8 }), 1.25)
    for (const [name, figure] of Object.entries(figures)) {
      if ("today" in figure) assert.isAbove(figure.today, figure.budget, `${name} meets its budget: remove "today"`)
    }
  })
})
