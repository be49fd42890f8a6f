import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import type { MongoError } from "../../MongoError.ts"
import { bounded } from "../call/bounded.ts"
import { untilCurrent, withoutDeadline } from "../call/deadline.ts"
import type { Operation } from "../call/description.ts"

/** How long an interrupted fiber waits for work that must not stay half done, in real milliseconds. The rest goes on without it. */
const settleTimeout = 5000

const settled = (fiber: Fiber.Fiber<unknown, unknown>): Effect.Effect<void> =>
  Effect.suspend(() => bounded(new Promise((resolve) => fiber.addObserver(resolve)), settleTimeout))

/**
 * Starts an effect that goes on even if the starting fiber ends or its deadline passes.
 *
 * @internal
 */
export const start = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<Fiber.Fiber<A, E>, never, R> =>
  Effect.forkDetach(withoutDeadline(effect), { startImmediately: true })

/**
 * Runs an effect to its end. If the waiting fiber is interrupted, it waits only for a while longer, and the effect goes on. A deadline
 * that passes counts as an interruption.
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
 * For finalizers: starts an effect, and waits for its end for a while.
 *
 * @internal
 */
export const finishedSoon = <R>(effect: Effect.Effect<void, never, R>): Effect.Effect<void, never, R> =>
  Effect.flatMap(start(effect), settled)
