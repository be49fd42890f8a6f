/**
 * Queries of typed collections: the `Query` of `@mongofx/core` with decoded documents.
 *
 * @since 0.1.0
 */
import { MongoError, type Query } from "@mongofx/core"
import * as Effect from "effect/Effect"
import type * as Result from "effect/Result"
import type * as Driver from "mongodb"
import { DocumentError } from "./DocumentError.ts"
import type { Operand } from "./Filter.ts"
import type {
  At,
  Infer,
  InferKeys,
  IsBound,
  IsPattern,
  Keys,
  Known,
  NoSuchPath,
  Offered,
  OfMembers,
  Shallow,
  Siblings,
  Similar,
  Suggested
} from "./internal/path/types.ts"
import * as internal from "./internal/query/query.ts"
import type { Input as ProjectionInput, Meta, Projected } from "./Projection.ts"

/**
 * The errors of typed operations. Both have `isTransient` and `isRetryable`.
 *
 * @see {@link failureTags} for catching both
 * @stability unstable
 * @category errors
 * @since 0.1.0
 */
export type Failure = MongoError.MongoError | DocumentError

/**
 * The tags of the errors of typed operations, for `Effect.catchTag`.
 *
 * **Example** (Catching every failure of typed operations, and nothing else)
 *
 * ```ts
 * import { TypedQuery } from "@mongofx/schema"
 * import { Effect } from "effect"
 *
 * const orNone = <A, E, R>(self: Effect.Effect<A, E | TypedQuery.Failure, R>) =>
 *   Effect.catchIf(self, TypedQuery.isFailure, (failure) => Effect.as(Effect.logWarning(failure.message), undefined))
 *
 * declare const find: Effect.Effect<string, TypedQuery.Failure>
 *
 * const found = find.pipe(
 *   Effect.catchTag(TypedQuery.failureTags, (failure) => Effect.succeed(failure.isTransient ? "later" : "never"))
 * )
 * ```
 *
 * @see {@link isFailure} for a test of one value
 * @stability unstable
 * @category constants
 * @since 0.1.0
 */
export const failureTags = ["MongoError", "DocumentError"] as const satisfies ReadonlyArray<Failure["_tag"]>

/**
 * Whether a value is an error of a typed operation.
 *
 * **Example** (Telling it from other errors)
 *
 * ```ts
 * import { TypedQuery } from "@mongofx/schema"
 *
 * console.log(TypedQuery.isFailure(new Error())) // false
 * ```
 *
 * @see {@link failureTags} for `Effect.catchTag`
 * @stability unstable
 * @category guards
 * @since 0.1.0
 */
export const isFailure = (u: unknown): u is Failure => MongoError.isMongoError(u) || u instanceof DocumentError

/**
 * Dies with a failure of the database, and leaves all other errors as they are.
 *
 * **When to use**
 *
 * Use it at the edge of a program, such as the handler of a request: what its caller can act upon stays in the type, and a server that does
 * not answer is an internal error.
 *
 * **Gotchas**
 *
 * `withTransaction` runs again only after failures. Use `orDie` around a transaction, never inside.
 *
 * **Example** (What a client of an API is told)
 *
 * ```ts
 * import { Bson, MongoModel, type Path, TypedCollection, TypedQuery } from "@mongofx/schema"
 * import { Effect, Schema } from "effect"
 *
 * const User = Schema.Struct({ _id: Bson.ObjectId, name: Schema.String })
 *
 * class Users extends TypedCollection.Service<Users>()("app/Users", { name: "users", schema: User }) {}
 *
 * // It fails only with a NoSuchElementError.
 * const handler = (id: Path.IdOf<typeof User.Type>) =>
 *   Effect.flatMap(Users, (users) => MongoModel.makeRepository(users).getById(id)).pipe(TypedQuery.orDie)
 * ```
 *
 * @see {@link failureTags} for handling these failures
 * @stability unstable
 * @category combinators
 * @since 0.1.0
 */
export const orDie = <A, E, R>(self: Effect.Effect<A, E, R>): Effect.Effect<A, Exclude<E, Failure>, R> =>
  Effect.catchIf(self, isFailure, Effect.die) as Effect.Effect<A, Exclude<E, Failure>, R>

/**
 * The treatment of a document that does not decode: the query fails, leaves it out, or delivers its error in its place.
 *
 * @see {@link OnInvalid} for the choice on a query
 * @stability unstable
 * @category options
 * @since 0.1.0
 */
export type DecodePolicy = "fail" | "skip" | "collect"

