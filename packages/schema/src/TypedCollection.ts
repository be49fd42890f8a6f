/**
 * Collections of a schema: documents are checked and encoded on the way in, checked and decoded on the way out, and filters
 * and updates are typed on the decoded document.
 *
 * @since 0.1.0
 */
import type {
  ChangeStream as CoreChangeStream,
  MongoCollection as Core,
  MongoError,
  Query as CoreQuery
} from "@mongofx/core"
import { MongoDatabase } from "@mongofx/core"
import type { ListOptionsOf, OptionsOf, WriteOptionsOf } from "@mongofx/core/OperationOptions"
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import type * as Schema from "effect/Schema"
import type * as Driver from "mongodb"
import type { Filter, Input as FilterInput, Key, PartialFilter } from "./Filter.ts"
import * as internal from "./internal/collection/collection.ts"
import type { Argument, ElementOf, IdOf, Path, ValueAt } from "./Path.ts"
import type { Pipeline } from "./Pipeline.ts"
import type { Input as ProjectionInput, Projected } from "./Projection.ts"
import type { DecodedChangeStream } from "./TypedChangeStream.ts"
import type { AggregateQuery, Failure, FindQuery, IndexKeys, IndexKeysInput, Sort } from "./TypedQuery.ts"
import type { ArrayFilter, Input as UpdateInput, Update } from "./Update.ts"

/**
 * The type of `TypeId`.
 *
 * @stability unstable
 * @category type IDs
 * @since 0.1.0
 */
export type TypeId = "~@mongofx/schema/TypedCollection"

/**
 * Marks a value as a collection of a schema.
 *
 * **Example** (Reading the mark)
 *
 * ```ts
 * import { TypedCollection } from "@mongofx/schema"
 *
 * console.log(TypedCollection.TypeId)
 * ```
 *
 * @stability unstable
 * @category type IDs
 * @since 0.1.0
 */
export const TypeId: TypeId = internal.TypeId

/**
 * The options that name fields of a document or hold their values. Typed operations have them anew, typed on the document.
 *
 * @stability unstable
 * @category utility types
 * @since 0.1.0
 */
export type FieldOption = "sort" | "hint" | "min" | "max" | "projection" | "arrayFilters"

/**
 * The option `hint` of operations on documents of type `A`.
 *
 * @stability unstable
 * @category options
 * @since 0.1.0
 */
export interface HintOption<A> {
  /** The index to use: its name or its keys. */
  readonly hint?: string | IndexKeys<A> | undefined
}

/**
 * The option `sort` of operations on one of several documents of type `A`.
 *
 * @stability unstable
 * @category options
 * @since 0.1.0
 */
export interface SortOption<A> {
  /** Which document is the first. */
  readonly sort?: Sort<A> | undefined
}

/**
 * The option `arrayFilters` of updates.
 *
 * @stability unstable
 * @category options
 * @since 0.1.0
 */
export interface ArrayFiltersOption {
  /** What the `$[identifier]` in the update stand for. */
  readonly arrayFilters?: ReadonlyArray<ArrayFilter> | undefined
}

/**
 * The option `projection` of operations that return a document of type `A`: `P` is the type of the projection, `K` its keys.
 *
 * @see {@link Returned} for what it leaves
 *
 * @stability unstable
 * @category options
 * @since 0.1.0
 */
export interface ProjectionOption<A, P, K extends PropertyKey> {
  /** The fields that are returned. */
  readonly projection?: ProjectionInput<A, P, K> | undefined
}

/**
 * Options of `insertOne`.
 *
 * @stability unstable
 * @category options
 * @since 0.1.0
 */
export interface InsertOneOptions extends WriteOptionsOf<Driver.InsertOneOptions> {}

/**
 * Options of `insertMany`.
 *
 * @stability unstable
 * @category options
 * @since 0.1.0
 */
export interface InsertManyOptions extends WriteOptionsOf<Driver.BulkWriteOptions, "let"> {}

