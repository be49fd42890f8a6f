/**
 * Failures that mongofx finds itself, with the fields that every reason has.
 */
import { namespaceOf, type Operation } from "../call/description.ts"
import { subjectOf } from "./classify.ts"

/**
 * The fields of a reason for a failure of an operation that mongofx itself finds.
 *
 * @internal
 */
export const ownFailure = (operation: Operation, message: string) => {
  const namespace = namespaceOf(operation)
  return {
    operation: operation.name,
    namespace,
    labels: [],
    message: `${subjectOf({ operation: operation.name, namespace })}: ${message}`,
    cause: undefined
  }
}
