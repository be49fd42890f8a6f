/** The size of values in bytes. */
import type * as Driver from "mongodb"
import type { Expr, NullIf, Nullish } from "../../Expr.ts"
import { number } from "../ast/calculus.ts"
import { aBytes, anObject } from "../expression/kinds.ts"
import * as operator from "../expression/operator.ts"

/**
 * The size of a text or of binary data, in bytes. It is null if the value is null or missing.
 *
 * **Example** (The size of pictures)
 *
 * ```ts
 * import { Bson, Expr, Pipeline } from "@mongofx/schema"
 * import { Schema } from "effect"
 *
 * const User = Schema.Struct({ _id: Bson.ObjectId, picture: Bson.Binary })
 *
 * const sizes = Pipeline.make(User).pipe(Pipeline.select(($) => ({ bytes: Expr.binarySize($.picture) })))
 * ```
 *
 * @see {@link bsonSize} for objects
 * @stability unstable
 * @category getters
 * @since 0.1.0
 */
export const binarySize: <A extends string | Driver.Binary | ArrayBufferView | Nullish>(
  self: Expr<A>
) => Expr<number | NullIf<A>> = operator.unary("$binarySize", aBytes, operator.nullable(number))

/**
 * The size of an object in the database, in bytes. It is null if the object is null or missing.
 *
 * **Example** (The largest orders)
 *
 * ```ts
 * import { Bson, Expr, Pipeline } from "@mongofx/schema"
 * import { Schema } from "effect"
 *
 * const Order = Schema.Struct({ _id: Bson.ObjectId, lines: Schema.Array(Schema.String) })
 *
 * const largest = Pipeline.make(Order).pipe(
 *   Pipeline.select(($) => ({ order: $._id, bytes: Expr.bsonSize($) })),
 *   Pipeline.sort({ bytes: -1 }),
 *   Pipeline.limit(10)
 * )
 * ```
 *
 * @see {@link binarySize} for text and binary data
 * @stability unstable
 * @category getters
 * @since 0.1.0
 */
export const bsonSize: <A extends object | Nullish>(self: Expr<A>) => Expr<number | NullIf<A>> = operator.unary(
  "$bsonSize",
  anObject,
  operator.nullable(number)
)
