/**
 * Documents that are already BSON. Bulk writes send the bytes; all other code sees the document in them.
 */
import * as Driver from "mongodb"

/** @internal */
export class SerializedDocument<Id> {
  /** The `_id` in the bytes, for the results and errors of inserts. */
  readonly _id: Id
  /** The bytes of the document are these from `start` to `end`. */
  readonly source: Uint8Array
  readonly start: number
  readonly end: number

  constructor(source: Uint8Array, _id: Id, start = 0, end = source.length) {
    this._id = _id
    this.source = source
    this.start = start
    this.end = end
  }

  /** The size of the document in bytes. */
  get size(): number {
    return this.end - this.start
  }

  /** The bytes of the document alone. */
  get bytes(): Uint8Array {
    return this.source.subarray(this.start, this.end)
  }

  /** The document, with values that BSON writes exactly as they were. */
  toBSON(): Driver.Document {
    return Driver.BSON.deserialize(this.bytes, { promoteValues: false, promoteLongs: false, bsonRegExp: true })
  }
}

/** @internal */
export const isSerialized = (document: unknown): document is SerializedDocument<unknown> =>
  document instanceof SerializedDocument

/**
 * Returns a document as an object, even if it was BSON.
 *
 * @internal
 */
export const withoutBytes = <A>(document: A): A => isSerialized(document) ? document.toBSON() as A : document
