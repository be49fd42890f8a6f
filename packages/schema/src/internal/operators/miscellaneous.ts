/** Random numbers and hashes. */
import * as Bson from "../../Bson.ts"
import type { Expr } from "../../Expr.ts"
import { number, present } from "../ast/calculus.ts"
import { make } from "../expression/expr.ts"
import * as operator from "../expression/operator.ts"

/**
 * A random number from 0 to 1, another one each time.
 *
 * **Example** (A third of the orders)
 *
 * ```ts
 * import { Bson, Expr, Pipeline } from "@mongofx/schema"
 * import { Schema } from "effect"
 *
 * const Order = Schema.Struct({ _id: Bson.ObjectId, skus: Schema.Array(Schema.String), prices: Schema.Array(Schema.Number) })
 *
 * const third = Pipeline.make(Order).pipe(Pipeline.matchExpr(() => Expr.lt(Expr.rand, 1 / 3)))
 * ```
 *
 * @see {@link toHashedIndexKey} for a number that stays the same for a value
 * @stability unstable
 * @category constants
 * @since 0.1.0
 */
export const rand: Expr<number> = make(present(number), () => ({ $rand: {} }))

/**
 * The hash of a value, as hashed indexes and shard keys have it.
 *
 * **Example** (One of four parts)
 *
 * ```ts
 * import { Bson, Expr, Pipeline } from "@mongofx/schema"
 * import { Schema } from "effect"
 *
 * const Order = Schema.Struct({ _id: Bson.ObjectId })
 *
 * const values = Pipeline.make(Order).pipe(Pipeline.select(($) => ({ value: Expr.mod(Expr.toHashedIndexKey($._id), 4n) })))
 * ```
 *
 * @see {@link rand} for random numbers
 * @stability unstable
 * @category combinators
 * @since 0.1.0
 */
export const toHashedIndexKey: (self: Expr<unknown>) => Expr<bigint> = operator.unary(
  "$toHashedIndexKey",
  "any",
  operator.always(Bson.Int64.ast)
)
