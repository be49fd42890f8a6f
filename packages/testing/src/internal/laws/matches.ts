/** A filter read as a predicate over decoded documents: the meaning that a server must give to it. */
import * as DateTime from "effect/DateTime"
import * as Equal from "effect/Equal"
import * as Option from "effect/Option"
import type * as Driver from "mongodb"
import { keyOf } from "../arbitrary/stored.ts"

const classMark = "~effect/Schema/Class/"

/** Whether a schema's class has made an object. */
const isOfClass = (value: object): boolean => {
  for (let level = value; level !== null; level = Object.getPrototypeOf(level) as object) {
    if (Object.getOwnPropertyNames(level).some((key) => key.startsWith(classMark))) return true
  }
  return false
}

/**
 * An object of which a path leads to the properties; instances of schemas' classes are some, values of BSON and of Effect are not.
 *
 * @internal
 */
export const isObject = (u: unknown): u is Record<string, unknown> =>
  typeof u === "object" && u !== null && !Array.isArray(u) && !(u instanceof Date) && !(u instanceof RegExp) &&
  !ArrayBuffer.isView(u) && !("_bsontype" in u) && (!("pipe" in u) || isOfClass(u))

/** An optional value as it is stored. */
const unwrapped = (value: unknown): unknown => Option.isOption(value) ? Option.getOrNull(value) : value

const isNumber = (u: unknown): u is number | bigint => typeof u === "number" || typeof u === "bigint"

const bsonType = (u: unknown): unknown => (u as { readonly _bsontype?: unknown } | null)?._bsontype

const isEqual = (a: unknown, b: unknown): boolean => {
  // Numbers of different types can be equal.
  if (isNumber(a) && isNumber(b)) return a == b || Number.isNaN(a) && Number.isNaN(b)
  if (Array.isArray(a)) return Array.isArray(b) && a.length === b.length && a.every((value, i) => isEqual(value, b[i]))
  if (isObject(a)) {
    if (!isObject(b)) return false
    // The order of fields counts.
    const [left, right] = [Object.entries(a), Object.entries(b)]
    return left.length === right.length &&
      left.every(([key, value], i) => key === right[i]![0] && isEqual(unwrapped(value), unwrapped(right[i]![1])))
  }
  return bsonType(a) !== undefined || bsonType(b) !== undefined ? keyOf(a) === keyOf(b) : Equal.equals(a, b)
}

/** The order of two values; nothing for values of different types, or of a type without an order here. */
const compare = (a: unknown, b: unknown): number | undefined => {
  if (isNumber(a) && isNumber(b)) return a < b ? -1 : a > b ? 1 : a == b ? 0 : undefined
  if (typeof a === "boolean" && typeof b === "boolean") return Number(a) - Number(b)
  if (typeof a === "string" && typeof b === "string") return Buffer.compare(Buffer.from(a), Buffer.from(b))
  if (a instanceof Date && b instanceof Date) return a.getTime() - b.getTime()
  if (DateTime.isDateTime(a) && DateTime.isDateTime(b)) return DateTime.toEpochMillis(a) - DateTime.toEpochMillis(b)
  return bsonType(a) === "ObjectId" && bsonType(b) === "ObjectId"
    ? Buffer.compare((a as Driver.ObjectId).id, (b as Driver.ObjectId).id)
    : undefined
}

/** The values at a path: several if it goes through an array without an index, `undefined` for each absent one. */
const valuesAt = (value: unknown, path: ReadonlyArray<string>, passing = true): ReadonlyArray<unknown> => {
  const [segment, ...rest] = path
  if (segment === undefined) return [unwrapped(value)]
  if (Array.isArray(value)) {
    // A number is an index, and may also be the name of a field in the elements.
    const index = /^\d+$/.test(segment) ? Number(segment) : undefined
    const indexed = index !== undefined && index < value.length ? valuesAt(value[index], rest) : []
    const within = passing ? value.filter(isObject).flatMap((element) => valuesAt(element, path, false)) : []
    return [...indexed, ...within]
  }
  return isObject(value) && Object.hasOwn(value, segment) ? valuesAt(value[segment], rest) : [undefined]
}

/** Whether one of the values, or of their elements, passes a test. */
const some = (values: ReadonlyArray<unknown>, test: (value: unknown) => boolean): boolean =>
  values.some((value) => test(value) || Array.isArray(value) && value.some((element) => test(unwrapped(element))))

const same = (operand: unknown) => (value: unknown): boolean =>
  operand === null ? value === null || value === undefined : isEqual(operand, value)

const isOperators = (u: unknown): u is Record<string, unknown> => {
  const keys = isObject(u) ? Object.keys(u) : []
  return keys.length > 0 && keys.every((key) => key.startsWith("$"))
}

const satisfies = (values: ReadonlyArray<unknown>, condition: unknown): boolean =>
  isOperators(condition)
    ? Object.entries(condition).every(([name, operand]) => holds(values, name, operand))
    : some(values, same(unwrapped(condition)))

const list = (operand: unknown): ReadonlyArray<unknown> => (operand as ReadonlyArray<unknown>).map(unwrapped)

const holds = (values: ReadonlyArray<unknown>, name: string, given: unknown): boolean => {
  const operand = unwrapped(given)
  const ordered = (test: (order: number) => boolean) =>
    some(values, (value) => {
      const order = compare(value, operand)
      return order !== undefined && test(order)
    })
  const arrays = values.filter((value): value is Array<unknown> => Array.isArray(value))
  const isNaN = typeof operand === "number" && Number.isNaN(operand)
  switch (name) {
    case "$eq":
      return some(values, same(operand))
    case "$ne":
      return !some(values, same(operand))
    case "$in":
      return list(operand).some((one) => some(values, same(one)))
    case "$nin":
      return !list(operand).some((one) => some(values, same(one)))
    case "$all":
      return list(operand).length > 0 && list(operand).every((one) => some(values, same(one)))
    case "$not":
      return !satisfies(values, operand)
    case "$exists":
      return values.some((value) => value !== undefined) === operand
    case "$gt":
      return ordered((order) => order > 0)
    case "$gte":
      return ordered((order) => order >= 0) || isNaN && some(values, same(operand))
    case "$lt":
      return ordered((order) => order < 0)
    case "$lte":
      return ordered((order) => order <= 0) || isNaN && some(values, same(operand))
    case "$regex":
      return some(values, (value) => typeof value === "string" && new RegExp(operand as string, "u").test(value))
    case "$size":
      return arrays.some((array) => array.length === operand)
    case "$elemMatch":
      return arrays.some((array) =>
        array.some((element) =>
          isOperators(operand)
            ? satisfies([unwrapped(element)], operand)
            : matches(element, operand as Record<string, unknown>)
        )
      )
  }
  throw new Error(
    `MongoLaws.matches does not know ${name}: use $eq, $ne, $in, $nin, $all, $not, $exists, $gt, $gte, $lt, $lte, $regex, $size or $elemMatch`
  )
}

/** @internal */
export const matches = (document: unknown, filter: Readonly<Record<string, unknown>>): boolean =>
  Object.entries(filter).every(([key, value]) => {
    const filters = value as ReadonlyArray<Readonly<Record<string, unknown>>>
    if (key === "$and") return filters.every((one) => matches(document, one))
    if (key === "$or") return filters.some((one) => matches(document, one))
    if (key === "$nor") return !filters.some((one) => matches(document, one))
    return satisfies(valuesAt(document, key.split(".")), value)
  })
