import * as Duration from "effect/Duration"
import type { ConsumeOptions } from "../../ChangeStreamConsumer.ts"
import { durationOf, leaseOf } from "../input/duration.ts"
import { InvalidInput } from "../input/invalidInput.ts"
import { mostParts } from "./parts.ts"

const defaultEvents = 100
const defaultInterval = Duration.seconds(5)
const defaultLease = Duration.seconds(30)

const countOf = (value: number, path: string): number => {
  if (!(Number.isSafeInteger(value) && value >= 1 && value <= mostParts)) {
    throw new InvalidInput(path, `${path} is not an integer from 1 to ${mostParts}`)
  }
  return value
}

/**
 * Checks the numbers and durations of a consumer. May throw.
 *
 * @internal
 */
export const settingsOf = (
  options: Pick<ConsumeOptions<never, never, never>, "checkpoint" | "lease"> & {
    readonly concurrency?: number | undefined
    readonly partitions?: number | undefined
  }
) => {
  const { checkpoint, concurrency, lease, partitions } = options
  const events = checkpoint?.events ?? defaultEvents
  if (!(events >= 1)) {
    throw new InvalidInput("options.checkpoint.events", "options.checkpoint.events is not a number of at least 1")
  }
  return {
    events,
    interval: Duration.toMillis(durationOf(checkpoint?.interval ?? defaultInterval, "options.checkpoint.interval")),
    lease: leaseOf(lease?.duration ?? defaultLease, "options.lease.duration"),
    concurrency: countOf(concurrency ?? 1, "options.concurrency"),
    partitions: countOf(partitions ?? 1, "options.partitions")
  }
}

/**
 * The checked numbers and durations of a consumer. The interval is in milliseconds.
 *
 * @internal
 */
export type Settings = ReturnType<typeof settingsOf>
