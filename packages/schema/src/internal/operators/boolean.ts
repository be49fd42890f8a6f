/** Logic. */
import type { Expr, Nullish } from "../../Expr.ts"
import { boolean } from "../ast/calculus.ts"
import { aBoolean } from "../expression/kinds.ts"
import * as operator from "../expression/operator.ts"

/** A condition. The server takes null and what is missing as false. */
type Condition = Expr<boolean | Nullish>

/**
 * Whether all conditions hold.
 *
 * **Example** (Open and late)
 *
 * ```ts
 * import { Bson, Expr, Pipeline } from "@mongofx/schema"
 * import { Schema } from "effect"
 *
 * const Task = Schema.Struct({ _id: Bson.ObjectId, open: Schema.Boolean, due: Bson.Date })
 *
 * const late = Pipeline.make(Task).pipe(
 *   Pipeline.matchExpr(($) => Expr.and($.open, Expr.lt($.due, new Date())))
 * )
 * ```
 *
 * @see {@link or} for at least one
 * @stability unstable
 * @category combinators
 * @since 0.1.0
 */
export const and: {
  (that: Condition): (self: Condition) => Expr<boolean>
  (self: Condition, that: Condition, ...more: ReadonlyArray<Condition>): Expr<boolean>
} = operator.variadic("$and", aBoolean, operator.always(boolean))

/**
 * Whether at least one condition holds.
 *
 * **Example** (Urgent or late)
 *
 * ```ts
 * import { Bson, Expr, Pipeline } from "@mongofx/schema"
 * import { Schema } from "effect"
 *
 * const Task = Schema.Struct({ _id: Bson.ObjectId, urgent: Schema.Boolean, due: Bson.Date })
 *
 * const first = Pipeline.make(Task).pipe(
 *   Pipeline.matchExpr(($) => Expr.or($.urgent, Expr.lt($.due, new Date())))
 * )
 * ```
 *
 * @see {@link and} for all
 * @stability unstable
 * @category combinators
 * @since 0.1.0
 */
export const or: {
  (that: Condition): (self: Condition) => Expr<boolean>
  (self: Condition, that: Condition, ...more: ReadonlyArray<Condition>): Expr<boolean>
} = operator.variadic("$or", aBoolean, operator.always(boolean))

/**
 * Whether the condition does not hold.
 *
 * **Example** (Tasks that are not open)
 *
 * ```ts
 * import { Bson, Expr, Pipeline } from "@mongofx/schema"
 * import { Schema } from "effect"
 *
 * const Task = Schema.Struct({ _id: Bson.ObjectId, open: Schema.Boolean })
 *
 * const closed = Pipeline.make(Task).pipe(Pipeline.matchExpr(($) => Expr.not($.open)))
 * ```
 *
 * @see {@link and} for several conditions
 * @stability unstable
 * @category combinators
 * @since 0.1.0
 */
export const not: (self: Condition) => Expr<boolean> = operator.unary("$not", aBoolean, operator.always(boolean))
