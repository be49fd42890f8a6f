/**
 * Tables of text, aligned by what a terminal shows: a wide character takes two cells, a style none.
 */
import { displayWidth } from "effect/cli/CliOutput"
import { counted } from "../words.ts"
import type { Paint } from "./paint.ts"

/** @internal */
export interface Column {
  readonly title: string
  /** Numbers stand at the right. */
  readonly align?: "left" | "right" | undefined
}

const gap = "  "

/**
 * Rows below their titles. A row may be shorter than the titles. Cells are printable, and may be painted.
 *
 * @internal
 */
export const table = (
  paint: Paint,
  columns: ReadonlyArray<Column>,
  rows: ReadonlyArray<ReadonlyArray<string>>
): string => {
  const widths = columns.map(({ title }, i) =>
    rows.reduce((width, row) => Math.max(width, displayWidth(row[i] ?? "")), displayWidth(title))
  )
  const line = (cells: ReadonlyArray<string>) =>
    columns.map(({ align }, i) => {
      const cell = cells[i] ?? ""
      const space = " ".repeat(widths[i]! - displayWidth(cell))
      return align === "right" ? space + cell : cell + space
    }).join(gap).trimEnd()
  return [line(columns.map(({ title }) => paint.muted(title))), ...rows.map(line)].join("\n")
}

/**
 * A number of things: `1 document`, `2,000 documents`.
 *
 * @internal
 */
export const count = (n: number, thing: string, things = `${thing}s`): string =>
  `${counted(n)} ${n === 1 ? thing : things}`
