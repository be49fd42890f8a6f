/** Unpublished abilities of the driver's ids. */
import * as Driver from "mongodb"

/**
 * The constructor of an id as the deserializer of bson calls it: it reads the bytes at the offset, and keeps none of them.
 *
 * @internal
 */
export const ObjectIdAt = Driver.ObjectId as unknown as new(bytes: Uint8Array, offset: number) => Driver.ObjectId

/**
 * Writes an id without a copy of its bytes. Gives the position after it.
 *
 * @internal
 */
export const writeObjectId = (bytes: Uint8Array, at: number, id: Driver.ObjectId): number =>
  at + (id as unknown as { readonly serializeInto: (bytes: Uint8Array, at: number) => number }).serializeInto(bytes, at)
