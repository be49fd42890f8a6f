import * as Cause from "effect/Cause"
import type * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Metric from "effect/Metric"
import * as Result from "effect/Result"
import * as Driver from "mongodb"
import type { ConsumeOptions } from "../../ChangeStreamConsumer.ts"
import { InvalidArgumentError, type MongoError } from "../../MongoError.ts"
import type { ResumeTokenStore } from "../../ResumeTokenStore.ts"
import type { Operation } from "../call/description.ts"
import { ownFailure } from "../errors/ownFailure.ts"
import type { metricsOf } from "./metrics.ts"
import type { Begun, Progress } from "./progress.ts"
import type { makeSaving } from "./saving.ts"
import type { Settings } from "./settings.ts"

/** When an event happened, in milliseconds since 1970. Before MongoDB 6.0 the precision is one second. */
const happenedAt = (event: unknown): number | undefined => {
  if (Result.isResult(event)) return Result.isSuccess(event) ? happenedAt(event.success) : undefined
  const { clusterTime, wallTime } = event as { readonly clusterTime?: unknown; readonly wallTime?: unknown }
  if (wallTime instanceof Date) return wallTime.getTime()
  return clusterTime instanceof Driver.Timestamp ? clusterTime.getHighBitsUnsigned() * 1000 : undefined
}

/**
 * Makes the function that handles one event: the handler, its retries, the dead letters, and what becomes of it when another turn has
 * begun meanwhile. It succeeds with how many events have come to their end by it.
 *
 * @internal
 */
export const makeHandling = <Event, E, R>({ clock, lost, metrics, now, operation, options, saving, settings, store }: {
  readonly options: Pick<ConsumeOptions<Event, E, R>, "handler" | "onPoison">
  readonly operation: Operation
  readonly settings: Pick<Settings, "concurrency" | "lease">
  readonly store: ResumeTokenStore
  readonly saving: ReturnType<typeof makeSaving>
  readonly metrics: ReturnType<typeof metricsOf>
  readonly lost: MongoError
  readonly clock: Clock.Clock
  readonly now: () => number
}) => {
  const { handler, onPoison } = options

  /** Whether the turn still lasts; `undefined` if the store does not answer. */
  const stillOurs = ({ turn }: Progress): Effect.Effect<boolean | undefined> =>
    Effect.catch(store.renew(turn, settings.lease), () => Effect.succeed(undefined))

  const noCheckpoint = ownFailure(
    InvalidArgumentError,
    operation,
    "a handler with options.concurrency has no checkpoint: earlier events may be unfinished. Leave concurrency out, and use partitions",
    { path: "options.concurrency" }
  )

  const checkpointOf = (progress: Progress, { position, token }: Begun): Effect.Effect<void, MongoError> =>
    settings.concurrency > 1
      ? Effect.fail(noCheckpoint)
      : Effect.suspend(() => saving.ifOurs(progress, store.save(progress.turn, position, { token, started: true })))

  const handle = (progress: Progress, event: Event, begun: Begun): Effect.Effect<void, E | MongoError, R> => {
    const checkpoint = checkpointOf(progress, begun)
    const handled = Effect.sandbox(Effect.suspend(() => handler(event, checkpoint)))
    const isFailure = (cause: Cause.Cause<E>) => !Cause.hasInterrupts(cause) && !progress.lost
    const tried = onPoison?.retry === undefined
      ? handled
      : Effect.retry(handled, { schedule: onPoison.retry, while: isFailure })
    const settled = Effect.catch(tried, (cause) => {
      if (progress.lost || !isFailure(cause)) return Effect.failCause(cause)
      // The handler may have failed because the next instance has already handled the event.
      return Effect.flatMap(stillOurs(progress), (isOurs): Effect.Effect<void, E | MongoError, R> => {
        if (isOurs === false || isOurs === undefined && onPoison !== undefined) return Effect.fail(lost)
        if (onPoison === undefined) return Effect.failCause(cause)
        return Effect.andThen(onPoison.deadLetter(event, cause), Metric.update(metrics.deadLetters, 1))
      })
    })
    // A lost lease decides, whatever the handler made of it.
    return Effect.matchCauseEffect(settled, {
      onFailure: (cause) => progress.lost && !Cause.hasInterrupts(cause) ? Effect.fail(lost) : Effect.failCause(cause),
      onSuccess: () => progress.lost ? Effect.fail(lost) : Effect.void
    })
  }

  return (progress: Progress, event: Event, begun: Begun): Effect.Effect<number, E | MongoError, R> =>
    Effect.gen(function*() {
      // In a process that was stopped, the heartbeat may not have noticed yet.
      if (now() >= progress.leasedUntil) return yield* Effect.fail(lost)
      yield* handle(progress, event, begun)
      const ended = progress.finish(begun)
      progress.handledSince++
      yield* Metric.update(metrics.handled, 1)
      const time = happenedAt(event)
      if (time !== undefined) {
        yield* Metric.update(metrics.lag, Math.max(0, clock.currentTimeMillisUnsafe() - time) / 1000)
      }
      yield* saving.saveIfDue(progress)
      return ended
    })
}
