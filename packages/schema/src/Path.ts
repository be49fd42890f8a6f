/**
 * The types of dotted paths into documents: which there are, and what stands at their ends.
 *
 * @since 0.1.0
 */
import type * as Driver from "mongodb"
import type * as internal from "./internal/path/types.ts"

/**
 * What may be a path into a document: one of its fields, or several names with dots between them. A path passes an array by
 * an index or without a word: `items.0.sku`, `items.sku`.
 *
 * **When to use**
 *
 * Use it as the bound of a type parameter, with `ValueAt` for the value: `<const P extends Path.Path<A>>(path: P, value:
 * Path.ValueAt<A, P>)`.
 *
 * **Details**
 *
 * Paths are not enumerated: that would cost the compiler more than everything else where schemas are wide, deep or recursive.
 * A path with a dot in it is followed when it is used, and then refused where it leads nowhere.
 *
 * @see {@link ValueAt} for what stands at a path
 * @stability unstable
 * @category utility types
 * @since 0.1.0
 */
export type Path<A> = internal.Keys<A>

/**
 * The type of what stands at a path; never where the path leads nowhere.
 *
 * @stability unstable
 * @category utility types
 * @since 0.1.0
 */
export type ValueAt<A, P extends string> = P extends "_id" ? IdOf<A> : internal.At<A, P>

/**
 * The type of what stands at a path of an update, which passes an array by an index, by `$`, by `$[]` or by `$[identifier]`:
 * `items.$[].sku`. Never where the path leads nowhere.
 *
 * @stability unstable
 * @category utility types
 * @since 0.1.0
 */
export type WrittenAt<A, P extends string> = internal.WriteAt<A, P>

/**
 * What the compiler says of a path that leads nowhere: the path, and what could have been meant.
 *
 * @stability unstable
 * @category errors
 * @since 0.1.0
 */
export type NoSuchPath<Path, DidYouMean = never> = internal.NoSuchPath<Path, DidYouMean>

/**
 * A path as an argument: itself where it leads somewhere, and otherwise what could have been meant.
 *
 * @stability unstable
 * @category utility types
 * @since 0.1.0
 */
export type Argument<A, P extends string> = P extends `${string}.${string}`
  ? [internal.At<A, P>] extends [never] ? internal.Siblings<A, P> : P
  : P

/**
 * The type of a document's `_id`.
 *
 * @stability unstable
 * @category utility types
 * @since 0.1.0
 */
export type IdOf<A> = A extends { readonly _id: infer Id } ? Id : Driver.ObjectId

/**
 * The type of an array's elements; never for what is no array.
 *
 * @stability unstable
 * @category utility types
 * @since 0.1.0
 */
export type ElementOf<V> = V extends ReadonlyArray<infer E> ? E : never
