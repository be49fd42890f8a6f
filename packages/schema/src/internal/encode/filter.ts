/** Filters: typed and decoded in, as the server takes them out. Pure: what is wrong is thrown as a `Refusal` or `Misfit`. */
import type * as SchemaAST from "effect/SchemaAST"
import type * as Driver from "mongodb"
import { isBson, isRegExp } from "../bson/values.ts"
import {
  checkCompared,
  elements,
  encodeOperand,
  encodeValue,
  isNullAbsent,
  isText,
  makeResolve,
  type Resolve
} from "../path/resolve.ts"
import { isUnsafe, isValues } from "./marked.ts"
import {
  array,
  definedFields,
  isOperators,
  isPlainObject,
  type Operands,
  plainObject,
  refuse,
  setOwn
} from "./refusal.ts"

type Alternatives = ReadonlyArray<SchemaAST.AST>

const elementResolvers = new WeakMap<Alternatives, Resolve>()
const elementLists = new WeakMap<Alternatives, Alternatives>()

/**
 * The elements of the arrays among the alternatives; refuses where there is no array.
 *
 * @internal
 */
export const elementsAt = (alternatives: Alternatives, path: string): Alternatives => {
  let found = elementLists.get(alternatives)
  if (found === undefined) elementLists.set(alternatives, found = elements(alternatives))
  return found.length === 0 ? refuse(path, "needs an array") : found
}

/**
 * Resolves the paths of an element.
 *
 * @internal
 */
export const resolveIn = (alternatives: Alternatives): Resolve => {
  let resolve = elementResolvers.get(alternatives)
  if (resolve === undefined) elementResolvers.set(alternatives, resolve = makeResolve(alternatives, "filter"))
  return resolve
}

/** @internal */
export const encodeFilter = (
  resolve: Resolve,
  filter: unknown,
  operands: Operands,
  at = "filter"
): Driver.Document => {
  if (isUnsafe(filter)) return filter.document as Driver.Document
  const onlyValues = isValues(filter)
  const out: Driver.Document = {}
  for (const [key, value, path] of definedFields(onlyValues ? filter.document : filter, at)) {
    if (key.startsWith("$")) {
      if (onlyValues) refuse(path, "is an operator among values")
      out[key] = logical(resolve, key, value, operands, path)
    } else {
      const target = resolve(key, path)
      if (Object.hasOwn(out, target.key)) refuse(path, "names a field twice")
      if (onlyValues) equality(out, target.key, target.alternatives, value, operands, path)
      else condition(out, target.key, target.alternatives, value, operands, path)
    }
  }
  return out
}

const logical = (resolve: Resolve, operator: string, value: unknown, operands: Operands, path: string): unknown => {
  switch (operator) {
    case "$and":
    case "$or":
    case "$nor":
      return array(value, path).map((filter, index) => encodeFilter(resolve, filter, operands, `${path}[${index}]`))
    case "$comment":
      return typeof value === "string" ? value : refuse(path, "is not a string")
    case "$text":
      return text(value, path)
    default:
      return refuse(path, "is no operator of a typed filter: Filter.unsafe takes any")
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
    if (type === undefined) refuse(`${path}.${key}`, "is no field of $text")
    if (typeof document[key] !== type) refuse(`${path}.${key}`, `is not a ${type}`)
  }
  if (document["$search"] === undefined) refuse(path, "has no $search")
  return document
}

/**
 * What a field must satisfy: operators, or a value it must be equal to.
 *
 * @internal
 */
export const condition = (
  out: object,
  key: string,
  alternatives: Alternatives,
  value: unknown,
  operands: Operands,
  path: string
): void => {
  if (isUnsafe(value)) return setOwn(out, key, value.document)
  if (isOperators(value, path)) return setOwn(out, key, operators(alternatives, value, operands, path))
  operand(out, key, alternatives, value, operands, path)
}

const strict = { onExcessProperty: "error" } as const

/** Equality with a value, written so that the server takes it for nothing else. */
const equality = (
  out: object,
  key: string,
  alternatives: Alternatives,
  value: unknown,
  operands: Operands,
  path: string
): void => {
  const equal = {}
  if (isRegExp(value)) refuse(path, "is a regular expression among values")
  operand(equal, "$eq", alternatives, value, operands, path)
  setOwn(out, key, equal)
}

