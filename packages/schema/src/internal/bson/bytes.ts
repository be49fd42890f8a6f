/** What bson makes of the bytes of a document, and what is wrong with those that it cannot read. */
import * as SchemaIssue from "effect/SchemaIssue"
import * as Driver from "mongodb"

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
 * The document of damaged bytes, as far as it can be read.
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

/** The field whose text is not UTF-8, if that is what is wrong. */
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
 * Such bytes are one more way in which a document does not decode. `cause` is what bson threw.
 *
 * @internal
 */
export const unreadable = (bytes: Uint8Array, cause: unknown): SchemaIssue.Issue => {
  const message = `Expected bytes that can be read: ${cause instanceof Error ? cause.message : String(cause)}`
  const issue = new SchemaIssue.InvalidValue({ message }, undefined, {})
  const field = fieldOfDamage(bytes)
  return field === undefined ? issue : new SchemaIssue.Pointer([field], issue)
}
