/**
 * Refuses input that BSON would silently lose or change, before anything is sent.
 *
 * The checks follow the serializer of bson 7 type by type. They run on every operation, so they build nothing for a valid
 * value. A problem found at a leaf collects its path on the way out.
 */
import { InvalidInput } from "./invalidInput.ts"

/** What is wrong with a value, and the keys that lead to it, innermost first. */
interface Problem {
  /** Ends the sentence that the path begins; `undefined` when the walk was given up. */
  readonly what: string | undefined
  readonly keys: Array<string | number>
}

const problem = (what: string | undefined): Problem => ({ what, keys: [] })

/** Adds the key under which a problem was found. */
const under = (found: Problem, key: string | number): Problem => {
  found.keys.push(key)
  return found
}

/**
 * No server takes documents that are nested deeper: 250 is the highest value of its `maxBSONDepth`. A cycle ends here too.
 * The whole walk is then given up, and BSON or the server says what is wrong.
 */
const maxDepth = 250

/**
 * No document of 16 MB holds more objects and arrays: each takes at least seven bytes. Objects that are shared many times
 * can unfold to more. BSON gives up on them when its buffer is full.
 */
const maxContainers = 2_500_000

let containers = 0

/** Whether a Map is allowed: it is where the order of keys matters, as in a sort. */
let takesMaps = false

const int64Min = -(2n ** 63n)
const int64Max = 2n ** 63n - 1n

const tagOf = (value: object): string => Object.prototype.toString.call(value).slice(8, -1)

const aOrAn = (name: string): string => `${/^[AEIO]/i.test(name) ? "an" : "a"} ${name}`

/**
 * UTF-8 cannot encode half of a surrogate pair: BSON would store U+FFFD in its place. The check costs nothing for plain text.
 */
const loneSurrogate = "has a lone surrogate, which BSON would replace"

const badKey = (): Problem => problem(`is a key that ${loneSurrogate}`)

const isWellFormed = (text: string): boolean =>
  // Node has this method since version 20; the library of TypeScript's target does not.
  (text as unknown as { readonly isWellFormed: () => boolean }).isWellFormed()

/**
 * Checks a value, or what its `toBSON` returns.
 *
 * @param lenient - whether properties may be `undefined`, since BSON leaves them out
 */
const check = (value: unknown, lenient: boolean, depth: number): Problem | undefined => {
  switch (typeof value) {
    case "string":
      return isWellFormed(value) ? undefined : problem(loneSurrogate)
    case "number":
    case "boolean":
      return undefined
    case "object":
      return value === null ? undefined : checkObject(value, lenient, depth)
    case "undefined":
      return problem("is undefined")
    case "bigint":
      return value < int64Min || value > int64Max ? problem("is a bigint outside of the int64 range") : undefined
    case "symbol":
      return problem("is a symbol")
    case "function":
      return hasToBSON(value) ? checkObject(value, lenient, depth) : problem("is a function")
  }
}

const hasToBSON = (value: object): value is { readonly toBSON: () => unknown } =>
  typeof (value as { readonly toBSON?: unknown }).toBSON === "function"

const checkObject = (value: object, lenient: boolean, depth: number): Problem | undefined => {
  if (depth > maxDepth || containers++ > maxContainers) return problem(undefined)
  const prototype = Object.getPrototypeOf(value)
  if (prototype === Object.prototype || prototype === null) return checkProperties(value, lenient, depth)
  if (hasToBSON(value)) return check(value.toBSON(), lenient, depth + 1)
  if (Array.isArray(value)) return checkElements(value, lenient, depth)
  if ("_bsontype" in value && value._bsontype != null) return checkBson(value, lenient, depth)
  return checkInstance(value, lenient, depth)
}

/** Below these keys of modifiers and stages, order matters. A Map keeps it even for keys that look like numbers. */
const orderedKeys: ReadonlySet<string> = new Set(["$sort", "sortBy"])

