/**
 * The entities of a test: clients whose events are recorded, and what belongs to them.
 *
 * @since 0.1.0
 */
import type { MongoClient, MongoCollection, MongoDatabase, MongoError, MongoSession } from "@mongofx/core"
import { Effect, Exit, type Fiber, Option, Scope } from "effect"
import * as Driver from "mongodb"
import { Args } from "./args.ts"
import type { Api, SpecBucket } from "./drive.ts"
import type { Environment } from "./environment.ts"
import {
  array,
  AssertionFailed,
  boolean,
  type Document,
  document,
  documents,
  integer,
  MalformedTest,
  onlyKeys,
  string,
  Undrivable
} from "./format.ts"

export interface RecordedEvent {
  readonly kind: "command" | "cmap" | "sdam"
  /** The name of the format: `commandStartedEvent`. */
  readonly name: string
  readonly fields: Document
}

/** Pulls a cursor or a change stream, batch by batch. */
export interface CursorEntity {
  readonly kind: "cursor"
  readonly next: Effect.Effect<ReadonlyArray<unknown>, MongoError.MongoError>
  /** Whether it goes on after an empty batch. */
  readonly waits: boolean
  readonly buffer: Array<unknown>
  readonly scope: Scope.Closeable
}

export interface ClientEntity {
  readonly kind: "client"
  readonly mongo: MongoClient.MongoClient
  readonly driver: Driver.MongoClient
  readonly events: Array<RecordedEvent>
  readonly logs: Array<Document>
  readonly observesLogs: boolean
  readonly connections: { checkedOut: number; ready: number }
  /** The lsids of the commands that were sent, whether or not they are observed. */
  readonly lsids: Array<unknown>
  readonly scope: Scope.Closeable
  observing: boolean
}

export interface SessionEntity {
  readonly kind: "session"
  readonly session: MongoSession.MongoSession
  /** What the runner's assertions on the state of a session look at. */
  readonly driver: Driver.ClientSession
  readonly client: ClientEntity
  readonly scope: Scope.Closeable
  lsid: Document | undefined
}

interface ThreadEntity {
  readonly kind: "thread"
  last: Fiber.Fiber<void, unknown> | undefined
  failure: unknown
}

interface DatabaseEntity {
  readonly kind: "database"
  readonly database: MongoDatabase.MongoDatabase
  readonly client: ClientEntity
}

interface CollectionEntity {
  readonly kind: "collection"
  readonly collection: MongoCollection.MongoCollection
  readonly client: ClientEntity
}

export interface BucketEntity {
  readonly kind: "bucket"
  readonly bucket: SpecBucket
  readonly client: ClientEntity
}

interface ValueEntity {
  readonly kind: "value"
  readonly value: unknown
}

interface TopologyEntity {
  readonly kind: "topologyDescription"
  readonly type: string
  readonly primary: string | undefined
}

export type Entity =
  | ClientEntity
  | DatabaseEntity
  | CollectionEntity
  | SessionEntity
  | BucketEntity
  | ThreadEntity
  | CursorEntity
  | TopologyEntity
  | ValueEntity

/** The events of the format, their names in the driver, and the keys that a test may expect. */
export const eventTypes: Readonly<
  Record<string, {
    readonly kind: RecordedEvent["kind"]
    readonly driver: string
    readonly keys: ReadonlyArray<string>
  }>
