/** Choices. */
import { dual } from "effect/Function"
import type { Expr, Nullish, TypeOf } from "../../Expr.ts"
import { eitherOf, nonNull, present } from "../ast/calculus.ts"
import { ExprImpl } from "../expression/expr.ts"
import { aBoolean } from "../expression/kinds.ts"
import { operand, operandOf } from "../expression/operand.ts"
import { refuse } from "../refusal.ts"

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
    eitherOf([a.slot, b.slot], "$cond"),
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
  // Without NoInfer, a tree of expressions around it would make B unknown.
  <A, B = NonNullable<A>>(
    self: Expr<A>,
    otherwise: Expr<B> | NoInfer<NonNullable<A>>
  ): Expr<NonNullable<A> | NoInfer<B>>
} = dual(2, (self: unknown, otherwise: unknown) => {
  const a = operand(self)
  const ast = nonNull(a.slot.ast)
  const b = operand(otherwise, ast)
  return new ExprImpl(
    eitherOf([present(ast), b.slot], "$ifNull"),
    (writing) => ({ $ifNull: [a.write(writing), b.write(writing)] })
  )
})

/**
 * A condition, and the value if it holds. Null and what is missing count as false.
 *
 * @see {@link switch} for what takes several of them
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export type Branch = readonly [condition: Expr<boolean | Nullish>, value: Expr<unknown>]

const switch_ = <const Branches extends readonly [Branch, ...ReadonlyArray<Branch>], A>(
  options: {
    /** The conditions and their values. The first condition that holds counts. */
    readonly branches: Branches
    /** The value if no condition holds. */
    readonly default: Expr<A>
  }
): Expr<TypeOf<Branches[number][1]> | A> => {
  if (options.branches.length === 0) refuse("$switch.branches", "is empty: use the default alone")
  const branches = options.branches.map(([condition, value], i) => ({
    test: operandOf(aBoolean, condition, `$switch.branches[${i}]`),
    value: operand(value)
  }))
  const otherwise = operand(options.default)
  const values = [...branches.map(({ value }) => value.slot), otherwise.slot]
  return new ExprImpl(
    eitherOf(values, "$switch"),
    (writing) => ({
      $switch: {
        // oxlint-disable-next-line unicorn/no-thenable -- the name of the server
        branches: branches.map(({ test, value }) => ({ case: test.write(writing), then: value.write(writing) })),
        default: otherwise.write(writing)
      }
    })
  ) as never
}

export {
  /**
   * The value of the first condition that holds, or the default.
   *
   * **Example** (The size of an order)
   *
   * ```ts
   * import { Bson, Expr, Pipeline } from "@mongofx/schema"
   * import { Schema } from "effect"
   *
   * const Order = Schema.Struct({ _id: Bson.ObjectId, total: Schema.Number })
   *
   * const sizes = Pipeline.make(Order).pipe(
   *   Pipeline.select(($) => ({
   *     size: Expr.switch({
   *       branches: [
   *         [Expr.gte($.total, 1000), Expr.literal("large")],
   *         [Expr.gte($.total, 100), Expr.literal("middle")]
   *       ],
   *       default: Expr.literal("small")
   *     })
   *   }))
   * )
   * ```
   *
   * @see {@link cond} for one condition
   * @stability unstable
   * @category combinators
   * @since 0.1.0
   */
  switch_ as switch
}
