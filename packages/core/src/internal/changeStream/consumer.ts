import * as Cause from "effect/Cause"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Metric from "effect/Metric"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import type * as Scope from "effect/Scope"
import * as Driver from "mongodb"
import type { ChangeStreamConsumer, ConsumeOptions, OpenSource, StartPosition } from "../../ChangeStreamConsumer.ts"
import { ChangeStreamError, isMongoError, type MongoError } from "../../MongoError.ts"
import { ResumeTokenStore, type Turn } from "../../ResumeTokenStore.ts"
import { withoutDeadline } from "../call/deadline.ts"
import type { Operation } from "../call/description.ts"
import { checking } from "../call/operation.ts"
import { CurrentServerClock } from "../call/serverTime.ts"
import { ownFailure } from "../errors/ownFailure.ts"
import { durationOf, leaseOf } from "../input/duration.ts"
import { InvalidInput } from "../input/invalidInput.ts"
import { Hold, holding } from "../lease/holding.ts"

const defaultEvents = 100
const defaultInterval = Duration.seconds(5)
const defaultLease = Duration.seconds(30)
/** How long an instance waits until it looks again whether another one has saved the position, in milliseconds. */
const untilReady = 250

const metricsOf = (consumer: string) => {
  const attributes = { "mongofx.consumer.name": consumer }
  return {
    lag: Metric.gauge("mongofx.consumer.lag", {
      description: "How long before it was handled the last event had happened, in seconds",
      attributes
    }),
    checkpointAge: Metric.gauge("mongofx.consumer.checkpoint.age", {
      description: "How long ago the last checkpoint was when the last batch came, in seconds",
      attributes
    }),
    handled: Metric.counter("mongofx.consumer.events", { description: "Events that were handled", attributes }),
    deadLetters: Metric.counter("mongofx.consumer.dead_letters", {
      description: "Events that were given to the dead letter handler",
      attributes
    })
  }
}

const isHistoryLost = (error: unknown): boolean =>
  isMongoError(error) && error.reason._tag === "ChangeStreamError" && error.reason.kind === "historyLost"

/** When an event happened, in milliseconds since 1970. Before MongoDB 6.0 the precision is one second. */
const happenedAt = (event: unknown): number | undefined => {
  if (Result.isResult(event)) return Result.isSuccess(event) ? happenedAt(event.success) : undefined
  const { clusterTime, wallTime } = event as { readonly clusterTime?: unknown; readonly wallTime?: unknown }
  if (wallTime instanceof Date) return wallTime.getTime()
  return clusterTime instanceof Driver.Timestamp ? clusterTime.getHighBitsUnsigned() * 1000 : undefined
}

/** How far one instance has come in its turn. */
class Progress extends Hold<Turn> {
  /** Counts the events whose handling has begun. */
  position = 0
  /** The token after everything that was handled, and its position. */
  token: Driver.ResumeToken | undefined
  tokenAt = 0
  started: boolean
  /** Whether the store knows all of this. */
  isSaved = true
  savedAt: number
  handledSince = 0
  /** When the interval of the next checkpoint began. */
  waitingSince: number
  /** The change stream's failure, if its history is lost. */
  historyLost: unknown

  constructor(turn: Turn, started: boolean, leasedUntil: number, now: number) {
    super(turn, leasedUntil)
    this.savedAt = this.waitingSince = now
    this.token = Option.getOrUndefined(turn.saved)?.token
    this.started = started || Option.exists(turn.saved, ({ started }) => started)
  }

  pass(token: Driver.ResumeToken, position: number): void {
    this.token = token
    this.tokenAt = position
    this.isSaved = false
  }
}

const operation: Operation = { name: "consume", command: "aggregate" }

/** Checks the numbers and durations of a consumer. May throw. */
const timesOf = <Event, E, R, SE, SR>({ checkpoint, lease }: ConsumeOptions<Event, E, R, SE, SR>) => {
  const events = checkpoint?.events ?? defaultEvents
  if (!(events >= 1)) {
    throw new InvalidInput("options.checkpoint.events", "options.checkpoint.events is not a number of at least 1")
  }
  return {
    events,
    interval: Duration.toMillis(durationOf(checkpoint?.interval ?? defaultInterval, "options.checkpoint.interval")),
    lease: leaseOf(lease?.duration ?? defaultLease, "options.lease.duration")
  }
}