> = {
  commandStartedEvent: {
    kind: "command",
    driver: "commandStarted",
    keys: ["command", "commandName", "databaseName", "hasServiceId", "hasServerConnectionId"]
  },
  commandSucceededEvent: {
    kind: "command",
    driver: "commandSucceeded",
    keys: ["reply", "commandName", "databaseName", "hasServiceId", "hasServerConnectionId"]
  },
  commandFailedEvent: {
    kind: "command",
    driver: "commandFailed",
    keys: ["commandName", "databaseName", "hasServiceId", "hasServerConnectionId"]
  },
  poolCreatedEvent: { kind: "cmap", driver: "connectionPoolCreated", keys: [] },
  poolReadyEvent: { kind: "cmap", driver: "connectionPoolReady", keys: [] },
  poolClearedEvent: {
    kind: "cmap",
    driver: "connectionPoolCleared",
    keys: ["hasServiceId", "interruptInUseConnections"]
  },
  poolClosedEvent: { kind: "cmap", driver: "connectionPoolClosed", keys: [] },
  connectionCreatedEvent: { kind: "cmap", driver: "connectionCreated", keys: [] },
  connectionReadyEvent: { kind: "cmap", driver: "connectionReady", keys: [] },
  connectionClosedEvent: { kind: "cmap", driver: "connectionClosed", keys: ["reason"] },
  connectionCheckOutStartedEvent: { kind: "cmap", driver: "connectionCheckOutStarted", keys: [] },
  connectionCheckOutFailedEvent: { kind: "cmap", driver: "connectionCheckOutFailed", keys: ["reason"] },
  connectionCheckedOutEvent: { kind: "cmap", driver: "connectionCheckedOut", keys: [] },
  connectionCheckedInEvent: { kind: "cmap", driver: "connectionCheckedIn", keys: [] },
  serverDescriptionChangedEvent: {
    kind: "sdam",
    driver: "serverDescriptionChanged",
    keys: ["previousDescription", "newDescription"]
  },
  topologyDescriptionChangedEvent: {
    kind: "sdam",
    driver: "topologyDescriptionChanged",
    keys: ["previousDescription", "newDescription"]
  },
  topologyOpeningEvent: { kind: "sdam", driver: "topologyOpening", keys: [] },
  topologyClosedEvent: { kind: "sdam", driver: "topologyClosed", keys: [] },
  serverHeartbeatStartedEvent: { kind: "sdam", driver: "serverHeartbeatStarted", keys: ["awaited"] },
  serverHeartbeatSucceededEvent: { kind: "sdam", driver: "serverHeartbeatSucceeded", keys: ["awaited"] },
  serverHeartbeatFailedEvent: { kind: "sdam", driver: "serverHeartbeatFailed", keys: ["awaited"] }
}

const sensitiveCommands = new Set(
  [
    "authenticate",
    "saslStart",
    "saslContinue",
    "getnonce",
    "createUser",
    "updateUser",
    "copydbgetnonce",
    "copydbsaslstart",
    "copydb"
  ].map((name) => name.toLowerCase())
)

const helloCommands = new Set(["hello", "ismaster"])

/** The driver's own document, as it is at this moment, with the types that it has on the wire. */
const snapshot = (value: unknown): Document =>
  Driver.BSON.deserialize(Driver.BSON.serialize(value as Document, { ignoreUndefined: true }), {
    promoteValues: false,
    bsonRegExp: true
  })

interface CommandEvent {
  readonly commandName: string
  readonly databaseName: string
  readonly requestId: number
  readonly serviceId?: unknown
  readonly serverConnectionId?: unknown
  readonly command?: Document
  readonly reply?: unknown
}

const commandFields = (event: CommandEvent, databaseName: string): Document => ({
  commandName: event.commandName,
  databaseName,
  hasServiceId: event.serviceId !== undefined && event.serviceId !== null,
  hasServerConnectionId: event.serverConnectionId !== undefined && event.serverConnectionId !== null &&
    Number(event.serverConnectionId) > 0,
  ...event.command === undefined ? {} : { command: snapshot(event.command) },
  ...event.reply === undefined ? {} : { reply: snapshot(event.reply) }
})

const describedServer = (description: Driver.ServerDescription): Document => ({ type: description.type })

const eventFields = (name: string, event: never): Document => {
  const fields = event as Document
  switch (name) {
    case "poolClearedEvent":
      return {
        hasServiceId: fields["serviceId"] !== undefined,
        interruptInUseConnections: fields["interruptInUseConnections"]
      }
    case "connectionClosedEvent":
    case "connectionCheckOutFailedEvent":
      return { reason: fields["reason"] }
    case "serverDescriptionChangedEvent":
    case "topologyDescriptionChangedEvent":
      return {
        previousDescription: describedServer(fields["previousDescription"] as Driver.ServerDescription),
        newDescription: describedServer(fields["newDescription"] as Driver.ServerDescription)
      }
    case "serverHeartbeatStartedEvent":
    case "serverHeartbeatSucceededEvent":
    case "serverHeartbeatFailedEvent":
      return { awaited: fields["awaited"] }
    default:
      return {}
  }
}

