/** Runs several pipelines on the same documents. */
import { dual } from "effect/Function"
import type { Pipeline } from "../../Pipeline.ts"
import { arrayOf, struct } from "../ast/calculus.ts"
import type { Decoded } from "../expression/types.ts"
import { addStage, inner, type PipelineImpl, writeStages } from "../pipeline/pipeline.ts"
import { setOwn } from "../plainObject.ts"

type Branches = { readonly [name: string]: Pipeline<unknown, unknown> }

type Facets<F> = {
  readonly [Name in keyof F]: F[Name] extends Pipeline<infer B, unknown> ? ReadonlyArray<Decoded<B>> : never
}

type ServicesOf<F> = F[keyof F] extends Pipeline<unknown, infer R> ? R : never

/**
 * Runs several pipelines on the same documents. It gives one document: an array of results for each of them.
 *
 * **Example** (A page, and how many there are)
 *
 * ```ts
 * import { Bson, Pipeline } from "@mongofx/schema"
 * import { Schema } from "effect"
 *
 * const Order = Schema.Struct({ _id: Bson.ObjectId, placed: Bson.Date })
 *
 * const page = Pipeline.make(Order).pipe(
 *   Pipeline.facet((orders) => ({
 *     newest: orders.pipe(Pipeline.sort({ placed: -1 }), Pipeline.limit(10)),
 *     total: orders.pipe(Pipeline.count("orders"))
 *   }))
 * )
 * ```
 *
 * @see {@link unionWith} for the documents of several collections
 * @stability unstable
 * @category combinators
 * @since 0.1.0
 */
export const facet: {
  <A, const F extends Branches>(
    f: (documents: Pipeline<A>) => F
  ): <R>(self: Pipeline<A, R>) => Pipeline<Facets<F>, R | ServicesOf<F>>
  <A, R, const F extends Branches>(
    self: Pipeline<A, R>,
    f: (documents: Pipeline<A>) => F
  ): Pipeline<Facets<F>, R | ServicesOf<F>>
} = dual(2, (self: unknown, f: (documents: never) => Branches) =>
  addStage(self, "$facet", ({ ast }) => {
    const branches: Record<string, PipelineImpl> = {}
    inner("$facet", ast, (documents) => {
      for (const [name, branch] of Object.entries(f(documents))) {
        setOwn(branches, name, inner("$facet", ast, () => branch))
      }
      return documents
    })
    const all = Object.entries(branches)
    return {
      ast: struct(Object.fromEntries(all.map(([name, branch]) => [name, arrayOf(branch.ast)]))),
      write: (writing) =>
        Object.fromEntries(all.map(([name, branch]) => [name, writeStages(branch, writing.operands, writing.at(name))]))
    }
  }))
