/** Generators of BSON values. Each has an ordinary source and edge cases, which are about half of the values. */
import * as BigDecimal from "effect/BigDecimal"
import * as Schema from "effect/Schema"
import type * as SchemaAST from "effect/SchemaAST"
import * as SchemaGetter from "effect/SchemaGetter"
import * as Driver from "mongodb"
import { makeBinary } from "./binary.ts"
import { int64Max, int64Min } from "./numbers.ts"

type Constraint<T> = Schema.Annotations.ToArbitrary.GenerationConstraint<T> | undefined

/**
 * @param edges - values of the source, so that generated values never share an object
 */
const generate = <T>() => <V>(source: Schema.Codec<V, unknown>, edges: ReadonlyArray<V>, make: (value: V) => T) =>
  Schema.link<T>()(
    Schema.Struct({ edge: between(0, edges.length * 2), value: source }),
    {
      // Shrinking leads to 0, which stands for the ordinary value.
      decode: SchemaGetter.transform(({ edge, value }) =>
        make(edge > 0 && edge <= edges.length ? edges[edge - 1] : value)
      ),
      encode: SchemaGetter.forbidden(() => "A generator does not encode")
    }
  )

const between = (minimum: number, maximum: number) => Schema.Int.check(Schema.isBetween({ minimum, maximum }))

/** The bounds that the checks on a schema set. */
const boundsOf = <T>(constraint: Constraint<T>, minimum: T, maximum: T) => ({
  minimum: constraint?.minimum ?? minimum,
  maximum: constraint?.maximum ?? maximum,
  exclusiveMinimum: constraint?.exclusiveMinimum,
  exclusiveMaximum: constraint?.exclusiveMaximum
})

const isWithin = <T extends number | bigint>({ exclusiveMaximum, exclusiveMinimum, maximum, minimum }: {
  readonly minimum: T
  readonly maximum: T
  readonly exclusiveMinimum: true | undefined
  readonly exclusiveMaximum: true | undefined
}) =>
(value: T): boolean =>
  (exclusiveMinimum === true ? value > minimum : value >= minimum) &&
  (exclusiveMaximum === true ? value < maximum : value <= maximum)

// ---- numbers and dates

const int64Edges = [
  int64Min,
  int64Max,
  0n,
  -1n,
  2n ** 31n - 1n,
  2n ** 31n,
  -(2n ** 31n),
  // The bound up to which the driver delivers numbers, and its neighbours.
  2n ** 53n,
  2n ** 53n - 1n,
  2n ** 53n + 1n,
  -(2n ** 53n),
  -(2n ** 53n) - 1n
]

/** @internal */
export const int64 = ({ constraint }: { readonly constraint: Constraint<bigint> }): SchemaAST.Link => {
  const bounds = boundsOf(constraint, int64Min, int64Max)
  return generate<bigint>()(
    Schema.BigInt.check(Schema.isBetweenBigInt(bounds)),
    int64Edges.filter(isWithin(bounds)),
    (int) => int
  )
}

/** @internal */
export const long = (): SchemaAST.Link =>
  generate<Driver.Long>()(
    Schema.BigInt.check(Schema.isBetweenBigInt({ minimum: int64Min, maximum: int64Max })),
    int64Edges,
    (int) => Driver.Long.fromBigInt(int)
  )

/** @internal */
export const int32 = ({ constraint }: { readonly constraint: Constraint<number> }): SchemaAST.Link => {
  const bounds = boundsOf(constraint, -(2 ** 31), 2 ** 31 - 1)
  return generate<number>()(
    Schema.Int.check(Schema.isBetween(bounds)),
    [-(2 ** 31), 2 ** 31 - 1, 0, -1].filter(isWithin(bounds)),
    (int) => int
  )
}

