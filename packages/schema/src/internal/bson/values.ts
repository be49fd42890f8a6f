/** Recognises BSON values, and the JavaScript values that BSON can hold. */
import * as Driver from "mongodb"

/** Every BSON value carries its major version under this symbol, whichever copy of bson made it. */
const versionSymbol = Symbol.for("@@mdb.bson.version")

/** @internal */
export const versionOf = (value: object): unknown => (value as { readonly [versionSymbol]?: unknown })[versionSymbol]

/**
 * The major version of the driver's bson. Its serializer takes only values of this version.
 *
 * @internal
 */
export const version = versionOf(new Driver.MinKey())

interface BsonValues {
  readonly Binary: Driver.Binary
  readonly BSONRegExp: Driver.BSONRegExp
  readonly Code: Driver.Code
  readonly DBRef: Driver.DBRef
  readonly Decimal128: Driver.Decimal128
  readonly Double: Driver.Double
  readonly Int32: Driver.Int32
  readonly Long: Driver.Long
  readonly MaxKey: Driver.MaxKey
  readonly MinKey: Driver.MinKey
  readonly ObjectId: Driver.ObjectId
  readonly Timestamp: Driver.Timestamp
}

/**
 * Recognises a value as the serializer does, across copies of bson. Parsed JSON has no symbols, so user input never passes for
 * a BSON value.
 *
 * @internal
 */
export const isBson = <Tag extends keyof BsonValues>(tag: Tag) => (u: unknown): u is BsonValues[Tag] =>
  typeof u === "object" && u !== null && (u as { readonly _bsontype?: unknown })._bsontype === tag &&
  versionOf(u) === version

/** @internal */
export const isBinary = isBson("Binary")

/** The dates of another realm have another constructor, but the same tag. */
const isAnyDate = (u: unknown): u is Date =>
  u instanceof Date ||
  typeof u === "object" && u !== null && Object.prototype.toString.call(u) === "[object Date]" && "getTime" in u

/** @internal */
export const isValidDate = (u: unknown): u is Date => isAnyDate(u) && !Number.isNaN(u.getTime())

/** @internal */
export const isRegExp = (u: unknown): u is RegExp =>
  u instanceof RegExp ||
  typeof u === "object" && u !== null && Object.prototype.toString.call(u) === "[object RegExp]" && "source" in u

const isView = <T extends ArrayBufferView>(name: string) => (u: unknown): u is T =>
  ArrayBuffer.isView(u) && Object.prototype.toString.call(u) === `[object ${name}]`

/** @internal */
export const isUint8Array = isView<Uint8Array>("Uint8Array")

/** @internal */
export const isFloat32Array = isView<Float32Array>("Float32Array")

/** @internal */
export const isInt8Array = isView<Int8Array>("Int8Array")

/** @internal */
export const isBits = (u: unknown): u is Int8Array => isInt8Array(u) && u.every((bit) => bit === 0 || bit === 1)

/** @internal */
export const isUuid = (u: unknown): u is Driver.UUID =>
  isBinary(u) && u.sub_type === 4 && u.position === 16 && "toHexString" in u

/** @internal */
export const isDBRef = (u: unknown): u is Driver.DBRef =>
  isBson("DBRef")(u) && typeof u.collection === "string" && isBson("ObjectId")(u.oid)

/** @internal */
export const isBSONRegExp = isBson("BSONRegExp")

/**
 * Translates flags as bson does: `g` stands for the option `s`. The flags `d`, `u` and `v` change nothing on the server. `y`
 * has no counterpart there.
 *
 * @internal
 */
export const toBSONRegExp = (regExp: Driver.BSONRegExp | RegExp): Driver.BSONRegExp | undefined => {
  if (isBSONRegExp(regExp)) return regExp
  const { dotAll, global, ignoreCase, multiline, source, sticky } = regExp
  if (sticky) return undefined
  return new Driver.BSONRegExp(source, `${ignoreCase ? "i" : ""}${multiline ? "m" : ""}${global || dotAll ? "s" : ""}`)
}
