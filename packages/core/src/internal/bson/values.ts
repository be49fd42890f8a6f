/** Values in the bytes of documents, as the deserializer of bson reads them. `dv` is a view of the bytes `b`, `p` a position in both. */
import * as Driver from "mongodb"
import type { Bytes } from "./text.ts"

/**
 * A number of 64 bits, in which bits may be lost. It combines the halves as `Long` does.
 *
 * @internal
 */
export const readInt64 = (dv: DataView, p: number): number =>
  dv.getInt32(p + 4, true) * 4294967296 + dv.getUint32(p, true)

/** @internal */
export const readLong = (dv: DataView, p: number): Driver.Long =>
  new Driver.Long(dv.getInt32(p, true), dv.getInt32(p + 4, true))

/**
 * A number of 64 bits, or a `Long` if a number would lose bits.
 *
 * @internal
 */
export const readPromoted = (dv: DataView, p: number): number | Driver.Long => {
  const number = readInt64(dv, p)
  if (Number.isSafeInteger(number)) return number
  // The two numbers beside the safe integers lose nothing either.
  return Math.abs(number) === 2 ** 53 && dv.getInt32(p, true) === 0 ? number : readLong(dv, p)
}

/** @internal */
export const readTimestamp = (dv: DataView, p: number): Driver.Timestamp =>
  new Driver.Timestamp({ i: dv.getUint32(p, true), t: dv.getUint32(p + 4, true) })

/** @internal */
export const readDecimal128 = (b: Bytes, p: number): Driver.Decimal128 =>
  new Driver.Decimal128(Buffer.from(b.subarray(p, p + 16)))
