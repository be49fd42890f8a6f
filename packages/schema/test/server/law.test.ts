import { assert, describe, it } from "@effect/vitest"
import { MongoDatabase } from "@mongofx/core"
import { Bson, type Filter, TypedCollection } from "@mongofx/schema"
import { MongoLaws, MongoTest } from "@mongofx/testing"
import { Arbitrary, DateTime, Effect, Schema } from "effect"
import * as Driver from "mongodb"
import { inspect } from "node:util"

// ---- random schemas, documents and filters, out of a seed

type Random = <A>(...choices: ReadonlyArray<() => A>) => A

const makeRandom = (seed: number): Random => {
  let state = seed >>> 0
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = Math.imul(state ^ (state >>> 15), state | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }
  return (...choices) => choices[Math.floor(next() * choices.length)]!()
}

const pick = <A>(random: Random, values: ReadonlyArray<A>): A => random(...values.map((value) => () => value))

const many = <A>(random: Random, minimum: number, maximum: number, make: (index: number) => A): Array<A> =>
  Array.from(
    { length: pick(random, Array.from({ length: maximum - minimum + 1 }, (_, i) => minimum + i)) },
    (_, i) => make(i)
  )

interface Scalar {
  readonly kind: "scalar"
  readonly schema: Schema.Codec<any, any>
  readonly values: ReadonlyArray<unknown>
  /** Whether stored values have the order of the decoded ones. */
  readonly ordered: boolean
}

interface Struct {
  readonly kind: "struct"
  readonly fields: ReadonlyArray<{ readonly name: string; readonly of: Type; readonly optional: boolean }>
  readonly make: (fields: Record<string, unknown>) => unknown
  readonly schema: Schema.Codec<any, any>
}

type Type =
  | Scalar
  | Struct
  | { readonly kind: "nullable"; readonly of: Scalar }
  | { readonly kind: "array"; readonly of: Scalar | Struct }
  | { readonly kind: "record"; readonly of: Scalar }
  | { readonly kind: "union"; readonly members: ReadonlyArray<Struct> }

const scalar = (schema: Schema.Codec<any, any>, values: ReadonlyArray<unknown>, ordered = true): Scalar => ({
  kind: "scalar",
  schema,
  values,
  ordered
})

const utc = (millis: number) => DateTime.makeUnsafe(millis)

const scalars: ReadonlyArray<Scalar> = [
  scalar(Schema.String, ["", "a", "b", "ab", "Z", "é", "\u{1F600}", "\uFFEE", "$a", "a.b", "__proto__"]),
  scalar(Schema.Number, [0, -0, 1, -1, 1.5, 2, 2 ** 40, Number.NaN, Infinity, -Infinity]),
  scalar(Bson.Int64, [0n, 1n, -1n, 2n ** 53n + 1n, 2n ** 63n - 1n, -(2n ** 63n)]),
  scalar(Bson.Date, [0, 1, -1, 1e12, -8.64e15, 8.64e15].map((millis) => new Date(millis))),
  scalar(Schema.DateTimeUtcFromDate, [0, 1, -1, 1e12].map(utc)),
  scalar(Schema.Boolean, [true, false]),
  scalar(Bson.ObjectId, ["0".repeat(24), "f".repeat(24), "7".repeat(24)].map((hex) => new Driver.ObjectId(hex))),
  scalar(Schema.Literals(["on", "off"]), ["on", "off"]),
  scalar(Schema.String.pipe(Schema.brand("Name")), ["a", "b"]),
  // Stored in a form with another order.
  scalar(Schema.NumberFromString, [0, 1, 2, 10, -1, 1.5], false),
  scalar(Schema.BigIntFromString, [0n, 1n, 10n, 2n ** 70n], false),
  scalar(Schema.BooleanFromBit, [true, false], false)
]

const schemaOf = (type: Type): Schema.Codec<any, any> => {
  switch (type.kind) {
    case "scalar":
    case "struct":
      return type.schema
    case "nullable":
      return Schema.NullOr(schemaOf(type.of))
    case "array":
      return Schema.Array(schemaOf(type.of))
    case "record":
      return Schema.Record(Schema.String, schemaOf(type.of))
    case "union":
      return Schema.Union(type.members.map(schemaOf))
  }
}

const names = ["a", "b", "c", "d", "e"]

