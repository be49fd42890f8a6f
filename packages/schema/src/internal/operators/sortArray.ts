/** The order of arrays. */
import { dual } from "effect/Function"
import type { ElementOf, Elements, Expr, NullIf } from "../../Expr.ts"
import { arrayOf, elementOf, orNull } from "../ast/calculus.ts"
import { encodeSort } from "../encode/sort.ts"
import { ExprImpl } from "../expression/expr.ts"
import { anArray } from "../expression/kinds.ts"
import { operandOf } from "../expression/operand.ts"
import type { FieldsOf } from "../expression/types.ts"
import { makeResolve } from "../path/resolve.ts"
import type {
  At,
  Infer,
  InferKeys,
  IsBound,
  Keys,
  Known,
  NoSuchPath,
  Offered,
  Siblings,
  Similar,
  Suggested
} from "../path/types.ts"

type Sorted<A> = ReadonlyArray<ElementOf<A>> | NullIf<A>

type Fields<A> = FieldsOf<NonNullable<ElementOf<A>>>

/** An order by fields of the elements as a literal: `F` is its type, `K` its keys. */
type SortBy<A, F, K extends PropertyKey> =
  & Infer<F>
  & InferKeys<K>
  & Offered<A>
  & NoInfer<
    & { readonly [P in K | Suggested<A, K>]?: AtPath<A, P> }
    & (IsBound<K> extends true ? {
        readonly [P in Known<F>]?: P extends K ? AtPath<A, P> : NoSuchPath<P, Similar<A, P>>
      }
      : unknown)
  >

type AtPath<A, P> = P extends `${string}.${string}`
  ? [At<A, P>] extends [never] ? NoSuchPath<P, Siblings<A, P>> : 1 | -1
  : 1 | -1

/**
 * The elements of an array in an order: by the whole element, 1 for the least one first and -1 for the greatest, or by fields of
 * the elements. It is null if the array is null or missing.
 *
 * **Details**
 *
 * Stored values are compared, first by the types of BSON. Null comes first.
 *
 * **Example** (Lines by their price)
 *
 * ```ts
 * import { Bson, Expr, Pipeline } from "@mongofx/schema"
 * import { Schema } from "effect"
 *
 * const Order = Schema.Struct({ _id: Bson.ObjectId, lines: Schema.Array(Schema.Struct({ sku: Schema.String, price: Schema.Number })) })
 *
 * const values = Pipeline.make(Order).pipe(Pipeline.select(($) => ({ value: Expr.sortArray($.lines, { price: -1, sku: 1 }) })))
 * ```
 *
 * @see {@link reverseArray} for the reverse order
 * @stability unstable
 * @category combinators
 * @since 0.1.0
 */
export const sortArray: {
  (sortBy: 1 | -1): <A extends Elements>(self: Expr<A>) => Expr<Sorted<A>>
  <A extends Elements, const F, K extends Keys<Fields<A>>>(
    sortBy: SortBy<Fields<A>, F, K>
  ): (self: Expr<A>) => Expr<Sorted<A>>
  <A extends Elements>(self: Expr<A>, sortBy: 1 | -1): Expr<Sorted<A>>
  <A extends Elements, const F, K extends Keys<Fields<A>>>(
    self: Expr<A>,
    sortBy: SortBy<Fields<A>, F, K>
  ): Expr<Sorted<A>>
} = dual(2, (self: unknown, by: unknown) => {
  const array = operandOf(anArray, self, "$sortArray")
  const element = elementOf(array.slot.ast)
  const sortBy = by === 1 || by === -1
    ? by
    : encodeSort(makeResolve([element], "filter"), by, "$sortArray.sortBy", true)
  return new ExprImpl(
    orNull(arrayOf(element), [array.slot]),
    (writing) => ({ $sortArray: { input: array.write(writing), sortBy } })
  )
})
