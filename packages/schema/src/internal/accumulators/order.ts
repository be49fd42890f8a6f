/** Values of the first and the last documents of an order. */
import type { Accumulator } from "../../Acc.ts"
import type { Expr, MissingAsNull } from "../../Expr.ts"
import type { SortInput } from "../../TypedQuery.ts"
import { arrayOf, nullOr, orNull } from "../ast/calculus.ts"
import { positiveInteger } from "../encode/arguments.ts"
import { encodeSort } from "../encode/sort.ts"
import { make } from "../expression/accumulator.ts"
import { implOf } from "../expression/expr.ts"
import { operand } from "../expression/operand.ts"
import { makeResolve } from "../path/resolve.ts"
import type { Keys } from "../path/types.ts"
import { refuse } from "../refusal.ts"

/**
 * The order of the documents, and what to give of them.
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface Top<A, F, K extends PropertyKey, B> {
  /** The order. Its fields are those of the first argument. */
  readonly sortBy: SortInput<A, F, K>
  /** What to give of a document. */
  readonly output: Expr<B>
}

/**
 * The order of the documents, what to give of them, and of how many.
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface TopN<A, F, K extends PropertyKey, B> extends Top<A, F, K, B> {
  /** A positive integer. */
  readonly n: number
}

interface Options {
  readonly sortBy: unknown
  readonly output: Expr<unknown>
  readonly n?: number
}

/** The order of the documents by fields below a reference. */
const orderBelow = (reference: Expr<unknown>, sortBy: unknown, name: string) => {
  const { slot } = implOf(reference)
  const order = Object.entries(encodeSort(makeResolve([slot.ast], "filter"), sortBy, `${name}.sortBy`))
  if (order.length === 0) refuse(`${name}.sortBy`, "has no field")
  return (root: unknown): object => {
    const below = root === "$$ROOT"
      ? ""
      : typeof root === "string" && /^\$[^$]/.test(root)
      ? `${root.slice(1)}.`
      : undefined
    if (below === undefined) {
      return refuse(name, "takes the document, or a reference to a field of it, as its first argument")
    }
    return Object.fromEntries(order.map(([path, direction]) => [below + path, direction]))
  }
}

const ordered = (name: string) =>
  ((document: Expr<unknown>, { n, output, sortBy }: Options) => {
    const { slot, write } = operand(output)
    const order = orderBelow(document, sortBy, name)
    const isSeveral = name.endsWith("N")
    if (isSeveral) positiveInteger(n, `${name}.n`)
    const { ast } = orNull(slot.ast, [slot])
    return make(
      isSeveral ? arrayOf(ast) : ast,
      (writing) => ({
        [name]: {
          ...(isSeveral ? { n } : {}),
          sortBy: order(implOf(document).write(writing)),
          output: write(writing)
        }
      }),
      isSeveral ? arrayOf(ast) : nullOr(ast)
    )
  }) as never

/**
 * The value of the first document in an order. Null stands for what is missing. The documents need no order of their own.
 *
 * **Example** (The price of the last sale)
 *
 * ```ts
 * import { Acc, Bson, Pipeline } from "@mongofx/schema"
 * import { Schema } from "effect"
 *
 * const Sale = Schema.Struct({ _id: Bson.ObjectId, sku: Schema.String, price: Schema.Number, sold: Bson.Date })
 *
 * const sales = Pipeline.make(Sale).pipe(
 *   Pipeline.group(($) => $.sku, ($) => ({ price: Acc.top($, { sortBy: { sold: -1 }, output: $.price }) }))
 * )
 * ```
 *
 * @see {@link bottom} for the last document
 * @stability unstable
 * @category constructors
 * @since 0.1.0
 */
export const top: <A, const F, K extends Keys<A>, B>(
  document: Expr<A>,
  options: Top<A, F, K, B>
) => Accumulator<MissingAsNull<B>, MissingAsNull<B> | null> = ordered("$top")

/**
 * The value of the last document in an order. Null stands for what is missing. The documents need no order of their own.
 *
 * **Example** (The price of the first sale)
 *
 * ```ts
 * import { Acc, Bson, Pipeline } from "@mongofx/schema"
 * import { Schema } from "effect"
 *
 * const Sale = Schema.Struct({ _id: Bson.ObjectId, sku: Schema.String, price: Schema.Number, sold: Bson.Date })
 *
 * const sales = Pipeline.make(Sale).pipe(
 *   Pipeline.group(($) => $.sku, ($) => ({ price: Acc.bottom($, { sortBy: { sold: -1 }, output: $.price }) }))
 * )
 * ```
 *
 * @see {@link top} for the first document
 * @stability unstable
 * @category constructors
 * @since 0.1.0
 */
export const bottom: <A, const F, K extends Keys<A>, B>(
  document: Expr<A>,
  options: Top<A, F, K, B>
) => Accumulator<MissingAsNull<B>, MissingAsNull<B> | null> = ordered("$bottom")

/**
 * The values of the first documents in an order. Null stands for what is missing. The documents need no order of their own.
 *
 * **Example** (The three last sales)
 *
 * ```ts
 * import { Acc, Bson, Pipeline } from "@mongofx/schema"
 * import { Schema } from "effect"
 *
 * const Sale = Schema.Struct({ _id: Bson.ObjectId, sku: Schema.String, price: Schema.Number, sold: Bson.Date })
 *
 * const sales = Pipeline.make(Sale).pipe(
 *   Pipeline.group(($) => $.sku, ($) => ({ sales: Acc.topN($, { n: 3, sortBy: { sold: -1 }, output: $ }) }))
 * )
 * ```
 *
 * @see {@link bottomN} for the last documents
 * @stability unstable
 * @category constructors
 * @since 0.1.0
 */
export const topN: <A, const F, K extends Keys<A>, B>(
  document: Expr<A>,
  options: TopN<A, F, K, B>
) => Accumulator<ReadonlyArray<MissingAsNull<B>>> = ordered("$topN")

/**
 * The values of the last documents in an order, in that order. Null stands for what is missing. The documents need no order of
 * their own.
 *
 * **Example** (The three first sales)
 *
 * ```ts
 * import { Acc, Bson, Pipeline } from "@mongofx/schema"
 * import { Schema } from "effect"
 *
 * const Sale = Schema.Struct({ _id: Bson.ObjectId, sku: Schema.String, price: Schema.Number, sold: Bson.Date })
 *
 * const sales = Pipeline.make(Sale).pipe(
 *   Pipeline.group(($) => $.sku, ($) => ({ sales: Acc.bottomN($, { n: 3, sortBy: { sold: -1 }, output: $ }) }))
 * )
 * ```
 *
 * @see {@link topN} for the first documents
 * @stability unstable
 * @category constructors
 * @since 0.1.0
 */
export const bottomN: <A, const F, K extends Keys<A>, B>(
  document: Expr<A>,
  options: TopN<A, F, K, B>
) => Accumulator<ReadonlyArray<MissingAsNull<B>>> = ordered("$bottomN")
