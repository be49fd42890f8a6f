import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import * as Tracer from "effect/Tracer"
import * as Driver from "mongodb"
import { AsyncLocalStorage } from "node:async_hooks"

interface Parent {
  readonly span: Tracer.AnySpan
  readonly tracer: Tracer.Tracer | undefined
}

const parents = new AsyncLocalStorage<Parent>()

/**
 * Runs a call of the driver so that its commands become children of `span`. Everything that the driver does for the call
 * keeps the span, through promises and callbacks.
 *
 * @param tracer - the tracer that made `span`; by default that of the calling fiber. Without any, the spans of commands go
 * to the tracer of the client
 * @internal
 */
export const runWithParent = <A>(
  span: Tracer.AnySpan,
  f: () => A,
  tracer: Tracer.Tracer | undefined = Fiber.getCurrent()?.cache.tracer
): A => parents.run({ span, tracer }, f)

/** Commands that carry credentials. The driver also hides their content from listeners. */
const sensitiveCommands: ReadonlySet<string> = new Set([
  "authenticate",
  "saslStart",
  "saslContinue",
  "getnonce",
  "createUser",
  "updateUser",
  "copydbgetnonce",
  "copydbsaslstart",
  "copydb"
])

const isSensitive = (name: string, command: Driver.Document): boolean =>
  sensitiveCommands.has(name) || command["speculativeAuthenticate"] !== undefined

/** Commands whose first value is the name of a collection. */
const collectionCommands: ReadonlySet<string> = new Set([
  "aggregate",
  "collMod",
  "collStats",
  "compact",
  "convertToCapped",
  "count",
  "create",
  "createIndexes",
  "createSearchIndexes",
  "delete",
  "distinct",
  "drop",
  "dropIndexes",
  "dropSearchIndex",
  "find",
  "findAndModify",
  "insert",
  "killCursors",
  "listIndexes",
  "listSearchIndexes",
  "mapReduce",
  "update",
  "updateSearchIndex",
  "validate"
])

/** The key of the collection's name in a command. */
const collectionKeyOf = (name: string): string | undefined =>
  name === "getMore" ? "collection" : collectionCommands.has(name) ? name : undefined

const collectionOf = (name: string, command: Driver.Document): string | undefined => {
  const key = collectionKeyOf(name)
  const value: unknown = key === undefined ? undefined : command[key]
  return typeof value === "string" ? value : undefined
}

/** Keys that every command has, and that do not tell queries apart. */
const omittedKeys: ReadonlySet<string> = new Set(["lsid", "$db", "$clusterTime", "signature"])

/** A text that is cut off at its maximum, so that a command is read only as far as it is shown. */
class Text {
  private readonly max: number
  private text = ""

  constructor(max: number) {
    this.max = max
  }

  get full(): boolean {
    return this.text.length > this.max
  }

  add(part: string): void {
    this.text += part
  }

  get result(): string {
    return this.full ? `${this.text.slice(0, this.max)}…` : this.text
  }

  command(command: Driver.Document): void {
    const name = Object.keys(command)[0]
    const collectionKey = collectionKeyOf(name)
    this.properties(Object.entries(command), (key, value) => {
      if (omittedKeys.has(key)) return undefined
      if (key === collectionKey && typeof value === "string") return () => this.add(JSON.stringify(value))
      if (key === "explain" && isPlain(value)) return () => this.command(value)
      // Inserted documents are only values.
      if (key === "documents" && name === "insert") return () => this.add("[\"?\"]")
      return () => this.value(value)
    })
  }

  private properties(
    entries: Iterable<readonly [unknown, unknown]>,
    writer: (key: string, value: unknown) => (() => void) | undefined
  ): void {
    let separator = "{"
    for (const [key, value] of entries) {
      if (this.full) return
      const write = writer(String(key), value)
      if (write === undefined) continue
      this.add(`${separator}${JSON.stringify(key)}:`)
      write()
      separator = ","
    }
    this.add(separator === "{" ? "{}" : "}")
  }

