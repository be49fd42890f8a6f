/** Sets fields. */
import { dual } from "effect/Function"
import type { Expr, Ref } from "../../Expr.ts"
import type { Pipeline } from "../../Pipeline.ts"
import { implOf, isExpr } from "../expression/expr.ts"
import { fieldsOf } from "../expression/tree.ts"
import { checkPath, setFields } from "../pipeline/fields.ts"
import { addStage } from "../pipeline/pipeline.ts"
import type { Assign } from "../pipeline/types.ts"
import { refuse } from "../refusal.ts"

/**
 * Sets fields of the document to what expressions give: new fields, or others in the place of those that are there. A key may
 * be a path: it makes the objects that are missing on its way, and changes each element of an array.
 *
 * **Details**
 *
 * What may be missing makes the field optional. `Expr.missing` takes it away. All expressions see the document as it was before.
 *
 * **Gotchas**
 *
 * What is left of a class is a plain object. If the class is that of a field, the compiler still shows its getters.
 *
 * **Example** (A label, and a field inside of an object)
 *
 * ```ts
 * import { Bson, Expr, Pipeline } from "@mongofx/schema"
 * import { Schema } from "effect"
 *
 * const Address = Schema.Struct({ city: Schema.String })
 * const User = Schema.Struct({ _id: Bson.ObjectId, name: Schema.String, address: Address })
 *
 * const users = Pipeline.make(User).pipe(
 *   Pipeline.set(($) => ({
 *     label: Expr.concat($.name, " of ", $.address.city),
 *     "address.city": Expr.toUpper($.address.city)
 *   }))
 * )
 * ```
 *
 * @see {@link unset} for taking fields away
 * @see {@link select} for a document of these fields only
 * @stability unstable
 * @category combinators
 * @since 0.1.0
 */
export const set: {
  <A, const F extends { readonly [path: string]: Expr<unknown> }>(
    f: ($: Ref<A>) => F
  ): <R>(self: Pipeline<A, R>) => Pipeline<Assign<A, F>, R>
  <A, R, const F extends { readonly [path: string]: Expr<unknown> }>(
    self: Pipeline<A, R>,
    f: ($: Ref<A>) => F
  ): Pipeline<Assign<A, F>, R>
} = dual(2, (self: unknown, f: ($: Ref<unknown>) => unknown) =>
  addStage(self, "$set", ({ $, ast }) => {
    const fields = fieldsOf(f($), "set").map(([path, expr]) => {
      if (!isExpr(expr)) {
        return refuse(path, "is not an expression: use Expr.struct for an object, Expr.literal for a constant")
      }
      checkPath(path, path)
      const { slot, write } = implOf(expr)
      return { path, slot, write }
    })
    return setFields(ast, fields, { entersArrays: true })
  }))
