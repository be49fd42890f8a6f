/**
 * Updates: plain MongoDB objects, typed by dotted paths on the decoded document.
 *
 * @since 0.1.0
 */
import type * as BigDecimal from "effect/BigDecimal"
import type * as Option from "effect/Option"
import type * as Driver from "mongodb"
import type { Condition, ElementFilter, NeedsArray, NeedsNumber, NoSuchOperator, Unsafe, Value } from "./Filter.ts"
import { type MarkedUpdate, UnsafeImpl, type UpdateMark, ValuesImpl } from "./internal/encode/marked.ts"
import type {
  Computed,
  Infer,
  InferKeys,
  IsBound,
  IsPattern,
  Keys,
  Known,
  NoSuchPath,
  Offered,
  OfMembers,
  Similar,
  WriteAt,
  WriteShallow,
  WriteSiblings,
  WriteSuggested
} from "./internal/path/types.ts"
import type { ElementOf } from "./Path.ts"

/**
 * An update that was checked already, for documents of type `A` and so for all documents that are of this type: what `make`
 * and `at` give, an `Update<A>`, or something unsafe.
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface Checked<A> extends MarkedUpdate<A> {}

/**
 * What the compiler says of an update of a key: the `_id` of a document stays what it is.
 *
 * @stability unstable
 * @category errors
 * @since 0.1.0
 */
export interface IsTheKey<Path> {
  /** The key. */
  readonly "~cannot be updated": Path
}

/**
 * What the compiler says of the removal of a field that the schema requires.
 *
 * @stability unstable
 * @category errors
 * @since 0.1.0
 */
export interface IsRequired<Path> {
  /** The field. */
  readonly "~is required by the schema": Path
}

type Integer = number | bigint | Driver.Long | Driver.Int32

type Numeric = Integer | Driver.Double | Driver.Decimal128 | BigDecimal.BigDecimal

type Defined<V> = Exclude<V, null | undefined>

/** What may be added to a number: brands and checks concern the number itself. */
type Plain<V> = V extends number ? number : V extends bigint ? bigint : V

// `V & number`: what is a number for the constraint fits where `V` is a type parameter.
type Amount<V> = [Defined<V>] extends [Numeric] ? Value<V> | Plain<Defined<V>> : NeedsNumber<V> | (V & number)

type SortOf<E> = 1 | -1 | { readonly [key: string]: 1 | -1 } & (E extends object ? unknown : never)

/**
 * Several elements to add to an array, and what is done with the array then.
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface Each<E> {
  /** The elements. */
  readonly $each: ReadonlyArray<E>
  /** Keeps so many elements: the first ones, or below zero the last ones. */
  readonly $slice?: number
  /** Where they are put; at the end without it. */
  readonly $position?: number
  /** The order that the array is put in. */
  readonly $sort?: SortOf<E>
}

type OfArray<V, T> = [Defined<V>] extends [ReadonlyArray<unknown>] ? T : NeedsArray<V>

type ElementsOf<V> = ElementOf<Defined<V>>

/** The operand of each operator, for a field of type `V` at a path. */
interface Operands<V, P> {
  readonly $set: Value<V>
  readonly $setOnInsert: Value<V>
  readonly $unset: undefined extends V ? Removed : [V] extends [Option.Option<unknown>] ? Removed : IsRequired<P>
  readonly $inc: Amount<V>
  readonly $mul: Amount<V>
  readonly $min: Value<V>
  readonly $max: Value<V>
  readonly $push: OfArray<V, ElementsOf<V> | Each<ElementsOf<V>>>
  readonly $addToSet: OfArray<V, ElementsOf<V> | { readonly $each: ReadonlyArray<ElementsOf<V>> }>
  readonly $pull: OfArray<V, Pull<ElementsOf<V>>>
  readonly $pullAll: OfArray<V, ReadonlyArray<ElementsOf<V>>>
  readonly $pop: OfArray<V, 1 | -1>
  readonly $currentDate: true
  readonly $bit: [Defined<V>] extends [Integer] ? { readonly [O in "and" | "or" | "xor"]?: Plain<Defined<V>> }
    : NeedsNumber<V>
}

