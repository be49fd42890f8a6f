/**
 * The description of an operation: its name, what it works on, and what it may change.
 */

/**
 * How errors, spans and metrics name an operation.
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
  /** False if the driver would send the signal to the server, or ignores it. */
  readonly abortable?: boolean | undefined
  /** Whether the signal goes to the caller's code, which may pass it to anything that needs a real `AbortSignal`. */
  readonly sharesSignal?: boolean | undefined
  /** False if it is not a command of the server, so that no metric has its duration. */
  readonly counted?: boolean | undefined
  /** An aggregation that ends in `$out` or `$merge`. */
  readonly writes?: boolean | undefined
}

/** @internal */
export const namespaceOf = ({ collection, database }: Operation): string | undefined => {
  // The operation refuses an invalid name when it runs, with an error that has this namespace.
  if (typeof database !== "string") return undefined
  return typeof collection === "string" ? `${database}.${collection}` : database
}

/** Commands that change nothing. `getMore` is not one of them: the batch of a lost reply does not come again. */
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

/** Operations that send a command of the caller. */
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
