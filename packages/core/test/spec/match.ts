/**
 * Matching of expected against actual values, as the unified test format defines it.
 *
 * @since 0.1.0
 */
import * as Driver from "mongodb"
import { AssertionFailed, type Document, fromExtendedJson, isDocument, MalformedTest } from "./format.ts"

/** The values that some operators look up. */
export interface MatchContext {
  /** A value that an operation has saved. */
  readonly entity: (name: string) => unknown
  /** The lsid of a session, also when it has ended. */
  readonly sessionLsid: (name: string) => Document
}

const shown = (value: unknown): string => {
  if (value === undefined) return "nothing"
  try {
    const text = Driver.BSON.EJSON.stringify(value as Document, { relaxed: true })
    return text.length > 300 ? `${text.slice(0, 300)}…` : text
  } catch {
    return String(value)
  }
}

const fail = (where: string, message: string): never => {
  throw new AssertionFailed(`${where}: ${message}`)
}

const isNumber = (value: unknown): value is number | bigint | Driver.Int32 | Driver.Double | Driver.Long =>
  typeof value === "number" || typeof value === "bigint" || value instanceof Driver.Int32 ||
  value instanceof Driver.Double || Driver.Long.isLong(value)

/** Compares numbers of any two types without loss: both as text, or as doubles. */
const sameNumber = (a: unknown, b: unknown): boolean => {
  const exact = (value: unknown): bigint | number => {
    if (Driver.Long.isLong(value)) return (value as Driver.Long).toBigInt()
    const plain = typeof value === "object" ? Number(value) : value as number | bigint
    return typeof plain === "number" && Number.isSafeInteger(plain) ? BigInt(plain) : plain
  }
  const [left, right] = [exact(a), exact(b)]
  // eslint-disable-next-line eqeqeq
  return left == right || (Number.isNaN(left) && Number.isNaN(right))
}

/** Other values than documents, arrays and numbers are compared by their BSON. */
const sameScalar = (a: unknown, b: unknown): boolean => {
  const canonical = (value: unknown) =>
    Driver.BSON.EJSON.stringify(
      Driver.BSON.deserialize(Driver.BSON.serialize({ value: value === undefined ? null : value }), {
        promoteValues: false,
        bsonRegExp: true
      }),
      { relaxed: false }
    )
  return canonical(a) === canonical(b)
}

const int32 = (value: number) => Number.isInteger(value) && value >= -(2 ** 31) && value < 2 ** 31

const integerTypes = ["int", "long"]

/** Whether a value has a BSON type. A JavaScript number may stand for any type that can hold it. */
const hasType = (value: unknown, type: string, where: string): boolean => {
  switch (type) {
    case "double":
      return typeof value === "number" || value instanceof Driver.Double
    case "int":
      return typeof value === "number" ? int32(value) : value instanceof Driver.Int32
    case "long":
      return typeof value === "number"
        ? Number.isInteger(value)
        : typeof value === "bigint" || Driver.Long.isLong(value)
    case "decimal":
      return value instanceof Driver.Decimal128
    case "number":
      return ["double", "decimal", ...integerTypes].some((each) => hasType(value, each, where))
    case "string":
      return typeof value === "string"
    case "object":
      return isDocument(value)
    case "array":
      return Array.isArray(value)
    case "binData":
      return value instanceof Driver.Binary || value instanceof Uint8Array
    case "undefined":
      return value === undefined
    case "objectId":
      return value instanceof Driver.ObjectId
    case "bool":
      return typeof value === "boolean"
    case "date":
      return value instanceof Date
    case "null":
      return value === null
    case "regex":
      return value instanceof RegExp || value instanceof Driver.BSONRegExp
    case "dbPointer":
      return value instanceof Driver.DBRef
    case "javascript":
      return value instanceof Driver.Code && value.scope === null
    case "javascriptWithScope":
      return value instanceof Driver.Code && value.scope !== null
    case "symbol":
      return value instanceof Driver.BSONSymbol
    case "timestamp":
      return value instanceof Driver.Timestamp
    case "minKey":
      return value instanceof Driver.MinKey
    case "maxKey":
      return value instanceof Driver.MaxKey
    default:
      throw new MalformedTest(`${where}: $$type ${type} is not a BSON type`)
  }
}

const hexOf = (value: unknown): string | undefined =>
  value instanceof Uint8Array
    ? Buffer.from(value).toString("hex")
    : value instanceof Driver.Binary
    ? Buffer.from(value.value()).toString("hex")
    : undefined

/** The operator that a document is, if it is one. */
const operatorOf = (expected: unknown): readonly [name: string, argument: unknown] | undefined => {
  if (!isDocument(expected)) return undefined
  const entries = Object.entries(expected)
  const [first] = entries
  if (first === undefined || !first[0].startsWith("$$")) return undefined
  if (entries.length > 1) throw new MalformedTest(`the operator ${first[0]} stands beside other keys`)
  return first
}

const withoutUndefined = (value: Document): Document =>
  Object.fromEntries(Object.entries(value).filter(([, field]) => field !== undefined))

