/** Chooses fields. */
import { dual } from "effect/Function"
import type { Pipeline } from "../../Pipeline.ts"
import type { Input, Projected } from "../../Projection.ts"
import { Operands } from "../encode/operands.ts"
import { encodeProjection } from "../encode/projection.ts"
import type { FieldsOf } from "../expression/types.ts"
import { makeResolve } from "../path/resolve.ts"
import type { Keys } from "../path/types.ts"
import { addStage } from "../pipeline/pipeline.ts"

/**
 * Chooses fields: those to keep, or those to leave out, as the projections of `find` do.
 *
 * **Example** (Names and cities)
 *
 * ```ts
 * import { Bson, Pipeline } from "@mongofx/schema"
 * import { Schema } from "effect"
 *
 * const Address = Schema.Struct({ city: Schema.String, street: Schema.String })
 * const User = Schema.Struct({ _id: Bson.ObjectId, name: Schema.String, address: Address })
 *
 * const cities = Pipeline.make(User).pipe(Pipeline.project({ name: 1, "address.city": 1 }))
 * ```
 *
 * @see {@link select} for computed fields
 * @stability unstable
 * @category combinators
 * @since 0.1.0
 */
export const project: {
  <A, const P, K extends Keys<FieldsOf<A>>>(
    projection: Input<FieldsOf<A>, P, K>
  ): <R>(self: Pipeline<A, R>) => Pipeline<Projected<FieldsOf<A>, P>, R>
  <A, R, const P, K extends Keys<FieldsOf<A>>>(
    self: Pipeline<A, R>,
    projection: Input<FieldsOf<A>, P, K>
  ): Pipeline<Projected<FieldsOf<A>, P>, R>
} = dual(2, (self: unknown, projection: unknown) =>
  addStage(self, "$project", ({ ast }) => {
    const documents = { ast, read: makeResolve([ast], "filter") }
    const encode = (operands: Operands, at?: string) => encodeProjection(documents, projection, operands, at)
    return {
      ast: encode(new Operands()).ast(),
      write: ({ operands, path }) => encode(operands, path).projection
    }
  }))
