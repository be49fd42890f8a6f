/** Updates and array filters: typed and decoded in, as the server takes them out. Pure, as `encodeFilter` is. */
import type * as SchemaAST from "effect/SchemaAST"
import type * as Driver from "mongodb"
import { isBson } from "../bson/values.ts"
import { checkCompared, checkWritten, encodeValue, expand, isStored, type Resolve, walk } from "../path/resolve.ts"
import { encodeSort } from "./fields.ts"
import { condition, elementsAt, encodeFilter, operators, resolveIn } from "./filter.ts"
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

/** What the `$[id]` in the paths of an update stand for. */
type Identifiers = Map<string, Alternatives>

/** @internal */
export interface EncodedUpdate {
  readonly update: Driver.Document | Array<Driver.Document>
  /** Absent where the update is unsafe and says nothing of its identifiers. */
  readonly identifiers: ReadonlyMap<string, Alternatives> | undefined
}

const strict = { onExcessProperty: "error" } as const

// What is added to a number need not be a value that the number itself may have.
const unchecked = { onExcessProperty: "error", disableChecks: true } as const

/** @internal */
export const encodeUpdate = (resolve: Resolve, update: unknown, operands: Operands, at = "update"): EncodedUpdate => {
  if (isUnsafe(update)) return { update: update.document as Driver.Document, identifiers: undefined }
  if (Array.isArray(update)) {
    return {
      update: update.map((stage, index) => encodeStage(resolve, stage, operands, `${at}[${index}]`)),
      identifiers: new Map()
    }
  }
  const identifiers: Identifiers = new Map()
  const out: Driver.Document = {}
  const onlyValues = isValues(update)
  const document = plainObject(onlyValues ? update.document : update, at)
  for (const operator of Object.keys(document)) {
    const path = `${at}.${operator}`
    // What `$set` takes away is there already, under `$unset`.
    const encoded: Driver.Document = out[operator] ??= {}
    for (const [name, value, field] of definedFields(document[operator], path)) {
      const target = resolve(name, field)
      for (const [identifier, alternatives] of target.identifiers) {
        const others = identifiers.get(identifier) ?? []
        identifiers.set(identifier, [...new Set([...others, ...alternatives])])
      }
      if (operator === "$unset") {
        if (!target.optional) refuse(field, "cannot be removed: the schema requires it")
        encoded[target.key] = ""
      } else if (operator === "$set" || operator === "$setOnInsert") {
        checkWritten(target.alternatives, value, field)
        operands.put(encoded, target.key, encodeValue(target.alternatives)(value, strict), field, {
          onAbsent: () => {
            if (operator === "$set") setOwn(out["$unset"] ??= {}, target.key, "")
          }
        })
      } else if (onlyValues && Object.hasOwn(ofElements, operator)) {
        elementValue(operator, encoded, target.key, elementsAt(target.alternatives, field), value, operands, field)
      } else encodeField(operator, encoded, target.key, target.alternatives, value, operands, field)
    }
    // Servers before 5.0 take no operator without fields.
    if (operator === "$set" && Object.keys(encoded).length === 0 && out["$unset"] !== undefined) delete out[operator]
  }
  return { update: out, identifiers }
}

/** The operators of arrays that take an element or operators, with their check of an element. */
const ofElements: Readonly<Record<string, typeof checkWritten>> = {
  $push: checkWritten,
  $addToSet: checkCompared,
  $pull: checkCompared
}

/** An element, written so that the server takes it for nothing else. */
const elementValue = (
  operator: string,
  out: Driver.Document,
  key: string,
  items: Alternatives,
  value: unknown,
  operands: Operands,
  path: string
): void => {
  ofElements[operator]!(items, value, path)
  const encoded = encodeValue(items)(value, strict)
  if (operator === "$pull") return operands.put(out[key] = {}, "$eq", encoded, path)
  const list: Array<unknown> = []
  out[key] = { $each: list }
  operands.put(list, 0, encoded, path)
}

const encodeField = (
  operator: string,
  out: Driver.Document,
  key: string,
  alternatives: Alternatives,
  value: unknown,
  operands: Operands,
  path: string
): void => {
  switch (operator) {
    case "$min":
    case "$max":
      checkCompared(alternatives, value, path)
      return operands.put(out, key, encodeValue(alternatives)(value, strict), path)
    case "$inc":
    case "$mul":
      return operands.put(out, key, encodeValue(alternatives)(value, unchecked), path, {
        check: (encoded) => {
          if (!isNumeric(encoded)) refuse(path, "needs a field that is stored as a number")
        }
      })
    case "$push":
      return push(
        out,
        key,
        alternatives,
        value,
        operands,
        path,
        ["$each", "$slice", "$position", "$sort"],
        checkWritten
      )
    case "$addToSet":
      return push(out, key, alternatives, value, operands, path, ["$each"], checkCompared)
    case "$pull": {
      const items = elementsAt(alternatives, path)
      const isFields = isPlainObject(value) && !isOperators(value, path) &&
        items.flatMap(expand).some((node) => node._tag === "Object")
      if (isFields || isUnsafe(value)) out[key] = encodeFilter(resolveIn(items), value, operands, path)
      else if (isOperators(value, path)) {
        if (Object.hasOwn(value, "$exists")) refuse(path, "holds for all elements: set the array to [] instead")
        out[key] = operators(items, value, operands, path)
      } else condition(out, key, items, value, operands, path)
      return
    }
    case "$pullAll": {
      const items = elementsAt(alternatives, path)
      out[key] = list(items, array(value, path), operands, path, checkCompared)
      return
    }
    case "$pop":
      elementsAt(alternatives, path)
      out[key] = value === 1 || value === -1 ? value : refuse(path, "is neither 1 nor -1")
      return
    case "$currentDate":
      if (!isStored(alternatives, new Date(0))) refuse(path, "needs a field that is stored as a date")
      out[key] = value === true ? true : refuse(path, "is not true")
      return
    case "$bit":
      out[key] = bit(plainObject(value, path), alternatives, operands, path)
      return
    default:
      return refuse(
        path.slice(0, path.indexOf(operator) + operator.length),
        "is no operator of a typed update: Update.unsafe takes any"
      )
  }
}

