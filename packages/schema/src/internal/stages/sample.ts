/** Takes documents by chance. */
import { dual } from "effect/Function"
import type { Pipeline } from "../../Pipeline.ts"
import { positiveInteger } from "../encode/arguments.ts"
import { addStage } from "../pipeline/pipeline.ts"

/**
 * Takes this many documents by chance: 1 or more. It gives all of them if there are fewer, in any order.
 *
 * **Gotchas**
 *
 * A sample of more than a twentieth of the collection, or one after other stages, sorts all documents that reach it. The server may
 * give a document twice.
 *
 * **Example** (Three users to ask)
 *
 * ```ts
 * import { Bson, Pipeline } from "@mongofx/schema"
 * import { Schema } from "effect"
 *
 * const User = Schema.Struct({ _id: Bson.ObjectId, name: Schema.String })
 *
 * const some = Pipeline.make(User).pipe(Pipeline.sample(3))
 * ```
 *
 * @see {@link limit} for the first documents
 * @stability unstable
 * @category combinators
 * @since 0.1.0
 */
export const sample: {
  (size: number): <A, R>(self: Pipeline<A, R>) => Pipeline<A, R>
  <A, R>(self: Pipeline<A, R>, size: number): Pipeline<A, R>
} = dual(2, (self: unknown, size: number) =>
  addStage(self, "$sample", ({ ast }) => {
    positiveInteger(size, "size")
    return { ast, write: () => ({ size }) }
  }))
