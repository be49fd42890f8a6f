/**
 * Operations on the documents of one collection.
 *
 * @since 0.1.0
 */
import type * as Duration from "effect/Duration"
import type * as Effect from "effect/Effect"
import type * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import type * as Driver from "mongodb"
import type { Watch } from "./ChangeStream.ts"
import * as internal from "./internal/handle/collection.ts"
import type { MongoDatabase } from "./MongoDatabase.ts"
import type { MongoError } from "./MongoError.ts"
import type { ListOptionsOf, OptionsOf, WriteOptionsOf } from "./OperationOptions.ts"
import type { AggregateQuery, FindQuery, Query } from "./Query.ts"

/**
 * The type of `TypeId`.
 *
 * @stability unstable
 * @category type IDs
 * @since 0.1.0
 */
export type TypeId = "~@mongofx/core/MongoCollection"

/**
 * Marks a value as a collection of mongofx.
 *
 * **Example** (Reading the mark)
 *
 * ```ts
 * import { MongoCollection } from "@mongofx/core"
 *
 * console.log(MongoCollection.TypeId)
 * ```
 *
 * @stability unstable
 * @category type IDs
 * @since 0.1.0
 */
export const TypeId: TypeId = internal.TypeId

/**
 * Settings for every operation of a collection: read preference, read and write concern, and how BSON is read.
 *
 * @see `MongoDatabase.DatabaseOptions` for the settings of all collections of a database
 *
 * @stability unstable
 * @category options
 * @since 0.1.0
 */
export type CollectionOptions = OptionsOf<Driver.CollectionOptions>

/** The hint of an operation, also as the name of an index, which the driver's type leaves out. */
interface Hinted {
  /** The index to use: its name or its keys. */
  readonly hint?: Driver.Hint | undefined
}

/**
 * A plain object, as opposed to a value that stands for something else: an `Option`, another value of Effect, a Map, a Date, an
 * ObjectId.
 *
 * **Details**
 *
 * The members are those of such values. The compiler refuses such a value as a whole filter or update. An operation refuses it
 * anywhere inside when it runs.
 *
 * @see {@link Filter} for the type that uses it
 *
 * @stability unstable
 * @category utility types
 * @since 0.1.0
 */
export interface Plain {
  /** Arrays, Maps, Sets, Effects, Options and Results have it. */
  readonly [Symbol.iterator]?: undefined
  /** Dates have it. */
  readonly [Symbol.toPrimitive]?: undefined
  /** Promises and bytes have it. */
  readonly [Symbol.toStringTag]?: undefined
  /** Regular expressions have it. */
  readonly [Symbol.match]?: undefined
  /** BSON values have it. */
  readonly _bsontype?: undefined
  /** A `BigDecimal` has it. */
  readonly "~effect/BigDecimal"?: undefined
  /** A `DateTime` has it. */
  readonly "~effect/DateTime"?: undefined
  /** A `Duration` has it. */
  readonly "~effect/Duration"?: undefined
  /** A `Redacted` has it. */
  readonly "~effect/Redacted"?: undefined
}

/**
 * A filter: conditions on the fields of documents, in the driver's types.
 *
 * **Gotchas**
 *
 * The driver's types accept any object that shares no field with the documents. So they would accept an `Option`, which would
 * match every document. This type refuses it, and so does the operation when it runs.
 *
 * @see {@link Update} for a change to documents
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export type Filter<A> = Driver.Filter<A> & Plain

/**
 * A change to documents: update operators, or a pipeline that computes the new document.
 *
 * @see {@link Filter} for the documents that it changes
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export type Update<A extends Driver.Document> = Driver.UpdateFilter<A> & Plain | ReadonlyArray<Driver.Document>

/**
 * One write of a collection's `bulkWrite`, in the driver's types. Its filters are plain objects, as in the collection's other
 * operations.
 *
 * @see {@link Filter} for what a filter may be
 * @see `MongoClient.BulkWriteModel` for a write to any collection
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export type BulkWriteOperation<A extends Driver.Document> =
  & Driver.AnyBulkWriteOperation<A>
  & {
    readonly [Name in "updateOne" | "updateMany" | "replaceOne" | "deleteOne" | "deleteMany"]?: {
      readonly filter: Plain
    }
  }

/**
 * The description of a search index to create.
 *
 * @see {@link SearchIndex} for a search index as the server lists it
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface SearchIndexDescription {
  /** The name of the index; `default` by default. */
  readonly name?: string | undefined
  /** What is indexed, in the form of the MongoDB Search manual: mappings, analyzers, or the fields of vectors. */
  readonly definition: Driver.Document
  /** The type of the index; `search` by default. */
  readonly type?: "search" | "vectorSearch" | undefined
}

