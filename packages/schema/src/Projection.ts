/**
 * Projections: which fields of a document are returned, and the type of what is left.
 *
 * @since 0.1.0
 */
import type { ElementFilter } from "./Filter.ts"
import type { ElementOf, Path, ReadPaths } from "./Path.ts"

/**
 * A projection of documents whose decoded type is `A`: fields to include or fields to leave out, by their dotted paths.
 *
 * **Details**
 *
 * `_id` is included unless it is left out. `$slice` takes elements of an array, `$elemMatch` the first that satisfies a
 * filter.
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export type Projection<A> = {
  readonly [E in ReadPaths<A> as E extends [infer P extends string, unknown] ? P : never]?: E extends [string, infer V]
    ? Flag | ArrayOperator<ElementOf<V>>
    : never
}

/**
 * A projection with no other keys than those of the documents.
 *
 * @stability unstable
 * @category utility types
 * @since 0.1.0
 */
export type Exact<A, P> = P & { readonly [K in Exclude<keyof P, Path<A>>]: never }

type Flag = 0 | 1 | boolean

type ArrayOperator<E> = [E] extends [never] ? never
  : { readonly $slice: number | readonly [number, number] } | {
    readonly $elemMatch: ElementFilter<E>
  }

type Included = 1 | true

type Excluded = 0 | false

type Simplify<T> = { [K in keyof T]: T[K] } & {}

/** Whether a projection includes: whether there is a flag for it other than that of `_id`. */
type Includes<P> = {
  [K in keyof P]: K extends "_id" ? never : P[K] extends Included | { readonly $elemMatch: unknown } ? true : never
}[keyof P] extends never
  ? { [K in keyof P]: P[K] extends Excluded ? true : never }[keyof P] extends never
    ? P extends { readonly _id: Included } ? true : false
  : false
  : true

/** The first names of the keys. */
type Heads<K> = K extends `${infer Head}.${string}` ? Head : K

/** The keys below a name, without it. */
type Tails<P, Name extends string> = {
  readonly [K in keyof P as K extends `${Name}.${infer Rest}` ? Rest : never]: P[K]
}

type Names<A> = { [K in keyof A]-?: A[K] extends Function ? never : K extends string ? K : never }[keyof A]

type Below<V, P, Include> = V extends ReadonlyArray<infer E> ? ReadonlyArray<Below<E, P, Include>>
  : V extends object ? Include extends true ? Include_<V, P> : Exclude_<V, P>
  : V

type Include_<A, P> = Simplify<
  & { readonly [K in keyof A as K extends Plain<P> ? K : never]: A[K] }
  & { readonly [K in keyof A as K extends Maybe<P> ? K : never]?: A[K] }
  & {
    readonly [K in keyof A as K extends Deep<P> ? K : never]: Below<A[K], Tails<P, K & string>, true>
  }
>

/** Keys that stand for a whole field, those that need not match, and those whose field is gone into. */
type Maybe<P> = { [K in keyof P]: P[K] extends { readonly $elemMatch: unknown } ? K : never }[keyof P]
type Plain<P> = Exclude<
  { [K in keyof P]: P[K] extends Excluded ? never : K extends `${string}.${string}` ? never : K }[keyof P],
  Maybe<P>
>
type Deep<P> = Heads<Extract<keyof P, `${string}.${string}`>>

type Exclude_<A, P> = Simplify<
  {
    readonly [K in keyof A as K extends Names<A> ? K extends Gone<P> ? never : K : never]: K extends Deep<P>
      ? Below<A[K], Tails<P, K & string>, false>
      : A[K]
  }
>

type Gone<P> = { [K in keyof P]: P[K] extends Excluded ? K extends `${string}.${string}` ? never : K : never }[keyof P]

type WithId<A, P> = P extends { readonly _id: Excluded } ? P
  : A extends { readonly _id?: unknown } ? P & { readonly _id: 1 }
  : P

/**
 * What a projection leaves of a document.
 *
 * **Details**
 *
 * It is a plain object: what is left of a class is no instance of it.
 *
 * @stability unstable
 * @category utility types
 * @since 0.1.0
 */
export type Projected<A, P> = A extends unknown
  ? Includes<P> extends true ? Include_<A, Simplify<WithId<A, P>>> : Exclude_<A, P>
  : never
