/**
 * Runs operations of the driver as effects: at their turn in the session of the context, under the interruption policy, and until the
 * deadline.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import type * as Driver from "mongodb"
import { CurrentInterruptionPolicy } from "../../Mongo.ts"
import type { MongoError } from "../../MongoError.ts"
import { toMongoError } from "../errors/toMongoError.ts"
import { type AmbientSession, inLineOnce } from "../session/state.ts"
import { isTraced, withOperationSpan } from "../telemetry/operationSpans.ts"
import { Call, type CallOptions } from "./call.ts"
import type { Connection } from "./connection.ts"
import { CurrentDeadline, type Deadline, until } from "./deadline.ts"
import type { Operation } from "./description.ts"

/** @internal */
export const ambientSession = (connection: Connection, context: Context.Context<never>): AmbientSession | undefined =>
  Context.getOrUndefined(context, connection.sessionKey)

/**
 * Runs one operation of the driver as an Effect. It joins the session of the context, follows the fiber's interruption
 * policy, turns every rejection into a `MongoError`, traces and counts.
 *
 * `call` may throw: the error is classified like a rejection.
 *
 * @param finish - makes the result of what the promise resolves to. It must not throw
 * @internal
 */
export const run = <A, B = A>(
  connection: Connection,
  operation: Operation,
  call: (options: CallOptions) => Promise<A>,
  finish?: (value: A) => B
): Effect.Effect<B, MongoError> =>
  Effect.withFiber((fiber) => {
    const ambient = ambientSession(connection, fiber.context)
    const deadline = fiber.getRef(CurrentDeadline)
    const effect = ambient === undefined
      ? runOn(fiber, connection, undefined, operation, call, deadline, finish)
      : runAtTurn(ambient, fiber, connection, operation, call, deadline, finish)
    return deadline === undefined ? effect : untilDeadline(fiber, deadline, operation, effect)
  })

const runAtTurn = <A, B>(
  ambient: AmbientSession,
  fiber: Fiber.Fiber<unknown, unknown>,
  connection: Connection,
  operation: Operation,
  call: (options: CallOptions) => Promise<A>,
  deadline: Deadline | undefined,
  finish: ((value: A) => B) | undefined
): Effect.Effect<B, MongoError> => {
  const { driver } = ambient.state
  return inLineOnce(ambient, operation, () => runOn(fiber, connection, driver, operation, call, deadline, finish))
}

/** With the policy `"await"` only the server's time limit applies, and the operation is not given up here. */
const untilDeadline = <A>(
  fiber: Fiber.Fiber<unknown, unknown>,
  deadline: Deadline,
  operation: Operation,
  effect: Effect.Effect<A, MongoError>
): Effect.Effect<A, MongoError> =>
  until(deadline, operation, effect, { interrupts: fiber.getRef(CurrentInterruptionPolicy) !== "await" })

/**
 * Runs one operation whose call cannot join the session of the context.
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
 * Runs one operation in the given session, whatever the context says. The caller already has its turn in that session.
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
 * Returns the result of a check. If the check throws, the operation fails with that error.
 *
 * @internal
 */
export const checking = <A>(operation: Operation, check: () => A): Effect.Effect<A, MongoError> =>
  Effect.suspend(() => checkingNow(operation, check))

/**
 * Like `checking`, at once.
 *
 * @internal
 */
export const checkingNow = <A>(operation: Operation, check: () => A): Exit.Exit<A, MongoError> => {
  try {
    return Exit.succeed(check())
  } catch (cause) {
    return Exit.fail(toMongoError(cause, operation))
  }
}

/**
 * Connects a client, and keeps its secrets out of the failure. It has no session yet, and cannot be interrupted: an interrupted caller
 * closes the client.
 *
 * @internal
 */
export const runConnecting = (
  connection: Connection,
  operation: Operation,
  secrets: ReadonlyArray<string>,
  call: () => Promise<unknown>
): Effect.Effect<unknown, MongoError> =>
  Effect.withFiber((fiber) => new Call(connection, operation, fiber).once(call, false, undefined, secrets))

const runOn = <A, B = A>(
  fiber: Fiber.Fiber<unknown, unknown>,
  connection: Connection,
  session: Driver.ClientSession | undefined,
  operation: Operation,
  call: (options: CallOptions) => Promise<A>,
  deadline?: Deadline,
  finish?: (value: A) => B
): Effect.Effect<B, MongoError> => {
  const policy = fiber.getRef(CurrentInterruptionPolicy)
  // A session must be idle before its owner goes on, so no operation is detached in it.
  const interrupts = operation.abortable !== false && (policy === "abort" || session !== undefined)
  // Functions make closures for their parameters even where they call none of them, so that of a span is apart.
  const effect = isTraced(fiber)
    ? traced(fiber, connection, session, operation, call, deadline, finish, interrupts)
    : new Call(connection, operation, fiber, session, undefined, deadline).once(call, interrupts, finish)
  return policy === "await" ? Effect.uninterruptible(effect) : effect
}

const traced = <A, B>(
  fiber: Fiber.Fiber<unknown, unknown>,
  connection: Connection,
  session: Driver.ClientSession | undefined,
  operation: Operation,
  call: (options: CallOptions) => Promise<A>,
  deadline: Deadline | undefined,
  finish: ((value: A) => B) | undefined,
  interrupts: boolean
): Effect.Effect<B, MongoError> =>
  withOperationSpan(
    connection,
    operation,
    fiber,
    (span) => new Call(connection, operation, fiber, session, span, deadline).once(call, interrupts, finish)
  )
