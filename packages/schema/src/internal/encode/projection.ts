/** Encodes projections, and makes the schema of the fields that they leave. */
import * as Schema from "effect/Schema"
import * as SchemaAST from "effect/SchemaAST"
import type * as Driver from "mongodb"
import { withProperties } from "../ast/fields.ts"
import { expand, fieldsOfClass, idsOf } from "../path/nodes.ts"
import type { Resolve } from "../path/resolve.ts"
import { isPlainObject } from "../plainObject.ts"
import { refuse } from "../refusal.ts"
import { plainObject } from "./arguments.ts"
import { elementsAt, type Scope } from "./field.ts"
import { elemMatch } from "./filter.ts"
import type { Operands } from "./operands.ts"
import { isMeta, metaName } from "./sort.ts"

/** The paths of a projection by their segments. */
interface Tree extends Map<string, Tree | true> {}

const insert = (tree: Tree, segments: ReadonlyArray<string>, at: string): void => {
  const [first, ...rest] = segments as [string, ...Array<string>]
  const below = tree.get(first)
  if (below === true || below !== undefined && rest.length === 0) {
    return refuse(at, "overlaps another field of the projection: name one of them")
  }
  if (rest.length === 0) {
    tree.set(first, true)
    return
  }
  const next: Tree = below ?? new Map()
  tree.set(first, next)
  insert(next, rest, at)
}

const listOf = (tree: Tree): unknown => [...tree].map(([name, below]) => below === true ? name : [name, listOf(below)])

/**
 * The documents that are projected: their schema, and its paths.
 *
 * @internal
 */
export interface Documents {
  readonly ast: SchemaAST.AST
  readonly read: Resolve
}

/** @internal */
export interface EncodedProjection {
  readonly projection: Driver.Document
  /** Equal for projections that leave the same fields. */
  readonly shape: string
  /** The schema of the fields that are left. */
  readonly ast: () => SchemaAST.AST
}

/**
 * The schema of a replacement: a document without its `_id`.
 *
 * @internal
 */
export const withoutId = (root: SchemaAST.AST): SchemaAST.AST =>
  project(root, new Map(idsOf(root).map(({ name }) => [name, true])), { include: false, top: none, at: "replacement" })

/** @internal */
export const encodeProjection = (
  { ast: root, read: resolve }: Documents,
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
      projection[target.key] = operator({ operands, alternatives: target.alternatives, path }, what)
      if (Object.hasOwn(what, "$elemMatch")) {
        if (name.includes(".")) refuse(path, "is a path with a dot: $elemMatch takes a field of the document itself")
        mode ??= true
        maybe.add(name)
      }
      operated.push(name)
      continue
    }
    const included = what === 1 || what === true
    if (!included && what !== 0 && what !== false) refuse(path, "is not 0, 1, true, false or an operator")
    if (target.indexed) refuse(path, "has an index: leave it out, since a projection applies to all elements")
    projection[target.key] = included ? 1 : 0
    if (target.key === "_id") {
      id = included
      continue
    }
    if (mode !== undefined && mode !== included) {
      refuse(path, "mixes inclusion with exclusion: include fields, or leave fields out")
    }
    mode = included
    insert(tree, name.split("."), path)
  }
  const include = mode ?? id ?? false
  // An exclusion keeps a field from which an operator takes a part.
  const named = include ? tree : structuredClone(tree)
  for (const name of operated) insert(named, name.split("."), `${at}.${name}`)
  if (include ? id !== false : id === false) {
    for (const { name } of idsOf(root)) {
      // A path into the `_id` takes a part of it.
      if (id !== undefined || !tree.has(name)) tree.set(name, true)
    }
  }
  return {
    projection,
    shape: JSON.stringify([include, [...maybe], listOf(tree), metas]),
    ast: () => project(root, tree, { include, top: { maybe, metas }, at })
  }
}

const operator = (scope: Scope, value: Readonly<Record<string, unknown>>): unknown => {
  const { alternatives, operands, path } = scope
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
    return { $elemMatch: elemMatch({ operands, alternatives: items, path: `${path}.$elemMatch` }, operand) }
  }
  return refuse(path, "is not an operator of a typed projection: use $slice, $elemMatch or $meta")
}

