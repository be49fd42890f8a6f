/**
 * Schemas of the BSON values that the driver reads and writes, with generators and Extended JSON.
 *
 * Each schema has the driver's values on its encoded side: a schema of a document encodes to what the driver stores. The
 * annotation `bsonType`, on both sides, holds the name of the type in MongoDB's `$jsonSchema`. The schemas recognise values
 * by tag and version instead of class. Values may come from another copy of bson with the major version that the driver
 * writes.
 *
 * `Schema.toCodecJson` turns them into Extended JSON v2. It encodes to the canonical form, which keeps every type, and
 * decodes the relaxed form as well. To write the relaxed form, encode to BSON first and pass the result to the driver:
 * `BSON.EJSON.stringify(document, { relaxed: true })`.
 *
 * @since 0.1.0
 */
import * as Decimal from "effect/BigDecimal"
import * as Schema from "effect/Schema"
import * as SchemaGetter from "effect/SchemaGetter"
import * as Driver from "mongodb"
import * as Generators from "./internal/bson/arbitrary.ts"
import * as BinaryData from "./internal/bson/binary.ts"
import * as Declare from "./internal/bson/declare.ts"
import * as ExtendedJson from "./internal/bson/extendedJson.ts"
import * as Numbers from "./internal/bson/numbers.ts"
import * as Values from "./internal/bson/values.ts"

declare module "effect/Schema" {
  namespace Annotations {
    interface Annotations {
      /** The type, or the types, under which MongoDB stores a value of the schema, as `$jsonSchema` names them. */
      readonly bsonType?: BsonType | ReadonlyArray<BsonType> | undefined
    }
  }
}

/**
 * The names of the BSON types in the `bsonType` of MongoDB's `$jsonSchema` and in its `$type` operator. `number` stands for
 * `int`, `long`, `double` and `decimal`.
 *
 * **Example** (Annotating a schema)
 *
 * ```ts
 * import { Schema } from "effect"
 * import type { Bson } from "@mongofx/schema"
 *
 * const bsonType: Bson.BsonType = "string"
 * const Email = Schema.String.annotate({ bsonType })
 * ```
 *
 * @see {@link Filter.Operators} for `$type` in filters
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export type BsonType = keyof typeof Driver.BSONType | "number"

/**
 * A number in any form that the driver takes or delivers. The options `promoteValues`, `promoteLongs` and `useBigInt64`
 * decide the form that it delivers for an int32, an int64 and a double.
 *
 * @see {@link Int64} for a schema that takes all of them
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export type Numeric = number | bigint | Driver.Long | Driver.Int32 | Driver.Double

// ---- Extended JSON: the shapes, and how each becomes a value

const json = <T>() =>
<S extends Schema.Constraint>(
  shape: S,
  expected: string,
  decode: (json: S["Type"]) => T | undefined,
  encode: (value: T) => S["Type"] | undefined
) =>
() => Schema.link<T>()(shape, { decode: Declare.convert(decode, expected), encode: Declare.convert(encode, expected) })

const text = (pattern: globalThis.RegExp, expected: string) =>
  Schema.String.check(Schema.isPattern(pattern, { expected }))

const Hex24 = text(/^[0-9a-fA-F]{24}$/u, "24 hex digits")

// The longest int64 has 20 characters. BigInt takes time with long strings.
const IntegerText = text(/^-?[0-9]{1,20}$/u, "an integer as text")

const DoubleText = text(
  /^(?:NaN|-?Infinity|[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)$/u,
  "a number as text"
)

const numberJson = (plain: Schema.Codec<number>, expected: string) =>
  json<Numeric>()(
    Schema.Union([
      Schema.Struct({ $numberInt: IntegerText }),
      Schema.Struct({ $numberLong: IntegerText }),
      Schema.Struct({ $numberDouble: DoubleText }),
      plain
    ]),
    expected,
    (json) => {
      if (typeof json === "number") return json
      if ("$numberDouble" in json) return new Driver.Double(Number(json.$numberDouble))
      if ("$numberLong" in json) return Numbers.toLong(BigInt(json.$numberLong))
      const int32 = Numbers.toInt32(BigInt(json.$numberInt))
      return int32 === undefined ? undefined : new Driver.Int32(int32)
    },
    (value) => {
      if (typeof value === "bigint" || Numbers.isLong(value)) return { $numberLong: value.toString() }
      const number = Number(value)
      if (Numbers.isStoredAsInt32(value)) return { $numberInt: number.toString() }
      if (Object.is(number, -0)) return { $numberDouble: "-0.0" }
      return { $numberDouble: Number.isInteger(number) ? number.toFixed(1) : number.toString() }
    }
  )

const BinaryJson = Schema.Struct({
  $binary: Schema.Struct({
    base64: text(/^[A-Za-z0-9+/]*={0,2}$/u, "base64"),
    subType: text(/^[0-9a-fA-F]{1,2}$/u, "a subtype of one or two hex digits")
  })
})

const binaryFromJson = ({ $binary: { base64, subType } }: typeof BinaryJson.Type): Driver.Binary | undefined =>
  base64.length % 4 === 0
    ? BinaryData.makeBinary(Driver.Binary.createFromBase64(base64).value(), Number.parseInt(subType, 16))
    : undefined

const binaryToJson = (binary: Driver.Binary): typeof BinaryJson.Type => ({
  $binary: { base64: binary.toString("base64"), subType: binary.sub_type.toString(16).padStart(2, "0") }
})

const JsonDocument = Schema.Record(Schema.String, Schema.Json)

/** Links values that hold documents to Extended JSON. The driver converts what is inside. */
const documentJson = <S extends Schema.Constraint, T>(shape: S, expected: string, is: (u: unknown) => u is T) => () =>
  Schema.link<T>()(shape, {
    decode: Declare.convert((json: S["Type"]) => {
      const value = ExtendedJson.fromExtendedJson(json)
      return is(value) ? value : undefined
    }, expected),
    encode: Declare.convert(
      (value: T): S["Type"] => ExtendedJson.toExtendedJson(value),
      "a value that can be stored"
    )
  })

