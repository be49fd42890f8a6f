import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"

/**
 * The clock by which servers are waited for. The public name is `Mongo.CurrentServerClock`.
 *
 * @internal
 */
export const CurrentServerClock: Context.Reference<Clock.Clock> = Context.Reference<Clock.Clock>(
  "@mongofx/core/Mongo/CurrentServerClock",
  { defaultValue: () => Clock.Clock.defaultValue() }
)

/**
 * Nanoseconds of the monotonic server clock of a fiber: to be compared with each other only.
 *
 * @internal
 */
export const serverNanos = (fiber: Fiber.Fiber<unknown, unknown>): bigint =>
  fiber.getRef(CurrentServerClock).monotonicTimeNanosUnsafe()

/**
 * Sleeps by the server clock: a pause before a server is asked again has to end under `TestClock` too.
 *
 * @internal
 */
export const serverSleep = (duration: Duration.Input): Effect.Effect<void> =>
  Effect.withFiber((fiber) => fiber.getRef(CurrentServerClock).sleep(Duration.fromInputUnsafe(duration)))
