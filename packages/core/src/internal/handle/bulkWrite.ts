/**
 * The bulk write of a collection: its result where there is nothing to write, and one whose upserts have the right indexes.
 */
import type * as Driver from "mongodb"
import { hasTopology } from "../driver/topology.ts"

/**
 * What a bulk write has done that had nothing to do. The driver refuses it.
 *
 * @internal
 */
export const nothingWritten = (): Driver.BulkWriteResult => {
  const raw = {
    ok: 1,
    writeErrors: [],
    writeConcernErrors: [],
    insertedIds: [],
    nInserted: 0,
    nUpserted: 0,
    nMatched: 0,
    nModified: 0,
    nRemoved: 0,
    upserted: []
  }
  const members: { readonly [Key in keyof Driver.BulkWriteResult]: Driver.BulkWriteResult[Key] } = {
    insertedCount: 0,
    matchedCount: 0,
    modifiedCount: 0,
    deletedCount: 0,
    upsertedCount: 0,
    upsertedIds: {},
    insertedIds: {},
    ok: 1,
    getUpsertedIdAt: () => undefined,
    getRawResponse: () => raw,
    hasWriteErrors: () => false,
    getWriteErrorCount: () => 0,
    getWriteErrorAt: () => undefined,
    getWriteErrors: () => [],
    getWriteConcernError: () => undefined,
    toString: () => "BulkWriteResult(0 writes)",
    isOk: () => true
  }
  // The class has a private member, so that nothing else has its type.
  return members as Driver.BulkWriteResult
}

/** The driver's number for batches of updates and replacements. */
const updateBatch: Driver.BatchType = 2

/**
 * The index of a write among all, after the one that the driver has computed for its upsert: the place of the first write of the
 * batch, and the place in the batch. Batches of updates follow each other, so it can be of one only.
 */
const upsertIndex = (computed: number, updates: ReadonlyArray<Driver.Batch>): number => {
  let batch: Driver.Batch | undefined
  for (const update of updates) if (update.originalZeroIndex <= computed) batch = update
  return batch?.originalIndexes[computed - batch.originalZeroIndex] ?? computed
}

/** Puts the indexes of upserts right, in the driver's own result. */
const placeUpserts = (result: Driver.BulkWriteResult, updates: ReadonlyArray<Driver.Batch>): void => {
  const ids: Record<number, unknown> = {}
  for (const upsert of result.getRawResponse()["upserted"] as Array<{ index: number; readonly _id: unknown }>) {
    upsert.index = upsertIndex(upsert.index, updates)
    ids[upsert.index] = upsert._id
  }
  ;(result as { upsertedIds: Record<number, unknown> }).upsertedIds = ids
}

/**
 * An unordered bulk write, as the driver does it. The driver sorts the writes into batches by their kinds, and counts upserts
 * from the first write of their batch on: here their indexes are put right, in the result and in that of the error.
 */
const writeUnordered = async (
  client: Driver.MongoClient,
  collection: Driver.Collection,
  models: ReadonlyArray<Driver.AnyBulkWriteOperation>,
  options: Driver.BulkWriteOptions
): Promise<Driver.BulkWriteResult> => {
  // A client of the user's own may not be connected yet, and then makes no bulk.
  if (!hasTopology(client)) await client.db("admin").command({ ping: 1 })
  const bulk = collection.initializeUnorderedBulkOp(options)
  for (const model of models) bulk.raw(model)
  const updates = bulk.batches.filter((batch) => batch.batchType === updateBatch)
  try {
    const result = await bulk.execute(options)
    placeUpserts(result, updates)
    return result
  } catch (error) {
    const result: unknown = (error as { readonly result?: unknown } | undefined)?.result
    if (typeof result === "object" && result !== null && "upsertedIds" in result) {
      placeUpserts(result as Driver.BulkWriteResult, updates)
    }
    throw error
  }
}

/**
 * Writes models, of which there is one at the least.
 *
 * @internal
 */
export const bulkWrite = (
  client: Driver.MongoClient,
  collection: Driver.Collection,
  models: Array<Driver.AnyBulkWriteOperation>,
  options: Driver.BulkWriteOptions
): Promise<Driver.BulkWriteResult> =>
  options.ordered === false
    ? writeUnordered(client, collection, models, options)
    : collection.bulkWrite(models, options)
