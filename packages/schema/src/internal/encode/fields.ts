/** What names fields and holds no values of them: sort orders, keys of indexes, projections. */
import * as Schema from "effect/Schema"
import * as SchemaAST from "effect/SchemaAST"
import type * as Driver from "mongodb"
import { expand, fieldsOfClass, idsOf, type ObjectNode, type Resolve } from "../path/resolve.ts"
import { elementsAt, elemMatch } from "./filter.ts"
import { isPlainObject, type Operands, plainObject, refuse } from "./refusal.ts"

const directions: ReadonlySet<unknown> = new Set([1, -1, "asc", "desc", "ascending", "descending"])

/** What the server computes for a document, under a name of its own: how well it matches the search of `$text`. */
const isMeta = (u: unknown): boolean => isPlainObject(u) && u["$meta"] === "textScore" && Object.keys(u).length === 1

const metaName = (name: string, path: string): string =>
  name === "" || name === "_id" || name.includes(".") || name.startsWith("$")
    ? refuse(path, "is no name for what is computed")
    : name

/**
 * The order of documents. Elements of an array have no order by what is computed.
 *
 * @internal
 */
export const encodeSort = (resolve: Resolve, sort: unknown, at = "sort", ofElements = false): Driver.Document => {
  const document = plainObject(sort, at)
  const out: Driver.Document = {}
  for (const name of Object.keys(document)) {
    const path = `${at}.${name}`
    const direction = document[name]
    if (!ofElements && isMeta(direction)) {
      out[metaName(name, path)] = { $meta: "textScore" }
      continue
    }
    if (!directions.has(direction)) refuse(path, "is no direction")
    out[resolve(name, path).key] = direction
  }
  return out
}

const indexTypes: ReadonlySet<unknown> = new Set([1, -1, "2d", "2dsphere", "text", "hashed"])

/** @internal */
export const encodeIndexKeys = (resolve: Resolve, keys: unknown, at = "keys"): Driver.Document => {
  const document = plainObject(keys, at)
  const out: Driver.Document = {}
  for (const name of Object.keys(document)) {
    const path = `${at}.${name}`
    if (!indexTypes.has(document[name])) refuse(path, "is no type of an index")
    out[indexKey(resolve, name, path)] = document[name]
  }
  return out
}

const indexKey = (resolve: Resolve, name: string, path: string): string => {
  if (name === "$**") return name
  return name.endsWith(".$**") ? `${resolve(name.slice(0, -4), path).key}.$**` : resolve(name, path).key
}

// ---- projections

/** The paths of a projection by their segments. */
interface Tree extends Map<string, Tree | true> {}

const insert = (tree: Tree, segments: ReadonlyArray<string>, at: string): void => {
  const [first, ...rest] = segments as [string, ...Array<string>]
  const below = tree.get(first)
  if (below === true || below !== undefined && rest.length === 0) return refuse(at, "is named twice")
  if (rest.length === 0) {
    tree.set(first, true)
    return
  }
  const next: Tree = below ?? new Map()
  tree.set(first, next)
  insert(next, rest, at)
}

const listOf = (tree: Tree): unknown => [...tree].map(([name, below]) => below === true ? name : [name, listOf(below)])

/** @internal */
export interface EncodedProjection {
  readonly projection: Driver.Document
  /** The same for projections that leave the same of a document. */
  readonly shape: string
  /** The schema of what is left of a document. */
  readonly ast: () => SchemaAST.AST
}

/**
 * The schema of a document without its `_id`, as a replacement has it.
 *
 * @internal
 */
export const withoutId = (root: SchemaAST.AST): SchemaAST.AST =>
  project(root, new Map(idsOf(root).map(({ name }) => [name, true])), false, none, "replacement")

/** @internal */
export const encodeProjection = (
  root: SchemaAST.AST,
  resolve: Resolve,
  value: unknown,
  operands: Operands,
  at = "projection"
): EncodedProjection => {
  const document = plainObject(value, at)
  const projection: Driver.Document = {}
  const tree: Tree = new Map()
  const operated: Array<string> = []
  const maybe: Set<string> = new Set()
  const metas: Array<string> = []
  let mode: boolean | undefined
  let id: boolean | undefined
  for (const name of Object.keys(document)) {
    const path = `${at}.${name}`
    const what = document[name]
    if (isMeta(what)) {
      if (hasField(root, metaName(name, path))) refuse(path, "is a field of the schema")
      projection[name] = { $meta: "textScore" }
      metas.push(name)
      continue
    }
    const target = resolve(name, path)
    if (isPlainObject(what)) {
      projection[target.key] = operator(target.alternatives, what, operands, path)
      if (Object.hasOwn(what, "$elemMatch")) {
        if (name.includes(".")) refuse(path, "is a path: $elemMatch projects a field of the document itself")
        mode ??= true
        maybe.add(name)
      }
      operated.push(name)
      continue
    }
    const included = what === 1 || what === true
    if (!included && what !== 0 && what !== false) refuse(path, "is none of 0, 1, true, false and an operator")
    if (target.indexed) refuse(path, "has an index: a projection holds for all elements")
    projection[target.key] = included ? 1 : 0
    if (target.key === "_id") {
      id = included
      continue
    }
    if (mode !== undefined && mode !== included) refuse(path, "mixes inclusion with exclusion")
    mode = included
    insert(tree, name.split("."), path)
  }
  const include = mode ?? id ?? false
  // What an exclusion takes a part of, is not left out.
  const named = include ? tree : structuredClone(tree)
  for (const name of operated) insert(named, name.split("."), `${at}.${name}`)
  if (include ? id !== false : id === false) { for (const { name } of idsOf(root)) tree.set(name, true) }
  return {
    projection,
    shape: JSON.stringify([include, [...maybe], listOf(tree), metas]),
    ast: () => project(root, tree, include, { maybe, metas }, at)
  }
}

