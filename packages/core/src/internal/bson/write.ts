/**
 * Writes BSON as the serializer of bson does, in one pass with the checks of core.
 *
 * A function that writes gets the buffer `b`, a view `dv` of the same bytes, the end `cap` of what may be written without asking, and a
 * position `p`, and returns the position after what it has written. Whatever is not known to be written as it is, also what core would
 * refuse, is left to core's checks and to the serializer, by giving the whole document up.
 */
import * as Driver from "mongodb"
import { writeObjectId } from "../driver/objectId.ts"
import { giveUp } from "./giveUp.ts"
import type { Bytes } from "./text.ts"

// ---- room

/**
 * What `cap` leaves free: a value of a fixed size, with what may be written after its end.
 *
 * @internal
 */
export const margin = 64

/** The position up to which room is needed. */
let neededEnd = 0

/**
 * Thrown where the buffer is too small for the document.
 *
 * @internal
 */
export const full = Symbol("full")

/** Says that `size` bytes are to be written at `p`, for which there is no room. */
const needRoom = (p: number, size: number): never => {
  neededEnd = p + size
  throw full
}

/**
 * Up to where there must be room, after `full` was thrown.
 *
 * @internal
 */
export const roomNeeded = (): number => neededEnd

// ---- values

/** Up to this length, text is written in JavaScript while it is ASCII: a call of the runtime costs more. */
const shortText = 40

const isWellFormed = (text: string): boolean =>
  // Node has it since 20; the library of TypeScript's target does not.
  (text as unknown as { readonly isWellFormed: () => boolean }).isWellFormed()

const writeUtf8 = (b: Bytes, p: number, text: string): number =>
  // BSON would replace half of a surrogate pair, and core refuses it.
  isWellFormed(text) ? p + b.utf8Write(text, p) : giveUp()

/** Text with its length before it. */
const writeText = (b: Bytes, dv: DataView, cap: number, p: number, text: string): number => {
  const n = text.length
  const from = p + 4
  if (from + 3 * n > cap) {
    const size = 5 + Buffer.byteLength(text)
    if (p + size > cap) needRoom(p, size)
  }
  let end = from
  if (n <= shortText) {
    let i = 0
    for (; i < n; i++) {
      const code = text.charCodeAt(i)
      if (code > 127) break
      b[from + i] = code
    }
    end = i === n ? from + n : writeUtf8(b, from, text)
  } else end = writeUtf8(b, from, text)
  dv.setInt32(p, end - from + 1, true)
  b[end] = 0
  return end + 1
}

/** A key that is not known before, behind a place for its type. */
const writeKey = (b: Bytes, cap: number, at: number, key: string): number => {
  const n = key.length
  const from = at + 1
  if (from + 3 * n + 1 > cap) needRoom(at, 3 * n + 2)
  let end = from
  for (let i = 0; i < n; i++) {
    const unit = key.charCodeAt(i)
    // Bson refuses a NUL.
    if (unit === 0) return giveUp()
    if (unit > 127) {
      end = key.includes("\0") ? giveUp() : writeUtf8(b, from, key)
      b[end] = 0
      return end + 1
    }
    b[end++] = unit
  }
  b[end] = 0
  return end + 1
}

/** The index of an element, behind a place for its type. */
const writeIndex = (b: Bytes, cap: number, at: number, index: number): number => {
  if (at + 16 > cap) needRoom(at, 16)
  let p = at + 1
  if (index < 10) b[p++] = 48 + index
  else if (index < 100) {
    const tens = index / 10 | 0
    b[p++] = 48 + tens
    b[p++] = 48 + index - tens * 10
  } else {
    const text = String(index)
    for (let i = 0; i < text.length; i++) b[p++] = text.charCodeAt(i)
  }
  b[p] = 0
  return p + 1
}

/** Values that say themselves how they are stored are left to bson. */
const isItself = (value: object): boolean => (value as { readonly toBSON?: unknown }).toBSON === undefined

