/**
 * Collections with a schema. They check and encode documents on the way in, and check and decode them on the way out. Filters
 * and updates are typed on the decoded document.
 *
 * @since 0.1.0
 */
import type {
  ChangeStream as CoreChangeStream,
  MongoCollection as Core,
  MongoError,
  MongoSharding,
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
import type { Decoded } from "./internal/expression/types.ts"
import type { Shallow } from "./internal/path/types.ts"
import type { Argument, ElementOf, IdOf, Path, ValueAt } from "./Path.ts"
import type { Documents, Pipeline, Services, Stages } from "./Pipeline.ts"
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
 * Marks a value as a collection with a schema.
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
 * The options that name fields of a document or hold their values. Typed operations define them anew, typed on the document.
 *
 * @see {@link HintOption} for one of them
 * @stability unstable
 * @category utility types
 * @since 0.1.0
 */
export type FieldOption = "sort" | "hint" | "min" | "max" | "projection" | "arrayFilters"

/**
 * The option `hint` of operations on documents of type `A`.
 *
 * @see {@link SortOption} for the order of documents
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
 * @see {@link HintOption} for the index to use
 * @stability unstable
 * @category options
 * @since 0.1.0
 */
export interface SortOption<A> {
  /** The order that decides which document is the first. */
  readonly sort?: Sort<A> | undefined
}

/**
 * The option `arrayFilters` of updates.
 *
 * @see {@link Update.ArrayFilter} for its conditions
 * @stability unstable
 * @category options
 * @since 0.1.0
 */
export interface ArrayFiltersOption {
  /** The conditions on the elements that each `$[identifier]` in the update stands for. */
  readonly arrayFilters?: ReadonlyArray<ArrayFilter> | undefined
}

/**
 * The option `projection` of operations that return a document of type `A`: `P` is the type of the projection, `K` its keys.
 *
 * @see {@link Returned} for the type of the result
 * @stability unstable
 * @category options
 * @since 0.1.0
 */
export interface ProjectionOption<A, P, K extends PropertyKey> {
  /** The fields to return. */
  readonly projection?: ProjectionInput<A, P, K> | undefined
}

/**
 * Options of `insertOne`.
 *
 * @see {@link InsertManyOptions} for several documents
 * @stability unstable
 * @category options
 * @since 0.1.0
 */
export interface InsertOneOptions extends WriteOptionsOf<Driver.InsertOneOptions> {}

/**
 * Options of `insertMany`.
 *
 * @see {@link InsertOneOptions} for one document
 * @stability unstable
 * @category options
 * @since 0.1.0
 */
export interface InsertManyOptions extends WriteOptionsOf<Driver.BulkWriteOptions, "let"> {}

/**
 * Options of `bulkWrite`.
 *
 * @see {@link InsertManyOptions} for inserts alone
 * @stability unstable
 * @category options
 * @since 0.1.0
 */
export interface BulkWriteOptions extends WriteOptionsOf<Driver.BulkWriteOptions, "collation"> {}

/**
 * Options of `find`. Most other settings are methods of the query.
 *
 * @see {@link FindOneOptions} for one document
 * @stability unstable
 * @category options
 * @since 0.1.0
 */
export interface FindOptions extends OptionsOf<Driver.FindOptions, FieldOption | "returnKey" | "showRecordId"> {}

/**
 * Options of `findOne`: `P` is the type of the projection, `K` its keys.
 *
 * @see {@link FindOptions} for several documents
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
 * @see {@link DeleteOptions} for a delete without the document
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
 * @see {@link ReplaceOptions} for a replacement without the document
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
 * @see {@link UpdateOptions} for an update without the document
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
 * @see {@link UpdateOptions} for one document
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
 * @see {@link UpdateManyOptions} for several documents
 * @stability unstable
 * @category options
 * @since 0.1.0
 */
export interface UpdateOptions<A> extends UpdateManyOptions<A>, SortOption<A> {}

/**
 * Options of `replaceOne`.
 *
 * @see {@link FindOneAndReplaceOptions} for a replacement that returns the document
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
 * @see {@link FindOneAndDeleteOptions} for a delete that returns the document
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
 * @see {@link DistinctOptions} for the different values of a field
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
 * @see {@link FindOptions} for queries without a pipeline
 * @stability unstable
 * @category options
 * @since 0.1.0
 */
export interface AggregateOptions extends OptionsOf<Driver.AggregateOptions, "out" | "cursor"> {}

/**
 * The argument of inserts: the fields of the schema, or of a model's variant `insert`. Fields with a default may be left out,
 * and so may an `_id` that is an ObjectId.
 *
 * @see {@link Replacement} for documents that replace others
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
 * The argument of replacements: the fields of the schema without `_id`. Fields with a default may be left out.
 *
 * @see {@link Insert} for new documents
 * @stability unstable
 * @category utility types
 * @since 0.1.0
 */
export type Replacement<S extends Schema.Constraint> = WithoutId<S["~type.make.in"]>

type WithoutId<I> = I extends unknown ? Omit<I, "_id"> : never

/** The services of inserts. The schema encodes filters and updates, the variant of a model encodes inserts. */
type InsertServices<S extends Schema.Constraint> = S extends { readonly insert: infer V extends Schema.Constraint }
  ? V["EncodingServices"] | S["DecodingServices"]
  : S["EncodingServices"] | S["DecodingServices"]

/**
 * The type that an operation returns for documents of type `A`: the whole document, or the result of a projection of type `P`.
 *
 * @see {@link Projection.Projected} for the result of a projection
 * @stability unstable
 * @category utility types
 * @since 0.1.0
 */
export type Returned<A, P> = [P] extends [never] ? A : Projected<A, P>

/**
 * The result of `insertOne`.
 *
 * @see {@link InsertManyResult} for several documents
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
 * The result of `insertMany`.
 *
 * @see {@link InsertOneResult} for one document
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
 * The result of an update or a replacement.
 *
 * @see {@link InsertOneResult} for inserts
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface UpdateResult<A> {
  /** Whether the server has said that it is done; false with `w: 0`. */
  readonly acknowledged: boolean
  /** How many documents matched. */
  readonly matchedCount: number
  /** How many documents have changed. */
  readonly modifiedCount: number
  /** How many documents an upsert has inserted: 0 or 1. */
  readonly upsertedCount: number
  /** The `_id` of the document that an upsert has inserted, decoded. */
  readonly upsertedId: IdOf<A> | null
}

