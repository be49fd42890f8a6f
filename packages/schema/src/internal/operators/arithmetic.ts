/** Arithmetic. */
import type { Arithmetic, Constant, Expr, Fraction, Nullish, Numeric, Term } from "../../Expr.ts"
import { fraction } from "../ast/numbers.ts"
import * as operator from "../expression/operator.ts"

/** A number of any number of numbers. A constant is encoded as the numbers beside it. */
interface OfNumbers {
  <B extends Numeric | Nullish>(
    that: Term<B>
  ): <A extends Constant<B> | Nullish>(self: Expr<A>) => Expr<Arithmetic<A | B>>
  <A extends Numeric | Nullish>(
    self: Term<A>,
    that: Term<A>,
    ...more: ReadonlyArray<Term<A>>
  ): Expr<Arithmetic<A>>
}

/** A number of two numbers. */
interface OfTwoNumbers {
  <B extends Numeric | Nullish>(
    that: Term<B>
  ): <A extends Constant<B> | Nullish>(self: Expr<A>) => Expr<Arithmetic<A | B>>
  <A extends Numeric | Nullish>(self: Term<A>, that: Term<A>): Expr<Arithmetic<A>>
}

/** A decimal of two decimals, and otherwise a double. */
interface FractionOfTwo {
  <B extends Numeric | Nullish>(
    that: Term<B>
  ): <A extends Constant<B> | Nullish>(self: Expr<A>) => Expr<Fraction<A | B>>
  <A extends Numeric | Nullish>(self: Term<A>, that: Term<A>): Expr<Fraction<A>>
}

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
export const add: OfNumbers = operator.arithmetic("$add")

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
export const subtract: OfTwoNumbers = operator.arithmetic("$subtract")

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
export const multiply: OfNumbers = operator.arithmetic("$multiply")

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
export const divide: FractionOfTwo = operator.arithmetic("$divide", fraction)

/**
 * The absolute value of a number. It is null if the number is null or missing.
 *
 * **Gotchas**
 *
 * The server fails for the least int64, whose absolute value is no int64.
 *
 * **Example** (How far from the target)
 *
 * ```ts
 * import { Bson, Expr, Pipeline } from "@mongofx/schema"
 * import { Schema } from "effect"
 *
 * const Shot = Schema.Struct({ _id: Bson.ObjectId, offset: Schema.Number })
 *
 * const distances = Pipeline.make(Shot).pipe(
 *   Pipeline.select(($) => ({ distance: Expr.abs($.offset) }))
 * )
 * ```
 *
 * @see {@link sqrt} for square roots
 * @stability unstable
 * @category combinators
 * @since 0.1.0
 */
export const abs: <A extends Numeric | Nullish>(self: Expr<A>) => Expr<Arithmetic<A>> = operator.computed("$abs")

/**
 * The least whole number that is not less than the number, of the same kind. It is null if the number is null or missing.
 *
 * **Example** (Full boxes)
 *
 * ```ts
 * import { Bson, Expr, Pipeline } from "@mongofx/schema"
 * import { Schema } from "effect"
 *
 * const Parcel = Schema.Struct({ _id: Bson.ObjectId, boxes: Schema.Number })
 *
 * const boxes = Pipeline.make(Parcel).pipe(
 *   Pipeline.select(($) => ({ boxes: Expr.ceil($.boxes) }))
 * )
 * ```
 *
 * @see {@link floor} for rounding down
 * @stability unstable
 * @category combinators
 * @since 0.1.0
 */
export const ceil: <A extends Numeric | Nullish>(self: Expr<A>) => Expr<Arithmetic<A>> = operator.computed("$ceil")

/**
 * The greatest whole number that is not greater than the number, of the same kind. It is null if the number is null or missing.
 *
 * **Example** (Whole hours)
 *
 * ```ts
 * import { Bson, Expr, Pipeline } from "@mongofx/schema"
 * import { Schema } from "effect"
 *
 * const Shift = Schema.Struct({ _id: Bson.ObjectId, minutes: Schema.Number })
 *
 * const hours = Pipeline.make(Shift).pipe(
 *   Pipeline.select(($) => ({ hours: Expr.floor(Expr.divide($.minutes, 60)) }))
 * )
 * ```
 *
 * @see {@link ceil} for rounding up
 * @stability unstable
 * @category combinators
 * @since 0.1.0
 */
export const floor: <A extends Numeric | Nullish>(self: Expr<A>) => Expr<Arithmetic<A>> = operator.computed("$floor")

