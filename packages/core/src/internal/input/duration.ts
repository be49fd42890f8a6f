/** Checks the durations that callers give. */
import * as Duration from "effect/Duration"
import * as Option from "effect/Option"
import { InvalidInput } from "./invalidInput.ts"

/**
 * Returns a duration that is not negative. Effect would read `NaN` as zero.
 *
 * @internal
 */
export const durationOf = (input: Duration.Input, path: string): Duration.Duration => {
  const duration = Number.isNaN(input) ? Option.none() : Duration.fromInput(input)
  if (Option.isNone(duration)) throw new InvalidInput(path, `${path} is not a duration`)
  if (Duration.isNegative(duration.value)) throw new InvalidInput(path, `${path} is negative`)
  return duration.value
}

/**
 * Returns the duration of a lease. Leases are counted in milliseconds, and an infinite one would never become free.
 *
 * @internal
 */
export const leaseOf = (input: Duration.Input, path: string): Duration.Duration => {
  const duration = durationOf(input, path)
  if (!Duration.isFinite(duration)) throw new InvalidInput(path, `${path} is infinite: a lease must run out`)
  if (Duration.toMillis(duration) < 1) throw new InvalidInput(path, `${path} is shorter than a millisecond`)
  return duration
}
