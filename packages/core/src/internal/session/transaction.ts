/**
 * A session and its transaction: opens, starts, commits, aborts and closes them.
 */
import * as Cause from "effect/Cause"
import type * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Predicate from "effect/Predicate"
import * as Random from "effect/Random"
import type * as Scope from "effect/Scope"
import * as Driver from "mongodb"
import type { MongoError } from "../../MongoError.ts"
import type { SessionOptions, TransactionOptions } from "../../MongoSession.ts"
import { bounded, endsWithin, outcomeOf, pause } from "../call/bounded.ts"
import type { Connection } from "../call/connection.ts"
import { withoutDeadline } from "../call/deadline.ts"
import type { Operation } from "../call/description.ts"
import { ambientSession, checkingNow, runIn } from "../call/operation.ts"
import { serverMillis, serverSleep } from "../call/serverTime.ts"
import { abortOnServers, killSession, mayStillRun } from "../driver/kill.ts"
import { toMongoError } from "../errors/toMongoError.ts"
import { checkGiven } from "../input/check.ts"
import { withAmbient } from "./sharing.ts"
import {
  type AmbientSession,
  type DriverSession,
  inLine,
  inLineOnce,
  SessionState,
  Transaction,
  transactionFailure
} from "./state.ts"
import { backoff, nextStep } from "./transactionSteps.ts"

const localOperation = (name: string): Operation => ({ name, command: name })
const operationOf = (name: string): Operation => ({ name, command: name, database: "admin", abortable: false })

const startSession = localOperation("startSession")
const startTransaction = localOperation("startTransaction")
const withSessionOperation = localOperation("withSession")
const abortTransaction = operationOf("abortTransaction")
const commitTransaction = operationOf("commitTransaction")

/** How long to wait for the abort of a transaction, in real milliseconds. */
const abortTimeout = 2000

/** How long to wait for an interrupted commit, whose outcome decides what runs after it, in real milliseconds. */
const commitTimeout = 5000

/**
 * How long an interrupted commit is repeated until its outcome is known, in milliseconds of the server clock. A server forgets a
 * transaction that is not committed within a minute.
 */
const outcomeTimeout = 60_000

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

/**
 * Opens a session at once. Whoever calls it closes the session.
 *
 * @internal
 */
export const openSession = (connection: Connection, options: SessionOptions): Exit.Exit<SessionState, MongoError> =>
  checkingNow(startSession, () => {
    if (connection.dependents.closed) throw new Driver.MongoClientClosedError()
    checkGiven(options)
    const driverOptions: Driver.ClientSessionOptions = {
      defaultTransactionOptions: toDriverOptions(options.defaultTransactionOptions)
    }
    if (options.causalConsistency !== undefined) driverOptions.causalConsistency = options.causalConsistency
    if (options.snapshot !== undefined) driverOptions.snapshot = options.snapshot
    const state: SessionState = new SessionState(
      () => connection.driver.startSession(driverOptions),
      connection.breaks.count,
      () => Effect.runPromise(endWithClient(connection, state)).catch(ignore)
    )
    connection.dependents.add(state)
    return state
  })

const ignore = () => undefined

/**
 * Ends on the server what may be open there: the transaction, or one whose commit has failed for good. Its locks would stay
 * until the server's limit of a minute. If that commit has succeeded, the server refuses.
 *
 * The first operation of an interrupted transaction may arrive after the abort, and would begin it again without anybody to end
 * it. So this starts a transaction with a higher number, which makes the server refuse that operation.
 */
const endOnServer = (connection: Connection, session: DriverSession): Promise<void> => {
  const end = (session.ending ?? Promise.resolve()).then(() => endNow(connection, session))
  const ending: Promise<void> = end.catch(ignore).then(() => {
    if (session.ending === ending) session.ending = undefined
  })
  session.ending = ending
  return end
}

const endNow = async (connection: Connection, session: DriverSession): Promise<void> => {
  const { driver, torn, unfinished } = session
  const admin = (command: Driver.Document) =>
    connection.driver.db("admin").command(command, { session: driver }).catch(ignore)
  const { closed, count } = connection.breaks
  session.torn = session.unfinished = false
  if (driver.inTransaction()) await driver.abortTransaction()
  else if (unfinished && !torn) await admin({ abortTransaction: 1 })
  if (torn) {
    driver.startTransaction()
    // This command touches no data and needs no privileges.
    await admin({ aggregate: 1, pipeline: [{ $documents: [] }], cursor: {} })
    await driver.abortTransaction()
  }
  // The driver does not report that an abort has failed.
  if (connection.breaks.closed === closed) return
  if (torn) await killSession(connection.driver, driver)
  else if (connection.breaks.count === count) await abortOnServers(connection.driver, driver)
  // The driver has sent the abort twice, as the specification says. The end of the session ends what is left.
  else session.unanswered = true
}

