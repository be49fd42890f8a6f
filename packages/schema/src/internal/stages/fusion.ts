/** Puts the rankings of several pipelines together. */
import { dual } from "effect/Function"
import type { Expr, Ref } from "../../Expr.ts"
import type { Pipeline } from "../../Pipeline.ts"
import { aNumber } from "../expression/kinds.ts"
import { operandOf } from "../expression/operand.ts"
import { checkName } from "../expression/tree.ts"
import { addStage, inner, type PipelineImpl, writeStages } from "../pipeline/pipeline.ts"
import { setOwn } from "../plainObject.ts"
import { refuse } from "../refusal.ts"

/** Pipelines that choose and order documents, and leave them as they are. */
type Rankings<A> = { readonly [name: string]: Pipeline<A, unknown> }

type ServicesOf<P> = P[keyof P] extends Pipeline<unknown, infer R> ? R : never

/**
 * The options of `rankFusion`.
 *
 * @see {@link rankFusion} for the stage
 * @stability unstable
 * @category options
 * @since 0.1.0
 */
export interface RankFusionOptions<Names extends string> {
  /** How much a pipeline counts: 1 without a number. */
  readonly weights?: { readonly [Name in Names]?: number }
  /** Whether the server keeps how each score came about, for `Expr.meta("scoreDetails")`. */
  readonly scoreDetails?: boolean
}

/**
 * The options of `scoreFusion`.
 *
 * @see {@link scoreFusion} for the stage
 * @stability unstable
 * @category options
 * @since 0.1.0
 */
export interface ScoreFusionOptions<Names extends string> extends RankFusionOptions<Names> {
  /** How the scores of a pipeline are brought between 0 and 1, so that they can be compared. */
  readonly normalization: "none" | "sigmoid" | "minMaxScaler"
}

const keepsDocuments: ReadonlySet<string> = new Set([
  "$geoNear",
  "$limit",
  "$match",
  "$rankFusion",
  "$sample",
  "$score",
  "$scoreFusion",
  "$search",
  "$skip",
  "$sort",
  "$vectorSearch"
])

const scores: ReadonlySet<string> = new Set(["$score", "$scoreFusion", "$rankFusion", "$search", "$vectorSearch"])
const ranks: ReadonlySet<string> = new Set([...scores, "$sort", "$geoNear"])

const fusing = (
  self: unknown,
  stage: "$rankFusion" | "$scoreFusion",
  f: (documents: never) => Rankings<unknown>,
  options: Partial<ScoreFusionOptions<string>>
) =>
  addStage<never>(self, stage, ({ ast }) => {
    const rankings: Record<string, PipelineImpl> = {}
    inner(stage, ast, (documents) => {
      for (const [name, ranking] of Object.entries(f(documents))) {
        checkName(name, "pipelines")
        const pipeline = inner(stage, ast, () => ranking)
        const { names } = pipeline
        setOwn(rankings, name, pipeline)
        const wrong = names.find((name) => !keepsDocuments.has(name))
        if (wrong !== undefined) refuse(`pipelines.${name}`, `has ${wrong}, which changes documents`)
        if (!names.some((name) => (stage === "$rankFusion" ? ranks : scores).has(name))) {
          refuse(
            `pipelines.${name}`,
            stage === "$rankFusion" ? "does not order its documents: add sort or a search" : "has no score: add score"
          )
        }
      }
      return documents
    })
    const all = Object.entries(rankings)
    if (all.length === 0) refuse("pipelines", "is empty")
    const { normalization, scoreDetails, weights } = options
    for (const [name, weight] of Object.entries(weights ?? {})) {
      if (!Object.hasOwn(rankings, name)) refuse(`weights.${name}`, "is not a pipeline of the stage")
      if (!Number.isFinite(weight) || weight! < 0) refuse(`weights.${name}`, "is not a positive number")
    }
    return {
      ast,
      write: (writing) => {
        const pipelines = {}
        const inside = writing.at("pipelines")
        for (const [name, ranking] of all) {
          setOwn(pipelines, name, writeStages(ranking, writing.operands, inside.at(name)))
        }
        return {
          input: { pipelines, ...(normalization === undefined ? {} : { normalization }) },
          ...(weights === undefined ? {} : { combination: { weights } }),
          ...(scoreDetails === undefined ? {} : { scoreDetails })
        }
      }
    }
  })

/**
 * Puts the rankings of several pipelines on the same documents together, by the places that a document has in them. It is the first stage.
 *
 * **Details**
 *
 * A pipeline chooses and orders documents: by `sort`, `search`, `vectorSearch` or `geoNear`. `Expr.meta("score")` is the score of a
 * document.
 *
 * **Example** (Cheap and popular products)
 *
 * ```ts
 * import { Bson, Pipeline } from "@mongofx/schema"
 * import { Schema } from "effect"
 *
 * const Product = Schema.Struct({ _id: Bson.ObjectId, price: Schema.Number, sold: Schema.Number })
 *
 * const best = Pipeline.make(Product).pipe(
 *   Pipeline.rankFusion((products) => ({
 *     cheap: products.pipe(Pipeline.sort({ price: 1 }), Pipeline.limit(100)),
 *     popular: products.pipe(Pipeline.sort({ sold: -1 }), Pipeline.limit(100))
 *   }), { weights: { popular: 2 } }),
 *   Pipeline.limit(10)
 * )
 * ```
 *
 * @see {@link scoreFusion} for scores in the place of ranks
 * @stability unstable
 * @category combinators
 * @since 0.1.0
 */
