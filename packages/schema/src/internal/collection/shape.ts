/** What is derived of a collection's schema, once: its codecs and its paths. */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as SchemaAST from "effect/SchemaAST"
import type * as SchemaIssue from "effect/SchemaIssue"
import * as SchemaParser from "effect/SchemaParser"
import * as Driver from "mongodb"
import * as Bson from "../../Bson.ts"
import { codecOf, type DocumentCodec } from "../compiler/codec.ts"
import type { Operands, Place } from "../encode/operands.ts"
import { type EncodedProjection, withoutId } from "../encode/projection.ts"
import { encodeValue, isStored, union } from "../path/codecs.ts"
import { elements, expand, fieldsOfClass, idsOf } from "../path/nodes.ts"
import { makeResolve, type Resolve } from "../path/resolve.ts"
import { isPlainObject } from "../plainObject.ts"
import { equalities } from "./upsert.ts"

type Make = (value: unknown) => Effect.Effect<unknown, SchemaIssue.Issue>

/** @internal */
export interface Writer {
  /** Fills in the defaults and runs the checks of a schema. */
  readonly make: Make
  /** Whether `make` gives back what it is given. */
  readonly plain: boolean
  readonly codec: DocumentCodec<unknown>
}

const writerOf = (ast: SchemaAST.AST): Writer => {
  const plain = !isConstructed(ast, new Set())
  return {
    make: plain ? Effect.succeed : SchemaParser.makeEffect(Schema.make<Schema.Constraint>(ast)) as Make,
    plain,
    codec: codecOf(ast)
  }
}

/** Whether values are made of what is given: with defaults, or as instances. Otherwise the encoder checks all there is. */
const isConstructed = (ast: SchemaAST.AST, seen: Set<SchemaAST.AST>): boolean => {
  if (seen.has(ast)) return false
  seen.add(ast)
  if (ast.context?.constructorDefault !== undefined || fieldsOfClass(ast) !== undefined) return true
  switch (ast._tag) {
    case "Suspend":
      return isConstructed(ast.thunk(), seen)
    case "Union":
      return ast.types.some((type) => isConstructed(type, seen))
    case "Arrays":
      return [...ast.elements, ...ast.rest].some((type) => isConstructed(type, seen))
    case "Objects":
      return ast.propertySignatures.some(({ type }) => isConstructed(type, seen)) ||
        ast.indexSignatures.some(({ type }) => isConstructed(type, seen))
    case "Declaration":
      return ast.typeParameters.some((type) => isConstructed(type, seen))
    default:
      return false
  }
}

/** A field that is made where it is not given. */
interface Default {
  readonly key: string
  readonly ast: SchemaAST.AST
  readonly value: Effect.Effect<unknown, SchemaIssue.Issue>
}

/** The fields of a variant that are made, where the schema itself does not make them. */
const defaultsOf = (variant: SchemaAST.AST, besides: SchemaAST.AST | undefined): ReadonlyArray<Default> => {
  const nodes = expand(variant)
  const [node] = nodes
  if (nodes.length !== 1 || node?._tag !== "Object") return []
  const others = besides === undefined ? [] : defaultsOf(besides, undefined)
  return node.objects.propertySignatures.flatMap(({ name, type }) => {
    const value = type.context?.constructorDefault
    if (value === undefined || typeof name !== "string") return []
    const key = node.rename(name)
    return others.some((other) => other.key === key) ? [] : [{ key, ast: type, value }]
  })
}

const putDefault = (operands: Operands, place: Place, { ast, value }: Default): void =>
  operands.put(place, Effect.flatMapEager(value, (value) => encodeValue([ast])(value)), { onAbsent: () => {} })

const objectId = [Bson.ObjectId.ast]

const projections = 100

/** @internal */
export class Shape {
  readonly ast: SchemaAST.AST
  readonly codec: DocumentCodec<unknown>
  readonly insert: Writer
  readonly read: Resolve
  readonly write: Resolve
  /** The codec of `_id`: an ObjectId where the schema does not have it. */
  readonly id: DocumentCodec<unknown>
  private readonly ids: ReadonlyArray<string>
  /** The name of `_id` in what is inserted. */
  readonly inserted: string | undefined
  /** The name of a required `_id` that inserts may leave out. */
  readonly generated: string | undefined
  private readonly distinctCodecs = new WeakMap<ReadonlyArray<SchemaAST.AST>, DocumentCodec<unknown>>()
  private replacementWriter: Writer | undefined
  private readonly projected = new Map<string, DocumentCodec<unknown>>()

