/**
 * A database: a cheap value that makes collections and runs commands, and a service for programs that work on one.
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
 * Settings that hold for every operation of a database and its collections: read preference, read and write concern, and
 * how BSON is read.
 *
 * @stability unstable
 * @category options
 * @since 0.1.0
 */
export type DatabaseOptions = CollectionOptions

/**
 * Options of `runCursorCommand`. They hold for the `getMore` commands that follow; what concerns the first command stands
 * in the command itself.
 *
 * @stability unstable
 * @category options
 * @since 0.1.0
 */
export interface CommandCursorOptions extends OptionsOf<Driver.RunCursorCommandOptions> {
  /** How many documents a later batch holds at the most. */
  readonly batchSize?: number | undefined
  /** How long the server may work on a later batch: milliseconds. */
  readonly maxTimeMS?: number | undefined
  /** A value that shows up in the server's log, profiler and `currentOp`. */
  readonly comment?: unknown
}

/**
 * What the server's profiler records: nothing, the operations that are slow, or all of them.
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export type ProfilingLevel = "off" | "slow_only" | "all"

/**
 * Options of `setProfilingLevel`. They also hold for the server's log of slow operations.
 *
 * @stability unstable
 * @category options
 * @since 0.1.0
 */
export interface ProfilingOptions {
  /** How long an operation takes at least to be slow: whole milliseconds; 100 by default. It holds for the whole server. */
  readonly slow?: Duration.Input | undefined
  /** The part of the slow operations that is recorded, from 0 to 1; all by default. It holds for the whole server. */
  readonly sampleRate?: number | undefined
  /** Which operations are recorded, in the place of the slow ones; `"unset"` removes the filter. */
  readonly filter?: Driver.Document | "unset" | undefined
}

/**
 * A database: a cheap value that does no I/O until one of its operations runs.
 *
 * **Details**
 *
 * What is said of the operations of a collection holds for those of a database: they are descriptions that can be run any
 * number of times, join the session of their context, are aborted on interruption, and fail with a `MongoError` only.
 *
 * **Gotchas**
 *
 * `createCollection` cannot be aborted on the wire: when it is interrupted the fiber goes on at once and the server
 * finishes it.
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
  /** A collection of this database, with the database's settings where it is given none of its own. */
  readonly collection: <A extends Driver.Document = Driver.Document>(
    name: string,
    options?: CollectionOptions
  ) => MongoCollection<A>
  /**
   * Creates a collection or a view: with a validator, capped, clustered, as a time series, with pre-images for change streams,
   * or as a view of a pipeline. The collection keeps the read preference, the concerns and the settings of BSON that are among the
   * options. Fails with a `NamespaceExistsError` where there is another of the name.
   */
  readonly createCollection: <A extends Driver.Document = Driver.Document>(
    name: string,
    options?: OptionsOf<Driver.CreateCollectionOptions>
  ) => Effect.Effect<MongoCollection<A>, MongoError>
  /** Drops a collection with its documents and indexes. It is no error where there is none. */
  readonly dropCollection: (
    name: string,
    options?: WriteOptionsOf<Driver.DropCollectionOptions>
  ) => Effect.Effect<boolean, MongoError>
  /** Renames a collection and returns it. `dropTarget: true` replaces one that has the new name. */
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
   * Runs a command and returns the server's reply. The command is sent as it is: it takes no read concern, write concern or
   * BSON settings from the database, and is never retried.
   */
  readonly command: <A extends Driver.Document = Driver.Document>(
    command: Driver.Document,
    options?: OptionsOf<Driver.RunCommandOptions>
  ) => Effect.Effect<A, MongoError>
  /** A query of what a command's cursor gives, for commands that have no method of their own. */
  readonly runCursorCommand: <A extends Driver.Document = Driver.Document>(
    command: Driver.Document,
    options?: CommandCursorOptions
  ) => Query<A>
  /**
   * What happens to the collections of the database, as a stream that goes on after failures. The pipeline may filter and reshape the events, but must keep
   * `_id`. See `ChangeStream`.
   */
  readonly watch: Watch
  /** A query of what a pipeline gives that starts with no collection: `$documents`, `$currentOp` and their like. */
  readonly aggregate: <A extends Driver.Document = Driver.Document>(
    pipeline?: ReadonlyArray<Driver.Document>,
    options?: OptionsOf<Driver.AggregateOptions, "out" | "cursor">
  ) => AggregateQuery<A>
  /** Sizes and counts of the database: bytes, divided by `scale` where that is given. */
  readonly stats: (
    options?: OptionsOf<Driver.DbStatsOptions, "readConcern" | "writeConcern">
  ) => Effect.Effect<Driver.Document, MongoError>
  /**
   * Checks a collection's data and indexes and returns the server's findings, with `valid: false` where something is wrong.
   * Fails where there is no such collection.
   */
  readonly validateCollection: (
    name: string,
    options?: OptionsOf<Driver.ValidateCollectionOptions, "writeConcern">
  ) => Effect.Effect<Driver.Document, MongoError>
  /** What the server's profiler records of the database's operations. */
  readonly profilingLevel: Effect.Effect<ProfilingLevel, MongoError>
  /** Says what the server's profiler records, on the member that is talked to: nothing, what is slow, or everything. */
  readonly setProfilingLevel: (level: ProfilingLevel, options?: ProfilingOptions) => Effect.Effect<void, MongoError>
  /** Removes a user from the database that knows it. Fails where there is none of the name. */
  readonly removeUser: (
    name: string,
    options?: WriteOptionsOf<Driver.RemoveUserOptions>
  ) => Effect.Effect<void, MongoError>
  /** Drops the database with all its collections. It is no error where there is none. */
  readonly dropDatabase: (options?: WriteOptionsOf<Driver.DropDatabaseOptions>) => Effect.Effect<void, MongoError>
}

/**
 * The service of programs that work on one database.
 *
 * **When to use**
 *
 * Use it where a module should not know which database it works on; `layer` says it once.
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
 * @stability unstable
 * @category services
 * @since 0.1.0
 */
export const MongoDatabase: Context.Service<MongoDatabase, MongoDatabase> = Context.Service<MongoDatabase>(
  "@mongofx/core/MongoDatabase"
)

/**
 * Supplies a database of the client as a service: the named one, or without a name that of the connection string.
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
