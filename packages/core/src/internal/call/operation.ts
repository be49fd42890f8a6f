/**
 * Runs operations of the driver as effects: in the session of the context when it is their turn, under the policy of interruption, and until
 * the deadline.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import type * as Driver from "mongodb"
import { CurrentInterruptionPolicy } from "../../Mongo.ts"
import type { MongoError } from "../../MongoError.ts"
import { toMongoError } from "../errors/toMongoError.ts"
import { type AmbientSession, inLine } from "../session/state.ts"
import { withOperationSpan } from "../telemetry/operationSpans.ts"
import { Call, type CallOptions } from "./call.ts"
import type { Connection } from "./connection.ts"
import { CurrentDeadline, type Deadline, until } from "./deadline.ts"
import type { Operation } from "./description.ts"

/** @internal */
export const ambientSession = (connection: Connection, context: Context.Context<never>): AmbientSession | undefined =>
  Context.getOrUndefined(context, connection.sessionKey)

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

/**
 * Connects a client: what that fails with must not have its secrets. There is no session yet, and nothing to interrupt: whoever is
 * interrupted closes the client.
 *
 * @internal
 */
export const runConnecting = (
  connection: Connection,
  operation: Operation,
  secrets: ReadonlyArray<string>,
  call: () => Promise<unknown>
): Effect.Effect<unknown, MongoError> =>
  Effect.withFiber((fiber) => new Call(connection, operation, fiber).once(call, false, secrets))

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
  const traced = withOperationSpan(
    connection,
    operation,
    fiber,
    (span) => new Call(connection, operation, fiber, session, span, deadline).once(call, interrupts)
  )
  return policy === "await" ? Effect.uninterruptible(traced) : traced
}