  /** What a model's variants make of their own accord. */
  private readonly onInsert: ReadonlyArray<Default>
  private readonly onUpdate: ReadonlyArray<Default>

  constructor(ast: SchemaAST.AST, insert: SchemaAST.AST, update: SchemaAST.AST) {
    this.onInsert = defaultsOf(insert, undefined)
    // A default that the schema itself has is one for new documents: an update would take back what was stored.
    this.onUpdate = defaultsOf(update, ast)
    this.ast = ast
    this.codec = codecOf(ast)
    this.insert = writerOf(insert)
    const ids = idsOf(ast).map((id) => id.ast)
    this.ids = idsOf(ast).map(({ name }) => name)
    this.id = codecOf(union(ids.length === 0 ? objectId : ids))
    const read = makeResolve([ast], "filter")
    this.read = ids.length > 0 ? read : (path, at) =>
      path === "_id"
        ? { key: "_id", alternatives: objectId, optional: false, indexed: false, identifiers: new Map() }
        : read(path, at)
    this.write = makeResolve([ast], "update")
    this.inserted = idsOf(insert)[0]?.name
    this.generated = generatedId(insert)
  }

  /** The name of `_id` in filters. */
  get idName(): string {
    return this.ids[0] ?? "_id"
  }

  get replacement(): Writer {
    return this.replacementWriter ??= writerOf(withoutId(this.ast))
  }

  /** Adds to an update what a model makes: with every update, and in documents that an upsert inserts. */
  withDefaults(
    filter: unknown,
    update: Driver.Document | Array<Driver.Document>,
    upsert: boolean,
    operands: Operands,
    at: string
  ): Driver.Document | Array<Driver.Document> {
    const named = new Set(pathsOf(update).map(firstOf))
    const onUpdate = this.onUpdate.filter(({ key }) => key !== "_id" && !named.has(key))
    const known = new Set([
      ...named,
      ...onUpdate.map(({ key }) => key),
      ...equalities(filter).map(([path]) => firstOf(path))
    ])
    const onInsert = upsert && !Array.isArray(update) ? this.onInsert.filter(({ key }) => !known.has(key)) : []
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
    add("$setOnInsert", onInsert)
    return update
  }

  /** The `_id` of a document as it is given. */
  idIn(document: unknown): { readonly name: string; readonly value: unknown } {
    const fields = (typeof document === "object" && document !== null ? document : {}) as Record<string, unknown>
    const name = this.ids.find((name) => fields[name] !== undefined) ?? "_id"
    return { name, value: fields[name] }
  }

  /** What the values of a field decode with, and those of its elements, where it is an array. */
  distinct(path: string): { readonly key: string; readonly codec: DocumentCodec<unknown> } {
    const { alternatives, key } = this.read(path, "path")
    let codec = this.distinctCodecs.get(alternatives)
    if (codec === undefined) {
      codec = codecOf(union([...elements(alternatives), ...alternatives]))
      this.distinctCodecs.set(alternatives, codec)
    }
    return { key, codec }
  }

  projection({ ast, shape }: EncodedProjection): DocumentCodec<unknown> {
    let codec = this.projected.get(shape)
    if (codec === undefined) {
      codec = codecOf(ast())
      if (this.projected.size < projections) this.projected.set(shape, codec)
    }
    return codec
  }
}

/** The driver's own rule: an `_id` that is an ObjectId is made where it is missing. */
const generatedId = (insert: SchemaAST.AST): string | undefined => {
  for (const { ast, name } of idsOf(insert)) {
    if (SchemaAST.isOptional(ast) || ast.context?.constructorDefault !== undefined) continue
    if (ast.encoding === undefined && isStored([ast], new Driver.ObjectId())) return name
  }
  return undefined
}

const firstOf = (path: string): string => path.split(".", 1)[0]!

/** The paths that an update names. */
const pathsOf = (update: Driver.Document | Array<Driver.Document>): ReadonlyArray<string> =>
  (Array.isArray(update) ? update : [update]).flatMap((operators) =>
    Object.values(operators).flatMap((operand) =>
      isPlainObject(operand) ? Object.keys(operand) : [operand].flat().filter((path) => typeof path === "string")
    )
  )
