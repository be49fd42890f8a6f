import type * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Inspectable from "effect/Inspectable"
import * as Queue from "effect/Queue"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as Driver from "mongodb"
import type { ChangeStream } from "../../ChangeStream.ts"
import type { OptionsOf } from "../../Mongo.ts"
import type { BulkWriteModel, DatabaseInfo, MongoClient, VerboseBulkWriteResult } from "../../MongoClient.ts"
import type { ClientOptions } from "../../MongoClientConfig.ts"
import type { DatabaseOptions, MongoDatabase } from "../../MongoDatabase.ts"
import { ConnectionError, MongoError } from "../../MongoError.ts"
import type { MongoSession, SessionOptions, WithTransaction } from "../../MongoSession.ts"
import * as Topology from "../../Topology.ts"
import { endsWithin } from "../call/bounded.ts"
import type { Connection, SessionKey } from "../call/connection.ts"
import { Dependents } from "../call/dependents.ts"
import type { Operation } from "../call/description.ts"
import { type CallOptions, run } from "../call/operation.ts"
import { hintOf, including, joined, lengthOf, limitCommand } from "../call/options.ts"
import { type AnyWatchOptions, makeChangeStream } from "../changeStream/run.ts"
import { countBreaks } from "../driver/breaks.ts"
import { type Abort, abortHandshakes } from "../driver/signal.ts"
import { currentDescription, giveUp } from "../driver/topology.ts"
import { redactCredentials } from "../errors/redact.ts"
import { toMongoError } from "../errors/toMongoError.ts"
import { checkDocument, checkFilter, checkOptions, checkReplacement, checkUpdate } from "../input/check.ts"
import { namingTooLarge } from "../input/documentSize.ts"
import { InvalidInput } from "../input/invalidInput.ts"
import { checkSent } from "../input/unsentOptions.ts"
import { MongoSessionImpl } from "../session/session.ts"
import type { AmbientSession } from "../session/state.ts"
import * as transaction from "../session/transaction.ts"
import * as commandSpans from "../telemetry/commandSpans.ts"
import * as poolMetrics from "../telemetry/poolMetrics.ts"
import { clientBulkWrite, sentOf } from "./clientBulkWrite.ts"
import { isDatabase, makeDatabase } from "./database.ts"
import { countable, numberOf } from "./reply.ts"

/** @internal */
export const TypeId = "~@mongofx/core/MongoClient" as const

/** How long closing a client is waited for: real milliseconds. */
const closeTimeout = 4000

/** How long its queries may take to close before that: real milliseconds. */
const dependentsTimeout = 1000

/** How many topologies a slow reader of changes may lag behind before the oldest is dropped. */
const topologyBuffer = 16

/** The server's address where the deployment has one server: of several, none is known before an operation runs. */
const serverAttributes = (driver: Driver.MongoClient): Record<string, unknown> => {
  const [host, ...others] = driver.options.hosts
  if (host === undefined || others.length > 0) return {}
  if (host.socketPath !== undefined) return { "server.address": host.socketPath }
  return host.port === undefined || host.port === 27017
    ? { "server.address": host.host }
    : { "server.address": host.host, "server.port": host.port }
}

/** The driver assigns `_id` to the document it is given, whether it has one or not: it gets a copy. */
const copyOf = <A extends object>(document: A): A => ({
  ...("toBSON" in document && typeof document.toBSON === "function" ? document.toBSON() as A : document)
})

const withHint = <A extends { readonly hint?: Driver.Hint }>(model: A): A =>
  model.hint === undefined ? model : { ...model, hint: hintOf(model.hint) }

const prepareClientModel = (
  model: Driver.ClientBulkWriteModel,
  index: number
): Driver.ClientBulkWriteModel => {
  const path = `models[${index}]`
  if (typeof model !== "object" || model === null || Array.isArray(model)) {
    throw new InvalidInput(path, `${path} is no model of a write`)
  }
  if (typeof model.namespace !== "string" || !/^[^.]+\../s.test(model.namespace)) {
    throw new InvalidInput(`${path}.namespace`, `${path}.namespace is not of the form "database.collection"`)
  }
  checkOptions(model, path)
  switch (model.name) {
    case "insertOne":
      checkDocument(model.document, `${path}.document`)
      return { ...model, document: copyOf(model.document) }
    case "updateOne":
    case "updateMany":
      checkFilter(model.filter, `${path}.filter`)
      checkUpdate(model.update, `${path}.update`)
      return withHint(model)
    case "replaceOne":
      checkFilter(model.filter, `${path}.filter`)
      checkReplacement(model.replacement, `${path}.replacement`)
      return withHint(model)
    case "deleteOne":
    case "deleteMany":
      checkFilter(model.filter, `${path}.filter`)
      return withHint(model)
    default:
      throw new InvalidInput(`${path}.name`, `${path}.name is not the name of a write`)
  }
}

