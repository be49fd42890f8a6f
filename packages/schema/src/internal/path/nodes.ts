/** A schema as objects, arrays and leaves, and the steps between them. */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as SchemaAST from "effect/SchemaAST"
import * as SchemaGetter from "effect/SchemaGetter"
import type * as SchemaIssue from "effect/SchemaIssue"
import * as SchemaParser from "effect/SchemaParser"

/**
 * How a path goes through an array: in a filter by an index or into all elements, in an update by an index, `$`, `$[]` or
 * `$[id]`.
 *
 * @internal
 */
export type Mode = "filter" | "update"

/** @internal */
export interface ObjectNode {
  readonly _tag: "Object"
  readonly objects: SchemaAST.Objects
  /** The stored name of a field. */
  readonly rename: (name: string) => string
  readonly renamed: boolean
}

/** @internal */
export type Node =
  | ObjectNode
  | { readonly _tag: "Array"; readonly arrays: SchemaAST.Arrays }
  | { readonly _tag: "Leaf"; readonly ast: SchemaAST.AST }

const same = (name: string): string => name

/**
 * The schema of the fields of a class, which is how the class is stored.
 *
 * @internal
 */
export const fieldsOfClass = (ast: SchemaAST.AST): SchemaAST.AST | undefined => {
  if (ast._tag !== "Declaration" || ast.encoding?.length !== 1 || ast.typeParameters.length !== 1) return undefined
  const { to } = ast.encoding[0]
  const fields = ast.typeParameters[0]!
  // An optional key is marked on copies, on both sides.
  return to._tag === "Objects" && fields._tag === "Objects" && to.propertySignatures === fields.propertySignatures
    ? fields
    : undefined
}

/**
 * The fields that are stored as `_id`: one, or one for each member of a union.
 *
 * @internal
 */
export const idsOf = (root: SchemaAST.AST): ReadonlyArray<{ readonly name: string; readonly ast: SchemaAST.AST }> =>
  expand(root).flatMap((node) =>
    node._tag === "Object"
      ? node.objects.propertySignatures.flatMap(({ name, type }) =>
        typeof name === "string" && node.rename(name) === "_id" ? [{ name, ast: type }] : []
      )
      : []
  )

/**
 * The stored names of the fields, if a transformation of an object only renames them, as `Schema.encodeKeys` does. To find
 * out, it sends a mark for each field through the transformation.
 */
const renames = (ast: SchemaAST.Objects): ReadonlyMap<string, string> | undefined => {
  if (ast.encoding?.length !== 1 || ast.indexSignatures.length > 0) return undefined
  const { to, transformation } = ast.encoding[0]
  if (to._tag !== "Objects" || to.encoding !== undefined || transformation._tag !== "Transformation") return undefined
  const names = new Map<object, string>()
  const marks: Record<string, object> = {}
  for (const { name } of ast.propertySignatures) {
    if (typeof name !== "string" || name === "__proto__") return undefined
    const mark = Object.freeze({})
    names.set(mark, name)
    marks[name] = mark
  }
  const exit = Effect.runSyncExit(
    Effect.suspend(() =>
      SchemaGetter.run(transformation.encode, Option.some(marks), {}) as Effect.Effect<
        Option.Option<unknown>,
        SchemaIssue.Issue
      >
    )
  )
  const encoded = Exit.isSuccess(exit) ? Option.getOrUndefined(exit.value) : undefined
  if (typeof encoded !== "object" || encoded === null) return undefined
  const found = new Map<string, string>()
  for (const [key, mark] of Object.entries(encoded)) {
    const name = names.get(mark as object)
    if (name === undefined || found.has(name)) return undefined
    found.set(name, key)
  }
  // A transformation that renames nothing changes values, even if it left the marks alone.
  return found.size === names.size && [...found].some(([name, key]) => name !== key) ? found : undefined
}

const objectNodes = new WeakMap<SchemaAST.Objects, Node>()

