// Writes the tables of the pages about coming from somewhere, from the files whose rows a test runs: `pnpm --filter @mongofx/website tables`.
import { readFileSync, writeFileSync } from "node:fs"
import { type Groups, type Row, rowsOf, rowsOfPython } from "./rows.ts"

/** The pages that have tables, from the folder `coming-from`. Their rows are in the folder of that name there. */
export const pages = ["node-driver", "mongoose", "effect-mongodb", "motor", "../guides/backends"]

const begin = "<!-- dprint-ignore-start -->"
const end = "<!-- dprint-ignore-end -->"

const path = (name: string): string => new URL(`../coming-from/${name}`, import.meta.url).pathname

const folderOf = (page: string): string => page.replace(/^.*\//, "")

/** The rows of the other side. What needs effect 3 is a package of its own. */
const theirs = (page: string): { readonly rows: Groups; readonly language: string } => {
  if (page === "motor") return { rows: rowsOfPython(path("motor/there.py")), language: "python" }
  return {
    rows: rowsOf(path(page === "effect-mongodb" ? "../effect-3/there.ts" : `${folderOf(page)}/there.ts`)),
    language: "ts"
  }
}

const cell = (language: string, code: string): string => `<td>\n\n\`\`\`${language}\n${code}\n\`\`\`\n\n</td>`

const row = (name: string, there: Row, here: Row, language: string): string =>
  [
    `<tr><th colspan="2" scope="rowgroup">${name}</th></tr>`,
    `<tr>${cell(language, there.code)}${cell("ts", here.code)}</tr>`,
    ...(here.note === "" ? [] : [`<tr><td colspan="2">\n\n${here.note}\n\n</td></tr>`])
  ].join("\n")

/** The tables of a page. Both sides have the same rows in the same order. */
export const tables = (page: string): string => {
  const here = rowsOf(path(`${folderOf(page)}/here.ts`))
  const { language, rows: there } = theirs(page)
  const names = (groups: Groups) =>
    [...groups].flatMap(([group, rows]) => [...rows.keys()].map((row) => `${group}: ${row}`))
  const [ours, others] = [names(here), names(there)]
  const different = ours.find((name, i) => others[i] !== name) ?? others[ours.length]
  if (different !== undefined) throw new Error(`the sides of ${page} differ at the row "${different}"`)
  return [...here].map(([group, rows]) =>
    [
      `## ${group}\n`,
      `<table class="coming-from">\n<thead><tr><th scope="col">You write</th><th scope="col">Here</th></tr></thead>\n<tbody>`,
      ...[...rows].map(([name, mine]) => row(name, there.get(group)!.get(name)!, mine, language)),
      "</tbody>\n</table>\n"
    ].join("\n")
  ).join("\n")
}

/** The text of a page with its tables as they should be. */
export const written = (page: string): string => {
  const text = readFileSync(path(`${page}.md`), "utf8")
  const [before, after] = [text.indexOf(begin), text.indexOf(end)]
  if (before < 0 || after < 0) throw new Error(`${page}.md has no place for its tables: ${begin} … ${end}`)
  return `${text.slice(0, before)}${begin}\n\n${tables(page)}\n${text.slice(after)}`
}

if (process.argv[1] === import.meta.filename) {
  for (const page of pages) writeFileSync(path(`${page}.md`), written(page))
}
