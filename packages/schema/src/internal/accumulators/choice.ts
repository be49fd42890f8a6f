/** One of the values, or some of them. */
import { dual } from "effect/Function"
import type * as SchemaAST from "effect/SchemaAST"
import type { Accumulator } from "../../Acc.ts"
import type { Expr, MissingAsNull } from "../../Expr.ts"
import { arrayOf, nonNull, nullOr, orNull, type Slot } from "../ast/calculus.ts"
import { positiveInteger } from "../encode/arguments.ts"
import { make } from "../expression/accumulator.ts"
import { operand } from "../expression/operand.ts"

/** Null stands for what is missing, as in a group where all values are missing. */
const choice = (name: string) => <A>(expr: Expr<A>): Accumulator<MissingAsNull<A>, MissingAsNull<A> | null> => {
  const { slot, write } = operand(expr)
  const { ast } = orNull(slot.ast, [slot])
  return make(ast, (writing) => ({ [name]: write(writing) }), nullOr(ast))
}

/**
 * How many values an accumulator gives.
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface Several {
  /** A positive integer. */
  readonly n: number
}

const several = (name: string, element: (slot: Slot) => SchemaAST.AST) =>
  dual(2, (expr: unknown, { n }: Several) => {
    const { slot, write } = operand(expr)
    positiveInteger(n, `${name}.n`)
    return make(arrayOf(element(slot)), (writing) => ({ [name]: { input: write(writing), n } }))
  }) as never

/** Null stands for what is missing. */
const withNulls = (slot: Slot): SchemaAST.AST => orNull(slot.ast, [slot]).ast

const withoutNulls = (slot: Slot): SchemaAST.AST => nonNull(slot.ast)

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
export const max: <A>(expr: Expr<A>) => Accumulator<MissingAsNull<A>, MissingAsNull<A> | null> = choice("$max")

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
export const min: <A>(expr: Expr<A>) => Accumulator<MissingAsNull<A>, MissingAsNull<A> | null> = choice("$min")

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
export const first: <A>(expr: Expr<A>) => Accumulator<MissingAsNull<A>, MissingAsNull<A> | null> = choice("$first")

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
export const last: <A>(expr: Expr<A>) => Accumulator<MissingAsNull<A>, MissingAsNull<A> | null> = choice("$last")

/**
 * The values of the first documents. Null stands for what is missing. Sort the documents before.
 *
 * **Example** (Three sales)
 *
 * ```ts
 * import { Acc, Bson, Pipeline } from "@mongofx/schema"
 * import { Schema } from "effect"
 *
 * const Sale = Schema.Struct({ _id: Bson.ObjectId, sku: Schema.String, price: Schema.Number, sold: Bson.Date })
 *
 * const some = Pipeline.make(Sale).pipe(
 *   Pipeline.sort({ sold: -1 }),
 *   Pipeline.group(($) => $.sku, ($) => ({ prices: Acc.firstN($.price, { n: 3 }) }))
 * )
 * ```
 *
 * @see {@link first} for the first document alone
 * @stability unstable
 * @category constructors
 * @since 0.1.0
 */
export const firstN: {
  (options: Several): <A>(expr: Expr<A>) => Accumulator<ReadonlyArray<MissingAsNull<A>>>
  <A>(expr: Expr<A>, options: Several): Accumulator<ReadonlyArray<MissingAsNull<A>>>
} = several("$firstN", withNulls)

/**
 * The values of the last documents. Null stands for what is missing. Sort the documents before.
 *
 * **Example** (Three sales)
 *
 * ```ts
 * import { Acc, Bson, Pipeline } from "@mongofx/schema"
 * import { Schema } from "effect"
 *
 * const Sale = Schema.Struct({ _id: Bson.ObjectId, sku: Schema.String, price: Schema.Number, sold: Bson.Date })
 *
 * const some = Pipeline.make(Sale).pipe(
 *   Pipeline.sort({ sold: -1 }),
 *   Pipeline.group(($) => $.sku, ($) => ({ prices: Acc.lastN($.price, { n: 3 }) }))
 * )
 * ```
 *
 * @see {@link last} for the last document alone
 * @stability unstable
 * @category constructors
 * @since 0.1.0
 */
export const lastN: {
  (options: Several): <A>(expr: Expr<A>) => Accumulator<ReadonlyArray<MissingAsNull<A>>>
  <A>(expr: Expr<A>, options: Several): Accumulator<ReadonlyArray<MissingAsNull<A>>>
} = several("$lastN", withNulls)

/**
 * The greatest of the stored values, from the greatest on. What is null or missing does not count.
 *
 * **Example** (The three highest prices)
 *
 * ```ts
 * import { Acc, Bson, Pipeline } from "@mongofx/schema"
 * import { Schema } from "effect"
 *
 * const Sale = Schema.Struct({ _id: Bson.ObjectId, sku: Schema.String, price: Schema.Number, sold: Bson.Date })
 *
 * const some = Pipeline.make(Sale).pipe(
 *   Pipeline.group(($) => $.sku, ($) => ({ prices: Acc.maxN($.price, { n: 3 }) }))
 * )
 * ```
 *
 * @see {@link max} for the greatest alone
 * @stability unstable
 * @category constructors
 * @since 0.1.0
 */
export const maxN: {
  (options: Several): <A>(expr: Expr<A>) => Accumulator<ReadonlyArray<NonNullable<A>>>
  <A>(expr: Expr<A>, options: Several): Accumulator<ReadonlyArray<NonNullable<A>>>
} = several("$maxN", withoutNulls)

/**
 * The smallest of the stored values, from the smallest on. What is null or missing does not count.
 *
 * **Example** (The three lowest prices)
 *
 * ```ts
 * import { Acc, Bson, Pipeline } from "@mongofx/schema"
 * import { Schema } from "effect"
 *
 * const Sale = Schema.Struct({ _id: Bson.ObjectId, sku: Schema.String, price: Schema.Number, sold: Bson.Date })
 *
 * const some = Pipeline.make(Sale).pipe(
 *   Pipeline.group(($) => $.sku, ($) => ({ prices: Acc.minN($.price, { n: 3 }) }))
 * )
 * ```
 *
 * @see {@link min} for the smallest alone
 * @stability unstable
 * @category constructors
 * @since 0.1.0
 */
export const minN: {
  (options: Several): <A>(expr: Expr<A>) => Accumulator<ReadonlyArray<NonNullable<A>>>
  <A>(expr: Expr<A>, options: Several): Accumulator<ReadonlyArray<NonNullable<A>>>
} = several("$minN", withoutNulls)