/**
 * A direction to sort by: ascending or descending.
 *
 * @see {@link Sort} for an order by several fields
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export type Direction = 1 | -1 | "asc" | "desc" | "ascending" | "descending"

/**
 * The fields that documents are sorted by, in order, for variables and parameters.
 *
 * **Details**
 *
 * The annotation of a variable checks the first two names of a path. The query checks the rest.
 *
 * @see {@link SortInput} for an order as a literal argument
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export type Sort<A> = { readonly [P in Shallow<A> | "_id"]?: Direction }

/**
 * A sort order as a literal argument: `F` is the type of the literal, `K` its keys. A key with `{ $meta: "textScore" }` may
 * have any name.
 *
 * @see {@link Sort} for an order in a variable
 * @stability unstable
 * @category utility types
 * @since 0.1.0
 */
export type SortInput<A, F, K extends PropertyKey> =
  & Infer<F>
  & InferKeys<K>
  & Offered<A>
  & NoInfer<SortFields<A, F, K>>

type SortFields<A, F, K extends PropertyKey> =
  & { readonly [P in K | Suggested<A, K>]?: AtPath<A, P, Direction> }
  & (IsBound<K> extends true ? {
      readonly [P in Known<F>]?: P extends K ? AtPath<A, P, Direction>
        : F[P & keyof F] extends { readonly $meta: unknown } ? Meta
        : NoSuchPath<P, Similar<A, P>>
    }
    : unknown)

/** `Value` if the path leads somewhere. */
type AtPath<A, P, Value> = P extends `${string}.${string}`
  ? [At<A, P>] extends [never] ? IsPattern<P> extends true ? Value : NoSuchPath<P, Siblings<A, P>> : Value
  : Value

type IndexKind = 1 | -1 | "2d" | "2dsphere" | "text" | "hashed"

/**
 * The keys of an index, for variables and parameters. `$**` stands for all fields, `address.$**` for all below a field.
 *
 * @see {@link IndexKeysInput} for keys as a literal argument
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export type IndexKeys<A> = { readonly [P in Shallow<A> | "_id" | "$**" | `${keyof A & string}.$**`]?: IndexKind }

/**
 * The keys of an index as a literal argument: `F` is the type of the literal, `K` its keys.
 *
 * @see {@link IndexKeys} for keys in a variable
 * @stability unstable
 * @category utility types
 * @since 0.1.0
 */
export type IndexKeysInput<A, F, K extends PropertyKey> =
  & Infer<F>
  & InferKeys<K>
  & Offered<A, "$**">
  & NoInfer<IndexFields<A, F, K>>

type IndexFields<A, F, K extends PropertyKey> =
  & { readonly [P in K | Suggested<A, K>]?: AtIndex<A, P> }
  & (IsBound<K> extends true ? {
      readonly [P in Known<F>]?: P extends K ? AtIndex<A, P> : NoSuchPath<P, Similar<A, P>>
    }
    : unknown)

/** `$**` after a path stands for all fields below it. */
type AtIndex<A, P> = P extends `${infer Q}.$**`
  ? [At<A, Q>] extends [never] ? NoSuchPath<P, Q extends `${string}.${string}` ? Siblings<A, Q> : Similar<A, Q>>
  : IndexKind
  : AtPath<A, P, IndexKind>

/**
 * A bound of an index: a value for each of its keys.
 *
 * @see {@link IndexKeys} for the keys of the index
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export type IndexBound<A> = {
  readonly [P in Shallow<A> | "_id"]?: P extends `${string}.${string}` ? BoundAt<At<A, P>>
    : P extends keyof A ? Operand<A[P]>
    : P extends "_id" ? Driver.ObjectId
    : Operand<OfMembers<A, P>>
}

type BoundAt<V> = [V] extends [never] ? {} | null : Operand<V>

/**
 * The types by which the settings of a query name an index, and a place in it.
 *
 * @see {@link FindQuery} for the settings that use them
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface IndexTerms<A> {
  /** An index: its name or its keys. */
  readonly hint: string | IndexKeys<A>
  /** A place in an index: a value for each of its keys. */
  readonly bound: IndexBound<A>
}

/**
 * A read that has not run yet. Yield it for an array of all documents, or use one of its other views.
 *
 * **Details**
 *
 * Every view fails with a `MongoError`, or with a `DocumentError` if a document does not decode or an operand does not encode.
 * `R` holds the services that the codecs of the schema need.
 *
 * @see {@link FindQuery} for the settings of `find`
 * @see {@link AggregateQuery} for the settings of `aggregate`
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface TypedQuery<A, R = never> extends Query.Views<A, Failure, R> {}

/**
 * The type of `PageableTypeId`.
 *
 * @stability unstable
 * @category type IDs
 * @since 0.1.0
 */
export type PageableTypeId = "~@mongofx/schema/Pageable"

/**
 * Marks a query that has pages.
 *
 * **Example** (Reading the mark)
 *
 * ```ts
 * import { TypedQuery } from "@mongofx/schema"
 *
 * console.log(TypedQuery.PageableTypeId)
 * ```
 *
 * @stability unstable
 * @category type IDs
 * @since 0.1.0
 */
export const PageableTypeId: PageableTypeId = internal.PageableTypeId

