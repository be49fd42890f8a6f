import * as Cause from "effect/Cause"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import type * as Scope from "effect/Scope"
import * as Driver from "mongodb"
import type { ChangeStreamConsumer, ConsumeOptions } from "../../ChangeStreamConsumer.ts"
import { ChangeStreamError, type MongoError } from "../../MongoError.ts"
import { ResumeTokenStore } from "../../ResumeTokenStore.ts"
import { withoutDeadline } from "../call/deadline.ts"
import type { Operation } from "../call/description.ts"
import { checking } from "../call/operation.ts"
import { CurrentServerClock } from "../call/serverTime.ts"
import { ownFailure } from "../errors/ownFailure.ts"
import { holding } from "../lease/holding.ts"
import { makeHandling } from "./handling.ts"
import { metricsOf } from "./metrics.ts"
import { Progress } from "./progress.ts"
import { makeSaving } from "./saving.ts"
import { settingsOf } from "./settings.ts"
import { makeTurn } from "./turn.ts"

/** How long an instance waits until it looks again whether another one has saved the position, in milliseconds. */
const untilReady = 250

const operation: Operation = { name: "consume", command: "aggregate" }

/** The options of a consumer, however many events its handler gets at a time: all handlers are called with a checkpoint. */
type Options<Event, E, R, SE, SR> = Omit<ConsumeOptions<Event, E, R, SE, SR>, "concurrency"> & {
  readonly concurrency?: number | undefined
}

/** Consumes until something fails, and completes `secured` when the position is saved. */
const run = <Event, E, R, SE, SR>(
  options: Options<Event, E, R, SE, SR>,
  secured: Deferred.Deferred<void>
): Effect.Effect<never, E | SE | MongoError, R | SR | ResumeTokenStore> =>
  Effect.gen(function*() {
    const store = yield* ResumeTokenStore
    const clock = yield* CurrentServerClock
    const now = () => Number(clock.monotonicTimeNanosUnsafe()) / 1e6
    const owner = new Driver.UUID().toHexString()
    const { name, onFirstStart = "now" } = options
    const settings = yield* checking(operation, () => settingsOf(options))
    const metrics = metricsOf(name)
    const lost = ownFailure(ChangeStreamError, operation, `another instance has taken over ${name}`, {
      kind: "leaseLost"
    })
    const ready = Deferred.succeed(secured, undefined)
    const { beat, giveBack, keep, take } = holding({ store, name, owner, duration: settings.lease, lost })
    const saving = makeSaving({ name, store, settings, lost, now, secured })
    const handle = makeHandling({ options, operation, settings, store, saving, metrics, lost, clock, now })
    const work = makeTurn<Event, E, R, SE, SR>({
      options,
      settings,
      open: (position) => Effect.suspend(() => options.watch(position).open),
      saving,
      handle,
      metrics,
      ready,
      now
    })

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
        token === undefined || progress.isSaved || progress.lost ? Effect.void : saving.save(progress, token)
      )
    }

    const turn = Effect.acquireUseRelease(
      Effect.interruptible(waitForTurn),
      (progress) => Effect.scoped(Effect.raceFirst(work(progress), keep(progress))),
      end
    )

    return yield* Effect.forever(Effect.catchIf(turn, (error) => error === lost, () => Effect.void))
  })

/**
 * Consumes a change stream durably: one instance at a time, at least once, from where the last one was.
 *
 * @internal
 */
export const consume = <Event, E, R, SE, SR, const C extends number = 1>(
  options: ConsumeOptions<Event, E, R, SE, SR, C>
): Effect.Effect<never, E | SE | MongoError, R | SR | ResumeTokenStore> =>
  Effect.suspend(() => run(options as Options<Event, E, R, SE, SR>, Deferred.makeUnsafe()))

/**
 * Like `consume`, in a scope. Returns when the position is saved.
 *
 * @internal
 */
export const make = <Event, E, R, SE, SR, const C extends number = 1>(
  options: ConsumeOptions<Event, E, R, SE, SR, C>
): Effect.Effect<
  ChangeStreamConsumer<E | SE | MongoError>,
  E | SE | MongoError,
  R | SR | ResumeTokenStore | Scope.Scope
> =>
  Effect.gen(function*() {
    const { name } = options
    const secured = yield* Deferred.make<void>()
    const watched = Effect.tapCause(run(options as Options<Event, E, R, SE, SR>, secured), (cause) =>
      Deferred.isDoneUnsafe(secured) && !Cause.hasInterrupts(cause)
        ? Effect.logError(`consumer ${name} has ended`, cause)
        : Effect.void)
    // The consumer outlives the effect that starts it, so the deadline of that effect does not apply.
    const fiber = yield* Effect.forkScoped(withoutDeadline(watched))
    const join = Fiber.join(fiber)
    yield* Effect.raceFirst(Deferred.await(secured), join)
    return { name, join }
  })
