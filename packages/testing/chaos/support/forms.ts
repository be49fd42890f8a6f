/**
 * The ways in which the instances consume the same events.
 */
import type { ChangeStream } from "@mongofx/core"

interface Form {
  /** More than one: instances share them, and order holds for each document. */
  readonly partitions: number
  /** Whether the handler's transaction has the checkpoint. */
  readonly isTransactional: boolean
}

export const forms = {
  plain: { partitions: 1, isTransactional: false },
  transaction: { partitions: 1, isTransactional: true },
  parts: { partitions: 6, isTransactional: false },
  partsTransaction: { partitions: 6, isTransactional: true }
} satisfies Readonly<Record<string, Form>>

export type FormName = keyof typeof forms

/** A document that is changed again and again: its number is that of the last event. */
export interface Counted {
  readonly _id: number
  readonly n: number
}

/** How many documents the events are about: event `n` changes document `n % documents`. */
export const documents = 24

/** The number of an event, if it is one of those that are counted. */
export const numberOf = (event: ChangeStream.ChangeEvent<Counted>): number | undefined =>
  event.operationType === "insert"
    ? event.fullDocument.n
    : event.operationType === "update"
    ? event.updateDescription.updatedFields?.n
    : undefined
