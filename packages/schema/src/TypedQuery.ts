/**
 * Queries of typed collections: what `@mongofx/core` has as `Query`, with documents that are decoded.
 *
 * @since 0.1.0
 */
import { MongoError, type Query } from "@mongofx/core"
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
 * What a typed operation fails with. Both have `isTransient` and `isRetryable`.
 *
 * @see {@link failureTags} for catching both
 * @stability unstable
 * @category errors
 * @since 0.1.0
 */
export type Failure = MongoError.MongoError | DocumentError

/**
 * The tags of what a typed operation fails with.
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
 * @stability unstable
 * @category constants
 * @since 0.1.0
 */
export const failureTags = ["MongoError", "DocumentError"] as const satisfies ReadonlyArray<Failure["_tag"]>

/**
 * Whether a value is a failure of a typed operation.
 *
 * **Example** (Telling it from other errors)
 *
 * ```ts
 * import { TypedQuery } from "@mongofx/schema"
 *
 * console.log(TypedQuery.isFailure(new Error())) // false
 * ```
 *
 * @stability unstable
 * @category guards
 * @since 0.1.0
 */
export const isFailure = (u: unknown): u is Failure => MongoError.isMongoError(u) || u instanceof DocumentError

/**
 * What is done with a document that does not decode: the query fails, leaves it out, or delivers its error in its place.
 *
 * @stability unstable
 * @category options
 * @since 0.1.0
 */
export type DecodePolicy = "fail" | "skip" | "collect"

/**
 * An order of values.
 *
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
 * The annotation of a variable knows two names of a path. What follows the second is checked when the order is used.
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export type Sort<A> = { readonly [P in Shallow<A> | "_id"]?: Direction }

/**
 * A sort order where it is written: `F` is the type of the literal, `K` its keys. A name with `{ $meta: "textScore" }` need
 * not be one of a field.
 *
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

/** `Value` where there is such a path. */
type AtPath<A, P, Value> = P extends `${string}.${string}`
  ? [At<A, P>] extends [never] ? IsPattern<P> extends true ? Value : NoSuchPath<P, Siblings<A, P>> : Value
  : Value

type IndexKind = 1 | -1 | "2d" | "2dsphere" | "text" | "hashed"

/**
 * The keys of an index, for variables and parameters. `$**` stands for all fields.
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export type IndexKeys<A> = { readonly [P in Shallow<A> | "_id" | "$**"]?: IndexKind }

/**
 * The keys of an index where they are written: `F` is the type of the literal, `K` its keys.
 *
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

/** `$**` after a path stands for all that is below it. */
type AtIndex<A, P> = P extends `${infer Q}.$**`
  ? [At<A, Q>] extends [never] ? NoSuchPath<P, Q extends `${string}.${string}` ? Siblings<A, Q> : Similar<A, Q>>
  : IndexKind
  : AtPath<A, P, IndexKind>

/**
 * A bound of an index: a value for each of its keys.
 *
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
 * How the settings of a query name an index of a collection, and a place in it.
 *
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
 * A read that has not run yet. Yield it for an array of all documents, or take one of its other views.
 *
 * **Details**
 *
 * Every view fails with a `MongoError`, or with a `DocumentError` where a document does not decode or an operand does not
 * encode. `R` is what the schema's codecs need.
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface TypedQuery<A, R = never> extends Query.Views<A, Failure, R> {}

/**
 * Builds on a query of decoded documents.
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface OnInvalid<Fail, Skip, Collect> {
  /** Fails at the first document that does not decode: the default. */
  (policy: "fail"): Fail
  /** Leaves out documents that do not decode, and logs each at the level Debug. */
  (policy: "skip"): Skip
  /** Delivers the error of a document that does not decode in its place. */
  (policy: "collect"): Collect
}

/**
 * The query that `find` makes: `A` is the type of the collection's documents, `B` that of what comes back. Each method gives
 * a new query and leaves this one as it was.
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
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface FindQuery<A, B = A, R = never>
  extends TypedQuery<B, R>, Query.FindSettings<FindQuery<A, B, R>, IndexTerms<A>>, Query.Explainable<Failure, R>
{
  /** Sets the order of the documents. */
  readonly sort: <const F, K extends Keys<A>>(sort: SortInput<A, F, K>) => FindQuery<A, B, R>
  /** Chooses the fields that are returned. Their type and their schema follow from the projection. */
  readonly project: <const P, K extends Keys<A>>(
    projection: ProjectionInput<A, P, K>
  ) => FindQuery<A, Projected<A, P>, R>
  /** What is done with a document that does not decode. */
  readonly onInvalid: OnInvalid<
    FindQuery<A, B, R>,
    FindQuery<A, B, R>,
    TypedQuery<Result.Result<B, DocumentError>, R>
  >
}

/**
 * The query that `aggregate` makes. Each method gives a new query and leaves this one as it was.
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface AggregateQuery<A, R = never>
  extends TypedQuery<A, R>, Query.Settings<AggregateQuery<A, R>>, Query.Explainable<Failure, R>
{
  /** What is done with a document that does not decode. */
  readonly onInvalid: OnInvalid<
    AggregateQuery<A, R>,
    AggregateQuery<A, R>,
    TypedQuery<Result.Result<A, DocumentError>, R>
  >
}

/**
 * A query that asks no server. It stands for that of `find` and for that of `aggregate`.
 *
 * @see {@link fromIterable} for making one
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export type ValuesQuery<A> = FindQuery<A> & AggregateQuery<A>

/**
 * A query that asks no server: its answer is known.
 *
 * **When to use**
 *
 * Use it in a test that replaces a collection, in the place of what `find` or `aggregate` make.
 *
 * **Details**
 *
 * The values are decoded, and the answer of the server. `limit` and `skip` hold; filters, orders and projections are taken
 * as done, and what only tells the server how to go about it changes nothing. The values are gone through anew for every
 * run. `raw` and `explain` fail with an `InvalidArgumentError`.
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
 * @stability unstable
 * @category constructors
 * @since 0.1.0
 */
export const fromIterable: <A>(values: Iterable<A>) => ValuesQuery<A> = internal.fromIterable