const checkProperties = (value: object, lenient: boolean, depth: number): Problem | undefined => {
  // for...in is the fastest loop over own properties. Inherited ones are filtered out below.
  for (const key in value) {
    const property = (value as Record<string, unknown>)[key]
    const type = typeof property
    const isFine = type === "string"
      ? isWellFormed(property as string)
      : type === "number" || type === "boolean" || property === null || property === undefined && lenient
    if (isFine && isWellFormed(key)) continue
    let found = isWellFormed(key) ? check(property, lenient, depth + 1) : badKey()
    if (found === undefined || !Object.hasOwn(value, key)) continue
    if (orderedKeys.has(key) && property instanceof Map) {
      found = checkEntries(property, lenient, depth + 1)
      if (found === undefined) continue
    }
    // A function among the properties may be `toBSON`, whose result then stands for the object.
    return hasToBSON(value) ? check(value.toBSON(), lenient, depth + 1) : under(found, key)
  }
  return undefined
}

/** BSON would store null for an element that is `undefined`, so no array may have one. */
const checkElements = (value: ReadonlyArray<unknown>, lenient: boolean, depth: number): Problem | undefined => {
  for (let index = 0; index < value.length; index++) {
    const element = value[index]
    const type = typeof element
    if (
      type === "string"
        ? isWellFormed(element as string)
        : type === "number" || type === "boolean" || element === null
    ) {
      continue
    }
    const found = check(element, lenient, depth + 1)
    if (found !== undefined) return under(found, index)
  }
  return undefined
}

/** The members of BSON's classes that are text. */
const textMembers: ReadonlyMap<unknown, ReadonlyArray<string>> = new Map([
  ["BSONRegExp", ["pattern"]],
  ["BSONSymbol", ["value"]],
  ["Code", ["code"]],
  ["DBRef", ["collection", "db"]]
])

const checkBson = (value: object, lenient: boolean, depth: number): Problem | undefined => {
  const { _bsontype: type, fields, oid, scope } = value as Record<string, unknown>
  for (const member of textMembers.get(type) ?? []) {
    const text = (value as Record<string, unknown>)[member]
    if (typeof text === "string" && !isWellFormed(text)) return problem(loneSurrogate)
  }
  if (type === "Code" && typeof scope === "object" && scope !== null) {
    const found = check(scope, lenient, depth + 1)
    return found && under(found, "scope")
  }
  if (type === "DBRef") {
    const found = check(oid, lenient, depth + 1)
    if (found !== undefined) return under(found, "$id")
    return check(fields, lenient, depth + 1)
  }
  return undefined
}

const checkInstance = (value: object, lenient: boolean, depth: number): Problem | undefined => {
  if (value instanceof Date) return checkDate(value)
  if (value instanceof Uint8Array) return undefined
  // Values of another realm have different constructors, but the same tags.
  switch (tagOf(value)) {
    case "Date":
      return checkDate(value as Date)
    case "RegExp":
      return checkRegExp(value as RegExp)
    case "Uint8Array":
      return undefined
  }
  if (takesMaps && isMap(value)) return checkEntries(value, lenient, depth)
  const what = noDocument(value)
  return what === undefined ? checkProperties(value, lenient, depth) : problem(what)
}

const isMap = (value: object): value is Map<unknown, unknown> => value instanceof Map || tagOf(value) === "Map"

/**
 * Names an instance of a class that BSON would store wrongly: as an empty document, or as its internal properties.
 * `undefined` for an instance whose properties are its data.
 */
const noDocument = (value: object): string | undefined => {
  const prototype: object = Object.getPrototypeOf(value)
  // The prototype of the plain objects of another realm.
  if (Object.getPrototypeOf(prototype) === null && Object.hasOwn(prototype, "hasOwnProperty")) return undefined
  const tag = tagOf(value)
  if (builtIns.has(tag) || ArrayBuffer.isView(value)) return `is ${aOrAn(tag)}`
  let kind = kinds.get(prototype)
  if (kind === undefined) kinds.set(prototype, kind = kindOf(prototype))
  if (kind.isNamed) return `is ${aOrAn(kind.name)}`
  const keys = Object.keys(value)
  const own = effectName(keys)
  if (own !== undefined) return `is ${aOrAn(own)}`
  const isEmpty = keys.length === 0 && !kind.isSchema
  if (!kind.isValue && !isEmpty) return undefined
  // An object may name itself.
  if (tag !== "Object") return `is ${aOrAn(tag)}`
  // The data of an instance without properties are where BSON cannot see them: in private fields or on its prototype.
  return `is ${aOrAn(kind.name)}${kind.isValue ? "" : " without properties of its own"}`
}

