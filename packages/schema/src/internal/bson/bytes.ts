/** Deserializes the bytes of documents, and says what is wrong with bytes that bson cannot read. */
import * as SchemaIssue from "effect/SchemaIssue"
import * as Driver from "mongodb"
import { isPlainObject, setOwn } from "../plainObject.ts"
import { isBinary, isUint8Array } from "./values.ts"

/** @internal */
export type Deserialize = (bytes: Uint8Array) => Driver.Document

/**
 * Deserializes as the driver does with these options.
 *
 * @internal
 */
export const deserializer = (
  { enableUtf8Validation: utf8 = true, ...options }: Driver.BSONSerializeOptions
): Deserialize => {
  const all = { ...options, raw: false, validation: { utf8 } }
  return (bytes) => Driver.BSON.deserialize(bytes, all)
}

/**
 * Reads damaged bytes without checking their text; gives an empty document if that fails too.
 *
 * @internal
 */
export const readLoosely = (bytes: Uint8Array): Driver.Document => {
  try {
    return Driver.BSON.deserialize(bytes, { validation: { utf8: false } })
  } catch {
    return {}
  }
}

/** Copies bytes. Memory of Node's pool would keep other bytes alive. */
const copied = (bytes: Uint8Array): Buffer => {
  const copy = Buffer.alloc(bytes.length)
  copy.set(bytes)
  return copy
}

/**
 * Gives the binary data in a value its own memory: bson makes it a view of the bytes of the whole document. Changes the value.
 *
 * @internal
 */
export const detached = (value: unknown): unknown => {
  if (isUint8Array(value)) return copied(value)
  if (isBinary(value)) value.buffer = copied(value.buffer)
  else if (Array.isArray(value) || isPlainObject(value)) {
    for (const [key, inside] of Object.entries(value)) setOwn(value, key, detached(inside))
  }
  return value
}

/** The field whose text is not UTF-8, if that is the damage. */
const fieldOfDamage = (bytes: Uint8Array): string | undefined =>
  Object.keys(readLoosely(bytes)).find((name) => {
    try {
      Driver.BSON.deserialize(bytes, { validation: { utf8: { [name]: true } } })
      return false
    } catch {
      return true
    }
  })

/**
 * The issue of a document whose bytes bson cannot read. `cause` is the error of bson.
 *
 * @internal
 */
export const unreadable = (bytes: Uint8Array, cause: unknown): SchemaIssue.Issue => {
  const message = `Expected bytes that can be read: ${cause instanceof Error ? cause.message : String(cause)}`
  const issue = new SchemaIssue.InvalidValue({ message }, undefined, {})
  const field = fieldOfDamage(bytes)
  return field === undefined ? issue : new SchemaIssue.Pointer([field], issue)
}
