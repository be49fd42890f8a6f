/** Marks filters and updates: some are sent as they are, others hold values only, or expressions. */
import type * as SchemaAST from "effect/SchemaAST"
import { refuse } from "../refusal.ts"
import type { Operands } from "./operands.ts"

// Symbols, so that no editor offers them as names.
/** @internal */
export const UnsafeTypeId: unique symbol = Symbol.for("@mongofx/schema/Unsafe")

/** @internal */
export const ValuesTypeId: unique symbol = Symbol.for("@mongofx/schema/Values")

/** @internal */
export const ComputedTypeId: unique symbol = Symbol.for("@mongofx/schema/Computed")

declare const filterMark: unique symbol
declare const updateMark: unique symbol

/** @internal */
export type FilterMark = typeof filterMark

/** @internal */
export type UpdateMark = typeof updateMark

/**
 * The type of a filter that was checked already, for documents of type `A` and of its subtypes. It exists only for the
 * compiler. It has a method of a class, since a spread leaves methods out: `{ ...filter, age: 3 }` is a literal again, and
 * checked.
 *
 * @internal
 */
export declare abstract class MarkedFilter<A> {
  [filterMark]?(): (document: A) => void
}

/**
 * The type of an update that was checked already, as `MarkedFilter` is for filters.
 *
 * @internal
 */
export declare abstract class MarkedUpdate<A> {
  [updateMark]?(): (document: A) => void
}

/** Marks an object on purpose. The mark is in its prototype, so parsed input never carries it. */
class Marked {
  readonly document: unknown
  constructor(document: unknown) {
    this.document = document
  }
}

/**
 * Marks an object that goes to the server as it is.
 *
 * @internal
 */
export class UnsafeImpl extends Marked {
  get [UnsafeTypeId](): true {
    return true
  }
}

/**
 * Marks an object of fields and the values that they must be equal to.
 *
 * @internal
 */
export class ValuesImpl extends Marked {
  get [ValuesTypeId](): true {
    return true
  }
}

/** Writes what is computed from documents of a schema. */
type Write = (documents: SchemaAST.AST, operands: Operands, at: string) => unknown

/**
 * Marks a filter or an update of expressions. They are made when the schema of the documents is known.
 *
 * @internal
 */
export class ComputedImpl {
  readonly write: Write
  constructor(write: Write) {
    this.write = write
  }

  get [ComputedTypeId](): true {
    return true
  }
}

const isMarked = (u: unknown, id: symbol): boolean => {
  if (typeof u !== "object" || u === null) return false
  // Nearly every object is plain. Its prototype has no mark, and a look for it would cost more.
  const prototype = Object.getPrototypeOf(u)
  return prototype !== Object.prototype && prototype !== null && id in prototype && !Object.hasOwn(u, id)
}

/** @internal */
export const isUnsafe = (u: unknown): u is UnsafeImpl => isMarked(u, UnsafeTypeId)

/** @internal */
export const isValues = (u: unknown): u is ValuesImpl => isMarked(u, ValuesTypeId)

/** @internal */
export const isComputed = (u: unknown): u is ComputedImpl => isMarked(u, ComputedTypeId)

/**
 * Writes a filter or an update of expressions.
 *
 * @internal
 */
export const writeComputed = (
  { write }: ComputedImpl,
  documents: SchemaAST.AST | undefined,
  operands: Operands,
  at: string
): unknown => write(documents ?? refuse(at, "has expressions, which need whole documents"), operands, at)
