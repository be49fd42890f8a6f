/**
 * Resolvers: requests of many fibers that are answered by few commands. A thousand `findById`s of concurrent fibers are one `$in`.
 *
 * A resolver collects the requests that are made before its fiber runs, and works them off as a batch. Duplicates are asked for once.
 * Requests of different sessions, transactions, deadlines and interruption policies never share a command. Otherwise a batch runs with
 * the services of its first request: use a resolver of its own for each tenant.
 *
 * @since 0.1.0
 */
import type { Query } from "@mongofx/core"
import type * as Arr from "effect/Array"
import type * as Cause from "effect/Cause"
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as Option from "effect/Option"
import type * as Request from "effect/Request"
import * as RequestResolver from "effect/RequestResolver"
import type * as Schema from "effect/Schema"
import type { Filter } from "./Filter.ts"
import * as custom from "./internal/resolver/custom.ts"
import * as documents from "./internal/resolver/documents.ts"
import type { CanMiss, Checked, Offered, RefServices, SelfOf } from "./internal/resolver/joined.ts"
import type * as joined from "./internal/resolver/joined.ts"
import { JoinedQuery as JoinedQueryImpl } from "./internal/resolver/joinedQuery.ts"
import { ResultLengthMismatch } from "./internal/resolver/mismatch.ts"
import type * as references from "./internal/resolver/refs.ts"
import { join as joinAll, ref as makeRef } from "./internal/resolver/refs.ts"
import * as internal from "./internal/resolver/request.ts"
import { type AnyCollection, fromSource, memoized } from "./internal/resolver/source.ts"
import * as writes from "./internal/resolver/writes.ts"
import type { Argument, IdOf, Path, ValueAt } from "./Path.ts"
import type { Distinct, Insert, TypedCollection } from "./TypedCollection.ts"
import type { Failure, Sort } from "./TypedQuery.ts"

// ---- requests

/**
 * A request to a resolver. Two requests are equal if their payloads are.
 *
 * **Details**
 *
 * `In` is the payload, `A` the answer, `E` what answering fails with, and `R` the services that it needs.
 *
 * @see {@link request} for asking a resolver
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface MongoRequest<In, A, E = never, R = never> extends Request.Request<A, E, R> {
  /** What is asked for: an id, a document to insert. */
  readonly payload: In
}

/**
 * Makes a request, for `Effect.request` and for caches of requests.
 *
 * **Example** (A request by hand)
 *
 * ```ts
 * import { MongoResolver } from "@mongofx/schema"
 *
 * const payload = MongoResolver.MongoRequest<string, number>("ada").payload // "ada"
 * ```
 *
 * @see {@link request} for making and running one
 * @stability unstable
 * @category constructors
 * @since 0.1.0
 */
export const MongoRequest = <In, A, E = never, R = never>(payload: In): MongoRequest<In, A, E, R> =>
  internal.makeRequest(payload) as never

type ResolverOf<In, A, E, R> = RequestResolver.RequestResolver<MongoRequest<In, A, E, R>>

/**
 * Asks a resolver, or the resolver that an effect gives.
 *
 * **Details**
 *
 * The fiber waits for the answer. If it is interrupted, the others in its batch go on waiting. When the last one has gone, the command
 * is interrupted too.
 *
 * **Example** (Many fibers, few commands)
 *
 * ```ts
 * import { Bson, MongoResolver, TypedCollection } from "@mongofx/schema"
 * import { Effect, Schema } from "effect"
 * import type { ObjectId } from "mongodb"
 *
 * const User = Schema.Struct({ _id: Bson.ObjectId, name: Schema.String })
 *
 * class Users extends TypedCollection.Service<Users>()("app/Users", { name: "users", schema: User }) {}
 *
 * const userById = MongoResolver.request(MongoResolver.findById(Users))
 *
 * const names = (ids: ReadonlyArray<ObjectId>) =>
 *   Effect.forEach(ids, (id) => Effect.map(userById(id), (user) => user.name), { concurrency: "unbounded" })
 * ```
 *
 * @see {@link findById} for a resolver
 * @stability unstable
 * @category combinators
 * @since 0.1.0
 */
