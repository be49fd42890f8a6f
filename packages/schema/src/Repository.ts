/**
 * The types of repositories, and the error of a document that somebody else has changed. `MongoModel.makeRepository` makes them.
 *
 * @since 0.1.0
 */
import type { Brand } from "effect/Brand"
import type * as Cause from "effect/Cause"
import type * as Effect from "effect/Effect"
import type * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import type * as Stream from "effect/Stream"
import type { Input as FilterInput, Key } from "./Filter.ts"
import { shownId } from "./internal/shownId.ts"
import type { CountedPage, Failure as PageFailure, Page, PageOptions, PagesOptions } from "./Pagination.ts"
import type { IdOf } from "./Path.ts"
import type { Insert, TypedCollection } from "./TypedCollection.ts"
import type { Failure, FindQuery, Sort } from "./TypedQuery.ts"

/**
 * A document that is there, but in another version than the caller has read: somebody else has changed it since.
 *
 * **When to use**
 *
 * Handle it by reading the document again and deciding anew, or by telling the user.
 *
 * **Gotchas**
 *
 * In a transaction every read sees the same moment, so reading again there does not help. Repeat the whole transaction.
 *
 * **Example** (Reading again and deciding anew)
 *
 * ```ts
 * import { MongoModel, Repository, TypedCollection } from "@mongofx/schema"
 * import { Effect, Schema } from "effect"
 * import { Model } from "effect/schema"
 * import type { ObjectId } from "mongodb"
 *
 * class Account extends Model.Class<Account>("Account")({
 *   _id: MongoModel.ObjectIdGenerated,
 *   visits: Schema.Int,
 *   version: MongoModel.Version
 * }) {}
 *
 * class Accounts extends TypedCollection.Service<Accounts>()("app/Accounts", { name: "accounts", schema: Account }) {}
 *
 * const visit = (id: ObjectId) =>
 *   Effect.gen(function*() {
 *     const accounts = MongoModel.makeRepository(yield* Accounts, { version: "version" })
 *     const account = yield* accounts.getById(id)
 *     return yield* accounts.update({ ...account, visits: account.visits + 1 })
 *   }).pipe(Effect.retry({ while: Repository.isStaleDocument, times: 20 }))
 * ```
 *
 * @see {@link isStaleDocument} for telling it from other errors
 * @stability unstable
 * @category errors
 * @since 0.1.0
 */
export class StaleDocument extends Schema.TaggedError<StaleDocument>("@mongofx/schema/StaleDocument")("StaleDocument", {
  /** The name of the operation: `update`, `patch`, ... */
  operation: Schema.String,
  /** The collection with its database: `app.users`. */
  collection: Schema.String,
  /** The `_id` of the document, decoded. */
  id: Schema.Unknown,
  /** The version that the caller expected, decoded. */
  expected: Schema.Unknown
}) {
  /** What has happened, and what to do, on one line. */
  override get message(): string {
    return `${this.operation} on ${this.collection}, document ${
      shownId(this.id)
    }: its version is not ${this.expected} any more: read it again`
  }
}

/**
 * Whether a value is a `StaleDocument`.
 *
 * **Example** (Telling it from other errors)
 *
 * ```ts
 * import { Repository } from "@mongofx/schema"
 *
 * console.log(Repository.isStaleDocument(new Error())) // false
 * ```
 *
 * @see {@link StaleDocument} for what it means
 * @stability unstable
 * @category guards
 * @since 0.1.0
 */
export const isStaleDocument = (u: unknown): u is StaleDocument => u instanceof StaleDocument

/**
 * The argument of `update`: the fields of a model's variant `update`, or all fields of another schema. It leaves out those that
 * updates fill in themselves, such as `updatedAt`; a document that was read may have them.
 *
 * @see {@link Fields} for some of them
 * @stability unstable
 * @category utility types
 * @since 0.1.0
 */
export type Update<S extends Schema.Constraint> = S extends { readonly update: infer V extends Schema.Constraint }
  ? Given<V["~type.make.in"]>
  : S["~type.make.in"]

