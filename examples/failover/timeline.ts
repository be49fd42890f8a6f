/** What a program has seen, drawn as rows of characters over time. Times are milliseconds since its beginning. */
import { Array as Arr, Option } from "effect"

/** One step of counting. */
export interface Step {
  readonly began: number
  readonly ended: number
  /** The servers that its command was sent to, in order. */
  readonly sentTo: ReadonlyArray<string>
}

/** The servers as the client knows them from a moment on. */
export interface View {
  readonly at: number
  readonly primary: string | undefined
  readonly secondaries: ReadonlyArray<string>
}

/** A fault, or its end. */
export interface Mark {
  readonly at: number
  readonly sign: string
}

export interface Recording {
  readonly hosts: ReadonlyArray<string>
  readonly steps: ReadonlyArray<Step>
  readonly views: ReadonlyArray<View>
  readonly marks: ReadonlyArray<Mark>
}

const scales = [50, 100, 200, 250, 500, 1000, 2000, 5000]

/** How many milliseconds a column has: the fewest with which all columns fit. */
const scaleFor = (end: number, width: number): number =>
  scales.find((scale) => end / scale <= width) ?? Math.ceil(end / width)

const seconds = (milliseconds: number): string => `${milliseconds / 1000} s`

/** The times below which the columns begin. */
const axis = (columns: number, scale: number): string => {
  let row = ""
  for (let column = 0; column < columns; column += 10) {
    const label = seconds(column * scale)
    if (row.length <= column && column + label.length <= columns) row = row.padEnd(column) + label
  }
  return row
}

const roles = { primary: "█", secondary: "░", unknown: "·" }

const roleAt = (views: ReadonlyArray<View>, host: string, at: number): string => {
  const view = Option.getOrUndefined(Arr.findLast(views, (view) => view.at <= at))
  if (view?.primary === host) return roles.primary
  return view?.secondaries.includes(host) === true ? roles.secondary : roles.unknown
}

const levels = [..." ▁▂▃▄▅▆▇█"]

/** A bar for each count. Nothing is shown only for 0. */
const bars = (counts: ReadonlyArray<number>): string => {
  const most = Math.max(1, ...counts)
  return counts.map((count) => levels[Math.ceil(count / most * (levels.length - 1))]).join("")
}

/** Rows with one column for each moment: the roles of the members, the steps that ended, those that were sent again, and the faults. */
export const draw = ({ hosts, marks, steps, views }: Recording, end: number, width: number): ReadonlyArray<string> => {
  const scale = scaleFor(end, width)
  const columns = Math.max(1, Math.ceil(end / scale))
  const columnOf = (at: number) => Math.min(columns - 1, Math.floor(at / scale))
  const moments = Array.from({ length: columns }, (_, column) => (column + 1) * scale)
  const counts = moments.map(() => 0)
  const repeated = moments.map(() => " ")
  for (const { ended, sentTo } of steps) {
    counts[columnOf(ended)]!++
    if (sentTo.length > 1) repeated[columnOf(ended)] = "2"
  }
  const faults = moments.map(() => " ")
  for (const { at, sign } of marks) faults[columnOf(at)] = sign
  const rows: ReadonlyArray<readonly [string, string]> = [
    ["", axis(columns, scale)],
    ["faults", faults.join("")],
    ...hosts.map((host) => [host, moments.map((at) => roleAt(views, host, at)).join("")] as const),
    ["steps", bars(counts)],
    ["sent again", repeated.join("")]
  ]
  const margin = Math.max(...rows.map(([name]) => name.length))
  return rows.map(([name, row]) => `  ${name.padEnd(margin)}  ${row}`.trimEnd())
}