/**
 * A search index as the server lists it.
 *
 * @see {@link SearchIndexDescription} for a search index to create
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface SearchIndex extends Driver.Document {
  /** The server's own name for the index. */
  readonly id: string
  /** The name of the index. */
  readonly name: string
  /** The type of the index: `search` or `vectorSearch`. */
  readonly type?: string | undefined
  /** The state of the index: `PENDING`, `BUILDING`, `READY`, `STALE`, `FAILED`, `DELETING` and others. */
  readonly status: string
  /** Whether it answers queries. */
  readonly queryable: boolean
  /** The newest definition, which the server may not have built yet. */
  readonly latestDefinition: Driver.Document
}

/**
 * Options of `waitUntilQueryable`.
 *
 * @stability unstable
 * @category options
 * @since 0.1.0
 */
export interface WaitUntilQueryableOptions {
  /** The time from an answer of the server to the next request; one second by default. */
  readonly interval?: Duration.Input | undefined
}

/**
 * A collection of documents of type `A`: a cheap value that does no I/O until one of its operations runs.
 *
 * **Details**
 *
 * Every operation is a description that can run any number of times. It joins the session of its context, is aborted
 * when its fiber is interrupted (see `Mongo.withInterruptionPolicy`), and fails only with a `MongoError`.
 *
 * Arguments are never changed. A document without `_id` gets one on a copy, anew for every run: running an `insertOne`
 * twice inserts two documents.
 *
 * Before it sends anything, an operation refuses input that would be lost or do harm, with an `InvalidArgumentError` that names the
 * path: `undefined` anywhere in a filter, invalid dates, bigints outside the int64 range, text with a lone surrogate, functions,
 * symbols, and objects that are more than their properties, such as an `Option`, a `Duration` or another value of Effect, maps, sets,
 * and amounts and dates of libraries. Instances of your own classes whose properties are their data are documents. A property that is
 * `undefined` in a document is left out.
 *
 * The operations take the driver's options, except those that mongofx handles itself (see `OperationOptions.OptionsOf`).
 *
 * **Gotchas**
 *
 * The type `A` is your claim: core does not check documents. `@mongofx/schema` checks them.
 *
 * **Example** (Writing and reading)
 *
 * ```ts
 * import { MongoClient } from "@mongofx/core"
 * import { Effect, Option } from "effect"
 *
 * interface User {
 *   readonly name: string
 *   readonly age: number
 * }
 *
 * const program = Effect.gen(function*() {
 *   const mongo = yield* MongoClient.MongoClient
 *   const users = mongo.db("app").collection<User>("users")
 *   yield* users.insertOne({ name: "Ada", age: 36 })
 *   yield* users.updateOne({ name: "Ada" }, { $inc: { age: 1 } })
 *   const ada = yield* users.findOne({ name: "Ada" })
 *   return Option.map(ada, (user) => user.age)
 * })
 * ```
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface MongoCollection<A extends Driver.Document = Driver.Document> {
  readonly [TypeId]: TypeId
  /** The collection's name. */
  readonly name: string
  /** The names of the database and the collection: `app.users`. */
  readonly fullName: string
  /** The database the collection belongs to. */
  readonly database: MongoDatabase
  /** The same collection with other settings. */
  readonly withOptions: (options: CollectionOptions) => MongoCollection<A>

  /** Inserts a document. Fails with a `DuplicateKeyError` if a unique index already has its key. */
  readonly insertOne: (
    document: Driver.OptionalUnlessRequiredId<A>,
    options?: WriteOptionsOf<Driver.InsertOneOptions>
  ) => Effect.Effect<Driver.InsertOneResult<A>, MongoError>
  /**
   * Inserts documents in batches. Without documents it does nothing. If the server refuses some, it fails with a `BulkWriteError`,
   * which says how many were inserted and why the others were not.
   */
  readonly insertMany: (
    documents: ReadonlyArray<Driver.OptionalUnlessRequiredId<A>>,
    options?: WriteOptionsOf<Driver.BulkWriteOptions, "let">
  ) => Effect.Effect<Driver.InsertManyResult<A>, MongoError>

  /** A query of the documents that match; without a filter, of all documents. */
  readonly find: (
    filter?: Filter<A>,
    options?: OptionsOf<Driver.FindOptions>
  ) => FindQuery<Driver.WithId<A>>
  /** The first document that matches, or none. */
  readonly findOne: (
    filter?: Filter<A>,
    options?: OptionsOf<Driver.FindOneOptions>
  ) => Effect.Effect<Option.Option<Driver.WithId<A>>, MongoError>
  /** Deletes the first document that matches and returns it. */
  readonly findOneAndDelete: (
    filter: Filter<A>,
    options?: WriteOptionsOf<Driver.FindOneAndDeleteOptions, "hint" | "includeResultMetadata"> & Hinted
  ) => Effect.Effect<Option.Option<Driver.WithId<A>>, MongoError>
  /** Replaces the first document that matches. Returns the document before, or with `returnDocument: "after"` the one after. */
  readonly findOneAndReplace: (
    filter: Filter<A>,
    replacement: Driver.WithoutId<A>,
    options?: WriteOptionsOf<Driver.FindOneAndReplaceOptions, "hint" | "includeResultMetadata"> & Hinted
  ) => Effect.Effect<Option.Option<Driver.WithId<A>>, MongoError>
  /** Updates the first document that matches. Returns the document before, or with `returnDocument: "after"` the one after. */
  readonly findOneAndUpdate: (
    filter: Filter<A>,
    update: Update<A>,
    options?: WriteOptionsOf<Driver.FindOneAndUpdateOptions, "hint" | "includeResultMetadata"> & Hinted
  ) => Effect.Effect<Option.Option<Driver.WithId<A>>, MongoError>

  /** Updates the first document that matches. It refuses an update without an operator: use `replaceOne` for that. */
  readonly updateOne: (
    filter: Filter<A>,
    update: Update<A>,
    options?: WriteOptionsOf<Driver.UpdateOptions & { sort?: Driver.Sort }>
  ) => Effect.Effect<Driver.UpdateResult<A>, MongoError>
  /** Updates all documents that match. The driver never retries it. */
  readonly updateMany: (
    filter: Filter<A>,
    update: Update<A>,
    options?: WriteOptionsOf<Driver.UpdateOptions>
  ) => Effect.Effect<Driver.UpdateResult<A>, MongoError>
  /** Replaces the first document that matches; its `_id` stays. */
  readonly replaceOne: (
    filter: Filter<A>,
    replacement: Driver.WithoutId<A>,
    options?: WriteOptionsOf<Driver.ReplaceOptions & { sort?: Driver.Sort }>
  ) => Effect.Effect<Driver.UpdateResult<A>, MongoError>
  /** Deletes the first document that matches. */
  readonly deleteOne: (
    filter: Filter<A>,
    options?: WriteOptionsOf<Driver.DeleteOptions, "ordered">
  ) => Effect.Effect<Driver.DeleteResult, MongoError>
  /** Deletes all documents that match; with `{}` all documents of the collection. The driver never retries it. */
  readonly deleteMany: (
    filter: Filter<A>,
    options?: WriteOptionsOf<Driver.DeleteOptions, "ordered">
  ) => Effect.Effect<Driver.DeleteResult, MongoError>
  /**
   * Runs inserts, updates, replacements and deletes of this collection in batches: in order up to the first error, or all of them
   * with `ordered: false`. Without operations it does nothing. Fails with a `BulkWriteError` that says what was done and has each
   * error with its index.
   */
  readonly bulkWrite: (
    operations: ReadonlyArray<BulkWriteOperation<A>>,
    options?: WriteOptionsOf<Driver.BulkWriteOptions, "collation">
  ) => Effect.Effect<Driver.BulkWriteResult, MongoError>

  /** Counts the documents that match, by reading them or an index. */
  readonly countDocuments: (
    filter?: Filter<A>,
    options?: OptionsOf<Driver.CountDocumentsOptions, "writeConcern" | "cursor" | "out">
  ) => Effect.Effect<number, MongoError>
  /** The number of documents from the collection's metadata: fast, but inexact after an unclean shutdown. */
  readonly estimatedDocumentCount: (
    options?: OptionsOf<Driver.EstimatedDocumentCountOptions, "writeConcern">
  ) => Effect.Effect<number, MongoError>
  /** The distinct values of a field, given by its dotted path, in the documents that match. */
  readonly distinct: {
    <Key extends keyof Driver.WithId<A>>(
      key: Key,
      filter?: Filter<A>,
      options?: OptionsOf<Driver.DistinctOptions, "writeConcern">
    ): Effect.Effect<Array<Driver.Flatten<Driver.WithId<A>[Key]>>, MongoError>
    <B = unknown>(
      key: string,
      filter?: Filter<A>,
      options?: OptionsOf<Driver.DistinctOptions, "writeConcern">
    ): Effect.Effect<Array<B>, MongoError>
  }
  /** A query of the results of a pipeline. Give the type of the results: it is not derived from the pipeline. */
  readonly aggregate: <B extends Driver.Document = Driver.Document>(
    pipeline?: ReadonlyArray<Driver.Document>,
    options?: OptionsOf<Driver.AggregateOptions, "out" | "cursor">
  ) => AggregateQuery<B>
  /**
   * The changes of the collection, as a stream that resumes after failures. The pipeline may filter and reshape the events, but must
   * keep their `_id`. See `ChangeStream`.
   */
  readonly watch: Watch<A>

  /** Creates an index if it does not exist, and returns its name. Fails with an `IndexError` if it conflicts with another one. */
  readonly createIndex: (
    keys: Driver.IndexSpecification,
    indexOptions?: OptionsOf<Driver.IndexOptions>,
    options?: WriteOptionsOf<Driver.CreateIndexOptions>
  ) => Effect.Effect<string, MongoError>
  /** Creates several indexes with one command, and returns their names. */
  readonly createIndexes: (
    indexes: ReadonlyArray<Driver.IndexDescription>,
    options?: WriteOptionsOf<Driver.CreateIndexOptions>
  ) => Effect.Effect<Array<string>, MongoError>
  /**
   * Drops an index by its name, or by its keys in any form that `createIndex` takes. A string is a name. Fails with an `IndexError`
   * if the index does not exist.
   */
  readonly dropIndex: (
    index: string | Driver.IndexSpecification,
    options?: WriteOptionsOf<Driver.DropIndexesOptions>
  ) => Effect.Effect<void, MongoError>
  /** Drops all indexes except the one on `_id`; false if the collection does not exist. */
  readonly dropIndexes: (options?: WriteOptionsOf<Driver.DropIndexesOptions>) => Effect.Effect<boolean, MongoError>
  /** A query of the collection's indexes. */
  readonly listIndexes: (options?: ListOptionsOf<Driver.ListIndexesOptions>) => Query<Driver.IndexDescriptionInfo>
  /** Whether the collection has indexes with all these names. */
  readonly indexExists: (
    names: string | ReadonlyArray<string>,
    options?: ListOptionsOf<Driver.ListIndexesOptions>
  ) => Effect.Effect<boolean, MongoError>

  /**
   * Creates a search index and returns its name; an index without a name is called `default`. The server builds it in the
   * background: see `waitUntilQueryable`. Fails with an `IndexError` of kind `searchUnavailable` if the server does not support
   * search indexes, as do the other operations on them.
   */
  readonly createSearchIndex: (description: SearchIndexDescription) => Effect.Effect<string, MongoError>
  /** Creates several search indexes with one command, and returns their names. */
  readonly createSearchIndexes: (
    descriptions: ReadonlyArray<SearchIndexDescription>
  ) => Effect.Effect<Array<string>, MongoError>
  /** Gives a search index a new definition. The server uses the old one until it has built the new one. */
  readonly updateSearchIndex: (name: string, definition: Driver.Document) => Effect.Effect<void, MongoError>
  /** Drops a search index by its name. Succeeds if the collection does not exist. */
  readonly dropSearchIndex: (name: string) => Effect.Effect<void, MongoError>
  /** A query of the collection's search indexes, or of the one with the given name. */
  readonly listSearchIndexes: (
    name?: string,
    options?: OptionsOf<Driver.ListSearchIndexesOptions, "out" | "cursor">
  ) => Query<SearchIndex>
  /**
   * Waits until the search indexes with these names answer queries. It asks again without a limit: use `Effect.timeout` to set one.
   * Fails with an `IndexError` if an index does not exist (`notFound`) or cannot be built (`searchFailed`).
   */
  readonly waitUntilQueryable: (
    names: string | ReadonlyArray<string>,
    options?: WaitUntilQueryableOptions
  ) => Effect.Effect<void, MongoError>

  /** The options that the collection was created with. Fails if the collection does not exist. */
  readonly options: (options?: OptionsOf<Driver.OperationOptions>) => Effect.Effect<Driver.Document, MongoError>
  /** Whether the collection is capped. Fails if the collection does not exist. */
  readonly isCapped: (options?: OptionsOf<Driver.OperationOptions>) => Effect.Effect<boolean, MongoError>
  /** Renames the collection and returns it under its new name. */
  readonly rename: (
    newName: string,
    options?: WriteOptionsOf<Driver.RenameOptions, "new_collection">
  ) => Effect.Effect<MongoCollection<A>, MongoError>
  /** Drops the collection with its documents and indexes. Succeeds if it does not exist. */
  readonly drop: (options?: WriteOptionsOf<Driver.DropCollectionOptions>) => Effect.Effect<boolean, MongoError>
}

/**
 * Whether a value is a collection of mongofx.
 *
 * **Example** (Telling a collection from other values)
 *
 * ```ts
 * import { MongoCollection } from "@mongofx/core"
 *
 * console.log(MongoCollection.isMongoCollection("users")) // false
 * ```
 *
 * @stability unstable
 * @category guards
 * @since 0.1.0
 */
export const isMongoCollection = (u: unknown): u is MongoCollection => Predicate.hasProperty(u, TypeId)
