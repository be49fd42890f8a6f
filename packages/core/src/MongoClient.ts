/**
 * The connection to a MongoDB deployment, as a service.
 *
 * @since 0.1.0
 */
import * as Config from "effect/Config"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Predicate from "effect/Predicate"
import * as Redacted from "effect/Redacted"
import type * as Scope from "effect/Scope"
import type * as Stream from "effect/Stream"
import * as Driver from "mongodb"
import type { Watch } from "./ChangeStream.ts"
import { secretsOf, toDriverOptions } from "./internal/driver/clientOptions.ts"
import * as internal from "./internal/handle/client.ts"
import { connect, wrap } from "./internal/handle/connect.ts"
import type { ClientOptions, MongoClientConfig } from "./MongoClientConfig.ts"
import type { Plain } from "./MongoCollection.ts"
import type { DatabaseOptions, MongoDatabase } from "./MongoDatabase.ts"
import type { MongoError } from "./MongoError.ts"
import type { MongoSession, SessionOptions, WithTransaction } from "./MongoSession.ts"
import type { OptionsOf, WriteOptionsOf } from "./OperationOptions.ts"
import type { Topology } from "./Topology.ts"

/**
 * The type of `TypeId`.
 *
 * @stability unstable
 * @category type IDs
 * @since 0.1.0
 */
export type TypeId = "~@mongofx/core/MongoClient"

/**
 * Marks a value as a client of mongofx.
 *
 * **Example** (Reading the mark)
 *
 * ```ts
 * import { MongoClient } from "@mongofx/core"
 *
 * console.log(MongoClient.TypeId)
 * ```
 *
 * @stability unstable
 * @category type IDs
 * @since 0.1.0
 */
export const TypeId: TypeId = internal.TypeId

/**
 * A database as `listDatabases` shows it.
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface DatabaseInfo extends Driver.Document {
  /** The name of the database. */
  readonly name: string
  /** Bytes on disk; absent with `nameOnly`. */
  readonly sizeOnDisk?: number | undefined
  /** Whether it has no data; absent with `nameOnly`. */
  readonly empty?: boolean | undefined
}

/** The driver's models with documents of any shape, whatever their `_id` is. */
type Untyped<Model> = Model extends unknown ? {
    readonly [Key in keyof Model]: Key extends "document" | "filter" | "replacement" ? Driver.Document
      : Key extends "update" ? Driver.Document | ReadonlyArray<Driver.Document>
      : Model[Key]
  }
  : never

/**
 * One write of a client's `bulkWrite`: its namespace (`database.collection`), the name of what is done, and the arguments of
 * the collection's method of that name.
 *
 * **Details**
 *
 * `Schemas` has the type of the documents of each namespace. Without it documents, filters and updates can be anything.
 *
 * **Example** (Typed namespaces)
 *
 * ```ts
 * import { MongoClient } from "@mongofx/core"
 *
 * type Library = {
 *   "library.books": { title: string }
 *   "library.authors": { name: string }
 * }
 *
 * const insert: MongoClient.BulkWriteModel<Library> = {
 *   namespace: "library.books",
 *   name: "insertOne",
 *   document: { title: "Notes" }
 * }
 * ```
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export type BulkWriteModel<Schemas extends Record<string, Driver.Document> = Record<string, Driver.Document>> =
  & { readonly filter?: Plain }
  & (
    string extends keyof Schemas ? Untyped<Driver.AnyClientBulkWriteModel<Driver.Document>>
      : {
        [Namespace in keyof Schemas]: Driver.AnyClientBulkWriteModel<Schemas[Namespace]> & {
          readonly namespace: Namespace
        }
      }[keyof Schemas]
  )

/**
 * The result of a `bulkWrite` with `verboseResults: true`: the counts, and what became of each write, by its index in the
 * models.
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface VerboseBulkWriteResult extends Driver.ClientBulkWriteResult {
  /** The `_id`s of what was inserted. */
  readonly insertResults: ReadonlyMap<number, Driver.ClientInsertOneResult>
  /** What updates and replacements have matched, modified and upserted. */
  readonly updateResults: ReadonlyMap<number, Driver.ClientUpdateResult>
  /** How many documents were deleted. */
  readonly deleteResults: ReadonlyMap<number, Driver.ClientDeleteResult>
}

