/**
 * Gives each document to insert its `_id`, in a copy for the driver. The caller's documents are never changed.
 */
import * as Driver from "mongodb"

/**
 * Makes the `_id` of a document without one; `undefined` when the server makes it.
 *
 * @internal
 */
export type IdFactory = (() => unknown) | undefined

/**
 * Returns what makes the `_id`s, as the options of the operation and of the client say.
 *
 * @internal
 */
export const idFactory = (client: Driver.MongoClient, options: object): IdFactory => {
  const { forceServerObjectId, pkFactory } = client.options as Driver.DbOptions
  const isServers = "forceServerObjectId" in options ? options.forceServerObjectId : forceServerObjectId
  if (isServers === true) return undefined
  return pkFactory === undefined ? () => new Driver.ObjectId() : () => pkFactory.createPk()
}

/** What the server stores of a document. */
const storedOf = <A extends object>(document: A): A =>
  "toBSON" in document && typeof document.toBSON === "function" ? document.toBSON() as A : document

/**
 * Returns a copy with an `_id`, since the driver would assign a missing or null `_id` on the caller's object. The copy has its `_id`
 * from the start, as its first field: to add it later costs four times as much as the copy.
 *
 * @internal
 */
export const withOwnId = <A extends object>(document: A, makeId: IdFactory): A => {
  if ("_id" in document && document._id !== undefined && document._id !== null) return document
  const stored = storedOf(document)
  if (makeId === undefined) return { ...stored }
  return "_id" in stored ? { ...stored, _id: stored._id ?? makeId() } : { _id: makeId(), ...stored }
}

/**
 * Returns a copy for the bulk write of a client: the driver assigns `_id` there even if the document has one.
 *
 * @internal
 */
export const copyOf = <A extends object>(document: A): A => ({ ...storedOf(document) })
