/** The types of documents after a stage has changed their fields. */
import type { Expr, MissingAsNull, Shape } from "../../Expr.ts"
import type { FieldName, FieldsOf } from "../expression/types.ts"
import type { Leaf } from "../path/types.ts"

/** @internal */
export type Simplify<T> = { [K in keyof T]: T[K] } & {}

type Heads<K> = K extends `${infer Head}.${string}` ? Head : never

type Tails<F, Name extends string> = {
  readonly [K in keyof F as K extends `${Name}.${infer Rest}` ? Rest : never]: F[K]
}

/**
 * The fields of a document that have none of these names. What is left of a class is a plain object.
 *
 * @internal
 */
export type Others<A, Named> = { [K in keyof A as Exclude<K, Named>]: A[K] }

type Direct<F> = { readonly [K in keyof F as K extends `${string}.${string}` ? never : K]: F[K] }

/**
 * A document after fields were set.
 *
 * @internal
 */
export type Assign<A, F> = A extends unknown ? AssignTo<FieldsOf<A>, F> : never

type AssignTo<A, F> = [Heads<keyof F>] extends [never] ? Simplify<Others<A, keyof F> & Shape<F>> : AssignPaths<A, F>

type AssignPaths<A, F> = Simplify<
  & Others<A, keyof F | Heads<keyof F>>
  & Shape<Direct<F>>
  & { readonly [Name in Heads<keyof F>]: AssignBelow<Name extends keyof A ? A[Name] : undefined, Tails<F, Name>> }
>

/** An object takes the place of what has no fields. */
type AssignBelow<A, F> = A extends ReadonlyArray<infer E> ? ReadonlyArray<AssignBelow<E, F>>
  : A extends Leaf ? AssignTo<{}, F>
  : AssignTo<FieldsOf<A>, F>

/**
 * A document after fields of a known type were added.
 *
 * @internal
 */
export type With<A, F> = A extends unknown ? Simplify<Others<FieldsOf<A>, keyof F> & F> : never

/**
 * A document after fields were taken away.
 *
 * @internal
 */
export type Without<A, P> = A extends unknown ? WithoutFields<FieldsOf<A>, P> : never

type WithoutFields<A, P> = Simplify<
  {
    [K in keyof A as K extends FieldName<A> ? K extends P ? never : K : never]: K extends Heads<P>
      ? WithoutBelow<A[K], P extends `${K}.${infer Rest}` ? Rest : never>
      : A[K]
  }
>

type WithoutBelow<A, P> = A extends Leaf ? A
  : A extends ReadonlyArray<infer E> ? ReadonlyArray<WithoutBelow<E, P>>
  : WithoutFields<FieldsOf<A>, P>

/**
 * The key of a group: null stands for what is missing.
 *
 * @internal
 */
export type GroupKey<K> = K extends null ? null : K extends Expr<infer A> ? MissingAsNull<A> : KeyShape<K>

/** In an object, the server gives null or no field where there is nothing. */
type KeyShape<F> = Simplify<
  & {
    readonly [Name in keyof F as F[Name] extends Expr<infer A> ? undefined extends A ? never : Name : Name]: GroupKey<
      F[Name]
    >
  }
  & {
    readonly [Name in keyof F as F[Name] extends Expr<infer A> ? undefined extends A ? Name : never : never]?: GroupKey<
      F[Name]
    >
  }
>
