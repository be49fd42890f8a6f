/**
 * Inference: the schema that the documents of a collection suggest, as the source of a module and as a value.
 *
 * @since 0.1.0
 */
import type { MongoCollection, MongoError } from "@mongofx/core"
import type * as Effect from "effect/Effect"
import type * as Schema from "effect/Schema"
import type * as Stream from "effect/Stream"
import type * as Driver from "mongodb"
import * as internal from "./internal/infer/infer.ts"

/**
 * The type of `TypeId`.
 *
 * @stability unstable
 * @category type IDs
 * @since 0.1.0
 */
export type TypeId = "~@mongofx/schema/MongoInfer/Summary"

/**
 * Marks a value as a summary of documents.
 *
 * **Example** (Reading the mark)
 *
 * ```ts
 * import { MongoInfer } from "@mongofx/schema"
 *
 * console.log(MongoInfer.TypeId)
 * ```
 *
 * @stability unstable
 * @category type IDs
 * @since 0.1.0
 */
export const TypeId: TypeId = internal.TypeId

/**
 * The documents to infer from.
 *
 * @see {@link PrintOptions} for what is made of them
 * @stability unstable
 * @category options
 * @since 0.1.0
 */
export interface Options {
  /** Reads only the documents that match. It is sent as it is. */
  readonly filter?: Driver.Document | undefined
  /** Reads this many documents, taken by chance, in the place of all. */
  readonly sample?: number | undefined
}

/**
 * How a schema is printed.
 *
 * @see {@link Options} for the documents
 * @stability unstable
 * @category options
 * @since 0.1.0
 */
export interface PrintOptions {
  /** The name of the class: by default that of the collection, each word with a capital. */
  readonly name?: string | undefined
  /**
   * Whether texts become literals where there are few different ones among many, at most 12 that are found 20 times each on average. It
   * is true by default. With `false` the source has no text of a document, except `_id`s in comments.
   */
  readonly enums?: boolean | undefined
  /** What the documents are of, for the comment above the class: by default the collection that was read. */
  readonly of?: string | undefined
}

/**
 * The collection to read: with or without a schema.
 *
 * @see {@link schema} for what takes it
 * @stability unstable
 * @category utility types
 * @since 0.1.0
 */
export type Source<A extends Driver.Document> =
  | MongoCollection.MongoCollection<A>
  | { readonly untyped: MongoCollection.MongoCollection<A> }

/**
 * What is stored at each place of some documents: how many values of each type, and what they have in common. Its size depends on the shape
 * of the documents, not on how many there are.
 *
 * @see {@link summarize} for documents at hand
 * @see {@link combine} for the summary of two parts
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface Summary {
  readonly [TypeId]: TypeId
  /** How many documents there are. */
  readonly documents: number
}

/**
 * Something rare or contradictory in the documents.
 *
 * @see {@link Inferred} for all notes
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface Note {
  /** The place: `lines[].price` stands for all elements of `lines`, `prices.*` for all keys of a record. It is empty for the documents. */
  readonly path: string
  /** What is found there, with how many values. It shows no value of a document. */
  readonly message: string
  /** The stored `_id` of a document that shows it; `undefined` where none does or where documents have no `_id`. */
  readonly id: unknown
}

/**
 * The schema that documents suggest. All the documents that it was made from decode by it.
 *
 * @see {@link schema} for the schema of a collection
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface Inferred {
  /** The name of the class. */
  readonly name: string
  /** How many documents it was made from. */
  readonly documents: number
  /** The source of a module of TypeScript that exports the class. Its comments are the notes. */
  readonly source: string
  /** What is rare or contradictory. */
  readonly notes: ReadonlyArray<Note>
  /** The same schema as a value. */
  readonly schema: Schema.Codec<Driver.Document, Driver.Document>
}

/**
 * How many documents have been read.
 *
 * @see {@link Summarized} for the end
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface Progress {
  /** Tells it from `Summarized`. */
  readonly _tag: "Progress"
  /** How many documents have been read. */
  readonly documents: number
  /**
   * How many documents there are to read, by the metadata of the collection. It is `undefined` with a filter, in a transaction, and where
   * the server does not tell.
   */
  readonly total: number | undefined
}

/**
 * The summary of all documents that were read.
 *
 * @see {@link run} for the stream that ends with it
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface Summarized {
  /** Tells it from `Progress`. */
  readonly _tag: "Summarized"
  /** The summary. */
  readonly summary: Summary
}

