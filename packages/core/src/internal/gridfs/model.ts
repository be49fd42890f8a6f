import * as Effect from "effect/Effect"
import * as Driver from "mongodb"
import type { MongoCollection } from "../../MongoCollection.ts"
import { GridFSError, type MongoError } from "../../MongoError.ts"
import type { Operation } from "../call/description.ts"
import { ownFailure } from "../errors/ownFailure.ts"

/**
 * The document of a file. Its id may have any type, but the driver's types of filters need one.
 *
 * @internal
 */
export interface StoredFile {
  readonly _id: Driver.ObjectId
  readonly length: number
  readonly chunkSize: number
  readonly uploadDate: Date
  readonly filename: string
  readonly metadata?: Driver.Document | undefined
}

/** @internal */
export interface StoredChunk {
  readonly _id: Driver.ObjectId
  readonly files_id: StoredFile["_id"]
  readonly n: number
  readonly data: Uint8Array
}

/**
 * The two collections of a bucket.
 *
 * @internal
 */
export interface BucketCollections {
  readonly files: MongoCollection<StoredFile>
  readonly chunks: MongoCollection<StoredChunk>
}

/**
 * About how many bytes of a file are sent at once. At most two such batches are held: one that is on its way, and one that is
 * being filled.
 *
 * @internal
 */
export const uploadBytes = 4 * 1024 * 1024

/**
 * About how many bytes of a file are requested at once. Smaller batches are more round trips. Larger ones live through more collections of
 * young garbage, and V8 then marks the whole heap more often (docs/decisions.md).
 *
 * @internal
 */
export const downloadBytes = 2 * 1024 * 1024

/**
 * Makes a value safe in a filter, so that it cannot be read as operators. Strings and ObjectIds stand for themselves.
 *
 * @internal
 */
export const equalTo = <A>(value: A): A =>
  typeof value !== "object" || value instanceof Driver.ObjectId ? value : { $eq: value } as A

/** @internal */
export const fail = (
  operation: Operation,
  kind: GridFSError["kind"],
  message: string
): Effect.Effect<never, MongoError> =>
  Effect.suspend(() => Effect.fail(ownFailure(GridFSError, operation, message, { kind })))
