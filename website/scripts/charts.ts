// Draws the charts of the pages from the tables of the repository: `pnpm --filter @mongofx/website charts`. A test fails when they are older.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs"
import { numberOf, tableOf } from "./markdownTables.ts"
import { mistakesTable, verdicts } from "./mistakes.ts"
import { file as sizesFile } from "./sizes.ts"
import { type Chart, type Colour, draw } from "./svg.ts"

const coreFigures = "packages/core/benchmark/README.md"
const schemaFigures = "packages/schema/benchmark/README.md"
const conformance = "docs/conformance.md"

/** Bars for the ratios of a table to the bare driver. */
const ratios = (
  title: string,
  rows: ReadonlyArray<readonly [name: string, ratio: string | undefined, colour: Colour]>
): Chart => ({
  title,
  alt: `${title}. ${rows.map(([name, ratio]) => `${name}: ${ratio}`).join("; ")}.`,
  mark: { value: 1, name: "the driver" },
  bars: rows.map(([name, ratio, colour]) => ({
    name,
    label: ratio!,
    parts: [{ name, value: numberOf(ratio), colour }]
  }))
})

const colourOf = (side: string): Colour => side.startsWith("mongofx") ? "mongofx" : "other"

/** The sides of a group of `bench-schema`, without those that only experts tell apart. */
const sides = (title: string, group: string, chosen: ReadonlyArray<string>): Chart => {
  const rows = tableOf(schemaFigures, group)
  return ratios(
    title,
    chosen.map((side) => {
      const row = rows.find((row) => row[group] === side)
      if (row === undefined) throw new Error(`${schemaFigures} has no row "${side}" in "${group}"`)
      return [side, row["ratio"], colourOf(side)]
    })
  )
}

const suites = (): Chart => {
  const rows = tableOf(conformance, "suite").filter(({ suite }) => suite !== "all")
  const kinds = [["passed", "good"], ["failed", "bad"], ["undrivable", "bad"], ["skipped", "neutral"]] as const
  return {
    title: "Tests of MongoDB's driver specifications",
    alt: `Tests of MongoDB's driver specifications, by suite. ${
      rows.map((row) => `${row["suite"]}: ${kinds.map(([kind]) => `${row[kind]} ${kind}`).join(", ")}`).join("; ")
    }.`,
    legend: [["good", "passed"], ["bad", "failed, or not in the public API"], ["neutral", "skipped: another server"]],
    bars: rows.map((row) => ({
      name: row["suite"]!,
      label: `${row["passed"]} of ${kinds.reduce((sum, [kind]) => sum + numberOf(row[kind]), 0)}`,
      parts: kinds.map(([kind, colour]) => ({ name: kind, value: numberOf(row[kind]), colour }))
    }))
  }
}

/** The tests that the bare driver passes, and those that mongofx passes too. */
const both = (): Chart => {
  const all = tableOf(conformance, "suite").find(({ suite }) => suite === "all")!
  const bars = [
    ["mongofx", "passed", "mongofx"],
    ["the bare driver, by the same runner", "driver", "other"],
    ["both", "both", "mongofx"]
  ] as const
  return {
    title: "Passed tests, in the same run",
    alt: `Passed tests: ${bars.map(([name, column]) => `${name}: ${all[column]}`).join("; ")}.`,
    bars: bars.map(([name, column, colour]) => ({
      name,
      label: all[column]!,
      parts: [{ name, value: numberOf(all[column]), colour }]
    }))
  }
}

const size = (): Chart => {
  const sizes = Object.entries(JSON.parse(readFileSync(sizesFile, "utf8")) as Readonly<Record<string, number>>)
  const kilobytes = (bytes: number) => `${Math.round(bytes / 1000)} kB`
  return {
    title: "A program that finds one document, bundled with the driver",
    alt: `Bytes of a program that finds one document. ${
      sizes.map(([name, bytes]) => `${name}: ${kilobytes(bytes)}`).join("; ")
    }.`,
    bars: sizes.map(([name, bytes]) => ({
      name,
      label: kilobytes(bytes),
      parts: [{ name, value: Math.round(bytes / 1000), colour: colourOf(name) }]
    }))
  }
}

