/**
 * The types of dotted paths into documents: which there are, and what stands at their ends.
 *
 * @since 0.1.0
 */
import type * as Driver from "mongodb"

/** What a path does not go into: values of BSON, of JavaScript and of effect. */
type Leaf =
  | string
  | number
  | bigint
  | boolean
  | symbol
  | null
  | undefined
  | Date
  | RegExp
  | ArrayBuffer
  | ArrayBufferView
  | ReadonlyMap<unknown, unknown>
  | ReadonlySet<unknown>
  | { readonly _bsontype: string }
  | { readonly pipe: Function }
  | Function

type IsAny<T> = 0 extends 1 & T ? true : false

/** The names of fields: no methods, and no brands of effect. */
type Keys<T> = {
  [K in keyof T]-?: K extends string ? K extends `~${string}` ? never : T[K] extends Function ? never : K : never
}[keyof T]

// One level of the depth for each name, and for each array in an array.
type Depth = [0, 0, 0, 0, 0]

/** A path with what stands there. */
type Entry<Path extends string, Value> = [path: Path, value: Value]

/** Paths of a filter: an array is passed by an index, or without a word. */
type FilterEntries<T, D extends ReadonlyArray<unknown>, P extends string> = D extends [unknown, ...infer Rest]
  ? IsAny<T> extends true ? never
  : T extends Leaf ? never
  : T extends ReadonlyArray<infer E> ?
      | Entry<`${P}${number}`, E>
      | (E extends ReadonlyArray<unknown> ? FilterEntries<E, Rest, `${P}${number}.`>
        : FilterEntries<E, D, `${P}${number}.`> | FilterEntries<E, D, P>)
  : string extends keyof T ?
      | Entry<`${P}${string}`, T[string & keyof T] | undefined | FilterEntries<T[string & keyof T], Rest, "">[1]>
      | FilterEntries<T[string & keyof T], Rest, `${P}${string}.`>
  : {
    [K in Keys<T>]: Entry<`${P}${K}`, T[K & keyof T]> | FilterEntries<T[K & keyof T], Rest, `${P}${K}.`>
  }[Keys<T>]
  : never

/** Paths of an update: an array is passed by an index, `$`, `$[]` or `$[identifier]`. */
type UpdateEntries<T, D extends ReadonlyArray<unknown>, P extends string> = D extends [unknown, ...infer Rest]
  ? IsAny<T> extends true ? never
  : T extends Leaf ? never
  : T extends ReadonlyArray<infer E> ? ElementEntries<E, E extends ReadonlyArray<unknown> ? Rest : D, P>
  : string extends keyof T ?
      | Entry<`${P}${string}`, T[string & keyof T] | undefined | UpdateEntries<T[string & keyof T], Rest, "">[1]>
      | UpdateEntries<T[string & keyof T], Rest, `${P}${string}.`>
  : {
    [K in Keys<T>]: Entry<`${P}${K}`, T[K & keyof T]> | UpdateEntries<T[K & keyof T], Rest, `${P}${K}.`>
  }[Keys<T>]
  : never

type ElementEntries<E, D extends ReadonlyArray<unknown>, P extends string> =
  | Entry<`${P}${number}` | `${P}$`, E>
  // The pattern matches what ends in a bracket further down as well.
  | Entry<`${P}$[${string}]`, E | Extract<UpdateEntries<E, D, "">, [`${string}$[${string}]`, unknown]>[1]>
  | UpdateEntries<E, D, `${P}${number}.` | `${P}$.` | `${P}$[${string}].`>

/**
 * A document as it is stored: with an `_id`, whether the schema has one or not.
 *
 * @stability unstable
 * @category utility types
 * @since 0.1.0
 */
export type Stored<A> = A extends { readonly _id?: unknown } ? A : A & { readonly _id: Driver.ObjectId }

/**
 * The type of a document's `_id`.
 *
 * @stability unstable
 * @category utility types
 * @since 0.1.0
 */
export type IdOf<A> = A extends { readonly _id: infer Id } ? Id : Driver.ObjectId

/**
 * The paths of a filter, as pairs of a path and the type of what stands there. An array is passed by an index or without
 * a word: `items.0.sku`, `items.sku`.
 *
 * **Details**
 *
 * Paths have five names at the most.
 *
 * @stability unstable
 * @category utility types
 * @since 0.1.0
 */
export type ReadPaths<A> = FilterEntries<Stored<A>, Depth, "">

/**
 * The paths of an update, as pairs of a path and the type of what stands there. An array is passed by an index, by `$`, by
 * `$[]`, or by `$[identifier]`: `items.$[].sku`.
 *
 * **Details**
 *
 * Paths have five names at the most.
 *
 * @stability unstable
 * @category utility types
 * @since 0.1.0
 */
export type WritePaths<A> = UpdateEntries<A, Depth, "">

/**
 * The paths of a filter, of a sort order, of the keys of an index.
 *
 * @stability unstable
 * @category utility types
 * @since 0.1.0
 */
export type Path<A> = ReadPaths<A>[0]

/**
 * The type of what stands at a path.
 *
 * @stability unstable
 * @category utility types
 * @since 0.1.0
 */
export type ValueAt<A, P extends string> = ReadPaths<A> extends infer E
  ? E extends [infer Q, infer V] ? P extends Q ? V : never : never
  : never

/**
 * The type of an array's elements; never for what is no array.
 *
 * @stability unstable
 * @category utility types
 * @since 0.1.0
 */
export type ElementOf<V> = V extends ReadonlyArray<infer E> ? E : never
