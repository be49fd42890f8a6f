/** Trigonometry. Angles are in radians. */
import type { Constant, Expr, Fraction, Nullish, Numeric, Term } from "../../Expr.ts"
import { fraction } from "../ast/numbers.ts"
import * as operator from "../expression/operator.ts"

/**
 * The sine of an angle in radians. The server fails for an infinite angle. It is a decimal of a decimal, and otherwise a
 * double. It is null if the number is null or missing.
 *
 * **Example** (Of a field)
 *
 * ```ts
 * import { Bson, Expr, Pipeline } from "@mongofx/schema"
 * import { Schema } from "effect"
 *
 * const Reading = Schema.Struct({ _id: Bson.ObjectId, angle: Schema.Number })
 *
 * const values = Pipeline.make(Reading).pipe(
 *   Pipeline.select(($) => ({ value: Expr.sin($.angle) }))
 * )
 * ```
 *
 * @see {@link asin} for the inverse
 * @stability unstable
 * @category combinators
 * @since 0.1.0
 */
export const sin: <A extends Numeric | Nullish>(self: Expr<A>) => Expr<Fraction<A>> = operator.computed(
  "$sin",
  fraction
)

/**
 * The cosine of an angle in radians. The server fails for an infinite angle. It is a decimal of a decimal, and otherwise a
 * double. It is null if the number is null or missing.
 *
 * **Example** (Of a field)
 *
 * ```ts
 * import { Bson, Expr, Pipeline } from "@mongofx/schema"
 * import { Schema } from "effect"
 *
 * const Reading = Schema.Struct({ _id: Bson.ObjectId, angle: Schema.Number })
 *
 * const values = Pipeline.make(Reading).pipe(
 *   Pipeline.select(($) => ({ value: Expr.cos($.angle) }))
 * )
 * ```
 *
 * @see {@link acos} for the inverse
 * @stability unstable
 * @category combinators
 * @since 0.1.0
 */
export const cos: <A extends Numeric | Nullish>(self: Expr<A>) => Expr<Fraction<A>> = operator.computed(
  "$cos",
  fraction
)

/**
 * The tangent of an angle in radians. The server fails for an infinite angle. It is a decimal of a decimal, and otherwise a
 * double. It is null if the number is null or missing.
 *
 * **Example** (Of a field)
 *
 * ```ts
 * import { Bson, Expr, Pipeline } from "@mongofx/schema"
 * import { Schema } from "effect"
 *
 * const Reading = Schema.Struct({ _id: Bson.ObjectId, angle: Schema.Number })
 *
 * const values = Pipeline.make(Reading).pipe(
 *   Pipeline.select(($) => ({ value: Expr.tan($.angle) }))
 * )
 * ```
 *
 * @see {@link atan} for the inverse
 * @stability unstable
 * @category combinators
 * @since 0.1.0
 */
export const tan: <A extends Numeric | Nullish>(self: Expr<A>) => Expr<Fraction<A>> = operator.computed(
  "$tan",
  fraction
)

/**
 * The angle in radians whose sine is the number, which is between -1 and 1. The server fails outside of this range. It is a
 * decimal of a decimal, and otherwise a double. It is null if the number is null or missing.
 *
 * **Example** (Of a field)
 *
 * ```ts
 * import { Bson, Expr, Pipeline } from "@mongofx/schema"
 * import { Schema } from "effect"
 *
 * const Reading = Schema.Struct({ _id: Bson.ObjectId, sine: Schema.Number })
 *
 * const values = Pipeline.make(Reading).pipe(
 *   Pipeline.select(($) => ({ value: Expr.asin($.sine) }))
 * )
 * ```
 *
 * @see {@link sin} for the inverse
 * @stability unstable
 * @category combinators
 * @since 0.1.0
 */
export const asin: <A extends Numeric | Nullish>(self: Expr<A>) => Expr<Fraction<A>> = operator.computed(
  "$asin",
  fraction
)

/**
 * The angle in radians whose cosine is the number, which is between -1 and 1. The server fails outside of this range. It is a
 * decimal of a decimal, and otherwise a double. It is null if the number is null or missing.
 *
 * **Example** (Of a field)
 *
 * ```ts
 * import { Bson, Expr, Pipeline } from "@mongofx/schema"
 * import { Schema } from "effect"
 *
 * const Reading = Schema.Struct({ _id: Bson.ObjectId, cosine: Schema.Number })
 *
 * const values = Pipeline.make(Reading).pipe(
 *   Pipeline.select(($) => ({ value: Expr.acos($.cosine) }))
 * )
 * ```
 *
 * @see {@link cos} for the inverse
 * @stability unstable
 * @category combinators
 * @since 0.1.0
 */