/**
 * A client: the connection pool of one deployment, and the door to its databases.
 *
 * **Details**
 *
 * `make` and the layers connect, verify the connection with a ping, and close it with their scope. Every operation fails
 * with a `MongoError` and nothing else, and is aborted when its fiber is interrupted.
 *
 * **Example** (Looking around)
 *
 * ```ts
 * import { MongoClient } from "@mongofx/core"
 * import { Effect } from "effect"
 *
 * const look = Effect.gen(function*() {
 *   const mongo = yield* MongoClient.MongoClient
 *   const { primary } = yield* mongo.topology
 *   return { primary, databases: yield* mongo.listDatabaseNames() }
 * })
 * ```
 *
 * @stability unstable
 * @category services
 * @since 0.1.0
 */
export interface MongoClient {
  readonly [TypeId]: TypeId
  /** A database by its name; without a name that of the connection string, or `test`. */
  readonly db: (name?: string, options?: DatabaseOptions) => MongoDatabase
  /** Asks the server for an answer. */
  readonly ping: Effect.Effect<void, MongoError>
  /** The databases of the deployment that the user may see. */
  readonly listDatabases: (
    options?: OptionsOf<Driver.ListDatabasesOptions, "readConcern" | "writeConcern">
  ) => Effect.Effect<Array<DatabaseInfo>, MongoError>
  /** The names of the databases that the user may see. */
  readonly listDatabaseNames: (
    options?: OptionsOf<Driver.ListDatabasesOptions, "nameOnly" | "readConcern" | "writeConcern">
  ) => Effect.Effect<Array<string>, MongoError>
  /** The server's version and how it was built. */
  readonly serverInfo: Effect.Effect<Driver.Document, MongoError>
  /** What the server says of itself: connections, memory, counters, replication and more. */
  readonly serverStatus: Effect.Effect<Driver.Document, MongoError>
  /** The members of the replica set and their states. Fails where the server is no member of one. */
  readonly replSetGetStatus: Effect.Effect<Driver.Document, MongoError>
  /**
   * Adds the name and version of a library that works on this client to what new connections tell the server of themselves.
   * The server has them in its log.
   */
  readonly appendMetadata: (info: Driver.DriverInfo) => Effect.Effect<void>
  /**
   * Runs writes to any number of collections and databases with as few commands as possible: in order and up to the first
   * error, or with `ordered: false` all of them. Needs MongoDB 8.0.
   *
   * Each model names its namespace, and `Schemas` says which documents live where. With `verboseResults: true` the result has
   * what became of each write, by its index. Fails with a `BulkWriteError` that has what was done and each error with its
   * index; the ids in it are there with `verboseResults` only. Without models it does nothing and succeeds.
   */
  readonly bulkWrite: {
    <Schemas extends Record<string, Driver.Document> = Record<string, Driver.Document>>(
      models: ReadonlyArray<BulkWriteModel<NoInfer<Schemas>>>,
      options: WriteOptionsOf<Driver.ClientBulkWriteOptions, "collation"> & { readonly verboseResults: true }
    ): Effect.Effect<VerboseBulkWriteResult, MongoError>
    <Schemas extends Record<string, Driver.Document> = Record<string, Driver.Document>>(
      models: ReadonlyArray<BulkWriteModel<NoInfer<Schemas>>>,
      options?: WriteOptionsOf<Driver.ClientBulkWriteOptions, "collation">
    ): Effect.Effect<Driver.ClientBulkWriteResult, MongoError>
  }
  /** Drops a database, by its name or its value, with all its collections. It is no error where there is none. */
  readonly dropDatabase: (
    database: string | MongoDatabase,
    options?: WriteOptionsOf<Driver.DropDatabaseOptions>
  ) => Effect.Effect<void, MongoError>
  /** The servers and their roles as the driver knows them now. */
  readonly topology: Effect.Effect<Topology>
  /** The servers and their roles: as they are now, then after each change. It ends when the client is closed. */
  readonly topologyChanges: Stream.Stream<Topology>
  /** A session for as long as the scope lives, for what `withSession` and `withTransaction` do not cover. */
  readonly session: (options?: SessionOptions) => Effect.Effect<MongoSession, MongoError, Scope.Scope>
  /**
   * Runs an effect whose operations on this client join one session: each sees what those before it have done (causal
   * consistency), or with `snapshot: true` all reads see one moment. Operations that run concurrently are put in line. Inside a
   * transaction it fails with a `TransactionError`: another session would be no part of it.
   */
  readonly withSession: (
    options?: SessionOptions
  ) => <A, E, R>(self: Effect.Effect<A, E, R>) => Effect.Effect<A, E | MongoError, R>
  /**
   * Runs an effect in a transaction: every operation on this client inside of it joins, whichever module it comes from, and
   * all of them are committed, or none.
   *
   * The body runs again when it, or the commit, fails with the label `TransientTransactionError`, also as the `cause` of an
   * error of your own, or when no server has answered, and the commit again when its outcome is unknown: after the driver
   * specification, with its backoff, and for 120 seconds at the most. So the body must not do what cannot be done twice;
   * `afterCommit` is the place for that. `rerun: false` runs the body once. Any other failure of the body aborts the
   * transaction and stays what it is; so do defects and interruption.
   *
   * The server aborts a transaction at the first error of an operation in it, a `DuplicateKeyError` for instance. A body that handles
   * such an error and goes on cannot commit: it fails with a `TransactionError` of the kind `aborted`, whose cause is that
   * error, or runs again where the error was a transient one. So make an upsert or read first inside, or let the error fail the
   * transaction and handle it outside. An operation that is interrupted on its way counts as such an error.
   *
   * It succeeds only when the server has confirmed the commit, and fails with a `ClientClosedError` when the client or the session is
   * closed before. An interrupted commit is waited for, up to five seconds, and then repeated in the background for a minute
   * until its outcome is known. What is left unknown after that, or when the process ends or the client is closed meanwhile, runs no
   * `afterCommit`.
   *
   * Operations that run concurrently are put in line. A transaction inside of another joins it: there are no savepoints, so
   * a failure of the inner body that the outer one handles undoes nothing. A fiber that outlives the transaction gets a
   * `TransactionError` from its next operation.
   */
  readonly withTransaction: WithTransaction
  /** Runs an effect outside of the session and the transaction that are open. */
  readonly withoutTransaction: <A, E, R>(self: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>
  /**
   * Runs an effect once when the outermost transaction has been committed, and not at all when it is aborted; at once where
   * there is none. It has the services of the place where it was registered, and no session. It does not run where the process ends, or
   * the outcome of the commit stays unknown: what must not be lost is written inside of the transaction, as an outbox.
   */
  readonly afterCommit: <R>(effect: Effect.Effect<void, never, R>) => Effect.Effect<void, never, R>
  /**
   * What happens to all databases of the deployment, as a stream that goes on after failures. The pipeline may filter and reshape the events, but must keep
   * `_id`. See `ChangeStream`.
   */
  readonly watch: Watch
  /**
   * Runs a promise of the driver's with the errors, the span and the interruption of mongofx: the way out for what mongofx
   * does not offer. The signal aborts when the fiber is interrupted; hand it on to what takes one.
   * In a session the third argument is the driver's: hand it on too, or the operation does not join.
   */
  readonly use: <A>(
    f: (
      driver: Driver.MongoClient,
      signal: AbortSignal,
      session: Driver.ClientSession | undefined
    ) => Promise<A>
  ) => Effect.Effect<A, MongoError>
}

/**
 * The service of the connection.
 *
 * **Example** (Using the client of the context)
 *
 * ```ts
 * import { MongoClient } from "@mongofx/core"
 *
 * const ping = MongoClient.MongoClient.use((mongo) => mongo.ping)
 * ```
 *
 * @stability unstable
 * @category services
 * @since 0.1.0
 */
export const MongoClient: Context.Service<MongoClient, MongoClient> = Context.Service<MongoClient>(
  "@mongofx/core/MongoClient"
)

/**
 * Connects, verifies the connection with a ping, and closes it with the scope.
 *
 * **When to use**
 *
 * Use it to open a connection in a scope of your own; most programs take one of the layers.
 *
 * **Details**
 *
 * Connecting can be interrupted. Closing is bounded: it waits five seconds at the most for what the driver has still to do.
 *
 * Fails with the real cause: an `InvalidArgumentError` for a bad connection string or option, a `ConnectionError` where no
 * server is found (refused, DNS, TLS), an `AuthenticationError` where the credentials are not accepted. No error shows
 * credentials.
 *
 * **Example** (A connection for the time of an effect)
 *
 * ```ts
 * import { MongoClient } from "@mongofx/core"
 * import { Effect, Redacted } from "effect"
 *
 * const program = Effect.scoped(Effect.gen(function*() {
 *   const mongo = yield* MongoClient.make({
 *     url: Redacted.make("mongodb://localhost:27017"),
 *     serverSelectionTimeout: "2 seconds"
 *   })
 *   return yield* mongo.serverInfo
 * }))
 * ```
 *
 * @stability unstable
 * @category constructors
 * @since 0.1.0
 */
export const make = (config: MongoClientConfig): Effect.Effect<MongoClient, MongoError, Scope.Scope> =>
  Effect.flatMap(Effect.context<never>(), (context) =>
    connect(
      () => new Driver.MongoClient(Redacted.value(config.url), toDriverOptions(config, context)),
      config,
      secretsOf(config)
    ))

/**
 * Wraps a client of the driver that somebody else has made and will close.
 *
 * **When to use**
 *
 * Use it where a program has a client of the driver already, or needs one made in a way of its own.
 *
 * **Details**
 *
 * Nothing is sent: the connection is not verified. What mongofx listens to on the client ends with the scope.
 *
 * **Gotchas**
 *
 * `commandSpans` need a client with `monitorCommands: true`.
 *
 * **Example** (Sharing a client with other code)
 *
 * ```ts
 * import { MongoClient } from "@mongofx/core"
 * import { Effect } from "effect"
 * import * as Driver from "mongodb"
 *
 * const count = (driver: Driver.MongoClient) =>
 *   Effect.scoped(Effect.gen(function*() {
 *     const mongo = yield* MongoClient.fromClient(driver)
 *     return yield* mongo.db("app").collection("users").countDocuments()
 *   }))
 * ```
 *
 * @stability unstable
 * @category constructors
 * @since 0.1.0
 */
export const fromClient = (
  driver: Driver.MongoClient,
  options: ClientOptions = {}
): Effect.Effect<MongoClient, never, Scope.Scope> => wrap(driver, options)

/**
 * Supplies a client that some effect makes.
 *
 * **Example** (Wrapping a client of the driver as a layer)
 *
 * ```ts
 * import { MongoClient } from "@mongofx/core"
 * import * as Driver from "mongodb"
 *
 * const fromDriver = (driver: Driver.MongoClient) => MongoClient.layerFrom(MongoClient.fromClient(driver))
 * ```
 *
 * @stability unstable
 * @category layers
 * @since 0.1.0
 */
export const layerFrom = <E, R>(
  acquire: Effect.Effect<MongoClient, E, R>
): Layer.Layer<MongoClient, E, Exclude<R, Scope.Scope>> => Layer.effect(MongoClient, acquire)

/**
 * Supplies a connection for as long as the layer lives. Fails as `make` does.
 *
 * **Gotchas**
 *
 * Layers are shared by reference: call this once and use the value, or each call is a connection of its own.
 *
 * **Example** (A fixed connection string)
 *
 * ```ts
 * import { MongoClient } from "@mongofx/core"
 * import { Redacted } from "effect"
 *
 * const Live = MongoClient.layer({ url: Redacted.make("mongodb://localhost:27017/app"), maxPoolSize: 20 })
 * ```
 *
 * @stability unstable
 * @category layers
 * @since 0.1.0
 */
export const layer = (config: MongoClientConfig): Layer.Layer<MongoClient, MongoError> => layerFrom(make(config))

/**
 * Supplies a connection whose configuration is read by `Config`. Fails as `make` does, and with a `ConfigError` where the
 * configuration is not complete.
 *
 * **Example** (The connection string from the environment)
 *
 * ```ts
 * import { MongoClient } from "@mongofx/core"
 * import { Config } from "effect"
 *
 * const Live = MongoClient.layerConfig({
 *   url: Config.Redacted("MONGODB_URI"),
 *   appName: Config.String("APP_NAME").pipe(Config.withDefault("app"))
 * })
 * ```
 *
 * @stability unstable
 * @category layers
 * @since 0.1.0
 */
export const layerConfig = (
  config: Config.Wrap<MongoClientConfig>
): Layer.Layer<MongoClient, Config.ConfigError | MongoError> => layerFrom(Effect.flatMap(Config.unwrap(config), make))

/**
 * Whether a value is a client of mongofx.
 *
 * **Example** (Telling a client from other values)
 *
 * ```ts
 * import { MongoClient } from "@mongofx/core"
 *
 * console.log(MongoClient.isMongoClient({})) // false
 * ```
 *
 * @stability unstable
 * @category guards
 * @since 0.1.0
 */
export const isMongoClient = (u: unknown): u is MongoClient => Predicate.hasProperty(u, TypeId)