export const request: {
  <In, A, E, R, EX = never, RX = never>(
    resolver: ResolverOf<In, A, E, R> | Effect.Effect<ResolverOf<In, A, E, R>, EX, RX>
  ): (payload: In) => Effect.Effect<A, E | EX, R | RX>
  <In, A, E, R, EX = never, RX = never>(
    payload: In,
    resolver: ResolverOf<In, A, E, R> | Effect.Effect<ResolverOf<In, A, E, R>, EX, RX>
  ): Effect.Effect<A, E | EX, R | RX>
} = function(...args: ReadonlyArray<unknown>) {
  const asking = (resolver: unknown) => (payload: unknown) =>
    RequestResolver.isRequestResolver(resolver)
      ? internal.ask(payload, resolver as never)
      : Effect.flatMap(resolver as Effect.Effect<internal.Resolver>, (resolver) => internal.ask(payload, resolver))
  return args.length === 1 ? asking(args[0]) : asking(args[1])(args[0])
} as never

/**
 * How large a batch may be. A larger one takes several commands.
 *
 * @see {@link findById} for a resolver that takes them
 * @stability unstable
 * @category options
 * @since 0.1.0
 */
export interface BatchOptions {
  /** The largest number of requests in a command; 1,000 by default. */
  readonly maxBatchSize?: number | undefined
  /** The largest size of the requests in a command, in bytes; 8 MiB by default. The server takes commands of up to 16 MB. */
  readonly maxBatchBytes?: number | undefined
}

// ---- the documents of a collection

/**
 * The service of a collection, as `TypedCollection.Service` makes it.
 *
 * @see {@link TypedCollection} for the collection itself
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface CollectionService<in out Self, S extends Schema.Constraint>
  extends Context.Service<Self, TypedCollection<S>>
{
  /** The schema of the collection's documents. */
  readonly schema: S
}

type Codecs<S extends Schema.Constraint> = S["DecodingServices"] | S["EncodingServices"]

/**
 * A resolver that answers an id with its document.
 *
 * @see {@link findById} for the function that makes it
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface FindById<S extends Schema.Constraint> extends
  RequestResolver.RequestResolver<
    MongoRequest<IdOf<S["Type"]>, S["Type"], Failure | Cause.NoSuchElementError, Codecs<S>>
  >
{}

/**
 * A resolver that answers an id with its document, or none.
 *
 * @see {@link findByIdOption} for the function that makes it
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface FindByIdOption<S extends Schema.Constraint>
  extends RequestResolver.RequestResolver<MongoRequest<IdOf<S["Type"]>, Option.Option<S["Type"]>, Failure, Codecs<S>>>
{}

/**
 * A resolver that answers a value with the documents that have it in a field.
 *
 * @see {@link grouped} for the function that makes it
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface Grouped<S extends Schema.Constraint, K>
  extends RequestResolver.RequestResolver<MongoRequest<K, Array<S["Type"]>, Failure, Codecs<S>>>
{}

/**
 * Options of `findById` and `findByIdOption` for a collection.
 *
 * @see {@link findById} for the resolver
 * @stability unstable
 * @category options
 * @since 0.1.0
 */
export interface FindByIdOptions<A> extends BatchOptions {
  /** A condition that the documents meet besides; the others count as missing. Soft deletion is such a condition. */
  readonly filter?: Filter<A> | undefined
}

/** Without options a collection has one resolver, wherever it is asked for. */
const ofCollection = (
  make: (collection: AnyCollection, options: FindByIdOptions<never> | undefined) => internal.Resolver
) => {
  const usual = memoized((collection) => make(collection, undefined))
  return (source: never, options?: FindByIdOptions<never>) =>
    fromSource(source, options === undefined ? usual : (collection) => make(collection, options))
}

