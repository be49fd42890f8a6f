/**
 * Queries as values: immutable descriptions of what to read, which run as an array, a stream, batches or raw bytes.
 *
 * A query does nothing until it is run, and every run opens a cursor of its own: the same query can be run twice, retried
 * and raced, and its cursor is closed on the server when the run ends, fails or is interrupted.
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
 * The ways to read a query. Yield it for an array of all documents, or take one of its other views.
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
  /** The documents as a stream. A chunk of the stream is a batch of the server, or a part of one where documents are decoded. */
  readonly stream: Stream.Stream<A, E, R>
  /** The batches of the server, one array each; never an empty one. */
  readonly batches: Stream.Stream<ReadonlyArray<A>, E, R>
  /**
   * The documents as BSON bytes, not decoded. The bytes are views into the server's reply: a view keeps its whole batch
   * alive, so copy what you keep.
   */
  readonly raw: Stream.Stream<Uint8Array, E, R>
  /** The first document, or none. Only one document is asked for where the server allows to say so. */
  readonly first: Effect.Effect<Option.Option<A>, E, R>
  /** The first document; fails with a `NoSuchElementError` where there is none. */
  readonly one: Effect.Effect<A, E | Cause.NoSuchElementError, R>
}

/**
 * A read that has not run yet. Yield it for an array of all documents, or take one of its other views.
 *
 * **Details**
 *
 * Every view fails with a `MongoError`. Bad arguments, such as an `undefined` inside a filter, are reported when the query
 * runs, as an `InvalidArgumentError` that names the path.
 *
 * Only the server ends a query. One that is cut off fails: with a `ClientClosedError` where its client or its session is closed under it.
 * A query that is run again, as `Effect.retry` and `Stream.retry` do, starts from its first document.
 *
 * A query prints what it asks for: its operation and namespace, and the names of its fields, stages and settings, without values.
 *
 * **Gotchas**
 *
 * Interruption closes the cursor on the server. It waits for the server's word one second at the most.
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface Query<A> extends Views<A> {
  readonly [TypeId]: TypeId
  /** Runs the query on the server and keeps its cursor for as long as the scope lives, so that batches can be taken one by one. */
  readonly open: Effect.Effect<OpenQuery<A>, MongoError, Scope.Scope>
}

/**
 * A query whose cursor is open on the server.
 *
 * **Details**
 *
 * It reads its documents once. After a failure it fails with that failure again, and after its scope has closed with a `CursorError`:
 * only the server's word is the end. A batch that comes after `next` was interrupted goes to the next who asks; within a session, an
 * interruption closes the cursor.
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface OpenQuery<A> {
  /** The documents that are left. It is one stream, and takes whole batches: what one run of it has taken, another does not see. */
  readonly stream: Stream.Stream<A, MongoError>
  /**
   * The next batch. It is empty at the end; that of a tailable query is empty where nothing has come either, and asks the server
   * once at the most.
   */
  readonly next: Effect.Effect<ReadonlyArray<A>, MongoError>
}

/**
 * How a tailable query waits for documents at the end of its capped collection.
 *
 * @stability unstable
 * @category options
 * @since 0.1.0
 */
export interface TailableOptions {
  /** Whether the server holds the request until there is a document; true by default. Otherwise the query asks again every 200 ms. */
  readonly awaitData?: boolean | undefined
  /** How long the server holds a request that finds nothing: milliseconds. */
  readonly maxAwaitTimeMS?: number | undefined
}

/**
 * How the settings of a query name an index, and a place in it.
 *
 * @see {@link Settings}
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface IndexTerms {
  /** An index: its name or its keys, also as a Map or a list of pairs. */
  readonly hint: Driver.Hint
  /** A place in an index: a value for each of its keys. */
  readonly bound: Driver.Document
}

