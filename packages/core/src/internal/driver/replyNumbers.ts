/**
 * Numbers of replies, which the settings of BSON would make something else of.
 */
import type * as Driver from "mongodb"

/**
 * A number of a reply. It is an `Int32`, a `Double`, a `Long` or a bigint where the client's settings of BSON say so; what is
 * missing is 0.
 *
 * @internal
 */
export const numberOf = (value: unknown): number => typeof value === "number" ? value : Number(value ?? 0) || 0

/** The counts of the driver's results. */
const counts = ["insertedCount", "matchedCount", "modifiedCount", "deletedCount", "upsertedCount"] as const

/**
 * A result of the driver's with counts that are numbers, whatever the settings of BSON: its types promise them.
 *
 * @internal
 */
export const counted = <A extends { readonly [Key in typeof counts[number]]?: number }>(result: A): A => {
  for (const key of counts) {
    const count: unknown = result[key]
    // The driver has made the result for this call alone.
    if (typeof count === "object" || typeof count === "bigint") {
      ;(result as { [Key in typeof counts[number]]?: number })[key] = numberOf(count)
    }
  }
  return result
}

/**
 * Settings of BSON for a call whose reply the driver itself counts with: it understands numbers only. Ids that are 64-bit
 * integers stay what they would be.
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
 * Settings of BSON for what the server says of itself, whose numbers the types promise: directions and versions of indexes.
 *
 * @internal
 */
export const plainNumbers = { promoteValues: true, promoteLongs: true, useBigInt64: false } as const
