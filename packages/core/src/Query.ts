/**
 * Queries as values: immutable descriptions of what to read, which run as an array, a stream, batches or raw bytes.
 *
 * A query does nothing until it runs, and every run opens its own cursor: the same query can be run twice, retried
 * and raced. The cursor is closed on the server when the run ends, fails or is interrupted.
 *
 * @since 0.1.0
 */
import type * as Cause from "effect/Cause"
import type * as Effect from "effect/Effect"
import type * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import type * as Scope from "effect/Scope"
import type * as Stream from "effect/Stream"
import type * as Driver from "mongodb"
import * as internal from "./internal/query/query.ts"
import type { MongoError } from "./MongoError.ts"
import type { QueryPlan } from "./QueryPlan.ts"

/**
 * The type of `TypeId`.
 *
 * @stability unstable
 * @category type IDs
 * @since 0.1.0
 */
export type TypeId = "~@mongofx/core/Query"

/**
 * Marks a value as a query of mongofx.
 *
 * **Example** (Reading the mark)
 *
 * ```ts
 * import { Query } from "@mongofx/core"
 *
 * console.log(Query.TypeId)
 * ```
 *
 * @stability unstable
 * @category type IDs
 * @since 0.1.0
 */
export const TypeId: TypeId = internal.TypeId

/**
 * The ways to read a query. Yield it for an array of all documents, or use one of its other views.
 *
 * **Details**
 *
 * `A` is a document, `E` what reading fails with, and `R` what it needs.
 *
 * @see {@link Query} for the queries of this package
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface Views<A, E = MongoError, R = never> extends Effect.Effect<Array<A>, E, R> {
  /** The documents as a stream. A chunk of the stream is a batch of the server, or a part of one when documents are decoded. */
  readonly stream: Stream.Stream<A, E, R>
  /** The batches of the server, each as an array that is never empty. */
  readonly batches: Stream.Stream<ReadonlyArray<A>, E, R>
  /**
   * The documents as BSON bytes. The bytes are views into the server's reply: a view keeps its whole batch in memory, so copy
   * what you keep.
   */
  readonly raw: Stream.Stream<Uint8Array, E, R>
  /** The first document, or none. It asks the server for only one document, if the command has a limit. */
  readonly first: Effect.Effect<Option.Option<A>, E, R>
  /** The first document; fails with a `NoSuchElementError` if the query finds nothing. */
  readonly one: Effect.Effect<A, E | Cause.NoSuchElementError, R>
}

/**
 * A read that has not run yet. Yield it for an array of all documents, or use one of its other views.
 *
 * **Details**
 *
 * Every view fails with a `MongoError`. A bad argument, such as an `undefined` inside a filter, is reported when the query
 * runs: as an `InvalidArgumentError` that names the path.
 *
 * A query that is cut off fails, and never ends early as if it were complete: if its client or its session is closed, it fails with
 * a `ClientClosedError`. A query that runs again, as with `Effect.retry` and `Stream.retry`, starts from its first document.
 *
 * A query prints its operation and namespace, and the names of its fields, stages and settings, without values.
 *
 * **Gotchas**
 *
 * Interruption closes the cursor on the server, and waits for its answer for one second at most.
 *
 * @see {@link OpenQuery} for a query that is read step by step
 * @see {@link Views} for the ways to read it
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface Query<A> extends Views<A> {
  readonly [TypeId]: TypeId
  /** Runs the query on the server, and keeps its cursor as long as the scope lives, so that you can take batches one by one. */
  readonly open: Effect.Effect<OpenQuery<A>, MongoError, Scope.Scope>
}

/**
 * A query whose cursor is open on the server.
 *
 * **Details**
 *
 * It reads its documents once. After a failure it fails with the same failure again. After its scope has closed, it fails with a
 * `CursorError`, unless the server had reported the end. A batch that arrives after `next` was interrupted goes to the next call.
 * Within a session, an interruption closes the cursor.
 *
 * @see {@link Query} for a query that opens a new cursor for each run
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface OpenQuery<A> {
  /** The remaining documents. Each run of the stream takes whole batches, which other runs do not see. */
  readonly stream: Stream.Stream<A, MongoError>
  /**
   * The next batch; empty at the end. A tailable query asks the server at most once, and also gives an empty batch if nothing has
   * come.
   */
  readonly next: Effect.Effect<ReadonlyArray<A>, MongoError>
}

