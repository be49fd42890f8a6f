/** An unpublished ability of the driver's ids. */
import * as Driver from "mongodb"

/**
 * The constructor of an id as the deserializer of bson calls it: it reads the bytes at the offset, and keeps none of them.
 *
 * @internal
 */
export const ObjectIdAt = Driver.ObjectId as unknown as new(bytes: Uint8Array, offset: number) => Driver.ObjectId
