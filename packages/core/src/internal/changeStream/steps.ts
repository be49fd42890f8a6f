import type * as Driver from "mongodb"
import type { MongoError } from "../../MongoError.ts"
import { isMarked } from "../errors/codes.ts"

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

/**
 * Whether a change stream goes on after this failure, after the driver specification "Change Streams" for servers from 4.4 on: what
 * a server says is resumed where it labels it, and a cursor that is gone; what is no answer of a server, always.
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
  // With `promoteValues: false` these are no numbers.
  const fragment = Number(split.fragment)
  const of = Number(split.of)
  if (fragment !== (before === undefined ? 1 : before.seen + 1) || (before !== undefined && before.of !== of)) {
    return undefined
  }
  const { splitEvent: _, ...fields } = { ...before?.event, ...event }
  return fragment === of ? { whole: fields } : { fragments: { seen: fragment, of, event: fields } }
}
