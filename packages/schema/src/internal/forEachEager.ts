/** Loops over values of which most are done at once. */
import * as Effect from "effect/Effect"

/**
 * As `Effect.forEach` without results, with an effect only for the values that are not done at once.
 *
 * @internal
 */
export const forEachEager = <A, E, R>(
  values: ReadonlyArray<A>,
  now: (value: A) => boolean,
  later: (value: A, index: number) => Effect.Effect<unknown, E, R>
): Effect.Effect<void, E, R> => {
  const from = (start: number): Effect.Effect<void, E, R> => {
    for (let i = start; i < values.length; i++) {
      const value = values[i]!
      if (!now(value)) return Effect.flatMap(later(value, i), () => from(i + 1))
    }
    return Effect.void
  }
  return from(0)
}