/**
 * Options of an index.
 *
 * @see {@link TypedQuery.IndexKeys} for the keys of an index
 * @stability unstable
 * @category options
 * @since 0.1.0
 */
export type IndexOptions<A> = OptionsOf<Driver.IndexOptions, "partialFilterExpression"> & {
  /** The filter of the documents that the index holds. */
  readonly partialFilterExpression?: PartialFilter<A> | undefined
}

/**
 * An index as `createIndexes` takes it: its keys and its options.
 *
 * @see {@link CollectionOptions} for the indexes that a collection declares
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export type Index<A> = IndexOptions<A> & {
  /** The fields in their order, each with a direction or a kind. */
  readonly key: IndexKeys<A>
}

/**
 * The documents of type `A` that an operation of a bulk write changes.
 *
 * @see {@link BulkOperation} for the operations
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface BulkFilter<A> extends HintOption<A> {
  /** The filter of the documents. */
  readonly filter: Filter<A>
  /** The rules for comparing text. */
  readonly collation?: Driver.CollationOptions
}

/**
 * One of the operations of a bulk write.
 *
 * @see {@link BulkFilter} for the documents that an operation changes
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
 * The values that `distinct` gives for a field of type `V`: the elements, if it is an array.
 *
 * @see {@link Path.ValueAt} for the whole value of a field
 * @stability unstable
 * @category utility types
 * @since 0.1.0
 */
export type Distinct<V> = ElementOf<V> | Exclude<V, undefined | ReadonlyArray<unknown>>

