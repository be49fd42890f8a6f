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
 * Sleeps by the server clock: a pause before the next request to a server must end under a `TestClock` too.
 *
 * @internal
 */
export const serverSleep = (duration: Duration.Input): Effect.Effect<void> =>
  Effect.withFiber((fiber) => fiber.getRef(CurrentServerClock).sleep(Duration.fromInputUnsafe(duration)))
