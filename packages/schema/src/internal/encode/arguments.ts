/** Checks the form of arguments: objects, operators and arrays. Refuses any other form. */
import { isPlainObject } from "../plainObject.ts"
import { refuse } from "../refusal.ts"

/**
 * Whether an object consists of operators. Refuses operators beside fields, which have no meaning.
 *
 * @internal
 */
export const isOperators = (u: unknown, path: string): u is Record<string, unknown> => {
  if (!isPlainObject(u)) return false
  const keys = Object.keys(u)
  const operators = keys.filter((key) => key.startsWith("$"))
  if (operators.length === 0) return false
  if (operators.length < keys.length) refuse(path, "mixes operators with fields")
  return true
}

/** @internal */
export const plainObject = (u: unknown, path: string): Record<string, unknown> =>
  isPlainObject(u) ? u : refuse(path, `is ${nameOf(u)}, not a plain object`)

/**
 * Refuses `undefined`.
 *
 * @internal
 */
export const defined = (value: unknown, path: string): unknown =>
  value === undefined ? refuse(path, "is undefined") : value

/** @internal */
export const array = (u: unknown, path: string): ReadonlyArray<unknown> =>
  Array.isArray(u) ? u : refuse(path, `is ${nameOf(u)}, not an array`)

/** @internal */
export const positiveInteger = (u: unknown, path: string): number =>
  typeof u === "number" && Number.isInteger(u) && u > 0 ? u : refuse(path, "is not a positive integer")

/** The kind of a value, never the value. */
const nameOf = (u: unknown): string => {
  if (u === null || u === undefined) return String(u)
  if (Array.isArray(u)) return "an array"
  if (typeof u !== "object") return `a ${typeof u}`
  return isPlainObject(u) ? "an object" : "an instance of a class"
}
