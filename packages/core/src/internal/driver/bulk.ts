/**
 * Bulk writes whose documents are already BSON. The driver serializes each operation once when it is added, and sends the bytes
 * that it has kept. Here the operations are added together with their existing bytes.
 */
import * as Driver from "mongodb"
import { isSerialized, type SerializedDocument } from "../input/serialized.ts"
import { type BulkInside, insideBulk, insideClient } from "./unpublished.ts"

/** @internal */
export type Bulk = Driver.OrderedBulkOperation | Driver.UnorderedBulkOperation

/** The driver's numbers of the kinds of batches, in the order in which it sends the last batches of an unordered bulk. */
const kinds: ReadonlyArray<Driver.BatchType> = [1, 2, 3]

/** @internal */
export const insertBatch: Driver.BatchType = 1

/**
 * Whether a client may send bytes: neither encryption, command events nor the log needs the documents.
 *
 * @internal
 */
export const mayTakeBytes = (client: Driver.MongoClient): boolean =>
  client.options.autoEncryption === undefined && client.options.monitorCommands !== true &&
  insideClient(client).mongoLogger?.willLog("command", "debug") !== true

/** A statement of an update, as the driver makes it: `q` and `u` come first. */
interface Statement {
  readonly q: Driver.Document
  readonly u: SerializedDocument<unknown>
}

const isReplacement = (operation: object): operation is Statement => "u" in operation && isSerialized(operation.u)

const empty = 5

/** The bytes of a statement: those of its other fields around those of its document. */
const statementBytes = (
  { q, u: { bytes }, ...others }: Statement,
  serialize: (document: Driver.Document) => Uint8Array
): Uint8Array => {
  const before = serialize({ q })
  const after = serialize(others)
  const out = Buffer.allocUnsafe(before.length + 3 + bytes.length + after.length - empty)
  out.set(before)
  let at = before.length - 1
  out[at++] = 3
  out[at++] = 117
  out[at++] = 0
  out.set(bytes, at)
  out.set(after.subarray(4), at + bytes.length)
  out.writeInt32LE(out.length)
  return out
}

/**
 * The batches of a bulk write, divided as the driver divides them.
 *
 * @internal
 */
export class Batches {
  readonly bulk: Bulk
  private readonly inside: NonNullable<BulkInside["s"]>
  private readonly ordered: boolean
  private readonly serialize: (document: Driver.Document) => Uint8Array
  /** The open batches: one if the writes are ordered, otherwise one of each kind. */
  private readonly open = new Map<Driver.BatchType, Driver.Batch>()
  private count = 0

  constructor(bulk: Bulk, inside: NonNullable<BulkInside["s"]>, ordered: boolean) {
    this.bulk = bulk
    this.inside = inside
    this.ordered = ordered
    this.serialize = (document) => Driver.BSON.serialize(document, { ignoreUndefined: true })
    // The operations that the driver makes of models come here too.
    bulk.addToOperationsList = (kind, operation) => {
      this.add(kind, operation)
      return bulk
    }
  }

  /** Adds an operation in the form in which the driver keeps it: a document to insert, or a statement. */
  add(kind: Driver.BatchType, operation: Driver.Document): void {
    const { bulkResult, maxBsonObjectSize, maxKeySize } = this.inside
    const bytes = isSerialized(operation)
      ? operation.bytes
      : isReplacement(operation)
      ? statementBytes(operation, this.serialize)
      : this.serialize(operation)
    if (bytes.length >= maxBsonObjectSize) {
      throw new Driver.MongoInvalidArgumentError(`Document is larger than the maximum size ${maxBsonObjectSize}`)
    }
    const batch = this.batchFor(kind, bytes.length)
    batch.operations.push(operation)
    batch.serializedOperations.push(bytes)
    batch.originalIndexes.push(this.count)
    batch.size++
    batch.sizeBytes += maxKeySize + bytes.length
    if (kind === insertBatch) bulkResult.insertedIds.push({ index: this.count, _id: operation["_id"] })
    this.count++
  }

  private batchFor(kind: Driver.BatchType, size: number): Driver.Batch {
    const { batches, maxBatchSizeBytes, maxKeySize, maxWriteBatchSize } = this.inside
    const key = this.ordered ? insertBatch : kind
    const current = this.open.get(key)
    if (current !== undefined) {
      const isFull = current.size + 1 >= maxWriteBatchSize ||
        current.size > 0 && current.sizeBytes + maxKeySize + size >= maxBatchSizeBytes
      if (!isFull && current.batchType === kind) return current
      batches.push(current)
    }
    const batch: Driver.Batch = {
      originalZeroIndex: this.count,
      currentIndex: 0,
      originalIndexes: [],
      batchType: kind,
      operations: [],
      serializedOperations: [],
      size: 0,
      sizeBytes: 0
    }
    this.open.set(key, batch)
    return batch
  }

  /** Ends the batches after the last operation. The bulk may then be executed. */
  close(): void {
    for (const kind of kinds) {
      const batch = this.open.get(kind)
      if (batch !== undefined) this.inside.batches.push(batch)
    }
  }
}

const isNumber = (value: unknown): boolean => typeof value === "number"

const openBulk = (collection: Driver.Collection, ordered: boolean, options: Driver.BulkWriteOptions): Bulk =>
  ordered ? collection.initializeOrderedBulkOp(options) : collection.initializeUnorderedBulkOp(options)

/** The answers of `keepsBytes` for the driver's two kinds of bulks. */
const known = new WeakMap<object, boolean>()

/** Whether the driver keeps the bytes of the operations of a bulk. It tries that once for a kind, with a bulk that is never sent. */
const keepsBytes = (bulk: Bulk, collection: Driver.Collection, ordered: boolean): boolean => {
  const kind = Object.getPrototypeOf(bulk) as object
  let keeps = known.get(kind)
  if (keeps === undefined) {
    const probe = openBulk(collection, ordered, {})
    const document = { _id: 0 }
    probe.addToOperationsList(insertBatch, document)
    const [kept]: ReadonlyArray<unknown> = probe.batches[0]?.serializedOperations ?? []
    keeps = kept instanceof Uint8Array && Buffer.compare(kept, Driver.BSON.serialize(document)) === 0
    known.set(kind, keeps)
  }
  return keeps
}

/**
 * The batches of a new bulk write. `undefined` if the driver needs the documents, or does not keep bytes in the known way.
 *
 * @internal
 */
export const batchesOf = (
  collection: Driver.Collection,
  ordered: boolean,
  options: Driver.BulkWriteOptions
): Batches | undefined => {
  const bulk = openBulk(collection, ordered, options)
  const { s: inside } = insideBulk(bulk)
  const { ignoreUndefined, serializeFunctions } = bulk.bsonOptions
  if (
    inside === undefined || inside.usingAutoEncryption !== false || inside.checkKeys !== false ||
    ignoreUndefined !== true || serializeFunctions === true || !Array.isArray(inside.batches) ||
    !Array.isArray(inside.bulkResult?.insertedIds) ||
    ![inside.maxBsonObjectSize, inside.maxBatchSizeBytes, inside.maxKeySize, inside.maxWriteBatchSize].every(isNumber)
  ) return undefined
  return keepsBytes(bulk, collection, ordered) ? new Batches(bulk, inside, ordered) : undefined
}
