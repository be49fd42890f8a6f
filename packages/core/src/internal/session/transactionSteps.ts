import type { MongoErrorReason } from "../../MongoError.ts"
import { ServerCode } from "../errors/codes.ts"

/** How long a transaction may be run again after its start: milliseconds, as the driver specification says. */
export const defaultMaxDuration = 120_000

const initialBackoff = 5
const maxBackoff = 500

/**
 * How long to wait before an attempt is run again, in milliseconds. `attempt` counts from 1, `jitter` lies between 0 and 1.
 *
 * After the driver specification "Convenient API for Transactions".
 *
 * @internal
 */
export const backoff = (attempt: number, jitter: number): number =>
  jitter * Math.min(initialBackoff * 1.5 ** attempt, maxBackoff)

/**
 * Whether no server has answered. The specification has the driver label this as transient in a transaction, but it leaves
 * the label out when the connection's pool has been cleared meanwhile, and when it finds no server. A server that is too old or
 * too new has answered.
 */
const isUnanswered = (reason: MongoErrorReason): boolean =>
  reason._tag === "ConnectionError" && reason.kind !== "incompatible"

/**
 * Whether a failure of the body is worth another run of it.
 *
 * @internal
 */
export const isTransient = (reason: MongoErrorReason): boolean =>
  reason.labels.includes("TransientTransactionError") || isUnanswered(reason)

/**
 * Whether a failure says only that the transaction was aborted before. `first` is the first failure of an operation in it: if that is
 * another one, it is what the server has aborted the transaction for.
 *
 * @internal
 */
export const isConsequence = (reason: MongoErrorReason | undefined, first: MongoErrorReason | undefined): boolean =>
  first !== undefined && reason !== undefined && reason !== first && reason.code === ServerCode.NoSuchTransaction.code

/**
 * What follows on a failure of the body or of the commit, after the same specification.
 *
 * @internal
 */
export const nextStep = (
  phase: "body" | "commit",
  reason: MongoErrorReason | undefined,
  timeLeft: boolean
): "runAgain" | "commitAgain" | "fail" => {
  if (reason === undefined || !timeLeft) return "fail"
  // A client that is closed does not open again, whatever became of the commit.
  if (reason._tag === "ClientClosedError") return "fail"
  // Its own `maxCommitTime` has run out. By the code, not by the kind of error: it may be a write concern's, and other time limits are worth another commit.
  if (
    phase === "commit" && reason.labels.includes("UnknownTransactionCommitResult") &&
    reason.code !== ServerCode.MaxTimeMSExpired.code
  ) {
    return "commitAgain"
  }
  const isWorthIt = phase === "body" ? isTransient(reason) : reason.labels.includes("TransientTransactionError")
  return isWorthIt ? "runAgain" : "fail"
}
