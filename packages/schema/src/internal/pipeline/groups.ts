/** Groups of documents: their keys, and what is computed over them. */
import type * as SchemaAST from "effect/SchemaAST"
import type { Accumulator, GroupOperator } from "../../Acc.ts"
import type { Tree } from "../../Expr.ts"
import { isNullable, keyOf, missingAsNull, number, present, type Slot, struct } from "../ast/calculus.ts"
import { astsOf, writeFields } from "../expression/accumulator.ts"
import { implOf, isExpr } from "../expression/expr.ts"
import { checkName, fieldsOf } from "../expression/tree.ts"
import type { Writing } from "../expression/writing.ts"
import { isPlainObject, setOwn } from "../plainObject.ts"
import { refuse } from "../refusal.ts"

/**
 * The schema of the key of a group. A field with a default is refused: the server gives null where it is missing.
 *
 * @internal
 */
export const keyAst = (key: Tree): SchemaAST.AST => {
  if (isExpr(key)) isNullable(implOf(key).slot)
  return keySlot(key, "_id").ast
}

/** In an object, the server gives null or no field where there is nothing. */
const keySlot = (key: Tree, at: string): Slot => {
  if (isExpr(key)) {
    const { slot } = implOf(key)
    return { ...slot, ast: missingAsNull(slot) }
  }
  const fields: Record<string, SchemaAST.AST> = {}
  for (const [name, below] of fieldsOf(key, at)) {
    checkName(name, at)
    setOwn(fields, name, keyOf(keySlot(below, `${at}.${name}`)))
  }
  return present(struct(fields))
}

/**
 * The accumulators of groups.
 *
 * @internal
 */
export type Accumulators = { readonly [name: string]: GroupOperator<unknown> }

/**
 * What is computed over groups without accumulators.
 *
 * @internal
 */
export type Counted = { readonly count: Accumulator<number> }

/**
 * The fields of buckets: those of the accumulators, or the number of documents.
 *
 * @internal
 */
export const outputOf = (output: unknown) => {
  if (output === undefined) return { asts: { count: number }, write: () => ({}) }
  const asts = astsOf(output, "output")
  if (Object.keys(asts).length === 0) {
    refuse("output", "has no accumulators: without it, the server counts the documents")
  }
  return { asts, write: (writing: Writing) => ({ output: writeFields(output, writing.at("output")) }) }
}

/**
 * A key where the server takes a path or an operator, and no other object.
 *
 * @internal
 */
export const asOperator = (written: unknown): unknown =>
  isPlainObject(written) && !(Object.keys(written)[0] ?? "").startsWith("$") ? { $mergeObjects: [written] } : written
