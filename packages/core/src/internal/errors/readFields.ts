/**
 * Documents in a server's error that the driver left as bytes.
 */
import * as Driver from "mongodb"

/**
 * Decodes the documents in a server's error that the driver left as bytes, because the operation asked for documents as bytes.
 *
 * @internal
 */
export const readFields = (error: unknown): void => {
  if (!(error instanceof Driver.MongoServerError)) return
  for (const fields of [error, error.errorResponse] as ReadonlyArray<Driver.Document>) {
    for (const [key, value] of Object.entries(fields)) {
      if (value instanceof Uint8Array) fields[key] = Driver.BSON.deserialize(value)
    }
  }
}
