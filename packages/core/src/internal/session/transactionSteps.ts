import type { MongoErrorReason } from "../../MongoError.ts"
import { ServerCode } from "../errors/codes.ts"

/** How long after its start a transaction may run again, in milliseconds, as the driver specification says. */
export const defaultMaxDuration = 120_000

const initialBackoff = 5
const maxBackoff = 500

/**
 * How long to wait before the next attempt, in milliseconds. `attempt` counts from 1, `jitter` is between 0 and 1.
 *
 * It follows the driver specification "Convenient API for Transactions".
 *
 * @internal
 */
export const backoff = (attempt: number, jitter: number): number =>
  jitter * Math.min(initialBackoff * 1.5 ** attempt, maxBackoff)

/**
 * Whether no server has answered. By the specification the driver labels this as transient in a transaction. But it leaves
 * the label out when the connection's pool was cleared meanwhile, and when it finds no server. A server that is too old or
 * too new has answered.
 */
const isUnanswered = (reason: MongoErrorReason): boolean =>
  reason._tag === "ConnectionError" && reason.kind !== "incompatible"

/**
 * Whether the body should run again after its failure.
 *
 * @internal
 */
export const isTransient = (reason: MongoErrorReason): boolean =>
  reason.labels.includes("TransientTransactionError") || isUnanswered(reason)

/**
 * Whether a failure says only that the transaction was aborted earlier. `first` is the first failure of an operation in it: if that is
 * another failure, the server has aborted the transaction because of it.
 *
 * @internal
 */
export const isConsequence = (reason: MongoErrorReason | undefined, first: MongoErrorReason | undefined): boolean =>
  first !== undefined && reason !== undefined && reason !== first && reason.code === ServerCode.NoSuchTransaction.code

/**
 * What to do after a failure of the body or of the commit, by the same specification.
 *
 * @internal
 */
export const nextStep = (
  phase: "body" | "commit",
  reason: MongoErrorReason | undefined,
  timeLeft: boolean
): "runAgain" | "commitAgain" | "fail" => {
  if (reason === undefined || !timeLeft) return "fail"
  // A closed client does not open again, whatever became of the commit.
  if (reason._tag === "ClientClosedError") return "fail"
  // When its own `maxCommitTime` has run out, the commit is not sent again. The code decides, not the kind of error: it may be that of a
  // write concern, and after other time limits another commit makes sense.
  if (
    phase === "commit" && reason.labels.includes("UnknownTransactionCommitResult") &&
    reason.code !== ServerCode.MaxTimeMSExpired.code
  ) {
    return "commitAgain"
  }
  const isWorthIt = phase === "body" ? isTransient(reason) : reason.labels.includes("TransientTransactionError")
  return isWorthIt ? "runAgain" : "fail"
}
