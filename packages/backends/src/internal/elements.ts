/**
 * An element of a queue is a document, and this is what becomes of it: filters and updates, made of plain values.
 *
 * `visibleAt` says when somebody may take an element. Who takes it moves that to the end of the lease, so that elements that are worked on stand behind
 * those that wait, and an element whose worker has died is visible again by itself.
 */
import type { Document, ObjectId } from "mongodb"
import { fitsDocument } from "./json.ts"
import { dateIn } from "./store.ts"

/**
 * The document of an element.
 *
 * @internal
 */
export interface Element {
  readonly _id: ObjectId
  readonly queue: string
  readonly id: string
  readonly element?: unknown
  /** The element as JSON text, if no document can have it. */
  readonly text?: string
  readonly state: "pending" | "completed" | "failed"
  /** How often it was taken. */
  readonly attempts: number
  /** When somebody may take it. */
  readonly visibleAt: Date
  /** Its place in the queue while it waits: who gives it back unused puts it there. */
  readonly place: Date
  /** Who works on it: another one for each attempt. */
  readonly lock: string | null
  readonly offeredAt: Date
  readonly settledAt?: Date
  readonly lastFailure?: string
}

/**
 * The value that was offered.
 *
 * @internal
 */
export const valueOf = ({ element, text }: Element): unknown => text === undefined ? element : JSON.parse(text)

/**
 * Inserts an element, unless its queue has one with this identifier.
 *
 * @internal
 */
export const inserting = (
  { _id, delay, element, id, name }: {
    readonly _id: ObjectId
    readonly name: string
    readonly id: string
    readonly element: unknown
    /** Milliseconds. */
    readonly delay: number
  }
): Array<Document> => {
  const at = delay > 0 ? dateIn(delay) : "$$NOW"
  return [{
    $replaceWith: {
      $cond: [
        { $eq: [{ $type: "$state" }, "missing"] },
        {
          _id,
          queue: { $literal: name },
          id: { $literal: id },
          ...(fitsDocument(element)
            ? { element: { $literal: element } }
            : { text: { $literal: JSON.stringify(element) } }),
          state: "pending",
          attempts: 0,
          visibleAt: at,
          place: at,
          lock: null,
          offeredAt: "$$NOW"
        },
        "$$ROOT"
      ]
    }
  }]
}

const isVisible = { $expr: { $lte: ["$visibleAt", "$$NOW"] } }
const isLeased = { $expr: { $gt: ["$visibleAt", "$$NOW"] } }

/**
 * The elements of a queue that wait, or are worked on.
 *
 * @internal
 */
export const pendingIn = (queue: string) => ({ queue, state: "pending" as const })

/**
 * The order of a queue.
 *
 * @internal
 */
export const inOrder = { visibleAt: 1, _id: 1 } as const

/**
 * The elements that may be taken.
 *
 * @internal
 */
export const free = (queue: string, maxAttempts: number) => ({
  ...pendingIn(queue),
  attempts: { $lt: maxAttempts },
  ...isVisible
})

/**
 * The elements whose last worker has died.
 *
 * @internal
 */
export const exhausted = (queue: string, maxAttempts: number) => ({
  ...pendingIn(queue),
  attempts: { $gte: maxAttempts },
  ...isVisible
})

/**
 * The element that somebody has taken, as long as the lease lasts.
 *
 * @internal
 */
export const takenBy = (queue: string, lock: string) => ({ ...pendingIn(queue), lock, ...isLeased })

/**
 * Takes an element for a time in milliseconds.
 *
 * @internal
 */
export const claiming = (lock: string, lease: number): Array<Document> => [
  { $set: { lock, attempts: { $add: ["$attempts", 1] }, visibleAt: dateIn(lease) } }
]

/**
 * Keeps what was taken for a time in milliseconds.
 *
 * @internal
 */
export const renewing = (lease: number): Array<Document> => [{ $set: { visibleAt: dateIn(lease) } }]

/**
 * Ends the work on an element for good.
 *
 * @internal
 */
export const settling = (state: "completed" | "failed", failure?: string): Array<Document> => [{
  $set: {
    state,
    lock: null,
    settledAt: "$$NOW",
    ...(failure === undefined ? {} : { lastFailure: { $literal: failure } })
  }
}]

/**
 * Ends the work on elements whose last worker has died.
 *
 * @internal
 */
export const givingUp: Array<Document> = [{
  $set: {
    state: "failed",
    lock: null,
    settledAt: "$$NOW",
    lastFailure: { $ifNull: ["$lastFailure", "the lease ran out in the last attempt"] }
  }
}]

/**
 * Puts an element at the end of those that wait, after a time in milliseconds.
 *
 * @internal
 */
export const retrying = (delay: number, failure: string): Array<Document> => {
  const at = delay > 0 ? dateIn(delay) : "$$NOW"
  return [{ $set: { lock: null, visibleAt: at, place: at, lastFailure: { $literal: failure } } }]
}

/**
 * Puts an element back to its place, as if nobody had taken it.
 *
 * @internal
 */
export const releasing: Array<Document> = [
  { $set: { lock: null, visibleAt: "$place", attempts: { $subtract: ["$attempts", 1] } } }
]

/**
 * The changes by which an element may have become visible: it was offered, or given back.
 *
 * @internal
 */
export const wakes: ReadonlyArray<Document> = [
  {
    $match: {
      $or: [
        { operationType: "insert" },
        {
          operationType: "update",
          "updateDescription.updatedFields.lock": { $type: "null" },
          "updateDescription.updatedFields.state": { $exists: false }
        }
      ]
    }
  },
  { $project: { operationType: 1, documentKey: 1, ns: 1, "fullDocument.queue": 1 } }
]
