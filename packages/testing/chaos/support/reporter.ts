/**
 * Writes `docs/reliability.md` after a run that had all scenarios and in which everything held. CI does so only with `CHAOS_REPORT=1`.
 *
 * @since 0.1.0
 */
import { readdirSync, readFileSync, writeFileSync } from "node:fs"
import { createRequire } from "node:module"
import { cpus, totalmem } from "node:os"
import { fileURLToPath } from "node:url"
import type { Reporter, TestModule, TestRunEndReason } from "vitest/node"
import { type Facts, pageOf } from "./page.ts"

const packages = new URL("../../../", import.meta.url)
const page = fileURLToPath(new URL("../docs/reliability.md", packages))

const isAsked = process.env["CHAOS_REPORT"] === "1" || (process.env["CI"] ?? "") === ""

/** The files of a whole run, in the order of the page. */
const files = ["testing", "backends"].flatMap((name) => {
  const folder = new URL(`${name}/chaos/`, packages)
  return readdirSync(folder).filter((file) => file.endsWith(".test.ts")).sort().map((file) =>
    fileURLToPath(new URL(file, folder))
  )
})

const versionOf = (name: string): string => {
  const file = createRequire(import.meta.url).resolve(`${name}/package.json`)
  return (JSON.parse(readFileSync(file, "utf8")) as { readonly version: string }).version
}

const facts = (test: Record<string, string | undefined>): Facts => ({
  date: new Date().toISOString().slice(0, 10),
  seed: test["CHAOS_SEED"] ?? "",
  seconds: test["CHAOS_SECONDS"] ?? "",
  machine: `${cpus().length} processors, ${Math.round(totalmem() / 1024 ** 3)} GB, Node ${process.versions.node}`,
  driver: versionOf("mongodb")
})

export default class implements Reporter {
  private env: Record<string, string | undefined> = {}

  onInit(vitest: { readonly projects: ReadonlyArray<{ readonly config: { readonly env: object } }> }): void {
    this.env = vitest.projects[0]!.config.env as Record<string, string | undefined>
  }

  onTestRunEnd(modules: ReadonlyArray<TestModule>, _errors: unknown, reason: TestRunEndReason): void {
    const place = ({ moduleId }: TestModule) => files.indexOf(moduleId)
    const tests = [...modules].sort((a, b) => place(a) - place(b)).flatMap((module) => [...module.children.allTests()])
    for (const test of tests) {
      const row = test.meta().reliability
      if (row?.kind === "scenario") process.stdout.write(`${row.scenario}: ${row.faults}; ${row.figures}\n`)
    }
    // A run of some files or of some names leaves the page as it is, and so does one with a file that could not be loaded.
    const isWhole = reason === "passed" && modules.length === files.length &&
      tests.every((test) => test.result().state === "passed")
    if (!isAsked || !isWhole) return
    const groups = tests.flatMap((test) => {
      const row = test.meta().reliability
      return row === undefined ? [] : [{ on: test.parent.type === "suite" ? test.parent.name : "", row }]
    })
    const text = pageOf(groups, facts(this.env))
    writeFileSync(page, text)
  }
}