/** How long a running operation of a transaction may take when its client closes, in real milliseconds. */
const lastOperationTimeout = 500

/**
 * Ends a transaction whose client closes, and its session. The driver would break the connection of the running operation, and abort
 * before the server has read that operation. No other operation begins: it would be outside of the transaction.
 */
const endWithClient = (connection: Connection, state: SessionState): Effect.Effect<void> =>
  Effect.suspend(() => {
    state.isLost = true
    const session = state.current
    const end = async () => {
      if (!session.driver.inTransaction()) return
      session.torn = true
      await endOnServer(connection, session).catch(ignore)
      await session.driver.endSession()
    }
    let ended: Promise<void> | undefined
    const ending = Effect.asVoid(outcomeOf(() => ended ??= end()))
    return Effect.raceFirst(session.line.inTurn(ending), Effect.andThen(pause(lastOperationTimeout), ending))
  })

/** Whether a cursor may be left in a session: the driver may have sent a query twice, and nobody knows the cursor of the lost reply. */
const mayHaveCursor = (connection: Connection, state: SessionState): boolean =>
  state.hasRead && connection.breaks.count > state.breaks

/** Ends a session of the driver, and kills it on the servers if something may be left there. */
const endSession = async (connection: Connection, state: SessionState, session: DriverSession): Promise<void> => {
  if (session.unanswered || mayStillRun(session.driver) || mayHaveCursor(connection, state)) {
    await killSession(connection.driver, session.driver)
  }
  await session.driver.endSession()
}

/** Waits for the end of a transaction for a limited time. After that, the end keeps the driver's session. Never rejects. */
const endsSoon = async (
  connection: Connection,
  state: SessionState,
  session: DriverSession,
  end: Promise<unknown>,
  milliseconds: number
): Promise<void> => {
  if (await endsWithin(end, milliseconds) || state.current !== session || state.closed) return
  state.renew()
  const close = () => endSession(connection, state, session)
  end.then(close, close).catch(ignore)
}

/**
 * Ends a session, and a transaction that is still open. Returns what still has to be waited for, for a limited time: the rest goes on in
 * the background.
 *
 * @internal
 */
export const closeSession = (connection: Connection, state: SessionState): Effect.Effect<void> | undefined => {
  closeTransaction(state)
  state.closed = true
  connection.dependents.delete(state)
  const session = state.current
  const close = () => endSession(connection, state, session)
  if (hasNothingOpen(session) && !mayHaveCursor(connection, state)) {
    // The driver sends nothing, and is done when it returns.
    close().catch(ignore)
    return undefined
  }
  return bounded(endOnServer(connection, session).then(close, close), abortTimeout)
}

const closedSession = (connection: Connection) => (state: SessionState): Effect.Effect<void> =>
  closeSession(connection, state) ?? Effect.void

/** Whether no transaction of a session is open, ends just now, or may have been left on the server, and no operation either. */
const hasNothingOpen = ({ driver, ending, torn, unanswered, unfinished }: DriverSession): boolean =>
  !driver.inTransaction() && !torn && !unfinished && !unanswered && !mayStillRun(driver) && ending === undefined

const closeTransaction = (state: SessionState, status: "left" | "ended" = "ended"): void => {
  if (state.transaction !== undefined) state.transaction.status = status
  state.transaction = undefined
}

/** @internal */
export const scopedSession = (
  connection: Connection,
  options: SessionOptions
): Effect.Effect<SessionState, MongoError, Scope.Scope> =>
  Effect.acquireRelease(Effect.suspend(() => openSession(connection, options)), closedSession(connection))

/** @internal */
export const provideAmbient = <A, E, R>(
  connection: Connection,
  ambient: AmbientSession | undefined,
  self: Effect.Effect<A, E, R>
): Effect.Effect<A, E, R> =>
  Effect.updateContext(self, (context: Context.Context<R>) => withAmbient(connection, ambient, context))

/**
 * Makes a function that runs effects outside of the session and the deadline around them.
 *
 * @internal
 */
