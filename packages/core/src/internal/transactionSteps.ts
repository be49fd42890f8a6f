import type { MongoError } from "../MongoError.ts"

/** How long a transaction may be run again after its start: milliseconds, as the driver specification says. */
export const defaultMaxDuration = 120_000

const initialBackoff = 5
const maxBackoff = 500

/** The commit's own `maxCommitTime` has run out. */
const maxTimeExpired = 50

/**
 * How long to wait before an attempt is run again, in milliseconds. `attempt` counts from 1, `jitter` lies between 0 and 1.
 *
 * After the driver specification "Convenient API for Transactions".
 *
 * @internal
 */
export const backoff = (attempt: number, jitter: number): number =>
  jitter * Math.min(initialBackoff * 1.5 ** attempt, maxBackoff)

const unanswered = new Set(["network", "timeout", "poolCleared", "serverSelection"])

/**
 * Whether no server has answered. The specification has the driver label this as transient in a transaction, but it leaves
 * the label out when the connection's pool has been cleared meanwhile, and when it finds no server.
 */
const isUnanswered = ({ reason }: MongoError): boolean =>
  reason._tag === "ConnectionError" && unanswered.has(reason.kind)

/**
 * What follows on a failure of the body or of the commit, after the same specification.
 *
 * @internal
 */
export const nextStep = (
  phase: "body" | "commit",
  error: MongoError | undefined,
  timeLeft: boolean
): "runAgain" | "commitAgain" | "fail" => {
  if (error === undefined || !timeLeft) return "fail"
  const { code, labels } = error.reason
  // By the code, not by the kind of error: it may be a write concern's, and other time limits are worth another commit.
  if (phase === "commit" && labels.includes("UnknownTransactionCommitResult") && code !== maxTimeExpired) {
    return "commitAgain"
  }
  return labels.includes("TransientTransactionError") || phase === "body" && isUnanswered(error) ? "runAgain" : "fail"
}
