/** Expressions: how they are written, and what they give. */
import { pipeArguments } from "effect/Pipeable"
import type { Expr } from "../../Expr.ts"
import type { Slot } from "../ast/calculus.ts"
import type { Writing } from "./writing.ts"

/** @internal */
export const TypeId = "~@mongofx/schema/Expr" as const

/** @internal */
export type Write = (writing: Writing) => unknown

/** @internal */
export class ExprImpl {
  readonly [TypeId] = TypeId
  readonly slot: Slot
  readonly write: Write

  constructor(slot: Slot, write: Write) {
    this.slot = slot
    this.write = write
  }

  pipe() {
    return pipeArguments(this, arguments)
  }
}

/**
 * An expression that gives what stands in the slot.
 *
 * @internal
 */
export const make = <A>(slot: Slot, write: Write): Expr<A> => new ExprImpl(slot, write) as never

/** A reference has a field for each name, so what it is stands beside it. */
const references = new WeakMap<object, ExprImpl>()

/** @internal */
export const register = (reference: object, impl: ExprImpl): void => {
  references.set(reference, impl)
}

/** @internal */
export const isExpr = (u: unknown): u is Expr<unknown> =>
  u instanceof ExprImpl || typeof u === "object" && u !== null && references.has(u)

/** @internal */
export const implOf = (expr: Expr<unknown>): ExprImpl => references.get(expr) ?? expr as unknown as ExprImpl
