/** Objects. */
import type { Expr, Shape, Tree } from "../../Expr.ts"
import { make } from "../expression/expr.ts"
import { slotOfTree, writeTree } from "../expression/tree.ts"

/**
 * An object of expressions as one value. `Pipeline.set` puts it in the place of what was there.
 *
 * **Example** (An address of two fields)
 *
 * ```ts
 * import { Bson, Expr, Pipeline } from "@mongofx/schema"
 * import { Schema } from "effect"
 *
 * const User = Schema.Struct({ _id: Bson.ObjectId, street: Schema.String, city: Schema.String })
 *
 * const users = Pipeline.make(User).pipe(
 *   Pipeline.set(($) => ({ address: Expr.struct({ street: $.street, city: $.city }) })),
 *   Pipeline.unset("street", "city")
 * )
 * ```
 *
 * @stability unstable
 * @category constructors
 * @since 0.1.0
 */
export const struct = <const F extends { readonly [name: string]: Tree }>(fields: F): Expr<Shape<F>> =>
  // $set would merge a plain object into the one that is there.
  make(slotOfTree(fields, "struct"), (writing) => ({ $mergeObjects: [writeTree(fields, writing)] }))