type Given<U> = { readonly [K in keyof U as U[K] extends Brand<"Override"> | undefined ? never : K]: U[K] }

/**
 * Some fields of a document, as `patch` takes them: those of the argument of `update`, without `_id`, and without those that
 * repositories with options of the type `O` set themselves.
 *
 * @see {@link Update} for all of them
 * @stability unstable
 * @category utility types
 * @since 0.1.0
 */
export type Fields<S extends Schema.Constraint, O = {}> = Some<
  Update<S>,
  "_id" | Chosen<O, "version"> | Chosen<O, "softDelete">
>

type Some<U, Others> = { readonly [K in Exclude<keyof U, Others>]?: U[K] }

/**
 * The names of the fields that may hold the version of a document: a number or a bigint.
 *
 * @see {@link Options} for the option
 * @stability unstable
 * @category utility types
 * @since 0.1.0
 */
export type VersionKey<A> = keyof { [K in keyof A & string as [A[K]] extends [number | bigint] ? K : never]: 1 }

/**
 * The names of the fields that may hold the time of a soft deletion: they may be null or missing. It is stored as a date.
 *
 * @see {@link Options} for the option
 * @stability unstable
 * @category utility types
 * @since 0.1.0
 */
export type SoftDeleteKey<A> = keyof { [K in keyof A & string as MayBeMissing<A[K]> extends true ? K : never]: 1 }

type MayBeMissing<V> = null extends V ? true : undefined extends V ? true : [V] extends [Option.Option<unknown>] ? true
: false

/**
 * What `beforeUpdate` is told.
 *
 * @see {@link Lifecycle} for the functions
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface Change<S extends Schema.Constraint> {
  /** The `_id` of the document. */
  readonly id: IdOf<S["Type"]>
  /** The fields that will be set. */
  readonly fields: Fields<S>
}

/**
 * Functions around the writes of a repository. They run in the same transaction as the write: if one fails, nothing is written,
 * and what they write themselves is undone.
 *
 * **Details**
 *
 * A function before a write may return fields, which are set in place of those that it was given. The errors and services of a
 * function are those of the operations that run it. `upsert` and `save` run the functions of an insert or of an update, depending
 * on what they find.
 *
 * **Gotchas**
 *
 * A transaction may run again after a conflict, and the functions with it. What cannot be done twice belongs into `afterCommit` of
 * the client. In a transaction that is around the operation nothing is undone before that one fails: let it fail, too. An operation without functions takes no transaction of its own. A transaction needs a replica set or a sharded
 * cluster.
 *
 * @see {@link Options} for the other options of a repository
 * @stability unstable
 * @category options
 * @since 0.1.0
 */
export interface Lifecycle<S extends Schema.Constraint> {
  /** Runs before a document is inserted. */
  readonly beforeInsert?:
    | ((document: Insert<S>) => Effect.Effect<Partial<Insert<S>> | void, unknown, unknown>)
    | undefined
  /** Runs with a document that was inserted. */
  readonly afterInsert?: ((document: S["Type"]) => Effect.Effect<unknown, unknown, unknown>) | undefined
  /** Runs before fields of a document are set. */
  readonly beforeUpdate?: ((change: Change<S>) => Effect.Effect<Fields<S> | void, unknown, unknown>) | undefined
  /** Runs with a document as it is after an update. */
  readonly afterUpdate?: ((document: S["Type"]) => Effect.Effect<unknown, unknown, unknown>) | undefined
  /** Runs before a document is deleted, if there is one. */
  readonly beforeDelete?: ((id: IdOf<S["Type"]>) => Effect.Effect<unknown, unknown, unknown>) | undefined
  /** Runs with a document that was deleted, as it was last. */
  readonly afterDelete?: ((document: S["Type"]) => Effect.Effect<unknown, unknown, unknown>) | undefined
  /** Runs with a document that was restored. */
  readonly afterRestore?: ((document: S["Type"]) => Effect.Effect<unknown, unknown, unknown>) | undefined
}

/**
 * Options of a repository.
 *
 * @see {@link Lifecycle} for functions around its writes
 * @stability unstable
 * @category options
 * @since 0.1.0
 */
