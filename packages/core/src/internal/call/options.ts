import * as Duration from "effect/Duration"
import * as Option from "effect/Option"
import { InvalidInput } from "../input/invalidInput.ts"

/** @internal */
export const notHint = "hint is neither the name of an index nor its keys"

/**
 * The keys of an index as the server takes them: a sort order may be a Map, a list of pairs or a list of names, and so may a hint. It is a
 * Map where an object would change the order of the keys.
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

/**
 * A copy without the keys that are `undefined`: the driver sends some of them as null.
 *
 * @internal
 */
export const defined = <A extends object>(options: A | undefined): A | undefined => {
  // Without types it may be null, too.
  if (options === undefined || options === null) return undefined
  const copy: Record<string, unknown> = {}
  for (const [key, value] of Object.entries(options)) if (value !== undefined) copy[key] = value
  return copy as A
}

/**
 * Options with more. What is no object stays what it is: it is refused when the operation runs.
 *
 * @internal
 */
export const including = <A extends object, B extends object>(options: A | undefined, more: B): A & B =>
  options !== undefined && (typeof options !== "object" || options === null || Array.isArray(options))
    ? options as A & B
    : { ...options, ...more } as A & B

/**
 * A duration that is not negative. Effect takes a number that is none for zero.
 *
 * @internal
 */
export const durationOf = (input: Duration.Input, path: string): Duration.Duration => {
  const duration = Number.isNaN(input) ? Option.none() : Duration.fromInput(input)
  if (Option.isNone(duration)) throw new InvalidInput(path, `${path} is no duration`)
  if (Duration.isNegative(duration.value)) throw new InvalidInput(path, `${path} is negative`)
  return duration.value
}

/**
 * The duration of a lease. Whoever looks at it in between counts in milliseconds, and one without an end would never free it.
 *
 * @internal
 */
export const leaseOf = (input: Duration.Input, path: string): Duration.Duration => {
  const duration = durationOf(input, path)
  if (!Duration.isFinite(duration)) throw new InvalidInput(path, `${path} is endless, and a lease has to run out`)
  if (Duration.toMillis(duration) < 1) throw new InvalidInput(path, `${path} is shorter than a millisecond`)
  return duration
}

interface Limited {
  readonly maxTimeMS?: number
}

/** Of two limits the shorter one holds; 0 is none. */
const shorter = (own: unknown, left: number): number => typeof own === "number" && own > 0 ? Math.min(own, left) : left

/**
 * The caller's options with those that mongofx adds to every call.
 *
 * @internal
 */
export const joined = <A extends object, B extends Limited>(options: A | undefined, call: B): A & B => {
  if (options === undefined) return call as A & B
  const all = { ...defined(options), ...call } as A & B
  if ("hint" in all) (all as { hint: unknown }).hint = hintOf(all.hint)
  if (call.maxTimeMS === undefined) return all
  return { ...all, maxTimeMS: shorter((options as Limited).maxTimeMS, call.maxTimeMS) }
}

/** Commands that refuse a time limit: that of the cursor's first command holds. */
const unlimited = new Set(["getMore", "killCursors"])

/**
 * A command with the time limit among its fields, where it takes one, and the call's options without it.
 *
 * @internal
 */
export const limitCommand = <A extends Limited>(
  command: Readonly<Record<string, unknown>>,
  call: A
): readonly [Record<string, unknown>, Omit<A, "maxTimeMS">] => {
  if (call.maxTimeMS === undefined) return [command, call]
  const { maxTimeMS, ...options } = call
  if (unlimited.has(Object.keys(command)[0] ?? "")) return [command, options]
  return [{ ...command, maxTimeMS: shorter(command["maxTimeMS"], maxTimeMS) }, options]
}

/**
 * The number of elements of a batch; bad input is a failure when the effect runs, and nothing is thrown before.
 *
 * @internal
 */
export const lengthOf = (batch: ReadonlyArray<unknown>): number | undefined =>
  Array.isArray(batch) ? batch.length : undefined