/**
 * Options of `bulkWrite`.
 *
 * @stability unstable
 * @category options
 * @since 0.1.0
 */
export interface BulkWriteOptions extends WriteOptionsOf<Driver.BulkWriteOptions, "collation"> {}

/**
 * Options of `find`. Most others are methods of the query.
 *
 * @stability unstable
 * @category options
 * @since 0.1.0
 */
export interface FindOptions extends OptionsOf<Driver.FindOptions, FieldOption | "returnKey" | "showRecordId"> {}

/**
 * Options of `findOne`: `P` is the type of the projection, `K` its keys.
 *
 * @stability unstable
 * @category options
 * @since 0.1.0
 */
export interface FindOneOptions<A, P = never, K extends PropertyKey = never>
  extends
    OptionsOf<Driver.FindOneOptions, FieldOption | "returnKey" | "showRecordId">,
    SortOption<A>,
    HintOption<A>,
    ProjectionOption<A, P, K>
{}

/**
 * Options of `findOneAndDelete`: `P` is the type of the projection, `K` its keys.
 *
 * @stability unstable
 * @category options
 * @since 0.1.0
 */
export interface FindOneAndDeleteOptions<A, P = never, K extends PropertyKey = never>
  extends
    WriteOptionsOf<Driver.FindOneAndDeleteOptions, FieldOption | "includeResultMetadata">,
    SortOption<A>,
    HintOption<A>,
    ProjectionOption<A, P, K>
{}

/**
 * Options of `findOneAndReplace`: `P` is the type of the projection, `K` its keys.
 *
 * @stability unstable
 * @category options
 * @since 0.1.0
 */
export interface FindOneAndReplaceOptions<A, P = never, K extends PropertyKey = never>
  extends
    WriteOptionsOf<Driver.FindOneAndReplaceOptions, FieldOption | "includeResultMetadata">,
    SortOption<A>,
    HintOption<A>,
    ProjectionOption<A, P, K>
{}

/**
 * Options of `findOneAndUpdate`: `P` is the type of the projection, `K` its keys.
 *
 * @stability unstable
 * @category options
 * @since 0.1.0
 */
export interface FindOneAndUpdateOptions<A, P = never, K extends PropertyKey = never>
  extends
    WriteOptionsOf<Driver.FindOneAndUpdateOptions, FieldOption | "includeResultMetadata">,
    SortOption<A>,
    HintOption<A>,
    ArrayFiltersOption,
    ProjectionOption<A, P, K>
{}

/**
 * Options of `updateMany`.
 *
 * @stability unstable
 * @category options
 * @since 0.1.0
 */
export interface UpdateManyOptions<A>
  extends WriteOptionsOf<Driver.UpdateOptions, FieldOption>, HintOption<A>, ArrayFiltersOption
{}

/**
 * Options of `updateOne`.
 *
 * @stability unstable
 * @category options
 * @since 0.1.0
 */
export interface UpdateOptions<A> extends UpdateManyOptions<A>, SortOption<A> {}

/**
 * Options of `replaceOne`.
 *
 * @stability unstable
 * @category options
 * @since 0.1.0
 */
export interface ReplaceOptions<A>
  extends WriteOptionsOf<Driver.ReplaceOptions, FieldOption>, SortOption<A>, HintOption<A>
{}

/**
 * Options of `deleteOne` and `deleteMany`.
 *
 * @stability unstable
 * @category options
 * @since 0.1.0
 */
export interface DeleteOptions<A>
  extends WriteOptionsOf<Driver.DeleteOptions, FieldOption | "ordered">, HintOption<A>
{}

/**
 * Options of `countDocuments`.
 *
 * @stability unstable
 * @category options
 * @since 0.1.0
 */
export interface CountDocumentsOptions<A>
  extends OptionsOf<Driver.CountDocumentsOptions, FieldOption | "writeConcern" | "cursor" | "out">, HintOption<A>
{}

/**
 * Options of `distinct`.
 *
 * @stability unstable
 * @category options
 * @since 0.1.0
 */