const doubleEdges = [
  Number.NaN,
  Number.POSITIVE_INFINITY,
  Number.NEGATIVE_INFINITY,
  -0,
  Number.MAX_VALUE,
  -Number.MAX_VALUE,
  Number.MIN_VALUE,
  // Numbers that the driver stores as another type, unless they are marked as doubles.
  1,
  2 ** 31,
  2 ** 53,
  1e21,
  1.5
]

/** @internal */
export const double = ({ constraint }: { readonly constraint: Constraint<number> }): SchemaAST.Link => {
  const bounds = boundsOf(constraint, Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY)
  const isBounded = constraint?.minimum !== undefined || constraint?.maximum !== undefined
  const base = constraint?.number === "integer"
    ? Schema.Int
    : constraint?.number === "finite"
    ? Schema.Finite
    : Schema.Number
  return generate<number>()(
    isBounded ? base.check(Schema.isBetween(bounds)) : base,
    doubleEdges.filter((edge) =>
      (!isBounded || isWithin(bounds)(edge)) &&
      (constraint?.number === undefined || Number.isFinite(edge)) &&
      (constraint?.number !== "integer" || Number.isSafeInteger(edge))
    ),
    (number) => number
  )
}

/** The limits of the format: 34 digits, and an exponent of -6176 to 6111 for the last digit. */
const decimal128Edges = [
  "0",
  "-0",
  "0E-6176",
  "0E+6111",
  "1.0",
  "1.00",
  "9.999999999999999999999999999999999E+6144",
  "-9.999999999999999999999999999999999E+6144",
  "1E-6176",
  "Infinity",
  "-Infinity",
  "NaN"
]

/** @internal */
export const decimal128 = (): SchemaAST.Link =>
  generate<Driver.Decimal128>()(
    Schema.String.check(Schema.isPattern(/^-?[0-9]{1,34}E-?[0-5]?[0-9]{1,3}$/u)),
    decimal128Edges,
    (text) => Driver.Decimal128.fromString(text)
  )

/** @internal */
export const bigDecimal = (): SchemaAST.Link =>
  generate<BigDecimal.BigDecimal>()(
    Schema.Tuple([
      Schema.BigInt.check(Schema.isBetweenBigInt({ minimum: -(10n ** 34n) + 1n, maximum: 10n ** 34n - 1n })),
      Schema.Int.check(Schema.isBetween({ minimum: -6111, maximum: 6176 }))
    ]),
    [[0n, 0], [350n, 2], [1n, 6176], [1n, -6111], [10n ** 34n - 1n, -6111], [-(10n ** 34n) + 1n, 34]],
    ([value, scale]) => BigDecimal.make(value, scale)
  )

/** The greatest time of a Date, in milliseconds. */
const dateMax = 8_640_000_000_000_000

/** @internal */
export const date = ({ constraint }: { readonly constraint: Constraint<Date> }): SchemaAST.Link => {
  const bounds = {
    ...boundsOf(undefined, constraint?.minimum?.getTime() ?? -dateMax, constraint?.maximum?.getTime() ?? dateMax),
    exclusiveMinimum: constraint?.exclusiveMinimum,
    exclusiveMaximum: constraint?.exclusiveMaximum
  }
  return generate<Date>()(
    Schema.Int.check(Schema.isBetween(bounds)),
    [
      -dateMax,
      dateMax,
      0,
      -1,
      2 ** 31 * 1000,
      // The first and the last instant that relaxed Extended JSON writes as text, and their neighbours.
      Date.UTC(9999, 11, 31, 23, 59, 59, 999),
      Date.UTC(10000, 0, 1),
      new Date("0000-01-01T00:00:00Z").getTime()
    ].filter(isWithin(bounds)),
    (milliseconds) => new Date(milliseconds)
  )
}

const uint32Max = 2 ** 32 - 1