export interface Options<S extends Schema.Constraint> extends Lifecycle<S> {
  /**
   * The field that holds the document's version, such as `MongoModel.Version`. Every write of the repository adds 1 to it.
   * `update` fails with a `StaleDocument` if the document has another version than its argument. If older documents lack it, the
   * schema must read that as 0.
   */
  readonly version?: VersionKey<S["Type"]> | undefined
  /**
   * The field that holds the time at which a document was deleted, such as `MongoModel.DeletedAt`. `delete` sets it, and the other
   * operations do not see such documents. `update` leaves it alone, and `patch` refuses it.
   */
  readonly softDelete?: SoftDeleteKey<S["Type"]> | undefined
  /**
   * Makes a span around each operation, with this text before its name: `Users` gives `Users.insert`. Its attribute `id` is the
   * document's `_id`. Without a prefix there are only the spans of the collection's operations.
   */
  readonly spanPrefix?: string | undefined
}

/** The name of a function around a write. */
type Step = keyof Lifecycle<Schema.Constraint>

/** What an option has, if it is there: options may be a variable in which it is optional. */
type Chosen<O, K extends keyof Options<Schema.Constraint>> = K extends keyof O ? NonNullable<O[K]> : never

type ErrorOf<F> = F extends (...args: never) => Effect.Effect<unknown, infer E, unknown> ? E : never
type ServicesOf<F> = F extends (...args: never) => Effect.Effect<unknown, unknown, infer R> ? R : never

type StepError<O, N extends Step> = { [K in N]: ErrorOf<Chosen<O, K>> }[N]
type StepServices<O, N extends Step> = { [K in N]: ServicesOf<Chosen<O, K>> }[N]

type InsertStep = "beforeInsert" | "afterInsert"
type UpdateStep = "beforeUpdate" | "afterUpdate"
type DeleteStep = "beforeDelete" | "afterDelete"

type Versioned<O, A> = [Chosen<O, "version">] extends [never] ? never : A
type Stale<O> = Versioned<O, StaleDocument>

/** The services of the codecs of a schema and of its variants for writes. */
type Services<S extends Schema.Constraint> =
  | S["DecodingServices"]
  | S["EncodingServices"]
  | (S extends { readonly insert: infer V extends Schema.Constraint } ? V["EncodingServices"] : never)
  | (S extends { readonly update: infer V extends Schema.Constraint } ? V["EncodingServices"] : never)

/** The effect of a write that runs some functions. */
type Write<S extends Schema.Constraint, O, A, N extends Step, E = never> = Effect.Effect<
  A,
  Failure | E | StepError<O, N>,
  Services<S> | StepServices<O, N>
>

type VersionOf<S extends Schema.Constraint, O> = S["Type"][Extract<Chosen<O, "version">, keyof S["Type"]>]

/**
 * Options of the reads of a repository.
 *
 * @see {@link Options} for soft deletion
 * @stability unstable
 * @category options
 * @since 0.1.0
 */
export interface ReadOptions {
  /** Also finds the documents that are deleted softly. */
  readonly withDeleted?: boolean | undefined
}

/**
 * The order of pages, beside the options of `Pagination`.
 *
 * @see {@link Pagination.page} for pages of any query
 * @stability unstable
 * @category options
 * @since 0.1.0
 */
export interface PageOrder<A> extends ReadOptions {
  /**
   * The order of the documents, by `_id` without it. Documents that are equal in it follow their `_id`s, in the direction of the
   * last field.
   */
  readonly sort?: Sort<A> | undefined
}

/**
 * The version that a document must have: the option of writes that are not given a whole document.
 *
 * @see {@link StaleDocument} for the failure if it has another one
 * @stability unstable
 * @category options
 * @since 0.1.0
 */
export interface ExpectedOption<V> {
  /** The version that the document must have. Without it, any version will do. */
  readonly expected?: V | undefined
}

/**
 * Options of `upsert`.
 *
 * @see {@link Repository} for the operation
 * @stability unstable
 * @category options
 * @since 0.1.0
 */