/** A number, and its type at `at`. BSON has no negative zero among the int32. */
const writeNumber = (b: Bytes, dv: DataView, p: number, at: number, value: number): number => {
  if ((value | 0) === value && (value !== 0 || 1 / value > 0)) {
    b[at] = 16
    dv.setInt32(p, value, true)
    return p + 4
  }
  b[at] = 1
  dv.setFloat64(p, value, true)
  return p + 8
}

const writeDate = (dv: DataView, p: number, date: Date): number => {
  if (!isItself(date) || (date as { readonly _bsontype?: unknown })._bsontype !== undefined) giveUp()
  const time = date.getTime()
  if (!Number.isSafeInteger(time)) giveUp()
  const high = Math.floor(time / 4294967296)
  dv.setUint32(p, time - high * 4294967296, true)
  dv.setInt32(p + 4, high, true)
  return p + 8
}

const writeId = (b: Bytes, p: number, id: Driver.ObjectId): number =>
  id instanceof Driver.ObjectId && isItself(id) ? writeObjectId(b, p, id) : giveUp()

/** A Long or a Timestamp. */
const writeLong = (dv: DataView, p: number, long: Driver.Long): number => {
  if (!(long instanceof Driver.Long) || !isItself(long)) giveUp()
  dv.setInt32(p, long.getLowBits(), true)
  dv.setInt32(p + 4, long.getHighBits(), true)
  return p + 8
}

const writeDecimal = (b: Bytes, p: number, decimal: Driver.Decimal128): number => {
  const { bytes } = decimal
  if (!(decimal instanceof Driver.Decimal128) || !isItself(decimal) || bytes.length !== 16) giveUp()
  for (let i = 0; i < 16; i++) b[p + i] = bytes[i]!
  return p + 16
}

const writeBinary = (b: Bytes, dv: DataView, cap: number, p: number, binary: Driver.Binary): number => {
  const { buffer: data, position: size, sub_type: type } = binary
  // The old subtype has its length twice, and vectors are validated.
  if (
    !(binary instanceof Driver.Binary) || !isItself(binary) || !(data instanceof Uint8Array) || size > data.length ||
    type === Driver.Binary.SUBTYPE_BYTE_ARRAY || type === Driver.Binary.SUBTYPE_VECTOR
  ) giveUp()
  if (p + 5 + size > cap) needRoom(p, 5 + size)
  dv.setInt32(p, size, true)
  b[p + 4] = type
  b.set(size === data.length ? data : data.subarray(0, size), p + 5)
  return p + 5 + size
}

const writeBytes = (b: Bytes, dv: DataView, cap: number, p: number, data: Uint8Array): number => {
  if (p + 5 + data.length > cap) needRoom(p, 5 + data.length)
  dv.setInt32(p, data.length, true)
  b[p + 4] = 0
  b.set(data, p + 5)
  return p + 5 + data.length
}

/** Core gives up here, and leaves it to bson and the server. */
const maxDepth = 200

/**
 * Any value, behind its key: its type goes to `at`. Where it is `undefined`, and so is not stored, the position is `at` again. With
 * `strict`, what is `undefined` is given up.
 */
const writeAny = (
  b: Bytes,
  dv: DataView,
  cap: number,
  p: number,
  at: number,
  value: unknown,
  strict: boolean,
  depth: number
): number => {
  switch (typeof value) {
    case "string":
      b[at] = 2
      return writeText(b, dv, cap, p, value)
    case "number":
      return writeNumber(b, dv, p, at, value)
    case "boolean":
      b[at] = 8
      b[p] = value ? 1 : 0
      return p + 1
    case "undefined":
      return strict ? giveUp() : at
    case "bigint":
      if (BigInt.asIntN(64, value) !== value) return giveUp()
      b[at] = 18
      dv.setBigInt64(p, value, true)
      return p + 8
    case "object":
      return writeObject(b, dv, cap, p, at, value, strict, depth)
    default:
      return giveUp()
  }
}