// An `Option` may stand for a key that need not be there. Whether it does, is known when the update is used.
type Removed = true | "" | 1

type Pull<E> = Condition<E> | ElementFilter<E>

/**
 * The name of an operator.
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export type Operator = keyof Operands<unknown, never>

/** Any operand: for a path that the compiler cannot follow. It is checked when the update is used. */
type AnyOperand = {} | null

type AtKey<A, P, Op extends Operator> = Operated<A, P>[Op]

/** The operands of all operators at a key: worked out once, and not for each operator. */
type Operated<A, P> = P extends `${string}.${string}` ? OperatedAt<A, P, WriteAt<A, P>>
  : P extends "_id" ? OfId<P, AtId<A>>
  : Operands<First<A, P>, P>

/** An upsert may choose the `_id` of what it inserts. */
type AtId<A> = A extends { readonly _id: infer Id } ? Value<Id> : Driver.ObjectId

type OfId<P, OnInsert> = { readonly [Op in Operator]: Op extends "$setOnInsert" ? OnInsert : IsTheKey<P> }

// As in filters: both branches take a value of the constraint.
type First<A, P> = [P] extends [keyof A] ? A[P] : A[P & keyof A] | OfMembers<A, P>

type OperatedAt<A, P extends string, V> = [V] extends [never]
  ? Record<Operator, IsPattern<P> extends true ? AnyOperand : NoSuchPath<P, WriteSiblings<A, P>>>
  : P extends `_id.${string}` ? OfId<P, Value<V>>
  : Operands<V, P>

type Of<U, Op> = Op extends keyof U ? U[Op] : {}

/** What stands under one operator. */
type Group<A, U, K extends PropertyKey, Op extends Operator> = NoInfer<Fields<A, U, K, Op>> & InferKeys<K> & Offered<A>

type Fields<A, U, K extends PropertyKey, Op extends Operator> =
  & { readonly [P in K | WriteSuggested<A, K>]?: AtKey<A, P, Op> }
  & (IsBound<K> extends true ? WrongFields<A, Of<U, Op>, K, Op> & Computed<Of<U, Op>> : unknown)

type WrongFields<A, G, K, Op extends Operator> = {
  readonly [P in Known<G>]?: P extends `${string}.${string}` ? AtKey<A, P, Op>
    : P extends K ? unknown
    : NoSuchPath<P, Similar<A, P>>
}

/**
 * The operators of an update where it is written: `U` is the type of the literal, `K` the keys in its operators.
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface Operators<A, U, K extends PropertyKey> {
  /** Sets fields. */
  readonly $set?: Group<A, U, K, "$set">
  /** Sets fields of a document that the update inserts. */
  readonly $setOnInsert?: Group<A, U, K, "$setOnInsert">
  /** Removes fields that the schema does not require. */
  readonly $unset?: Group<A, U, K, "$unset">
  /** Adds to numbers. */
  readonly $inc?: Group<A, U, K, "$inc">
  /** Multiplies numbers. */
  readonly $mul?: Group<A, U, K, "$mul">
  /** Sets fields that are greater. */
  readonly $min?: Group<A, U, K, "$min">
  /** Sets fields that are less. */
  readonly $max?: Group<A, U, K, "$max">
  /** Adds elements to arrays. */
  readonly $push?: Group<A, U, K, "$push">
  /** Adds elements to arrays that do not have them. */
  readonly $addToSet?: Group<A, U, K, "$addToSet">
  /** Removes the elements that satisfy a condition. */
  readonly $pull?: Group<A, U, K, "$pull">
  /** Removes elements that are equal to one of these. */
  readonly $pullAll?: Group<A, U, K, "$pullAll">
  /** Removes the last element, or with -1 the first. */
  readonly $pop?: Group<A, U, K, "$pop">
  /** Sets fields that are stored as dates to the server's time. */
  readonly $currentDate?: Group<A, U, K, "$currentDate">
  /** Changes bits of integers. */
  readonly $bit?: Group<A, U, K, "$bit">
}

