/**
 * What a test says about itself for `docs/reliability.md`: it goes to the reporter with the test's result.
 */
import type { Nemesis } from "@mongofx/testing"
import type { TestContext } from "vitest"

/** A scenario that held. */
interface ScenarioRow {
  readonly kind: "scenario"
  readonly scenario: string
  /** The faults that came, as in `kill 3`. */
  readonly faults: string
  readonly figures: string
  readonly result: string
}

/** A broken variant that was caught. */
interface ProofRow {
  readonly kind: "proof"
  readonly broken: string
  /** What the check of the scenario said. */
  readonly caught: string
}

export type Row = ScenarioRow | ProofRow

declare module "vitest" {
  interface TaskMeta {
    /** What the test adds to `docs/reliability.md`. */
    reliability?: Row
  }
}

export const report = ({ task }: Pick<TestContext, "task">, row: Row): void => {
  task.meta.reliability = row
}

/** How often each fault came. */
export const faultsIn = (log: ReadonlyArray<Nemesis.Entry>): string => {
  const counts = new Map<string, number>()
  for (const { event, kind } of log) if (event === "begins") counts.set(kind, (counts.get(kind) ?? 0) + 1)
  return [...counts].sort(([a], [b]) => a.localeCompare(b)).map(([kind, count]) => `${kind} ${count}`).join(", ")
}