/** What a class says about its instances. */
interface Kind {
  readonly name: string
  /** Whether the name is Effect's, or that of our own values. */
  readonly isNamed: boolean
  /** Whether its instances stand for more than their properties. */
  readonly isValue: boolean
  /** Whether a schema makes its instances: they are documents, whatever properties they have. */
  readonly isSchema: boolean
}

/** By prototype: each class is inspected once. */
const kinds = new WeakMap<object, Kind>()

const schemaMark = "~effect/Schema/Class/"

/** Marks that any class may have to work with Effect, without being one of Effect's values. */
const interfaceMarks: ReadonlySet<string> = new Set(["~effect/Equal", "~effect/Hash", "~effect/Redactable"])

/** The name of one of Effect's or our own values, from the mark that each of them has. */
const effectName = (keys: ReadonlyArray<string>): string | undefined => {
  for (const key of keys) {
    if (
      key.charCodeAt(0) !== 126 || !/^~(?:effect|@mongofx)\//.test(key) || interfaceMarks.has(key) ||
      key.startsWith(schemaMark)
    ) continue
    return key.slice(key.lastIndexOf("/") + 1)
  }
  return undefined
}

/**
 * Data have properties, methods and getters. An object that can be iterated, awaited or converted to a primitive is more
 * than its properties: a collection, a promise, an amount, a library's date.
 */
const valueMembers = [Symbol.iterator, Symbol.asyncIterator, Symbol.toPrimitive, "valueOf", "then"] as const

const kindOf = (prototype: object): Kind => {
  const { constructor } = prototype as { readonly constructor: unknown }
  let name = typeof constructor === "function" && constructor.name !== "" ? constructor.name : "object of a class"
  let isNamed = false
  let isSchema = false
  let isValue = false
  for (let level = prototype; !isNamed && level !== null; level = Object.getPrototypeOf(level)) {
    // The last prototype is the root of all objects, of this realm or another.
    if (Object.getPrototypeOf(level) === null && level !== prototype) break
    const keys = Object.getOwnPropertyNames(level)
    isSchema ||= keys.some((key) => key.startsWith(schemaMark))
    const effect = effectName(keys)
    if (effect !== undefined) {
      name = effect
      isNamed = true
    }
    isValue ||= isNamed || valueMembers.some((member) => Object.hasOwn(level, member))
  }
  // An Effect that succeeds at once is an Exit. The caller forgot to run an Effect, so the message says so.
  return { name: "~effect/Effect" in prototype ? "Effect" : name, isNamed, isSchema, isValue }
}

/** Classes whose instances keep their data in internal slots, whatever other properties they have. */
const builtIns: ReadonlySet<string> = new Set([
  "Map",
  "Set",
  "WeakSet",
  "WeakMap",
  "WeakRef",
  "Promise",
  "ArrayBuffer",
  "SharedArrayBuffer",
  "Error",
  "String",
  "Number",
  "Boolean",
  "BigInt",
  "Symbol"
])

const checkDate = (value: Date): Problem | undefined =>
  Number.isNaN(value.getTime()) ? problem("is an invalid Date") : undefined

/** BSON knows i, m and s. It writes g as s and reads s as g, so that g survives. u, v and d change nothing on the server. */
const checkRegExp = (value: RegExp): Problem | undefined => {
  if (!isWellFormed(value.source)) return problem(loneSurrogate)
  if (value.dotAll) return problem("is a RegExp with the flag s, which BSON drops")
  return value.sticky ? problem("is a RegExp with the flag y, which BSON drops") : undefined
}

const checkEntries = (
  value: ReadonlyMap<unknown, unknown>,
  lenient: boolean,
  depth: number
): Problem | undefined => {
  for (const [key, entry] of value) {
    if (typeof key !== "string") return problem("is a Map with a key that is not a string")
    if (entry === undefined && lenient) continue
    if (!isWellFormed(key)) return under(badKey(), key)
    const found = check(entry, lenient, depth + 1)
    if (found !== undefined) return under(found, key)
  }
  return undefined
}

