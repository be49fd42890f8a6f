/** Positions of documents in windows. */
import type { WindowOperator } from "../../Acc.ts"
import { number } from "../ast/calculus.ts"
import { makeForWindows } from "../expression/accumulator.ts"

const position = (name: string): WindowOperator<number, "sortBy of one field"> =>
  makeForWindows(number, () => ({ [name]: {} }), { needs: ["sortBy of one field"] })

/**
 * The rank of a document in the order of the window, from 1. Documents with the same value have the same rank, and leave a gap
 * after them.
 *
 * **Example** (Prices by rank)
 *
 * ```ts
 * import { Acc, Bson, Pipeline } from "@mongofx/schema"
 * import { Schema } from "effect"
 *
 * const Sale = Schema.Struct({ _id: Bson.ObjectId, sku: Schema.String, price: Schema.Number, sold: Bson.Date })
 *
 * const sales = Pipeline.make(Sale).pipe(
 *   Pipeline.setWindowFields({
 *     partitionBy: ($) => $.sku,
 *     sortBy: { price: -1 },
 *     output: () => ({ rank: Acc.rank })
 *   })
 * )
 * ```
 *
 * @see {@link denseRank} for ranks without gaps
 * @stability unstable
 * @category constants
 * @since 0.1.0
 */
export const rank: WindowOperator<number, "sortBy of one field"> = position("$rank")

/**
 * The rank of a document in the order of the window, from 1. Documents with the same value have the same rank, without a gap
 * after them.
 *
 * **Example** (Prices by rank)
 *
 * ```ts
 * import { Acc, Bson, Pipeline } from "@mongofx/schema"
 * import { Schema } from "effect"
 *
 * const Sale = Schema.Struct({ _id: Bson.ObjectId, sku: Schema.String, price: Schema.Number, sold: Bson.Date })
 *
 * const sales = Pipeline.make(Sale).pipe(
 *   Pipeline.setWindowFields({
 *     partitionBy: ($) => $.sku,
 *     sortBy: { price: -1 },
 *     output: () => ({ denseRank: Acc.denseRank })
 *   })
 * )
 * ```
 *
 * @see {@link rank} for ranks with gaps
 * @stability unstable
 * @category constants
 * @since 0.1.0
 */
export const denseRank: WindowOperator<number, "sortBy of one field"> = position("$denseRank")

/**
 * The number of a document in the order of the window, from 1. No two documents of a partition have the same.
 *
 * **Example** (Numbered sales)
 *
 * ```ts
 * import { Acc, Bson, Pipeline } from "@mongofx/schema"
 * import { Schema } from "effect"
 *
 * const Sale = Schema.Struct({ _id: Bson.ObjectId, sku: Schema.String, price: Schema.Number, sold: Bson.Date })
 *
 * const sales = Pipeline.make(Sale).pipe(
 *   Pipeline.setWindowFields({
 *     partitionBy: ($) => $.sku,
 *     sortBy: { sold: 1 },
 *     output: () => ({ number: Acc.documentNumber })
 *   })
 * )
 * ```
 *
 * @see {@link rank} for the same rank of the same values
 * @stability unstable
 * @category constants
 * @since 0.1.0
 */
export const documentNumber: WindowOperator<number, "sortBy of one field"> = position("$documentNumber")
