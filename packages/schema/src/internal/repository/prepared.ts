/** Makes a document to insert, and what a read of it gives. */
import { Integration, type MongoCollection } from "@mongofx/core"
import * as Effect from "effect/Effect"
import * as Driver from "mongodb"
import type { Origin } from "../collection/failures.ts"
import { insertion } from "../collection/insert.ts"
import type { Shape } from "../collection/shape.ts"
import { bytesOf, decodeOne } from "../query/decodeBatch.ts"

/** The bytes of a document; `undefined` if BSON cannot store it. */
const serialized = (document: Driver.Document): Uint8Array | undefined => {
  try {
    return Driver.BSON.serialize(document, { ignoreUndefined: true })
  } catch {
    return undefined
  }
}

/**
 * A document to insert, and what a read of it gives.
 *
 * @internal
 */
export const prepared = (
  shape: Shape,
  collection: MongoCollection.MongoCollection,
  origin: Origin,
  value: unknown,
  path: string
) =>
  Effect.flatMapEager(insertion(shape, origin, value, path), ({ document }) => {
    const bytes = bytesOf(shape.codec, collection, undefined)
    const stored = bytes === undefined ? document : serialized(document)
    // The insert refuses what BSON cannot store, and says why.
    if (stored === undefined) return Effect.succeed({ document, read: undefined })
    return Effect.matchEffect(decodeOne<unknown, never>(origin, bytes ?? shape.codec, stored), {
      onFailure: (error) =>
        Integration.isStorable(document) ? Effect.fail(error) : Effect.succeed({ document, read: undefined }),
      onSuccess: (read) => Effect.succeed({ document, read })
    })
  })
