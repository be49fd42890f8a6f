/** Arrays. */
import { dual } from "effect/Function"
import type { ElementOf, Elements, Expr, MissingAsNull, NullIf, Nullish, Ref, Term, Tree, TypeOf } from "../../Expr.ts"
import { arrayOf, elementOf, missingAsNull, nonNull, number, orNull, present } from "../ast/calculus.ts"
import { ExprImpl } from "../expression/expr.ts"
import { aBoolean, anArray, aNumber } from "../expression/kinds.ts"
import { operandOf } from "../expression/operand.ts"
import * as operator from "../expression/operator.ts"
import { variable } from "../expression/reference.ts"
import { slotOfTree, writeTree } from "../expression/tree.ts"

/**
 * The number of elements of an array. The server fails where there is no array: replace one that may be missing with
 * `Expr.ifNull`.
 *
 * **Example** (How many lines)
 *
 * ```ts
 * import { Bson, Expr, Pipeline } from "@mongofx/schema"
 * import { Schema } from "effect"
 *
 * const Order = Schema.Struct({ _id: Bson.ObjectId, lines: Schema.Array(Schema.String) })
 *
 * const sizes = Pipeline.make(Order).pipe(Pipeline.select(($) => ({ lines: Expr.size($.lines) })))
 * ```
 *
 * @see {@link filter} for some of the elements
 * @stability unstable
 * @category getters
 * @since 0.1.0
 */
export const size: (self: Expr<ReadonlyArray<unknown>>) => Expr<number> = operator.unary(
  "$size",
  anArray,
  operator.always(number)
)

/**
 * Computes a value for each element of an array. It is null if the array is null or missing. Where a value is missing, the
 * array has null.
 *
 * **Example** (The value of each line)
 *
 * ```ts
 * import { Bson, Expr, Pipeline } from "@mongofx/schema"
 * import { Schema } from "effect"
 *
 * const Line = Schema.Struct({ price: Schema.Number, quantity: Schema.Int })
 * const Order = Schema.Struct({ _id: Bson.ObjectId, lines: Schema.Array(Line) })
 *
 * const values = Pipeline.make(Order).pipe(
 *   Pipeline.select(($) => ({ values: Expr.map($.lines, (line) => Expr.multiply(line.price, line.quantity)) }))
 * )
 * ```
 *
 * @see {@link filter} for some of the elements
 * @stability unstable
 * @category combinators
 * @since 0.1.0
 */
export const map: {
  <A extends Elements, const B extends Tree>(
    f: (element: Ref<ElementOf<A>>) => B
  ): (self: Expr<A>) => Expr<ReadonlyArray<MissingAsNull<TypeOf<B>>> | NullIf<A>>
  <A extends Elements, const B extends Tree>(
    self: Expr<A>,
    f: (element: Ref<ElementOf<A>>) => B
  ): Expr<ReadonlyArray<MissingAsNull<TypeOf<B>>> | NullIf<A>>
} = dual(2, (self: unknown, f: (element: Ref<unknown>) => Tree) => {
  const array = operandOf(anArray, self, "$map")
  const [origin, element] = variable<unknown>(present(elementOf(array.slot.ast)), "element")
  const inner = f(element)
  return new ExprImpl(
    orNull(arrayOf(missingAsNull(slotOfTree(inner, "element"))), [array.slot]),
    (writing) => {
      const [as, inside] = writing.variable(origin)
      return { $map: { input: array.write(writing), as, in: writeTree(inner, inside) } }
    }
  )
})

/**
 * The elements of an array for which a condition holds. It is null if the array is null or missing.
 *
 * **Example** (The expensive lines)
 *
 * ```ts
 * import { Bson, Expr, Pipeline } from "@mongofx/schema"
 * import { Schema } from "effect"
 *
 * const Order = Schema.Struct({ _id: Bson.ObjectId, lines: Schema.Array(Schema.Struct({ price: Schema.Number })) })
 *
 * const expensive = Pipeline.make(Order).pipe(
 *   Pipeline.set(($) => ({ lines: Expr.filter($.lines, (line) => Expr.gt(line.price, 100)) }))
 * )
 * ```
 *
 * @see {@link map} for a value of each element
 * @stability unstable
 * @category combinators
 * @since 0.1.0
 */
export const filter: {
  <A extends Elements>(
    condition: (element: Ref<ElementOf<A>>) => Expr<boolean | Nullish>
  ): (self: Expr<A>) => Expr<ReadonlyArray<ElementOf<A>> | NullIf<A>>
  <A extends Elements>(
    self: Expr<A>,
    condition: (element: Ref<ElementOf<A>>) => Expr<boolean | Nullish>
  ): Expr<ReadonlyArray<ElementOf<A>> | NullIf<A>>
} = dual(2, (self: unknown, condition: (element: Ref<unknown>) => unknown) => {
  const array = operandOf(anArray, self, "$filter")
  const [origin, element] = variable<unknown>(present(elementOf(array.slot.ast)), "element")
  const test = operandOf(aBoolean, condition(element), "$filter")
  return new ExprImpl(orNull(nonNull(array.slot.ast), [array.slot]), (writing) => {
    const [as, cond] = writing.variable(origin)
    return { $filter: { input: array.write(writing), as, cond: test.write(cond) } }
  })
})

/**
 * The element at a position of an array: from the end for a negative one. It is missing if the array has no such element, and null
 * if the array is null or missing.
 *
 * **Example** (The last line)
 *
 * ```ts
 * import { Bson, Expr, Pipeline } from "@mongofx/schema"
 * import { Schema } from "effect"
 *
 * const Order = Schema.Struct({ _id: Bson.ObjectId, lines: Schema.Array(Schema.String) })
 *
 * const last = Pipeline.make(Order).pipe(Pipeline.select(($) => ({ last: Expr.arrayElemAt($.lines, -1) })))
 * ```
 *
 * @see {@link size} for the number of elements
 * @stability unstable
 * @category getters
 * @since 0.1.0
 */
export const arrayElemAt: {
  (position: Term<number>): <A extends Elements>(self: Expr<A>) => Expr<ElementOf<A> | NullIf<A> | undefined>
  <A extends Elements>(self: Expr<A>, position: Term<number>): Expr<ElementOf<A> | NullIf<A> | undefined>
} = operator.positional("$arrayElemAt", [anArray, aNumber], ([array]) => ({
  ast: orNull(elementOf(array!.ast), [array!]).ast,
  optional: true
}))