const inspect = () => (value: { inspect(): string }): string => value.inspect()

// ---- ObjectId

/**
 * The type of the schema `ObjectId`.
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface ObjectId extends Schema.declare<Driver.ObjectId> {
  /** The type of the schema after `annotate` and `check`. */
  readonly "Rebuild": ObjectId
}

/**
 * An ObjectId.
 *
 * **Details**
 *
 * The Extended JSON is `{ "$oid": "507f1f77bcf86cd799439011" }`.
 *
 * **Example** (One type of identifier for each collection)
 *
 * ```ts
 * import { Bson } from "@mongofx/schema"
 * import { Schema } from "effect"
 * import { ObjectId } from "mongodb"
 *
 * const UserId = Bson.ObjectId.pipe(Schema.brand("UserId"))
 * const User = Schema.Struct({ _id: UserId, name: Schema.String })
 *
 * const ada = Schema.decodeUnknownSync(User)({ _id: new ObjectId(), name: "Ada" })
 * ```
 *
 * @see {@link ObjectIdFromHex} for identifiers in URLs and JSON
 * @stability unstable
 * @category schemas
 * @since 0.1.0
 */
export const ObjectId: ObjectId = Declare.declare(Values.isBson("ObjectId"), {
  expected: "an ObjectId",
  bsonType: "objectId",
  toCodecJson: json<Driver.ObjectId>()(
    Schema.Struct({ $oid: Hex24 }),
    "an ObjectId",
    ({ $oid }) => Driver.ObjectId.createFromHexString($oid),
    (id) => ({ $oid: id.toHexString() })
  ),
  toCodecArbitrary: Generators.objectId,
  toEquivalence: () => (a, b) => a.equals(b),
  toFormatter: inspect
})

/**
 * The type of the schema `ObjectIdFromHex`.
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface ObjectIdFromHex extends Schema.decodeTo<ObjectId, Schema.String> {
  /** The type of the schema after `annotate` and `check`. */
  readonly "Rebuild": ObjectIdFromHex
}

/**
 * An ObjectId written as 24 hex digits: in a URL, a JSON body, a command line.
 *
 * **Details**
 *
 * Decoding takes capital and small letters, encoding gives small ones.
 *
 * **Gotchas**
 *
 * Its encoded side is a string. Use `ObjectId` in stored documents.
 *
 * **Example** (Reading an identifier from a URL)
 *
 * ```ts
 * import { Bson } from "@mongofx/schema"
 * import { Schema } from "effect"
 *
 * const decode = Schema.decodeUnknownEffect(Bson.ObjectIdFromHex)
 *
 * const id = decode("507f1f77bcf86cd799439011")
 * const error = decode("507f1f77")
 * ```
 *
 * @see {@link ObjectId} for identifiers in stored documents
 * @stability unstable
 * @category schemas
 * @since 0.1.0
 */
export const ObjectIdFromHex: ObjectIdFromHex = Hex24.pipe(Schema.decodeTo(ObjectId, {
  decode: SchemaGetter.transform((hex: string) => Driver.ObjectId.createFromHexString(hex)),
  encode: SchemaGetter.transform((id: Driver.ObjectId) => id.toHexString())
}))

// ---- Date

/**
 * The type of the schema `Date`.
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface Date extends Schema.declare<globalThis.Date> {
  /** The type of the schema after `annotate` and `check`. */
  readonly "Rebuild": Date
}

/**
 * A valid Date, to the millisecond.
 *
 * **Details**
 *
 * `Schema.Date` has the same values on both sides and works in a document as well. This schema adds the annotation
 * `bsonType`. It takes a Date of another realm, such as the sandbox of a test runner. Its generator reaches both ends of the
 * range. Its JSON is Extended JSON, `{ "$date": { "$numberLong": "0" } }`, where `Schema.Date` has a plain ISO string. It
 * also decodes the relaxed form `{ "$date": "1970-01-01T00:00:00Z" }`.
 *
 * **Gotchas**
 *
 * BSON holds dates beyond the range of a JavaScript Date. The driver delivers them as an invalid Date, which the schema
 * refuses.
 *
 * **Example** (A date with a bound)
 *
 * ```ts
 * import { Bson } from "@mongofx/schema"
 * import { Schema } from "effect"
 *
 * const Born = Bson.Date.check(Schema.isGreaterThanDate(new Date("1900-01-01")))
 * ```
 *
 * @see {@link Timestamp} for the times that the server hands out
 * @stability unstable
 * @category schemas
 * @since 0.1.0
 */
export const Date: Date = Declare.declare(Values.isValidDate, {
  expected: "a valid Date",
  bsonType: "date",
  toCodecJson: json<globalThis.Date>()(
    Schema.Struct({
      $date: Schema.Union([
        Schema.Struct({ $numberLong: IntegerText }),
        text(
          /^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,9})?(?:Z|[+-][0-9]{2}:[0-9]{2})$/u,
          "a date and time of ISO 8601"
        )
      ])
    }),
    "a date that JavaScript can represent",
    ({ $date }) => {
      const date = new globalThis.Date(typeof $date === "string" ? $date : Number($date.$numberLong))
      return Values.isValidDate(date) ? date : undefined
    },
    (date) => ({ $date: { $numberLong: date.getTime().toString() } })
  ),
  toCodecArbitrary: Generators.date,
  toEquivalence: () => (a, b) => a.getTime() === b.getTime(),
  toFormatter: () => (date) => date.toISOString()
})

// ---- numbers

