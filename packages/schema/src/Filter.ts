/**
 * Filters: plain MongoDB objects, typed by dotted paths on the decoded document.
 *
 * @since 0.1.0
 */
import type * as Option from "effect/Option"
import type * as Driver from "mongodb"
import type { Expr, Nullish, Ref } from "./Expr.ts"
import {
  type ComputedTypeId,
  type FilterMark,
  isUnsafe as isUnsafe_,
  type MarkedFilter,
  type MarkedUpdate,
  UnsafeImpl,
  type UnsafeTypeId,
  ValuesImpl,
  type ValuesTypeId
} from "./internal/encode/marked.ts"
import * as text from "./internal/encode/pattern.ts"
import { conditionOf } from "./internal/expression/condition.ts"
import type {
  At,
  AtWith,
  Computed,
  Infer,
  InferKeys,
  IsBound,
  IsLoose,
  IsPattern,
  Keys,
  Known,
  NoSuchPath,
  Offered,
  OfferedLiteral,
  OfMembers,
  Shallow,
  Siblings,
  Similar,
  Suggested
} from "./internal/path/types.ts"
import type { ElementOf, ValueAt } from "./Path.ts"

/**
 * A filter that was checked already, for documents of type `A`: the result of `make`, `at`, `eq`, `expr`, `and`, `or`, `not`,
 * `values` or `unsafe`, or a `Filter<A>`.
 *
 * **Details**
 *
 * A filter for a type fits its subtypes too: a filter for `{ readonly version: number }` fits every collection whose
 * documents have such a field.
 *
 * @see {@link Filter} for a filter in a variable
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface Checked<A> extends MarkedFilter<A> {}

/**
 * A filter, an update or a part of one that is sent as it is: the result of `unsafe`.
 *
 * @see {@link unsafe} for how to make one
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface Unsafe extends MarkedFilter<unknown>, MarkedUpdate<unknown> {
  readonly [UnsafeTypeId]: true
}

/**
 * Fields and the values that they must be equal to: the result of `values`.
 *
 * @see {@link values} for how to make one
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface Values extends MarkedFilter<unknown> {
  readonly [ValuesTypeId]: true
}

/**
 * A condition on whole documents, by an expression: the result of `expr`.
 *
 * @see {@link expr} for how to make one
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface Expression<A> extends MarkedFilter<A> {
  readonly [ComputedTypeId]: true
}

/**
 * A value of type `V` other than `undefined`.
 *
 * @see {@link Operand} for elements of arrays as well
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
// Keeps object types and type parameters as they are, which `Exclude` would not.
export type Value<V> = V & ({} | null)

/**
 * A value that a field of type `V` may be compared with: a whole value, or one element of an array.
 *
 * @see {@link Condition} for operators as well
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export type Operand<V> = Value<V> | Value<ElementOf<V>>

type Text<V> = [Extract<Operand<V>, string>] extends [never] ? never : RegExp

type When<Condition, A, Otherwise> = [Condition] extends [never] ? Otherwise : A

/**
 * The compiler's message for an unknown operator.
 *
 * @stability unstable
 * @category errors
 * @since 0.1.0
 */
export interface NoSuchOperator<Name> {
  /** The name that was written. */
  readonly "~no such operator": Name
}

/**
 * The compiler's message for an operator that needs text, at a field of type `V`.
 *
 * @stability unstable
 * @category errors
 * @since 0.1.0
 */
export interface NeedsText<V> {
  /** The type of the field. */
  readonly "~needs text": [found: V]
}

/**
 * The compiler's message for an operator that needs an array, at a field of type `V`.
 *
 * @stability unstable
 * @category errors
 * @since 0.1.0
 */
export interface NeedsArray<V> {
  /** The type of the field. */
  readonly "~needs an array": [found: V]
}

/**
 * The compiler's message for an operator that needs a number, at a field of type `V`.
 *
 * @stability unstable
 * @category errors
 * @since 0.1.0
 */
export interface NeedsNumber<V> {
  /** The type of the field. */
  readonly "~needs a number": [found: V]
}