/** A value that a field is compared with: it goes through the field's codec, so that an object of operators fits nowhere. */
const operand = (
  out: object,
  key: string | number,
  alternatives: Alternatives,
  value: unknown,
  operands: Operands,
  path: string
): void => {
  if (value === undefined) refuse(path, "is undefined")
  if (isRegExp(value) && isText(alternatives)) return setOwn(out, key, value)
  checkCompared(alternatives, value, path)
  operands.put(out, key, encodeOperand(alternatives)(value, strict), path, {
    onAbsent: () => absence(out as Record<string | number, unknown>, key, alternatives, path)
  })
}

/** A condition on a value that stands for a field that is not there. Null finds what is not there, and what is null. */
const absence = (
  out: Record<string | number, unknown>,
  key: string | number,
  alternatives: Alternatives,
  path: string
): void => {
  const isNull = isNullAbsent(alternatives)
  if (typeof key === "number" ? isNull !== false : isNull === true && !isOrder(key)) return setOwn(out, key, null)
  if (typeof key === "number" || isOrder(key)) return refuse(path, "stands for a field that is not there")
  if (key !== "$eq" && key !== "$ne") return setOwn(out, key, { $exists: false })
  if (Object.hasOwn(out, "$exists")) refuse(path, "stands for a field that is not there, beside $exists")
  out["$exists"] = key === "$ne"
}

const isOrder = (name: string): boolean => name === "$gt" || name === "$gte" || name === "$lt" || name === "$lte"

/** @internal */
export const operators = (
  alternatives: Alternatives,
  value: Readonly<Record<string, unknown>>,
  operands: Operands,
  path: string
): Driver.Document => {
  const out: Driver.Document = {}
  for (const name of Object.keys(value)) operator(out, name, alternatives, value, operands, `${path}.${name}`)
  return out
}

const operator = (
  out: Driver.Document,
  name: string,
  alternatives: Alternatives,
  all: Readonly<Record<string, unknown>>,
  operands: Operands,
  path: string
): void => {
  const value = all[name]
  if (value === undefined) refuse(path, "is undefined")
  switch (name) {
    case "$eq":
    case "$ne":
    case "$gt":
    case "$gte":
    case "$lt":
    case "$lte":
      return operand(out, name, alternatives, value, operands, path)
    case "$in":
    case "$nin": {
      const list: Array<unknown> = []
      out[name] = list
      return array(value, path).forEach((item, index) =>
        operand(list, index, alternatives, item, operands, `${path}[${index}]`)
      )
    }
    case "$not":
      if (isRegExp(value)) {
        if (!isText(alternatives)) refuse(path, "needs text")
        out[name] = value
        return
      }
      if (!isOperators(value, path)) refuse(path, "is neither operators nor a regular expression")
      out[name] = operators(alternatives, value as Record<string, unknown>, operands, path)
      return
    case "$exists":
      if (Object.hasOwn(out, name)) refuse(path, "stands beside a value for a field that is not there")
      out[name] = typeof value === "boolean" ? value : refuse(path, "is not a boolean")
      return
    case "$type":
      out[name] = isType(value) || Array.isArray(value) && value.every(isType)
        ? value
        : refuse(path, "is no name or number of a BSON type")
      return
    case "$regex":
      if (typeof value !== "string" && !isRegExp(value) && !isBson("BSONRegExp")(value)) {
        refuse(path, "is no regular expression")
      }
      if (!isText(alternatives)) refuse(path, "needs text")
      out[name] = value
      return
    case "$options":
      if (!Object.hasOwn(all, "$regex")) refuse(path, "stands without $regex")
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
          list[index] = operators(alternatives, item, operands, at)
        } else if (isRegExp(item) && isText(items)) list[index] = item
        else {
          checkCompared(items, item, at)
          operands.put(list, index, encodeValue(items)(item, strict), at)
        }
      })
    }
    case "$elemMatch":
      out[name] = elemMatch(elementsAt(alternatives, path), value, operands, path)
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
      return refuse(path, "is no operator of a typed filter: Filter.unsafe takes any")
  }
}

/**
 * What an element must satisfy. The logical operators speak about an element's fields, all others about the element.
 *
 * @internal
 */
export const elemMatch = (items: Alternatives, value: unknown, operands: Operands, path: string): Driver.Document =>
  isFieldOperators(value) || !isOperators(value, path)
    ? encodeFilter(resolveIn(items), value, operands, path)
    : operators(items, value, operands, path)

const isFieldOperators = (u: unknown): boolean =>
  isUnsafe(u) || isPlainObject(u) && ["$and", "$or", "$nor"].some((name) => Object.hasOwn(u, name))

const isCount = (u: unknown): u is number => typeof u === "number" && Number.isInteger(u) && u >= 0

const isType = (u: unknown): boolean => typeof u === "string" || typeof u === "number"
