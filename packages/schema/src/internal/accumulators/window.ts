/** The bounds of windows. */
import { dual } from "effect/Function"
import type { Need, Spanning, WindowOperator } from "../../Acc.ts"
import { AccumulatorImpl, implOf } from "../expression/accumulator.ts"
import type { Unit } from "../operators/date.ts"
import { refuse } from "../refusal.ts"

/**
 * A bound of a window: where the partition begins or ends, the current document, or a distance from it. A negative distance lies
 * before it.
 *
 * @see {@link Window} for both bounds
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export type Bound = "unbounded" | "current" | number

/**
 * The bounds of a window: numbers of documents, or distances of what the documents are ordered by. An order by a date has a unit.
 *
 * @see {@link over} for how to use it
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export type Window =
  | {
    readonly documents: readonly [Bound, Bound]
    readonly range?: undefined
    readonly unit?: undefined
  }
  | {
    readonly range: readonly [Bound, Bound]
    readonly unit?: Unit
    readonly documents?: undefined
  }

type BoundsOf<W> = W extends { readonly documents: infer B extends readonly [Bound, Bound] } ? B
  : W extends { readonly range: infer B extends readonly [Bound, Bound] } ? B
  : never

type IsHere<B> = B extends "unbounded" | "current" | 0 ? true : false

type IsBefore<B extends Bound> = `${B}` extends `-${string}` ? true : IsHere<B>

type IsAfter<B extends Bound> = number extends B ? false : `${B}` extends `-${string}` ? false : true

/** Whether the window surely holds the current document: then it is not empty. */
type HoldsCurrent<B> = B extends readonly [infer Lower extends Bound, infer Upper extends Bound]
  ? [IsBefore<Lower>, IsAfter<Upper>] extends [true, true] ? true : false
  : false

/**
 * What an operator gives over a window. Bounds that may leave the current document out may leave no document.
 *
 * @see {@link over} for windows
 * @stability unstable
 * @category utility types
 * @since 0.1.0
 */
export type Over<A, Empty, W> = HoldsCurrent<BoundsOf<W>> extends true ? A : A | Empty

/**
 * What the bounds of a window need of the order of the documents.
 *
 * @see {@link Need} for what may be needed
 * @stability unstable
 * @category utility types
 * @since 0.1.0
 */
export type NeedsOf<W> = W extends { readonly range: unknown }
  ? W extends { readonly unit: string } ? "sortBy of a date" : "sortBy of a number"
  : W extends { readonly documents: readonly ["unbounded", "unbounded"] } ? never
  : "sortBy"

const here = (bound: Bound): number | undefined => bound === "current" ? 0 : bound === "unbounded" ? undefined : bound

const checkBounds = ([lower, upper]: readonly [Bound, Bound], at: string, needsIntegers: boolean): void => {
  for (const bound of [lower, upper]) {
    const distance = here(bound)
    if (distance !== undefined && (needsIntegers ? !Number.isInteger(distance) : !Number.isFinite(distance))) {
      refuse(at, needsIntegers ? "has a bound that is not an integer" : "has a bound that is not a number")
    }
  }
  if ((here(lower) ?? -Infinity) > (here(upper) ?? Infinity)) {
    refuse(at, "has a lower bound that is above the upper one")
  }
}

const needsOf = ({ documents, unit }: Window): ReadonlyArray<Need> =>
  documents === undefined
    ? [unit === undefined ? "sortBy of a number" : "sortBy of a date"]
    : documents.every((bound) => bound === "unbounded")
    ? []
    : ["sortBy"]

/**
 * An accumulator, or an operator of windows, over a part of the documents around each document. Without `over` it takes all
 * documents of the partition.
 *
 * **Details**
 *
 * A window by `documents` counts them. A window by `range` takes the documents whose order is near: one field must order them,
 * upwards, and hold a number, or a date if the range has a unit. A window that may be without documents adds what the accumulator
 * gives of nothing to the type of the result, such as null.
 *
 * **Example** (The sales of the last week, and the sum up to now)
 *
 * ```ts
 * import { Acc, Bson, Pipeline } from "@mongofx/schema"
 * import { Schema } from "effect"
 *
 * const Sale = Schema.Struct({ _id: Bson.ObjectId, sku: Schema.String, price: Schema.Number, sold: Bson.Date })
 *
 * const sales = Pipeline.make(Sale).pipe(
 *   Pipeline.setWindowFields({
 *     partitionBy: ($) => $.sku,
 *     sortBy: { sold: 1 },
 *     output: ($) => ({
 *       week: Acc.over(Acc.sum($.price), { range: [-7, "current"], unit: "day" }),
 *       soFar: Acc.over(Acc.sum($.price), { documents: ["unbounded", "current"] })
 *     })
 *   })
 * )
 * ```
 *
 * @see {@link Window} for the bounds
 * @stability unstable
 * @category combinators
 * @since 0.1.0
 */
export const over: {
  <const W extends Window>(
    window: W
  ): <A, Empty, Needs>(self: Spanning<A, Empty, Needs>) => WindowOperator<Over<A, Empty, W>, Needs | NeedsOf<W>>
  <A, Empty, Needs, const W extends Window>(
    self: Spanning<A, Empty, Needs>,
    window: W
  ): WindowOperator<Over<A, Empty, W>, Needs | NeedsOf<W>>
} = dual(2, (self: unknown, window: Window) => {
  const { ast, uses, write } = implOf(self, "over")
  const { empty, holdsCurrent, needs } = uses
  if (empty === undefined) return refuse("over", "takes an operator with a window: this one has none")
  const [at, bounds] = window.documents === undefined
    ? ["range", window.range] as const
    : ["documents", window.documents] as const
  checkBounds(bounds, at, at === "documents" || window.unit !== undefined)
  const isHeld = (here(bounds[0]) ?? 0) <= 0 && (here(bounds[1]) ?? 0) >= 0
  if (holdsCurrent && !isHeld) refuse(at, "leaves out the current document, which the operator needs")
  const written = { [at]: bounds, ...(window.unit === undefined ? {} : { unit: window.unit }) }
  return new AccumulatorImpl(isHeld ? ast : empty, (writing) => ({ ...write(writing), window: written }), {
    inGroups: false,
    inWindows: true,
    empty: undefined,
    needs: [...needs, ...needsOf(window)],
    upwards: at === "range",
    holdsCurrent: false
  }) as never
})
