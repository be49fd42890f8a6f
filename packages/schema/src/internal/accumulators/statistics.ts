/** Deviations, percentiles and covariances. */
import { dual } from "effect/Function"
import type { Accumulator, Spanning, WindowOperator } from "../../Acc.ts"
import type { Expr, Fraction, NullIf, Nullish, Numeric } from "../../Expr.ts"
import { arrayOf, nullOr, number, oneOf, orNull } from "../ast/calculus.ts"
import { fraction, numeric } from "../ast/numbers.ts"
import { make, makeForWindows } from "../expression/accumulator.ts"
import { operand } from "../expression/operand.ts"
import { refuse } from "../refusal.ts"

type Statistic = <A extends Numeric | Nullish>(expr: Expr<A>) => Accumulator<number | NullIf<A>, number | null>

/** The server gives a double, of decimals too. */
const statistic = (name: string, content: (input: unknown) => unknown): Statistic => (expr) => {
  const { slot, write } = operand(expr)
  numeric([slot.ast], name)
  return make(orNull(number, [slot]).ast, (writing) => ({ [name]: content(write(writing)) }), nullOr(number))
}

const method = "approximate"

/**
 * The standard deviation of all values. What is null or missing does not count. It is a double, of decimals too, and null if there
 * are no values.
 *
 * **Example** (How prices differ)
 *
 * ```ts
 * import { Acc, Bson, Pipeline } from "@mongofx/schema"
 * import { Schema } from "effect"
 *
 * const Sale = Schema.Struct({ _id: Bson.ObjectId, sku: Schema.String, price: Schema.Number, sold: Bson.Date })
 *
 * const prices = Pipeline.make(Sale).pipe(
 *   Pipeline.group(($) => $.sku, ($) => ({ deviation: Acc.stdDevPop($.price) }))
 * )
 * ```
 *
 * @see {@link stdDevSamp} for a sample
 * @stability unstable
 * @category constructors
 * @since 0.1.0
 */
export const stdDevPop: <A extends Numeric | Nullish>(
  expr: Expr<A>
) => Accumulator<number | NullIf<A>, number | null> = statistic("$stdDevPop", (input) => input)

/**
 * The standard deviation of a sample. What is null or missing does not count. It is a double, of decimals too, and null if there
 * are fewer than two values.
 *
 * **Example** (How prices differ)
 *
 * ```ts
 * import { Acc, Bson, Pipeline } from "@mongofx/schema"
 * import { Schema } from "effect"
 *
 * const Sale = Schema.Struct({ _id: Bson.ObjectId, sku: Schema.String, price: Schema.Number, sold: Bson.Date })
 *
 * const prices = Pipeline.make(Sale).pipe(
 *   Pipeline.group(($) => $.sku, ($) => ({ deviation: Acc.stdDevSamp($.price) }))
 * )
 * ```
 *
 * @see {@link stdDevPop} for all values
 * @stability unstable
 * @category constructors
 * @since 0.1.0
 */
export const stdDevSamp = <A extends Numeric | Nullish>(expr: Expr<A>): Accumulator<number | null> => {
  const { slot, write } = operand(expr)
  numeric([slot.ast], "$stdDevSamp")
  return make(nullOr(number), (writing) => ({ $stdDevSamp: write(writing) }))
}

/**
 * The median, approximately. What is null or missing does not count. It is a double, of decimals too, and null if there are no
 * values.
 *
 * **Example** (The price in the middle)
 *
 * ```ts
 * import { Acc, Bson, Pipeline } from "@mongofx/schema"
 * import { Schema } from "effect"
 *
 * const Sale = Schema.Struct({ _id: Bson.ObjectId, sku: Schema.String, price: Schema.Number, sold: Bson.Date })
 *
 * const prices = Pipeline.make(Sale).pipe(
 *   Pipeline.group(($) => $.sku, ($) => ({ median: Acc.median($.price) }))
 * )
 * ```
 *
 * @see {@link percentile} for other percentiles
 * @stability unstable
 * @category constructors
 * @since 0.1.0
 */
export const median: <A extends Numeric | Nullish>(
  expr: Expr<A>
) => Accumulator<number | NullIf<A>, number | null> = statistic("$median", (input) => ({ input, method }))

/**
 * Which percentiles.
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface Percentiles {
  /** Numbers from 0 to 1: 0.9 is the value that 90 of 100 values do not exceed. */
  readonly p: ReadonlyArray<number>
}

/**
 * Percentiles, approximately: an array of one number for each `p`. What is null or missing does not count. The numbers are
 * doubles, of decimals too, and null if there are no values.
 *
 * **Example** (Nine of ten prices)
 *
 * ```ts
 * import { Acc, Bson, Pipeline } from "@mongofx/schema"
 * import { Schema } from "effect"
 *
 * const Sale = Schema.Struct({ _id: Bson.ObjectId, sku: Schema.String, price: Schema.Number, sold: Bson.Date })
 *
 * const prices = Pipeline.make(Sale).pipe(
 *   Pipeline.group(($) => $.sku, ($) => ({ prices: Acc.percentile($.price, { p: [0.5, 0.9] }) }))
 * )
 * ```
 *
 * @see {@link median} for the value in the middle
 * @stability unstable
 * @category constructors
 * @since 0.1.0
 */
