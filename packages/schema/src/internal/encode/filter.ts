/** Encodes filters: from typed and decoded to the form that the server takes. Pure: throws a `Refusal` or a `Misfit`. */
import type * as Driver from "mongodb"
import { isBson, isRegExp } from "../bson/values.ts"
import { checkCompared, isNullAbsent, isText } from "../path/codecs.ts"
import type { Resolve } from "../path/resolve.ts"
import { isPlainObject, setOwn } from "../plainObject.ts"
import { refuse } from "../refusal.ts"
import { array, defined, isOperators, plainObject } from "./arguments.ts"
import { elementsAt, type Field, putOperand, putValue, resolveIn, type Scope } from "./field.ts"
import { isComputed, isUnsafe, isValues, writeComputed } from "./marked.ts"
import type { Operands } from "./operands.ts"

/** @internal */
export const encodeFilter = (
  resolve: Resolve,
  filter: unknown,
  operands: Operands,
  at = "filter"
): Driver.Document => {
  if (isUnsafe(filter)) return filter.document as Driver.Document
  if (isComputed(filter)) return writeComputed(filter, resolve.documents, operands, at) as Driver.Document
  const onlyValues = isValues(filter)
  const out: Driver.Document = {}
  const fields = plainObject(onlyValues ? filter.document : filter, at)
  for (const key of Object.keys(fields)) {
    const path = `${at}.${key}`
    const value = defined(fields[key], path)
    if (key.startsWith("$")) {
      if (onlyValues) refuse(path, "is an operator: Filter.values takes only fields and their values")
      out[key] = isLogical(key)
        ? array(value, path).map((filter, index) => encodeFilter(resolve, filter, operands, `${path}[${index}]`))
        : ofWhole(key, value, path)
    } else {
      const { alternatives, key: stored } = resolve(key, path)
      if (Object.hasOwn(out, stored)) {
        refuse(path, "names a stored field for the second time: join the conditions with $and")
      }
      const field: Field = { operands, alternatives, path, out, key: stored }
      if (onlyValues) equality(field, value)
      else condition(field, value)
    }
  }
  return out
}

const isLogical = (name: string): boolean => name === "$and" || name === "$or" || name === "$nor"

/** Encodes the operators of a whole document that hold no filters. */
const ofWhole = (operator: string, value: unknown, path: string): unknown => {
  switch (operator) {
    case "$comment":
      return typeof value === "string" ? value : refuse(path, "is not a string")
    case "$text":
      return text(value, path)
    default:
      return refuse(path, "is not an operator of a typed filter: write it in Filter.unsafe")
  }
}

const textFields: Readonly<Record<string, string>> = {
  $search: "string",
  $language: "string",
  $caseSensitive: "boolean",
  $diacriticSensitive: "boolean"
}

const text = (value: unknown, path: string): unknown => {
  const document = plainObject(value, path)
  for (const key of Object.keys(document)) {
    const type = Object.hasOwn(textFields, key) ? textFields[key] : undefined
    if (type === undefined) {
      refuse(`${path}.${key}`, "is not a field of $text: use $search, $language, $caseSensitive or $diacriticSensitive")
    }
    if (typeof document[key] !== type) refuse(`${path}.${key}`, `is not a ${type}`)
  }
  if (document["$search"] === undefined) refuse(path, "has no $search")
  return document
}

/**
 * Encodes the condition of a field: operators, or a value that it must be equal to.
 *
 * @internal
 */
export const condition = (field: Field, value: unknown): void => {
  if (isUnsafe(value)) return setOwn(field.out, field.key, value.document)
  if (isOperators(value, field.path)) return setOwn(field.out, field.key, operators(field, value))
  operand(field, value)
}

/** Writes equality with a value so that the server cannot read the value as operators. */
const equality = ({ alternatives, key, operands, out, path }: Field, value: unknown): void => {
  const equal = {}
  if (isRegExp(value)) refuse(path, "is a regular expression: Filter.values takes only values")
  operand({ operands, alternatives, path, out: equal, key: "$eq" }, value)
  setOwn(out, key, equal)
}

/** Encodes a value that a field is compared with. The codec of the field refuses an object of operators. */
const operand = (field: Field, value: unknown): void => {
  const { alternatives, key, out, path } = field
  if (value === undefined) refuse(path, "is undefined")
  if (isRegExp(value) && isText(alternatives)) return setOwn(out, key, value)
  checkCompared(alternatives, value, path)
  putOperand(field, value, { onAbsent: () => absence(field) })
}

/** Writes the condition on a value that stands for an absent field. Null finds absent fields as well as null. */
const absence = ({ alternatives, key, out, path }: Field): void => {
  const isNull = isNullAbsent(alternatives)
  if (typeof key === "number" ? isNull !== false : isNull === true && !isOrder(key)) return setOwn(out, key, null)
  if (typeof key === "number" || isOrder(key)) {
    return refuse(path, "stands for an absent field: use $eq, $ne or $exists")
  }
  if (key !== "$eq" && key !== "$ne") return setOwn(out, key, { $exists: false })
  if (Object.hasOwn(out, "$exists")) refuse(path, "stands for an absent field: leave out $exists beside it")
  setOwn(out, "$exists", key === "$ne")
}