const numeric = (bsonType: BsonType, expected: string, plain: Schema.Codec<number>) =>
  Declare.declare(Numbers.isNumeric, { bsonType, expected, toCodecJson: numberJson(plain, expected) })

const int64Range = "an integer from -2^63 to 2^63 - 1"

/** A number beyond the safe integers was stored as a double. The server gives one where a computation leaves the range of int64. */
const int64Expected = (found: unknown): string =>
  typeof found === "number" && Math.abs(found) > 2 ** 53
    ? `${int64Range}, and not a double: a sum or a product of int64 that overflows is one`
    : int64Range

// JSON.parse rounds integers beyond the safe ones, so a plain JSON number must be a safe integer.
const Int64Numeric = numeric("long", "an int64", Schema.Int)

/**
 * The type of the schema `Long`.
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface Long extends Schema.decodeTo<Schema.declare<Driver.Long>, Schema.declare<Numeric>> {
  /** The type of the schema after `annotate` and `check`. */
  readonly "Rebuild": Long
}

/**
 * An int64, as the driver's class `Long`.
 *
 * **When to use**
 *
 * Use it where the code around it works with `Long`.
 *
 * **Details**
 *
 * Decoding takes the same numbers as `Int64`. Encoding gives a `Long`, which is stored as an int64. The Extended JSON is
 * `{ "$numberLong": "1" }`.
 *
 * **Example** (Decoding a number that the driver has promoted)
 *
 * ```ts
 * import { Bson } from "@mongofx/schema"
 * import { Schema } from "effect"
 *
 * const views = Schema.decodeUnknownSync(Bson.Long)(12)
 * views.add(1).toString() // => "13"
 * ```
 *
 * @see {@link Int64} for an int64 as a bigint
 * @stability unstable
 * @category schemas
 * @since 0.1.0
 */
export const Long: Long = Int64Numeric.pipe(Schema.decodeTo(
  Declare.declare(Numbers.isInt64Long, {
    expected: "a signed Long of 64 bits",
    bsonType: "long",
    toCodecArbitrary: Generators.long,
    toEquivalence: () => (a, b) => a.equals(b),
    toFormatter: inspect
  }),
  {
    decode: Declare.convert(Numbers.toLong, int64Expected),
    encode: SchemaGetter.transform((long: Driver.Long): Numeric => long)
  }
))

/**
 * The type of the schema `Int64`.
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface Int64 extends Schema.decodeTo<Schema.declare<bigint>, Schema.declare<Numeric>> {
  /** The type of the schema after `annotate` and `check`. */
  readonly "Rebuild": Int64
}

/**
 * An int64, as a bigint.
 *
 * **Details**
 *
 * By default the driver delivers an int64 as a number up to 2^53 and as a `Long` beyond. With `promoteLongs: false` it
 * always delivers a `Long`, with `useBigInt64` always a bigint. Decoding takes all of these. It also takes an integer that is
 * stored as an int32 or a double, since the driver delivers all three as numbers. It refuses numbers beyond 2^53, which may
 * have been rounded. Encoding gives a `Long`, which is stored as an int64. The Extended JSON is `{ "$numberLong": "1" }`;
 * decoding also takes a plain JSON number that is a safe integer.
 *
 * **Example** (A counter that outgrows the safe integers)
 *
 * ```ts
 * import { Bson } from "@mongofx/schema"
 * import { Schema } from "effect"
 *
 * const Page = Schema.Struct({ url: Schema.String, views: Bson.Int64 })
 *
 * Schema.decodeUnknownSync(Page)({ url: "/", views: 12 }).views // => 12n
 * ```
 *
 * @see {@link Long} for an int64 as the driver's class
 * @see {@link Int32} for integers of 32 bits
 * @stability unstable
 * @category schemas
 * @since 0.1.0
 */
export const Int64: Int64 = Int64Numeric.pipe(Schema.decodeTo(
  Declare.declare(Numbers.isInt64, {
    expected: `a bigint: ${int64Range}`,
    bsonType: "long",
    toCodecArbitrary: Generators.int64
  }),
  {
    decode: Declare.convert(Numbers.toInt64, int64Expected),
    encode: SchemaGetter.transform((int: bigint): Numeric => Driver.Long.fromBigInt(int))
  }
))

/**
 * The type of the schema `Int32`.
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface Int32 extends Schema.decodeTo<Schema.declare<number>, Schema.declare<Numeric>> {
  /** The type of the schema after `annotate` and `check`. */
  readonly "Rebuild": Int32
}

/**
 * An int32, as a number.
 *
 * **Details**
 *
 * Decoding takes any number that the driver delivers if it is an integer in range. Encoding gives the driver's class
 * `Int32`, so the stored type is certain. The Extended JSON is `{ "$numberInt": "1" }`; decoding also takes a plain JSON
 * number.
 *
 * **Gotchas**
 *
 * Negative zero is stored, and decoded, as zero.
 *
 * **Example** (An age)
 *
 * ```ts
 * import { Bson } from "@mongofx/schema"
 * import { Schema } from "effect"
 *
 * const Age = Bson.Int32.check(Schema.isBetween({ minimum: 0, maximum: 150 }))
 * ```
 *
 * @see {@link Int64} for larger integers
 * @see {@link Double} for fractions
 * @stability unstable
 * @category schemas
 * @since 0.1.0
 */
export const Int32: Int32 = numeric("int", "an int32", Schema.Int).pipe(Schema.decodeTo(
  Declare.declare(Numbers.isInt32, {
    expected: "an integer from -2^31 to 2^31 - 1",
    bsonType: "int",
    toCodecArbitrary: Generators.int32
  }),
  {
    decode: Declare.convert(Numbers.toInt32, "an integer from -2^31 to 2^31 - 1"),
    encode: SchemaGetter.transform((int: number): Numeric => new Driver.Int32(int))
  }
))

