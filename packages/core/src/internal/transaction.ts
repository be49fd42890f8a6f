import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Random from "effect/Random"
import type * as Scope from "effect/Scope"
import * as Tracer from "effect/Tracer"
import * as Driver from "mongodb"
import { isMongoError, type MongoError } from "../MongoError.ts"
import type { SessionOptions, TransactionOptions, WithTransactionOptions } from "../MongoSession.ts"
import { bounded, pause } from "./bounded.ts"
import type { Connection } from "./connection.ts"
import { type Operation, toMongoError } from "./naming.ts"
import { ambientSession, isTraced, runIn } from "./operation.ts"
import { type AmbientSession, inLine, SessionState, Transaction, transactionFailure } from "./session.ts"
import { backoff, defaultMaxDuration, nextStep } from "./transactionSteps.ts"

const operationOf = (name: string): Operation => ({ name, command: name, database: "admin", abortable: false })

const startTransaction = operationOf("startTransaction")
const withSessionOperation = operationOf("withSession")
const withTransactionOperation = operationOf("withTransaction")
const abortTransaction = operationOf("abortTransaction")
/** An interrupted commit is worth waiting for: its outcome decides about what runs after it. Real milliseconds. */
const commitTransaction: Operation = { ...operationOf("commitTransaction"), settleWithin: 5000 }

/** How long the abort of a transaction is waited for: real milliseconds. */
const abortTimeout = 2000

/** The driver's options: durations in milliseconds. */
const toDriverOptions = (options: TransactionOptions | undefined): Driver.TransactionOptions => {
  const driver: Driver.TransactionOptions = {}
  if (options?.readConcern !== undefined) driver.readConcern = options.readConcern
  if (options?.writeConcern !== undefined) {
    const writeConcern = Driver.WriteConcern.fromOptions({ writeConcern: options.writeConcern })
    if (writeConcern !== undefined) driver.writeConcern = writeConcern
  }
  if (options?.readPreference !== undefined) driver.readPreference = options.readPreference
  if (options?.maxCommitTime !== undefined) driver.maxCommitTimeMS = Duration.toMillis(options.maxCommitTime)
  return driver
}

const openSession = (connection: Connection, options: SessionOptions): Effect.Effect<SessionState, MongoError> =>
  Effect.try({
    try: () =>
      new SessionState(connection.driver.startSession({
        ...(options.causalConsistency === undefined ? {} : { causalConsistency: options.causalConsistency }),
        ...(options.snapshot === undefined ? {} : { snapshot: options.snapshot }),
        defaultTransactionOptions: toDriverOptions(options.defaultTransactionOptions)
      })),
    catch: (cause) => toMongoError(cause, operationOf("startSession"))
  })

/**
 * Aborts the transaction on the server. The first operation of an interrupted one may get there after the abort, and would
 * begin the transaction again, which nobody ends then: a transaction with a higher number makes the server refuse it.
 */
const abortOnServer = async (connection: Connection, state: SessionState): Promise<void> => {
  await state.driver.abortTransaction()
  if (!state.torn) return
  state.torn = false
  state.driver.startTransaction()
  // It touches no data and needs no privileges.
  await connection.driver.db("admin").command(
    { aggregate: 1, pipeline: [{ $documents: [] }], cursor: {} },
    { session: state.driver }
  ).catch(() => undefined)
  await state.driver.abortTransaction()
}

/** Ends a session, and with it a transaction that is still open. Bounded: the rest goes on in the background. */
const closeSession = (connection: Connection) => (state: SessionState): Effect.Effect<void> =>
  Effect.suspend(() => {
    closeTransaction(state)
    const end = () => state.driver.endSession()
    return bounded(
      state.driver.inTransaction() ? abortOnServer(connection, state).then(end, end) : end(),
      abortTimeout
    )
  })

const closeTransaction = (state: SessionState): void => {
  if (state.transaction !== undefined) state.transaction.open = false
  state.transaction = undefined
}

/** @internal */
export const scopedSession = (
  connection: Connection,
  options: SessionOptions
): Effect.Effect<SessionState, MongoError, Scope.Scope> =>
  Effect.acquireRelease(openSession(connection, options), closeSession(connection))

/** @internal */
export const provideAmbient = <A, E, R>(
  connection: Connection,
  ambient: AmbientSession | undefined,
  self: Effect.Effect<A, E, R>
): Effect.Effect<A, E, R> =>
  Effect.updateContext(self, (context: Context.Context<R>) => Context.add(context, connection.sessionKey, ambient))

