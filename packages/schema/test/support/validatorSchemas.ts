/**
 * Random schemas for the tests of validators, with values at the bounds of their checks and values of other types.
 *
 * @since 0.1.0
 */
import { Bson } from "@mongofx/schema"
import { BigDecimal, Effect, Schema } from "effect"
import * as Driver from "mongodb"
import type { AnySchema, Kind, Random } from "./compiledSchemas.ts"

const kind = (schema: Schema.Constraint, values: ReadonlyArray<unknown>): Kind => ({
  schema: schema as AnySchema,
  sample: (random) => random.chance(0.85) ? random.pick(values) : random.pick(strangers)
})

const decimal = (text: string) => Driver.Decimal128.fromString(text)

const long = (text: string) => Driver.Long.fromString(text)

/** A date beyond those of JavaScript: the serializer of bson takes its milliseconds as they are. */
class FarDate extends Date {
  override getTime(): number {
    return 9e15
  }
}

const numbers = [
  0,
  -0,
  1,
  -1,
  2,
  5,
  1.5,
  1.0000000000000002,
  NaN,
  Infinity,
  -Infinity,
  2 ** 31,
  2 ** 53,
  2 ** 53 + 2,
  1e15 + 0.5,
  1e300,
  new Driver.Double(3),
  long("7"),
  long("9007199254740992"),
  long("9007199254740993"),
  long("-9223372036854775808"),
  decimal("5"),
  decimal("NaN")
]

const texts = [
  "",
  "a",
  "ab",
  "abc",
  "a-b",
  "a\n",
  "\u2028",
  "😀",
  "😀😀",
  " a",
  "a ",
  "A",
  "é",
  "ſ",
  "\u212a",
  "a\0",
  "abcd==",
  "YWJj",
  "x".repeat(300)
]

const dates = [
  new Date(0),
  new Date(1),
  new Date(-1),
  new Date(1e12),
  new Date(8.64e15),
  new Date(-8.64e15),
  new FarDate(0)
]

const decimals = [
  "0",
  "1.10",
  "1.1",
  "1.11",
  "-1",
  "NaN",
  "Infinity",
  "-Infinity",
  "9.999999999999999999999999999999999E+6144"
].map(decimal)

const binaries = [
  new Driver.UUID(),
  new Driver.Binary(new Uint8Array(16), 4),
  new Driver.Binary(new Uint8Array(16).fill(255), 4),
  new Driver.Binary(new Uint8Array(16), 3),
  new Driver.Binary(new Uint8Array(16), 0),
  new Driver.Binary(new Uint8Array(15), 4),
  new Driver.Binary(new Uint8Array(0), 0),
  Driver.Binary.fromInt8Array(new Int8Array([1])),
  Driver.Binary.fromFloat32Array(new Float32Array([1]))
]

const strangers: ReadonlyArray<unknown> = [
  ...numbers,
  ...texts,
  ...dates,
  ...binaries,
  ...decimals.slice(0, 2),
  null,
  true,
  [],
  [1],
  [new Date(-5)],
  {},
  { a: 1 },
  { at: new Date(-5), n: 1.5 },
  new Driver.ObjectId(),
  new Driver.Timestamp({ t: 1, i: 1 }),
  new Driver.BSONRegExp("a", "i"),
  new Driver.MinKey()
]

const big = (text: string) => BigDecimal.fromStringUnsafe(text)

const patterns = [
  /^[a-z]+(?:-[a-z]+)*$/,
  /^[^@\s]*$/,
  /^\S+$/,
  /^a.*$/u,
  /^.{1,2}$/u,
  /b$/,
  /^[a-s]+$/i,
  /^[k-s]+$/iu,
  /^\w*$/,
  /^\W?$/i,
  /\bab\b/,
  /^(?=a)/,
  /^(?!a)/,
  /a|^$/,
  /^\p{L}+$/u,
  /[\p{Lu}-]/u,
  /^.$/,
  /a/y,
  /^(a)\1$/,
  /^[^]$/u,
  /^\u{1F600}+$/u
]

const string = Schema.String

const lowest = new Date(0)