/**
 * The type of the schema `Double`.
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface Double extends Schema.decodeTo<Schema.declare<number>, Schema.declare<Numeric>> {
  /** The type of the schema after `annotate` and `check`. */
  readonly "Rebuild": Double
}

/**
 * A double, as a number: fractions, NaN, the infinities and negative zero.
 *
 * **When to use**
 *
 * Use it for measured values. The driver stores the plain number 1 as an int32 and 1.5 as a double; a field of this schema
 * always holds doubles.
 *
 * **Details**
 *
 * Decoding takes any number that the driver delivers if a double holds it exactly. Encoding gives the driver's class
 * `Double`. The Extended JSON is `{ "$numberDouble": "1.0" }`; decoding also takes a plain JSON number.
 *
 * **Example** (Storing 21 as a double)
 *
 * ```ts
 * import { Bson } from "@mongofx/schema"
 * import { Schema } from "effect"
 *
 * const Reading = Schema.Struct({ sensor: Schema.String, celsius: Bson.Double })
 *
 * const document = Schema.encodeSync(Reading)({ sensor: "roof", celsius: 21 })
 * ```
 *
 * @see {@link BigDecimal} for exact decimals, such as money
 * @stability unstable
 * @category schemas
 * @since 0.1.0
 */
export const Double: Double = numeric("double", "a double", Schema.Finite).pipe(Schema.decodeTo(
  Declare.declare((u): u is number => typeof u === "number", {
    expected: "a number",
    bsonType: "double",
    toCodecArbitrary: Generators.double
  }),
  {
    decode: Declare.convert(Numbers.toDouble, "a number that a double holds exactly"),
    encode: SchemaGetter.transform((number: number): Numeric => new Driver.Double(number))
  }
))

/**
 * The type of the schema `Decimal128`.
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface Decimal128 extends Schema.declare<Driver.Decimal128> {
  /** The type of the schema after `annotate` and `check`. */
  readonly "Rebuild": Decimal128
}

/**
 * A decimal number of up to 34 digits, as the driver's class `Decimal128`.
 *
 * **Details**
 *
 * The Extended JSON is `{ "$numberDecimal": "1.50" }`. Two values are equivalent when they are written alike. `1.5` and
 * `1.50` are different, although MongoDB compares them as equal.
 *
 * **Example** (An amount of money)
 *
 * ```ts
 * import { Bson } from "@mongofx/schema"
 * import { Schema } from "effect"
 * import { Decimal128 } from "mongodb"
 *
 * const Item = Schema.Struct({ name: Schema.String, price: Bson.Decimal128 })
 *
 * const item = Item.make({ name: "Tea", price: Decimal128.fromString("3.50") })
 * ```
 *
 * @see {@link BigDecimal} for decimals to compute with
 * @stability unstable
 * @category schemas
 * @since 0.1.0
 */
export const Decimal128: Decimal128 = Declare.declare(Values.isBson("Decimal128"), {
  expected: "a Decimal128",
  bsonType: "decimal",
  toCodecJson: json<Driver.Decimal128>()(
    Schema.Struct({ $numberDecimal: DoubleText }),
    "a number of at most 34 digits, in the range of Decimal128",
    ({ $numberDecimal }) => Driver.Decimal128.fromString($numberDecimal),
    (decimal) => ({ $numberDecimal: decimal.toString() })
  ),
  toCodecArbitrary: Generators.decimal128,
  toEquivalence: () => (a, b) => a.toString() === b.toString(),
  toFormatter: inspect
})

/**
 * The type of the schema `BigDecimal`.
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface BigDecimal extends Schema.decodeTo<Schema.declare<Decimal.BigDecimal>, Decimal128> {
  /** The type of the schema after `annotate` and `check`. */
  readonly "Rebuild": BigDecimal
}

/**
 * Effect's `BigDecimal`, stored as a Decimal128: for money and other exact numbers.
 *
 * **Details**
 *
 * Zeros at the end stay as far as the 34 digits reach: `3.50` is stored as `3.50`. `$inc`, `$mul` and comparisons take it.
 * The Extended JSON is `{ "$numberDecimal": "3.50" }`.
 *
 * **Gotchas**
 *
 * A Decimal128 has 34 digits. The schema refuses a `BigDecimal` with more, such as the result of a division: round it first.
 * NaN and the infinities of Decimal128 do not decode. Its negative zero decodes as zero.
 *
 * **Example** (Adding to a balance)
 *
 * ```ts
 * import { Bson } from "@mongofx/schema"
 * import { BigDecimal, Schema } from "effect"
 *
 * const Account = Schema.Struct({ _id: Bson.ObjectId, balance: Bson.BigDecimal })
 *
 * const add = (account: typeof Account.Type, amount: string) => ({
 *   ...account,
 *   balance: BigDecimal.sum(account.balance, BigDecimal.fromStringUnsafe(amount))
 * })
 * ```
 *
 * @see {@link Decimal128} for the driver's own class
 * @stability unstable
 * @category schemas
 * @since 0.1.0
 */
export const BigDecimal: BigDecimal = Decimal128.pipe(Schema.decodeTo(
  Declare.declare(Numbers.isStorableDecimal, {
    expected: "a BigDecimal of at most 34 digits, in the range of Decimal128",
    bsonType: "decimal",
    toCodecArbitrary: Generators.bigDecimal,
    toEquivalence: () => Decimal.Equivalence,
    toFormatter: () => (decimal) => `BigDecimal(${Decimal.format(decimal)})`
  }),
  {
    decode: Declare.convert(Numbers.fromDecimal128, "a finite Decimal128"),
    encode: SchemaGetter.transform(Numbers.toDecimal128)
  }
))

// ---- binary data

/**
 * The type of the schema `Binary`.
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface Binary extends Schema.declare<Driver.Binary> {
  /** The type of the schema after `annotate` and `check`. */
  readonly "Rebuild": Binary
}

