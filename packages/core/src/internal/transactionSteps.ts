import type { MongoError } from "../MongoError.ts"

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
  const { labels, _tag } = error.reason
  if (phase === "commit" && labels.includes("UnknownTransactionCommitResult") && _tag !== "MaxTimeExpiredError") {
    return "commitAgain"
  }
  return labels.includes("TransientTransactionError") ? "runAgain" : "fail"
}
