/**
 * Files of any size in MongoDB, after the GridFS specification: uploaded from a `Stream` or through a `Sink`, downloaded as a
 * `Stream`, whole or in part.
 *
 * A bucket is two collections: `fs.files` has a document for each file, `fs.chunks` its bytes in pieces of 255 KiB. What is
 * stored here can be read by the GridFS of every other driver, and the other way round.
 *
 * @since 0.1.0
 */
import type * as Effect from "effect/Effect"
import type * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import type * as Sink from "effect/Sink"
import type * as Stream from "effect/Stream"
import type * as Driver from "mongodb"
import * as internal from "./internal/gridfs/bucket.ts"
import type { CollectionOptions, Filter } from "./MongoCollection.ts"
import type { MongoDatabase } from "./MongoDatabase.ts"
import type { MongoError } from "./MongoError.ts"
import type { FindQuery } from "./Query.ts"

/**
 * The type of `TypeId`.
 *
 * @stability unstable
 * @category type IDs
 * @since 0.1.0
 */
export type TypeId = "~@mongofx/core/GridFSBucket"

/**
 * Marks a value as a bucket of GridFS.
 *
 * **Example** (Reading the mark)
 *
 * ```ts
 * import { GridFS } from "@mongofx/core"
 *
 * console.log(GridFS.TypeId)
 * ```
 *
 * @stability unstable
 * @category type IDs
 * @since 0.1.0
 */
export const TypeId: TypeId = internal.TypeId

/**
 * Settings of a bucket. What is left out is that of the database.
 *
 * @stability unstable
 * @category options
 * @since 0.1.0
 */
export interface BucketOptions extends Pick<CollectionOptions, "readConcern" | "readPreference" | "writeConcern"> {
  /** The name before `.files` and `.chunks` in the names of the two collections: `fs` by default. */
  readonly bucketName?: string | undefined
  /** How many bytes a chunk holds: 255 KiB by default. A chunk is a document, so it has to stay below 16 MiB. */
  readonly chunkSize?: number | undefined
}

/**
 * What the document of a file says.
 *
 * **Gotchas**
 *
 * Very old files may have no `filename`.
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface GridFSFile<Metadata extends Driver.Document = Driver.Document, Id = Driver.ObjectId> {
  /** The id, by which the file is downloaded, renamed and deleted. */
  readonly _id: Id
  /** Length in bytes. */
  readonly length: number
  /** How many bytes each chunk holds, the last excepted. */
  readonly chunkSize: number
  /** When the upload ended. */
  readonly uploadDate: Date
  /** The name, which several files may have: its revisions. */
  readonly filename: string
  /** Whatever the application says of the file. */
  readonly metadata?: Metadata | undefined
}

/**
 * Options of an upload.
 *
 * @stability unstable
 * @category options
 * @since 0.1.0
 */
export interface UploadOptions<Metadata extends Driver.Document = Driver.Document, Id = Driver.ObjectId> {
  /** The file's id. Without one every run of the upload makes a new `ObjectId`. */
  readonly id?: Id | undefined
  /** How many bytes a chunk of this file holds: that of the bucket by default. */
  readonly chunkSize?: number | undefined
  /** What is to stand in the file's document as `metadata`. */
  readonly metadata?: Metadata | undefined
}

/**
 * The last parameter of `upload` and `uploadSink`: a bucket whose ids are no `ObjectId`s has to be given each of them.
 *
 * @stability unstable
 * @category utility types
 * @since 0.1.0
 */
export type UploadArguments<Metadata extends Driver.Document, Id> = Driver.ObjectId extends Id
  ? [options?: UploadOptions<Metadata, Id>]
  : [options: UploadOptions<Metadata, Id> & { readonly id: Id }]

/**
 * Which bytes of a file are downloaded.
 *
 * @stability unstable
 * @category options
 * @since 0.1.0
 */
export interface DownloadOptions {
  /** The offset of the first byte: 0 by default. */
  readonly start?: number | undefined
  /** The offset behind the last byte: the file's length by default. */
  readonly end?: number | undefined
}

/**
 * Which of the files of a name is downloaded, and which of its bytes.
 *
 * @stability unstable
 * @category options
 * @since 0.1.0
 */
export interface DownloadByNameOptions extends DownloadOptions {
  /** By upload date: 0 is the oldest, 1 the one after it; -1, the default, is the newest, -2 the one before it. */
  readonly revision?: number | undefined
}