/**
 * Binary data of any subtype, as the driver's class `Binary`. The driver's `UUID` is a `Binary` too.
 *
 * **When to use**
 *
 * Use it where the subtype matters.
 *
 * **Details**
 *
 * The Extended JSON is `{ "$binary": { "base64": "AQI=", "subType": "00" } }`. Two values are equivalent when subtype and
 * bytes are the same.
 *
 * **Gotchas**
 *
 * With `promoteBuffers` the driver delivers buffers without their subtype. Only `Bytes` takes them.
 *
 * **Example** (Using your own subtype)
 *
 * ```ts
 * import { Bson } from "@mongofx/schema"
 * import { Schema } from "effect"
 * import { Binary } from "mongodb"
 *
 * const Blob = Bson.Binary.check(Schema.makeFilter((binary) => binary.sub_type === 128))
 *
 * const blob = Schema.decodeUnknownSync(Blob)(new Binary(new Uint8Array([1, 2]), 128))
 * ```
 *
 * @see {@link Bytes} for a plain `Uint8Array`
 * @see {@link UUID} for UUIDs
 * @see {@link Vector} for vectors
 * @stability unstable
 * @category schemas
 * @since 0.1.0
 */
export const Binary: Binary = Declare.declare(Values.isBinary, {
  expected: "a Binary",
  bsonType: "binData",
  toCodecJson: json<Driver.Binary>()(BinaryJson, "binary data in base64", binaryFromJson, binaryToJson),
  toCodecArbitrary: Generators.binary,
  toEquivalence: () => BinaryData.sameBinary,
  toFormatter: inspect
})

/**
 * The type of the schema `Bytes`.
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface Bytes
  extends Schema.decodeTo<Schema.declare<globalThis.Uint8Array>, Schema.declare<Driver.Binary | globalThis.Uint8Array>>
{
  /** The type of the schema after `annotate` and `check`. */
  readonly "Rebuild": Bytes
}

/**
 * Binary data of the generic subtype 0, as a `Uint8Array`.
 *
 * **Details**
 *
 * Decoding takes a `Binary` of subtype 0, and the buffer that the driver delivers with `promoteBuffers`. It copies the bytes:
 * the driver's bytes are a view on the whole reply of the server, and would keep it in memory. Encoding gives a `Binary`. The
 * Extended JSON is that of `Binary`.
 *
 * **Example** (A hash of 32 bytes)
 *
 * ```ts
 * import { Bson } from "@mongofx/schema"
 * import { Schema } from "effect"
 *
 * const Sha256 = Bson.Bytes.check(Schema.isMinLength(32), Schema.isMaxLength(32))
 * ```
 *
 * @see {@link Binary} for other subtypes
 * @stability unstable
 * @category schemas
 * @since 0.1.0
 */
export const Bytes: Bytes = Declare.declare(
  (u): u is Driver.Binary | globalThis.Uint8Array => Values.isBinary(u) && u.sub_type === 0 || Values.isUint8Array(u),
  {
    expected: "a Binary of subtype 0",
    bsonType: "binData",
    toCodecJson: json<Driver.Binary | globalThis.Uint8Array>()(
      BinaryJson,
      "binary data in base64",
      binaryFromJson,
      (bytes) => binaryToJson(Values.isBinary(bytes) ? bytes : new Driver.Binary(bytes))
    )
  }
).pipe(Schema.decodeTo(
  Declare.declare(Values.isUint8Array, {
    expected: "a Uint8Array",
    bsonType: "binData",
    toCodecArbitrary: Generators.bytes,
    toEquivalence: () => BinaryData.sameElements
  }),
  {
    decode: SchemaGetter.transform((bytes: Driver.Binary | globalThis.Uint8Array) =>
      new globalThis.Uint8Array(Values.isBinary(bytes) ? bytes.value() : bytes)
    ),
    encode: SchemaGetter.transform((bytes: globalThis.Uint8Array): Driver.Binary | globalThis.Uint8Array =>
      new Driver.Binary(bytes)
    )
  }
))

/**
 * The type of the schema `UUID`.
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface UUID extends Schema.declare<Driver.UUID> {
  /** The type of the schema after `annotate` and `check`. */
  readonly "Rebuild": UUID
}

/**
 * A UUID of any version: binary data of subtype 4 and 16 bytes, as the driver's class `UUID`.
 *
 * **Details**
 *
 * The Extended JSON is that of `Binary`; decoding also takes `{ "$uuid": "c8edabc3-f738-4ca3-b68d-ab92a91478a3" }`.
 *
 * **Gotchas**
 *
 * The schema refuses UUIDs of the old subtype 3: the order of their bytes depends on the driver that wrote them.
 *
 * **Example** (A UUID as the identifier)
 *
 * ```ts
 * import { Bson } from "@mongofx/schema"
 * import { Schema } from "effect"
 * import { UUID } from "mongodb"
 *
 * const Order = Schema.Struct({ _id: Bson.UUID, total: Bson.Decimal128 })
 *
 * const isId = Schema.is(Bson.UUID)(new UUID())
 * ```
 *
 * @see {@link ObjectId} for MongoDB's own identifiers
 * @stability unstable
 * @category schemas
 * @since 0.1.0
 */
export const UUID: UUID = Declare.declare(Values.isUuid, {
  expected: "a UUID of subtype 4",
  bsonType: "binData",
  toCodecJson: json<Driver.UUID>()(
    Schema.Union([BinaryJson, Schema.Struct({ $uuid: Schema.String.check(Schema.isGUID()) })]),
    "a UUID",
    (json) => {
      if ("$uuid" in json) return Driver.UUID.createFromHexString(json.$uuid)
      const binary = binaryFromJson(json)
      return Values.isUuid(binary) ? binary : undefined
    },
    binaryToJson
  ),
  toCodecArbitrary: Generators.uuid,
  toEquivalence: () => BinaryData.sameBinary,
  toFormatter: inspect
})

