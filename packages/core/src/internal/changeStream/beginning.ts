/**
 * Where the parts of a consumer begin: at the first start, and after a loss of history. Both happen once for all parts.
 */
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import type * as Driver from "mongodb"
import { ChangeStreamError, type MongoError } from "../../MongoError.ts"
import type { Checkpoint, Turn } from "../../ResumeTokenStore.ts"
import { checking } from "../call/operation.ts"
import { serverSleep } from "../call/serverTime.ts"
import { ownFailure } from "../errors/ownFailure.ts"
import { holding } from "../lease/holding.ts"
import { isLater } from "./parts.ts"
import type { Instance } from "./worker.ts"

/** How long after a stream without a token the next one is opened, in milliseconds. */
const untilToken = 50

/** A position of now. A stream that has events at once does not say where it began. */
const currentPosition = <Event, E, R, SE, SR>(
  instance: Instance<Event, E, R, SE, SR>
): Effect.Effect<Driver.ResumeToken, SE | MongoError, SR> =>
  Effect.flatMap(
    Effect.scoped(Effect.flatMap(
      Effect.suspend(() => instance.options.watch({}).open),
      ({ resumeToken }) => resumeToken
    )),
    Option.match({
      onNone: () => Effect.andThen(serverSleep(untilToken), currentPosition(instance)),
      onSome: Effect.succeed
    })
  )

/**
 * Saves where the parts begin, unless that is saved, and processes what was there, unless that was done. The caller has the consumer's
 * own lease.
 *
 * @internal
 */
export const firstStart = <Event, E, R, SE, SR>(
  instance: Instance<Event, E, R, SE, SR>,
  turn: Turn,
  saved: Option.Option<Checkpoint>,
  lost: MongoError
): Effect.Effect<Checkpoint, E | SE | MongoError, R | SR> =>
  Effect.gen(function*() {
    const { options: { onFirstStart = "now" }, secured, settings: { partitions: parts }, store } = instance
    const save = (checkpoint: Checkpoint) =>
      Effect.flatMap(store.save(turn, 0, checkpoint), (isOurs) => isOurs ? Effect.void : Effect.fail(lost))
    if (Option.isSome(saved) && saved.value.started) return saved.value
    const began = Option.isSome(saved)
      ? saved.value
      : { token: yield* currentPosition(instance), started: onFirstStart === "now", parts }
    yield* save(began)
    yield* Deferred.succeed(secured, undefined)
    if (onFirstStart === "now") return began
    yield* onFirstStart
    const started = { ...began, started: true }
    yield* save(started)
    return started
  })

/**
 * Brings everything up to date after a loss of history. The first part that notices it does that, under a lease; the others wait, and go
 * on from the same position.
 *
 * @internal
 */
export const repairedOnce = <Event, E, R, SE, SR>(
  instance: Instance<Event, E, R, SE, SR>,
  part: string,
  repair: Effect.Effect<void, E | MongoError, R>
) => {
  const { operation, options: { name }, owner, settings, store } = instance
  const lost = ownFailure(ChangeStreamError, operation, `the lease for repairing ${name} was lost`, {
    kind: "leaseLost"
  })
  // Two parts of one instance wait for each other, too.
  const { beat, giveBack, keep, take } = holding({
    store,
    name: `${name}/repair`,
    owner: `${owner}/${part}`,
    duration: settings.lease,
    lost
  })
  const waiting = Effect.succeed({ done: Option.none<never>(), wait: Math.min(beat, 1000) })
  const repaired = (token: Driver.ResumeToken): Effect.Effect<Driver.ResumeToken, E | SE | MongoError, R | SR> =>
    Effect.catchIf(
      Effect.acquireUseRelease(
        Effect.interruptible(Effect.map(take(waiting), Result.getOrThrow)),
        (hold) =>
          Effect.raceFirst(
            Effect.gen(function*() {
              const { saved } = hold.turn
              const isDone = Option.isSome(saved) &&
                (yield* checking(operation, () => isLater(saved.value.token, token)))
              if (isDone) return saved.value.token
              // The position comes first, so that nothing is missed between the repair and the first event.
              const position = yield* currentPosition(instance)
              yield* repair
              if (!(yield* store.save(hold.turn, 0, { token: position, started: true }))) {
                return yield* Effect.fail(lost)
              }
              return position
            }),
            keep(hold)
          ),
        (hold) => giveBack(hold)
      ),
      (error) => error === lost,
      () => repaired(token)
    )
  return repaired
}
