/** What the server knows about a document besides its fields. */
import * as Schema from "effect/Schema"
import type * as SchemaAST from "effect/SchemaAST"
import type { Expr } from "../../Expr.ts"
import { arrayOf, number, struct, text } from "../ast/calculus.ts"
import { make } from "../expression/expr.ts"
import { refuse } from "../refusal.ts"

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
 * A part of a text that a search found.
 *
 * @see {@link meta} for what gives it
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface SearchHighlight {
  /** The path of the field. */
  readonly path: string
  /** The text in pieces: `hit` is what was found, `text` is what stands around it. */
  readonly texts: ReadonlyArray<{ readonly value: string; readonly type: "hit" | "text" }>
  /** How well it matches. */
  readonly score: number
}

/**
 * What the server knows about a document besides its fields, by the names of `$meta`.
 *
 * @see {@link meta} for what gives it
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface Metadata {
  /** How well the document matches the search of `$text`. */
  readonly textScore: number
  /** How well it matches, after a stage that ranks documents. */
  readonly score: number
  /** How the score of a stage that ranks documents came about. */
  readonly scoreDetails: ScoreDetails
  /** How well it matches the search of `$search`. */
  readonly searchScore: number
  /** How the score of `$search` came about. */
  readonly searchScoreDetails: ScoreDetails
  /** What `$search` found in its texts. */
  readonly searchHighlights: ReadonlyArray<SearchHighlight>
  /** The place of the document in the results of `$search`, to go on from. */
  readonly searchSequenceToken: string
  /** How near it is in `$vectorSearch`. */
  readonly vectorSearchScore: number
  /** The distance in `$geoNear`. */
  readonly geoNearDistance: number
  /** The place from which `$geoNear` measured. */
  readonly geoNearPoint: unknown
  /** The random number that `Pipeline.sample` gave it. */
  readonly randVal: number
  /** The key of the index that the plan used. */
  readonly indexKey: { readonly [name: string]: unknown }
  /** The values of the fields that the documents are sorted by. */
  readonly sortKey: ReadonlyArray<unknown>
}

const unknown = Schema.Unknown.ast

const highlight = struct({
  path: text,
  texts: arrayOf(struct({ value: text, type: Schema.Literals(["hit", "text"]).ast })),
  score: number
})

const metadata: { readonly [Name in keyof Metadata]: SchemaAST.AST } = {
  textScore: number,
  score: number,
  scoreDetails: ScoreDetails.ast,
  searchScore: number,
  searchScoreDetails: ScoreDetails.ast,
  searchHighlights: arrayOf(highlight),
  searchSequenceToken: text,
  vectorSearchScore: number,
  geoNearDistance: number,
  geoNearPoint: unknown,
  randVal: number,
  indexKey: Schema.Record(Schema.String, Schema.Unknown).ast,
  sortKey: arrayOf(unknown)
}

/**
 * What the server knows about a document besides its fields, such as how well it matches a search. It may be missing, since only some
 * stages and plans set it.
 *
 * **Gotchas**
 *
 * For some names the server fails where no stage before set the value.
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
 * @see {@link Metadata} for the names
 * @stability unstable
 * @category constructors
 * @since 0.1.0
 */
export const meta = <const Name extends keyof Metadata>(name: Name): Expr<Metadata[Name] | undefined> =>
  Object.hasOwn(metadata, name)
    ? make({ ast: metadata[name], optional: true }, () => ({ $meta: name }))
    : refuse("$meta", `is not a name that it takes: use ${Object.keys(metadata).join(", ")}`)