/**
 * A collection of documents with a schema: a cheap value that does no I/O until one of its operations runs.
 *
 * **Details**
 *
 * The operations are those of the collection of `@mongofx/core`, and behave as they do there. In addition:
 *
 * - Reads decode documents. A document that does not decode fails the operation with a `DocumentError`. Queries have
 *   `onInvalid` for another treatment.
 * - Inserts fill in the defaults of the schema, anew for every run, and check and encode documents.
 * - The paths and operands of filters, updates, sort orders and projections are typed on the decoded document. The codec of a
 *   field encodes its operands. An unknown path, an unknown operator or an `undefined` is an `InvalidArgumentError`, an operand
 *   that does not fit a `DocumentError`. Nothing is sent then.
 *
 * With a model of Effect, inserts take the variant `insert`. All other operations use the model itself.
 *
 * **Gotchas**
 *
 * A path cannot go into a field whose schema transforms an object as a whole. It can if the schema only renames keys with
 * `Schema.encodeKeys`.
 *
 * @see {@link make} for a collection as a value
 * @see {@link Service} for a collection from the context
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface TypedCollection<S extends Schema.Constraint> {
  readonly [TypeId]: TypeId
  /** The collection's name. */
  readonly name: string
  /** The name with the name of its database: `app.users`. */
  readonly fullName: string
  /** The schema of its documents. */
  readonly schema: S
  /** The same collection without the schema. */
  readonly untyped: Core.MongoCollection
  /** The same collection with other settings. */
  readonly withOptions: (options: Core.CollectionOptions) => TypedCollection<S>

  /** Inserts a document. Fails with a `DuplicateKeyError` if a unique index has its key already. */
  readonly insertOne: (
    document: Insert<S>,
    options?: InsertOneOptions
  ) => Effect.Effect<InsertOneResult<S["Type"]>, Failure, InsertServices<S>>
  /** Inserts documents. All are encoded before the first one is sent. */
  readonly insertMany: (
    documents: ReadonlyArray<Insert<S>>,
    options?: InsertManyOptions
  ) => Effect.Effect<InsertManyResult<S["Type"]>, Failure, InsertServices<S>>

  /** A query of the documents that match the filter. Without a filter, it finds all documents. */
  readonly find: <const F, K extends Key<S["Type"]>>(
    filter?: FilterInput<S["Type"], F, K>,
    options?: FindOptions
  ) => FindQuery<S["Type"], S["Type"], S["DecodingServices"] | S["EncodingServices"]>
  /** Finds the first document that matches, if any. */
  readonly findOne: <const F, K extends Key<S["Type"]>, PK extends Path<S["Type"]>, const P = never>(
    filter?: FilterInput<S["Type"], F, K>,
    options?: FindOneOptions<S["Type"], P, PK>
  ) => Effect.Effect<
    Option.Option<Returned<S["Type"], P>>,
    Failure,
    S["DecodingServices"] | S["EncodingServices"]
  >
  /** Deletes the first document that matches and returns it. It deletes the document even if it does not decode. */
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
   * replaces the document even if the returned one does not decode.
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
   * updates the document even if the returned one does not decode.
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

  /** Finds the document with this `_id`, if there is one. Failures and spans name it `findOne`. */
  readonly findById: <PK extends Path<S["Type"]>, const P = never>(
    id: IdOf<S["Type"]>,
    options?: FindOneOptions<S["Type"], P, PK>
  ) => Effect.Effect<Option.Option<Returned<S["Type"], P>>, Failure, S["DecodingServices"] | S["EncodingServices"]>
  /**
   * A query of the documents with these `_id`s, in any order. Absent documents are left out. Failures and spans name it
   * `find`.
   */
  readonly findByIds: (
    ids: ReadonlyArray<IdOf<S["Type"]>>,
    options?: FindOptions
  ) => FindQuery<S["Type"], S["Type"], S["DecodingServices"] | S["EncodingServices"]>
  /** Replaces the document with this `_id`. Failures and spans name it `replaceOne`. */
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
  /** Replaces the first document that matches. Its `_id` stays. */
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
  /** Deletes all documents that match. `{}` matches all documents. The driver never retries it. */
  readonly deleteMany: <const F, K extends Key<S["Type"]>>(
    filter: FilterInput<S["Type"], F, K>,
    options?: DeleteOptions<S["Type"]>
  ) => Effect.Effect<Driver.DeleteResult, Failure, S["EncodingServices"]>
  /**
   * Runs inserts, updates, replacements and deletes of this collection in batches. It runs them in order up to the first
   * error, or all of them with `ordered: false`. The `_id`s in the result are stored values.
   */
  readonly bulkWrite: (
    operations: ReadonlyArray<BulkOperation<S>>,
    options?: BulkWriteOptions
  ) => Effect.Effect<Driver.BulkWriteResult, Failure, InsertServices<S> | S["EncodingServices"]>

  /** Counts the documents that match. It reads them or an index. */
  readonly countDocuments: <const F, K extends Key<S["Type"]>>(
    filter?: FilterInput<S["Type"], F, K>,
    options?: CountDocumentsOptions<S["Type"]>
  ) => Effect.Effect<number, Failure, S["EncodingServices"]>
  /** The number of documents in the metadata of the collection. It is fast, and may be wrong after an unclean shutdown. */
  readonly estimatedDocumentCount: (
    options?: OptionsOf<Driver.EstimatedDocumentCountOptions, "writeConcern">
  ) => Effect.Effect<number, MongoError.MongoError>
  /** The different values of a field, decoded. For an array, the different elements. */
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
  /**
   * A query of the results of a pipeline, decoded. Its schema follows from the stages. The first parameter of the other form is
   * the schema of the results of stages that are written by hand: these are sent as they are.
   */
  readonly aggregate: {
    <B, R>(
      pipeline: (documents: Pipeline<Documents<S>, Services<S>>) => Pipeline<B, R>,
      options?: AggregateOptions
    ): AggregateQuery<Decoded<B>, R>
    <B extends Schema.Constraint>(
      schema: B,
      pipeline: Stages,
      options?: AggregateOptions
    ): AggregateQuery<B["Type"], B["DecodingServices"]>
  }
  /**
   * A stream of the changes of the collection, which resumes after failures. The pipeline is sent as it is. It may filter the
   * events, but must keep their shape.
   */
  readonly watch: (
    pipeline?: Stages,
    options?: CoreChangeStream.WatchOptions
  ) => DecodedChangeStream<S["Type"], S["DecodingServices"]>

  /** Creates an index if it does not exist, and returns its name. Fails with an `IndexError` if another one conflicts. */
  readonly createIndex: <const F, K extends Path<S["Type"]> | "$**">(
    keys: IndexKeysInput<S["Type"], F, K>,
    indexOptions?: IndexOptions<S["Type"]>,
    options?: WriteOptionsOf<Driver.CreateIndexOptions>
  ) => Effect.Effect<string, Failure, S["EncodingServices"]>
  /** Creates several indexes with one command, and returns their names. */
  readonly createIndexes: (
    indexes: ReadonlyArray<Index<S["Type"]>>,
    options?: WriteOptionsOf<Driver.CreateIndexOptions>
  ) => Effect.Effect<Array<string>, Failure, S["EncodingServices"]>
  /** Drops an index by its name or its keys. Fails with an `IndexError` if there is no such index. */
  readonly dropIndex: (
    index: string | IndexKeys<S["Type"]>,
    options?: WriteOptionsOf<Driver.DropIndexesOptions>
  ) => Effect.Effect<void, MongoError.MongoError>
  /** Drops all indexes except the one on `_id`. The result is `false` if the collection does not exist. */
  readonly dropIndexes: (
    options?: WriteOptionsOf<Driver.DropIndexesOptions>
  ) => Effect.Effect<boolean, MongoError.MongoError>
  /** A query of the collection's indexes. */
  readonly listIndexes: (
    options?: ListOptionsOf<Driver.ListIndexesOptions>
  ) => CoreQuery.Query<Driver.IndexDescriptionInfo>
  /** Whether indexes with all these names exist. */
  readonly indexExists: (
    names: string | ReadonlyArray<string>,
    options?: ListOptionsOf<Driver.ListIndexesOptions>
  ) => Effect.Effect<boolean, MongoError.MongoError>
  /** The indexes that the collection was made with, encoded. `MongoIndex.ensure` creates those that do not exist. */
  readonly declaredIndexes: Effect.Effect<ReadonlyArray<Driver.IndexDescription>, Failure, S["EncodingServices"]>
  /** The shard key that the collection was made with, under its stored names. `MongoSharding.shardCollection` of `@mongofx/core` takes it. */
  readonly declaredShardKey: MongoSharding.ShardKey | undefined
  /** The options that the collection was created with. Fails if the collection does not exist. */
  readonly options: (
    options?: OptionsOf<Driver.OperationOptions>
  ) => Effect.Effect<Driver.Document, MongoError.MongoError>
  /** Whether the collection is capped. Fails if the collection does not exist. */
  readonly isCapped: (options?: OptionsOf<Driver.OperationOptions>) => Effect.Effect<boolean, MongoError.MongoError>
  /** Renames the collection and returns it under its new name. */
  readonly rename: (
    newName: string,
    options?: WriteOptionsOf<Driver.RenameOptions, "new_collection">
  ) => Effect.Effect<TypedCollection<S>, MongoError.MongoError>
  /** Drops the collection with its documents and indexes. Succeeds if the collection does not exist. */
  readonly drop: (
    options?: WriteOptionsOf<Driver.DropCollectionOptions>
  ) => Effect.Effect<boolean, MongoError.MongoError>
}

