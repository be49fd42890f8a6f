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
import { checking } from "./internal/call/operation.ts"
import { checkConfigs, secretsOf, toDriverOptions } from "./internal/driver/clientOptions.ts"
import * as internal from "./internal/handle/client.ts"
import { connect, connectOperation, wrap } from "./internal/handle/connect.ts"
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
 * A database in the result of `listDatabases`.
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

/** The driver's models, with documents of any shape and any `_id`. */
type Untyped<Model> = Model extends unknown ? {
    readonly [Key in keyof Model]: Key extends "document" | "filter" | "replacement" ? Driver.Document
      : Key extends "update" ? Driver.Document | ReadonlyArray<Driver.Document>
      : Model[Key]
  }
  : never

/**
 * One write of a client's `bulkWrite`: its namespace (`database.collection`), the name of the operation, and the arguments of
 * the collection's method with that name.
 *
 * **Details**
 *
 * `Schemas` gives the type of the documents in each namespace. Without it, documents, filters and updates can be anything.
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
 * @see `MongoCollection.BulkWriteOperation` for the writes of one collection
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
 * The result of a `bulkWrite` with `verboseResults: true`: the counts, and the result of each write, by its index in the
 * models.
 *
 * @see {@link BulkWriteModel} for the writes
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface VerboseBulkWriteResult extends Driver.ClientBulkWriteResult {
  /** The `_id`s of the inserted documents. */
  readonly insertResults: ReadonlyMap<number, Driver.ClientInsertOneResult>
  /** What updates and replacements matched, modified and upserted. */
  readonly updateResults: ReadonlyMap<number, Driver.ClientUpdateResult>
  /** How many documents were deleted. */
  readonly deleteResults: ReadonlyMap<number, Driver.ClientDeleteResult>
}

