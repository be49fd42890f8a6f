/**
 * Random schemas for the tests of the compiled codecs, with documents that fit them more or less.
 *
 * @since 0.1.0
 */
import { Bson } from "@mongofx/schema"
import { Effect, Option, Schema, SchemaGetter, SchemaIssue } from "effect"
import * as Driver from "mongodb"

/** Random numbers that follow from a seed. */
export class Random {
  private state: number
  constructor(seed: number) {
    this.state = seed >>> 0
  }
  next(): number {
    this.state = (this.state + 0x6d2b79f5) >>> 0
    let t = this.state
    t = Math.imul(t ^ (t >>> 15), t | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }
  int(n: number): number {
    return Math.floor(this.next() * n)
  }
  chance(p: number): boolean {
    return this.next() < p
  }
  pick<A>(choices: ReadonlyArray<A>): A {
    return choices[this.int(choices.length)]!
  }
  shuffle<A>(items: ReadonlyArray<A>): Array<A> {
    const out = [...items]
    for (let i = out.length - 1; i > 0; i--) {
      const j = this.int(i + 1)
      const other = out[j]!
      out[j] = out[i]!
      out[i] = other
    }
    return out
  }
}

/** A schema without services. */
export type AnySchema = Schema.Codec<unknown, unknown>

/** A schema, and a maker of encoded values that mostly fit. */
export interface Kind {
  readonly schema: AnySchema
  readonly sample: (random: Random) => unknown
  readonly optional?: boolean
}

const kind = (schema: Schema.Constraint, sample: (random: Random) => unknown): Kind => ({
  schema: schema as AnySchema,
  sample
})

const texts = [
  "",
  "a",
  "abc",
  "12",
  "1.5",
  "  padded ",
  "née",
  "日本語の文字列",
  "\uFFFD",
  "\uFEFFbom",
  "😀",
  "exactly sixteen.",
  "seventeen letters",
  "x".repeat(40),
  "a\0b",
  "2020-01-01T00:00:00.000Z"
]

const numbers: ReadonlyArray<unknown> = [
  0,
  -0,
  1,
  -1,
  2 ** 31 - 1,
  -(2 ** 31),
  2 ** 31,
  1.5,
  Number.NaN,
  Number.POSITIVE_INFINITY,
  2 ** 53 - 1,
  2 ** 53,
  1e300,
  new Driver.Double(5),
  new Driver.Double(-0),
  new Driver.Double(2 ** 53),
  new Driver.Int32(7),
  Driver.Long.fromNumber(12),
  Driver.Long.fromBigInt(2n ** 53n - 1n),
  Driver.Long.fromBigInt(2n ** 53n),
  Driver.Long.fromBigInt(2n ** 53n + 1n),
  Driver.Long.fromBigInt(-(2n ** 53n) - 1n),
  Driver.Long.MAX_VALUE,
  Driver.Long.MIN_VALUE
]

const id = (random: Random): Driver.ObjectId =>
  new Driver.ObjectId(Buffer.from(Array.from({ length: 12 }, () => random.int(256))))

const uuid = (random: Random): Driver.UUID =>
  new Driver.UUID(Buffer.from(Array.from({ length: 16 }, () => random.int(256))))

const bytes = (random: Random): Buffer => Buffer.from(Array.from({ length: random.int(20) }, () => random.int(256)))

const date = (random: Random): Date =>
  new Date(random.pick([0, 1_700_000_000_000, -1, 8.64e15, -8.64e15, 8.64e15 + 1, random.int(2 ** 31)]))

/** Values that hold others. */
const nested = (random: Random): unknown => {
  switch (random.int(6)) {
    case 0:
      return {}
    case 1:
      return [1, "two", null]
    case 2:
      return { a: anyValue(random), b: [anyValue(random)] }
    case 3:
      return { $ref: "users", $id: id(random) }
    case 4:
      return new Driver.DBRef("users", id(random), "app", { extra: 1 })
    default:
      return [{ a: 1 }, [anyValue(random)]]
  }
}

const scalarValue = (random: Random): unknown => {
  switch (random.int(20)) {
    case 0:
      return random.pick(texts)
    case 1:
      return random.pick(numbers)
    case 2:
      return random.chance(0.5)
    case 3:
      return null
    case 4:
      return undefined
    case 5:
      return id(random)
    case 6:
      return date(random)
    case 7:
      return new Driver.Binary(bytes(random), random.pick([0, 1, 2, 3, 5, 128]))
    case 8:
      return uuid(random)
    case 9:
      return new Driver.Timestamp({ t: random.int(2 ** 31), i: random.int(10) })
    case 10:
      return Driver.Decimal128.fromString("12.50")
    case 11:
      return new Driver.BSONRegExp("^a", "i")
    case 12:
      return new Driver.Code("f()")
    case 13:
      return new Driver.Code("f()", { a: 1 })
    case 14:
      return new Driver.MinKey()
    case 15:
      return new Driver.MaxKey()
    case 16:
      return new Driver.BSONSymbol("abc")
    case 17:
      return Driver.Binary.fromFloat32Array(new Float32Array([1, 0.5]))
    case 18:
      return new Driver.Binary(bytes(random), 4)
    default:
      return random.pick(numbers)
  }
}

export const anyValue = (random: Random): unknown => random.chance(0.15) ? nested(random) : scalarValue(random)

const text = (random: Random): string => random.pick(texts)
const number = (random: Random): unknown => random.pick(numbers)
const smallInt = (random: Random): unknown =>
  random.pick([random.int(200) - 100, new Driver.Double(random.int(100)), Driver.Long.fromNumber(random.int(1000))])

const Shout = Schema.String.pipe(Schema.decodeTo(Schema.String, {
  decode: SchemaGetter.transform((s: string) => s.toUpperCase()),
  encode: SchemaGetter.transform((s: string) => s.toLowerCase())
}))

const ShortText = Schema.String.pipe(Schema.decodeTo(Schema.String, {
  decode: SchemaGetter.transformEffect((s: string, options) =>
    s.length > 10
      ? Effect.fail(new SchemaIssue.InvalidValue({ expected: "a short text" }, s, options))
      : Effect.succeed(s)
  ),
  encode: SchemaGetter.transform((s: string) => s)
}))

/** An effect that has not ended when it is made. */
const LateText = Schema.String.pipe(Schema.decodeTo(Schema.String, {
  decode: SchemaGetter.transformEffect((s: string) => Effect.map(Effect.sync(() => s), (s) => `${s}!`)),
  encode: SchemaGetter.transformEffect((s: string) => Effect.sync(() => s.slice(0, -1)))
}))

const ThrowingText = Schema.String.pipe(Schema.decodeTo(Schema.String, {
  decode: SchemaGetter.transform((s: string) => {
    if (s === "abc") throw new Error("thrown")
    return s
  }),
  encode: SchemaGetter.transform((s: string) => s)
}))

const NonEmptyOrAbsent = Schema.String.pipe(Schema.decodeTo(Schema.optionalKey(Schema.String), {
  decode: SchemaGetter.transformOptional((o: Option.Option<string>) => Option.filter(o, (s) => s !== "")),
  encode: SchemaGetter.transformOptional((o: Option.Option<string>) => Option.orElseSome(o, () => ""))
}))

class Point extends Schema.Class<Point>("Point")({ x: Schema.Finite, y: Schema.optionalKey(Schema.Int) }) {
  get sum(): number {
    return this.x + (this.y ?? 0)
  }
}

class Named extends Point.extend<Named>("Named")({ name: Schema.String }) {}

class Circle extends Schema.TaggedClass<Circle>()("Circle", { radius: Schema.Finite }) {}

interface Tree {
  readonly value: number
  readonly children: ReadonlyArray<Tree>
}
const Tree = Schema.Struct({
  value: Schema.Int,
  children: Schema.Array(Schema.suspend((): Schema.Codec<Tree> => Tree))
})

const tree = (random: Random, depth = 0): unknown => ({
  value: smallInt(random),
  children: depth > 3 ? [] : Array.from({ length: random.int(3) }, () => tree(random, depth + 1))
})

enum Fruit {
  Apple = "apple",
  Pear = "pear",
  Nothing = 0
}

const leaves: ReadonlyArray<Kind> = [
  kind(Schema.String, text),
  kind(Schema.String, text),
  kind(Schema.Number, number),
  kind(Schema.Finite, number),
  kind(Schema.Int, smallInt),
  kind(Schema.Boolean, (random) => random.chance(0.5)),
  kind(Schema.Null, () => null),
  kind(Schema.Undefined, () => undefined),
  kind(Schema.Unknown, anyValue),
  kind(Schema.Any, anyValue),
  kind(Schema.ObjectKeyword, nested),
  kind(Schema.BigInt, number),
  kind(Schema.Date, date),
  kind(Bson.Date, date),
  kind(Bson.ObjectId, id),
  kind(Bson.ObjectId.pipe(Schema.brand("Id")), id),
  kind(Bson.ObjectIdFromHex, (random) => id(random).toHexString()),
  kind(Bson.Int32, smallInt),
  kind(Bson.Int32.check(Schema.isBetween({ minimum: -50, maximum: 50 })), smallInt),
  kind(Bson.Int64, number),
  kind(Bson.Long, number),
  kind(Bson.Double, number),
  kind(Bson.Decimal128, () => Driver.Decimal128.fromString("3.140")),
  kind(Bson.BigDecimal, () => Driver.Decimal128.fromString("3.140")),
  kind(Bson.Bytes, (random) => new Driver.Binary(bytes(random))),
  kind(Bson.Binary, (random) => new Driver.Binary(bytes(random), random.pick([0, 1, 2, 4, 5, 128]))),
  kind(Bson.UUID, uuid),
  kind(Bson.Vector, () => Driver.Binary.fromInt8Array(new Int8Array([1, -2]))),
  kind(Bson.Float32Vector, () => Driver.Binary.fromFloat32Array(new Float32Array([1, 0.5]))),
  kind(Bson.Timestamp, (random) => new Driver.Timestamp({ t: random.int(100), i: random.int(100) })),
  kind(Bson.BSONRegExp, (random) => new Driver.BSONRegExp("^a", random.pick(["", "i", "imx"]))),
  kind(Bson.Code, (random) => random.pick([new Driver.Code("f()"), new Driver.Code("f()", { a: 1 })])),
  kind(Bson.MinKey, () => new Driver.MinKey()),
  kind(Bson.MaxKey, () => new Driver.MaxKey()),
  kind(Bson.DBRef, (random) => new Driver.DBRef("users", id(random))),
  kind(Schema.Literal("abc"), (random) => random.pick(["abc", "abc", "a"])),
  kind(Schema.Literal("a\0b"), () => "a\0b"),
  kind(Schema.Literal("née"), () => "née"),
  kind(Schema.Literal("\uFFFD"), () => "\uFFFD"),
  kind(Schema.Literal(""), () => ""),
  kind(Schema.Literal(1), (random) => random.pick([1, new Driver.Double(1), Driver.Long.fromNumber(1)])),
  kind(Schema.Literal(0), (random) => random.pick([0, -0, new Driver.Double(-0)])),
  kind(Schema.Literal(true), () => true),
  kind(Schema.Literals(["a", "abc", "12"]), (random) => random.pick(["a", "abc", "12"])),
  kind(Schema.Literals(["a", 1, true]), (random) => random.pick(["a", 1, true, false, 2])),
  kind(Schema.Enum(Fruit), (random) => random.pick(["apple", "pear", 0])),
  kind(Schema.TemplateLiteral(["a", Schema.String]), text),
  kind(Schema.String.check(Schema.isMinLength(2)), text),
  kind(Schema.String.check(Schema.isMinLength(1), Schema.isMaxLength(12)), text),
  kind(Schema.String.check(Schema.isPattern(/^[a-z]*$/u)), text),
  kind(Schema.Int.check(Schema.isBetween({ minimum: -10, maximum: 50 })), smallInt),
  kind(Schema.FiniteFromString, (random) => random.pick(["1.5", "12", "x"])),
  kind(Schema.DateFromString, (random) => random.pick(["2020-01-01T00:00:00.000Z", "never"])),
  kind(Schema.DateTimeUtcFromDate, date),
  kind(Schema.Trim, text),
  kind(Shout, text),
  kind(ShortText, text),
  kind(ThrowingText, text),
  kind(Schema.OptionFromNullOr(Schema.String), (random) => random.chance(0.5) ? null : text(random)),
  kind(Schema.UndefinedOr(Schema.String), (random) => random.chance(0.5) ? undefined : text(random)),
  kind(Schema.String.pipe(Schema.catchDecoding(() => Effect.succeed(Option.some("instead")))), anyValue),
  kind(Point, (random) => ({ x: smallInt(random), ...(random.chance(0.5) ? { y: smallInt(random) } : {}) })),
  kind(Named, (random) => ({ name: text(random), x: smallInt(random) })),
  kind(Point.check(Schema.makeFilter((point) => point.x >= 0)), (random) => ({ x: smallInt(random) })),
  kind(Tree, tree),
  kind(Schema.Json, nested),
  kind(Schema.Struct({}), anyValue)
]

const fieldNames = [
  "a",
  "b",
  "c",
  "name",
  "longer name",
  "née",
  "__proto__",
  "constructor",
  "toString",
  "0",
  "17",
  "$set",
  "_id",
  "same",
  "sama",
  "a.b"
]

/** A field of a document that no schema names. */
export const foreignName = "zzz"

const container = (random: Random, depth: number): Kind => {
  switch (random.int(16)) {
    case 0:
    case 1:
    case 2:
      return makeStruct(random, depth)
    case 3: {
      const each = makeKind(random, depth - 1)
      return kind(
        Schema.Array(each.schema),
        (random) => Array.from({ length: random.int(4) }, () => each.sample(random))
      )
    }
    case 4: {
      const [first, second] = [makeKind(random, depth - 1), makeKind(random, depth - 1)]
      const both = (random: Random) => [first.sample(random), second.sample(random)]
      return random.chance(0.5)
        ? kind(Schema.Tuple([first.schema, second.schema]), both)
        : kind(
          Schema.TupleWithRest(Schema.Tuple([first.schema]), [second.schema]),
          (random) => random.chance(0.3) ? [first.sample(random)] : [...both(random), second.sample(random)]
        )
    }
    case 5: {
      const each = makeKind(random, depth - 1)
      const key = random.chance(0.7) ? Schema.String : Schema.String.check(Schema.isMaxLength(3))
      return kind(
        Schema.Record(key, each.schema),
        (random) =>
          Object.fromEntries(
            Array.from({ length: random.int(4) }, () => [random.pick(fieldNames), each.sample(random)])
          )
      )
    }
    case 6: {
      const struct = makeStruct(random, depth)
      const rest = random.chance(0.7) ? Schema.Unknown : Schema.String
      return kind(
        Schema.StructWithRest(struct.schema as never, [Schema.Record(Schema.String, rest)]),
        (random) => ({
          more: random.pick(texts),
          ...(struct.sample(random) as object),
          [foreignName]: anyValue(random)
        })
      )
    }
    case 7: {
      const members = [makeKind(random, depth - 1), makeKind(random, depth - 1), makeKind(random, depth - 1)]
      return kind(
        Schema.Union(members.map((member) => member.schema), random.chance(0.15) ? { mode: "oneOf" } : undefined),
        (random) => random.pick(members).sample(random)
      )
    }
    case 8: {
      const tagged = ["one", "two"].map((tag) => ({ tag, struct: makeStruct(random, depth) }))
      const key = random.pick(["_tag", "kind"])
      return kind(
        Schema.Union([
          ...tagged.map(({ struct, tag }) => Schema.Struct({ ...fieldsOf(struct), [key]: Schema.Literal(tag) })),
          ...(key === "_tag" && random.chance(0.5) ? [Circle] : [])
        ]),
        (random) => {
          if (random.chance(0.2)) return { _tag: "Circle", radius: 2 }
          const { struct, tag } = random.pick(tagged)
          return { ...(struct.sample(random) as object), [key]: tag }
        }
      )
    }
    case 9: {
      const inner = makeKind(random, depth - 1)
      return kind(Schema.NullOr(inner.schema), (random) => random.chance(0.3) ? null : inner.sample(random))
    }
    case 10:
    case 11:
    case 12:
    case 13:
      return makeVariants(random, depth)
    case 14: {
      const struct = makeStruct(random, depth)
      const checked = struct.schema.check(Schema.makeFilter((value) => Object.keys(value as object).length !== 2))
      return kind(checked, struct.sample)
    }
    default: {
      const struct = makeStruct(random, depth)
      return kind(makeClass(random, fieldsOf(struct)), struct.sample)
    }
  }
}

type RandomClass = Schema.Schema<object> & { readonly extend: (name: string) => (fields: object) => RandomClass }

/** A class, some with a constructor or fields of their own, some that extend others. */
const makeClass = (random: Random, fields: Record<string, AnySchema>): Schema.Constraint => {
  const name = `Random${random.int(1e9)}`
  const Base = (Schema.Class as unknown as (name: string) => (fields: object) => RandomClass)(name)(fields)
  const Class = random.chance(0.8) ? Base : makeSubclass(random, Base)
  const Extended = random.chance(0.8)
    ? Class
    : Class.extend(`${name}Extended`)({ more: Schema.optionalKey(Schema.Int) })
  return random.chance(0.8)
    ? Extended
    : Extended.check(Schema.makeFilter((value) => Object.keys(value).length !== 3))
}

const makeSubclass = (random: Random, base: RandomClass): RandomClass => {
  const Base = base as unknown as new(...args: ReadonlyArray<unknown>) => object
  const makers = [
    () =>
      class extends Base {
        get own() {
          return 1
        }
      },
    () =>
      class extends Base {
        readonly own = 1
      },
    () =>
      class extends Base {
        constructor(...args: ReadonlyArray<unknown>) {
          super(...args)
          Object.assign(this, { own: 1 })
        }
      }
  ]
  return random.pick(makers)() as unknown as RandomClass
}

const fieldsByStruct = new WeakMap<object, Record<string, AnySchema>>()

const fieldsOf = (struct: Kind): Record<string, AnySchema> => fieldsByStruct.get(struct.schema) ?? {}

const makeStruct = (random: Random, depth: number): Kind => {
  const names = random.shuffle(fieldNames.filter((name) => depth < 2 || name !== "__proto__")).slice(
    0,
    1 + random.int(depth > 1 ? 8 : 4)
  )
  const fields = names.map((name) => {
    const field = makeKind(random, depth - 1)
    const { schema } = field
    switch (random.int(10)) {
      case 0:
      case 1:
        return { name, field, schema: Schema.optionalKey(schema), absent: 0.4 }
      case 2:
        return { name, field, schema: Schema.optional(schema), absent: 0.4 }
      case 3: {
        const value = random.chance(0.5) ? Effect.succeed("default") : Effect.sync(() => "default")
        const plain = kind(Schema.String, text)
        return { name, field: plain, schema: Schema.String.pipe(Schema.withDecodingDefaultKey(value)), absent: 0.4 }
      }
      case 4:
        return random.chance(0.5)
          ? { name, field: kind(Schema.String, text), schema: NonEmptyOrAbsent, absent: 0.2 }
          : { name, field, schema, absent: 0.05 }
      case 5:
        return random.chance(0.2)
          ? { name, field: kind(Schema.String, text), schema: LateText, absent: 0.05 }
          : { name, field, schema: Schema.mutableKey(schema), absent: 0.05 }
      default:
        return { name, field, schema, absent: 0.02 }
    }
  })
  const schemas = Object.defineProperties(
    {} as Record<string, AnySchema>,
    Object.fromEntries(fields.map(({ name, schema }) => [
      name,
      { value: schema, enumerable: true, writable: true, configurable: true }
    ]))
  )
  const schema = Schema.Struct(schemas) as unknown as AnySchema
  fieldsByStruct.set(schema, schemas)
  return {
    schema,
    sample: (random) => {
      const present = fields.filter(({ absent }) => !random.chance(absent))
      const ordered = random.chance(0.7) ? present : random.shuffle(present)
      const out: Record<string, unknown> = {}
      if (random.chance(0.1)) out[foreignName] = anyValue(random)
      for (const { field, name } of ordered) {
        const value = random.chance(0.02) ? anyValue(random) : field.sample(random)
        Object.defineProperty(out, name, { value, enumerable: true, writable: true, configurable: true })
        if (random.chance(0.08)) out[random.pick([foreignName, "other"])] = anyValue(random)
      }
      return out
    }
  }
}

// ---- unions of structs that literals tell apart, more or less: required, optional, with defaults, omitted

interface Field extends Kind {
  /** How often the field is absent. */
  readonly absent: number
}

const field = (schema: Schema.Constraint, sample: Kind["sample"], absent: number): Field => ({
  ...kind(schema, sample),
  absent
})

const tagValues = ["one", "two", 1, 2, true] as const

/** A field whose encoded side is a required literal, and that a document may lack all the same. */
const missed = (value: typeof tagValues[number]) =>
  Schema.Literal(value).pipe(Schema.decodeTo(Schema.Literal(value), {
    decode: SchemaGetter.transformOptional(Option.orElseSome(() => value)),
    encode: SchemaGetter.transformOptional((o: Option.Option<typeof value>) => o)
  }))

const tagField = (random: Random): Field => {
  const value = random.pick(tagValues)
  const literal = Schema.Literal(value)
  const constant = Effect.succeed(value)
  const sample = (random: Random) => random.chance(0.9) ? value : random.pick(tagValues)
  switch (random.int(14)) {
    case 0:
    case 1:
    case 2:
      return field(literal, sample, 0.1)
    case 3:
      return field(Schema.tag(value), sample, 0.1)
    case 4:
      return field(Schema.tagDefaultOmit(value), sample, 0.5)
    case 5:
      return field(literal.pipe(Schema.withDecodingDefaultKey(constant)), sample, 0.5)
    case 6:
      return field(literal.pipe(Schema.withDecodingDefault(constant)), sample, 0.5)
    case 7:
      return field(literal.pipe(Schema.withDecodingDefaultTypeKey(constant)), sample, 0.5)
    case 8:
      return field(Schema.optionalKey(literal), sample, 0.5)
    case 9:
      return field(Schema.optional(literal), sample, 0.5)
    case 10:
      return field(missed(value), sample, 0.5)
    case 11:
      return field(Schema.suspend(() => literal), sample, 0.1)
    case 12:
      return field(literal.pipe(Schema.catchDecoding(() => Effect.succeed(Option.some(value)))), sample, 0.3)
    default:
      return field(Schema.Literals([value, random.pick(tagValues)]), sample, 0.1)
  }
}

const plainField = (random: Random, depth: number): Field => {
  const { sample, schema } = random.chance(0.5) ? kind(Schema.String, text) : makeKind(random, depth - 1)
  switch (random.int(6)) {
    case 0:
      return field(schema, sample, 0.05)
    case 1:
      return field(Schema.optional(schema), sample, 0.5)
    case 2:
      return field(Schema.String.pipe(Schema.withDecodingDefaultKey(Effect.succeed("default"))), text, 0.5)
    case 3:
      return field(Schema.OptionFromOptionalKey(Schema.String), text, 0.5)
    default:
      return field(Schema.optionalKey(schema), sample, 0.5)
  }
}

const variantNames = ["kind", "_tag", "version", "name", "same"] as const

const makeVariant = (random: Random, depth: number): Kind => {
  if (random.chance(0.1)) {
    const [first, second] = [tagField(random), plainField(random, depth)]
    return kind(
      Schema.TupleWithRest(Schema.Tuple([first.schema]), [second.schema]),
      (random) => [first.sample(random), second.sample(random)].slice(0, random.int(3))
    )
  }
  const names = random.shuffle(variantNames).slice(0, 1 + random.int(4))
  const fields = names.map((name) => [name, random.chance(0.5) ? tagField(random) : plainField(random, depth)] as const)
  const schemas = Object.fromEntries(fields.map(([name, { schema }]) => [name, schema]))
  const make = Schema.Class as unknown as (name: string) => (fields: object) => Schema.Constraint
  const schema = random.chance(0.8) ? Schema.Struct(schemas) : make(`Variant${random.int(1e9)}`)(schemas)
  return kind(
    schema,
    (random) =>
      Object.fromEntries(
        fields.filter(([, { absent }]) => !random.chance(absent)).map(([name, { sample }]) => [name, sample(random)])
      )
  )
}

const makeVariants = (random: Random, depth: number): Kind => {
  const members = Array.from(
    { length: 1 + random.int(4) },
    () => random.chance(0.85) || depth <= 0 ? makeVariant(random, depth) : makeVariants(random, depth - 1)
  )
  const extra = random.pick<ReadonlyArray<Kind>>([
    [],
    [],
    [kind(Schema.Null, () => null)],
    [kind(Schema.Undefined, () => undefined)],
    [random.pick(leaves)]
  ])
  const all = random.shuffle([...members, ...extra])
  return kind(
    Schema.Union(all.map(({ schema }) => schema), random.chance(0.1) ? { mode: "oneOf" } : undefined),
    (random) => {
      const [first, second] = [random.pick(all).sample(random), random.pick(all).sample(random)]
      // With the fields of two members, many values fit neither.
      return random.chance(0.2) && isFields(first) && isFields(second) ? { ...first, ...second } : first
    }
  )
}

const isFields = (value: unknown): value is object =>
  typeof value === "object" && value !== null && Object.getPrototypeOf(value) === Object.prototype

const makeKind = (random: Random, depth: number): Kind =>
  depth <= 0 || random.chance(0.6) ? random.pick(leaves) : container(random, depth)

/** A schema, usually of documents. */
export const makeDocumentKind = (random: Random): Kind =>
  random.chance(0.7) ? makeStruct(random, 3) : container(random, 3)
