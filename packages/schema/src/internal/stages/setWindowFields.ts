/** Computes fields of each document from the documents around it. */
import { dual } from "effect/Function"
import type { WindowOperator } from "../../Acc.ts"
import type { Expr, Ref, Tree } from "../../Expr.ts"
import type { Pipeline } from "../../Pipeline.ts"
import type { SortInput } from "../../TypedQuery.ts"
import { present } from "../ast/calculus.ts"
import { implOf } from "../expression/accumulator.ts"
import { writeTree } from "../expression/tree.ts"
import type { FieldsOf } from "../expression/types.ts"
import type { Keys } from "../path/types.ts"
import { checkPath, setFields } from "../pipeline/fields.ts"
import { addStage } from "../pipeline/pipeline.ts"
import type { Assign } from "../pipeline/types.ts"
import { checkNeeds, checkPartition, type Given, orderOf } from "../pipeline/windows.ts"
import { isPlainObject } from "../plainObject.ts"
import { refuse } from "../refusal.ts"

/**
 * The partitions, the order and the fields of `setWindowFields`.
 *
 * @see {@link setWindowFields} for the stage
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface WindowFields<A, S, K extends PropertyKey, F> {
  /** Documents with the same value are a partition. Without it, all documents are one. */
  readonly partitionBy?: ($: Ref<A>) => Tree
  /** The order of the documents in a partition. */
  readonly sortBy?: SortInput<FieldsOf<A>, S, K>
  /** Operators of `Acc`, by the paths of the fields that they set. */
  readonly output: ($: Ref<A>) => F
}

/** The operators as expressions of what they give. */
type Outputs<F> = { readonly [Path in keyof F]: F[Path] extends WindowOperator<infer B, unknown> ? Expr<B> : never }

type Operators<A, S, K> = { readonly [path: string]: WindowOperator<unknown, Given<FieldsOf<A>, S, K>> }

/**
 * Computes fields of each document from the documents around it: sums up to now, moving averages, ranks, values before and after.
 *
 * **Details**
 *
 * `Acc` has the operators. An accumulator takes all documents of the partition, unless `Acc.over` gives it the bounds of a window.
 * What needs an order is refused without a `sortBy`, or with one of another kind: a rank takes one field, a range a number or a
 * date. A field that the documents have already is replaced. A path with dots sets a field of an object.
 *
 * **Example** (A sum up to now, and a rank)
 *
 * ```ts
 * import { Acc, Bson, Pipeline } from "@mongofx/schema"
 * import { Schema } from "effect"
 *
 * const Sale = Schema.Struct({ _id: Bson.ObjectId, sku: Schema.String, price: Schema.Number, sold: Bson.Date })
 *
 * const sales = Pipeline.make(Sale).pipe(
 *   Pipeline.setWindowFields({
 *     partitionBy: ($) => $.sku,
 *     sortBy: { sold: 1 },
 *     output: ($) => ({
 *       soFar: Acc.over(Acc.sum($.price), { documents: ["unbounded", "current"] }),
 *       number: Acc.documentNumber
 *     })
 *   })
 * )
 * ```
 *
 * @see {@link group} for one document of each group
 * @stability unstable
 * @category combinators
 * @since 0.1.0
 */
export const setWindowFields: {
  <A, const S, K extends Keys<FieldsOf<A>>, const F extends Operators<A, S, K>>(
    fields: WindowFields<A, S, K, F>
  ): <R>(self: Pipeline<A, R>) => Pipeline<Assign<A, Outputs<F>>, R>
  <A, R, const S, K extends Keys<FieldsOf<A>>, const F extends Operators<A, S, K>>(
    self: Pipeline<A, R>,
    fields: WindowFields<A, S, K, F>
  ): Pipeline<Assign<A, Outputs<F>>, R>
} = dual(
  2,
  (
    self: unknown,
    { output, partitionBy, sortBy }: {
      readonly partitionBy?: ($: Ref<unknown>) => Tree
      readonly sortBy?: unknown
      readonly output: ($: Ref<unknown>) => unknown
    }
  ) =>
    addStage(self, "$setWindowFields", ({ $, ast }) => {
      const partition = partitionBy?.($)
      if (partition !== undefined) checkPartition(partition)
      const order = orderOf(ast, sortBy)
      const operators = output($)
      if (!isPlainObject(operators)) return refuse("output", "is not an object of operators")
      const fields = Object.entries(operators).map(([path, operator]) => {
        const impl = implOf(operator, `output.${path}`)
        if (!impl.uses.inWindows) {
          refuse(
            `output.${path}`,
            impl.uses.empty === undefined
              ? "is an accumulator of groups alone"
              : "needs the bounds of a window: use Acc.over"
          )
        }
        checkPath(path, `output.${path}`)
        checkNeeds(impl.uses, order, `output.${path}`)
        return { path, slot: present(impl.ast), write: impl.write }
      })
      const set = setFields(ast, fields, { entersArrays: true })
      return {
        ast: set.ast,
        write: (writing) => ({
          ...(partition === undefined ? {} : { partitionBy: writeTree(partition, writing.at("partitionBy")) }),
          ...(order === undefined ? {} : { sortBy: order.written }),
          output: set.write(writing)
        })
      }
    })
)