/** @internal */
export const timestamp = (): SchemaAST.Link =>
  generate<Driver.Timestamp>()(
    Schema.Struct({ t: between(0, uint32Max), i: between(0, uint32Max) }),
    [
      { t: 0, i: 0 },
      { t: uint32Max, i: uint32Max },
      { t: 0, i: uint32Max },
      { t: uint32Max, i: 0 },
      { t: 2 ** 31, i: 2 ** 31 }
    ],
    (value) => new Driver.Timestamp(value)
  )

// ---- identifiers and binary data

/** @internal */
export const objectId = (): SchemaAST.Link =>
  generate<Driver.ObjectId>()(
    Schema.String.check(Schema.isPattern(/^[0-9a-f]{24}$/u)),
    ["0".repeat(24), "f".repeat(24), "7fffffff".padEnd(24, "f"), "80000000".padEnd(24, "0")],
    (hex) => Driver.ObjectId.createFromHexString(hex)
  )

const bytesOf = (minimum: number, maximum: number | undefined) => {
  const bytes = Schema.Array(between(0, 255)).check(Schema.isMinLength(minimum))
  return maximum === undefined ? bytes : bytes.check(Schema.isMaxLength(maximum))
}

const bytesEdges = [0, 1, 16, 255, 256, 65_536].map((length) => Array.from({ length }, (_, index) => 255 - index % 256))

/** @internal */
export const bytes = ({ constraint }: { readonly constraint: Constraint<Uint8Array> }): SchemaAST.Link => {
  const minimum = constraint?.minLength ?? 0
  const maximum = constraint?.maxLength
  return generate<Uint8Array>()(
    bytesOf(minimum, maximum),
    bytesEdges.filter(({ length }) => length >= minimum && (maximum === undefined || length <= maximum)),
    (bytes) => Uint8Array.from(bytes)
  )
}

/** The subtypes that take any content: all but encrypted (6), column (7) and vector (9). */
const subTypes = Schema.Literals([0, 1, 2, 3, 4, 5, 8, 128, 255])

/** @internal */
export const binary = (): SchemaAST.Link =>
  generate<Driver.Binary>()(
    Schema.Struct({ bytes: bytesOf(0, undefined), subType: subTypes }),
    bytesEdges.flatMap((bytes) => [{ bytes, subType: 0 as const }, { bytes, subType: 2 as const }]),
    ({ bytes, subType }) => makeBinary(Uint8Array.from(bytes), subType)
  )

/** @internal */
export const uuid = (): SchemaAST.Link =>
  generate<Driver.UUID>()(
    bytesOf(16, 16),
    [Array.from({ length: 16 }, () => 0), Array.from({ length: 16 }, () => 255)],
    (bytes) => new Driver.UUID(Uint8Array.from(bytes))
  )

const float32Source = Schema.Array(Schema.Number)

const float32Edges = [
  [],
  [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, -0],
  [3.4028234663852886e38, -3.4028234663852886e38, 1.401298464324817e-45],
  Array.from({ length: 4096 }, (_, index) => index / 4096)
]

/** @internal */
export const float32Array = (): SchemaAST.Link =>
  generate<Float32Array>()(float32Source, float32Edges, (elements) => Float32Array.from(elements))

const int8Source = Schema.Array(between(-128, 127))

const int8Edges = [[], [-128, 127], Array.from({ length: 4096 }, (_, index) => index % 256 - 128)]

/** @internal */
export const int8Array = (): SchemaAST.Link =>
  generate<Int8Array>()(int8Source, int8Edges, (elements) => Int8Array.from(elements))

const bitsSource = Schema.Array(between(0, 1))

const bitsEdges = [[], [1], [1, 0, 1, 0, 1, 0, 1, 0], Array.from({ length: 4097 }, () => 1)]

/** @internal */
export const bits = (): SchemaAST.Link =>
  generate<Int8Array>()(bitsSource, bitsEdges, (elements) => Int8Array.from(elements))