/** The charts, by the names of their files. */
export const charts = (): Readonly<Record<string, Chart>> => ({
  core: ratios(
    "CPU of @mongofx/core, as a multiple of the driver's",
    tableOf(coreFigures, "task").filter(({ task }) => !/an effect|readBuffered/.test(task!)).map((row) => [
      row["task"]!,
      row["ratio"],
      "mongofx"
    ])
  ),
  reads: sides("CPU to read 20,000 documents of 300 bytes, as a multiple of the driver's", "read 20000 x 300 bytes", [
    "mongofx, stream, decoded",
    "mongofx, array, decoded",
    "mongofx, array, unchecked",
    "mongofx, interpreted Schema",
    "bare driver, toArray, unchecked",
    "papr, unchecked",
    "bare driver, toArray, zod by hand",
    "mongoose, lean, unchecked",
    "mongoose, hydrated"
  ]),
  inserts: sides(
    "CPU to insert 20 x 1,000 documents of 300 bytes, as a multiple of the driver's",
    "insertMany 20 x 1000 x 300 bytes",
    [
      "mongofx, encoded",
      "mongofx, class instances, encoded",
      "bare driver, insertMany, unchecked",
      "zod by hand, insertMany",
      "papr, insertMany, unchecked",
      "mongoose, insertMany"
    ]
  ),
  effectMongodb: ratios(
    "CPU of effect-mongodb 0.5, as a multiple of the driver's",
    tableOf(schemaFigures, "effect-mongodb, with Schema").map((row) => [
      row["effect-mongodb, with Schema"]!,
      row["ratio"],
      "other"
    ])
  ),
  lookups: sides(
    "CPU of 1,000 lookups by 64 fibers, as a multiple of the driver's",
    "1000 lookups of 64 fibers x 300 bytes",
    [
      "mongofx, findById through a resolver, decoded",
      "bare driver, findOne, unchecked",
      "mongofx, findById, decoded"
    ]
  ),
  size: size(),
  suites: suites(),
  both: both()
})

/** The file of a chart. */
export const fileOf = (name: string): URL => new URL(`../charts/${name}.svg`, import.meta.url)

/** The pages that have charts. */
export const pages: ReadonlyArray<URL> = ["choosing.md", "reliability.md"]
  .map((page) => new URL(`../${page}`, import.meta.url))

const figures = ({ bars, legend = [] }: Chart): string => {
  const names = legend.length === 0 ? [] : bars[0]!.parts.map(({ name }) => name)
  const line = (cells: ReadonlyArray<string | number>) => `| ${cells.join(" | ")} |`
  return [
    line(["", ...(names.length === 0 ? ["figure"] : names)]),
    line(["---", ...(names.length === 0 ? ["---"] : names.map(() => "---"))]),
    ...bars.map(({ label, name, parts }) =>
      line([name, ...(names.length === 0 ? [label] : parts.map(({ value }) => value))])
    )
  ].join("\n")
}

/** What a page has where it says `<!-- chart: NAME -->`: the picture, and its figures as a table. */
const block = (name: string, chart: Chart): string =>
  `\n<div class="chart" v-html="${name}"></div>\n\n<details>\n<summary>The figures</summary>\n\n${
    figures(chart)
  }\n\n</details>\n`

/** The text of a page, with its charts as they should be. */
export const withCharts = (text: string, all = charts()): string =>
  text.replace(
    /(<!-- dprint-ignore-start -->\n<!-- chart: (\w+) -->\n)[^]*?(<!-- dprint-ignore-end -->)/g,
    (_, before: string, name: string, after: string) => {
      const chart = all[name]
      if (chart === undefined) throw new Error(`there is no chart "${name}"`)
      return `${before}${block(name, chart)}\n${after}`
    }
  )

/** The text of a page, with the table of the mistakes as it should be. */
export const withMistakes = (text: string, table: string): string =>
  text.replace(
    /(<!-- dprint-ignore-start -->\n<!-- mistakes -->\n)[^]*?(<!-- dprint-ignore-end -->)/,
    (_, before: string, after: string) => `${before}\n${table}\n\n${after}`
  )

if (process.argv[1] === import.meta.filename) {
  mkdirSync(new URL("../charts", import.meta.url), { recursive: true })
  for (const [name, chart] of Object.entries(charts())) writeFileSync(fileOf(name), draw(chart))
  const mistakes = mistakesTable(verdicts())
  for (const page of pages) writeFileSync(page, withMistakes(withCharts(readFileSync(page, "utf8")), mistakes))
}