/**
 * The type of the schema `Vector`.
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface Vector extends Schema.declare<Driver.Binary> {
  /** The type of the schema after `annotate` and `check`. */
  readonly "Rebuild": Vector
}

/**
 * A vector with elements of any type, as the stored `Binary` of subtype 9.
 *
 * **When to use**
 *
 * Use it where the type of the elements differs between documents.
 *
 * **Details**
 *
 * The schema checks the header by the specification of BSON Binary Vector: the type of the elements, the padding and the
 * number of bytes. The Extended JSON is that of `Binary`.
 *
 * **Example** (Reading the elements)
 *
 * ```ts
 * import { Bson } from "@mongofx/schema"
 * import { Schema } from "effect"
 * import { Binary } from "mongodb"
 *
 * const vector = Schema.decodeUnknownSync(Bson.Vector)(Binary.fromInt8Array(new Int8Array([1, -1])))
 * vector.toInt8Array() // => Int8Array [1, -1]
 * ```
 *
 * @see {@link Float32Vector} for the elements as a `Float32Array`
 * @see {@link Int8Vector} for the elements as an `Int8Array`
 * @see {@link BitVector} for the elements as zeros and ones
 * @stability unstable
 * @category schemas
 * @since 0.1.0
 */
export const Vector: Vector = Declare.declare(BinaryData.isVector, {
  expected: "a vector: a Binary of subtype 9 with a valid header",
  bsonType: "binData",
  toCodecJson: json<Driver.Binary>()(
    BinaryJson,
    "a vector",
    (json) => {
      const binary = binaryFromJson(json)
      return BinaryData.isVector(binary) ? binary : undefined
    },
    binaryToJson
  ),
  toCodecArbitrary: Generators.vector,
  toEquivalence: () => BinaryData.sameBinary,
  toFormatter: inspect
})

/**
 * The type of the schema `Float32Vector`.
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface Float32Vector extends Schema.decodeTo<Schema.declare<globalThis.Float32Array>, Vector> {
  /** The type of the schema after `annotate` and `check`. */
  readonly "Rebuild": Float32Vector
}

/**
 * A vector of float32, as a `Float32Array`: the form that most embedding models give.
 *
 * **Example** (A document with an embedding)
 *
 * ```ts
 * import { Bson } from "@mongofx/schema"
 * import { Schema } from "effect"
 *
 * const Passage = Schema.Struct({ text: Schema.String, embedding: Bson.Float32Vector })
 *
 * const document = Schema.encodeSync(Passage)({ text: "Hello", embedding: new Float32Array([0.25, -0.5]) })
 * ```
 *
 * @see {@link Int8Vector} for quantised embeddings
 * @see {@link Vector} for elements of any type
 * @stability unstable
 * @category schemas
 * @since 0.1.0
 */
export const Float32Vector: Float32Vector = Vector.pipe(Schema.decodeTo(
  Declare.declare(Values.isFloat32Array, {
    expected: "a Float32Array",
    bsonType: "binData",
    toCodecArbitrary: Generators.float32Array,
    toEquivalence: () => BinaryData.sameElements
  }),
  {
    decode: Declare.convert(
      (vector: Driver.Binary) => BinaryData.isFloat32(vector) ? vector.toFloat32Array() : undefined,
      "a vector of float32"
    ),
    encode: SchemaGetter.transform((elements: globalThis.Float32Array) => Driver.Binary.fromFloat32Array(elements))
  }
))

/**
 * The type of the schema `Int8Vector`.
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface Int8Vector extends Schema.decodeTo<Schema.declare<globalThis.Int8Array>, Vector> {
  /** The type of the schema after `annotate` and `check`. */
  readonly "Rebuild": Int8Vector
}

/**
 * A vector of int8, as an `Int8Array`: quantised embeddings.
 *
 * **Example** (Encoding a vector)
 *
 * ```ts
 * import { Bson } from "@mongofx/schema"
 * import { Schema } from "effect"
 *
 * const binary = Schema.encodeSync(Bson.Int8Vector)(new Int8Array([127, -128]))
 * binary.sub_type // => 9
 * ```
 *
 * @see {@link Float32Vector} for embeddings that are not quantised
 * @see {@link BitVector} for one bit per element
 * @stability unstable
 * @category schemas
 * @since 0.1.0
 */
export const Int8Vector: Int8Vector = Vector.pipe(Schema.decodeTo(
  Declare.declare(Values.isInt8Array, {
    expected: "an Int8Array",
    bsonType: "binData",
    toCodecArbitrary: Generators.int8Array,
    toEquivalence: () => BinaryData.sameElements
  }),
  {
    decode: Declare.convert(
      (vector: Driver.Binary) => BinaryData.isInt8(vector) ? vector.toInt8Array() : undefined,
      "a vector of int8"
    ),
    encode: SchemaGetter.transform((elements: globalThis.Int8Array) => Driver.Binary.fromInt8Array(elements))
  }
))

/**
 * The type of the schema `BitVector`.
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface BitVector extends Schema.decodeTo<Schema.declare<globalThis.Int8Array>, Vector> {
  /** The type of the schema after `annotate` and `check`. */
  readonly "Rebuild": BitVector
}

/**
 * A vector of bits, eight to a byte, as an `Int8Array` of zeros and ones: binary quantised embeddings.
 *
 * **Example** (Encoding a vector)
 *
 * ```ts
 * import { Bson } from "@mongofx/schema"
 * import { Schema } from "effect"
 *
 * const binary = Schema.encodeSync(Bson.BitVector)(new Int8Array([1, 0, 1]))
 * binary.toPackedBits() // => Uint8Array [0b10100000]
 * ```
 *
 * @see {@link Int8Vector} for one byte per element
 * @stability unstable
 * @category schemas
 * @since 0.1.0
 */
