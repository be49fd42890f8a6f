/** What depends on the documents before and after, in the order of a window. */
import type * as BigDecimal from "effect/BigDecimal"
import { dual } from "effect/Function"
import type * as SchemaAST from "effect/SchemaAST"
import type * as Driver from "mongodb"
import type { Need, Spanning, WindowOperator } from "../../Acc.ts"
import type { Arithmetic, Expr, Fraction, MissingAsNull, Nullish, Numeric } from "../../Expr.ts"
import { isNullable, nonNull, nullOr, number, oneOf, orNull } from "../ast/calculus.ts"
import { fraction, hasIntegers64, numeric } from "../ast/numbers.ts"
import { makeForWindows } from "../expression/accumulator.ts"
import { isExpr } from "../expression/expr.ts"
import { constant, operand } from "../expression/operand.ts"
import { refuse } from "../refusal.ts"

/**
 * A unit of time that always has the same length.
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export type FixedUnit = "week" | "day" | "hour" | "minute" | "second" | "millisecond"

/**
 * The unit of time that the order by a date is measured in.
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface InUnits {
  /** A unit of time. */
  readonly unit: FixedUnit
}

/** A number that is always there: the server fails on null and on what is missing. */
const numberThere = (expr: unknown, name: string) => {
  const { slot, write } = operand(expr)
  const ast = fraction(numeric([slot.ast], name))
  if (isNullable(slot)) refuse(name, "takes a number that is never null and never missing: use Expr.ifNull")
  return { ast, write }
}

const needsOf = (options: InUnits | undefined): ReadonlyArray<Need> => [
  options === undefined ? "sortBy of a number that is no decimal" : "sortBy of a date"
]

const change = (name: string, of: (ast: SchemaAST.AST) => SchemaAST.AST, inWindows: boolean) =>
  dual(([self]) => isExpr(self), (expr: unknown, options?: InUnits) => {
    const { ast, write } = numberThere(expr, name)
    return makeForWindows(of(ast), (writing) => ({ [name]: { input: write(writing), ...options } }), {
      inWindows,
      needs: needsOf(options),
      empty: nullOr(of(ast))
    })
  }) as never

/**
 * How fast a number changes over a window: the difference of its last and its first value, by the difference of what the documents
 * are ordered by. It is null if the window has one document. It takes the bounds of a window by `over`.
 *
 * **Gotchas**
 *
 * The unit is for an order by a date. An order by a number takes none.
 *
 * **Example** (Growth by the hour)
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
 *     output: ($) => ({ growth: Acc.over(Acc.derivative($.price, { unit: "hour" }), { documents: [-1, "current"] }) })
 *   })
 * )
 * ```
 *
 * @see {@link integral} for the inverse
 * @stability unstable
 * @category constructors
 * @since 0.1.0
 */
export const derivative: {
  (
    options: InUnits
  ): <A extends Numeric>(expr: Expr<A>) => Spanning<Fraction<A> | null, Fraction<A> | null, "sortBy of a date">
  <A extends Numeric>(
    expr: Expr<A>
  ): Spanning<Fraction<A> | null, Fraction<A> | null, "sortBy of a number that is no decimal">
  <A extends Numeric>(
    expr: Expr<A>,
    options: InUnits
  ): Spanning<Fraction<A> | null, Fraction<A> | null, "sortBy of a date">
} = change("$derivative", nullOr, false)

/**
 * An operator that windows take with bounds and without.
 *
 * @see {@link WindowOperator} for all operators of windows
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface SpanningOperator<out A, out Empty = A, out Needs = never>
  extends WindowOperator<A, Needs>, Spanning<A, Empty, Needs>
{}

/**
 * The area below a number over a window: the sum of its values by the distances of what the documents are ordered by. It is 0 if
 * the window has one document.
 *
 * **Gotchas**
 *
 * The unit is for an order by a date. An order by a number takes none. Of decimals, the 0 of one document is a number.
 *
 * **Example** (Energy of measured power)
 *
 * ```ts
 * import { Acc, Bson, Pipeline } from "@mongofx/schema"
 * import { Schema } from "effect"
 *
 * const Measure = Schema.Struct({ _id: Bson.ObjectId, meter: Schema.String, watts: Schema.Number, at: Bson.Date })
 *
 * const energy = Pipeline.make(Measure).pipe(
 *   Pipeline.setWindowFields({
 *     partitionBy: ($) => $.meter,
 *     sortBy: { at: 1 },
 *     output: ($) => ({ wattHours: Acc.integral($.watts, { unit: "hour" }) })
 *   })
 * )
 * ```
 *
 * @see {@link derivative} for the inverse
 * @stability unstable
 * @category constructors
 * @since 0.1.0
 */
