/** Converts values to Extended JSON and compares them by their bytes, both through their stored form. */
import * as Driver from "mongodb"
import { sameElements } from "./binary.ts"

const exactTypes = { bsonRegExp: true, promoteValues: false } as const

/**
 * The canonical Extended JSON of a value that holds documents. It goes through the bytes of the value, since the library
 * would otherwise write the double 1e10 as an int64.
 *
 * @internal
 */
export const toExtendedJson = (value: unknown): unknown =>
  Driver.BSON.EJSON.serialize(
    Driver.BSON.deserialize(Driver.BSON.serialize({ value }), exactTypes),
    { relaxed: false }
  )["value"]

/** @internal */
export const fromExtendedJson = (json: unknown): unknown =>
  Driver.BSON.EJSON.deserialize({ value: json }, { relaxed: false }).value

/**
 * Whether two values are stored as the same bytes. A value that cannot be stored equals only itself.
 *
 * @internal
 */
export const sameStored = (a: unknown, b: unknown): boolean => {
  if (a === b) return true
  try {
    return sameElements(Driver.BSON.serialize({ a }), Driver.BSON.serialize({ a: b }))
  } catch {
    return false
  }
}
