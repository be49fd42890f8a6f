/**
 * Migrations: numbered effects that change a database once, whichever of many processes comes first.
 *
 * The journal, a document in the database, has the set of the applied migrations with their names and checksums. One process at a time
 * runs what is pending, while it holds a lease. The others wait for it and look again.
 *
 * @since 0.1.0
 */
import type * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import type * as Effect from "effect/Effect"
import type { FileSystem } from "effect/FileSystem"
import * as Layer from "effect/Layer"
import type * as Option from "effect/Option"
import type { Path } from "effect/Path"
import type * as Driver from "mongodb"
import * as current from "./internal/migrator/current.ts"
import * as loaders from "./internal/migrator/loaders.ts"
import type { MigrationError, MigrationId } from "./internal/migrator/migrationError.ts"
import * as internal from "./internal/migrator/run.ts"
import * as reading from "./internal/migrator/status.ts"
import * as steps from "./internal/migrator/steps.ts"
import type { MongoClient } from "./MongoClient.ts"
import type { Filter, MongoCollection } from "./MongoCollection.ts"
import type { MongoDatabase } from "./MongoDatabase.ts"
import type { MongoError } from "./MongoError.ts"

// ---- migrations

/**
 * The type of `TypeId`.
 *
 * @stability unstable
 * @category type IDs
 * @since 0.1.0
 */
export type TypeId = "~@mongofx/core/MongoMigrator/Migration"

/**
 * Marks a value as a migration with options.
 *
 * **Example** (Reading the mark)
 *
 * ```ts
 * import { MongoMigrator } from "@mongofx/core"
 *
 * console.log(MongoMigrator.TypeId)
 * ```
 *
 * @stability unstable
 * @category type IDs
 * @since 0.1.0
 */
export const TypeId: TypeId = loaders.TypeId

/**
 * A migration with its options. An Effect alone is a migration without options.
 *
 * @see {@link migration} for the function that makes it
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface Migration<out R = never> extends MigrationOptions {
  readonly [TypeId]: TypeId
  /** Changes the database. */
  readonly up: Effect.Effect<unknown, unknown, R>
}

/**
 * Options of a migration.
 *
 * @see {@link migration} for the function that takes them
 *
 * @stability unstable
 * @category options
 * @since 0.1.0
 */
export interface MigrationOptions {
  /**
   * A text that you change when you change what the migration does, such as `"2"`. It is kept when the migration is applied. A start with
   * another text fails, by the option `onChanged`.
   */
  readonly checksum?: string | undefined
  /**
   * Whether the migration and its record are one transaction; false by default. The server limits transactions in time, a minute by
   * default, and in what they may do: no index is built on a collection that has documents. A process that is killed in the transaction leaves
   * its documents locked until the server ends it. Needs a replica set.
   */
  readonly transaction?: boolean | undefined
}

/**
 * A migration that changes a database by an effect, with options.
 *
 * **When to use**
 *
 * Use it for a migration with a checksum, or for one that is a transaction. Else an Effect is enough.
 *
 * **Gotchas**
 *
 * Without a transaction a process may be killed after a part of the work: the migration then runs again from its beginning. Write it so
 * that this does no harm, or divide it by `step` and `forEachBatch`.
 *
 * **Example** (A transaction, with a checksum)
 *
 * ```ts
 * import { MongoDatabase, MongoMigrator } from "@mongofx/core"
 * import { Effect } from "effect"
 *
 * const renameRoles = MongoMigrator.migration(
 *   Effect.gen(function*() {
 *     const db = yield* MongoDatabase.MongoDatabase
 *     yield* db.collection("roles").updateMany({ name: "root" }, { $set: { name: "owner" } })
 *     yield* db.collection("users").updateMany({ role: "root" }, { $set: { role: "owner" } })
 *   }),
 *   { transaction: true, checksum: "1" }
 * )
 * ```
 *
 * @see {@link fromRecord} for where it goes
 * @see {@link forEachBatch} for changes that take long
 *
 * @stability unstable
 * @category constructors
 * @since 0.1.0
 */
export const migration = <R>(up: Effect.Effect<unknown, unknown, R>, options: MigrationOptions = {}): Migration<R> => ({
  ...options,
  [TypeId]: TypeId,
  up
})

// ---- loaders

