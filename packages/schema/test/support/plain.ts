/** Values without what a schema has checked already, for comparisons. */
import * as Driver from "mongodb"

/** Numbers are equal whatever their kind: the decoder has checked it. */
export const plain = (value: unknown): unknown => {
  if (typeof value === "bigint" || Driver.Long.isLong(value)) return Number(value)
  if (value instanceof Driver.Int32 || value instanceof Driver.Double) return value.valueOf()
  if (Array.isArray(value)) return value.map(plain)
  if (typeof value === "object" && value !== null && Object.getPrototypeOf(value) === Object.prototype) {
    return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, plain(each)]))
  }
  return value
}