/**
 * How a tailable query waits for documents at the end of its capped collection.
 *
 * @see {@link FindSettings} for the setting `tailable`
 *
 * @stability unstable
 * @category options
 * @since 0.1.0
 */
export interface TailableOptions {
  /** Whether the server holds the request until a document comes; true by default. Otherwise the query asks again every 200 ms. */
  readonly awaitData?: boolean | undefined
  /** How long the server holds a request that finds nothing, in milliseconds. */
  readonly maxAwaitTimeMS?: number | undefined
}

/**
 * How the settings of a query name an index, and a position in it.
 *
 * @see {@link Settings} for the settings that use them
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface IndexTerms {
  /** An index: its name or its keys, as an object, a Map or an array of pairs. */
  readonly hint: Driver.Hint
  /** A position in an index: a value for each of its keys. */
  readonly bound: Driver.Document
}

/**
 * The settings that `find` and `aggregate` share. Each method returns a new query, a `Self`, and leaves this one as it was.
 *
 * **Details**
 *
 * `Terms` says how an index is named.
 *
 * @see {@link FindSettings} for the settings of `find`
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface Settings<Self, Terms extends Record<keyof IndexTerms, unknown> = IndexTerms> {
  /** Makes the server use this index: its name or its keys. */
  readonly hint: (hint: Terms["hint"]) => Self
  /** Sets the rules for comparing strings. */
  readonly collation: (collation: Driver.CollationOptions) => Self
  /** Attaches a value that shows up in the server's log, profiler and `currentOp`. */
  readonly comment: (comment: unknown) => Self
  /**
   * Sets the largest number of documents in a batch. The default is 101 for the first batch, then 16 MB. With 0 the first batch is
   * empty: the server opens the cursor before it looks for documents.
   */
  readonly batchSize: (batchSize: number) => Self
  /** Makes the server give up after this many milliseconds of work, with a `MaxTimeExpiredError`. */
  readonly maxTimeMS: (maxTimeMS: number) => Self
  /** Lets a sort or a stage that needs more than 100 MB use files on the server. */
  readonly allowDiskUse: (allowDiskUse?: boolean) => Self
  /** Chooses the member of the replica set that answers. */
  readonly readPreference: (readPreference: Driver.ReadPreferenceLike) => Self
  /** Chooses how durable the data must be. */
  readonly readConcern: (readConcern: Driver.ReadConcernLike) => Self
}

/**
 * The settings of `find`. Each method returns a new query, a `Self`, and leaves this one as it was.
 *
 * **Details**
 *
 * `Terms` says how an index and a position in it are named.
 *
 * @see {@link Settings} for the settings that `aggregate` has too
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface FindSettings<Self, Terms extends Record<keyof IndexTerms, unknown> = IndexTerms>
  extends Settings<Self, Terms>
{
  /** Returns at most this many documents; 0 means without a limit. */
  readonly limit: (limit: number) => Self
  /** Skips this many documents at the start. */
  readonly skip: (skip: number) => Self
  /** Sets the inclusive lower bound of the index that `hint` names. */
  readonly min: (min: Terms["bound"]) => Self
  /** Sets the exclusive upper bound of the index that `hint` names. */
  readonly max: (max: Terms["bound"]) => Self
  /** Keeps an idle cursor alive past the server's ten minutes. */
  readonly noCursorTimeout: (noCursorTimeout?: boolean) => Self
  /** Waits for new documents at the end of a capped collection: the stream never ends by itself. */
  readonly tailable: (options?: TailableOptions) => Self
}