/**
 * A migration that a loader has found: its number, its name, its checksum, and how to load it.
 *
 * @see {@link Loader} for what gives it
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface ResolvedMigration<out R = never> {
  /** Its number: migrations run in the order of their numbers. */
  readonly id: number
  /** Its name. */
  readonly name: string
  /** Its checksum; without one, only the name is compared with the journal. */
  readonly checksum?: string | undefined
  /** Imports it. Runs only if the migration is pending. */
  readonly load: Effect.Effect<Migration<R>, MigrationError>
}

/**
 * Finds the migrations of a program. `R` is what the migrations need, `RL` what the loader itself needs.
 *
 * @see {@link fromRecord} for effects of the program itself
 * @see {@link fromFileSystem} for the files of a folder
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export type Loader<R = never, RL = never> = Effect.Effect<ReadonlyArray<ResolvedMigration<R>>, MigrationError, RL>

/**
 * What the checksum of a migration in a file is made of.
 *
 * **Details**
 *
 * - `"none"`, the default: no checksum. Only numbers and names are compared with the journal.
 * - `"declared"`: the `checksum` of the exported migration. All files are imported at each start, those of applied migrations too.
 * - `"content"`: the SHA-256 of the file's text, whatever its line endings are. Use it only for files that are deployed as they were written:
 *   another release of a compiler or a bundler may write other text for the same migration, and the next start would fail.
 *
 * @see {@link fromFileSystem} for a loader that takes it
 *
 * @stability unstable
 * @category options
 * @since 0.1.0
 */
export type ChecksumOf = "none" | "declared" | "content"

/** What a migration needs. */
type ServicesOf<M> = M extends Migration<infer R> ? R : M extends Effect.Effect<unknown, unknown, infer R> ? R : never

/** Refuses keys that are not the number and the name of a migration. */
type Named<M> = {
  readonly [K in keyof M]: string extends K ? unknown
    : K extends `${number}_${string}` ? unknown
    : "a migration is named by a number and a word, such as 1_add_emails"
}

/**
 * Migrations in a record, by keys such as `1_add_emails`.
 *
 * **When to use**
 *
 * Use it wherever the program can import its migrations: it needs no file at run time, and the compiler knows what they need.
 *
 * **Details**
 *
 * The number before the first `_` orders the migrations; zeros before it do not count. A migration has the checksum that it declares. The text
 * of its function is no checksum: bundlers and compilers change it.
 *
 * **Example** (Two migrations)
 *
 * ```ts
 * import { MongoDatabase, MongoMigrator } from "@mongofx/core"
 * import { Effect } from "effect"
 *
 * const users = MongoDatabase.MongoDatabase.useSync((db) => db.collection("users"))
 *
 * const loader = MongoMigrator.fromRecord({
 *   "1_email_index": Effect.flatMap(users, (users) => users.createIndex({ email: 1 }, { unique: true })),
 *   "2_add_language": Effect.flatMap(users, (users) => users.updateMany({ language: { $exists: false } }, { $set: { language: "en" } }))
 * })
 * ```
 *
 * @see {@link fromGlob} for modules that are imported when they run
 *
 * @stability unstable
 * @category constructors
 * @since 0.1.0
 */
export const fromRecord: <
  const M extends Readonly<Record<string, Effect.Effect<unknown, unknown, unknown> | Migration<unknown>>>
>(migrations: M & Named<M>) => Loader<ServicesOf<M[keyof M]>> = loaders.fromRecord as never

/**
 * Migrations in modules that a bundler has found: the result of `import.meta.glob`.
 *
 * **Details**
 *
 * Modules named `1_add_emails` with the ending `js`, `ts`, `mjs` or `mts` are migrations; others are left out. The default export of a module
 * is an Effect or the result of `migration`. `checksum` is `"none"` by default. `R` is what the migrations need: the compiler
 * cannot see it.
 *
 * **Example** (All modules of a folder)
 *
 * ```ts
 * import { MongoMigrator } from "@mongofx/core"
 *
 * declare const glob: Record<string, () => Promise<unknown>> // import.meta.glob("./migrations/*.ts")
 *
 * const loader = MongoMigrator.fromGlob(glob)
 * ```
 *
 * @see {@link fromFileSystem} for files without a bundler
 *
 * @stability unstable
 * @category constructors
 * @since 0.1.0
 */
