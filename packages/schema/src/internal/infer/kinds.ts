/** The kinds of values that inference tells apart. */
import * as Binaries from "../bson/binary.ts"
import * as Numbers from "../bson/numbers.ts"
import * as Values from "../bson/values.ts"
import { isPlainObject } from "../plainObject.ts"

/**
 * The types of BSON by their names, binary data by what it holds, and values that no schema describes: `beyond` for dates outside of
 * the range of JavaScript, `deep` for what is nested too deeply, `other`.
 *
 * @internal
 */
export type Kind =
  | "array"
  | "beyond"
  | "binary"
  | "bits"
  | "bool"
  | "bytes"
  | "date"
  | "dbRef"
  | "decimal"
  | "deep"
  | "double"
  | "float32"
  | "int"
  | "int8"
  | "javascript"
  | "long"
  | "maxKey"
  | "minKey"
  | "null"
  | "object"
  | "objectId"
  | "other"
  | "regex"
  | "string"
  | "symbol"
  | "timestamp"
  | "undefined"
  | "uuid"

const byTag: Readonly<Record<string, (value: object) => Kind>> = {
  Binary: (value) => Values.isBinary(value) ? ofBinary(value) : "other",
  BSONRegExp: () => "regex",
  BSONSymbol: () => "symbol",
  Code: () => "javascript",
  DBRef: (value) => Values.isDBRef(value) ? "dbRef" : "other",
  Decimal128: () => "decimal",
  Double: () => "double",
  Int32: () => "int",
  Long: () => "long",
  MaxKey: () => "maxKey",
  MinKey: () => "minKey",
  ObjectId: () => "objectId",
  Timestamp: () => "timestamp"
}

const ofBinary = (binary: Parameters<typeof Binaries.isFloat32>[0]): Kind => {
  switch (binary.sub_type) {
    case 0:
      return "bytes"
    case 4:
      return binary.position === 16 ? "uuid" : "binary"
    default:
      if (!Binaries.isVector(binary)) return "binary"
      return Binaries.isFloat32(binary) ? "float32" : Binaries.isInt8(binary) ? "int8" : "bits"
  }
}

const ofObject = (value: object): Kind => {
  if (Array.isArray(value)) return "array"
  const tag = (value as { readonly _bsontype?: unknown })._bsontype
  if (typeof tag === "string" && Values.versionOf(value) !== undefined) {
    const of = Object.hasOwn(byTag, tag) ? byTag[tag] : undefined
    return of === undefined || Values.versionOf(value) !== Values.version ? "other" : of(value)
  }
  if (isPlainObject(value)) return "object"
  if (Values.isValidDate(value)) return "date"
  if (value instanceof Date) return "beyond"
  if (Values.isRegExp(value)) return "regex"
  return Values.isUint8Array(value) ? "bytes" : "other"
}

/**
 * The kind of a value that is stored as BSON, in any form that the driver delivers or takes.
 *
 * @internal
 */
export const kindOf = (value: unknown): Kind => {
  switch (typeof value) {
    case "string":
      return "string"
    case "number":
      return Numbers.isStoredAsInt32(value) ? "int" : "double"
    case "boolean":
      return "bool"
    case "bigint":
      return "long"
    case "undefined":
      return "undefined"
    case "object":
      return value === null ? "null" : ofObject(value)
    default:
      return "other"
  }
}
