import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import { MaxTimeExpiredError, type MongoError } from "../../MongoError.ts"
import { ownFailure } from "../errors/ownFailure.ts"
import type { Operation } from "./description.ts"
import { serverNanos, serverSleep } from "./serverTime.ts"

/**
 * The moment after which the operations of a fiber fail.
 *
 * @internal
 */
export interface Deadline {
  /** Nanoseconds of the fiber's monotonic server clock. */
  readonly at: bigint
  /** The given time, for messages. */
  readonly within: Duration.Duration
}

/** @internal */
export const CurrentDeadline: Context.Reference<Deadline | undefined> = Context.Reference<Deadline | undefined>(
  "@mongofx/core/Mongo/CurrentDeadline",
  { defaultValue: () => undefined }
)

/** The largest `maxTimeMS` that the server takes. */
const maxMaxTimeMS = 2 ** 31 - 1

const timeLeft = (deadline: Deadline, fiber: Fiber.Fiber<unknown, unknown>): number =>
  Number(deadline.at - serverNanos(fiber)) / 1e6

/**
 * The remaining time as the server takes it. It is at least 1, since 0 would mean without a limit.
 *
 * @internal
 */
export const maxTimeOf = (deadline: Deadline, fiber: Fiber.Fiber<unknown, unknown>): number =>
  Math.min(maxMaxTimeMS, Math.max(1, Math.floor(timeLeft(deadline, fiber))))

/**
 * Runs an effect with a deadline. An earlier deadline around it stays.
 *
 * @internal
 */
export const provideDeadline = <A, E, R>(
  self: Effect.Effect<A, E, R>,
  input: Duration.Input
): Effect.Effect<A, E, R> =>
  Effect.withFiber((fiber) => {
    const within = Duration.fromInputUnsafe(input)
    if (!Duration.isFinite(within)) return self
    const at = serverNanos(fiber) + Duration.toNanosUnsafe(within)
    const outer = fiber.getRef(CurrentDeadline)
    return outer !== undefined && outer.at <= at ? self : Effect.provideService(self, CurrentDeadline, { at, within })
  })

const expired = (deadline: Deadline, operation: Operation, what: string): MongoError =>
  ownFailure(MaxTimeExpiredError, operation, `the deadline of ${Duration.format(deadline.within)} ${what}`)

interface Expiry {
  /** False to wait for the end of the effect, however long it takes. */
  readonly interrupts?: boolean
  readonly onExpired?: (error: MongoError) => void
}

/**
 * Runs a part of an operation, and interrupts it when the deadline passes. After the deadline it does not begin.
 *
 * @internal
 */
export const until = <A, R>(
  deadline: Deadline,
  operation: Operation,
  effect: Effect.Effect<A, MongoError, R>,
  expiry: Expiry = {}
): Effect.Effect<A, MongoError, R> =>
  Effect.withFiber((fiber) => {
    const fail = (what: string) => {
      const error = expired(deadline, operation, what)
      expiry.onExpired?.(error)
      return Effect.fail(error)
    }
    const left = timeLeft(deadline, fiber)
    if (left <= 0) return fail("passed before it began")
    if (expiry.interrupts === false) return effect
    return Effect.raceFirst(
      effect,
      Effect.flatMap(serverSleep(left), () => fail("passed before it ended"))
    )
  })

/**
 * Like `until`, with the deadline of the fiber, if it has one.
 *
 * @internal
 */
export const untilCurrent = <A, R>(
  operation: Operation,
  effect: Effect.Effect<A, MongoError, R>
): Effect.Effect<A, MongoError, R> =>
  Effect.withFiber((fiber) => {
    const deadline = fiber.getRef(CurrentDeadline)
    return deadline === undefined ? effect : until(deadline, operation, effect)
  })

/**
 * Runs an effect without its deadline, for cleaning up after a deadline has passed.
 *
 * @internal
 */
export const withoutDeadline = <A, E, R>(self: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.provideService(self, CurrentDeadline, undefined)
