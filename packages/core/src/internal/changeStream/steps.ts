import type * as Driver from "mongodb"
import { isMongoError, type MongoError } from "../../MongoError.ts"
import { isMarked } from "../errors/codes.ts"

/**
 * Where a change stream starts or resumes.
 *
 * @internal
 */
export interface Position {
  readonly resumeAfter?: Driver.ResumeToken
  readonly startAfter?: Driver.ResumeToken
  readonly startAtOperationTime?: Driver.OperationTime
}

/**
 * Whether a change stream resumes after this failure, by the driver specification "Change Streams" for servers from 4.4 on. It resumes
 * after a server's error that has the label, after the loss of its cursor, and after failures to reach a server.
 *
 * @internal
 */
export const isResumable = ({ reason }: MongoError): boolean => {
  if (reason.code !== undefined) {
    return isMarked(reason.code, "resumed") || reason.labels.includes("ResumableChangeStreamError")
  }
  switch (reason._tag) {
    case "ConnectionError":
      return reason.isTransient
    case "PoolTimeoutError":
    case "NotPrimaryError":
      return true
    default:
      return false
  }
}

/**
 * Whether the server no longer has the events after a position.
 *
 * @internal
 */
export const isHistoryLost = (error: unknown): boolean =>
  isMongoError(error) && error.reason._tag === "ChangeStreamError" && error.reason.kind === "historyLost"

/**
 * How long to wait before the `failures`-th attempt in a row to resume, in milliseconds. `jitter` is between 0 and 1.
 *
 * @internal
 */
export const resumeDelay = (failures: number, jitter: number): number =>
  failures === 1 ? 0 : (0.5 + jitter / 2) * Math.min(100 * 2 ** (failures - 2), 5000)

/**
 * The fragments of a split event that have come so far.
 *
 * @internal
 */
export interface Fragments {
  readonly seen: number
  readonly of: number
  readonly event: Driver.Document
}

/**
 * Takes the next event of the server: returns a whole event, or adds a fragment to the earlier ones. Returns `undefined` for a
 * fragment that does not continue the earlier ones.
 *
 * @internal
 */
export const join = (
  before: Fragments | undefined,
  event: Driver.Document
): { readonly whole: Driver.Document } | { readonly fragments: Fragments } | undefined => {
  const split: Driver.ChangeStreamSplitEvent | undefined = event["splitEvent"]
  if (split === undefined) return before === undefined ? { whole: event } : undefined
  // With `promoteValues: false` these are BSON objects.
  const fragment = Number(split.fragment)
  const of = Number(split.of)
  if (fragment !== (before === undefined ? 1 : before.seen + 1) || (before !== undefined && before.of !== of)) {
    return undefined
  }
  const { splitEvent: _, ...fields } = { ...before?.event, ...event }
  return fragment === of ? { whole: fields } : { fragments: { seen: fragment, of, event: fields } }
}
