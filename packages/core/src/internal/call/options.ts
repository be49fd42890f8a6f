/** The options of a call: those of the caller, and those that mongofx adds. */
import { hintOf } from "../input/hint.ts"

/**
 * Returns a copy without the keys that are `undefined`: the driver would send some of them as null.
 *
 * @internal
 */
export const defined = <A extends object>(options: A | undefined): A | undefined => {
  // Untyped code may pass null.
  if (options === undefined || options === null) return undefined
  const copy: Record<string, unknown> = {}
  for (const [key, value] of Object.entries(options)) if (value !== undefined) copy[key] = value
  return copy as A
}

/**
 * Adds options. A value that is not an object stays as it is: the operation refuses it when it runs.
 *
 * @internal
 */
export const including = <A extends object, B extends object>(options: A | undefined, more: B): A & B =>
  options !== undefined && (typeof options !== "object" || options === null || Array.isArray(options))
    ? options as A & B
    : { ...options, ...more } as A & B

interface Limited {
  readonly maxTimeMS?: number
}

/** Of two limits the shorter one applies; 0 means without a limit. */
const shorter = (own: unknown, left: number): number => typeof own === "number" && own > 0 ? Math.min(own, left) : left

/**
 * Joins the caller's options with those that mongofx adds to every call.
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

/** Commands that refuse a time limit: the limit of the cursor's first command applies to them. */
const unlimited = new Set(["getMore", "killCursors"])

/**
 * Moves the time limit of a call from its options into the command, if the command takes one.
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
 * The number of elements of a batch; `undefined` for bad input, which makes the effect fail when it runs.
 *
 * @internal
 */
export const lengthOf = (batch: ReadonlyArray<unknown>): number | undefined =>
  Array.isArray(batch) ? batch.length : undefined
