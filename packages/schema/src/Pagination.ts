/**
 * Pages of queries by the values of their last document, never by `skip`: a page far behind costs as much as the first one.
 *
 * @since 0.1.0
 */
import type { Query } from "@mongofx/core"
import type * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import * as Function from "effect/Function"
import type * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import type * as Stream from "effect/Stream"
import type { InvalidCursorError } from "./internal/pagination/invalidCursor.ts"
import * as internal from "./internal/pagination/pages.ts"
import * as prepare from "./internal/pagination/prepare.ts"
import type * as TypedQuery from "./TypedQuery.ts"

export * from "./internal/pagination/invalidCursor.ts"

/**
 * The errors of pages: those of typed operations, and cursors that do not fit.
 *
 * @see {@link InvalidCursorError} for the latter
 * @stability unstable
 * @category errors
 * @since 0.1.0
 */
export type Failure = TypedQuery.Failure | InvalidCursorError

/**
 * A page forwards: the first documents after a cursor, or from the beginning.
 *
 * @see {@link Backward} for the other direction
 * @stability unstable
 * @category options
 * @since 0.1.0
 */
export interface Forward {
  /** How many documents the page has at most. */
  readonly first: number
  /** The cursor that the page begins behind. Without it the page is the first one. */
  readonly after?: string | null | undefined
  /** Belongs to a page backwards. */
  readonly last?: null | undefined
  /** Belongs to a page backwards. */
  readonly before?: null | undefined
}

/**
 * A page backwards: the last documents before a cursor, or up to the end. They stand in the order of the query.
 *
 * @see {@link Forward} for the other direction
 * @stability unstable
 * @category options
 * @since 0.1.0
 */
export interface Backward {
  /** How many documents the page has at most. */
  readonly last: number
  /** The cursor that the page ends before. Without it the page is the last one. */
  readonly before?: string | null | undefined
  /** Belongs to a page forwards. */
  readonly first?: null | undefined
  /** Belongs to a page forwards. */
  readonly after?: null | undefined
}

/**
 * A key that signs cursors, of at least 16 bytes. Text counts in UTF-8.
 *
 * @see {@link CurrentCursorKey} for the key of a whole program
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export type CursorKey = Redacted.Redacted<string | Uint8Array>

/**
 * The option `key` of pages.
 *
 * @see {@link PageOptions} for the options of one page
 * @see {@link PagesOptions} for those of many
 * @stability unstable
 * @category options
 * @since 0.1.0
 */
export interface KeyOption {
  /** Signs the cursors that the page gives, and refuses others. By default `CurrentCursorKey` decides. */
  readonly key?: CursorKey | undefined
}

/**
 * Options of `page`.
 *
 * @see {@link PagesOptions} for a stream of pages
 * @stability unstable
 * @category options
 * @since 0.1.0
 */
export type PageOptions = (Forward | Backward) & KeyOption & {
  /** Counts the documents of the query too. The server reads all of them, or an index. */
  readonly total?: boolean | undefined
  /**
   * Asks the server whether there are documents on the side that the page was not read towards. By default they are assumed where
   * a cursor was given.
   */
  readonly bothEnds?: boolean | undefined
}

/**
 * Options of `pages`.
 *
 * @see {@link PageOptions} for one page
 * @stability unstable
 * @category options
 * @since 0.1.0
 */
export type PagesOptions = (Forward | Backward) & KeyOption

/**
 * A document of a page, with the cursor of its place.
 *
 * @see {@link Page} for the page
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface Edge<A> {
  /** The place of the document in the order of the query: `after` and `before` take it. */
  readonly cursor: string
  /** The document. */
  readonly node: A
}

/**
 * A page of a query.
 *
 * @see {@link page} for the function that reads it
 * @see {@link toConnection} for its form in Relay
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface Page<A> {
  /** The documents, in the order of the query. */
  readonly items: ReadonlyArray<A>
  /** The documents with their cursors. */
  readonly edges: ReadonlyArray<Edge<A>>
  /** Where the page begins: `before` takes it. An empty page has the cursor that was given, if there was one. */
  readonly startCursor: string | undefined
  /** Where the page ends: `after` takes it. An empty page has the cursor that was given, if there was one. */
  readonly endCursor: string | undefined
  /** Whether there are documents after the page. */
  readonly hasNextPage: boolean
  /** Whether there are documents before the page. */
  readonly hasPreviousPage: boolean
}