export const BitVector: BitVector = Vector.pipe(Schema.decodeTo(
  Declare.declare(Values.isBits, {
    expected: "an Int8Array of zeros and ones",
    bsonType: "binData",
    toCodecArbitrary: Generators.bits,
    toEquivalence: () => BinaryData.sameElements
  }),
  {
    decode: Declare.convert(
      (vector: Driver.Binary) => BinaryData.isPackedBit(vector) ? vector.toBits() : undefined,
      "a vector of bits"
    ),
    encode: SchemaGetter.transform((bits: globalThis.Int8Array) => Driver.Binary.fromBits(bits))
  }
))

// ---- the other types

/**
 * The type of the schema `Timestamp`.
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface Timestamp extends Schema.declare<Driver.Timestamp> {
  /** The type of the schema after `annotate` and `check`. */
  readonly "Rebuild": Timestamp
}

/**
 * A timestamp of the oplog or a cluster time: seconds since 1970, and an increment.
 *
 * **When to use**
 *
 * Use it for times that the server hands out.
 *
 * **Details**
 *
 * The Extended JSON is `{ "$timestamp": { "t": 1700000000, "i": 1 } }`.
 *
 * **Gotchas**
 *
 * The server replaces an empty timestamp (`t` and `i` are 0) at the top of an inserted document by its own time.
 *
 * **Example** (Keeping an operation time)
 *
 * ```ts
 * import { Bson } from "@mongofx/schema"
 * import { Schema } from "effect"
 *
 * const Checkpoint = Schema.Struct({ _id: Schema.String, operationTime: Bson.Timestamp })
 * ```
 *
 * @see {@link Date} for the times of your application
 * @stability unstable
 * @category schemas
 * @since 0.1.0
 */
export const Timestamp: Timestamp = Declare.declare(Values.isBson("Timestamp"), {
  expected: "a Timestamp",
  bsonType: "timestamp",
  toCodecJson: json<Driver.Timestamp>()(
    Schema.Struct({
      $timestamp: Schema.Struct({
        t: Schema.Int.check(Schema.isUint32()),
        i: Schema.Int.check(Schema.isUint32())
      })
    }),
    "a Timestamp",
    ({ $timestamp }) => new Driver.Timestamp($timestamp),
    ({ i, t }) => ({ $timestamp: { t, i } })
  ),
  toCodecArbitrary: Generators.timestamp,
  toEquivalence: () => (a, b) => a.t === b.t && a.i === b.i,
  toFormatter: inspect
})

/**
 * The type of the schema `BSONRegExp`.
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface BSONRegExp
  extends Schema.decodeTo<Schema.declare<Driver.BSONRegExp>, Schema.declare<Driver.BSONRegExp | globalThis.RegExp>>
{
  /** The type of the schema after `annotate` and `check`. */
  readonly "Rebuild": BSONRegExp
}

/**
 * A regular expression of the server (PCRE), as the driver's class `BSONRegExp`.
 *
 * **Details**
 *
 * Decoding takes a `BSONRegExp` or a `RegExp`. It translates flags as the driver does: `i`, `m`, and `g`, which stands for
 * the option `s`. The flag `s`, which the driver drops, becomes the option `s` too. The flags `d`, `u` and `v` are left out,
 * since they change nothing on the server. Decoding refuses `y`. Encoding gives a `BSONRegExp`. The Extended JSON is
 * `{ "$regularExpression": { "pattern": "^a", "options": "i" } }`.
 *
 * **Gotchas**
 *
 * By default the driver reads a stored pattern as a `RegExp`. That loses the options `l`, `u` and `x`, rewrites some patterns
 * (`/` becomes `\/`), and fails where JavaScript refuses the pattern. Read with `bsonRegExp: true` to keep patterns exactly.
 *
 * **Example** (From a RegExp)
 *
 * ```ts
 * import { Bson } from "@mongofx/schema"
 * import { Schema } from "effect"
 *
 * Schema.decodeUnknownSync(Bson.BSONRegExp)(/^a/i).options // => "i"
 * ```
 *
 * @stability unstable
 * @category schemas
 * @since 0.1.0
 */
export const BSONRegExp: BSONRegExp = Declare.declare(
  (u): u is Driver.BSONRegExp | globalThis.RegExp => Values.isBSONRegExp(u) || Values.isRegExp(u),
  {
    expected: "a BSONRegExp or a RegExp",
    bsonType: "regex",
    toCodecJson: json<Driver.BSONRegExp | globalThis.RegExp>()(
      Schema.Struct({ $regularExpression: Schema.Struct({ pattern: Schema.String, options: Schema.String }) }),
      "a pattern without NUL, and options out of i, l, m, s, u and x",
      ({ $regularExpression: { options, pattern } }) => new Driver.BSONRegExp(pattern, options),
      (regExp) => {
        const bson = Values.toBSONRegExp(regExp)
        return bson && { $regularExpression: { pattern: bson.pattern, options: bson.options } }
      }
    )
  }
).pipe(Schema.decodeTo(
  Declare.declare(Values.isBSONRegExp, {
    expected: "a BSONRegExp",
    bsonType: "regex",
    toCodecArbitrary: Generators.regExp,
    toEquivalence: () => (a, b) => a.pattern === b.pattern && a.options === b.options,
    toFormatter: inspect
  }),
  {
    decode: Declare.convert(Values.toBSONRegExp, "a RegExp without the flag y, and without NUL in its source"),
    encode: SchemaGetter.transform((regExp: Driver.BSONRegExp): Driver.BSONRegExp | globalThis.RegExp => regExp)
  }
))

/**
 * The type of the schema `Code`.
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface Code extends Schema.declare<Driver.Code> {
  /** The type of the schema after `annotate` and `check`. */
  readonly "Rebuild": Code
}