const findByIdOf = ofCollection(documents.findById)

/**
 * Makes a resolver of documents by `_id`: one `find` for each batch. It fails with a `NoSuchElementError` where there is no document.
 *
 * **When to use**
 *
 * Use it where many places of a program look up single documents: fields of a GraphQL API, rows of a page.
 *
 * **Details**
 *
 * Of a collection it is a resolver, of a service an effect that gives one. Without options both always give the same resolver for a
 * collection, so you may call it where you need it. With options make it once: requests meet only in the same resolver.
 *
 * Ids that the server finds equal share a slot, such as the decimals 1 and 1.0. A document that does not decode fails only the requests
 * for it, and an id that does not encode fails alone, both with a `DocumentError`. If a collation makes ids equal, each request still
 * gets the document that `TypedCollection.findById` would find.
 *
 * The other form has its own schemas and its own `execute`, which gets the encoded ids, never none. A row that does not decode then fails
 * its whole command.
 *
 * **Gotchas**
 *
 * It throws a `MongoError` (`InvalidArgumentError`) if the schema has no `_id`: nothing would tell the documents apart.
 *
 * **Example** (Users by their ids)
 *
 * ```ts
 * import { Bson, MongoResolver, TypedCollection } from "@mongofx/schema"
 * import { Effect, Schema } from "effect"
 * import type { ObjectId } from "mongodb"
 *
 * const User = Schema.Struct({ _id: Bson.ObjectId, name: Schema.String })
 *
 * const load = (users: TypedCollection.TypedCollection<typeof User>, ids: ReadonlyArray<ObjectId>) =>
 *   Effect.forEach(ids, (id) => MongoResolver.request(id, MongoResolver.findById(users)), { concurrency: 64 })
 * ```
 *
 * @see {@link findByIdOption} where a missing document is no failure
 * @see {@link withRefs} for the documents that others refer to
 * @stability unstable
 * @category constructors
 * @since 0.1.0
 */
export const findById: {
  <S extends Schema.Constraint>(
    collection: TypedCollection<S>,
    options?: FindByIdOptions<S["Type"]>
  ): FindById<S>
  <Self, S extends Schema.Constraint>(
    service: CollectionService<Self, S>,
    options?: FindByIdOptions<S["Type"]>
  ): Effect.Effect<FindById<S>, never, Self>
  <Id extends Schema.Constraint, Res extends Schema.Constraint, Row, E, R>(
    options: BatchOptions & {
      readonly Id: Id
      readonly Result: Res
      readonly ResultId: (result: Res["Type"], row: NoInfer<Row>) => Id["Type"]
      readonly execute: (ids: Arr.NonEmptyArray<Id["Encoded"]>) => Effect.Effect<ReadonlyArray<Row>, E, R>
    }
  ): RequestResolver.RequestResolver<
    MongoRequest<
      Id["Type"],
      Res["Type"],
      E | Schema.SchemaError | Cause.NoSuchElementError,
      R | Id["EncodingServices"] | Res["DecodingServices"]
    >
  >
} =
  ((source: object, options?: BatchOptions) =>
    "execute" in source ? custom.findById(source as custom.FoundById) : findByIdOf(source as never, options)) as never

/**
 * Makes a resolver of documents by `_id` that answers with an Option: none where there is no document. In all else it is as `findById`.
 *
 * **Example** (Perhaps a user)
 *
 * ```ts
 * import { Bson, MongoResolver, TypedCollection } from "@mongofx/schema"
 * import { Schema } from "effect"
 *
 * const User = Schema.Struct({ _id: Bson.ObjectId, name: Schema.String })
 *
 * class Users extends TypedCollection.Service<Users>()("app/Users", { name: "users", schema: User }) {}
 *
 * const findUser = MongoResolver.request(MongoResolver.findByIdOption(Users))
 * ```
 *
 * @see {@link findById} where a missing document is a failure
 * @stability unstable
 * @category constructors
 * @since 0.1.0
 */
