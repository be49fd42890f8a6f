/** Constants, and expressions that are written by hand. */
import * as Schema from "effect/Schema"
import type * as Driver from "mongodb"
import type { Expr } from "../../Expr.ts"
import { present } from "../ast/calculus.ts"
import { make } from "../expression/expr.ts"
import { constant, literalOf } from "../expression/operand.ts"

/**
 * A constant. The server never reads it as an expression, whatever it looks like.
 *
 * **Example** (Text that starts with a dollar sign)
 *
 * ```ts
 * import { Bson, Expr, Pipeline } from "@mongofx/schema"
 * import { Schema } from "effect"
 *
 * const Order = Schema.Struct({ _id: Bson.ObjectId })
 *
 * const prices = Pipeline.make(Order).pipe(Pipeline.set(() => ({ price: Expr.literal("$5") })))
 * ```
 *
 * @see {@link value} for a constant of a schema
 * @stability unstable
 * @category constructors
 * @since 0.1.0
 */
export const literal: {
  <const A extends string | number | boolean | null>(value: A): Expr<A>
  <A extends bigint | Date | Driver.ObjectId | Driver.Decimal128>(value: A): Expr<A>
} = (value: unknown) => literalOf(value) as never

/**
 * A constant that the codec of a schema encodes.
 *
 * **Example** (A list of texts)
 *
 * ```ts
 * import { Bson, Expr, Pipeline } from "@mongofx/schema"
 * import { Schema } from "effect"
 *
 * const Order = Schema.Struct({ _id: Bson.ObjectId })
 *
 * const tagged = Pipeline.make(Order).pipe(
 *   Pipeline.set(() => ({ tags: Expr.value(Schema.Array(Schema.String), ["new"]) }))
 * )
 * ```
 *
 * @see {@link literal} for plain values
 * @stability unstable
 * @category constructors
 * @since 0.1.0
 */
export const value = <A>(schema: Schema.ConstraintCodec<A, unknown>, value: A): Expr<A> =>
  constant(schema.ast, value) as never

/**
 * An expression that is written by hand, with the schema of what it gives. It is sent as it is.
 *
 * **When to use**
 *
 * Use it for an operator that this module lacks. Keep input from outside out of it.
 *
 * **Example** (The size of the document)
 *
 * ```ts
 * import { Bson, Expr, Pipeline } from "@mongofx/schema"
 * import { Schema } from "effect"
 *
 * const Order = Schema.Struct({ _id: Bson.ObjectId })
 *
 * const sizes = Pipeline.make(Order).pipe(
 *   Pipeline.select(() => ({ size: Expr.unsafe(Schema.Number, { $bsonSize: "$$ROOT" }) }))
 * )
 * ```
 *
 * @see {@link value} for constants
 * @stability unstable
 * @category constructors
 * @since 0.1.0
 */
export const unsafe = <A>(schema: Schema.ConstraintCodec<A, unknown>, expression: unknown): Expr<A> =>
  make(present(schema.ast), () => expression)

/**
 * No value. `Pipeline.set` takes the field away.
 *
 * **Example** (Taking a field away from some documents)
 *
 * ```ts
 * import { Bson, Expr, Pipeline } from "@mongofx/schema"
 * import { Schema } from "effect"
 *
 * const User = Schema.Struct({ _id: Bson.ObjectId, hidden: Schema.Boolean, email: Schema.String })
 *
 * const shown = Pipeline.make(User).pipe(
 *   Pipeline.set(($) => ({ email: Expr.cond($.hidden, Expr.missing, $.email) }))
 * )
 * ```
 *
 * @see {@link literal} for null
 * @stability unstable
 * @category constants
 * @since 0.1.0
 */
export const missing: Expr<undefined> = make({ ast: Schema.Never.ast, optional: true }, () => "$$REMOVE")
