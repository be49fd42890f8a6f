import * as Effect from "effect/Effect"

/**
 * Waits for a promise, whatever comes of it, but no longer than `milliseconds`. Real time, not the fiber's Clock: a
 * finalizer of a network resource has to end under TestClock too.
 *
 * @internal
 */
export const bounded = (promise: Promise<unknown>, milliseconds: number): Effect.Effect<void> =>
  Effect.callback((resume) => {
    const done = () => {
      clearTimeout(timer)
      resume(Effect.void)
    }
    const timer = setTimeout(done, milliseconds)
    promise.then(done, done)
  })

/**
 * Sleeps in real time, for bounds that must hold under TestClock too.
 *
 * @internal
 */
export const pause = (milliseconds: number): Effect.Effect<void> =>
  Effect.callback((resume) => {
    const timer = setTimeout(() => resume(Effect.void), milliseconds)
    return Effect.sync(() => clearTimeout(timer))
  })
