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
 * Settings that hold for every operation of a collection: read preference, read and write concern, and how BSON is read.
 *
 * @stability unstable
 * @category options
 * @since 0.1.0
 */
export type CollectionOptions = OptionsOf<Driver.CollectionOptions>

/** The hint of an operation that the driver's type has without names of indexes. */
interface Hinted {
  /** The index to use: its name or its keys. */
  readonly hint?: Driver.Hint | undefined
}

/**
 * What a plain object is, and no value that stands for something else: an `Option`, another value of Effect's, a Map, a Date, an
 * ObjectId.
 *
 * **Details**
 *
 * The members are those that such values have. As a whole filter or update they are refused by the compiler, and wherever they
 * stand when the operation runs.
 *
 * @see {@link Filter} has it
 *
 * @stability unstable
 * @category utility types
 * @since 0.1.0
 */
export interface Plain {
  /** Arrays, Maps, Sets, and Effects, Options and Results have it. */
  readonly [Symbol.iterator]?: undefined
  /** Dates have it. */
  readonly [Symbol.toPrimitive]?: undefined
  /** Promises and bytes have it. */
  readonly [Symbol.toStringTag]?: undefined
  /** Regular expressions have it. */
  readonly [Symbol.match]?: undefined
  /** Values of BSON have it. */
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
 * The driver's types take any object that has no field of the documents. So an `Option` would do, and match every
 * document: it is refused, here and when the operation runs.
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export type Filter<A> = Driver.Filter<A> & Plain

/**
 * A change to documents: update operators, or a pipeline that computes the new document.
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export type Update<A extends Driver.Document> = Driver.UpdateFilter<A> & Plain | ReadonlyArray<Driver.Document>

/**
 * One write of a collection's `bulkWrite`, in the driver's types. Its filters are filters as those of the collection's other operations.
 *
 * @see {@link Filter}
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
 * A search index that is to be made.
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface SearchIndexDescription {
  /** The name of the index; `default` by default. */
  readonly name?: string | undefined
  /** What is indexed, as the manual of MongoDB Search has it: mappings, analyzers, or the fields of vectors. */
  readonly definition: Driver.Document
  /** `search` by default. */
  readonly type?: "search" | "vectorSearch" | undefined
}

/**
 * A search index as the server lists it.
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
  /** `search` or `vectorSearch`. */
  readonly type?: string | undefined
  /** What the server is doing with it: `PENDING`, `BUILDING`, `READY`, `STALE`, `FAILED`, `DELETING` and others. */
  readonly status: string
  /** Whether it answers queries. */
  readonly queryable: boolean
  /** The newest definition, which may not be built yet. */
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
  /** The time from an answer to the next question; one second by default. */
  readonly interval?: Duration.Input | undefined
}

