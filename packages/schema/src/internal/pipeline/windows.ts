/** The order and the partitions of windows, and what operators need of them. */
import type * as BigDecimal from "effect/BigDecimal"
import type * as SchemaAST from "effect/SchemaAST"
import type * as Driver from "mongodb"
import type { Need } from "../../Acc.ts"
import type { Nullish, Numeric, Tree } from "../../Expr.ts"
import { oneOf } from "../ast/calculus.ts"
import { storedTypes } from "../ast/stored.ts"
import { encodeSort } from "../encode/sort.ts"
import { slotOfTree } from "../expression/tree.ts"
import type { IsUnion } from "../expression/types.ts"
import { makeResolve } from "../path/resolve.ts"
import type { At } from "../path/types.ts"
import { refuse } from "../refusal.ts"

/**
 * What an order gives to the operators of windows. `F` is the type of the literal, `K` its keys.
 *
 * @internal
 */
export type Given<A, F, K> = unknown extends F ? never
  : "sortBy" | (true extends IsUnion<K> ? never : "sortBy of one field" | GivenBy<At<A, K & string>>)

type GivenBy<V> = [V] extends [Driver.Decimal128 | BigDecimal.BigDecimal] ? "sortBy of a number"
  : [V] extends [Numeric]
    ? "sortBy of a number" | "sortBy of a number that is no decimal" | "sortBy of a number or a date"
  : [Extract<V, string | boolean | ReadonlyArray<unknown> | Nullish>] extends [never]
    ? "sortBy of a date" | "sortBy of a number or a date"
  : never

/**
 * The order of a window, as the server takes it.
 *
 * @internal
 */
export interface Order {
  readonly written: Driver.Document
  readonly gives: ReadonlySet<Need>
  readonly isUpwards: boolean
}

const onlyOf = (types: ReadonlySet<string>, ...names: ReadonlyArray<string>): boolean =>
  [...types].every((type) => names.includes(type))

const givenBy = (types: ReadonlySet<string>): ReadonlyArray<Need> => {
  if (onlyOf(types, "date")) return ["sortBy of a date", "sortBy of a number or a date"]
  if (onlyOf(types, "number", "int", "long", "double")) {
    return ["sortBy of a number", "sortBy of a number that is no decimal", "sortBy of a number or a date"]
  }
  return onlyOf(types, "decimal") ? ["sortBy of a number"] : []
}

const ascending: ReadonlySet<unknown> = new Set([1, "asc", "ascending"])

/**
 * The order of the documents in a window.
 *
 * @internal
 */
export const orderOf = (ast: SchemaAST.AST, sortBy: unknown): Order | undefined => {
  if (sortBy === undefined) return undefined
  const resolve = makeResolve([ast], "filter")
  const written = encodeSort(resolve, sortBy, "sortBy")
  const names = Object.keys(sortBy as object)
  const [first] = names
  if (first === undefined) return refuse("sortBy", "has no field")
  const gives = new Set<Need>(["sortBy"])
  if (names.length === 1) {
    gives.add("sortBy of one field")
    const { alternatives } = resolve(first, `sortBy.${first}`)
    for (const need of givenBy(storedTypes(oneOf(alternatives)))) gives.add(need)
  }
  return { written, gives, isUpwards: ascending.has((sortBy as Record<string, unknown>)[first]) }
}

interface Needing {
  readonly needs: ReadonlyArray<Need>
  readonly upwards?: boolean
}

/**
 * Refuses an operator that needs another order.
 *
 * @internal
 */
export const checkNeeds = ({ needs, upwards }: Needing, order: Order | undefined, at: string): void => {
  const missing = needs.find((need) => order?.gives.has(need) !== true)
  if (missing !== undefined) refuse(at, `needs a ${missing}`)
  if (upwards === true && order?.isUpwards !== true) {
    refuse(at, "has a range, which needs a sortBy that goes upwards: use 1")
  }
}

/**
 * Refuses partitions by what the server does not partition by.
 *
 * @internal
 */
export const checkPartition = (partition: Tree): void => {
  if (storedTypes(slotOfTree(partition, "partitionBy").ast).has("array")) {
    refuse("partitionBy", "may be an array, which is no value of a partition")
  }
}
