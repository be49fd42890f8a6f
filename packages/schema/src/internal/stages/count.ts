/** Counts documents. */
import { dual } from "effect/Function"
import type { Pipeline } from "../../Pipeline.ts"
import { number, struct } from "../ast/calculus.ts"
import { checkName } from "../expression/tree.ts"
import { addStage } from "../pipeline/pipeline.ts"

/**
 * Counts the documents: one document, with the number in the field that you name. Without documents there is none.
 *
 * **Example** (How many orders were paid)
 *
 * ```ts
 * import { Bson, Pipeline } from "@mongofx/schema"
 * import { Schema } from "effect"
 *
 * const Order = Schema.Struct({ _id: Bson.ObjectId, status: Schema.String })
 *
 * const paid = Pipeline.make(Order).pipe(Pipeline.match({ status: "paid" }), Pipeline.count("paid"))
 * ```
 *
 * @see {@link group} for the numbers of groups
 * @stability unstable
 * @category combinators
 * @since 0.1.0
 */
export const count: {
  <const Name extends string>(
    name: Name
  ): <A, R>(self: Pipeline<A, R>) => Pipeline<{ readonly [N in Name]: number }, R>
  <A, R, const Name extends string>(
    self: Pipeline<A, R>,
    name: Name
  ): Pipeline<{ readonly [N in Name]: number }, R>
} = dual(2, (self: unknown, name: string) =>
  addStage(self, "$count", () => {
    checkName(name, "count")
    return { ast: struct({ [name]: number }), write: () => name }
  }))
