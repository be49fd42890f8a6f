/** Arithmetic. */
import type { Arithmetic, Expr, Fraction, Nullish, Numeric, Term } from "../../Expr.ts"
import { fraction } from "../ast/numbers.ts"
import * as operator from "../expression/operator.ts"

/**
 * The sum of numbers. It is null if one of them is null or missing.
 *
 * **Details**
 *
 * The operands are numbers of one kind. Convert others first: an int64 and a double make a number of which the schema could not
 * tell how it is stored.
 *
 * **Gotchas**
 *
 * An int64 that overflows comes back as a double: then the document fails to decode with a `DocumentError`.
 *
 * **Example** (The price with tax)
 *
 * ```ts
 * import { Bson, Expr, Pipeline } from "@mongofx/schema"
 * import { Schema } from "effect"
 *
 * const Order = Schema.Struct({ _id: Bson.ObjectId, price: Schema.Number, tax: Schema.Number })
 *
 * const totals = Pipeline.make(Order).pipe(Pipeline.select(($) => ({ total: Expr.add($.price, $.tax) })))
 * ```
 *
 * @see {@link subtract} for the difference
 * @stability unstable
 * @category combinators
 * @since 0.1.0
 */
export const add: {
  <A extends Numeric | Nullish>(that: Term<A>): (self: Expr<A>) => Expr<Arithmetic<A>>
  <A extends Numeric | Nullish>(
    self: Term<A>,
    that: Term<A>,
    ...more: ReadonlyArray<Term<A>>
  ): Expr<Arithmetic<A>>
} = operator.arithmetic("$add")

/**
 * The difference of two numbers. It is null if one of them is null or missing.
 *
 * **Example** (What is left of a budget)
 *
 * ```ts
 * import { Bson, Expr, Pipeline } from "@mongofx/schema"
 * import { Schema } from "effect"
 *
 * const Project = Schema.Struct({ _id: Bson.ObjectId, budget: Schema.Number, spent: Schema.Number })
 *
 * const left = Pipeline.make(Project).pipe(Pipeline.select(($) => ({ left: Expr.subtract($.budget, $.spent) })))
 * ```
 *
 * @see {@link add} for the sum
 * @stability unstable
 * @category combinators
 * @since 0.1.0
 */
export const subtract: {
  <A extends Numeric | Nullish>(that: Term<A>): (self: Expr<A>) => Expr<Arithmetic<A>>
  <A extends Numeric | Nullish>(self: Term<A>, that: Term<A>): Expr<Arithmetic<A>>
} = operator.arithmetic("$subtract")

/**
 * The product of numbers. It is null if one of them is null or missing.
 *
 * **Example** (The value of a line)
 *
 * ```ts
 * import { Bson, Expr, Pipeline } from "@mongofx/schema"
 * import { Schema } from "effect"
 *
 * const Line = Schema.Struct({ _id: Bson.ObjectId, price: Schema.Number, quantity: Schema.Int })
 *
 * const values = Pipeline.make(Line).pipe(Pipeline.select(($) => ({ value: Expr.multiply($.price, $.quantity) })))
 * ```
 *
 * @see {@link divide} for the quotient
 * @stability unstable
 * @category combinators
 * @since 0.1.0
 */
export const multiply: {
  <A extends Numeric | Nullish>(that: Term<A>): (self: Expr<A>) => Expr<Arithmetic<A>>
  <A extends Numeric | Nullish>(
    self: Term<A>,
    that: Term<A>,
    ...more: ReadonlyArray<Term<A>>
  ): Expr<Arithmetic<A>>
} = operator.arithmetic("$multiply")

/**
 * The quotient of two numbers: a decimal of decimals, and otherwise a double. It is null if one of them is null or missing.
 * Division by zero is an error of the server.
 *
 * **Example** (The price of one)
 *
 * ```ts
 * import { Bson, Expr, Pipeline } from "@mongofx/schema"
 * import { Schema } from "effect"
 *
 * const Line = Schema.Struct({ _id: Bson.ObjectId, total: Schema.Number, quantity: Schema.Int })
 *
 * const single = Pipeline.make(Line).pipe(Pipeline.select(($) => ({ price: Expr.divide($.total, $.quantity) })))
 * ```
 *
 * @see {@link multiply} for the product
 * @stability unstable
 * @category combinators
 * @since 0.1.0
 */
export const divide: {
  <A extends Numeric | Nullish>(that: Term<A>): (self: Expr<A>) => Expr<Fraction<A>>
  <A extends Numeric | Nullish>(self: Term<A>, that: Term<A>): Expr<Fraction<A>>
} = operator.arithmetic("$divide", fraction)