export const fromGlob: <R = MongoDatabase | MongoClient | CurrentMigration>(
  modules: Readonly<Record<string, () => Promise<unknown>>>,
  options?: { readonly checksum?: Exclude<ChecksumOf, "content"> | undefined }
) => Loader<R> = loaders.fromGlob as never

/**
 * Migrations in the files of a folder.
 *
 * **Details**
 *
 * Files named `1_add_emails` with the ending `js`, `ts`, `mjs` or `mts` are migrations; others are left out. The default export of a file is
 * an Effect or the result of `migration`. A relative path counts from the working directory of the process. It needs `FileSystem` and `Path`
 * of effect: `NodeServices.layer` of `@effect/platform-node` has both. `R` is what the migrations need: the compiler cannot see it.
 *
 * **Example** (A folder, whose files are deployed as they are)
 *
 * ```ts
 * import { MongoMigrator } from "@mongofx/core"
 *
 * const loader = MongoMigrator.fromFileSystem("migrations", { checksum: "content" })
 * ```
 *
 * @see {@link ChecksumOf} for what a checksum is made of
 * @see {@link fromRecord} for migrations that the program imports
 *
 * @stability unstable
 * @category constructors
 * @since 0.1.0
 */
export const fromFileSystem: <R = MongoDatabase | MongoClient | CurrentMigration>(
  directory: string,
  options?: { readonly checksum?: ChecksumOf | undefined }
) => Loader<R, FileSystem | Path> = loaders.fromFileSystem as never

// ---- running

/**
 * Options of a migrator.
 *
 * @see {@link run} for the function that migrates
 *
 * @stability unstable
 * @category options
 * @since 0.1.0
 */
export interface MigratorOptions<R = never, RL = never> {
  /** Finds the migrations. */
  readonly loader: Loader<R, RL>
  /** The collection of the journal and the lease, `mongofx_migrations` by default. */
  readonly collection?: string | undefined
  /**
   * What happens with a pending migration whose number is lower than that of an applied one, as after a merge of two branches: `"fail"` is
   * the default, `"run"` runs it before those that are pending with higher numbers.
   */
  readonly outOfOrder?: "fail" | "run" | undefined
  /** What happens when an applied migration has another name or checksum now: `"fail"` is the default, `"report"` only logs a warning. */
  readonly onChanged?: "fail" | "report" | undefined
  /**
   * What happens when a migration is applied and the loader does not have it, as in an older release: `"report"` is the default, and logs a
   * warning.
   */
  readonly onUnknown?: "fail" | "report" | undefined
  /**
   * The lease of the process that migrates. A process that was killed keeps others waiting for at most `duration`, 30 seconds by default.
   * Others wait up to `wait`, 10 minutes by default, for the process that migrates.
   */
  readonly lease?: {
    readonly duration?: Duration.Input | undefined
    readonly wait?: Duration.Input | undefined
  } | undefined
  /** Gets what happens, in order: for a progress bar, for instance. */
  readonly onEvent?: ((event: MigrationEvent) => Effect.Effect<void>) | undefined
}

/**
 * What happens in a run.
 *
 * **Details**
 *
 * `Waiting` comes once, when another process migrates. The others are about a migration: `Started` with its place among those that run and
 * whether an earlier run had begun it, `Progress` whenever a step saves its position, then `Finished` or `Failed`.
 *
 * @see {@link MigratorOptions} for the option `onEvent`, which gets it
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export type MigrationEvent =
  | { readonly _tag: "Waiting"; readonly holder: string | undefined }
  | MigrationId & {
    readonly _tag: "Started"
    readonly resumes: boolean
    readonly index: number
    readonly total: number
  }
  | MigrationId & {
    readonly _tag: "Progress"
    readonly step: string
    readonly handled: number
    readonly done: boolean
  }
  | MigrationId & { readonly _tag: "Finished"; readonly durationMillis: number }
  | MigrationId & { readonly _tag: "Failed"; readonly message: string }

/**
 * A migration that a run has applied.
 *
 * @see {@link run} for the function that gives it
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface AppliedMigration {
  /** Its number. */
  readonly id: number
  /** Its name. */
  readonly name: string
  /** How long it ran, in milliseconds. */
  readonly durationMillis: number
}

