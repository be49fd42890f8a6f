/**
 * A run of all tests of a folder, and what the bare driver does with them.
 *
 * @since 0.1.0
 */
import { existsSync, readFileSync } from "node:fs"
import { join } from "node:path"
import type { Api } from "./drive.ts"
import type { Environment } from "./environment.ts"
import { MalformedTest, sources, type Test, type TestFile } from "./format.ts"
import { type Report, run } from "./runner.ts"

/** What the driver without mongofx does with the tests, after `baseline.json` of the folder. */
export interface Baseline {
  readonly driver: string
  readonly server: string
  readonly tests: Readonly<Record<string, "pass" | "fail" | "flaky">>
}

export const hasBaseline = (folder: string): boolean => readBaseline(folder) !== undefined

const readBaseline = (folder: string): Baseline | undefined => {
  const path = join(folder, "baseline.json")
  return existsSync(path) ? JSON.parse(readFileSync(path, "utf8")) as Baseline : undefined
}

export interface SpecTest {
  /** The first part of the path: `crud`. */
  readonly suite: string
  readonly id: string
  /** The topologies that its requirements name. A test without any runs on all of them. */
  readonly topologies: ReadonlySet<unknown>
  readonly baseline: "pass" | "fail" | "flaky" | undefined
  readonly run: (environment: Environment, api: Api) => Promise<Report>
}

const loaded = (path: string, read: () => TestFile): TestFile | string => {
  try {
    return read()
  } catch (cause) {
    if (cause instanceof MalformedTest) return cause.message
    throw new Error(`${path} cannot be read`, { cause })
  }
}

const topologiesOf = (file: TestFile, test: Test): ReadonlySet<unknown> =>
  new Set(
    [file, test].flatMap(({ runOnRequirements }) => runOnRequirements ?? []).flatMap(({ topologies }) =>
      topologies ?? []
    )
  )

const suiteOf = (path: string): string => path.split("/")[0]!

export const testsOf = (file: TestFile, baseline?: Baseline): ReadonlyArray<SpecTest> =>
  file.tests.map((test) => ({
    suite: suiteOf(file.path),
    id: test.id,
    topologies: topologiesOf(file, test),
    baseline: baseline?.tests[test.id],
    run: (environment, api) => run(file, test, environment, api)
  }))

/** The tests of a folder. A file that is malformed as a whole counts as one test, which fails. */
export const specTests = (folder: string): ReadonlyArray<SpecTest> => {
  const baseline = readBaseline(folder)
  return sources(folder).flatMap(({ path, read }): ReadonlyArray<SpecTest> => {
    const file = loaded(path, read)
    if (typeof file === "string") {
      const report: Report = {
        outcome: path.includes("valid-fail/")
          ? { status: "passed" }
          : { status: "failed", reason: `the file is malformed: ${file}` },
        left: { cursors: 0, transactions: 0 }
      }
      return [{
        suite: suiteOf(path),
        id: path,
        topologies: new Set(),
        baseline: baseline?.tests[path],
        run: () => Promise.resolve(report)
      }]
    }
    return testsOf(file, baseline)
  })
}
