/** Groups documents. */
import { dual } from "effect/Function"
import type { Fields } from "../../Acc.ts"
import type { Ref, Tree } from "../../Expr.ts"
import type { Pipeline } from "../../Pipeline.ts"
import { nothing, struct } from "../ast/calculus.ts"
import { astsOf, writeFields } from "../expression/accumulator.ts"
import { writeTree } from "../expression/tree.ts"
import { type Accumulators, keyAst } from "../pipeline/groups.ts"
import { addStage } from "../pipeline/pipeline.ts"
import type { GroupKey, Simplify } from "../pipeline/types.ts"

/**
 * Groups documents by an expression, by an object of expressions, or all of them by `null`, and computes fields over each
 * group. The key of a group is its `_id`.
 *
 * **Details**
 *
 * Documents without a key are in the group of null. In a key that is an object, a field without a value is null or missing.
 * Without documents there is no group.
 *
 * **Example** (Sales of each product)
 *
 * ```ts
 * import { Acc, Bson, Expr, Pipeline } from "@mongofx/schema"
 * import { Schema } from "effect"
 *
 * const Sale = Schema.Struct({ _id: Bson.ObjectId, sku: Schema.String, price: Schema.Number, quantity: Schema.Int })
 *
 * const sales = Pipeline.make(Sale).pipe(
 *   Pipeline.group(($) => $.sku, ($) => ({
 *     revenue: Acc.sum(Expr.multiply($.price, $.quantity)),
 *     sales: Acc.count
 *   })),
 *   Pipeline.sort({ revenue: -1 })
 * )
 * ```
 *
 * @see {@link unwind} for grouping by the elements of an array
 * @stability unstable
 * @category combinators
 * @since 0.1.0
 */
export const group: {
  <A, const K extends Tree | null, const F extends Accumulators>(
    by: ($: Ref<A>) => K,
    fields: ($: Ref<A>) => F
  ): <R>(self: Pipeline<A, R>) => Pipeline<Simplify<{ readonly _id: GroupKey<K> } & Fields<F>>, R>
  <A, R, const K extends Tree | null, const F extends Accumulators>(
    self: Pipeline<A, R>,
    by: ($: Ref<A>) => K,
    fields: ($: Ref<A>) => F
  ): Pipeline<Simplify<{ readonly _id: GroupKey<K> } & Fields<F>>, R>
} = dual(
  3,
  (self: unknown, by: ($: Ref<unknown>) => Tree | null, fields: ($: Ref<unknown>) => unknown) =>
    addStage(self, "$group", ({ $ }) => {
      const key = by($)
      const accumulators = fields($)
      return {
        ast: struct({ _id: key === null ? nothing : keyAst(key), ...astsOf(accumulators, "group") }),
        write: (writing) => ({
          _id: key === null ? null : writeTree(key, writing.at("_id")),
          ...writeFields(accumulators, writing)
        })
      }
    })
)
