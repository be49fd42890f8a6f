/** Makes new documents. */
import { dual } from "effect/Function"
import type { Ref, Shape, Tree } from "../../Expr.ts"
import type { Pipeline } from "../../Pipeline.ts"
import { slotOfTree, writeTree } from "../expression/tree.ts"
import { addStage } from "../pipeline/pipeline.ts"

/**
 * Makes a new document of expressions. It has the fields that are named, and no others: name `_id` to keep it.
 *
 * **Example** (The total of an order)
 *
 * ```ts
 * import { Bson, Expr, Pipeline } from "@mongofx/schema"
 * import { Schema } from "effect"
 *
 * const Order = Schema.Struct({ _id: Bson.ObjectId, price: Schema.Number, tax: Schema.optionalKey(Schema.Number) })
 *
 * const totals = Pipeline.make(Order).pipe(
 *   Pipeline.select(($) => ({ order: $._id, total: Expr.add($.price, Expr.ifNull($.tax, 0)) }))
 * )
 * ```
 *
 * @see {@link set} for adding fields to the document
 * @see {@link project} for choosing fields
 * @stability unstable
 * @category combinators
 * @since 0.1.0
 */
export const select: {
  <A, const F extends { readonly [name: string]: Tree }>(
    f: ($: Ref<A>) => F
  ): <R>(self: Pipeline<A, R>) => Pipeline<Shape<F>, R>
  <A, R, const F extends { readonly [name: string]: Tree }>(
    self: Pipeline<A, R>,
    f: ($: Ref<A>) => F
  ): Pipeline<Shape<F>, R>
} = dual(2, (self: unknown, f: ($: Ref<unknown>) => Tree) =>
  // $project would put an object into each element of an array that has the name already.
  addStage(self, "$replaceWith", ({ $ }) => {
    const tree = f($)
    return { ast: slotOfTree(tree, "select").ast, write: (writing) => writeTree(tree, writing) }
  }))
