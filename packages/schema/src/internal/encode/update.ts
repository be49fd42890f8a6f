/** Encodes updates and array filters: from typed and decoded to the form that the server takes. Pure, as `encodeFilter` is. */
import type * as Driver from "mongodb"
import { isNumber } from "../bson/numbers.ts"
import { checkCompared, checkWritten, encodeValue, isStored } from "../path/codecs.ts"
import { expand } from "../path/nodes.ts"
import { type Resolve, walk } from "../path/resolve.ts"
import { isPlainObject, setOwn } from "../plainObject.ts"
import { refuse } from "../refusal.ts"
import { array, defined, isOperators, plainObject } from "./arguments.ts"
import { type Alternatives, elementsAt, type Field, putValue, resolveIn, type Scope } from "./field.ts"
import { condition, encodeFilter, operators } from "./filter.ts"
import { isComputed, isUnsafe, isValues, writeComputed } from "./marked.ts"
import type { Operands } from "./operands.ts"
import { encodeSort } from "./sort.ts"

/** The schemas that each `$[id]` in the paths of an update stands for. */
type Identifiers = Map<string, Alternatives>

/** @internal */
export interface EncodedUpdate {
  readonly update: Driver.Document | Array<Driver.Document>
  /** Absent when the update is unsafe: its identifiers are unknown. */
  readonly identifiers: ReadonlyMap<string, Alternatives> | undefined
}

// An amount that is added to a number may break the checks of the number itself.
const unchecked = { onExcessProperty: "error", disableChecks: true } as const

/** @internal */
export const encodeUpdate = (resolve: Resolve, update: unknown, operands: Operands, at = "update"): EncodedUpdate => {
  if (isUnsafe(update)) return { update: update.document as Driver.Document, identifiers: undefined }
  if (isComputed(update)) {
    const stages = writeComputed(update, resolve.documents, operands, at) as Array<Driver.Document>
    return { update: stages, identifiers: new Map() }
  }
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
    // `$set` may have put keys under `$unset` before.
    const encoded: Driver.Document = out[operator] ??= {}
    const fields = plainObject(document[operator], path)
    for (const name of Object.keys(fields)) {
      const at = `${path}.${name}`
      const value = defined(fields[name], at)
      const { alternatives, identifiers: named, key, optional } = resolve(name, at)
      for (const [identifier, alternatives] of named) {
        const others = identifiers.get(identifier) ?? []
        identifiers.set(identifier, [...new Set([...others, ...alternatives])])
      }
      const field: UpdatedField = { operands, alternatives, path: at, out: encoded, key }
      if (operator === "$unset") {
        if (!optional) refuse(at, "cannot be removed: the schema requires it")
        encoded[key] = ""
      } else if (operator === "$set" || operator === "$setOnInsert") {
        checkWritten(alternatives, value, at)
        putValue(field, value, {
          onAbsent: () => {
            if (operator === "$set") setOwn(out["$unset"] ??= {}, key, "")
          }
        })
      } else if (onlyValues && Object.hasOwn(ofElements, operator)) elementValue(operator, field, value)
      else encodeField(operator, field, value)
    }
    // Servers before 5.0 refuse an operator without fields.
    if (operator === "$set" && Object.keys(encoded).length === 0 && out["$unset"] !== undefined) delete out[operator]
  }
  return { update: out, identifiers }
}

/** A field of an update, below its operator. */
interface UpdatedField extends Field {
  readonly out: Driver.Document
  readonly key: string
}

/** Refuses a value that cannot be an element. */
type Check = (items: Alternatives, value: unknown, at: string) => void

/** The operators of arrays that take either an element or operators, each with its check of an element. */
const ofElements: Readonly<Record<string, Check>> = {
  $push: checkWritten,
  $addToSet: checkCompared,
  $pull: checkCompared
}

/** Writes an element so that the server cannot read it as operators. */
const elementValue = (
  operator: string,
  { alternatives: ofArray, key, operands, out, path }: UpdatedField,
  value: unknown
): void => {
  const alternatives = elementsAt(ofArray, path)
  ofElements[operator]!(alternatives, value, path)
  if (operator === "$pull") return putValue({ operands, alternatives, path, out: out[key] = {}, key: "$eq" }, value)
  const list: Array<unknown> = []
  out[key] = { $each: list }
  putValue({ operands, alternatives, path, out: list, key: 0 }, value)
}

