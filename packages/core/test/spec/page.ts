/**
 * The text of `docs/conformance.md`.
 *
 * @since 0.1.0
 */
import { createRequire } from "node:module"
import type { Report } from "./runner.ts"

export interface TestResult {
  readonly suite: string
  readonly id: string
  readonly report: Report
  /** The outcome of the same test with the bare driver. */
  readonly driver: Report["outcome"]
}

/** What the tests did on one deployment. */
export interface Run {
  readonly title: string
  /** The version of the server. */
  readonly version: string
  readonly results: ReadonlyArray<TestResult>
  /** How many connections each suite has left. */
  readonly connections: ReadonlyMap<string, number>
}

/** The commit of the specifications that the page tests. */
const specifications = "92b3c0b9287b"

export const isWorse = ({ driver, report }: Pick<TestResult, "driver" | "report">): boolean =>
  driver.status === "passed" && report.outcome.status === "failed"

const statuses = ["passed", "failed", "skipped", "undrivable"] as const

const count = (of: ReadonlyArray<TestResult>, status: string): number =>
  of.filter(({ report }) => report.outcome.status === status).length

/** The counts of some results in words. */
export const counts = (of: ReadonlyArray<TestResult>): string =>
  [
    ...statuses.map((status) => `${count(of, status)} ${status}`),
    `${of.filter(isWorse).length} worse than the bare driver`
  ]
    .join(", ")

const suitesOf = ({ results }: Run): ReadonlyArray<string> => [...new Set(results.map(({ suite }) => suite))]

type Row = ReadonlyArray<string | number>

/** The counts of a status by suite and reason, the most frequent first. */
const reasons = (run: Run, status: "failed" | "skipped" | "undrivable"): ReadonlyArray<Row> =>
  suitesOf(run).flatMap((suite) => {
    const counts = new Map<string, number>()
    for (const { report: { outcome }, suite: other } of run.results) {
      if (other !== suite || outcome.status !== status) continue
      counts.set(outcome.reason, (counts.get(outcome.reason) ?? 0) + 1)
    }
    return [...counts].sort(([, a], [, b]) => b - a).map(([reason, number]) => [
      suite,
      number,
      reason.replaceAll("|", "\\|").replace(/\s+/g, " ")
    ])
  })

/** A table with columns as wide as their cells, in the form that the formatter keeps. */
const table = (head: ReadonlyArray<string>, rows: ReadonlyArray<Row>): ReadonlyArray<string> => {
  const widths = head.map((cell, column) => Math.max(3, cell.length, ...rows.map((row) => String(row[column]).length)))
  const line = (row: Row) => `| ${widths.map((width, column) => String(row[column]).padEnd(width)).join(" | ")} |`
  return [line(head), line(widths.map((width) => "-".repeat(width))), ...rows.map(line)]
}

const row = (name: string, of: ReadonlyArray<TestResult>): Row => {
  const passedByDriver = of.filter(({ driver }) => driver.status === "passed")
  return [name, ...statuses.map((status) => count(of, status)), passedByDriver.length, count(passedByDriver, "passed")]
}

const columns = [...statuses, "driver", "both"]

const list = (run: Run, title: string, status: "failed" | "skipped" | "undrivable"): ReadonlyArray<string> => {
  const rows = reasons(run, status)
  return rows.length === 0 ? [] : ["", `### ${title}`, "", ...table(["suite", "tests", "reason"], rows)]
}

const section = (run: Run): ReadonlyArray<string> => {
  const suites = suitesOf(run)
  const of = (suite: string) => run.results.filter((result) => result.suite === suite)
  return [
    "",
    `## ${run.title}`,
    "",
    ...table(["suite", ...columns], [...suites.map((suite) => row(suite, of(suite))), row("all", run.results)]),
    "",
    "What the tests left on the servers when they ended:",
    "",
    ...table(
      ["suite", "open cursors", "open transactions", "connections"],
      suites.map((suite) => {
        const sum = (what: "cursors" | "transactions") =>
          of(suite).reduce((total, { report }) => total + report.left[what], 0)
        return [suite, sum("cursors"), sum("transactions"), run.connections.get(suite) ?? "?"]
      })
    ),
    ...list(run, "Failed", "failed"),
    ...list(run, "Undrivable", "undrivable"),
    ...list(run, "Skipped", "skipped")
  ]
}

const versionOf = (name: string): string => {
  const { version } = createRequire(import.meta.url)(`${name}/package.json`) as { readonly version: string }
  return version
}

/** The page, with the commit of the tests: a copy of the files has none. */
export const page = (runs: ReadonlyArray<Run>, commit: string | undefined): string =>
  [
    "# Conformance",
    "",
    "The tests of MongoDB's driver specifications in the unified format, run through the public API of `@mongofx/core` on",
    `MongoDB ${runs[0]!.version}, with the driver ${
      versionOf("mongodb")
    }. They run on ${runs.length} deployments. These commands write this page:`,
    "",
    "```sh",
    "git clone https://github.com/mongodb/specifications",
    `git -C specifications checkout ${specifications}`,
    "MONGODB_SPEC_TESTS=specifications/source pnpm conformance",
    "```",
    "",
    ...table(["deployment", ...columns], runs.map(({ results, title }) => row(title, results))),
    "",
    "_Skipped_ tests need another server, another topology or a feature that the server lacks. _Undrivable_ tests ask for",
    "something that the public API does not offer; they do not count as passed. _Driver_ is the number of tests that the bare",
    "driver passes in the same run, by the same runner (`packages/core/test/spec/bare.ts`), and _both_ is how many of these mongofx passes",
    "too. `pnpm conformance` fails if the bare driver passes a test that mongofx fails. The runner ignores `killSessions`: mongofx sends it after a",
    "lost reply, where the driver leaves the cursor of that reply to the server.",
    "",
    "On the sharded cluster a client has one router, unless the test sets `useMultipleMongoses`, which gives it both.",
    "",
    "The second table of each deployment counts what the tests left: open cursors and transactions of each test, connections of each suite, on all",
    "servers of the deployment. A transaction is left if a fail point of the test keeps the commit or the abort from the server.",
    ...commit === undefined
      ? ["", `The run that wrote this page had ${runs[0]!.results.length} tests, from a folder that is not a clone.`]
      : commit.startsWith(specifications)
      ? []
      : ["", `The run that wrote this page had the tests of the commit ${commit.slice(0, 12)} instead.`],
    ...runs.flatMap(section),
    ""
  ].join("\n")
