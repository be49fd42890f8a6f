/** Comparison. */
import { dual } from "effect/Function"
import type { Constant, Expr, Nullish } from "../../Expr.ts"
import { arrayOf, boolean, elementOf, number, present } from "../ast/calculus.ts"
import { implOf, isExpr } from "../expression/expr.ts"
import { anArray } from "../expression/kinds.ts"
import { constant, operand, operandOf } from "../expression/operand.ts"
import { checkComparable, comparison, listed } from "../expression/operator.ts"

/** Compares with an expression, or with a constant that is encoded by the codec of the other side. */
interface Comparison<Result> {
  <B>(that: Expr<B>): (self: Expr<Constant<B> | Nullish>) => Expr<Result>
  <A>(that: NoInfer<Exclude<A, undefined>>): (self: Expr<A>) => Expr<Result>
  <A>(self: Expr<A>, that: Expr<A> | NoInfer<Exclude<A, undefined>>): Expr<Result>
}

/**
 * Whether two values are equal. A value that is not an expression is encoded by the codec of the other side.
 *
 * **Gotchas**
 *
 * What is missing is not equal to null, and less than every value.
 *
 * **Example** (Orders that were paid in full)
 *
 * ```ts
 * import { Bson, Expr, Pipeline } from "@mongofx/schema"
 * import { Schema } from "effect"
 *
 * const Order = Schema.Struct({ _id: Bson.ObjectId, total: Schema.Number, paid: Schema.Number })
 *
 * const paid = Pipeline.make(Order).pipe(Pipeline.matchExpr(($) => Expr.eq($.total, $.paid)))
 * ```
 *
 * @see {@link ne} for the opposite
 * @stability unstable
 * @category predicates
 * @since 0.1.0
 */
export const eq: Comparison<boolean> = comparison("$eq")

/**
 * Whether two values differ. A value that is not an expression is encoded by the codec of the other side.
 *
 * **Example** (Orders of another country)
 *
 * ```ts
 * import { Bson, Expr, Pipeline } from "@mongofx/schema"
 * import { Schema } from "effect"
 *
 * const Order = Schema.Struct({ _id: Bson.ObjectId, from: Schema.String, to: Schema.String })
 *
 * const abroad = Pipeline.make(Order).pipe(Pipeline.matchExpr(($) => Expr.ne($.from, $.to)))
 * ```
 *
 * @see {@link eq} for the opposite
 * @stability unstable
 * @category predicates
 * @since 0.1.0
 */
export const ne: Comparison<boolean> = comparison("$ne")

/**
 * Whether the first value is greater. Stored values are compared, first by the types of BSON.
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
 * @see {@link gte} for greater or equal
 * @stability unstable
 * @category predicates
 * @since 0.1.0
 */
export const gt: Comparison<boolean> = comparison("$gt")

/**
 * Whether the first value is greater or equal. Stored values are compared, first by the types of BSON.
 *
 * **Example** (Stock that reaches its minimum)
 *
 * ```ts
 * import { Bson, Expr, Pipeline } from "@mongofx/schema"
 * import { Schema } from "effect"
 *
 * const Part = Schema.Struct({ _id: Bson.ObjectId, stock: Schema.Int, minimum: Schema.Int })
 *
 * const enough = Pipeline.make(Part).pipe(Pipeline.matchExpr(($) => Expr.gte($.stock, $.minimum)))
 * ```
 *
 * @see {@link gt} for greater
 * @stability unstable
 * @category predicates
 * @since 0.1.0
 */
export const gte: Comparison<boolean> = comparison("$gte")

