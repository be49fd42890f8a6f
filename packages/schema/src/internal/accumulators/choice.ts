/** One of the values. */
import type { Accumulator } from "../../Acc.ts"
import type { Expr, MissingAsNull } from "../../Expr.ts"
import { missingAsNull } from "../ast/calculus.ts"
import { make } from "../expression/accumulator.ts"
import { operand } from "../expression/operand.ts"

/** Null stands for what is missing, as in a group where all values are missing. */
const choice = (name: string) => <A>(expr: Expr<A>): Accumulator<MissingAsNull<A>> => {
  const { slot, write } = operand(expr)
  return make(missingAsNull(slot), (writing) => ({ [name]: write(writing) }))
}

/**
 * The greatest of the stored values. What is null or missing does not count.
 *
 * **Example** (The last order)
 *
 * ```ts
 * import { Acc, Bson, Pipeline } from "@mongofx/schema"
 * import { Schema } from "effect"
 *
 * const Order = Schema.Struct({ _id: Bson.ObjectId, customer: Bson.ObjectId, placed: Bson.Date })
 *
 * const last = Pipeline.make(Order).pipe(Pipeline.group(($) => $.customer, ($) => ({ last: Acc.max($.placed) })))
 * ```
 *
 * @see {@link min} for the smallest
 * @stability unstable
 * @category constructors
 * @since 0.1.0
 */
export const max: <A>(expr: Expr<A>) => Accumulator<MissingAsNull<A>> = choice("$max")

/**
 * The smallest of the stored values. What is null or missing does not count.
 *
 * **Example** (The first order)
 *
 * ```ts
 * import { Acc, Bson, Pipeline } from "@mongofx/schema"
 * import { Schema } from "effect"
 *
 * const Order = Schema.Struct({ _id: Bson.ObjectId, customer: Bson.ObjectId, placed: Bson.Date })
 *
 * const first = Pipeline.make(Order).pipe(Pipeline.group(($) => $.customer, ($) => ({ first: Acc.min($.placed) })))
 * ```
 *
 * @see {@link max} for the greatest
 * @stability unstable
 * @category constructors
 * @since 0.1.0
 */
export const min: <A>(expr: Expr<A>) => Accumulator<MissingAsNull<A>> = choice("$min")

/**
 * The value of the first document. Sort the documents before.
 *
 * **Example** (The newest order of each customer)
 *
 * ```ts
 * import { Acc, Bson, Pipeline } from "@mongofx/schema"
 * import { Schema } from "effect"
 *
 * const Order = Schema.Struct({ _id: Bson.ObjectId, customer: Bson.ObjectId, placed: Bson.Date })
 *
 * const newest = Pipeline.make(Order).pipe(
 *   Pipeline.sort({ placed: -1 }),
 *   Pipeline.group(($) => $.customer, ($) => ({ order: Acc.first($) }))
 * )
 * ```
 *
 * @see {@link last} for the last document
 * @stability unstable
 * @category constructors
 * @since 0.1.0
 */
export const first: <A>(expr: Expr<A>) => Accumulator<MissingAsNull<A>> = choice("$first")

/**
 * The value of the last document. Sort the documents before.
 *
 * **Example** (The last status of each order)
 *
 * ```ts
 * import { Acc, Bson, Pipeline } from "@mongofx/schema"
 * import { Schema } from "effect"
 *
 * const Event = Schema.Struct({ _id: Bson.ObjectId, order: Bson.ObjectId, status: Schema.String })
 *
 * const status = Pipeline.make(Event).pipe(
 *   Pipeline.sort({ _id: 1 }),
 *   Pipeline.group(($) => $.order, ($) => ({ status: Acc.last($.status) }))
 * )
 * ```
 *
 * @see {@link first} for the first document
 * @stability unstable
 * @category constructors
 * @since 0.1.0
 */
export const last: <A>(expr: Expr<A>) => Accumulator<MissingAsNull<A>> = choice("$last")
