/** Durations that are given: checked where they are used. */
import * as Duration from "effect/Duration"
import * as Option from "effect/Option"
import { InvalidInput } from "./invalidInput.ts"

/**
 * A duration that is not negative. Effect takes a number that is none for zero.
 *
 * @internal
 */
export const durationOf = (input: Duration.Input, path: string): Duration.Duration => {
  const duration = Number.isNaN(input) ? Option.none() : Duration.fromInput(input)
  if (Option.isNone(duration)) throw new InvalidInput(path, `${path} is no duration`)
  if (Duration.isNegative(duration.value)) throw new InvalidInput(path, `${path} is negative`)
  return duration.value
}

/**
 * The duration of a lease. Whoever looks at it in between counts in milliseconds, and one without an end would never free it.
 *
 * @internal
 */
export const leaseOf = (input: Duration.Input, path: string): Duration.Duration => {
  const duration = durationOf(input, path)
  if (!Duration.isFinite(duration)) throw new InvalidInput(path, `${path} is endless, and a lease has to run out`)
  if (Duration.toMillis(duration) < 1) throw new InvalidInput(path, `${path} is shorter than a millisecond`)
  return duration
}
