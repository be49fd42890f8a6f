/** How values are stored: the types of BSON that a schema writes. */
import * as SchemaAST from "effect/SchemaAST"
import { expand } from "../path/nodes.ts"

/**
 * By which name Effect knows the schema, if it is one of its own.
 *
 * @internal
 */
export const representationOf = ({ annotations }: SchemaAST.AST): string | undefined =>
  (annotations?.["representation"] as { readonly id?: string } | undefined)?.id

/** The names are those of `$type`. `number` is an int or a double; `unknown` is anything. */
const ofLeaf = (ast: SchemaAST.AST): ReadonlyArray<string> => {
  const annotated = SchemaAST.resolve(ast)?.["bsonType"]
  if (annotated !== undefined) return ([] as ReadonlyArray<string>).concat(annotated as string)
  switch (ast._tag) {
    case "String":
    case "TemplateLiteral":
      return ["string"]
    case "Number":
      return ["number"]
    case "BigInt":
      return ["long"]
    case "Boolean":
      return ["bool"]
    case "Null":
      return ["null"]
    case "Undefined":
    case "Void":
      return ["missing"]
    case "Never":
      return []
    case "ObjectKeyword":
      return ["object", "array"]
    case "Literal":
      return [ofConstant(ast.literal)]
    case "Enum":
      return ast.enums.map(([, value]) => ofConstant(value))
    case "Declaration": {
      const id = representationOf(ast)
      return [id === "effect/schema/Date" ? "date" : id === "effect/schema/RegExp" ? "regex" : "unknown"]
    }
    default:
      return ["unknown"]
  }
}

const ofConstant = (value: unknown): string =>
  typeof value === "boolean" ? "bool" : typeof value === "bigint" ? "long" : typeof value

const known = new WeakMap<SchemaAST.AST, ReadonlySet<string>>()

/**
 * The types of BSON that the values of a schema are stored as.
 *
 * @internal
 */
export const storedTypes = (ast: SchemaAST.AST): ReadonlySet<string> => {
  let types = known.get(ast)
  if (types === undefined) {
    types = new Set(
      expand(SchemaAST.toEncoded(ast)).flatMap((node) =>
        node._tag === "Leaf" ? ofLeaf(node.ast) : [node._tag === "Array" ? "array" : "object"]
      )
    )
    known.set(ast, types)
  }
  return types
}

/**
 * The types of BSON that the values of a schema are stored as, for errors.
 *
 * @internal
 */
export const storedAs = (ast: SchemaAST.AST): string => [...storedTypes(ast)].join(" or ")

/** @internal */
export const numericTypes: ReadonlySet<string> = new Set(["number", "int", "long", "double", "decimal"])

/**
 * Whether a value of one schema may be equal to a value of the other in the database.
 *
 * @internal
 */
export const mayBeEqual = (a: SchemaAST.AST, b: SchemaAST.AST): boolean => {
  const group = (type: string) => numericTypes.has(type) ? "number" : type
  const groups = new Set([...storedTypes(b)].map(group))
  return groups.has("unknown") || [...storedTypes(a)].some((type) => type === "unknown" || groups.has(group(type)))
}
