/** Accumulators and operators of windows: how they are written, where they may stand, and the schema of what they give. */
import type * as SchemaAST from "effect/SchemaAST"
import type { Accumulator, GroupOperator, Need, Spanning, WindowOperator } from "../../Acc.ts"
import { isPlainObject, setOwn } from "../plainObject.ts"
import { refuse } from "../refusal.ts"
import { checkName } from "./tree.ts"
import type { Writing } from "./writing.ts"

/** @internal */
export const TypeId = "~@mongofx/schema/Accumulator" as const
/** @internal */
export const WindowTypeId = "~@mongofx/schema/WindowOperator" as const
/** @internal */
export const SpanTypeId = "~@mongofx/schema/Spanning" as const

/** Where an operator may stand. */
interface Uses {
  /** Whether groups take it. */
  readonly inGroups: boolean
  /** Whether a window takes it as it is. */
  readonly inWindows: boolean
  /** What it gives over a window without documents, if it takes the bounds of a window. */
  readonly empty: SchemaAST.AST | undefined
  /** What the order of the window must be. */
  readonly needs: ReadonlyArray<Need>
  /** Whether the order must go upwards. */
  readonly upwards?: boolean
  /** Whether its window must hold the current document. */
  readonly holdsCurrent: boolean
}

type Write = (writing: Writing) => object

/** @internal */
export class AccumulatorImpl {
  readonly [TypeId] = TypeId
  readonly ast: SchemaAST.AST
  readonly write: Write
  readonly uses: Uses

  constructor(ast: SchemaAST.AST, write: Write, uses: Uses) {
    this.ast = ast
    this.write = write
    this.uses = uses
  }
}

/**
 * An accumulator of groups and windows that gives a value of the schema, and of another one over no documents.
 *
 * @internal
 */
export const make = <A, Empty = A>(ast: SchemaAST.AST, write: Write, empty = ast): Accumulator<A, Empty> =>
  new AccumulatorImpl(ast, write, { inGroups: true, inWindows: true, empty, needs: [], holdsCurrent: false }) as never

/**
 * An accumulator that windows do not take.
 *
 * @internal
 */
export const makeForGroups = <A>(ast: SchemaAST.AST, write: Write): GroupOperator<A> =>
  new AccumulatorImpl(ast, write, {
    inGroups: true,
    inWindows: false,
    empty: undefined,
    needs: [],
    holdsCurrent: false
  }) as never

/**
 * An operator that only windows take.
 *
 * @internal
 */
export const makeForWindows = <A, Empty = A, Needs = never>(
  ast: SchemaAST.AST,
  write: Write,
  uses: Partial<Uses>
): WindowOperator<A, Needs> & Spanning<A, Empty, Needs> =>
  new AccumulatorImpl(ast, write, {
    inWindows: true,
    empty: undefined,
    needs: [],
    holdsCurrent: false,
    ...uses,
    inGroups: false
  }) as never

/** @internal */
export const implOf = (accumulator: unknown, at: string): AccumulatorImpl =>
  accumulator instanceof AccumulatorImpl
    ? accumulator
    : refuse(at, "is not an accumulator: use one of Acc, such as Acc.first for an expression")

const entries = (fields: unknown, at: string): ReadonlyArray<readonly [string, AccumulatorImpl]> => {
  if (!isPlainObject(fields)) return refuse(at, "is not an object of accumulators")
  return Object.entries(fields).map(([name, accumulator]) => {
    const path = `${at}.${name}`
    checkName(name, at)
    if (name === "_id") refuse(path, "is the name of the key of a group: use another one")
    const impl = implOf(accumulator, path)
    return impl.uses.inGroups ? [name, impl] : refuse(path, "is an operator of windows: use it in setWindowFields")
  })
}

/**
 * The schemas of what the accumulators of a group give, by their names.
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
