/** Encodes orders of documents and keys of indexes: they name fields, without values. */
import type * as Driver from "mongodb"
import type { Resolve } from "../path/resolve.ts"
import { isPlainObject } from "../plainObject.ts"
import { refuse } from "../refusal.ts"
import { plainObject } from "./arguments.ts"

const directions: ReadonlySet<unknown> = new Set([1, -1, "asc", "desc", "ascending", "descending"])

/**
 * Whether the server computes the value: how well a document matches the search of `$text`.
 *
 * @internal
 */
export const isMeta = (u: unknown): boolean =>
  isPlainObject(u) && u["$meta"] === "textScore" && Object.keys(u).length === 1

/** @internal */
export const metaName = (name: string, path: string): string =>
  name === "" || name === "_id" || name.includes(".") || name.startsWith("$")
    ? refuse(path, "cannot name a computed value: use a name other than _id, without dots and without $ at its start")
    : name

/**
 * Encodes the order of documents or of elements. Only documents can be sorted by a computed value.
 *
 * @internal
 */
export const encodeSort = (resolve: Resolve, sort: unknown, at = "sort", ofElements = false): Driver.Document => {
  const document = plainObject(sort, at)
  const out: Driver.Document = {}
  for (const name of Object.keys(document)) {
    const path = `${at}.${name}`
    const direction = document[name]
    if (!ofElements && isMeta(direction)) {
      out[metaName(name, path)] = { $meta: "textScore" }
      continue
    }
    if (!directions.has(direction)) refuse(path, "is not a direction: use 1, -1, asc or desc")
    out[resolve(name, path).key] = direction
  }
  return out
}

const indexTypes: ReadonlySet<unknown> = new Set([1, -1, "2d", "2dsphere", "text", "hashed"])

/** @internal */
export const encodeIndexKeys = (resolve: Resolve, keys: unknown, at = "keys"): Driver.Document => {
  const document = plainObject(keys, at)
  const out: Driver.Document = {}
  for (const name of Object.keys(document)) {
    const path = `${at}.${name}`
    if (!indexTypes.has(document[name])) {
      refuse(path, "is not a type of an index: use 1, -1, 2d, 2dsphere, text or hashed")
    }
    out[indexKey(resolve, name, path)] = document[name]
  }
  return out
}

/**
 * The stored name of a field of an index. `$**` stands for all fields, after a path for all below it.
 *
 * @internal
 */
export const indexKey = (resolve: Resolve, name: string, path: string): string => {
  if (name === "$**") return name
  return name.endsWith(".$**") ? `${resolve(name.slice(0, -4), path).key}.$**` : resolve(name, path).key
}