export {
  /**
   * Why migrations did not run.
   *
   * **Details**
   *
   * The kind says what is wrong, and the message what to do:
   *
   * - `BadState`: a number, a name or a folder is not one of migrations.
   * - `Duplicates`: two migrations have the same number.
   * - `OutOfOrder`: a pending migration has a lower number than an applied one.
   * - `Changed`: an applied migration has another name or checksum now.
   * - `Unknown`: the loader does not have an applied migration, and `onUnknown` is `"fail"`.
   * - `ImportError`: a module could not be imported, or does not export a migration. Nothing has run.
   * - `Failed`: a migration or its record failed; `cause` is the failure, and the message says what is recorded. Those before it are applied,
   *   those after it did not run.
   * - `Locked`: another process was not done within `lease.wait`.
   * - `LeaseLost`: this process could not renew its lease in time. It has stopped, and has recorded nothing since then.
   *
   * **Example** (Saying only what is wrong)
   *
   * ```ts
   * import { MongoMigrator } from "@mongofx/core"
   * import { Console, Effect } from "effect"
   *
   * const migrate = MongoMigrator.run({ loader: MongoMigrator.fromRecord({}) }).pipe(
   *   Effect.catchTag("MigrationError", (error) => Console.error(error.message))
   * )
   * ```
   *
   * @see {@link run} for what fails with it
   *
   * @stability unstable
   * @category errors
   * @since 0.1.0
   */
  MigrationError
} from "./internal/migrator/migrationError.ts"

/**
 * What a run or a plan needs: the database, what the loader needs, and what the migrations need besides the migration itself.
 *
 * @see {@link run} for the function that needs it
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export type Services<R, RL> = MongoDatabase | Exclude<R, CurrentMigration> | RL

/**
 * Runs the pending migrations in the order of their numbers, in one process at a time. Gives those that this process has applied.
 *
 * **Details**
 *
 * It looks first: where nothing is pending it neither takes the lease nor writes. Else it takes the lease, looks again, imports what is
 * pending, and runs one migration after the other. The record of each is written before and after it. A process that finds the lease
 * taken waits until nothing is pending any more, or until the lease is free. A process that was killed makes others wait until its lease
 * has run out, and no longer, unless it leaves a transaction open.
 *
 * Work that is done is recorded even if the run is interrupted just then, or a connection breaks: for 30 seconds it tries again.
 *
 * The lease is a fence. A process that has lost it, because it was stopped or cut off, is interrupted and can no longer record anything:
 * the journal compares the number of its turn in the same step in which it is written.
 *
 * A migration is a span `Migrator 1_name`, and logs its start and its end with the annotations `migration_id` and `migration_name`.
 *
 * **Gotchas**
 *
 * A migration that fails, is interrupted or is killed halfway runs again, from its beginning, unless it is a transaction or is divided into
 * steps. Run it outside of transactions: inside it fails with a `TransactionError`, since the lease would be free before the commit.
 *
 * **Example** (Before the program begins)
 *
 * ```ts
 * import { MongoDatabase, MongoMigrator } from "@mongofx/core"
 * import { Effect } from "effect"
 *
 * const migrate = MongoMigrator.run({
 *   loader: MongoMigrator.fromRecord({
 *     "1_email_index": Effect.gen(function*() {
 *       const db = yield* MongoDatabase.MongoDatabase
 *       yield* db.collection("users").createIndex({ email: 1 }, { unique: true })
 *     })
 *   }),
 *   lease: { duration: "20 seconds" }
 * })
 * ```
 *
 * @see {@link layer} for migrations at the start of a program
 * @see {@link plan} for what a run would do
 * @see {@link status} for what has been done
 *
 * @stability unstable
 * @category combinators
 * @since 0.1.0
 */
export const run: <R, RL = never>(
  options: MigratorOptions<R, RL>
) => Effect.Effect<ReadonlyArray<AppliedMigration>, MigrationError | MongoError, Services<R, RL>> = internal
  .run

