/** Adds the documents of another collection. */
import { dual } from "effect/Function"
import type * as Schema from "effect/Schema"
import type { Documents, Pipeline, Services } from "../../Pipeline.ts"
import type { TypedCollection } from "../../TypedCollection.ts"
import { oneOf } from "../ast/calculus.ts"
import { addStage, inner, isPipeline, writeStages } from "../pipeline/pipeline.ts"

/**
 * Adds the documents of another collection, or the results of a pipeline on them.
 *
 * **Gotchas**
 *
 * A result is decoded by the first of the two schemas that fits, and loses the fields which that one lacks. Put the more
 * specific schema first, or give each a tag. A field that both store as text, and only one of them decodes to a number, is such a
 * case as well: without a tag the other one's text comes back as `NaN`.
 *
 * **Example** (Orders and refunds)
 *
 * ```ts
 * import { Bson, Pipeline, type TypedCollection } from "@mongofx/schema"
 * import { Schema } from "effect"
 *
 * const Order = Schema.Struct({ _id: Bson.ObjectId, kind: Schema.Literal("order"), paid: Schema.Number })
 * const Refund = Schema.Struct({ _id: Bson.ObjectId, kind: Schema.Literal("refund"), refunded: Schema.Number })
 *
 * const money = (refunds: TypedCollection.TypedCollection<typeof Refund>) =>
 *   Pipeline.make(Order).pipe(Pipeline.unionWith(refunds, (refunds) => refunds.pipe(Pipeline.match({ refunded: { $gt: 0 } }))))
 * ```
 *
 * @see {@link lookup} for documents that belong together
 * @stability unstable
 * @category combinators
 * @since 0.1.0
 */
export const unionWith: {
  // The compiler's message is about the last one.
  <A, R, S extends Schema.Constraint, B = Documents<S>, R2 = never>(
    self: Pipeline<A, R>,
    collection: TypedCollection<S>,
    f?: (documents: Pipeline<Documents<S>, Services<S>>) => Pipeline<B, R2>
  ): Pipeline<A | B, R | R2 | Services<S>>
  <S extends Schema.Constraint, B = Documents<S>, R2 = never>(
    collection: TypedCollection<S>,
    f?: (documents: Pipeline<Documents<S>, Services<S>>) => Pipeline<B, R2>
  ): <A, R>(self: Pipeline<A, R>) => Pipeline<A | B, R | R2 | Services<S>>
} = dual(
  ([self]) => isPipeline(self),
  (self: unknown, collection: Collection, f: Part) =>
    addStage<never>(self, "$unionWith", ({ ast }) => {
      const other = inner("$unionWith", collection.schema.ast, f)
      return {
        ast: oneOf([ast, other.ast]),
        write: (writing) => ({
          coll: collection.name,
          pipeline: writeStages(other, writing.operands, writing.at("pipeline"))
        })
      }
    })
)

type Collection = TypedCollection<Schema.Constraint>

type Part = ((documents: never) => Pipeline<unknown, unknown>) | undefined
