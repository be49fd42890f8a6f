import * as Predicate from "effect/Predicate"

/** @internal */
export const UnsafeTypeId = "~@mongofx/schema/Unsafe" as const

/**
 * Something that goes to the server as it is. It is known by its prototype, so that nothing that was parsed passes for it.
 *
 * @internal
 */
export class UnsafeImpl {
  get [UnsafeTypeId](): typeof UnsafeTypeId {
    return UnsafeTypeId
  }
  readonly document: unknown
  constructor(document: unknown) {
    this.document = document
  }
}

/** @internal */
export const isUnsafe = (u: unknown): u is UnsafeImpl =>
  Predicate.hasProperty(u, UnsafeTypeId) && !Object.hasOwn(u, UnsafeTypeId)

/** @internal */
export const ValuesTypeId = "~@mongofx/schema/Values" as const

/**
 * Fields and the values they must be equal to. It is known by its prototype, too.
 *
 * @internal
 */
export class ValuesImpl {
  get [ValuesTypeId](): typeof ValuesTypeId {
    return ValuesTypeId
  }
  readonly document: unknown
  constructor(document: unknown) {
    this.document = document
  }
}

/** @internal */
export const isValues = (u: unknown): u is ValuesImpl =>
  Predicate.hasProperty(u, ValuesTypeId) && !Object.hasOwn(u, ValuesTypeId)
