/**
 * The work of benchmarks before and after they measure: they compile the package, and print the results.
 *
 * @since 0.1.0
 */
import { execFileSync } from "node:child_process"
import { readFileSync } from "node:fs"
import { createRequire, register } from "node:module"
import * as Os from "node:os"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"
import { quantile } from "./measure.ts"

/** Makes later imports of the packages by name get the compiled form: see `build`. */
export const useCompiled = (): void => {
  const packages = new URL("../..", import.meta.url).href
  const hook = `export const resolve = (name, context, next) => {
    const [scope, folder, ...path] = name.split("/")
    return scope === "@mongofx" && (folder === "core" || folder === "schema")
      ? next(${JSON.stringify(packages)} + folder + "/dist/" + (path.join("/") || "index") + ".js", context)
      : next(name, context)
  }`
  register(`data:text/javascript,${encodeURIComponent(hook)}`)
}

/**
 * Compiles the package in a folder, so that benchmarks measure the compiled package. tsx keeps the names of functions by a call for each new
 * closure, which programs that install the package do not pay. Later imports of the packages by name get the compiled form as well. A
 * compiled decoder does not know the values of `Bson` that come from source.
 */
export const build = (folder: URL): void => {
  const compiler = join(dirname(createRequire(folder).resolve("typescript/package.json")), "bin/tsc")
  execFileSync(process.execPath, [compiler, "-b", fileURLToPath(folder)], { stdio: "inherit" })
  useCompiled()
}

const versionOf = (name: string, from: URL): string => {
  let folder = dirname(createRequire(from).resolve(name))
  for (;;) {
    try {
      const found = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"))
      if (found.name === name) return found.version
    } catch {
      // Not in this folder.
    }
    folder = dirname(folder)
  }
}

/** The line on what was measured: the versions of the packages that a folder sees, of the server, and the machine. */
export const environment = (names: ReadonlyArray<string>, from: URL, server: unknown): string =>
  [
    `node ${process.versions.node}`,
    ...names.map((name) => `${name} ${versionOf(name, from)}`),
    `server ${String(server)}`,
    `${Os.cpus().length} x ${Os.cpus()[0]?.model.trim()}`
  ].join(", ")

/** A table in Markdown, as dprint formats it: a README takes it as it is. */
export const markdown = (header: ReadonlyArray<string>, rows: ReadonlyArray<ReadonlyArray<string>>): string => {
  const widths = header.map((title, i) => Math.max(3, title.length, ...rows.map((row) => row[i]!.length)))
  const line = (cells: ReadonlyArray<string>) => `| ${cells.map((cell, i) => cell.padEnd(widths[i]!)).join(" | ")} |`
  return [line(header), line(widths.map((width) => "-".repeat(width))), ...rows.map(line)].join("\n")
}

/** The titles of the columns of `resultCells`. */
export const resultTitles = (name: string, cpu: ReadonlyArray<string>): ReadonlyArray<string> => [
  name,
  "ratio",
  "middle half",
  "all",
  ...cpu,
  "budget",
  ""
]

/** The row of ascending ratios: their median, middle half and extremes, and whether the median is within the budget. */
export const resultCells = (
  name: string,
  ratios: ReadonlyArray<number>,
  cpu: ReadonlyArray<string>,
  budget: number | undefined,
  digits: number
): ReadonlyArray<string> => {
  const at = (q: number) => quantile(ratios, q).toFixed(digits)
  return [
    name,
    at(0.5),
    `${at(0.25)}-${at(0.75)}`,
    `${at(0)}-${at(1)}`,
    ...cpu,
    budget === undefined ? "-" : budget.toFixed(2),
    budget === undefined ? "" : quantile(ratios, 0.5) <= budget ? "met" : "missed"
  ]
}
