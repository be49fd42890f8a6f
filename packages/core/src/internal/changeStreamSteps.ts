import type * as Driver from "mongodb"
import type { MongoError } from "../MongoError.ts"

/**
 * Where a change stream starts or goes on.
 *
 * @internal
 */
export interface Position {
  readonly resumeAfter?: Driver.ResumeToken
  readonly startAfter?: Driver.ResumeToken
  readonly startAtOperationTime?: Driver.OperationTime
}

const neverResumed = new Set([136, 237, 260, 280, 286])

/**
 * Whether a change stream goes on after this failure, after the driver specification "Change Streams": network errors and
 * server selection, a cursor that is gone, and what the server labels.
 *
 * @internal
 */
export const isResumable = (error: MongoError): boolean => {
  const { _tag, code, labels } = error.reason
  if (labels.includes("NonResumableChangeStreamError") || (code !== undefined && neverResumed.has(code))) return false
  if (labels.includes("ResumableChangeStreamError") || code === 43) return true
  return _tag === "ConnectionError" && error.isRetryable || _tag === "PoolTimeoutError" || _tag === "NotPrimaryError"
}

/**
 * How long to wait before the `failures`-th try in a row to go on: milliseconds. `jitter` lies between 0 and 1.
 *
 * @internal
 */
export const resumeDelay = (failures: number, jitter: number): number =>
  failures === 1 ? 0 : (0.5 + jitter / 2) * Math.min(100 * 2 ** (failures - 2), 5000)

/**
 * An event that came in fragments, as far as it has come.
 *
 * @internal
 */
export interface Fragments {
  readonly seen: number
  readonly of: number
  readonly event: Driver.Document
}

/**
 * Takes the next event of the server: a whole one is given back, a fragment is put to those before it. A fragment that does
 * not continue what was seen is no event anybody could understand: `undefined`.
 *
 * @internal
 */
export const join = (
  before: Fragments | undefined,
  event: Driver.Document
): { readonly whole: Driver.Document } | { readonly fragments: Fragments } | undefined => {
  const split: Driver.ChangeStreamSplitEvent | undefined = event["splitEvent"]
  if (split === undefined) return before === undefined ? { whole: event } : undefined
  const { fragment, of } = split
  if (fragment !== (before === undefined ? 1 : before.seen + 1) || (before !== undefined && before.of !== of)) {
    return undefined
  }
  const { splitEvent: _, ...fields } = { ...before?.event, ...event }
  return fragment === of ? { whole: fields } : { fragments: { seen: fragment, of, event: fields } }
}