export interface DistinctOptions<A>
  extends OptionsOf<Driver.DistinctOptions, FieldOption | "writeConcern">, HintOption<A>
{}

/**
 * Options of `aggregate`.
 *
 * @stability unstable
 * @category options
 * @since 0.1.0
 */
export interface AggregateOptions extends OptionsOf<Driver.AggregateOptions, "out" | "cursor"> {}

/**
 * What is inserted: the fields of the schema, or of a model's variant `insert`. What has a default may be left out, and so
 * may an `_id` that is an ObjectId.
 *
 * @stability unstable
 * @category utility types
 * @since 0.1.0
 */
export type Insert<S extends Schema.Constraint> = WithoutRequiredId<
  S extends { readonly insert: infer V extends Schema.Constraint } ? V["~type.make.in"] : S["~type.make.in"]
>

type WithoutRequiredId<I> = I extends { readonly _id: infer Id extends Driver.ObjectId }
  ? Omit<I, "_id"> & { readonly _id?: Id }
  : I

/**
 * What takes the place of a document: the fields of the schema without `_id`. What has a default may be left out.
 *
 * @stability unstable
 * @category utility types
 * @since 0.1.0
 */
export type Replacement<S extends Schema.Constraint> = WithoutId<S["~type.make.in"]>

type WithoutId<I> = I extends unknown ? Omit<I, "_id"> : never

/** What encoding needs: filters and updates are encoded by the schema, inserts by the model's variant. */
type InsertServices<S extends Schema.Constraint> = S extends { readonly insert: infer V extends Schema.Constraint }
  ? V["EncodingServices"] | S["DecodingServices"]
  : S["EncodingServices"] | S["DecodingServices"]

/**
 * What an operation returns of a document of type `A`: all of it, or what a projection of type `P` leaves.
 *
 * @stability unstable
 * @category utility types
 * @since 0.1.0
 */
export type Returned<A, P> = [P] extends [never] ? A : Projected<A, P>

/**
 * What an insert says.
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface InsertOneResult<A> {
  /** Whether the server has said that it is done; false with `w: 0`. */
  readonly acknowledged: boolean
  /** The `_id`, decoded. */
  readonly insertedId: IdOf<A>
}

/**
 * What an insert of several documents says.
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface InsertManyResult<A> {
  /** Whether the server has said that it is done; false with `w: 0`. */
  readonly acknowledged: boolean
  /** How many documents were inserted. */
  readonly insertedCount: number
  /** The `_id`s, decoded, in the order of the documents. */
  readonly insertedIds: ReadonlyArray<IdOf<A>>
}

/**
 * What an update says.
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface UpdateResult<A> {
  /** Whether the server has said that it is done; false with `w: 0`. */
  readonly acknowledged: boolean
  /** How many documents matched. */
  readonly matchedCount: number
  /** How many documents are now others. */
  readonly modifiedCount: number
  /** How many documents were inserted, with `upsert`: one or none. */
  readonly upsertedCount: number
  /** The `_id`, decoded, of what was inserted. */
  readonly upsertedId: IdOf<A> | null
}

/**
 * Options of an index.
 *
 * @stability unstable
 * @category options
 * @since 0.1.0
 */
export type IndexOptions<A> = OptionsOf<Driver.IndexOptions, "partialFilterExpression"> & {
  /** The documents that are in the index. */
  readonly partialFilterExpression?: PartialFilter<A> | undefined
}

/**
 * Which documents of type `A` an operation of a bulk write is about.
 *
 * @see {@link BulkOperation}
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface BulkFilter<A> extends HintOption<A> {
  /** The documents that it is about. */
  readonly filter: Filter<A>
  /** How texts are compared. */
  readonly collation?: Driver.CollationOptions
}