  private value(value: unknown): void {
    if (Array.isArray(value)) return this.array(value)
    if (value instanceof Map) return this.properties(value, (_, entry) => () => this.value(entry))
    if (isPlain(value)) return this.properties(Object.entries(value), (_, property) => () => this.value(property))
    this.add("\"?\"")
  }

  /** Adjacent values become one, so that arrays of any length give the same text. */
  private array(array: ReadonlyArray<unknown>): void {
    let separator = "["
    let afterLiteral = false
    for (const element of array) {
      if (this.full) return
      const literal = !Array.isArray(element) && !(element instanceof Map) && !isPlain(element)
      if (literal && afterLiteral) continue
      this.add(separator)
      this.value(element)
      separator = ","
      afterLiteral = literal
    }
    this.add(separator === "[" ? "[]" : "]")
  }
}

const isPlain = (value: unknown): value is Driver.Document =>
  typeof value === "object" && value !== null && !("_bsontype" in value) &&
  Object.prototype.toString.call(value) === "[object Object]"

/**
 * A command as text that shows its form without its values; `undefined` for a command that carries credentials.
 *
 * @param maxLength - the largest number of characters to show
 * @internal
 */
export const queryText = (command: Driver.Document, maxLength = 1024): string | undefined => {
  const name = Object.keys(command)[0]
  if (name === undefined || isSensitive(name, command)) return undefined
  const text = new Text(maxLength)
  text.command(command)
  return text.result
}

/** A number from a Long, bigint or number. (Ids of cursors need all their 64 bits, so they become text.) */
const numberOf = (value: unknown): number | undefined =>
  value === undefined || value === null ? undefined : Number(value)

const lsidOf = (command: Driver.Document): string | undefined => {
  const id: unknown = command["lsid"]?.id
  return id instanceof Driver.Binary && id.sub_type === Driver.Binary.SUBTYPE_UUID
    ? id.toUUID().toHexString()
    : undefined
}

const portPattern = /^(.*):(\d+)$/

/**
 * The events of commands have no address for a connection over a Unix socket, so its path comes from the client.
 */
const serverAttributes = (address: string, driver: Driver.MongoClient): Record<string, unknown> => {
  const match = portPattern.exec(address)
  if (match !== null) {
    const [, host, port] = match
    return {
      "server.address": host.startsWith("[") ? host.slice(1, -1) : host,
      "server.port": Number(port),
      "network.transport": "tcp"
    }
  }
  const [host, ...others] = driver.options.hosts
  return {
    "server.address": others.length === 0 ? host?.socketPath : undefined,
    "network.transport": "unix"
  }
}

const startedAttributes = (
  event: Driver.CommandStartedEvent,
  driver: Driver.MongoClient,
  withText: boolean
): Record<string, unknown> => {
  const { command, commandName, databaseName } = event
  const collection = collectionOf(commandName, command)
  const namespace = collection === undefined ? databaseName : `${databaseName}.${collection}`
  return {
    "db.system.name": "mongodb",
    "db.namespace": databaseName,
    "db.collection.name": collection,
    "db.command.name": commandName,
    "db.query.summary": `${commandName} ${namespace}`,
    "db.query.text": withText ? queryText(command) : undefined,
    ...serverAttributes(event.address, driver),
    "db.mongodb.lsid": lsidOf(command),
    "db.mongodb.txn_number": numberOf(command["txnNumber"]),
    "db.mongodb.cursor_id": commandName === "getMore" ? String(command["getMore"]) : undefined,
    "db.mongodb.server_connection_id": numberOf(event.serverConnectionId),
    "db.mongodb.driver_connection_id": numberOf(event.connectionId)
  }
}

/**
 * The parts of a failure that are safe to show. The server's messages repeat values of documents, so only its code is shown. The
 * message of a broken connection names only addresses.
 */
const failureOf = (failure: Error): { readonly type: string; readonly code?: string; readonly message: string } => {
  const { code, codeName, name } = failure as Partial<Driver.MongoServerError>
  if (failure instanceof Driver.MongoServerError && code !== undefined) {
    const shown = String(Number(code))
    return { type: shown, code: shown, message: codeName === undefined ? shown : `${shown} ${codeName}` }
  }
  // A sensitive command fails with an empty object.
  return {
    type: name ?? "_OTHER",
    message: failure instanceof Driver.MongoNetworkError ? failure.message : "the command failed"
  }
}

