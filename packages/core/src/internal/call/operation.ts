import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import * as Predicate from "effect/Predicate"
import type * as Tracer from "effect/Tracer"
import type * as Driver from "mongodb"
import { CurrentInterruptionPolicy } from "../../Mongo.ts"
import type { MongoError } from "../../MongoError.ts"
import { makeAbort, OperationInterrupted } from "../driver/signal.ts"
import { toMongoError } from "../errors/toMongoError.ts"
import { type AmbientSession, inLine } from "../session/state.ts"
import { runWithParent } from "../telemetry/commandSpans.ts"
import { failureAttributes, recordOperation, spanAttributes } from "../telemetry/telemetry.ts"
import { bounded } from "./bounded.ts"
import type { Connection } from "./connection.ts"
import { CurrentDeadline, type Deadline, maxTimeOf, until } from "./deadline.ts"
import type { Operation } from "./description.ts"

/**
 * What an operation hands to the driver besides its own options.
 *
 * @internal
 */
export interface CallOptions {
  readonly session?: Driver.ClientSession
  readonly signal?: AbortSignal
  /** What is left until the deadline, where there is one. */
  readonly maxTimeMS?: number
}

/** How long the end of an interrupted operation is waited for where its session is needed again: real milliseconds. */
const settleTimeout = 1000

/** @internal */
export const ambientSession = (connection: Connection, context: Context.Context<never>): AmbientSession | undefined =>
  Context.getOrUndefined(context, connection.sessionKey)

/**
 * Whether somebody listens to spans: without a tracer of the user's nobody could see one.
 *
 * @internal
 */
export const isTraced = (fiber: Fiber.Fiber<unknown, unknown>): boolean =>
  fiber.cache.tracer !== undefined && fiber.cache.tracerEnabled

/** @internal */
export const spanName = (operation: Operation): string =>
  `${operation.command} ${[operation.collection, operation.database].find(Predicate.isString) ?? "admin"}`

/** @internal */
export const spanOptions = (connection: Connection, operation: Operation): Tracer.SpanOptionsNoTrace => ({
  kind: "client",
  attributes: spanAttributes(connection.attributes, operation)
})

/**
 * A span of kind client around `use`, where somebody listens.
 *
 * @internal
 */
export const withOperationSpan = <A, E>(
  connection: Connection,
  operation: Operation,
  fiber: Fiber.Fiber<unknown, unknown>,
  use: (span: Tracer.Span | undefined) => Effect.Effect<A, E>
): Effect.Effect<A, E> =>
  isTraced(fiber) ? Effect.useSpan(spanName(operation), spanOptions(connection, operation), use) : use(undefined)

/**
 * Says on the span of an operation how it failed.
 *
 * @internal
 */
export const annotateFailure = (span: Tracer.Span | undefined, error: MongoError): void => {
  if (span === undefined) return
  for (const [key, value] of Object.entries(failureAttributes(error))) span.attribute(key, value)
}

/**
 * Runs one operation of the driver as an Effect: joins the session of the context, aborts on interruption after the
 * fiber's policy, makes every rejection a `MongoError`, traces and counts.
 *
 * `call` may throw: what it throws is classified like a rejection.
 *
 * @internal
 */
export const run = <A>(
  connection: Connection,
  operation: Operation,
  call: (options: CallOptions) => Promise<A>
): Effect.Effect<A, MongoError> =>
  Effect.withFiber((fiber) => {
    const ambient = ambientSession(connection, fiber.context)
    const deadline = fiber.getRef(CurrentDeadline)
    const effect = inLine(
      ambient,
      operation,
      runOn(fiber, connection, ambient?.state.driver, operation, call, deadline)
    )
    return deadline === undefined ? effect : untilDeadline(fiber, deadline, operation, effect)
  })