/**
 * Euler's number to the power of the number. It is null if the number is null or missing.
 *
 * **Example** (Growth)
 *
 * ```ts
 * import { Bson, Expr, Pipeline } from "@mongofx/schema"
 * import { Schema } from "effect"
 *
 * const Culture = Schema.Struct({ _id: Bson.ObjectId, rate: Schema.Number })
 *
 * const growth = Pipeline.make(Culture).pipe(
 *   Pipeline.select(($) => ({ factor: Expr.exp($.rate) }))
 * )
 * ```
 *
 * @see {@link ln} for the inverse
 * @stability unstable
 * @category combinators
 * @since 0.1.0
 */
export const exp: <A extends Numeric | Nullish>(self: Expr<A>) => Expr<Fraction<A>> = operator.computed(
  "$exp",
  fraction
)

/**
 * The natural logarithm of a number. It is null if the number is null or missing. The server fails where the number is not
 * greater than zero.
 *
 * **Example** (A logarithmic score)
 *
 * ```ts
 * import { Bson, Expr, Pipeline } from "@mongofx/schema"
 * import { Schema } from "effect"
 *
 * const Post = Schema.Struct({ _id: Bson.ObjectId, votes: Schema.Number })
 *
 * const scores = Pipeline.make(Post).pipe(
 *   Pipeline.select(($) => ({ score: Expr.ln(Expr.add($.votes, 1)) }))
 * )
 * ```
 *
 * @see {@link log} for other bases
 * @stability unstable
 * @category combinators
 * @since 0.1.0
 */
export const ln: <A extends Numeric | Nullish>(self: Expr<A>) => Expr<Fraction<A>> = operator.computed("$ln", fraction)

/**
 * The logarithm of a number to the base 10. It is null if the number is null or missing. The server fails where the number is
 * not greater than zero.
 *
 * **Example** (Orders of magnitude)
 *
 * ```ts
 * import { Bson, Expr, Pipeline } from "@mongofx/schema"
 * import { Schema } from "effect"
 *
 * const City = Schema.Struct({ _id: Bson.ObjectId, people: Schema.Number })
 *
 * const magnitudes = Pipeline.make(City).pipe(
 *   Pipeline.select(($) => ({ magnitude: Expr.floor(Expr.log10($.people)) }))
 * )
 * ```
 *
 * @see {@link log} for other bases
 * @stability unstable
 * @category combinators
 * @since 0.1.0
 */
export const log10: <A extends Numeric | Nullish>(self: Expr<A>) => Expr<Fraction<A>> = operator.computed(
  "$log10",
  fraction
)

/**
 * The square root of a number. It is null if the number is null or missing. The server fails for a negative number.
 *
 * **Example** (The side of a square)
 *
 * ```ts
 * import { Bson, Expr, Pipeline } from "@mongofx/schema"
 * import { Schema } from "effect"
 *
 * const Field = Schema.Struct({ _id: Bson.ObjectId, area: Schema.Number })
 *
 * const sides = Pipeline.make(Field).pipe(
 *   Pipeline.select(($) => ({ side: Expr.sqrt($.area) }))
 * )
 * ```
 *
 * @see {@link pow} for powers
 * @stability unstable
 * @category combinators
 * @since 0.1.0
 */
export const sqrt: <A extends Numeric | Nullish>(self: Expr<A>) => Expr<Fraction<A>> = operator.computed(
  "$sqrt",
  fraction
)

/**
 * The logistic function of a number: between 0 and 1. It is null if the number is null or missing.
 *
 * **Example** (A score between 0 and 1)
 *
 * ```ts
 * import { Bson, Expr, Pipeline } from "@mongofx/schema"
 * import { Schema } from "effect"
 *
 * const Match = Schema.Struct({ _id: Bson.ObjectId, distance: Schema.Number })
 *
 * const scores = Pipeline.make(Match).pipe(
 *   Pipeline.select(($) => ({ score: Expr.sigmoid($.distance) }))
 * )
 * ```
 *
 * @see {@link exp} for the exponential function
 * @stability unstable
 * @category combinators
 * @since 0.1.0
 */
export const sigmoid: <A extends Numeric | Nullish>(self: Expr<A>) => Expr<Fraction<A>> = operator.computed(
  "$sigmoid",
  fraction
)

/**
 * The remainder of a division. It is null if one of the numbers is null or missing. The server fails where the divisor is zero.
 *
 * **Example** (Every tenth visitor)
 *
 * ```ts
 * import { Bson, Expr, Pipeline } from "@mongofx/schema"
 * import { Schema } from "effect"
 *
 * const Visitor = Schema.Struct({ _id: Bson.ObjectId, number: Schema.Int })
 *
 * const tenths = Pipeline.make(Visitor).pipe(Pipeline.matchExpr(($) => Expr.eq(Expr.mod($.number, 10), 0)))
 * ```
 *
 * @see {@link divide} for the quotient
 * @stability unstable
 * @category combinators
 * @since 0.1.0
 */
