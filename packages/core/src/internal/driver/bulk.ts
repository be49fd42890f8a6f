/**
 * Bulk writes whose documents are already BSON. The driver serializes each operation once when it is added, and sends the bytes
 * that it has kept. Here the operations are added together with their existing bytes.
 */
import * as Driver from "mongodb"
import { isSerialized, type SerializedDocument } from "../bson/serialized.ts"
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

/** A batch to which operations are added, with the bytes of its last documents as long as they follow each other. */
interface Open {
  readonly batch: Driver.Batch
  source: Uint8Array | undefined
  start: number
  end: number
}

/** Ends the last piece of a batch. */
const flush = (open: Open): void => {
  const { batch, source } = open
  if (source === undefined) return
  batch.serializedOperations.push(source.subarray(open.start, open.end))
  open.source = undefined
}

/**
 * The batches of a bulk write, divided as the driver divides them. The driver sends a list of operations and pieces of bytes, one after
 * the other. Documents to insert that are neighbours in their bytes are one operation of it, which costs the driver much less. It looks at
 * single operations of a batch of inserts only for errors, to say which has failed, and mongofx does not use that.
 *
 * @internal
 */
export class Batches {
  readonly bulk: Bulk
  private readonly inside: NonNullable<BulkInside["s"]>
  private readonly ordered: boolean
  private readonly serialize: (document: Driver.Document) => Uint8Array
  /** The open batches: one if the writes are ordered, otherwise one of each kind. */
  private readonly open = new Map<Driver.BatchType, Open>()
  private readonly operations: Array<Driver.Document> = []
  private readonly inserts: Array<number> = []

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
    const { maxBsonObjectSize, maxKeySize } = this.inside
    const isPiece = kind === insertBatch && isSerialized(operation)
    const bytes = isPiece
      ? undefined
      : isReplacement(operation)
      ? statementBytes(operation, this.serialize)
      : this.serialize(operation)
    const size = isPiece ? operation.size : bytes!.length
    if (size >= maxBsonObjectSize) {
      throw new Driver.MongoInvalidArgumentError(`Document is larger than the maximum size ${maxBsonObjectSize}`)
    }
    const open = this.openFor(kind, size)
    const { batch } = open
    const index = this.operations.length
    if (isPiece && open.source === operation.source && open.end === operation.start) open.end = operation.end
    else {
      flush(open)
      batch.operations.push(operation)
      if (isPiece) {
        open.source = operation.source
        open.start = operation.start
        open.end = operation.end
      } else batch.serializedOperations.push(bytes!)
    }
    batch.originalIndexes.push(index)
    batch.size++
    batch.sizeBytes += maxKeySize + size
    if (kind === insertBatch) this.inserts.push(index)
    this.operations.push(operation)
  }

  private openFor(kind: Driver.BatchType, size: number): Open {
    const { batches, maxBatchSizeBytes, maxKeySize, maxWriteBatchSize } = this.inside
    const key = this.ordered ? insertBatch : kind
    const current = this.open.get(key)
    if (current !== undefined) {
      const { batch } = current
      const isFull = batch.size + 1 >= maxWriteBatchSize ||
        batch.size > 0 && batch.sizeBytes + maxKeySize + size >= maxBatchSizeBytes
      if (!isFull && batch.batchType === kind) return current
      flush(current)
      batches.push(batch)
    }
    const batch: Driver.Batch = {
      originalZeroIndex: this.operations.length,
      currentIndex: 0,
      originalIndexes: [],
      batchType: kind,
      operations: [],
      serializedOperations: [],
      size: 0,
      sizeBytes: 0
    }
    const open = { batch, source: undefined, start: 0, end: 0 }
    this.open.set(key, open)
    return open
  }

  /** Ends the batches after the last operation. The bulk may then be executed. */
  close(): void {
    for (const kind of kinds) {
      const open = this.open.get(kind)
      if (open === undefined) continue
      flush(open)
      this.inside.batches.push(open.batch)
    }
  }

  /** Adds what the driver does not know to its result, or to that of its error: the ids of all documents to insert. */
  complete({ insertedIds }: Driver.BulkWriteResult): void {
    for (const index of this.inserts) {
      const { _id } = this.operations[index]!
      this.inside.bulkResult.insertedIds.push({ index, _id })
      ;(insertedIds as Record<number, unknown>)[index] = _id
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
