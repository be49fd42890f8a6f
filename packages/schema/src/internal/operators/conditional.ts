/** Choices. */
import { dual } from "effect/Function"
import type { Expr, Nullish } from "../../Expr.ts"
import { nonNull, oneOf } from "../ast/calculus.ts"
import { ExprImpl } from "../expression/expr.ts"
import { aBoolean } from "../expression/kinds.ts"
import { operand, operandOf } from "../expression/operand.ts"

/**
 * One of two values, by a condition. Null and what is missing count as false.
 *
 * **Example** (A label)
 *
 * ```ts
 * import { Bson, Expr, Pipeline } from "@mongofx/schema"
 * import { Schema } from "effect"
 *
 * const Task = Schema.Struct({ _id: Bson.ObjectId, open: Schema.Boolean })
 *
 * const labels = Pipeline.make(Task).pipe(
 *   Pipeline.select(($) => ({ label: Expr.cond($.open, Expr.literal("to do"), Expr.literal("done")) }))
 * )
 * ```
 *
 * @see {@link ifNull} for a value in the place of null
 * @stability unstable
 * @category combinators
 * @since 0.1.0
 */
export const cond: {
  <A, B>(then: Expr<A>, otherwise: Expr<B>): (condition: Expr<boolean | Nullish>) => Expr<A | B>
  <A, B>(condition: Expr<boolean | Nullish>, then: Expr<A>, otherwise: Expr<B>): Expr<A | B>
} = dual(3, (condition: unknown, then: unknown, otherwise: unknown) => {
  const test = operandOf(aBoolean, condition, "$cond")
  const [a, b] = [operand(then), operand(otherwise)]
  return new ExprImpl(
    { ast: oneOf([a.slot.ast, b.slot.ast]), optional: a.slot.optional || b.slot.optional },
    (writing) => ({ $cond: [test.write(writing), a.write(writing), b.write(writing)] })
  )
})

/**
 * The value, or another one if it is null or missing. A value that is not an expression is encoded by the codec of the first
 * one.
 *
 * **Example** (No discount is a discount of 0)
 *
 * ```ts
 * import { Bson, Expr, Pipeline } from "@mongofx/schema"
 * import { Schema } from "effect"
 *
 * const Order = Schema.Struct({ _id: Bson.ObjectId, price: Schema.Number, discount: Schema.optionalKey(Schema.Number) })
 *
 * const prices = Pipeline.make(Order).pipe(
 *   Pipeline.select(($) => ({ price: Expr.subtract($.price, Expr.ifNull($.discount, 0)) }))
 * )
 * ```
 *
 * @see {@link cond} for other conditions
 * @stability unstable
 * @category combinators
 * @since 0.1.0
 */
export const ifNull: {
  <B>(otherwise: Expr<B>): <A>(self: Expr<A>) => Expr<NonNullable<A> | B>
  <A>(otherwise: NoInfer<NonNullable<A>>): (self: Expr<A>) => Expr<NonNullable<A>>
  <A, B = NonNullable<A>>(self: Expr<A>, otherwise: Expr<B> | NoInfer<NonNullable<A>>): Expr<NonNullable<A> | B>
} = dual(2, (self: unknown, otherwise: unknown) => {
  const a = operand(self)
  const ast = nonNull(a.slot.ast)
  const b = operand(otherwise, ast)
  return new ExprImpl(
    { ast: oneOf([ast, b.slot.ast]), optional: b.slot.optional },
    (writing) => ({ $ifNull: [a.write(writing), b.write(writing)] })
  )
})