/**
 * A layer that is built when no migration is pending any more: provide it to what needs the new schema.
 *
 * **Example** (A service that starts after the migrations)
 *
 * ```ts
 * import { MongoClient, MongoDatabase, MongoMigrator } from "@mongofx/core"
 * import { Config, Effect, Layer } from "effect"
 *
 * const Database = MongoDatabase.layer("app").pipe(
 *   Layer.provideMerge(MongoClient.layerConfig({ url: Config.Redacted("MONGODB_URI") }))
 * )
 * const Migrations = MongoMigrator.layer({ loader: MongoMigrator.fromFileSystem("migrations") })
 * const Server = Layer.effectDiscard(Effect.log("serving"))
 *
 * const Live = Server.pipe(Layer.provide(Migrations), Layer.provide(Database))
 * ```
 *
 * @see {@link run} for what it does
 *
 * @stability unstable
 * @category layers
 * @since 0.1.0
 */
export const layer = <R, RL = never>(
  options: MigratorOptions<R, RL>
): Layer.Layer<never, MigrationError | MongoError, Services<R, RL>> => Layer.effectDiscard(run(options))

/**
 * What a run would do.
 *
 * @see {@link plan} for the function that gives it
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface MigrationPlan {
  /** How many migrations are applied. */
  readonly applied: number
  /** Those that would run, in order. `resumes` says that an earlier run had begun it. */
  readonly pending: ReadonlyArray<
    { readonly id: number; readonly name: string; readonly outOfOrder: boolean; readonly resumes: boolean }
  >
  /** Those that are applied and that the loader does not have. */
  readonly unknown: ReadonlyArray<{ readonly id: number; readonly name: string }>
}

/**
 * What `run` would do, without doing it. Imports the pending migrations, and fails as `run` would before the first of them.
 *
 * **When to use**
 *
 * Use it for a dry run, in a pipeline before a release for instance. It only reads.
 *
 * **Example** (A dry run)
 *
 * ```ts
 * import { MongoMigrator } from "@mongofx/core"
 * import { Console, Effect } from "effect"
 *
 * const dryRun = MongoMigrator.plan({ loader: MongoMigrator.fromFileSystem("migrations") }).pipe(
 *   Effect.flatMap((plan) => Console.log(MongoMigrator.formatPlan(plan)))
 * )
 * ```
 *
 * @see {@link formatPlan} for the plan as a text
 * @see {@link status} for all migrations, whatever is wrong
 *
 * @stability unstable
 * @category getters
 * @since 0.1.0
 */
export const plan: <R, RL = never>(
  options: MigratorOptions<R, RL>
) => Effect.Effect<MigrationPlan, MigrationError | MongoError, MongoDatabase | RL> = internal.plan

/**
 * A migration, and what the journal has about it.
 *
 * @see {@link MigratorStatus} for all of them
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface MigrationStatus {
  /** Its number. */
  readonly id: number
  /** Its name. */
  readonly name: string
  /** `interrupted` also if the process was killed. All but `applied` and `running` are run by the next run. */
  readonly state: "applied" | "failed" | "interrupted" | "pending" | "running"
  /** What a run would complain about or warn of. */
  readonly problem?: "changed" | "outOfOrder" | "unknown"
  /** How often it was begun. */
  readonly attempts: number
  /** When its last attempt began. */
  readonly startedAt?: Date
  /** When its last attempt ended. */
  readonly finishedAt?: Date
  /** How long its last attempt ran, in milliseconds. */
  readonly durationMillis?: number
  /** The recorded checksum. */
  readonly checksum?: string
  /** Why its last attempt failed. */
  readonly error?: string
  /** The process of its last attempt: its machine, its number, and a random part. */
  readonly owner?: string
  /** The steps that have saved how far they are. */
  readonly steps: ReadonlyArray<
    { readonly name: string; readonly done: boolean; readonly handled: number; readonly savedAt: Date }
  >
}

/**
 * All migrations, of the loader and of the journal, in the order of their numbers.
 *
 * @see {@link status} for the function that gives it
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface MigratorStatus {
  /** The name of the database. */
  readonly database: string
  /** The collection of the journal. */
  readonly collection: string
  /** The process that migrates now, and for how long its lease lasts if it is not renewed. */
  readonly holder?: { readonly owner: string; readonly expiresInMillis: number }
  /** How many migrations are pending. */
  readonly pending: number
  /** Why nothing would run: the message of the failure. */
  readonly problem?: string
  /** The migrations. */
  readonly migrations: ReadonlyArray<MigrationStatus>
}

