/** Values without parts: those of the schemas of `Bson`, dates, and constants. */
import * as Decimal from "effect/BigDecimal"
import type * as SchemaAST from "effect/SchemaAST"
import * as Driver from "mongodb"
import * as Bson from "../../Bson.ts"
import { representationOf } from "../ast/stored.ts"
import { isStorableDecimal, toDecimal128 } from "../bson/numbers.ts"
import { decimalRangeOf, described, filtersOf, known, rangeOf } from "./checks.ts"
import { boundsOf, type Facts, less, numbers, type Range, type Reading, within } from "./numbers.ts"
import { anything, type Clause, type JsonSchema, type Said, said } from "./said.ts"

/** @internal */
export type Lose = (what: string, why: string) => void

/** @internal */
export const custom = "a filter is a function, which the server cannot run"

/** What a leaf needs to know of the walk. */
export interface Place {
  readonly path: string
  readonly lose: Lose
  /** Whether the driver delivers an int64 as a number. */
  readonly promotes: boolean
}

type Leaf = (ast: SchemaAST.AST, place: Place) => Said

/** Loses every check. */
export const withoutChecks = (ast: SchemaAST.AST, lose: Lose): void => {
  for (const filter of filtersOf(ast.checks)) lose(described(filter), custom)
}

// ---- numbers

/** The numbers of a schema, with the checks that are about numbers or bigints. */
export const number = (reading: Reading, ast: SchemaAST.AST, { lose, path, promotes }: Place): Said => {
  let facts: Facts = { range: {}, integer: false, refusesNaN: false }
  const and = (range: Range<number | bigint>, more: Partial<Facts> = {}): void => {
    facts = { ...facts, ...more, range: within(facts.range, range, less) }
  }
  const others: Array<JsonSchema> = []
  for (const filter of filtersOf(ast.checks)) {
    const check = known(filter)
    const range = check && (rangeOf<number | bigint>(check, "", Number) ??
      rangeOf<number | bigint>(check, "BigInt", (value) => BigInt(value as string)))
    if (range !== undefined) and(range)
    else if (check?.name === "isFinite") {
      and({ min: { value: -Number.MAX_VALUE, exclusive: false }, max: { value: Number.MAX_VALUE, exclusive: false } })
    } else if (check?.name === "isInt") {
      const bound = Number.MAX_SAFE_INTEGER
      and({ min: { value: -bound, exclusive: false }, max: { value: bound, exclusive: false } }, { integer: true })
    } else if (check?.name === "isMultipleOf" && Number.isInteger(check.payload["divisor"])) {
      facts = { ...facts, refusesNaN: true }
      others.push({ anyOf: [{ multipleOf: check.payload["divisor"] }, { minimum: 1e14 }, { maximum: -1e14 }] })
      lose(described(filter), "the server looks at 15 digits of a number only")
    } else lose(described(filter), custom)
  }
  if (reading === "double") {
    lose("int64 values that no double holds", "the server does not tell them from those that one holds")
  }
  const { clauses, schema } = numbers(reading, facts, path, promotes)
  return said(others.length === 0 ? schema : { allOf: [schema, ...others] }, clauses)
}

const highest = Decimal.fromStringUnsafe("9999999999999999999999999999999999e6111")

const finite: Range<Decimal.BigDecimal> = {
  min: { value: Decimal.negate(highest), exclusive: false },
  max: { value: highest, exclusive: false }
}

const bigDecimal: Leaf = (ast, { lose }) => {
  let all = finite
  for (const filter of filtersOf(ast.checks)) {
    const range = decimalRangeOf(filter)
    const isStorable = range !== undefined &&
      [range.min, range.max].every((limit) => limit === undefined || isStorableDecimal(limit.value))
    if (isStorable) all = within(all, range, (a, b) => Decimal.Order(a, b) < 0)
    else lose(described(filter), range === undefined ? custom : "a bound has more digits than a Decimal128")
  }
  const stored = (limit: typeof all.min) => limit && { ...limit, value: toDecimal128(limit.value) }
  return said({ bsonType: "decimal", ...boundsOf({ min: stored(all.min), max: stored(all.max) }) })
}

// ---- dates

const farthest = 8.64e15

/** A date of JavaScript, between the bounds of the checks. */
const date: Leaf = (ast, { lose, path }) => {
  let all: Range<Date> = {
    min: { value: new Date(-farthest), exclusive: false },
    max: { value: new Date(farthest), exclusive: false }
  }
  for (const filter of filtersOf(ast.checks)) {
    const check = known(filter)
    const range = check && rangeOf(check, "Date", (value) => new Date(value as string))
    if (range === undefined) lose(described(filter), custom)
    else all = within(all, range, (a, b) => a.getTime() < b.getTime())
  }
  const { max, min } = all as Required<Range<Date>> & { readonly min: object; readonly max: object }
  const clause = (operator: string, { value }: { readonly value: Date }, what: string): Clause => ({
    about: "date",
    tests: [["", { [operator]: value }]],
    lost: { path, what, why: "$jsonSchema has no bounds for dates" }
  })
  return said({ bsonType: "date" }, [
    clause(min!.exclusive ? "$lte" : "$lt", min!, `dates from ${min!.value.toISOString()}`),
    clause(max!.exclusive ? "$gte" : "$gt", max!, `dates up to ${max!.value.toISOString()}`)
  ])
}

// ---- other values of BSON

const subtypes = "the server does not tell subtypes of binary data apart"

const ofType = (bsonType: string | ReadonlyArray<string>): Leaf => (ast, { lose }) => {
  withoutChecks(ast, lose)
  return said({ bsonType })
}

