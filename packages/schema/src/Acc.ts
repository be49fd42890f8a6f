/**
 * Accumulators: what the server computes over the documents of a group or of a window. An accumulator knows the schema of what
 * it gives.
 *
 * @since 0.1.0
 */
import type { SpanTypeId, TypeId, WindowTypeId } from "./internal/expression/accumulator.ts"

/**
 * What groups take: the server computes a value of the decoded type `A` over the documents of a group.
 *
 * @see {@link Accumulator} for what windows take too
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface GroupOperator<out A> {
  readonly [TypeId]: {
    readonly _A: () => A
  }
}

/**
 * What windows take: the server computes a value of the decoded type `A` for each document. `Needs` says what the order of the
 * documents must be.
 *
 * @see {@link Accumulator} for what groups take too
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface WindowOperator<out A, out Needs = never> {
  readonly [WindowTypeId]: {
    readonly _A: () => A
    readonly _Needs: () => Needs
  }
}

/**
 * What takes the bounds of a window. `Empty` is the decoded type of what it gives where the window has no documents.
 *
 * @see {@link over} for the bounds
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface Spanning<out A, out Empty = A, out Needs = never> {
  readonly [SpanTypeId]: {
    readonly _A: () => A
    readonly _Empty: () => Empty
    readonly _Needs: () => Needs
  }
}

/**
 * An accumulator: the server computes a value of the decoded type `A` over the documents of a group or of a window, and a value
 * of the type `Empty` where a window has no documents.
 *
 * @see {@link Fields} for several of them
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface Accumulator<out A, out Empty = A> extends GroupOperator<A>, WindowOperator<A>, Spanning<A, Empty> {}

/**
 * The decoded type of an object of accumulators.
 *
 * @see {@link Accumulator} for one of them
 * @stability unstable
 * @category utility types
 * @since 0.1.0
 */
export type Fields<F> = { readonly [Name in keyof F]: F[Name] extends GroupOperator<infer A> ? A : never }

/**
 * What an operator of windows needs of the order of the documents.
 *
 * @see {@link WindowOperator} for such operators
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export type Need =
  | "sortBy"
  | "sortBy of one field"
  | "sortBy of a number"
  | "sortBy of a number that is no decimal"
  | "sortBy of a date"
  | "sortBy of a number or a date"

export * from "./internal/accumulators/choice.ts"
export * from "./internal/accumulators/collection.ts"
export * from "./internal/accumulators/number.ts"
export * from "./internal/accumulators/order.ts"
export * from "./internal/accumulators/rank.ts"
export * from "./internal/accumulators/series.ts"
export * from "./internal/accumulators/statistics.ts"
export * from "./internal/accumulators/unsafe.ts"
export * from "./internal/accumulators/window.ts"
