/**
 * Unpublished abilities of the driver's cursors. The driver's own change streams use some of them, but they resume by themselves without a
 * time limit, so mongofx cannot use those.
 */

import type * as Driver from "mongodb"
import { namesOf } from "../bson/names.ts"
import { makeReader, makeSlowReader } from "../bson/read.ts"
import { killCursor } from "./kill.ts"
import { type DeserializeOptions, insideCursor, type Member } from "./unpublished.ts"

/**
 * Opens a cursor on the server without asking for more than its first reply.
 *
 * @internal
 */
export const openOnServer = (cursor: Driver.AbstractCursor): Promise<void> => insideCursor(cursor).cursorInit()

/**
 * The position of a change stream after the last reply, if the server has given it.
 *
 * @internal
 */
export const postBatchResumeToken = (cursor: Driver.AbstractCursor): Driver.ResumeToken | undefined =>
  insideCursor(cursor).documents?.postBatchResumeToken ?? undefined

/**
 * The server that has the cursor, known from the first reply on.
 *
 * @internal
 */
export const serverOf = (cursor: Driver.AbstractCursor): Member | undefined => insideCursor(cursor).server

/**
 * The reader of a cursor.
 *
 * @internal
 */
export interface CursorOwner {
  /** Called when `getMore` has failed, before the driver closes the cursor. */
  readonly getMoreFailed: () => void
}

/**
 * Lets mongofx end a cursor on its server whenever the driver closes it, for any reason: the driver's own attempt would hide its failure.
 *
 * @internal
 */
export const takeOver = (client: Driver.MongoClient, cursor: Driver.AbstractCursor, owner: CursorOwner): void => {
  const inside = insideCursor(cursor)
  const { cleanup, getMore } = inside
  inside.getMore = async () => {
    try {
      return await getMore.call(cursor)
    } catch (cause) {
      owner.getMoreFailed()
      throw cause
    }
  }
  // Not async: most cursors have ended on their server, and need no more promises than the driver's own.
  inside.cleanup = (...args) => {
    const { id, namespace } = cursor
    const { cursorSession: session, isKilled, server } = inside
    if (isKilled || id?.isZero() !== false || server === undefined || session == null) {
      return cleanup.apply(cursor, args)
    }
    inside.isKilled = true
    return killCursor(client, server, session, namespace, id).then(() => cleanup.apply(cursor, args))
  }
}

/**
 * Keeps a cursor alive on its server when the driver closes it. False if the cursor has already been ended there.
 *
 * @internal
 */
export const keepOnServer = (cursor: Driver.AbstractCursor): boolean => {
  const inside = insideCursor(cursor)
  if (inside.isKilled) return false
  inside.isKilled = true
  return true
}

/**
 * Undoes `keepOnServer`.
 *
 * @internal
 */
export const endOnServer = (cursor: Driver.AbstractCursor): void => {
  insideCursor(cursor).isKilled = false
}

/**
 * The options with which the driver would read the documents of a cursor that delivers bytes.
 *
 * @internal
 */
export const readingOptions = (cursor: Driver.AbstractCursor): Driver.BSON.DeserializeOptions => {
  const options: DeserializeOptions = { ...insideCursor(cursor).deserializationOptions, raw: false }
  return options
}

/** A fast reader of fewer documents costs more than it saves. */
const few = 4

/**
 * Reads the documents that have arrived. The driver itself looks at every element of a document before it cuts it out or
 * deserializes it, which costs more than all the rest of a read of bytes (see benchmark/README.md of schema). So this takes them
 * directly from the reply, and reads them faster than bson does. The driver reads them itself if it keeps its replies in another way, or
 * marks what it has decrypted.
 *
 * @internal
 */
export const readBuffered = <A>(client: Driver.MongoClient, cursor: Driver.AbstractCursor<A>): Array<A> => {
  const { deserializationOptions: options, documents } = insideCursor(cursor)
  const asItIs = documents?.encryptedResponse === undefined && documents?.isExplain !== true
  const batch = asItIs ? documents?.batch : undefined
  if (
    options === undefined || documents === null || !(batch?.bson instanceof Uint8Array) ||
    !Array.isArray(batch.elements)
  ) {
    return cursor.readBufferedDocuments() as Array<A>
  }
  const { bson, elements } = batch
  const read = options.raw === true
    ? (start: number, length: number) => bson.subarray(start, start + length)
    : elements.length - documents.iterated < few
    ? makeSlowReader(bson, options)
    : makeReader(bson, options, namesOf(client, cursor.namespace.toString()))
  const all: Array<unknown> = []
  for (let i = documents.iterated; i < elements.length; i++) {
    const [, , , start, length] = elements[i] as (typeof elements)[number]
    all.push(read(start, length))
  }
  documents.clear()
  return all as Array<A>
}