export const integral: {
  (
    options: InUnits
  ): <A extends Numeric>(
    expr: Expr<A>
  ) => SpanningOperator<Fraction<A> | number, Fraction<A> | number | null, "sortBy of a date">
  <A extends Numeric>(
    expr: Expr<A>
  ): SpanningOperator<Fraction<A> | number, Fraction<A> | number | null, "sortBy of a number that is no decimal">
  <A extends Numeric>(
    expr: Expr<A>,
    options: InUnits
  ): SpanningOperator<Fraction<A> | number, Fraction<A> | number | null, "sortBy of a date">
} = change("$integral", (ast) => oneOf([ast, number]), true)

/**
 * How much the documents before weigh: as if `N` documents counted, or `alpha` as the weight of the current one, between 0 and 1.
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export type Weight =
  | { readonly N: number; readonly alpha?: undefined }
  | { readonly alpha: number; readonly N?: undefined }

/**
 * The average that moves with the documents: the current one weighs most, and those before less and less. What is null or missing
 * does not count. It is null until there is a value.
 *
 * **Example** (A smooth price)
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
 *     output: ($) => ({ smooth: Acc.expMovingAvg($.price, { N: 7 }) })
 *   })
 * )
 * ```
 *
 * @see {@link over} for an average of the last documents that weigh the same
 * @stability unstable
 * @category constructors
 * @since 0.1.0
 */
export const expMovingAvg: {
  (weight: Weight): <A extends Numeric | Nullish>(expr: Expr<A>) => WindowOperator<Fraction<A>, "sortBy">
  <A extends Numeric | Nullish>(expr: Expr<A>, weight: Weight): WindowOperator<Fraction<A>, "sortBy">
} = dual(2, (expr: unknown, { N, alpha }: Weight) => {
  const { slot, write } = operand(expr)
  const { ast } = orNull(fraction(numeric([slot.ast], "$expMovingAvg")), [slot])
  const isWeight = N === undefined ? alpha > 0 && alpha < 1 : alpha === undefined && Number.isInteger(N) && N > 0
  if (!isWeight) refuse("$expMovingAvg", "takes N, a positive integer, or alpha, a number between 0 and 1")
  const weight = N === undefined ? { alpha } : { N }
  return makeForWindows(ast, (writing) => ({ $expMovingAvg: { input: write(writing), ...weight } }), {
    needs: ["sortBy"]
  }) as never
})

/**
 * The least and the greatest value of a scale.
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface Scale {
  /** What stands for the smallest number of the window. */
  readonly min: number
  /** What stands for the greatest number of the window. */
  readonly max: number
}

/**
 * A number on a scale from 0 to 1, or on the one that you name: the smallest number of the window is at its start, the greatest at
 * its end.
 *
 * **Gotchas**
 *
 * It needs a server 8.2. Its window must hold the current document.
 *
 * **Example** (Prices from 0 to 100)
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
 *     output: ($) => ({ level: Acc.minMaxScaler($.price, { min: 0, max: 100 }) })
 *   })
 * )
 * ```
 *
 * @see {@link rank} for the place in the order
 * @stability unstable
 * @category constructors
 * @since 0.1.0
 */
export const minMaxScaler: {
  (scale: Scale): <A extends Numeric>(expr: Expr<A>) => SpanningOperator<Fraction<A> | number>
  <A extends Numeric>(expr: Expr<A>, scale?: Scale): SpanningOperator<Fraction<A> | number>
} = dual(([self]) => isExpr(self), (expr: unknown, scale?: Scale) => {
  const { ast, write } = numberThere(expr, "$minMaxScaler")
  if (scale !== undefined && !(scale.min < scale.max)) refuse("$minMaxScaler", "takes a min that is less than max")
  const scaled = oneOf([ast, number])
  return makeForWindows(scaled, (writing) => ({ $minMaxScaler: { input: write(writing), ...scale } }), {
    empty: scaled,
    holdsCurrent: true
  }) as never
})

