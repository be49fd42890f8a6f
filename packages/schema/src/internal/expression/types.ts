/** The types of references: what stands at a path of an expression. */
import type { Ref } from "../../Expr.ts"
import type { Leaf } from "../path/types.ts"

/**
 * An instance of a class whose fields are known. It marks the type of documents in a pipeline: getters of the class are not
 * fields.
 *
 * @internal
 */
export interface ClassOf<Self, Fields> {
  readonly "~class": readonly [self: Self, fields: Fields]
}

/**
 * The fields of a document.
 *
 * @internal
 */
export type FieldsOf<A> = A extends { readonly "~class": readonly [unknown, infer Fields] } ? Fields : A

/**
 * A document as it is decoded.
 *
 * @internal
 */
export type Decoded<A> = A extends { readonly "~class": readonly [infer Self, unknown] } ? Self : A

type IsAny<T> = 0 extends 1 & T ? true : false

/** What a path may go on in: objects, and those in an array. It skips the arrays of an array. */
type Target<A> = A extends Leaf ? never
  : A extends ReadonlyArray<infer E> ? E extends Leaf | ReadonlyArray<unknown> ? never : FieldsOf<E>
  : FieldsOf<A>

type KeyOf<T> = T extends unknown ? keyof T & string : never

/** @internal */
export type IsUnion<T, U = T> = T extends unknown ? [U] extends [T] ? false : true : never

/**
 * The names of the fields that a path may go on with.
 *
 * @internal
 */
export type FieldName<A> = KeyOf<Target<A>>

/**
 * References to the fields below a value. A field that only some members of a union have may be missing.
 *
 * @internal
 */
export type RefFields<A, Arrays extends ReadonlyArray<unknown>> = IsAny<A> extends true
  ? { readonly [name: string]: Ref<A> }
  : [Target<A>] extends [never] ? unknown
  : true extends IsUnion<Target<A>> ? { readonly [Name in FieldName<A>]: RefTo<A, Name, Arrays> }
  : RefFieldsOf<Target<A>, A, Arrays>

/** Maps the fields lazily, and so that editors lead from a reference to the field of the schema. */
type RefFieldsOf<T, A, Arrays extends ReadonlyArray<unknown>> = {
  readonly [Name in keyof T as Name extends `~${string}` ? never : Name]-?: RefTo<A, Name, Arrays>
}

type FieldAt<T, Name> = T extends Leaf | ReadonlyArray<unknown> ? undefined
  : Name extends keyof T ? string extends keyof T ? T[Name] | undefined : T[Name]
  : undefined

type Items<A> = A extends ReadonlyArray<infer E> ? Exclude<E, Leaf | ReadonlyArray<unknown>> : never

/** A reference to the field of a document, or of the elements of an array. */
type RefTo<A, Name, Arrays extends ReadonlyArray<unknown>> = [Extract<A, ReadonlyArray<unknown>>] extends [never] ?
  Ref<FieldAt<FieldsOf<A>, Name>, Arrays>
  : Ref<FieldAt<Items<A>, Name>, Through<A, Arrays>>

/** The arrays that a path went through. The first of them may be missing, which leaves nothing. */
type Through<A, Arrays extends ReadonlyArray<unknown>> = Arrays extends readonly []
  ? [[Exclude<A, ReadonlyArray<unknown>>] extends [never] ? never : undefined]
  : [...Arrays, never]

/**
 * What stands at the end of a path that went through arrays.
 *
 * @internal
 */
export type InArrays<A, Arrays extends ReadonlyArray<unknown>> = Arrays extends readonly [infer Missing, ...infer Rest]
  ? ReadonlyArray<Exclude<InArrays<A, Rest>, undefined>> | Missing
  : Decoded<A>