export const findByIdOption: {
  <S extends Schema.Constraint>(
    collection: TypedCollection<S>,
    options?: FindByIdOptions<S["Type"]>
  ): FindByIdOption<S>
  <Self, S extends Schema.Constraint>(
    service: CollectionService<Self, S>,
    options?: FindByIdOptions<S["Type"]>
  ): Effect.Effect<FindByIdOption<S>, never, Self>
} = ofCollection(documents.findByIdOption) as never

/**
 * Options of `grouped` for a collection.
 *
 * @see {@link grouped} for the resolver
 * @stability unstable
 * @category options
 * @since 0.1.0
 */
export interface GroupedOptions<A> extends BatchOptions {
  /** A condition that the documents meet besides. */
  readonly filter?: Filter<A> | undefined
  /** The order of the documents in each answer. */
  readonly sort?: Sort<A> | undefined
}

const groupedBy = new WeakMap<object, Map<string, internal.Resolver>>()

/** Without options a collection has one resolver for each path. */
const groupedOf = (collection: AnyCollection, path: string): internal.Resolver => {
  let byPath = groupedBy.get(collection)
  if (byPath === undefined) groupedBy.set(collection, byPath = new Map())
  let resolver = byPath.get(path)
  if (resolver === undefined) byPath.set(path, resolver = documents.grouped(collection, path, undefined))
  return resolver
}

/**
 * Makes a resolver of the documents that have a value in a field: one `find` for each batch. The answer is `[]` where there are none.
 *
 * **When to use**
 *
 * Use it for the other side of a reference: the posts of an author, the items of an order. An index on the field makes it fast.
 *
 * **Details**
 *
 * Of a collection it is a resolver, of a service an effect that gives one, as with `findById`. The path may go through arrays, or end at
 * one: a document then belongs to each of its elements. Documents that do not decode fail the requests that they belong to.
 *
 * The other form has its own schemas and its own `execute`. `RequestGroupKey` and `ResultGroupKey` say what belongs together.
 *
 * **Gotchas**
 *
 * An answer has all documents of its group: there is no limit for each of them.
 *
 * **Example** (The posts of each author, newest first)
 *
 * ```ts
 * import { Bson, MongoResolver, TypedCollection } from "@mongofx/schema"
 * import { Schema } from "effect"
 *
 * const Post = Schema.Struct({ _id: Bson.ObjectId, author: Bson.ObjectId, at: Bson.Date, published: Schema.Boolean })
 *
 * class Posts extends TypedCollection.Service<Posts>()("app/Posts", { name: "posts", schema: Post }) {}
 *
 * const postsOf = MongoResolver.request(
 *   MongoResolver.grouped(Posts, "author", { filter: { published: true }, sort: { at: -1 } })
 * )
 * ```
 *
 * @see {@link findById} for one document
 * @stability unstable
 * @category constructors
 * @since 0.1.0
 */
export const grouped: {
  <S extends Schema.Constraint, const P extends Path<S["Type"]>>(
    collection: TypedCollection<S>,
    path: Argument<S["Type"], P>,
    options?: GroupedOptions<S["Type"]>
  ): Grouped<S, Distinct<ValueAt<S["Type"], P>>>
  <Self, S extends Schema.Constraint, const P extends Path<S["Type"]>>(
    service: CollectionService<Self, S>,
    path: Argument<S["Type"], P>,
    options?: GroupedOptions<S["Type"]>
  ): Effect.Effect<Grouped<S, Distinct<ValueAt<S["Type"], P>>>, never, Self>
  <Req extends Schema.Constraint, Res extends Schema.Constraint, K, Row, E, R>(
    options: BatchOptions & {
      readonly Request: Req
      readonly RequestGroupKey: (request: Req["Type"]) => K
      readonly Result: Res
      readonly ResultGroupKey: (result: Res["Type"], row: NoInfer<Row>) => K
      readonly execute: (requests: Arr.NonEmptyArray<Req["Encoded"]>) => Effect.Effect<ReadonlyArray<Row>, E, R>
    }
  ): RequestResolver.RequestResolver<
    MongoRequest<
      Req["Type"],
      Array<Res["Type"]>,
      E | Schema.SchemaError,
      R | Req["EncodingServices"] | Res["DecodingServices"]
    >
  >
} = ((source: object, path?: string, options?: GroupedOptions<unknown>) =>
  path === undefined
    ? custom.grouped(source as custom.GroupedBy)
    : fromSource(source as never, (collection) =>
      options === undefined ? groupedOf(collection, path) : documents.grouped(collection, path, options))) as never

