/**
 * Filters: plain MongoDB objects, typed by dotted paths on the decoded document.
 *
 * @since 0.1.0
 */
import type * as Driver from "mongodb"
import {
  isUnsafe as isUnsafe_,
  UnsafeImpl,
  type UnsafeTypeId,
  ValuesImpl,
  type ValuesTypeId
} from "./internal/unsafe.ts"
import type { ElementOf, ReadPaths } from "./Path.ts"

/**
 * A document that is sent as it is. See `unsafe`.
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface Unsafe {
  readonly [UnsafeTypeId]: typeof UnsafeTypeId
  /** What is sent. */
  readonly document: unknown
}

/**
 * Fields and the values that they must be equal to. See `values`.
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface Values {
  readonly [ValuesTypeId]: typeof ValuesTypeId
  /** The values by path. */
  readonly document: unknown
}

/**
 * A value that a field of type `V` may be compared with: one of its own, or where it is an array, one of its elements.
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export type Operand<V> = Exclude<V, undefined> | Exclude<ElementOf<V>, undefined>

type Text<V> = [Extract<Operand<V>, string>] extends [never] ? never : RegExp

type When<Condition, A> = [Condition] extends [never] ? never : A

/**
 * What an element of an array must satisfy: operators, or where elements have fields, a filter of those.
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export type ElementFilter<E> = Operators<E> | (E extends object ? Filter<Element<E>> : never)

/** Elements have no `_id` of their own accord. */
type Element<E> = E extends { readonly _id?: unknown } ? E : E & { readonly _id?: never }

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
  readonly $regex?: When<Text<V>, string | RegExp | Driver.BSONRegExp>
  /** The options of `$regex`. */
  readonly $options?: When<Text<V>, string>
  /** Is an array with so many elements. */
  readonly $size?: When<ElementOf<V>, number>
  /** Is an array that has all of these. */
  readonly $all?: When<ElementOf<V>, ReadonlyArray<ElementOf<V> | { readonly $elemMatch: ElementFilter<ElementOf<V>> }>>
  /** Is an array with an element that satisfies all of these. */
  readonly $elemMatch?: When<ElementOf<V>, ElementFilter<ElementOf<V>> | Unsafe>
  /** Is a number that leaves this remainder: `[divisor, remainder]`. */
  readonly $mod?: When<Extract<Operand<V>, number | bigint | Driver.Long>, readonly [number, number]>
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
  number | ReadonlyArray<number> | Driver.Binary
>

/**
 * What a field must satisfy.
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export type Condition<V> = Operand<V> | Operators<V> | Text<V> | Unsafe

type Logical = "$and" | "$or" | "$nor"

// One mapped type and no intersection: in those the compiler takes text for an object of operators.
type Conditions<A, Entries = ReadPaths<A>> = {
  readonly [
    E in Entries | [Logical | "$comment" | "$text", unknown] as E extends [infer P extends string, unknown] ? P : never
  ]?: E extends [infer P, infer V] ? P extends Logical ? ReadonlyArray<Filter<A>>
    : P extends "$comment" ? string
    : P extends "$text" ? Search
    : Condition<V>
    : never
}

/** A search in the text index. */
interface Search {
  readonly $search: string
  readonly $language?: string
  readonly $caseSensitive?: boolean
  readonly $diacriticSensitive?: boolean
}

/**
 * A filter of documents whose decoded type is `A`.
 *
 * **Details**
 *
 * A key is a dotted path of five names at the most; it passes an array by an index or without a word. Its value is a
 * condition: a value of the field's decoded type, or operators. Paths and operators that are not of the type are refused by
 * the compiler, and when the filter is used, with an `InvalidArgumentError`. So is `undefined`. Operands go through the
 * codec of their field; one that does not fit is a `DocumentError`.
 *
 * Left out on purpose are `$where`, `$expr`, `$function`, `$jsonSchema` and the operators of geometry: `unsafe` takes them.
 *
 * **Gotchas**
 *
 * `{ name: input }` reads an `input` that is an object of operators as operators, since that is what it looks like. The
 * compiler allows it only if `input` is of the type `any`, or was cast. Decode such input first, or write
 * `{ name: { $eq: input } }`, or take `values`.
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export type Filter<A> = Conditions<A> | Unsafe | Values

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
export const unsafe = (document: Driver.Document): Unsafe => new UnsafeImpl(document)

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
 * import { Filter, type MongoCollection } from "@mongofx/schema"
 * import { Schema } from "effect"
 *
 * const User = Schema.Struct({ name: Schema.String, email: Schema.String })
 *
 * const search = (users: MongoCollection.MongoCollection<typeof User>, query: Record<string, unknown>) =>
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
