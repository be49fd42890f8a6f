/** Counts groups of documents. */
import { dual } from "effect/Function"
import type { Ref, Tree } from "../../Expr.ts"
import type { Pipeline } from "../../Pipeline.ts"
import { number, struct } from "../ast/calculus.ts"
import { writeTree } from "../expression/tree.ts"
import { asOperator, keyAst } from "../pipeline/groups.ts"
import { addStage } from "../pipeline/pipeline.ts"
import type { GroupKey } from "../pipeline/types.ts"

/**
 * Groups documents by an expression or by an object of expressions, and counts them: the greatest group comes first. The key of a
 * group is its `_id`, the number its `count`.
 *
 * **Example** (The products that sell best)
 *
 * ```ts
 * import { Bson, Pipeline } from "@mongofx/schema"
 * import { Schema } from "effect"
 *
 * const Sale = Schema.Struct({ _id: Bson.ObjectId, sku: Schema.String })
 *
 * const best = Pipeline.make(Sale).pipe(Pipeline.sortByCount(($) => $.sku), Pipeline.limit(10))
 * ```
 *
 * @see {@link group} for other fields of groups
 * @stability unstable
 * @category combinators
 * @since 0.1.0
 */
export const sortByCount: {
  <A, const K extends Tree>(
    by: ($: Ref<A>) => K
  ): <R>(self: Pipeline<A, R>) => Pipeline<{ readonly _id: GroupKey<K>; readonly count: number }, R>
  <A, R, const K extends Tree>(
    self: Pipeline<A, R>,
    by: ($: Ref<A>) => K
  ): Pipeline<{ readonly _id: GroupKey<K>; readonly count: number }, R>
} = dual(2, (self: unknown, by: ($: Ref<unknown>) => Tree) =>
  addStage(self, "$sortByCount", ({ $ }) => {
    const key = by($)
    return {
      ast: struct({ _id: keyAst(key), count: number }),
      write: (writing) => asOperator(writeTree(key, writing))
    }
  }))
