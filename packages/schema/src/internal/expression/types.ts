/** The types of references: what stands at a path of an expression. */
import type { Ref } from "../../Expr.ts"
import type { Leaf } from "../path/types.ts"

/**
 * An instance of a class whose fields are known. It marks the type of documents in a pipeline: getters of the class are no
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

/** The names of fields, without methods and brands of Effect. */
type Names<T> = {
  [K in keyof T]-?: K extends string ? K extends `~${string}` ? never : T[K] extends Function ? never : K : never
}[keyof T]

type IsAny<T> = 0 extends 1 & T ? true : false

/**
 * The names of the fields that a path may go on with.
 *
 * @internal
 */
export type FieldName<A> = IsAny<A> extends true ? string
  : A extends Leaf ? never
  : A extends ReadonlyArray<infer E> ? ElementName<E>
  : Names<FieldsOf<A>>

/** A path skips the arrays of an array. */
type ElementName<E> = E extends Leaf | ReadonlyArray<unknown> ? never : Names<E>

type FieldAt<T, Name> = T extends Leaf | ReadonlyArray<unknown> ? undefined
  : Name extends keyof T ? string extends keyof T ? T[Name] | undefined : T[Name]
  : undefined

type Items<A> = A extends ReadonlyArray<infer E> ? Exclude<E, Leaf | ReadonlyArray<unknown>> : never

/**
 * A reference to the field of a document, or of the elements of an array.
 *
 * @internal
 */
export type RefTo<A, Name, Arrays extends ReadonlyArray<unknown>> = IsAny<A> extends true ? Ref<A>
  : [Extract<A, ReadonlyArray<unknown>>] extends [never] ? Ref<FieldAt<A, Name>, Arrays>
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
