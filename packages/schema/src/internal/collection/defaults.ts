/**
 * Fills in the fields of updates that have a default in the variants of a model.
 */
import * as Effect from "effect/Effect"
import type * as SchemaAST from "effect/SchemaAST"
import type * as SchemaIssue from "effect/SchemaIssue"
import type * as Driver from "mongodb"
import type { Operands, Place } from "../encode/operands.ts"
import { encodeValue } from "../path/codecs.ts"
import { expand } from "../path/nodes.ts"
import { isPlainObject } from "../plainObject.ts"
import { equalities } from "./upsert.ts"

/** A field that is filled in if the caller leaves it out. */
interface Default {
  readonly name: string
  /** The stored name. */
  readonly key: string
  readonly ast: SchemaAST.AST
  readonly value: Effect.Effect<unknown, SchemaIssue.Issue>
}

/** @internal */
export interface Defaults {
  /** For documents that an upsert inserts. */
  readonly onInsert: ReadonlyArray<Default>
  /** For every update. */
  readonly onUpdate: ReadonlyArray<Default>
}

/**
 * The defaults of a schema with its variants.
 *
 * @internal
 */
export const defaultsOf = (ast: SchemaAST.AST, insert: SchemaAST.AST, update: SchemaAST.AST): Defaults => {
  // A default of the schema itself is for new documents: an update with it would overwrite stored values.
  const others = new Set(madeBy(ast).map(({ key }) => key))
  return { onInsert: madeBy(insert), onUpdate: madeBy(update).filter(({ key }) => !others.has(key)) }
}

/** The fields that a schema fills in. */
const madeBy = (ast: SchemaAST.AST): ReadonlyArray<Default> => {
  const nodes = expand(ast)
  const [node] = nodes
  if (nodes.length !== 1 || node?._tag !== "Object") return []
  return node.objects.propertySignatures.flatMap(({ name, type }) => {
    const value = type.context?.constructorDefault
    return value === undefined || typeof name !== "string" ? [] : [{ name, key: node.rename(name), ast: type, value }]
  })
}

const putDefault = (operands: Operands, place: Place, { ast, value }: Default): void =>
  operands.put(place, Effect.flatMapEager(value, (value) => encodeValue([ast])(value)), { onAbsent: () => {} })

/**
 * Adds the defaults of a model to an update: those for every update, and those for documents that an upsert inserts.
 *
 * @internal
 */
export const withDefaults = (
  defaults: Defaults,
  filter: unknown,
  update: Driver.Document | Array<Driver.Document>,
  upsert: boolean,
  operands: Operands,
  at: string
): Driver.Document | Array<Driver.Document> => {
  // Most schemas have none.
  if (defaults.onUpdate.length === 0 && (!upsert || defaults.onInsert.length === 0)) return update
  const named = new Set(pathsOf(update).map(firstOf))
  const onUpdate = defaults.onUpdate.filter(({ key }) => key !== "_id" && !named.has(key))
  if (Array.isArray(update)) {
    if (onUpdate.length === 0) return update
    const set: Driver.Document = {}
    for (const field of onUpdate) {
      const path = `${at}[0].$set.${field.key}`
      putDefault(operands, { out: set[field.key] = {}, key: "$literal", path }, field)
    }
    return [{ $set: set }, ...update]
  }
  const add = (operator: string, fields: ReadonlyArray<Default>) => {
    if (fields.length === 0) return
    const out = update[operator] ??= {}
    for (const field of fields) {
      putDefault(operands, { out, key: field.key, path: `${at}.${operator}.${field.key}` }, field)
    }
  }
  add("$set", onUpdate)
  if (upsert) {
    const known = new Set([
      ...named,
      ...onUpdate.map(({ key }) => key),
      ...equalities(filter).map(([path]) => firstOf(path))
    ])
    add("$setOnInsert", defaults.onInsert.filter(({ key }) => !known.has(key)))
  }
  return update
}

const firstOf = (path: string): string => path.split(".", 1)[0]!

/** The paths that an update names. */
const pathsOf = (update: Driver.Document | Array<Driver.Document>): ReadonlyArray<string> =>
  (Array.isArray(update) ? update : [update]).flatMap((operators) =>
    Object.values(operators).flatMap((operand) =>
      isPlainObject(operand) ? Object.keys(operand) : [operand].flat().filter((path) => typeof path === "string")
    )
  )
