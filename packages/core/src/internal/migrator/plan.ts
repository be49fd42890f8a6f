/**
 * What is to be done, from the migrations of a loader and those that the journal has. Pure.
 */
import type { MigratorOptions } from "../../MongoMigrator.ts"
import type { Entries, Entry } from "./journal.ts"
import { byId, failure, type MigrationError, type MigrationId, nameOf, namesOf } from "./migrationError.ts"

/** @internal */
export interface Loaded extends MigrationId {
  readonly checksum?: string | undefined
}

/** A migration whose name or checksum is not the one that was recorded when it was applied. */
interface Changed extends MigrationId {
  readonly what: "checksum" | "name"
  readonly recorded: MigrationId
}

/**
 * How the migrations of a loader and the applied ones differ. All lists are in the order of the numbers.
 *
 * @internal
 */
export interface Plan<M extends Loaded> {
  readonly applied: number
  readonly pending: ReadonlyArray<M>
  /** Those of the pending ones that come before one that is applied. */
  readonly late: ReadonlyArray<M>
  readonly changed: ReadonlyArray<Changed>
  /** Those that are applied and that the loader does not have. */
  readonly unknown: ReadonlyArray<MigrationId>
}

const isApplied = (entry: Entry | undefined): entry is Entry => entry?.state === "applied"

const changeOf = ({ checksum, id, name }: Loaded, entry: Entry): ReadonlyArray<Changed> => {
  const recorded = { id, name: entry.name }
  if (name !== entry.name) return [{ id, name, recorded, what: "name" }]
  const differs = checksum !== undefined && entry.checksum !== undefined && checksum !== entry.checksum
  return differs ? [{ id, name, recorded, what: "checksum" }] : []
}

/** @internal */
export const planOf = <M extends Loaded>(loaded: ReadonlyArray<M>, entries: Entries): Plan<M> => {
  const known = new Set(loaded.map(({ id }) => id))
  const applied = [...entries].filter(([, entry]) => isApplied(entry)).map(([id, { name }]) => ({ id, name }))
  const highest = Math.max(-1, ...applied.map(({ id }) => id))
  const pending = loaded.filter(({ id }) => !isApplied(entries.get(id)))
  return {
    applied: applied.length,
    pending,
    late: pending.filter(({ id }) => id < highest),
    changed: loaded.flatMap((migration) => {
      const entry = entries.get(migration.id)
      return isApplied(entry) ? changeOf(migration, entry) : []
    }),
    unknown: applied.filter(({ id }) => !known.has(id)).sort(byId)
  }
}

const duplicatesIn = (loaded: ReadonlyArray<Loaded>): ReadonlyArray<Loaded> =>
  loaded.filter(({ id }) => loaded.filter((other) => other.id === id).length > 1)

/**
 * What is wrong with the migrations of a loader themselves.
 *
 * @internal
 */
export const problemOfLoaded = (loaded: ReadonlyArray<Loaded>): MigrationError | undefined => {
  const invalid = loaded.filter(({ id, name }) => !Number.isSafeInteger(id) || id < 0 || name === "")
  if (invalid.length > 0) {
    return failure(
      "BadState",
      invalid,
      `${
        namesOf(invalid)
      }: the number of a migration is a whole number up to ${Number.MAX_SAFE_INTEGER}, and it has a name: rename it`
    )
  }
  const duplicates = duplicatesIn(loaded)
  if (duplicates.length === 0) return undefined
  return failure(
    "Duplicates",
    duplicates,
    `${
      namesOf(duplicates)
    }: these migrations share a number: give each a number of its own, higher than those that are applied`
  )
}

/** @internal */
export type Policies = Pick<MigratorOptions, "onChanged" | "onUnknown" | "outOfOrder">

const changedMessage = (changed: ReadonlyArray<Changed>): string =>
  `${
    changed.map((one) =>
      one.what === "name"
        ? `${nameOf(one)} was applied as ${nameOf(one.recorded)}`
        : `the checksum of ${nameOf(one)} is not the one that was recorded when it was applied`
    ).join("; ")
  }: bring the old form back and put the change into a new migration, or record the new form with MongoMigrator.accept`

/**
 * Why the pending migrations must not run, if there is a reason.
 *
 * @internal
 */
export const problemOf = (
  { changed, late, unknown }: Plan<Loaded>,
  { onChanged = "fail", onUnknown = "report", outOfOrder = "fail" }: Policies
): MigrationError | undefined => {
  if (changed.length > 0 && onChanged !== "report") return failure("Changed", changed, changedMessage(changed))
  if (unknown.length > 0 && onUnknown !== "report") {
    return failure(
      "Unknown",
      unknown,
      `${
        namesOf(unknown)
      }: applied, but the loader does not have them: start a release that has them, or set onUnknown to "report"`
    )
  }
  if (late.length > 0 && outOfOrder !== "run") {
    return failure(
      "OutOfOrder",
      late,
      `${
        namesOf(late)
      }: not applied, but migrations with higher numbers are. Give them higher numbers, set outOfOrder to "run" if ` +
        "their order does not matter, or record them with MongoMigrator.accept if their work is done"
    )
  }
  return undefined
}
