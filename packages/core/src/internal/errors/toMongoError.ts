/**
 * Makes the error that an operation fails with, whatever was thrown.
 */
import { MongoError } from "../../MongoError.ts"
import { isSingleWrite, namespaceOf, onlyReads, type Operation } from "../call/description.ts"
import { classify } from "./classify.ts"

/**
 * Makes the error of an operation: the reason of what was thrown, with what is known of the operation.
 *
 * @param sends How many commands of the operation were handed to a connection, if that is known.
 * @internal
 */
export const toMongoError = (
  cause: unknown,
  operation: Operation,
  secrets?: ReadonlyArray<string>,
  sends?: number
): MongoError =>
  new MongoError({
    reason: classify(cause, {
      operation: operation.name,
      namespace: namespaceOf(operation),
      reads: onlyReads(operation),
      isSingle: isSingleWrite(operation),
      sends,
      secrets
    })
  })
