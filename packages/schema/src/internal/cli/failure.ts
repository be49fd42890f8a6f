/**
 * Failures in words: what a person reads, and what a pipeline gets. Neither has a stack, credentials or values of documents.
 */
import { Integration, type MongoError } from "@mongofx/core"
import * as Cause from "effect/Cause"
import * as Data from "effect/Data"
import * as Predicate from "effect/Predicate"
import type { Outcome } from "./exit.ts"
import { printableLines } from "./paint.ts"

/** What a command refuses by itself. */
export class CommandError extends Data.TaggedError("CommandError")<{
  readonly kind: "NoDocuments" | "Unconfirmed" | "UnknownCollection"
  readonly message: string
}> {}

const isCommandError = (u: unknown): u is CommandError => Predicate.isTagged(u, "CommandError")

/** @internal */
export interface Described {
  /** The tag of the error, or of its reason. */
  readonly kind: string
  readonly message: string
  /** What to do. */
  readonly hint?: string | undefined
}

const isMongoError = (u: unknown): u is MongoError.MongoError => Predicate.isTagged(u, "MongoError")

const isUnreachable = (error: MongoError.MongoError): boolean => error.reason._tag === "ConnectionError"

const messageOf = (error: unknown): string => {
  // It has one message for all that is missing, inside of another error's text.
  if (Predicate.isTagged(error, "ConfigError") && Predicate.hasProperty(error, "cause")) {
    return `the configuration is incomplete: ${messageOf(error.cause)}`
  }
  if (typeof error === "string") return error
  if (Predicate.hasProperty(error, "message") && typeof error.message === "string" && error.message !== "") {
    return error.message
  }
  return Predicate.hasProperty(error, "_tag") ? `failed with ${String(error._tag)}` : "failed for an unknown reason"
}

const kindOf = (error: unknown): string => {
  if (isMongoError(error)) return error.reason._tag
  if (isCommandError(error)) return error.kind
  if (Predicate.hasProperty(error, "_tag")) return String(error._tag)
  return error instanceof Error ? error.name : "Error"
}

const clean = (text: string): string => printableLines(Integration.redactCredentials(text))

/** @internal */
export const describe = (error: unknown): Described => ({
  kind: kindOf(error),
  message: clean(messageOf(error)),
  ...isMongoError(error) && isUnreachable(error)
    ? { hint: "check that the server runs, and that the URL names it" }
    : undefined
})

/**
 * What ended a program that was not interrupted. A defect is a mistake of a program, so its stack is `detail`.
 *
 * @internal
 */
export const describeCause = (cause: Cause.Cause<unknown>): Described & { readonly detail?: string | undefined } => {
  const error = Cause.squash(cause)
  if (Cause.hasFails(cause)) return describe(error)
  return {
    kind: "Defect",
    message: clean(messageOf(error)),
    ...error instanceof Error && error.stack !== undefined ? { detail: clean(error.stack) } : undefined
  }
}

/** What a person has to look at, since no command repairs it: the migrations that are recorded are not those of the program. */
const recordedOtherwise: ReadonlySet<unknown> = new Set(["Changed", "OutOfOrder", "Unknown"])

/**
 * The outcome of a command that ends with an error.
 *
 * @internal
 */
export const outcomeOf = (error: unknown): Exclude<Outcome, "ok" | "pending"> => {
  if (isCommandError(error)) return error.kind === "Unconfirmed" ? "unconfirmed" : "failed"
  const isDrift = Predicate.isTagged(error, "MigrationError") && Predicate.hasProperty(error, "kind") &&
    recordedOtherwise.has(error.kind)
  return isDrift ? "findings" : "failed"
}
