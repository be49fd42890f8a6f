/** Arrays that are made of several values or arrays. */
import type { ElementOf, Elements, Expr, MissingAsNull, NullIf, Tree, TypeOf } from "../../Expr.ts"
import { arrayOf, elementOf, missingAsNull, mixed, nonNull, nullOr, orNull, present, tupleOf } from "../ast/calculus.ts"
import { ExprImpl } from "../expression/expr.ts"
import { anArray } from "../expression/kinds.ts"
import { operand, operandOf } from "../expression/operand.ts"
import { slotOfTree, writeTree } from "../expression/tree.ts"
import { refuse } from "../refusal.ts"

/**
 * An array of these values, one for each place. Null stands for what is missing.
 *
 * **Example** (An array of two fields)
 *
 * ```ts
 * import { Bson, Expr, Pipeline } from "@mongofx/schema"
 * import { Schema } from "effect"
 *
 * const Order = Schema.Struct({ _id: Bson.ObjectId, first: Schema.Number, second: Schema.Number })
 *
 * const values = Pipeline.make(Order).pipe(Pipeline.select(($) => ({ value: Expr.array($.first, $.second) })))
 * ```
 *
 * @see {@link zip} for an array of arrays
 * @stability unstable
 * @category constructors
 * @since 0.1.0
 */
export const array = <const L extends ReadonlyArray<Tree>>(
  ...elements: L
): Expr<{ readonly [K in keyof L]: MissingAsNull<TypeOf<L[K]>> }> =>
  new ExprImpl(
    present(tupleOf(elements.map((element, i) => missingAsNull(slotOfTree(element, `array[${i}]`))))),
    (writing) => elements.map((element, i) => writeTree(element, writing.at(i)))
  ) as never

type Arrays = readonly [Expr<Elements>, ...ReadonlyArray<Expr<Elements>>]

/** What is missing would leave a place out. */
type Defaults = ReadonlyArray<Expr<{} | null>>

type Places<A> = { readonly [K in keyof A]: ElementOf<TypeOf<A[K]>> }

type LongPlaces<A, D> = {
  readonly [K in keyof A]: ElementOf<TypeOf<A[K]>> | (K extends keyof D ? TypeOf<D[K]> : null)
}

/**
 * An array of rows: each has an element of each array. It is as long as the shortest array, or as the longest one if
 * `useLongestLength` says so. It is null if one of the arrays is null or missing.
 *
 * **Details**
 *
 * In the place of what a shorter array lacks is null, or the value of `defaults` for this array.
 *
 * **Example** (Pairs of texts and numbers)
 *
 * ```ts
 * import { Bson, Expr, Pipeline } from "@mongofx/schema"
 * import { Schema } from "effect"
 *
 * const Order = Schema.Struct({ _id: Bson.ObjectId, skus: Schema.Array(Schema.String), prices: Schema.Array(Schema.Number) })
 *
 * const values = Pipeline.make(Order).pipe(Pipeline.select(($) => ({ value: Expr.zip([$.skus, $.prices], { useLongestLength: true, defaults: [Expr.literal("?"), Expr.literal(0)] }) })))
 * ```
 *
 * @see {@link array} for an array of values
 * @stability unstable
 * @category combinators
 * @since 0.1.0
 */
export const zip: {
  <const A extends Arrays>(
    arrays: A,
    options?: { readonly useLongestLength?: false | undefined; readonly defaults?: undefined }
  ): Expr<ReadonlyArray<Places<A>> | NullIf<TypeOf<A[number]>>>
  <const A extends Arrays>(
    arrays: A,
    options: { readonly useLongestLength: boolean; readonly defaults?: undefined }
  ): Expr<ReadonlyArray<LongPlaces<A, []>> | NullIf<TypeOf<A[number]>>>
  <const A extends Arrays, const D extends Defaults>(
    arrays: A,
    options: { readonly useLongestLength: true; readonly defaults: D }
  ): Expr<ReadonlyArray<LongPlaces<A, D>> | NullIf<TypeOf<A[number]>>>
} = (
  arrays: ReadonlyArray<unknown>,
  options: {
    readonly useLongestLength?: boolean | undefined
    readonly defaults?: ReadonlyArray<unknown> | undefined
  } = {}
): Expr<never> => {
  const inputs = arrays.map((each, i) => operandOf(anArray, each, `$zip.inputs[${i}]`))
  const isLong = options.useLongestLength === true
  const fillers = options.defaults?.map((each) => operand(each))
  if (fillers !== undefined && (!isLong || fillers.length !== inputs.length)) {
    refuse("$zip.defaults", "needs a value for each array, and useLongestLength")
  }
  for (const [i, filler] of (fillers ?? []).entries()) {
    if (filler.slot.optional) refuse(`$zip.defaults[${i}]`, "may be missing: use Expr.ifNull")
  }
  const places = inputs.map(({ slot }, i) => {
    const element = elementOf(nonNull(slot.ast))
    const filler = fillers?.[i]
    if (!isLong) return element
    return filler === undefined ? nullOr(element) : mixed([element, filler.slot.ast], `$zip.defaults[${i}]`)
  })
  return new ExprImpl(orNull(arrayOf(tupleOf(places)), inputs.map(({ slot }) => slot)), (writing) => ({
    $zip: {
      inputs: inputs.map((input) => input.write(writing)),
      ...(isLong ? { useLongestLength: true } : {}),
      ...(fillers === undefined ? {} : { defaults: fillers.map((filler) => filler.write(writing)) })
    }
  })) as never
}
