/**
 * The migration that runs, for its steps.
 */
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import type { MongoError } from "../../MongoError.ts"
import type { StepEntry } from "./journal.ts"
import type { MigrationError } from "./migrationError.ts"

/**
 * The service of a migration that runs. `MongoMigrator` publishes it.
 *
 * @internal
 */
export interface CurrentMigration {
  /** Its number. */
  readonly id: number
  /** Its name. */
  readonly name: string
  /** How far a step has come in this and earlier attempts; `undefined` for one that has saved nothing. */
  readonly stepOf: (step: string) => Effect.Effect<StepEntry | undefined, MigrationError | MongoError>
  /** Saves how far a step has come, in the transaction around it if there is one. */
  readonly saveStep: (entry: Omit<StepEntry, "savedAt">) => Effect.Effect<void, MigrationError | MongoError>
  /** Runs the work of a step, and saves what `entry` gives when it is done. */
  readonly endStep: <E, R>(
    work: Effect.Effect<unknown, E, R>,
    entry: () => Omit<StepEntry, "savedAt">
  ) => Effect.Effect<void, E | MigrationError | MongoError, R>
}

/** @internal */
export const CurrentMigration: Context.Service<CurrentMigration, CurrentMigration> = Context.Service<CurrentMigration>(
  "@mongofx/core/MongoMigrator/CurrentMigration"
)