/**
 * The compiler's message for a field that is missing in a member of a union, when a tag in the same filter picks that member.
 *
 * @stability unstable
 * @category errors
 * @since 0.1.0
 */
export interface NotWithThisTag<Path> {
  /** The field. */
  readonly "~not with this tag": Path
}

/**
 * The condition of an element of an array: operators, or a filter of its fields if it is an object.
 *
 * @see {@link Condition} for a field
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export type ElementFilter<E> = Operators<E> | (E extends object ? Annotated<E, never> : never)

/**
 * The operators for a field whose decoded type is `V`. Operands are decoded values; the codec of the field encodes them.
 *
 * **Gotchas**
 *
 * `$gt`, `$gte`, `$lt` and `$lte` compare stored values. Their order is that of the decoded values for numbers, dates, text
 * and every codec that keeps the order. It differs for a number that is stored as text, for example.
 *
 * @see {@link Condition} for a value without an operator
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface Operators<V> {
  /** Keeps primitives and dates from passing for an object of operators in generic code. Leave it out. */
  readonly valueOf?: () => object
  /** Is equal to. Its operand is always a value, even if it looks like operators: use it for input that you do not trust. */
  readonly $eq?: Operand<V>
  /** Is not equal to, or is absent. */
  readonly $ne?: Operand<V>
  /** Is greater than. */
  readonly $gt?: Operand<V>
  /** Is greater than or equal to. */
  readonly $gte?: Operand<V>
  /** Is less than. */
  readonly $lt?: Operand<V>
  /** Is less than or equal to. */
  readonly $lte?: Operand<V>
  /** Is one of these. */
  readonly $in?: ReadonlyArray<Operand<V> | Text<V>>
  /** Is none of these, or is absent. */
  readonly $nin?: ReadonlyArray<Operand<V> | Text<V>>
  /** Does not satisfy these, or is absent. */
  readonly $not?: Operators<V> | Text<V>
  /** Whether the field is present. */
  readonly $exists?: boolean
  /** Is stored as one of these types. */
  readonly $type?: BsonTypes | ReadonlyArray<BsonTypes>
  /** Is text that matches. */
  readonly $regex?: When<Text<V>, string | RegExp | Driver.BSONRegExp, NeedsText<V>>
  /** The options of `$regex`. */
  readonly $options?: When<Text<V>, string, NeedsText<V>>
  /** Is an array with this number of elements. */
  readonly $size?: When<ElementOf<V>, number, NeedsArray<V>>
  /** Is an array that has all of these. */
  readonly $all?: When<
    ElementOf<V>,
    ReadonlyArray<ElementOf<V> | { readonly $elemMatch: ElementFilter<ElementOf<V>> }>,
    NeedsArray<V>
  >
  /** Is an array with an element that satisfies all of these. */
  readonly $elemMatch?: When<ElementOf<V>, ElementFilter<ElementOf<V>> | Unsafe, NeedsArray<V>>
  /** Is a number that leaves this remainder: `[divisor, remainder]`. */
  readonly $mod?: When<
    Extract<Operand<V>, number | bigint | Driver.Long>,
    readonly [number, number],
    NeedsNumber<V>
  >
  /** Has a zero in all these places. */
  readonly $bitsAllClear?: Bits<V>
  /** Has a one in all these places. */
  readonly $bitsAllSet?: Bits<V>
  /** Has a zero in one of these places. */
  readonly $bitsAnyClear?: Bits<V>
  /** Has a one in one of these places. */
  readonly $bitsAnySet?: Bits<V>
}

type BsonTypes = keyof typeof Driver.BSONType | "number" | number

type Bits<V> = When<
  Extract<Operand<V>, number | bigint | Driver.Long | Driver.Binary | Uint8Array>,
  number | ReadonlyArray<number> | Driver.Binary,
  NeedsNumber<V>
>

/**
 * The condition of a field: a value, operators, or a regular expression for text.
 *
 * @see {@link Operators} for the operators
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export type Condition<V> = Operand<V> | Operators<V> | Text<V> | Unsafe

/** Any condition, for a path that the compiler cannot follow. The operation checks it. */
type AnyCondition = {} | null