/**
 * A collection of documents of type `A`: a cheap value that does no I/O until one of its operations runs.
 *
 * **Details**
 *
 * Every operation is a description that can be run any number of times. It joins the session of its context, is aborted
 * when its fiber is interrupted (see `Mongo.withInterruptionPolicy`), and fails with a `MongoError` and nothing else.
 *
 * Arguments are never changed: a document without `_id` gets one on a copy, anew for every run, so running an `insertOne`
 * twice inserts two documents. Input that would be lost or do harm is refused before it is sent, with an
 * `InvalidArgumentError` that names the path: `undefined` anywhere in a filter, invalid dates, bigints outside of the
 * int64 range, text with a lone surrogate, functions, symbols, and what is more than its properties: an `Option`, a
 * `Duration` and other values of Effect's, maps, sets, amounts and dates of libraries. Instances of your own classes whose
 * properties are their data are documents. A property that is `undefined` in a document is left out.
 *
 * The operations take the driver's options, save those that mongofx owns (see `OperationOptions.OptionsOf`).
 *
 * **Gotchas**
 *
 * The type `A` is a promise of yours: documents are not checked. `@mongofx/schema` checks them.
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
  /** The name with that of its database: `app.users`. */
  readonly fullName: string
  /** The database the collection belongs to. */
  readonly database: MongoDatabase
  /** The same collection with other settings. */
  readonly withOptions: (options: CollectionOptions) => MongoCollection<A>

  /** Inserts a document. Fails with a `DuplicateKeyError` where a unique index has its key already. */
  readonly insertOne: (
    document: Driver.OptionalUnlessRequiredId<A>,
    options?: WriteOptionsOf<Driver.InsertOneOptions>
  ) => Effect.Effect<Driver.InsertOneResult<A>, MongoError>
  /**
   * Inserts documents, in batches; of none it does nothing. Where the server refuses some it fails with a `BulkWriteError`, which says how many were
   * inserted and why the others were not.
   */
  readonly insertMany: (
    documents: ReadonlyArray<Driver.OptionalUnlessRequiredId<A>>,
    options?: WriteOptionsOf<Driver.BulkWriteOptions, "let">
  ) => Effect.Effect<Driver.InsertManyResult<A>, MongoError>

  /** A query of the documents that match; of all without a filter. */
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
  /** Replaces the first document that matches and returns it: as it was, or with `returnDocument: "after"` as it is now. */
  readonly findOneAndReplace: (
    filter: Filter<A>,
    replacement: Driver.WithoutId<A>,
    options?: WriteOptionsOf<Driver.FindOneAndReplaceOptions, "hint" | "includeResultMetadata"> & Hinted
  ) => Effect.Effect<Option.Option<Driver.WithId<A>>, MongoError>
  /** Updates the first document that matches and returns it: as it was, or with `returnDocument: "after"` as it is now. */
  readonly findOneAndUpdate: (
    filter: Filter<A>,
    update: Update<A>,
    options?: WriteOptionsOf<Driver.FindOneAndUpdateOptions, "hint" | "includeResultMetadata"> & Hinted
  ) => Effect.Effect<Option.Option<Driver.WithId<A>>, MongoError>

  /** Updates the first document that matches. An update that holds no operator is refused: that is `replaceOne`. */
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
  /** Puts another document in the place of the first one that matches; its `_id` stays. */
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
  /** Deletes all documents that match: all of the collection for `{}`. The driver never retries it. */
  readonly deleteMany: (
    filter: Filter<A>,
    options?: WriteOptionsOf<Driver.DeleteOptions, "ordered">
  ) => Effect.Effect<Driver.DeleteResult, MongoError>
  /**
   * Runs inserts, updates, replacements and deletes of this collection in batches: in order and up to the first error, or
   * with `ordered: false` all of them; of none it does nothing. Fails with a `BulkWriteError` that has what was done and each
   * error with its index.
   */
  readonly bulkWrite: (
    operations: ReadonlyArray<BulkWriteOperation<A>>,
    options?: WriteOptionsOf<Driver.BulkWriteOptions, "collation">
  ) => Effect.Effect<Driver.BulkWriteResult, MongoError>

  /** Counts the documents that match by reading them or an index. */
  readonly countDocuments: (
    filter?: Filter<A>,
    options?: OptionsOf<Driver.CountDocumentsOptions, "writeConcern" | "cursor" | "out">
  ) => Effect.Effect<number, MongoError>
  /** The number of documents after the collection's metadata: fast, and off by some after an unclean shutdown. */
  readonly estimatedDocumentCount: (
    options?: OptionsOf<Driver.EstimatedDocumentCountOptions, "writeConcern">
  ) => Effect.Effect<number, MongoError>
  /** The different values of a field, by its dotted path, in the documents that match. */
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
  /** A query of what a pipeline makes of the collection. Say the type of what comes back: it is not derived. */
  readonly aggregate: <B extends Driver.Document = Driver.Document>(
    pipeline?: ReadonlyArray<Driver.Document>,
    options?: OptionsOf<Driver.AggregateOptions, "out" | "cursor">
  ) => AggregateQuery<B>
  /**
   * What happens to the collection, as a stream that goes on after failures. The pipeline may filter and reshape the events, but must keep
   * `_id`. See `ChangeStream`.
   */
  readonly watch: Watch<A>

  /** Makes an index if it is not there, and returns its name. Fails with an `IndexError` where another stands in its way. */
  readonly createIndex: (
    keys: Driver.IndexSpecification,
    indexOptions?: OptionsOf<Driver.IndexOptions>,
    options?: WriteOptionsOf<Driver.CreateIndexOptions>
  ) => Effect.Effect<string, MongoError>
  /** Makes several indexes with one command, and returns their names. */
  readonly createIndexes: (
    indexes: ReadonlyArray<Driver.IndexDescription>,
    options?: WriteOptionsOf<Driver.CreateIndexOptions>
  ) => Effect.Effect<Array<string>, MongoError>
  /**
   * Drops an index by its name, or by its keys in any form that `createIndex` takes; text is a name. Fails with an `IndexError`
   * where there is none.
   */
  readonly dropIndex: (
    index: string | Driver.IndexSpecification,
    options?: WriteOptionsOf<Driver.DropIndexesOptions>
  ) => Effect.Effect<void, MongoError>
  /** Drops all indexes but that on `_id`; false where the collection does not exist. */
  readonly dropIndexes: (options?: WriteOptionsOf<Driver.DropIndexesOptions>) => Effect.Effect<boolean, MongoError>
  /** A query of the collection's indexes. */
  readonly listIndexes: (options?: ListOptionsOf<Driver.ListIndexesOptions>) => Query<Driver.IndexDescriptionInfo>
  /** Whether there are indexes of all these names. */
  readonly indexExists: (
    names: string | ReadonlyArray<string>,
    options?: ListOptionsOf<Driver.ListIndexesOptions>
  ) => Effect.Effect<boolean, MongoError>

  /**
   * Makes a search index and returns its name; `default` is that of one without a name. The server builds it in the
   * background: see `waitUntilQueryable`. Fails with an `IndexError` of kind `searchUnavailable` where the server has no
   * search indexes, as do the other operations on them.
   */
  readonly createSearchIndex: (description: SearchIndexDescription) => Effect.Effect<string, MongoError>
  /** Makes several search indexes with one command, and returns their names. */
  readonly createSearchIndexes: (
    descriptions: ReadonlyArray<SearchIndexDescription>
  ) => Effect.Effect<Array<string>, MongoError>
  /** Gives a search index another definition. The server goes on with the old one until the new one is built. */
  readonly updateSearchIndex: (name: string, definition: Driver.Document) => Effect.Effect<void, MongoError>
  /** Drops a search index by its name. It is no error where the collection does not exist. */
  readonly dropSearchIndex: (name: string) => Effect.Effect<void, MongoError>
  /** A query of the collection's search indexes, or of the one of the name. */
  readonly listSearchIndexes: (
    name?: string,
    options?: OptionsOf<Driver.ListSearchIndexesOptions, "out" | "cursor">
  ) => Query<SearchIndex>
  /**
   * Waits until the search indexes of these names answer queries. It asks again and again, without a bound: `Effect.timeout` is
   * one. Fails with an `IndexError` where there is no such index (`notFound`) or it cannot be built (`searchFailed`).
   */
  readonly waitUntilQueryable: (
    names: string | ReadonlyArray<string>,
    options?: WaitUntilQueryableOptions
  ) => Effect.Effect<void, MongoError>

  /** The options the collection was created with. Fails where the collection does not exist. */
  readonly options: (options?: OptionsOf<Driver.OperationOptions>) => Effect.Effect<Driver.Document, MongoError>
  /** Whether the collection is capped. Fails where the collection does not exist. */
  readonly isCapped: (options?: OptionsOf<Driver.OperationOptions>) => Effect.Effect<boolean, MongoError>
  /** Renames the collection and returns it under its new name. */
  readonly rename: (
    newName: string,
    options?: WriteOptionsOf<Driver.RenameOptions, "new_collection">
  ) => Effect.Effect<MongoCollection<A>, MongoError>
  /** Drops the collection with its documents and indexes. It is no error where there is none. */
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
