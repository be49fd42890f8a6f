/**
 * How a lease is held: waiting for its turn, renewing it while the holder works, and giving it back. Waiting is real time.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import { CurrentInterruptionPolicy } from "../../Mongo.ts"
import { isMongoError, type MongoError } from "../../MongoError.ts"
import { pause } from "../call/bounded.ts"
import { withoutDeadline } from "../call/deadline.ts"
import { serverNow, serverSleep } from "../call/serverTime.ts"

/** How long the last work of a holder may take, in real milliseconds. */
const endTimeout = 2000

/**
 * How long somebody keeps asking a store that has answered before for the lease, until it fails, in milliseconds.
 *
 * @internal
 */
export const patience = 120_000

/**
 * Whether the store may answer again. A client that is closed never does.
 *
 * @internal
 */
export const mayPass = (failure: unknown): boolean =>
  isMongoError(failure) && failure.reason._tag !== "ClientClosedError"

/**
 * Where a lease is kept. A turn is what its holder gets: it has the fence.
 *
 * @internal
 */
export interface LeaseStore<Turn> {
  readonly acquire: (
    name: string,
    owner: string,
    duration: Duration.Duration
  ) => Effect.Effect<Option.Option<Turn>, MongoError>
  readonly renew: (turn: Turn, duration: Duration.Duration) => Effect.Effect<boolean, MongoError>
  readonly release: (turn: Turn) => Effect.Effect<void, MongoError>
}

/**
 * A turn that this process has, as far as it knows.
 *
 * @internal
 */
export class Hold<Turn> {
  readonly turn: Turn
  /** Until when the lease certainly lasts, in milliseconds of the server clock. */
  leasedUntil: number
  /** Whether another turn has begun. */
  lost = false

  constructor(turn: Turn, leasedUntil: number) {
    this.turn = turn
    this.leasedUntil = leasedUntil
  }
}

/**
 * What somebody sees who waits: the end of the waiting, or how long to wait until the next attempt, in milliseconds.
 *
 * @internal
 */
export interface Glance<B> {
  readonly done: Option.Option<B>
  readonly wait: number
}

/**
 * Runs the last work of a holder as far as possible, whatever the interruption policy and the deadline around it are, with a time limit.
 *
 * @internal
 */
export const asFarAsPossible = <E, R>(last: Effect.Effect<unknown, E, R>): Effect.Effect<void, never, R> =>
  Effect.raceFirst(
    Effect.asVoid(Effect.ignoreCause(last)).pipe(
      Effect.interruptible,
      Effect.provideService(CurrentInterruptionPolicy, "abort"),
      withoutDeadline
    ),
    pause(endTimeout)
  )

/**
 * Releases leases whose work does not begin: each as far as possible, whatever becomes of the others.
 *
 * @internal
 */
export const releasedAll = <Turn>(
  store: Pick<LeaseStore<Turn>, "release">,
  turns: ReadonlyArray<Turn>
): Effect.Effect<void> =>
  asFarAsPossible(
    Effect.forEach(turns, (turn) => Effect.ignoreCause(store.release(turn)), { concurrency: 8, discard: true })
  )

/**
 * Makes the functions for holding one lease, for one owner. `lost` is the failure of a holder whose lease was lost.
 *
 * @internal
 */
export const holding = <Turn, Lost>({ duration, lost, name, owner, store }: {
  readonly store: LeaseStore<Turn>
  readonly name: string
  readonly owner: string
  readonly duration: Duration.Duration
  readonly lost: Lost
}) => {
  const millis = Duration.toMillis(duration)
  const beat = millis / 3
  // Who asks for a lease should know of a failure at once. Later, the waiting survives a short outage.
  let answered = false

  return {
    /** How long after a renewal the next one follows, in milliseconds. */
    beat,

    /**
     * Waits for the lease: a hold, or what a glance has seen as a failure. The glance runs whenever somebody else has the lease, and ends the
     * waiting. After `giveUpAt`, in milliseconds of the server clock, a failure is no longer waited out either.
     */
    take: <B, E, R>(
      glance: Effect.Effect<Glance<B>, E | MongoError, R>,
      giveUpAt = Infinity
    ): Effect.Effect<Result.Result<Hold<Turn>, B>, E | MongoError, R> =>
      Effect.gen(function*() {
        let failingSince: number | undefined
        for (;;) {
          const sentAt = yield* serverNow
          let seen: Glance<B> = { done: Option.none(), wait: beat }
          const asked = yield* Effect.result(Effect.tap(
            store.acquire(name, owner, duration),
            (turn) => Option.isSome(turn) ? Effect.void : Effect.map(glance, (glance) => void (seen = glance))
          ))
          if (Result.isSuccess(asked)) {
            answered = true
            failingSince = undefined
            if (Option.isSome(asked.success)) return Result.succeed(new Hold(asked.success.value, sentAt + millis))
            if (Option.isSome(seen.done)) return Result.fail(seen.done.value)
          } else {
            failingSince ??= sentAt
            const until = Math.min(failingSince + patience, giveUpAt)
            const isPatient = answered && mayPass(asked.failure) && (yield* serverNow) < until
            if (!isPatient) return yield* Effect.fail(asked.failure)
          }
          yield* serverSleep(Math.max(0, Math.min(seen.wait, giveUpAt - (yield* serverNow))))
        }
      }),

    /** Renews the lease. Fails when another turn has begun, or when the lease has run out without a renewal. */
    keep: (hold: Hold<Turn>): Effect.Effect<never, Lost> =>
      Effect.gen(function*() {
        for (let wait = beat;;) {
          yield* serverSleep(wait)
          const sentAt = yield* serverNow
          const left = hold.leasedUntil - sentAt
          if (left <= 0) return yield* Effect.fail(lost)
          const renewed = yield* Effect.result(
            Effect.raceFirst(
              Effect.provideService(store.renew(hold.turn, duration), CurrentInterruptionPolicy, "abort"),
              Effect.andThen(serverSleep(left), Effect.fail(lost))
            )
          )
          if (Result.isSuccess(renewed)) {
            if (!renewed.success) hold.lost = true
            if (hold.lost) return yield* Effect.fail(lost)
            hold.leasedUntil = sentAt + millis
            wait = beat
          } else {
            wait = Math.max(0, Math.min(beat / 4, hold.leasedUntil - (yield* serverNow)))
          }
        }
      }),

    /** Does the last work of a holder, and frees the lease for the next one: as far as possible, with a time limit. */
    giveBack: <E>(hold: Hold<Turn>, last: Effect.Effect<void, E> = Effect.void): Effect.Effect<void> =>
      asFarAsPossible(Effect.andThen(Effect.ignoreCause(last), store.release(hold.turn)))
  }
}
