/** Statistics: of the elements of an array, or of several values. Accumulators of groups are in `Acc`. */
import { dual } from "effect/Function"
import type * as SchemaAST from "effect/SchemaAST"
import type { Arithmetic, ElementOf, Elements, Expr, Fraction, NullIf, Nullish, Numeric, Term } from "../../Expr.ts"
import { elementOf, nonNull, nullOr, number, orNull, present, type Slot, tupleOf } from "../ast/calculus.ts"
import { areDecimals, fraction, numeric } from "../ast/numbers.ts"
import { ExprImpl, implOf, isExpr } from "../expression/expr.ts"
import { anArray } from "../expression/kinds.ts"
import { operand, operandOf } from "../expression/operand.ts"
import * as operator from "../expression/operator.ts"
import { refuse } from "../refusal.ts"

/** The elements of an array of numbers. What is null does not count. */
type Numbers = ReadonlyArray<Numeric | Nullish> | Nullish

/** A statistic of numbers, which gives null where there are none. */
type OfNumbers = (ast: SchemaAST.AST) => SchemaAST.AST

const ofNumbers = (of: OfNumbers) => (ast: SchemaAST.AST, slots: ReadonlyArray<Slot>, at: string): Slot =>
  orNull(of(numeric([ast], at)), slots)

interface Sum {
  <A extends Numbers>(self: Expr<A>): Expr<Arithmetic<NonNullable<ElementOf<A>>>>
  <A extends Numeric | Nullish>(
    first: Term<A>,
    second: Term<A>,
    ...more: ReadonlyArray<Term<A>>
  ): Expr<Arithmetic<NonNullable<A>>>
}

const sumOf = operator.statistic<(...terms: ReadonlyArray<unknown>) => ExprImpl>(
  "$sum",
  operator.numbers,
  (ast, _, at) => present(numeric([ast], at))
)

interface Average {
  <A extends Numbers>(self: Expr<A>): Expr<Fraction<NonNullable<ElementOf<A>>> | null>
  <A extends Numeric | Nullish>(
    first: Term<A>,
    second: Term<A>,
    ...more: ReadonlyArray<Term<A>>
  ): Expr<Fraction<A>>
}

interface Deviation {
  (self: Expr<Numbers>): Expr<number | null>
  <A extends Numeric | Nullish>(
    first: Term<A>,
    second: Term<A>,
    ...more: ReadonlyArray<Term<A>>
  ): Expr<number | NullIf<A>>
}

interface Choice {
  <A extends Elements>(self: Expr<A>): Expr<NonNullable<ElementOf<A>> | null>
  <A>(first: Term<A>, second: Term<A>, ...more: ReadonlyArray<Term<A>>): Expr<NonNullable<A> | NullIf<A>>
}

/** Operands of which constants are encoded by the codec of the first expression. */
const alike = (terms: ReadonlyArray<unknown>): ReadonlyArray<ExprImpl> => {
  const first = terms.find(isExpr)
  const codec = first === undefined ? undefined : nonNull(implOf(first).slot.ast)
  return terms.map((term) => operand(term, codec))
}

const choice = (name: string): Choice => operator.statistic(name, alike, (ast, slots) => orNull(nonNull(ast), slots))

const deviation = (name: string): Deviation => operator.statistic(name, operator.numbers, ofNumbers(() => number))

/**
 * The sum of the elements of an array, or of several numbers. What is null or missing adds nothing. The sum of nothing is 0.
 *
 * **Gotchas**
 *
 * An int64 that overflows comes back as a double: then the document fails to decode with a `DocumentError`.
 *
 * **Example** (The sum of an array)
 *
 * ```ts
 * import { Bson, Expr, Pipeline } from "@mongofx/schema"
 * import { Schema } from "effect"
 *
 * const Order = Schema.Struct({ _id: Bson.ObjectId, numbers: Schema.Array(Schema.Number), low: Schema.Number, high: Schema.Number })
 *
 * const values = Pipeline.make(Order).pipe(Pipeline.select(($) => ({ value: Expr.sum($.numbers) })))
 * ```
 *
 * @see {@link add} for a sum that is null where a number is
 * @stability unstable
 * @category combinators
 * @since 0.1.0
 */
