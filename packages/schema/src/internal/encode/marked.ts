/** Filters and updates that were marked: those that go to the server as they are, and those that hold values only. */
import * as Predicate from "effect/Predicate"

// Symbols, so that no editor offers them as names.
/** @internal */
export const UnsafeTypeId: unique symbol = Symbol.for("@mongofx/schema/Unsafe")

/** @internal */
export const ValuesTypeId: unique symbol = Symbol.for("@mongofx/schema/Values")

declare const filterMark: unique symbol
declare const updateMark: unique symbol

/** @internal */
export type FilterMark = typeof filterMark

/** @internal */
export type UpdateMark = typeof updateMark

/**
 * The type of a filter that was checked already, for documents of type `A` and so for all documents that are an `A`. There is
 * nothing of it at run time. It is a method of a class, since a spread leaves those out: `{ ...filter, age: 3 }` is a
 * literal again, and checked.
 *
 * @internal
 */
export declare abstract class MarkedFilter<A> {
  [filterMark]?(): (document: A) => void
}

/**
 * The same of an update.
 *
 * @internal
 */
export declare abstract class MarkedUpdate<A> {
  [updateMark]?(): (document: A) => void
}

/** Something that was marked on purpose. It is known by its prototype, so that nothing that was parsed passes for it. */
class Marked {
  readonly document: unknown
  constructor(document: unknown) {
    this.document = document
  }
}

/**
 * Something that goes to the server as it is.
 *
 * @internal
 */
export class UnsafeImpl extends Marked {
  get [UnsafeTypeId](): true {
    return true
  }
}

/**
 * Fields and the values they must be equal to.
 *
 * @internal
 */
export class ValuesImpl extends Marked {
  get [ValuesTypeId](): true {
    return true
  }
}

const isMarked = (u: unknown, id: symbol): boolean => Predicate.hasProperty(u, id) && !Object.hasOwn(u, id)

/** @internal */
export const isUnsafe = (u: unknown): u is UnsafeImpl => isMarked(u, UnsafeTypeId)

/** @internal */
export const isValues = (u: unknown): u is ValuesImpl => isMarked(u, ValuesTypeId)
