/** What a repository has to know of its schema: the fields of versions and soft deletion, and those that an update sets. */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Schema from "effect/Schema"
import * as SchemaAST from "effect/SchemaAST"
import type * as SchemaIssue from "effect/SchemaIssue"
import * as SchemaParser from "effect/SchemaParser"
import { isNumber } from "../bson/numbers.ts"
import { checked } from "../collection/failures.ts"
import { type Shape, shapeOf, variantOf } from "../collection/shape.ts"
import { type Writer, writerOf } from "../collection/writer.ts"
import { storedKeys } from "../compiler/analysis.ts"
import { encodeValue, isStored, union } from "../path/codecs.ts"
import { expand, type Node } from "../path/nodes.ts"
import { refuse } from "../refusal.ts"

/** A field, by its name in the schema and in the database. */
interface Named {
  readonly name: string
  readonly key: string
}

/** @internal */
export interface Version extends Named {
  /** What a write adds to the version. */
  readonly one: 1 | 1n
  /** The same, as it is stored. */
  readonly stored: unknown
  /** The stored version 0, if documents without a version have that. */
  readonly zero: { readonly stored: unknown } | undefined
}

interface SoftDelete extends Named {
  /** The time of a deletion as the schema has it. */
  readonly at: (date: Date) => unknown
  /** The operators of an update that takes the time away. */
  readonly cleared: { readonly $set?: object; readonly $unset?: object }
  /** The stored condition of documents that are there. An upsert puts null into the new document, if that may be there. */
  readonly isAbsent: null | { readonly $exists: false }
}

/**
 * The options that name fields.
 *
 * @internal
 */
export interface Names {
  readonly version?: string | undefined
  readonly softDelete?: string | undefined
}

/** @internal */
export interface Settings {
  readonly shape: Shape
  /** Makes and encodes the argument of updates. */
  readonly update: Writer
  /** The names of the fields that updates set; `undefined` if the schema does not list them. */
  readonly fields: ReadonlySet<string> | undefined
  /** Whether the schema does not list its fields, so that an update is the whole document. */
  readonly isOpen: boolean
  /** Makes the value of one of these fields, in an object with nothing else. */
  readonly make: (name: string) => Writer["make"]
  /** The stored names of these fields. */
  readonly updated: ReadonlySet<string> | undefined
  /** The stored names of the fields that both inserts and updates set. */
  readonly common: ReadonlySet<string> | undefined
  readonly version: Version | undefined
  readonly softDelete: SoftDelete | undefined
}

const versionOf = (
  shape: Shape,
  fields: ReadonlyMap<string, unknown> | undefined,
  name: string
): Version => {
  const { alternatives, key } = shape.read(name, "options.version")
  if (fields?.has(name) === false) {
    refuse(
      "options.version",
      `names ${name}, which updates do not have: use MongoModel.Version, or add it to the variant update`
    )
  }
  for (const one of [1, 1n] as const) {
    const encoded = encodeValue(alternatives)(one)
    if (Exit.isExit(encoded) && Exit.isSuccess(encoded) && isNumber(encoded.value)) {
      return { name, key, one, stored: encoded.value, zero: zeroOf(name, alternatives) }
    }
  }
  return refuse("options.version", `names ${name}, which is not stored as a number`)
}

/** The schema of an object with one field. */
const holding = (name: string, alternatives: ReadonlyArray<SchemaAST.AST>): SchemaAST.AST =>
  new SchemaAST.Objects([new SchemaAST.PropertySignature(name, union(alternatives))], [])