const operator = (
  alternatives: ReadonlyArray<SchemaAST.AST>,
  value: Readonly<Record<string, unknown>>,
  operands: Operands,
  path: string
): unknown => {
  const items = elementsAt(alternatives, path)
  const names = Object.keys(value)
  const name = names[0]
  const operand = name === undefined ? undefined : value[name]
  if (names.length === 1 && name === "$slice") {
    return Number.isInteger(operand) ||
        Array.isArray(operand) && operand.length === 2 && operand.every(Number.isInteger)
      ? value
      : refuse(`${path}.$slice`, "is neither an integer nor a pair of integers")
  }
  if (names.length === 1 && name === "$elemMatch") {
    return { $elemMatch: elemMatch(items, operand, operands, `${path}.$elemMatch`) }
  }
  return refuse(path, "is no operator of a typed projection")
}

/** What concerns the fields of the document itself, and none below. */
interface Top {
  /** Fields that need not be there. */
  readonly maybe: ReadonlySet<string>
  /** What is added. */
  readonly metas: ReadonlyArray<string>
}

const none: Top = { maybe: new Set(), metas: [] }

const hasField = (root: SchemaAST.AST, name: string): boolean =>
  expand(root).some((node) =>
    node._tag === "Object" &&
    node.objects.propertySignatures.some((field) => field.name === name || node.rename(String(field.name)) === name)
  )

const project = (
  ast: SchemaAST.AST,
  tree: Tree,
  include: boolean,
  top: Top,
  at: string
): SchemaAST.AST => {
  const fields = fieldsOfClass(ast)
  if (fields !== undefined) return withContext(project(fields, tree, include, top, at), ast.context)
  if (ast.encoding !== undefined) {
    const node = expand(ast)[0]!
    return node._tag === "Object" ? projectRenamed(node, tree, include, top, at) : ast
  }
  switch (ast._tag) {
    case "Suspend":
      return withContext(project(ast.thunk(), tree, include, top, at), ast.context)
    case "Union":
      return withContext(
        new SchemaAST.Union(ast.types.map((type) => project(type, tree, include, top, at))),
        ast.context
      )
    case "Arrays": {
      const inner = (type: SchemaAST.AST) => project(type, tree, include, none, at)
      return withContext(
        new SchemaAST.Arrays(ast.isMutable, ast.elements.map(inner), ast.rest.map(inner)),
        ast.context
      )
    }
    case "Objects":
      return withContext(projectObjects(ast, tree, include, top, at), ast.context)
    default:
      return ast
  }
}

const signaturesOf = (
  ast: SchemaAST.Objects,
  tree: Tree,
  include: boolean,
  top: Top,
  at: string
): Array<SchemaAST.PropertySignature> => {
  const signatures: Array<SchemaAST.PropertySignature> = []
  for (const { name, type } of ast.propertySignatures) {
    const below = typeof name === "string" ? tree.get(name) : undefined
    if (below === undefined ? include : below === true && !include) continue
    const isWhole = below === undefined || below === true
    const kept = isWhole ? type : project(type, below, include, none, at)
    // Where there is no object, an inclusion of its fields leaves nothing.
    const mayBeGone = top.maybe.has(String(name)) || !isWhole && include && mayBeNoObject(type)
    signatures.push(new SchemaAST.PropertySignature(name, mayBeGone ? optionalKey(kept) : kept))
  }
  for (const name of top.metas) signatures.push(new SchemaAST.PropertySignature(name, Schema.Number.ast))
  return signatures
}

const mayBeNoObject = (ast: SchemaAST.AST): boolean => expand(ast).some(({ _tag }) => _tag === "Leaf")

const projectRenamed = (
  { objects, rename }: ObjectNode,
  tree: Tree,
  include: boolean,
  top: Top,
  at: string
): SchemaAST.AST => {
  const fields: Record<string, Schema.Codec<unknown, unknown, unknown, unknown>> = {}
  const names: Record<string, string> = {}
  for (const { name, type } of signaturesOf(objects, tree, include, top, at)) {
    fields[name as string] = Schema.make(type)
    names[name as string] = rename(name as string)
  }
  return withContext(Schema.Struct(fields).pipe(Schema.encodeKeys(names)).ast, objects.context)
}

const projectObjects = (
  ast: SchemaAST.Objects,
  tree: Tree,
  include: boolean,
  top: Top,
  at: string
): SchemaAST.AST => {
  // The keys of a record are not known: what is left of it is a record, but not what is left of its values.
  for (const [name, below] of tree) {
    if (below !== true && !ast.propertySignatures.some((signature) => signature.name === name)) {
      refuse(at, "goes into the values of a record")
    }
  }
  return new SchemaAST.Objects(signaturesOf(ast, tree, include, top, at), ast.indexSignatures)
}

const optionalKey = (ast: SchemaAST.AST): SchemaAST.AST =>
  Schema.optionalKey(Schema.make<Schema.Codec<unknown, unknown, unknown, unknown>>(ast)).ast

const withContext = (ast: SchemaAST.AST, context: SchemaAST.Context | undefined): SchemaAST.AST => {
  return context?.isOptional === true && !SchemaAST.isOptional(ast) ? optionalKey(ast) : ast
}
