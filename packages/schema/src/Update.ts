/**
 * Updates: plain MongoDB objects, typed by dotted paths on the decoded document.
 *
 * @since 0.1.0
 */
import type * as Driver from "mongodb"
import type { Condition, Filter, Unsafe } from "./Filter.ts"
import { UnsafeImpl } from "./internal/unsafe.ts"
import type { ElementOf, WritePaths } from "./Path.ts"

type PathOf<E> = E extends [infer P extends string, unknown] ? P : never
type Defined<V> = Exclude<V, undefined>
type ElementsOf<V> = ElementOf<Defined<V>>

/** The paths whose value, when it is there, is always of the type. */
type Where<Entries, Type> = Entries extends [string, infer V]
  ? [Exclude<V, Type | null | undefined>] extends [never] ?
    [Exclude<V, null | undefined>] extends [never] ? never : Entries
  : never
  : never

type Optional<Entries> = Entries extends [string, infer V] ? undefined extends V ? Entries : never : never

type Values<Entries> = {
  readonly [E in Entries as PathOf<E>]?: E extends [string, infer V] ? Defined<V> : never
}

type Plain<V> = V extends number ? number : V extends bigint ? bigint : V

/** What may be added to a number: brands and checks concern the number itself. */
type Amounts<Entries> = {
  readonly [E in Entries as PathOf<E>]?: E extends [string, infer V] ? Plain<Exclude<V, null | undefined>> : never
}

type Numeric = number | bigint | Driver.Long | Driver.Int32 | Driver.Double | Driver.Decimal128

type Arrays<Entries> = Where<Entries, ReadonlyArray<unknown>>

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

/**
 * Update operators for documents whose decoded type is `A`.
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface Operators<A, Entries = WritePaths<A>> {
  /** Sets fields. */
  readonly $set?: Values<Entries>
  /** Sets fields of a document that the update inserts. */
  readonly $setOnInsert?: Values<Entries>
  /** Removes fields that the schema does not require. */
  readonly $unset?: { readonly [E in Optional<Entries> as PathOf<E>]?: true | "" | 1 }
  /** Adds to numbers. */
  readonly $inc?: Amounts<Where<Entries, Numeric>>
  /** Multiplies numbers. */
  readonly $mul?: Amounts<Where<Entries, Numeric>>
  /** Sets fields that are greater. */
  readonly $min?: Values<Entries>
  /** Sets fields that are less. */
  readonly $max?: Values<Entries>
  /** Adds elements to arrays. */
  readonly $push?: {
    readonly [E in Arrays<Entries> as PathOf<E>]?: E extends [string, infer V] ? ElementsOf<V> | Each<ElementsOf<V>>
      : never
  }
  /** Adds elements to arrays that do not have them. */
  readonly $addToSet?: {
    readonly [E in Arrays<Entries> as PathOf<E>]?: E extends [string, infer V]
      ? ElementsOf<V> | { readonly $each: ReadonlyArray<ElementsOf<V>> }
      : never
  }
  /** Removes the elements that satisfy a condition. */
  readonly $pull?: {
    readonly [E in Arrays<Entries> as PathOf<E>]?: E extends [string, infer V] ? Pull<ElementsOf<V>> : never
  }
  /** Removes elements that are equal to one of these. */
  readonly $pullAll?: {
    readonly [E in Arrays<Entries> as PathOf<E>]?: E extends [string, infer V] ? ReadonlyArray<ElementsOf<V>> : never
  }
  /** Removes the last element, or with -1 the first. */
  readonly $pop?: { readonly [E in Arrays<Entries> as PathOf<E>]?: 1 | -1 }
  /** Sets fields that are stored as dates to the server's time. */
  readonly $currentDate?: { readonly [E in Entries as PathOf<E>]?: true }
  /** Changes bits of integers. */
  readonly $bit?: {
    readonly [E in Where<Entries, Numeric> as PathOf<E>]?: E extends [string, infer V]
      ? { readonly [Operation in "and" | "or" | "xor"]?: Plain<Exclude<V, null | undefined>> }
      : never
  }
}

type Pull<E> = Condition<E> | (E extends object ? Filter<E & { readonly _id?: never }> : never)

/**
 * A stage of an update by a pipeline.
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
export type Stage<A, Entries = WritePaths<A>> =
  | { readonly $set: Literals<Entries> }
  | { readonly $addFields: Literals<Entries> }
  | { readonly $unset: PathOf<Optional<Entries>> | ReadonlyArray<PathOf<Optional<Entries>>> }
  | Unsafe

type Literals<Entries> = {
  readonly [E in Entries as PathOf<E>]?: E extends [string, infer V] ? Defined<V> | Unsafe : never
}

/**
 * An update of documents whose decoded type is `A`: operators, or the stages of a pipeline.
 *
 * **Details**
 *
 * A key is a dotted path of five names at the most, which passes an array by an index, by `$`, `$[]` or `$[identifier]`.
 * Each operand goes through the codec of its field. What an update adds to a number need not pass the checks of the number:
 * a document can leave its schema by `$inc`, `$mul`, `$bit`, `$push` and what else computes on the server.
 *
 * **Gotchas**
 *
 * `$rename` changes what the schema is about, and is left to `Update.unsafe`.
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export type Update<A> = Operators<A> | ReadonlyArray<Stage<A>> | Unsafe

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
export const unsafe = (update: Driver.Document | ReadonlyArray<Driver.Document>): Unsafe => new UnsafeImpl(update)
