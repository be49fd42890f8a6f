/** Predicts the document that an upsert would insert, from its encoded filter and update. Pure. */
import * as Exit from "effect/Exit"
import * as Schema from "effect/Schema"
import * as SchemaAST from "effect/SchemaAST"
import * as SchemaIssue from "effect/SchemaIssue"
import * as SchemaParser from "effect/SchemaParser"
import * as Driver from "mongodb"
import { isRegExp } from "../bson/values.ts"
import { isPlainObject, setOwn } from "../plainObject.ts"
import { refuse } from "../refusal.ts"

type Fields = Array<readonly [path: string, value: unknown]>

const isOperators = (u: unknown): u is Readonly<Record<string, unknown>> =>
  isPlainObject(u) && Object.keys(u).some((key) => key.startsWith("$"))

/**
 * The value that a condition is equal to, or `undefined` if it allows several.
 *
 * @internal
 */
export const equalTo = (condition: unknown): unknown => {
  if (!isOperators(condition)) return isRegExp(condition) ? undefined : condition
  if (Object.hasOwn(condition, "$eq")) return condition["$eq"]
  const list = condition["$in"]
  return Array.isArray(list) && list.length === 1 ? list[0] : undefined
}

/**
 * The fields that the server takes from a filter into the document that it inserts.
 *
 * @internal
 */
export const equalities = (filter: unknown): Fields =>
  !isPlainObject(filter) ? [] : Object.keys(filter).flatMap((name): Fields => {
    const value = filter[name]
    if (name === "$and" || name === "$or" && Array.isArray(value) && value.length === 1) {
      return Array.isArray(value) ? value.flatMap(equalities) : []
    }
    const equal = name.startsWith("$") ? undefined : equalTo(value)
    return equal === undefined ? [] : [[name, equal]]
  })

/** The elements that `$push` or `$addToSet` would put into a new array. */
const pushed = (value: unknown): ReadonlyArray<unknown> =>
  isPlainObject(value) && Array.isArray(value["$each"]) ? value["$each"] : [value]

/** The values that operators give to an absent field, or `undefined` if it stays absent. */
const made: Readonly<Record<string, (value: unknown) => unknown>> = {
  $set: (value) => value,
  $setOnInsert: (value) => value,
  $inc: (value) => value,
  $min: (value) => value,
  $max: (value) => value,
  // A zero of the operand's type.
  $mul: (value) => value,
  $bit: (value) => isPlainObject(value) ? Object.values(value)[0] : undefined,
  $currentDate: () => new Date(),
  $push: pushed,
  $addToSet: pushed,
  $pull: () => undefined,
  $pullAll: () => undefined,
  $pop: () => undefined,
  $unset: () => undefined
}

/** The fields that operators make in a new document, or `undefined` if only the server knows. */
const madeBy = (update: unknown): Fields | undefined => {
  if (!isPlainObject(update)) return undefined
  const fields: Array<readonly [string, unknown]> = []
  for (const operator of Object.keys(update)) {
    const make = Object.hasOwn(made, operator) ? made[operator] : undefined
    const operands = update[operator]
    if (make === undefined || !isPlainObject(operands)) return undefined
    for (const path of Object.keys(operands)) {
      const value = make(operands[path])
      if (value !== undefined) fields.push([path, value])
    }
  }
  return fields
}

/** The fields of a new document after the stages of an update, or `undefined` if only the server knows. */
const afterStages = (from: Fields, stages: ReadonlyArray<unknown>): Fields | undefined => {
  let fields = from
  const remove = (path: unknown) => {
    fields = fields.filter(([name]) => name !== path && !name.startsWith(`${String(path)}.`))
  }
  for (const stage of stages) {
    const [[name, operand] = [], ...others] = isPlainObject(stage) ? Object.entries(stage) : []
    if (others.length > 0) return undefined
    if (name === "$unset") {
      for (const path of Array.isArray(operand) ? operand : [operand]) remove(path)
      continue
    }
    if (name !== "$set" && name !== "$addFields" || !isPlainObject(operand)) return undefined
    for (const path of Object.keys(operand)) {
      const value = operand[path]
      remove(path)
      if (value === "$$REMOVE") continue
      if (!isPlainObject(value) || !Object.hasOwn(value, "$literal")) return undefined
      fields = [...fields, [path, value["$literal"]]]
    }
  }
  return fields
}

/** Sets a path in a document. Returns `false` if the server would not set it. */
const setAt = (document: Record<string, unknown>, path: string, value: unknown): boolean => {
  const segments = path.split(".")
  const last = segments.pop()!
  let at = document
  for (const segment of segments) {
    const next = Object.hasOwn(at, segment) ? at[segment] : {}
    if (segment.startsWith("$") || !isPlainObject(next)) return false
    // A copy, since the object belongs to the filter or the update.
    const copy = { ...next }
    setOwn(at, segment, copy)
    at = copy
  }
  setOwn(at, last, value)
  return !last.startsWith("$")
}

const documentOf = (filter: unknown, update: unknown): Record<string, unknown> | undefined => {
  const equal = equalities(filter)
  const fields = Array.isArray(update) ? afterStages(equal, update) : madeBy(update)
  if (fields === undefined) return undefined
  const document: Record<string, unknown> = {}
  for (const [path, value] of Array.isArray(update) ? fields : [...equal, ...fields]) {
    if (!setAt(document, path, value)) return undefined
  }
  return document
}

const format = SchemaIssue.makeFormatterStandardSchemaV1()

/**
 * Refuses an upsert that could insert a document that does not fit the schema. Lets an upsert pass if only the server knows
 * the document, as after an expression.
 *
 * @internal
 */
export const checkUpsert = (ast: SchemaAST.AST, filter: unknown, update: unknown, at: string): void => {
  const document = documentOf(filter, update)
  if (document !== undefined) checkInserted(ast, document, at)
}

/**
 * Refuses a document that an upsert could insert if it does not fit the schema. A document without `_id` gets an ObjectId.
 *
 * @internal
 */
export const checkInserted = (ast: SchemaAST.AST, document: Driver.Document, at: string): void => {
  const exit = parserOf(ast)({ _id: new Driver.ObjectId(), ...document })
  if (Exit.isSuccess(exit)) return
  const issues = exit.cause.reasons.flatMap((reason) => reason._tag === "Fail" ? format(reason.error).issues : [])
  if (issues.length === 0) return
  const names = issues.map(({ path = [] }) =>
    path.map((key) => String(typeof key === "object" ? key.key : key)).join(".")
  )
  refuse(
    at,
    `could insert a document that cannot be read: ${
      [...new Set(names)].filter((name) => name !== "").join(", ") || "it fits no member of the schema"
    }. Set these fields in the update, for instance in $setOnInsert, or as values in the filter`
  )
}

type Parser = (document: unknown) => Exit.Exit<unknown, SchemaIssue.Issue>

const parsers = new WeakMap<SchemaAST.AST, Parser>()

const parserOf = (ast: SchemaAST.AST): Parser => {
  let parser = parsers.get(ast)
  if (parser === undefined) {
    const encoded = Schema.make<Schema.ConstraintCodec<unknown>>(SchemaAST.toEncoded(ast))
    parser = SchemaParser.decodeUnknownExit(encoded, { errors: "all" })
    parsers.set(ast, parser)
  }
  return parser
}