const structOf = (fields: Struct["fields"], isClass = false): Struct => {
  const entries = Object.fromEntries(
    fields.map(({ name, of, optional }) => [name, optional ? Schema.optionalKey(schemaOf(of)) : schemaOf(of)])
  )
  if (!isClass) return { kind: "struct", fields, schema: Schema.Struct(entries), make: (fields) => fields }
  const Class = class extends Schema.Class<any>("test/Law")(entries) {}
  return { kind: "struct", fields, schema: Class as never, make: (fields) => new Class(fields) }
}

const randomStruct = (random: Random, depth: number): Struct =>
  structOf(
    many(random, 1, 4, (index) => ({
      name: names[index]!,
      of: randomType(random, depth),
      optional: pick(random, [true, false])
    })),
    pick(random, [true, false, false])
  )

const randomType = (random: Random, depth: number): Type => {
  const one = () => pick(random, scalars)
  const flat: ReadonlyArray<() => Type> = [
    one,
    () => ({ kind: "nullable", of: one() }),
    () => ({ kind: "array", of: one() }),
    () => ({ kind: "record", of: one() })
  ]
  if (depth === 0) return random(...flat)
  return random<Type>(
    ...flat,
    () => randomStruct(random, depth - 1),
    () => ({ kind: "array", of: randomStruct(random, depth - 1) }),
    () => ({
      kind: "union",
      members: ["x", "y"].map((tag) =>
        structOf([
          { name: "kind", of: scalar(Schema.Literal(tag), [tag]), optional: false },
          { name: tag, of: randomType(random, 0), optional: false }
        ])
      )
    })
  )
}

const randomValue = (random: Random, type: Type): unknown => {
  switch (type.kind) {
    case "scalar":
      return pick(random, type.values)
    case "nullable":
      return random(() => null, () => randomValue(random, type.of))
    case "array":
      return many(random, 0, 3, () => randomValue(random, type.of))
    case "record":
      // The keys have one order: documents with another order of keys are different to the server.
      return Object.fromEntries(
        ["k", "l", "m"].filter(() => pick(random, [true, false])).map((key) => [key, randomValue(random, type.of)])
      )
    case "union":
      return randomValue(random, pick(random, type.members))
    case "struct":
      return type.make(Object.fromEntries(
        type.fields.filter(({ optional }) => !optional || pick(random, [true, false])).map(({ name, of }) => [
          name,
          randomValue(random, of)
        ])
      ))
  }
}

/** A path with the type of the value at its end. */
const randomPath = (random: Random, type: Type): readonly [path: string, type: Type] => {
  const below = (segment: string, of: Type): readonly [string, Type] => {
    const [path, end] = random(() => ["", of] as const, () => randomPath(random, of))
    return [path === "" ? segment : `${segment}.${path}`, end]
  }
  switch (type.kind) {
    case "scalar":
      return ["", type]
    case "nullable":
      return ["", type]
    case "struct": {
      const { name, of } = pick(random, type.fields)
      return below(name, of)
    }
    case "union":
      return randomPath(random, pick(random, type.members))
    case "record":
      return [pick(random, ["k", "l", "z"]), type.of]
    case "array": {
      const indexed = () => below(pick(random, ["0", "1"]), type.of)
      return type.of.kind === "struct" ? random(indexed, () => randomPath(random, type.of)) : indexed()
    }
  }
}

const randomCondition = (random: Random, type: Type): unknown => {
  const value = () => randomValue(random, type)
  const exists = () => ({ $exists: pick(random, [true, false]) })
  switch (type.kind) {
    case "scalar": {
      const operand = value
      const order = () => ({ [pick(random, ["$gt", "$gte", "$lt", "$lte"])]: operand() })
      const text = () => ({ $regex: pick(random, ["^a", "b", "^$", "z"]) })
      return random<unknown>(
        operand,
        () => ({ $eq: operand() }),
        () => ({ $ne: operand() }),
        () => ({ $in: many(random, 0, 3, operand) }),
        () => ({ $nin: many(random, 0, 3, operand) }),
        () => ({ $not: { $eq: operand() } }),
        exists,
        ...(type.ordered ? [order, () => ({ ...order(), ...order() }), () => ({ $not: order() })] : []),
        ...(type.schema === Schema.String ? [text, () => ({ $not: text() })] : [])
      )
    }
    case "nullable":
      return random<unknown>(
        () => null,
        () => ({ $ne: null }),
        () => ({ $in: [null, pick(random, type.of.values)] }),
        () => randomCondition(random, type.of)
      )
    case "array": {
      const element = () => randomValue(random, type.of)
      return random<unknown>(
        value,
        element,
        () => ({ $size: pick(random, [0, 1, 2]) }),
        () => ({ $all: many(random, 0, 2, element) }),
        () => ({ $ne: element() }),
        () => ({ $in: [element(), value()] }),
        exists,
        () =>
          type.of.kind === "struct"
            ? { $elemMatch: randomFilter(random, type.of, 0) }
            : { $elemMatch: { $in: many(random, 1, 2, element), $ne: element() } },
        () =>
          type.of.kind === "scalar" && type.of.ordered
            ? { $elemMatch: { $gte: element(), $lt: element() } }
            : { $elemMatch: { $exists: true } },
        () => type.of.kind === "scalar" ? randomCondition(random, type.of) : { $eq: element() }
      )
    }
    default:
      return random<unknown>(value, exists, () => ({ $ne: value() }), () => ({ $in: [value(), value()] }))
  }
}

