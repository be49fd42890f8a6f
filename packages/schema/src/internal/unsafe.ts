import * as Predicate from "effect/Predicate"

/** @internal */
export const UnsafeTypeId = "~@mongofx/schema/Unsafe" as const

/** @internal */
export const ValuesTypeId = "~@mongofx/schema/Values" as const

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
  get [UnsafeTypeId](): typeof UnsafeTypeId {
    return UnsafeTypeId
  }
}

/**
 * Fields and the values they must be equal to.
 *
 * @internal
 */
export class ValuesImpl extends Marked {
  get [ValuesTypeId](): typeof ValuesTypeId {
    return ValuesTypeId
  }
}

const isMarked = (u: unknown, id: string): boolean => Predicate.hasProperty(u, id) && !Object.hasOwn(u, id)

/** @internal */
export const isUnsafe = (u: unknown): u is UnsafeImpl => isMarked(u, UnsafeTypeId)

/** @internal */
export const isValues = (u: unknown): u is ValuesImpl => isMarked(u, ValuesTypeId)
