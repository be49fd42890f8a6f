/** All of the values. */
import type { Accumulator, GroupOperator } from "../../Acc.ts"
import type { ElementOf, Expr, Nullish } from "../../Expr.ts"
import { arrayOf, elementOf, isNullable, mayBeNull } from "../ast/calculus.ts"
import { plainAst } from "../ast/fields.ts"
import { make, makeForGroups } from "../expression/accumulator.ts"
import { anArray, anObject } from "../expression/kinds.ts"
import { operand, operandOf } from "../expression/operand.ts"
import type { FieldsOf } from "../expression/types.ts"
import { refuse } from "../refusal.ts"

/** What is missing is left out. */
const collection = (name: string) => <A>(expr: Expr<A>): Accumulator<ReadonlyArray<Exclude<A, undefined>>> => {
  const { slot, write } = operand(expr)
  return make(arrayOf(slot.ast), (writing) => ({ [name]: write(writing) }))
}

/**
 * An array of all values. What is missing is left out.
 *
 * **Example** (The orders of each customer)
 *
 * ```ts
 * import { Acc, Bson, Pipeline } from "@mongofx/schema"
 * import { Schema } from "effect"
 *
 * const Order = Schema.Struct({ _id: Bson.ObjectId, customer: Bson.ObjectId })
 *
 * const orders = Pipeline.make(Order).pipe(Pipeline.group(($) => $.customer, ($) => ({ orders: Acc.push($._id) })))
 * ```
 *
 * @see {@link addToSet} for each value once
 * @stability unstable
 * @category constructors
 * @since 0.1.0
 */
export const push: <A>(expr: Expr<A>) => Accumulator<ReadonlyArray<Exclude<A, undefined>>> = collection("$push")

/**
 * An array of the different values, in no order. What is missing is left out.
 *
 * **Example** (The products of each customer)
 *
 * ```ts
 * import { Acc, Bson, Pipeline } from "@mongofx/schema"
 * import { Schema } from "effect"
 *
 * const Sale = Schema.Struct({ _id: Bson.ObjectId, customer: Bson.ObjectId, sku: Schema.String })
 *
 * const products = Pipeline.make(Sale).pipe(Pipeline.group(($) => $.customer, ($) => ({ skus: Acc.addToSet($.sku) })))
 * ```
 *
 * @see {@link push} for all values
 * @see {@link setUnion} for the elements of arrays
 * @stability unstable
 * @category constructors
 * @since 0.1.0
 */
export const addToSet: <A>(expr: Expr<A>) => Accumulator<ReadonlyArray<Exclude<A, undefined>>> = collection("$addToSet")

/** The server fails on null, and leaves out what is missing. */
const joined = (name: string) =>
<A extends ReadonlyArray<unknown> | undefined>(
  expr: Expr<A>
): Accumulator<ReadonlyArray<ElementOf<A>>> => {
  const { slot, write } = operandOf(anArray, expr, name)
  if (mayBeNull(slot.ast)) refuse(name, "takes an array that is never null: use Expr.ifNull")
  return make(arrayOf(elementOf(slot.ast)), (writing) => ({ [name]: write(writing) }))
}

/**
 * The elements of all arrays in one array. An array that is missing is left out.
 *
 * **Example** (All tags)
 *
 * ```ts
 * import { Acc, Bson, Pipeline } from "@mongofx/schema"
 * import { Schema } from "effect"
 *
 * const Sale = Schema.Struct({ _id: Bson.ObjectId, sku: Schema.String, tags: Schema.Array(Schema.String) })
 *
 * const tags = Pipeline.make(Sale).pipe(
 *   Pipeline.group(($) => $.sku, ($) => ({ tags: Acc.concatArrays($.tags) }))
 * )
 * ```
 *
 * @see {@link setUnion} for each element once
 * @stability unstable
 * @category constructors
 * @since 0.1.0
 */
export const concatArrays: <A extends ReadonlyArray<unknown> | undefined>(
  expr: Expr<A>
) => Accumulator<ReadonlyArray<ElementOf<A>>> = joined("$concatArrays")

/**
 * The different elements of all arrays in one array, in no order. An array that is missing is left out.
 *
 * **Example** (The different tags)
 *
 * ```ts
 * import { Acc, Bson, Pipeline } from "@mongofx/schema"
 * import { Schema } from "effect"
 *
 * const Sale = Schema.Struct({ _id: Bson.ObjectId, sku: Schema.String, tags: Schema.Array(Schema.String) })
 *
 * const tags = Pipeline.make(Sale).pipe(
 *   Pipeline.group(($) => $.sku, ($) => ({ tags: Acc.setUnion($.tags) }))
 * )
 * ```
 *
 * @see {@link concatArrays} for all elements
 * @stability unstable
 * @category constructors
 * @since 0.1.0
 */
export const setUnion: <A extends ReadonlyArray<unknown> | undefined>(
  expr: Expr<A>
) => Accumulator<ReadonlyArray<ElementOf<A>>> = joined("$setUnion")

/**
 * The type of a merge of objects: a plain object, whose fields are all optional where there may be no object.
 *
 * @see {@link mergeObjects} for the accumulator
 * @stability unstable
 * @category utility types
 * @since 0.1.0
 */
export type Merged<A> = [Extract<A, Nullish>] extends [never] ? Plain<FieldsOf<A>>
  : Partial<Plain<FieldsOf<NonNullable<A>>>>

type Plain<A> = { readonly [K in keyof A as A[K] extends Function ? never : K]: A[K] }

/**
 * One object with the fields of all objects: the last one that has a field gives its value. The merge of nothing is an empty
 * object. Windows do not take it.
 *
 * **Example** (What is known of a product)
 *
 * ```ts
 * import { Acc, Bson, Pipeline } from "@mongofx/schema"
 * import { Schema } from "effect"
 *
 * const Change = Schema.Struct({
 *   _id: Bson.ObjectId,
 *   sku: Schema.String,
 *   fields: Schema.Struct({ name: Schema.optionalKey(Schema.String), price: Schema.optionalKey(Schema.Number) })
 * })
 *
 * const products = Pipeline.make(Change).pipe(
 *   Pipeline.sort({ _id: 1 }),
 *   Pipeline.group(($) => $.sku, ($) => ({ product: Acc.mergeObjects($.fields) }))
 * )
 * ```
 *
 * @see {@link push} for an array of all objects
 * @stability unstable
 * @category constructors
 * @since 0.1.0
 */
export const mergeObjects = <A extends object | Nullish>(expr: Expr<A>): GroupOperator<Merged<A>> => {
  const { slot, write } = operandOf(anObject, expr, "$mergeObjects")
  return makeForGroups(plainAst(slot.ast, "$mergeObjects", isNullable(slot)), (writing) => ({
    $mergeObjects: write(writing)
  }))
}
