/**
 * Projections: which fields of a document are returned, and the type of what is left.
 *
 * @since 0.1.0
 */
import type { ElementFilter, NeedsArray } from "./Filter.ts"
import type {
  At,
  Infer,
  InferKeys,
  IsBound,
  IsPattern,
  Known,
  Leaf,
  NoSuchPath,
  Offered,
  OfMembers,
  Shallow,
  Siblings,
  Similar,
  Suggested
} from "./internal/path/types.ts"
import type { ElementOf } from "./Path.ts"

/**
 * A projection of documents whose decoded type is `A`, for variables and parameters: fields to include or fields to leave
 * out, by their dotted paths.
 *
 * **Details**
 *
 * `_id` is included unless it is left out. `$slice` takes elements of an array, `$elemMatch` the first that satisfies a
 * filter. `{ $meta: "textScore" }` adds how well a document matches the search of `$text`, under a name of your choice.
 *
 * The annotation of a variable knows two names of a path. What follows the second is checked when the projection is used.
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export type Projection<A> = { readonly [P in Shallow<A> | "_id"]?: AtKey<A, P> }

/**
 * A value that the server computes for a document: how well it matches the search of `$text`.
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface Meta {
  /** What is computed. */
  readonly $meta: "textScore"
}

/**
 * What the compiler says of a field that is left out in a projection that includes others: a projection includes or leaves out.
 *
 * @stability unstable
 * @category errors
 * @since 0.1.0
 */
export interface MixedWithInclusion<Path> {
  /** The field. */
  readonly "~cannot be left out where others are included": Path
}

/**
 * What the compiler says of a path in a projection that names the field around it as well.
 *
 * @stability unstable
 * @category errors
 * @since 0.1.0
 */
export interface IsPartOfAnother<Path> {
  /** The path. */
  readonly "~is part of another field of the projection": Path
}

/**
 * A projection where it is written: `P` is the type of the literal, `K` its keys. Only those are looked at.
 *
 * @stability unstable
 * @category utility types
 * @since 0.1.0
 */
export type Input<A, P, K extends PropertyKey> =
  & Infer<P>
  & InferKeys<K>
  & Offered<A>
  & NoInfer<Fields<A, P, K>>

type Fields<A, P, K extends PropertyKey> =
  & {
    readonly [Q in K | Suggested<A, K>]?: Q extends Mixed<A, P> ? MixedWithInclusion<Q>
      : Q extends `${Whole<P>}.${string}` ? IsPartOfAnother<Q>
      : AtKey<A, Q>
  }
  & (IsBound<K> extends true ? WrongFields<A, P, K> : unknown)

type WrongFields<A, P, K> = {
  readonly [Q in Known<P>]?: Q extends `${string}.${string}` ? AtKey<A, Q>
    : Q extends K ? unknown
    : P[Q & keyof P] extends AnyMeta ? Meta
    : NoSuchPath<Q, Similar<A, Q>>
}

/** The fields that are left out, where others are included. `_id` may have another name in the schema. */
type Mixed<A, P> = "_id" extends keyof A ? MixedFields<P> : never

/** The keys that stand for all that is below them. What a variable of the type `Projection` holds, is not known. */
type Whole<P> = IsUndecided<P> extends true ? never : keyof P & string

type MixedFields<P> = {
  [K in keyof P]: K extends "_id" ? never : P[K] extends Included ? true : never
}[keyof P] extends never ? never
  : { [K in keyof P]: K extends "_id" ? never : P[K] extends Excluded ? K : never }[keyof P]

type Flag = 0 | 1 | boolean

type ArrayOperator<V> = [ElementOf<V>] extends [never]
  ? { readonly $slice: NeedsArray<V> } | { readonly $elemMatch: NeedsArray<V> }
  : { readonly $slice: number | readonly [number, number] } | {
    readonly $elemMatch: ElementFilter<ElementOf<V>>
  }

type AtKey<A, P> = P extends `${string}.${string}`
  ? [At<A, P>] extends [never] ? IsPattern<P> extends true ? Flag : NoSuchPath<P, Siblings<A, P>>
  : Flag | ArrayOperator<At<A, P>>
  : Flag | ArrayOperator<First<A, P>>

type First<A, P> = [P] extends [keyof A] ? A[P] : OfMembers<A, P>

type Included = 1 | true

type Excluded = 0 | false

type Simplify<T> = { [K in keyof T]: T[K] } & {}

