/** Gives values to fields that are null or missing. */
import { dual } from "effect/Function"
import type * as SchemaAST from "effect/SchemaAST"
import type { Arithmetic, Expr, MissingAsNull, Nullish, Ref, Tree } from "../../Expr.ts"
import type { Pipeline } from "../../Pipeline.ts"
import type { SortInput } from "../../TypedQuery.ts"
import { isNullable, mixed, nonNull, orNull, type Slot } from "../ast/calculus.ts"
import { changeField } from "../ast/fields.ts"
import { hasIntegers64, numeric } from "../ast/numbers.ts"
import { implOf, isExpr } from "../expression/expr.ts"
import { writeTree } from "../expression/tree.ts"
import type { FieldsOf } from "../expression/types.ts"
import type { Writing } from "../expression/writing.ts"
import type { At, Keys } from "../path/types.ts"
import { setFields } from "../pipeline/fields.ts"
import { addStage } from "../pipeline/pipeline.ts"
import type { Assign } from "../pipeline/types.ts"
import { checkNeeds, checkPartition, type Order, orderOf } from "../pipeline/windows.ts"
import { isPlainObject } from "../plainObject.ts"
import { refuse } from "../refusal.ts"

/**
 * What takes the place of null and of what is missing: an expression, the last value before, or a value on the line between those
 * before and after.
 *
 * @see {@link fill} for the stage
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export type Filler = { readonly value: Expr<unknown> } | { readonly method: "locf" | "linear" }

/**
 * The partitions, the order and the fields of `fill`.
 *
 * @see {@link fill} for the stage
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface Fill<A, S, K extends PropertyKey, F> {
  /** Documents with the same value are a partition: a method takes no value of another one. */
  readonly partitionBy?: ($: Ref<A>) => Tree
  /** The order of the documents. `linear` needs one by a number or a date. */
  readonly sortBy?: SortInput<FieldsOf<A>, S, K>
  /** What takes the place of null, by the paths of the fields. */
  readonly output: ($: Ref<A>) => F
}

type Filled<V, X> = X extends { readonly value: Expr<infer B> } ? Exclude<V, Nullish> | B
  : X extends { readonly method: "linear" } ? Arithmetic<V>
  : MissingAsNull<V>

type Fills<A, F> = { readonly [P in keyof F]: Expr<Filled<At<A, P & string>, F[P]>> }

/**
 * Gives values to fields that are null or missing: an expression, the last value before (`locf`), or a value on the line between those
 * before and after (`linear`).
 *
 * **Details**
 *
 * Where there is no value before, or none after, `locf` and `linear` give null. `linear` takes numbers, and no int64: what lies between
 * two of them is a double. The path goes through objects, not through arrays.
 *
 * **Example** (Prices of all days)
 *
 * ```ts
 * import { Bson, Expr, Pipeline } from "@mongofx/schema"
 * import { Schema } from "effect"
 *
 * const Day = Schema.Struct({
 *   _id: Bson.ObjectId,
 *   sku: Schema.String,
 *   date: Bson.Date,
 *   price: Schema.optionalKey(Schema.Number),
 *   sold: Schema.optionalKey(Schema.Int)
 * })
 *
 * const days = Pipeline.make(Day).pipe(
 *   Pipeline.fill({
 *     partitionBy: ($) => $.sku,
 *     sortBy: { date: 1 },
 *     output: () => ({ price: { method: "linear" }, sold: { value: Expr.literal(0) } })
 *   })
 * )
 * ```
 *
 * @see {@link densify} for documents that lack
 * @stability unstable
 * @category combinators
 * @since 0.1.0
 */
export const fill: {
  <A, const S, K extends Keys<FieldsOf<A>>, const F extends { readonly [path: string]: Filler }>(
    fields: Fill<A, S, K, F>
  ): <R>(self: Pipeline<A, R>) => Pipeline<Assign<A, Fills<FieldsOf<A>, F>>, R>
  <A, R, const S, K extends Keys<FieldsOf<A>>, const F extends { readonly [path: string]: Filler }>(
    self: Pipeline<A, R>,
    fields: Fill<A, S, K, F>
  ): Pipeline<Assign<A, Fills<FieldsOf<A>, F>>, R>
} = dual(2, (self: unknown, { output, partitionBy, sortBy }: Options) =>
  addStage(self, "$fill", ({ $, ast }) => {
    const partition = partitionBy?.($)
    if (partition !== undefined) checkPartition(partition)
    const order = orderOf(ast, sortBy)
    const fillers = output($)
    if (!isPlainObject(fillers) || Object.keys(fillers).length === 0) return refuse("output", "has no fields")
    const fields = Object.entries(fillers).map(([path, filler]) => {
      const at = `output.${path}`
      return { path, ...fillerOf(filler, slotAt($, ast, path, at), order, at) }
    })
    const set = setFields(ast, fields, { entersArrays: false })
    return {
      ast: set.ast,
      write: (writing) => ({
        ...(partition === undefined ? {} : { partitionBy: writeTree(partition, writing.at("partitionBy")) }),
        ...(order === undefined ? {} : { sortBy: order.written }),
        output: set.write(writing)
      })
    }
  }))

interface Options {
  readonly partitionBy?: ($: Ref<unknown>) => Tree
  readonly sortBy?: unknown
  readonly output: ($: Ref<unknown>) => unknown
}

/** What a field holds, as a reference to it sees it. */
const slotAt = ($: Ref<unknown>, ast: SchemaAST.AST, path: string, at: string): Slot | undefined => {
  let isKnown = false
  const change = (slot: Slot | undefined) => {
    isKnown ||= slot !== undefined
    return slot
  }
  changeField(ast, path, at, { change, creates: false, entersArrays: false })
  if (!isKnown) return undefined
  const field = path.split(".").reduce<unknown>((owner, name) => (owner as Record<string, unknown>)[name], $)
  return implOf(field as Expr<unknown>).slot
}

interface Field {
  readonly slot: Slot
  readonly write: (writing: Writing) => object
}

const fillerOf = (filler: unknown, slot: Slot | undefined, order: Order | undefined, at: string): Field => {
  if (!isPlainObject(filler)) return refuse(at, "has neither a value nor a method: use locf or linear")
  const { method, value } = filler
  if (isExpr(value)) {
    const by = implOf(value)
    const optional = isNullable(by.slot) && by.slot.optional
    const ast = slot === undefined ? by.slot.ast : mixed([nonNull(slot.ast), by.slot.ast], at)
    return { slot: { ast, optional }, write: (writing) => ({ value: by.write(writing) }) }
  }
  if (value !== undefined) return refuse(at, "has a value that is not an expression: use Expr.literal for a constant")
  if (slot === undefined) return refuse(at, "is not a field of the schema: give a value")
  if (method === "locf") return { slot: orNull(slot.ast, [slot]), write: () => ({ method }) }
  if (method !== "linear") return refuse(at, "has neither a value nor a method: use locf or linear")
  const ast = numeric([slot.ast], at)
  if (hasIntegers64(ast)) refuse(at, "is an int64: what lies between two of them is a double")
  checkNeeds({ needs: ["sortBy of a number or a date"] }, order, at)
  return { slot: orNull(ast, [slot]), write: () => ({ method }) }
}
