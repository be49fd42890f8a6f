/** The codecs and paths that a collection derives from its schema, once. */
import { constUndefined } from "effect/Function"
import * as Schema from "effect/Schema"
import * as SchemaAST from "effect/SchemaAST"
import * as Driver from "mongodb"
import * as Bson from "../../Bson.ts"
import { storedKeys } from "../compiler/analysis.ts"
import { codecOf, type Decoder, type DocumentCodec } from "../compiler/codec.ts"
import { type EncodedProjection, withoutId } from "../encode/projection.ts"
import { isStored, union } from "../path/codecs.ts"
import { elements, idsOf } from "../path/nodes.ts"
import { makeResolve, ofDocuments, type Resolve } from "../path/resolve.ts"
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
  /** The codec of `_id`. It is that of an ObjectId if the schema has no `_id`. */
  readonly id: DocumentCodec<unknown>
  private readonly ids: ReadonlyArray<string>
  /** The name of `_id` in inserted documents. */
  readonly inserted: string | undefined
  /** The name of a required `_id` that inserts may leave out. */
  readonly generated: string | undefined
  /** The codec of the `_id` of what is inserted. */
  readonly insertedId: DocumentCodec<unknown>
  /** Whether no document has an `_id` of its own: inserts add one. */
  readonly lacksId: boolean
  private readonly distinctDecoders = new WeakMap<ReadonlyArray<SchemaAST.AST>, Decoder<unknown>>()
  private replacementWriter: Writer | undefined
  private plainReplacement: boolean | undefined
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
    const withId: Resolve = ids.length > 0 ? read : (path, at) =>
      path === "_id"
        ? { key: "_id", alternatives: objectId, optional: false, indexed: false, identifiers: new Map() }
        : read(path, at)
    this.read = ofDocuments(ast, withId)
    this.write = ofDocuments(ast, makeResolve([ast], "update"))
    const [inserted] = idsOf(insert)
    this.inserted = inserted?.name
    this.insertedId = codecOf(inserted?.ast ?? Bson.ObjectId.ast)
    this.lacksId = ids.length === 0 && storedKeys(insert)?.has("_id") === false
    this.generated = generatedId(insert)
  }

  /** The name of `_id` in filters. */
  get idName(): string {
    return this.ids[0] ?? "_id"
  }

  /** Whether decoded documents have an `_id`. */
  get hasId(): boolean {
    return this.ids.length > 0
  }

  /** Whether the bytes of a replacement cannot be taken for an update, and have no `_id`. */
  get replacesByBytes(): boolean {
    if (this.plainReplacement === undefined) {
      const keys = storedKeys(withoutId(this.ast))
      this.plainReplacement = keys !== undefined && [...keys].every((key) => key !== "_id" && !key.startsWith("$"))
    }
    return this.plainReplacement
  }

  get replacement(): Writer {
    return this.replacementWriter ??= writerOf(withoutId(this.ast))
  }

  /** The `_id` of a decoded document. */
  idIn(document: unknown): { readonly name: string; readonly value: unknown } {
    const fields = (typeof document === "object" && document !== null ? document : {}) as Record<string, unknown>
    const name = this.ids.find((name) => fields[name] !== undefined) ?? "_id"
    return { name, value: fields[name] }
  }

  /** The decoder of the values of a field, or of the elements if it is an array. */
  distinct(path: string): { readonly key: string; readonly decoder: Decoder<unknown> } {
    const { alternatives, key } = this.read(path, "path")
    let decoder = this.distinctDecoders.get(alternatives)
    if (decoder === undefined) {
      // A value belongs to no document, even if it has an `_id` itself.
      decoder = { ...codecOf(union([...elements(alternatives), ...alternatives])), idOf: constUndefined }
      this.distinctDecoders.set(alternatives, decoder)
    }
    return { key, decoder }
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

/** The name of an `_id` that may be missing. As in the driver, inserts make one that is an ObjectId. */
const generatedId = (insert: SchemaAST.AST): string | undefined => {
  for (const { ast, name } of idsOf(insert)) {
    if (SchemaAST.isOptional(ast) || ast.context?.constructorDefault !== undefined) continue
    if (ast.encoding === undefined && isStored([ast], new Driver.ObjectId())) return name
  }
  return undefined
}

const shapes = new WeakMap<SchemaAST.AST, WeakMap<SchemaAST.AST, Shape>>()

/**
 * The variant of a model for inserts or updates, or the schema itself.
 *
 * @internal
 */
export const variantOf = (schema: Schema.Constraint, name: "insert" | "update"): SchemaAST.AST => {
  const variant = (schema as { readonly [Name in typeof name]?: unknown })[name]
  return Schema.isSchema(variant) ? variant.ast : schema.ast
}

/**
 * The schema itself, and the variants of a model for inserts and updates.
 *
 * @internal
 */
export const astsOf = (schema: Schema.Constraint): ReadonlySet<SchemaAST.AST> =>
  new Set([schema.ast, variantOf(schema, "insert"), variantOf(schema, "update")])

/**
 * The shape of a schema or a model. The same schema has the same shape.
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
