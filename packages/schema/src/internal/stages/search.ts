/** Searches in the indexes of Atlas Search and Vector Search. */
import { dual } from "effect/Function"
import * as Schema from "effect/Schema"
import type * as Driver from "mongodb"
import type { Filter } from "../../Filter.ts"
import type { Pipeline } from "../../Pipeline.ts"
import { storedPath } from "../ast/fields.ts"
import { positiveInteger } from "../encode/arguments.ts"
import { encodeFilter } from "../encode/filter.ts"
import type { FieldsOf } from "../expression/types.ts"
import { makeResolve } from "../path/resolve.ts"
import type { AnyPath, Local } from "../pipeline/equality.ts"
import { addStage } from "../pipeline/pipeline.ts"
import { isPlainObject } from "../plainObject.ts"
import { refuse } from "../refusal.ts"

/**
 * A search: an operator of Atlas Search with its content, the name of the index (`default` without one), and what else the server takes.
 *
 * @see {@link search} for the stage
 * @stability unstable
 * @category options
 * @since 0.1.0
 */
export interface SearchOptions {
  /** The name of the search index. */
  readonly index?: string
  /** An operator such as `text` or `compound`, and options such as `highlight`. They are sent as they are. */
  readonly [name: string]: unknown
}

const checkSearch = (name: string, options: unknown): Driver.Document =>
  isPlainObject(options) ? options : refuse(name, "is not an object")

/**
 * Finds documents by a search index, the best first. It is the first stage, and needs Atlas or a local deployment of it.
 *
 * **Details**
 *
 * The content of operators is sent as it is: write stored names and values. `Expr.meta("searchScore")` is how well a document matches.
 *
 * **Example** (Movies with a word in their plot)
 *
 * ```ts
 * import { Bson, Expr, Pipeline } from "@mongofx/schema"
 * import { Schema } from "effect"
 *
 * const Movie = Schema.Struct({ _id: Bson.ObjectId, title: Schema.String, plot: Schema.String })
 *
 * const found = Pipeline.make(Movie).pipe(
 *   Pipeline.search({ index: "plots", text: { query: "baseball", path: "plot" } }),
 *   Pipeline.limit(5),
 *   Pipeline.select(($) => ({ title: $.title, score: Expr.meta("searchScore") }))
 * )
 * ```
 *
 * @see {@link vectorSearch} for meanings in the place of words
 * @see {@link searchMeta} for numbers about what a search finds
 * @stability unstable
 * @category combinators
 * @since 0.1.0
 */
export const search: {
  (options: SearchOptions): <A, R>(self: Pipeline<A, R>) => Pipeline<A, R>
  <A, R>(self: Pipeline<A, R>, options: SearchOptions): Pipeline<A, R>
} = dual(2, (self: unknown, options: SearchOptions) =>
  addStage(self, "$search", ({ ast }) => {
    const content = checkSearch("search", options)
    return { ast, write: () => content }
  }))

const Buckets = Schema.Struct({
  buckets: Schema.Array(Schema.Struct({ _id: Schema.Unknown, count: Schema.Number }))
})

/**
 * The numbers about what a search finds.
 *
 * **Example** (Reading what a pipeline by hand found)
 *
 * ```ts
 * import { Pipeline } from "@mongofx/schema"
 * import { Schema } from "effect"
 *
 * const read = Schema.decodeUnknownSync(Pipeline.SearchMeta)
 * ```
 *
 * @see {@link searchMeta} for the stage
 * @stability unstable
 * @category schemas
 * @since 0.1.0
 */
export const SearchMeta = Schema.Struct({
  count: Schema.optionalKey(
    Schema.Struct({ total: Schema.optionalKey(Schema.Number), lowerBound: Schema.optionalKey(Schema.Number) })
  ),
  facet: Schema.optionalKey(Schema.Record(Schema.String, Buckets))
})

/**
 * The numbers about what a search finds.
 *
 * @see {@link searchMeta} for the stage
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export type SearchMeta = typeof SearchMeta.Type

/**
 * Counts what a search finds, in one document: all of it, or by facets. It is the first stage, and needs Atlas or a local deployment of
 * it.
 *
 * **Example** (How many movies there are by genre)
 *
 * ```ts
 * import { Bson, Pipeline } from "@mongofx/schema"
 * import { Schema } from "effect"
 *
 * const Movie = Schema.Struct({ _id: Bson.ObjectId, genre: Schema.String })
 *
 * const genres = Pipeline.make(Movie).pipe(
 *   Pipeline.searchMeta({ facet: { facets: { genres: { type: "string", path: "genre" } } } })
 * )
 * ```
 *
 * @see {@link search} for the documents
 * @stability unstable
 * @category combinators
 * @since 0.1.0
 */
