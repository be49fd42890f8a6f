/** Puts an object in the place of the document. */
import { dual } from "effect/Function"
import type { Expr, Ref } from "../../Expr.ts"
import type { Pipeline } from "../../Pipeline.ts"
import { isNullable } from "../ast/calculus.ts"
import { anObject } from "../expression/kinds.ts"
import { operandOf } from "../expression/operand.ts"
import { addStage } from "../pipeline/pipeline.ts"
import { refuse } from "../refusal.ts"

/**
 * Puts an object in the place of the document. It must be there: the server fails on null and on what is missing.
 *
 * **Example** (The lines of orders as documents)
 *
 * ```ts
 * import { Bson, Pipeline } from "@mongofx/schema"
 * import { Schema } from "effect"
 *
 * const Line = Schema.Struct({ sku: Schema.String, price: Schema.Number })
 * const Order = Schema.Struct({ _id: Bson.ObjectId, lines: Schema.Array(Line) })
 *
 * const lines = Pipeline.make(Order).pipe(Pipeline.unwind("lines"), Pipeline.replaceRoot(($) => $.lines))
 * ```
 *
 * @see {@link select} for an object of expressions
 * @stability unstable
 * @category combinators
 * @since 0.1.0
 */
export const replaceRoot: {
  <A, B extends object>(root: ($: Ref<A>) => Expr<B>): <R>(self: Pipeline<A, R>) => Pipeline<B, R>
  <A, R, B extends object>(self: Pipeline<A, R>, root: ($: Ref<A>) => Expr<B>): Pipeline<B, R>
} = dual(2, (self: unknown, root: ($: Ref<unknown>) => Expr<unknown>) =>
  addStage(self, "$replaceRoot", ({ $ }) => {
    const impl = operandOf(anObject, root($), "newRoot")
    if (isNullable(impl.slot)) {
      refuse("newRoot", "may be null or missing: use Expr.ifNull, or match the documents that have it")
    }
    return { ast: impl.slot.ast, write: (writing) => ({ newRoot: impl.write(writing.at("newRoot")) }) }
  }))