/**
 * What has become of each migration, as plain data. It only reads, and does not fail because of what is wrong.
 *
 * **Example** (Printing a table)
 *
 * ```ts
 * import { MongoMigrator } from "@mongofx/core"
 * import { Console, Effect } from "effect"
 *
 * const print = MongoMigrator.status({ loader: MongoMigrator.fromFileSystem("migrations") }).pipe(
 *   Effect.flatMap((status) => Console.log(MongoMigrator.formatStatus(status)))
 * )
 * ```
 *
 * @see {@link formatStatus} for the status as a text
 * @see {@link plan} for what a run would do
 *
 * @stability unstable
 * @category getters
 * @since 0.1.0
 */
export const status: <R, RL = never>(
  options: MigratorOptions<R, RL>
) => Effect.Effect<MigratorStatus, MigrationError | MongoError, MongoDatabase | RL> = reading.status

/**
 * A status as lines of text: a line for each migration.
 *
 * **Example** (The lines of an empty database)
 *
 * ```ts
 * import { MongoMigrator } from "@mongofx/core"
 *
 * const text = MongoMigrator.formatStatus({
 *   database: "app",
 *   collection: "mongofx_migrations",
 *   pending: 1,
 *   migrations: [{ id: 1, name: "email_index", state: "pending", attempts: 0, steps: [] }]
 * })
 * ```
 *
 * @see {@link status} for what it prints
 *
 * @stability unstable
 * @category converting
 * @since 0.1.0
 */
export const formatStatus: (status: MigratorStatus) => string = reading.formatStatus

/**
 * A plan as lines of text: a line for each migration that would run.
 *
 * **Example** (Nothing to do)
 *
 * ```ts
 * import { MongoMigrator } from "@mongofx/core"
 *
 * MongoMigrator.formatPlan({ applied: 3, pending: [], unknown: [] }) // "Nothing to do: 3 migrations applied"
 * ```
 *
 * @see {@link plan} for what it prints
 *
 * @stability unstable
 * @category converting
 * @since 0.1.0
 */
export const formatPlan: (plan: MigrationPlan) => string = reading.formatPlan

/**
 * Records migrations as applied, as they are now, without running them.
 *
 * **When to use**
 *
 * Use it for migrations that another tool has applied, for one whose work was done by hand, and for an applied one that was changed on
 * purpose.
 *
 * **Details**
 *
 * It waits for the process that migrates, as `run` does. Fails with a `MigrationError` of kind `BadState` if the loader does not
 * have one of them.
 *
 * **Example** (The first three were applied by another tool)
 *
 * ```ts
 * import { MongoMigrator } from "@mongofx/core"
 *
 * const takeOver = MongoMigrator.accept({ loader: MongoMigrator.fromFileSystem("migrations") }, [1, 2, 3])
 * ```
 *
 * @see {@link run} for running them
 *
 * @stability unstable
 * @category combinators
 * @since 0.1.0
 */
export const accept: <R, RL = never>(
  options: MigratorOptions<R, RL>,
  ids: ReadonlyArray<number>
) => Effect.Effect<void, MigrationError | MongoError, MongoDatabase | RL> = internal.accept

// ---- steps

/**
 * The migration that runs. `run` provides it to migrations; `step` and `forEachBatch` need it.
 *
 * @see {@link step} for what uses it
 *
 * @stability unstable
 * @category services
 * @since 0.1.0
 */
export type CurrentMigration = current.CurrentMigration

/**
 * The migration that runs, as a service.
 *
 * **Example** (Saying which migration runs)
 *
 * ```ts
 * import { MongoMigrator } from "@mongofx/core"
 * import { Effect } from "effect"
 *
 * const up = Effect.flatMap(MongoMigrator.CurrentMigration, ({ id, name }) => Effect.log(`this is ${id}_${name}`))
 * ```
 *
 * @see {@link step} for steps that are kept
 *
 * @stability unstable
 * @category services
 * @since 0.1.0
 */
export const CurrentMigration: Context.Service<CurrentMigration, CurrentMigration> = current.CurrentMigration

/**
 * How far a step has come, and how it saves that.
 *
 * @see {@link step} for the function that gets it
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface StepProgress {
  /** The position that an earlier attempt has saved last. */
  readonly position: Option.Option<unknown>
  /** How many documents or other things the earlier attempts have handled. */
  readonly handled: number
  /**
   * Saves a position, a value of BSON, and how many things are handled in all. In a transaction it is saved with it. Fails with a
   * `MigrationError` of kind `LeaseLost` if another process has taken over.
   */
  readonly save: (position: unknown, handled?: number) => Effect.Effect<void, MigrationError | MongoError>
}

