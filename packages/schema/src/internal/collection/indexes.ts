/**
 * Encodes the indexes of a typed collection.
 */
import type * as Driver from "mongodb"
import { array, plainObject } from "../encode/arguments.ts"
import { encodeFilter } from "../encode/filter.ts"
import type { Operands } from "../encode/operands.ts"
import { encodeIndexKeys, indexKey } from "../encode/sort.ts"
import { isStored } from "../path/codecs.ts"
import type { Resolve } from "../path/resolve.ts"
import { isPlainObject } from "../plainObject.ts"
import { refuse } from "../refusal.ts"
import type { Options } from "./failures.ts"
import type { Shape } from "./shape.ts"

/**
 * Encodes the filter of a partial index. Null stands for null and for absent fields, whatever the codec of a field that may be absent makes
 * of it: the server has no other way to say it there.
 */
const encodePartialFilter = (
  resolve: Resolve,
  filter: unknown,
  operands: Operands,
  at: string
): Driver.Document => {
  if (!isPlainObject(filter)) return encodeFilter(resolve, filter, operands, at)
  const nulls: Driver.Document = {}
  const others: Record<string, unknown> = {}
  const logical: Driver.Document = {}
  for (const [name, value] of Object.entries(filter)) {
    const path = `${at}.${name}`
    if (name === "$and" || name === "$or") {
      logical[name] = array(value, path).map((part, i) => encodePartialFilter(resolve, part, operands, `${path}[${i}]`))
    } else if (value === null && mayBeNull(resolve, name, path)) nulls[resolve(name, path).key] = null
    else others[name] = value
  }
  const encoded = encodeFilter(resolve, others, operands, at)
  const twice = Object.keys(nulls).find((key) => Object.hasOwn(encoded, key))
  if (twice !== undefined) refuse(`${at}.${twice}`, "is a stored field that has two conditions: join them with $and")
  // Not a copy: values whose encoding takes an effect come into this object later.
  return Object.assign(encoded, nulls, logical)
}

const mayBeNull = (resolve: Resolve, name: string, path: string): boolean => {
  if (name.startsWith("$")) return false
  const { alternatives, optional } = resolve(name, path)
  return optional || isStored(alternatives, null)
}

/** Gives the fields in an option their stored names. Fields of fields become paths. */
const encodeNames = (resolve: Resolve, fields: unknown, at: string, prefix = ""): Driver.Document => {
  const out: Driver.Document = {}
  for (const [name, value] of Object.entries(plainObject(fields, at))) {
    const path = `${at}.${name}`
    if (isPlainObject(value)) Object.assign(out, encodeNames(resolve, value, path, `${prefix}${name}.`))
    else out[indexKey(resolve, `${prefix}${name}`, path)] = value
  }
  return out
}

/**
 * Encodes the options of an index, which may hold a filter and names of fields.
 *
 * @internal
 */
export const encodeIndexOptions = (
  shape: Shape,
  options: Options,
  operands: Operands,
  at: string
): Record<string, unknown> => {
  const encoded: Record<string, unknown> = { ...options }
  for (const name of ["weights", "wildcardProjection"]) {
    if (encoded[name] !== undefined) encoded[name] = encodeNames(shape.read, encoded[name], `${at}.${name}`)
  }
  const filter = options?.["partialFilterExpression"]
  if (filter === undefined) return encoded
  const partialFilterExpression = encodePartialFilter(shape.read, filter, operands, `${at}.partialFilterExpression`)
  return { ...encoded, partialFilterExpression }
}

/**
 * Encodes an index: its keys and its options.
 *
 * @internal
 */
export const encodeIndex = (shape: Shape, index: unknown, operands: Operands, at: string): Driver.IndexDescription => {
  const { key, ...options } = plainObject(index, at)
  return {
    ...encodeIndexOptions(shape, options, operands, at),
    key: encodeIndexKeys(shape.read, key, `${at}.key`) as Driver.IndexDescription["key"]
  }
}