/** A search in the text index. */
interface Search {
  readonly $search: string
  readonly $language?: string
  readonly $caseSensitive?: boolean
  readonly $diacriticSensitive?: boolean
}

type Logical = "$and" | "$or" | "$nor"
type Top = Logical | "$comment" | "$text"

/** The type of the value at a key. `F` is the type of the literal. */
type AtKey<A, P, F> = P extends Logical ? Each<A, P extends keyof F ? F[P] : unknown>
  : P extends "$comment" ? string
  : P extends "$text" ? Search
  : P extends `${string}.${string}` ? AtPath<A, P, AtWith<A, P, F>>
  : AtField<A, P, F>

// The value at a field of the document. In generic code, where `A` is a type parameter, both branches take a value of its
// constraint. A condition on the type of the field would refuse everything there.
type AtField<A, P, F> = [P] extends [keyof A] ? Condition<A[P]>
  : Condition<A[P & keyof A]> | AtMember<A, P, OfMembers<A, P, F>>

/** As `AtField`, for a key that nothing has checked yet: takes only values if `A` is a type parameter. */
type AtNested<A, P, F> = [P] extends [keyof A] ? Condition<A[P]>
  : Operand<A[P & keyof A]> | AtMember<A, P, OfMembers<A, P, F>>

type AtMember<A, P, V> = [V] extends [never]
  ? [OfMembers<A, P>] extends [never] ? P extends "_id" ? Condition<Driver.ObjectId> : Refused<A, P> : NotWithThisTag<P>
  : Condition<V>

type AtPath<A, P extends string, V> = [V] extends [never] ? IsPattern<P> extends true ? AnyCondition
  : [At<A, P>] extends [never] ? NoSuchPath<P, Siblings<A, P>>
  : NotWithThisTag<P>
  : Condition<V>

/** The filters in `$and`, one by one. */
type Each<A, Fs> = Fs extends ReadonlyArray<unknown> ? { readonly [I in keyof Fs]: Nested<A, Fs[I]> }
  : ReadonlyArray<Nested<A, {}>>

type Nested<A, F> = F extends Checked<never> ? [FilterMark] extends [keyof F] ? Checked<A> : NestedLiteral<A, F>
  : NestedLiteral<A, F>

type NestedLiteral<A, F> = IsLoose<F> extends true ? Loose<A, F> : NestedFields<A, F> & OfferedLiteral<A, Top>

type NestedFields<A, F> = {
  readonly [P in keyof F | Suggested<A, keyof F>]?: P extends `$${string}` | `${string}.${string}` ? AtKey<A, P, F>
    : AtNested<A, P, F>
}

/** A nested literal with computed keys. */
type Loose<A, F> = {
  readonly [
    // `as P` keeps the type from mapping over an array, which is not a filter.
    P in keyof F as P
  ]: string extends P ? AnyCondition : number extends P ? AnyCondition
  : P extends `$${string}` | `${string}.${string}` ? AtKey<A, P, F>
  : AtNested<A, P, F>
}

type Fields<A, F, K extends PropertyKey> =
  & { readonly [P in K | Suggested<A, K>]?: AtKey<A, P, F> }
  & (IsBound<K> extends true ? WrongFields<A, F, K> & Computed<F> : unknown)

type WrongFields<A, F, K> = {
  readonly [P in Known<F>]?: P extends `${string}.${string}` ? AtKey<A, P, F> : P extends K ? unknown : Refused<A, P>
}

type Refused<A, P> = P extends `$${string}` ? NoSuchOperator<P> : NoSuchPath<P, Similar<A, P>>

/**
 * The keys that a filter may have: paths, and the operators of a whole document.
 *
 * @see {@link Input} for a filter with these keys
 * @stability unstable
 * @category utility types
 * @since 0.1.0
 */
export type Key<A> = Keys<A> | Top