export const sum: Sum = ((...terms: ReadonlyArray<unknown>) => {
  const { slot, write } = sumOf(...terms)
  // The server's sum of no decimals is the int 0.
  return new ExprImpl(
    slot,
    areDecimals(slot.ast) ? (writing) => ({ $toDecimal: write(writing) }) : write
  )
}) as never

/**
 * The average of the elements of an array, or of several numbers: a decimal of decimals, and otherwise a double. Null and what is missing do not count. The average of nothing is null.
 *
 * **Example** (The average of two fields)
 *
 * ```ts
 * import { Bson, Expr, Pipeline } from "@mongofx/schema"
 * import { Schema } from "effect"
 *
 * const Order = Schema.Struct({ _id: Bson.ObjectId, numbers: Schema.Array(Schema.Number), low: Schema.Number, high: Schema.Number })
 *
 * const values = Pipeline.make(Order).pipe(Pipeline.select(($) => ({ value: Expr.avg($.low, $.high) })))
 * ```
 *
 * @see {@link median} for the number in the middle
 * @stability unstable
 * @category combinators
 * @since 0.1.0
 */
export const avg: Average = operator.statistic("$avg", operator.numbers, ofNumbers(fraction))

/**
 * The greatest of the elements of an array, or of several values. Stored values are compared. Null and what is missing do not count. It is null where there is nothing.
 *
 * **Example** (The greatest of two values)
 *
 * ```ts
 * import { Bson, Expr, Pipeline } from "@mongofx/schema"
 * import { Schema } from "effect"
 *
 * const Order = Schema.Struct({ _id: Bson.ObjectId, numbers: Schema.Array(Schema.Number), low: Schema.Number, high: Schema.Number })
 *
 * const values = Pipeline.make(Order).pipe(Pipeline.select(($) => ({ value: Expr.max($.low, $.high, 0) })))
 * ```
 *
 * @see {@link maxN} for several elements of an array
 * @stability unstable
 * @category combinators
 * @since 0.1.0
 */
export const max: Choice = choice("$max")

/**
 * The least of the elements of an array, or of several values. Stored values are compared. Null and what is missing do not count. It is null where there is nothing.
 *
 * **Example** (The least of two values)
 *
 * ```ts
 * import { Bson, Expr, Pipeline } from "@mongofx/schema"
 * import { Schema } from "effect"
 *
 * const Order = Schema.Struct({ _id: Bson.ObjectId, numbers: Schema.Array(Schema.Number), low: Schema.Number, high: Schema.Number })
 *
 * const values = Pipeline.make(Order).pipe(Pipeline.select(($) => ({ value: Expr.min($.low, $.high, 0) })))
 * ```
 *
 * @see {@link minN} for several elements of an array
 * @stability unstable
 * @category combinators
 * @since 0.1.0
 */
export const min: Choice = choice("$min")

/**
 * The standard deviation of a population: the elements of an array, or several numbers. Null and what is missing do not count. It is null where there is nothing.
 *
 * **Example** (The deviation of an array)
 *
 * ```ts
 * import { Bson, Expr, Pipeline } from "@mongofx/schema"
 * import { Schema } from "effect"
 *
 * const Order = Schema.Struct({ _id: Bson.ObjectId, numbers: Schema.Array(Schema.Number), low: Schema.Number, high: Schema.Number })
 *
 * const values = Pipeline.make(Order).pipe(Pipeline.select(($) => ({ value: Expr.stdDevPop($.numbers) })))
 * ```
 *
 * @see {@link stdDevSamp} for samples
 * @stability unstable
 * @category combinators
 * @since 0.1.0
 */
