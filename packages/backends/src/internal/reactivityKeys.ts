/**
 * The keys of `Reactivity` for collections and their documents: what an event of a change stream invalidates.
 *
 * Two documents may have one key. That makes a query run once more than it has to, and does no other harm. What must not happen is that one document
 * has two keys.
 */
import type { Document } from "mongodb"

/** Stands for all documents of a collection, where the identifier of one would stand. */
const anyDocument = "*"

const numberText = (number: number): string => Number.isInteger(number) ? String(BigInt(number)) : String(number)

/** The server takes `NumberDecimal("1.0")` for the same identifier as 1. Whole ones are exact, since those of `Long` are. */
const decimalText = (text: string): string => {
  const [, whole, fraction = "", exponent = "0"] = /^(-?\d+)(?:\.(\d+))?(?:E\+(\d\d?))?$/.exec(text) ?? []
  const moved = Number(exponent)
  const digits = fraction.padEnd(moved, "0")
  return whole === undefined || /[^0]/.test(digits.slice(moved))
    ? numberText(Number(text))
    : String(BigInt(whole + digits.slice(0, moved)))
}

/** Bytes as text. 16 of them are a UUID, whatever their subtype: with `promoteBuffers` nobody knows that. */
const bytesText = (bytes: Uint8Array): string => {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  return bytes.length === 16
    ? text.toString("hex").replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-")
    : text.toString("base64")
}

/** Only values of BSON have it. A document may have a field `_bsontype`: other drivers can write one, and it must not end the change stream. */
const versionSymbol = Symbol.for("@@mdb.bson.version")

/** A value of BSON that is an object, or a document. */
interface Value {
  readonly _bsontype?: string
  readonly buffer?: Uint8Array
  readonly position?: number
  readonly toHexString?: () => string
  readonly toJSON?: () => unknown
}

/**
 * The text for an `_id`. Values that the server takes for the same identifier have the same text.
 *
 * @internal
 */
export const idText = (id: unknown): string => {
  if (typeof id === "number") return numberText(id)
  if (typeof id !== "object" || id === null) return String(id)
  if (id instanceof Uint8Array) return bytesText(id)
  if (Array.isArray(id)) return `[${id.map(idText).join(",")}]`
  const value: Value = id
  switch (versionSymbol in value ? value._bsontype : undefined) {
    case "ObjectId":
      return value.toHexString!()
    case "Binary":
      return bytesText(value.buffer!.subarray(0, value.position))
    case "Decimal128":
      return decimalText(String(value))
    case "Int32":
    case "Double":
      return numberText(Number(value))
    case "Long":
      return String(value)
  }
  if (typeof value.toJSON === "function") return idText(value.toJSON())
  return `{${Object.entries(value).map(([name, field]) => `${name}:${idText(field)}`).join(",")}}`
}

/**
 * The keys of a query that reads only some documents.
 *
 * @internal
 */
export const keysOfDocuments = (collection: string, ids: ReadonlyArray<unknown>): ReadonlyArray<string> =>
  [...ids.map(idText), anyDocument].map((id) => `${collection}:${id}`)

/**
 * The keys that invalidate every query of some collections.
 *
 * @internal
 */
export const allKeys = (collections: ReadonlyArray<string>): Record<string, ReadonlyArray<string>> =>
  Object.fromEntries(collections.map((collection) => [collection, [anyDocument]]))

/**
 * What is left of an event by `changesOf`.
 *
 * @internal
 */
export interface Change {
  readonly ns?: { readonly coll?: string }
  /** Of a rename: the new name. */
  readonly to?: { readonly coll?: string }
  /** Of a change of a document, and not of a drop or a rename. */
  readonly documentKey?: { readonly _id?: unknown }
}

/**
 * The pipeline of the change stream of a database that has the events of some collections. A rename makes another collection of the new name.
 *
 * @internal
 */
export const changesOf = (collections: ReadonlyArray<string>): ReadonlyArray<Document> => [
  { $match: { $or: [{ "ns.coll": { $in: collections } }, { "to.coll": { $in: collections } }] } },
  { $project: { ns: 1, to: 1, documentKey: 1 } }
]

/**
 * The keys that a batch of events invalidates.
 *
 * @internal
 */
export const keysOfChanges = (
  changes: ReadonlyArray<Change>,
  collections: ReadonlySet<string>
): Record<string, ReadonlyArray<string>> => {
  const keys = new Map<string, Set<string>>()
  for (const { documentKey, ns, to } of changes) {
    const id = documentKey === undefined ? anyDocument : idText(documentKey._id)
    for (const collection of [ns?.coll, to?.coll]) {
      if (collection === undefined || !collections.has(collection)) continue
      const ids = keys.get(collection) ?? new Set()
      keys.set(collection, ids.add(id))
    }
  }
  return Object.fromEntries([...keys].map(([collection, ids]) => [collection, [...ids]]))
}