export const percentile: {
  (
    options: Percentiles
  ): <A extends Numeric | Nullish>(
    expr: Expr<A>
  ) => Accumulator<ReadonlyArray<number | NullIf<A>>, ReadonlyArray<number | null>>
  <A extends Numeric | Nullish>(
    expr: Expr<A>,
    options: Percentiles
  ): Accumulator<ReadonlyArray<number | NullIf<A>>, ReadonlyArray<number | null>>
} = dual(2, (expr: unknown, { p }: Percentiles) => {
  const { slot, write } = operand(expr)
  numeric([slot.ast], "$percentile")
  if (p.length === 0 || p.some((each) => !(each >= 0 && each <= 1))) {
    refuse("$percentile.p", "is not a list of numbers from 0 to 1")
  }
  return make(
    arrayOf(orNull(number, [slot]).ast),
    (writing) => ({ $percentile: { input: write(writing), p, method } }),
    arrayOf(nullOr(number))
  ) as never
})

const covariance = (name: string, isSample: boolean) =>
  dual(2, (self: unknown, that: unknown) => {
    const operands = [self, that].map((term) => operand(term))
    const slots = operands.map(({ slot }) => slot)
    const ast = fraction(numeric(slots.map(({ ast }) => ast), name))
    // Of one document it is a double 0, of decimals too.
    const value = isSample ? nullOr(ast) : orNull(oneOf([ast, number]), slots).ast
    return makeForWindows(value, (writing) => ({ [name]: operands.map(({ write }) => write(writing)) }), {
      empty: nullOr(value)
    })
  }) as never

/**
 * The covariance of two numbers over all documents of a window. Documents where one of them is null or missing do not count. It is
 * null if no documents are left. Of decimals, the 0 of one document is a number.
 *
 * **Example** (Prices and quantities)
 *
 * ```ts
 * import { Acc, Bson, Pipeline } from "@mongofx/schema"
 * import { Schema } from "effect"
 *
 * const Sale = Schema.Struct({ _id: Bson.ObjectId, sku: Schema.String, price: Schema.Number, quantity: Schema.Int })
 *
 * const sales = Pipeline.make(Sale).pipe(
 *   Pipeline.setWindowFields({
 *     partitionBy: ($) => $.sku,
 *     output: ($) => ({ covariance: Acc.covariancePop($.price, $.quantity) })
 *   })
 * )
 * ```
 *
 * @see {@link covarianceSamp} for a sample
 * @stability unstable
 * @category constructors
 * @since 0.1.0
 */
export const covariancePop: {
  <B extends Numeric | Nullish>(
    that: Expr<B>
  ): <A extends Numeric | Nullish>(
    self: Expr<A>
  ) => WindowOperator<Fraction<A | B> | number> & Spanning<Fraction<A | B> | number, Fraction<A | B> | number | null>
  <A extends Numeric | Nullish, B extends Numeric | Nullish>(
    self: Expr<A>,
    that: Expr<B>
  ): WindowOperator<Fraction<A | B> | number> & Spanning<Fraction<A | B> | number, Fraction<A | B> | number | null>
} = covariance("$covariancePop", false)

/**
 * The covariance of two numbers over the documents of a window as a sample. Documents where one of them is null or missing do not
 * count. It is null if fewer than two documents are left.
 *
 * **Example** (Prices and quantities)
 *
 * ```ts
 * import { Acc, Bson, Pipeline } from "@mongofx/schema"
 * import { Schema } from "effect"
 *
 * const Sale = Schema.Struct({ _id: Bson.ObjectId, sku: Schema.String, price: Schema.Number, quantity: Schema.Int })
 *
 * const sales = Pipeline.make(Sale).pipe(
 *   Pipeline.setWindowFields({
 *     partitionBy: ($) => $.sku,
 *     output: ($) => ({ covariance: Acc.covarianceSamp($.price, $.quantity) })
 *   })
 * )
 * ```
 *
 * @see {@link covariancePop} for all documents
 * @stability unstable
 * @category constructors
 * @since 0.1.0
 */
export const covarianceSamp: {
  <B extends Numeric | Nullish>(
    that: Expr<B>
  ): <A extends Numeric | Nullish>(
    self: Expr<A>
  ) => WindowOperator<Fraction<A | B> | null> & Spanning<Fraction<A | B> | null, Fraction<A | B> | null>
  <A extends Numeric | Nullish, B extends Numeric | Nullish>(
    self: Expr<A>,
    that: Expr<B>
  ): WindowOperator<Fraction<A | B> | null> & Spanning<Fraction<A | B> | null, Fraction<A | B> | null>
} = covariance("$covarianceSamp", true)
