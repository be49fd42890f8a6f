/** Values through their stored form: as Extended JSON, and as bytes that are compared. */
import * as Driver from "mongodb"
import { sameElements } from "./binary.ts"

const exactTypes = { bsonRegExp: true, promoteValues: false } as const

/**
 * The canonical Extended JSON of a value that holds documents. Through its bytes, since Extended JSON alone would call
 * the double 1e10 an int64.
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
 * Whether two values are stored as the same bytes. A value that cannot be stored is the same as itself only.
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
