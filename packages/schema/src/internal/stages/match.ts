/** Chooses documents. */
import { dual } from "effect/Function"
import type { Expr, Nullish, Ref } from "../../Expr.ts"
import type { Input, Key } from "../../Filter.ts"
import type { Pipeline } from "../../Pipeline.ts"
import { encodeFilter } from "../encode/filter.ts"
import { aBoolean } from "../expression/kinds.ts"
import { operandOf } from "../expression/operand.ts"
import type { FieldsOf } from "../expression/types.ts"
import { makeResolve, ofDocuments } from "../path/resolve.ts"
import { addStage } from "../pipeline/pipeline.ts"

/**
 * Keeps the documents that match a filter, as the filters of `find` do.
 *
 * **Example** (Paid orders)
 *
 * ```ts
 * import { Bson, Pipeline } from "@mongofx/schema"
 * import { Schema } from "effect"
 *
 * const Order = Schema.Struct({ _id: Bson.ObjectId, status: Schema.String, total: Schema.Number })
 *
 * const large = Pipeline.make(Order).pipe(Pipeline.match({ status: "paid", total: { $gte: 100 } }))
 * ```
 *
 * @see {@link matchExpr} for comparing fields with each other
 * @stability unstable
 * @category combinators
 * @since 0.1.0
 */
export const match: {
  <A, const F, K extends Key<FieldsOf<A>>>(
    filter: Input<FieldsOf<A>, F, K>
  ): <R>(self: Pipeline<A, R>) => Pipeline<A, R>
  <A, R, const F, K extends Key<FieldsOf<A>>>(
    self: Pipeline<A, R>,
    filter: Input<FieldsOf<A>, F, K>
  ): Pipeline<A, R>
} = dual(2, (self: unknown, filter: unknown) =>
  addStage(self, "$match", ({ ast }) => {
    const resolve = ofDocuments(ast, makeResolve([ast], "filter"))
    return { ast, write: ({ operands, path }) => encodeFilter(resolve, filter, operands, path) }
  }))

/**
 * Keeps the documents for which a condition holds. It can compare fields with each other.
 *
 * **Example** (Projects over their budget)
 *
 * ```ts
 * import { Bson, Expr, Pipeline } from "@mongofx/schema"
 * import { Schema } from "effect"
 *
 * const Project = Schema.Struct({ _id: Bson.ObjectId, budget: Schema.Number, spent: Schema.Number })
 *
 * const over = Pipeline.make(Project).pipe(Pipeline.matchExpr(($) => Expr.gt($.spent, $.budget)))
 * ```
 *
 * @see {@link match} for comparing fields with values, which can use any index
 * @stability unstable
 * @category combinators
 * @since 0.1.0
 */
export const matchExpr: {
  <A>(condition: ($: Ref<A>) => Expr<boolean | Nullish>): <R>(self: Pipeline<A, R>) => Pipeline<A, R>
  <A, R>(self: Pipeline<A, R>, condition: ($: Ref<A>) => Expr<boolean | Nullish>): Pipeline<A, R>
} = dual(2, (self: unknown, condition: ($: Ref<unknown>) => unknown) =>
  addStage(self, "$match", ({ $, ast }) => {
    const test = operandOf(aBoolean, condition($), "$expr")
    return { ast, write: (writing) => ({ $expr: test.write(writing.at("$expr")) }) }
  }))
