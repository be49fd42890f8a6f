/**
 * The types of dotted paths into documents, and of the values at their ends.
 *
 * @since 0.1.0
 */
import type * as Driver from "mongodb"
import type * as internal from "./internal/path/types.ts"

/**
 * A path into a document: one of its fields, or several names with dots between them. A path goes through an array with an
 * index or without one: `items.0.sku`, `items.sku`.
 *
 * **When to use**
 *
 * Use it as the bound of a type parameter, with `ValueAt` for the value: `<const P extends Path.Path<A>>(path: P, value:
 * Path.ValueAt<A, P>)`.
 *
 * **Details**
 *
 * The type does not list the paths: for wide, deep or recursive schemas that would cost the compiler more than everything
 * else. The compiler follows a path with a dot where it is used, and refuses it there if it leads nowhere.
 *
 * @see {@link ValueAt} for the value at a path
 * @stability unstable
 * @category utility types
 * @since 0.1.0
 */
export type Path<A> = internal.Keys<A>

/**
 * The type of the value at a path, or `never` if the path leads nowhere.
 *
 * @see {@link WrittenAt} for the paths of updates
 * @stability unstable
 * @category utility types
 * @since 0.1.0
 */
export type ValueAt<A, P extends string> = P extends "_id" ? IdOf<A> : internal.At<A, P>

/**
 * The type of the value at a path of an update, or `never` if the path leads nowhere. Such a path goes through an array with an
 * index, `$`, `$[]` or `$[identifier]`: `items.$[].sku`.
 *
 * @see {@link ValueAt} for the paths of filters
 * @stability unstable
 * @category utility types
 * @since 0.1.0
 */
export type WrittenAt<A, P extends string> = internal.WriteAt<A, P>

/**
 * The compiler's message for a path that leads nowhere: the path, and those that could have been meant.
 *
 * @see {@link Argument} for an argument that offers other paths
 * @stability unstable
 * @category errors
 * @since 0.1.0
 */
export type NoSuchPath<Path, DidYouMean = never> = internal.NoSuchPath<Path, DidYouMean>

/**
 * A path as an argument. If it leads nowhere, the type is that of the paths that could have been meant.
 *
 * @see {@link Path} for the bound of a type parameter
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
 * @see {@link ValueAt} for the values at other paths
 * @stability unstable
 * @category utility types
 * @since 0.1.0
 */
export type IdOf<A> = A extends { readonly _id: infer Id } ? Id : Driver.ObjectId

/**
 * The type of an array's elements, or `never` if the type is not an array.
 *
 * @see {@link ValueAt} for the values at a path
 * @stability unstable
 * @category utility types
 * @since 0.1.0
 */
export type ElementOf<V> = V extends ReadonlyArray<infer E> ? E : never
