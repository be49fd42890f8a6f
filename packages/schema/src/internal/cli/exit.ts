/**
 * How a command ends: the codes that a pipeline reads.
 */
import * as Data from "effect/Data"
import * as Runtime from "effect/Runtime"

/**
 * What a command has found. `ok` is nothing to do, or everything done.
 *
 * @internal
 */
export type Outcome = "ok" | "failed" | "pending" | "findings" | "unconfirmed"

/** @internal */
export const codes: { readonly [outcome in Outcome]: number } = {
  ok: 0,
  failed: 1,
  pending: 2,
  findings: 3,
  unconfirmed: 4
}

/** What a person has to look at hides what a command can do, and a failure hides both. */
const ranks: ReadonlyArray<Outcome> = ["ok", "pending", "findings", "unconfirmed", "failed"]

/**
 * The outcome of several parts.
 *
 * @internal
 */
export const worst = (outcomes: Iterable<Outcome>): Outcome => {
  let rank = 0
  for (const outcome of outcomes) rank = Math.max(rank, ranks.indexOf(outcome))
  return ranks[rank]!
}

/** Ends the process with the code of an outcome. The command has printed everything, so the runtime reports nothing. */
export class CliExit extends Data.TaggedError("CliExit")<{
  /** What the command has found. */
  readonly outcome: Exclude<Outcome, "ok">
  /** What has failed, if the outcome is `failed`. */
  readonly cause?: unknown
}> {
  /** The exit code. */
  get code(): number {
    return codes[this.outcome]
  }
  override get message(): string {
    return `the command ended with the exit code ${this.code} (${this.outcome})`
  }
  override get [Runtime.errorExitCode](): number {
    return this.code
  }
  override readonly [Runtime.errorReported]: boolean = false
}