/** What is to be awaited has the server's time limit, and is not given up here. */
const untilDeadline = <A>(
  fiber: Fiber.Fiber<unknown, unknown>,
  deadline: Deadline,
  operation: Operation,
  effect: Effect.Effect<A, MongoError>
): Effect.Effect<A, MongoError> =>
  until(deadline, operation, effect, { interrupts: fiber.getRef(CurrentInterruptionPolicy) !== "await" })

/**
 * Runs one operation outside of the session of the context, which its call cannot join.
 *
 * @internal
 */
export const runOutside = <A>(
  connection: Connection,
  operation: Operation,
  call: () => Promise<A>
): Effect.Effect<A, MongoError> =>
  Effect.withFiber((fiber) => {
    const deadline = fiber.getRef(CurrentDeadline)
    const effect = runOn(fiber, connection, undefined, { ...operation, abortable: false }, call)
    return deadline === undefined ? effect : untilDeadline(fiber, deadline, operation, effect)
  })

/**
 * Runs one operation in the given session, whatever the context says. It is the caller's turn in that session.
 *
 * @internal
 */
export const runIn = <A>(
  connection: Connection,
  session: Driver.ClientSession | undefined,
  operation: Operation,
  call: (options: CallOptions) => Promise<A>,
  deadline?: Deadline
): Effect.Effect<A, MongoError> =>
  Effect.withFiber((fiber) => runOn(fiber, connection, session, operation, call, deadline))

/**
 * What a check returns; what it throws is the failure of the operation.
 *
 * @internal
 */
export const checking = <A>(operation: Operation, check: () => A): Effect.Effect<A, MongoError> =>
  Effect.try({ try: check, catch: (cause) => toMongoError(cause, operation) })

const runOn = <A>(
  fiber: Fiber.Fiber<unknown, unknown>,
  connection: Connection,
  session: Driver.ClientSession | undefined,
  operation: Operation,
  call: (options: CallOptions) => Promise<A>,
  deadline?: Deadline
): Effect.Effect<A, MongoError> => {
  const policy = fiber.getRef(CurrentInterruptionPolicy)
  // A session has to be quiet before its owner goes on: nothing is detached in it.
  const interrupts = operation.abortable !== false && (policy === "abort" || session !== undefined)
  const attempt = (span: Tracer.Span | undefined): Effect.Effect<A, MongoError> =>
    Effect.callback<A, MongoError>((resume) => {
      const clock = fiber.getRef(Clock.Clock)
      const started = clock.monotonicTimeNanosUnsafe()
      // Where nothing is aborted it still tells what was sent.
      const abort = operation.abortable === false ? undefined : makeAbort(operation.sharesSignal)
      const options: { session?: Driver.ClientSession; signal?: AbortSignal; maxTimeMS?: number } = {}
      if (session !== undefined) options.session = session
      if (abort !== undefined) options.signal = abort.signal
      if (deadline !== undefined) options.maxTimeMS = maxTimeOf(deadline, fiber)
      const end = (failure: MongoError | undefined) => {
        const seconds = Number(clock.monotonicTimeNanosUnsafe() - started) / 1e9
        recordOperation(fiber.context, connection.attributes, operation, seconds, failure)
      }
      let pending: Promise<A>
      try {
        pending = connection.commandSpans && span !== undefined
          ? runWithParent(span, () => call(options))
          : call(options)
      } catch (cause) {
        pending = Promise.reject(cause)
      }
      const settled = pending.then(
        (value) => {
          end(undefined)
          resume(Effect.succeed(value))
        },
        (cause: unknown) => {
          const error = toMongoError(cause, operation, undefined, abort?.sends())
          annotateFailure(span, error)
          end(error)
          resume(Effect.fail(error))
        }
      )
      if (!interrupts && session === undefined) return
      return Effect.suspend(() => {
        if (interrupts) abort?.abort(new OperationInterrupted())
        // Whoever owns the session (a transaction that is about to abort) must find it quiet.
        return session === undefined ? Effect.void : bounded(settled, settleTimeout)
      })
    })
  const traced = withOperationSpan(connection, operation, fiber, attempt)
  return policy === "await" ? Effect.uninterruptible(traced) : traced
}
