/**
 * `pnpm conformance`: runs the official specification tests and writes the table of `docs/conformance.md`.
 *
 * MONGODB_SPEC_TESTS names the folder: a clone of https://github.com/mongodb/specifications, or its `source`.
 * The same runner runs each test twice: through mongofx, and through the bare driver. The command fails if the bare driver passes a test
 * that mongofx fails. `--check` writes nothing. Other arguments are parts of the ids of the tests to run, and print each result.
 *
 * @since 0.1.0
 */
import { MongoServer } from "@mongofx/testing"
import { Effect, Redacted } from "effect"
import { spawnSync } from "node:child_process"
import { writeFileSync } from "node:fs"
import { createRequire } from "node:module"
import { bare } from "./bare.ts"
import { type Api, mongofx } from "./drive.ts"
import { connect, connectionsLeft, type Environment, type Report } from "./runner.ts"
import { specTests } from "./suite.ts"

/** The commit of the specifications that the page tests. */
const specifications = "92b3c0b9287b"

const out = (line: string) => process.stdout.write(`${line}\n`)

const folder = process.env["MONGODB_SPEC_TESTS"] ?? ""
if (folder === "") {
  out("MONGODB_SPEC_TESTS must name a folder with the specification tests: set it to a clone of mongodb/specifications")
  process.exit(2)
}
const args = process.argv.slice(2)
const isCheck = args.includes("--check")
const parts = args.filter((arg) => !arg.startsWith("--"))

interface TestResult {
  readonly suite: string
  readonly id: string
  readonly report: Report
  /** The outcome of the same test with the bare driver. */
  readonly driver: Report["outcome"]
}

const isWorse = ({ driver, report }: Pick<TestResult, "driver" | "report">): boolean =>
  driver.status === "passed" && report.outcome.status === "failed"

const shown = (outcome: Report["outcome"]): string =>
  outcome.status === "passed" ? "passed" : `${outcome.status} (${outcome.reason})`

const dropDatabases = async ({ admin }: Environment): Promise<void> => {
  const { databases } = await admin.db("admin").admin().listDatabases({ nameOnly: true })
  const names = databases.map(({ name }) => name).filter((name) => !["admin", "config", "local"].includes(name))
  await Promise.all(names.map((name) => admin.db(name).dropDatabase()))
}

const results: Array<TestResult> = []
const connections = new Map<string, number>()
let server = ""
const all = Effect.gen(function*() {
  const { uri } = yield* MongoServer.MongoServer
  const environment = yield* Effect.acquireRelease(
    Effect.promise(() => connect(Redacted.value(uri))),
    ({ admin }) => Effect.promise(() => admin.close())
  )
  server = `MongoDB ${environment.version}, ${environment.topology}`
  const tests = specTests(folder).filter(({ id }) => parts.length === 0 || parts.some((part) => id.includes(part)))
  for (const [index, { id, run, suite }] of tests.entries()) {
    // A test expects that its collections do not exist, and does not name all of them.
    const runFresh = (api: Api) => dropDatabases(environment).then(() => run(environment, api))
    const both = Effect.promise(async () => ({
      driver: (await runFresh(bare)).outcome,
      report: await runFresh(mongofx)
    }))
    const first = yield* both
    // Some tests depend on timing: only a test that is worse twice counts as worse.
    const result = { suite, id, ...isWorse(first) ? yield* both : first }
    results.push(result)
    if (parts.length > 0) {
      out(`${shown(result.report.outcome)} ${id}`)
      if (result.driver.status !== result.report.outcome.status) out(`    the bare driver: ${shown(result.driver)}`)
    }
    if (tests[index + 1]?.suite !== suite) {
      connections.set(suite, yield* Effect.promise(() => connectionsLeft(environment)))
    }
  }
})
await Effect.runPromise(Effect.scoped(Effect.provide(all, MongoServer.layer)))

const count = (of: ReadonlyArray<TestResult>, status: string) =>
  of.filter(({ report }) => report.outcome.status === status).length

const suites = [...new Set(results.map(({ suite }) => suite))]

/** The counts of a status by suite and reason, the most frequent first. */
const reasons = (status: "failed" | "skipped" | "undrivable"): ReadonlyArray<ReadonlyArray<string | number>> =>
  suites.flatMap((suite) => {
    const counts = new Map<string, number>()
    for (const { report: { outcome }, suite: other } of results) {
      if (other !== suite || outcome.status !== status) continue
      counts.set(outcome.reason, (counts.get(outcome.reason) ?? 0) + 1)
    }
    return [...counts].sort(([, a], [, b]) => b - a).map(([reason, number]) =>
      [suite, number, reason.replaceAll("|", "\\|").replace(/\s+/g, " ")] as const
    )
  })

