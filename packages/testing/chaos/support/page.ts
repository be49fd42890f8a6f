/**
 * The text of `docs/reliability.md`.
 */
import type { Row } from "./row.ts"

export interface Facts {
  readonly date: string
  readonly seed: string
  readonly seconds: string
  readonly machine: string
  readonly driver: string
}

/** A row, and the servers that its test ran on. */
interface Line {
  readonly on: string
  readonly row: Row
}

/** A table with columns as wide as their cells, in the form that the formatter keeps. */
const table = (head: ReadonlyArray<string>, rows: ReadonlyArray<ReadonlyArray<string>>): ReadonlyArray<string> => {
  const cells = rows.map((row) => row.map((cell) => cell.replaceAll("|", "\\|").replace(/\s+/g, " ")))
  const widths = head.map((cell, column) => Math.max(3, cell.length, ...cells.map((row) => row[column]!.length)))
  const line = (row: ReadonlyArray<string>) =>
    `| ${row.map((cell, column) => cell.padEnd(widths[column]!)).join(" | ")} |`
  return [line(head), line(widths.map((width) => "-".repeat(width))), ...cells.map(line)]
}

export const pageOf = (lines: ReadonlyArray<Line>, { date, driver, machine, seconds, seed }: Facts): string => {
  const scenarios = lines.flatMap(({ on, row }) =>
    row.kind === "scenario" ? [[row.scenario, on.replace(/^on /, ""), row.faults, row.figures, row.result]] : []
  )
  const proofs = lines.flatMap(({ row }) => row.kind === "proof" ? [[row.broken, row.caught]] : [])
  return [
    "# Reliability",
    "",
    "What mongofx keeps while its servers fail. `pnpm test:chaos` runs programs on several real servers, while a nemesis kills, freezes and cuts off",
    "members, forces elections and disturbs links. Then the bare driver reads what is there, and compares it with what the programs",
    "were told. A run that has all scenarios, and in which everything holds, writes this page.",
    "",
    "```sh",
    "pnpm test:chaos                       # about four minutes",
    "CHAOS_SECONDS=120 pnpm test:chaos     # each scenario works for two minutes",
    "CHAOS_ELEMENTS=10000 pnpm test:chaos  # that many elements go through the queue",
    "CHAOS_SEED=… pnpm test:chaos          # repeats the choices of an earlier run",
    "```",
    "",
    "A failure prints the seed and a log of all faults. The seed repeats the choices: kinds, times, members, transfers. What a choice meets still",
    "depends on the servers. `.ci/run` has the short run, and does not write this page unless `CHAOS_REPORT=1`.",
    "",
    `The run of ${date}: ${seconds} seconds for each scenario under faults, driver ${driver}, ${machine}, seed \`${seed}\`. All servers and the program`,
    "share this machine, so the figures say how much was tried, not how fast it is.",
    "",
    "## Scenarios",
    "",
    ...table(["scenario", "servers", "faults", "figures", "what held"], scenarios),
    "",
    "## Broken variants",
    "",
    "A check that cannot fail proves nothing. Each variant here does one thing wrong, and the check of its scenario says so:",
    "",
    ...table(["broken variant", "what the check said"], proofs),
    ""
  ].join("\n")
}
