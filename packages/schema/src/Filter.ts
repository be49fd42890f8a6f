/**
 * Filters: plain MongoDB objects, typed by dotted paths on the decoded document.
 *
 * @since 0.1.0
 */
import type * as Driver from "mongodb"
import {
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
 * A filter that was checked already, for documents of type `A`: what `make`, `at`, `eq`, `and`, `or` and `not` give, a
 * `Filter<A>`, `values`, or something unsafe.
 *
 * **Details**
 *
 * What is a filter for a type is one for all documents that are of this type: a filter of `{ readonly version: number }`
 * fits every collection whose documents have such a field.
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface Checked<A> extends MarkedFilter<A> {}

/**
 * A filter, an update, or a part of one that is sent as it is. See `unsafe`.
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface Unsafe extends MarkedFilter<unknown>, MarkedUpdate<unknown> {
  readonly [UnsafeTypeId]: true
}

/**
 * Fields and the values that they must be equal to. See `values`.
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface Values extends MarkedFilter<unknown> {
  readonly [ValuesTypeId]: true
}

/**
 * A value of type `V`, and never `undefined`.
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
// An object type or a type parameter stays what it is, as it would not with `Exclude`.
export type Value<V> = V & ({} | null)

/**
 * A value that a field of type `V` may be compared with: one of its own, or where it is an array, one of its elements.
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export type Operand<V> = Value<V> | Value<ElementOf<V>>

type Text<V> = [Extract<Operand<V>, string>] extends [never] ? never : RegExp

type When<Condition, A, Otherwise> = [Condition] extends [never] ? Otherwise : A

/**
 * What the compiler says of an operator that there is not.
 *
 * @stability unstable
 * @category errors
 * @since 0.1.0
 */
export interface NoSuchOperator<Name> {
  /** The name. */
  readonly "~no such operator": Name
}

/**
 * What the compiler says of an operator that needs text, for a field of type `V`.
 *
 * @stability unstable
 * @category errors
 * @since 0.1.0
 */
export interface NeedsText<V> {
  /** What the field is. */
  readonly "~needs text": [found: V]
}

/**
 * What the compiler says of an operator that needs an array, for a field of type `V`.
 *
 * @stability unstable
 * @category errors
 * @since 0.1.0
 */
export interface NeedsArray<V> {
  /** What the field is. */
  readonly "~needs an array": [found: V]
}

/**
 * What the compiler says of an operator that needs a number, for a field of type `V`.
 *
 * @stability unstable
 * @category errors
 * @since 0.1.0
 */
export interface NeedsNumber<V> {
  /** What the field is. */
  readonly "~needs a number": [found: V]
}

/**
 * What the compiler says of a field that the member of a union does not have which a tag in the same filter stands for.
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
 * What an element of an array must satisfy: operators, or where elements have fields, a filter of those.
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export type ElementFilter<E> = Operators<E> | (E extends object ? Annotated<E, never> : never)

/**
 * The operators for a field whose decoded type is `V`. Operands are of the decoded type, and encoded by the field's codec.
 *
 * **Gotchas**
 *
 * `$gt`, `$gte`, `$lt` and `$lte` compare what is stored. That is the order of the decoded values for numbers, dates, text
 * and whatever else a codec keeps in order, and not for a number that is stored as text, say.
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface Operators<V> {
  /** No operator: it keeps primitives and dates from passing for an object of operators where a type parameter is involved. */
  readonly valueOf?: () => object
  /** Is equal to. Its operand is a value, whatever it looks like: the form for input that you do not trust. */
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
  /** Is there, or is not. */
  readonly $exists?: boolean
  /** Is stored as one of these types. */
  readonly $type?: BsonTypes | ReadonlyArray<BsonTypes>
  /** Is text that matches. */
  readonly $regex?: When<Text<V>, string | RegExp | Driver.BSONRegExp, NeedsText<V>>
  /** The options of `$regex`. */
  readonly $options?: When<Text<V>, string, NeedsText<V>>
  /** Is an array with so many elements. */
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
 * What a field must satisfy.
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export type Condition<V> = Operand<V> | Operators<V> | Text<V> | Unsafe

/** Any condition: for a path that the compiler cannot follow. It is checked when the filter is used. */
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

/** What stands at one key. `F` is the type of the literal. */
type AtKey<A, P, F> = P extends Logical ? Each<A, P extends keyof F ? F[P] : unknown>
  : P extends "$comment" ? string
  : P extends "$text" ? Search
  : P extends `${string}.${string}` ? AtPath<A, P, AtWith<A, P, F>>
  : AtField<A, P, F>

// What stands at a field of the document. A value of its constraint fits where `A` is a type parameter, since both branches
// take it: a condition on the type of the field in here would refuse everything in generic code.
type AtField<A, P, F> = [P] extends [keyof A] ? Condition<A[P]>
  : Condition<A[P & keyof A]> | AtMember<A, P, OfMembers<A, P, F>>

/** The same where nothing has checked that there is such a key: values only where `A` is a type parameter. */
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
    // `as P`: an array is no filter, and is not gone through.
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
 * The keys that a filter may have.
 *
 * @stability unstable
 * @category utility types
 * @since 0.1.0
 */
export type Key<A> = Keys<A> | Top

/**
 * A filter where it is written: `F` is the type of the literal, `K` its keys. Only those are looked at.
 *
 * **When to use**
 *
 * Use it for functions of your own that take a filter and check it in full:
 * `<const F, K extends Filter.Key<User>>(filter: Filter.Input<User, F, K>) => users.find(Filter.make<User>()(filter))`. A parameter
 * of the type `Filter<User>` is simpler, and checks two names of each path.
 *
 * @see {@link Filter} for a filter in a variable
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
 * A key is a dotted path; it passes an array by an index or without a word. Its value is a condition: a value of the field's
 * decoded type, or operators. Paths and operators that are not of the type are refused by the compiler, and when the filter
 * is used, with an `InvalidArgumentError`. So is `undefined`. Operands go through the codec of their field; one that does not
 * fit is a `DocumentError`.
 *
 * Left out on purpose are `$where`, `$expr`, `$function`, `$jsonSchema` and the operators of geometry: `unsafe` takes them.
 *
 * **Gotchas**
 *
 * The annotation of a variable knows two names of a path. What follows the second is checked when the filter is used, and by
 * the compiler where the filter is written as the argument of an operation or of `make`.
 *
 * `{ name: input }` reads an `input` that is an object of operators as operators, since that is what it looks like. The
 * compiler allows it only if `input` is of the type `any`, or was cast. Decode such input first, or write
 * `{ name: { $eq: input } }`, or take `values`.
 *
 * @see {@link make} for a filter that is checked in full and kept
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export type Filter<A> = Annotated<A, "_id"> & Checked<A> | Unsafe | Values

type Annotated<A, Id extends string> = {
  -readonly [P in Shallow<A> | Id | Top]?: P extends Logical ?
    ReadonlyArray<Annotated<A, Id> & Checked<A> | Unsafe | Values>
    : P extends "$comment" ? string
    : P extends "$text" ? Search
    : P extends `${string}.${string}` ? AnnotatedAt<At<A, P>>
    : P extends keyof A ? Condition<A[P]>
    : Condition<Driver.ObjectId>
}

type AnnotatedAt<V> = [V] extends [never] ? AnyCondition : Condition<V>

/**
 * The filter of a partial index: of what the server can decide for one document by the values of its fields.
 *
 * **Details**
 *
 * The server knows equality, `$gt`, `$gte`, `$lt`, `$lte`, `$in`, `$type`, `$exists: true`, `$and` and `$or` there, and
 * refuses everything else.
 *
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

type PartialCondition<V> = Operand<V> | PartialOperators<V> | Unsafe

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
 * Use it for a filter that is made in one place and used in another, and in code that is generic over its collection: a
 * filter that is made for `{ readonly version: number }` fits every collection whose documents have such a field.
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
 * @stability unstable
 * @category constructors
 * @since 0.1.0
 */
export const make = <A>() => <const F, K extends Key<A>>(filter: Input<A, F, K>): Checked<A> => filter as Checked<A>

/**
 * A condition on one path, for a path that is computed.
 *
 * **When to use**
 *
 * Use it for keys such as `` `items.${i}.qty` ``. In a literal a computed key is any text to the compiler, so that its
 * condition is only checked when the filter is used; here it is checked by the compiler.
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
 * The filter of documents that have a value at a path. Whatever the value looks like, it is a value.
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
 * @stability unstable
 * @category constructors
 * @since 0.1.0
 */
export const eq = <A, const P extends Keys<A>>(path: P, value: ValueAt<A, P>): Checked<A> =>
  ({ [path]: { $eq: value } }) as unknown as Checked<A>

/**
 * The filter of documents that match all of these; of all documents where there is none.
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
 * @stability unstable
 * @category combinators
 * @since 0.1.0
 */
export const and = <A>(...filters: ReadonlyArray<Checked<A>>): Checked<A> =>
  (filters.length === 0 ? {} : { $and: filters }) as unknown as Checked<A>

/**
 * The filter of documents that match at least one of these; of no document where there is none.
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
 * @stability unstable
 * @category combinators
 * @since 0.1.0
 */
export const or = <A>(...filters: ReadonlyArray<Checked<A>>): Checked<A> =>
  (filters.length === 0 ? { $nor: [{}] } : { $or: filters }) as unknown as Checked<A>

/**
 * The filter of documents that do not match.
 *
 * **Gotchas**
 *
 * A condition on a field is not met by a document that lacks the field, so that `not` of it is.
 *
 * **Example** (What is not done)
 *
 * ```ts
 * import { Filter } from "@mongofx/schema"
 *
 * const open = Filter.not(Filter.make<{ readonly done: boolean }>()({ done: true }))
 * ```
 *
 * @stability unstable
 * @category combinators
 * @since 0.1.0
 */
export const not = <A>(filter: Checked<A>): Checked<A> => ({ $nor: [filter] }) as unknown as Checked<A>

/**
 * How text is looked for.
 *
 * @stability unstable
 * @category options
 * @since 0.1.0
 */
export interface TextOptions {
  /** Whether capital and small letters are the same. An index does not help then. */
  readonly ignoreCase?: boolean | undefined
}

/**
 * The condition that text starts with what a person typed. Nothing in it is a pattern. An index on the field is used, unless
 * case is ignored.
 *
 * **Example** (Completing a name)
 *
 * ```ts
 * import { Filter } from "@mongofx/schema"
 *
 * const complete = (typed: string): Filter.Filter<{ readonly name: string }> => ({ name: Filter.startsWith(typed) })
 * ```
 *
 * @stability unstable
 * @category constructors
 * @since 0.1.0
 */
export const startsWith = (start: string, options?: TextOptions): RegExp => text.pattern("^", start, "", options)

/**
 * The condition that text ends with what a person typed. Nothing in it is a pattern.
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
 * @stability unstable
 * @category constructors
 * @since 0.1.0
 */
export const endsWith = (end: string, options?: TextOptions): RegExp => text.pattern("", end, text.end, options)

/**
 * The condition that text has somewhere in it what a person typed. Nothing in it is a pattern.
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
 * @stability unstable
 * @category constructors
 * @since 0.1.0
 */
export const contains = (part: string, options?: TextOptions): RegExp => text.pattern("", part, "", options)

/**
 * The condition that text is what a person typed, in capital or small letters. Nothing in it is a pattern.
 *
 * **Example** (Signing in)
 *
 * ```ts
 * import { Filter } from "@mongofx/schema"
 *
 * const byName = (typed: string): Filter.Filter<{ readonly name: string }> => ({ name: Filter.equalsIgnoreCase(typed) })
 * ```
 *
 * @stability unstable
 * @category constructors
 * @since 0.1.0
 */
export const equalsIgnoreCase = (whole: string): RegExp => text.pattern("^", whole, text.end, { ignoreCase: true })

/**
 * A filter, a condition or a part of a filter that is sent as it is, unchecked and not encoded.
 *
 * **When to use**
 *
 * Use it for what typed filters leave out: `$expr`, `$where`, `$near` and the like. It takes stored values, not decoded
 * ones. Never let it hold input from outside.
 *
 * **Details**
 *
 * Only values that this function has made pass: an object that was parsed never does.
 *
 * **Example** (Comparing two fields)
 *
 * ```ts
 * import { Filter } from "@mongofx/schema"
 *
 * const overdrawn = Filter.unsafe({ $expr: { $gt: ["$spent", "$budget"] } })
 * ```
 *
 * @stability unstable
 * @category constructors
 * @since 0.1.0
 */
export const unsafe = (document: Driver.Document): Unsafe => new UnsafeImpl(document) as unknown as Unsafe

/**
 * A filter of equalities only: every value is a value, whatever it looks like.
 *
 * **When to use**
 *
 * Use it for what comes from outside and has not been decoded, such as the body or the query of a request: an object like
 * `{ "$gt": "" }` is then no operator, but a text that is none, and is refused.
 *
 * **Details**
 *
 * Paths and values are checked when the filter is used, not by the compiler: an unknown path is an `InvalidArgumentError`, a value that
 * the codec of its field does not take a `DocumentError`. Operators, regular expressions and `undefined` are refused.
 *
 * **Example** (Looking for what a request names)
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
 * @stability unstable
 * @category constructors
 * @since 0.1.0
 */
export const values = (document: Readonly<Record<string, unknown>>): Values => new ValuesImpl(document)

/**
 * Whether a value was made by `Filter.unsafe` or `Update.unsafe`.
 *
 * **Example** (Telling it from a filter)
 *
 * ```ts
 * import { Filter } from "@mongofx/schema"
 *
 * console.log(Filter.isUnsafe({ $where: "true" })) // false
 * ```
 *
 * @stability unstable
 * @category guards
 * @since 0.1.0
 */
export const isUnsafe = (u: unknown): u is Unsafe => isUnsafe_(u)