/** Consumes until something fails, and completes `secured` when the position is saved. */
const run = <Event, E, R, SE, SR>(
  options: ConsumeOptions<Event, E, R, SE, SR>,
  secured: Deferred.Deferred<void>
): Effect.Effect<never, E | SE | MongoError, R | SR | ResumeTokenStore> =>
  Effect.gen(function*() {
    const store = yield* ResumeTokenStore
    const clock = yield* CurrentServerClock
    const now = () => Number(clock.monotonicTimeNanosUnsafe()) / 1e6
    const owner = new Driver.UUID().toHexString()
    const { name, onFirstStart = "now", onHistoryLost = "fail", onPoison } = options
    const { events, interval, lease } = yield* checking(operation, () => timesOf(options))
    const metrics = metricsOf(name)
    const leaseLost = ownFailure(ChangeStreamError, operation, `another instance has taken over ${name}`, {
      kind: "leaseLost"
    })
    const isLeaseLost = (error: unknown): boolean => error === leaseLost
    const ready = Deferred.succeed(secured, undefined)
    const { beat, giveBack, keep, take } = holding({ store, name, owner, duration: lease, lost: leaseLost })

    // ---- the token

    const ifOurs = (progress: Progress, saved: Effect.Effect<boolean, MongoError>): Effect.Effect<void, MongoError> =>
      Effect.flatMap(saved, (isOurs) => {
        if (isOurs) return Effect.void
        progress.lost = true
        return Effect.fail(leaseLost)
      })

    const save = (progress: Progress, token: Driver.ResumeToken): Effect.Effect<void, MongoError> =>
      Effect.suspend(() => {
        const { started, tokenAt, turn } = progress
        progress.handledSince = 0
        progress.waitingSince = now()
        return Effect.flatMap(ifOurs(progress, store.save(turn, tokenAt, { token, started })), () => {
          progress.isSaved = true
          progress.savedAt = now()
          return ready
        })
      })

    /** Saves how far the consumer has come when that is due: by the number of events, or by time. A failed save waits for the next one. */
    const saveIfDue = (progress: Progress): Effect.Effect<void, MongoError> =>
      Effect.suspend(() => {
        const { token } = progress
        const isDue = progress.handledSince >= events || now() - progress.waitingSince >= interval ||
          !Deferred.isDoneUnsafe(secured)
        if (token === undefined || progress.isSaved || !isDue) return Effect.void
        return Effect.catch(save(progress, token), (error) =>
          isLeaseLost(error) || !error.isTransient
            ? Effect.fail(error)
            : Effect.logWarning(`consumer ${name} could not save its token`, error))
      })

    // ---- events

    /** Whether the turn still lasts; `undefined` if the store does not answer. */
    const stillOurs = ({ turn }: Progress): Effect.Effect<boolean | undefined> =>
      Effect.catch(store.renew(turn, lease), () => Effect.succeed(undefined))

    const handle = (
      progress: Progress,
      event: Event,
      token: Driver.ResumeToken
    ): Effect.Effect<void, E | MongoError, R> => {
      const position = ++progress.position
      const checkpoint = Effect.suspend(() =>
        ifOurs(progress, store.save(progress.turn, position, { token, started: true }))
      )
      const handled = Effect.sandbox(Effect.suspend(() => options.handler(event, checkpoint)))
      const isFailure = (cause: Cause.Cause<E>) => !Cause.hasInterrupts(cause) && !progress.lost
      const tried = onPoison?.retry === undefined
        ? handled
        : Effect.retry(handled, { schedule: onPoison.retry, while: isFailure })
      const settled = Effect.catch(tried, (cause) => {
        if (progress.lost || !isFailure(cause)) return Effect.failCause(cause)
        // The handler may have failed because the next instance has already handled the event.
        return Effect.flatMap(stillOurs(progress), (isOurs): Effect.Effect<void, E | MongoError, R> => {
          if (isOurs === false || isOurs === undefined && onPoison !== undefined) return Effect.fail(leaseLost)
          if (onPoison === undefined) return Effect.failCause(cause)
          return Effect.andThen(onPoison.deadLetter(event, cause), Metric.update(metrics.deadLetters, 1))
        })
      })
      // A lost lease decides, whatever the handler made of it.
      return Effect.matchCauseEffect(settled, {
        onFailure: (cause) =>
          progress.lost && !Cause.hasInterrupts(cause) ? Effect.fail(leaseLost) : Effect.failCause(cause),
        onSuccess: () => progress.lost ? Effect.fail(leaseLost) : Effect.sync(() => progress.pass(token, position))
      })
    }

    const onEvent = (progress: Progress, event: Event, token: Driver.ResumeToken) =>
      Effect.gen(function*() {
        // In a process that was stopped, the heartbeat may not have noticed yet.
        if (now() >= progress.leasedUntil) return yield* Effect.fail(leaseLost)
        yield* handle(progress, event, token)
        progress.handledSince++
        yield* Metric.update(metrics.handled, 1)
        const time = happenedAt(event)
        if (time !== undefined) {
          yield* Metric.update(metrics.lag, Math.max(0, clock.currentTimeMillisUnsafe() - time) / 1000)
        }
        yield* saveIfDue(progress)
      })

    const drain = (
      changes: OpenSource<Event, SE, SR>,
      progress: Progress
    ): Effect.Effect<never, E | SE | MongoError, R | SR> =>
      Effect.forever(Effect.gen(function*() {
        const batch = yield* noteHistoryLost(progress, changes.next)
        for (const [i, event] of batch.events.entries()) yield* onEvent(progress, event, batch.tokens[i])
        // Tokens of idle times count too: otherwise the oplog could pass a token after which nothing happened.
        const { value: token } = Option.isSome(batch.resumeToken) ? batch.resumeToken : { value: undefined }
        if (token !== undefined && token !== progress.token) progress.pass(token, ++progress.position)
        yield* saveIfDue(progress)
        yield* Metric.update(metrics.checkpointAge, (now() - progress.savedAt) / 1000)
      }))

    // ---- a turn

    const noteHistoryLost = <A, E2, R2>(progress: Progress, self: Effect.Effect<A, E2, R2>): Effect.Effect<A, E2, R2> =>
      Effect.tapError(self, (error) =>
        Effect.sync(() => {
          if (isHistoryLost(error)) progress.historyLost = error
        }))

    const open = (position: StartPosition) => Effect.suspend(() => options.watch(position).open)

    /** Saves where the stream begins. If the server does not say it yet, it has events: then the first of them is saved. */
    const secure = (progress: Progress, changes: OpenSource<Event, SE, SR>): Effect.Effect<void, MongoError> =>
      Effect.flatMap(changes.resumeToken, (token) => {
        if (Option.isNone(token)) return Effect.void
        progress.pass(token.value, ++progress.position)
        return save(progress, token.value)
      })

    /** Processes what was there at the first start, and then the changes. */
    const go = (
      progress: Progress,
      changes: OpenSource<Event, SE, SR>
    ): Effect.Effect<never, E | SE | MongoError, R | SR> => {
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

    /** Goes on whenever the change stream's history is lost. It lets failures of the handler pass, of any kind. */
    const repairing = (
      progress: Progress,
      self: Effect.Effect<never, E | SE | MongoError, R | SR | Scope.Scope>
    ): Effect.Effect<never, E | SE | MongoError, R | SR | Scope.Scope> => {
      if (onHistoryLost === "fail") return self
      const repair = Effect.gen(function*() {
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
    const work = (progress: Progress): Effect.Effect<never, E | SE | MongoError, R | SR | Scope.Scope> => {
      const { token } = progress
      const first = Effect.flatMap(
        open({}),
        (changes) => Effect.andThen(secure(progress, changes), go(progress, changes))
      )
      const resumed = Effect.flatMap(
        Effect.andThen(ready, noteHistoryLost(progress, open({ startAfter: token }))),
        (changes) => go(progress, changes)
      )
      return repairing(progress, token === undefined ? first : resumed)
    }

    const waitForTurn: Effect.Effect<Progress, MongoError> = Effect.gen(function*() {
      // Who only waits is ready as soon as the position is saved.
      const glance = Effect.suspend(() =>
        Deferred.isDoneUnsafe(secured)
          ? Effect.void
          : Effect.flatMap(store.load(name), (saved) => Option.isSome(saved) ? ready : Effect.void)
      )
      // Instances that start at once must not wait for a part of a lease each.
      const wait = () => Deferred.isDoneUnsafe(secured) ? beat : Math.min(beat, untilReady)
      const taken = yield* take(Effect.map(glance, () => ({ done: Option.none<never>(), wait: wait() })))
      const { leasedUntil, turn } = Result.getOrThrow(taken)
      return new Progress(turn, onFirstStart === "now", leasedUntil, now())
    })

    /** Saves what was handled, and frees the lease for the next instance. */
    const end = (progress: Progress): Effect.Effect<void> => {
      const { token } = progress
      return giveBack(
        progress,
        token === undefined || progress.isSaved || progress.lost ? Effect.void : save(progress, token)
      )
    }

    const turn = Effect.acquireUseRelease(
      Effect.interruptible(waitForTurn),
      (progress) => Effect.scoped(Effect.raceFirst(work(progress), keep(progress))),
      end
    )

    return yield* Effect.forever(Effect.catchIf(turn, isLeaseLost, () => Effect.void))
  })

/**
 * Consumes a change stream durably: one instance at a time, at least once, from where the last one was.
 *
 * @internal
 */
export const consume = <Event, E, R, SE, SR>(
  options: ConsumeOptions<Event, E, R, SE, SR>
): Effect.Effect<never, E | SE | MongoError, R | SR | ResumeTokenStore> =>
  Effect.suspend(() => run(options, Deferred.makeUnsafe()))

/**
 * Like `consume`, in a scope. Returns when the position is saved.
 *
 * @internal
 */
export const make = <Event, E, R, SE, SR>(
  options: ConsumeOptions<Event, E, R, SE, SR>
): Effect.Effect<
  ChangeStreamConsumer<E | SE | MongoError>,
  E | SE | MongoError,
  R | SR | ResumeTokenStore | Scope.Scope
> =>
  Effect.gen(function*() {
    const { name } = options
    const secured = yield* Deferred.make<void>()
    const watched = Effect.tapCause(run(options, secured), (cause) =>
      Deferred.isDoneUnsafe(secured) && !Cause.hasInterrupts(cause)
        ? Effect.logError(`consumer ${name} has ended`, cause)
        : Effect.void)
    // The consumer outlives the effect that starts it, so the deadline of that effect does not apply.
    const fiber = yield* Effect.forkScoped(withoutDeadline(watched))
    const join = Fiber.join(fiber)
    yield* Effect.raceFirst(Deferred.await(secured), join)
    return { name, join }
  })
