/** Chooses fields. */
import { dual } from "effect/Function"
import type { Pipeline } from "../../Pipeline.ts"
import type { Input, Meta, Projected } from "../../Projection.ts"
import { plainObject } from "../encode/arguments.ts"
import { Operands } from "../encode/operands.ts"
import { encodeProjection } from "../encode/projection.ts"
import { isMeta } from "../encode/sort.ts"
import type { FieldsOf } from "../expression/types.ts"
import { makeResolve } from "../path/resolve.ts"
import type { Keys } from "../path/types.ts"
import { addStage } from "../pipeline/pipeline.ts"
import { isPlainObject } from "../plainObject.ts"
import { refuse } from "../refusal.ts"

/** A projection of a stage has none of the operators of `find`. */
type Flags = { readonly [path: string]: 0 | 1 | boolean | Meta }

/**
 * Chooses fields: those to keep, or those to leave out, as the projections of `find` do. `Pipeline.set` computes parts of arrays.
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
    projection: Input<FieldsOf<A>, P, K> & NoInfer<Flags>
  ): <R>(self: Pipeline<A, R>) => Pipeline<Projected<FieldsOf<A>, P>, R>
  <A, R, const P, K extends Keys<FieldsOf<A>>>(
    self: Pipeline<A, R>,
    projection: Input<FieldsOf<A>, P, K> & NoInfer<Flags>
  ): Pipeline<Projected<FieldsOf<A>, P>, R>
} = dual(2, (self: unknown, projection: unknown) =>
  addStage(self, "$project", ({ ast }) => {
    for (const [path, flag] of Object.entries(plainObject(projection, "projection"))) {
      if (isPlainObject(flag) && !isMeta(flag)) {
        refuse(`projection.${path}`, "is not 0, 1, true or false: use Pipeline.set for what is computed")
      }
    }
    const documents = { ast, read: makeResolve([ast], "filter") }
    const encode = (operands: Operands, at?: string) => encodeProjection(documents, projection, operands, at)
    return {
      ast: encode(new Operands()).ast(),
      write: ({ operands, path }) => encode(operands, path).projection
    }
  }))