/**
 * A page with the number of all documents of its query.
 *
 * @see {@link PageOptions} for the option `total`
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface CountedPage<A> extends Page<A> {
  /** How many documents the query has, on all pages. */
  readonly totalCount: number
}

/**
 * The key that signs the cursors of a program. By default cursors are not signed.
 *
 * **When to use**
 *
 * Use it with `Layer.succeed` where clients get cursors that they must not write themselves. Without a key they can, and reach any
 * place in the order of the query, but no document that its filter excludes. The values in a cursor can be read in both cases.
 *
 * **Example** (Signing all cursors)
 *
 * ```ts
 * import { Pagination } from "@mongofx/schema"
 * import { Config, Effect, Layer } from "effect"
 *
 * const SignedCursors = Layer.effect(Pagination.CurrentCursorKey, Effect.gen(function*() {
 *   return yield* Config.Redacted("CURSOR_KEY")
 * }))
 * ```
 *
 * @see {@link KeyOption} for the key of one page
 * @stability unstable
 * @category references
 * @since 0.1.0
 */
export const CurrentCursorKey: Context.Reference<CursorKey | undefined> = prepare.CurrentCursorKey

/**
 * Reads a page of a query.
 *
 * **When to use**
 *
 * Use it for lists that people or programs go through page by page. To read everything at once, the query is a stream itself.
 *
 * **Details**
 *
 * The order is that of the query, and `_id` decides between documents with equal values. Without an order it is that of `_id`. A page
 * sends one query, and one for each part of its condition where the server would answer all of them at once in the wrong order or
 * slowly: if a field may be null and may be missing, and with `$in` in the filter. An index of the fields that the filter compares with
 * a value, then those of the order with their directions, then `_id` in the direction of the last one, serves all pages. With a
 * collation, the index needs the same one.
 *
 * Documents that the query leaves out with `onInvalid("skip")` count: the page has fewer items, and the next page begins behind them.
 *
 * It joins the ambient session. In a transaction or a snapshot session all pages see the same state.
 *
 * Fails with an `InvalidCursorError` if the cursor belongs to another collection, filter, order or collation, or was not written by a page.
 * Fails with an `InvalidArgumentError` if the query has `limit` or `skip`, or is sorted by a field that is an array or has several types
 * of BSON. Fails with a `DocumentError` if a document has another type in a field of the order than the schema says: no page can go on
 * behind it.
 *
 * **Gotchas**
 *
 * Outside a snapshot, a document whose place changes between two pages may be seen twice or not at all: sort by something that stays.
 * A filter that changes with each request, by the current time for instance, makes all cursors foreign. Comparisons stay within a type of
 * BSON, so a document that does not fit the schema may be left out.
 *
 * A view or a time series collection may have an `_id` several times. A page with two such documents in one place of the order
 * fails with an `InvalidArgumentError`, since a page behind the first one would miss the second. The client does not know the collation of a
 * view: if it takes different `_id`s for one, a page may miss one of them. With the same collation set on the query, such a page is
 * refused.
 *
 * **Example** (The newest first)
 *
 * ```ts
 * import { Bson, Pagination, type TypedCollection } from "@mongofx/schema"
 * import { Effect, Schema } from "effect"
 *
 * const Post = Schema.Struct({ _id: Bson.ObjectId, author: Schema.String, created: Bson.Date })
 *
 * const newest = (posts: TypedCollection.TypedCollection<typeof Post>, author: string, after?: string) =>
 *   Effect.gen(function*() {
 *     const page = yield* Pagination.page(posts.find({ author }).sort({ created: -1 }), { first: 20, after })
 *     return { posts: page.items, next: page.hasNextPage ? page.endCursor : undefined }
 *   })
 * ```
 *
 * @see {@link pages} for all pages as a stream
 * @stability unstable
 * @category combinators
 * @since 0.1.0
 */
