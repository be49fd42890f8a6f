import * as Effect from "effect/Effect"
import * as Semaphore from "effect/Semaphore"
import type * as Driver from "mongodb"
import { MongoError, TransactionError } from "../MongoError.ts"
import { type Operation, ownFailure } from "./naming.ts"

/**
 * A transaction from its start to its end: one attempt of `withTransaction`, or what an explicit session has started.
 *
 * @internal
 */
export class Transaction {
  /** False once it is committed or aborted: fibers that outlive it find out here. */
  open = true
  /** Set by the commit itself, since an interrupted commit may still have succeeded. */
  committed = false
  readonly afterCommit: Array<Effect.Effect<void>> = []
}

/**
 * A session of the driver and the order of its operations: the driver and the server allow one at a time.
 *
 * @internal
 */
export class SessionState {
  readonly driver: Driver.ClientSession
  readonly line = Semaphore.makeUnsafe(1)
  transaction: Transaction | undefined
  /** An operation of the transaction was interrupted: the server may begin with it only after the abort. */
  torn = false

  constructor(driver: Driver.ClientSession) {
    this.driver = driver
  }
}

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
export const transactionFailure = (operation: Operation, message: string): MongoError =>
  new MongoError({ reason: new TransactionError({ ...ownFailure(operation, message), kind: "misused" }) })

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
    transaction === undefined || transaction.open
      ? Effect.onInterrupt(effect, () =>
        Effect.sync(() => {
          state.torn ||= state.driver.inTransaction()
        }))
      : Effect.fail(transactionFailure(operation, ended))
  )
  return state.line.withPermit(whileOpen)
}
