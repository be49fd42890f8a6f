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
import { updateBy } from "./internal/pipeline/update.ts"
import type { ElementOf } from "./Path.ts"
import type { Pipeline } from "./Pipeline.ts"

/**
 * An update that was checked already, for documents of type `A` and its subtypes: the result of `make`, `at`, `values` or
 * `unsafe`, or an `Update<A>`.
 *
 * @see {@link Update} for an update in a variable
 * @see {@link make} for how to make one
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface Checked<A> extends MarkedUpdate<A> {}

/**
 * The compiler's message for an update of the `_id`, which never changes.
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
 * The compiler's message for the removal of a field that the schema requires.
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

/** The amount that may be added to a number. Brands and checks concern the number itself, not the amount. */
type Plain<V> = V extends number ? number : V extends bigint ? bigint : V

// `V & number`: where `V` is a type parameter, a number fits if the constraint of `V` is a number.
type Amount<V> = [Defined<V>] extends [Numeric] ? Value<V> | Plain<Defined<V>> : NeedsNumber<V> | (V & number)

type SortOf<E> = 1 | -1 | { readonly [key: string]: 1 | -1 } & (E extends object ? unknown : never)

/**
 * Several elements to add to an array, and how to cut and sort the array then.
 *
 * @see {@link Operators} for `$push` and `$addToSet`
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface Each<E> {
  /** The elements. */
  readonly $each: ReadonlyArray<E>
  /** Keeps this number of elements: the first ones, or the last ones for a negative number. */
  readonly $slice?: number
  /** The position to add the elements at. Without it they go to the end. */
  readonly $position?: number
  /** The order to sort the array by. */
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

// An `Option` may stand for an optional key. Only the operation can tell.
type Removed = true | "" | 1

type Pull<E> = Condition<E> | ElementFilter<E>

/**
 * The name of an operator of an update.
 *
 * @see {@link Operators} for their operands
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export type Operator = keyof Operands<unknown, never>

/** Any operand, for a path that the compiler cannot follow. The operation checks it. */
type AnyOperand = {} | null

type AtKey<A, P, Op extends Operator> = Operated<A, P>[Op]

/** The operands of all operators at a key. The compiler works them out once instead of once for each operator. */
type Operated<A, P> = P extends `${string}.${string}` ? OperatedAt<A, P, WriteAt<A, P>>
  : P extends "_id" ? OfId<P, AtId<A>>
  : Operands<First<A, P>, P>

/** An upsert may choose the `_id` of the inserted document. */
type AtId<A> = A extends { readonly _id: infer Id } ? Value<Id> : Driver.ObjectId

type OfId<P, OnInsert> = { readonly [Op in Operator]: Op extends "$setOnInsert" ? OnInsert : IsTheKey<P> }

// As in filters, both branches take a value of the constraint.
type First<A, P> = [P] extends [keyof A] ? A[P] : A[P & keyof A] | OfMembers<A, P>

type OperatedAt<A, P extends string, V> = [V] extends [never]
  ? Record<Operator, IsPattern<P> extends true ? AnyOperand : NoSuchPath<P, WriteSiblings<A, P>>>
  : P extends `_id.${string}` ? OfId<P, Value<V>>
  : Operands<V, P>

type Of<U, Op> = Op extends keyof U ? U[Op] : {}

