/**
 * `withTransaction`: runs a body in a transaction, and runs it or the commit again where the driver specification says so.
 */
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import * as Random from "effect/Random"
import * as Tracer from "effect/Tracer"
import {
  isMongoError,
  isMongoErrorReason,
  type MongoError,
  type MongoErrorReason,
  TransactionError
} from "../../MongoError.ts"
import type { WithTransaction, WithTransactionOptions } from "../../MongoSession.ts"
import type { Connection } from "../call/connection.ts"
import type { Operation } from "../call/description.ts"
import { ambientSession, checkingNow } from "../call/operation.ts"
import { serverMillis, serverSleep } from "../call/serverTime.ts"
import { ownFailure } from "../errors/ownFailure.ts"
import { checkGiven } from "../input/check.ts"
import { isTraced } from "../telemetry/operationSpans.ts"
import { type SessionState, type Transaction, transactionFailure } from "./state.ts"
import {
  abort,
  closeSession,
  commit,
  openSession,
  provideAmbient,
  runAfterCommit,
  start,
  transactionOf
} from "./transaction.ts"
import { backoff, defaultMaxDuration, isConsequence, isTransient, nextStep } from "./transactionSteps.ts"

const withTransactionOperation: Operation = { name: "withTransaction", command: "withTransaction" }

/**
 * The reason that decides whether an attempt runs again: that of a `MongoError` which is the failure of the body, or the cause
 * of its failure. After a defect or an interruption an attempt never runs again.
 */
const decisiveReason = (cause: Cause.Cause<unknown>): MongoErrorReason | undefined => {
  if (Cause.hasDies(cause)) return undefined
  for (const reason of cause.reasons) {
    if (!Cause.isFailReason(reason)) continue
    for (
      let error: unknown = reason.error, depth = 0;
      error instanceof Error && depth < 8;
      error = error.cause, depth++
    ) {
      if (isMongoError(error)) return error.reason
      if (isMongoErrorReason(error)) return error
    }
  }
  return undefined
}

/**
 * The convenient transactions API of the driver specification, with the effect as the first or the last argument.
 *
 * @internal
 */
