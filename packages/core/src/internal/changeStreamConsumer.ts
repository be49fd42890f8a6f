import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Metric from "effect/Metric"
import * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import * as Driver from "mongodb"
import type { ChangeEvent, ConsumeOptions, OpenChangeStream, StartPosition } from "../ChangeStream.ts"
import { ChangeStreamError, isMongoError, MongoError } from "../MongoError.ts"
import { ResumeTokenStore } from "../ResumeTokenStore.ts"
import { pause } from "./bounded.ts"
import { withoutDeadline } from "./deadline.ts"

const defaultEvents = 100
const defaultInterval = Duration.seconds(5)
const defaultLease = Duration.seconds(30)

/** How long the last checkpoint and the release of the lease may take: real milliseconds. */
const endTimeout = 2000

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

const failure = (name: string, kind: ChangeStreamError["kind"], message: string): MongoError =>
  new MongoError({
    reason: new ChangeStreamError({
      operation: "consume",
      kind,
      labels: [],
      message: `consume ${name}: ${message}`,
      cause: undefined
    })
  })

const isOfKind = (kind: ChangeStreamError["kind"]) => (error: unknown): boolean =>
  isMongoError(error) && error.reason._tag === "ChangeStreamError" && error.reason.kind === kind

const isLeaseLost = isOfKind("leaseLost")
const isHistoryLost = isOfKind("historyLost")

const failsWith = (cause: Cause.Cause<unknown>, predicate: (error: unknown) => boolean): boolean =>
  cause.reasons.some((reason) => Cause.isFailReason(reason) && predicate(reason.error))

/** When an event happened: milliseconds since 1970, in seconds of precision. */
const happenedAt = (event: ChangeEvent): number | undefined => {
  const clusterTime = event["clusterTime" as keyof ChangeEvent] as unknown
  return clusterTime instanceof Driver.Timestamp ? clusterTime.getHighBits() * 1000 : undefined
}

/** How far one instance has come while it has the lease. */
class Progress {
  /** Behind everything that was handled. */
  token: Driver.ResumeToken | undefined
  saved: Driver.ResumeToken | undefined
  savedAt = 0
  handledSince = 0
  /** The handler has made a checkpoint, in a transaction perhaps, and whether that was committed is not known yet. */
  uncertain = false
}

/**
 * Consumes a change stream durably: one instance at a time, at least once, from where the last one was.
 *
 * @internal
 */
