/**
 * Reads what was thrown: it may be anything, and its getters may throw too.
 */

/**
 * Reads a property of whatever was thrown: getters and proxies may throw.
 *
 * @internal
 */
export const read = (target: unknown, key: string): unknown => {
  if (typeof target !== "object" && typeof target !== "function" || target === null) return undefined
  try {
    return (target as Record<string, unknown>)[key]
  } catch {
    return undefined
  }
}

/** @internal */
export const text = (value: unknown): string | undefined =>
  typeof value === "string" && value !== "" ? value : undefined

/** @internal */
export const describe = (cause: unknown): string => {
  const message = text(read(cause, "message")) ?? text(read(cause, "errmsg"))
  if (message !== undefined) return message
  const name = text(read(cause, "name"))
  if (name !== undefined) return name
  try {
    return String(cause)
  } catch {
    return "something that cannot be described"
  }
}

/**
 * A server's code: a number, or an `Int32` when values are not promoted.
 *
 * @internal
 */
export const codeOf = (cause: unknown): number | undefined => {
  const code = read(cause, "code")
  if (code === undefined || code === null || typeof code === "string" || typeof code === "symbol") return undefined
  const number = typeof code === "number" ? code : Number(read(code, "value") ?? code)
  return Number.isInteger(number) ? number : undefined
}

/** @internal */
export const asDocument = (value: unknown): Readonly<Record<string, unknown>> | undefined =>
  typeof value === "object" && value !== null ? value as Record<string, unknown> : undefined
