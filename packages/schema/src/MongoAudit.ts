/**
 * Audits: which stored documents of a collection do not decode, by place and problem.
 *
 * @since 0.1.0
 */
import type * as Effect from "effect/Effect"
import type * as Schema from "effect/Schema"
import type * as Stream from "effect/Stream"
import type { Filter } from "./Filter.ts"
import * as internal from "./internal/audit/audit.ts"
import * as text from "./internal/audit/text.ts"
import type { TypedCollection } from "./TypedCollection.ts"
import type { Failure } from "./TypedQuery.ts"

/**
 * Options of an audit of documents of type `A`.
 *
 * @see {@link run} for what takes them
 * @stability unstable
 * @category options
 * @since 0.1.0
 */
export interface Options<A> {
  /** Audits only the documents that match. */
  readonly filter?: Filter<A> | undefined
  /** Audits this many documents, taken by chance, in the place of all. The server may give a document twice. */
  readonly sample?: number | undefined
  /** How many `_id`s to keep of each problem: 3 by default. */
  readonly examples?: number | undefined
  /** How many different places to keep: 200 by default. The rest is counted as `folded`. */
  readonly paths?: number | undefined
  /** How many different messages to keep of each place: 10 by default. The rest is counted as `folded`. */
  readonly messages?: number | undefined
}

/**
 * A number of documents, with some of their `_id`s.
 *
 * @see {@link Problem} for the documents that have a problem
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface Counted {
  /** How many documents there are. */
  readonly documents: number
  /** The stored `_id`s of the first of them. */
  readonly ids: ReadonlyArray<unknown>
}

/**
 * The documents that do not fit the schema at the same place in the same way. A document counts once for each of its problems.
 *
 * @see {@link Report} for all problems
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface Problem extends Counted {
  /** The place: `lines[].price` stands for all elements of `lines`, `prices.*` for all keys of a record. */
  readonly path: string
  /**
   * What the schema expects there. It leaves out the value, unless a message of the schema itself contains it, and ends with `...` after 500
   * characters.
   */
  readonly message: string
}

/**
 * The documents with problems that the bounds of an audit leave out.
 *
 * @see {@link Options} for the bounds
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface Folded extends Counted {
  /** The place with more messages than `messages`, or `undefined` for all places beyond `paths`. */
  readonly path: string | undefined
}

/**
 * How far an audit has come.
 *
 * @see {@link Report} for the end
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface Progress {
  /** Tells it from a `Report`. */
  readonly _tag: "Progress"
  /** How many documents have been read. */
  readonly documents: number
  /** How many of them do not decode. */
  readonly invalid: number
  /**
   * How many documents there are to read, by the metadata of the collection. It is `undefined` with a filter, in a transaction, and where
   * the server does not tell.
   */
  readonly total: number | undefined
}

/**
 * The result of an audit.
 *
 * @see {@link format} for its text
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface Report {
  /** Tells it from a `Progress`. */
  readonly _tag: "Report"
  /** The collection with its database: `app.users`. */
  readonly collection: string
  /** Whether only a sample was read. */
  readonly isSample: boolean
  /** How many documents were read. */
  readonly documents: number
  /** How many of them do not decode. */
  readonly invalid: number
  /** The problems, those of the most documents first. */
  readonly problems: ReadonlyArray<Problem>
  /** What the bounds have left out of `problems`. */
  readonly folded: ReadonlyArray<Folded>
}

/**
 * A stream that reads a collection and counts the documents that do not decode. Its last element is the report, with a `Progress` before it
 * for each batch of the server.
 *
 * **Details**
 *
 * It reads in one pass, with the compiled decoder of the collection. Its memory stays flat: it keeps at most `paths` times `messages`
 * problems with `examples` ids each. A document for which a codec throws or dies has a problem with an empty path and the name of the
 * error. It reads with the settings of the collection: choose a read preference or a read concern with
 * `withOptions`. It joins the open session or transaction. It fails with a `MongoError`, and with a `DocumentError` if the filter does not
 * encode.
 *
 * **Gotchas**
 *
 * Documents that change while it reads may be counted in their old form or their new one. Read in a snapshot session, or with the read
 * concern `snapshot`, where that matters.
 *
 * **Example** (Showing progress)
 *
 * ```ts
 * import { MongoAudit, type TypedCollection } from "@mongofx/schema"
 * import { Console, type Schema, Stream } from "effect"
 *
 * const audit = <S extends Schema.Constraint>(collection: TypedCollection.TypedCollection<S>) =>
 *   MongoAudit.run(collection).pipe(
 *     Stream.runForEach((event) =>
 *       Console.log(
 *         event._tag === "Report" ? MongoAudit.format(event) : `${event.documents} of ${event.total ?? "many"}`
 *       )
 *     )
 *   )
 * ```
 *
 * @see {@link report} for the report alone
 * @stability unstable
 * @category constructors
 * @since 0.1.0
 */
export const run: <S extends Schema.Constraint>(
  collection: TypedCollection<S>,
  options?: Options<S["Type"]>
) => Stream.Stream<Progress | Report, Failure, S["DecodingServices"] | S["EncodingServices"]> = internal.run as never

/**
 * Reads a collection and reports the documents that do not decode.
 *
 * **When to use**
 *
 * Use it before a schema changes, after documents were written around it, or in a pipeline that must stop then.
 *
 * **Details**
 *
 * It is `run` without the progress.
 *
 * **Example** (Failing when a document does not decode)
 *
 * ```ts
 * import { MongoAudit, type TypedCollection } from "@mongofx/schema"
 * import { Effect, type Schema } from "effect"
 *
 * const allDecode = <S extends Schema.Constraint>(collection: TypedCollection.TypedCollection<S>) =>
 *   MongoAudit.report(collection, { sample: 10_000 }).pipe(
 *     Effect.flatMap((report) => report.invalid === 0 ? Effect.void : Effect.fail(MongoAudit.format(report)))
 *   )
 * ```
 *
 * @see {@link run} for the progress
 * @stability unstable
 * @category constructors
 * @since 0.1.0
 */
export const report: <S extends Schema.Constraint>(
  collection: TypedCollection<S>,
  options?: Options<S["Type"]>
) => Effect.Effect<Report, Failure, S["DecodingServices"] | S["EncodingServices"]> = internal.report as never

/**
 * The text of a report, for a terminal or a log. It shows `_id`s, and no other value of a document.
 *
 * **Example** (Printing a report)
 *
 * ```ts
 * import { MongoAudit } from "@mongofx/schema"
 *
 * console.log(
 *   MongoAudit.format({
 *     _tag: "Report",
 *     collection: "app.orders",
 *     isSample: false,
 *     documents: 1000,
 *     invalid: 2,
 *     problems: [{ path: "lines[].price", message: "Expected a Decimal128", documents: 2, ids: [7, 9] }],
 *     folded: []
 *   })
 * )
 * // app.orders: 2 of 1,000 documents do not decode
 * //   2  lines[].price: Expected a Decimal128 (such as 7, 9)
 * ```
 *
 * @see {@link report} for a report
 * @stability unstable
 * @category converting
 * @since 0.1.0
 */
export const format: (report: Report) => string = text.format
