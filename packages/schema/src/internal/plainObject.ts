/** Plain objects, whose keys may come from anywhere. */

/** @internal */
export const isPlainObject = (u: unknown): u is Record<string, unknown> => {
  if (typeof u !== "object" || u === null) return false
  const prototype = Object.getPrototypeOf(u)
  return prototype === null || prototype === Object.prototype
}

/**
 * Sets an own property. Assigning would change the prototype for `__proto__`.
 *
 * @internal
 */
export const setOwn = (out: object, key: string | number, value: unknown): void => {
  if (key === "__proto__") {
    Object.defineProperty(out, key, { value, configurable: true, enumerable: true, writable: true })
  } else (out as Record<string | number, unknown>)[key] = value
}