export const mod: OfTwoNumbers = operator.arithmetic("$mod")

/**
 * A number to a power. It is null if one of the numbers is null or missing. The server fails for zero to a negative power.
 *
 * **Gotchas**
 *
 * An int64 to a negative power, or one that overflows, comes back as a double: then the document fails to decode with a
 * `DocumentError`.
 *
 * **Example** (The area of a square)
 *
 * ```ts
 * import { Bson, Expr, Pipeline } from "@mongofx/schema"
 * import { Schema } from "effect"
 *
 * const Tile = Schema.Struct({ _id: Bson.ObjectId, side: Schema.Number })
 *
 * const areas = Pipeline.make(Tile).pipe(
 *   Pipeline.select(($) => ({ area: Expr.pow($.side, 2) }))
 * )
 * ```
 *
 * @see {@link sqrt} for square roots
 * @stability unstable
 * @category combinators
 * @since 0.1.0
 */
export const pow: OfTwoNumbers = operator.arithmetic("$pow")

/**
 * The logarithm of a number to a base. It is null if one of the numbers is null or missing. The server fails where the number
 * is not greater than zero, or the base is not greater than zero or is 1.
 *
 * **Example** (Bits of a number)
 *
 * ```ts
 * import { Bson, Expr, Pipeline } from "@mongofx/schema"
 * import { Schema } from "effect"
 *
 * const Code = Schema.Struct({ _id: Bson.ObjectId, values: Schema.Number })
 *
 * const bits = Pipeline.make(Code).pipe(
 *   Pipeline.select(($) => ({ bits: Expr.ceil(Expr.log($.values, 2)) }))
 * )
 * ```
 *
 * @see {@link ln} for the natural logarithm
 * @stability unstable
 * @category combinators
 * @since 0.1.0
 */
export const log: FractionOfTwo = operator.arithmetic("$log", fraction)

/**
 * The number rounded to a place, to the even neighbour where it lies in the middle. It is null if the number or the place is
 * null or missing.
 *
 * **Details**
 *
 * A place of 2 keeps two digits after the point, the default 0 gives a whole number, and -1 rounds to tens: from -20 to 100.
 * The result is of the same kind as the number.
 *
 * **Example** (Prices with two digits)
 *
 * ```ts
 * import { Bson, Expr, Pipeline } from "@mongofx/schema"
 * import { Schema } from "effect"
 *
 * const Article = Schema.Struct({ _id: Bson.ObjectId, price: Schema.Number })
 *
 * const prices = Pipeline.make(Article).pipe(
 *   Pipeline.select(($) => ({ price: Expr.round($.price, 2) }))
 * )
 * ```
 *
 * @see {@link trunc} for cutting digits off
 * @stability unstable
 * @category combinators
 * @since 0.1.0
 */
export const round: {
  (place: number): <A extends Numeric | Nullish>(self: Expr<A>) => Expr<Arithmetic<A>>
  <A extends Numeric | Nullish>(self: Expr<A>, place?: Term<number>): Expr<Arithmetic<A>>
} = operator.rounding("$round")

/**
 * The number without the digits after a place. It is null if the number or the place is null or missing.
 *
 * **Details**
 *
 * A place of 2 keeps two digits after the point, the default 0 gives a whole number, and -1 rounds to tens: from -20 to 100.
 * The result is of the same kind as the number.
 *
 * **Example** (Full euros)
 *
 * ```ts
 * import { Bson, Expr, Pipeline } from "@mongofx/schema"
 * import { Schema } from "effect"
 *
 * const Payment = Schema.Struct({ _id: Bson.ObjectId, amount: Schema.Number })
 *
 * const euros = Pipeline.make(Payment).pipe(
 *   Pipeline.select(($) => ({ euros: Expr.trunc($.amount) }))
 * )
 * ```
 *
 * @see {@link round} for rounding
 * @stability unstable
 * @category combinators
 * @since 0.1.0
 */
export const trunc: {
  (place: number): <A extends Numeric | Nullish>(self: Expr<A>) => Expr<Arithmetic<A>>
  <A extends Numeric | Nullish>(self: Expr<A>, place?: Term<number>): Expr<Arithmetic<A>>
} = operator.rounding("$trunc")
