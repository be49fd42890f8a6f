/** What workers have done, drawn as rows of characters over time. Times are milliseconds since the beginning. */
import type { Entry } from "./models.ts"

/** The life of a process. */
export interface Life {
  readonly pid: number
  readonly began: number
  readonly ended?: number | undefined
}

export interface Step extends Pick<Entry, "order" | "step" | "isNew" | "process"> {
  readonly at: number
}

export interface Recording {
  readonly orders: ReadonlyArray<string>
  readonly workers: ReadonlyArray<Life>
  readonly steps: ReadonlyArray<Step>
}

const signs: Readonly<Record<Entry["step"], string>> = {
  reserve: "R",
  charge: "C",
  ship: "S",
  refuse: "✕",
  refund: "↶",
  "give back": "↺"
}

export const legend = [
  "  R reserved  C charged  c charge again: done already  · waits  S shipped",
  "  ✕ refused   ↶ refunded  ↺ given back                 █ lives  ✕ is killed"
]

/** An order waits after its charge, and is at its end when it has left the shop or was given back. */
export const isLast = (step: Entry["step"]) => step === "ship" || step === "give back"

/** Rows with one column for each moment: the lives of the workers, and what became of the orders. */
export const draw = ({ orders, steps, workers }: Recording, end: number, width: number): ReadonlyArray<string> => {
  // The last time and the steps of the last moment need some room.
  const room = 4
  const scale = Math.max(100, Math.ceil(end / (width - room) / 100) * 100)
  const columns = Math.max(1, Math.ceil(end / scale))
  const columnOf = (at: number) => Math.min(columns - 1, Math.floor(at / scale))

  const row = () => Array.from({ length: columns }, () => " ")
  let axis = ""
  for (let second = 0; second * 1000 < end; second += scale > 200 ? 5 : 1) {
    const column = columnOf(second * 1000)
    const time = `${second} s`
    if (axis.length <= column && column + time.length <= columns + room) axis = axis.padEnd(column) + time
  }
  const lives = workers.map(({ began, ended }) => {
    const life = row().fill("█", columnOf(began), columnOf(ended ?? end) + 1)
    if (ended !== undefined) life[columnOf(ended)] = "✕"
    return life
  })
  const works = orders.map((order) => {
    const own = steps.filter((step) => step.order === order)
    const work = row()
    const waits = own.find(({ step }) => step === "charge")
    const over = own.find(({ step }) => isLast(step))
    if (waits !== undefined) work.fill("·", columnOf(waits.at), columnOf(over?.at ?? end) + 1)
    // Steps of one moment stand one after the other.
    let free = 0
    for (const { at, isNew, step } of own) {
      const column = Math.max(free, columnOf(at))
      work[column] = isNew ? signs[step] : signs[step].toLowerCase()
      free = column + 1
    }
    return work
  })

  const rows: ReadonlyArray<readonly [string, string]> = [
    ["", axis],
    ...lives.map((life, i) => [`worker ${i + 1}`, life.join("")] as const),
    ...works.map((work, i) => [orders[i]!, work.join("")] as const)
  ]
  const margin = Math.max(...rows.map(([name]) => name.length))
  return rows.map(([name, row]) => `  ${name.padEnd(margin)}  ${row}`.trimEnd())
}
