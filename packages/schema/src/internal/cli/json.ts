/**
 * Values of BSON for a pipeline, as relaxed Extended JSON.
 */
import type * as Schema from "effect/Schema"
import { BSON } from "mongodb"
import { isPlainObject } from "../plainObject.ts"

/** BSON would make null of it. */
const withoutUndefined = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(withoutUndefined)
  if (!isPlainObject(value)) return value
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, value]) => value === undefined ? [] : [[key, withoutUndefined(value)]])
  )
}

/**
 * Plain data that may hold values of BSON, as JSON: an `ObjectId` is `{ "$oid": "..." }`. What is `undefined` is left out.
 *
 * @internal
 */
export const extended = (value: unknown): Schema.Json =>
  BSON.EJSON.serialize({ value: withoutUndefined(value) }, { relaxed: true })["value"] as Schema.Json

/**
 * Plain data without values of BSON, as JSON: dates are texts.
 *
 * @internal
 */
export const plain = (value: unknown): Schema.Json => JSON.parse(JSON.stringify(value)) as Schema.Json
