/**
 * `migrate`: runs the pending migrations, or shows them.
 */
import { MongoMigrator } from "@mongofx/core"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { counted } from "../words.ts"
import type { Outcome } from "./exit.ts"
import { plain } from "./json.ts"
import { type Paint, printable } from "./paint.ts"
import type { Report } from "./run.ts"
import type { Screen } from "./screen.ts"
import { count, table } from "./table.ts"

/** A program may have none. */
type Options<R, RL> = MongoMigrator.MigratorOptions<R, RL> | undefined

const none: Report = {
  outcome: "ok",
  json: { migrations: null },
  text: (paint) => paint.muted("no migrations are declared")
}

// ---- what the journal says

/**
 * What is pending, `migrate` runs. It runs nothing as long as the journal and the program contradict each other.
 *
 * @internal
 */
export const outcomeOfStatus = ({ pending, problem }: MongoMigrator.MigratorStatus): Outcome =>
  problem !== undefined ? "findings" : pending > 0 ? "pending" : "ok"

const problems = {
  changed: "changed since it was applied",
  outOfOrder: "out of order",
  unknown: "not among these migrations"
} as const

const stateOf = (paint: Paint, { problem, state }: MongoMigrator.MigrationStatus): string => {
  if (problem !== undefined) return paint.bad(problems[problem])
  if (state === "applied") return paint.good(state)
  return state === "failed" ? paint.bad(state) : paint.warning(state)
}

const detailsOf = ({ durationMillis, error, finishedAt, steps }: MongoMigrator.MigrationStatus): string =>
  [
    ...finishedAt === undefined ? [] : [finishedAt.toISOString()],
    ...durationMillis === undefined ? [] : [`in ${Duration.format(Duration.millis(durationMillis))}`],
    ...steps.filter(({ done }) => !done).map(({ handled, name }) => `${name}: ${count(handled, "document")} done`),
    ...error === undefined ? [] : [error]
  ].join(", ")

/** @internal */
export const textOfStatus = ({ holder, migrations, problem }: MongoMigrator.MigratorStatus, paint: Paint): string => {
  const rows = migrations.map((migration) => [
    String(migration.id),
    printable(migration.name),
    stateOf(paint, migration),
    paint.muted(printable(detailsOf(migration)))
  ])
  const columns = [{ title: "id", align: "right" }, { title: "migration" }, { title: "state" }, { title: "" }] as const
  return [
    rows.length === 0 ? paint.muted("there are no migrations") : table(paint, columns, rows),
    ...holder === undefined ? [] : [`${printable(holder.owner)} runs migrations now`],
    ...problem === undefined ? [] : [`${paint.bad("✗")} nothing runs: ${printable(problem)}`]
  ].join("\n")
}

// ---- running

const dry = <R, RL>(options: MongoMigrator.MigratorOptions<R, RL>) =>
  Effect.map(MongoMigrator.plan(options), (plan) => {
    const rows = plan.pending.map(({ id, name, outOfOrder, resumes }) => [
      String(id),
      printable(name),
      [...resumes ? ["goes on where it stopped"] : [], ...outOfOrder ? [problems.outOfOrder] : []].join(", ")
    ])
    const columns = [{ title: "id", align: "right" }, { title: "migration" }, { title: "" }] as const
    return {
      outcome: rows.length === 0 ? "ok" : "pending",
      json: { ...plain(plan) as object, dryRun: true },
      text: (paint) =>
        rows.length === 0
          ? `${paint.good("✓")} nothing to do: ${count(plan.applied, "migration is", "migrations are")} applied`
          : `${paint.warning("+")} ${count(rows.length, "migration")} would run\n${table(paint, columns, rows)}`
    } satisfies Report
  })

/** The line of what runs now: how many migrations are done, and how many documents of its step. */
const labelOf = (event: MongoMigrator.MigrationEvent & { readonly _tag: "Started" | "Progress" }): string =>
  event._tag === "Started"
    ? `migration ${event.id} ${printable(event.name)} (${event.index + 1} of ${event.total})`
    : `migration ${event.id} ${printable(event.name)}, ${printable(event.step)}: ${counted(event.handled)}`

const real = <R, RL>(screen: Screen, options: MongoMigrator.MigratorOptions<R, RL>) =>
  screen.step("migrations", (advance) => {
    let total = 0
    let done = 0
    const show = (event: MongoMigrator.MigrationEvent): Effect.Effect<void> => {
      switch (event._tag) {
        case "Started":
          total = event.total
          return advance(done, total, labelOf(event))
        case "Progress":
          return advance(done, total, labelOf(event))
        case "Finished":
          done++
          return advance(done, total)
        case "Failed":
        case "Waiting":
          return Effect.void
      }
    }
    return MongoMigrator.run({
      ...options,
      onEvent: (event) => Effect.andThen(show(event), options.onEvent?.(event) ?? Effect.void)
    })
  }).pipe(Effect.map((applied) => {
    const rows = applied.map(({ durationMillis, id, name }) => [
      String(id),
      printable(name),
      Duration.format(Duration.millis(durationMillis))
    ])
    const columns = [{ title: "id", align: "right" }, { title: "migration" }, {
      title: "took",
      align: "right"
    }] as const
    return {
      outcome: "ok",
      json: { applied: plain(applied), dryRun: false },
      text: (paint) =>
        rows.length === 0
          ? `${paint.good("✓")} nothing to do`
          : `${paint.good("✓")} ${count(rows.length, "migration")} applied\n${table(paint, columns, rows)}`
    } satisfies Report
  }))

/** @internal */
export const migrate = <R, RL>(screen: Screen, options: Options<R, RL>, dryRun: boolean) =>
  options === undefined ? Effect.succeed(none) : dryRun ? dry(options) : real(screen, options)