export const page: {
  (options: PageOptions & { readonly total: true }): <A, R>(
    query: TypedQuery.PageableQuery<A, R>
  ) => Effect.Effect<CountedPage<A>, Failure, R>
  (options: PageOptions): <A, R>(query: TypedQuery.PageableQuery<A, R>) => Effect.Effect<Page<A>, Failure, R>
  <A, R>(
    query: TypedQuery.PageableQuery<A, R>,
    options: PageOptions & { readonly total: true }
  ): Effect.Effect<CountedPage<A>, Failure, R>
  <A, R>(query: TypedQuery.PageableQuery<A, R>, options: PageOptions): Effect.Effect<Page<A>, Failure, R>
} = Function.dual(2, internal.page)

/**
 * A stream of the pages of a query, from a cursor on, forwards or backwards. It has no page without items.
 *
 * **When to use**
 *
 * Use it for long work that must go on later: keep `endCursor` of the last page that is done, and begin there.
 *
 * **Details**
 *
 * Each page is a query of its own, sent when the stream asks for it. No cursor stays open on the server between them. The stream fails
 * as `page` does.
 *
 * **Example** (Going on where an earlier run ended)
 *
 * ```ts
 * import { Bson, Pagination, type TypedCollection } from "@mongofx/schema"
 * import { Effect, Schema, Stream } from "effect"
 *
 * const Post = Schema.Struct({ _id: Bson.ObjectId, text: Schema.String })
 *
 * const each = <E>(
 *   posts: TypedCollection.TypedCollection<typeof Post>,
 *   after: string | undefined,
 *   work: (posts: ReadonlyArray<typeof Post.Type>, position: string | undefined) => Effect.Effect<void, E>
 * ) =>
 *   Stream.runForEach(
 *     Pagination.pages(posts.find(), { first: 100, after }),
 *     ({ endCursor, items }) => work(items, endCursor)
 *   )
 * ```
 *
 * @see {@link page} for one page
 * @stability unstable
 * @category combinators
 * @since 0.1.0
 */
export const pages: {
  (options: PagesOptions): <A, R>(query: TypedQuery.PageableQuery<A, R>) => Stream.Stream<Page<A>, Failure, R>
  <A, R>(query: TypedQuery.PageableQuery<A, R>, options: PagesOptions): Stream.Stream<Page<A>, Failure, R>
} = Function.dual(2, internal.pages)

/**
 * The queries of the server that a page sends, to look at their plans. A page stops when it has enough, so it may send fewer.
 *
 * **When to use**
 *
 * Use it in a test, with `MongoTest.usesIndex`: the first page may have an index, and the pages behind it none.
 *
 * **Example** (Plans of the second page)
 *
 * ```ts
 * import { Bson, Pagination, type TypedCollection } from "@mongofx/schema"
 * import { MongoTest } from "@mongofx/testing"
 * import { Effect, Schema } from "effect"
 *
 * const Post = Schema.Struct({ _id: Bson.ObjectId, created: Bson.Date })
 *
 * const check = (posts: TypedCollection.TypedCollection<typeof Post>) =>
 *   Effect.gen(function*() {
 *     const query = posts.find().sort({ created: -1 })
 *     const { endCursor } = yield* Pagination.page(query, { first: 10 })
 *     for (const sent of yield* Pagination.queries(query, { first: 10, after: endCursor })) yield* MongoTest.usesIndex(sent)
 *   })
 * ```
 *
 * @see {@link page} for the page
 * @stability unstable
 * @category combinators
 * @since 0.1.0
 */
export const queries: {
  (
    options: PageOptions
  ): <A, R>(
    query: TypedQuery.PageableQuery<A, R>
  ) => Effect.Effect<ReadonlyArray<Query.Explainable<TypedQuery.Failure>>, Failure, R>
  <A, R>(
    query: TypedQuery.PageableQuery<A, R>,
    options: PageOptions
  ): Effect.Effect<ReadonlyArray<Query.Explainable<TypedQuery.Failure>>, Failure, R>
} = Function.dual(2, internal.queries)

