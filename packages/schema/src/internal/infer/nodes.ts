/** The schema that inference suggests: a tree that is printed, and built, with the same names. */
import * as Schema from "effect/Schema"
import * as Bson from "../../Bson.ts"
import type * as Infer from "../../MongoInfer.ts"

/** The schemas without parts, by the names that a program uses. */
const named = {
  "Schema.Boolean": Schema.Boolean,
  "Schema.Null": Schema.Null,
  "Schema.Number": Schema.Number,
  "Schema.String": Schema.String,
  "Schema.Undefined": Schema.Undefined,
  "Schema.Unknown": Schema.Unknown,
  "Bson.BSONRegExp": Bson.BSONRegExp,
  "Bson.BigDecimal": Bson.BigDecimal,
  "Bson.Binary": Bson.Binary,
  "Bson.BitVector": Bson.BitVector,
  "Bson.Bytes": Bson.Bytes,
  "Bson.Code": Bson.Code,
  "Bson.DBRef": Bson.DBRef,
  "Bson.Date": Bson.Date,
  "Bson.Decimal128": Bson.Decimal128,
  "Bson.Double": Bson.Double,
  "Bson.Float32Vector": Bson.Float32Vector,
  "Bson.Int32": Bson.Int32,
  "Bson.Int64": Bson.Int64,
  "Bson.Int8Vector": Bson.Int8Vector,
  "Bson.MaxKey": Bson.MaxKey,
  "Bson.MinKey": Bson.MinKey,
  "Bson.ObjectId": Bson.ObjectId,
  "Bson.Timestamp": Bson.Timestamp,
  "Bson.UUID": Bson.UUID,
  "Bson.Vector": Bson.Vector
} as const

/** @internal */
export type Name = keyof typeof named

/** @internal */
export interface FieldNode {
  readonly name: string
  /** Its path in the document. */
  readonly path: string
  /** What is stored there; `undefined` if the schema leaves the field out. */
  readonly node: Node | undefined
  readonly isOptional: boolean
  /** What is rare or contradictory there, and in elements and keys inside. */
  readonly notes: ReadonlyArray<Infer.Note>
}

/** @internal */
export interface Struct {
  readonly _tag: "Struct"
  readonly fields: ReadonlyArray<FieldNode>
  /** What all other fields hold. */
  readonly rest?: Node | undefined
}

/** @internal */
export type Node =
  | { readonly _tag: "Named"; readonly name: Name }
  | { readonly _tag: "Literals"; readonly texts: ReadonlyArray<string> }
  | { readonly _tag: "Array"; readonly element: Node }
  | { readonly _tag: "Record"; readonly value: Node }
  | { readonly _tag: "Union"; readonly members: ReadonlyArray<Node> }
  | Struct

/**
 * The nodes inside of a node, and their notes.
 *
 * @internal
 */
export const partsOf = (node: Node): ReadonlyArray<Pick<FieldNode, "node" | "notes">> => {
  const part = (node: Node) => ({ node, notes: [] })
  switch (node._tag) {
    case "Array":
      return [part(node.element)]
    case "Record":
      return [part(node.value)]
    case "Union":
      return node.members.map(part)
    case "Struct":
      return node.rest === undefined ? node.fields : [...node.fields, part(node.rest)]
    default:
      return []
  }
}

/**
 * The names of the schemas in a node.
 *
 * @internal
 */
export const namesOf = (node: Node): ReadonlyArray<Name> =>
  node._tag === "Named"
    ? [node.name]
    : partsOf(node).flatMap(({ node }) => node === undefined ? [] : namesOf(node))

/**
 * The schema of a node.
 *
 * @internal
 */
export const build = (node: Node): Schema.Constraint => {
  switch (node._tag) {
    case "Named":
      return named[node.name]
    case "Literals":
      return Schema.Literals(node.texts)
    case "Array":
      return Schema.Array(build(node.element))
    case "Record":
      return Schema.Record(Schema.String, build(node.value))
    case "Union":
      return Schema.Union(node.members.map(build))
    case "Struct": {
      const fields = Object.fromEntries(node.fields.flatMap(({ isOptional, name, node }) => {
        if (node === undefined) return []
        const schema = build(node)
        return [[name, isOptional ? Schema.optionalKey(schema) : schema]]
      }))
      const struct = Schema.Struct(fields)
      return node.rest === undefined
        ? struct
        : Schema.StructWithRest(struct, [Schema.Record(Schema.String, build(node.rest))])
    }
  }
}