/** Replaces options of a connection string. A direct connection has the first of several addresses. */
const withUriOptions = (uri: string, options: Document): string => {
  const [address, query = ""] = uri.split("?")
  const parameters = new URLSearchParams(query)
  for (const [name, value] of Object.entries(options)) {
    const same = Array.from(parameters.keys()).filter((key) => key.toLowerCase() === name.toLowerCase())
    for (const key of same) parameters.delete(key)
    if (Array.isArray(value) || typeof value === "object") throw new MalformedTest(`uriOptions.${name} is not a scalar`)
    parameters.set(name, String(value))
  }
  const isDirect = parameters.get("directConnection") === "true"
  return `${isDirect ? address!.replace(/,[^/]*/, "") : address}?${parameters.toString()}`
}

const logComponents = ["command", "topology", "serverSelection", "connection"]

/** Where the clients of a test connect, and the runner's own client there. */
type Deployment = Pick<Environment, "uri" | "uriOfAll" | "admin" | "topology">

/**
 * The newest time of the cluster that the runner has seen. Sessions begin there, as the format asks for: a router that is behind would begin a
 * transaction before the data of the test, which fails.
 */
const clusterTimeOf = ({ admin }: Deployment): Driver.ClusterTime | undefined =>
  (admin as unknown as { readonly topology?: { readonly clusterTime?: Driver.ClusterTime } }).topology?.clusterTime

export class Entities {
  private readonly all = new Map<string, Entity>()
  private readonly deployment: Deployment
  readonly api: Api
  readonly scope: Scope.Closeable

  constructor(deployment: Deployment, api: Api, scope: Scope.Closeable) {
    this.deployment = deployment
    this.api = api
    this.scope = scope
  }

  add(name: string, entity: Entity): void {
    if (this.all.has(name)) throw new MalformedTest(`there are two entities of the name ${name}`)
    this.all.set(name, entity)
  }

  get(name: unknown, where = "object"): Entity {
    const entity = this.all.get(string(name, where))
    if (entity === undefined) throw new MalformedTest(`the entity ${String(name)} does not exist`)
    return entity
  }

  /** An entity that must be of one kind. */
  of<Kind extends Entity["kind"]>(kind: Kind, name: unknown, where: string = kind): Extract<Entity, { kind: Kind }> {
    const entity = this.get(name, where)
    if (entity.kind !== kind) throw new MalformedTest(`${String(name)} is no ${kind}`)
    return entity as Extract<Entity, { kind: Kind }>
  }

  /** The value that an operation has saved, also if it belongs to a session or a cursor. */
  value(name: string): unknown {
    return this.of("value", name).value
  }

  /** It is kept, since an ended session does not have it any more. */
  lsid(name: string): Document {
    const entity = this.of("session", name)
    const lsid = entity.lsid ??= lsidOf(entity)
    if (lsid === undefined) throw new AssertionFailed(`the session ${name} has no lsid`)
    return lsid
  }

  kinds<Kind extends Entity["kind"]>(kind: Kind): ReadonlyArray<Extract<Entity, { kind: Kind }>> {
    return [...this.all.values()].filter((entity) => entity.kind === kind) as Array<Extract<Entity, { kind: Kind }>>
  }

  /** A scope that ends when it is closed, or with the test. */
  child(): Effect.Effect<Scope.Closeable> {
    return Effect.gen({ self: this }, function*() {
      const scope = yield* Scope.make()
      yield* Scope.addFinalizer(this.scope, Scope.close(scope, Exit.void))
      return scope
    })
  }

  create(definitions: ReadonlyArray<unknown>): Effect.Effect<void, MongoError.MongoError> {
    return Effect.forEach(
      documents(definitions, "createEntities"),
      (definition) =>
        Effect.suspend(() => {
          const [kind, ...others] = Object.keys(definition)
          if (kind === undefined || others.length > 0) throw new MalformedTest("an entity is of one kind")
          const fields = document(definition[kind], kind)
          const args = new Args(fields, kind)
          const id = string(args.required("id"), `${kind}.id`)
          return Effect.map(this.make(kind, args), (entity) => this.add(id, entity))
        }),
      { discard: true }
    )
  }