const randomFilter = (random: Random, type: Struct, depth: number): Record<string, unknown> => {
  const fields = () =>
    Object.fromEntries(many(random, 1, 2, () => {
      const [path, end] = randomPath(random, type)
      return [path, randomCondition(random, end)]
    }))
  if (depth === 0) return fields()
  return random<Record<string, unknown>>(
    fields,
    fields,
    () => ({
      [pick(random, ["$and", "$or", "$nor"])]: many(random, 1, 3, () => randomFilter(random, type, depth - 1))
    }),
    () => ({ ...fields(), $or: many(random, 1, 2, () => randomFilter(random, type, depth - 1)) })
  )
}

// ---- equality of decoded values

const isObject = (u: unknown): u is Record<string, unknown> =>
  typeof u === "object" && u !== null && !Array.isArray(u) && !(u instanceof Date) && !(u instanceof Driver.ObjectId) &&
  !DateTime.isDateTime(u)

const equal = (a: unknown, b: unknown): boolean => {
  if (typeof a === "number" && typeof b === "number") return a === b || Number.isNaN(a) && Number.isNaN(b)
  if (Array.isArray(a)) return Array.isArray(b) && a.length === b.length && a.every((value, i) => equal(value, b[i]))
  if (isObject(a)) {
    if (!isObject(b)) return false
    const [left, right] = [Object.entries(a), Object.entries(b)]
    return left.length === right.length &&
      left.every(([key, value], i) => key === right[i]![0] && equal(value, right[i]![1]))
  }
  return typeof a === typeof b && a !== null && b !== null && typeof a === "object" ? compare(a, b) === 0 : a === b
}

const compare = (a: unknown, b: unknown): number | undefined => {
  if (typeof a !== typeof b || a === null || b === null || Array.isArray(a) || Array.isArray(b)) return undefined
  if (typeof a === "string") return Buffer.compare(Buffer.from(a), Buffer.from(b as string))
  if (a instanceof Date && b instanceof Date) return a.getTime() - b.getTime()
  if (DateTime.isDateTime(a) && DateTime.isDateTime(b)) {
    return DateTime.toEpochMillis(a) - DateTime.toEpochMillis(b)
  }
  if (a instanceof Driver.ObjectId && b instanceof Driver.ObjectId) return Buffer.compare(a.id, b.id)
  if (isObject(a) || isObject(b)) return undefined
  return (a as number) < (b as number) ? -1 : (a as number) > (b as number) ? 1 : a == b ? 0 : undefined
}

// ---- the reference: an update of a decoded document

/** A path to a present value, and the type at its end. */
const randomPlace = (
  random: Random,
  type: Type,
  value: unknown
): readonly [path: Array<string | number>, type: Type] => {
  const end = () => [[] as Array<string | number>, type] as const
  const below = (segment: string | number, of: Type, value: unknown): readonly [Array<string | number>, Type] => {
    const [path, end] = randomPlace(random, of, value)
    return [[segment, ...path], end]
  }
  switch (type.kind) {
    case "struct": {
      const fields = type.fields.filter(({ name }) => Object.hasOwn(value as object, name))
      if (fields.length === 0) return end()
      const { name, of } = pick(random, fields)
      return random<readonly [Array<string | number>, Type]>(
        () => [[name], of],
        () => below(name, of, (value as Record<string, unknown>)[name])
      )
    }
    case "record":
      return [[pick(random, ["k", "l"])], type.of]
    case "array": {
      const list = value as ReadonlyArray<unknown>
      if (list.length === 0) return end()
      const index = pick(random, list.map((_, index) => index))
      return below(index, type.of, list[index])
    }
    default:
      return end()
  }
}

