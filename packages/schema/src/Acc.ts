/**
 * Accumulators: what the server computes over the documents of a group. An accumulator knows the schema of what it gives.
 *
 * @since 0.1.0
 */
import type { TypeId } from "./internal/expression/accumulator.ts"

/**
 * An accumulator: the server computes a value of the decoded type `A` over the documents of a group.
 *
 * @see {@link Fields} for several of them
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface Accumulator<out A> {
  readonly [TypeId]: {
    readonly _A: () => A
  }
}

/**
 * The decoded type of an object of accumulators.
 *
 * @see {@link Accumulator} for one of them
 * @stability unstable
 * @category utility types
 * @since 0.1.0
 */
export type Fields<F> = { readonly [Name in keyof F]: F[Name] extends Accumulator<infer A> ? A : never }

export * from "./internal/accumulators/choice.ts"
export * from "./internal/accumulators/collection.ts"
export * from "./internal/accumulators/number.ts"
