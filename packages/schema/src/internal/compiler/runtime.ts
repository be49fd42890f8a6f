/**
 * The functions that generated code calls. A function that reads gets the bytes `b`, a view `dv` of the same bytes, a position
 * `p`, and the position `end` after the document.
 */
import * as Driver from "mongodb"
import { isUtf8 } from "node:buffer"
import type { Deserialize } from "../bson/bytes.ts"
import * as Numbers from "../bson/numbers.ts"
import * as Values from "../bson/values.ts"
import { setOwn } from "../plainObject.ts"

// ---- outcomes

/**
 * Stands for "the schema refuses this value". The caller asks the interpreter for the reason.
 *
 * @internal
 */
export const mismatch = Symbol("mismatch")

/** @internal */
export type Mismatch = typeof mismatch

/**
 * Stands for an absent key.
 *
 * @internal
 */
export const missing = Symbol("missing")

/**
 * Stands for a present key that a transformation leaves out.
 *
 * @internal
 */
export const omitted = Symbol("omitted")

/**
 * Thrown when compiled code cannot tell the result of the interpreter: for damaged bytes, an effect that has to run, a value
 * that only the deserializer of bson makes. It is not an `Error`, since nobody sees its stack.
 */
const unknownOutcome = Symbol("unknown outcome")

/** @internal */
export const giveUp = (): never => {
  throw unknownOutcome
}

// ---- reading

/**
 * Node's buffers with the method that `toString` calls; it is not in its types.
 *
 * @internal
 */
export type Bytes = Buffer & { readonly utf8Slice: (start: number, end: number) => string }

/** The text of `b` from `start` to `end`, as the deserializer reads the value of a string. */
const longText = (b: Bytes, start: number, end: number): string => {
  const text = b.utf8Slice(start, end)
  // This character replaces bytes that are not UTF-8. It may also be in the text itself.
  return text.includes("\uFFFD") && !isUtf8(b.subarray(start, end)) ? giveUp() : text
}

const endOfName = (b: Uint8Array, p: number, end: number): number => {
  while (p < end && b[p] !== 0) p++
  return p < end ? p : giveUp()
}

/**
 * The position after the value of type `t` at `p`. It does not look inside the value.
 *
 * @internal
 */
export const skip = (b: Uint8Array, dv: DataView, t: number, p: number, end: number): number => {
  let next: number
  switch (t) {
    case 1:
    case 9:
    case 17:
    case 18:
      next = p + 8
      break
    case 2:
    case 13:
    case 14: {
      const size = dv.getInt32(p, true)
      next = size < 1 || b[p + 3 + size] !== 0 ? giveUp() : p + 4 + size
      break
    }
    case 3:
    case 4:
    case 15: {
      const size = dv.getInt32(p, true)
      next = size < 5 || b[p + size - 1] !== 0 ? giveUp() : p + size
      break
    }
    case 5:
      next = p + 5 + dv.getInt32(p, true)
      if (next < p + 5) giveUp()
      break
    case 6:
    case 10:
    case 127:
    case 255:
      next = p
      break
    case 7:
      next = p + 12
      break
    case 8:
      next = p + 1
      break
    case 11:
      next = endOfName(b, endOfName(b, p, end) + 1, end) + 1
      break
    case 12: {
      const size = dv.getInt32(p, true)
      next = size < 1 || b[p + 3 + size] !== 0 ? giveUp() : p + 4 + size + 12
      break
    }
    case 16:
      next = p + 4
      break
    case 19:
      next = p + 16
      break
    default:
      return giveUp()
  }
  return next > end ? giveUp() : next
}

/** Skips a field that the schema does not know. A `$` at its start may mean a DBRef, which is left to bson. */
const skipUnknown = (b: Bytes, dv: DataView, p: number, end: number): number => {
  if (b[p + 1] === 36) giveUp()
  return skip(b, dv, b[p]!, endOfName(b, p + 1, end) + 1, end)
}

/** The outcome for a type without code. bson delivers a symbol as a string; any other type does not match. */
const otherType = (t: number): Mismatch => t === 14 ? giveUp() : mismatch

/** Reads a date. It combines the bits as `Long` does. */
const readDate = (dv: DataView, p: number): Date =>
  new Date(dv.getInt32(p + 4, true) * 4294967296 + dv.getUint32(p, true))

/** Reads an int64 as the number that the driver delivers. From 2^53 on, lost bits decide whether it delivers a number. */
const promoted = (dv: DataView, p: number): number | Mismatch => {
  const number = dv.getInt32(p + 4, true) * 4294967296 + dv.getUint32(p, true)
  return Number.isSafeInteger(number) ? number : Math.abs(number) === 2 ** 53 ? giveUp() : mismatch
}

const orMismatch = <A, B>(f: (input: A) => B | undefined) => (input: A): B | Mismatch => f(input) ?? mismatch

const int64OfDouble = orMismatch<number, bigint>(Numbers.toInt64)
const longOfDouble = orMismatch<number, Driver.Long>(Numbers.toLong)
const int32OfNumber = orMismatch<number, number>(Numbers.toInt32)
const doubleOfBigInt = orMismatch<bigint, number>(Numbers.toDouble)

/** Reads binary data. It copies the bytes, which would keep the whole reply of the server alive. */
const readBinary = (b: Bytes, dv: DataView, p: number, end: number): Driver.Binary => {
  const size = dv.getInt32(p, true)
  const subType = b[p + 4]!
  const stop = p + 5 + size
  // The old subtype 2 has its length a second time.
  const start = subType === 2 ? p + 9 : p + 5
  if (start > stop || stop > end || subType === 2 && dv.getInt32(p + 5, true) !== size - 4) return giveUp()
  const binary = new Driver.Binary(Buffer.from(b.subarray(start, stop)), subType)
  return subType === 4 && Driver.UUID.isValid(binary) ? binary.toUUID() : binary
}

/** The constructor as the deserializer calls it; the offset is not in its types. */
const ObjectIdAt = Driver.ObjectId as unknown as new(bytes: Uint8Array, offset: number) => Driver.ObjectId

/**
 * What the deserializer makes of the value of type `t` at `p`, through a copy of its bytes.
 *
 * @internal
 */
export const makeReadAny =
  (deserialize: Deserialize) => (b: Bytes, dv: DataView, t: number, p: number, end: number): unknown => {
    switch (t) {
      case 1:
        return dv.getFloat64(p, true)
      case 6:
        return undefined
      case 7:
        return new ObjectIdAt(b, p)
      case 8:
        return b[p]! > 1 ? giveUp() : b[p] === 1
      case 9:
        return readDate(dv, p)
      case 10:
        return null
      case 16:
        return dv.getInt32(p, true)
    }
    const size = skip(b, dv, t, p, end) - p
    const document = Buffer.allocUnsafe(size + 8)
    document.writeInt32LE(size + 8, 0)
    document[4] = t
    document[5] = 118
    document[6] = 0
    document.set(b.subarray(p, p + size), 7)
    document[size + 7] = 0
    return deserialize(document)["v"]
  }

/**
 * The functions that a generated decoder calls, by name.
 *
 * @internal
 */
export const runtime = {
  longText,
  endOfName,
  skip,
  skipUnknown,
  otherType,
  readDate,
  promoted,
  int64OfDouble,
  longOfDouble,
  int32OfNumber,
  doubleOfBigInt,
  readBinary,
  setOwn,
  isUuid: Values.isUuid,
  ObjectId: Driver.ObjectId,
  Decimal128: Driver.Decimal128,
  Timestamp: Driver.Timestamp,
  Long: Driver.Long
}
