/** Accumulators: how they are written, and the schema of what they give. */
import type * as SchemaAST from "effect/SchemaAST"
import type { Accumulator } from "../../Acc.ts"
import { isPlainObject, setOwn } from "../plainObject.ts"
import { refuse } from "../refusal.ts"
import { checkName } from "./tree.ts"
import type { Writing } from "./writing.ts"

/** @internal */
export const TypeId = "~@mongofx/schema/Accumulator" as const

class AccumulatorImpl {
  readonly [TypeId] = TypeId
  readonly ast: SchemaAST.AST
  readonly write: (writing: Writing) => object

  constructor(ast: SchemaAST.AST, write: (writing: Writing) => object) {
    this.ast = ast
    this.write = write
  }
}

/**
 * An accumulator that gives a value of the schema.
 *
 * @internal
 */
export const make = <A>(ast: SchemaAST.AST, write: (writing: Writing) => object): Accumulator<A> =>
  new AccumulatorImpl(ast, write) as never

const entries = (fields: unknown, at: string): ReadonlyArray<readonly [string, AccumulatorImpl]> => {
  if (!isPlainObject(fields)) return refuse(at, "is not an object of accumulators")
  return Object.entries(fields).map(([name, accumulator]) => {
    checkName(name, at)
    return accumulator instanceof AccumulatorImpl
      ? [name, accumulator]
      : refuse(`${at}.${name}`, "is not an accumulator: use one of Acc, such as Acc.first for an expression")
  })
}

/**
 * The schemas of what accumulators give, by their names.
 *
 * @internal
 */
export const astsOf = (fields: unknown, at: string): Record<string, SchemaAST.AST> => {
  const out = {}
  for (const [name, { ast }] of entries(fields, at)) setOwn(out, name, ast)
  return out
}

/** @internal */
export const writeFields = (fields: unknown, writing: Writing): object => {
  const out = {}
  for (const [name, { write }] of entries(fields, writing.path)) setOwn(out, name, write(writing.at(name)))
  return out
}
