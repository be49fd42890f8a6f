/** Documents in their stored form: which of them a collection takes, and by what a unique index tells them apart. */
import { Integration } from "@mongofx/core"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Driver from "mongodb"

const { BSON } = Driver

const isPlain = (u: unknown): u is Record<string, unknown> => {
  if (typeof u !== "object" || u === null) return false
  const prototype = Object.getPrototypeOf(u)
  return prototype === Object.prototype || prototype === null
}

const some = (value: unknown, test: (key: string, value: unknown) => boolean): boolean =>
  Array.isArray(value)
    ? value.some((element) => some(element, test))
    : isPlain(value) && Object.keys(value).some((key) => test(key, value[key]) || some(value[key], test))

/** The server gives names with a `$` a meaning of their own, in an update if not in a document. */
const hasOperatorName = (document: Driver.Document) => some(document, (key) => key.startsWith("$"))

const hasUndefined = (document: Driver.Document) => some(document, (_, value) => value === undefined)

/**
 * Without the keys that have no value: BSON stores neither them nor that they were there. Instances of a schema's class stay such.
 *
 * @internal
 */
export const withoutUndefined = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(withoutUndefined)
  if (!isPlain(value) && !isInstanceOfSchema(value)) return value
  const entries = Object.entries(value).filter(([, field]) => field !== undefined)
    .map(([key, field]) => [key, withoutUndefined(field)] as const)
  return Object.defineProperties(
    Object.create(Object.getPrototypeOf(value)),
    Object.getOwnPropertyDescriptors(Object.fromEntries(entries))
  )
}

const isInstanceOfSchema = (u: unknown): u is object =>
  typeof u === "object" && u !== null && Schema.isSchema(u.constructor)

/** The server takes neither arrays nor regular expressions nor `undefined` for an `_id`. */
const isId = (id: unknown): boolean =>
  id !== undefined && !Array.isArray(id) && !(id instanceof RegExp) &&
  (id as { readonly _bsontype?: unknown } | null)?._bsontype !== "BSONRegExp"

/** The greatest document, in bytes. */
const maxBytes = 16 * 1024 * 1024

const bytesOf = (document: Driver.Document): Uint8Array | undefined => {
  try {
    return BSON.serialize(document, { ignoreUndefined: true })
  } catch {
    // A key with a NUL, for instance.
    return undefined
  }
}

/**
 * The stored form of documents of a schema: nothing for a document that its schema does not encode, or that no collection takes.
 *
 * @internal
 */
export const storedBy = (schema: Schema.Constraint): (document: unknown) => Driver.Document | undefined => {
  const codec = schema as Schema.Codec<unknown, Driver.Document>
  const encode = Schema.encodeUnknownOption(codec)
  const decode = Schema.decodeUnknownOption(codec)
  return (document) => {
    const encoded = Option.getOrUndefined(encode(document))
    if (!isPlain(encoded) || hasOperatorName(encoded) || !Integration.isStorable(encoded)) return undefined
    if ("_id" in encoded && !isId(encoded["_id"])) return undefined
    const bytes = bytesOf(encoded)
    if (bytes === undefined || bytes.length > maxBytes) return undefined
    // BSON leaves out what is undefined: the schema may not be able to do without it.
    return hasUndefined(encoded) && Option.isNone(decode(BSON.deserialize(bytes))) ? undefined : encoded
  }
}

// ---- keys of unique indexes

/** The values at a path, as an index has them: those of all elements of an array, and null for what is absent. */
const valuesAt = (value: unknown, [name, ...rest]: ReadonlyArray<string>): ReadonlyArray<unknown> => {
  if (Array.isArray(value)) {
    const elements = value.flatMap((element) => valuesAt(element, name === undefined ? [] : [name, ...rest]))
    return elements.length === 0 ? [name === undefined ? undefined : null] : elements
  }
  if (name === undefined) return [value]
  return isPlain(value) && Object.hasOwn(value, name) ? valuesAt(value[name], rest) : [null]
}

/**
 * Text that is the same for values that the server takes for the same, at least.
 *
 * @internal
 */
export const keyOf = (value: unknown): string => {
  switch (typeof value) {
    case "number":
      return `n${value === 0 ? 0 : value}`
    case "bigint":
      return `n${value}`
    case "string":
      return JSON.stringify(value)
    case "undefined":
      return "null"
    case "object":
      return value === null ? "null" : keyOfObject(value)
    default:
      return String(value)
  }
}

const keyOfObject = (value: object): string => {
  if (Array.isArray(value)) return `[${value.map(keyOf).join()}]`
  if (isPlain(value)) {
    return `{${Object.keys(value).map((key) => `${JSON.stringify(key)}:${keyOf(value[key])}`).join()}}`
  }
  switch ((value as { readonly _bsontype?: unknown })._bsontype) {
    case "Int32":
    case "Double":
      return keyOf((value as Driver.Int32 | Driver.Double).valueOf())
    case "Long":
      return keyOf((value as Driver.Long).toBigInt())
    case "Decimal128":
      return decimalKey(String(value))
  }
  return BSON.EJSON.stringify(value, { relaxed: false })
}

/** Decimals have many forms of one number: 1.0 and 1.00. Numbers of other types are equal to them, too. */
const decimalKey = (text: string): string => {
  const [, sign, whole, fraction = "", exponent = "0"] = /^(-?)(\d+)(?:\.(\d+))?(?:E([+-]?\d+))?$/.exec(text) ?? []
  if (whole === undefined) return `n${text}`
  const digits = `${whole}${fraction}`.replace(/^0+/, "")
  if (digits === "") return "n0"
  const significant = digits.replace(/0+$/, "")
  const power = Number(exponent) - fraction.length + digits.length - significant.length
  const plain = Number(`${sign}${significant}E${power}`)
  // Digits that a double holds exactly are those of the double.
  return significant.length <= 15 ? keyOf(plain) : `n${sign}${significant}E${power}`
}

/**
 * The entries of a document in a unique index with these paths: two documents with one in common cannot be in one collection.
 *
 * @internal
 */
export const entriesOf = (document: Driver.Document, paths: ReadonlyArray<string>): ReadonlyArray<string> =>
  paths
    .map((path) => [...new Set(valuesAt(document, path.split(".")).map(keyOf))])
    .reduce<ReadonlyArray<string>>(
      (entries, keys) => entries.flatMap((entry) => keys.map((key) => `${entry}|${key}`)),
      [
        ""
      ]
    )
