/** Cursors as text: a place in the order of a query, bound to the query, and signed where there is a key. */
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import * as Driver from "mongodb"
import { createHash, createHmac, timingSafeEqual } from "node:crypto"
import { refuse } from "../refusal.ts"
import { bracketOf, documentOf, type Element, elementsIn, valuesIn } from "./elements.ts"
import { InvalidCursorError } from "./invalidCursor.ts"
import type { Order } from "./order.ts"

// A cursor is base64url of: the version, 16 bytes that name the query, the values as BSON, and the signature where there is a key.
const plain = 1
const signed = 2
const nameLength = 16
const signatureLength = 32

/**
 * The key that signs cursors.
 *
 * @internal
 */
export type Key = Redacted.Redacted<string | Uint8Array>

const shortestKey = 16

/** @internal */
export const keyBytes = (key: Key | undefined): Uint8Array | undefined => {
  if (key === undefined) return undefined
  const value = Redacted.value(key)
  const bytes = typeof value === "string" ? Buffer.from(value, "utf8") : value
  if (bytes.length < shortestKey) refuse("key", `is too short: use at least ${shortestKey} bytes that nobody can guess`)
  return bytes
}

/**
 * What cursors belong to.
 *
 * @internal
 */
export interface Subject {
  /** The collection with its database. */
  readonly collection: string
  /** What else decides which documents are there and how they are sorted. */
  readonly query: Driver.Document
}

/**
 * Writes and reads the cursors of a query. The values are the stored ones, so that dates, ids and decimals stay exact.
 *
 * @internal
 */
export class Cursors {
  private readonly collection: string
  private readonly key: Uint8Array | undefined
  private readonly name: Uint8Array

  constructor({ collection, query }: Subject, key: Uint8Array | undefined) {
    this.collection = collection
    this.key = key
    // With a key nobody can find out by trying which values the filter has.
    const hash = key === undefined ? createHash("sha256") : createHmac("sha256", key)
    hash.update(Driver.BSON.serialize({ collection, query }, { ignoreUndefined: true, serializeFunctions: true }))
    this.name = hash.digest().subarray(0, nameLength)
  }

  private signature(content: Uint8Array): Uint8Array | undefined {
    return this.key === undefined ? undefined : createHmac("sha256", this.key).update(content).digest()
  }

  write(values: ReadonlyArray<Element>): string {
    const version = Uint8Array.of(this.key === undefined ? plain : signed)
    const content = Buffer.concat([version, this.name, documentOf(values)])
    const signature = this.signature(content)
    return (signature === undefined ? content : Buffer.concat([content, signature])).toString("base64url")
  }

  /** The bytes of the values, or what is wrong with the cursor. */
  private bytesIn(cursor: unknown): Uint8Array | InvalidCursorError["kind"] {
    const all = Buffer.from(typeof cursor === "string" ? cursor : "", "base64url")
    // The text is the only one of its bytes.
    if (all.length === 0 || all.toString("base64url") !== cursor) return "malformed"
    if (all[0] !== plain && all[0] !== signed) return "malformed"
    if ((all[0] === signed) !== (this.key !== undefined)) return "forged"
    const end = all.length - (this.key === undefined ? 0 : signatureLength)
    if (end < 1 + nameLength) return "malformed"
    const content = all.subarray(0, end)
    const signature = this.signature(content)
    if (signature !== undefined && !timingSafeEqual(signature, all.subarray(end))) return "forged"
    if (!timingSafeEqual(this.name, content.subarray(1, 1 + nameLength))) return "foreign"
    return content.subarray(1 + nameLength)
  }

  /** The values at the place, one for each field of the order. */
  read(cursor: unknown, order: Order): Result.Result<ReadonlyArray<unknown>, InvalidCursorError> {
    const bytes = this.bytesIn(cursor)
    if (typeof bytes !== "string") {
      const values = valuesOf(bytes, order)
      if (values !== undefined) return Result.succeed(values)
    }
    const kind = typeof bytes === "string" ? bytes : "malformed"
    return Result.fail(new InvalidCursorError({ kind, collection: this.collection }))
  }
}

/** Without a key anybody can write values. Those of other types would lead nowhere. */
const valuesOf = (bytes: Uint8Array, order: Order): ReadonlyArray<unknown> | undefined => {
  try {
    const elements = elementsIn(bytes)
    return elements.length === order.length && misfit(order, elements) === undefined ? valuesIn(bytes) : undefined
  } catch {
    // These bytes are not values.
    return undefined
  }
}

/**
 * The first field whose value has another type than the order says. Null stands for what is missing, too.
 *
 * @internal
 */
export const misfit = (order: Order, elements: ReadonlyArray<Element>): Order[number] | undefined =>
  order.find(({ bracket, missable, nullable }, i) => {
    const found = bracketOf(elements[i]!)
    return found === "null" ? !nullable && !missable : found !== bracket
  })