  private make(kind: string, args: Args): Effect.Effect<Entity, MongoError.MongoError> {
    switch (kind) {
      case "client":
        return this.client(args)
      case "database": {
        const client = this.of("client", args.required("client"))
        const name = string(args.required("databaseName"), "databaseName")
        const options = concerns(args.get("databaseOptions"), "databaseOptions")
        args.done()
        return Effect.succeed({ kind, client, database: client.mongo.db(name, options) })
      }
      case "collection": {
        const { client, database } = this.of("database", args.required("database"))
        const name = string(args.required("collectionName"), "collectionName")
        const options = concerns(args.get("collectionOptions"), "collectionOptions")
        args.done()
        return Effect.succeed({ kind, client, collection: database.collection(name, options) })
      }
      case "session":
        return this.session(args)
      case "bucket": {
        const { client, database } = this.of("database", args.required("database"))
        const fields = new Args(document(args.get("bucketOptions") ?? {}, "bucketOptions"), "bucketOptions")
        const options = { ...fields.options("bucketName", "chunkSizeBytes"), ...concernsOf(fields) }
        fields.done()
        args.done()
        return Effect.succeed({ kind, client, bucket: this.api.makeBucket(database, options) })
      }
      case "thread":
        args.done()
        return Effect.succeed({ kind, last: undefined, failure: undefined })
      case "clientEncryption":
        throw new Undrivable("client-side encryption needs its native module")
      default:
        throw new MalformedTest(`${kind} is not a kind of entity`)
    }
  }

  private client(args: Args): Effect.Effect<ClientEntity, MongoError.MongoError> {
    const uriOptions = document(args.get("uriOptions") ?? {}, "uriOptions")
    const observed = array(args.get("observeEvents") ?? [], "observeEvents").map((name) =>
      string(name, "observeEvents")
    )
    const ignored = new Set(
      array(args.get("ignoreCommandMonitoringEvents") ?? [], "ignoreCommandMonitoringEvents")
        .map((name) => string(name, "ignoreCommandMonitoringEvents").toLowerCase())
    )
    const observeSensitive = boolean(args.get("observeSensitiveCommands") ?? false, "observeSensitiveCommands")
    const observeLogs = document(args.get("observeLogMessages") ?? {}, "observeLogMessages")
    const awaitMinPoolSize = args.get("awaitMinPoolSizeMS")
    const serverApi = args.get("serverApi")
    const useMultipleMongoses = boolean(args.get("useMultipleMongoses") ?? false, "useMultipleMongoses")
    const uri = useMultipleMongoses ? this.deployment.uriOfAll : this.deployment.uri
    if (args.get("autoEncryptOpts") !== undefined) {
      throw new Undrivable("client-side encryption needs its native module")
    }
    if (args.get("storeEventsAsEntities") !== undefined) {
      throw new Undrivable("storeEventsAsEntities is for programs that run without an end")
    }
    args.done()
    onlyKeys(observeLogs, [...logComponents, "client"], "observeLogMessages")

    const logs: Array<Document> = []
    const options: Driver.MongoClientOptions = {
      monitorCommands: true,
      ...Object.keys(uriOptions).some((name) => name.toLowerCase() === "heartbeatfrequencyms")
        ? {}
        : { heartbeatFrequencyMS: 500 },
      ...serverApi === undefined ? {} : { serverApi: serverApiOf(document(serverApi, "serverApi")) },
      ...Object.keys(observeLogs).length === 0 ? {} : {
        mongodbLogComponentSeverities: observeLogs as never,
        mongodbLogMaxDocumentLength: 100_000,
        mongodbLogPath: { write: (log) => void logs.push({ ...log }) }
      }
    }
    // Without this, connecting checks out a connection that no test expects.
    const hidden = { __skipPingOnConnect: true } as unknown as Driver.MongoClientOptions

    return Effect.gen({ self: this }, function*() {
      const scope = yield* this.child()
      const driver = yield* Scope.provide(
        Effect.acquireRelease(
          Effect.sync(() => new Driver.MongoClient(withUriOptions(uri, uriOptions), { ...options, ...hidden })),
          (driver) => Effect.promise(() => driver.close())
        ),
        scope
      )
      const mongo = yield* Scope.provide(this.api.fromClient(driver), scope)
      const entity: ClientEntity = {
        kind: "client",
        mongo,
        driver,
        events: [],
        logs,
        observesLogs: Object.keys(observeLogs).length > 0,
        connections: { checkedOut: 0, ready: 0 },
        lsids: [],
        scope,
        observing: awaitMinPoolSize === undefined
      }
      yield* mongo.use(async (driver) =>
        listen(entity, driver, {
          observed,
          // The driver leaves the cursor of a lost reply to the server's time limit; mongofx kills its session.
          ignored: (name) => ignored.has(name) || name === "configurefailpoint" || name === "killsessions",
          observeSensitive
        })
      )
      yield* Effect.promise(() => driver.connect())
      if (awaitMinPoolSize !== undefined) {
        const least = Number(uriOptions["minPoolSize"])
        yield* until(integer(awaitMinPoolSize, "awaitMinPoolSizeMS"), () => entity.connections.ready >= least).pipe(
          Effect.catch(() => Effect.die(new AssertionFailed("the pool was not filled in awaitMinPoolSizeMS")))
        )
        logs.length = 0
        entity.observing = true
      }
      return entity
    })
  }