/**
 * A filter as a literal argument: `F` is the type of the literal, `K` its keys. The compiler looks only at these keys.
 *
 * **When to use**
 *
 * Use it for your own functions that take a filter and check it in full:
 * `<const F, K extends Filter.Key<User>>(filter: Filter.Input<User, F, K>) => users.find(Filter.make<User>()(filter))`. A
 * parameter of the type `Filter<User>` is simpler, and checks two names of each path.
 *
 * @see {@link Filter} for a filter in a variable
 * @see {@link make} for a function that checks a filter
 * @stability unstable
 * @category utility types
 * @since 0.1.0
 */
export type Input<A, F, K extends PropertyKey> =
  & Infer<F>
  & ([FilterMark] extends [keyof F] ? Checked<A>
    : NoInfer<Fields<A, F, K>> & InferKeys<K> & Offered<A, Top>)

/**
 * A filter of documents whose decoded type is `A`, for variables and parameters.
 *
 * **Details**
 *
 * A key is a dotted path. It goes through an array with an index or without one: `items.0.sku`, `items.sku`. Its value is a
 * condition: a value of the field's decoded type, or operators. The compiler refuses unknown paths and operators, and
 * `undefined`. So does the operation, with an `InvalidArgumentError`. The codec of a field encodes its operands; one that does
 * not fit is a `DocumentError`.
 *
 * `$where`, `$expr`, `$function`, `$jsonSchema` and the operators of geometry are left out on purpose: write them in `unsafe`.
 *
 * **Gotchas**
 *
 * The annotation of a variable checks the first two names of a path. The operation checks the rest. The compiler checks the
 * whole path in a literal argument of an operation or of `make`.
 *
 * `{ name: input }` reads an `input` that is an object of operators as operators. The compiler allows it only if `input` is of
 * the type `any`, or was cast. Decode such input first, or write `{ name: { $eq: input } }`, or use `values`.
 *
 * @see {@link make} for a filter that is checked in full and kept
 * @see {@link Input} for a filter as a literal argument
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export type Filter<A> = Annotated<A, "_id"> & Checked<A> | Expression<A> | Unsafe | Values

type Annotated<A, Id extends string> = {
  -readonly [P in Shallow<A> | Id | Top]?: P extends Logical ?
    ReadonlyArray<Annotated<A, Id> & Checked<A> | Expression<A> | Unsafe | Values>
    : P extends "$comment" ? string
    : P extends "$text" ? Search
    : P extends `${string}.${string}` ? AnnotatedAt<At<A, P>>
    : P extends keyof A ? Condition<A[P]>
    : Condition<Driver.ObjectId>
}

type AnnotatedAt<V> = [V] extends [never] ? AnyCondition : Condition<V>

/**
 * The filter of a partial index.
 *
 * **Details**
 *
 * The server takes equality, `$gt`, `$gte`, `$lt`, `$lte`, `$in`, `$type`, `$exists: true`, `$and` and `$or` there, and
 * refuses everything else. `null` holds for documents in which the field is null or absent: it is the only way to say that there, since
 * the server refuses `$exists: false`. So a field that may be absent can be compared with `null`, whatever its schema makes of null.
 *
 * @see {@link Filter} for the filters of operations
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export type PartialFilter<A> = PartialFields<A> | Unsafe | Values

type PartialFields<A> = {
  readonly [P in Shallow<A> | "_id" | "$and" | "$or"]?: P extends "$and" | "$or" ? ReadonlyArray<PartialFilter<A>>
    : P extends `${string}.${string}` ? PartialAt<At<A, P>>
    : P extends keyof A ? PartialCondition<A[P]>
    : PartialCondition<Driver.ObjectId>
}

type PartialAt<V> = [V] extends [never] ? AnyCondition : PartialCondition<V>

type PartialCondition<V> = Operand<V> | PartialOperators<V> | Unsafe | Absence<V>

/** Null, where the field may be absent. */
type Absence<V> = undefined extends V ? null : V extends Option.Option<unknown> ? null : never

interface PartialOperators<V>
  extends Pick<Operators<V>, "$eq" | "$gt" | "$gte" | "$in" | "$lt" | "$lte" | "$type" | "valueOf">
{
  readonly $exists?: true
}

