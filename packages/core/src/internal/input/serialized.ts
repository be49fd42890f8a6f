/**
 * Documents that are already BSON. Bulk writes send the bytes; all other code sees the document in them.
 */
import * as Driver from "mongodb"

/** @internal */
export class SerializedDocument<Id> {
  /** The `_id` in the bytes, for the results and errors of inserts. */
  readonly _id: Id
  readonly bytes: Uint8Array

  constructor(bytes: Uint8Array, _id: Id) {
    this.bytes = bytes
    this._id = _id
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