  private session(args: Args): Effect.Effect<SessionEntity, MongoError.MongoError> {
    const client = this.of("client", args.required("client"))
    const options = new Args(document(args.get("sessionOptions") ?? {}, "sessionOptions"), "sessionOptions")
    const causalConsistency = options.get("causalConsistency")
    const snapshot = options.get("snapshot")
    const transaction = options.get("defaultTransactionOptions")
    if (options.get("snapshotTime") !== undefined) throw new Undrivable("the driver has no option snapshotTime")
    if (options.get("defaultTimeoutMS") !== undefined) {
      throw new Undrivable("timeoutMS has no effect in the driver and is not offered")
    }
    options.done()
    args.done()
    const settings: MongoSession.SessionOptions = {
      causalConsistency: causalConsistency === undefined ? undefined : boolean(causalConsistency, "causalConsistency"),
      snapshot: snapshot === undefined ? undefined : boolean(snapshot, "snapshot"),
      defaultTransactionOptions: transaction === undefined
        ? undefined
        : transactionOptions(new Args(document(transaction, "defaultTransactionOptions"), "defaultTransactionOptions"))
    }
    return Effect.gen({ self: this }, function*() {
      const scope = yield* this.child()
      const session = yield* Scope.provide(client.mongo.session(settings), scope)
      const driver = yield* session.use(client.mongo.use(async (_driver, _signal, session) => session!))
      const clusterTime = clusterTimeOf(this.deployment)
      if (this.deployment.topology === "sharded" && clusterTime !== undefined) driver.advanceClusterTime(clusterTime)
      return { kind: "session", session, driver, client, scope, lsid: undefined } satisfies SessionEntity
    })
  }
}

export const lsidOf = (entity: SessionEntity): Document | undefined => {
  const id = Effect.runSync(entity.session.id)
  return Option.isNone(id) ? undefined : { ...id.value }
}

interface Observation {
  readonly observed: ReadonlyArray<string>
  readonly ignored: (lowerCaseName: string) => boolean
  readonly observeSensitive: boolean
}

const listen = (entity: ClientEntity, driver: Driver.MongoClient, settings: Observation): void => {
  const on = (event: string, listener: (event: never) => void) => driver.on(event as "open", listener as never)
  // Whether an operation is sensitive is seen at its start: the driver leaves nothing of its command.
  const hidden = new Set<number>()
  const databases = new Map<number, string>()
  const isHidden = (event: CommandEvent): boolean => {
    const name = event.commandName.toLowerCase()
    if (event.command !== undefined) {
      const redacted = sensitiveCommands.has(name) ||
        helloCommands.has(name) && Object.keys(event.command).length === 0
      if (settings.ignored(name) || redacted && !settings.observeSensitive) hidden.add(event.requestId)
      databases.set(event.requestId, event.databaseName)
    }
    return hidden.has(event.requestId)
  }
  for (const name of settings.observed) {
    const type = eventTypes[name]
    if (type === undefined) throw new MalformedTest(`${name} is not an event`)
    if (type.kind === "command") continue
    on(type.driver, (event) => {
      if (entity.observing) entity.events.push({ kind: type.kind, name, fields: eventFields(name, event) })
    })
  }
  for (const name of ["commandStartedEvent", "commandSucceededEvent", "commandFailedEvent"]) {
    on(eventTypes[name]!.driver, (event: CommandEvent) => {
      if (isHidden(event)) return
      if (event.command?.["lsid"] !== undefined) entity.lsids.push(event.command["lsid"])
      if (!settings.observed.includes(name)) return
      entity.events.push({
        kind: "command",
        name,
        fields: commandFields(event, event.databaseName ?? databases.get(event.requestId))
      })
    })
  }
  const { connections } = entity
  on("connectionCheckedOut", () => connections.checkedOut++)
  on("connectionCheckedIn", () => connections.checkedOut--)
  on("connectionReady", () => connections.ready++)
}