/** The fields under one operator. */
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
 * The operators of an update as a literal argument: `U` is the type of the literal, `K` the keys in its operators.
 *
 * @see {@link Update} for an update in a variable
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
  /** Sets fields that are greater than the value. */
  readonly $min?: Group<A, U, K, "$min">
  /** Sets fields that are less than the value. */
  readonly $max?: Group<A, U, K, "$max">
  /** Adds elements to arrays. */
  readonly $push?: Group<A, U, K, "$push">
  /** Adds elements to arrays that lack them. */
  readonly $addToSet?: Group<A, U, K, "$addToSet">
  /** Removes the elements that satisfy a condition. */
  readonly $pull?: Group<A, U, K, "$pull">
  /** Removes the elements that are equal to one of these. */
  readonly $pullAll?: Group<A, U, K, "$pullAll">
  /** Removes the last element, or with -1 the first. */
  readonly $pop?: Group<A, U, K, "$pop">
  /** Sets fields that are stored as dates to the time of the server. */
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
 * Values are literals: text that starts with `$` stays text. For expressions, use `pipeline`.
 *
 * @see {@link Update} for updates by operators
 * @see {@link unsafe} for expressions
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
 * An update as a literal argument: `U` is the type of the literal, `K` the keys in its operators. The compiler looks only at
 * these keys.
 *
 * @see {@link Update} for an update in a variable
 * @see {@link make} for a function that checks an update
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
 * A key is a dotted path, which goes through an array with an index, `$`, `$[]` or `$[identifier]`. The codec of a field
 * encodes its operand. An amount that an update adds to a number may break the checks of the number. So a document can leave
 * its schema by `$inc`, `$mul`, `$bit`, `$push` and other operators that compute on the server.
 *
 * **Gotchas**
 *
 * The annotation of a variable checks the first two names of a path. The operation checks the rest. The compiler checks the
 * whole path in a literal argument of an operation or of `make`.
 *
 * `$rename` changes the fields that the schema describes. Write it in `Update.unsafe`.
 *
 * @see {@link make} for an update that is checked in full and kept
 * @see {@link Input} for an update as a literal argument
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export type Update<A> = Annotated<A> & Checked<A> | ReadonlyArray<Stage<A>> & Checked<A> | Unsafe

type Annotated<A> = { -readonly [Op in Operator]?: FieldsOf<A, Op> }

type FieldsOf<A, Op extends Operator> = {
  -readonly [P in WriteShallow<A> | (Op extends "$setOnInsert" ? "_id" : never)]?: AtShallow<A, P, Op>
}

// The pattern of a path that ends in an identifier also matches longer paths that do.
type AtShallow<A, P, Op extends Operator> = P extends `${string}.$[${string}]` ? AnyOperand : AtKey<A, P, Op>

/**
 * Checks an update in full, and keeps it as a value.
 *
 * **When to use**
 *
 * Use it for an update that is made in one place and used in another, and in code that is generic over its collection. An
 * update for `{ readonly version: number }` fits every collection whose documents have such a field.
 *
 * **Example** (The next version)
 *
 * ```ts
 * import { Update } from "@mongofx/schema"
 *
 * const next = Update.make<{ readonly version: number }>()({ $inc: { version: 1 } })
 * ```
 *
 * @see {@link at} for one computed path
 * @see {@link values} for input from outside
 * @stability unstable
 * @category constructors
 * @since 0.1.0
 */
export const make = <A>() => <const U, K extends Keys<A>>(update: Input<A, U, K>): Checked<A> => update as Checked<A>

/**
 * An update by one operator at one computed path.
 *
 * **Example** (Selling the item at a position)
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
 * @see {@link make} for a literal with known paths
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
 * The compiler's message for an update by a pipeline that would leave other documents than those of the collection.
 *
 * @see {@link pipeline} for such updates
 * @stability unstable
 * @category errors
 * @since 0.1.0
 */
export interface LeavesSchema<Field, Was, Becomes> {
  /** The field, the type of the schema, and the type that the pipeline gives. */
  readonly "~cannot be read after the update": [field: Field, schema: Was, pipeline: Becomes]
}

/** What a field may become. Brands and checks of numbers do not survive arithmetic. */
type Becomes<V> = V | (V extends number ? Widened<V> : V extends bigint ? Widened<V> : never)

/** A branded number is any number; one of several constants is not. */
type Widened<V> = V extends { readonly "~effect/Brand": unknown } ? V extends number ? number : bigint : never

/** The fields that a document must have. An update keeps the `_id`, even if a stage leaves it out. */
type RequiredKey<A> = { [K in keyof A]-?: undefined extends A[K] ? never : K extends "_id" ? never : K }[keyof A]

type Changed<A, B> =
  & {
    readonly [K in keyof A & keyof B]?: B[K] extends Becomes<A[K]> ? unknown : LeavesSchema<K, A[K], B[K]>
  }
  & { readonly [K in Exclude<RequiredKey<A>, keyof B>]: LeavesSchema<K, A[K & keyof A], undefined> }
  & { readonly [K in Exclude<keyof B, A extends unknown ? keyof A : never>]?: NoSuchPath<K, Similar<A, K>> }

