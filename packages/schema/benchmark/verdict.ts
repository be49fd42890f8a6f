/**
 * When the guard has seen enough of a ratio, and what it concludes: the pure part of `guard.ts`.
 *
 * @since 0.1.0
 */
import { quantile } from "../../core/benchmark/measure.ts"

/** How many rounds a ratio gets. */
export interface Rounds {
  /** As many always. */
  readonly least: number
  /** The median decides after as many. */
  readonly most: number
}

/** `undecided`: another round is needed. */
export type Verdict = "within" | "above" | "undecided"

/** How far the interval reaches: in 99 of 100 cases it holds the true median. */
const deviations = 2.6

/**
 * The interval that holds the true median of ascending numbers, by their order alone: how many numbers lie below the true median is a matter of tossing coins,
 * whatever the noise of a busy machine looks like.
 */
export const medianInterval = (ascending: ReadonlyArray<number>): readonly [low: number, high: number] => {
  const count = ascending.length
  const low = Math.max(0, Math.floor((count - deviations * Math.sqrt(count)) / 2))
  return [ascending[low]!, ascending[count - 1 - low]!]
}

/** Whether a ratio is within its limit, by the ratios of the rounds so far: ascending. */
export const verdictOf = (ascending: ReadonlyArray<number>, limit: number, { least, most }: Rounds): Verdict => {
  if (ascending.length < least) return "undecided"
  if (ascending.length >= most) return quantile(ascending, 0.5) <= limit ? "within" : "above"
  const [low, high] = medianInterval(ascending)
  return high <= limit ? "within" : low > limit ? "above" : "undecided"
}
