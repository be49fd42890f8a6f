// Reads the tables of a page of Markdown: the figures of the charts come from there, and are never typed by hand.
import { readFileSync } from "node:fs"

/** A table: its rows, by the titles of their columns. */
export interface Table {
  readonly title: string
  readonly rows: ReadonlyArray<Readonly<Record<string, string>>>
}

const cells = (line: string): ReadonlyArray<string> => line.split("|").slice(1, -1).map((cell) => cell.trim())

/** The tables of a file of the repository. The title of a table is that of its first column. */
export const tablesOf = (file: string): ReadonlyArray<Table> =>
  readFileSync(new URL(`../../${file}`, import.meta.url), "utf8")
    .split(/\n(?!\|)/)
    .map((block) => block.split("\n").filter((line) => line.startsWith("|")))
    .filter((lines) => lines.length > 2)
    .map(([header, , ...lines]) => {
      const titles = cells(header!)
      const rows = lines.map((line) => Object.fromEntries(cells(line).map((cell, i) => [titles[i]!, cell])))
      return { title: titles[0]!, rows }
    })

/** The first table of a file with that title. */
export const tableOf = (file: string, title: string): Table["rows"] => {
  const found = tablesOf(file).find((table) => table.title === title)
  if (found === undefined) throw new Error(`${file} has no table whose first column is "${title}"`)
  return found.rows
}

/** A number of a table, such as 1,234. */
export const numberOf = (text: string | undefined): number => {
  const value = Number((text ?? "").replaceAll(",", ""))
  if (text === undefined || Number.isNaN(value)) throw new Error(`"${text}" is not a number`)
  return value
}