const asPlain = (value: unknown): unknown => value instanceof Map ? Object.fromEntries(value) : value

export const match = (
  expected: unknown,
  given: unknown,
  context: MatchContext,
  options: { readonly root: boolean; readonly where: string }
): void => {
  const { root, where } = options
  const actual = asPlain(given)
  const operator = operatorOf(expected)
  if (operator !== undefined) return matchOperator(operator, actual, context, options)
  if (isDocument(expected)) {
    if (!isDocument(actual)) return fail(where, `expected the document ${shown(expected)}, got ${shown(actual)}`)
    for (const [key, field] of Object.entries(expected)) {
      const place = where === "" ? key : `${where}.${key}`
      const value = actual[key]
      if (value === undefined && operatorOf(field) === undefined) fail(place, `expected ${shown(field)}, got nothing`)
      match(field, value, context, { root: false, where: place })
    }
    if (root) return
    const extra = Object.keys(withoutUndefined(actual)).filter((key) => !(key in expected))
    if (extra.length > 0) fail(where, `unexpected ${extra.join(", ")} in ${shown(actual)}`)
    return
  }
  if (Array.isArray(expected)) {
    if (!Array.isArray(actual)) return fail(where, `expected the array ${shown(expected)}, got ${shown(actual)}`)
    if (actual.length !== expected.length) {
      return fail(where, `expected ${expected.length} elements, got ${actual.length}: ${shown(actual)}`)
    }
    for (const [index, element] of expected.entries()) {
      match(element, actual[index], context, { root: false, where: `${where}[${index}]` })
    }
    return
  }
  const same = actual !== undefined &&
    (isNumber(expected) ? isNumber(actual) && sameNumber(expected, actual) : !isNumber(actual) &&
      !isDocument(actual) && !Array.isArray(actual) && sameScalar(expected, actual))
  if (!same) fail(where, `expected ${shown(expected)}, got ${shown(actual)}`)
}

const matchOperator = (
  [name, argument]: readonly [string, unknown],
  actual: unknown,
  context: MatchContext,
  options: { readonly root: boolean; readonly where: string }
): void => {
  const { where } = options
  const nameOf = (value: unknown): string => {
    if (typeof value === "string") return value
    throw new MalformedTest(`${where}: ${name} takes the name of an entity`)
  }
  const needed = (): unknown => actual === undefined ? fail(where, "is not there") : actual
  switch (name) {
    case "$$exists":
      if (typeof argument !== "boolean") throw new MalformedTest(`${where}: $$exists takes a boolean`)
      if ((actual !== undefined) !== argument) fail(where, argument ? "is not there" : `is there: ${shown(actual)}`)
      return
    case "$$type": {
      const types = (Array.isArray(argument) ? argument : [argument]).map((type) => {
        if (typeof type !== "string") throw new MalformedTest(`${where}: $$type takes names of types`)
        return type
      })
      // This looks at all of them, to find unknown ones.
      const fits = types.map((type) => hasType(needed(), type, where))
      if (!fits.includes(true)) fail(where, `expected a value of type ${types.join(" or ")}, got ${shown(actual)}`)
      return
    }
    case "$$unsetOrMatches":
      if (actual !== undefined) match(argument, actual, context, options)
      return
    case "$$matchesEntity":
      return match(plainEntity(context.entity(nameOf(argument))), needed(), context, options)
    case "$$matchesHexBytes": {
      const hex = hexOf(needed())
      if (typeof argument !== "string" || !/^([0-9a-f]{2})*$/i.test(argument)) {
        throw new MalformedTest(`${where}: $$matchesHexBytes takes bytes in hex`)
      }
      if (hex !== argument.toLowerCase()) fail(where, `expected the bytes ${argument}, got ${hex ?? shown(actual)}`)
      return
    }
    case "$$sessionLsid":
      return match(context.sessionLsid(nameOf(argument)), needed(), context, options)
    case "$$lte":
      if (!isNumber(argument)) throw new MalformedTest(`${where}: $$lte takes a number`)
      if (!isNumber(needed()) || !(Number(actual) <= Number(argument))) {
        fail(where, `expected at most ${shown(argument)}, got ${shown(actual)}`)
      }
      return
    case "$$matchAsDocument": {
      const text = needed()
      if (typeof text !== "string") return fail(where, `expected Extended JSON, got ${shown(text)}`)
      let parsed: unknown
      try {
        parsed = fromExtendedJson(text)
      } catch (cause) {
        return fail(where, `${JSON.stringify(text)} is not Extended JSON: ${String(cause)}`)
      }
      if (!isDocument(parsed)) return fail(where, `expected the text of a document, got ${text}`)
      return match(argument, parsed, context, { root: false, where })
    }
    case "$$matchAsRoot":
      if (!isDocument(asPlain(needed()))) fail(where, `expected a document, got ${shown(actual)}`)
      return match(argument, actual, context, { root: true, where })
    default:
      throw new MalformedTest(`${where}: ${name} is not an operator`)
  }
}

/** A saved value stands for itself: nothing in it is an operator. */
const plainEntity = (value: unknown): unknown => value === undefined ? null : value
