/**
 * Numbers in replies, which BSON settings would turn into other types.
 */
import type * as Driver from "mongodb"

/**
 * Reads a number in a reply. With some BSON settings of the client it is an `Int32`, a `Double`, a `Long` or a bigint. A missing
 * number is 0.
 *
 * @internal
 */
export const numberOf = (value: unknown): number => typeof value === "number" ? value : Number(value ?? 0) || 0

/** The counts of the driver's results. */
const counts = ["insertedCount", "matchedCount", "modifiedCount", "deletedCount", "upsertedCount"] as const

/**
 * Makes the counts of a driver's result numbers, as its types promise, whatever the BSON settings.
 *
 * @internal
 */
export const counted = <A extends { readonly [Key in typeof counts[number]]?: number }>(result: A): A => {
  for (const key of counts) {
    const count: unknown = result[key]
    // The driver has made the result only for this call.
    if (typeof count === "object" || typeof count === "bigint") {
      ;(result as { [Key in typeof counts[number]]?: number })[key] = numberOf(count)
    }
  }
  return result
}

/**
 * BSON settings for a call in which the driver itself counts with numbers of the reply: it understands only numbers. Ids that are
 * 64-bit integers stay what they would be.
 *
 * @internal
 */
export const countable = (
  bson: Driver.BSONSerializeOptions,
  options: object
): Driver.BSONSerializeOptions =>
  ((options as Driver.BSONSerializeOptions).promoteValues ?? bson.promoteValues) === false
    ? { promoteValues: true, promoteLongs: false }
    : {}

/**
 * BSON settings for replies whose types promise numbers: directions and versions of indexes.
 *
 * @internal
 */
export const plainNumbers = { promoteValues: true, promoteLongs: true, useBigInt64: false } as const