/**
 * Checks a filter in full, and keeps it as a value.
 *
 * **When to use**
 *
 * Use it for a filter that is made in one place and used in another, and in code that is generic over its collection. A
 * filter for `{ readonly version: number }` fits every collection whose documents have such a field.
 *
 * **Example** (A filter for all collections with versions)
 *
 * ```ts
 * import { Filter } from "@mongofx/schema"
 *
 * interface Versioned {
 *   readonly version: number
 * }
 *
 * const old = Filter.make<Versioned>()({ $or: [{ version: { $lt: 3 } }, { version: { $exists: false } }] })
 * ```
 *
 * @see {@link at} for one computed path
 * @see {@link eq} for equality in generic code
 * @stability unstable
 * @category constructors
 * @since 0.1.0
 */
export const make = <A>() => <const F, K extends Key<A>>(filter: Input<A, F, K>): Checked<A> => filter as Checked<A>

/**
 * A filter with a condition on one computed path.
 *
 * **When to use**
 *
 * Use it for keys such as `` `items.${i}.qty` ``. The compiler checks the condition here. In a literal a computed key is any
 * text to the compiler, and only the operation checks its condition.
 *
 * **Example** (The quantity at a position)
 *
 * ```ts
 * import { Filter } from "@mongofx/schema"
 *
 * interface Order {
 *   readonly items: ReadonlyArray<{ readonly qty: number }>
 * }
 *
 * const soldOut = (position: number) => Filter.at<Order>()(`items.${position}.qty`, { $lte: 0 })
 * ```
 *
 * @see {@link make} for a literal with known paths
 * @stability unstable
 * @category constructors
 * @since 0.1.0
 */
export const at = <A>() =>
<const P extends string>(
  path: P & ([ValueAt<A, P>] extends [never] ? NoSuchPath<P, Siblings<A, P>> : unknown),
  condition: NoInfer<Condition<ValueAt<A, P>>>
): Checked<A> => ({ [path]: condition }) as Checked<A>

/**
 * The filter of documents that have a value at a path. The value is never read as operators.
 *
 * **When to use**
 *
 * Use it where the path or the document is a type parameter.
 *
 * **Example** (Finding by any field)
 *
 * ```ts
 * import { Filter, type TypedCollection, type Path } from "@mongofx/schema"
 * import type { Schema } from "effect"
 *
 * const findBy = <S extends Schema.Constraint, const P extends Path.Path<S["Type"]>>(
 *   collection: TypedCollection.TypedCollection<S>,
 *   path: P,
 *   value: Path.ValueAt<S["Type"], P>
 * ) => collection.find(Filter.eq<S["Type"], P>(path, value))
 * ```
 *
 * @see {@link values} for several fields from outside
 * @see {@link at} for operators
 * @stability unstable
 * @category constructors
 * @since 0.1.0
 */
export const eq = <A, const P extends Keys<A>>(path: P, value: ValueAt<A, P>): Checked<A> =>
  ({ [path]: { $eq: value } }) as unknown as Checked<A>

/**
 * The filter of documents that match all of these filters. Without filters, it matches all documents.
 *
 * **Example** (Narrowing a filter that was passed)
 *
 * ```ts
 * import { Filter } from "@mongofx/schema"
 *
 * interface Task {
 *   readonly owner: string
 *   readonly done: boolean
 * }
 *
 * const ofOwner = (owner: string, filter: Filter.Filter<Task>) =>
 *   Filter.and(filter, Filter.eq<Task, "owner">("owner", owner))
 * ```
 *
 * @see {@link or} for at least one of several
 * @stability unstable
 * @category combinators
 * @since 0.1.0
 */
export const and = <A>(...filters: ReadonlyArray<Checked<A>>): Checked<A> =>
  (filters.length === 0 ? {} : { $and: filters }) as unknown as Checked<A>

/**
 * The filter of documents that match at least one of these filters. Without filters, it matches nothing.
 *
 * **Example** (Either of two)
 *
 * ```ts
 * import { Filter } from "@mongofx/schema"
 *
 * interface Task {
 *   readonly owner: string
 *   readonly helpers: ReadonlyArray<string>
 * }
 *
 * const of = (person: string) =>
 *   Filter.or(Filter.eq<Task, "owner">("owner", person), Filter.make<Task>()({ helpers: person }))
 * ```
 *
 * @see {@link and} for all of several
 * @stability unstable
 * @category combinators
 * @since 0.1.0
 */