/**
 * A bucket of files: a cheap value that does no I/O until one of its operations runs.
 *
 * **Details**
 *
 * As the operations of a collection, those of a bucket are descriptions that can be run any number of times, join the session
 * and the transaction of their context, and fail with a `MongoError`. Its reason is a `GridFSError` with kind `fileNotFound`
 * where there is no such file, and with kind `corrupt` where the chunks of a file are not what its document says: one is
 * missing, also at the end, one is there twice, one has another length, or there is one too many.
 *
 * Uploads and downloads work in batches of 4 MiB and hold a few of them, whatever the length of the file. The first upload
 * of a bucket value makes the indexes of an empty bucket where they are missing.
 *
 * Numbers in `metadata` are read as numbers, and as `Long` where they do not fit, whatever the client's BSON settings are.
 *
 * **Gotchas**
 *
 * A file cannot be replaced in its place: upload another of its name, which is its newest revision then, and delete the old
 * one. In a transaction both happen at once; but the server ends a transaction after a minute, unless it is told otherwise,
 * and a large upload may take longer.
 *
 * Where reads go to secondaries, one that lags behind may have a file's document but not yet all of its chunks.
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface GridFSBucket<in out Metadata extends Driver.Document = Driver.Document, in out Id = Driver.ObjectId> {
  readonly [TypeId]: TypeId
  /** The bucket's name: `fs`, where it was given none. */
  readonly name: string
  /** The database the bucket belongs to. */
  readonly database: MongoDatabase
  /** How many bytes a chunk holds, where an upload does not say otherwise. */
  readonly chunkSize: number

  /**
   * Stores what a stream gives as a file, and returns the file's document. Fails with what the stream fails with, and with a
   * `DuplicateKeyError` where there is a file of the id already.
   *
   * The file is there when the effect has succeeded. Where it fails or is interrupted, what had been sent is removed before
   * it ends; after five seconds, if the server does not answer, that goes on in the background. Only when the process or its
   * connection ends in the middle of it are chunks left, which `delete` with the file's id removes.
   */
  readonly upload: <E, R>(
    filename: string,
    stream: Stream.Stream<Uint8Array, E, R>,
    ...options: UploadArguments<Metadata, Id>
  ) => Effect.Effect<GridFSFile<Metadata, Id>, E | MongoError, R>
  /** As `upload`, for a stream that is run elsewhere. */
  readonly uploadSink: (
    filename: string,
    ...options: UploadArguments<Metadata, Id>
  ) => Sink.Sink<GridFSFile<Metadata, Id>, Uint8Array, never, MongoError>

  /**
   * The bytes of a file, through one cursor, which is closed when the stream ends, fails or is interrupted. For a range only
   * the chunks that hold it are read. Fails with an `InvalidArgumentError` where a range does not lie within the file.
   */
  readonly download: (id: Id, options?: DownloadOptions) => Stream.Stream<Uint8Array, MongoError>
  /** The bytes of the newest file of a name, or of another revision. */
  readonly downloadByName: (
    filename: string,
    options?: DownloadByNameOptions
  ) => Stream.Stream<Uint8Array, MongoError>

  /** A query of the documents of the files that match; of all without a filter. */
  readonly find: (filter?: Filter<GridFSFile<Metadata, Id>>) => FindQuery<GridFSFile<Metadata, Id>>
  /** The document of the first file that matches, or none. */
  readonly findOne: (
    filter?: Filter<GridFSFile<Metadata, Id>>
  ) => Effect.Effect<Option.Option<GridFSFile<Metadata, Id>>, MongoError>

  /** Gives a file another name. */
  readonly rename: (id: Id, filename: string) => Effect.Effect<void, MongoError>
  /** Gives all files of a name another one: all revisions. */
  readonly renameByName: (filename: string, newFilename: string) => Effect.Effect<void, MongoError>
  /**
   * Deletes a file and its chunks. An interruption does not stop it half-way: it is finished in the background when it
   * takes longer than five seconds. Also removes chunks that have no file, and fails then.
   */
  readonly delete: (id: Id) => Effect.Effect<void, MongoError>
  /**
   * Deletes all files of a name, with their chunks first: where it fails in the middle, a second run finishes what the first
   * one has begun, and a file that is left until then may lack chunks.
   */
  readonly deleteByName: (filename: string) => Effect.Effect<void, MongoError>
  /** Drops both collections: all files of the bucket. */
  readonly drop: () => Effect.Effect<void, MongoError>
}

/**
 * A bucket of a database.
 *
 * **When to use**
 *
 * Use it for what is larger than a document may be (16 MiB), and for what is read in parts. Smaller things are better a
 * field of a document.
 *
 * **Details**
 *
 * Make it once and keep it: each value looks for its indexes anew. Say the types of `metadata` and of the ids where they are
 * not any document and `ObjectId`; neither is checked.
 *
 * After the GridFS specification, without the MD5 sums that it has given up.
 *
 * **Example** (A file there and back)
 *
 * ```ts
 * import { GridFS, MongoDatabase } from "@mongofx/core"
 * import { Effect, Stream } from "effect"
 *
 * const program = Effect.gen(function*() {
 *   const images = GridFS.bucket<{ readonly type: string }>(yield* MongoDatabase.MongoDatabase, { bucketName: "images" })
 *   const bytes = Stream.make(new TextEncoder().encode("<svg/>"))
 *   const file = yield* images.upload("empty.svg", bytes, { metadata: { type: "image/svg+xml" } })
 *   return yield* images.download(file._id, { start: 1, end: 4 }).pipe(Stream.decodeText(), Stream.mkString) // "svg"
 * })
 * ```
 *
 * @stability unstable
 * @category constructors
 * @since 0.1.0
 */
export const bucket: <Metadata extends Driver.Document = Driver.Document, Id = Driver.ObjectId>(
  database: MongoDatabase,
  options?: BucketOptions
) => GridFSBucket<Metadata, Id> = (database, options = {}) => internal.makeBucket(database, options)

/**
 * Whether a value is a bucket of GridFS.
 *
 * **Example** (Telling a bucket from other values)
 *
 * ```ts
 * import { GridFS } from "@mongofx/core"
 *
 * console.log(GridFS.isBucket("fs")) // false
 * ```
 *
 * @stability unstable
 * @category guards
 * @since 0.1.0
 */
export const isBucket = (u: unknown): u is GridFSBucket => Predicate.hasProperty(u, TypeId)