export const acos: <A extends Numeric | Nullish>(self: Expr<A>) => Expr<Fraction<A>> = operator.computed(
  "$acos",
  fraction
)

/**
 * The angle in radians whose tangent is the number. It is a decimal of a decimal, and otherwise a double. It is null if the
 * number is null or missing.
 *
 * **Example** (Of a field)
 *
 * ```ts
 * import { Bson, Expr, Pipeline } from "@mongofx/schema"
 * import { Schema } from "effect"
 *
 * const Reading = Schema.Struct({ _id: Bson.ObjectId, tangent: Schema.Number })
 *
 * const values = Pipeline.make(Reading).pipe(
 *   Pipeline.select(($) => ({ value: Expr.atan($.tangent) }))
 * )
 * ```
 *
 * @see {@link atan2} for the angle of a point
 * @stability unstable
 * @category combinators
 * @since 0.1.0
 */
export const atan: <A extends Numeric | Nullish>(self: Expr<A>) => Expr<Fraction<A>> = operator.computed(
  "$atan",
  fraction
)

/**
 * The hyperbolic sine of a number. It is a decimal of a decimal, and otherwise a double. It is null if the number is null or
 * missing.
 *
 * **Example** (Of a field)
 *
 * ```ts
 * import { Bson, Expr, Pipeline } from "@mongofx/schema"
 * import { Schema } from "effect"
 *
 * const Reading = Schema.Struct({ _id: Bson.ObjectId, size: Schema.Number })
 *
 * const values = Pipeline.make(Reading).pipe(
 *   Pipeline.select(($) => ({ value: Expr.sinh($.size) }))
 * )
 * ```
 *
 * @see {@link asinh} for the inverse
 * @stability unstable
 * @category combinators
 * @since 0.1.0
 */
export const sinh: <A extends Numeric | Nullish>(self: Expr<A>) => Expr<Fraction<A>> = operator.computed(
  "$sinh",
  fraction
)

/**
 * The hyperbolic cosine of a number. It is a decimal of a decimal, and otherwise a double. It is null if the number is null or
 * missing.
 *
 * **Example** (Of a field)
 *
 * ```ts
 * import { Bson, Expr, Pipeline } from "@mongofx/schema"
 * import { Schema } from "effect"
 *
 * const Reading = Schema.Struct({ _id: Bson.ObjectId, size: Schema.Number })
 *
 * const values = Pipeline.make(Reading).pipe(
 *   Pipeline.select(($) => ({ value: Expr.cosh($.size) }))
 * )
 * ```
 *
 * @see {@link acosh} for the inverse
 * @stability unstable
 * @category combinators
 * @since 0.1.0
 */
export const cosh: <A extends Numeric | Nullish>(self: Expr<A>) => Expr<Fraction<A>> = operator.computed(
  "$cosh",
  fraction
)

/**
 * The hyperbolic tangent of a number. It is a decimal of a decimal, and otherwise a double. It is null if the number is null or
 * missing.
 *
 * **Example** (Of a field)
 *
 * ```ts
 * import { Bson, Expr, Pipeline } from "@mongofx/schema"
 * import { Schema } from "effect"
 *
 * const Reading = Schema.Struct({ _id: Bson.ObjectId, size: Schema.Number })
 *
 * const values = Pipeline.make(Reading).pipe(
 *   Pipeline.select(($) => ({ value: Expr.tanh($.size) }))
 * )
 * ```
 *
 * @see {@link atanh} for the inverse
 * @stability unstable
 * @category combinators
 * @since 0.1.0
 */
export const tanh: <A extends Numeric | Nullish>(self: Expr<A>) => Expr<Fraction<A>> = operator.computed(
  "$tanh",
  fraction
)

/**
 * The number whose hyperbolic sine is given. It is a decimal of a decimal, and otherwise a double. It is null if the number is
 * null or missing.
 *
 * **Example** (Of a field)
 *
 * ```ts
 * import { Bson, Expr, Pipeline } from "@mongofx/schema"
 * import { Schema } from "effect"
 *
 * const Reading = Schema.Struct({ _id: Bson.ObjectId, size: Schema.Number })
 *
 * const values = Pipeline.make(Reading).pipe(
 *   Pipeline.select(($) => ({ value: Expr.asinh($.size) }))
 * )
 * ```
 *
 * @see {@link sinh} for the inverse
 * @stability unstable
 * @category combinators
 * @since 0.1.0
 */
export const asinh: <A extends Numeric | Nullish>(self: Expr<A>) => Expr<Fraction<A>> = operator.computed(
  "$asinh",
  fraction
)