export const withTransactionOf = (
  connection: Connection,
  where: <A, E, R>(self: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>
): WithTransaction => {
  const begin = <A, E, R>(self: Effect.Effect<A, E, R>, options: WithTransactionOptions = {}) =>
    where(withTransaction(connection, self, options))
  const both = <A, E, R>(
    first?: Effect.Effect<A, E, R> | WithTransactionOptions,
    options?: WithTransactionOptions
  ) =>
    Effect.isEffect(first)
      ? begin(first, options)
      : <A, E, R>(self: Effect.Effect<A, E, R>) => begin(self, first)
  return both as WithTransaction
}

const withTransaction = <A, E, R>(
  connection: Connection,
  self: Effect.Effect<A, E, R>,
  options: WithTransactionOptions
): Effect.Effect<A, E | MongoError, R> =>
  Effect.withFiber<A, E | MongoError, R>((fiber) => {
    const given = checkingNow(withTransactionOperation, () => checkGiven(options))
    if (Exit.isFailure(given)) return Effect.failCause(given.cause)
    const ambient = ambientSession(connection, fiber.context)
    const outer = transactionOf(ambient)
    if (ambient !== undefined && outer !== undefined) {
      if (outer.status !== "open") {
        return Effect.fail(transactionFailure(withTransactionOperation, "the outer transaction has ended"))
      }
      return options.onNested === "fail"
        ? Effect.fail(transactionFailure(withTransactionOperation, "it is nested in another transaction"))
        : self
    }
    const body = (span: Tracer.Span | undefined) =>
      Effect.uninterruptibleMask((restore) =>
        ambient !== undefined
          ? attempts(connection, ambient.state, self, options, fiber, span, restore)
          : Effect.flatMapEager(openSession(connection, { causalConsistency: true }), (state) =>
            Effect.onExitPrimitive(
              Effect.suspend(() => attempts(connection, state, self, options, fiber, span, restore)),
              () => closeSession(connection, state),
              true
            ))
      )
    if (!isTraced(fiber)) return body(undefined)
    return Effect.useSpan(
      "transaction",
      { attributes: { "db.system.name": "mongodb", ...connection.attributes } },
      body
    )
  })

/** The failure of a transaction that the server has aborted, but whose body went on. */
const abortedBy = (first: MongoError): MongoError => {
  const label = isTransient(first.reason) ? "TransientTransactionError" : undefined
  const labels = new Set(first.reason.labels)
  if (label !== undefined) labels.add(label)
  const what = "the server aborted the transaction with an error that the body handled"
  return ownFailure(TransactionError, withTransactionOperation, `${what}: ${first.message}`, {
    kind: "aborted",
    labels: [...labels],
    label,
    cause: first
  })
}

/** One run of the body of a transaction. */
interface Attempt {
  /** From 1. */
  readonly number: number
  readonly transaction: Transaction
  /** The first failure of an operation until the body ended. */
  readonly first: MongoError | undefined
}

/**
 * Begins the first attempt. Without a generator, which would be slow code for the single attempt that nearly every transaction needs.
 *
 * @param restore - makes interruptible what the fiber has not made uninterruptible itself
 */
const attempts = <A, E, R>(
  connection: Connection,
  state: SessionState,
  self: Effect.Effect<A, E, R>,
  options: WithTransactionOptions,
  fiber: Fiber.Fiber<unknown, unknown>,
  span: Tracer.Span | undefined,
  restore: <B, E2, R2>(effect: Effect.Effect<B, E2, R2>) => Effect.Effect<B, E2, R2>
): Effect.Effect<A, E | MongoError, R> => {
  const deadline = serverMillis(fiber) + Duration.toMillis(options.maxDuration ?? defaultMaxDuration)
  const isTimeLeft = (wait = 0) => serverMillis(fiber) + wait < deadline
  const event = (name: string, attempt: number) => {
    span?.event(name, fiber.getRef(Clock.Clock).currentTimeNanosUnsafe(), { attempt })
  }
  const inSpan = <B, E2, R2>(effect: Effect.Effect<B, E2, R2>): Effect.Effect<B, E2, R2> =>
    span === undefined ? effect : Effect.provideService(effect, Tracer.ParentSpan, span)

  type Result = Effect.Effect<A, E | MongoError, R>

  const run = (number: number): Result => {
    event("attempt", number)
    return Effect.flatMapEager(start(state, options), (transaction) =>
      Effect.flatMap(
        Effect.exit(restore(inSpan(provideAmbient(connection, { state, transaction }, self)))),
        (exit) => {
          const first = transaction.failure
          const attempt: Attempt = { number, transaction, first }
          if (Exit.isFailure(exit)) return giveUp(attempt, "body", exit.cause)
          // Nobody knows what the failed operation has left in the transaction.
          if (first !== undefined && isTransient(first.reason)) {
            return giveUp(attempt, "body", Cause.fail(abortedBy(first)))
          }
          // The body may have ended the transaction itself, and begun another one.
          const last = state.transaction ?? transaction
          if (last.outcome === undefined) return commitTo(attempt, last, exit)
          transaction.status = "ended"
          return exit
        }
      ))
  }

  /** Commits until the outcome is known. */
  const commitTo = (attempt: Attempt, last: Transaction, result: Exit.Exit<A, E>): Result =>
    Effect.flatMap(
      // The first commit waits for the running operations of forked fibers.
      Effect.exit(restore(state.current.line.once(() => inSpan(commit(connection, state, last, "ended"))))),
      (sent) => {
        const isCommitted = last.outcome === "committed"
        if (isCommitted) {
          event("commit", attempt.number)
          state.transaction = undefined
        }
        const next = (): Result => {
          if (Exit.isSuccess(sent)) return result
          if (isCommitted || nextStep("commit", decisiveReason(sent.cause), isTimeLeft()) !== "commitAgain") {
            return giveUp(attempt, "commit", sent.cause)
          }
          event("commit.retry", attempt.number)
          return commitTo(attempt, last, result)
        }
        return last.afterCommit.length > 0 && isCommitted ? Effect.flatMap(runAfterCommit(last), next) : next()
      }
    )

  /** Leaves nothing open, whatever happens next, and runs the body again where that is worth it. */
  const giveUp = (attempt: Attempt, phase: "body" | "commit", failure: Cause.Cause<E | MongoError>): Result => {
    const { first, number, transaction } = attempt
    event("abort", number)
    transaction.status = "ended"
    return Effect.flatMap(Effect.andThen(inSpan(abort(connection, state)), Random.next), (jitter) => {
      const reason = decisiveReason(failure)
      const isAborted = first !== undefined && isConsequence(reason, first.reason)
      const wait = backoff(number, jitter)
      const step = nextStep(phase, reason, isTimeLeft(wait))
      if (step === "runAgain" && options.rerun !== false && !(isAborted && !isTransient(first.reason))) {
        return Effect.flatMap(restore(serverSleep(wait)), () => run(number + 1))
      }
      return Effect.failCause(
        isAborted ? Cause.map(failure, (error) => isMongoError(error) ? abortedBy(first) : error) : failure
      )
    })
  }

  return run(1)
}
