/** All of the values. */
import type { Accumulator } from "../../Acc.ts"
import type { Expr } from "../../Expr.ts"
import { arrayOf } from "../ast/calculus.ts"
import { make } from "../expression/accumulator.ts"
import { operand } from "../expression/operand.ts"

/** What is missing is left out. */
const collection = (name: string) => <A>(expr: Expr<A>): Accumulator<ReadonlyArray<Exclude<A, undefined>>> => {
  const { slot, write } = operand(expr)
  return make(arrayOf(slot.ast), (writing) => ({ [name]: write(writing) }))
}

/**
 * An array of all values. What is missing is left out.
 *
 * **Example** (The orders of each customer)
 *
 * ```ts
 * import { Acc, Bson, Pipeline } from "@mongofx/schema"
 * import { Schema } from "effect"
 *
 * const Order = Schema.Struct({ _id: Bson.ObjectId, customer: Bson.ObjectId })
 *
 * const orders = Pipeline.make(Order).pipe(Pipeline.group(($) => $.customer, ($) => ({ orders: Acc.push($._id) })))
 * ```
 *
 * @see {@link addToSet} for each value once
 * @stability unstable
 * @category constructors
 * @since 0.1.0
 */
export const push: <A>(expr: Expr<A>) => Accumulator<ReadonlyArray<Exclude<A, undefined>>> = collection("$push")

/**
 * An array of the different values, in no order. What is missing is left out.
 *
 * **Example** (The products of each customer)
 *
 * ```ts
 * import { Acc, Bson, Pipeline } from "@mongofx/schema"
 * import { Schema } from "effect"
 *
 * const Sale = Schema.Struct({ _id: Bson.ObjectId, customer: Bson.ObjectId, sku: Schema.String })
 *
 * const products = Pipeline.make(Sale).pipe(Pipeline.group(($) => $.customer, ($) => ({ skus: Acc.addToSet($.sku) })))
 * ```
 *
 * @see {@link push} for all values
 * @stability unstable
 * @category constructors
 * @since 0.1.0
 */
export const addToSet: <A>(expr: Expr<A>) => Accumulator<ReadonlyArray<Exclude<A, undefined>>> = collection("$addToSet")
