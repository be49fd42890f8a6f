/**
 * A database: a cheap value that makes collections and runs commands, and a service for programs that use one database.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import type * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Driver from "mongodb"
import type { Watch } from "./ChangeStream.ts"
import * as internal from "./internal/handle/database.ts"
import { MongoClient } from "./MongoClient.ts"
import type { CollectionOptions, MongoCollection } from "./MongoCollection.ts"
import type { MongoError } from "./MongoError.ts"
import type { ListOptionsOf, OptionsOf, WriteOptionsOf } from "./OperationOptions.ts"
import type { AggregateQuery, Query } from "./Query.ts"

/**
 * The type of `TypeId`.
 *
 * @stability unstable
 * @category type IDs
 * @since 0.1.0
 */
export type TypeId = "~@mongofx/core/MongoDatabase"

/**
 * Marks a value as a database of mongofx.
 *
 * **Example** (Reading the mark)
 *
 * ```ts
 * import { MongoDatabase } from "@mongofx/core"
 *
 * console.log(MongoDatabase.TypeId)
 * ```
 *
 * @stability unstable
 * @category type IDs
 * @since 0.1.0
 */
export const TypeId: TypeId = internal.TypeId

/**
 * Settings for every operation of a database and its collections: read preference, read and write concern, and
 * how BSON is read.
 *
 * @see `MongoCollection.CollectionOptions` for the settings of one collection
 *
 * @stability unstable
 * @category options
 * @since 0.1.0
 */
export type DatabaseOptions = CollectionOptions

/**
 * Options of `runCursorCommand`. They apply to the `getMore` commands that follow. Options of the first command belong in the
 * command itself.
 *
 * @stability unstable
 * @category options
 * @since 0.1.0
 */
export interface CommandCursorOptions extends OptionsOf<Driver.RunCursorCommandOptions> {
  /** The largest number of documents in a later batch. */
  readonly batchSize?: number | undefined
  /** How long the server may work on a later batch, in milliseconds. */
  readonly maxTimeMS?: number | undefined
  /** A value that shows up in the server's log, profiler and `currentOp`. */
  readonly comment?: unknown
}

/**
 * What the server's profiler records: nothing, slow operations, or all operations.
 *
 * @see {@link ProfilingOptions} for what counts as slow
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export type ProfilingLevel = "off" | "slow_only" | "all"

/**
 * Options of `setProfilingLevel`. They also apply to the server's log of slow operations.
 *
 * @see {@link ProfilingLevel} for what to record
 *
 * @stability unstable
 * @category options
 * @since 0.1.0
 */
export interface ProfilingOptions {
  /** The shortest duration of a slow operation, in whole milliseconds; 100 by default. It applies to the whole server. */
  readonly slow?: Duration.Input | undefined
  /** The share of the slow operations to record, from 0 to 1; all by default. It applies to the whole server. */
  readonly sampleRate?: number | undefined
  /** The operations to record instead of the slow ones; `"unset"` removes the filter. */
  readonly filter?: Driver.Document | "unset" | undefined
}

/**
 * A database: a cheap value that does no I/O until one of its operations runs.
 *
 * **Details**
 *
 * The operations of a database work like those of a collection: they are descriptions that can run any
 * number of times, join the session of their context, are aborted on interruption, and fail only with a `MongoError`.
 *
 * **Gotchas**
 *
 * `createCollection` cannot be aborted on the wire: when it is interrupted, the fiber goes on at once and the server
 * finishes the command.
 *
 * **Example** (A database and its collections)
 *
 * ```ts
 * import { MongoClient } from "@mongofx/core"
 * import { Effect } from "effect"
 *
 * const program = Effect.gen(function*() {
 *   const mongo = yield* MongoClient.MongoClient
 *   const app = mongo.db("app")
 *   yield* app.createCollection("log", { capped: true, size: 1_000_000 })
 *   return yield* app.listCollectionNames()
 * })
 * ```
 *
 * @stability unstable
 * @category services
 * @since 0.1.0
 */
