import { MongoError } from "../../MongoError.ts"
import { isWellFormed, loneSurrogate } from "../input/check.ts"
import { classify, InvalidInput, subjectOf } from "./classify.ts"

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
  /** How many documents or operations a batch holds; `undefined` for operations that are no batches. */
  readonly batchSize?: number | undefined
  /** False where the driver would send the signal to the server or does not look at it. */
  readonly abortable?: boolean | undefined
  /** The signal goes to code of the caller's, which may give it to anything that wants a real `AbortSignal`. */
  readonly sharesSignal?: boolean | undefined
  /** An aggregation that ends in `$out` or `$merge`. */
  readonly writes?: boolean | undefined
}

/** @internal */
export const namespaceOf = ({ collection, database }: Operation): string | undefined => {
  // A name that is none is refused when the operation runs, by an error that has this namespace.
  if (typeof database !== "string") return undefined
  return typeof collection === "string" ? `${database}.${collection}` : database
}

/**
 * The fields of a reason for a failure of an operation that mongofx itself finds.
 *
 * @internal
 */
export const ownFailure = (operation: Operation, message: string) => {
  const namespace = namespaceOf(operation)
  return {
    operation: operation.name,
    namespace,
    labels: [],
    message: `${subjectOf({ operation: operation.name, namespace })}: ${message}`,
    cause: undefined
  }
}

/** Commands that change nothing. (`getMore` is none: the batch of a reply that got lost does not come again.) */
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

const onlyReads = ({ command, name, writes }: Operation): boolean =>
  writes !== true && readCommands.has(command) && !(command === "aggregate" && freeCommands.has(name))

/** Writes to one document. */
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
 * @param sends How many commands of the operation were handed to a connection, where that is known.
 * @internal
 */
export const toMongoError = (
  cause: unknown,
  operation: Operation,
  secrets?: ReadonlyArray<string>,
  sends?: number
): MongoError =>
  new MongoError({
    reason: classify(cause, {
      operation: operation.name,
      namespace: namespaceOf(operation),
      reads: onlyReads(operation),
      isSingle: singleWrites.has(operation.name),
      sends,
      secrets
    })
  })

/**
 * Refuses the name of a database or a collection that is none: the driver and the server take one that is empty or left out
 * for something else, as a whole database.
 *
 * @internal
 */
export const checkName = (name: unknown, what: "collection" | "database", path = "name"): void => {
  const problem = typeof name !== "string"
    ? `is no string, but ${name === null ? "null" : typeof name}`
    : name === ""
    ? "is empty"
    : isWellFormed(name)
    ? undefined
    : loneSurrogate
  if (problem !== undefined) throw new InvalidInput(path, `the name of the ${what} ${problem}`)
}
