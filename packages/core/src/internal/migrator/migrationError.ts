import * as Data from "effect/Data"

/**
 * The number and the name of a migration.
 *
 * @internal
 */
export interface MigrationId {
  readonly id: number
  readonly name: string
}

/**
 * Why migrations did not run. `MongoMigrator` publishes it.
 *
 * @internal
 */
export class MigrationError extends Data.TaggedError("MigrationError")<{
  /** What kind of failure it is. */
  readonly kind:
    | "BadState"
    | "Changed"
    | "Duplicates"
    | "Failed"
    | "ImportError"
    | "LeaseLost"
    | "Locked"
    | "OutOfOrder"
    | "Unknown"
  /** The migrations that it is about. */
  readonly migrations: ReadonlyArray<MigrationId>
  /** What is wrong, and what to do. */
  readonly message: string
  /** The failure of the migration, of its import, or of its folder. */
  readonly cause?: unknown
}> {}

/** @internal */
export const nameOf = ({ id, name }: MigrationId): string => `${id}_${name}`

/** @internal */
export const namesOf = (migrations: ReadonlyArray<MigrationId>): string => migrations.map(nameOf).join(", ")

/**
 * Compares migrations by their numbers.
 *
 * @internal
 */
export const byId = (a: MigrationId, b: MigrationId): number => a.id - b.id

/**
 * Makes a failure.
 *
 * @internal
 */
export const failure = (
  kind: MigrationError["kind"],
  migrations: ReadonlyArray<MigrationId>,
  message: string,
  ...cause: [cause?: unknown]
): MigrationError =>
  new MigrationError({
    kind,
    migrations: migrations.map(({ id, name }) => ({ id, name })),
    message,
    ...(cause.length === 0 ? {} : { cause: cause[0] })
  })