/**
 * An update by the stages of a pipeline: a field can be computed from the fields that the document has.
 *
 * **When to use**
 *
 * Use it where the new value depends on other fields, in one step on the server.
 *
 * **Details**
 *
 * The stages are `set`, `unset`, `select`, `project` and `replaceRoot` of `Pipeline`, with expressions of `Expr`. The
 * documents must stay documents of the collection: the compiler compares the types, and the operation compares the schema that
 * follows from the stages with that of the collection. A field that may be missing afterwards, another type and an unknown
 * field are an `InvalidArgumentError` that names the field. So is an upsert that could insert a document without a required
 * field: in it, all fields that the filter does not name may be missing, and `Expr.ifNull` gives them a value.
 *
 * In a literal argument of an operation the compiler knows the documents; elsewhere annotate the argument of the function.
 *
 * **Gotchas**
 *
 * What is computed may break the checks of a field, as with `$inc`. An int64 that overflows is stored as a double, and the
 * document can no longer be read: keep such a result in its range with `Expr.min` and `Expr.max`, or compute with decimals.
 *
 * **Example** (The total of an order, from its lines)
 *
 * ```ts
 * import { Bson, Expr, Pipeline, type TypedCollection, Update } from "@mongofx/schema"
 * import { Schema } from "effect"
 * import type { ObjectId } from "mongodb"
 *
 * const Line = Schema.Struct({ price: Schema.Number, count: Schema.Number })
 * const Order = Schema.Struct({ _id: Bson.ObjectId, lines: Schema.Array(Line), total: Schema.Number })
 *
 * const recount = (orders: TypedCollection.TypedCollection<typeof Order>, _id: ObjectId) =>
 *   orders.updateOne(
 *     { _id },
 *     Update.pipeline((order) =>
 *       order.pipe(
 *         Pipeline.set(($) => ({
 *           total: Expr.reduce($.lines, 0, (sum, line) => Expr.add(sum, Expr.multiply(line.price, line.count)))
 *         }))
 *       )
 *     )
 *   )
 * ```
 *
 * @see {@link Stage} for stages of constants
 * @see {@link unsafe} for updates that are sent as they are
 * @stability unstable
 * @category constructors
 * @since 0.1.0
 */
export const pipeline = <A, B>(
  stages: (documents: Pipeline<A>) => Pipeline<B & Changed<A, B>>
): Checked<A> => updateBy(stages as never) as unknown as Checked<A>

/**
 * A condition on the elements that a `$[identifier]` of an update stands for: `{ "item.sku": "x" }`.
 *
 * **Details**
 *
 * The operation checks its paths and operands against the array that the identifier goes through.
 *
 * @see {@link Filter.Filter} for conditions on documents
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export type ArrayFilter = Unsafe | { readonly [path: string]: unknown }

/**
 * An update, a stage, or an expression in a pipeline that is sent as it is, without checks and encoding.
 *
 * **When to use**
 *
 * Use it for what typed updates leave out, such as `$rename`. Write stored values, not decoded ones. Keep input from
 * outside out of it.
 *
 * **Example** (Computing a field from another)
 *
 * ```ts
 * import { Update } from "@mongofx/schema"
 *
 * const update = [{ $set: { total: Update.unsafe({ $multiply: ["$price", "$count"] }) } }]
 * ```
 *
 * @see {@link values} for input from outside
 * @stability unstable
 * @category constructors
 * @since 0.1.0
 */
export const unsafe = (update: Driver.Document | ReadonlyArray<Driver.Document>): Unsafe =>
  new UnsafeImpl(update) as unknown as Unsafe

/**
 * An update of values only. An object under `$push`, `$addToSet` and `$pull` is always an element, never operators.
 *
 * **When to use**
 *
 * Use it for input from outside that has not been decoded. In a plain update, input such as `{ $each: [], $slice: -1 }` or
 * `{ $ne: "" }` is read as operators, which remove elements. Here it is an element, and the codec of the array refuses it if
 * its elements are different.
 *
 * **Details**
 *
 * The operation checks paths and values; the compiler does not. An unknown path is an `InvalidArgumentError`. A value that the
 * codec of its field refuses is a `DocumentError`.
 *
 * **Example** (Adding a tag from a request)
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
 * @see {@link unsafe} for updates that are sent as they are
 * @see {@link make} for updates that you write yourself
 * @stability unstable
 * @category constructors
 * @since 0.1.0
 */
export const values = (update: { readonly [operator: string]: Readonly<Record<string, unknown>> }): Unsafe =>
  new ValuesImpl(update) as unknown as Unsafe
