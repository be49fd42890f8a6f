/** Vectors: how alike two arrays of numbers are. */
import { dual } from "effect/Function"
import type { Expr, NullIf, Nullish, Numeric } from "../../Expr.ts"
import { elementOf, number, orNull } from "../ast/calculus.ts"
import { numeric } from "../ast/numbers.ts"
import { ExprImpl, isExpr } from "../expression/expr.ts"
import { anArray } from "../expression/kinds.ts"
import { operandOf } from "../expression/operand.ts"

type Vector = ReadonlyArray<Numeric> | Nullish

/**
 * How a similarity is given.
 *
 * @see {@link similarityCosine} for what takes it
 * @stability unstable
 * @category options
 * @since 0.1.0
 */
export interface SimilarityOptions {
  /** Whether the result is a score between 0 and 1, as in a search for vectors. `false` if left out. */
  readonly score?: boolean | undefined
}

interface Similarity {
  <B extends Vector>(
    that: Expr<B>,
    options?: SimilarityOptions
  ): <A extends Vector>(self: Expr<A>) => Expr<number | NullIf<A> | NullIf<B>>
  <A extends Vector, B extends Vector>(
    self: Expr<A>,
    that: Expr<B>,
    options?: SimilarityOptions
  ): Expr<number | NullIf<A> | NullIf<B>>
}

const similarity = (name: string): Similarity =>
  dual(([, that]) => isExpr(that), (self: unknown, that: unknown, options: SimilarityOptions = {}) => {
    const vectors = [self, that].map((term) => operandOf(anArray, term, name))
    for (const { slot } of vectors) numeric([elementOf(slot.ast)], name)
    return new ExprImpl(orNull(number, vectors.map(({ slot }) => slot)), (writing) => ({
      [name]: { vectors: vectors.map((vector) => vector.write(writing)), score: options.score === true }
    }))
  })

/**
 * The cosine of the angle between two vectors: arrays of numbers of one length. It is null if one of them is null or missing.
 *
 * **Gotchas**
 *
 * The server has it since version 8.2. It fails for vectors of different lengths, and for binary vectors.
 *
 * **Example** (How alike two texts are)
 *
 * ```ts
 * import { Bson, Expr, Pipeline } from "@mongofx/schema"
 * import { Schema } from "effect"
 *
 * const Pair = Schema.Struct({ _id: Bson.ObjectId, a: Schema.Array(Schema.Number), b: Schema.Array(Schema.Number) })
 *
 * const alike = Pipeline.make(Pair).pipe(
 *   Pipeline.select(($) => ({ alike: Expr.similarityCosine($.a, $.b, { score: true }) }))
 * )
 * ```
 *
 * @see {@link similarityDotProduct} for vectors of length 1
 * @stability unstable
 * @category combinators
 * @since 0.1.0
 */
export const similarityCosine: Similarity = similarity("$similarityCosine")

/**
 * The dot product of two vectors: arrays of numbers of one length. It is null if one of them is null or missing.
 *
 * **Gotchas**
 *
 * The server has it since version 8.2. It fails for vectors of different lengths, and for binary vectors.
 *
 * **Example** (The products)
 *
 * ```ts
 * import { Bson, Expr, Pipeline } from "@mongofx/schema"
 * import { Schema } from "effect"
 *
 * const Pair = Schema.Struct({ _id: Bson.ObjectId, a: Schema.Array(Schema.Number), b: Schema.Array(Schema.Number) })
 *
 * const products = Pipeline.make(Pair).pipe(
 *   Pipeline.select(($) => ({ product: Expr.similarityDotProduct($.a, $.b) }))
 * )
 * ```
 *
 * @see {@link similarityCosine} for vectors of any length
 * @stability unstable
 * @category combinators
 * @since 0.1.0
 */
export const similarityDotProduct: Similarity = similarity("$similarityDotProduct")

/**
 * The distance between two vectors: arrays of numbers of one length. It is null if one of them is null or missing.
 *
 * **Gotchas**
 *
 * The server has it since version 8.2. It fails for vectors of different lengths, and for binary vectors.
 *
 * **Example** (The distances)
 *
 * ```ts
 * import { Bson, Expr, Pipeline } from "@mongofx/schema"
 * import { Schema } from "effect"
 *
 * const Pair = Schema.Struct({ _id: Bson.ObjectId, a: Schema.Array(Schema.Number), b: Schema.Array(Schema.Number) })
 *
 * const distances = Pipeline.make(Pair).pipe(
 *   Pipeline.select(($) => ({ distance: Expr.similarityEuclidean($.a, $.b) }))
 * )
 * ```
 *
 * @see {@link similarityCosine} for the angle
 * @stability unstable
 * @category combinators
 * @since 0.1.0
 */
export const similarityEuclidean: Similarity = similarity("$similarityEuclidean")