/**
 * One of the operations of a bulk write.
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export type BulkOperation<S extends Schema.Constraint> =
  | { readonly insertOne: { readonly document: Insert<S> } }
  | {
    readonly updateOne:
      & BulkFilter<S["Type"]>
      & SortOption<S["Type"]>
      & ArrayFiltersOption
      & { readonly update: Update<S["Type"]>; readonly upsert?: boolean }
  }
  | {
    readonly updateMany:
      & BulkFilter<S["Type"]>
      & ArrayFiltersOption
      & { readonly update: Update<S["Type"]>; readonly upsert?: boolean }
  }
  | {
    readonly replaceOne:
      & BulkFilter<S["Type"]>
      & SortOption<S["Type"]>
      & { readonly replacement: Replacement<S>; readonly upsert?: boolean }
  }
  | { readonly deleteOne: BulkFilter<S["Type"]> }
  | { readonly deleteMany: BulkFilter<S["Type"]> }

/**
 * The values that `distinct` gives for a field of type `V`: those of its elements, where it is an array.
 *
 * @stability unstable
 * @category utility types
 * @since 0.1.0
 */
export type Distinct<V> = ElementOf<V> | Exclude<V, undefined | ReadonlyArray<unknown>>

/**
 * A collection of documents of a schema: a cheap value that does no I/O until one of its operations runs.
 *
 * **Details**
 *
 * The operations are those of `@mongofx/core`'s collection, and what is said of those holds here as well. On top of it:
 *
 * - Documents that are read are decoded. One that does not decode fails the operation with a `DocumentError`; queries have
 *   `onInvalid` for another policy.
 * - Documents that are inserted get the defaults of the schema, anew for every run, and are checked and encoded.
 * - The paths and operands of filters, updates, sort orders and projections are typed on the decoded document. Operands are
 *   encoded by the codec of the field. A path, an operator or an `undefined` that does not belong there is an
 *   `InvalidArgumentError`, an operand that does not fit a `DocumentError`; nothing is sent.
 *
 * With a model of effect, inserts take the variant `insert`, everything else the model itself.
 *
 * **Gotchas**
 *
 * A path cannot go into a field whose schema transforms an object as a whole; renaming its keys with `Schema.encodeKeys`
 * is fine.
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface TypedCollection<S extends Schema.Constraint> {
  readonly [TypeId]: TypeId
  /** The collection's name. */
  readonly name: string
  /** The name with that of its database: `app.users`. */
  readonly fullName: string
  /** The schema of its documents. */
  readonly schema: S
  /** The same collection without the schema. */
  readonly untyped: Core.MongoCollection
  /** The same collection with other settings. */
  readonly withOptions: (options: Core.CollectionOptions) => TypedCollection<S>

  /** Inserts a document. Fails with a `DuplicateKeyError` where a unique index has its key already. */
  readonly insertOne: (
    document: Insert<S>,
    options?: InsertOneOptions
  ) => Effect.Effect<InsertOneResult<S["Type"]>, Failure, InsertServices<S>>
  /** Inserts documents. All are encoded before the first one is sent. */
  readonly insertMany: (
    documents: ReadonlyArray<Insert<S>>,
    options?: InsertManyOptions
  ) => Effect.Effect<InsertManyResult<S["Type"]>, Failure, InsertServices<S>>

  /** A query of the documents that match; of all without a filter. */
  readonly find: <const F, K extends Key<S["Type"]>>(
    filter?: FilterInput<S["Type"], F, K>,
    options?: FindOptions
  ) => FindQuery<S["Type"], S["Type"], S["DecodingServices"] | S["EncodingServices"]>
  /** The first document that matches, or none. */
  readonly findOne: <const F, K extends Key<S["Type"]>, PK extends Path<S["Type"]>, const P = never>(
    filter?: FilterInput<S["Type"], F, K>,
    options?: FindOneOptions<S["Type"], P, PK>
  ) => Effect.Effect<
    Option.Option<Returned<S["Type"], P>>,
    Failure,
    S["DecodingServices"] | S["EncodingServices"]
  >
  /** Deletes the first document that matches and returns it. It is gone even if it does not decode. */
  readonly findOneAndDelete: <const F, K extends Key<S["Type"]>, PK extends Path<S["Type"]>, const P = never>(
    filter: FilterInput<S["Type"], F, K>,
    options?: FindOneAndDeleteOptions<S["Type"], P, PK>
  ) => Effect.Effect<
    Option.Option<Returned<S["Type"], P>>,
    Failure,
    S["DecodingServices"] | S["EncodingServices"]
  >
  /**
   * Replaces the first document that matches and returns it: as it was, or with `returnDocument: "after"` as it is now. It
   * is replaced even if what is returned does not decode.
   */
  readonly findOneAndReplace: <const F, K extends Key<S["Type"]>, PK extends Path<S["Type"]>, const P = never>(
    filter: FilterInput<S["Type"], F, K>,
    replacement: Replacement<S>,
    options?: FindOneAndReplaceOptions<S["Type"], P, PK>
  ) => Effect.Effect<
    Option.Option<Returned<S["Type"], P>>,
    Failure,
    S["DecodingServices"] | S["EncodingServices"]
  >
  /**
   * Updates the first document that matches and returns it: as it was, or with `returnDocument: "after"` as it is now. It
   * is updated even if what is returned does not decode.
   */
  readonly findOneAndUpdate: <
    const F,
    K extends Key<S["Type"]>,
    const U,
    UK extends Path<S["Type"]>,
    PK extends Path<S["Type"]>,
    const P = never
  >(
    filter: FilterInput<S["Type"], F, K>,
    update: UpdateInput<S["Type"], U, UK>,
    options?: FindOneAndUpdateOptions<S["Type"], P, PK>
  ) => Effect.Effect<
    Option.Option<Returned<S["Type"], P>>,
    Failure,
    S["DecodingServices"] | S["EncodingServices"]
  >

  /** The document with this `_id`, or none. Failures and spans name it `findOne`. */
  readonly findById: <PK extends Path<S["Type"]>, const P = never>(
    id: IdOf<S["Type"]>,
    options?: FindOneOptions<S["Type"], P, PK>
  ) => Effect.Effect<Option.Option<Returned<S["Type"], P>>, Failure, S["DecodingServices"] | S["EncodingServices"]>
  /**
   * A query of the documents with these `_id`s, in no order of its own. What is not there, is missing. Failures and spans
   * name it `find`.
   */
  readonly findByIds: (
    ids: ReadonlyArray<IdOf<S["Type"]>>,
    options?: FindOptions
  ) => FindQuery<S["Type"], S["Type"], S["DecodingServices"] | S["EncodingServices"]>
  /** Puts another document in the place of that with this `_id`. Failures and spans name it `replaceOne`. */
  readonly replaceById: (
    id: IdOf<S["Type"]>,
    replacement: Replacement<S>,
    options?: ReplaceOptions<S["Type"]>
  ) => Effect.Effect<UpdateResult<S["Type"]>, Failure, S["DecodingServices"] | S["EncodingServices"]>
  /** Updates the document with this `_id`. Failures and spans name it `updateOne`. */
  readonly updateById: <const U, UK extends Path<S["Type"]>>(
    id: IdOf<S["Type"]>,
    update: UpdateInput<S["Type"], U, UK>,
    options?: UpdateOptions<S["Type"]>
  ) => Effect.Effect<UpdateResult<S["Type"]>, Failure, S["DecodingServices"] | S["EncodingServices"]>
  /** Deletes the document with this `_id`. Failures and spans name it `deleteOne`. */
  readonly deleteById: (
    id: IdOf<S["Type"]>,
    options?: DeleteOptions<S["Type"]>
  ) => Effect.Effect<Driver.DeleteResult, Failure, S["EncodingServices"]>

  /** Updates the first document that matches. */
  readonly updateOne: <const F, K extends Key<S["Type"]>, const U, UK extends Path<S["Type"]>>(
    filter: FilterInput<S["Type"], F, K>,
    update: UpdateInput<S["Type"], U, UK>,
    options?: UpdateOptions<S["Type"]>
  ) => Effect.Effect<UpdateResult<S["Type"]>, Failure, S["DecodingServices"] | S["EncodingServices"]>
  /** Updates all documents that match. The driver never retries it. */
  readonly updateMany: <const F, K extends Key<S["Type"]>, const U, UK extends Path<S["Type"]>>(
    filter: FilterInput<S["Type"], F, K>,
    update: UpdateInput<S["Type"], U, UK>,
    options?: UpdateManyOptions<S["Type"]>
  ) => Effect.Effect<UpdateResult<S["Type"]>, Failure, S["DecodingServices"] | S["EncodingServices"]>
  /** Puts another document in the place of the first one that matches; its `_id` stays. */
  readonly replaceOne: <const F, K extends Key<S["Type"]>>(
    filter: FilterInput<S["Type"], F, K>,
    replacement: Replacement<S>,
    options?: ReplaceOptions<S["Type"]>
  ) => Effect.Effect<UpdateResult<S["Type"]>, Failure, S["DecodingServices"] | S["EncodingServices"]>
  /** Deletes the first document that matches. */
  readonly deleteOne: <const F, K extends Key<S["Type"]>>(
    filter: FilterInput<S["Type"], F, K>,
    options?: DeleteOptions<S["Type"]>
  ) => Effect.Effect<Driver.DeleteResult, Failure, S["EncodingServices"]>
  /** Deletes all documents that match: all of the collection for `{}`. The driver never retries it. */
  readonly deleteMany: <const F, K extends Key<S["Type"]>>(
    filter: FilterInput<S["Type"], F, K>,
    options?: DeleteOptions<S["Type"]>
  ) => Effect.Effect<Driver.DeleteResult, Failure, S["EncodingServices"]>
  /**
   * Runs inserts, updates, replacements and deletes of this collection in batches: in order and up to the first error, or
   * with `ordered: false` all of them. The `_id`s in the result are as they are stored.
   */
  readonly bulkWrite: (
    operations: ReadonlyArray<BulkOperation<S>>,
    options?: BulkWriteOptions
  ) => Effect.Effect<Driver.BulkWriteResult, Failure, InsertServices<S> | S["EncodingServices"]>

  /** Counts the documents that match by reading them or an index. */
  readonly countDocuments: <const F, K extends Key<S["Type"]>>(
    filter?: FilterInput<S["Type"], F, K>,
    options?: CountDocumentsOptions<S["Type"]>
  ) => Effect.Effect<number, Failure, S["EncodingServices"]>
  /** The number of documents after the collection's metadata: fast, and off by some after an unclean shutdown. */
  readonly estimatedDocumentCount: (
    options?: OptionsOf<Driver.EstimatedDocumentCountOptions, "writeConcern">
  ) => Effect.Effect<number, MongoError.MongoError>
  /** The different values of a field, decoded; of its elements, where it is an array. */
  readonly distinct: <
    const P extends Path<S["Type"]>,
    const F = unknown,
    K extends Key<S["Type"]> = Key<S["Type"]>
  >(
    path: Argument<S["Type"], P>,
    filter?: FilterInput<S["Type"], F, K>,
    options?: DistinctOptions<S["Type"]>
  ) => Effect.Effect<
    Array<Distinct<ValueAt<S["Type"], P>>>,
    Failure,
    S["DecodingServices"] | S["EncodingServices"]
  >
  /** A query of what a pipeline makes of the collection, decoded by a schema of its own. Stages are sent as they are. */
  readonly aggregate: <B extends Schema.Constraint>(
    schema: B,
    pipeline: Pipeline,
    options?: AggregateOptions
  ) => AggregateQuery<B["Type"], B["DecodingServices"]>
  /**
   * What happens to the collection, as a stream that goes on after failures. The pipeline is sent as it is; it may filter
   * the events, but must keep their shape.
   */
  readonly watch: (
    pipeline?: Pipeline,
    options?: CoreChangeStream.WatchOptions
  ) => DecodedChangeStream<S["Type"], S["DecodingServices"]>

  /** Makes an index if it is not there, and returns its name. Fails with an `IndexError` where another stands in its way. */
  readonly createIndex: <const F, K extends Path<S["Type"]> | "$**">(
    keys: IndexKeysInput<S["Type"], F, K>,
    indexOptions?: IndexOptions<S["Type"]>,
    options?: WriteOptionsOf<Driver.CreateIndexOptions>
  ) => Effect.Effect<string, Failure, S["EncodingServices"]>
  /** Makes several indexes with one command, and returns their names. */
  readonly createIndexes: (
    indexes: ReadonlyArray<IndexOptions<S["Type"]> & { readonly key: IndexKeys<S["Type"]> }>,
    options?: WriteOptionsOf<Driver.CreateIndexOptions>
  ) => Effect.Effect<Array<string>, Failure, S["EncodingServices"]>
  /** Drops an index by its name or its keys. Fails with an `IndexError` where there is none. */
  readonly dropIndex: (
    index: string | IndexKeys<S["Type"]>,
    options?: WriteOptionsOf<Driver.DropIndexesOptions>
  ) => Effect.Effect<void, MongoError.MongoError>
  /** Drops all indexes but that on `_id`; false where the collection does not exist. */
  readonly dropIndexes: (
    options?: WriteOptionsOf<Driver.DropIndexesOptions>
  ) => Effect.Effect<boolean, MongoError.MongoError>
  /** A query of the collection's indexes. */
  readonly listIndexes: (
    options?: ListOptionsOf<Driver.ListIndexesOptions>
  ) => CoreQuery.Query<Driver.IndexDescriptionInfo>
  /** Whether there are indexes of all these names. */
  readonly indexExists: (
    names: string | ReadonlyArray<string>,
    options?: ListOptionsOf<Driver.ListIndexesOptions>
  ) => Effect.Effect<boolean, MongoError.MongoError>
  /** The options the collection was created with. Fails where the collection does not exist. */
  readonly options: (
    options?: OptionsOf<Driver.OperationOptions>
  ) => Effect.Effect<Driver.Document, MongoError.MongoError>
  /** Whether the collection is capped. Fails where the collection does not exist. */
  readonly isCapped: (options?: OptionsOf<Driver.OperationOptions>) => Effect.Effect<boolean, MongoError.MongoError>
  /** Renames the collection and returns it under its new name. */
  readonly rename: (
    newName: string,
    options?: WriteOptionsOf<Driver.RenameOptions, "new_collection">
  ) => Effect.Effect<TypedCollection<S>, MongoError.MongoError>
  /** Drops the collection with its documents and indexes. It is no error where there is none. */
  readonly drop: (
    options?: WriteOptionsOf<Driver.DropCollectionOptions>
  ) => Effect.Effect<boolean, MongoError.MongoError>
}

