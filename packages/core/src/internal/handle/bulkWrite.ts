/**
 * The bulk writes of a collection: the result without operations, upserts with the right indexes, and documents as bytes.
 */
import type * as Driver from "mongodb"
import { isSerialized, withoutBytes } from "../bson/serialized.ts"
import { type Batches, batchesOf, type Bulk, insertBatch, mayTakeBytes } from "../driver/bulk.ts"
import { hasTopology } from "../driver/topology.ts"

/**
 * The result of a bulk write without operations, which the driver would refuse.
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
  // The class has a private member, so no other value has its type.
  return members as Driver.BulkWriteResult
}

/** The driver's number of the type of batches with updates and replacements. */
const updateBatch: Driver.BatchType = 2

/**
 * The index of an upsert among all writes. The driver has computed the sum of two positions: that of the batch's first write, and that in
 * the batch. Batches of updates follow each other, so only one batch fits.
 */
const upsertIndex = (computed: number, updates: ReadonlyArray<Driver.Batch>): number => {
  let batch: Driver.Batch | undefined
  for (const update of updates) if (update.originalZeroIndex <= computed) batch = update
  return batch?.originalIndexes[computed - batch.originalZeroIndex] ?? computed
}

/** Corrects the indexes of upserts in the driver's own result. */
const placeUpserts = (result: Driver.BulkWriteResult, updates: ReadonlyArray<Driver.Batch>): void => {
  const ids: Record<number, unknown> = {}
  for (const upsert of result.getRawResponse()["upserted"] as Array<{ index: number; readonly _id: unknown }>) {
    upsert.index = upsertIndex(upsert.index, updates)
    ids[upsert.index] = upsert._id
  }
  ;(result as { upsertedIds: Record<number, unknown> }).upsertedIds = ids
}

/** Connects the user's own client, which may not be connected yet, and then cannot make a bulk write. */
const connected = async (client: Driver.MongoClient): Promise<void> => {
  if (!hasTopology(client)) await client.db("admin").command({ ping: 1 })
}

/** The driver's result of a bulk write that has failed, if it has one. */
const resultIn = (error: unknown): Driver.BulkWriteResult | undefined => {
  const result: unknown = (error as { readonly result?: unknown } | undefined)?.result
  return typeof result === "object" && result !== null && "upsertedIds" in result
    ? result as Driver.BulkWriteResult
    : undefined
}

/** Executes a bulk write, and lets `correct` change its result, or that of its error. */
const executed = async (
  bulk: Bulk,
  options: Driver.BulkWriteOptions,
  correct: (result: Driver.BulkWriteResult, isError: boolean) => void
): Promise<Driver.BulkWriteResult> => {
  try {
    const result = await bulk.execute(options)
    correct(result, false)
    return result
  } catch (error) {
    const result = resultIn(error)
    if (result !== undefined) correct(result, true)
    throw error
  }
}

/**
 * Corrects the results of an unordered bulk write. The driver sorts the writes into batches by their kinds, and counts upserts from the
 * first write of their batch on.
 */
const placingUpserts = (bulk: Bulk): (result: Driver.BulkWriteResult) => void => {
  const updates = bulk.batches.filter((batch) => batch.batchType === updateBatch)
  return (result) => placeUpserts(result, updates)
}

const writeUnordered = async (
  client: Driver.MongoClient,
  collection: Driver.Collection,
  models: ReadonlyArray<Driver.AnyBulkWriteOperation>,
  options: Driver.BulkWriteOptions
): Promise<Driver.BulkWriteResult> => {
  await connected(client)
  const bulk = collection.initializeUnorderedBulkOp(options)
  for (const model of models) bulk.raw(model)
  return executed(bulk, options, placingUpserts(bulk))
}

interface Written {
  readonly bulk: Bulk
  readonly result: Driver.BulkWriteResult
}

/** Writes models whose documents are bytes, with the driver's bulk; `undefined` if the driver needs the documents themselves. */
const writeBytes = async (
  client: Driver.MongoClient,
  collection: Driver.Collection,
  options: Driver.BulkWriteOptions,
  fill: (batches: Batches) => void,
  needsIds: boolean
): Promise<Written | undefined> => {
  if (!mayTakeBytes(client)) return undefined
  await connected(client)
  const ordered = options.ordered !== false
  const batches = batchesOf(collection, ordered, options)
  if (batches === undefined) return undefined
  fill(batches)
  batches.close()
  const { bulk } = batches
  const place = ordered ? undefined : placingUpserts(bulk)
  const result = await executed(bulk, options, (result, isError) => {
    place?.(result)
    if (isError || needsIds) batches.complete(result)
  })
  return { bulk, result }
}

/** Returns a model with its document as an object. */
const modelWithoutBytes = (model: Driver.AnyBulkWriteOperation): Driver.AnyBulkWriteOperation => {
  if ("insertOne" in model) return { insertOne: { document: withoutBytes(model.insertOne.document) } }
  if (!("replaceOne" in model)) return model
  return { replaceOne: { ...model.replaceOne, replacement: withoutBytes(model.replaceOne.replacement) } }
}

const hasBytes = (model: Driver.AnyBulkWriteOperation): boolean =>
  "insertOne" in model
    ? isSerialized(model.insertOne.document)
    : "replaceOne" in model && isSerialized(model.replaceOne.replacement)

/**
 * Writes one or more models.
 *
 * @internal
 */
export const bulkWrite = async (
  client: Driver.MongoClient,
  collection: Driver.Collection,
  models: Array<Driver.AnyBulkWriteOperation>,
  options: Driver.BulkWriteOptions
): Promise<Driver.BulkWriteResult> => {
  let all = models
  if (models.some(hasBytes)) {
    const written = await writeBytes(client, collection, options, (batches) => {
      for (const model of models) {
        if ("insertOne" in model && isSerialized(model.insertOne.document)) {
          batches.add(insertBatch, model.insertOne.document)
        } else batches.bulk.raw(model)
      }
    }, true)
    if (written !== undefined) return written.result
    all = models.map(modelWithoutBytes)
  }
  return options.ordered === false
    ? writeUnordered(client, collection, all, options)
    : collection.bulkWrite(all, options)
}

/**
 * Inserts one or more documents, some of which may be bytes.
 *
 * @internal
 */
export const insertMany = async (
  client: Driver.MongoClient,
  collection: Driver.Collection,
  documents: Array<Driver.Document>,
  options: Driver.BulkWriteOptions
): Promise<Driver.InsertManyResult> => {
  if (!documents.some(isSerialized)) return collection.insertMany(documents, options)
  const written = await writeBytes(client, collection, options, (batches) => {
    for (const document of documents) batches.add(insertBatch, document)
  }, false)
  if (written === undefined) return collection.insertMany(documents.map(withoutBytes), options)
  const insertedIds: Record<number, unknown> = {}
  for (let index = 0; index < documents.length; index++) insertedIds[index] = documents[index]!["_id"]
  return {
    acknowledged: written.bulk.writeConcern?.w !== 0,
    insertedCount: written.result.insertedCount,
    insertedIds: insertedIds as Driver.InsertManyResult["insertedIds"]
  }
}