/**
 * The number whose hyperbolic cosine is given, which is 1 or more. The server fails outside of this range. It is a decimal of a
 * decimal, and otherwise a double. It is null if the number is null or missing.
 *
 * **Example** (Of a field)
 *
 * ```ts
 * import { Bson, Expr, Pipeline } from "@mongofx/schema"
 * import { Schema } from "effect"
 *
 * const Reading = Schema.Struct({ _id: Bson.ObjectId, size: Schema.Number })
 *
 * const values = Pipeline.make(Reading).pipe(
 *   Pipeline.select(($) => ({ value: Expr.acosh($.size) }))
 * )
 * ```
 *
 * @see {@link cosh} for the inverse
 * @stability unstable
 * @category combinators
 * @since 0.1.0
 */
export const acosh: <A extends Numeric | Nullish>(self: Expr<A>) => Expr<Fraction<A>> = operator.computed(
  "$acosh",
  fraction
)

/**
 * The number whose hyperbolic tangent is given, which is between -1 and 1. The server fails outside of this range. It is a
 * decimal of a decimal, and otherwise a double. It is null if the number is null or missing.
 *
 * **Example** (Of a field)
 *
 * ```ts
 * import { Bson, Expr, Pipeline } from "@mongofx/schema"
 * import { Schema } from "effect"
 *
 * const Reading = Schema.Struct({ _id: Bson.ObjectId, size: Schema.Number })
 *
 * const values = Pipeline.make(Reading).pipe(
 *   Pipeline.select(($) => ({ value: Expr.atanh($.size) }))
 * )
 * ```
 *
 * @see {@link tanh} for the inverse
 * @stability unstable
 * @category combinators
 * @since 0.1.0
 */
export const atanh: <A extends Numeric | Nullish>(self: Expr<A>) => Expr<Fraction<A>> = operator.computed(
  "$atanh",
  fraction
)

/**
 * An angle in radians, of one in degrees. It is a decimal of a decimal, and otherwise a double. It is null if the number is
 * null or missing.
 *
 * **Example** (Of a field)
 *
 * ```ts
 * import { Bson, Expr, Pipeline } from "@mongofx/schema"
 * import { Schema } from "effect"
 *
 * const Reading = Schema.Struct({ _id: Bson.ObjectId, degrees: Schema.Number })
 *
 * const values = Pipeline.make(Reading).pipe(
 *   Pipeline.select(($) => ({ value: Expr.degreesToRadians($.degrees) }))
 * )
 * ```
 *
 * @see {@link radiansToDegrees} for the inverse
 * @stability unstable
 * @category combinators
 * @since 0.1.0
 */
export const degreesToRadians: <A extends Numeric | Nullish>(self: Expr<A>) => Expr<Fraction<A>> = operator.computed(
  "$degreesToRadians",
  fraction
)

/**
 * An angle in degrees, of one in radians. It is a decimal of a decimal, and otherwise a double. It is null if the number is
 * null or missing.
 *
 * **Example** (Of a field)
 *
 * ```ts
 * import { Bson, Expr, Pipeline } from "@mongofx/schema"
 * import { Schema } from "effect"
 *
 * const Reading = Schema.Struct({ _id: Bson.ObjectId, radians: Schema.Number })
 *
 * const values = Pipeline.make(Reading).pipe(
 *   Pipeline.select(($) => ({ value: Expr.radiansToDegrees($.radians) }))
 * )
 * ```
 *
 * @see {@link degreesToRadians} for the inverse
 * @stability unstable
 * @category combinators
 * @since 0.1.0
 */
export const radiansToDegrees: <A extends Numeric | Nullish>(self: Expr<A>) => Expr<Fraction<A>> = operator.computed(
  "$radiansToDegrees",
  fraction
)

/**
 * The angle in radians between the x axis and a point. The first operand is the y of the point, the second one is its x. It is
 * a decimal if one of them is a decimal, and otherwise a double. It is null if one of them is null or missing.
 *
 * **Example** (The direction of a point)
 *
 * ```ts
 * import { Bson, Expr, Pipeline } from "@mongofx/schema"
 * import { Schema } from "effect"
 *
 * const Point = Schema.Struct({ _id: Bson.ObjectId, x: Schema.Number, y: Schema.Number })
 *
 * const directions = Pipeline.make(Point).pipe(
 *   Pipeline.select(($) => ({ angle: Expr.atan2($.y, $.x) }))
 * )
 * ```
 *
 * @see {@link atan} for the angle of a tangent
 * @stability unstable
 * @category combinators
 * @since 0.1.0
 */
export const atan2: {
  <B extends Numeric | Nullish>(
    x: Term<B>
  ): <A extends Constant<B> | Nullish>(y: Expr<A>) => Expr<Fraction<A | B>>
  <A extends Numeric | Nullish>(y: Term<A>, x: Term<A>): Expr<Fraction<A>>
} = operator.arithmetic("$atan2", fraction)
