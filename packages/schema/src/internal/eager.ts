import * as Effect from "effect/Effect"

/**
 * As `Effect.forEach`, with an effect only for the values that have no answer now.
 *
 * @internal
 */
export const forEachEager = <A, B, E, R>(
  values: ReadonlyArray<A>,
  now: (value: A) => B | undefined,
  later: (value: A, index: number) => Effect.Effect<B, E, R>
): Effect.Effect<Array<B>, E, R> => {
  const out: Array<B> = []
  const from = (start: number): Effect.Effect<Array<B>, E, R> => {
    for (let i = start; i < values.length; i++) {
      const value = values[i]!
      const answer = now(value)
      if (answer === undefined) {
        return Effect.flatMap(later(value, i), (answer) => {
          out.push(answer)
          return from(i + 1)
        })
      }
      out.push(answer)
    }
    return Effect.succeed(out)
  }
  return from(0)
}
