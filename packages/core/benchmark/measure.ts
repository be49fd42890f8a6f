/**
 * Compares the client CPU of two ways to do the same work.
 *
 * @since 0.1.0
 */

/** One way to do the work of a task, `count` times. */
type Side = (count: number) => Promise<unknown>

export interface Task {
  readonly name: string
  /** How often the work is done in one measurement. */
  readonly count: number
  readonly mongofx: Side
  readonly bare: Side
  /** The highest ratio that the design allows; `undefined` for a comparison that is only noted. */
  readonly budget?: number
}

export interface Comparison {
  readonly task: Task
  /** CPU of mongofx divided by CPU of the bare driver: one per round, ascending. */
  readonly ratios: ReadonlyArray<number>
  /** CPU of one piece of work, the median over the rounds: microseconds. */
  readonly mongofx: number
  readonly bare: number
}

/** CPU time of the process, user and system, all threads: microseconds. */
const cpu = (): number => {
  const { system, user } = process.cpuUsage()
  return user + system
}

const collectGarbage = (globalThis as { readonly gc?: () => void }).gc

const measure = async (side: Side, count: number): Promise<number> => {
  // Each measurement pays for its own garbage alone.
  collectGarbage?.()
  const before = cpu()
  await side(count)
  return cpu() - before
}

/** A quantile of ascending numbers. */
export const quantile = (sorted: ReadonlyArray<number>, q: number): number => {
  const position = (sorted.length - 1) * q
  const low = Math.floor(position)
  const high = Math.ceil(position)
  return sorted[low]! + (sorted[high]! - sorted[low]!) * (position - low)
}

const ascending = (numbers: ReadonlyArray<number>): ReadonlyArray<number> => numbers.slice().sort((a, b) => a - b)

/** Warms both sides up, then measures them in rounds of mongofx, bare, bare, mongofx. */
export const compare = async (task: Task, rounds: number, warmUps: number): Promise<Comparison> => {
  for (let i = 0; i < warmUps; i++) {
    await task.mongofx(task.count)
    await task.bare(task.count)
  }
  const mongofx: Array<number> = []
  const bare: Array<number> = []
  for (let round = 0; round < rounds; round++) {
    const first = await measure(task.mongofx, task.count)
    const second = await measure(task.bare, task.count)
    const third = await measure(task.bare, task.count)
    const fourth = await measure(task.mongofx, task.count)
    mongofx.push((first + fourth) / 2)
    bare.push((second + third) / 2)
  }
  return {
    task,
    ratios: ascending(mongofx.map((time, round) => time / bare[round]!)),
    mongofx: quantile(ascending(mongofx), 0.5) / task.count,
    bare: quantile(ascending(bare), 0.5) / task.count
  }
}