export const stdDevPop: Deviation = deviation("$stdDevPop")

/**
 * The standard deviation of a sample: the elements of an array, or several numbers. Null and what is missing do not count. It is null where there are less than two numbers.
 *
 * **Example** (The deviation of an array)
 *
 * ```ts
 * import { Bson, Expr, Pipeline } from "@mongofx/schema"
 * import { Schema } from "effect"
 *
 * const Order = Schema.Struct({ _id: Bson.ObjectId, numbers: Schema.Array(Schema.Number), low: Schema.Number, high: Schema.Number })
 *
 * const values = Pipeline.make(Order).pipe(Pipeline.select(($) => ({ value: Expr.stdDevSamp($.numbers) })))
 * ```
 *
 * @see {@link stdDevPop} for populations
 * @stability unstable
 * @category combinators
 * @since 0.1.0
 */
export const stdDevSamp: Deviation = deviation("$stdDevSamp")

const quantiles = (name: string, self: unknown, slot: Slot, options: object): ExprImpl => {
  const array = operandOf(anArray, self, name)
  numeric([elementOf(array.slot.ast)], name)
  return new ExprImpl(slot, (writing) => ({
    [name]: { input: array.write(writing), ...options, method: "approximate" }
  }))
}

/**
 * The number in the middle of an array, as a double. It is one of the numbers, and near the middle of a large array. Null does not count. It is null where there are no numbers.
 *
 * **Example** (The middle of an array)
 *
 * ```ts
 * import { Bson, Expr, Pipeline } from "@mongofx/schema"
 * import { Schema } from "effect"
 *
 * const Order = Schema.Struct({ _id: Bson.ObjectId, numbers: Schema.Array(Schema.Number), low: Schema.Number, high: Schema.Number })
 *
 * const values = Pipeline.make(Order).pipe(Pipeline.select(($) => ({ value: Expr.median($.numbers) })))
 * ```
 *
 * @see {@link percentile} for other places
 * @stability unstable
 * @category combinators
 * @since 0.1.0
 */
export const median: (self: Expr<Numbers>) => Expr<number | null> = (self) =>
  quantiles("$median", self, present(nullOr(number)), {}) as never

/**
 * The numbers of an array below which these parts of its numbers are, as doubles: 0.9 stands for 90 percent. They are near these places in a large array. Null does not count. They are null where there are no numbers.
 *
 * **Example** (What nine of ten stay below)
 *
 * ```ts
 * import { Bson, Expr, Pipeline } from "@mongofx/schema"
 * import { Schema } from "effect"
 *
 * const Order = Schema.Struct({ _id: Bson.ObjectId, numbers: Schema.Array(Schema.Number), low: Schema.Number, high: Schema.Number })
 *
 * const values = Pipeline.make(Order).pipe(Pipeline.select(($) => ({ value: Expr.percentile($.numbers, { p: [0.5, 0.9] }) })))
 * ```
 *
 * @see {@link median} for the middle
 * @stability unstable
 * @category combinators
 * @since 0.1.0
 */
export const percentile: {
  <const P extends readonly [number, ...ReadonlyArray<number>]>(
    options: { readonly p: P }
  ): (self: Expr<Numbers>) => Expr<{ readonly [K in keyof P]: number | null }>
  <const P extends readonly [number, ...ReadonlyArray<number>]>(
    self: Expr<Numbers>,
    options: { readonly p: P }
  ): Expr<{ readonly [K in keyof P]: number | null }>
} = dual(2, (self: unknown, { p }: { readonly p: ReadonlyArray<number> }) => {
  if (p.length === 0 || p.some((part) => !(part >= 0 && part <= 1))) {
    refuse("$percentile.p", "is not a list of numbers from 0 to 1")
  }
  return quantiles("$percentile", self, present(tupleOf(p.map(() => nullOr(number)))), { p: [...p] })
})