// ---- effects of the caller's

/**
 * `execute` has given another number of results than it got requests.
 *
 * **Example** (Telling it from other errors)
 *
 * ```ts
 * import { MongoResolver } from "@mongofx/schema"
 *
 * const error = new MongoResolver.ResultLengthMismatch({ expected: 2, actual: 1 })
 * console.log(error.message)
 * ```
 *
 * @see {@link ordered} for the resolver that fails with it
 * @stability unstable
 * @category errors
 * @since 0.1.0
 */
export { ResultLengthMismatch }

/**
 * Makes a resolver whose `execute` gives a result for each request, in the order of the requests.
 *
 * **Details**
 *
 * It fails with a `ResultLengthMismatch` if the numbers differ. A result that does not decode fails only its own request. Equal requests
 * are not joined.
 *
 * **Example** (Counters that are drawn together)
 *
 * ```ts
 * import type { MongoDatabase } from "@mongofx/core"
 * import { MongoResolver } from "@mongofx/schema"
 * import { Effect, Option, Schema } from "effect"
 *
 * const nextNumber = (db: MongoDatabase.MongoDatabase) =>
 *   MongoResolver.ordered({
 *     Request: Schema.String,
 *     Result: Schema.Int,
 *     execute: (names) =>
 *       Effect.map(
 *         db.collection<{ _id: string; last: number }>("counters").findOneAndUpdate(
 *           { _id: "all" },
 *           { $inc: { last: names.length } },
 *           { upsert: true, returnDocument: "after" }
 *         ),
 *         (counter) => names.map((_, i) => Option.getOrThrow(counter).last - names.length + 1 + i)
 *       )
 *   })
 * ```
 *
 * @see {@link findById} where each request has an id
 * @stability unstable
 * @category constructors
 * @since 0.1.0
 */
export const ordered: <Req extends Schema.Constraint, Res extends Schema.Constraint, E, R>(
  options: BatchOptions & {
    readonly Request: Req
    readonly Result: Res
    readonly execute: (requests: Arr.NonEmptyArray<Req["Encoded"]>) => Effect.Effect<ReadonlyArray<unknown>, E, R>
  }
) => RequestResolver.RequestResolver<
  MongoRequest<
    Req["Type"],
    Res["Type"],
    E | Schema.SchemaError | ResultLengthMismatch,
    R | Req["EncodingServices"] | Res["DecodingServices"]
  >
> = custom.ordered as never

const void_: <Req extends Schema.Constraint, E, R>(
  options: BatchOptions & {
    readonly Request: Req
    readonly execute: (requests: Arr.NonEmptyArray<Req["Encoded"]>) => Effect.Effect<unknown, E, R>
  }
) => RequestResolver.RequestResolver<
  MongoRequest<Req["Type"], void, E | Schema.SchemaError, R | Req["EncodingServices"]>
> = custom.effects as never

