/** Converts numbers between JavaScript and BSON. A conversion gives `undefined` if the other side lacks the number. */
import * as BigDecimal from "effect/BigDecimal"
import * as Option from "effect/Option"
import * as Driver from "mongodb"
import type { Numeric } from "../../Bson.ts"
import { isBson } from "./values.ts"

/** @internal */
export const isLong = isBson("Long")

const isWrappedNumber = (u: unknown): u is Driver.Int32 | Driver.Double => isBson("Int32")(u) || isBson("Double")(u)

/** @internal */
export const isNumeric = (u: unknown): u is Numeric =>
  typeof u === "number" || typeof u === "bigint" || isLong(u) || isWrappedNumber(u)

const isDecimal128 = isBson("Decimal128")

/**
 * Whether a value is stored as a number.
 *
 * @internal
 */
export const isNumber = (u: unknown): boolean => isNumeric(u) || isDecimal128(u)

/** @internal */
export const int64Min = -(2n ** 63n)

/** @internal */
export const int64Max = 2n ** 63n - 1n

/** @internal */
export const isInt64 = (u: unknown): u is bigint => typeof u === "bigint" && u >= int64Min && u <= int64Max

/** The driver delivers an int64 up to this bound, inclusive, as a number: one more than the greatest safe integer. */
const maxPromoted = 2 ** 53

/** @internal */
export const toInt64 = (value: Numeric): bigint | undefined => {
  if (typeof value === "object") {
    return toInt64(isLong(value) ? value.toBigInt() : value.value)
  }
  if (typeof value === "number") {
    return Number.isInteger(value) && Math.abs(value) <= maxPromoted ? BigInt(value) : undefined
  }
  return isInt64(value) ? value : undefined
}

/** @internal */
export const toLong = (value: Numeric): Driver.Long | undefined => {
  if (isInt64Long(value)) return value
  const int64 = toInt64(value)
  return int64 === undefined ? undefined : Driver.Long.fromBigInt(int64)
}

/**
 * Whether a value is a Long in the range of int64. The bits of an unsigned Long below 2^63 mean the same.
 *
 * @internal
 */
export const isInt64Long = (u: unknown): u is Driver.Long => isLong(u) && (!u.unsigned || u.high >= 0)

/** @internal */
export const isInt32 = (u: unknown): u is number =>
  typeof u === "number" && Number.isInteger(u) && u >= -(2 ** 31) && u < 2 ** 31

/**
 * Whether the serializer stores the number as an int32.
 *
 * @internal
 */
export const isStoredAsInt32 = (value: number | Driver.Int32 | Driver.Double): boolean =>
  typeof value === "number" ? isInt32(value) && !Object.is(value, -0) : isBson("Int32")(value)

/** @internal */
export const toInt32 = (value: Numeric): number | undefined => {
  const number = toDouble(value)
  // An int32 has no negative zero.
  return isInt32(number) ? number + 0 : undefined
}

/** @internal */
export const toDouble = (value: Numeric): number | undefined => {
  if (typeof value === "number") return value
  if (typeof value === "object" && !isLong(value)) return value.value
  const int = typeof value === "bigint" ? value : value.toBigInt()
  const number = Number(int)
  return Number.isFinite(number) && BigInt(number) === int ? number : undefined
}

// ---- decimals

const maxDigits = 34
const minExponent = -6176
const maxExponent = 6111

const digitsOf = (value: bigint): number => `${value < 0n ? -value : value}`.length

/** The coefficient and exponent of a decimal that fit a Decimal128: as it is, or with fewer or more zeros at its end. */
const toParts = (decimal: BigDecimal.BigDecimal): readonly [coefficient: bigint, exponent: number] | undefined => {
  for (const { scale, value } of [decimal, BigDecimal.normalize(decimal)]) {
    const spare = maxDigits - digitsOf(value)
    if (spare < 0 || -scale < minExponent) continue
    if (-scale <= maxExponent) return [value, -scale]
    const zeros = -scale - maxExponent
    if (zeros <= spare) return [value * 10n ** BigInt(zeros), maxExponent]
  }
  return undefined
}

/** @internal */
export const isStorableDecimal = (u: unknown): u is BigDecimal.BigDecimal =>
  BigDecimal.isBigDecimal(u) && toParts(u) !== undefined

/** @internal */
export const toDecimal128 = (decimal: BigDecimal.BigDecimal): Driver.Decimal128 => {
  const [coefficient, exponent] = toParts(decimal)!
  return Driver.Decimal128.fromString(`${coefficient}E${exponent}`)
}

/** @internal */
export const fromDecimal128 = (decimal: Driver.Decimal128): BigDecimal.BigDecimal | undefined =>
  Option.getOrUndefined(BigDecimal.fromString(decimal.toString()))