/** Stages, one by one. */
type Stages<A, Us> = { readonly [I in keyof Us]: StageOf<A, Us[I]> }

type StageOf<A, S> = [UpdateMark] extends [keyof S] ? Checked<A>
  : S extends { readonly $set: infer G } ? { readonly $set: Literals<A, G> }
  : S extends { readonly $addFields: infer G } ? { readonly $addFields: Literals<A, G> }
  : S extends { readonly $unset: infer N } ? { readonly $unset: Unset<A, N> }
  : Stage<A>

type Literals<A, G> = {
  readonly [P in keyof G]: P extends Keys<A> ? AtKey<A, P, "$set"> | Unsafe : NoSuchPath<P, Similar<A, P>>
}

type Unset<A, N> = N extends ReadonlyArray<unknown> ? { readonly [I in keyof N]: UnsetName<A, N[I]> } : UnsetName<A, N>

type UnsetName<A, N> = N extends Keys<A> ? AtKey<A, N, "$unset"> extends infer R ? true extends R ? N : R : never
  : NoSuchPath<N, Similar<A, N>>

/**
 * A stage of an update by a pipeline, for variables and parameters.
 *
 * **Details**
 *
 * Values are literals: text that starts with `$` stays text. For an expression, write `Update.unsafe(expression)` in the
 * place of a value.
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export type Stage<A> =
  | { readonly $set: AnnotatedLiterals<A> }
  | { readonly $addFields: AnnotatedLiterals<A> }
  | { readonly $unset: Removable<A> | ReadonlyArray<Removable<A>> }
  | Unsafe

type Removable<A> = keyof { [P in WriteShallow<A> as AtKey<A, P, "$unset"> extends IsRequired<P> ? never : P]: 1 }

type AnnotatedLiterals<A> = { readonly [P in WriteShallow<A>]?: AtKey<A, P, "$set"> | Unsafe }

/**
 * An update where it is written: `U` is the type of the literal, `K` the keys in its operators. Only those are looked at.
 *
 * @see {@link Update} for an update in a variable
 * @stability unstable
 * @category utility types
 * @since 0.1.0
 */
export type Input<A, U, K extends PropertyKey> =
  & Infer<U>
  & ([UpdateMark] extends [keyof U] ? Checked<A>
    : U extends ReadonlyArray<unknown> ? Stages<A, U>
    : { readonly [Op in Exclude<keyof U, Operator>]: NoSuchOperator<Op> } & Operators<A, U, K>)

/**
 * An update of documents whose decoded type is `A`, for variables and parameters: operators, or the stages of a pipeline.
 *
 * **Details**
 *
 * A key is a dotted path, which passes an array by an index, by `$`, `$[]` or `$[identifier]`. Each operand goes through the
 * codec of its field. What an update adds to a number need not pass the checks of the number: a document can leave its schema
 * by `$inc`, `$mul`, `$bit`, `$push` and what else computes on the server.
 *
 * **Gotchas**
 *
 * The annotation of a variable knows two names of a path. What follows the second is checked when the update is used, and by
 * the compiler where the update is written as the argument of an operation or of `make`.
 *
 * `$rename` changes what the schema is about, and is left to `Update.unsafe`.
 *
 * @see {@link make} for an update that is checked in full and kept
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export type Update<A> = Annotated<A> & Checked<A> | ReadonlyArray<Stage<A>> & Checked<A> | Unsafe

type Annotated<A> = { -readonly [Op in Operator]?: FieldsOf<A, Op> }

type FieldsOf<A, Op extends Operator> = {
  -readonly [P in WriteShallow<A> | (Op extends "$setOnInsert" ? "_id" : never)]?: AtShallow<A, P, Op>
}

// The pattern of an identifier matches what ends in one further down as well.
type AtShallow<A, P, Op extends Operator> = P extends `${string}.$[${string}]` ? AnyOperand : AtKey<A, P, Op>

/**
 * Checks an update in full, and keeps it as a value.
 *
 * **When to use**
 *
 * Use it for an update that is made in one place and used in another, and in code that is generic over its collection: an
 * update that is made for `{ readonly version: number }` fits every collection whose documents have such a field.
 *
 * **Example** (The next version)
 *
 * ```ts
 * import { Update } from "@mongofx/schema"
 *
 * const next = Update.make<{ readonly version: number }>()({ $inc: { version: 1 } })
 * ```
 *
 * @stability unstable
 * @category constructors
 * @since 0.1.0
 */