export {
  /**
   * Makes a resolver that does something with each batch, and answers with nothing.
   *
   * **Example** (A log that is written in batches)
   *
   * ```ts
   * import type { MongoDatabase } from "@mongofx/core"
   * import { MongoResolver } from "@mongofx/schema"
   * import { Schema } from "effect"
   *
   * const Visit = Schema.Struct({ page: Schema.String, at: Schema.DateTimeUtcFromDate })
   *
   * const logVisit = (db: MongoDatabase.MongoDatabase) =>
   *   MongoResolver.void({ Request: Visit, execute: (visits) => db.collection("visits").insertMany(visits) })
   * ```
   *
   * @see {@link ordered} for results
   * @stability unstable
   * @category constructors
   * @since 0.1.0
   */
  void_ as void
}

type WriteServices<S extends Schema.Constraint> = Effect.Services<ReturnType<TypedCollection<S>["insertOne"]>>

/**
 * The resolvers of a collection.
 *
 * @see {@link makeResolvers} for the function that makes them
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface Resolvers<S extends Schema.Constraint> {
  /** Inserts a document, and answers with the document as it is stored, decoded. */
  readonly insert: RequestResolver.RequestResolver<
    MongoRequest<Insert<S>, S["Type"], Failure, WriteServices<S> | S["DecodingServices"]>
  >
  /** Inserts a document. */
  readonly insertVoid: RequestResolver.RequestResolver<MongoRequest<Insert<S>, void, Failure, WriteServices<S>>>
  /** Finds the document with an id; fails with a `NoSuchElementError` if there is none. */
  readonly findById: FindById<S>
  /** Deletes the document with an id, if there is one. */
  readonly delete: RequestResolver.RequestResolver<MongoRequest<IdOf<S["Type"]>, void, Failure, S["EncodingServices"]>>
}

/**
 * Options of `makeResolvers`.
 *
 * @see {@link makeResolvers} for the function that takes them
 * @stability unstable
 * @category options
 * @since 0.1.0
 */
export interface ResolversOptions extends BatchOptions {
  /** The beginning of the names of spans, one for each batch: `users.findByIdResolver`. Without it there are only those of commands. */
  readonly spanPrefix?: string | undefined
}

/**
 * Makes resolvers that insert, find and delete the documents of a collection: one command for each batch.
 *
 * **When to use**
 *
 * Use it where many fibers write single documents at the same time, such as events that come in.
 *
 * **Details**
 *
 * A document that is refused, for a duplicate key for instance, fails only its own request. In a transaction it fails all requests of its
 * batch, since the server aborts the transaction. Make the resolvers once: requests meet only in the same resolver.
 *
 * **Example** (Events in batches)
 *
 * ```ts
 * import { Bson, MongoResolver, TypedCollection } from "@mongofx/schema"
 * import { Effect, Schema } from "effect"
 *
 * const Event = Schema.Struct({ _id: Bson.ObjectId, name: Schema.String })
 *
 * const store = (events: TypedCollection.TypedCollection<typeof Event>, names: ReadonlyArray<string>) => {
 *   const { insert } = MongoResolver.makeResolvers(events, { spanPrefix: "events" })
 *   return Effect.forEach(names, (name) => MongoResolver.request({ name }, insert), { concurrency: "unbounded" })
 * }
 * ```
 *
 * @see {@link findById} for reading alone
 * @stability unstable
 * @category constructors
 * @since 0.1.0
 */
export const makeResolvers = <S extends Schema.Constraint>(
  collection: TypedCollection<S>,
  options?: ResolversOptions
): Resolvers<S> => {
  const any = collection as unknown as AnyCollection
  const traced = (name: string, resolver: internal.Resolver): internal.Resolver =>
    options?.spanPrefix === undefined
      ? resolver
      : RequestResolver.withSpan(resolver, `${options.spanPrefix}.${name}Resolver`)
  return {
    insert: traced("insert", writes.insert(any, options)),
    insertVoid: traced("insertVoid", writes.insertVoid(any, options)),
    findById: traced("findById", documents.findById(any, options)),
    delete: traced("delete", writes.remove(any, options))
  } as never
}

// ---- references

