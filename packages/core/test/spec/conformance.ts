/**
 * `pnpm conformance`: runs the official specification tests and writes the tables of `docs/conformance.md`.
 *
 * MONGODB_SPEC_TESTS names the folder: a clone of https://github.com/mongodb/specifications, or its `source`.
 * The same runner runs each test twice: through mongofx, and through the bare driver. The command fails if the bare driver passes a test
 * that mongofx fails. Each deployment has a process of its own; they mostly wait, and run at the same time.
 *
 * `--check` writes nothing. `--on=sharded` runs them on one of the deployments `one`, `three` and `sharded`, and writes nothing. If
 * MONGODB_URI names a server, they run on that one alone. Other arguments are parts of the ids of the tests to run, and print each result.
 *
 * @since 0.1.0
 */
import { MongoServer } from "@mongofx/testing"
import { Effect } from "effect"
import { fork, spawnSync } from "node:child_process"
import { writeFileSync } from "node:fs"
import { bare } from "./bare.ts"
import { type Deployment, one, sharded, three } from "./deployments.ts"
import { type Api, mongofx } from "./drive.ts"
import { connect, connectionsLeft, type Environment } from "./environment.ts"
import { counts, isWorse, page, type Run, type TestResult } from "./page.ts"
import type { Report } from "./runner.ts"
import { specTests } from "./suite.ts"

const out = (line: string) => process.stdout.write(`${line}\n`)

const refuse = (message: string): never => {
  out(message)
  process.exit(2)
}

const folder = process.env["MONGODB_SPEC_TESTS"] ?? ""
if (folder === "") {
  refuse(
    "MONGODB_SPEC_TESTS must name a folder with the specification tests: set it to a clone of mongodb/specifications"
  )
}
const args = process.argv.slice(2)
const parts = args.filter((arg) => !arg.startsWith("--"))
const on = args.find((arg) => arg.startsWith("--on="))?.slice("--on=".length)

const theirs: Deployment = {
  name: "theirs",
  title: "The server that MONGODB_URI names",
  layer: MongoServer.layer
}
const hasUri = (process.env["MONGODB_URI"] ?? "") !== ""
const all = hasUri ? [theirs] : [one, three, sharded]
const chosen = all.filter(({ name }) => on === undefined || name === on)
if (chosen.length === 0) refuse(`--on=${on} is not a deployment: pass ${all.map(({ name }) => name).join(", ")}`)
const writes = parts.length === 0 && on === undefined && !hasUri && !args.includes("--check")

const shown = (outcome: Report["outcome"]): string =>
  outcome.status === "passed" ? "passed" : `${outcome.status} (${outcome.reason})`

const dropDatabases = async ({ admin }: Environment): Promise<void> => {
  const { databases } = await admin.db("admin").admin().listDatabases({ nameOnly: true })
  const names = databases.map(({ name }) => name).filter((name) => !["admin", "config", "local"].includes(name))
  await Promise.all(names.map((name) => admin.db(name).dropDatabase()))
}

const runOn = ({ layer, title }: Deployment) =>
  Effect.gen(function*() {
    const environment = yield* connect(yield* MongoServer.MongoServer)
    const results: Array<TestResult> = []
    const connections = new Map<string, number>()
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
    return { title, version: environment.version, results, connections } satisfies Run
  }).pipe(Effect.provide(layer), Effect.scoped)

const told = ({ results, title }: Run): void => {
  for (const { id, report: { outcome } } of results.filter(isWorse)) {
    out(`worse than the bare driver: ${id}\n    ${outcome.status === "failed" ? outcome.reason : ""}`)
  }
  out(`${title}: ${counts(results)}`)
}

/** Runs one deployment in a process of its own, which sends what it has found. A process can end before its message is read. */
const inProcess = ({ name }: Deployment): Promise<Run> =>
  new Promise((resolve, reject) => {
    fork(import.meta.filename, [...args, `--on=${name}`], { serialization: "advanced" })
      .on("message", (message) => resolve(message as Run))
      .on("error", reject)
      .on("disconnect", () => reject(new Error(`the run of ${name} has ended without a result`)))
  })

const [single, ...more] = chosen
const runs = more.length === 0
  ? [await Effect.runPromise(runOn(single!))]
  : await Promise.all(chosen.map(inProcess))
if (more.length === 0) {
  runs.forEach(told)
  if (process.send !== undefined) await new Promise((resolve) => process.send!(runs[0], resolve))
}

/** The commit of a clone; a copy of the files has none. */
const commit = ((): string | undefined => {
  const { status, stdout } = spawnSync("git", ["-C", folder, "log", "-1", "--format=%H", "--", "."], {
    encoding: "utf8"
  })
  return status === 0 && stdout.trim() !== "" ? stdout.trim() : undefined
})()

if (writes) writeFileSync(new URL("../../../../docs/conformance.md", import.meta.url), page(runs, commit))
process.exit(runs.some(({ results }) => results.some(isWorse)) ? 1 : 0)
