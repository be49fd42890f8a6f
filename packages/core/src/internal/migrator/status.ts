/**
 * What the journal says, as plain data and as text.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type { MongoDatabase } from "../../MongoDatabase.ts"
import type { MongoError } from "../../MongoError.ts"
import type { MigrationPlan, MigrationStatus, MigratorOptions, MigratorStatus } from "../../MongoMigrator.ts"
import { leases } from "../lease/leases.ts"
import type { Entry } from "./journal.ts"
import { byId, type MigrationError, nameOf } from "./migrationError.ts"
import { planOf, problemOf } from "./plan.ts"
import { leaseName, open } from "./run.ts"

/** What a record says. A run whose process does not hold the lease was killed. */
const recordOf = (entry: Entry | undefined, holder: string | undefined): Omit<MigrationStatus, "id" | "name"> => {
  if (entry === undefined) return { state: "pending", attempts: 0, steps: [] }
  const { attempts, checksum, durationMillis, error, finishedAt, owner, startedAt, state, steps = {} } = entry
  return {
    state: state === "running" && owner !== holder ? "interrupted" : state,
    attempts,
    startedAt,
    ...(finishedAt === undefined ? {} : { finishedAt }),
    ...(durationMillis === undefined ? {} : { durationMillis }),
    ...(checksum === undefined ? {} : { checksum }),
    ...(error === undefined ? {} : { error }),
    owner,
    steps: Object.values(steps).map(({ done, handled, name, savedAt }) => ({ name, done, handled, savedAt }))
  }
}

/** @internal */
export const status = <R, RL = never>(
  options: MigratorOptions<R, RL>
): Effect.Effect<MigratorStatus, MigrationError | MongoError, MongoDatabase | RL> =>
  Effect.gen(function*() {
    const { collection, database, journal, loaded } = yield* open(options)
    // In this order: a holder that ends in between has recorded what it did.
    const holder = yield* leases(database, { collection }).holder(leaseName)
    const entries = yield* journal.read
    const plan = planOf(loaded, entries)
    const problems = new Map<number, NonNullable<MigrationStatus["problem"]>>([
      ...plan.late.map(({ id }) => [id, "outOfOrder"] as const),
      ...plan.changed.map(({ id }) => [id, "changed"] as const),
      ...plan.unknown.map(({ id }) => [id, "unknown"] as const)
    ])
    const problem = problemOf(plan, options)
    return {
      database: database.name,
      collection,
      ...(Option.isNone(holder) ? {} : {
        holder: { owner: holder.value.owner, expiresInMillis: Duration.toMillis(holder.value.expiresIn) }
      }),
      pending: plan.pending.length,
      ...(problem === undefined ? {} : { problem: problem.message }),
      migrations: [...loaded, ...plan.unknown].sort(byId).map(({ id, name }) => ({
        id,
        name,
        ...recordOf(entries.get(id), Option.getOrUndefined(holder)?.owner),
        ...(problems.has(id) ? { problem: problems.get(id)! } : {})
      }))
    }
  })

// ---- text

const problemTexts = {
  changed: "changed since it was applied",
  outOfOrder: "out of order",
  unknown: "not among these migrations"
} as const

const counted = (count: number, what: string): string => `${count} ${what}${count === 1 ? "" : "s"}`

const durationText = (millis: number): string => Duration.format(Duration.millis(millis))

const detailsOf = (
  { durationMillis, error, finishedAt, problem, startedAt, state, steps }: MigrationStatus
): string => {
  const when = state === "running" ? startedAt : finishedAt ?? startedAt
  const open = steps.filter(({ done }) => !done)
  return [
    ...(when === undefined ? [] : [`${state === "running" ? "since " : ""}${when.toISOString()}`]),
    ...(durationMillis === undefined ? [] : [`in ${durationText(durationMillis)}`]),
    ...open.map(({ handled, name }) => `step ${name}: ${counted(handled, "document")}`),
    ...(problem === undefined ? [] : [problemTexts[problem]]),
    ...(error === undefined ? [] : [error.replace(/\s+/g, " ")])
  ].join(", ")
}

/** Columns as wide as their widest cell. */
const table = (rows: ReadonlyArray<ReadonlyArray<string>>): ReadonlyArray<string> => {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]!.length)))
  return rows.map((row) => row.map((cell, column) => cell.padEnd(widths[column]!)).join("  ").trimEnd())
}

/** @internal */
export const formatStatus = ({ collection, database, holder, migrations, pending, problem }: MigratorStatus): string =>
  [
    `${counted(migrations.length, "migration")} of ${database}, ${pending} pending, recorded in ${collection}`,
    ...table(migrations.map((one) => [`  ${nameOf(one)}`, one.state, detailsOf(one)])),
    ...(holder === undefined
      ? []
      : [`${holder.owner} runs migrations, and has the lease for another ${durationText(holder.expiresInMillis)}`]),
    ...(problem === undefined ? [] : [`Nothing runs: ${problem}`])
  ].join("\n")

/** @internal */
export const formatPlan = ({ applied, pending, unknown }: MigrationPlan): string =>
  [
    pending.length === 0
      ? `Nothing to do: ${counted(applied, "migration")} applied`
      : `${counted(pending.length, "migration")} would run, ${applied} applied`,
    ...table(pending.map((one) => [
      `  ${nameOf(one)}`,
      [...(one.resumes ? ["again"] : []), ...(one.outOfOrder ? [problemTexts.outOfOrder] : [])].join(", ")
    ])),
    ...(unknown.length === 0 ? [] : [`Applied, but not among these migrations: ${unknown.map(nameOf).join(", ")}`])
  ].join("\n")