const simpleKey = /^[^\s[\]"\p{C}]+$/u

const pathOf = (root: string, keys: ReadonlyArray<string | number>): string => {
  let path = root
  for (let i = keys.length - 1; i >= 0; i--) {
    const key = keys[i]
    if (typeof key === "number") path += `[${key}]`
    else path += simpleKey.test(key) ? `.${key}` : `[${JSON.stringify(key)}]`
  }
  return path
}

const refuse = (path: string, what: string): never => {
  throw new InvalidInput(path, `${path} ${what}`)
}

const refuseProblem = (found: Problem | undefined, path: string, index?: number): void => {
  if (found === undefined || found.what === undefined) return
  if (index !== undefined) under(found, index)
  refuse(pathOf(path, found.keys), found.what)
}

const checked = (value: unknown, lenient: boolean, path: string, index?: number, maps = false): void => {
  containers = 0
  takesMaps = maps
  const found = check(value, lenient, 0)
  if (found !== undefined) refuseProblem(found, path, index)
}

/** Names a value that stands where a document should; `undefined` for a document. */
const notDocument = (value: unknown): string | undefined => {
  if (value === null) return "is null"
  if (value === undefined) return "is undefined"
  if (typeof value !== "object") return `is ${aOrAn(typeof value)}`
  const prototype = Object.getPrototypeOf(value)
  if (prototype === Object.prototype || prototype === null) return undefined
  if (Array.isArray(value)) return "is an array"
  if ("_bsontype" in value && typeof value._bsontype === "string") return `is ${aOrAn(value._bsontype)}`
  const tag = tagOf(value)
  if (value instanceof Date || tag === "Date" || tag === "RegExp") return `is ${aOrAn(tag)}`
  return hasToBSON(value) ? undefined : noDocument(value)
}

/**
 * Refuses a filter that is not a document, or has `undefined` anywhere: a condition that is left out matches everything.
 *
 * @internal
 */
export const checkFilter = (filter: unknown, path = "filter"): void => {
  const what = notDocument(filter)
  if (what !== undefined) refuse(path, what)
  checked(filter, false, path)
}

/**
 * Refuses a document that cannot be stored as it is. Properties may be `undefined`: BSON leaves them out.
 *
 * @param index - the position of the document in the array that `path` names
 * @internal
 */
export const checkDocument = (document: unknown, path = "document", index?: number): void => {
  const what = notDocument(document)
  if (what !== undefined) refuseProblem(problem(what), path, index)
  checked(document, true, path, index)
}

/**
 * Like `checkDocument`, for a document that replaces another one: an operator in it is an error.
 *
 * @internal
 */
export const checkReplacement = (replacement: unknown, path = "replacement"): void => {
  checkDocument(replacement, path)
  const stored = hasToBSON(replacement as object)
    ? (replacement as { toBSON(): object }).toBSON()
    : replacement as object
  for (const key of Object.keys(stored)) {
    if (key.startsWith("$")) {
      refuse(pathOf(path, [key]), "is an update operator: use updateOne, since a replacement is a whole document")
    }
  }
}

/**
 * Refuses an update that is neither an operator document nor a pipeline, is empty, or has an operand that is left out.
 *
 * @internal
 */
export const checkUpdate = (update: unknown, path = "update"): void => {
  if (Array.isArray(update)) {
    if (update.length === 0) refuse(path, "is an empty pipeline")
    return checkPipeline(update, path)
  }
  const what = notDocument(update)
  if (what !== undefined) refuse(path, what)
  containers = 0
  takesMaps = false
  let empty = true
  for (const operator of Object.keys(update as object)) {
    empty = false
    if (!operator.startsWith("$")) {
      refuse(pathOf(path, [operator]), "is not an update operator: use replaceOne to replace the whole document")
    }
    const found = checkOperator(operator, (update as Record<string, unknown>)[operator])
    if (found !== undefined) refuseProblem(under(found, operator), path)
  }
  if (empty) refuse(path, "has no update operator")
}

const checkOperator = (operator: string, operand: unknown): Problem | undefined => {
  switch (operator) {
    case "$set":
    case "$setOnInsert":
      return check(operand, true, 1)
    case "$push":
    case "$addToSet":
      return checkArrayOperator(operand)
    default:
      return check(operand, false, 1)
  }
}

/** What is added to an array is stored like a document. The modifiers around it are not. */
const checkArrayOperator = (operand: unknown): Problem | undefined => {
  if (typeof operand !== "object" || operand === null || Array.isArray(operand) || hasToBSON(operand)) {
    return check(operand, false, 1)
  }
  for (const field of Object.keys(operand)) {
    const value = (operand as Record<string, unknown>)[field]
    const found = !isWellFormed(field)
      ? badKey()
      : hasModifiers(value)
      ? checkModifiers(value)
      : check(value, true, 2)
    if (found !== undefined) return under(found, field)
  }
  return undefined
}

const hasModifiers = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && "$each" in value

const checkModifiers = (modifiers: Record<string, unknown>): Problem | undefined => {
  for (const modifier of Object.keys(modifiers)) {
    const operand = modifiers[modifier]
    const found = modifier === "$sort" && operand instanceof Map
      ? checkEntries(operand, false, 3)
      : check(operand, modifier === "$each", 3)
    if (found !== undefined) return under(found, modifier)
  }
  return undefined
}

/**
 * Refuses a pipeline that is not an array, or has `undefined` anywhere.
 *
 * @internal
 */
export const checkPipeline = (pipeline: unknown, path = "pipeline"): void => {
  if (!Array.isArray(pipeline)) refuse(path, "is not an array")
  checked(pipeline, false, path)
}

/**
 * Refuses a value that cannot be sent as it is, or has `undefined` anywhere.
 *
 * @internal
 */
export const checkValue = (value: unknown, path: string): void => checked(value, false, path)

/**
 * Like `checkValue`, for what may be a Map because the order of its keys matters: a sort, a hint, the keys of an index, a command.
 *
 * @internal
 */
export const checkOrdered = (value: unknown, path: string): void => checked(value, false, path, undefined, true)

/**
 * Like `checkOrdered`, for a command, which must be a document itself.
 *
 * @internal
 */
export const checkCommand = (command: unknown): void => {
  const what = notDocument(command)
  if (what !== undefined) refuse("command", what)
  checkOrdered(command, "command")
}

/** The driver would look for a level in any value. */
const checkReadConcern = (value: unknown, path: string): void => {
  if (typeof value !== "string" && (typeof value !== "object" || value === null)) refuse(path, "is not a read concern")
}

/** Options that the driver sends to the server as they are, with their checks. The others are settings of the driver. */
const sentOptions: ReadonlyMap<string, (value: unknown, path: string) => void> = new Map([
  ["arrayFilters", checkValue],
  ["collation", checkValue],
  ["comment", checkValue],
  ["filter", checkValue],
  ["hint", checkOrdered],
  ["let", checkValue],
  ["max", checkOrdered],
  ["min", checkOrdered],
  ["projection", checkOrdered],
  ["readConcern", checkReadConcern],
  ["sort", checkOrdered]
])

/**
 * Refuses values that cannot be options, as untyped code may pass them: null, an array, a string. `undefined` means no options.
 *
 * @internal
 */
export const checkGiven = (options: unknown, path = "options"): void => {
  if (options === undefined || typeof options === "object" && options !== null && !Array.isArray(options)) return
  refuse(path, notDocument(options)!)
}

/**
 * Checks the options of an operation that are sent to the server, and all numbers. An option that is `undefined` counts as not given.
 *
 * @internal
 */
export const checkOptions = (options: object, path = "options"): void => {
  checkGiven(options, path)
  for (const key of Object.keys(options)) {
    const value = (options as Record<string, unknown>)[key]
    if (value === undefined) continue
    const check = sentOptions.get(key)
    if (check !== undefined) check(value, `${path}.${key}`)
    // The server reads NaN as 0, which often means "without a limit".
    else if (typeof value === "number" && Number.isNaN(value)) refuse(`${path}.${key}`, "is not a number")
  }
}

/**
 * Refuses an invalid name of a database or a collection. The driver and the server read an empty or missing name as something else,
 * for instance a whole database.
 *
 * @internal
 */
export const checkName = (name: unknown, what: "collection" | "database", path = "name"): void => {
  const problem = typeof name !== "string"
    ? `is not a string, but ${name === null ? "null" : typeof name}`
    : name === ""
    ? "is empty"
    : isWellFormed(name)
    ? undefined
    : loneSurrogate
  if (problem !== undefined) throw new InvalidInput(path, `the name of the ${what} ${problem}`)
}