export interface MongoDatabase {
  readonly [TypeId]: TypeId
  /** The database's name. */
  readonly name: string
  /** The same database with other settings. */
  readonly withOptions: (options: DatabaseOptions) => MongoDatabase
  /** A collection of this database. Settings that are not given are those of the database. */
  readonly collection: <A extends Driver.Document = Driver.Document>(
    name: string,
    options?: CollectionOptions
  ) => MongoCollection<A>
  /**
   * Creates a collection or a view: with a validator, capped, clustered, as a time series, with pre-images for change streams,
   * or as a view of a pipeline. The returned collection keeps the read preference, the concerns and the BSON settings of the
   * options. Fails with a `NamespaceExistsError` if another collection or view has the name.
   */
  readonly createCollection: <A extends Driver.Document = Driver.Document>(
    name: string,
    options?: OptionsOf<Driver.CreateCollectionOptions>
  ) => Effect.Effect<MongoCollection<A>, MongoError>
  /** Drops a collection with its documents and indexes. Succeeds if it does not exist. */
  readonly dropCollection: (
    name: string,
    options?: WriteOptionsOf<Driver.DropCollectionOptions>
  ) => Effect.Effect<boolean, MongoError>
  /** Renames a collection and returns it. `dropTarget: true` replaces a collection that has the new name. */
  readonly renameCollection: <A extends Driver.Document = Driver.Document>(
    name: string,
    newName: string,
    options?: WriteOptionsOf<Driver.RenameOptions, "new_collection">
  ) => Effect.Effect<MongoCollection<A>, MongoError>
  /** A query of the collections and views that match. */
  readonly listCollections: (
    filter?: Driver.Document,
    options?: ListOptionsOf<Driver.ListCollectionsOptions>
  ) => Query<Driver.CollectionInfo>
  /** The names of the collections and views that match. */
  readonly listCollectionNames: (
    filter?: Driver.Document,
    options?: ListOptionsOf<Driver.ListCollectionsOptions, "nameOnly">
  ) => Effect.Effect<Array<string>, MongoError>
  /**
   * Runs a command and returns the server's reply. The command is sent as it is: the database adds no read concern, write concern or
   * BSON settings, and the driver never retries it.
   */
  readonly command: <A extends Driver.Document = Driver.Document>(
    command: Driver.Document,
    options?: OptionsOf<Driver.RunCommandOptions>
  ) => Effect.Effect<A, MongoError>
  /** A query of the cursor that a command returns, for commands without their own method. */
  readonly runCursorCommand: <A extends Driver.Document = Driver.Document>(
    command: Driver.Document,
    options?: CommandCursorOptions
  ) => Query<A>
  /**
   * The changes of the collections of the database, as a stream that resumes after failures. The pipeline may filter and reshape the
   * events, but must keep their `_id`. See `ChangeStream`.
   */
  readonly watch: Watch
  /** A query of a pipeline that does not start from a collection, but with `$documents`, `$currentOp` or a similar stage. */
  readonly aggregate: <A extends Driver.Document = Driver.Document>(
    pipeline?: ReadonlyArray<Driver.Document>,
    options?: OptionsOf<Driver.AggregateOptions, "out" | "cursor">
  ) => AggregateQuery<A>
  /** Sizes and counts of the database: in bytes, divided by `scale` if given. */
  readonly stats: (
    options?: OptionsOf<Driver.DbStatsOptions, "readConcern" | "writeConcern">
  ) => Effect.Effect<Driver.Document, MongoError>
  /**
   * Checks a collection's data and indexes, and returns the server's findings, with `valid: false` if something is wrong.
   * Fails if the collection does not exist.
   */
  readonly validateCollection: (
    name: string,
    options?: OptionsOf<Driver.ValidateCollectionOptions, "writeConcern">
  ) => Effect.Effect<Driver.Document, MongoError>
  /** Which of the database's operations the server's profiler records. */
  readonly profilingLevel: Effect.Effect<ProfilingLevel, MongoError>
  /** Sets what the server's profiler records, on the member that gets the command: nothing, slow operations, or everything. */
  readonly setProfilingLevel: (level: ProfilingLevel, options?: ProfilingOptions) => Effect.Effect<void, MongoError>
  /** Removes a user of this database. Fails if no user has the name. */
  readonly removeUser: (
    name: string,
    options?: WriteOptionsOf<Driver.RemoveUserOptions>
  ) => Effect.Effect<void, MongoError>
  /** Drops the database with all its collections. Succeeds if it does not exist. */
  readonly dropDatabase: (options?: WriteOptionsOf<Driver.DropDatabaseOptions>) => Effect.Effect<void, MongoError>
}

/**
 * The database as a service, for programs that use one database.
 *
 * **When to use**
 *
 * Use it in a module that should not know the name of its database. `layer` gives the name once.
 *
 * **Example** (A module that takes its database from the context)
 *
 * ```ts
 * import { MongoDatabase } from "@mongofx/core"
 * import { Effect } from "effect"
 *
 * const countUsers = Effect.gen(function*() {
 *   const db = yield* MongoDatabase.MongoDatabase
 *   return yield* db.collection("users").countDocuments()
 * })
 * ```
 *
 * @see {@link layer} for the layer that supplies it
 *
 * @stability unstable
 * @category services
 * @since 0.1.0
 */
export const MongoDatabase: Context.Service<MongoDatabase, MongoDatabase> = Context.Service<MongoDatabase>(
  "@mongofx/core/MongoDatabase"
)

/**
 * Supplies a database of the client as a service: the named one, or without a name the database of the connection string.
 *
 * **Example** (Choosing the database)
 *
 * ```ts
 * import { MongoClient, MongoDatabase } from "@mongofx/core"
 * import { Config, Layer } from "effect"
 *
 * const Live = MongoDatabase.layer("app").pipe(
 *   Layer.provideMerge(MongoClient.layerConfig({ url: Config.Redacted("MONGODB_URI") }))
 * )
 * ```
 *
 * @stability unstable
 * @category layers
 * @since 0.1.0
 */
export const layer = (name?: string, options?: DatabaseOptions): Layer.Layer<MongoDatabase, never, MongoClient> =>
  Layer.effect(MongoDatabase, MongoClient.useSync((client) => client.db(name, options)))

/**
 * Whether a value is a database of mongofx.
 *
 * **Example** (Telling a database from other values)
 *
 * ```ts
 * import { MongoDatabase } from "@mongofx/core"
 *
 * console.log(MongoDatabase.isMongoDatabase("app")) // false
 * ```
 *
 * @stability unstable
 * @category guards
 * @since 0.1.0
 */
export const isMongoDatabase: (u: unknown) => u is MongoDatabase = internal.isDatabase
