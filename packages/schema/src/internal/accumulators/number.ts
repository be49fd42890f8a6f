/** Sums and averages. */
import type * as BigDecimal from "effect/BigDecimal"
import * as Driver from "mongodb"
import type { Accumulator } from "../../Acc.ts"
import type { Arithmetic, Expr, Fraction, Nullish, Numeric, Term } from "../../Expr.ts"
import { mayBeNull, nullOr, number, oneOf, orNull } from "../ast/calculus.ts"
import { areDecimals, fraction, numeric } from "../ast/numbers.ts"
import { make } from "../expression/accumulator.ts"
import { operand } from "../expression/operand.ts"

/**
 * What the sum of nothing adds to the type of a sum of decimals: it is the number 0.
 *
 * @see {@link sum} for sums
 * @stability unstable
 * @category utility types
 * @since 0.1.0
 */
export type SumOfNothing<A> = [Extract<A, Driver.Decimal128 | BigDecimal.BigDecimal>] extends [never] ? never : number

const zero = Driver.Decimal128.fromString("0")

/**
 * The sum. What is null or missing adds nothing. The sum of nothing is 0.
 *
 * **Gotchas**
 *
 * The sum of int64 is an int64. One that overflows comes back as a double: then the document fails to decode with a
 * `DocumentError`.
 *
 * The server gives an int32 for the sum of nothing. A sum of decimals that may be null is written so that it is a decimal. Over a
 * window without documents it is the number 0.
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
export const sum = <A extends Numeric | Nullish>(
  expr: Term<A>
): Accumulator<Arithmetic<NonNullable<A>>, Arithmetic<NonNullable<A>> | SumOfNothing<A>> => {
  const { slot, write } = operand(expr)
  const ast = numeric([slot.ast], "$sum")
  const isDecimal = areDecimals(ast)
  const mayBeNothing = slot.optional || slot.withDefault !== undefined || mayBeNull(slot.ast)
  return make(
    ast,
    (writing) => ({ $sum: isDecimal && mayBeNothing ? { $ifNull: [write(writing), zero] } : write(writing) }),
    isDecimal ? oneOf([ast, number]) : ast
  )
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
export const avg = <A extends Numeric | Nullish>(expr: Expr<A>): Accumulator<Fraction<A>, Fraction<A> | null> => {
  const { slot, write } = operand(expr)
  const { ast } = orNull(fraction(numeric([slot.ast], "$avg")), [slot])
  return make(ast, (writing) => ({ $avg: write(writing) }), nullOr(ast))
}
