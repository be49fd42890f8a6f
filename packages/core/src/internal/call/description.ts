/**
 * The description of an operation: what it is called, what it works on, and what it may change.
 */

/**
 * What an operation is called in errors, spans and metrics.
 *
 * @internal
 */
export interface Operation {
  /** The method's name: `insertOne`. */
  readonly name: string
  /** The server's command: `insert`. */
  readonly command: string
  readonly database?: string | undefined
  readonly collection?: string | undefined
  /** How many documents or operations a batch holds; `undefined` for operations without a batch. */
  readonly batchSize?: number | undefined
  /** False where the driver would send the signal to the server or does not look at it. */
  readonly abortable?: boolean | undefined
  /** The signal goes to code of the caller's, which may give it to anything that wants a real `AbortSignal`. */
  readonly sharesSignal?: boolean | undefined
  /** False for what is no command of the server's, and so has no duration among its metrics. */
  readonly counted?: boolean | undefined
  /** An aggregation that ends in `$out` or `$merge`. */
  readonly writes?: boolean | undefined
}

/** @internal */
export const namespaceOf = ({ collection, database }: Operation): string | undefined => {
  // An invalid name is refused when the operation runs, by an error that has this namespace.
  if (typeof database !== "string") return undefined
  return typeof collection === "string" ? `${database}.${collection}` : database
}

/** Commands that change nothing. `getMore` is not among them: the batch of a lost reply does not come again. */
const readCommands: ReadonlySet<string> = new Set([
  "aggregate",
  "buildInfo",
  "collStats",
  "connect",
  "connectionStatus",
  "count",
  "dbStats",
  "distinct",
  "explain",
  "find",
  "hello",
  "hostInfo",
  "listCollections",
  "listDatabases",
  "listIndexes",
  "ping",
  "replSetGetStatus",
  "serverStatus",
  "validate"
])

/** Operations that send what the caller has written. */
const freeCommands: ReadonlySet<string> = new Set(["command", "runCursorCommand"])

/**
 * Whether an operation changes nothing.
 *
 * @internal
 */
export const onlyReads = ({ command, name, writes }: Operation): boolean =>
  writes !== true && readCommands.has(command) && !(command === "aggregate" && freeCommands.has(name))

const singleWrites: ReadonlySet<string> = new Set([
  "insertOne",
  "updateOne",
  "replaceOne",
  "deleteOne",
  "findOneAndDelete",
  "findOneAndReplace",
  "findOneAndUpdate"
])

/**
 * Whether an operation is one write to one document.
 *
 * @internal
 */
export const isSingleWrite = ({ name }: Operation): boolean => singleWrites.has(name)
