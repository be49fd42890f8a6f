/**
 * What an instance does in its turn: it opens the change stream where the last turn was, and handles events until something fails.
 */
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Metric from "effect/Metric"
import * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import type * as Driver from "mongodb"
import type { ConsumeOptions, OpenSource, StartPosition } from "../../ChangeStreamConsumer.ts"
import type { MongoError } from "../../MongoError.ts"
import type { makeHandling } from "./handling.ts"
import { documentOf, makeLanes } from "./lanes.ts"
import type { metricsOf } from "./metrics.ts"
import type { Progress } from "./progress.ts"
import type { makeSaving } from "./saving.ts"
import type { Settings } from "./settings.ts"
import { isHistoryLost } from "./steps.ts"

/**
 * Makes the functions of a turn.
 *
 * @internal
 */
export const makeTurn = <Event, E, R, SE, SR>({
  handle,
  lost,
  metrics,
  now,
  open,
  options,
  ready,
  repaired,
  saving,
  settings,
  stopped
}: {
  readonly options: Pick<ConsumeOptions<Event, E, R, SE, SR>, "onFirstStart" | "onHistoryLost">
  readonly settings: Pick<Settings, "concurrency">
  /** Opens the change stream, or the part of it that is consumed. */
  readonly open: (
    position: StartPosition
  ) => Effect.Effect<OpenSource<Event, SE, SR>, SE | MongoError, SR | Scope.Scope>
  /** Brings everything up to date, instead of `onHistoryLost`, and gives the position from which to go on. */
  readonly repaired:
    | ((token: Driver.ResumeToken) => Effect.Effect<Driver.ResumeToken, E | SE | MongoError, R | SR | Scope.Scope>)
    | undefined
  /** Complete when the turn is to end after what has begun. It then fails with `lost`, as every turn that is over. */
  readonly stopped: Deferred.Deferred<void> | undefined
  readonly lost: MongoError
  readonly saving: ReturnType<typeof makeSaving>
  readonly handle: ReturnType<typeof makeHandling<Event, E, R>>
  readonly metrics: ReturnType<typeof metricsOf>
  /** Says that the position is saved. */
  readonly ready: Effect.Effect<unknown>
  readonly now: () => number
}) => {
  type Failure = E | SE | MongoError
  type Services = R | SR
  const { onFirstStart = "now", onHistoryLost = "fail" } = options
  const { save, saveIfDue } = saving

  const noteHistoryLost = <A, E2, R2>(progress: Progress, self: Effect.Effect<A, E2, R2>): Effect.Effect<A, E2, R2> =>
    Effect.tapError(self, (error) =>
      Effect.sync(() => {
        if (isHistoryLost(error)) progress.historyLost = error
      }))

  const isStopped = () => stopped !== undefined && Deferred.isDoneUnsafe(stopped)

  /** The next batch, unless the turn is to end. */
  const nextOf = ({ next }: OpenSource<Event, SE, SR>) =>
    stopped === undefined ? next : Effect.raceFirst(next, Effect.andThen(Deferred.await(stopped), Effect.fail(lost)))

  /** Takes batch by batch, and gives each event to `submit`. What has begun ends before a failure of the change stream comes out. */
  const drainBy = (
    changes: OpenSource<Event, SE, SR>,
    progress: Progress,
    submit: (event: Event, task: Effect.Effect<number, E | MongoError, R>) => Effect.Effect<unknown, E | MongoError, R>,
    settled: Effect.Effect<unknown>
  ): Effect.Effect<never, Failure, Services> =>
    Effect.forever(Effect.gen(function*() {
      const batch = yield* Effect.tapError(noteHistoryLost(progress, nextOf(changes)), () => settled)
      for (const [i, event] of batch.events.entries()) {
        if (isStopped()) return yield* Effect.andThen(settled, Effect.fail(lost))
        yield* submit(event, handle(progress, event, progress.begin(batch.tokens[i])))
      }
      // Tokens of idle times count too: otherwise the oplog could pass a token after which nothing happened.
      const { value: token } = Option.isSome(batch.resumeToken) ? batch.resumeToken : { value: undefined }
      if (token !== undefined) progress.note(token)
      yield* saveIfDue(progress)
      yield* Metric.update(metrics.checkpointAge, (now() - progress.savedAt) / 1000)
    }))

  const drain = (
    changes: OpenSource<Event, SE, SR>,
    progress: Progress
  ): Effect.Effect<never, Failure, Services> =>
    settings.concurrency === 1
      ? drainBy(changes, progress, (_, task) => task, Effect.void)
      : Effect.scoped(Effect.flatMap(makeLanes<E | MongoError, R>(settings.concurrency), (lanes) =>
        Effect.raceFirst(
          drainBy(changes, progress, (event, task) => lanes.submit(documentOf(event), task), lanes.settled),
          lanes.failure
        )))

  /** Saves where the stream begins. If the server does not say it yet, it has events: then the first of them is saved. */
  const secure = (progress: Progress, changes: OpenSource<Event, SE, SR>): Effect.Effect<void, MongoError> =>
    Effect.flatMap(changes.resumeToken, (token) => {
      if (Option.isNone(token)) return Effect.void
      progress.note(token.value)
      return save(progress, token.value)
    })

  /** Processes what was there at the first start, and then the changes. */
  const go = (progress: Progress, changes: OpenSource<Event, SE, SR>): Effect.Effect<never, Failure, Services> => {
    if (progress.started || onFirstStart === "now") return drain(changes, progress)
    const start = Effect.andThen(
      onFirstStart,
      Effect.suspend(() => {
        progress.started = true
        progress.isSaved = false
        progress.waitingSince = Number.NEGATIVE_INFINITY
        return saveIfDue(progress)
      })
    )
    return Effect.andThen(start, drain(changes, progress))
  }

  /** Goes on after the token. */
  const resume = (progress: Progress): Effect.Effect<never, Failure, Services | Scope.Scope> =>
    Effect.flatMap(noteHistoryLost(progress, open({ startAfter: progress.token })), (changes) => go(progress, changes))

  /** Goes on whenever the change stream's history is lost. It lets failures of the handler pass, of any kind. */
  const repairing = (
    progress: Progress,
    self: Effect.Effect<never, Failure, Services | Scope.Scope>
  ): Effect.Effect<never, Failure, Services | Scope.Scope> => {
    if (onHistoryLost === "fail") return self
    const repair = Effect.gen(function*() {
      if (repaired !== undefined) {
        progress.note(yield* repaired(progress.token))
        return yield* repairing(progress, resume(progress))
      }
      // The stream opens first, so that nothing is missed between the repair and the first event.
      const changes = yield* open({})
      if (onHistoryLost !== "restart") yield* onHistoryLost
      yield* secure(progress, changes)
      return yield* repairing(progress, go(progress, changes))
    })
    return Effect.catch(
      self,
      (error) => error !== undefined && error === progress.historyLost ? repair : Effect.fail(error)
    )
  }

  /** Works from where the last turn was, until something fails. */
  return (progress: Progress): Effect.Effect<never, Failure, Services | Scope.Scope> => {
    const first = Effect.flatMap(
      open({}),
      (changes) => Effect.andThen(secure(progress, changes), go(progress, changes))
    )
    return repairing(progress, progress.token === undefined ? first : Effect.andThen(ready, resume(progress)))
  }
}