const binary = (what: string): Leaf => (ast, { lose }) => {
  withoutChecks(ast, lose)
  lose(what, subtypes)
  return said({ bsonType: "binData" })
}

/** Binary data is in the order of its length, its subtype and its bytes, so that UUIDs lie between two of them. */
const uuid: Leaf = (ast, { lose, path }) => {
  withoutChecks(ast, lose)
  const end = (byte: number) => new Driver.Binary(new Uint8Array(16).fill(byte), 4)
  const lost = { path, what: "UUIDs only", why: subtypes }
  return said({ bsonType: "binData" }, [
    { about: "binData", tests: [["", { $lt: end(0) }]], lost },
    { about: "binData", tests: [["", { $gt: end(255) }]], lost }
  ])
}

const dbRef: Leaf = (ast, { lose }) => {
  withoutChecks(ast, lose)
  lose("what the driver reads as a DBRef only", "the order and the names of all its fields decide it")
  const properties = { $ref: { bsonType: "string" }, $id: { bsonType: "objectId" } }
  return said({ bsonType: "object", properties, required: ["$ref", "$id"] })
}

/** Schemas without a transformation, by the function that recognises their values. */
const declared: ReadonlyArray<readonly [schema: { readonly ast: SchemaAST.AST }, leaf: Leaf]> = [
  [Bson.ObjectId, ofType("objectId")],
  [Bson.Date, date],
  [Bson.Decimal128, ofType("decimal")],
  [Bson.Binary, ofType("binData")],
  [Bson.UUID, uuid],
  [Bson.Vector, binary("vectors only")],
  [Bson.Timestamp, ofType("timestamp")],
  [Bson.Code, ofType(["javascript", "javascriptWithScope"])],
  [Bson.MinKey, ofType("minKey")],
  [Bson.MaxKey, ofType("maxKey")],
  [Bson.DBRef, dbRef]
]

/** Schemas with a transformation, by this transformation. */
const transformed: ReadonlyArray<readonly [schema: { readonly ast: SchemaAST.AST }, leaf: Leaf]> = [
  [Bson.Int32, (ast, place) => number("int", ast, place)],
  [Bson.Int64, (ast, place) => number("long", ast, place)],
  [Bson.Long, (ast, place) => number("long", ast, place)],
  [Bson.Double, (ast, place) => number("double", ast, place)],
  [Bson.BigDecimal, bigDecimal],
  [Bson.Bytes, binary("bytes of subtype 0 only")],
  [Bson.Float32Vector, binary("vectors of float32 only")],
  [Bson.Int8Vector, binary("vectors of int8 only")],
  [Bson.BitVector, binary("vectors of bits only")],
  [Bson.BSONRegExp, ofType("regex")]
]

const byTransformation = new Map(
  transformed.map(([{ ast }, leaf]) => [ast.encoding![0].transformation as object, leaf])
)

const byRun = new Map(declared.map(([{ ast }, leaf]) => [(ast as SchemaAST.Declaration).run as object, leaf]))

const jsonTypes = ["string", "int", "long", "double", "bool", "null", "object", "array"]

/**
 * A schema of `Bson`, or one of Effect's whose values BSON has.
 *
 * @internal
 */
export const leafOf = (ast: SchemaAST.AST): Leaf | undefined => {
  if (ast.encoding !== undefined) {
    return ast.encoding.length === 1 ? byTransformation.get(ast.encoding[0].transformation) : undefined
  }
  if (ast._tag !== "Declaration") return undefined
  const leaf = byRun.get(ast.run)
  if (leaf !== undefined) return leaf
  const id = representationOf(ast)
  switch (id) {
    case "effect/schema/Date":
      return date
    case "effect/schema/RegExp":
      return (ast, place) => {
        place.lose("patterns that JavaScript has", "the server does not read patterns of JavaScript")
        return ofType("regex")(ast, place)
      }
    case "effect/schema/Json":
    case "effect/schema/MutableJson":
      return (ast, place) => {
        place.lose("what JSON has, at any depth", "the server cannot be asked about values at any depth")
        return ofType(jsonTypes)(ast, place)
      }
    default:
      return (ast, { lose }) => {
        withoutChecks(ast, lose)
        const { bsonType, expected, identifier } = (ast.annotations ?? {}) as Readonly<Record<string, unknown>>
        lose(
          String(expected ?? identifier ?? id ?? "what a declaration takes"),
          "a function of its schema recognises such values"
        )
        return bsonType === undefined ? anything : said({ bsonType })
      }
  }
}

// ---- constants

/** The constants of a schema of numbers, as the driver reads them, of text, or of booleans. */
export const constants = (values: ReadonlyArray<unknown>, promotes: boolean): ReadonlyArray<JsonSchema> => {
  const different = [...new Set(values)]
  const numbers = different.filter((value): value is number => typeof value === "number")
  const small = numbers.filter((value) => Math.abs(value) <= 2 ** 53)
  const large = numbers.filter((value) => Math.abs(value) > 2 ** 53)
  const longs = different.filter((value): value is bigint => typeof value === "bigint")
  const others = different.filter((value) => typeof value === "string" || typeof value === "boolean")
  // The server compares constants with numbers of every type.
  return [
    ...(others.length === 0 ? [] : [{ enum: others }]),
    ...(small.length === 0
      ? []
      : [{ bsonType: promotes ? ["int", "long", "double"] : ["int", "double"], enum: small }]),
    ...(large.length === 0 ? [] : [{ bsonType: ["int", "double"], enum: large }]),
    ...(longs.length === 0 ? [] : [{ bsonType: "long", enum: longs.map((value) => Driver.Long.fromBigInt(value)) }])
  ]
}