export interface UpsertOptions<S extends Schema.Constraint> {
  /**
   * The fields by which to find the document, `_id` by default. They need a unique index, or two documents may be inserted at
   * once.
   */
  readonly on?: ReadonlyArray<keyof Insert<S> & string> | undefined
}

/**
 * The operations that a program needs for the documents of one collection. `O` is the type of the options.
 *
 * **Details**
 *
 * Every operation joins the transaction of its fiber. `collection` has all the other operations; they know nothing of versions,
 * soft deletion and lifecycle functions.
 *
 * @see {@link SoftDeletable} for what soft deletion adds
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface Repository<S extends Schema.Constraint, O = {}> {
  /** The collection. */
  readonly collection: TypedCollection<S>
  /** The name of the field that holds the version, if there is one. */
  readonly version: string | undefined
  /** The name of the field that holds the time of a soft deletion, if there is one. */
  readonly softDelete: string | undefined

  /**
   * Inserts a document and returns it, as a read would. A document that could not be read is not written. Fails with a
   * `DuplicateKeyError` if a unique index has its key.
   */
  readonly insert: (document: Insert<S>) => Write<S, O, S["Type"], InsertStep>
  /**
   * Inserts documents and returns them in their order. All are checked before the first one is sent. If the server refuses one,
   * those before it stay; lifecycle functions or a transaction around it undo them.
   */
  readonly insertMany: (documents: ReadonlyArray<Insert<S>>) => Write<S, O, Array<S["Type"]>, InsertStep>
  /**
   * Sets all fields of the variant `update` and returns the document. It removes the optional ones that the argument lacks, and
   * fills in those that updates fill in, such as `updatedAt`, whatever the argument has there. Fails with a `NoSuchElementError`
   * if there is no such document, and with a `StaleDocument` if it has another version.
   */
  readonly update: (
    document: Update<S>
  ) => Write<S, O, S["Type"], UpdateStep, Cause.NoSuchElementError | Stale<O>>
  /**
   * Sets some fields and returns the document. Fails with a `NoSuchElementError` if there is no such document, and with a
   * `StaleDocument` if a version is expected and the document has another one. It refuses a field that is `undefined`: `update`
   * removes fields.
   */
  readonly patch: {
    (id: IdOf<S["Type"]>, fields: Fields<S, O>): Write<S, O, S["Type"], UpdateStep, Cause.NoSuchElementError>
    (
      id: IdOf<S["Type"]>,
      fields: Fields<S, O>,
      options: ExpectedOption<VersionOf<S, O>> | undefined
    ): Write<S, O, S["Type"], UpdateStep, Cause.NoSuchElementError | Stale<O>>
  }
  /**
   * Inserts a document, or updates the one that is equal in the fields `on`, in any version. Fields that only inserts have, such
   * as `createdAt`, stay as they are. If two fibers insert at once, it tries once more. Fails with a `DuplicateKeyError` if a
   * unique index has its key in another document, or if its `_id` is that of a deleted one.
   */
  readonly upsert: (
    document: Insert<S>,
    options?: UpsertOptions<S>
  ) => Write<S, O, S["Type"], InsertStep | UpdateStep>
  /**
   * Stores a whole document in place of the one with its `_id`, or as a new one, and returns it. With versions, a document of
   * version 0 is new, and others must be there: it fails as `update` does.
   */
  readonly save: (
    document: S["Type"]
  ) => Write<
    S,
    O,
    S["Type"],
    InsertStep | UpdateStep,
    Versioned<O, StaleDocument | Cause.NoSuchElementError>
  >

  /** Finds the document with this `_id`, if there is one. */
  readonly findById: (
    id: IdOf<S["Type"]>,
    options?: ReadOptions
  ) => Effect.Effect<Option.Option<S["Type"]>, Failure, S["DecodingServices"] | S["EncodingServices"]>
  /** Returns the document with this `_id`. Fails with a `NoSuchElementError` if there is none. */
  readonly getById: (
    id: IdOf<S["Type"]>,
    options?: ReadOptions
  ) => Effect.Effect<S["Type"], Failure | Cause.NoSuchElementError, S["DecodingServices"] | S["EncodingServices"]>
  /** A query of the documents with these `_id`s, in any order. Absent documents are left out. */
  readonly findByIds: (
    ids: ReadonlyArray<IdOf<S["Type"]>>,
    options?: ReadOptions
  ) => FindQuery<S["Type"], S["Type"], S["DecodingServices"] | S["EncodingServices"]>
  /** A query of the documents that match the filter. Without a filter, it finds all documents. */
  readonly find: <const F, K extends Key<S["Type"]>>(
    filter?: FilterInput<S["Type"], F, K>,
    options?: ReadOptions
  ) => FindQuery<S["Type"], S["Type"], S["DecodingServices"] | S["EncodingServices"]>
  /** The documents that match the filter, as a stream. */
  readonly stream: <const F, K extends Key<S["Type"]>>(
    filter?: FilterInput<S["Type"], F, K>,
    options?: ReadOptions
  ) => Stream.Stream<S["Type"], Failure, S["DecodingServices"] | S["EncodingServices"]>
  /** Whether a document matches the filter. */
  readonly exists: <const F, K extends Key<S["Type"]>>(
    filter?: FilterInput<S["Type"], F, K>,
    options?: ReadOptions
  ) => Effect.Effect<boolean, Failure, S["DecodingServices"] | S["EncodingServices"]>
  /** Counts the documents that match the filter. */
  readonly count: <const F, K extends Key<S["Type"]>>(
    filter?: FilterInput<S["Type"], F, K>,
    options?: ReadOptions
  ) => Effect.Effect<number, Failure, S["DecodingServices"] | S["EncodingServices"]>

  /** Reads a page of the documents that match the filter, as `Pagination.page` does. `{}` matches all documents. */
  readonly page: {
    <const F, K extends Key<S["Type"]>>(
      filter: FilterInput<S["Type"], F, K>,
      options: PageOptions & PageOrder<S["Type"]> & { readonly total: true }
    ): Effect.Effect<CountedPage<S["Type"]>, PageFailure, S["DecodingServices"] | S["EncodingServices"]>
    <const F, K extends Key<S["Type"]>>(
      filter: FilterInput<S["Type"], F, K>,
      options: PageOptions & PageOrder<S["Type"]>
    ): Effect.Effect<Page<S["Type"]>, PageFailure, S["DecodingServices"] | S["EncodingServices"]>
  }
  /** Reads one page after the other, as a stream. `{}` matches all documents. */
  readonly pages: <const F, K extends Key<S["Type"]>>(
    filter: FilterInput<S["Type"], F, K>,
    options: PagesOptions & PageOrder<S["Type"]>
  ) => Stream.Stream<Page<S["Type"]>, PageFailure, S["DecodingServices"] | S["EncodingServices"]>

  /**
   * Deletes the document with this `_id`, softly if the repository does so. False if there is none. Fails with a `StaleDocument`
   * if it has another version than the expected one.
   */
  readonly delete: {
    (id: IdOf<S["Type"]>): Write<S, O, boolean, DeleteStep>
    (
      id: IdOf<S["Type"]>,
      options: ExpectedOption<VersionOf<S, O>> | undefined
    ): Write<S, O, boolean, DeleteStep, Stale<O>>
  }
}

/**
 * The operations of a repository with soft deletion.
 *
 * @see {@link Repository} for the others
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface SoftDeletable<S extends Schema.Constraint, O> {
  /**
   * Brings a deleted document back and returns it. Fails with a `NoSuchElementError` if no deleted document has this `_id`, and
   * with a `DuplicateKeyError` if another document has taken its key in a unique index meanwhile.
   */
  readonly restore: (id: IdOf<S["Type"]>) => Write<S, O, S["Type"], "afterRestore", Cause.NoSuchElementError>
}

/**
 * The repository that options of the type `O` make.
 *
 * @see {@link Repository} for its operations
 * @stability unstable
 * @category utility types
 * @since 0.1.0
 */
export type Made<S extends Schema.Constraint, O> =
  & Repository<S, O>
  & (O extends { readonly softDelete: string } ? SoftDeletable<S, O> : unknown)