/**
 * A collection of a database, for a schema or a model.
 *
 * **Details**
 *
 * Editors show the type of a `Schema.Struct` with all its fields, several times for each operation. Give it a name with
 * `Schema.Opaque`, as below, and they show that: its values stay plain objects. Classes and models have one.
 *
 * **Gotchas**
 *
 * It throws a `MongoError` (`InvalidArgumentError`) where a field would be stored as something that BSON does not have and that
 * could never be read again: a `Schema.BigInt`, a `Schema.DateTimeUtc`, a `Schema.Option`. The message says which field it is,
 * and what to write instead: `Bson.Int64`, `Schema.DateTimeUtcFromDate`, `Schema.OptionFromNullOr`.
 *
 * **Example** (Writing and reading)
 *
 * ```ts
 * import { MongoDatabase } from "@mongofx/core"
 * import { Bson, TypedCollection } from "@mongofx/schema"
 * import { Effect, Schema } from "effect"
 *
 * class User extends Schema.Opaque<User>()(
 *   Schema.Struct({ _id: Bson.ObjectId, name: Schema.String, tags: Schema.Array(Schema.String) })
 * ) {}
 *
 * const program = Effect.gen(function*() {
 *   const users = TypedCollection.make(yield* MongoDatabase.MongoDatabase, "users", User)
 *   const { insertedId } = yield* users.insertOne({ name: "Ada", tags: ["admin"] })
 *   yield* users.updateOne({ _id: insertedId }, { $push: { tags: "author" } })
 *   return yield* users.find({ "tags.0": "admin" })
 * })
 * ```
 *
 * @stability unstable
 * @category constructors
 * @since 0.1.0
 */
