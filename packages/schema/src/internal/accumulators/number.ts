/** Sums and averages. */
import type { Accumulator } from "../../Acc.ts"
import type { Arithmetic, Expr, Fraction, Nullish, Numeric, Term } from "../../Expr.ts"
import { nullOr, number } from "../ast/calculus.ts"
import { fraction, numeric } from "../ast/numbers.ts"
import { make } from "../expression/accumulator.ts"
import { operand } from "../expression/operand.ts"

/**
 * The sum. What is null or missing adds nothing. The sum of nothing is 0.
 *
 * **Gotchas**
 *
 * The sum of int64 is an int64. One that overflows comes back as a double: then the document fails to decode with a
 * `DocumentError`.
 *
 * **Example** (Revenue)
 *
 * ```ts
 * import { Acc, Bson, Pipeline } from "@mongofx/schema"
 * import { Schema } from "effect"
 *
 * const Sale = Schema.Struct({ _id: Bson.ObjectId, sku: Schema.String, price: Schema.Number })
 *
 * const revenue = Pipeline.make(Sale).pipe(Pipeline.group(($) => $.sku, ($) => ({ revenue: Acc.sum($.price) })))
 * ```
 *
 * @see {@link avg} for the average
 * @see {@link count} for the number of documents
 * @stability unstable
 * @category constructors
 * @since 0.1.0
 */
export const sum = <A extends Numeric | Nullish>(expr: Term<A>): Accumulator<Arithmetic<NonNullable<A>>> => {
  const { slot, write } = operand(expr)
  return make(numeric([slot.ast], "$sum"), (writing) => ({ $sum: write(writing) }))
}

/**
 * The number of documents.
 *
 * **Example** (How many of each)
 *
 * ```ts
 * import { Acc, Bson, Pipeline } from "@mongofx/schema"
 * import { Schema } from "effect"
 *
 * const Sale = Schema.Struct({ _id: Bson.ObjectId, sku: Schema.String })
 *
 * const sales = Pipeline.make(Sale).pipe(Pipeline.group(($) => $.sku, () => ({ sales: Acc.count })))
 * ```
 *
 * @see {@link sum} for the sum of numbers
 * @stability unstable
 * @category constants
 * @since 0.1.0
 */
export const count: Accumulator<number> = make(number, () => ({ $sum: 1 }))

/**
 * The average. What is null or missing does not count. The average of nothing is null.
 *
 * **Example** (The average price)
 *
 * ```ts
 * import { Acc, Bson, Pipeline } from "@mongofx/schema"
 * import { Schema } from "effect"
 *
 * const Sale = Schema.Struct({ _id: Bson.ObjectId, sku: Schema.String, price: Schema.Number })
 *
 * const prices = Pipeline.make(Sale).pipe(Pipeline.group(($) => $.sku, ($) => ({ price: Acc.avg($.price) })))
 * ```
 *
 * @see {@link sum} for the sum
 * @stability unstable
 * @category constructors
 * @since 0.1.0
 */
export const avg = <A extends Numeric | Nullish>(expr: Expr<A>): Accumulator<Fraction<NonNullable<A>> | null> => {
  const { slot, write } = operand(expr)
  return make(nullOr(fraction(numeric([slot.ast], "$avg"))), (writing) => ({ $avg: write(writing) }))
}
