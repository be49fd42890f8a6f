/** Orders documents. */
import { dual } from "effect/Function"
import type { Pipeline } from "../../Pipeline.ts"
import type { SortInput } from "../../TypedQuery.ts"
import { encodeSort } from "../encode/sort.ts"
import type { FieldsOf } from "../expression/types.ts"
import { makeResolve } from "../path/resolve.ts"
import type { Keys } from "../path/types.ts"
import { addStage } from "../pipeline/pipeline.ts"

/**
 * Orders the documents by their fields.
 *
 * **Example** (The newest first)
 *
 * ```ts
 * import { Bson, Pipeline } from "@mongofx/schema"
 * import { Schema } from "effect"
 *
 * const Order = Schema.Struct({ _id: Bson.ObjectId, placed: Bson.Date })
 *
 * const newest = Pipeline.make(Order).pipe(Pipeline.sort({ placed: -1, _id: 1 }))
 * ```
 *
 * @see {@link limit} for the first few
 * @stability unstable
 * @category combinators
 * @since 0.1.0
 */
export const sort: {
  <A, const F, K extends Keys<FieldsOf<A>>>(
    sort: SortInput<FieldsOf<A>, F, K>
  ): <R>(self: Pipeline<A, R>) => Pipeline<A, R>
  <A, R, const F, K extends Keys<FieldsOf<A>>>(
    self: Pipeline<A, R>,
    sort: SortInput<FieldsOf<A>, F, K>
  ): Pipeline<A, R>
} = dual(2, (self: unknown, sort: unknown) =>
  addStage(self, "$sort", ({ ast }) => {
    const content = encodeSort(makeResolve([ast], "filter"), sort)
    return { ast, write: () => content }
  }))