const leaves: ReadonlyArray<Kind> = [
  kind(Schema.Number, numbers),
  kind(Schema.Finite, numbers),
  kind(Schema.Int, numbers),
  kind(Schema.Number.check(Schema.isLessThan(5)), numbers),
  kind(Schema.Number.check(Schema.isLessThanOrEqualTo(5), Schema.isFinite()), numbers),
  kind(Schema.Number.check(Schema.isGreaterThan(1)), numbers),
  kind(Schema.Number.check(Schema.isBetween({ minimum: 1, maximum: 5, exclusiveMinimum: true })), numbers),
  kind(Schema.Number.check(Schema.isMultipleOf(1)), numbers),
  kind(Schema.Number.check(Schema.isMultipleOf(3)), numbers),
  kind(Schema.Int.check(Schema.isMultipleOf(0.5)), numbers),
  kind(Schema.Int.check(Schema.isInt32()), numbers),
  kind(Schema.Number.check(Schema.makeFilter((n) => n !== 5)), numbers),
  kind(Bson.Int32, numbers),
  kind(Bson.Int32.check(Schema.isBetween({ minimum: 0, maximum: 5 })), numbers),
  kind(Bson.Double, numbers),
  kind(Bson.Double.check(Schema.isGreaterThanOrEqualTo(1.5)), numbers),
  kind(Bson.Long, numbers),
  kind(Bson.Int64, numbers),
  kind(Bson.Int64.check(Schema.isGreaterThanBigInt(1n)), numbers),
  kind(Bson.Int64.check(Schema.isBetweenBigInt({ minimum: -5n, maximum: 9007199254740992n })), numbers),
  kind(Bson.Int64.check(Schema.isLessThanBigInt(9007199254740993n)), numbers),
  kind(Bson.Decimal128, decimals),
  kind(Bson.BigDecimal, decimals),
  kind(Bson.BigDecimal.check(Schema.isGreaterThanBigDecimal(big("1.1"))), decimals),
  kind(Bson.BigDecimal.check(Schema.isBetweenBigDecimal({ minimum: big("0"), maximum: big("1.10") })), decimals),
  kind(Bson.Date, dates),
  kind(Schema.Date, dates),
  kind(Schema.DateTimeUtcFromDate, dates),
  kind(Bson.Date.check(Schema.isGreaterThanDate(lowest)), dates),
  kind(
    Schema.Date.check(Schema.isBetweenDate({ minimum: lowest, maximum: new Date(1e12), exclusiveMaximum: true })),
    dates
  ),
  kind(Bson.UUID, binaries),
  kind(Bson.Bytes, binaries),
  kind(Bson.Binary, binaries),
  kind(Bson.Vector, binaries),
  kind(Bson.Float32Vector, binaries),
  kind(string, texts),
  kind(string.check(Schema.isMinLength(2)), texts),
  kind(string.check(Schema.isMaxLength(2)), texts),
  kind(string.check(Schema.isBetweenLength(1, 3)), texts),
  kind(string.check(Schema.isMinCodePoints(2), Schema.isMaxCodePoints(3)), texts),
  kind(string.check(Schema.isNonEmpty()), texts),
  kind(string.check(Schema.isTrimmed()), texts),
  kind(string.check(Schema.isStartingWith("a")), texts),
  kind(string.check(Schema.isEndingWith("b")), texts),
  kind(string.check(Schema.isIncluding("-")), texts),
  kind(string.check(Schema.isBase64()), texts),
  kind(string.check(Schema.isBase64Url()), texts),
  kind(string.check(Schema.isAscii()), texts),
  kind(string.check(Schema.isUUID()), texts),
  kind(string.check(Schema.isULID()), texts),
  kind(string.check(Schema.isUppercased()), texts),
  ...patterns.map((pattern) => kind(string.check(Schema.isPattern(pattern)), texts)),
  kind(Schema.Literals(["a", "b", 1, true]), ["a", "b", 1, true, false, 2, decimal("1"), long("1")]),
  kind(Schema.Literal(2 ** 60), [2 ** 60, Driver.Long.fromNumber(2 ** 60)]),
  kind(Schema.TemplateLiteral(["a", Schema.Number]), ["a1", "ab"]),
  kind(Schema.NumberFromString, texts),
  kind(Schema.FiniteFromString, texts),
  kind(Schema.OptionFromNullOr(Schema.Int), [null, ...numbers]),
  kind(Schema.RedactedFromValue(Schema.String), texts),
  kind(Schema.Null, [null]),
  kind(Schema.Boolean, [true, false, 1]),
  kind(Schema.Unknown, strangers),
  kind(Schema.ObjectKeyword, strangers),
  kind(Bson.ObjectId, [new Driver.ObjectId(), "a"])
]

/** Only fields have defaults. */
const withDefault = kind(Schema.NumberFromString.pipe(Schema.withDecodingDefaultKey(Effect.succeed("1"))), texts)

const names = ["a", "b", "c", "0", "x y", "$set", "d.e", "__proto__", "n"]