/** @internal */
export const withSession = <A, E, R>(
  connection: Connection,
  options: SessionOptions,
  self: Effect.Effect<A, E, R>
): Effect.Effect<A, E | MongoError, R> =>
  Effect.withFiber<A, E | MongoError, R>((fiber) =>
    transactionOf(ambientSession(connection, fiber.context))?.open === true
      ? Effect.fail(transactionFailure(
        withSessionOperation,
        "it is inside a transaction, which another session would be no part of (see withoutTransaction)"
      ))
      : Effect.acquireUseRelease(
        openSession(connection, options),
        (state) => provideAmbient(connection, { state, transaction: undefined }, self),
        closeSession(connection)
      )
  )

/** The transaction that an operation would join now. */
const transactionOf = (ambient: AmbientSession | undefined): Transaction | undefined =>
  ambient?.transaction ?? (ambient?.state.driver.inTransaction() === true ? ambient.state.transaction : undefined)

/** @internal */
export const start = (state: SessionState, options?: TransactionOptions): Effect.Effect<Transaction, MongoError> =>
  Effect.try({
    try: () => {
      // The driver looks at this with the first operation only, and commits an empty transaction.
      if (state.driver.hasEnded) throw new Driver.MongoExpiredSessionError()
      state.driver.startTransaction(toDriverOptions(options))
      state.torn = false
      return state.transaction = new Transaction()
    },
    catch: (cause) => toMongoError(cause, startTransaction)
  })

/** Sends the commit when it is its turn. What was to run afterwards is left to the caller. */
const commit = (connection: Connection, state: SessionState): Effect.Effect<void, MongoError> =>
  runIn(connection, state.driver, commitTransaction, () => {
    const { transaction } = state
    if (transaction !== undefined) transaction.open = false
    return state.driver.commitTransaction().then(
      () => {
        if (transaction !== undefined) transaction.committed = true
      },
      (error: unknown) => {
        // The specification asks for it; the driver leaves it out when the connection's pool has been cleared meanwhile.
        if (error instanceof Driver.MongoNetworkError || error instanceof Driver.MongoServerSelectionError) {
          error.addErrorLabel("UnknownTransactionCommitResult")
        }
        throw error
      }
    )
  })

/** Runs what was registered for after the commit: in order, once, whatever becomes of each. */
const runAfterCommit = (transaction: Transaction): Effect.Effect<void> =>
  Effect.suspend(() =>
    Effect.forEach(
      transaction.afterCommit.splice(0),
      (callback) => Effect.ignoreCause(callback, { log: "Unhandled" }),
      {
        discard: true
      }
    )
  )

/** @internal */
export const commitExplicit = (connection: Connection, state: SessionState): Effect.Effect<void, MongoError> =>
  Effect.suspend(() => {
    const { transaction } = state
    const sent = inLine({ state, transaction: undefined }, commitTransaction, commit(connection, state))
    return transaction === undefined ?
      sent :
      Effect.onExit(sent, () => transaction.committed ? runAfterCommit(transaction) : Effect.void)
  })

/** @internal */
export const abortExplicit = (connection: Connection, state: SessionState): Effect.Effect<void, MongoError> =>
  inLine(
    { state, transaction: undefined },
    abortTransaction,
    runIn(connection, state.driver, { ...abortTransaction, settleWithin: abortTimeout }, () => {
      // The driver refuses to abort after a commit, which may be committed again.
      if (state.driver.inTransaction()) closeTransaction(state)
      return abortOnServer(connection, state)
    })
  )

/**
 * Aborts what an attempt has left open, when the operations that are on their way have ended, but no later than the bound.
 * The driver reports no error of it, and the server forgets the transaction by itself in the end.
 */
const abort = (connection: Connection, state: SessionState): Effect.Effect<void> =>
  Effect.suspend(() => {
    closeTransaction(state)
    if (!state.driver.inTransaction()) return Effect.void
    const send = Effect.suspend(() => bounded(abortOnServer(connection, state), abortTimeout))
    return Effect.raceFirst(
      Effect.interruptible(state.line.withPermit(send)),
      Effect.andThen(pause(abortTimeout), send)
    )
  })

/**
 * Aborts after a commit that has failed for good, which the driver has no method for. If the commit has not come through,
 * the transaction would keep its locks until the server's limit of a minute; if it has, the server refuses this.
 */
const abandon = (connection: Connection, state: SessionState): Effect.Effect<void> =>
  Effect.suspend(() =>
    bounded(
      connection.driver.db("admin").command({ abortTransaction: 1 }, { session: state.driver }),
      abortTimeout
    )
  )

/**
 * The failure that decides whether an attempt is run again: a `MongoError` that the body failed with, or that is the cause
 * of the error it failed with. A defect or an interruption is never run again.
 */
const decisiveError = (cause: Cause.Cause<unknown>): MongoError | undefined => {
  if (Cause.hasDies(cause)) return undefined
  for (const reason of cause.reasons) {
    if (!Cause.isFailReason(reason)) continue
    for (
      let error: unknown = reason.error, depth = 0;
      error instanceof Error && depth < 8;
      error = error.cause, depth++
    ) {
      if (isMongoError(error)) return error
    }
  }
  return undefined
}