/**
 * A part of a migration that is not repeated once it has succeeded, even if the migration runs again.
 *
 * **Details**
 *
 * The journal keeps by their names which steps have succeeded. A step that is a function gets the position that it has saved last, and goes on
 * from there. That a step has succeeded is saved even if the run is interrupted just then, or a connection breaks. A step that was done before
 * says so in the log.
 *
 * **Gotchas**
 *
 * A step that was killed runs again, from its last position. Give it another name if it has to start over.
 *
 * Two steps of a migration need two names. The second one of the same name would be left out, as one that was done before.
 *
 * **Example** (A migration in two parts)
 *
 * ```ts
 * import { MongoDatabase, MongoMigrator } from "@mongofx/core"
 * import { Effect } from "effect"
 *
 * const up = Effect.gen(function*() {
 *   const db = yield* MongoDatabase.MongoDatabase
 *   yield* MongoMigrator.step("double", db.collection("prices").updateMany({}, { $mul: { amount: 2 } }))
 *   yield* MongoMigrator.step("index", db.collection("prices").createIndex({ amount: 1 }))
 * })
 * ```
 *
 * @see {@link forEachBatch} for all documents of a collection
 *
 * @stability unstable
 * @category combinators
 * @since 0.1.0
 */
export const step: <E, R>(
  name: string,
  body: Effect.Effect<unknown, E, R> | ((progress: StepProgress) => Effect.Effect<unknown, E, R>)
) => Effect.Effect<void, E | MigrationError | MongoError, R | CurrentMigration> = steps.step

/**
 * What `forEachBatch` walks through.
 *
 * @see {@link forEachBatch} for the function that takes it
 *
 * @stability unstable
 * @category options
 * @since 0.1.0
 */
export interface BatchOptions<A extends Driver.Document> {
  /** The name of the step, by which its position is kept. */
  readonly step: string
  /** The collection. */
  readonly collection: MongoCollection<A>
  /** Which documents; all by default. */
  readonly filter?: Filter<A> | undefined
  /** How many documents come at a time, 500 by default. */
  readonly batchSize?: number | undefined
  /** Whether each batch and its position are one transaction; false by default. Needs a replica set. */
  readonly transaction?: boolean | undefined
}

/**
 * Works through the documents of a collection, batch by batch, and goes on where it was if the process is killed.
 *
 * **Details**
 *
 * It is a `step`. The documents come in the order of their `_id`, whatever types these have. After each batch the last `_id` is saved. A
 * process that goes on repeats at most the batch in which the last one was stopped. With `transaction` no batch is repeated.
 *
 * **Gotchas**
 *
 * Documents that are inserted meanwhile below the position are left out: let the program write the new form before the migration
 * starts.
 *
 * The `_id`s must be unique, which those of a view or a time series need not be: at the border of two batches, others of the same `_id` are
 * left out.
 *
 * **Example** (Names in lower case)
 *
 * ```ts
 * import { MongoDatabase, MongoMigrator } from "@mongofx/core"
 * import { Effect } from "effect"
 * import type { ObjectId } from "mongodb"
 *
 * interface User {
 *   readonly _id: ObjectId
 *   readonly email: string
 *   readonly key?: string
 * }
 *
 * const up = Effect.gen(function*() {
 *   const db = yield* MongoDatabase.MongoDatabase
 *   const users = db.collection<User>("users")
 *   yield* MongoMigrator.forEachBatch({ step: "keys", collection: users, filter: { key: { $exists: false } } }, (batch) =>
 *     users.bulkWrite(
 *       batch.map(({ _id, email }) => ({ updateOne: { filter: { _id }, update: { $set: { key: email.toLowerCase() } } } }))
 *     ))
 * })
 * ```
 *
 * @see {@link step} for positions of your own
 *
 * @stability unstable
 * @category combinators
 * @since 0.1.0
 */
export const forEachBatch: <A extends Driver.Document, E, R>(
  options: BatchOptions<A>,
  f: (documents: ReadonlyArray<A>) => Effect.Effect<unknown, E, R>
) => Effect.Effect<void, E | MigrationError | MongoError, R | CurrentMigration> = steps.forEachBatch