const writeObject = (
  b: Bytes,
  dv: DataView,
  cap: number,
  p: number,
  at: number,
  value: object | null,
  strict: boolean,
  depth: number
): number => {
  if (value === null) {
    b[at] = 10
    return p
  }
  if (depth > maxDepth || !isItself(value)) return giveUp()
  if (Array.isArray(value)) {
    if ((value as { readonly _bsontype?: unknown })._bsontype !== undefined) return giveUp()
    b[at] = 4
    const from = p
    p += 4
    for (let i = 0; i < value.length; i++) {
      const here = p
      p = writeAny(b, dv, cap, writeIndex(b, cap, here, i), here, value[i], strict, depth + 1)
      if (p === here) giveUp()
    }
    return close(b, dv, from, p)
  }
  const prototype: unknown = Object.getPrototypeOf(value)
  if (prototype === Object.prototype || prototype === null) {
    b[at] = 3
    return writeProperties(b, dv, cap, p, value, strict, depth)
  }
  const type = (value as { readonly _bsontype?: unknown })._bsontype
  if (type === undefined) {
    if (prototype === Date.prototype) {
      b[at] = 9
      return writeDate(dv, p, value as Date)
    }
    if (prototype !== Buffer.prototype && prototype !== Uint8Array.prototype) return giveUp()
    b[at] = 5
    return writeBytes(b, dv, cap, p, value as Uint8Array)
  }
  switch (prototype) {
    case Driver.ObjectId.prototype:
      b[at] = 7
      return writeId(b, p, value as Driver.ObjectId)
    case Driver.Int32.prototype:
      b[at] = 16
      dv.setInt32(p, (value as Driver.Int32).value, true)
      return p + 4
    case Driver.Double.prototype:
      b[at] = 1
      dv.setFloat64(p, (value as Driver.Double).value, true)
      return p + 8
    case Driver.Long.prototype:
    case Driver.Timestamp.prototype:
      b[at] = prototype === Driver.Long.prototype ? 18 : 17
      return writeLong(dv, p, value as Driver.Long)
    case Driver.Decimal128.prototype:
      b[at] = 19
      return writeDecimal(b, p, value as Driver.Decimal128)
    case Driver.Binary.prototype:
    case Driver.UUID.prototype:
      b[at] = 5
      return writeBinary(b, dv, cap, p, value as Driver.Binary)
    default:
      return giveUp()
  }
}

/** The document of the properties of a plain object. */
const writeProperties = (
  b: Bytes,
  dv: DataView,
  cap: number,
  p: number,
  value: object,
  strict: boolean,
  depth: number
): number => {
  const from = p
  p += 4
  for (const key of Object.keys(value)) {
    if (key === "_bsontype") giveUp()
    const here = p
    const property = (value as Record<string, unknown>)[key]
    p = writeAny(b, dv, cap, writeKey(b, cap, here, key), here, property, strict, depth + 1)
  }
  return close(b, dv, from, p)
}

/** Ends a document or an array that has begun at `from`. */
const close = (b: Bytes, dv: DataView, from: number, p: number): number => {
  b[p++] = 0
  dv.setInt32(from, p - from, true)
  return p
}

/**
 * Writes a document whole.
 *
 * @internal
 */
export type Write = (value: unknown, p: number, b: Bytes, dv: DataView, cap: number) => number | symbol

/**
 * Writes a plain object. It gives up where core would refuse it, or where it would not be stored as it is.
 *
 * @internal
 */
export const writePlain: Write = (value, p, b, dv, cap) =>
  isItself(value as object) ? writeProperties(b, dv, cap, p, value as object, false, 0) : giveUp()

/**
 * What a generated writer calls, by name.
 *
 * @internal
 */
export const writing = {
  needRoom,
  writeText,
  writeKey,
  writeIndex,
  writeNumber,
  writeDate,
  writeId,
  writeLong,
  writeDecimal,
  writeBinary,
  writeAny,
  close
}
