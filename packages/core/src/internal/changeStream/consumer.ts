import * as Cause from "effect/Cause"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import type * as Scope from "effect/Scope"
import * as Driver from "mongodb"
import type { ChangeStreamConsumer, ConsumeOptions } from "../../ChangeStreamConsumer.ts"
import type { MongoError } from "../../MongoError.ts"
import { ResumeTokenStore } from "../../ResumeTokenStore.ts"
import { withoutDeadline } from "../call/deadline.ts"
import type { Operation } from "../call/description.ts"
import { checking } from "../call/operation.ts"
import { CurrentServerClock, serverSleep } from "../call/serverTime.ts"
import { handOver } from "./handOver.ts"
import { Progress } from "./progress.ts"
import { settingsOf } from "./settings.ts"
import { sharing } from "./sharing.ts"
import { type Instance, makeWorker, type Options } from "./worker.ts"

/** How long an instance waits until it looks again whether another one has saved the position, in milliseconds. */
const untilReady = 250

const operation: Operation = { name: "consume", command: "aggregate" }

/** Consumes the whole change stream as one instance at a time, until something fails. */
const consumeWhole = <Event, E, R, SE, SR>(
  instance: Instance<Event, E, R, SE, SR>
): Effect.Effect<never, E | SE | MongoError, R | SR> => {
  const { now, operation, options, owner, secured, settings: { lease }, store } = instance
  const { name, onFirstStart = "now" } = options
  const { beat, end, keep, lost, take, work } = makeWorker<Event, E, R, SE, SR>(instance, {
    name,
    open: (position) => Effect.suspend(() => options.watch(position).open)
  })
  const ready = Deferred.succeed(secured, undefined)

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

  /** Works if the consumer has no parts, or has had some and nobody has one any more. */
  const workIfWhole = (progress: Progress): Effect.Effect<void, E | SE | MongoError, R | SR> => {
    const { turn } = progress
    if (Option.isNone(turn.saved) || (turn.saved.value.parts ?? 1) === 1) return work(progress)
    const began = turn.saved.value
    const handedOver = Effect.raceFirst(
      handOver({ store, operation, turn, began, parts: 1, owner, duration: lease, lost }),
      keep(progress)
    )
    return Effect.flatMap(handedOver, (next) => {
      if (Option.isNone(next)) return Effect.void
      progress.token = next.value.token
      return work(progress)
    })
  }

  let isTold = false
  const waitForOthers = Effect.suspend(() => {
    const told = isTold
    isTold = true
    return Effect.andThen(
      told
        ? Effect.void
        : Effect.logWarning(`consumer ${name} waits: other instances consume it in parts, until they end`),
      Effect.andThen(ready, serverSleep(beat))
    )
  })

  const turn = Effect.andThen(
    Effect.acquireUseRelease(Effect.interruptible(waitForTurn), workIfWhole, end),
    waitForOthers
  )
  return Effect.forever(Effect.catchIf(turn, (error) => error === lost, () => Effect.void))
}

/** Consumes until something fails, and completes `secured` when the position is saved. */
const run = <Event, E, R, SE, SR>(
  options: Options<Event, E, R, SE, SR>,
  secured: Deferred.Deferred<void>
): Effect.Effect<never, E | SE | MongoError, R | SR | ResumeTokenStore> =>
  Effect.gen(function*() {
    const store = yield* ResumeTokenStore
    const clock = yield* CurrentServerClock
    const settings = yield* checking(operation, () => settingsOf(options))
    const instance: Instance<Event, E, R, SE, SR> = {
      options,
      settings,
      operation,
      store,
      owner: new Driver.UUID().toHexString(),
      clock,
      now: () => Number(clock.monotonicTimeNanosUnsafe()) / 1e6,
      secured
    }
    return yield* settings.partitions === 1 ? consumeWhole(instance) : sharing(instance)
  })

/**
 * Consumes a change stream durably: one instance at a time, at least once, from where the last one was.
 *
 * @internal
 */
export const consume = <Event, E, R, SE, SR, const C extends number = 1, const P extends number = 1>(
  options: ConsumeOptions<Event, E, R, SE, SR, C, P>
): Effect.Effect<never, E | SE | MongoError, R | SR | ResumeTokenStore> =>
  Effect.suspend(() => run(options as unknown as Options<Event, E, R, SE, SR>, Deferred.makeUnsafe()))

/**
 * Like `consume`, in a scope. Returns when the position is saved.
 *
 * @internal
 */
export const make = <Event, E, R, SE, SR, const C extends number = 1, const P extends number = 1>(
  options: ConsumeOptions<Event, E, R, SE, SR, C, P>
): Effect.Effect<
  ChangeStreamConsumer<E | SE | MongoError>,
  E | SE | MongoError,
  R | SR | ResumeTokenStore | Scope.Scope
> =>
  Effect.gen(function*() {
    const { name } = options
    const secured = yield* Deferred.make<void>()
    const watched = Effect.tapCause(run(options as unknown as Options<Event, E, R, SE, SR>, secured), (cause) =>
      Deferred.isDoneUnsafe(secured) && !Cause.hasInterrupts(cause)
        ? Effect.logError(`consumer ${name} has ended`, cause)
        : Effect.void)
    // The consumer outlives the effect that starts it, so the deadline of that effect does not apply.
    const fiber = yield* Effect.forkScoped(withoutDeadline(watched))
    const join = Fiber.join(fiber)
    yield* Effect.raceFirst(Deferred.await(secured), join)
    return { name, join }
  })
