/**
 * Documents to insert, as bulk writes send them: checked and written as bytes in one pass where they may be bytes, otherwise checked and
 * copied.
 */
import { isSerialized, type SerializedDocument } from "../bson/serialized.ts"
import { writePlain } from "../bson/write.ts"
import type { WriteBuffer } from "../bson/writeBuffer.ts"
import { type IdFactory, withOwnId } from "./ownId.ts"

const isPlain = (u: unknown): u is Record<string, unknown> => {
  if (typeof u !== "object" || u === null) return false
  const prototype: unknown = Object.getPrototypeOf(u)
  return prototype === Object.prototype || prototype === null
}

/**
 * A document to insert with its `_id`, made if it has none. `check` refuses a document that cannot be stored as it is.
 *
 * @internal
 */
export const writtenInsert = <A extends object>(
  document: A,
  makeId: IdFactory,
  buffer: WriteBuffer | undefined,
  check: (document: A) => void
): A | SerializedDocument<unknown> => {
  if (isSerialized(document)) return document
  let idOf = makeId
  if (buffer !== undefined && isPlain(document)) {
    const { _id } = document
    let written: SerializedDocument<unknown> | undefined
    if (_id !== undefined && _id !== null) written = buffer.write(writePlain, document, _id, false)
    else if (!("_id" in document)) {
      // No second id if the document has to be copied.
      const id = makeId?.()
      idOf = makeId && (() => id)
      written = buffer.write(writePlain, document, id, makeId !== undefined)
    }
    if (written !== undefined) return written
  }
  check(document)
  return withOwnId(document, idOf)
}
