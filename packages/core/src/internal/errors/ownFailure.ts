/**
 * Failures that mongofx finds itself, without an error that was thrown.
 */
import { MongoError, type MongoErrorReason } from "../../MongoError.ts"
import { namespaceOf, type Operation } from "../call/description.ts"
import { subjectOf } from "./fields.ts"

/** The class of a reason, by the fields of its constructor. */
type ReasonClass<Fields> = new(fields: Fields) => MongoErrorReason

/**
 * The fields of a reason besides operation, namespace and message. Labels and cause are optional.
 *
 * @internal
 */
export type OwnFields<Fields> =
  & Omit<Fields, "_tag" | "operation" | "namespace" | "message" | "cause">
  & { readonly cause?: unknown }

/**
 * A sentence about one of core's operations: it begins with the operation and its namespace.
 *
 * @internal
 */
export const sentenceOf = (operation: Operation, message: string): string =>
  `${subjectOf({ operation: operation.name, namespace: namespaceOf(operation) })}: ${message}`

/**
 * Makes a failure with the fields of every reason. Its message begins with the operation and its namespace.
 *
 * @internal
 */
export const failureOf = <Fields>(
  Reason: ReasonClass<Fields>,
  operation: string,
  namespace: string | undefined,
  message: string,
  fields: object | undefined
): MongoError => {
  const all = {
    operation,
    namespace,
    labels: [],
    message: `${subjectOf({ operation, namespace })}: ${message}`,
    cause: undefined,
    ...fields
  }
  return new MongoError({ reason: new Reason(all as Fields) })
}

/**
 * Makes a failure of one of core's operations.
 *
 * @internal
 */
export const ownFailure = <Fields>(
  Reason: ReasonClass<Fields>,
  operation: Operation,
  message: string,
  ...[fields]: object extends OwnFields<Fields> ? [fields?: OwnFields<Fields>] : [fields: OwnFields<Fields>]
): MongoError => failureOf(Reason, operation.name, namespaceOf(operation), message, fields)
