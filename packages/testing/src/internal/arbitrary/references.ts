/** Puts ids that exist into the places of a document that refer to other documents. */
import * as Option from "effect/Option"

/** The place of an id that must be there although no id exists. */
const missing = Symbol()

/** A copy of an object with another property. Instances stay instances of their class. */
const withProperty = (value: object, name: string, property: unknown): object =>
  Object.assign(Object.create(Object.getPrototypeOf(value) as object | null) as object, value, { [name]: property })

/** An id in the place of a value: absent values stay absent, and each element of an array gets an id of its own. */
const refer = (value: unknown, ids: ReadonlyArray<unknown>, pick: number): unknown => {
  if (value === null || value === undefined) return value
  if (Option.isOption(value)) {
    return Option.isNone(value) || ids.length === 0
      ? Option.none()
      : Option.some(at(ids, pick))
  }
  if (!Array.isArray(value)) return ids.length === 0 ? missing : at(ids, pick)
  return value.slice(0, ids.length).map((_, index) => at(ids, pick + index))
}

const at = (ids: ReadonlyArray<unknown>, pick: number): unknown => ids[pick % ids.length]

const put = (
  value: unknown,
  [name, ...rest]: ReadonlyArray<string>,
  ids: ReadonlyArray<unknown>,
  pick: number
): unknown => {
  if (name === undefined) return refer(value, ids, pick)
  if (typeof value !== "object" || value === null) return value
  if (Array.isArray(value)) {
    const elements = value.map((element, index) => put(element, [name, ...rest], ids, pick + index))
    return elements.includes(missing) ? missing : elements
  }
  if (!Object.hasOwn(value, name)) return value
  const property = put((value as Record<string, unknown>)[name], rest, ids, pick)
  return property === missing ? missing : withProperty(value, name, property)
}

/**
 * The document with one of the ids at a path; nothing if it needs one and there is none.
 *
 * @internal
 */
export const withReference = (
  document: unknown,
  path: string,
  ids: ReadonlyArray<unknown>,
  pick: number
): readonly [unknown] | undefined => {
  const replaced = put(document, path.split("."), ids, pick)
  return replaced === missing ? undefined : [replaced]
}

/**
 * The document with a field of another one, or without it if the other one lacks it.
 *
 * @internal
 */
export const withFieldOf = (document: unknown, other: unknown, name: string): unknown => {
  if (typeof document !== "object" || document === null || typeof other !== "object" || other === null) return document
  if (Object.hasOwn(other, name)) return withProperty(document, name, (other as Record<string, unknown>)[name])
  const copy = withProperty(document, name, undefined) as Record<string, unknown>
  delete copy[name]
  return copy
}
