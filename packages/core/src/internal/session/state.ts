import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Driver from "mongodb"
import { type MongoError, TransactionError } from "../../MongoError.ts"
import type { Operation } from "../call/description.ts"
import { Line } from "../call/line.ts"
import { ownFailure } from "../errors/ownFailure.ts"
import { toMongoError } from "../errors/toMongoError.ts"

/**
 * A transaction from its start to its end: one attempt of `withTransaction`, or a transaction that an explicit session has started.
 *
 * @internal
 */
export class Transaction {
  /**
   * `left` when the body of a `withTransaction` has committed or aborted it: the rest of the body runs only in the session.
   * `ended` for everybody, so that fibers that outlive it notice.
   */
  status: "open" | "left" | "ended" = "open"
  /** The end that the server has confirmed. An interrupted commit may still have succeeded. */
  outcome: "committed" | "aborted" | undefined
  /** The last commit that was sent. */
  sent: Promise<void> | undefined
  /** Whether a commit was sent whose outcome nobody knows. */
  uncertain = false
  /** The first failure of an operation because of which the server may have aborted the transaction. */
  failure: MongoError | undefined
  readonly afterCommit: Array<Effect.Effect<void>> = []
}

/**
 * A session of the driver, with what is known about its transaction on the server. The driver and the server allow one operation
 * at a time.
 *
 * @internal
 */
export class DriverSession {
  readonly driver: Driver.ClientSession
  readonly line = new Line()
  /** Whether an operation of the transaction was interrupted: the server may begin it only after the abort. */
  torn = false
  /** Whether a commit has failed and may have left the transaction open. */
  unfinished = false
  /** Whether no server has answered an abort: the transaction may still be open. */
  unanswered = false
  /** The last end of a transaction on the server, while it runs. Only one runs at a time: two would disturb each other. */
  ending: Promise<unknown> | undefined

  constructor(driver: Driver.ClientSession) {
    this.driver = driver
  }
}

/**
 * A session of mongofx: a session of the driver, and a fresh one when something unfinished keeps the first.
 *
 * @internal
 */
export class SessionState {
  current: DriverSession
  transaction: Transaction | undefined
  closed = false
  /** Whether queries were opened in it, whose cursors may be left on the server. */
  hasRead = false
  /** Whether its client closes, and has ended its transaction. */
  isLost = false
  /** How many connections of its client had broken before it began. */
  readonly breaks: number
  /** Ends its transaction because its client closes. Never rejects. */
  readonly shutDown: () => Promise<void>
  private readonly open: () => Driver.ClientSession

  constructor(open: () => Driver.ClientSession, breaks: number, shutDown: () => Promise<void>) {
    this.open = open
    this.breaks = breaks
    this.shutDown = shutDown
    this.current = new DriverSession(open())
  }

  get driver(): Driver.ClientSession {
    return this.current.driver
  }

  /** Leaves the driver's session to what still runs in it, and goes on in a fresh one with the same cluster and operation times. */
  renew(): void {
    const { clusterTime, operationTime } = this.driver
    const driver = this.open()
    if (clusterTime !== undefined) driver.clusterTime = clusterTime
    if (operationTime !== undefined) driver.operationTime = operationTime
    this.current = new DriverSession(driver)
    this.transaction = undefined
  }

  /** Remembers the failure of an operation in the transaction. */
  note(operation: Operation, cause: Cause.Cause<MongoError>): void {
    if (!this.driver.inTransaction()) return
    const { transaction } = this
    const error = Cause.findErrorOption(cause)
    if (error._tag === "None") {
      this.current.torn = true
      if (transaction !== undefined) transaction.failure ??= transactionFailure(operation, interrupted, "aborted")
    } else if (transaction !== undefined && mayAbort(error.value)) transaction.failure ??= error.value
  }
}

const interrupted = "it was interrupted while it ran, so the server aborts its transaction"

/** Whether the server may have aborted the transaction with an error. An operation that never reached it changes nothing there. */
const mayAbort = ({ reason }: MongoError): boolean =>
  reason.code !== undefined || reason._tag === "ConnectionError" || reason._tag === "BulkWriteError"

/**
 * The session that operations of one client join automatically, and their transaction in it.
 *
 * @internal
 */
export interface AmbientSession {
  readonly state: SessionState
  readonly transaction: Transaction | undefined
}

/**
 * Makes a failure of a transaction that mongofx itself finds.
 *
 * @internal
 */
export const transactionFailure = (
  operation: Operation,
  message: string,
  kind: TransactionError["kind"] = "misused"
): MongoError => ownFailure(TransactionError, operation, message, { kind })

const ended = "its transaction has ended: wait for its fibers before it ends, or run them in withoutTransaction"

/**
 * Runs an operation at its turn in the session, and only while its transaction lasts.
 *
 * @internal
 */
export const inLine = <A>(
  ambient: AmbientSession | undefined,
  operation: Operation,
  effect: Effect.Effect<A, MongoError>
): Effect.Effect<A, MongoError> =>
  ambient === undefined ? effect : Effect.suspend(() => inLineOnce(ambient, operation, () => effect))

/**
 * Like `inLine`, as an effect that can run only once.
 *
 * @param begin - runs when it is the operation's turn
 * @internal
 */
export const inLineOnce = <A>(
  { state, transaction }: AmbientSession,
  operation: Operation,
  begin: () => Effect.Effect<A, MongoError>
): Effect.Effect<A, MongoError> =>
  state.current.line.once(
    () =>
      state.isLost
        ? Effect.fail(toMongoError(new Driver.MongoClientClosedError(), operation))
        : transaction?.status === "ended"
        ? Effect.fail(transactionFailure(operation, ended))
        : begin(),
    (exit) => state.note(operation, exit.cause)
  )
