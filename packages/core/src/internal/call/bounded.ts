/**
 * Waits for promises that end something, whatever their outcome. The limits are real time and not the fiber's Clock: the finalizer of a
 * network resource must end under a TestClock too.
 */
import * as Effect from "effect/Effect"

/**
 * Whether a promise is settled within `milliseconds`, whatever its outcome.
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
 * Waits for a promise, whatever its outcome, for at most `milliseconds`. Says whether it is settled.
 *
 * @internal
 */
export const inTime = (promise: Promise<unknown>, milliseconds: number): Effect.Effect<boolean> =>
  Effect.promise(() => endsWithin(promise, milliseconds))

/**
 * Like `inTime`, when nothing depends on the answer.
 *
 * @internal
 */
export const bounded = (promise: Promise<unknown>, milliseconds: number): Effect.Effect<void> =>
  Effect.asVoid(inTime(promise, milliseconds))

/**
 * Waits for a promise as long as it takes, and returns what it resolves to or rejects with. Never fails.
 *
 * @internal
 */
export const outcomeOf = (start: () => Promise<unknown>): Effect.Effect<unknown> =>
  Effect.promise(() => start().catch((cause: unknown) => cause))

/**
 * Waits for a promise that has nothing to do with the driver, such as an import. Fails with what it rejects with.
 *
 * @internal
 */
export const awaited = <A>(start: () => Promise<A>): Effect.Effect<A, unknown> =>
  Effect.tryPromise({ try: start, catch: (cause) => cause })

/**
 * Sleeps in real time, for limits that must apply under a TestClock too.
 *
 * @internal
 */
export const pause = (milliseconds: number): Effect.Effect<void> =>
  Effect.callback((resume) => {
    const timer = setTimeout(() => resume(Effect.void), milliseconds)
    return Effect.sync(() => clearTimeout(timer))
  })