/**
 * What a reference to a missing document becomes: none of an Option, null, or a failure.
 *
 * @see {@link ref} for the choice
 * @stability unstable
 * @category options
 * @since 0.1.0
 */
export type Missing = references.Missing

/**
 * Where the documents of a reference are: in a collection, or in that of a service. Their `_id` must have the type of the reference.
 *
 * @see {@link Ref} for one with options
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface Target {
  /** The schema of the documents. */
  readonly schema: Schema.Constraint
}

/**
 * The documents of a reference, with options.
 *
 * @see {@link ref} for the function that makes it
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface Ref<S extends Schema.Constraint, Self, M extends Missing, Refs> extends Target {
  readonly [references.RefTypeId]: typeof references.RefTypeId
  /** The schema of the documents. */
  readonly schema: S
  /** The service that has the collection, if it is one. */
  readonly service: Self
  /** What a reference to a missing document becomes. */
  readonly missing: M
  /** The references of the documents themselves. */
  readonly refs: Refs
}

/**
 * Options of `ref`.
 *
 * @see {@link ref} for the function that takes them
 * @stability unstable
 * @category options
 * @since 0.1.0
 */
export interface RefOptions<A, M extends Missing, Refs> {
  /** A condition that the documents meet besides; the others count as missing. Soft deletion is such a condition. */
  readonly filter?: Filter<A> | undefined
  /**
   * What a reference to a missing document becomes: `Option.none()` by default, with `"null"` null. With `"fail"` reading fails with a
   * `NoSuchElementError`, and the others are documents without an Option.
   */
  readonly missing?: M | undefined
  /** The references of the documents themselves. */
  readonly refs?: Refs | undefined
}

/**
 * The documents of a reference, with options: what becomes of missing ones, and which references of their own are followed.
 *
 * **Example** (Posts with their authors, and these with their companies)
 *
 * ```ts
 * import { Bson, MongoResolver, TypedCollection } from "@mongofx/schema"
 * import { Effect, Schema } from "effect"
 *
 * const Company = Schema.Struct({ _id: Bson.ObjectId, name: Schema.String })
 * const User = Schema.Struct({ _id: Bson.ObjectId, name: Schema.String, company: Bson.ObjectId })
 * const Post = Schema.Struct({ _id: Bson.ObjectId, author: Bson.ObjectId })
 *
 * class Companies extends TypedCollection.Service<Companies>()("app/Companies", { name: "companies", schema: Company }) {}
 * class Users extends TypedCollection.Service<Users>()("app/Users", { name: "users", schema: User }) {}
 * class Posts extends TypedCollection.Service<Posts>()("app/Posts", { name: "posts", schema: Post }) {}
 *
 * const program = Effect.gen(function*() {
 *   const posts = yield* Posts
 *   const [first] = yield* MongoResolver.withRefs(posts.find().limit(10), {
 *     author: MongoResolver.ref(Users, {
 *       missing: "fail",
 *       refs: { company: MongoResolver.ref(Companies, { missing: "null" }) }
 *     })
 *   })
 *   return first?.author.company?.name
 * })
 * ```
 *
 * @see {@link withRefs} for where it stands
 * @stability unstable
 * @category constructors
 * @since 0.1.0
 */
export const ref: <
  T extends Target,
  const M extends Missing = "option",
  const Refs extends Offered<T["schema"]["Type"]> = {}
>(
  target: T,
  options?: RefOptions<T["schema"]["Type"], M, Refs & Checked<T["schema"]["Type"], NoInfer<Refs>>>
) => Ref<T["schema"], SelfOf<T>, M, Refs> = makeRef as never

/**
 * A document of type `A` after the documents of its references have taken the place of their ids.
 *
 * @see {@link withRefs} for the query that gives them
 * @stability unstable
 * @category utility types
 * @since 0.1.0
 */
export type WithRefs<A, Refs> = joined.WithRefs<A, Refs>

/** What following references fails with. */
type RefFailure<Refs> = CanMiss<Refs> extends true ? Failure | Cause.NoSuchElementError : Failure

