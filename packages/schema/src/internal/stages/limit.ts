/** Takes some of the documents. */
import { dual } from "effect/Function"
import type { Pipeline } from "../../Pipeline.ts"
import { positiveInteger } from "../encode/arguments.ts"
import { addStage } from "../pipeline/pipeline.ts"
import { refuse } from "../refusal.ts"

/**
 * Keeps the first documents, at most this many: 1 or more.
 *
 * **Example** (The ten newest)
 *
 * ```ts
 * import { Bson, Pipeline } from "@mongofx/schema"
 * import { Schema } from "effect"
 *
 * const Order = Schema.Struct({ _id: Bson.ObjectId, placed: Bson.Date })
 *
 * const newest = Pipeline.make(Order).pipe(Pipeline.sort({ placed: -1 }), Pipeline.limit(10))
 * ```
 *
 * @see {@link skip} for leaving out the first ones
 * @stability unstable
 * @category combinators
 * @since 0.1.0
 */
export const limit: {
  (n: number): <A, R>(self: Pipeline<A, R>) => Pipeline<A, R>
  <A, R>(self: Pipeline<A, R>, n: number): Pipeline<A, R>
} = dual(2, (self: unknown, n: number) =>
  addStage(self, "$limit", ({ ast }) => {
    positiveInteger(n, "limit")
    return { ast, write: () => n }
  }))

/**
 * Leaves out the first documents, this many: 0 or more.
 *
 * **Example** (The second page)
 *
 * ```ts
 * import { Bson, Pipeline } from "@mongofx/schema"
 * import { Schema } from "effect"
 *
 * const Order = Schema.Struct({ _id: Bson.ObjectId, placed: Bson.Date })
 *
 * const second = Pipeline.make(Order).pipe(Pipeline.sort({ placed: -1 }), Pipeline.skip(10), Pipeline.limit(10))
 * ```
 *
 * @see {@link limit} for keeping the first ones
 * @stability unstable
 * @category combinators
 * @since 0.1.0
 */
export const skip: {
  (n: number): <A, R>(self: Pipeline<A, R>) => Pipeline<A, R>
  <A, R>(self: Pipeline<A, R>, n: number): Pipeline<A, R>
} = dual(2, (self: unknown, n: number) =>
  addStage(self, "$skip", ({ ast }) => {
    if (!Number.isInteger(n) || n < 0) refuse("skip", "is not a natural number")
    return { ast, write: () => n }
  }))