export const consume = <A extends Driver.Document, E, R>(
  options: ConsumeOptions<A, E, R>
): Effect.Effect<never, E | MongoError, R | ResumeTokenStore> =>
  Effect.gen(function*() {
    const store = yield* ResumeTokenStore
    const owner = new Driver.UUID().toHexString()
    const { name } = options
    const lease = Duration.fromInputUnsafe(options.lease?.duration ?? defaultLease)
    const beat = Duration.millis(Duration.toMillis(lease) / 3)
    const events = options.checkpoint?.events ?? defaultEvents
    const interval = Duration.toMillis(Duration.fromInputUnsafe(options.checkpoint?.interval ?? defaultInterval))
    const metrics = metricsOf(name)
    const leaseLost = failure(name, "leaseLost", "another instance has taken over")

    const saved = (progress: Progress, token: Driver.ResumeToken): Effect.Effect<void> =>
      Effect.map(Clock.currentTimeMillis, (now) => {
        progress.saved = token
        progress.savedAt = now
        progress.handledSince = 0
      })

    const save = (progress: Progress, token: Driver.ResumeToken): Effect.Effect<void, MongoError> =>
      Effect.flatMap(
        store.save(name, owner, token),
        (isOurs) => isOurs ? saved(progress, token) : Effect.fail(leaseLost)
      )

    /** Saves how far it has come when that is due: after so many events, or after so much time. */
    const saveIfDue = (progress: Progress): Effect.Effect<void, MongoError> =>
      Effect.flatMap(Clock.currentTimeMillis, (now) => {
        const isDue = progress.handledSince >= events || now - progress.savedAt >= interval
        return isDue && progress.token !== undefined && progress.token !== progress.saved
          ? save(progress, progress.token)
          : Effect.void
      })

    const handle = (progress: Progress, event: ChangeEvent<A>): Effect.Effect<void, E | MongoError, R> => {
      const checkpoint = Effect.suspend(() => {
        progress.uncertain = true
        return Effect.flatMap(
          store.save(name, owner, event._id),
          (isOurs) => isOurs ? Effect.void : Effect.fail(leaseLost)
        )
      })
      const handler = Effect.suspend(() => options.handler(event, checkpoint))
      const once = Effect.flatMap(handler, () => progress.uncertain ? saved(progress, event._id) : Effect.void)
      const { onPoison } = options
      if (onPoison === undefined) return once
      const sandboxed = Effect.sandbox(once)
      const isPoison = (cause: Cause.Cause<E>) => !Cause.hasInterrupts(cause) && !failsWith(cause, isLeaseLost)
      const retried = onPoison.retry === undefined
        ? sandboxed
        : Effect.retry(sandboxed, { schedule: onPoison.retry, while: isPoison })
      return Effect.catch(retried, (cause) =>
        isPoison(cause)
          ? Effect.andThen(onPoison.deadLetter(event, cause), Metric.update(metrics.deadLetters, 1))
          : Effect.failCause(cause))
    }

    const onEvent = (progress: Progress, event: ChangeEvent<A>): Effect.Effect<void, E | MongoError, R> =>
      Effect.gen(function*() {
        yield* handle(progress, event)
        progress.token = event._id
        progress.uncertain = false
        progress.handledSince++
        yield* Metric.update(metrics.handled, 1)
        const time = happenedAt(event as ChangeEvent)
        if (time !== undefined) {
          yield* Metric.update(metrics.lag, Math.max(0, (yield* Clock.currentTimeMillis) - time) / 1000)
        }
        yield* saveIfDue(progress)
      })

    const drain = (changes: OpenChangeStream<A>, progress: Progress): Effect.Effect<never, E | MongoError, R> =>
      Effect.forever(Effect.gen(function*() {
        const batch = yield* changes.next
        for (const event of batch.events) yield* onEvent(progress, event)
        // What the server says of idle times counts too: history that nobody needs must not be lost.
        if (Option.isSome(batch.resumeToken)) progress.token = batch.resumeToken.value
        yield* saveIfDue(progress)
        yield* Metric.update(metrics.checkpointAge, ((yield* Clock.currentTimeMillis) - progress.savedAt) / 1000)
      }))

    const open = (progress: Progress, position: StartPosition) =>
      Effect.tap(options.watch(position).open, (changes) =>
        Effect.flatMap(changes.resumeToken, (token) => {
          // What happens before the first checkpoint must not be lost with the process.
          if (position.startAfter !== undefined || Option.isNone(token)) return Effect.void
          progress.token = token.value
          return save(progress, token.value)
        }))

    /** Works from where the last owner was, until something fails. */
    const work = (progress: Progress): Effect.Effect<never, E | MongoError, R | Scope.Scope> =>
      Effect.gen(function*() {
        const stored = Option.getOrUndefined(yield* store.load(name))
        progress.token = progress.saved = stored
        progress.savedAt = yield* Clock.currentTimeMillis
        const resumed = Effect.flatMap(
          open(progress, stored === undefined ? {} : { startAfter: stored }),
          (changes) => drain(changes, progress)
        )
        const { onHistoryLost = "fail" } = options
        if (onHistoryLost === "fail" || stored === undefined) return yield* resumed
        return yield* Effect.catchIf(resumed, isHistoryLost, () =>
          Effect.gen(function*() {
            // Opened first, so that nothing is missed between the repair and the first event.
            const fresh = new Progress()
            const changes = yield* options.watch({}).open
            if (onHistoryLost !== "restart") yield* onHistoryLost
            const token = yield* changes.resumeToken
            if (Option.isSome(token)) yield* save(fresh, token.value)
            Object.assign(progress, fresh)
            return yield* drain(changes, progress)
          }))
      })

    /** Renews the lease. Fails when another instance has it, or when it could not be renewed for as long as it lasts. */
    const heartbeat: Effect.Effect<never, MongoError> = Effect.gen(function*() {
      let renewedAt = yield* Clock.currentTimeMillis
      for (;;) {
        yield* Effect.sleep(beat)
        const exit = yield* Effect.exit(store.acquire(name, owner, lease))
        const now = yield* Clock.currentTimeMillis
        if (Exit.isSuccess(exit)) {
          if (!exit.value) return yield* leaseLost
          renewedAt = now
        } else if (now - renewedAt >= Duration.toMillis(lease)) {
          return yield* leaseLost
        }
      }
    })

    const waitForTurn: Effect.Effect<void, MongoError> = Effect.flatMap(
      Effect.suspend(() => store.acquire(name, owner, lease)),
      (isOurs) => isOurs ? Effect.void : Effect.andThen(Effect.sleep(beat), waitForTurn)
    )

    /** What was handled is saved, and the lease is free for the next: best effort, with a bound. */
    const end = (progress: Progress): Effect.Effect<void> => {
      // Where a handler's own checkpoint may have been committed, an older token must not take its place.
      const last = progress.token !== undefined && progress.token !== progress.saved && !progress.uncertain
        ? save(progress, progress.token)
        : Effect.void
      return Effect.raceFirst(
        withoutDeadline(
          Effect.interruptible(Effect.andThen(Effect.ignoreCause(last), Effect.ignoreCause(store.release(name, owner))))
        ),
        pause(endTimeout)
      )
    }

    const turn: Effect.Effect<never, E | MongoError, R> = Effect.acquireUseRelease(
      Effect.as(Effect.interruptible(waitForTurn), new Progress()),
      (progress) => Effect.scoped(Effect.raceFirst(work(progress), heartbeat)),
      end
    )

    return yield* Effect.forever(Effect.catchIf(turn, isLeaseLost, () => Effect.void))
  })
