/**
 * Encodes the indexes of a typed collection.
 */
import type * as Driver from "mongodb"
import { plainObject } from "../encode/arguments.ts"
import { encodeFilter } from "../encode/filter.ts"
import type { Operands } from "../encode/operands.ts"
import { encodeIndexKeys } from "../encode/sort.ts"
import type { Options } from "./failures.ts"
import type { Shape } from "./shape.ts"

/**
 * Encodes the options of an index, which may hold a filter.
 *
 * @internal
 */
export const encodeIndexOptions = (
  shape: Shape,
  options: Options,
  operands: Operands,
  at: string
): Record<string, unknown> => {
  const filter = options?.["partialFilterExpression"]
  if (filter === undefined) return { ...options }
  const partialFilterExpression = encodeFilter(shape.read, filter, operands, `${at}.partialFilterExpression`)
  return { ...options, partialFilterExpression }
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