const isOrder = (name: string): boolean => name === "$gt" || name === "$gte" || name === "$lt" || name === "$lte"

/** @internal */
export const operators = (scope: Scope, value: Readonly<Record<string, unknown>>): Driver.Document => {
  const { alternatives, operands, path } = scope
  const out: Driver.Document = {}
  for (const name of Object.keys(value)) {
    operator(name, { operands, alternatives, path: `${path}.${name}`, out, key: name }, value)
  }
  return out
}

const operator = (
  name: string,
  field: Field & { readonly out: Driver.Document },
  all: Readonly<Record<string, unknown>>
): void => {
  const { alternatives, operands, out, path } = field
  const value = all[name]
  if (value === undefined) refuse(path, "is undefined")
  switch (name) {
    case "$eq":
    case "$ne":
    case "$gt":
    case "$gte":
    case "$lt":
    case "$lte":
      return operand(field, value)
    case "$in":
    case "$nin": {
      const list: Array<unknown> = []
      out[name] = list
      return array(value, path).forEach((item, index) =>
        operand({ operands, alternatives, path: `${path}[${index}]`, out: list, key: index }, item)
      )
    }
    case "$not":
      if (isRegExp(value)) {
        if (!isText(alternatives)) refuse(path, "needs text")
        out[name] = value
        return
      }
      if (!isOperators(value, path)) refuse(path, "is neither operators nor a regular expression")
      out[name] = operators(field, value as Record<string, unknown>)
      return
    case "$exists":
      if (Object.hasOwn(out, name)) refuse(path, "stands beside a value for an absent field: leave out one of the two")
      out[name] = typeof value === "boolean" ? value : refuse(path, "is not a boolean")
      return
    case "$type":
      out[name] = isType(value) || Array.isArray(value) && value.every(isType)
        ? value
        : refuse(path, "is not the name or the number of a BSON type")
      return
    case "$regex":
      if (typeof value !== "string" && !isRegExp(value) && !isBson("BSONRegExp")(value)) {
        refuse(path, "is not a regular expression")
      }
      if (!isText(alternatives)) refuse(path, "needs text")
      out[name] = value
      return
    case "$options":
      if (!Object.hasOwn(all, "$regex")) refuse(path, "needs $regex beside it")
      out[name] = typeof value === "string" ? value : refuse(path, "is not a string")
      return
    case "$size":
      elementsAt(alternatives, path)
      out[name] = isCount(value) ? value : refuse(path, "is not a natural number")
      return
    case "$all": {
      const items = elementsAt(alternatives, path)
      const list: Array<unknown> = []
      out[name] = list
      return array(value, path).forEach((item, index) => {
        const at = `${path}[${index}]`
        if (isPlainObject(item) && Object.keys(item).length === 1 && Object.hasOwn(item, "$elemMatch")) {
          list[index] = operators({ operands, alternatives, path: at }, item)
        } else if (isRegExp(item) && isText(items)) list[index] = item
        else {
          checkCompared(items, item, at)
          putValue({ operands, alternatives: items, path: at, out: list, key: index }, item)
        }
      })
    }
    case "$elemMatch":
      out[name] = elemMatch({ operands, alternatives: elementsAt(alternatives, path), path }, value)
      return
    case "$mod": {
      const pair = array(value, path)
      out[name] = pair.length === 2 && pair.every((part) => typeof part === "number" && Number.isFinite(part))
        ? pair
        : refuse(path, "is not a pair of numbers")
      return
    }
    case "$bitsAllClear":
    case "$bitsAllSet":
    case "$bitsAnyClear":
    case "$bitsAnySet":
      out[name] = isCount(value) || Array.isArray(value) && value.every(isCount) || isBson("Binary")(value)
        ? value
        : refuse(path, "is neither a bitmask nor an array of positions")
      return
    default:
      return refuse(path, "is not an operator of a typed filter: write it in Filter.unsafe")
  }
}

/**
 * Encodes the condition of an element. The logical operators test the fields of an element, all others the element itself.
 *
 * @internal
 */
export const elemMatch = (scope: Scope, value: unknown): Driver.Document =>
  isFieldOperators(value) || !isOperators(value, scope.path)
    ? encodeFilter(resolveIn(scope.alternatives), value, scope.operands, scope.path)
    : operators(scope, value)

const isFieldOperators = (u: unknown): boolean =>
  isUnsafe(u) || isPlainObject(u) && ["$and", "$or", "$nor"].some((name) => Object.hasOwn(u, name))

const isCount = (u: unknown): u is number => typeof u === "number" && Number.isInteger(u) && u >= 0

const isType = (u: unknown): boolean => typeof u === "string" || typeof u === "number"
