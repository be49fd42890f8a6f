/** Dates. */
import type * as Driver from "mongodb"
import type { Expr, NullIf, Nullish } from "../../Expr.ts"
import { number } from "../ast/calculus.ts"
import { aDate } from "../expression/kinds.ts"
import * as operator from "../expression/operator.ts"

/**
 * The year of a date, in UTC. It is null if the date is null or missing.
 *
 * **Example** (Orders of each year)
 *
 * ```ts
 * import { Acc, Bson, Expr, Pipeline } from "@mongofx/schema"
 * import { Schema } from "effect"
 *
 * const Order = Schema.Struct({ _id: Bson.ObjectId, placed: Bson.Date })
 *
 * const years = Pipeline.make(Order).pipe(Pipeline.group(($) => Expr.year($.placed), () => ({ orders: Acc.count })))
 * ```
 *
 * @stability unstable
 * @category getters
 * @since 0.1.0
 */
export const year: <A extends Date | Driver.ObjectId | Driver.Timestamp | Nullish>(
  self: Expr<A>
) => Expr<number | NullIf<A>> = operator.unary("$year", aDate, operator.nullable(number))
