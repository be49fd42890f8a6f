/** The order of pages: the fields that a query is sorted by, and what the schema says about their values. */
import * as Schema from "effect/Schema"
import * as SchemaAST from "effect/SchemaAST"
import * as SchemaParser from "effect/SchemaParser"
import * as Driver from "mongodb"
import { numericTypes, storedTypes } from "../ast/stored.ts"
import type { Shape } from "../collection/shape.ts"
import { encodeSort } from "../encode/sort.ts"
import { expand, stepObject } from "../path/nodes.ts"
import { isPlainObject } from "../plainObject.ts"
import { refuse } from "../refusal.ts"

/**
 * Values that the server compares with each other. Between two groups it compares nothing, although it sorts them.
 *
 * @internal
 */
export type Bracket = "number" | "string" | "object" | "binData" | "objectId" | "bool" | "date" | "timestamp"

const brackets: ReadonlySet<string> = new Set<Bracket>([
  "number",
  "string",
  "object",
  "binData",
  "objectId",
  "bool",
  "date",
  "timestamp"
])

/**
 * A field of the order.
 *
 * @internal
 */
export interface Field {
  /** Its path in the stored document. */
  readonly key: string
  readonly direction: 1 | -1
  /** What its values are, save null. */
  readonly bracket: Bracket
  /** Whether it may be null. */
  readonly nullable: boolean
  /** Whether it may be missing. The server sorts null and missing as one value. */
  readonly missable: boolean
  /** Whether it may be NaN. */
  readonly nan: boolean
  /** Whether it is in an object with other fields of any name, so that a decoder would not leave it out. */
  readonly open: boolean
}

/** @internal */
export type Order = ReadonlyArray<Field>

/** What the schema says about the end of a path. */
interface Stored {
  readonly types: ReadonlySet<string>
  readonly missable: boolean
  readonly nan: boolean
  readonly open: boolean
}

const nans = [NaN, new Driver.Double(NaN), Driver.Decimal128.fromString("NaN")]

const known = new WeakMap<SchemaAST.AST, boolean>()

/** Whether NaN may be stored. Each value that may be is one more place in an index to look at. */
const mayBeNaN = (ast: SchemaAST.AST): boolean => {
  let answer = known.get(ast)
  if (answer === undefined) {
    const encoded = Schema.make<Schema.ConstraintCodec<unknown>>(SchemaAST.toEncoded(ast))
    known.set(ast, answer = nans.some(SchemaParser.is(encoded)))
  }
  return answer
}

const notAnArray = "is an array, or goes through one: pages need fields with one value, so sort by another field"

/** Follows a path to its values. It remembers whether anything on the way may be absent. */
const follow = (root: SchemaAST.AST, path: string, at: string): Stored => {
  let alternatives: ReadonlyArray<SchemaAST.AST> = [root]
  let missable = false
  let open = false
  for (const segment of path.split(".")) {
    const next: Array<SchemaAST.AST> = []
    for (const node of alternatives.flatMap(expand)) {
      if (node._tag === "Array") return refuse(at, notAnArray)
      if (node._tag === "Leaf" && storedTypes(node.ast).has("unknown")) return refuse(at, unknown)
      if (node._tag === "Object" && node.objects.indexSignatures.length > 0) open = true
      const steps = node._tag === "Leaf" ? [] : stepObject(node, segment)
      if (steps.length === 0) missable = true
      for (const step of steps) {
        missable ||= step.optional
        next.push(step.ast)
      }
    }
    alternatives = next
  }
  const types = new Set(alternatives.flatMap((ast) => [...storedTypes(ast)]))
  return { types, missable: missable || types.has("missing"), nan: alternatives.some(mayBeNaN), open }
}

const unknown = "may hold any value: pages need fields whose values have one type of BSON"

const groupOf = (type: string): string => numericTypes.has(type) ? "number" : type === "symbol" ? "string" : type

const fieldOf = (shape: Shape, path: string, direction: 1 | -1, at: string): Field => {
  const { key } = shape.read(path, at)
  const stored = follow(shape.ast, path, at)
  const isId = key === "_id"
  const groups = new Set<string>()
  for (const type of stored.types) if (type !== "null" && type !== "missing") groups.add(groupOf(type))
  // A schema without an `_id` has documents with one that is an ObjectId.
  if (isId && stored.types.size === 0) groups.add("objectId")
  if (groups.has("array")) return refuse(at, notAnArray)
  const [bracket] = groups
  if (groups.has("unknown")) return refuse(at, unknown)
  if (bracket === undefined) return refuse(at, "is never there: sort by a field that has values")
  if (groups.size > 1) {
    return refuse(
      at,
      `is stored as ${
        [...groups].join(" or ")
      }: the server does not compare these with each other, so sort by a field ` +
        "whose values have one type of BSON"
    )
  }
  if (!brackets.has(bracket)) return refuse(at, `is stored as ${bracket}: the server compares no such values`)
  return {
    key,
    direction,
    bracket: bracket as Bracket,
    nullable: stored.types.has("null"),
    missable: stored.missable && !isId,
    open: stored.open,
    nan: bracket === "number" && stored.nan
  }
}

const isDescending = (direction: unknown): boolean =>
  direction === -1 || direction === "desc" || direction === "descending"

/**
 * The order of the pages of a query. It ends with `_id`, which makes it total, in the direction of the field before.
 *
 * @internal
 */
export const orderOf = (shape: Shape, sort: unknown, collation: unknown): Order => {
  const fields: Array<Field> = []
  if (sort !== undefined) {
    encodeSort(shape.read, sort)
    for (const [name, direction] of Object.entries(sort as Readonly<Record<string, unknown>>)) {
      const at = `sort.${name}`
      if (isPlainObject(direction)) refuse(at, "is computed by the server: pages need an order by fields")
      const field = fieldOf(shape, name, isDescending(direction) ? -1 : 1, at)
      fields.push(field)
      // No two documents have the same `_id`, so what follows decides nothing.
      if (field.key === "_id") break
    }
  }
  if (fields.at(-1)?.key !== "_id") {
    fields.push(fieldOf(shape, shape.idName, fields.at(-1)?.direction ?? 1, `sort.${shape.idName}`))
  }
  if (fields.at(-1)!.bracket === "string" || fields.at(-1)!.bracket === "object") checkCollation(collation)
  return fields
}

/** Under a collation two ids may be equal, and an order that ends with `_id` is no longer total. */
const checkCollation = (collation: unknown): void => {
  if (!isPlainObject(collation)) return
  const { alternate, locale, numericOrdering, strength = 3 } = collation
  if (locale === "simple") return
  // Thai shifts by default.
  const shifts = alternate === "shifted" || alternate === undefined && String(locale).startsWith("th")
  if (Number(strength) < 3 || numericOrdering === true || shifts) {
    refuse(
      "collation",
      "takes different texts for one, and the `_id`s hold text: use strength 3 or more without numericOrdering and shifted, " +
        "or another type for `_id`"
    )
  }
}

/**
 * The order from the other end.
 *
 * @internal
 */
export const reversed = (order: Order): Order =>
  order.map((field) => ({ ...field, direction: field.direction === 1 ? -1 : 1 }))

/** @internal */
export const sortOf = (order: Order): Record<string, 1 | -1> =>
  Object.fromEntries(order.map(({ direction, key }) => [key, direction]))
