/**
 * Compares the client CPU of several ways to do the same work.
 *
 * @since 0.1.0
 */

/** One way to do the work. */
export interface Side {
  readonly name: string
  readonly run: () => Promise<unknown>
  /** The highest ratio to the bare driver that meets the budget; `undefined` for a comparison without a budget. */
  readonly budget?: number
}

export interface Result {
  readonly side: Side
  /** CPU of the side divided by CPU of the first side in the same round: ascending. */
  readonly ratios: ReadonlyArray<number>
  /** CPU of one run, the median over the rounds: microseconds. */
  readonly cpu: number
}

/** CPU time of the process, user and system, all threads: microseconds. */
export const cpu = (): number => {
  const { system, user } = process.cpuUsage()
  return user + system
}

const collectGarbage = (globalThis as { readonly gc?: () => void }).gc

const measure = async (side: Side): Promise<number> => {
  // Each measurement pays only for its own garbage.
  collectGarbage?.()
  const before = cpu()
  await side.run()
  return cpu() - before
}

/** A quantile of ascending numbers. */
export const quantile = (sorted: ReadonlyArray<number>, q: number): number => {
  const position = (sorted.length - 1) * q
  const low = Math.floor(position)
  const high = Math.ceil(position)
  return sorted[low]! + (sorted[high]! - sorted[low]!) * (position - low)
}

/** Numbers in their order. */
export const ascending = (numbers: ReadonlyArray<number>): ReadonlyArray<number> =>
  numbers.slice().sort((a, b) => a - b)

/** Warms up all sides, then measures them in rounds, each forth and back. Compares the others to the first side. */
export const compare = async (
  sides: ReadonlyArray<Side>,
  rounds: number,
  warmUps: number
): Promise<ReadonlyArray<Result>> => {
  for (let i = 0; i < warmUps; i++) for (const side of sides) await side.run()
  const times = sides.map((): Array<number> => [])
  for (let round = 0; round < rounds; round++) {
    const sums = sides.map(() => 0)
    const forth = sides.map((_, i) => i)
    for (const i of [...forth, ...forth.slice().reverse()]) sums[i]! += await measure(sides[i]!)
    sums.forEach((sum, i) => times[i]!.push(sum / 2))
  }
  const [base] = times
  return sides.map((side, i) => ({
    side,
    ratios: ascending(times[i]!.map((time, round) => time / base![round]!)),
    cpu: quantile(ascending(times[i]!), 0.5)
  }))
}