export const apartFrom = (connection: Connection) => <A, E, R>(self: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  withoutDeadline(provideAmbient(connection, undefined, self))

/** @internal */
export const withSession = <A, E, R>(
  connection: Connection,
  options: SessionOptions,
  self: Effect.Effect<A, E, R>
): Effect.Effect<A, E | MongoError, R> =>
  Effect.withFiber<A, E | MongoError, R>((fiber) =>
    transactionOf(ambientSession(connection, fiber.context))?.status === "open"
      ? Effect.fail(transactionFailure(
        withSessionOperation,
        "a transaction is open, and another session would not belong to it: run it in withoutTransaction"
      ))
      : Effect.acquireUseRelease(
        Effect.suspend(() => openSession(connection, options)),
        (state) => provideAmbient(connection, { state, transaction: undefined }, self),
        closedSession(connection)
      )
  )

/**
 * The transaction that an operation would join now.
 *
 * @internal
 */
export const transactionOf = (ambient: AmbientSession | undefined): Transaction | undefined => {
  if (ambient === undefined) return undefined
  const { state, transaction } = ambient
  if (transaction !== undefined && transaction.status !== "left") return transaction
  return state.driver.inTransaction() ? state.transaction : undefined
}

/** Throws if the session can no longer be used: the driver would notice that only when it sends something. */
const checkOpen = (state: SessionState): void => {
  if (state.closed) throw new Driver.MongoExpiredSessionError()
  // The sessions of a client end with it.
  if (state.isLost || state.driver.hasEnded) throw new Driver.MongoClientClosedError()
}

/**
 * Starts a transaction at once.
 *
 * @internal
 */
export const start = (state: SessionState, options?: TransactionOptions): Exit.Exit<Transaction, MongoError> =>
  checkingNow(startTransaction, () => {
    checkOpen(state)
    checkGiven(options)
    state.driver.startTransaction(toDriverOptions(options))
    state.current.torn = state.current.unfinished = state.current.unanswered = false
    return state.transaction = new Transaction()
  })

const isReply = new Set(["MongoServerError", "MongoWriteConcernError"])

const unknownOutcome = "UnknownTransactionCommitResult"

/** The error of a commit that no server has answered: its outcome is unknown, and the label says so, as the specification asks. */
const unanswered = (cause: unknown): Driver.MongoError => {
  // The method decides, not the class: another copy of the driver has other classes.
  const error = Predicate.hasProperty(cause, "addErrorLabel")
    ? cause as Driver.MongoError
    : new Driver.MongoNetworkError("the connection broke before the commit was written", { cause: cause as Error })
  error.addErrorLabel(unknownOutcome)
  return error
}

/**
 * Sends a commit. Its error says whether its outcome is unknown: the driver leaves that out if the connection's pool was cleared
 * meanwhile, and throws another error if the connection was reset before it wrote.
 */
const send = async (state: SessionState, session: DriverSession, transaction: Transaction): Promise<void> => {
  let isSent = transaction.uncertain
  try {
    if (session === state.current) checkOpen(state)
    isSent = true
    await session.driver.commitTransaction()
    transaction.outcome = "committed"
    session.unfinished = false
  } catch (cause) {
    const name = cause instanceof Error ? cause.name : ""
    // Nothing was sent, since the calls came in the wrong order.
    if (name === "MongoTransactionError" || !isSent) throw cause
    const error = isReply.has(name) ? cause as Driver.MongoServerError : unanswered(cause)
    transaction.uncertain = error.hasErrorLabel(unknownOutcome)
    // After an error of its write concern the transaction is committed, after a transient error aborted.
    session.unfinished = name !== "MongoWriteConcernError" && !error.hasErrorLabel("TransientTransactionError")
    throw error
  }
}

const sendCommit = (connection: Connection, state: SessionState, session: DriverSession, transaction: Transaction) =>
  runIn(connection, undefined, commitTransaction, () => {
    transaction.sent = send(state, session, transaction)
    return transaction.sent
  })

/**
 * Begins a commit at its turn. An interrupted commit may have succeeded: a separate fiber repeats it until that is known, and the
 * interrupted fiber waits for it for a limited time.
 *
 * @internal
 */
export const commit = (
  connection: Connection,
  state: SessionState,
  transaction: Transaction,
  status: "left" | "ended"
): Effect.Effect<void, MongoError> => {
  const session = state.current
  transaction.status = status
  return Effect.onExitPrimitive(
    sendCommit(connection, state, session, transaction),
    (exit) =>
      Exit.isSuccess(exit) || !Cause.hasInterrupts(exit.cause) || transaction.sent === undefined
        ? undefined
        : Effect.flatMap(
          Effect.forkDetach(learnOutcome(connection, state, session, transaction), { startImmediately: true }),
          (fiber) =>
            outcomeOf(() =>
              endsSoon(connection, state, session, new Promise((resolve) => fiber.addObserver(resolve)), commitTimeout)
            )
        )
  )
}

/** Finds out the outcome of an interrupted commit, and runs what `afterCommit` has registered. */
const learnOutcome = (
  connection: Connection,
  state: SessionState,
  session: DriverSession,
  transaction: Transaction
): Effect.Effect<void> =>
  Effect.withFiber((fiber) =>
    Effect.gen(function*() {
      const deadline = serverMillis(fiber) + outcomeTimeout
      for (let attempt = 1;; attempt++) {
        const error = yield* outcomeOf(async () => transaction.sent)
        if (transaction.outcome === "committed") return yield* runAfterCommit(transaction)
        const wait = backoff(attempt, yield* Random.next)
        const isTimeLeft = serverMillis(fiber) + wait < deadline
        if (nextStep("commit", toMongoError(error, commitTransaction).reason, isTimeLeft) !== "commitAgain") break
        yield* serverSleep(wait)
        yield* Effect.exit(sendCommit(connection, state, session, transaction))
      }
      yield* outcomeOf(() => endOnServer(connection, session))
    })
  )

/**
 * Runs what `afterCommit` has registered: in order, once, whatever the outcome of each.
 *
 * @internal
 */
export const runAfterCommit = (transaction: Transaction): Effect.Effect<void> =>
  Effect.suspend(() => {
    const callbacks = transaction.afterCommit.splice(0)
    return callbacks.length === 0
      ? Effect.void
      : Effect.forEach(callbacks, (callback) => Effect.ignoreCause(callback, { log: "Unhandled" }), { discard: true })
  })

/** @internal */
export const commitExplicit = (connection: Connection, state: SessionState): Effect.Effect<void, MongoError> =>
  Effect.suspend(() => {
    const transaction = state.transaction ?? new Transaction()
    return Effect.onExit(
      inLineOnce(
        { state, transaction: undefined },
        commitTransaction,
        () => commit(connection, state, transaction, "left")
      ),
      () => transaction.outcome === "committed" ? runAfterCommit(transaction) : Effect.void
    )
  })

/** @internal */
export const abortExplicit = (connection: Connection, state: SessionState): Effect.Effect<void, MongoError> =>
  inLine(
    { state, transaction: undefined },
    abortTransaction,
    Effect.suspend(() => {
      const session = state.current
      let sent: Promise<void> | undefined
      return Effect.onInterrupt(
        runIn(connection, undefined, abortTransaction, () => {
          checkOpen(state)
          // The driver refuses to abort after a commit, which may be committed again, and without a transaction.
          if (!session.driver.inTransaction()) return session.driver.abortTransaction()
          if (state.transaction !== undefined) state.transaction.outcome = "aborted"
          closeTransaction(state, "left")
          return sent = endOnServer(connection, session)
        }),
        () => outcomeOf(async () => sent && endsSoon(connection, state, session, sent, abortTimeout))
      )
    })
  )

/**
 * Aborts what an attempt has left open, after its running operations have ended, or when the time is over.
 * The driver reports no error of an abort. In the end the server forgets the transaction by itself.
 *
 * @internal
 */
export const abort = (connection: Connection, state: SessionState): Effect.Effect<void> =>
  Effect.suspend(() => {
    closeTransaction(state)
    const session = state.current
    if (!session.driver.inTransaction()) return Effect.void
    let isSent = false
    const send = Effect.suspend(() => {
      // The other one waits for it, and no longer than it may take.
      if (isSent) return Effect.never
      isSent = true
      return Effect.ignore(runIn(connection, undefined, abortTransaction, () =>
        endsSoon(connection, state, session, endOnServer(connection, session), abortTimeout)))
    })
    return Effect.raceFirst(
      Effect.interruptible(session.line.inTurn(send)),
      Effect.andThen(pause(abortTimeout), send)
    )
  })

/** @internal */
export const afterCommit = <R>(
  connection: Connection,
  effect: Effect.Effect<void, never, R>
): Effect.Effect<void, never, R> =>
  Effect.withFiber<void, never, R>((fiber) => {
    const transaction = transactionOf(ambientSession(connection, fiber.context))
    const context = withAmbient(connection, undefined, fiber.context as Context.Context<R>)
    const callback = Effect.provideContext(effect, context)
    if (transaction === undefined || transaction.outcome === "committed") return callback
    // Also while the commit runs. After an abort, nothing runs the callback.
    transaction.afterCommit.push(callback)
    return Effect.void
  })