/**
 * Whether the first value is less. Stored values are compared, first by the types of BSON.
 *
 * **Example** (Stock below its minimum)
 *
 * ```ts
 * import { Bson, Expr, Pipeline } from "@mongofx/schema"
 * import { Schema } from "effect"
 *
 * const Part = Schema.Struct({ _id: Bson.ObjectId, stock: Schema.Int, minimum: Schema.Int })
 *
 * const short = Pipeline.make(Part).pipe(Pipeline.matchExpr(($) => Expr.lt($.stock, $.minimum)))
 * ```
 *
 * @see {@link lte} for less or equal
 * @stability unstable
 * @category predicates
 * @since 0.1.0
 */
export const lt: Comparison<boolean> = comparison("$lt")

/**
 * Whether the first value is less or equal. Stored values are compared, first by the types of BSON.
 *
 * **Example** (Projects within their budget)
 *
 * ```ts
 * import { Bson, Expr, Pipeline } from "@mongofx/schema"
 * import { Schema } from "effect"
 *
 * const Project = Schema.Struct({ _id: Bson.ObjectId, budget: Schema.Number, spent: Schema.Number })
 *
 * const within = Pipeline.make(Project).pipe(Pipeline.matchExpr(($) => Expr.lte($.spent, $.budget)))
 * ```
 *
 * @see {@link lt} for less
 * @stability unstable
 * @category predicates
 * @since 0.1.0
 */
export const lte: Comparison<boolean> = comparison("$lte")

/**
 * The order of two values: -1 if the first one is less, 0 if they are equal, 1 if it is greater. Stored values are compared,
 * first by the types of BSON.
 *
 * **Example** (Whether a stock fell or rose)
 *
 * ```ts
 * import { Bson, Expr, Pipeline } from "@mongofx/schema"
 * import { Schema } from "effect"
 *
 * const Stock = Schema.Struct({ _id: Bson.ObjectId, opened: Schema.Number, closed: Schema.Number })
 *
 * const moves = Pipeline.make(Stock).pipe(Pipeline.select(($) => ({ move: Expr.cmp($.closed, $.opened) })))
 * ```
 *
 * @see {@link gt} for a single question
 * @stability unstable
 * @category combinators
 * @since 0.1.0
 */
export const cmp: Comparison<number> = comparison("$cmp", number)

const in_: {
  <B>(array: Expr<ReadonlyArray<B>>): (self: Expr<Constant<B> | Nullish>) => Expr<boolean>
  <A>(array: NoInfer<ReadonlyArray<Exclude<A, undefined>>>): (self: Expr<A>) => Expr<boolean>
  <A>(
    self: Expr<A>,
    array: Expr<ReadonlyArray<A>> | NoInfer<ReadonlyArray<Exclude<A, undefined>>>
  ): Expr<boolean>
  <A>(self: NoInfer<Exclude<A, undefined>>, array: Expr<ReadonlyArray<A>>): Expr<boolean>
} = dual(2, (self: unknown, array: unknown) => {
  const all = isExpr(array)
    ? operandOf(anArray, array, "$in")
    : constant(arrayOf(operand(self).slot.ast), array)
  const element = elementOf(all.slot.ast)
  const value = isExpr(self) ? implOf(self) : constant(element, self)
  return listed("$in", [value, all], (_, at) => {
    checkComparable(value.slot.ast, element, at)
    return present(boolean)
  })
})

export {
  /**
   * Whether an array has a value. A value or an array that is not an expression is encoded by the codec of the other side.
   *
   * **Details**
   *
   * The server fails where there is no array: replace one that may be missing with `Expr.ifNull`.
   *
   * **Example** (Orders that are under way)
   *
   * ```ts
   * import { Bson, Expr, Pipeline } from "@mongofx/schema"
   * import { Schema } from "effect"
   *
   * const Order = Schema.Struct({ _id: Bson.ObjectId, status: Schema.Literals(["open", "paid", "sent"]) })
   *
   * const active = Pipeline.make(Order).pipe(Pipeline.matchExpr(($) => Expr.in($.status, ["open", "paid"])))
   * ```
   *
   * @see {@link eq} for one value
   * @stability unstable
   * @category predicates
   * @since 0.1.0
   */
  in_ as in
}