/**
 * The options of a collection with a schema.
 *
 * @see {@link make} for how to make one
 * @stability unstable
 * @category options
 * @since 0.1.0
 */
export interface CollectionOptions<A> extends Core.CollectionOptions {
  /**
   * The indexes that the collection needs. Making the collection does nothing about them: `MongoIndex.ensure` does, when a program
   * starts or is deployed.
   */
  readonly indexes?: ReadonlyArray<Index<A>> | undefined
  /**
   * The key by which the collection is sharded. Making the collection does nothing about it: `MongoSharding.shardCollection` of `@mongofx/core` does,
   * with `declaredShardKey`.
   *
   * `updateOne`, `replaceOne`, `deleteOne`, `findOneAnd…` and those of a bulk write then need an equality on every field of the key in their filter, so
   * that one shard is asked. Without it they are refused with an `InvalidArgumentError`: some servers refuse them too, and others ask every
   * shard. So are upserts without the whole key, updates of many documents that change it, and documents that lack a field of it. What should ask every
   * shard nevertheless can be done by the operations of `untyped`.
   *
   * An update of one document may change the key, so that the document moves to another shard. That needs a transaction or a retryable write,
   * the default, and fails in a bulk write beside other updates.
   */
  readonly shardKey?: ShardKey<A> | undefined
  /**
   * Whether writes to one document may ask every shard: `"never"` by default. `"byId"` allows it to those that name the document by its `_id`, such as
   * `updateById` and the writes of a repository. Needs MongoDB 7.0.
   */
  readonly broadcast?: "never" | "byId" | undefined
}