/**
 * A query whose documents come with those that they refer to.
 *
 * @see {@link withRefs} for the function that makes it
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface JoinedQuery<A, E, R> extends Query.Views<A, E, R> {}

/**
 * Puts documents in the place of the ids that refer to them, in the results of a query.
 *
 * **When to use**
 *
 * Use it to show a page of documents with what belongs to them. `Pipeline.lookup` joins on the server, and can filter and sort by what it
 * has joined.
 *
 * **Details**
 *
 * The second argument has the shape of a document: each field of it is a collection, a service, `ref` of one, or an object for the fields
 * inside. An id becomes `Option<Document>`, or what `ref` says. Null and absent ids stay as they are. Arrays and Options are gone through,
 * their elements replaced.
 *
 * It takes one command for each collection at each depth, by the resolvers of `findByIdOption`, and one for each batch where the query is
 * read as a stream. Documents are the same objects where several refer to them. Instances of classes stay instances, with the fields
 * replaced. All views of a query are there, except that `raw` gives the documents without what they refer to.
 *
 * **Example** (Posts with their authors)
 *
 * ```ts
 * import { Bson, MongoResolver, TypedCollection } from "@mongofx/schema"
 * import { Effect, Option, Schema } from "effect"
 *
 * const User = Schema.Struct({ _id: Bson.ObjectId, name: Schema.String })
 * const Post = Schema.Struct({ _id: Bson.ObjectId, title: Schema.String, author: Bson.ObjectId })
 *
 * class Users extends TypedCollection.Service<Users>()("app/Users", { name: "users", schema: User }) {}
 * class Posts extends TypedCollection.Service<Posts>()("app/Posts", { name: "posts", schema: Post }) {}
 *
 * const program = Effect.gen(function*() {
 *   const posts = yield* Posts
 *   const page = yield* MongoResolver.withRefs(posts.find().limit(20), { author: Users })
 *   return page.map(({ author, title }) => `${title} by ${Option.isSome(author) ? author.value.name : "nobody"}`)
 * })
 * ```
 *
 * @see {@link loadRefs} for documents that are there already
 * @see {@link ref} for missing documents, and references of references
 * @stability unstable
 * @category combinators
 * @since 0.1.0
 */
export const withRefs = <A, E, R, const Refs extends Offered<A>>(
  query: Query.Views<A, E, R>,
  refs: Refs & Checked<A, NoInfer<Refs>>
): JoinedQuery<WithRefs<A, Refs>, E | RefFailure<Refs>, R | RefServices<Refs>> =>
  new JoinedQueryImpl(query, refs as never) as never

/**
 * Puts documents in the place of the ids that refer to them, in documents that are there already. It does what `withRefs` does.
 *
 * **Example** (The author of a post)
 *
 * ```ts
 * import { Bson, MongoResolver, TypedCollection } from "@mongofx/schema"
 * import { Schema } from "effect"
 *
 * const User = Schema.Struct({ _id: Bson.ObjectId, name: Schema.String })
 * const Post = Schema.Struct({ _id: Bson.ObjectId, title: Schema.String, author: Bson.ObjectId })
 *
 * class Users extends TypedCollection.Service<Users>()("app/Users", { name: "users", schema: User }) {}
 *
 * const withAuthors = (posts: ReadonlyArray<typeof Post.Type>) => MongoResolver.loadRefs(posts, { author: Users })
 * ```
 *
 * @see {@link withRefs} for the results of a query
 * @stability unstable
 * @category combinators
 * @since 0.1.0
 */
export const loadRefs = <A, const Refs extends Offered<A>>(
  documents: ReadonlyArray<A>,
  refs: Refs & Checked<A, NoInfer<Refs>>
): Effect.Effect<Array<WithRefs<A, Refs>>, RefFailure<Refs>, RefServices<Refs>> =>
  joinAll("loadRefs", documents, refs as never) as never