const isNumeric = (u: unknown): boolean =>
  typeof u === "number" || typeof u === "bigint" || isBson("Long")(u) || isBson("Int32")(u) || isBson("Double")(u) ||
  isBson("Decimal128")(u)

const list = (
  items: Alternatives,
  values: ReadonlyArray<unknown>,
  operands: Operands,
  path: string,
  check: (items: Alternatives, value: unknown, at: string) => void
): Array<unknown> => {
  const out: Array<unknown> = []
  const encode = encodeValue(items)
  values.forEach((item, index) => {
    const at = `${path}[${index}]`
    check(items, item, at)
    operands.put(out, index, encode(item, strict), at)
  })
  return out
}

const push = (
  out: Driver.Document,
  key: string,
  alternatives: Alternatives,
  value: unknown,
  operands: Operands,
  path: string,
  allowed: ReadonlyArray<string>,
  check: (items: Alternatives, value: unknown, at: string) => void
): void => {
  const items = elementsAt(alternatives, path)
  if (!isPlainObject(value) || !Object.hasOwn(value, "$each")) {
    check(items, value, path)
    return operands.put(out, key, encodeValue(items)(value, strict), path)
  }
  const modifiers: Driver.Document = {}
  for (const name of Object.keys(value)) {
    const at = `${path}.${name}`
    const modifier = value[name]
    if (!allowed.includes(name)) refuse(at, "is no modifier here")
    switch (name) {
      case "$each":
        modifiers[name] = list(items, array(modifier, at), operands, at, check)
        break
      case "$sort":
        modifiers[name] = modifier === 1 || modifier === -1
          ? modifier
          : encodeSort(resolveIn(items), modifier, at, true)
        break
      default:
        if (name === "$slice" && modifier === 0) refuse(at, "leaves no element: set the array to [] instead")
        modifiers[name] = Number.isInteger(modifier) ? modifier : refuse(at, "is not an integer")
    }
  }
  setOwn(out, key, modifiers)
}

const bit = (
  value: Readonly<Record<string, unknown>>,
  alternatives: Alternatives,
  operands: Operands,
  path: string
): Driver.Document => {
  const out: Driver.Document = {}
  for (const name of Object.keys(value)) {
    const at = `${path}.${name}`
    if (name !== "and" && name !== "or" && name !== "xor") refuse(at, "is neither and, or nor xor")
    operands.put(out, name, encodeValue(alternatives)(value[name], unchecked), at, {
      check: (encoded) => {
        if (!isNumeric(encoded)) refuse(at, "needs a field that is stored as an integer")
      }
    })
  }
  return out
}

/** A stage of an update by a pipeline. Values are literals: a string that starts with `$` stays a string. */
const encodeStage = (resolve: Resolve, stage: unknown, operands: Operands, at: string): Driver.Document => {
  if (isUnsafe(stage)) return stage.document as Driver.Document
  const document = plainObject(stage, at)
  const names = Object.keys(document)
  if (names.length !== 1) refuse(at, "is not a stage with one name")
  const name = names[0]!
  const path = `${at}.${name}`
  switch (name) {
    case "$set":
    case "$addFields": {
      const out: Driver.Document = {}
      for (const [key, value, field] of definedFields(document[name], path)) {
        const target = resolve(key, field)
        if (target.indexed) refuse(field, "names elements of an array, which a pipeline cannot")
        if (isUnsafe(value)) out[target.key] = value.document
        else {
          const literal = {}
          checkWritten(target.alternatives, value, field)
          out[target.key] = literal
          operands.put(literal, "$literal", encodeValue(target.alternatives)(value, strict), field, {
            onAbsent: () => out[target.key] = "$$REMOVE"
          })
        }
      }
      return { [name]: out }
    }
    case "$unset": {
      const value = document[name]
      const keys = typeof value === "string" ? [value] : array(value, path)
      return {
        $unset: keys.map((key) => {
          if (typeof key !== "string") return refuse(path, "is neither a path nor an array of paths")
          const target = resolve(key, `${path}.${key}`)
          return target.optional ? target.key : refuse(`${path}.${key}`, "cannot be removed: the schema requires it")
        })
      }
    }
    default:
      return refuse(path, "is no stage of a typed update: Update.unsafe takes any")
  }
}

/**
 * Array filters: conditions on what the `$[id]` of the update stand for.
 *
 * @internal
 */
export const encodeArrayFilters = (
  identifiers: ReadonlyMap<string, Alternatives> | undefined,
  filters: unknown,
  operands: Operands,
  at = "options.arrayFilters"
): Array<Driver.Document> =>
  array(filters, at).map((filter, index) =>
    encodeFilter(
      (path, at) => {
        const dot = path.indexOf(".")
        const identifier = dot < 0 ? path : path.slice(0, dot)
        const alternatives = identifiers?.get(identifier)
        if (alternatives === undefined) return refuse(at, "names no $[identifier] of the update")
        if (dot < 0) return { key: identifier, alternatives, optional: false, indexed: true, identifiers: new Map() }
        const target = walk(alternatives, path.slice(dot + 1), "filter", at)
        return { ...target, key: `${identifier}.${target.key}` }
      },
      filter,
      operands,
      `${at}[${index}]`
    )
  )
