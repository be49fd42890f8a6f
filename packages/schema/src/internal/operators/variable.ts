/** Variables. */
import { dual } from "effect/Function"
import type { Expr, Ref, Tree, TypeOf } from "../../Expr.ts"
import { ExprImpl } from "../expression/expr.ts"
import { operand } from "../expression/operand.ts"
import { variable } from "../expression/reference.ts"
import { slotOfTree, writeTree } from "../expression/tree.ts"

const let_: {
  <A, const B extends Tree>(f: (value: Ref<A>) => B): (self: Expr<A>) => Expr<TypeOf<B>>
  <A, const B extends Tree>(self: Expr<A>, f: (value: Ref<A>) => B): Expr<TypeOf<B>>
} = dual(2, (self: unknown, f: (value: Ref<unknown>) => Tree) => {
  const value = operand(self)
  const [origin, ref] = variable<unknown>(value.slot, "value")
  const inner = f(ref)
  return new ExprImpl(slotOfTree(inner, "value"), (writing) => {
    const [name, inside] = writing.variable(origin)
    return { $let: { vars: { [name]: value.write(writing) }, in: writeTree(inner, inside) } }
  })
})

export {
  /**
   * Computes a value once, and uses it several times.
   *
   * **Example** (A total with a discount above 100)
   *
   * ```ts
   * import { Bson, Expr, Pipeline } from "@mongofx/schema"
   * import { Schema } from "effect"
   *
   * const Line = Schema.Struct({ _id: Bson.ObjectId, price: Schema.Number, quantity: Schema.Int })
   *
   * const totals = Pipeline.make(Line).pipe(
   *   Pipeline.select(($) => ({
   *     total: Expr.let(
   *       Expr.multiply($.price, $.quantity),
   *       (total) => Expr.cond(Expr.gt(total, 100), Expr.multiply(total, 0.9), total)
   *     )
   *   }))
   * )
   * ```
   *
   * @stability unstable
   * @category combinators
   * @since 0.1.0
   */
  let_ as let
}
