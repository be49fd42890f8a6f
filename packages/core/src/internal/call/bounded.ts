/**
 * Waiting for promises whose outcome is no result: what ends something. The bounds are real time, and not the fiber's Clock: a finalizer of a
 * network resource has to end under TestClock too.
 */
import * as Effect from "effect/Effect"

/**
 * Whether a promise is settled, whatever comes of it, in `milliseconds`.
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
 * Waits for a promise, whatever comes of it, but no longer than `milliseconds`. Says whether it is settled.
 *
 * @internal
 */
export const inTime = (promise: Promise<unknown>, milliseconds: number): Effect.Effect<boolean> =>
  Effect.promise(() => endsWithin(promise, milliseconds))

/**
 * As `inTime`, where nothing depends on it.
 *
 * @internal
 */
export const bounded = (promise: Promise<unknown>, milliseconds: number): Effect.Effect<void> =>
  Effect.asVoid(inTime(promise, milliseconds))

/**
 * Waits for a promise however long it takes, and gives what it resolves to, or else what it rejects with. Never fails.
 *
 * @internal
 */
export const outcomeOf = (start: () => Promise<unknown>): Effect.Effect<unknown> =>
  Effect.promise(() => start().catch((cause: unknown) => cause))

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
