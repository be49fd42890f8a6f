/** What the schemas of BSON values share: recognising values, reading numbers and vectors, comparing stored bytes. */
import * as BigDecimal from "effect/BigDecimal"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as SchemaGetter from "effect/SchemaGetter"
import * as SchemaIssue from "effect/SchemaIssue"
import * as Driver from "mongodb"
import type { Numeric } from "../../Bson.ts"

// ---- recognising values

/** Every BSON value carries its major version under this symbol, whichever copy of bson made it. */
const versionSymbol = Symbol.for("@@mdb.bson.version")

const versionOf = (value: object): unknown => (value as { readonly [versionSymbol]?: unknown })[versionSymbol]

/** The serializer of the driver takes values of its own major version only. */
const version = versionOf(new Driver.MinKey())

interface BsonValues {
  readonly Binary: Driver.Binary
  readonly BSONRegExp: Driver.BSONRegExp
  readonly Code: Driver.Code
  readonly DBRef: Driver.DBRef
  readonly Decimal128: Driver.Decimal128
  readonly Double: Driver.Double
  readonly Int32: Driver.Int32
  readonly Long: Driver.Long
  readonly MaxKey: Driver.MaxKey
  readonly MinKey: Driver.MinKey
  readonly ObjectId: Driver.ObjectId
  readonly Timestamp: Driver.Timestamp
}

/**
 * Recognises a value as the serializer does, across copies of bson. An object that was parsed from JSON has no symbols,
 * so that no user input passes for a BSON value.
 *
 * @internal
 */
export const isBson = <Tag extends keyof BsonValues>(tag: Tag) => (u: unknown): u is BsonValues[Tag] =>
  typeof u === "object" && u !== null && (u as { readonly _bsontype?: unknown })._bsontype === tag &&
  versionOf(u) === version

/** @internal */
export const isBinary = isBson("Binary")

/** The dates of another realm have another constructor, but the same tag. */
const isAnyDate = (u: unknown): u is Date =>
  u instanceof Date ||
  typeof u === "object" && u !== null && Object.prototype.toString.call(u) === "[object Date]" && "getTime" in u

/** @internal */
export const isValidDate = (u: unknown): u is Date => isAnyDate(u) && !Number.isNaN(u.getTime())

/** @internal */
export const isRegExp = (u: unknown): u is RegExp =>
  u instanceof RegExp ||
  typeof u === "object" && u !== null && Object.prototype.toString.call(u) === "[object RegExp]" && "source" in u

const isView = <T extends ArrayBufferView>(name: string) => (u: unknown): u is T =>
  ArrayBuffer.isView(u) && Object.prototype.toString.call(u) === `[object ${name}]`

/** @internal */
export const isUint8Array = isView<Uint8Array>("Uint8Array")

/** @internal */
export const isFloat32Array = isView<Float32Array>("Float32Array")

/** @internal */
export const isInt8Array = isView<Int8Array>("Int8Array")

/** @internal */
export const isBits = (u: unknown): u is Int8Array => isInt8Array(u) && u.every((bit) => bit === 0 || bit === 1)

/** @internal */
export const isUuid = (u: unknown): u is Driver.UUID =>
  isBinary(u) && u.sub_type === 4 && u.position === 16 && "toHexString" in u

/** @internal */
export const isDBRef = (u: unknown): u is Driver.DBRef =>
  isBson("DBRef")(u) && typeof u.collection === "string" && isBson("ObjectId")(u.oid)

// ---- building schemas

/**
 * As `Schema.declare`, and says so when a value is of the right type but of a version that the driver does not write.
 *
 * @internal
 */
export const declare = <T>(
  is: (u: unknown) => u is T,
  annotations: Schema.Annotations.Declaration<T> & { readonly expected: string }
): Schema.declare<T> =>
  Schema.declareConstructor<T>()([], () => (input, ast, options) => {
    if (is(input)) return Effect.succeed(input)
    const found = typeof input === "object" && input !== null ? versionOf(input) : undefined
    return Effect.fail(
      typeof found === "number" && found !== version
        ? new SchemaIssue.InvalidValue(
          {
            message:
              `Expected ${annotations.expected} of bson ${version}, which the driver writes, and not of bson ${found}`
          },
          input,
          options
        )
        : new SchemaIssue.InvalidType(ast, input, options)
    )
  }, annotations) as Schema.declare<T>

/**
 * A getter for a function that gives `undefined`, or throws, for what it cannot convert.
 *
 * @internal
 */