export const make = <S extends Schema.Constraint>(
  database: MongoDatabase.MongoDatabase,
  name: string,
  schema: S,
  options?: Core.CollectionOptions
): TypedCollection<S> => internal.make(database.collection(name, options), schema)

/**
 * What a service of a collection is made of.
 *
 * @stability unstable
 * @category options
 * @since 0.1.0
 */
export interface ServiceOptions<S extends Schema.Constraint> extends Core.CollectionOptions {
  /** The collection's name. */
  readonly name: string
  /** The schema of its documents. */
  readonly schema: S
}

/**
 * The operations of a collection that takes the place of another in a test. `TypedQuery.fromIterable` makes its queries.
 *
 * @stability unstable
 * @category utility types
 * @since 0.1.0
 */
export type Mocked<S extends Schema.Constraint> = Partial<
  Omit<TypedCollection<S>, TypeId | "fullName" | "name" | "schema">
>

/**
 * A class whose instances are never made: the service of a collection, with the layer that supplies it.
 *
 * @stability unstable
 * @category services
 * @since 0.1.0
 */
export interface ServiceClass<Self, Id extends string, S extends Schema.Constraint>
  extends Context.ServiceClass<Self, Id, TypedCollection<S>>
{
  /** Supplies the collection, in the database of the context. */
  readonly layer: Layer.Layer<Self, never, MongoDatabase.MongoDatabase>
  /** Supplies a collection that has these operations and no server, for a test. One that is not given dies when it is used. */
  readonly mock: (operations: Mocked<S>) => Layer.Layer<Self>
}