type TopologyQueue = Queue.Queue<Topology.Topology, Cause.Done>

/** Who follows the topology of a client. They share one listener at the driver, where more than ten would be a warning. */
class TopologyQueues {
  private readonly driver: Driver.MongoClient
  private readonly queues = new Set<TopologyQueue>()

  constructor(driver: Driver.MongoClient) {
    this.driver = driver
  }

  private readonly onChange = ({ newDescription }: Driver.TopologyDescriptionChangedEvent): void => {
    const topology = Topology.fromDescription(newDescription)
    for (const queue of this.queues) Queue.offerUnsafe(queue, topology)
  }

  /** A topology that is closed says no more of its servers. */
  private readonly onClose = (): void => {
    for (const queue of this.queues) Queue.endUnsafe(queue)
  }

  add(queue: TopologyQueue): void {
    if (this.queues.size === 0) {
      this.driver.on("topologyDescriptionChanged", this.onChange).on("topologyClosed", this.onClose)
    }
    this.queues.add(queue)
    Queue.offerUnsafe(queue, Topology.fromDescription(currentDescription(this.driver)))
  }

  delete(queue: TopologyQueue): void {
    this.queues.delete(queue)
    if (this.queues.size > 0) return
    this.driver.off("topologyDescriptionChanged", this.onChange).off("topologyClosed", this.onClose)
  }
}

/** The size of a database is a number, whatever the settings of BSON. */
const withSize = (database: Driver.ListDatabasesResult["databases"][number]): DatabaseInfo =>
  database.sizeOnDisk === undefined ? database : { ...database, sizeOnDisk: numberOf(database.sizeOnDisk) }

class MongoClientImpl extends Inspectable.Class implements MongoClient {
  readonly [TypeId] = TypeId
  private readonly connection: Connection
  private readonly admin: Driver.Db
  private readonly topologies: TopologyQueues

  constructor(connection: Connection) {
    super()
    this.connection = connection
    this.topologies = new TopologyQueues(connection.driver)
    this.admin = connection.driver.db("admin")
  }

  /** The driver's client has the credentials: it must not be printed. */
  toJSON(): unknown {
    return { _id: "MongoClient" }
  }

  private run<A>(
    operation: Operation,
    options: object | undefined,
    call: (driver: Driver.MongoClient, options: CallOptions) => Promise<A>
  ): Effect.Effect<A, MongoError> {
    return run(this.connection, operation, (callOptions) => {
      if (options !== undefined) {
        checkOptions(options)
        checkSent(operation.name, options)
      }
      return call(this.connection.driver, joined(options, callOptions))
    })
  }

  db(name?: string, options: DatabaseOptions = {}): MongoDatabase {
    return makeDatabase(this.connection, name === undefined ? this.connection.driver.options.dbName : name, options)
  }

  /** A command without arguments, on the database `admin`. */
  private adminCommand(name: string, command: string): Effect.Effect<Driver.Document, MongoError> {
    return this.run(
      { name, command },
      undefined,
      (_, options) => this.admin.command(...limitCommand({ [command]: 1 }, options))
    )
  }

  get ping(): Effect.Effect<void, MongoError> {
    return Effect.asVoid(this.adminCommand("ping", "ping"))
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
        const prepared = (models as ReadonlyArray<unknown> as ReadonlyArray<Driver.ClientBulkWriteModel>).map(
          prepareClientModel
        )
        const all = { ...callOptions, ...countable(driver.bsonOptions, callOptions) }
        return namingTooLarge(clientBulkWrite(driver, prepared, all), "models", prepared, sentOf)
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

  get topology(): Effect.Effect<Topology.Topology> {
    return Effect.sync(() => Topology.fromDescription(currentDescription(this.connection.driver)))
  }

  get topologyChanges(): Stream.Stream<Topology.Topology> {
    const { topologies } = this
    return Stream.callback<Topology.Topology>(
      (queue) =>
        Effect.acquireRelease(
          Effect.sync(() => topologies.add(queue)),
          () => Effect.sync(() => topologies.delete(queue))
        ),
      { bufferSize: topologyBuffer, strategy: "sliding" }
    )
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
    return transaction.withTransactionOf(this.connection, (self) => self)
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
        connection: this.connection,
        operation: { name: "watch", command: "aggregate", database: "admin" },
        cluster: true,
        aggregate: (pipeline, options) => this.admin.aggregate(pipeline, options)
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
      // Async, since without types it may return anything.
      async (driver, { session, signal }) => await f(driver, signal ?? new AbortController().signal, session)
    )
  }
}

