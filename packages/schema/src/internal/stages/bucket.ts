/** Groups documents by ranges of a value. */
import { dual } from "effect/Function"
import type { Fields } from "../../Acc.ts"
import type { Expr, Fraction, MissingAsNull, Nullish, Ref } from "../../Expr.ts"
import type { Pipeline } from "../../Pipeline.ts"
import { isNullable, missingAsNull, nonNull, oneOf, struct } from "../ast/calculus.ts"
import { fraction, numeric } from "../ast/numbers.ts"
import { positiveInteger } from "../encode/arguments.ts"
import { constant, literalOf, operand } from "../expression/operand.ts"
import { type Accumulators, asOperator, type Counted, outputOf } from "../pipeline/groups.ts"
import { addStage } from "../pipeline/pipeline.ts"
import type { Simplify } from "../pipeline/types.ts"
import { refuse } from "../refusal.ts"

/**
 * The ranges and the fields of `bucket`.
 *
 * @see {@link bucket} for the stage
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface Buckets<A, B, D, F> {
  /** What begins the ranges, upwards, and the end of the last one. They are encoded by the codec of the value. */
  readonly boundaries: ReadonlyArray<Exclude<B, Nullish>>
  /** The `_id` of the bucket for all other documents. It must lie outside of the ranges, as a text does beside numbers. */
  readonly default?: D
  /** The fields of a bucket. Without it, the field `count` is the number of documents. */
  readonly output?: ($: Ref<A>) => F
}

type Constant = string | number | boolean | null | undefined

type Bucket<B, D, F> = Simplify<
  & { readonly _id: Exclude<B, Nullish> | (undefined extends D ? Exclude<D, undefined> : D) }
  & Fields<F>
>

/**
 * Groups documents by ranges of a value that you name. The `_id` of a bucket is what its range begins with.
 *
 * **Details**
 *
 * A range holds its begin, and not its end. Empty buckets are left out. The documents that are in no range are in the bucket of the
 * `default`. Without it the server fails, so a value that may be null or missing needs one.
 *
 * **Gotchas**
 *
 * A text that starts with `$` is refused as a boundary and as the default: the server would take it for a path.
 *
 * **Example** (Sales by price)
 *
 * ```ts
 * import { Acc, Bson, Pipeline } from "@mongofx/schema"
 * import { Schema } from "effect"
 *
 * const Sale = Schema.Struct({ _id: Bson.ObjectId, price: Schema.Number })
 *
 * const sales = Pipeline.make(Sale).pipe(
 *   Pipeline.bucket(($) => $.price, {
 *     boundaries: [0, 10, 100],
 *     default: "more",
 *     output: ($) => ({ sales: Acc.count, revenue: Acc.sum($.price) })
 *   })
 * )
 * ```
 *
 * @see {@link bucketAuto} for ranges that the server chooses
 * @stability unstable
 * @category combinators
 * @since 0.1.0
 */
export const bucket: {
  <A, B, const D extends Constant = undefined, const F extends Accumulators = Counted>(
    by: ($: Ref<A>) => Expr<B>,
    buckets: Buckets<A, B, D, F>
  ): <R>(self: Pipeline<A, R>) => Pipeline<Bucket<B, D, F>, R>
  <A, R, B, const D extends Constant = undefined, const F extends Accumulators = Counted>(
    self: Pipeline<A, R>,
    by: ($: Ref<A>) => Expr<B>,
    buckets: Buckets<A, B, D, F>
  ): Pipeline<Bucket<B, D, F>, R>
} = dual(3, (
  self: unknown,
  by: ($: Ref<unknown>) => Expr<unknown>,
  { boundaries, default: other, output }: Buckets<unknown, unknown, Constant, unknown>
) =>
  addStage(self, "$bucket", ({ $ }) => {
    const value = operand(by($))
    const ast = nonNull(value.slot.ast)
    if (boundaries.length < 2) refuse("boundaries", "has fewer than two values")
    if (other === undefined && isNullable(value.slot)) {
      refuse("groupBy", "may be null or missing, which is in no range: give a default")
    }
    boundaries.forEach((boundary, i) => checkText(boundary, `boundaries[${i}]`))
    checkText(other, "default")
    const begins = boundaries.map((boundary) => constant(ast, boundary))
    const rest = other === undefined ? undefined : literalOf(other)
    const fields = outputOf(output?.($))
    return {
      // The constant comes first: a codec of texts might take it for a value.
      ast: struct({ _id: rest === undefined ? ast : oneOf([rest.slot.ast, ast]), ...fields.asts }),
      write: (writing) => ({
        groupBy: asOperator(value.write(writing.at("groupBy"))),
        boundaries: begins.map((begin, i) => begin.write(writing.at("boundaries").at(i))),
        ...(rest === undefined ? {} : { default: rest.write(writing.at("default")) }),
        ...fields.write(writing)
      })
    }
  }))