/**
 * Makes the service of a collection, for programs that take it from the context.
 *
 * **Example** (A collection as a service)
 *
 * ```ts
 * import { Bson, TypedCollection } from "@mongofx/schema"
 * import { Effect, Schema } from "effect"
 *
 * const User = Schema.Struct({ _id: Bson.ObjectId, name: Schema.String })
 *
 * class Users extends TypedCollection.Service<Users>()("app/Users", { name: "users", schema: User }) {}
 *
 * const countUsers = Effect.gen(function*() {
 *   const users = yield* Users
 *   return yield* users.countDocuments({ name: "Ada" })
 * }).pipe(Effect.provide(Users.layer))
 * ```
 *
 * @stability unstable
 * @category constructors
 * @since 0.1.0
 */
export const Service = <Self>() =>
<const Id extends string, S extends Schema.Constraint>(
  id: Id,
  { name, schema, ...options }: ServiceOptions<S>
): ServiceClass<Self, Id, S> => {
  const service = Context.Service<Self, TypedCollection<S>>()(id)
  const layer = Layer.effect(
    service,
    MongoDatabase.MongoDatabase.useSync((database) => make(database, name, schema, options))
  )
  const mock = (operations: Mocked<S>) =>
    Layer.mock(service)({ [TypeId]: TypeId, name, fullName: `mock.${name}`, schema, ...operations } as never)
  return Object.assign(service, { layer, mock })
}

/**
 * Whether a value is a collection of a schema.
 *
 * **Example** (Telling it from other values)
 *
 * ```ts
 * import { TypedCollection } from "@mongofx/schema"
 *
 * console.log(TypedCollection.isTypedCollection("users")) // false
 * ```
 *
 * @stability unstable
 * @category guards
 * @since 0.1.0
 */
export const isTypedCollection = (u: unknown): u is TypedCollection<Schema.Constraint> =>
  Predicate.hasProperty(u, TypeId)