/** The tests that the bare driver passes and mongofx fails. */
const worse = results.filter(isWorse)

/** A table with columns as wide as their cells, in the form that the formatter keeps. */
const table = (
  head: ReadonlyArray<string>,
  rows: ReadonlyArray<ReadonlyArray<string | number>>
): ReadonlyArray<string> => {
  const widths = head.map((cell, column) => Math.max(3, cell.length, ...rows.map((row) => String(row[column]).length)))
  const line = (row: ReadonlyArray<string | number>) =>
    `| ${widths.map((width, column) => String(row[column]).padEnd(width)).join(" | ")} |`
  return [line(head), line(widths.map((width) => "-".repeat(width))), ...rows.map(line)]
}

const row = (name: string, of: ReadonlyArray<TestResult>): ReadonlyArray<string | number> => {
  const passedByDriver = of.filter(({ driver }) => driver.status === "passed")
  return [
    name,
    ...["passed", "failed", "skipped", "undrivable"].map((status) => count(of, status)),
    passedByDriver.length,
    count(passedByDriver, "passed")
  ]
}

const section = (title: string, status: "failed" | "skipped" | "undrivable"): ReadonlyArray<string> => {
  const rows = reasons(status)
  return rows.length === 0 ? [] : ["", `## ${title}`, "", ...table(["suite", "tests", "reason"], rows)]
}

const versionOf = (name: string): string => {
  const { version } = createRequire(import.meta.url)(`${name}/package.json`) as { readonly version: string }
  return version
}

/** The commit of a clone; a copy of the files has none. */
const commit = ((): string | undefined => {
  const { status, stdout } = spawnSync("git", ["-C", folder, "log", "-1", "--format=%H", "--", "."], {
    encoding: "utf8"
  })
  return status === 0 && stdout.trim() !== "" ? stdout.trim() : undefined
})()

const page = [
  "# Conformance",
  "",
  "The tests of MongoDB's driver specifications in the unified format, run through the public API of `@mongofx/core` on",
  `${server}, with the driver ${versionOf("mongodb")}. These commands write this page:`,
  "",
  "```sh",
  "git clone https://github.com/mongodb/specifications",
  `git -C specifications checkout ${specifications}`,
  "MONGODB_SPEC_TESTS=specifications/source pnpm conformance",
  "```",
  "",
  "_Skipped_ tests need another server, another topology or a feature that the server lacks. _Undrivable_ tests ask for",
  "something that the public API does not offer; they do not count as passed. _Driver_ is the number of tests that the bare",
  "driver passes in the same run, by the same runner (`packages/core/test/spec/bare.ts`), and _both_ is how many of these mongofx passes",
  "too. `pnpm conformance` fails if the bare driver passes a test that mongofx fails. The runner ignores `killSessions`: mongofx sends it after a",
  "lost reply, where the driver leaves the cursor of that reply to the server.",
  ...commit === undefined
    ? ["", `The run that wrote this page had ${results.length} tests, from a folder that is not a clone.`]
    : commit.startsWith(specifications)
    ? []
    : ["", `The run that wrote this page had the tests of the commit ${commit.slice(0, 12)} instead.`],
  "",
  ...table(
    ["suite", "passed", "failed", "skipped", "undrivable", "driver", "both"],
    [...suites.map((suite) => row(suite, results.filter((result) => result.suite === suite))), row("all", results)]
  ),
  "",
  "What the tests left on the server when they ended: open cursors and transactions of each test, connections of each suite.",
  "A transaction is left if a fail point of the test keeps the commit or the abort from the server.",
  "",
  ...table(
    ["suite", "open cursors", "open transactions", "connections"],
    suites.map((suite) => {
      const left = results.filter((result) => result.suite === suite).map(({ report }) => report.left)
      const sum = (of: "cursors" | "transactions") => left.reduce((total, each) => total + each[of], 0)
      return [suite, sum("cursors"), sum("transactions"), connections.get(suite) ?? "?"]
    })
  ),
  ...section("Failed", "failed"),
  ...section("Undrivable", "undrivable"),
  ...section("Skipped", "skipped"),
  ""
].join("\n")

if (parts.length === 0 && !isCheck) writeFileSync(new URL("../../../../docs/conformance.md", import.meta.url), page)
for (const { id, report: { outcome } } of worse) {
  out(`worse than the bare driver: ${id}\n    ${outcome.status === "failed" ? outcome.reason : ""}`)
}
out(
  `${count(results, "passed")} passed, ${count(results, "failed")} failed, ${count(results, "skipped")} skipped, ` +
    `${count(results, "undrivable")} undrivable; ${worse.length} worse than the bare driver`
)
process.exit(worse.length > 0 ? 1 : 0)