const fields = (random: Random, depth: number) =>
  random.shuffle(names).slice(0, 1 + random.int(4)).map((name) => {
    const field = random.chance(0.1) ? withDefault : kindOf(random, depth - 1)
    const schema = random.pick([
      field.schema,
      field.schema,
      Schema.optionalKey(field.schema),
      Schema.optional(field.schema)
    ])
    return { name, schema: schema as AnySchema, sample: field.sample }
  })

const record = <A>(entries: ReadonlyArray<readonly [string, A]>): Record<string, A> => Object.fromEntries(entries)

/** A struct, some with a constant that tells it from others, some with other names in the database. */
const structOf = (random: Random, depth: number, tag?: string): Kind => {
  const own = fields(random, depth)
  const schemas = record(own.map(({ name, schema }) => [name, schema]))
  const tagged = tag === undefined ? schemas : { ...schemas, kind: Schema.Literal(tag) }
  const sample = (random: Random) =>
    record([
      ...own.filter(() => random.chance(0.9)).map(({ name, sample }) => [name, sample(random)] as const),
      ...(tag === undefined ? [] : [["kind", random.chance(0.95) ? tag : "other"] as const]),
      ...(random.chance(0.1) ? [["other", random.pick(strangers)] as const] : [])
    ])
  const make = Schema.Class as unknown as (name: string) => (fields: object) => Schema.Constraint
  const schema = random.chance(0.85) || "__proto__" in tagged
    ? Schema.Struct(tagged)
    : make(`Validated${random.int(1e9)}`)(tagged)
  return { schema: schema as unknown as AnySchema, sample }
}

const arrayChecks = [
  Schema.isMinLength(1),
  Schema.isMaxLength(1),
  Schema.isBetweenLength(1, 2),
  Schema.isUnique(),
  Schema.makeFilter((all: ReadonlyArray<unknown>) => all.length !== 2)
]

const kindOf = (random: Random, depth: number): Kind => {
  if (depth <= 0 || random.chance(0.55)) return random.pick(leaves)
  const inner = kindOf(random, depth - 1)
  const other = kindOf(random, depth - 1)
  const many = (random: Random) => Array.from({ length: random.int(4) }, () => inner.sample(random))
  const of = (schema: Schema.Constraint, sample: Kind["sample"]): Kind => ({
    schema: schema as AnySchema,
    sample: (random) => random.chance(0.95) ? sample(random) : random.pick(strangers)
  })
  switch (random.int(9)) {
    case 0:
    case 1:
      return structOf(random, depth)
    case 2: {
      const all = Schema.Array(inner.schema)
      return of(random.chance(0.6) ? all : all.check(random.pick(arrayChecks) as never), many)
    }
    case 3:
      return of(
        Schema.Tuple([inner.schema, Schema.optionalKey(other.schema)]),
        (random) => [inner.sample(random), other.sample(random), 1].slice(0, random.int(4))
      )
    case 4:
      return of(
        Schema.TupleWithRest(
          Schema.Tuple([inner.schema]),
          random.chance(0.7) ? [other.schema] : [other.schema, inner.schema]
        ),
        (random) =>
          [inner.sample(random), other.sample(random), random.pick([inner, other]).sample(random)].slice(
            0,
            random.int(4)
          )
      )
    case 5: {
      const key = random.pick([
        Schema.String,
        Schema.String,
        Schema.String.check(Schema.isPattern(/^[ab]$/)),
        Schema.String.check(Schema.isMinLength(2)),
        Schema.TemplateLiteral(["x", Schema.String])
      ])
      const all = Schema.Record(key as typeof Schema.String, inner.schema)
      return of(
        random.chance(0.7) ? all : all.check(random.pick([Schema.isMinProperties(1), Schema.isMaxProperties(1)])),
        (random) => record(Array.from({ length: random.int(3) }, () => [random.pick(names), inner.sample(random)]))
      )
    }
    case 6:
      return of(Schema.NullOr(inner.schema), (random) => random.chance(0.3) ? null : inner.sample(random))
    case 7: {
      const members = random.chance(0.5)
        ? [inner, other]
        : [structOf(random, depth, "one"), structOf(random, depth, "two")]
      return of(
        Schema.Union(members.map(({ schema }) => schema), random.chance(0.1) ? { mode: "oneOf" } : undefined),
        (random) => random.pick(members).sample(random)
      )
    }
    default: {
      const struct = structOf(random, depth)
      return of(
        Schema.StructWithRest(struct.schema as never, [
          Schema.Record(Schema.String, random.pick([Schema.Unknown, inner.schema]))
        ]),
        (random) => ({ ...(struct.sample(random) as object), more: inner.sample(random) })
      )
    }
  }
}

/** A schema of documents. */
export const makeValidated = (random: Random): Kind => random.chance(0.9) ? structOf(random, 3) : kindOf(random, 3)
