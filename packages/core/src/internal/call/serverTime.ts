import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"

/**
 * The clock for waiting for servers. Its public name is `Mongo.CurrentServerClock`.
 *
 * @internal
 */
export const CurrentServerClock: Context.Reference<Clock.Clock> = Context.Reference<Clock.Clock>(
  "@mongofx/core/Mongo/CurrentServerClock",
  { defaultValue: () => Clock.Clock.defaultValue() }
)

/**
 * Nanoseconds of the monotonic server clock of a fiber. Compare them only with each other.
 *
 * @internal
 */
export const serverNanos = (fiber: Fiber.Fiber<unknown, unknown>): bigint =>
  fiber.getRef(CurrentServerClock).monotonicTimeNanosUnsafe()

/**
 * The same in milliseconds.
 *
 * @internal
 */
export const serverMillis = (fiber: Fiber.Fiber<unknown, unknown>): number => Number(serverNanos(fiber)) / 1e6

/**
 * Milliseconds of the monotonic server clock.
 *
 * @internal
 */
export const serverNow: Effect.Effect<number> = Effect.withFiber((fiber) => Effect.succeed(serverMillis(fiber)))

/**
 * Sleeps by the server clock: a pause before the next request to a server must end under a `TestClock` too.
 *
 * @internal
 */
export const serverSleep = (duration: Duration.Input): Effect.Effect<void> =>
  Effect.withFiber((fiber) => fiber.getRef(CurrentServerClock).sleep(Duration.fromInputUnsafe(duration)))