/** Applies to the fields of the document itself, not to those below. */
interface Top {
  /** Fields that may be absent. */
  readonly maybe: ReadonlySet<string>
  /** The names of computed values. */
  readonly metas: ReadonlyArray<string>
}

const none: Top = { maybe: new Set(), metas: [] }

/** How a schema is cut: the fields in the tree are included, or left out. */
interface Cut {
  readonly include: boolean
  readonly top: Top
  /** The path in the argument, for errors. */
  readonly at: string
}

const below = ({ at, include }: Cut): Cut => ({ include, top: none, at })

const hasField = (root: SchemaAST.AST, name: string): boolean =>
  expand(root).some((node) =>
    node._tag === "Object" &&
    node.objects.propertySignatures.some((field) => field.name === name || node.rename(String(field.name)) === name)
  )

const project = (
  ast: SchemaAST.AST,
  tree: Tree,
  cut: Cut
): SchemaAST.AST => {
  const fields = fieldsOfClass(ast)
  if (fields !== undefined) return withContext(project(fields, tree, cut), ast.context)
  if (ast.encoding !== undefined) {
    const node = expand(ast)[0]!
    return node._tag === "Object"
      ? withContext(withProperties(node, signaturesOf(node.objects, tree, cut)), ast.context)
      : ast
  }
  switch (ast._tag) {
    case "Suspend":
      return withContext(project(ast.thunk(), tree, cut), ast.context)
    case "Union":
      return withContext(
        new SchemaAST.Union(ast.types.map((type) => project(type, tree, cut))),
        ast.context
      )
    case "Arrays": {
      const inner = (type: SchemaAST.AST) => project(type, tree, below(cut))
      return withContext(
        new SchemaAST.Arrays(ast.isMutable, ast.elements.map(inner), ast.rest.map(inner)),
        ast.context
      )
    }
    case "Objects":
      return withContext(projectObjects(ast, tree, cut), ast.context)
    default:
      return ast
  }
}

const signaturesOf = (
  ast: SchemaAST.Objects,
  tree: Tree,
  cut: Cut
): Array<SchemaAST.PropertySignature> => {
  const { include, top } = cut
  const signatures: Array<SchemaAST.PropertySignature> = []
  for (const { name, type } of ast.propertySignatures) {
    const branch = typeof name === "string" ? tree.get(name) : undefined
    if (branch === undefined ? include : branch === true && !include) continue
    const isWhole = branch === undefined || branch === true
    const kept = isWhole ? type : project(type, branch, below(cut))
    // An inclusion of the fields of an object leaves nothing of a value that is not an object.
    const mayBeGone = top.maybe.has(String(name)) || !isWhole && include && mayBeNoObject(type)
    signatures.push(new SchemaAST.PropertySignature(name, mayBeGone ? optionalKey(kept) : kept))
  }
  for (const name of top.metas) signatures.push(new SchemaAST.PropertySignature(name, Schema.Number.ast))
  return signatures
}

const mayBeNoObject = (ast: SchemaAST.AST): boolean => expand(ast).some(({ _tag }) => _tag === "Leaf")

const projectObjects = (
  ast: SchemaAST.Objects,
  tree: Tree,
  cut: Cut
): SchemaAST.AST => {
  // The keys of a record are unknown: a schema cannot say which of its values are cut.
  for (const [name, branch] of tree) {
    if (branch !== true && !ast.propertySignatures.some((signature) => signature.name === name)) {
      refuse(cut.at, "goes into the values of a record: name the record as a whole")
    }
  }
  return new SchemaAST.Objects(signaturesOf(ast, tree, cut), ast.indexSignatures)
}

const optionalKey = (ast: SchemaAST.AST): SchemaAST.AST =>
  Schema.optionalKey(Schema.make<Schema.Codec<unknown, unknown, unknown, unknown>>(ast)).ast

const withContext = (ast: SchemaAST.AST, context: SchemaAST.Context | undefined): SchemaAST.AST => {
  return context?.isOptional === true && !SchemaAST.isOptional(ast) ? optionalKey(ast) : ast
}
