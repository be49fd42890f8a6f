/**
 * Documents that are BSON already. Bulk writes send the bytes; whatever else gets such a document sees the document in them.
 */
import * as Driver from "mongodb"

/** @internal */
export class SerializedDocument<Id> {
  /** The `_id` that the bytes have, for the results and errors of inserts. */
  readonly _id: Id
  readonly bytes: Uint8Array

  constructor(bytes: Uint8Array, _id: Id) {
    this.bytes = bytes
    this._id = _id
  }

  /** The document, with values that BSON writes as they were. */
  toBSON(): Driver.Document {
    return Driver.BSON.deserialize(this.bytes, { promoteValues: false, promoteLongs: false, bsonRegExp: true })
  }
}

/** @internal */
export const isSerialized = (document: unknown): document is SerializedDocument<unknown> =>
  document instanceof SerializedDocument

/**
 * A document that was BSON, as an object.
 *
 * @internal
 */
export const withoutBytes = <A>(document: A): A => isSerialized(document) ? document.toBSON() as A : document

/**
 * The document as one that was read.
 *
 * @internal
 */
export const readDocument = ({ bytes }: SerializedDocument<unknown>): Driver.Document => Driver.BSON.deserialize(bytes)