/** The value with another one at a path. */
const put = (value: unknown, [segment, ...rest]: ReadonlyArray<string | number>, other: unknown): unknown => {
  if (segment === undefined) return other
  if (Array.isArray(value)) return value.map((element, i) => i === segment ? put(element, rest, other) : element)
  const fields = value as Record<string, unknown>
  return { ...fields, [segment]: put(fields[segment], rest, other) }
}

/** Fields in one order: an update adds keys at the end. */
const sorted = (value: unknown): unknown =>
  Array.isArray(value)
    ? value.map(sorted)
    : isObject(value)
    ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => a < b ? -1 : 1).map(([k, v]) => [k, sorted(v)]))
    : value

// ---- the laws

const Seed = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 2 ** 31 }))

const runs = 100

const randomRoot = (random: Random) => {
  const fields = many(random, 2, 5, (index) => ({
    name: names[index]!,
    of: randomType(random, 2),
    optional: pick(random, [true, false])
  }))
  return {
    body: structOf(fields),
    root: structOf([{ name: "_id", of: scalar(Schema.Int, []), optional: false }, ...fields])
  }
}

const check = <E, R>(property: (random: Random) => Effect.Effect<unknown, E, R>): Effect.Effect<void, never, R> =>
  Effect.map(
    Arbitrary.checkEffect(
      Arbitrary.schema(Seed),
      (seed) => Effect.as(Effect.suspend(() => property(makeRandom(seed))), true),
      { runs }
    ),
    (result) => {
      const failure = Arbitrary.formatCheckFailure(result)
      if (failure !== undefined) assert.fail(failure)
    }
  )

const filters = 15

let telling = 0

describe("laws, for random schemas, documents and filters", () => {
  it.live("a query finds the documents whose decoded form satisfies its filter", () =>
    Effect.gen(function*() {
      const db = yield* MongoDatabase.MongoDatabase
      yield* check(
        Effect.fnUntraced(function*(random) {
          const { body, root } = randomRoot(random)
          const collection = TypedCollection.make(db, "law", root.schema)
          yield* collection.deleteMany({})
          const given = many(random, 4, 12, (_id) => ({ _id, ...randomValue(random, body) as object }))
          yield* collection.insertMany(given)

          const documents: ReadonlyArray<{ readonly _id: number }> = yield* collection.find().sort({ _id: 1 } as never)
          for (const [index, document] of documents.entries()) {
            assert(equal(document, given[index]), `round trip: ${inspect([document, given[index]], { depth: 9 })}`)
          }

          for (let i = 0; i < filters; i++) {
            const filter = randomFilter(random, body, 2)
            const found: ReadonlyArray<{ readonly _id: number }> = yield* collection.find(filter as Filter.Filter<any>)
              .sort({ _id: 1 } as never)
            const expected = documents.filter((document) => MongoLaws.matches(document, filter))
            assert.deepStrictEqual(
              found.map(({ _id }) => _id),
              expected.map(({ _id }) => _id),
              inspect({ filter, documents }, { depth: 9 })
            )
            if (found.length > 0 && found.length < documents.length) telling++
          }
        })
      )
      // Filters that match nothing, or everything, would prove little.
      assert.isAbove(telling, runs * filters / 5)
    }).pipe(Effect.provide(MongoTest.layer)), 120_000)

  it.live("an update changes the decoded document at its path, and nothing else", () =>
    Effect.gen(function*() {
      const db = yield* MongoDatabase.MongoDatabase
      yield* check(
        Effect.fnUntraced(function*(random) {
          const { body, root } = randomRoot(random)
          const collection = TypedCollection.make(db, "law", root.schema)
          yield* collection.deleteMany({})
          let expected = { _id: 1, ...randomValue(random, body) as object }
          yield* collection.insertMany([expected, { ...expected, _id: 2 }])
          const untouched = { ...expected, _id: 2 }
          for (let i = 0; i < 10; i++) {
            const [path, type] = randomPlace(random, body, expected)
            if (path.length === 0) continue
            const value = randomValue(random, type)
            yield* collection.updateOne({ _id: 1 } as never, { $set: { [path.join(".")]: value } } as never)
            expected = put(expected, path, value) as typeof expected
            const found = yield* collection.find({}).sort({ _id: 1 } as never)
            assert(
              equal(sorted(found), sorted([expected, untouched])),
              inspect({ path, value, found, expected }, { depth: 9 })
            )
          }
        })
      )
    }).pipe(Effect.provide(MongoTest.layer)), 120_000)
})