const cursorIdOf = (reply: unknown): string | undefined => {
  const id: unknown = (reply as { readonly cursor?: { readonly id?: unknown } } | undefined)?.cursor?.id
  const shown = id === undefined ? "0" : String(id)
  return shown === "0" ? undefined : shown
}

/**
 * Makes a span for every command that is sent under `runWithParent`, one per attempt on the wire, as long as the scope
 * lives. The client must have `monitorCommands: true`. Commands that belong to no operation get no span.
 *
 * @param options - `queryText`: whether spans have the text of the command, with `?` in place of every value
 * @internal
 */
export const attach = (
  driver: Driver.MongoClient,
  options: { readonly queryText: boolean }
): Effect.Effect<void, never, Scope.Scope> =>
  Effect.contextWith((context: Context.Context<Scope.Scope>) =>
    Effect.asVoid(Effect.acquireRelease(
      Effect.sync(() => listen(driver, options, context)),
      (detach) => Effect.sync(detach)
    ))
  )

const listen = (
  driver: Driver.MongoClient,
  options: { readonly queryText: boolean },
  context: Context.Context<never>
): () => void => {
  const clientTracer = Context.get(context, Tracer.Tracer)
  const clock = Context.get(context, Clock.Clock)
  /** By request id, which is unique in the process. It keeps spans, but no events and no documents. */
  const spans = new Map<number, Tracer.Span>()

  const end = (requestId: number, exit: (span: Tracer.Span) => Exit.Exit<unknown, unknown>) => {
    const span = spans.get(requestId)
    if (span === undefined) return
    spans.delete(requestId)
    span.end(clock.currentTimeNanosUnsafe(), exit(span))
  }

  const started = (event: Driver.CommandStartedEvent) => {
    const parent = parents.getStore()
    if (parent === undefined) return
    const tracer = parent.tracer ?? clientTracer
    const span = tracer.span({
      name: event.commandName,
      parent: Option.some(parent.span),
      annotations: Context.empty(),
      links: [],
      startTime: clock.currentTimeNanosUnsafe(),
      kind: "client",
      root: false,
      sampled: parent.span.sampled
    })
    for (const [key, value] of Object.entries(startedAttributes(event, driver, options.queryText))) {
      if (value !== undefined) span.attribute(key, value)
    }
    spans.set(event.requestId, span)
  }

  const succeeded = (event: Driver.CommandSucceededEvent) =>
    end(event.requestId, (span) => {
      const cursorId = cursorIdOf(event.reply)
      if (cursorId !== undefined) span.attribute("db.mongodb.cursor_id", cursorId)
      return Exit.void
    })

  const failed = (event: Driver.CommandFailedEvent) =>
    end(event.requestId, (span) => {
      if (event.failure.name === "OperationInterrupted") return Exit.interrupt()
      const { code, message, type } = failureOf(event.failure)
      if (code !== undefined) span.attribute("db.response.status_code", code)
      span.attribute("error.type", type)
      const error = new Error(message)
      error.name = event.failure.name ?? "Error"
      error.stack = `${error.name}: ${message}`
      return Exit.fail(error)
    })

  // The driver calls listeners in the middle of a command: a listener that throws would make it fail.
  const guarded = <Event>(listener: (event: Event) => void) => (event: Event): void => {
    try {
      listener(event)
    } catch {
      // If a tracer fails, its span is lost, but the operation goes on.
    }
  }
  const onStarted = guarded(started)
  const onSucceeded = guarded(succeeded)
  const onFailed = guarded(failed)
  driver.on("commandStarted", onStarted)
  driver.on("commandSucceeded", onSucceeded)
  driver.on("commandFailed", onFailed)
  return () => {
    driver.off("commandStarted", onStarted)
    driver.off("commandSucceeded", onSucceeded)
    driver.off("commandFailed", onFailed)
    for (const requestId of spans.keys()) end(requestId, () => Exit.interrupt())
  }
}
