/** Reads all documents of a collection, or a sample of them, as the bytes that the server sends. */
import { Integration, type MongoCollection, type Query } from "@mongofx/core"
import * as Effect from "effect/Effect"
import type * as Driver from "mongodb"
import { positiveInteger } from "./encode/arguments.ts"

/** @internal */
export interface Scan {
  readonly query: Query.Query<Driver.Document>
  /** How many documents there are to read, by the metadata of the collection; undefined where that does not tell. */
  readonly total: Effect.Effect<number | undefined>
}

/**
 * The reading of a collection. The filter is what the server gets. Refuses a sample that is not a positive integer.
 *
 * @internal
 */
export const scan = (
  collection: MongoCollection.MongoCollection,
  filter: Driver.Document | undefined,
  sample: number | undefined
): Scan => {
  const query = sample === undefined
    ? collection.find(filter)
    : collection.aggregate([
      ...(filter === undefined ? [] : [{ $match: filter }]),
      { $sample: { size: positiveInteger(sample, "options.sample") } }
    ])
  return { query, total: filter === undefined ? counted(collection, sample) : Effect.undefined }
}

/** How many documents to work off without a break. */
const partSize = 512

/**
 * Works off a batch in parts, and lets other fibers run between them: a batch may hold tens of thousands of documents.
 *
 * @internal
 */
export const inParts = <A, R>(
  batch: ReadonlyArray<A>,
  f: (part: ReadonlyArray<A>) => Effect.Effect<void, never, R>
): Effect.Effect<void, never, R> => {
  const from = (start: number): Effect.Effect<void, never, R> =>
    Effect.flatMap(f(batch.slice(start, start + partSize)), () =>
      start + partSize >= batch.length
        ? Effect.void
        : Effect.flatMap(Effect.yieldNow, () => from(start + partSize)))
  return Effect.suspend(() => from(0))
}

/** The number only shows progress: a failure leaves it open. Inside of a transaction a failure would spoil the transaction. */
const counted = (
  collection: MongoCollection.MongoCollection,
  sample: number | undefined
): Effect.Effect<number | undefined> =>
  Effect.flatMap(Integration.ambient(collection), ({ inTransaction }) =>
    inTransaction
      ? Effect.undefined
      : Effect.match(collection.estimatedDocumentCount(), {
        onFailure: () => undefined,
        onSuccess: (count) => Math.min(count, sample ?? Number.POSITIVE_INFINITY)
      }))