let clients = 0

/**
 * Makes a client of the driver's, whoever owns that one, and listens to its events for as long as the scope lives.
 *
 * @internal
 */
export const wrap = (
  driver: Driver.MongoClient,
  options: ClientOptions,
  dependents = new Dependents()
): Effect.Effect<MongoClient, never, Scope.Scope> =>
  Effect.gen(function*() {
    yield* poolMetrics.attach(driver)
    const breaks = yield* countBreaks(driver)
    if (options.commandSpans !== undefined && options.commandSpans !== false) {
      yield* commandSpans.attach(driver, {
        queryText: typeof options.commandSpans === "object" && options.commandSpans.queryText
      })
    }
    return new MongoClientImpl({
      driver,
      sessionKey: Context.Service<SessionKey, AmbientSession | undefined>(
        `@mongofx/core/MongoClient/Session/${clients++}`
      ),
      attributes: serverAttributes(driver),
      commandSpans: options.commandSpans !== undefined && options.commandSpans !== false,
      dependents,
      breaks
    })
  })

/** Whom a client looks for. */
const soughtBy = ({ options: { hosts, replicaSet, srvHost } }: Driver.MongoClient): string =>
  `${replicaSet === undefined ? "" : `the replica set "${replicaSet}" at `}${srvHost ?? hosts.map(String).join(", ")}`

/**
 * Says of a search that found no server whom it was for, and who has answered: the driver drops members of another replica set and forgets
 * them.
 */
const withSearch = (
  error: MongoError,
  driver: Driver.MongoClient,
  replies: ReadonlyMap<string, Driver.Document>,
  secrets: ReadonlyArray<string>
): MongoError => {
  const { reason } = error
  if (reason._tag !== "ConnectionError" || !/timed out/.test(reason.message)) return error
  const found = [...replies].map(([address, { hosts, setName }]) =>
    typeof setName !== "string"
      ? `${address} is of no replica set`
      : `${address} is of the replica set "${setName}" (${Array.isArray(hosts) ? hosts.join(", ") : "members unknown"})`
  )
  const message = [`${reason.message}; looked for ${soughtBy(driver)}`, ...found].join("; ")
  return new MongoError({
    reason: new ConnectionError({ ...reason, message: redactCredentials(message, secrets), cause: reason.cause })
  })
}

const connectOperation: Operation = { name: "connect", command: "connect" }

/** A client of the driver's, and what has to be ended with it. */
class Owned {
  readonly driver: Driver.MongoClient
  readonly dependents = new Dependents()
  private readonly connecting: Abort

  constructor(driver: Driver.MongoClient) {
    this.driver = driver
    this.connecting = abortHandshakes(driver)
  }

  /**
   * Closes what reads, then the client. Where servers do not answer, the driver's `close` waits for them, and keeps the process alive:
   * after the bound what it waits for is ended.
   */
  async close(): Promise<void> {
    await endsWithin(this.dependents.shutDown(), dependentsTimeout)
    if (!(await endsWithin(this.driver.close(), closeTimeout))) giveUp(this.driver)
    this.connecting.abort(new Driver.MongoClientClosedError())
  }
}

/**
 * Makes the driver's client, connects and pings. The close is registered before the connect, so that an interrupted
 * connect is closed too.
 *
 * @internal
 */
export const connect = (
  makeDriver: () => Driver.MongoClient,
  options: ClientOptions,
  secrets: ReadonlyArray<string>
): Effect.Effect<MongoClient, MongoError, Scope.Scope> =>
  Effect.gen(function*() {
    const { driver, dependents } = yield* Effect.acquireRelease(
      Effect.try({
        try: () => new Owned(makeDriver()),
        catch: (cause) => toMongoError(cause, connectOperation, secrets)
      }),
      (owned) => Effect.promise(() => owned.close())
    )
    const client = yield* wrap(driver, options, dependents)
    // A logger that fails must not keep anybody from connecting.
    yield* Effect.ignoreCause(
      Effect.logDebug(redactCredentials(`mongofx: connecting to ${soughtBy(driver)}`, secrets))
    )
    const replies = new Map<string, Driver.Document>()
    const onReply = ({ connectionId, reply }: Driver.ServerHeartbeatSucceededEvent) => replies.set(connectionId, reply)
    driver.on("serverHeartbeatSucceeded", onReply)
    yield* Effect.tryPromise({
      try: () => driver.connect().finally(() => driver.off("serverHeartbeatSucceeded", onReply)),
      catch: (cause) => withSearch(toMongoError(cause, connectOperation, secrets), driver, replies, secrets)
    })
    yield* client.ping
    return client
  })
