/** Hints: the name of an index, or its keys in one of the forms of a sort order. */
import { InvalidInput } from "./invalidInput.ts"

/** @internal */
export const notHint = "hint is not the name of an index or its keys: pass a string or an object"

/**
 * Returns the keys of an index as the server takes them. Like a sort order, a hint may be a Map, an array of pairs or an array of names.
 * The result is a Map if an object would change the order of the keys.
 *
 * @internal
 */
export const hintOf = (hint: unknown): unknown => {
  if (!(Array.isArray(hint) || hint instanceof Map)) return hint
  const keys = new Map<string, unknown>()
  for (const entry of hint as Iterable<unknown>) {
    const [name, direction] = typeof entry === "string" ? [entry, 1] : Array.isArray(entry) ? entry : []
    if (typeof name !== "string" || direction === undefined) throw new InvalidInput("hint", notHint)
    keys.set(name, direction)
  }
  const object = Object.fromEntries(keys)
  const names = [...keys.keys()]
  return Object.keys(object).every((name, index) => name === names[index]) ? object : keys
}