export const convert = <A, B>(f: (input: A) => B | undefined, expected: string): SchemaGetter.Getter<B, A> =>
  SchemaGetter.transformEffect((input: A, options) => {
    const output = attempt(f, input)
    return output === undefined
      ? Effect.fail(new SchemaIssue.InvalidValue({ expected }, input, options))
      : Effect.succeed(output)
  })

const attempt = <A, B>(f: (input: A) => B | undefined, input: A): B | undefined => {
  try {
    return f(input)
  } catch {
    return undefined
  }
}

// ---- numbers

/** @internal */
export const isLong = isBson("Long")

const isWrappedNumber = (u: unknown): u is Driver.Int32 | Driver.Double => isBson("Int32")(u) || isBson("Double")(u)

/** @internal */
export const isNumeric = (u: unknown): u is Numeric =>
  typeof u === "number" || typeof u === "bigint" || isLong(u) || isWrappedNumber(u)

/** @internal */
export const int64Min = -(2n ** 63n)

/** @internal */
export const int64Max = 2n ** 63n - 1n

/** @internal */
export const isInt64 = (u: unknown): u is bigint => typeof u === "bigint" && u >= int64Min && u <= int64Max

/** The driver delivers int64 up to this bound, inclusive, as number: one more than the greatest safe integer. */
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
 * An unsigned Long is fine below 2^63, where its bits mean the same.
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
  // BSON has no negative zero among the int32.
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

/** The decimal as a coefficient and an exponent that a Decimal128 has place for: as it is, without zeros, or with more. */
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

// ---- binary data

/**
 * Binary data as the deserializer makes them.
 *
 * @internal
 */
export const makeBinary = (bytes: Uint8Array, subType: number): Driver.Binary =>
  subType === 4 && bytes.byteLength === 16 ? new Driver.UUID(bytes) : new Driver.Binary(bytes, subType)

/** @internal */
export const sameElements = <T extends Uint8Array | Int8Array | Float32Array>(a: T, b: T): boolean => {
  if (a.length !== b.length) return false
  for (let i = 0; i < a.length; i++) {
    // NaN is the same as NaN.
    if (a[i] !== b[i] && (a[i] === a[i] || b[i] === b[i])) return false
  }
  return true
}

/** @internal */
export const sameBinary = (a: Driver.Binary, b: Driver.Binary): boolean =>
  a.sub_type === b.sub_type && sameElements(a.value(), b.value())

const { Float32, Int8, PackedBit } = Driver.Binary.VECTOR_TYPE

/**
 * Whether the serializer of bson takes the value as a vector, and a reader can tell what its elements are.
 *
 * @internal
 */
export const isVector = (u: unknown): u is Driver.Binary => {
  if (!isBinary(u) || u.sub_type !== 9 || u.position < 2) return false
  const padding = u.buffer[1]
  switch (u.buffer[0]) {
    case Int8:
      return padding === 0
    case Float32:
      return padding === 0 && u.position % 4 === 2
    case PackedBit:
      return padding === 0 || padding <= 7 && u.position > 2
    default:
      return false
  }
}

const isVectorOf = (type: number) => (vector: Driver.Binary): boolean => vector.buffer[0] === type

/** @internal */
export const isFloat32 = isVectorOf(Float32)

/** @internal */
export const isInt8 = isVectorOf(Int8)

/** @internal */
export const isPackedBit = isVectorOf(PackedBit)

// ---- regular expressions

/** @internal */
export const isBSONRegExp = isBson("BSONRegExp")

/**
 * As bson reads and writes the flags: `g` stands for the option `s`. The flags `d`, `u` and `v` change nothing on the
 * server, and `y` has no counterpart.
 *
 * @internal
 */
export const toBSONRegExp = (regExp: Driver.BSONRegExp | RegExp): Driver.BSONRegExp | undefined => {
  if (isBSONRegExp(regExp)) return regExp
  const { dotAll, global, ignoreCase, multiline, source, sticky } = regExp
  if (sticky) return undefined
  return new Driver.BSONRegExp(source, `${ignoreCase ? "i" : ""}${multiline ? "m" : ""}${global || dotAll ? "s" : ""}`)
}

// ---- documents inside of values

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
  const bytes = attempt(() => [Driver.BSON.serialize({ a }), Driver.BSON.serialize({ a: b })] as const, undefined)
  return bytes !== undefined && sameElements(bytes[0], bytes[1])
}
