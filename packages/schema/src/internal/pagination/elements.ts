/** The elements of a document as bytes: finds one by its path, and makes a document of some. */
import * as Driver from "mongodb"
import { skip } from "../compiler/runtime.ts"
import type { Bracket } from "./order.ts"

/**
 * The value of a field as bytes, with the number of its type.
 *
 * @internal
 */
export interface Element {
  readonly type: number
  readonly bytes: Uint8Array
}

/** How null is stored. It stands for what is missing, too. */
const nothing: Element = { type: 10, bytes: new Uint8Array(0) }

const viewOf = ({ buffer, byteLength, byteOffset }: Uint8Array): DataView =>
  new DataView(buffer, byteOffset, byteLength)

/** The elements of a document. Throws if the bytes are damaged. */
function* elementsOf(bytes: Uint8Array): Generator<{ readonly name: string } & Element> {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const view = viewOf(bytes)
  const end = view.getInt32(0, true) - 1
  let at = 4
  while (at < end) {
    const type = buffer[at]!
    const from = buffer.indexOf(0, at + 1) + 1
    if (from === 0) break
    const next = skip(buffer, view, type, from, end)
    // A `TextDecoder` would leave out a byte order mark: the name would be that of another field.
    yield { name: buffer.toString("utf8", at + 1, from - 1), type, bytes: buffer.subarray(from, next) }
    at = next
  }
  if (at !== end) throw new Error("the bytes of the document are damaged")
}

/** An embedded document. */
const isObject = ({ type }: Element): boolean => type === 3

/**
 * The value at a path. Null where there is none. An array on the way stands for itself.
 *
 * @internal
 */
export const elementAt = (document: Uint8Array, path: string): Element => {
  let at: Element = { type: 3, bytes: document }
  for (const segment of path.split(".")) {
    if (!isObject(at)) return at.type === 4 ? at : nothing
    let found: Element = nothing
    for (const element of elementsOf(at.bytes)) {
      if (element.name === segment) {
        found = element
        break
      }
    }
    at = found
  }
  return at
}

const ofTypes: Readonly<Record<number, Bracket | "null">> = {
  1: "number",
  2: "string",
  3: "object",
  5: "binData",
  7: "objectId",
  8: "bool",
  9: "date",
  10: "null",
  14: "string",
  16: "number",
  17: "timestamp",
  18: "number",
  19: "number"
}

/** The last millisecond that a `Date` of JavaScript holds, in both directions. */
const lastDate = 8_640_000_000_000_000n

const isDate = (bytes: Uint8Array): boolean => {
  const time = viewOf(bytes).getBigInt64(0, true)
  return time >= -lastDate && time <= lastDate
}

/**
 * What the server compares a value with. `undefined` for values that no condition can have: the driver cannot send them.
 *
 * @internal
 */
export const bracketOf = ({ bytes, type }: Element): Bracket | "null" | undefined =>
  type === 9 && !isDate(bytes) ? undefined : ofTypes[type]

/**
 * The bytes of a document of these values. Their names are their positions.
 *
 * @internal
 */
export const documentOf = (elements: ReadonlyArray<Element>): Uint8Array => {
  const parts = elements.flatMap((
    { bytes, type },
    i
  ) => [Buffer.from(`${String.fromCharCode(type)}${i}\0`, "latin1"), bytes])
  const size = parts.reduce((size, part) => size + part.length, 5)
  const out = Buffer.alloc(size)
  out.writeInt32LE(size, 0)
  let at = 4
  for (const part of parts) {
    out.set(part, at)
    at += part.length
  }
  return out
}

/**
 * The values of a document that `documentOf` has made. Throws if it has not.
 *
 * @internal
 */
export const elementsIn = (bytes: Uint8Array): ReadonlyArray<Element> => {
  if (bytes.length < 5 || viewOf(bytes).getInt32(0, true) !== bytes.length || bytes.at(-1) !== 0) {
    throw new Error("not a document")
  }
  return [...elementsOf(bytes)].map((element, i) => {
    if (element.name !== String(i)) throw new Error("not a list")
    return element
  })
}

/** Keeps every number what it is in the database. */
const exact = { promoteValues: false, promoteBuffers: false, bsonRegExp: true } as const

/**
 * The values as the driver has them, exact.
 *
 * @internal
 */
export const valuesIn = (bytes: Uint8Array): ReadonlyArray<unknown> =>
  Object.values(Driver.BSON.deserialize(bytes, exact) as Readonly<Record<string, unknown>>)
