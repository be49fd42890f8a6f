/**
 * The documents of a server's error that are bytes.
 */
import * as Driver from "mongodb"

/**
 * Reads the documents of a server's error that the driver has left as bytes: it does so where it was asked for the bytes of documents.
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
