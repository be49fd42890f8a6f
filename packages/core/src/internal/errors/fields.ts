/**
 * What every reason has: read from what was thrown, and from what is known of the operation.
 */
import * as Redacted from "effect/Redacted"
import type { WriteErrorReason } from "../../MongoError.ts"
import { isMarked } from "./codes.ts"
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
  /** Whether the operation is one write to one document, or a command that is done as a whole or not at all. */
  readonly isSingle?: boolean | undefined
  /** How many commands were handed to a connection; `undefined` where nobody counts. */
  readonly sends?: number | undefined
  /** Texts that must appear nowhere, besides the credentials of URIs. */
  readonly secrets?: ReadonlyArray<string> | undefined
}

/**
 * How every message begins: the operation, and what it works on.
 *
 * @internal
 */
export const subjectOf = ({ namespace, operation }: ClassifyContext): string =>
  namespace === undefined ? operation : `${operation} on ${namespace}`

/**
 * The fields that every reason is made of.
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

/** The reply that the driver keeps with its error: of a bulk write it may be an error of its own. */
const responseOf = (cause: unknown): Fields["response"] => {
  const response = read(cause, "errorResponse")
  const reply = response instanceof Error ? read(response, "errorResponse") : response
  return typeof reply === "object" && reply !== null && read(reply, "ok") !== undefined
    ? Redacted.make(reply as Readonly<Record<string, unknown>>, { label: "response" })
    : undefined
}

/**
 * Whether nothing was changed for certain. What a server answers counts only for the only attempt: of one before it nobody knows what
 * became of it. (The label `NoWritesPerformed` is good for all of them, since the driver keeps the first error otherwise.)
 */
const isNothingDone = (code: number | undefined, { isSingle, reads, sends }: ClassifyContext): true | undefined =>
  reads === true || sends === 0 || isSingle === true && sends === 1 && isMarked(code, "refused")
    ? true
    : undefined

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
    codeName: text(read(cause, "codeName")),
    labels: labelsOf(cause),
    response: responseOf(cause),
    cause: redactCause(cause, context.secrets),
    message: `${subjectOf(context)}: ${shown}`
  }
}

/**
 * Makes one kind of error a reason.
 *
 * @internal
 */
export type Rule = (cause: unknown, fields: Fields, context: ClassifyContext) => WriteErrorReason