export const or = <A>(...filters: ReadonlyArray<Checked<A>>): Checked<A> =>
  (filters.length === 0 ? { $nor: [{}] } : { $or: filters }) as unknown as Checked<A>

/**
 * The filter of documents that do not match the filter.
 *
 * **Gotchas**
 *
 * A document that lacks a field fails a condition on it, and so matches `not` of the condition.
 *
 * **Example** (Tasks that are not done)
 *
 * ```ts
 * import { Filter } from "@mongofx/schema"
 *
 * const open = Filter.not(Filter.make<{ readonly done: boolean }>()({ done: true }))
 * ```
 *
 * @see {@link and} for all of several
 * @stability unstable
 * @category combinators
 * @since 0.1.0
 */
export const not = <A>(filter: Checked<A>): Checked<A> => ({ $nor: [filter] }) as unknown as Checked<A>

/**
 * The options of conditions on text.
 *
 * @see {@link startsWith} for a condition that takes them
 * @stability unstable
 * @category options
 * @since 0.1.0
 */
export interface TextOptions {
  /** Whether capital and small letters match each other. An index does not help then. */
  readonly ignoreCase?: boolean | undefined
}

/**
 * The condition that text starts with the text that a person typed. Its characters stand for themselves. An index on the
 * field helps, unless `ignoreCase` is set.
 *
 * **Example** (Completing a name)
 *
 * ```ts
 * import { Filter } from "@mongofx/schema"
 *
 * const complete = (typed: string): Filter.Filter<{ readonly name: string }> => ({ name: Filter.startsWith(typed) })
 * ```
 *
 * @see {@link contains} for any place in the text
 * @see {@link equalsIgnoreCase} for the whole text
 * @stability unstable
 * @category constructors
 * @since 0.1.0
 */
export const startsWith = (start: string, options?: TextOptions): RegExp => text.pattern("^", start, "", options)

/**
 * The condition that text ends with the text that a person typed. Its characters stand for themselves.
 *
 * **Example** (Addresses of a domain)
 *
 * ```ts
 * import { Filter } from "@mongofx/schema"
 *
 * const at = (domain: string): Filter.Filter<{ readonly email: string }> => ({
 *   email: Filter.endsWith(`@${domain}`, { ignoreCase: true })
 * })
 * ```
 *
 * @see {@link startsWith} for the start of the text
 * @stability unstable
 * @category constructors
 * @since 0.1.0
 */
export const endsWith = (end: string, options?: TextOptions): RegExp => text.pattern("", end, text.end, options)

/**
 * The condition that text contains the text that a person typed. Its characters stand for themselves.
 *
 * **Example** (Searching titles)
 *
 * ```ts
 * import { Filter } from "@mongofx/schema"
 *
 * const search = (typed: string): Filter.Filter<{ readonly title: string }> => ({
 *   title: Filter.contains(typed, { ignoreCase: true })
 * })
 * ```
 *
 * @see {@link startsWith} for a condition that an index helps
 * @stability unstable
 * @category constructors
 * @since 0.1.0
 */
export const contains = (part: string, options?: TextOptions): RegExp => text.pattern("", part, "", options)

/**
 * The condition that text is the text that a person typed, in capital or small letters. Its characters stand for themselves.
 *
 * **Example** (Signing in)
 *
 * ```ts
 * import { Filter } from "@mongofx/schema"
 *
 * const byName = (typed: string): Filter.Filter<{ readonly name: string }> => ({ name: Filter.equalsIgnoreCase(typed) })
 * ```
 *
 * @see {@link startsWith} for the start of the text
 * @stability unstable
 * @category constructors
 * @since 0.1.0
 */
export const equalsIgnoreCase = (whole: string): RegExp => text.pattern("^", whole, text.end, { ignoreCase: true })