/**
 * The key of a sharded collection of documents of type `A`: its fields in their order, each by its value (`1`) or by the hash of its value.
 *
 * @see {@link CollectionOptions} which take it
 * @see `MongoSharding.ShardKey` of `@mongofx/core` for keys of any fields
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export type ShardKey<A> = { readonly [P in Shallow<A> | "_id"]?: 1 | "hashed" }

/**
 * Makes a collection of a database, for a schema or a model.
 *
 * **Details**
 *
 * Editors show the type of a `Schema.Struct` with all its fields, several times for each operation. Give it a name with
 * `Schema.Opaque`, as below, and they show the name. The values stay plain objects. Classes and models have a name already.
 *
 * **Gotchas**
 *
 * It throws a `MongoError` (`InvalidArgumentError`) if BSON could not hold the value of a field, so that it could never be read
 * again: a `Schema.BigInt`, a `Schema.DateTimeUtc`, a `Schema.Option`. The message names the field and the schema to use
 * instead: `Bson.Int64`, `Schema.DateTimeUtcFromDate`, `Schema.OptionFromNullOr`. So it does for a `shardKey` that is not one.
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
 * @see {@link Service} for a collection from the context
 * @stability unstable
 * @category constructors
 * @since 0.1.0
 */
export const make = <S extends Schema.Constraint>(
  database: MongoDatabase.MongoDatabase,
  name: string,
  schema: S,
  { broadcast, indexes, shardKey, ...options }: CollectionOptions<S["Type"]> = {}
): TypedCollection<S> => internal.make(database.collection(name, options), schema, { broadcast, indexes, shardKey })

/**
 * The options of `Service`.
 *
 * @see {@link Service} for how to make a service
 * @stability unstable
 * @category options
 * @since 0.1.0
 */
export interface ServiceOptions<S extends Schema.Constraint> extends CollectionOptions<S["Type"]> {
  /** The collection's name. */
  readonly name: string
  /** The schema of its documents. */
  readonly schema: S
}

/**
 * The operations of a collection that replaces another one in a test. `TypedQuery.fromIterable` makes its queries.
 *
 * @see {@link ServiceClass} for the layer that takes it
 * @stability unstable
 * @category utility types
 * @since 0.1.0
 */
export type Mocked<S extends Schema.Constraint> = Partial<
  Omit<TypedCollection<S>, TypeId | "fullName" | "name" | "schema">
>

/**
 * The class of a service for a collection, with the layers that supply it. It is never instantiated.
 *
 * @see {@link Service} for how to make one
 * @stability unstable
 * @category services
 * @since 0.1.0
 */
export interface ServiceClass<Self, Id extends string, S extends Schema.Constraint>
  extends Context.ServiceClass<Self, Id, TypedCollection<S>>
{
  /** The schema of the collection's documents. */
  readonly schema: S
  /** Supplies the collection of the database in the context. */
  readonly layer: Layer.Layer<Self, never, MongoDatabase.MongoDatabase>
  /** Supplies a collection of these operations without a server, for a test. Any other operation dies when it runs. */
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
 * @see {@link make} for a collection as a value
 * @see {@link CollectionOptions} for the indexes that it declares
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
  return Object.assign(service, { schema, layer, mock })
}

/**
 * Whether a value is a collection with a schema.
 *
 * **Example** (Telling it from other values)
 *
 * ```ts
 * import { TypedCollection } from "@mongofx/schema"
 *
 * console.log(TypedCollection.isTypedCollection("users")) // false
 * ```
 *
 * @see {@link TypedCollection} for what it recognises
 * @stability unstable
 * @category guards
 * @since 0.1.0
 */
export const isTypedCollection = (u: unknown): u is TypedCollection<Schema.Constraint> =>
  Predicate.hasProperty(u, TypeId)