/** The server forgets that such a text was a literal, and gives what is at the path. */
const checkText = (value: unknown, at: string): void => {
  if (typeof value === "string" && value.startsWith("$")) {
    refuse(at, "starts with $, which the server takes for a path here")
  }
}

/**
 * The series of preferred numbers that the ranges of `bucketAuto` begin and end with.
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export type Granularity =
  | "R5"
  | "R10"
  | "R20"
  | "R40"
  | "R80"
  | "1-2-5"
  | "E6"
  | "E12"
  | "E24"
  | "E48"
  | "E96"
  | "E192"
  | "POWERSOF2"

/**
 * How many buckets `bucketAuto` makes, and their fields.
 *
 * @see {@link bucketAuto} for the stage
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface AutoBuckets<A, G, F> {
  /** How many buckets there are at most: a positive integer. */
  readonly buckets: number
  /** Rounds the ranges of numbers. The value must be a number, and never null or missing. */
  readonly granularity?: G
  /** The fields of a bucket. Without it, the field `count` is the number of documents. */
  readonly output?: ($: Ref<A>) => F
}

type Range<B, G> = undefined extends G ? MissingAsNull<B> : Fraction<B>

type AutoBucket<B, G, F> = Simplify<
  & { readonly _id: { readonly min: Range<B, G>; readonly max: Range<B, G> } }
  & Fields<F>
>

/**
 * Groups documents by ranges of a value, so that about the same number of documents is in each. The `_id` of a bucket has the `min`
 * and the `max` of its range.
 *
 * **Details**
 *
 * A range holds its `min`, and not its `max`, which is the `min` of the next range. The last one holds both. Null and missing are the
 * smallest values.
 *
 * **Example** (Four ranges of prices)
 *
 * ```ts
 * import { Bson, Pipeline } from "@mongofx/schema"
 * import { Schema } from "effect"
 *
 * const Sale = Schema.Struct({ _id: Bson.ObjectId, price: Schema.Number })
 *
 * const sales = Pipeline.make(Sale).pipe(Pipeline.bucketAuto(($) => $.price, { buckets: 4 }))
 * ```
 *
 * @see {@link bucket} for ranges of your own
 * @stability unstable
 * @category combinators
 * @since 0.1.0
 */
export const bucketAuto: {
  <A, B, const G extends Granularity | undefined = undefined, const F extends Accumulators = Counted>(
    by: ($: Ref<A>) => Expr<B>,
    buckets: AutoBuckets<A, G, F>
  ): <R>(self: Pipeline<A, R>) => Pipeline<AutoBucket<B, G, F>, R>
  <A, R, B, const G extends Granularity | undefined = undefined, const F extends Accumulators = Counted>(
    self: Pipeline<A, R>,
    by: ($: Ref<A>) => Expr<B>,
    buckets: AutoBuckets<A, G, F>
  ): Pipeline<AutoBucket<B, G, F>, R>
} = dual(3, (
  self: unknown,
  by: ($: Ref<unknown>) => Expr<unknown>,
  { buckets, granularity, output }: {
    readonly buckets: number
    readonly granularity?: Granularity
    readonly output?: ($: Ref<unknown>) => unknown
  }
) =>
  addStage(self, "$bucketAuto", ({ $ }) => {
    const value = operand(by($))
    positiveInteger(buckets, "buckets")
    // A default of the codec is refused: the server knows only what is stored.
    const mayBeNull = isNullable(value.slot)
    if (granularity !== undefined && mayBeNull) {
      refuse("granularity", "takes a number that is never null and never missing")
    }
    const bound = granularity === undefined
      ? missingAsNull(value.slot)
      : fraction(numeric([value.slot.ast], "granularity"))
    const fields = outputOf(output?.($))
    return {
      ast: struct({ _id: struct({ min: bound, max: bound }), ...fields.asts }),
      write: (writing) => ({
        groupBy: asOperator(value.write(writing.at("groupBy"))),
        buckets,
        ...(granularity === undefined ? {} : { granularity }),
        ...fields.write(writing)
      })
    }
  }))
