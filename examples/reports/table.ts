import { Console, Effect } from "effect"

/** Prints rows below their titles, in columns as wide as their longest cell. */
export const table = (
  titles: ReadonlyArray<string>,
  rows: ReadonlyArray<ReadonlyArray<string>>
): Effect.Effect<void> => {
  const widths = titles.map((title, i) => Math.max(title.length, ...rows.map((row) => (row[i] ?? "").length)))
  const line = (cells: ReadonlyArray<string>) =>
    `  ${cells.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join("  ").trimEnd()}`
  const lines = [line(titles), line(widths.map((width) => "─".repeat(width))), ...rows.map(line)]
  return Effect.forEach(lines, (text) => Console.log(text), { discard: true })
}