/**
 * A client: the connections to one deployment, and the access to its databases.
 *
 * **Details**
 *
 * `make` and the layers connect, verify the connection with a ping, and close it with their scope. Every operation fails
 * only with a `MongoError`, and is aborted when its fiber is interrupted.
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
  /** A database by its name. Without a name it is the database of the connection string, or `test`. */
  readonly db: (name?: string, options?: DatabaseOptions) => MongoDatabase
  /** Sends a ping to the server, and succeeds when it answers. */
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
  /** The server's report about itself: connections, memory, counters, replication and more. */
  readonly serverStatus: Effect.Effect<Driver.Document, MongoError>
  /** The members of the replica set and their states. Fails if the server is not a member of a replica set. */
  readonly replSetGetStatus: Effect.Effect<Driver.Document, MongoError>
  /**
   * Adds the name and version of a library that uses this client to what new connections report to the server. The server
   * writes them to its log.
   */
  readonly appendMetadata: (info: Driver.DriverInfo) => Effect.Effect<void>
  /**
   * Runs writes to any number of collections and databases with as few commands as possible. It runs them in order up to the first
   * error, or all of them with `ordered: false`. Needs MongoDB 8.0.
   *
   * Each model names its namespace, and `Schemas` gives the documents of each namespace. With `verboseResults: true` the result
   * says what each write did, by its index. Fails with a `BulkWriteError` that says what was done and has each error with its
   * index; it has ids with `verboseResults` only. Without models it does nothing and succeeds.
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
  /** Drops a database, given as a name or a value, with all its collections. Succeeds if it does not exist. */
  readonly dropDatabase: (
    database: string | MongoDatabase,
    options?: WriteOptionsOf<Driver.DropDatabaseOptions>
  ) => Effect.Effect<void, MongoError>
  /** The servers and their roles, as the driver knows them now. */
  readonly topology: Effect.Effect<Topology>
  /** The servers and their roles: as they are now, then after each change. The stream ends when the client closes. */
  readonly topologyChanges: Stream.Stream<Topology>
  /** Opens a session for as long as the scope lives, for what `withSession` and `withTransaction` do not cover. */
  readonly session: (options?: SessionOptions) => Effect.Effect<MongoSession, MongoError, Scope.Scope>
  /**
   * Runs an effect whose operations on this client join one session. Each operation sees what the earlier ones did (causal
   * consistency), or with `snapshot: true` all reads see one moment. Concurrent operations wait for each other. Inside a
   * transaction it fails with a `TransactionError`: another session would not belong to the transaction.
   */
  readonly withSession: (
    options?: SessionOptions
  ) => <A, E, R>(self: Effect.Effect<A, E, R>) => Effect.Effect<A, E | MongoError, R>
  /**
   * Runs an effect in a transaction: every operation on this client inside of it joins, from any module, and the server commits
   * all of them or none.
   *
   * The body runs again when no server answered, or when the body or the commit fails with the label `TransientTransactionError`,
   * also if that failure is the `cause` of an error of your own. The commit runs again when its outcome is unknown. Both follow the
   * driver specification: with its backoff, for 120 seconds at most. So do nothing in the body that cannot be done twice: use
   * `afterCommit` for that. `rerun: false` runs the body once. Any other failure of the body aborts the transaction and stays the
   * same failure; so do defects and interruption.
   *
   * The server aborts a transaction at the first error of an operation in it, for instance a `DuplicateKeyError`. A body that handles
   * such an error and goes on cannot commit: it runs again if the error was transient, and otherwise fails with a `TransactionError` of
   * kind `aborted`, whose cause is that error. So use an upsert or read first inside, or let the error fail the transaction and handle
   * it outside. An operation that is interrupted while it runs counts as such an error.
   *
   * It succeeds only when the server has confirmed the commit, and fails with a `ClientClosedError` if the client or the session
   * closes before that. When a commit is interrupted, mongofx waits for it for up to five seconds, and then repeats it in the background
   * for a minute until its outcome is known. If the outcome stays unknown, or the process ends or the client closes meanwhile,
   * `afterCommit` does not run.
   *
   * Concurrent operations wait for each other. A transaction inside another one joins it. MongoDB has no savepoints, so if the inner
   * body fails and the outer one handles that, nothing is undone. A fiber that outlives the transaction gets a
   * `TransactionError` from its next operation.
   */
  readonly withTransaction: WithTransaction
  /** Runs an effect outside of the open session and transaction. */
  readonly withoutTransaction: <A, E, R>(self: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>
  /**
   * Runs an effect once after the outermost transaction is committed, and never if it is aborted. Outside of a transaction it runs at
   * once. It has the services of the place that registered it, and no session. It does not run if the process ends or the outcome of the
   * commit stays unknown: write what must not be lost inside of the transaction, as an outbox.
   */
  readonly afterCommit: <R>(effect: Effect.Effect<void, never, R>) => Effect.Effect<void, never, R>
  /**
   * The changes of all databases of the deployment, as a stream that resumes after failures. The pipeline may filter and reshape the
   * events, but must keep their `_id`. See `ChangeStream`.
   */
  readonly watch: Watch
  /**
   * Runs a promise of the driver with the errors, the span and the interruption of mongofx. Use it for what mongofx does not offer.
   * The signal aborts when the fiber is interrupted: pass it to the driver's method if it takes one.
   * In a session the third argument is the driver's session: pass it too, or the operation does not join the session.
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
 * The client as a service.
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
 * Use it to open a connection in your own scope. Most programs use one of the layers.
 *
 * **Details**
 *
 * Connecting can be interrupted. Closing waits at most five seconds for the driver to finish.
 *
 * Fails with the real cause: an `InvalidArgumentError` for a bad connection string or option, a `ConnectionError` if the driver finds
 * no server (refused, DNS, TLS), an `AuthenticationError` if the server refuses the credentials. No error shows credentials.
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
 * @see {@link layer} for a client as a service
 * @see {@link fromClient} for a client that the driver has made
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
 * Wraps a client of the driver that other code made and will close.
 *
 * **When to use**
 *
 * Use it if a program already has a client of the driver, or must make one in its own way.
 *
 * **Details**
 *
 * It sends nothing, so it does not verify the connection. Its listeners on the client end with the scope.
 *
 * **Gotchas**
 *
 * `commandSpans` needs a client with `monitorCommands: true`.
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
 * @see {@link make} for a client that mongofx makes and closes
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
 * Supplies the client that an effect makes.
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
 * @see {@link layer} for a client from a configuration
 *
 * @stability unstable
 * @category layers
 * @since 0.1.0
 */
export const layerFrom = <E, R>(
  acquire: Effect.Effect<MongoClient, E, R>
): Layer.Layer<MongoClient, E, Exclude<R, Scope.Scope>> => Layer.effect(MongoClient, acquire)

/**
 * Supplies a client that is connected as long as the layer lives. Fails as `make` does.
 *
 * **Gotchas**
 *
 * Layers are shared by reference: call this once and use the value. Every call makes another connection.
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
 * @see {@link layerConfig} for a configuration from the environment
 * @see {@link make} for a client in a scope
 *
 * @stability unstable
 * @category layers
 * @since 0.1.0
 */
export const layer = (config: MongoClientConfig): Layer.Layer<MongoClient, MongoError> => layerFrom(make(config))

/**
 * Supplies a client whose configuration is read with `Config`. Fails as `make` does, and with a `ConfigError` if the
 * configuration is incomplete.
 *
 * **Gotchas**
 *
 * Every setting is a `Config`, also a fixed one: `Config.succeed("5 seconds")`. A plain value does not compile, and from JavaScript
 * it is an `InvalidArgumentError` with the name of the setting.
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
 * @see {@link layer} for a configuration in the code
 *
 * @stability unstable
 * @category layers
 * @since 0.1.0
 */
export const layerConfig = (
  config: Config.Wrap<MongoClientConfig>
): Layer.Layer<MongoClient, Config.ConfigError | MongoError> =>
  layerFrom(
    Effect.flatMap(checking(connectOperation, () => checkConfigs(config)), () =>
      Effect.flatMap(Config.unwrap(config), make))
  )

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
