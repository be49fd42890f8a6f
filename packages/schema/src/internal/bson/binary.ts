/** Binary data and vectors. */
import * as Driver from "mongodb"
import { isBinary } from "./values.ts"

/**
 * Makes binary data as the deserializer does.
 *
 * @internal
 */
export const makeBinary = (bytes: Uint8Array, subType: number): Driver.Binary =>
  subType === 4 && bytes.byteLength === 16 ? new Driver.UUID(bytes) : new Driver.Binary(bytes, subType)

/** @internal */
export const sameElements = <T extends Uint8Array | Int8Array | Float32Array>(a: T, b: T): boolean => {
  if (a.length !== b.length) return false
  for (let i = 0; i < a.length; i++) {
    // NaN equals NaN here.
    if (a[i] !== b[i] && (a[i] === a[i] || b[i] === b[i])) return false
  }
  return true
}

/** @internal */
export const sameBinary = (a: Driver.Binary, b: Driver.Binary): boolean =>
  a.sub_type === b.sub_type && sameElements(a.value(), b.value())

const { Float32, Int8, PackedBit } = Driver.Binary.VECTOR_TYPE

/**
 * Whether the serializer of bson takes the value as a vector, and a reader can tell its elements.
 *
 * @internal
 */
export const isVector = (u: unknown): u is Driver.Binary => {
  if (!isBinary(u) || u.sub_type !== 9 || u.position < 2) return false
  const padding = u.buffer[1]
  switch (u.buffer[0]) {
    case Int8:
      return padding === 0
    case Float32:
      return padding === 0 && u.position % 4 === 2
    case PackedBit:
      return padding === 0 || padding <= 7 && u.position > 2
    default:
      return false
  }
}

const isVectorOf = (type: number) => (vector: Driver.Binary): boolean => vector.buffer[0] === type

/** @internal */
export const isFloat32 = isVectorOf(Float32)

/** @internal */
export const isInt8 = isVectorOf(Int8)

/** @internal */
export const isPackedBit = isVectorOf(PackedBit)
