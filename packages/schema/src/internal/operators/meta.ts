/** What the server knows about a document besides its fields. */
import * as Schema from "effect/Schema"
import type { Expr } from "../../Expr.ts"
import { number } from "../ast/calculus.ts"
import { make } from "../expression/expr.ts"

/**
 * The details of a score: how it was computed.
 *
 * @see {@link meta} for the expression
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface ScoreDetails {
  /** The score. */
  readonly value: number
  /** What the server did, in words. */
  readonly description: string
  /** What it was computed from. */
  readonly details: ReadonlyArray<unknown>
}

const ScoreDetails = Schema.Struct({
  value: Schema.Number,
  description: Schema.String,
  details: Schema.Array(Schema.Unknown)
})

/**
 * What the server knows about a document besides its fields, by a stage that searched for it: a score, or the details of a score. It
 * may be missing, since only some stages set it.
 *
 * **Example** (The score of each document)
 *
 * ```ts
 * import { Bson, Expr, Pipeline } from "@mongofx/schema"
 * import { Schema } from "effect"
 *
 * const Movie = Schema.Struct({ _id: Bson.ObjectId, title: Schema.String, plot: Schema.String })
 *
 * const found = Pipeline.make(Movie).pipe(
 *   Pipeline.match({ $text: { $search: "baseball" } }),
 *   Pipeline.set(() => ({ score: Expr.meta("textScore") }))
 * )
 * ```
 *
 * @see {@link literal} for constants
 * @stability unstable
 * @category constructors
 * @since 0.1.0
 */
export const meta = <
  const Name extends
    | "textScore"
    | "searchScore"
    | "vectorSearchScore"
    | "score"
    | "randVal"
    | "geoNearDistance"
    | "scoreDetails"
    | "searchScoreDetails"
>(
  name: Name
): Expr<(Name extends "scoreDetails" | "searchScoreDetails" ? ScoreDetails : number) | undefined> =>
  make({ ast: name.endsWith("Details") ? ScoreDetails.ast : number, optional: true }, () => ({ $meta: name }))