const encodeField = (operator: string, field: UpdatedField, value: unknown): void => {
  const { alternatives, key, operands, out, path } = field
  switch (operator) {
    case "$min":
    case "$max":
      checkCompared(alternatives, value, path)
      return putValue(field, value)
    case "$inc":
    case "$mul":
      return putNumber(field, value, "needs a field that is stored as a number")
    case "$push":
      return push(field, value, ["$each", "$slice", "$position", "$sort"], checkWritten)
    case "$addToSet":
      return push(field, value, ["$each"], checkCompared)
    case "$pull": {
      const items = elementsAt(alternatives, path)
      const isFields = isPlainObject(value) && !isOperators(value, path) &&
        items.flatMap(expand).some((node) => node._tag === "Object")
      if (isFields || isUnsafe(value)) out[key] = encodeFilter(resolveIn(items), value, operands, path)
      else if (isOperators(value, path)) {
        if (Object.hasOwn(value, "$exists")) {
          refuse(path, "matches all elements or none: to empty the array, set it to []")
        }
        out[key] = operators({ operands, alternatives: items, path }, value)
      } else condition({ operands, alternatives: items, path, out, key }, value)
      return
    }
    case "$pullAll": {
      const items = elementsAt(alternatives, path)
      out[key] = list({ operands, alternatives: items, path }, array(value, path), checkCompared)
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
      out[key] = bit(field, plainObject(value, path))
      return
    default:
      return refuse(
        path.slice(0, path.indexOf(operator) + operator.length),
        "is not an operator of a typed update: write it in Update.unsafe"
      )
  }
}

/** Encodes a number without the checks of its field. */
const putNumber = (field: Field, value: unknown, problem: string): void =>
  field.operands.put(field, encodeValue(field.alternatives)(value, unchecked), {
    check: (encoded) => {
      if (!isNumber(encoded)) refuse(field.path, problem)
    }
  })

const list = (
  { alternatives, operands, path }: Scope,
  values: ReadonlyArray<unknown>,
  check: Check
): Array<unknown> => {
  const out: Array<unknown> = []
  values.forEach((item, index) => {
    const at = `${path}[${index}]`
    check(alternatives, item, at)
    putValue({ operands, alternatives, path: at, out, key: index }, item)
  })
  return out
}

const push = (field: UpdatedField, value: unknown, allowed: ReadonlyArray<string>, check: Check): void => {
  const { key, operands, out, path } = field
  const alternatives = elementsAt(field.alternatives, path)
  if (!isPlainObject(value) || !Object.hasOwn(value, "$each")) {
    check(alternatives, value, path)
    return putValue({ operands, alternatives, path, out, key }, value)
  }
  const modifiers: Driver.Document = {}
  for (const name of Object.keys(value)) {
    const at = `${path}.${name}`
    const modifier = value[name]
    if (!allowed.includes(name)) refuse(at, `is not a modifier here: use ${allowed.join(", ")}`)
    switch (name) {
      case "$each":
        modifiers[name] = list({ operands, alternatives, path: at }, array(modifier, at), check)
        break
      case "$sort":
        modifiers[name] = modifier === 1 || modifier === -1
          ? modifier
          : encodeSort(resolveIn(alternatives), modifier, at, true)
        break
      default:
        if (name === "$slice" && modifier === 0) refuse(at, "leaves no element: to empty the array, set it to []")
        modifiers[name] = Number.isInteger(modifier) ? modifier : refuse(at, "is not an integer")
    }
  }
  setOwn(out, key, modifiers)
}

const bit = ({ alternatives, operands, path }: Scope, value: Readonly<Record<string, unknown>>): Driver.Document => {
  const out: Driver.Document = {}
  for (const name of Object.keys(value)) {
    const at = `${path}.${name}`
    if (name !== "and" && name !== "or" && name !== "xor") refuse(at, "is not one of and, or, xor")
    putNumber(
      { operands, alternatives, path: at, out, key: name },
      value[name],
      "needs a field that is stored as an integer"
    )
  }
  return out
}

/** Encodes a stage of a pipeline. Values are literals: a string that starts with `$` stays a string. */
const encodeStage = (resolve: Resolve, stage: unknown, operands: Operands, at: string): Driver.Document => {
  if (isUnsafe(stage)) return stage.document as Driver.Document
  const document = plainObject(stage, at)
  const names = Object.keys(document)
  if (names.length !== 1) refuse(at, "is not a stage with one name: write one stage for each operator")
  const name = names[0]!
  const path = `${at}.${name}`
  switch (name) {
    case "$set":
    case "$addFields": {
      const out: Driver.Document = {}
      const fields = plainObject(document[name], path)
      for (const field of Object.keys(fields)) {
        const at = `${path}.${field}`
        const value = defined(fields[field], at)
        const { alternatives, indexed, key } = resolve(field, at)
        if (indexed) refuse(at, "names elements of an array, which a pipeline cannot change: set the whole array")
        if (isUnsafe(value)) out[key] = value.document
        else {
          const literal = {}
          checkWritten(alternatives, value, at)
          out[key] = literal
          putValue({ operands, alternatives, path: at, out: literal, key: "$literal" }, value, {
            onAbsent: () => out[key] = "$$REMOVE"
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
      return refuse(path, "is not a stage of a typed update: write it in Update.unsafe")
  }
}

/**
 * Encodes array filters: conditions on the elements that each `$[id]` of the update stands for.
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
        if (alternatives === undefined) return refuse(at, "does not name a $[identifier] of the update")
        if (dot < 0) return { key: identifier, alternatives, optional: false, indexed: true, identifiers: new Map() }
        const target = walk(alternatives, path.slice(dot + 1), "filter", at)
        return { ...target, key: `${identifier}.${target.key}` }
      },
      filter,
      operands,
      `${at}[${index}]`
    )
  )
