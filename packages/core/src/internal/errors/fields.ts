/**
 * The fields of every reason: read from what was thrown, and from what is known of the operation.
 */
import * as Redacted from "effect/Redacted"
import type { WriteErrorReason } from "../../MongoError.ts"
import { isMarked, nameOf } from "./codes.ts"
import { isReply, redactCause, redactCredentials, redactValues } from "./redact.ts"
import { codeOf, describe, read, text } from "./thrown.ts"

/**
 * What is known of the operation that failed.
 *
 * @internal
 */
export interface ClassifyContext {
  readonly operation: string
  readonly namespace?: string | undefined
  /** Whether the operation changes nothing. */
  readonly reads?: boolean | undefined
  /** Whether the operation is one write to one document, or a command that the server does completely or not at all. */
  readonly isSingle?: boolean | undefined
  /** How many commands were handed to a connection; `undefined` when nobody counts them. */
  readonly sends?: number | undefined
  /** Texts that must never appear. The credentials of URIs never appear either. */
  readonly secrets?: ReadonlyArray<string> | undefined
}

/**
 * The beginning of every message: the operation and its namespace.
 *
 * @internal
 */
export const subjectOf = ({ namespace, operation }: ClassifyContext): string =>
  namespace === undefined ? operation : `${operation} on ${namespace}`

/**
 * The fields of every reason.
 *
 * @internal
 */
export interface Fields {
  readonly operation: string
  readonly nothingDone: true | undefined
  readonly namespace: string | undefined
  readonly code: number | undefined
  readonly codeName: string | undefined
  readonly labels: ReadonlyArray<string>
  readonly response: Redacted.Redacted<Readonly<Record<string, unknown>>> | undefined
  readonly cause: unknown
  readonly message: string
}

const labelsOf = (cause: unknown): ReadonlyArray<string> => {
  const labels = read(cause, "errorLabels")
  return Array.isArray(labels) ? labels.filter((label) => typeof label === "string") : []
}

/** The reply that the driver keeps with its error. For a bulk write it may be inside another error. */
const responseOf = (cause: unknown): Fields["response"] => {
  const response = read(cause, "errorResponse")
  const reply = response instanceof Error ? read(response, "errorResponse") : response
  return typeof reply === "object" && reply !== null && read(reply, "ok") !== undefined
    ? Redacted.make(reply as Readonly<Record<string, unknown>>, { label: "response" })
    : undefined
}

/**
 * Whether certainly nothing was changed. A server's answer decides only if there was one attempt: nobody knows the outcome of an earlier
 * one. (The label `NoWritesPerformed` speaks for all attempts, since the driver keeps the first error otherwise.)
 */
const isNothingDone = (code: number | undefined, { isSingle, reads, sends }: ClassifyContext): true | undefined =>
  reads === true || sends === 0 || isSingle === true && sends === 1 && isMarked(code, "refused")
    ? true
    : undefined

/**
 * The name of a thrown code: the server's, or that of the table if the server sent none, as with the errors of single writes.
 *
 * @internal
 */
export const codeNameOf = (cause: unknown): string | undefined => text(read(cause, "codeName")) ?? nameOf(codeOf(cause))

/** @internal */
export const fieldsOf = (cause: unknown, context: ClassifyContext): Fields => {
  const name = text(read(cause, "name")) ?? ""
  const own = describe(cause)
  const code = codeOf(cause)
  const shown = redactCredentials(isReply(name) || !(cause instanceof Error) ? redactValues(own) : own, context.secrets)
  return {
    operation: context.operation,
    namespace: context.namespace,
    nothingDone: isNothingDone(code, context),
    code,
    codeName: codeNameOf(cause),
    labels: labelsOf(cause),
    response: responseOf(cause),
    cause: redactCause(cause, context.secrets),
    message: `${subjectOf(context)}: ${shown}`
  }
}

/**
 * Turns one kind of error into a reason.
 *
 * @internal
 */
export type Rule = (cause: unknown, fields: Fields, context: ClassifyContext) => WriteErrorReason