/** Whether it is known only when the query runs what a projection names: a flag is either, or a key is computed. */
type IsUndecided<P> = string extends keyof P ? true
  : { [K in keyof P]-?: IsDecided<P[K]> extends true ? never : K }[keyof P] extends never ? false
  : true

// One by one: the compiler takes `0 | 1` for one of several that fit.
type IsDecided<V> = [V] extends [Included] ? true : [V] extends [Excluded] ? true : [V] extends [object] ? true : false

/** A document of which any field may be missing. */
type Partly<A> = A extends Leaf ? A
  : A extends ReadonlyArray<infer E> ? ReadonlyArray<Partly<E>>
  : { readonly [K in keyof A as A[K] extends Function ? never : K]?: Partly<A[K]> }

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

/** What stands below a name of a path that is included: what is no object has nothing there. */
type IncludedBelow<V, P> = V extends Leaf ? V extends undefined ? V : never
  : V extends ReadonlyArray<infer E> ? ReadonlyArray<IncludedBelow<E, P>>
  : Include<V, P>

type ExcludedBelow<V, P> = V extends Leaf ? V
  : V extends ReadonlyArray<infer E> ? ReadonlyArray<ExcludedBelow<E, P>>
  : Exclude_<V, P>

type Include<A, P> = Simplify<
  & Kept<A, Key<A, Plain<P>>>
  & { readonly [K in Maybe<P> & keyof A]?: A[K] }
  & KeptBelow<A, P, Surely<A, Key<A, Deep<P>>>>
  & {
    readonly [K in Exclude<Key<A, Deep<P>>, Surely<A, Key<A, Deep<P>>>>]?: IncludedBelow<A[K], Tails<P, Name<K>>>
  }
  & { readonly [K in Metas<P>]: number }
>

/** The keys of these names: to the compiler, a name of digits may be a number. */
type Key<A, Name> = (Name | (Name extends `${infer N extends number}` ? N : never)) & keyof A

type Name<K> = K extends string | number ? `${K}` : never

// Mapped over `K extends keyof A`, so that an optional field stays optional; and over few names instead of all fields.
type Kept<A, K extends keyof A> = string extends keyof A ? KeptOfRecord<A, K> : { readonly [Q in K]: A[Q] }

/** What a record has need not be there. */
type KeptOfRecord<A, K extends keyof A> =
  & { readonly [Q in K & Known<A>]: A[Q] }
  & { readonly [Q in Exclude<K, Known<A>>]?: A[Q] }

type KeptBelow<A, P, K extends keyof A> = { readonly [Q in K]: IncludedBelow<A[Q], Tails<P, Name<Q>>> }

/** The fields whose values are always objects: others are not there when something below them is included. */
type Surely<A, K extends keyof A> = K extends unknown
  ? [Extract<Exclude<A[K], undefined>, Leaf>] extends [never] ? K : never
  : never

/** Keys that stand for a whole field, those that need not match, those whose field is gone into, and those that are added. */
type Maybe<P> = { [K in keyof P]: P[K] extends { readonly $elemMatch: unknown } ? K : never }[keyof P]
type Plain<P> = {
  [K in keyof P]: P[K] extends Excluded | AnyMeta | { readonly $elemMatch: unknown } ? never
    : K extends `${string}.${string}` ? never
    : K
}[keyof P]
type Deep<P> = Heads<Extract<keyof P, `${string}.${string}`>>
type Metas<P> = { [K in keyof P]: P[K] extends AnyMeta ? K : never }[keyof P]

// The compiler may have widened the text.
type AnyMeta = { readonly $meta: unknown }

type Names<A> = { [K in keyof A]-?: A[K] extends Function ? never : K extends string | number ? K : never }[keyof A]

type Exclude_<A, P> = Simplify<
  & {
    readonly [K in keyof A as K extends Names<A> ? Name<K> extends Gone<P> ? never : K : never]: Name<K> extends Deep<P>
      ? ExcludedBelow<A[K], Tails<P, Name<K>>>
      : A[K]
  }
  & { readonly [K in Metas<P>]: number }
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
 * It is a plain object: what is left of a class is no instance of it. Of a projection in a variable, and of flags that may be
 * 0 as well as 1, the compiler cannot tell what they leave: any field may be missing then.
 *
 * @stability unstable
 * @category utility types
 * @since 0.1.0
 */
export type Projected<A, P> = IsUndecided<P> extends true ? Partly<A>
  : A extends unknown ? Includes<P> extends true ? Include<A, Simplify<WithId<A, P>>> : Exclude_<A, P>
  : never
