/**
 * Clients: what concerns the deployment as a whole. How one comes to be is in connect.ts.
 */
import * as Effect from "effect/Effect"
import { constVoid } from "effect/Function"
import type * as Scope from "effect/Scope"
import type * as Stream from "effect/Stream"
import type * as Driver from "mongodb"
import type { ChangeStream } from "../../ChangeStream.ts"
import type { BulkWriteModel, DatabaseInfo, MongoClient, VerboseBulkWriteResult } from "../../MongoClient.ts"
import type { DatabaseOptions, MongoDatabase } from "../../MongoDatabase.ts"
import type { MongoError } from "../../MongoError.ts"
import type { MongoSession, SessionOptions, WithTransaction } from "../../MongoSession.ts"
import type { OptionsOf } from "../../OperationOptions.ts"
import type { Topology } from "../../Topology.ts"
import type { Connection } from "../call/connection.ts"
import { including, lengthOf, limitCommand } from "../call/options.ts"
import { type AnyWatchOptions, makeChangeStream } from "../changeStream/run.ts"
import { countable, numberOf } from "../driver/replyNumbers.ts"
import { prepareClientModel, sentOfClientModel } from "../input/bulkModels.ts"
import { checkFilter } from "../input/check.ts"
import { namingTooLarge } from "../input/documentSize.ts"
import { InvalidInput } from "../input/invalidInput.ts"
import { MongoSessionImpl } from "../session/session.ts"
import * as transaction from "../session/transaction.ts"
import { withTransactionOf } from "../session/withTransaction.ts"
import { Handle } from "./base.ts"
import { clientBulkWrite } from "./clientBulkWrite.ts"
import { isDatabase, makeDatabase } from "./database.ts"
import { topologyChangesOf } from "./topologyChanges.ts"

/** @internal */
export const TypeId = "~@mongofx/core/MongoClient" as const

/** The size of a database is a number, whatever the settings of BSON. */
const withSize = (database: Driver.ListDatabasesResult["databases"][number]): DatabaseInfo =>
  database.sizeOnDisk === undefined ? database : { ...database, sizeOnDisk: numberOf(database.sizeOnDisk) }

class MongoClientImpl extends Handle<Driver.MongoClient> implements MongoClient {
  readonly [TypeId] = TypeId
  private readonly admin: Driver.Db

  constructor(connection: Connection) {
    super(connection)
    this.admin = connection.driver.db("admin")
  }

  get driver(): Driver.MongoClient {
    return this.connection.driver
  }

  /** The driver's client has the credentials: it must not be printed. */
  toJSON(): unknown {
    return { _id: "MongoClient" }
  }

  db(name?: string, options: DatabaseOptions = {}): MongoDatabase {
    return makeDatabase(this.connection, name === undefined ? this.connection.driver.options.dbName : name, options)
  }

  /** A command without arguments, on the database `admin`. */
  private adminCommand<A = Driver.Document>(
    name: string,
    command: string,
    finish?: (reply: Driver.Document) => A
  ): Effect.Effect<A, MongoError> {
    return this.run(
      { name, command },
      undefined,
      (_, options) => this.admin.command(...limitCommand({ [command]: 1 }, options)),
      finish
    )
  }

  get ping(): Effect.Effect<void, MongoError> {
    return this.adminCommand("ping", "ping", constVoid)
  }

  listDatabases(options?: OptionsOf<Driver.ListDatabasesOptions>): Effect.Effect<Array<DatabaseInfo>, MongoError> {
    return this.run(
      { name: "listDatabases", command: "listDatabases" },
      options,
      async (_, options) => (await this.admin.admin().listDatabases(options)).databases.map(withSize)
    )
  }

  listDatabaseNames(
    options?: OptionsOf<Driver.ListDatabasesOptions, "nameOnly">
  ): Effect.Effect<Array<string>, MongoError> {
    return Effect.map(
      this.listDatabases(including(options, { nameOnly: true })),
      (databases) => databases.map((database) => database.name)
    )
  }