/**
 * A query that has pages: one of `find`, with any projection and any treatment of documents that do not decode.
 *
 * @see `Pagination.page` for the function that takes it
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface PageableQuery<A, R = never> extends TypedQuery<A, R> {
  readonly [PageableTypeId]: PageableTypeId
}

/**
 * Chooses the treatment of documents that do not decode.
 *
 * @see {@link DecodePolicy} for the names of the treatments
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface OnInvalid<Fail, Skip, Collect> {
  /** Fails at the first document that does not decode. This is the default. */
  (policy: "fail"): Fail
  /** Leaves out documents that do not decode, and logs each at the level `Debug`. */
  (policy: "skip"): Skip
  /** Delivers a `Result` for each document: the document, or its error. */
  (policy: "collect"): Collect
}

/**
 * The query that `find` makes: `A` is the type of the stored documents after decoding, `B` that of the results. Each method
 * gives a new query and leaves this one as it was.
 *
 * **Example** (Building on a query)
 *
 * ```ts
 * import type { MongoDatabase } from "@mongofx/core"
 * import { Bson, TypedCollection } from "@mongofx/schema"
 * import { Effect, Schema } from "effect"
 *
 * const User = Schema.Struct({ _id: Bson.ObjectId, name: Schema.String, born: Bson.Date })
 *
 * const oldest = (db: MongoDatabase.MongoDatabase) =>
 *   Effect.gen(function*() {
 *     const users = TypedCollection.make(db, "users", User)
 *     return yield* users.find({ born: { $lt: new Date("1900-01-01") } }).sort({ born: 1 }).limit(3).project({ name: 1 })
 *   })
 * ```
 *
 * @see {@link AggregateQuery} for the results of pipelines
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface FindQuery<A, B = A, R = never>
  extends PageableQuery<B, R>, Query.FindSettings<FindQuery<A, B, R>, IndexTerms<A>>, Query.Explainable<Failure, R>
{
  /** Sets the order of the documents. */
  readonly sort: <const F, K extends Keys<A>>(sort: SortInput<A, F, K>) => FindQuery<A, B, R>
  /** Chooses the fields to return. The type and the schema of the results follow from the projection. */
  readonly project: <const P, K extends Keys<A>>(
    projection: ProjectionInput<A, P, K>
  ) => FindQuery<A, Projected<A, P>, R>
  /** Chooses the treatment of documents that do not decode. */
  readonly onInvalid: OnInvalid<
    FindQuery<A, B, R>,
    FindQuery<A, B, R>,
    PageableQuery<Result.Result<B, DocumentError>, R>
  >
}

/**
 * The query that `aggregate` makes. Each method gives a new query and leaves this one as it was.
 *
 * @see {@link FindQuery} for sort orders and projections
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface AggregateQuery<A, R = never>
  extends TypedQuery<A, R>, Query.Settings<AggregateQuery<A, R>>, Query.Explainable<Failure, R>
{
  /** Chooses the treatment of documents that do not decode. */
  readonly onInvalid: OnInvalid<
    AggregateQuery<A, R>,
    AggregateQuery<A, R>,
    TypedQuery<Result.Result<A, DocumentError>, R>
  >
}

/**
 * A query of known values, in place of one that `find` or `aggregate` makes.
 *
 * @see {@link fromIterable} for how to make one
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export type ValuesQuery<A> = FindQuery<A> & AggregateQuery<A>

/**
 * A query of known values. It does not ask a server.
 *
 * **When to use**
 *
 * Use it in a test that replaces a collection, as the result of `find` or `aggregate`.
 *
 * **Details**
 *
 * The values are decoded, and stand for the answer of the server. `limit` and `skip` apply to them, and `Pagination.page` takes
 * its part of them. Filters, orders, projections and settings for the server change nothing. Every run goes through the values
 * anew. `raw` and `explain` fail with an `InvalidArgumentError`.
 *
 * **Example** (Replacing a collection in a test)
 *
 * ```ts
 * import { Bson, TypedCollection, TypedQuery } from "@mongofx/schema"
 * import { Effect, Schema } from "effect"
 * import { ObjectId } from "mongodb"
 *
 * const User = Schema.Struct({ _id: Bson.ObjectId, name: Schema.String })
 *
 * class Users extends TypedCollection.Service<Users>()("app/Users", { name: "users", schema: User }) {}
 *
 * const newest = Effect.gen(function*() {
 *   const users = yield* Users
 *   return yield* users.find({ name: "Ada" }).sort({ _id: -1 }).limit(1)
 * })
 *
 * const test = newest.pipe(
 *   Effect.provide(Users.mock({ find: () => TypedQuery.fromIterable([{ _id: new ObjectId(), name: "Ada" }]) }))
 * )
 * ```
 *
 * @see {@link TypedCollection.Service} for a service with `mock`
 * @stability unstable
 * @category constructors
 * @since 0.1.0
 */
export const fromIterable: <A>(values: Iterable<A>) => ValuesQuery<A> = internal.fromIterable