/**
 * The value, with a value in the place of null and of what is missing: on the line between the values before and after. It is null
 * where there is none before or after.
 *
 * **Gotchas**
 *
 * An int64 is refused: what lies between two of them is a double. Convert it to a double before.
 *
 * **Example** (Prices of all days)
 *
 * ```ts
 * import { Acc, Bson, Pipeline } from "@mongofx/schema"
 * import { Schema } from "effect"
 *
 * const Day = Schema.Struct({ _id: Bson.ObjectId, date: Bson.Date, price: Schema.optionalKey(Schema.Number) })
 *
 * const days = Pipeline.make(Day).pipe(
 *   Pipeline.setWindowFields({ sortBy: { date: 1 }, output: ($) => ({ price: Acc.linearFill($.price) }) })
 * )
 * ```
 *
 * @see {@link locf} for the last value before
 * @stability unstable
 * @category constructors
 * @since 0.1.0
 */
export const linearFill = <A extends number | Driver.Decimal128 | BigDecimal.BigDecimal | Nullish>(
  expr: Expr<A>
): WindowOperator<Arithmetic<A>, "sortBy of a number or a date"> => {
  const { slot, write } = operand(expr)
  const ast = numeric([slot.ast], "$linearFill")
  if (hasIntegers64(ast)) refuse("$linearFill", "gives doubles between int64: convert them to doubles before")
  return makeForWindows(orNull(ast, [slot]).ast, (writing) => ({ $linearFill: write(writing) }), {
    needs: ["sortBy of a number or a date"]
  })
}

/**
 * The value, or the last one before it in the place of null and of what is missing. It is null where there is none before.
 *
 * **Example** (Prices of all days)
 *
 * ```ts
 * import { Acc, Bson, Pipeline } from "@mongofx/schema"
 * import { Schema } from "effect"
 *
 * const Day = Schema.Struct({ _id: Bson.ObjectId, date: Bson.Date, price: Schema.optionalKey(Schema.Number) })
 *
 * const days = Pipeline.make(Day).pipe(
 *   Pipeline.setWindowFields({ sortBy: { date: 1 }, output: ($) => ({ price: Acc.locf($.price) }) })
 * )
 * ```
 *
 * @see {@link linearFill} for a value between those before and after
 * @stability unstable
 * @category constructors
 * @since 0.1.0
 */
export const locf = <A>(expr: Expr<A>): WindowOperator<MissingAsNull<A>> => {
  const { slot, write } = operand(expr)
  return makeForWindows(orNull(slot.ast, [slot]).ast, (writing) => ({ $locf: write(writing) }), {})
}

/**
 * Which document a value comes from.
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface Shift<out Default> {
  /** How many documents later in the order: 1 is the next one, -1 the one before. */
  readonly by: number
  /** A constant for where there is no such document. It is encoded by the codec of the value. */
  readonly default: Default
}

/**
 * The value of another document: of the next one, or of the one before, for example. It is null where there is no such document,
 * unless there is a default.
 *
 * **Example** (The price before)
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
 *     output: ($) => ({ before: Acc.shift($.price, { by: -1 }) })
 *   })
 * )
 * ```
 *
 * @see {@link over} for the values of several documents
 * @stability unstable
 * @category constructors
 * @since 0.1.0
 */
export const shift: {
  <A>(
    expr: Expr<A>,
    options: Shift<Exclude<A, Nullish>>
  ): WindowOperator<MissingAsNull<A>, "sortBy">
  <A>(expr: Expr<A>, options: { readonly by: number }): WindowOperator<MissingAsNull<A> | null, "sortBy">
  (
    options: { readonly by: number; readonly default?: undefined }
  ): <A>(expr: Expr<A>) => WindowOperator<MissingAsNull<A> | null, "sortBy">
  <D>(
    options: Shift<D>
  ): <A>(expr: [D] extends [A] ? Expr<A> : never) => WindowOperator<MissingAsNull<A>, "sortBy">
} = dual(2, (expr: unknown, options: { readonly by: number; readonly default?: unknown }) => {
  const { slot, write } = operand(expr)
  const { by } = options
  if (!Number.isInteger(by)) refuse("$shift.by", "is not an integer")
  const { ast } = orNull(slot.ast, [slot])
  const beyond = options.default === undefined ? undefined : constant(nonNull(slot.ast), options.default)
  return makeForWindows(
    beyond === undefined ? nullOr(ast) : ast,
    (writing) => ({
      $shift: {
        output: write(writing),
        by,
        ...(beyond === undefined ? {} : { default: beyond.write(writing.at("default")) })
      }
    }),
    { needs: ["sortBy"] }
  ) as never
})
