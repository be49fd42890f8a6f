import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import type { MongoError } from "../../MongoError.ts"
import { bounded } from "../call/bounded.ts"
import { untilCurrent, withoutDeadline } from "../call/deadline.ts"
import type { Operation } from "../call/description.ts"

/** How long an interrupted fiber waits for what must not be left half done: real milliseconds. The rest goes on without it. */
const settleTimeout = 5000

const settled = (fiber: Fiber.Fiber<unknown, unknown>): Effect.Effect<void> =>
  Effect.suspend(() => bounded(new Promise((resolve) => fiber.addObserver(resolve)), settleTimeout))

/**
 * Starts an effect that goes on whatever becomes of the fiber that has started it, its deadline included.
 *
 * @internal
 */
export const start = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<Fiber.Fiber<A, E>, never, R> =>
  Effect.forkDetach(withoutDeadline(effect), { startImmediately: true })

/**
 * Runs an effect to its end even when the fiber that waits for it is interrupted, which then waits a while only. A deadline
 * that passes is such an interruption.
 *
 * @internal
 */
export const finished = <A, R>(
  operation: Operation,
  effect: Effect.Effect<A, MongoError, R>
): Effect.Effect<A, MongoError, R> =>
  untilCurrent(
    operation,
    Effect.uninterruptibleMask((restore) =>
      Effect.flatMap(
        start(effect),
        (fiber) => Effect.onInterrupt(restore(Fiber.join(fiber)), () => settled(fiber))
      )
    )
  )

/**
 * For finalizers: starts an effect and waits a while for its end.
 *
 * @internal
 */
export const finishedSoon = <R>(effect: Effect.Effect<void, never, R>): Effect.Effect<void, never, R> =>
  Effect.flatMap(start(effect), settled)
