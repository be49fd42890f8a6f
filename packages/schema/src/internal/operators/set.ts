/** Arrays as sets: their order and how often they have an element do not matter. */
import type { ElementOf, Elements, Expr, NullIf } from "../../Expr.ts"
import { boolean } from "../ast/calculus.ts"
import { anArray } from "../expression/kinds.ts"
import * as operator from "../expression/operator.ts"

/**
 * Whether no element of an array is false, null or 0. It is true for an empty array. The server fails where there is no array.
 *
 * **Example** (Of the results of a test)
 *
 * ```ts
 * import { Bson, Expr, Pipeline } from "@mongofx/schema"
 * import { Schema } from "effect"
 *
 * const Test = Schema.Struct({ _id: Bson.ObjectId, passed: Schema.Array(Schema.Boolean) })
 *
 * const values = Pipeline.make(Test).pipe(Pipeline.select(($) => ({ value: Expr.allElementsTrue($.passed) })))
 * ```
 *
 * @see {@link anyElementTrue} for at least one
 * @stability unstable
 * @category predicates
 * @since 0.1.0
 */
export const allElementsTrue: (self: Expr<ReadonlyArray<unknown>>) => Expr<boolean> = operator.unary(
  "$allElementsTrue",
  anArray,
  operator.always(boolean)
)

/**
 * Whether an element of an array is neither false nor null nor 0. It is false for an empty array. The server fails where there
 * is no array.
 *
 * **Example** (Of the results of a test)
 *
 * ```ts
 * import { Bson, Expr, Pipeline } from "@mongofx/schema"
 * import { Schema } from "effect"
 *
 * const Test = Schema.Struct({ _id: Bson.ObjectId, passed: Schema.Array(Schema.Boolean) })
 *
 * const values = Pipeline.make(Test).pipe(Pipeline.select(($) => ({ value: Expr.anyElementTrue($.passed) })))
 * ```
 *
 * @see {@link allElementsTrue} for all of them
 * @stability unstable
 * @category predicates
 * @since 0.1.0
 */
export const anyElementTrue: (self: Expr<ReadonlyArray<unknown>>) => Expr<boolean> = operator.unary(
  "$anyElementTrue",
  anArray,
  operator.always(boolean)
)

/**
 * Whether two arrays have the same elements. The server fails where there is no array.
 *
 * **Example** (Of the tags of an order)
 *
 * ```ts
 * import { Bson, Expr, Pipeline } from "@mongofx/schema"
 * import { Schema } from "effect"
 *
 * const Order = Schema.Struct({ _id: Bson.ObjectId, tags: Schema.Array(Schema.String), wanted: Schema.Array(Schema.String) })
 *
 * const values = Pipeline.make(Order).pipe(Pipeline.select(($) => ({ value: Expr.setEquals($.wanted, $.tags) })))
 * ```
 *
 * @see {@link setIsSubset} for one in the other
 * @stability unstable
 * @category predicates
 * @since 0.1.0
 */
export const setEquals: {
  (that: Expr<ReadonlyArray<unknown>>): (self: Expr<ReadonlyArray<unknown>>) => Expr<boolean>
  (self: Expr<ReadonlyArray<unknown>>, that: Expr<ReadonlyArray<unknown>>): Expr<boolean>
} = operator.positional("$setEquals", [anArray, anArray], operator.always(boolean))

/**
 * Whether the second array has all elements of the first one. The server fails where there is no array.
 *
 * **Example** (Of the tags of an order)
 *
 * ```ts
 * import { Bson, Expr, Pipeline } from "@mongofx/schema"
 * import { Schema } from "effect"
 *
 * const Order = Schema.Struct({ _id: Bson.ObjectId, tags: Schema.Array(Schema.String), wanted: Schema.Array(Schema.String) })
 *
 * const values = Pipeline.make(Order).pipe(Pipeline.select(($) => ({ value: Expr.setIsSubset($.wanted, $.tags) })))
 * ```
 *
 * @see {@link setEquals} for both ways
 * @stability unstable
 * @category predicates
 * @since 0.1.0
 */