/**
 * The convenient transactions API of the driver specification, as an Effect.
 *
 * @internal
 */
export const withTransaction = <A, E, R>(
  connection: Connection,
  self: Effect.Effect<A, E, R>,
  options: WithTransactionOptions
): Effect.Effect<A, E | MongoError, R> =>
  Effect.withFiber<A, E | MongoError, R>((fiber) => {
    const ambient = ambientSession(connection, fiber.context)
    const outer = transactionOf(ambient)
    if (ambient !== undefined && outer !== undefined) {
      if (!outer.open) {
        return Effect.fail(transactionFailure(withTransactionOperation, "the outer transaction has ended"))
      }
      return options.onNested === "fail"
        ? Effect.fail(transactionFailure(withTransactionOperation, "it is nested in another transaction"))
        : self
    }
    const body = (span: Tracer.Span | undefined) =>
      ambient === undefined
        ? Effect.acquireUseRelease(
          openSession(connection, { causalConsistency: true }),
          (state) => attempts(connection, state, self, options, span),
          closeSession(connection)
        )
        : attempts(connection, ambient.state, self, options, span)
    if (!isTraced(fiber)) return body(undefined)
    return Effect.useSpan(
      "transaction",
      { attributes: { "db.system.name": "mongodb", ...connection.attributes } },
      body
    )
  })

const attempts = <A, E, R>(
  connection: Connection,
  state: SessionState,
  self: Effect.Effect<A, E, R>,
  options: WithTransactionOptions,
  span: Tracer.Span | undefined
): Effect.Effect<A, E | MongoError, R> =>
  Effect.uninterruptibleMask((restore) =>
    Effect.gen(function*() {
      const clock = yield* Clock.Clock
      const now = () => Number(clock.monotonicTimeNanosUnsafe()) / 1e6
      const deadline = now() + Duration.toMillis(options.maxDuration ?? defaultMaxDuration)
      const event = (name: string, attributes: Record<string, unknown>) =>
        span?.event(name, clock.currentTimeNanosUnsafe(), attributes)

      const inSpan = <B, E2, R2>(effect: Effect.Effect<B, E2, R2>): Effect.Effect<B, E2, R2> =>
        span === undefined ? effect : Effect.provideService(effect, Tracer.ParentSpan, span)

      for (let attempt = 1;; attempt++) {
        event("attempt", { attempt })
        const transaction = yield* start(state, options)
        const exit = yield* Effect.exit(restore(inSpan(provideAmbient(connection, { state, transaction }, self))))

        const phase = Exit.isSuccess(exit) ? "commit" : "body"
        let failure: Cause.Cause<E | MongoError>
        if (Exit.isSuccess(exit)) {
          // The body has committed or aborted by itself, as it may in a session of its own: that is its decision.
          if (!state.driver.inTransaction()) return exit.value
          for (;;) {
            // The first commit waits in line behind the operations of forked fibers that are on their way.
            const sent = yield* Effect.exit(restore(state.line.withPermit(inSpan(commit(connection, state)))))
            if (transaction.committed) {
              event("commit", { attempt })
              state.transaction = undefined
              yield* runAfterCommit(transaction)
            }
            if (Exit.isSuccess(sent)) return exit.value
            failure = sent.cause
            if (
              transaction.committed || nextStep(phase, decisiveError(failure), now() < deadline) !== "commitAgain"
            ) break
            event("commit.retry", { attempt })
          }
        } else {
          failure = exit.cause
        }

        // Nothing is left open, whatever happens next.
        event("abort", { attempt })
        const commitFailed = phase === "commit" && !transaction.committed && !state.driver.inTransaction()
        yield* abort(connection, state)
        const wait = backoff(attempt, yield* Random.next)
        if (nextStep(phase, decisiveError(failure), now() + wait < deadline) !== "runAgain") {
          if (commitFailed) yield* abandon(connection, state)
          return yield* Effect.failCause(failure)
        }
        yield* restore(Effect.sleep(wait))
      }
    })
  )

/** @internal */
export const afterCommit = <R>(
  connection: Connection,
  effect: Effect.Effect<void, never, R>
): Effect.Effect<void, never, R> =>
  Effect.withFiber<void, never, R>((fiber) => {
    const transaction = transactionOf(ambientSession(connection, fiber.context))
    const context = Context.add(fiber.context as Context.Context<R>, connection.sessionKey, undefined)
    const callback = Effect.provideContext(effect, context)
    if (transaction === undefined || transaction.committed) return callback
    // Also while the commit is on its way. What comes after an abort waits for nothing.
    transaction.afterCommit.push(callback)
    return Effect.void
  })
