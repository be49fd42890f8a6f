/**
 * Documents to insert, each with its `_id`, as the driver gets them: the caller's own are never changed.
 */
import * as Driver from "mongodb"

/**
 * Makes the `_id` of a document that has none; `undefined` where the server shall make it.
 *
 * @internal
 */
export type IdFactory = (() => unknown) | undefined

/**
 * What makes the `_id`s, as the options of the operation and of the client say.
 *
 * @internal
 */
export const idFactory = (client: Driver.MongoClient, options: object): IdFactory => {
  const { forceServerObjectId, pkFactory } = client.options as Driver.DbOptions
  const isServers = "forceServerObjectId" in options ? options.forceServerObjectId : forceServerObjectId
  if (isServers === true) return undefined
  return pkFactory === undefined ? () => new Driver.ObjectId() : () => pkFactory.createPk()
}

/** What is stored of a document. */
const storedOf = <A extends object>(document: A): A =>
  "toBSON" in document && typeof document.toBSON === "function" ? document.toBSON() as A : document

/**
 * The driver assigns a missing `_id`, or null, on the object it is given: it gets a copy. The copy has its `_id` from the start, and in
 * the first place: to add one later costs four times as much as the copy.
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
 * A copy for the bulk write of a client, in which the driver assigns `_id`, whether there is one or not.
 *
 * @internal
 */
export const copyOf = <A extends object>(document: A): A => ({ ...storedOf(document) })
