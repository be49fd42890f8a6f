/** Accumulators that are written by hand. */
import type * as Schema from "effect/Schema"
import type * as Driver from "mongodb"
import type { Accumulator } from "../../Acc.ts"
import { make } from "../expression/accumulator.ts"

/**
 * An accumulator that is written by hand, with the schema of what it gives. It is sent as it is. A window without documents must give
 * what the schema decodes, too.
 *
 * **When to use**
 *
 * Use it for an accumulator that this module lacks, such as `$accumulator` with its JavaScript. Keep input from outside out of it.
 *
 * **Example** (Written by hand)
 *
 * ```ts
 * import { Acc, Bson, Pipeline } from "@mongofx/schema"
 * import { Schema } from "effect"
 *
 * const Sale = Schema.Struct({ _id: Bson.ObjectId, sku: Schema.String, price: Schema.Number, sold: Bson.Date })
 *
 * const prices = Pipeline.make(Sale).pipe(
 *   Pipeline.group(($) => $.sku, () => ({ highest: Acc.unsafe(Schema.NullOr(Schema.Number), { $max: "$price" }) }))
 * )
 * ```
 *
 * @see {@link count} for an accumulator of this module
 * @stability unstable
 * @category constructors
 * @since 0.1.0
 */
export const unsafe = <A>(
  schema: Schema.ConstraintCodec<A, unknown>,
  accumulator: Driver.Document
): Accumulator<A> => make(schema.ast, () => ({ ...accumulator }))
