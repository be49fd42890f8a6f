/** Takes fields away. */
import { dual } from "effect/Function"
import type { Pipeline } from "../../Pipeline.ts"
import { changeField, storedPath } from "../ast/fields.ts"
import type { FieldName, FieldsOf } from "../expression/types.ts"
import { makeResolve } from "../path/resolve.ts"
import type { At, NoSuchPath } from "../path/types.ts"
import { addStage, isPipeline } from "../pipeline/pipeline.ts"
import type { Without } from "../pipeline/types.ts"

type Path<A, P> = P extends `${string}.${string}` ? [At<A, P>] extends [never] ? NoSuchPath<P> : P : P

/**
 * Takes fields away. A path goes into each element of an array.
 *
 * **Example** (Leaving out what is private)
 *
 * ```ts
 * import { Bson, Pipeline } from "@mongofx/schema"
 * import { Schema } from "effect"
 *
 * const Address = Schema.Struct({ city: Schema.String, street: Schema.String })
 * const User = Schema.Struct({ _id: Bson.ObjectId, email: Schema.String, address: Address })
 *
 * const shown = Pipeline.make(User).pipe(Pipeline.unset("email", "address.street"))
 * ```
 *
 * @see {@link project} for naming the fields that stay
 * @stability unstable
 * @category combinators
 * @since 0.1.0
 */
export const unset: {
  // The compiler's message is about the last one.
  <A, R, const P extends FieldName<FieldsOf<A>> | `${string}.${string}`>(
    self: Pipeline<A, R>,
    ...paths: ReadonlyArray<Path<FieldsOf<A>, P>>
  ): Pipeline<Without<A, P>, R>
  <A, const P extends FieldName<FieldsOf<A>> | `${string}.${string}`>(
    ...paths: ReadonlyArray<Path<FieldsOf<A>, P>>
  ): <R>(self: Pipeline<A, R>) => Pipeline<Without<A, P>, R>
} = dual(
  ([self]) => isPipeline(self),
  (self: unknown, ...paths: ReadonlyArray<string>) =>
    addStage<never>(self, "$unset", ({ ast }) => {
      const resolve = makeResolve([ast], "filter")
      for (const path of paths) resolve(path, path)
      const stored = paths.map((path) => storedPath(ast, path))
      return {
        ast: paths.reduce(
          (ast, path) => changeField(ast, path, path, { change: () => undefined, creates: false, entersArrays: true }),
          ast
        ),
        write: () => stored
      }
    })
)
