/**
 * Finds the reason of whatever was thrown.
 */
import * as Reasons from "../../MongoError.ts"
import { classifyBulk, classifyClientBulk } from "./bulk.ts"
import type { ClassifyContext } from "./fields.ts"
import { classifySingle } from "./single.ts"
import { read, text } from "./thrown.ts"

/** Turns a reason of another copy of the package into one of this copy, whose schemas take only their own. */
const ownReason = (reason: Reasons.MongoErrorReason): Reasons.MongoErrorReason => {
  const Class = Reasons.MongoErrorReason.members.find((member) =>
    member.fields._tag.schema.literal === reason._tag
  ) as unknown as new(fields: object) => Reasons.MongoErrorReason
  if (reason instanceof Class) return reason
  // Not all fields are enumerable.
  const fields = Object.keys((Class as unknown as typeof Reasons.BulkWriteError).fields) as ReadonlyArray<
    keyof typeof reason
  >
  return new Class(Object.fromEntries(fields.map((field) => [field, reason[field]])))
}

/**
 * Finds the reason of whatever the driver, BSON or a callback threw: pure, and total over `unknown`.
 *
 * @internal
 */
export const classify = (cause: unknown, context: ClassifyContext): Reasons.MongoErrorReason => {
  try {
    if (Reasons.isMongoError(cause)) return ownReason(cause.reason)
    if (Reasons.isMongoErrorReason(cause)) return ownReason(cause)
    const name = read(cause, "name")
    if (name === "MongoBulkWriteError") return classifyBulk(cause, context)
    if (name === "MongoClientBulkWriteError") return classifyClientBulk(cause, context)
    return classifySingle(cause, context)
  } catch {
    // Nothing can be read from a value hostile enough to break the code above.
    return new Reasons.UnknownError({
      operation: text(context.operation) ?? "unknown",
      namespace: text(context.namespace),
      message: `${text(context.operation) ?? "unknown"}: something was thrown that cannot be described`,
      cause: undefined
    })
  }
}
