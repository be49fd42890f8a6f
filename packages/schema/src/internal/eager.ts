import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"

/**
 * As `Effect.forEach`, without an effect for each value that has its answer at once, as the codecs of most schemas do.
 *
 * @internal
 */
export const forEachEager = <A, B, E, R>(
  values: ReadonlyArray<A>,
  f: (value: A, index: number) => Effect.Effect<B, E, R>
): Effect.Effect<Array<B>, E, R> => {
  const out: Array<B> = []
  const from = (start: number): Effect.Effect<Array<B>, E, R> => {
    for (let i = start; i < values.length; i++) {
      const next = f(values[i]!, i)
      if (Exit.isExit(next) && Exit.isSuccess(next)) {
        out.push(next.value as B)
        continue
      }
      return Effect.flatMap(next, (value) => {
        out.push(value)
        return from(i + 1)
      })
    }
    return Effect.succeed(out)
  }
  return from(0)
}
