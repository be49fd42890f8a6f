/**
 * What a part of a schema becomes: a `$jsonSchema` of its values, and clauses for what `$jsonSchema` cannot say. A document with a match for
 * a clause is refused.
 */
import * as Driver from "mongodb"
import type { Lost } from "../../MongoValidator.ts"

/** @internal */
export type JsonSchema = Readonly<Record<string, unknown>>

/** The kind of values that a clause is about. */
export type Bracket = "date" | "number" | "binData" | "array" | "object"

/**
 * A condition on values that must not hold. Its tests are about paths from here; the empty path is the value itself. `$not` and the brackets
 * of types let it be about the values of one type only.
 *
 * @internal
 */
export interface Clause {
  readonly about: Bracket
  readonly tests: ReadonlyArray<readonly [path: string, test: unknown]>
  /** What is lost if the clause cannot be kept. */
  readonly lost: Lost
}

/** @internal */
export interface Said {
  readonly schema: JsonSchema
  readonly clauses: ReadonlyArray<Clause>
}

/** @internal */
export const said = (schema: JsonSchema, clauses: ReadonlyArray<Clause> = []): Said => ({ schema, clauses })

/** @internal */
export const anything = said({})

/** @internal */
export const nothing = said({ not: {} })

/**
 * A text by which equal documents are known.
 *
 * @internal
 */
export const textOf = (value: unknown): string => Driver.BSON.EJSON.stringify({ value }, { relaxed: false })

const isPathName = (name: string): boolean => name !== "" && !name.includes(".") && !name.startsWith("$")

/**
 * Whether `$jsonSchema` can be about a field of this name: it takes a dot for the way into another document.
 *
 * @internal
 */
export const isPropertyName = (name: string): boolean => !name.includes(".")

/**
 * The clause of a field, in the document that has it.
 *
 * @internal
 */
export const inField = (name: string, clause: Clause): Clause | undefined =>
  isPathName(name)
    ? {
      ...clause,
      about: "object",
      tests: clause.tests.map(([path, test]) => [path === "" ? name : `${name}.${path}`, test])
    }
    : undefined

/**
 * The query of a clause; `undefined` if two tests are about one path.
 *
 * @internal
 */
export const queryOf = ({ tests }: Clause): Driver.Document | undefined => {
  const query = Object.fromEntries(tests)
  return Object.keys(query).length === tests.length ? query : undefined
}

/**
 * The clause of the elements of an array, in the array.
 *
 * @internal
 */
export const inElements = (clause: Clause): Clause | undefined => {
  const [first] = clause.tests
  const query = first?.[0] === "" ? first[1] : queryOf(clause)
  return query === undefined ? undefined : { ...clause, about: "array", tests: [["", { $elemMatch: query }]] }
}

/** @internal */
export const atIndex = (index: number, clause: Clause): Clause => ({
  ...clause,
  about: "array",
  tests: clause.tests.map(([path, test]) => [path === "" ? String(index) : `${index}.${path}`, test])
})

// ---- alternatives

const onlyTypes = (schema: JsonSchema): ReadonlyArray<string> | undefined =>
  Object.keys(schema).length === 1 && "bsonType" in schema
    ? ([] as Array<string>).concat(schema["bsonType"] as string)
    : undefined

const onlyEnum = (schema: JsonSchema): ReadonlyArray<unknown> | undefined =>
  Object.keys(schema).length === 1 && Array.isArray(schema["enum"]) ? schema["enum"] : undefined

/** Keywords that are about all values. Others are about those of one type. */
const general = ["enum", "not", "anyOf", "allOf", "oneOf"]

const typesOf = (types: ReadonlyArray<string>): string | ReadonlyArray<string> => types.length === 1 ? types[0]! : types

/**
 * The schema of the values that one of the schemas takes, in few words.
 *
 * @internal
 */
export const anyOf = (schemas: ReadonlyArray<JsonSchema>): JsonSchema => {
  const flat = schemas.flatMap((schema) =>
    Object.keys(schema).length === 1 && Array.isArray(schema["anyOf"])
      ? schema["anyOf"] as ReadonlyArray<JsonSchema>
      : [schema]
  )
  const different = [...new Map(flat.map((schema) => [textOf(schema), schema])).values()]
    .filter((schema) => textOf(schema) !== textOf(nothing.schema))
  if (different.some((schema) => Object.keys(schema).length === 0)) return {}
  if (different.length === 0) return nothing.schema
  const enums = different.flatMap((schema) => onlyEnum(schema) ?? [])
  const types = [...new Set(different.flatMap((schema) => onlyTypes(schema) ?? []))]
  const others = different.filter((schema) => onlyEnum(schema) === undefined && onlyTypes(schema) === undefined)
  const [other] = others
  if (
    enums.length === 0 && others.length === 1 && types.length === 1 && types[0] === "null" &&
    "bsonType" in other! && !general.some((keyword) => keyword in other!)
  ) {
    const own = ([] as Array<string>).concat(other!["bsonType"] as string)
    return { ...other, bsonType: [...new Set([...own, ...types])] }
  }
  const merged = [
    ...(types.length === 0 ? [] : [{ bsonType: typesOf(types) }]),
    ...(enums.length === 0 ? [] : [{ enum: [...new Map(enums.map((value) => [textOf(value), value])).values()] }]),
    ...others
  ]
  return merged.length === 1 ? merged[0]! : { anyOf: merged }
}

/**
 * The schema of the values that all schemas take.
 *
 * @internal
 */
export const allOf = (schemas: ReadonlyArray<JsonSchema>): JsonSchema => {
  const out: Record<string, unknown> = {}
  const others: Array<JsonSchema> = []
  for (const schema of schemas) {
    if (Object.keys(schema).some((key) => key in out)) others.push(schema)
    else Object.assign(out, schema)
  }
  return others.length === 0 ? out : { ...out, allOf: [...((out["allOf"] as Array<JsonSchema>) ?? []), ...others] }
}