/**
 * JavaScript code, with or without a scope.
 *
 * **Details**
 *
 * The Extended JSON is `{ "$code": "f()" }`; `$scope` beside it holds the scope in Extended JSON. Two values are equivalent
 * when their code is the same and their scopes are stored as the same bytes.
 *
 * **Example** (A function of the server)
 *
 * ```ts
 * import { Bson } from "@mongofx/schema"
 * import { Schema } from "effect"
 * import { Code } from "mongodb"
 *
 * const Stored = Schema.Struct({ _id: Schema.String, value: Bson.Code })
 *
 * const stored = Stored.make({ _id: "twice", value: new Code("function (x) { return 2 * x }") })
 * ```
 *
 * @stability unstable
 * @category schemas
 * @since 0.1.0
 */
export const Code: Code = Declare.declare(Values.isBson("Code"), {
  expected: "a Code",
  bsonType: ["javascript", "javascriptWithScope"],
  toCodecJson: documentJson(
    Schema.Struct({ $code: Schema.String, $scope: Schema.optionalKey(JsonDocument) }),
    "code, and a scope in Extended JSON",
    Values.isBson("Code")
  ),
  toCodecArbitrary: Generators.code,
  toEquivalence: () => ExtendedJson.sameStored,
  toFormatter: inspect
})

/**
 * The type of the schema `MinKey`.
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface MinKey extends Schema.declare<Driver.MinKey> {
  /** The type of the schema after `annotate` and `check`. */
  readonly "Rebuild": MinKey
}

/**
 * The value that sorts before every other value.
 *
 * **Details**
 *
 * The Extended JSON is `{ "$minKey": 1 }`.
 *
 * **Example** (A lower bound)
 *
 * ```ts
 * import { Bson } from "@mongofx/schema"
 * import { Schema } from "effect"
 *
 * const Bound = Schema.Union([Bson.MinKey, Bson.Int64, Bson.MaxKey])
 * ```
 *
 * @see {@link MaxKey} for an upper bound
 * @stability unstable
 * @category schemas
 * @since 0.1.0
 */
export const MinKey: MinKey = Declare.declare(Values.isBson("MinKey"), {
  expected: "a MinKey",
  bsonType: "minKey",
  toCodecJson: json<Driver.MinKey>()(
    Schema.Struct({ $minKey: Schema.Literal(1) }),
    "a MinKey",
    () => new Driver.MinKey(),
    () => ({ $minKey: 1 as const })
  ),
  toEquivalence: () => () => true,
  toFormatter: inspect
})

/**
 * The type of the schema `MaxKey`.
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface MaxKey extends Schema.declare<Driver.MaxKey> {
  /** The type of the schema after `annotate` and `check`. */
  readonly "Rebuild": MaxKey
}

/**
 * The value that sorts after every other value.
 *
 * **Details**
 *
 * The Extended JSON is `{ "$maxKey": 1 }`.
 *
 * **Example** (An upper bound)
 *
 * ```ts
 * import { Bson } from "@mongofx/schema"
 * import { Schema } from "effect"
 *
 * const Bound = Schema.Union([Bson.MinKey, Bson.Int64, Bson.MaxKey])
 * ```
 *
 * @see {@link MinKey} for a lower bound
 * @stability unstable
 * @category schemas
 * @since 0.1.0
 */
export const MaxKey: MaxKey = Declare.declare(Values.isBson("MaxKey"), {
  expected: "a MaxKey",
  bsonType: "maxKey",
  toCodecJson: json<Driver.MaxKey>()(
    Schema.Struct({ $maxKey: Schema.Literal(1) }),
    "a MaxKey",
    () => new Driver.MaxKey(),
    () => ({ $maxKey: 1 as const })
  ),
  toEquivalence: () => () => true,
  toFormatter: inspect
})

/**
 * The type of the schema `DBRef`.
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface DBRef extends Schema.declare<Driver.DBRef> {
  /** The type of the schema after `annotate` and `check`. */
  readonly "Rebuild": DBRef
}

/**
 * A reference to a document: its collection, its identifier, and the name of its database if it is another one.
 *
 * **Details**
 *
 * The identifier is an ObjectId, as in the driver's types. The Extended JSON is
 * `{ "$ref": "users", "$id": { "$oid": "507f1f77bcf86cd799439011" } }`, with `$db` and further fields if the reference has
 * them. Two values are equivalent when they are stored as the same bytes.
 *
 * **Gotchas**
 *
 * bson splits the name of a collection with one dot in it, and takes the part before the dot for the database.
 *
 * **Example** (A reference)
 *
 * ```ts
 * import { Bson } from "@mongofx/schema"
 * import { Schema } from "effect"
 * import { DBRef, ObjectId } from "mongodb"
 *
 * const Post = Schema.Struct({ title: Schema.String, author: Bson.DBRef })
 *
 * const post = Post.make({ title: "Notes", author: new DBRef("users", new ObjectId()) })
 * ```
 *
 * @see {@link ObjectId} for a plain identifier
 * @stability unstable
 * @category schemas
 * @since 0.1.0
 */
export const DBRef: DBRef = Declare.declare(Values.isDBRef, {
  expected: "a DBRef to an ObjectId",
  bsonType: "object",
  toCodecJson: documentJson(
    Schema.StructWithRest(
      Schema.Struct({
        $ref: Schema.String,
        $id: Schema.Struct({ $oid: Hex24 }),
        $db: Schema.optionalKey(Schema.String)
      }),
      [JsonDocument]
    ),
    "a DBRef to an ObjectId, in Extended JSON",
    Values.isDBRef
  ),
  toCodecArbitrary: Generators.dbRef,
  toEquivalence: () => ExtendedJson.sameStored,
  toFormatter: inspect
})
