/**
 * The budgets of the benchmarks, and the figures that `pnpm bench-guard` guards: client CPU of mongofx divided by that of the bare driver for the same work.
 *
 * @since 0.1.0
 */

/** How much a figure may grow before the guard fails. */
const tolerance = 1.25

export interface Figure {
  /** The ratio that the design allows. */
  readonly budget: number
  /** The ratio of today, as long as it is above the budget: the guard keeps it from growing. */
  readonly today?: number
}

/** Lower `today` after every gain, and remove it once the budget is met. */
export const figures = {
  "find to array": { budget: 0.6 },
  "stream": { budget: 0.6 },
  "stream, decoded": { budget: 0.25 },
  "array, decoded": { budget: 0.4 },
  "stream, decoded to class instances": { budget: 0.25 },
  "insertMany": { budget: 0.8 },
  "insertMany, encoded": { budget: 0.6 },
  "findOne": { budget: 1.08, today: 1.12 },
  "findOne, decoded": { budget: 1.15, today: 1.3 },
  "findById through a resolver": { budget: 0.25 },
  "insertOne": { budget: 1.08, today: 1.12 },
  "insertOne, encoded": { budget: 1.15, today: 1.2 },
  "updateOne": { budget: 1.08, today: 1.11 },
  "updateOne, encoded": { budget: 1.15, today: 1.2 },
  "transaction of two updates": { budget: 1.15, today: 1.28 },
  "transaction of two updates, encoded": { budget: 1.2, today: 1.3 },
  "GridFS download": { budget: 1, today: 1.1 }
} satisfies Readonly<Record<string, Figure>>

/** The ratio that a figure must not exceed. */
export const limitOf = ({ budget, today = budget }: Figure): number => Math.max(budget, today) * tolerance