export const setIsSubset: {
  (that: Expr<ReadonlyArray<unknown>>): (self: Expr<ReadonlyArray<unknown>>) => Expr<boolean>
  (self: Expr<ReadonlyArray<unknown>>, that: Expr<ReadonlyArray<unknown>>): Expr<boolean>
} = operator.positional("$setIsSubset", [anArray, anArray], operator.always(boolean))

/**
 * The elements of the first array that the second one lacks, each once. It is null if one of them is null or missing.
 *
 * **Example** (Missing tags)
 *
 * ```ts
 * import { Bson, Expr, Pipeline } from "@mongofx/schema"
 * import { Schema } from "effect"
 *
 * const Order = Schema.Struct({ _id: Bson.ObjectId, tags: Schema.Array(Schema.String), wanted: Schema.Array(Schema.String) })
 *
 * const values = Pipeline.make(Order).pipe(Pipeline.select(($) => ({ value: Expr.setDifference($.wanted, $.tags) })))
 * ```
 *
 * @see {@link setIntersection} for those that both have
 * @stability unstable
 * @category combinators
 * @since 0.1.0
 */
export const setDifference: {
  <B extends Elements>(
    that: Expr<B>
  ): <A extends Elements>(self: Expr<A>) => Expr<ReadonlyArray<ElementOf<A>> | NullIf<A> | NullIf<B>>
  <A extends Elements, B extends Elements>(
    self: Expr<A>,
    that: Expr<B>
  ): Expr<ReadonlyArray<ElementOf<A>> | NullIf<A> | NullIf<B>>
} = operator.positional("$setDifference", [anArray, anArray], operator.sameElements)

/**
 * The elements that all arrays have, each once. It is null if one of them is null or missing. The server chooses the order.
 *
 * **Example** (Of the tags of an order)
 *
 * ```ts
 * import { Bson, Expr, Pipeline } from "@mongofx/schema"
 * import { Schema } from "effect"
 *
 * const Order = Schema.Struct({ _id: Bson.ObjectId, tags: Schema.Array(Schema.String), wanted: Schema.Array(Schema.String) })
 *
 * const values = Pipeline.make(Order).pipe(Pipeline.select(($) => ({ value: Expr.setIntersection($.tags, $.wanted) })))
 * ```
 *
 * @see {@link setUnion} for those of at least one
 * @stability unstable
 * @category combinators
 * @since 0.1.0
 */
export const setIntersection: {
  <B extends Elements>(
    that: Expr<B>
  ): <A extends Elements>(self: Expr<A>) => Expr<ReadonlyArray<ElementOf<A>> | NullIf<A> | NullIf<B>>
  <A extends Elements, B extends Elements>(
    self: Expr<A>,
    that: Expr<B>,
    ...more: ReadonlyArray<Expr<B>>
  ): Expr<ReadonlyArray<ElementOf<A>> | NullIf<A> | NullIf<B>>
} = operator.variadic("$setIntersection", anArray, operator.sameElements)

/**
 * The elements of all arrays, each once. It is null if one of them is null or missing. The server chooses the order.
 *
 * **Example** (Of the tags of an order)
 *
 * ```ts
 * import { Bson, Expr, Pipeline } from "@mongofx/schema"
 * import { Schema } from "effect"
 *
 * const Order = Schema.Struct({ _id: Bson.ObjectId, tags: Schema.Array(Schema.String), wanted: Schema.Array(Schema.String) })
 *
 * const values = Pipeline.make(Order).pipe(Pipeline.select(($) => ({ value: Expr.setUnion($.tags, $.wanted) })))
 * ```
 *
 * @see {@link setIntersection} for those that all have
 * @stability unstable
 * @category combinators
 * @since 0.1.0
 */
export const setUnion: {
  <B extends Elements>(
    that: Expr<B>
  ): <A extends Elements>(self: Expr<A>) => Expr<ReadonlyArray<ElementOf<A> | ElementOf<B>> | NullIf<A> | NullIf<B>>
  <A extends Elements, B extends Elements>(
    self: Expr<A>,
    that: Expr<B>,
    ...more: ReadonlyArray<Expr<B>>
  ): Expr<ReadonlyArray<ElementOf<A> | ElementOf<B>> | NullIf<A> | NullIf<B>>
} = operator.variadic("$setUnion", anArray, operator.allElements)
