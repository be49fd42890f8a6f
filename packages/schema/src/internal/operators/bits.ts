/** The bits of whole numbers. */
import type * as Driver from "mongodb"
import type { Arithmetic, Constant, Expr, Nullish, Term } from "../../Expr.ts"
import * as operator from "../expression/operator.ts"

/** The decoded types of whole numbers. The server fails for a double or a decimal. */
type Whole = number | bigint | Driver.Long

/** Bits of any number of whole numbers. A constant is encoded as the numbers beside it. */
interface OfBits {
  <B extends Whole | Nullish>(
    that: Term<B>
  ): <A extends Constant<B> | Nullish>(self: Expr<A>) => Expr<Arithmetic<A | B>>
  <A extends Whole | Nullish>(
    self: Term<A>,
    that: Term<A>,
    ...more: ReadonlyArray<Term<A>>
  ): Expr<Arithmetic<A>>
}

/**
 * The bits that all numbers have. It is null if one of them is null or missing. The server fails for a number that is not
 * stored as an int or a long.
 *
 * **Example** (The flags of two fields)
 *
 * ```ts
 * import { Bson, Expr, Pipeline } from "@mongofx/schema"
 * import { Schema } from "effect"
 *
 * const Role = Schema.Struct({ _id: Bson.ObjectId, own: Schema.Int, inherited: Schema.Int })
 *
 * const flags = Pipeline.make(Role).pipe(
 *   Pipeline.select(($) => ({ both: Expr.bitAnd($.own, $.inherited) }))
 * )
 * ```
 *
 * @see {@link bitOr} for the bits that one of them has
 * @stability unstable
 * @category combinators
 * @since 0.1.0
 */
export const bitAnd: OfBits = operator.arithmetic("$bitAnd")

/**
 * The bits that at least one of the numbers has. It is null if one of them is null or missing. The server fails for a number
 * that is not stored as an int or a long.
 *
 * **Example** (The flags of two fields)
 *
 * ```ts
 * import { Bson, Expr, Pipeline } from "@mongofx/schema"
 * import { Schema } from "effect"
 *
 * const Role = Schema.Struct({ _id: Bson.ObjectId, own: Schema.Int, inherited: Schema.Int })
 *
 * const flags = Pipeline.make(Role).pipe(
 *   Pipeline.select(($) => ({ either: Expr.bitOr($.own, $.inherited) }))
 * )
 * ```
 *
 * @see {@link bitAnd} for the bits that all have
 * @stability unstable
 * @category combinators
 * @since 0.1.0
 */
export const bitOr: OfBits = operator.arithmetic("$bitOr")

/**
 * The bits that an odd number of the numbers have. It is null if one of them is null or missing. The server fails for a number
 * that is not stored as an int or a long.
 *
 * **Example** (The flags of two fields)
 *
 * ```ts
 * import { Bson, Expr, Pipeline } from "@mongofx/schema"
 * import { Schema } from "effect"
 *
 * const Role = Schema.Struct({ _id: Bson.ObjectId, own: Schema.Int, inherited: Schema.Int })
 *
 * const flags = Pipeline.make(Role).pipe(
 *   Pipeline.select(($) => ({ changed: Expr.bitXor($.own, $.inherited) }))
 * )
 * ```
 *
 * @see {@link bitOr} for the bits that at least one has
 * @stability unstable
 * @category combinators
 * @since 0.1.0
 */
export const bitXor: OfBits = operator.arithmetic("$bitXor")

/**
 * The number with each bit inverted. It is null if the number is null or missing. The server fails for a number that is not
 * stored as an int or a long.
 *
 * **Example** (The flags that are not set)
 *
 * ```ts
 * import { Bson, Expr, Pipeline } from "@mongofx/schema"
 * import { Schema } from "effect"
 *
 * const Role = Schema.Struct({ _id: Bson.ObjectId, flags: Schema.Int })
 *
 * const others = Pipeline.make(Role).pipe(
 *   Pipeline.select(($) => ({ unset: Expr.bitNot($.flags) }))
 * )
 * ```
 *
 * @see {@link bitXor} for the bits that differ
 * @stability unstable
 * @category combinators
 * @since 0.1.0
 */
export const bitNot: <A extends Whole | Nullish>(self: Expr<A>) => Expr<Arithmetic<A>> = operator.computed("$bitNot")
