/** The context of the encoders of filters and updates: one field, its possible schemas, and the place of its value. */
import type * as SchemaAST from "effect/SchemaAST"
import { encodeOperand, encodeValue } from "../path/codecs.ts"
import { elements } from "../path/nodes.ts"
import { makeResolve, type Resolve } from "../path/resolve.ts"
import { refuse } from "../refusal.ts"
import { type Operands, type Place, type PutOptions, strict } from "./operands.ts"

/**
 * The schemas that may stand at a path: one for each member of a union on the way.
 *
 * @internal
 */
export type Alternatives = ReadonlyArray<SchemaAST.AST>

/**
 * The context that a value is encoded in.
 *
 * @internal
 */
export interface Scope {
  readonly operands: Operands
  readonly alternatives: Alternatives
  /** The path in the argument, for errors. */
  readonly path: string
}

/**
 * A field, or an element of a list, that is encoded.
 *
 * @internal
 */
export interface Field extends Scope, Place {}

/**
 * Encodes a value that is stored at a field.
 *
 * @internal
 */
export const putValue = (field: Field, value: unknown, options?: PutOptions): void =>
  field.operands.put(field, encodeValue(field.alternatives)(value, strict), options)

/**
 * Encodes a value that a field is compared with. An array is compared with a whole array or with one element.
 *
 * @internal
 */
export const putOperand = (field: Field, value: unknown, options: PutOptions): void =>
  field.operands.put(field, encodeOperand(field.alternatives)(value, strict), options)

const elementLists = new WeakMap<Alternatives, Alternatives>()

/**
 * The elements of the arrays among the alternatives. Refuses a place without an array.
 *
 * @internal
 */
export const elementsAt = (alternatives: Alternatives, path: string): Alternatives => {
  let found = elementLists.get(alternatives)
  if (found === undefined) elementLists.set(alternatives, found = elements(alternatives))
  return found.length === 0 ? refuse(path, "needs an array") : found
}

const elementResolvers = new WeakMap<Alternatives, Resolve>()

/**
 * Resolves the paths of an element.
 *
 * @internal
 */
export const resolveIn = (alternatives: Alternatives): Resolve => {
  let resolve = elementResolvers.get(alternatives)
  if (resolve === undefined) elementResolvers.set(alternatives, resolve = makeResolve(alternatives, "filter"))
  return resolve
}