/** @internal */
export const vector = (): SchemaAST.Link =>
  generate<Driver.Binary>()(
    Schema.Struct({ elements: int8Source, type: Schema.Literals(["float32", "int8", "bits"]) }),
    [
      ...float32Edges.map((elements) => ({ elements, type: "float32" as const })),
      ...int8Edges.map((elements) => ({ elements, type: "int8" as const })),
      ...bitsEdges.map((elements) => ({ elements, type: "bits" as const }))
    ],
    ({ elements, type }) => {
      switch (type) {
        case "float32":
          return Driver.Binary.fromFloat32Array(Float32Array.from(elements))
        case "int8":
          return Driver.Binary.fromInt8Array(Int8Array.from(elements))
        case "bits":
          return Driver.Binary.fromBits(elements.map((element) => element & 1))
      }
    }
  )

// ---- text and documents

/** Replaces halves of surrogate pairs, which the UTF-8 of BSON cannot hold. */
const wellFormed = (text: string): string => text.replace(/\p{Surrogate}/gu, "\uFFFD")

const hugeText = "\u{1F600}é\0".repeat(20_000)

/** @internal */
export const regExp = (): SchemaAST.Link =>
  generate<Driver.BSONRegExp>()(
    Schema.Struct({
      // JavaScript knows all of these patterns as well: the driver reads them as a RegExp by default.
      pattern: Schema.String.check(Schema.isPattern(/^(?:[a-z ]|\.|\\d\+|\[a-z\]\*|\(x\|y\)|É)*$/u)),
      options: Schema.String.check(Schema.isPattern(/^i?l?m?s?u?x?$/u))
    }),
    [
      { pattern: "", options: "" },
      { pattern: "", options: "ilmsux" },
      { pattern: "^a/b\\/c$", options: "im" },
      { pattern: "É\u{1F600}".repeat(1000), options: "" }
    ],
    ({ options, pattern }) => new Driver.BSONRegExp(pattern, options)
  )

const documentSource = Schema.Record(
  Schema.String,
  Schema.Union([Schema.String, Schema.Number, Schema.Boolean, Schema.Null])
)

/** Removes NUL from keys, which BSON cannot hold, and `$` at their start, which means an operator or a part of a DBRef. */
const toDocument = (source: typeof documentSource.Type): Driver.Document =>
  Object.fromEntries(
    Object.entries(source).map(([key, value]) => [
      wellFormed(key).replaceAll("\0", "").replace(/^\$+/, ""),
      typeof value === "string" ? wellFormed(value) : value
    ])
  )

const documentEdges: ReadonlyArray<typeof documentSource.Type> = [
  {},
  Object.fromEntries([["__proto__", "a"], ["constructor", 2 ** 40], ["", -0]])
]

/** @internal */
export const code = (): SchemaAST.Link =>
  generate<Driver.Code>()(
    Schema.Struct({ text: Schema.String, scope: Schema.NullOr(documentSource) }),
    [
      { text: "", scope: null },
      { text: hugeText, scope: null },
      ...documentEdges.map((scope) => ({ text: "function () { return x }", scope }))
    ],
    ({ scope, text }) => new Driver.Code(wellFormed(text), scope === null ? null : toDocument(scope))
  )

// bson splits a name with one dot into a database and a collection.
const nameSource = Schema.String.check(Schema.isPattern(/^[a-z_]{1,20}$/u))

/** @internal */
export const dbRef = (): SchemaAST.Link =>
  generate<Driver.DBRef>()(
    Schema.Struct({
      collection: nameSource,
      id: Schema.String.check(Schema.isPattern(/^[0-9a-f]{24}$/u)),
      db: Schema.NullOr(nameSource),
      fields: documentSource
    }),
    documentEdges.map((fields) => ({ collection: "a.b.c", id: "0".repeat(24), db: null, fields })),
    ({ collection, db, fields, id }) =>
      new Driver.DBRef(collection, Driver.ObjectId.createFromHexString(id), db ?? undefined, toDocument(fields))
  )