export const make = <A>() => <const U, K extends Keys<A>>(update: Input<A, U, K>): Checked<A> => update as Checked<A>

/**
 * One operator on one path, for a path that is computed.
 *
 * **Example** (Selling what is at a position)
 *
 * ```ts
 * import { Update } from "@mongofx/schema"
 *
 * interface Order {
 *   readonly items: ReadonlyArray<{ readonly qty: number }>
 * }
 *
 * const sell = (position: number, qty: number) => Update.at<Order>()("$inc", `items.${position}.qty`, -qty)
 * ```
 *
 * @stability unstable
 * @category constructors
 * @since 0.1.0
 */
export const at = <A>() =>
<Op extends Operator, const P extends string>(
  operator: Op,
  path: P & ([WriteAt<A, P>] extends [never] ? NoSuchPath<P, WriteSiblings<A, P>> : unknown),
  operand: NoInfer<AtKey<A, P, Op>>
): Checked<A> => ({ [operator]: { [path]: operand } }) as Checked<A>

/**
 * A condition on what a `$[identifier]` of an update stands for: `{ "item.sku": "x" }`.
 *
 * **Details**
 *
 * Its paths and operands are checked when it is used, against the place of the identifier in the update.
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export type ArrayFilter = Unsafe | { readonly [path: string]: unknown }

/**
 * An update, a stage, or an expression in a pipeline, that is sent as it is, unchecked and not encoded.
 *
 * **When to use**
 *
 * Use it for what typed updates leave out: `$rename`, and expressions. It takes stored values, not decoded ones. Never let
 * it hold input from outside.
 *
 * **Example** (Computing a field from another)
 *
 * ```ts
 * import { Update } from "@mongofx/schema"
 *
 * const update = [{ $set: { total: Update.unsafe({ $multiply: ["$price", "$count"] }) } }]
 * ```
 *
 * @stability unstable
 * @category constructors
 * @since 0.1.0
 */
export const unsafe = (update: Driver.Document | ReadonlyArray<Driver.Document>): Unsafe =>
  new UnsafeImpl(update) as unknown as Unsafe

/**
 * An update of values only: whatever stands under `$push`, `$addToSet` and `$pull` is an element, whatever it looks like.
 *
 * **When to use**
 *
 * Use it for what comes from outside and has not been decoded. Of a plain update no program can see who wrote
 * `{ $each: [], $slice: -1 }` or `{ $ne: "" }`: as operators they take elements away. Here such an object is an element, and
 * refused where the array has no such elements.
 *
 * **Details**
 *
 * Paths and values are checked when the update is used, not by the compiler: an unknown path is an `InvalidArgumentError`, a
 * value that the codec of its field does not take a `DocumentError`.
 *
 * **Example** (Adding what a request names)
 *
 * ```ts
 * import { type TypedCollection, Update } from "@mongofx/schema"
 * import { Schema } from "effect"
 *
 * const Post = Schema.Struct({ _id: Schema.String, tags: Schema.Array(Schema.String) })
 *
 * const tag = (posts: TypedCollection.TypedCollection<typeof Post>, _id: string, body: { readonly tag: unknown }) =>
 *   posts.updateOne({ _id }, Update.values({ $push: { tags: body.tag } }))
 * ```
 *
 * @see {@link unsafe} for what is sent as it is
 * @stability unstable
 * @category constructors
 * @since 0.1.0
 */
export const values = (update: { readonly [operator: string]: Readonly<Record<string, unknown>> }): Unsafe =>
  new ValuesImpl(update) as unknown as Unsafe
