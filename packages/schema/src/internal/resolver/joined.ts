/** The types of references: what may stand for the ids of a document, and what a document becomes. */
import type * as Option from "effect/Option"
import type * as Schema from "effect/Schema"
import type { IdOf } from "../../Path.ts"

/** What has documents: a collection, a service of one, or `ref` of either. */
interface Target {
  readonly schema: Schema.Constraint
}

/** `Effect` infers these from a service; a collection has neither. */
interface Keyed {
  readonly Service: unknown
  readonly Identifier: unknown
}

interface Described {
  readonly missing: unknown
  readonly refs: unknown
}

type RefsIn<T> = T extends Described ? T["refs"] : {}

type MissingIn<T> = T extends Described ? T["missing"] : "option"

type Found<D, M> = M extends "option" ? Option.Option<D> : M extends "null" ? D | null : D

/** The document that a target gives. */
type DocumentOf<T extends Target> = WithRefs<T["schema"]["Type"], RefsIn<T>>

/** A value of ids after their documents have taken their places. */
type Replaced<V, D, M> = V extends null | undefined ? V
  : V extends ReadonlyArray<infer E> ? Array<Replaced<E, D, M>>
  : V extends Option.Option<infer I> ? I extends ReadonlyArray<unknown> ? Option.Option<Replaced<I, D, M>>
    : M extends "option" ? Option.Option<D>
    : Option.Option<Found<D, M>>
  : Found<D, M>

type Inside<V, Refs> = V extends null | undefined ? V
  : V extends ReadonlyArray<infer E> ? Array<Inside<E, Refs>>
  : V extends Option.Option<infer I> ? Option.Option<Inside<I, Refs>>
  : WithRefs<V, Refs>

type FieldWith<V, T> = T extends Target ? Replaced<V, DocumentOf<T>, MissingIn<T>> : Inside<V, T>

/** @internal */
export type WithRefs<A, Refs> = keyof Refs extends never ? A
  : A extends unknown ? { [K in keyof A]: K extends keyof Refs ? FieldWith<A[K], Refs[K]> : A[K] }
  : never

/** The single value in a field that may be optional, null, an array or an Option. */
type Single<V> = V extends null | undefined ? never
  : V extends ReadonlyArray<infer E> ? Single<E>
  : V extends Option.Option<infer I> ? Single<I>
  : V

/** The value of a field in any member of a union. */
type FieldOf<A, K> = A extends unknown ? K extends keyof A ? A[K] : never : never

type KeysOf<A> = A extends unknown ? keyof A : never

/** The compiler's message for a target whose `_id` has another type than the field. */
interface NotItsId<Field, Id> {
  readonly "~not the _id of the collection": [field: Field, id: Id]
}

/** The compiler's message for what is neither a collection nor a service of one. */
interface NotACollection<Given> {
  readonly "~not a collection": Given
}

/** The compiler's message for a name that is no field of the document. */
interface NoSuchField<Name, Fields> {
  readonly "~no such field": [name: Name, fields: Fields]
}

type CheckedField<V, T> = T extends Target
  ? [Single<V>] extends [IdOf<T["schema"]["Type"]>] ? T : NotItsId<Single<V>, IdOf<T["schema"]["Type"]>>
  : T extends object ? Checked<Single<V>, T>
  : NotACollection<T>

/** @internal */
export type Checked<A, Refs> = {
  readonly [K in keyof Refs]: K extends KeysOf<A> ? CheckedField<FieldOf<A, K>, Refs[K]> : NoSuchField<K, KeysOf<A>>
}

/**
 * The names that an editor offers.
 *
 * @internal
 */
export type Offered<A> = { readonly [K in KeysOf<A> & string]?: unknown }

/**
 * The services that loading the documents of references needs.
 *
 * @internal
 */
export type RefServices<Refs> = { readonly [K in keyof Refs]: ServicesOf<Refs[K]> }[keyof Refs]

type ServicesOf<T> = T extends Target ?
    | T["schema"]["DecodingServices"]
    | T["schema"]["EncodingServices"]
    | (T extends Keyed ? T["Identifier"] : never)
    | (T extends Described ? T extends { readonly service: infer Self } ? Self | RefServices<T["refs"]> : never : never)
  : RefServices<T>

/**
 * `true` if a missing document is a failure somewhere.
 *
 * @internal
 */
export type CanMiss<Refs> = true extends { readonly [K in keyof Refs]: CanMissAt<Refs[K]> }[keyof Refs] ? true : false

type CanMissAt<T> = T extends Target
  ? T extends Described ? "fail" extends T["missing"] ? true : CanMiss<T["refs"]> : false
  : CanMiss<T>

/**
 * The service that a target needs.
 *
 * @internal
 */
export type SelfOf<T> = T extends Keyed ? T["Identifier"] : never