/** Checks again and again until a condition holds; fails with the condition if it never does. */
export const until = (milliseconds: number, condition: () => boolean): Effect.Effect<void, number> =>
  Effect.suspend(() => {
    const end = performance.now() + milliseconds
    const look: Effect.Effect<void, number> = Effect.suspend(() =>
      condition()
        ? Effect.void
        : performance.now() > end
        ? Effect.fail(milliseconds)
        : Effect.andThen(Effect.sleep(10), look)
    )
    return look
  })

const readPreferenceOf = (value: unknown): Driver.ReadPreference => {
  const fields = new Args(document(value, "readPreference"), "readPreference")
  const mode = string(fields.required("mode"), "mode")
  const tags = fields.get("tagSets")
  const options = fields.options("maxStalenessSeconds", "hedge")
  fields.done()
  // The driver writes modes in camel case, as the format does.
  return new Driver.ReadPreference(mode as Driver.ReadPreferenceMode, tags as never, options as never)
}

/** The concerns that a database or a collection is given. */
const concerns = (value: unknown, where: string): MongoCollection.CollectionOptions => {
  const fields = new Args(document(value ?? {}, where), where)
  const options = concernsOf(fields)
  if (fields.get("timeoutMS") !== undefined) {
    throw new Undrivable("timeoutMS has no effect in the driver and is not offered")
  }
  fields.done()
  return options
}

export const concernsOf = (args: Args): {
  readonly readConcern?: Driver.ReadConcernLike
  readonly writeConcern?: Driver.WriteConcern
  readonly readPreference?: Driver.ReadPreference
} => {
  const readConcern = args.get("readConcern")
  const writeConcern = args.get("writeConcern")
  const readPreference = args.get("readPreference")
  return {
    ...readConcern === undefined ? {} : { readConcern: document(readConcern, "readConcern") as never },
    ...writeConcern === undefined ? {} : { writeConcern: writeConcernOf(writeConcern) as never },
    ...readPreference === undefined ? {} : { readPreference: readPreferenceOf(readPreference) }
  }
}

const writeConcernOf = (value: unknown): Driver.WriteConcernSettings => {
  const fields = new Args(document(value, "writeConcern"), "writeConcern")
  const { journal, wtimeoutMS, ...others } = fields.options("w", "j", "journal", "wtimeout", "wtimeoutMS")
  fields.done()
  return {
    ...others,
    ...journal === undefined ? {} : { j: journal },
    ...wtimeoutMS === undefined ? {} : { wtimeout: wtimeoutMS }
  } as Driver.WriteConcernSettings
}

export const transactionOptions = (args: Args): MongoSession.TransactionOptions => {
  const { readConcern, readPreference, writeConcern } = concernsOf(args)
  const maxCommitTime = args.get("maxCommitTimeMS")
  if (args.get("timeoutMS") !== undefined) {
    throw new Undrivable("timeoutMS has no effect in the driver and is not offered")
  }
  args.done()
  return {
    readConcern,
    writeConcern,
    readPreference,
    maxCommitTime: maxCommitTime === undefined ? undefined : integer(maxCommitTime, "maxCommitTimeMS")
  }
}

const serverApiOf = (value: Document): Driver.ServerApi => {
  onlyKeys(value, ["version", "strict", "deprecationErrors"], "serverApi")
  return value as unknown as Driver.ServerApi
}
