/** Values and filters in one form each, so that two ways to say the same give the same text. */
import * as Driver from "mongodb"
import { isPlainObject } from "../plainObject.ts"

/** Writes a number without the zeros at its end: `1.50` is `1.5`, and `1.0` is `1`. */
const withoutZeros = (text: string): string => /^-?\d+\.\d+$/.test(text) ? text.replace(/\.?0+$/, "") : text

/** A decimal is equal to a double only if the double is that fraction exactly: 1.5 is, 0.1 is not. */
const decimal = (text: string): string => {
  const short = withoutZeros(text)
  return /^-?\d+\.\d+$/.test(short) && withoutZeros(Number(short).toFixed(20)) !== short ? `decimal ${short}` : short
}

const numberText = (text: string): string => {
  const value = Number(text)
  if (Number.isInteger(value) && !/^-?\d+$/.test(text)) return String(BigInt(value))
  return text === "-0" ? "0" : text
}

/** Wrappers of numbers in Extended JSON: a number of any type is the same key of an index. */
const numbers: Readonly<Record<string, (text: string) => string>> = {
  $numberInt: numberText,
  $numberLong: numberText,
  $numberDouble: (text) => Number.isFinite(Number(text)) ? numberText(text) : text,
  $numberDecimal: decimal
}

const plain = (json: unknown): unknown => {
  if (Array.isArray(json)) return json.map(plain)
  if (typeof json !== "object" || json === null) return json
  const entries = Object.entries(json)
  const [first] = entries
  if (entries.length === 1 && first !== undefined) {
    const [wrapper, text] = first
    const number = Object.hasOwn(numbers, wrapper) && typeof text === "string" ? numbers[wrapper] : undefined
    if (number !== undefined) return { $number: number(text) }
  }
  // As pairs, since the order of the fields of a value counts.
  return entries.map(([key, value]) => [key, plain(value)])
}

/**
 * A text for a value: the same for numbers of different types that are equal.
 *
 * @internal
 */
export const valueText = (value: unknown): string =>
  JSON.stringify(plain(Driver.BSON.EJSON.serialize({ value }, { relaxed: false })["value"]))

/**
 * A text for an object whose fields have no order.
 *
 * @internal
 */
export const fieldsText = (fields: Readonly<Record<string, unknown>>): string =>
  JSON.stringify(Object.keys(fields).sort().map((key) => [key, valueText(fields[key])]))

/** The numbers of BSON types by their names. */
const types: Readonly<Record<string, ReadonlyArray<number>>> = {
  double: [1],
  string: [2],
  object: [3],
  array: [4],
  binData: [5],
  undefined: [6],
  objectId: [7],
  bool: [8],
  date: [9],
  null: [10],
  regex: [11],
  dbPointer: [12],
  javascript: [13],
  symbol: [14],
  javascriptWithScope: [15],
  int: [16],
  timestamp: [17],
  long: [18],
  decimal: [19],
  minKey: [-1],
  maxKey: [127],
  number: [1, 16, 18, 19]
}

const typeNumbers = (operand: unknown): string => {
  const all = (Array.isArray(operand) ? operand : [operand]).flatMap((type) =>
    typeof type === "string" ? types[type] ?? [type] : [Number(type)]
  )
  return JSON.stringify([...new Set(all)].sort())
}

/** A condition on one field, or an operator that this does not know, on the whole document. */
interface Condition {
  readonly field: string
  readonly operator: string
  /** The texts of the values of `$in`, or of the only operand. */
  readonly operands: ReadonlyArray<string>
}

const sorted = (texts: Iterable<string>): ReadonlyArray<string> => [...new Set(texts)].sort()

const conditionText = ({ field, operands, operator }: Condition): string => JSON.stringify([field, operator, operands])

const isOperators = (u: unknown): u is Record<string, unknown> =>
  isPlainObject(u) && Object.keys(u)[0]?.startsWith("$") === true

/** One operator of a field. Equality is `$in` of one value. */
const ofOperator = (field: string, operator: string, operand: unknown): Condition => {
  switch (operator) {
    case "$eq":
      return { field, operator: "$in", operands: [valueText(operand)] }
    case "$in":
      return { field, operator, operands: Array.isArray(operand) ? sorted(operand.map(valueText)) : [] }
    case "$exists":
      return { field, operator, operands: [String(Boolean(operand))] }
    case "$type":
      return { field, operator, operands: [typeNumbers(operand)] }
    default:
      return { field, operator, operands: [valueText(operand)] }
  }
}

/** The alternatives of `$or`. Equalities of the same field are one `$in`, as for the server. */
const alternatives = (filters: ReadonlyArray<unknown>): ReadonlyArray<Condition> => {
  const equalities = new Map<string, Array<string>>()
  const others: Array<ReadonlyArray<Condition>> = []
  for (const filter of filters) {
    const all = conditions(filter)
    const [only] = all
    if (all.length === 1 && only?.operator === "$in") {
      equalities.set(only.field, [...equalities.get(only.field) ?? [], ...only.operands])
    } else others.push(all)
  }
  const merged: Array<ReadonlyArray<Condition>> = [...equalities].map(([field, operands]) => [
    { field, operator: "$in", operands: sorted(operands) }
  ])
  const all = [...merged, ...others]
  const texts = sorted(all.map((one) => JSON.stringify(sorted(one.map(conditionText)))))
  const [first] = all
  return texts.length === 1 && first !== undefined ? first : [{ field: "", operator: "$or", operands: texts }]
}

const conditions = (filter: unknown): ReadonlyArray<Condition> => {
  if (!isPlainObject(filter)) return [{ field: "", operator: "", operands: [valueText(filter)] }]
  return Object.entries(filter).flatMap(([field, value]) => {
    if (field === "$and" && Array.isArray(value)) return value.flatMap(conditions)
    if (field === "$or" && Array.isArray(value)) return alternatives(value)
    if (field.startsWith("$")) return [{ field: "", operator: field, operands: [valueText(value)] }]
    if (!isOperators(value)) return [ofOperator(field, "$eq", value)]
    return Object.entries(value).map(([operator, operand]) => ofOperator(field, operator, operand))
  })
}

/**
 * A text for the filter of a partial index: the same for filters that differ only in their order, in the types of their numbers, or in
 * whether they spell out `$eq` and `$and`. Empty for a filter that all documents match.
 *
 * @internal
 */
export const filterText = (filter: unknown): string => {
  if (filter === undefined) return ""
  const texts = sorted(conditions(filter).map(conditionText))
  return texts.length === 0 ? "" : JSON.stringify(texts)
}

const projected = (prefix: string, projection: unknown): ReadonlyArray<readonly [path: string, isIn: boolean]> =>
  isPlainObject(projection)
    ? Object.entries(projection).flatMap(([key, value]) => projected(prefix === "" ? key : `${prefix}.${key}`, value))
    : [[prefix, typeof projection === "boolean" ? projection : Number(projection) !== 0]]

/**
 * A text for the fields that a wildcard index holds: the same for nested and for dotted paths, for `1` and for `true`.
 *
 * @internal
 */
export const wildcardText = (projection: unknown): string =>
  projection === undefined ? "" : fieldsText(Object.fromEntries(projected("", projection)))