/**
 * The filter that an expression holds for a document. It can compare fields with each other, and compute.
 *
 * **When to use**
 *
 * Use it where a filter compares a field with another field. A condition on one field belongs into a plain filter, which can
 * use any index.
 *
 * **Details**
 *
 * The collection that runs the filter gives the function its schema. In a literal argument of an operation the compiler knows
 * the documents; elsewhere, and in `$and`, name their type: `Filter.expr<Order>(($) => …)`. A filter for a type fits its
 * subtypes too.
 *
 * What the expression cannot do is an `InvalidArgumentError` of the operation, and so are filters of elements: `$elemMatch`
 * and `$pull` take no expressions.
 *
 * **Example** (Open projects over their budget)
 *
 * ```ts
 * import { Expr, Filter, type TypedCollection } from "@mongofx/schema"
 * import { Schema } from "effect"
 *
 * const Project = Schema.Struct({ open: Schema.Boolean, spent: Schema.Number, budget: Schema.Number })
 *
 * const over = Filter.expr<typeof Project.Type>(($) => Expr.gt($.spent, $.budget))
 *
 * const find = (projects: TypedCollection.TypedCollection<typeof Project>) =>
 *   projects.find({ open: true, $and: [over] })
 * ```
 *
 * @see {@link unsafe} for operators that typed filters leave out
 * @see {@link Pipeline.matchExpr} for the same in a pipeline
 * @stability unstable
 * @category constructors
 * @since 0.1.0
 */
export const expr = <A>(condition: ($: Ref<A>) => Expr<boolean | Nullish>): Expression<A> =>
  conditionOf(condition as never) as unknown as Expression<A>

/**
 * A filter, a condition or a part of a filter that is sent as it is, without checks and encoding.
 *
 * **When to use**
 *
 * Use it for operators that typed filters leave out: `$where`, `$near` and the like. Write stored values, not
 * decoded ones. Keep input from outside out of it.
 *
 * **Details**
 *
 * Only the results of this function are sent as they are. Parsed input never is.
 *
 * **Example** (Places close by)
 *
 * ```ts
 * import { Filter } from "@mongofx/schema"
 *
 * const near = Filter.unsafe({ location: { $near: [13.4, 52.5], $maxDistance: 1 } })
 * ```
 *
 * @see {@link expr} for comparing fields with each other
 * @see {@link values} for input from outside
 * @stability unstable
 * @category constructors
 * @since 0.1.0
 */
export const unsafe = (document: Driver.Document): Unsafe => new UnsafeImpl(document) as unknown as Unsafe

/**
 * A filter of equalities only. No value in it is read as operators.
 *
 * **When to use**
 *
 * Use it for input from outside that has not been decoded, such as the body or the query of a request. An object like
 * `{ "$gt": "" }` is a value there, and the codec of a text refuses it.
 *
 * **Details**
 *
 * The operation checks paths and values; the compiler does not. An unknown path is an `InvalidArgumentError`, and so are
 * operators, regular expressions and `undefined`. A value that the codec of its field refuses is a `DocumentError`.
 *
 * **Example** (Searching by the query of a request)
 *
 * ```ts
 * import { Filter, type TypedCollection } from "@mongofx/schema"
 * import { Schema } from "effect"
 *
 * const User = Schema.Struct({ name: Schema.String, email: Schema.String })
 *
 * const search = (users: TypedCollection.TypedCollection<typeof User>, query: Record<string, unknown>) =>
 *   users.find(Filter.values(query))
 * ```
 *
 * @see {@link make} for filters that you write yourself
 * @see {@link eq} for one field
 * @stability unstable
 * @category constructors
 * @since 0.1.0
 */
export const values = (document: Readonly<Record<string, unknown>>): Values => new ValuesImpl(document)

/**
 * Whether a value is the result of `Filter.unsafe` or `Update.unsafe`.
 *
 * **Example** (Telling it from a filter)
 *
 * ```ts
 * import { Filter } from "@mongofx/schema"
 *
 * console.log(Filter.isUnsafe({ $where: "true" })) // false
 * ```
 *
 * @see {@link unsafe} for how to make one
 * @stability unstable
 * @category guards
 * @since 0.1.0
 */
export const isUnsafe = (u: unknown): u is Unsafe => isUnsafe_(u)
