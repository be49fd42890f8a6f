/**
 * JSON as a part of a document.
 */

/** Documents nest 180 levels at most. A few of them are around the value. */
const deepest = 150

const isText = (text: string): boolean => !/\p{Surrogate}/u.test(text)

/**
 * Whether a document can have a value of JSON as its field, and gives back the same. The driver reads an object with `$ref` and `$id`, such as
 * a JSON Schema, as a reference to another document, and one with `_bsontype` as a value of BSON. It gives the documents of an array as bytes if the name of the array is one that all
 * objects have, such as `constructor`.
 *
 * @internal
 */
export const fitsDocument = (value: unknown, depth = 0): boolean => {
  if (typeof value === "string") return isText(value)
  if (typeof value !== "object" || value === null) return true
  if (depth === deepest) return false
  if (Array.isArray(value)) return value.every((item) => fitsDocument(item, depth + 1))
  return Object.entries(value).every(([key, value]) =>
    key !== "$ref" && key !== "_bsontype" && !(key in Object.prototype) && !key.includes("\0") && isText(key) &&
    fitsDocument(value, depth + 1)
  )
}
