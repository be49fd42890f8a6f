/** Stages that are written by hand. */
import { dual } from "effect/Function"
import type * as Schema from "effect/Schema"
import type { Pipeline, Stage } from "../../Pipeline.ts"
import { isUnsafe } from "../encode/marked.ts"
import { addStage } from "../pipeline/pipeline.ts"
import { isPlainObject } from "../plainObject.ts"

/**
 * A stage that is written by hand, with the schema of what it gives. It is sent as it is: write stored values, not decoded
 * ones.
 *
 * **Example** (A stage without a function of its own)
 *
 * ```ts
 * import { Bson, Pipeline } from "@mongofx/schema"
 * import { Schema } from "effect"
 *
 * const Order = Schema.Struct({ _id: Bson.ObjectId, total: Schema.Number })
 * const Count = Schema.Struct({ _id: Schema.Number, count: Schema.Number })
 *
 * const totals = Pipeline.make(Order).pipe(Pipeline.stage(Count, { $sortByCount: "$total" }))
 * ```
 *
 * @see {@link select} for documents of expressions
 * @stability unstable
 * @category combinators
 * @since 0.1.0
 */
export const stage: {
  <S extends Schema.Constraint>(
    schema: S,
    stage: Stage
  ): <A, R>(self: Pipeline<A, R>) => Pipeline<S["Type"], R | S["DecodingServices"]>
  <A, R, S extends Schema.Constraint>(
    self: Pipeline<A, R>,
    schema: S,
    stage: Stage
  ): Pipeline<S["Type"], R | S["DecodingServices"]>
} = dual(3, (self: unknown, schema: Schema.Constraint, stage: Stage) => {
  const document = isUnsafe(stage) ? stage.document : stage
  const [name = "", content] = isPlainObject(document) ? Object.entries(document)[0] ?? [] : []
  return addStage(self, name, () => ({ ast: schema.ast, write: () => content }))
})