/**
 * A query that the server can explain.
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface Explainable<E = MongoError, R = never> {
  /**
   * Asks the server how it would run the query. The default verbosity is `"queryPlanner"`; with `"executionStats"` the server runs
   * it, and counts. Printing the plan draws it as a tree; `raw` is the server's answer.
   */
  readonly explain: (verbosity?: Driver.ExplainVerbosityLike) => Effect.Effect<QueryPlan, E, R>
}

/**
 * The query that `find` makes. Each method returns a new query and leaves this one as it was.
 *
 * **Example** (Building on a query)
 *
 * ```ts
 * import { MongoClient } from "@mongofx/core"
 * import { Console, Effect, Stream } from "effect"
 *
 * const program = Effect.gen(function*() {
 *   const mongo = yield* MongoClient.MongoClient
 *   const users = mongo.db("app").collection<{ name: string; age: number }>("users")
 *   const adults = users.find({ age: { $gte: 18 } })
 *   const oldest = yield* adults.sort({ age: -1 }).limit(3)
 *   yield* Console.log(oldest)
 *   yield* Stream.runForEach(adults.stream, Console.log)
 * })
 * ```
 *
 * @see {@link AggregateQuery} for the query that `aggregate` makes
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface FindQuery<A> extends Query<A>, FindSettings<FindQuery<A>>, Explainable {
  /** Sets the order of the documents. */
  readonly sort: (sort: Driver.Sort) => FindQuery<A>
  /** Chooses the fields to return. Give the type of the result: it is not derived from the projection. */
  readonly project: <B = Driver.Document>(projection: Driver.Document) => FindQuery<B>
  /** Returns only the fields of the index that is used. */
  readonly returnKey: (returnKey?: boolean) => FindQuery<A>
  /** Adds the server's record identifier to each document, as `$recordId`. */
  readonly showRecordId: (showRecordId?: boolean) => FindQuery<A>
}

/**
 * The query that `aggregate` makes. Each method returns a new query and leaves this one as it was.
 *
 * **Example** (Counting by group)
 *
 * ```ts
 * import { MongoClient } from "@mongofx/core"
 * import { Effect } from "effect"
 *
 * const countByCity = Effect.gen(function*() {
 *   const mongo = yield* MongoClient.MongoClient
 *   return yield* mongo.db("app").collection("users").aggregate<{ _id: string; count: number }>([
 *     { $group: { _id: "$city", count: { $sum: 1 } } }
 *   ]).allowDiskUse()
 * })
 * ```
 *
 * @see {@link FindQuery} for the query that `find` makes
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface AggregateQuery<A> extends Query<A>, Settings<AggregateQuery<A>>, Explainable {}

/**
 * Whether a value is a query of mongofx.
 *
 * **Example** (Telling a query from other effects)
 *
 * ```ts
 * import { Query } from "@mongofx/core"
 * import { Effect } from "effect"
 *
 * console.log(Query.isQuery(Effect.void)) // false
 * ```
 *
 * @stability unstable
 * @category guards
 * @since 0.1.0
 */
export const isQuery = (u: unknown): u is Query<unknown> => Predicate.hasProperty(u, TypeId)

/**
 * Makes a query that reads the given values, without a server.
 *
 * **When to use**
 *
 * Use it in a test, in place of a query of a collection.
 *
 * **Details**
 *
 * The values stand for the server's answer. `limit` and `skip` apply to them. Filters, sorts and projections count as already
 * applied, and settings that only tell the server how to work change nothing. Every run iterates the values anew. `raw`
 * fails with a `BsonError` if a value is not a document, and `explain` with an `InvalidArgumentError`.
 *
 * **Example** (Testing without a server)
 *
 * ```ts
 * import { Query } from "@mongofx/core"
 * import { Effect } from "effect"
 *
 * const names = (users: Query.Query<{ readonly name: string }>) =>
 *   Effect.map(users, (found) => found.map((user) => user.name))
 *
 * const test = names(Query.fromIterable([{ name: "Ada" }, { name: "Grace" }]))
 * ```
 *
 * @stability unstable
 * @category constructors
 * @since 0.1.0
 */
export const fromIterable: <A>(values: Iterable<A>) => FindQuery<A> = internal.fromIterable