const objectNode = (ast: SchemaAST.Objects): Node => {
  if (ast.encoding === undefined) return { _tag: "Object", objects: ast, rename: same, renamed: false }
  let node = objectNodes.get(ast)
  if (node === undefined) {
    const names = renames(ast)
    node = names === undefined
      ? { _tag: "Leaf", ast }
      : { _tag: "Object", objects: ast, rename: (name) => names.get(name) ?? name, renamed: true }
    objectNodes.set(ast, node)
  }
  return node
}

/**
 * The nodes of a schema. Opens unions and suspended schemas. A schema with its own encoding is a leaf.
 *
 * @internal
 */
export const expand = (ast: SchemaAST.AST): ReadonlyArray<Node> => {
  if (ast._tag === "Objects") return [objectNode(ast)]
  const fields = fieldsOfClass(ast)
  if (fields !== undefined) return expand(fields)
  if (ast.encoding === undefined) {
    switch (ast._tag) {
      case "Suspend":
        return expand(ast.thunk())
      case "Union":
        return ast.types.flatMap(expand)
      case "Arrays":
        return [{ _tag: "Array", arrays: ast }]
    }
  }
  return [{ _tag: "Leaf", ast }]
}

/** @internal */
export const elementsOf = (
  arrays: SchemaAST.Arrays
): ReadonlyArray<SchemaAST.AST> => [...arrays.elements, ...arrays.rest]

/**
 * The schemas of the elements of the arrays among the alternatives.
 *
 * @internal
 */
export const elements = (alternatives: ReadonlyArray<SchemaAST.AST>): ReadonlyArray<SchemaAST.AST> =>
  alternatives.flatMap(expand).flatMap((node) => node._tag === "Array" ? elementsOf(node.arrays) : [])

const index = /^(?:0|[1-9][0-9]*)$/

const elementAt = (arrays: SchemaAST.Arrays, segment: string): ReadonlyArray<SchemaAST.AST> => {
  const position = Number(segment)
  const element = arrays.elements[position]
  return element === undefined ? arrays.rest : [element]
}

/** Whether a key of a record may stand in a path. */
const takesKey = (parameter: SchemaAST.AST, key: string): boolean =>
  key !== "" && !key.startsWith("$") && parameter.encoding === undefined &&
  SchemaParser.is(Schema.make<Schema.ConstraintCodec<unknown>>(parameter))(key)

/** @internal */
export interface Step {
  readonly key: string
  readonly ast: SchemaAST.AST
  readonly optional: boolean
  readonly indexed: boolean
}

/**
 * Whether stored documents may lack a field.
 *
 * @internal
 */
export const isOptional = (ast: SchemaAST.AST): boolean =>
  SchemaAST.isOptional(ast) || SchemaAST.isOptional(SchemaAST.toEncoded(ast))

/** @internal */
export const stepObject = ({ objects, rename }: ObjectNode, segment: string): ReadonlyArray<Step> => {
  for (const { name, type } of objects.propertySignatures) {
    if (name === segment) return [{ key: rename(segment), ast: type, optional: isOptional(type), indexed: false }]
  }
  return objects.indexSignatures
    .filter(({ parameter }) => takesKey(parameter, segment))
    .map(({ type }) => ({ key: segment, ast: type, optional: true, indexed: false }))
}

/** @internal */
export const positional = /^\$(?:\[(.*)\])?$/s

/** @internal */
export const stepNode = (node: Node, segment: string, mode: Mode): ReadonlyArray<Step> => {
  switch (node._tag) {
    case "Leaf":
      return []
    case "Object":
      return stepObject(node, segment)
    case "Array": {
      if (index.test(segment)) {
        return elementAt(node.arrays, segment).map((ast) => ({ key: segment, ast, optional: false, indexed: true }))
      }
      if (mode === "update") {
        return positional.test(segment)
          ? elementsOf(node.arrays).map((ast) => ({ key: segment, ast, optional: false, indexed: true }))
          : []
      }
      return elementsOf(node.arrays)
        .flatMap(expand)
        .flatMap((element) => element._tag === "Object" ? stepObject(element, segment) : [])
    }
  }
}
