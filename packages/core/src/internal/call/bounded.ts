import * as Effect from "effect/Effect"

/**
 * Whether a promise is settled, whatever comes of it, in `milliseconds`. Real time, not the fiber's Clock: a finalizer of a
 * network resource has to end under TestClock too.
 *
 * @internal
 */
export const endsWithin = (promise: Promise<unknown>, milliseconds: number): Promise<boolean> =>
  new Promise((resolve) => {
    const timer = setTimeout(() => resolve(false), milliseconds)
    const done = () => {
      clearTimeout(timer)
      resolve(true)
    }
    promise.then(done, done)
  })

/**
 * Waits for a promise, whatever comes of it, but no longer than `milliseconds` of real time.
 *
 * @internal
 */
export const bounded = (promise: Promise<unknown>, milliseconds: number): Effect.Effect<void> =>
  Effect.asVoid(Effect.promise(() => endsWithin(promise, milliseconds)))

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
