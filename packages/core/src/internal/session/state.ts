import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Semaphore from "effect/Semaphore"
import * as Driver from "mongodb"
import { type MongoError, TransactionError } from "../../MongoError.ts"
import type { Operation } from "../call/description.ts"
import { ownFailure } from "../errors/ownFailure.ts"
import { toMongoError } from "../errors/toMongoError.ts"

/**
 * A transaction from its start to its end: one attempt of `withTransaction`, or what an explicit session has started.
 *
 * @internal
 */
export class Transaction {
  /**
   * `left` when the body of a `withTransaction` has committed or aborted it: what follows in the body is in the session only.
   * `ended` for all, so that fibers that outlive it find out.
   */
  status: "open" | "left" | "ended" = "open"
  /** What the server has confirmed of its end. An interrupted commit may still have succeeded. */
  outcome: "committed" | "aborted" | undefined
  /** The commit that was sent last. It resolves to what it failed with. */
  sent: Promise<unknown> | undefined
  /** A commit was sent of which nobody knows what became. */
  uncertain = false
  /** The first failure of an operation that the server may have aborted the transaction for. */
  failure: MongoError | undefined
  readonly afterCommit: Array<Effect.Effect<void>> = []
}

/**
 * A session of the driver, with what is known of its transaction on the server. The driver and the server allow one operation
 * at a time.
 *
 * @internal
 */
export class DriverSession {
  readonly driver: Driver.ClientSession
  readonly line = Semaphore.makeUnsafe(1)
  /** An operation of the transaction was interrupted: the server may begin with it only after the abort. */
  torn = false
  /** A commit has failed and may have left the transaction open. */
  unfinished = false
  /** No server has answered to an abort: the transaction may still be open. */
  unanswered = false
  /** The last end of a transaction on the server. There is one at a time: two would get in each other's way. */
  ending: Promise<unknown> = Promise.resolve()

  constructor(driver: Driver.ClientSession) {
    this.driver = driver
  }
}

/**
 * A session of mongofx: a session of the driver, and another one when that is kept by what does not end.
 *
 * @internal
 */
export class SessionState {
  current: DriverSession
  transaction: Transaction | undefined
  closed = false
  /** Whether queries were opened in it, of which cursors may be left on the server. */
  hasRead = false
  /** Its client closes, and has ended its transaction. */
  isLost = false
  /** How often connections of its client had broken before it began. */
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

  /** Leaves its session of the driver to what is still going on in it, and goes on in a fresh one, after the same times. */
  renew(): void {
    const { clusterTime, operationTime } = this.driver
    const driver = this.open()
    if (clusterTime !== undefined) driver.clusterTime = clusterTime
    if (operationTime !== undefined) driver.operationTime = operationTime
    this.current = new DriverSession(driver)
    this.transaction = undefined
  }

  /** Remembers what an operation of the transaction has failed with. */
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

const interrupted = "it was interrupted on its way, with which the server aborts its transaction"

/** Whether the server may have aborted the transaction with an error. What it has not even seen changes nothing there. */
const mayAbort = ({ reason }: MongoError): boolean =>
  reason.code !== undefined || reason._tag === "ConnectionError" || reason._tag === "BulkWriteError"

/**
 * The session that operations of one client join without being told, and the transaction of it that they belong to.
 *
 * @internal
 */
export interface AmbientSession {
  readonly state: SessionState
  readonly transaction: Transaction | undefined
}

/**
 * A failure of a transaction that mongofx itself finds.
 *
 * @internal
 */
export const transactionFailure = (
  operation: Operation,
  message: string,
  kind: TransactionError["kind"] = "misused"
): MongoError => ownFailure(TransactionError, operation, message, { kind })

const ended =
  "its transaction has ended; a fiber that outlives a transaction cannot go on in it (see withoutTransaction)"

/**
 * Runs an operation when it is its turn in the session, and only while its transaction lasts.
 *
 * @internal
 */
export const inLine = <A>(
  ambient: AmbientSession | undefined,
  operation: Operation,
  effect: Effect.Effect<A, MongoError>
): Effect.Effect<A, MongoError> => {
  if (ambient === undefined) return effect
  const { state, transaction } = ambient
  const whileOpen = Effect.suspend(() =>
    state.isLost
      ? Effect.fail(toMongoError(new Driver.MongoClientClosedError(), operation))
      : transaction?.status === "ended"
      ? Effect.fail(transactionFailure(operation, ended))
      : Effect.onExitPrimitive(effect, (exit) => {
        if (Exit.isFailure(exit)) state.note(operation, exit.cause)
        return undefined
      })
  )
  return state.current.line.withPermit(whileOpen)
}