/**
 * Applies a function to the documents of a page, and keeps everything else.
 *
 * **Example** (The public form of documents)
 *
 * ```ts
 * import { Pagination } from "@mongofx/schema"
 *
 * const names = (page: Pagination.Page<{ readonly name: string }>) => Pagination.map(page, ({ name }) => name)
 * ```
 *
 * @see {@link toConnection} for the form of the page
 * @stability unstable
 * @category combinators
 * @since 0.1.0
 */
export const map: {
  <A, B>(f: (item: A) => B): {
    (self: CountedPage<A>): CountedPage<B>
    (self: Page<A>): Page<B>
  }
  <A, B>(self: CountedPage<A>, f: (item: A) => B): CountedPage<B>
  <A, B>(self: Page<A>, f: (item: A) => B): Page<B>
} = Function.dual(2, <A, B>(self: Page<A>, f: (item: A) => B): Page<B> => {
  const items = self.items.map((item) => f(item))
  return { ...self, items, edges: self.edges.map(({ cursor }, i) => ({ cursor, node: items[i]! })) }
})

/**
 * A page in the form of Relay's specification of connections.
 *
 * @see {@link toConnection} for the function that makes it
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface Connection<A> {
  /** The documents with their cursors. */
  readonly edges: ReadonlyArray<Edge<A>>
  /** Where the page begins and ends, and whether there are others. */
  readonly pageInfo: {
    readonly hasNextPage: boolean
    readonly hasPreviousPage: boolean
    readonly startCursor: string | null
    readonly endCursor: string | null
  }
  /** How many documents the query has, if the page was read with `total`. */
  readonly totalCount?: number
}

/**
 * The schema of a connection, for HTTP APIs.
 *
 * **Example** (The answer of an endpoint)
 *
 * ```ts
 * import { Bson, Pagination } from "@mongofx/schema"
 * import { Schema } from "effect"
 *
 * const Post = Schema.Struct({ _id: Bson.ObjectIdFromHex, text: Schema.String })
 *
 * const Posts = Pagination.Connection(Post)
 * ```
 *
 * @see {@link toConnection} for the values of this schema
 * @stability unstable
 * @category schemas
 * @since 0.1.0
 */
export const Connection = <S extends Schema.Constraint>(node: S) =>
  Schema.Struct({
    edges: Schema.Array(Schema.Struct({ cursor: Schema.String, node })),
    pageInfo: Schema.Struct({
      hasNextPage: Schema.Boolean,
      hasPreviousPage: Schema.Boolean,
      startCursor: Schema.NullOr(Schema.String),
      endCursor: Schema.NullOr(Schema.String)
    }),
    totalCount: Schema.optionalKey(Schema.Int)
  })

/**
 * Turns a page into the form of Relay's specification of connections.
 *
 * **Example** (The resolver of a field)
 *
 * ```ts
 * import { Bson, Pagination, type TypedCollection } from "@mongofx/schema"
 * import { Effect, Schema } from "effect"
 *
 * const Post = Schema.Struct({ _id: Bson.ObjectId, text: Schema.String })
 *
 * const posts = (posts: TypedCollection.TypedCollection<typeof Post>, first: number, after: string | null) =>
 *   Effect.map(Pagination.page(posts.find(), { first, after }), Pagination.toConnection)
 * ```
 *
 * @see {@link Connection} for its schema
 * @stability unstable
 * @category converting
 * @since 0.1.0
 */
export const toConnection = <A>(page: Page<A> | CountedPage<A>): Connection<A> => ({
  edges: page.edges,
  pageInfo: {
    hasNextPage: page.hasNextPage,
    hasPreviousPage: page.hasPreviousPage,
    startCursor: page.startCursor ?? null,
    endCursor: page.endCursor ?? null
  },
  ...("totalCount" in page ? { totalCount: page.totalCount } : {})
})
