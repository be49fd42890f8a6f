/** The questions that the compilers ask about the nodes of a schema before a value comes. */
import { identity } from "effect/Function"
import * as SchemaAST from "effect/SchemaAST"
import { Unsupported } from "./program.ts"

/**
 * The node without its encoding. Its children keep theirs.
 *
 * @internal
 */
export const withoutEncoding = <A extends SchemaAST.AST>(ast: A): A =>
  ast.encoding === undefined
    ? ast
    : Object.assign(Object.create(Object.getPrototypeOf(ast)), ast, { encoding: undefined })

/**
 * The node without its encoding and checks. Its children keep theirs.
 *
 * @internal
 */
export const bare = (ast: SchemaAST.AST): SchemaAST.AST =>
  Object.assign(
    Object.create(Object.getPrototypeOf(ast)),
    ast,
    { encoding: undefined, checks: undefined },
    "encodingChecks" in ast ? { encodingChecks: undefined } : undefined
  )

/**
 * The names of the properties of a struct. Throws `Unsupported` for a symbol.
 *
 * @internal
 */
export const stringNames = (ast: SchemaAST.Objects): ReadonlyArray<string> =>
  ast.propertySignatures.map(({ name }) => {
    if (typeof name === "symbol") throw new Unsupported("symbol as key")
    return String(name)
  })

/** @internal */
export const isOptional = (ast: SchemaAST.AST): boolean => ast.context?.isOptional === true

/**
 * Whether every object inherits the name. The interpreter then finds it even if the document lacks it.
 *
 * @internal
 */
export const isInherited = (name: string): boolean => name !== "__proto__" && name in Object.prototype

/**
 * Whether an index signature takes every string key as it is.
 *
 * @internal
 */
export const isPlainKey = (parameter: SchemaAST.AST): boolean =>
  parameter._tag === "String" && parameter.checks === undefined && parameter.encoding === undefined

/**
 * Whether a transformation of the node may leave out a present value.
 *
 * @internal
 */
export const mayOmit = (ast: SchemaAST.AST): boolean =>
  ast.encoding !== undefined &&
  ast.encoding.some(({ transformation }) =>
    transformation._tag === "Middleware" || transformation.decode._tag === "TransformOptional" ||
    transformation.decode._tag === "TransformOptionalEffect"
  )

/**
 * The values of a union of literals.
 *
 * @internal
 */
export const literals = (ast: SchemaAST.Union): ReadonlySet<unknown> | undefined => {
  const values = new Set<unknown>()
  for (const type of ast.types) {
    if (type._tag !== "Literal" || type.checks !== undefined || type.encoding !== undefined) return undefined
    values.add(type.literal)
  }
  return values
}

/**
 * The object that a member of a union is read from.
 *
 * @internal
 */
export const objectsOf = (ast: SchemaAST.AST): SchemaAST.Objects | undefined => {
  const source = ast.encoding === undefined ? ast : ast.encoding[ast.encoding.length - 1]!.to
  if (source.encoding !== undefined) return objectsOf(source)
  return source._tag === "Objects" ? source : undefined
}

/**
 * The keys that stored documents of a schema may have; `undefined` where they may have others as well.
 *
 * @internal
 */
export const storedKeys = (ast: SchemaAST.AST): ReadonlySet<string> | undefined => keysOf(SchemaAST.toEncoded(ast))

const keysOf = (ast: SchemaAST.AST): ReadonlySet<string> | undefined => {
  if (ast._tag === "Objects" && ast.propertySignatures.length > 0 && ast.indexSignatures.length === 0) {
    return new Set(ast.propertySignatures.map(({ name }) => String(name)))
  }
  if (ast._tag !== "Union") return undefined
  const all = ast.types.map(keysOf)
  return all.includes(undefined) ? undefined : new Set(all.flatMap((keys) => [...keys!]))
}

// ---- tags

/** The node that reads a value first; `undefined` if that is unknown before the value comes. */
const entryOf = (ast: SchemaAST.AST): SchemaAST.AST | undefined => {
  if (ast._tag === "Suspend") return undefined
  if (ast.encoding === undefined) return ast
  const opaque = ast.encoding.some(({ transformation }) =>
    transformation._tag === "Middleware" && transformation.decode !== identity
  )
  return opaque ? undefined : entryOf(ast.encoding[ast.encoding.length - 1]!.to)
}

/** A literal that a member of a union requires at a key. */
interface Tag {
  readonly key: PropertyKey
  readonly literal: unknown
  /** Whether the member itself refuses a value without it. */
  readonly checked: boolean
}

const tagsAt = (key: PropertyKey, ast: SchemaAST.AST): ReadonlyArray<Tag> => {
  const entry = entryOf(ast)
  if (entry === undefined || isOptional(entry)) return []
  const checked = entry === ast
  if (entry._tag === "Literal") return [{ key, literal: entry.literal, checked }]
  return entry._tag === "UniqueSymbol" ? [{ key, literal: entry.symbol, checked }] : []
}

const tagsOf = (ast: SchemaAST.AST): ReadonlyArray<Tag> => {
  const entry = entryOf(ast)
  switch (entry?._tag) {
    case "Objects":
      return entry.propertySignatures.flatMap(({ name, type }) => tagsAt(name, type))
    case "Arrays":
      return entry.elements.flatMap((element, i) => tagsAt(i, element))
    case "Declaration": {
      // A tagged class has the tags of its instances here.
      const tags = (entry.annotations as { readonly ["~sentinels"]?: unknown } | undefined)?.["~sentinels"]
      return Array.isArray(tags) ? tags.map(({ key, literal }) => ({ key, literal, checked: false })) : []
    }
    case "Union": {
      const [first = [], ...others] = entry.types.map(tagsOf)
      return first.flatMap((tag) => {
        const found = others.map((tags) => tags.find(({ key, literal }) => key === tag.key && literal === tag.literal))
        return found.includes(undefined) ? [] : [{ ...tag, checked: tag.checked && found.every((tag) => tag!.checked) }]
      })
    }
    default:
      return []
  }
}

/**
 * The test for the values that a union gives to a member with tags: the value has one of the tags, and no other value for any
 * of them. `undefined` if the member refuses all other values itself.
 *
 * @internal
 */
export const tagTest = (ast: SchemaAST.AST): ((value: unknown) => boolean) | undefined => {
  const tags = tagsOf(ast)
  if (tags.length === 0 || tags.some(({ checked }) => checked)) return undefined
  const keys = new Map<PropertyKey, Set<unknown>>()
  for (const { key, literal } of tags) keys.set(key, (keys.get(key) ?? new Set()).add(literal))
  return (value) => {
    if (typeof value !== "function" && (typeof value !== "object" || value === null)) return false
    let met = false
    for (const [key, literals] of keys) {
      if (key === "__proto__" ? !Object.hasOwn(value, key) : !(key in value)) continue
      if (!literals.has((value as Record<PropertyKey, unknown>)[key])) return false
      met = true
    }
    return met
  }
}