  get serverInfo(): Effect.Effect<Driver.Document, MongoError> {
    return this.adminCommand("serverInfo", "buildInfo")
  }

  get serverStatus(): Effect.Effect<Driver.Document, MongoError> {
    return this.adminCommand("serverStatus", "serverStatus")
  }

  get replSetGetStatus(): Effect.Effect<Driver.Document, MongoError> {
    return this.adminCommand("replSetGetStatus", "replSetGetStatus")
  }

  appendMetadata(info: Driver.DriverInfo): Effect.Effect<void> {
    return Effect.sync(() => this.connection.driver.appendMetadata(info))
  }

  bulkWrite<Schemas extends Record<string, Driver.Document> = Record<string, Driver.Document>>(
    models: ReadonlyArray<BulkWriteModel<NoInfer<Schemas>>>,
    options?: OptionsOf<Driver.ClientBulkWriteOptions>
  ): Effect.Effect<VerboseBulkWriteResult, MongoError> {
    return this.run(
      { name: "bulkWrite", command: "bulkWrite", database: "admin", batchSize: lengthOf(models) },
      options,
      (driver, callOptions) => {
        if (options?.let !== undefined) checkFilter(options.let, "options.let")
        if (!Array.isArray(models)) throw new InvalidInput("models", "models is not an array")
        const prepared = models.map((model, index) => prepareClientModel(model, `models[${index}]`))
        const all = { ...callOptions, ...countable(driver.bsonOptions, callOptions) }
        return namingTooLarge(clientBulkWrite(driver, prepared, all), "models", prepared, sentOfClientModel)
      }
    )
  }

  dropDatabase(
    database: string | MongoDatabase,
    options?: OptionsOf<Driver.DropDatabaseOptions>
  ): Effect.Effect<void, MongoError> {
    // Without a name it would be the database of the connection string.
    const name: unknown = isDatabase(database) ? database.name : database ?? null
    return makeDatabase(this.connection, name as string, {}).dropDatabase(options)
  }

  get topology(): Effect.Effect<Topology> {
    return Effect.sync(() => topologyChangesOf(this.driver).current)
  }

  get topologyChanges(): Stream.Stream<Topology> {
    return topologyChangesOf(this.driver).stream
  }

  session(options: SessionOptions = {}): Effect.Effect<MongoSession, MongoError, Scope.Scope> {
    return Effect.map(
      transaction.scopedSession(this.connection, options),
      (state) => new MongoSessionImpl(this, this.connection, state, options)
    )
  }

  withSession(options: SessionOptions = {}) {
    return <A, E, R>(self: Effect.Effect<A, E, R>): Effect.Effect<A, E | MongoError, R> =>
      transaction.withSession(this.connection, options, self)
  }

  get withTransaction(): WithTransaction {
    return withTransactionOf(this.connection, (self) => self)
  }

  withoutTransaction<A, E, R>(self: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> {
    return transaction.provideAmbient(this.connection, undefined, self)
  }

  afterCommit<R>(effect: Effect.Effect<void, never, R>): Effect.Effect<void, never, R> {
    return transaction.afterCommit(this.connection, effect)
  }

  watch<A extends Driver.Document = Driver.Document>(
    pipeline: ReadonlyArray<Driver.Document> = [],
    options: AnyWatchOptions = {}
  ): ChangeStream<A, never> {
    return makeChangeStream(
      {
        from: { connection: this.connection, driver: this.admin },
        operation: { name: "watch", command: "aggregate", database: "admin" },
        cluster: true
      },
      pipeline,
      options
    )
  }

  use<A>(
    f: (driver: Driver.MongoClient, signal: AbortSignal, session: Driver.ClientSession | undefined) => Promise<A>
  ): Effect.Effect<A, MongoError> {
    return this.run(
      { name: "use", command: "use", sharesSignal: true },
      undefined,
      // Async, since untyped code may return anything.
      async (driver, { session, signal }) => await f(driver, signal ?? new AbortController().signal, session)
    )
  }
}

/** @internal */
export const makeClient = (connection: Connection): MongoClient => new MongoClientImpl(connection)
