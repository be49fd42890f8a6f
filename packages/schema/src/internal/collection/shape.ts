/** What is derived of a collection's schema, once: its codecs and its paths. */
import * as Schema from "effect/Schema"
import * as SchemaAST from "effect/SchemaAST"
import * as Driver from "mongodb"
import * as Bson from "../../Bson.ts"
import { codecOf, type DocumentCodec } from "../compiler/codec.ts"
import { type EncodedProjection, withoutId } from "../encode/projection.ts"
import { isStored, union } from "../path/codecs.ts"
import { elements, idsOf } from "../path/nodes.ts"
import { makeResolve, type Resolve } from "../path/resolve.ts"
import { type Defaults, defaultsOf } from "./defaults.ts"
import { type Writer, writerOf } from "./writer.ts"

const objectId = [Bson.ObjectId.ast]

const projections = 100

/** @internal */
export class Shape {
  readonly ast: SchemaAST.AST
  readonly codec: DocumentCodec<unknown>
  readonly insert: Writer
  readonly defaults: Defaults
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

  constructor(ast: SchemaAST.AST, insert: SchemaAST.AST, update: SchemaAST.AST) {
    this.ast = ast
    this.codec = codecOf(ast)
    this.insert = writerOf(insert)
    this.defaults = defaultsOf(ast, insert, update)
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

const shapes = new WeakMap<SchemaAST.AST, WeakMap<SchemaAST.AST, Shape>>()

/** A model's schema of what is inserted, or of what is updated; the schema itself where there is none. */
const variantOf = (schema: Schema.Constraint, name: "insert" | "update"): SchemaAST.AST => {
  const variant = (schema as { readonly [Name in typeof name]?: unknown })[name]
  return Schema.isSchema(variant) ? variant.ast : schema.ast
}

/**
 * The schema itself and, of a model, its variants of what is inserted and updated.
 *
 * @internal
 */
export const astsOf = (schema: Schema.Constraint): ReadonlySet<SchemaAST.AST> =>
  new Set([schema.ast, variantOf(schema, "insert"), variantOf(schema, "update")])

/**
 * What is derived of a schema or a model; of each once.
 *
 * @internal
 */
export const shapeOf = (schema: Schema.Constraint): Shape => {
  const insert = variantOf(schema, "insert")
  let variants = shapes.get(schema.ast)
  if (variants === undefined) shapes.set(schema.ast, variants = new WeakMap())
  let shape = variants.get(insert)
  if (shape === undefined) variants.set(insert, shape = new Shape(schema.ast, insert, variantOf(schema, "update")))
  return shape
}