/** The stored version 0, if a version that is missing is read as 0. A write adds 1 to nothing: only from 0 on does every write count. */
const zeroOf = (name: string, alternatives: ReadonlyArray<SchemaAST.AST>): Version["zero"] => {
  const holder = Schema.make<Schema.Constraint>(holding("field", alternatives))
  const decoded = SchemaParser.decodeUnknownEffect(holder)({})
  if (!Exit.isExit(decoded) || Exit.isFailure(decoded)) return undefined
  const { field: missing } = decoded.value as { readonly field?: unknown }
  if (missing === undefined) return undefined
  if (missing !== 0 && missing !== 0n) {
    refuse("options.version", `names ${name}, which is read as ${String(missing)} where it is missing: read it as 0`)
  }
  return { stored: Effect.runSync(encodeValue(alternatives)(missing) as Effect.Effect<unknown>) }
}

const softDeleteOf = (shape: Shape, name: string): SoftDelete => {
  const { alternatives, key, optional } = shape.read(name, "options.softDelete")
  const decode = SchemaParser.decodeUnknownEffect(Schema.make<Schema.Constraint>(union(alternatives))) as (
    stored: unknown
  ) => Effect.Effect<unknown, SchemaIssue.Issue>
  const decoded = decode(new Date(0))
  if (!isStored(alternatives, new Date(0)) || !Exit.isExit(decoded) || Exit.isFailure(decoded)) {
    refuse("options.softDelete", `names ${name}, which is not stored as a date`)
  }
  const isNullStored = isStored(alternatives, null)
  if (!optional && !isNullStored) {
    refuse("options.softDelete", `names ${name}, which every document has: it must be null or missing until a deletion`)
  }
  return {
    name,
    key,
    at: (date) => Effect.runSync(decode(date)),
    cleared: isNullStored ? { $set: { [name]: Effect.runSync(decode(null)) } } : { $unset: { [name]: true } },
    isAbsent: isNullStored ? null : { $exists: false }
  }
}

/** The schemas of each field: one for each member of a union that has it. */
const fieldsOf = (nodes: ReadonlyArray<Node>): ReadonlyMap<string, ReadonlyArray<SchemaAST.AST>> => {
  const fields = new Map<string, Array<SchemaAST.AST>>()
  for (const node of nodes) {
    if (node._tag !== "Object") continue
    for (const { name, type } of node.objects.propertySignatures) {
      fields.set(String(name), [...fields.get(String(name)) ?? [], type])
    }
  }
  return fields
}

const makersOf = (fields: ReadonlyMap<string, ReadonlyArray<SchemaAST.AST>> | undefined): Settings["make"] => {
  const made = new Map<string, Writer["make"]>()
  return (name) => {
    const known = made.get(name)
    if (known !== undefined) return known
    const alternatives = fields?.get(name)
    const make = alternatives === undefined ? Effect.succeed : writerOf(holding(name, alternatives)).make
    if (alternatives !== undefined) made.set(name, make)
    return make
  }
}

/**
 * Derives the settings of a repository from its schema. Throws a `MongoError` if the options do not fit it.
 *
 * @internal
 */
export const settingsOf = (collection: string, schema: Schema.Constraint, options: Names): Settings => {
  const shape = shapeOf(schema)
  const ast = variantOf(schema, "update")
  const nodes = expand(ast)
  const fields = nodes.every((node) => node._tag === "Object" && node.objects.indexSignatures.length === 0)
    ? fieldsOf(nodes)
    : undefined
  const updated = storedKeys(ast)
  const inserted = storedKeys(variantOf(schema, "insert"))
  let version: Version | undefined
  let softDelete: SoftDelete | undefined
  checked({ operation: "makeRepository", collection }, () => {
    if (options.version !== undefined) version = versionOf(shape, fields, options.version)
    if (options.softDelete !== undefined) softDelete = softDeleteOf(shape, options.softDelete)
  })
  return {
    shape,
    update: writerOf(ast),
    fields: fields && new Set(fields.keys()),
    isOpen: ast === schema.ast &&
      nodes.some((node) => node._tag === "Object" && node.objects.indexSignatures.length > 0),
    make: makersOf(fields),
    updated,
    common: updated === undefined || inserted === undefined
      ? undefined
      : new Set([...updated].filter((key) => inserted.has(key))),
    version,
    softDelete
  }
}