/**
 * The settings that `find` and `aggregate` share. Each method returns a new query, a `Self`, and leaves this one as it was.
 *
 * **Details**
 *
 * `Terms` says how an index is named.
 *
 * @see {@link FindSettings} for what only `find` has
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface Settings<Self, Terms extends Record<keyof IndexTerms, unknown> = IndexTerms> {
  /** Makes the server use this index: its name or its keys. */
  readonly hint: (hint: Terms["hint"]) => Self
  /** Sets the rules by which strings are compared. */
  readonly collation: (collation: Driver.CollationOptions) => Self
  /** Attaches a value that shows up in the server's log, profiler and `currentOp`. */
  readonly comment: (comment: unknown) => Self
  /**
   * Sets how many documents a batch holds at the most. The default is 101 for the first batch, then 16 MB. With 0 the first batch is
   * empty: the server opens the cursor before it looks for documents.
   */
  readonly batchSize: (batchSize: number) => Self
  /** Makes the server give up after so many milliseconds of work, with a `MaxTimeExpiredError`. */
  readonly maxTimeMS: (maxTimeMS: number) => Self
  /** Lets a sort or a stage of more than 100 MB use files of the server. */
  readonly allowDiskUse: (allowDiskUse?: boolean) => Self
  /** Chooses the member of the replica set that answers. */
  readonly readPreference: (readPreference: Driver.ReadPreferenceLike) => Self
  /** Chooses how settled the data must be. */
  readonly readConcern: (readConcern: Driver.ReadConcernLike) => Self
}

/**
 * The settings of `find`. Each method returns a new query, a `Self`, and leaves this one as it was.
 *
 * **Details**
 *
 * `Terms` says how an index is named, and a place in it.
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface FindSettings<Self, Terms extends Record<keyof IndexTerms, unknown> = IndexTerms>
  extends Settings<Self, Terms>
{
  /** Returns so many documents at the most; 0 is no limit. */
  readonly limit: (limit: number) => Self
  /** Leaves out so many documents at the start. */
  readonly skip: (skip: number) => Self
  /** Sets the inclusive lower bound of the index that `hint` names. */
  readonly min: (min: Terms["bound"]) => Self
  /** Sets the exclusive upper bound of the index that `hint` names. */
  readonly max: (max: Terms["bound"]) => Self
  /** Keeps an idle cursor alive past the server's ten minutes. */
  readonly noCursorTimeout: (noCursorTimeout?: boolean) => Self
  /** Waits at the end of a capped collection for new documents: the stream never ends by itself. */
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
  /** Asks the server how it would run the query. The default verbosity is `"queryPlanner"`. */
  readonly explain: (verbosity?: Driver.ExplainVerbosityLike) => Effect.Effect<Driver.Document, E, R>
}

/**
 * The query that `find` makes. Each method gives a new query and leaves this one as it was.
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
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface FindQuery<A> extends Query<A>, FindSettings<FindQuery<A>>, Explainable {
  /** Sets the order of the documents. */
  readonly sort: (sort: Driver.Sort) => FindQuery<A>
  /** Chooses the fields that are returned. Say the type of what comes back: it is not derived from the projection. */
  readonly project: <B = Driver.Document>(projection: Driver.Document) => FindQuery<B>
  /** Returns only the fields of the index that is used. */
  readonly returnKey: (returnKey?: boolean) => FindQuery<A>
  /** Adds the server's record identifier to each document, as `$recordId`. */
  readonly showRecordId: (showRecordId?: boolean) => FindQuery<A>
}

/**
 * The query that `aggregate` makes. Each method gives a new query and leaves this one as it was.
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
 * A query that asks no server: its answer is known.
 *
 * **When to use**
 *
 * Use it in a test, in the place of a query of a collection.
 *
 * **Details**
 *
 * The values are the answer of the server. `limit` and `skip` hold; filters, orders and projections are taken as done, and
 * what only tells the server how to go about it changes nothing. The values are gone through anew for every run. `raw`
 * fails with a `BsonError` where a value is no document, `explain` with an `InvalidArgumentError`.
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
