/** Trees of expressions: objects that the server builds. */
import type * as SchemaAST from "effect/SchemaAST"
import type { Tree } from "../../Expr.ts"
import { isMissing, keyOf, present, type Slot, struct } from "../ast/calculus.ts"
import { isPlainObject, setOwn } from "../plainObject.ts"
import { refuse } from "../refusal.ts"
import { implOf, isExpr } from "./expr.ts"
import type { Writing } from "./writing.ts"

/** @internal */
export const fieldsOf = (tree: unknown, at: string): ReadonlyArray<readonly [name: string, below: Tree]> => {
  if (!isPlainObject(tree)) return refuse(at, "is neither an expression nor an object of expressions: use Expr.literal")
  return Object.entries(tree) as never
}

/**
 * Refuses a name that the server takes for a path or an operator.
 *
 * @internal
 */
export const checkName = (name: string, at: string): void => {
  if (name === "" || name.startsWith("$") || name.includes(".")) {
    refuse(`${at}.${name}`, "cannot be a name: use one without dots and without $ at its start")
  }
}

/**
 * What a tree gives.
 *
 * @internal
 */
export const slotOfTree = (tree: Tree, at: string): Slot => {
  if (isExpr(tree)) return implOf(tree).slot
  const fields: Record<string, SchemaAST.AST> = {}
  for (const [name, below] of fieldsOf(tree, at)) {
    checkName(name, at)
    const slot = slotOfTree(below, `${at}.${name}`)
    if (!isMissing(slot)) setOwn(fields, name, keyOf(slot))
  }
  return present(struct(fields))
}

/** @internal */
export const writeTree = (tree: Tree, writing: Writing): unknown => {
  if (isExpr(tree)) return implOf(tree).write(writing)
  const out = {}
  for (const [name, below] of fieldsOf(tree, writing.path)) setOwn(out, name, writeTree(below, writing.at(name)))
  return out
}