export const rankFusion: {
  <A, const P extends Rankings<NoInfer<A>>>(
    f: (documents: Pipeline<A>) => P,
    options?: RankFusionOptions<keyof P & string>
  ): <R>(self: Pipeline<A, R>) => Pipeline<A, R | ServicesOf<P>>
  <A, R, const P extends Rankings<NoInfer<A>>>(
    self: Pipeline<A, R>,
    f: (documents: Pipeline<A>) => P,
    options?: RankFusionOptions<keyof P & string>
  ): Pipeline<A, R | ServicesOf<P>>
} = dual(
  (args) => typeof args[1] === "function",
  (self: unknown, f: (documents: never) => Rankings<unknown>, options: RankFusionOptions<string> = {}) =>
    fusing(self, "$rankFusion", f, options)
)

/**
 * Puts the scores that several pipelines give to the same documents together. It is the first stage.
 *
 * **Details**
 *
 * A pipeline chooses documents and gives them a score: by `score`, `search` or `vectorSearch`. `Expr.meta("score")` is the sum that a
 * document has.
 *
 * **Example** (Products by price and by sales)
 *
 * ```ts
 * import { Bson, Expr, Pipeline } from "@mongofx/schema"
 * import { Schema } from "effect"
 *
 * const Product = Schema.Struct({ _id: Bson.ObjectId, price: Schema.Number, sold: Schema.Number })
 *
 * const best = Pipeline.make(Product).pipe(
 *   Pipeline.scoreFusion((products) => ({
 *     cheap: products.pipe(Pipeline.score(($) => Expr.subtract(0, $.price))),
 *     popular: products.pipe(Pipeline.score(($) => $.sold))
 *   }), { normalization: "minMaxScaler" }),
 *   Pipeline.limit(10)
 * )
 * ```
 *
 * @see {@link rankFusion} for ranks in the place of scores
 * @stability unstable
 * @category combinators
 * @since 0.1.0
 */
export const scoreFusion: {
  <A, const P extends Rankings<NoInfer<A>>>(
    f: (documents: Pipeline<A>) => P,
    options: ScoreFusionOptions<keyof P & string>
  ): <R>(self: Pipeline<A, R>) => Pipeline<A, R | ServicesOf<P>>
  <A, R, const P extends Rankings<NoInfer<A>>>(
    self: Pipeline<A, R>,
    f: (documents: Pipeline<A>) => P,
    options: ScoreFusionOptions<keyof P & string>
  ): Pipeline<A, R | ServicesOf<P>>
} = dual(
  3,
  (self: unknown, f: (documents: never) => Rankings<unknown>, options: ScoreFusionOptions<string>) =>
    fusing(self, "$scoreFusion", f, options)
)

/**
 * The options of `score`.
 *
 * @see {@link score} for the stage
 * @stability unstable
 * @category options
 * @since 0.1.0
 */
export interface ScoreOptions {
  /** How the scores are brought between 0 and 1: not at all without it. */
  readonly normalization?: "none" | "sigmoid" | "minMaxScaler"
  /** A factor between 0 and 1. */
  readonly weight?: number
}

/**
 * Gives each document a score that is computed from its fields, for `scoreFusion` and `Expr.meta("score")`.
 *
 * **Example** (The popular ones)
 *
 * ```ts
 * import { Bson, Expr, Pipeline } from "@mongofx/schema"
 * import { Schema } from "effect"
 *
 * const Product = Schema.Struct({ _id: Bson.ObjectId, sold: Schema.Number })
 *
 * const scored = Pipeline.make(Product).pipe(
 *   Pipeline.score(($) => $.sold, { normalization: "minMaxScaler" }),
 *   Pipeline.set(() => ({ score: Expr.meta("score") }))
 * )
 * ```
 *
 * @see {@link scoreFusion} for the scores of several pipelines
 * @stability unstable
 * @category combinators
 * @since 0.1.0
 */
export const score: {
  <A>(score: ($: Ref<A>) => Expr<number>, options?: ScoreOptions): <R>(self: Pipeline<A, R>) => Pipeline<A, R>
  <A, R>(self: Pipeline<A, R>, score: ($: Ref<A>) => Expr<number>, options?: ScoreOptions): Pipeline<A, R>
} = dual(
  (args) => typeof args[1] === "function",
  (self: unknown, score: ($: Ref<unknown>) => unknown, options: ScoreOptions = {}) =>
    addStage<never>(self, "$score", ({ $, ast }) => {
      const impl = operandOf(aNumber, score($), "score")
      return { ast, write: (writing) => ({ score: impl.write(writing.at("score")), ...options }) }
    })
)