/**
 * Reads a collection, or a sample of it, and infers the schema of its documents.
 *
 * **Details**
 *
 * - A value gets the schema of its BSON type, several types at one place a union. An int beside a double becomes `Schema.Number`, an int
 *   beside a long `Bson.Int64`.
 * - A field that some objects lack is optional. Null is `Schema.NullOr`.
 * - Few different texts among many become literals. `enums: false` keeps them out.
 * - An object whose keys are data becomes a record: identifiers, numbers, days, or many keys that are rare each.
 * - Comments say what is rare or contradictory, how often, and the `_id` of a document to look at. They show no other value.
 * - Dates and identifiers that are stored as text stay text. A comment names the schema that would decode them.
 *
 * It reads with the settings of the collection and joins the open session or transaction.
 *
 * **Gotchas**
 *
 * A sample knows nothing about the other documents: audit the collection with the schema before you rely on it. A field that has the name of
 * a member of every object, such as `constructor`, is left out if it is optional. Patterns that JavaScript refuses decode only in a
 * collection with `bsonRegExp: true`. Dates beyond those of JavaScript have no schema: they become `Schema.Unknown`.
 *
 * **Example** (Printing the schema of a collection)
 *
 * ```ts
 * import { MongoDatabase } from "@mongofx/core"
 * import { MongoInfer } from "@mongofx/schema"
 * import { Console, Effect } from "effect"
 *
 * const program = Effect.gen(function*() {
 *   const db = yield* MongoDatabase.MongoDatabase
 *   const { source } = yield* MongoInfer.schema(db.collection("movies"), { name: "Movie", sample: 1000 })
 *   yield* Console.log(source)
 * })
 * ```
 *
 * @see {@link run} for the progress
 * @see {@link infer} for documents at hand
 * @see `MongoAudit.report` for the documents that do not fit
 * @stability unstable
 * @category constructors
 * @since 0.1.0
 */
export const schema: <A extends Driver.Document>(
  collection: Source<A>,
  options?: Options & PrintOptions
) => Effect.Effect<Inferred, MongoError.MongoError> = internal.schema as never

/**
 * A stream that reads a collection and summarizes its documents. Its last element has the summary, with a `Progress` before it for each
 * batch of the server.
 *
 * **Example** (Showing progress)
 *
 * ```ts
 * import type { MongoCollection } from "@mongofx/core"
 * import { MongoInfer } from "@mongofx/schema"
 * import { Console, Stream } from "effect"
 *
 * const print = (collection: MongoCollection.MongoCollection) =>
 *   MongoInfer.run(collection).pipe(
 *     Stream.runForEach((event) =>
 *       Console.log(event._tag === "Progress" ? event.documents : MongoInfer.infer(event.summary).source)
 *     )
 *   )
 * ```
 *
 * @see {@link schema} for the schema alone
 * @see {@link infer} for the schema of the summary
 * @stability unstable
 * @category constructors
 * @since 0.1.0
 */
export const run: <A extends Driver.Document>(
  collection: Source<A>,
  options?: Options
) => Stream.Stream<Progress | Summarized, MongoError.MongoError> = internal.run as never

/**
 * The summary of documents, as the driver delivers or takes them.
 *
 * **Details**
 *
 * It tells types apart as well as the values do: a plain number that is an integer of 32 bits counts as an int, any other as a double. To
 * know the stored types, read with `promoteValues: false`.
 *
 * **Example** (The schema of two documents)
 *
 * ```ts
 * import { MongoInfer } from "@mongofx/schema"
 *
 * const summary = MongoInfer.summarize([{ _id: 1, name: "Ada" }, { _id: 2, name: "Grace", born: new Date(0) }])
 * console.log(MongoInfer.infer(summary, { name: "User" }).source)
 * // import { Bson } from "@mongofx/schema"
 * // import { Schema } from "effect"
 * //
 * // // Inferred from 2 documents.
 * // export class User extends Schema.Opaque<User>()(
 * //   Schema.Struct({
 * //     _id: Bson.Int32,
 * //     name: Schema.String,
 * //     born: Schema.optionalKey(Bson.Date)
 * //   })
 * // ) {}
 * ```
 *
 * @see {@link combine} for the summary of two parts
 * @stability unstable
 * @category constructors
 * @since 0.1.0
 */
export const summarize: (documents: Iterable<Driver.Document>) => Summary = internal.summarize

/**
 * The summary of the documents of two summaries: the same as that of all documents, the first ones first.
 *
 * **Example** (Two collections with one schema)
 *
 * ```ts
 * import { MongoInfer } from "@mongofx/schema"
 *
 * const both = MongoInfer.combine(
 *   MongoInfer.summarize([{ _id: 1, name: "Ada" }]),
 *   MongoInfer.summarize([{ _id: "two", name: "Grace" }])
 * )
 * console.log(both.documents) // 2
 * ```
 *
 * @see {@link summarize} for a summary
 * @stability unstable
 * @category combinators
 * @since 0.1.0
 */
export const combine: (self: Summary, that: Summary) => Summary = internal.combine

/**
 * The schema that a summary suggests.
 *
 * **Example** (Auditing other documents by the schema of some)
 *
 * ```ts
 * import type { MongoDatabase } from "@mongofx/core"
 * import { MongoAudit, MongoInfer, TypedCollection } from "@mongofx/schema"
 * import type { Document } from "mongodb"
 *
 * const audit = (db: MongoDatabase.MongoDatabase, some: ReadonlyArray<Document>) => {
 *   const { schema } = MongoInfer.infer(MongoInfer.summarize(some))
 *   return MongoAudit.report(TypedCollection.make(db, "users", schema))
 * }
 * ```
 *
 * @see {@link schema} for the schema of a collection
 * @stability unstable
 * @category converting
 * @since 0.1.0
 */
export const infer: (summary: Summary, options?: PrintOptions) => Inferred = internal.infer
