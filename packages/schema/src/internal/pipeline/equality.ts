/** Fields that a stage compares with those of another collection: they must be stored alike. */
import type * as SchemaAST from "effect/SchemaAST"
import type { NeverEqual } from "../../Pipeline.ts"
import { nonNull, oneOf } from "../ast/calculus.ts"
import { mayBeEqual, storedAs } from "../ast/stored.ts"
import type { FieldName, FieldsOf } from "../expression/types.ts"
import { elements } from "../path/nodes.ts"
import { makeResolve } from "../path/resolve.ts"
import type { At, NoSuchPath } from "../path/types.ts"
import { refuse } from "../refusal.ts"

/**
 * What stands for a path before it is checked.
 *
 * @internal
 */
export type AnyPath<A> = FieldName<FieldsOf<A>> | "_id" | `${string}.${string}`

/**
 * What is compared: elements of an array count for it.
 *
 * @internal
 */
export type Compared<V> = Exclude<V extends ReadonlyArray<infer E> ? E : V, null | undefined>

/**
 * The path, or the message that it leads nowhere.
 *
 * @internal
 */
export type Local<A, L extends string> = L extends unknown ? [At<A, L>] extends [never] ? NoSuchPath<L> : L : L

/**
 * The path, or the message why it is never equal to the local one.
 *
 * @internal
 */
export type Foreign<A, L extends string, B, F extends string> = F extends unknown ?
  [At<B, F>] extends [never] ? NoSuchPath<F>
  : [Extract<Compared<At<B, F>>, Compared<At<A, L>>>] extends [never]
    ? [Extract<Compared<At<A, L>>, Compared<At<B, F>>>] extends [never] ? NeverEqual<L, F> : F
  : F
  : F

/**
 * The schema of what is compared: values, and elements of arrays.
 *
 * @internal
 */
export const compared = (ast: SchemaAST.AST, path: string) => {
  const { alternatives } = makeResolve([ast], "filter")(path, path)
  return nonNull(oneOf([...alternatives, ...elements(alternatives)]))
}

/**
 * Refuses two fields that are stored in different ways.
 *
 * @internal
 */
export const checkEqual = (
  local: SchemaAST.AST,
  localField: string,
  foreign: SchemaAST.AST,
  foreignField: string,
  from: string
): void => {
  const [a, b] = [compared(local, localField), compared(foreign, foreignField)]
  if (mayBeEqual(a, b)) return
  refuse(
    localField,
    `is stored as ${storedAs(a)}, and ${foreignField} of ${from} as ${storedAs(b)}: they are never equal`
  )
}