export const searchMeta: {
  (options: SearchOptions): <A, R>(self: Pipeline<A, R>) => Pipeline<SearchMeta, R>
  <A, R>(self: Pipeline<A, R>, options: SearchOptions): Pipeline<SearchMeta, R>
} = dual(2, (self: unknown, options: SearchOptions) =>
  addStage(self, "$searchMeta", () => {
    const content = checkSearch("searchMeta", options)
    return { ast: SearchMeta.ast, write: () => content }
  }))

/**
 * The options of `vectorSearch`: the index, the field with the vectors, the vector to look for, and how far to look.
 *
 * @see {@link vectorSearch} for the stage
 * @stability unstable
 * @category options
 * @since 0.1.0
 */
export interface VectorSearchOptions<A, Path extends string> {
  /** The name of the index. */
  readonly index: string
  /** The field with the vectors. */
  readonly path: Path & Local<FieldsOf<A>, Path>
  /** The vector to look for: numbers, or a vector of BSON. */
  readonly queryVector: ReadonlyArray<number> | Driver.Binary
  /** How many documents to find. */
  readonly limit: number
  /** How many neighbours to look at: at least `limit`. It is needed unless the search is exact. */
  readonly numCandidates?: number
  /** Whether to compare all vectors. */
  readonly exact?: boolean
  /** Only documents that match a filter, on fields that the index has for it. */
  readonly filter?: Filter<FieldsOf<A>>
}

/**
 * Finds the documents whose vectors are nearest, the nearest first. It is the first stage, and needs Atlas or a local deployment of it.
 *
 * **Details**
 *
 * `Expr.meta("vectorSearchScore")` is how near a document is.
 *
 * **Example** (Movies with a similar plot)
 *
 * ```ts
 * import { Bson, Expr, Pipeline } from "@mongofx/schema"
 * import { Schema } from "effect"
 *
 * const Movie = Schema.Struct({ _id: Bson.ObjectId, title: Schema.String, meaning: Schema.Array(Schema.Number) })
 *
 * const similar = (vector: ReadonlyArray<number>) =>
 *   Pipeline.make(Movie).pipe(
 *     Pipeline.vectorSearch({ index: "meanings", path: "meaning", queryVector: vector, numCandidates: 200, limit: 10 }),
 *     Pipeline.select(($) => ({ title: $.title, score: Expr.meta("vectorSearchScore") }))
 *   )
 * ```
 *
 * @see {@link search} for words
 * @see {@link rankFusion} for both
 * @stability unstable
 * @category combinators
 * @since 0.1.0
 */
export const vectorSearch: {
  <A, const Path extends AnyPath<A>>(
    options: VectorSearchOptions<A, Path>
  ): <R>(self: Pipeline<A, R>) => Pipeline<A, R>
  <A, R, const Path extends AnyPath<A>>(
    self: Pipeline<A, R>,
    options: VectorSearchOptions<A, Path>
  ): Pipeline<A, R>
} = dual(2, (self: unknown, options: VectorOptions) =>
  addStage(self, "$vectorSearch", ({ ast }) => {
    const { exact, filter, limit, numCandidates, path } = options
    const read = makeResolve([ast], "filter")
    read(path, "path")
    positiveInteger(limit, "limit")
    if (exact === true ? numCandidates !== undefined : !(Number.isInteger(numCandidates) && numCandidates! >= limit)) {
      refuse(
        "numCandidates",
        "is not an integer of at least limit: an approximate search needs it, and an exact one has none"
      )
    }
    return {
      ast,
      write: (writing) => ({
        ...options,
        path: storedPath(ast, path),
        ...(filter === undefined
          ? {}
          : { filter: encodeFilter(read, filter, writing.operands, writing.at("filter").path) })
      })
    }
  }))

interface VectorOptions {
  readonly path: string
  readonly limit: number
  readonly numCandidates?: number
  readonly exact?: boolean
  readonly filter?: unknown
}
