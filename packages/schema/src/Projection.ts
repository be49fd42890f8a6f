/**
 * Projections: the fields of a document that the server returns, and the type of the result.
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
 * A projection of documents whose decoded type is `A`, for variables and parameters: fields to include or to leave out, by
 * their dotted paths.
 *
 * **Details**
 *
 * `_id` is included unless the projection leaves it out. `$slice` takes some elements of an array, `$elemMatch` the first one
 * that satisfies a filter. `{ $meta: "textScore" }` adds how well a document matches the search of `$text`, under a name of
 * your choice.
 *
 * The annotation of a variable checks the first two names of a path. The operation checks the rest.
 *
 * @see {@link Projected} for the type of the result
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export type Projection<A> = { readonly [P in Shallow<A> | "_id"]?: AtKey<A, P> }

/**
 * A value that the server computes for a document: how well it matches the search of `$text`.
 *
 * @see {@link Projection} for the place to use it
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface Meta {
  /** The value to compute. */
  readonly $meta: "textScore"
}

/**
 * The compiler's message for a field that is left out in a projection that includes others. A projection does one or the other.
 *
 * @see {@link Projection} for the rules of projections
 * @stability unstable
 * @category errors
 * @since 0.1.0
 */
export interface MixedWithInclusion<Path> {
  /** The field. */
  readonly "~cannot be left out where others are included": Path
}

/**
 * The compiler's message for a path in a projection that also names the field around it.
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
 * A projection as a literal argument: `P` is the type of the literal, `K` its keys. The compiler looks only at these keys.
 *
 * @see {@link Projection} for a projection in a variable
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

/** The keys that stand for whole fields. They are unknown for a variable of the type `Projection`. */
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

/** Whether only the query can tell the fields of a projection: a flag may be 0 or 1, or a key is computed. */
type IsUndecided<P> = string extends keyof P ? true
  : { [K in keyof P]-?: IsDecided<P[K]> extends true ? never : K }[keyof P] extends never ? false
  : true

// Tests one type after the other: `0 | 1` would fit a union of them.
type IsDecided<V> = [V] extends [Included] ? true : [V] extends [Excluded] ? true : [V] extends [object] ? true : false

/** A document of which any field may be missing. */
type Partly<A> = A extends Leaf ? A
  : A extends ReadonlyArray<infer E> ? ReadonlyArray<Partly<E>>
  : { readonly [K in keyof A as A[K] extends Function ? never : K]?: Partly<A[K]> }

/** Whether a projection includes fields: whether it has a flag for that besides the one of `_id`. */
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

/** What an included path leaves below a name: nothing of a value that is not an object. */
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

/** The keys with these names. The compiler may know a name of digits as a number. */
type Key<A, Name> = (Name | (Name extends `${infer N extends number}` ? N : never)) & keyof A

type Name<K> = K extends string | number ? `${K}` : never

// Maps over `K extends keyof A`, so that an optional field stays optional, and over few names instead of all fields.
type Kept<A, K extends keyof A> = string extends keyof A ? KeptOfRecord<A, K> : { readonly [Q in K]: A[Q] }

/** The entries of a record may be absent. */
type KeptOfRecord<A, K extends keyof A> =
  & { readonly [Q in K & Known<A>]: A[Q] }
  & { readonly [Q in Exclude<K, Known<A>>]?: A[Q] }

type KeptBelow<A, P, K extends keyof A> = { readonly [Q in K]: IncludedBelow<A[Q], Tails<P, Name<Q>>> }

/** The fields whose values are always objects. Others are absent when a path below them is included. */
type Surely<A, K extends keyof A> = K extends unknown
  ? [Extract<Exclude<A[K], undefined>, Leaf>] extends [never] ? K : never
  : never

/** `Maybe`: keys that may match nothing. `Plain`: whole fields. `Deep`: fields with paths below. `Metas`: computed values. */
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

/** The `_id` is included unless the projection leaves it out, or takes a part of it. */
type WithId<A, P> = P extends { readonly _id: Excluded } ? P
  : [Extract<keyof P, `_id.${string}`>] extends [never] ? A extends { readonly _id?: unknown } ? P & { readonly _id: 1 }
    : P
  : P

/**
 * The type of a document after a projection.
 *
 * **Details**
 *
 * It is a plain object, not an instance of a class. The compiler cannot tell the result of a projection in a variable, or of a
 * flag that may be 0 or 1: any field may be missing then.
 *
 * @see {@link Projection} for projections in variables
 * @stability unstable
 * @category utility types
 * @since 0.1.0
 */
export type Projected<A, P> = IsUndecided<P> extends true ? Partly<A>
  : A extends unknown ? Includes<P> extends true ? Include<A, Simplify<WithId<A, P>>> : Exclude_<A, P>
  : never
