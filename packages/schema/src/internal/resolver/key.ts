/** Keys of stored values: two values have the same key if the server finds them equal. */
import * as Driver from "mongodb"
import { isBinary, isBson, isRegExp, isUint8Array, toBSONRegExp } from "../bson/values.ts"
import { isPlainObject } from "../plainObject.ts"

const isDecimal128 = isBson("Decimal128")
const isLong = isBson("Long")
const isNumberObject = (u: unknown): u is { readonly value: number } => isBson("Int32")(u) || isBson("Double")(u)
const isObjectId = isBson("ObjectId")

/** A number as its digits and a power of ten. */
const decimal = (digits: bigint, exponent: number): string => {
  if (digits === 0n) return "#0"
  const text = String(digits)
  const kept = text.replace(/0+$/, "")
  return `#${kept}e${exponent + text.length - kept.length}`
}

const mantissaBits = 2n ** 52n

/** The exact value of a double: one of a decimal is equal to it only if all digits are. */
const double = (value: number): string => {
  if (!Number.isFinite(value)) return `#${value}`
  if (Number.isInteger(value)) return decimal(BigInt(value), 0)
  const view = new DataView(new ArrayBuffer(8))
  view.setFloat64(0, value)
  const bits = view.getBigUint64(0)
  const biased = Number(bits >> 52n & 0x7ffn)
  const mantissa = (bits & mantissaBits - 1n) + (biased === 0 ? 0n : mantissaBits)
  // A fraction has a negative power of two: m / 2^n is m * 5^n / 10^n.
  const n = 1075 - Math.max(biased, 1)
  return decimal((value < 0 ? -mantissa : mantissa) * 5n ** BigInt(n), -n)
}

const ofDecimal128 = (value: Driver.Decimal128): string => {
  const text = value.toString()
  const parts = /^(-?)(\d+)(?:\.(\d*))?(?:E([+-]?\d+))?$/i.exec(text)
  if (parts === null) return text === "-Infinity" ? "#-Infinity" : text === "Infinity" ? "#Infinity" : "#NaN"
  const [, sign, whole, fraction = "", exponent = "0"] = parts
  return decimal(BigInt(`${sign}${whole}${fraction}`), Number(exponent) - fraction.length)
}

const { compare } = new Intl.Collator("en", { sensitivity: "base" })

/** Letters that differ to every collation, sorted. Those of other scripts come when they are met. */
const bases = [..."0123456789abcdefghijklmnopqrstuvwxyz"]
  .concat("aa ae ao au av ay db dz ll ls lz oe oo qp ss th ts tz vy zw".split(" "))
  .sort(compare)

const baseOfLetter = new Map<string, string>()

/** The letters that a collation may take for this one: `ss` for a sharp s, hiragana for katakana. */
const baseOf = (letter: string): string => {
  let base = baseOfLetter.get(letter)
  if (base === undefined) {
    let [low, high] = [0, bases.length]
    while (low < high) {
      const middle = low + high >> 1
      if (compare(bases[middle]!, letter) < 0) low = middle + 1
      else high = middle
    }
    if (low === bases.length || compare(bases[low]!, letter) !== 0) bases.splice(low, 0, letter)
    baseOfLetter.set(letter, base = bases[low]!)
  }
  return base
}

/** Letters of which no collation takes two for one: Chinese characters. */
const isHan = /\p{Script=Han}/u

/** German phonebooks take `ue` for an umlaut, and Danish `aa` for its ring. Both are without their marks here. */
const withoutUmlauts = (letters: string): string => letters.replace(/(?<=[aou])e|(?<=a)a/g, "")

/** Text without what a collation may ignore: case, marks, width, punctuation, forms of letters, and zeros before a number. */
const fold = (text: string): string => {
  if (/^[a-z]*$/.test(text)) return withoutUmlauts(text)
  const lower = text.normalize("NFKD").toLowerCase()
  const letters = lower.replace(/[^\p{L}\p{N}]/gu, "")
    .replace(/[^a-z0-9]/gu, (letter) => isHan.test(letter) ? letter : baseOf(letter))
    .replace(/(?<!\p{N})0+(?=\p{N})/gu, "")
  return letters === "" ? lower : withoutUmlauts(letters)
}

const isOfBson = (u: unknown): boolean => typeof u === "object" && u !== null && "_bsontype" in u

/** Whether a value with all that is inside of it may be stored. */
const isStorable = (value: unknown): boolean =>
  typeof value === "object"
    ? value === null || isOfBson(value) || value instanceof Date || isRegExp(value) || isUint8Array(value) ||
      (Array.isArray(value) ? value.every(isStorable) : isPlainObject(value) && Object.values(value).every(isStorable))
    : typeof value !== "function" && typeof value !== "symbol"

type Text = (text: string) => string

const key = (value: unknown, text: Text): string => {
  switch (typeof value) {
    case "string":
      return `"${text(value)}`
    case "number":
      return Number.isSafeInteger(value) && value % 10 !== 0 ? `#${value}e0` : double(value)
    case "bigint":
      return decimal(value, 0)
    case "boolean":
      return String(value)
    case "undefined":
      return "null"
  }
  if (isObjectId(value)) return value.toHexString()
  if (value === null) return "null"
  if (isLong(value)) return decimal(value.toBigInt(), 0)
  if (isNumberObject(value)) return key(value.value, text)
  if (isDecimal128(value)) return ofDecimal128(value)
  if (isBinary(value)) return `binary ${value.sub_type} ${Buffer.from(value.value()).toString("base64")}`
  if (isUint8Array(value)) return `binary 0 ${Buffer.from(value).toString("base64")}`
  if (value instanceof Date) return `date ${value.getTime()}`
  if (Array.isArray(value)) return JSON.stringify(value.map((item) => key(item, text)))
  // The order of fields counts.
  if (isPlainObject(value)) {
    return `object ${JSON.stringify(Object.entries(value).map(([name, field]) => [name, key(field, text)]))}`
  }
  const other = isRegExp(value) ? toBSONRegExp(value) : value
  return `other ${Driver.BSON.EJSON.stringify(other, { relaxed: false })}`
}

const asItIs: Text = (text) => text

/**
 * The key of a stored value by the simple collation.
 *
 * @internal
 */
export const keyOf = (value: unknown): string => key(value, asItIs)

/**
 * What tells any values apart: the key of one that BSON can hold, and others themselves, which Effect compares. Their fields may
 * not show what they are.
 *
 * @internal
 */
export const comparable = (value: unknown): unknown => isStorable(value) ? keyOf(value) : value

/**
 * A key that values also share if only the collation of their collection could make them equal.
 *
 * @internal
 */
export const looseKeyOf = (value: unknown): string => typeof value === "string" ? `"${fold(value)}` : key(value, fold)
