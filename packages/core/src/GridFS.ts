/**
 * Files of any size in MongoDB, as the GridFS specification defines them: uploaded from a `Stream` or through a `Sink`, downloaded as a
 * `Stream`, whole or in part.
 *
 * A bucket is two collections: `fs.files` has a document for each file, `fs.chunks` its bytes in pieces of 255 KiB. The GridFS of
 * every other driver can read what is stored here, and the other way round.
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
 * Marks a value as a GridFS bucket.
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
 * Settings of a bucket. Settings that are left out are those of the database.
 *
 * @stability unstable
 * @category options
 * @since 0.1.0
 */
export interface BucketOptions extends Pick<CollectionOptions, "readConcern" | "readPreference" | "writeConcern"> {
  /** The name before `.files` and `.chunks` in the names of the two collections: `fs` by default. */
  readonly bucketName?: string | undefined
  /** The number of bytes in a chunk: 255 KiB by default. A chunk is a document, so it must stay below 16 MiB. */
  readonly chunkSize?: number | undefined
}

/**
 * The document of a file.
 *
 * **Gotchas**
 *
 * Very old files may have no `filename`.
 *
 * @see {@link UploadOptions} for the parts that an upload chooses
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface GridFSFile<Metadata extends Driver.Document = Driver.Document, Id = Driver.ObjectId> {
  /** The id for downloading, renaming and deleting the file. */
  readonly _id: Id
  /** The length in bytes. */
  readonly length: number
  /** The number of bytes in each chunk, except the last. */
  readonly chunkSize: number
  /** When the upload ended. */
  readonly uploadDate: Date
  /** The name. Several files may have the same name: they are its revisions. */
  readonly filename: string
  /** What the application stores about the file. */
  readonly metadata?: Metadata | undefined
}

/**
 * Options of an upload.
 *
 * @see {@link BucketOptions} for the settings of a bucket
 *
 * @stability unstable
 * @category options
 * @since 0.1.0
 */
export interface UploadOptions<Metadata extends Driver.Document = Driver.Document, Id = Driver.ObjectId> {
  /** The file's id. Without one every run of the upload makes a new `ObjectId`. */
  readonly id?: Id | undefined
  /** The number of bytes in a chunk of this file; by default that of the bucket. */
  readonly chunkSize?: number | undefined
  /** The `metadata` of the file's document. */
  readonly metadata?: Metadata | undefined
}

/**
 * The last parameter of `upload` and `uploadSink`: if the ids of a bucket are not `ObjectId`s, each upload has to give one.
 *
 * @stability unstable
 * @category utility types
 * @since 0.1.0
 */
export type UploadArguments<Metadata extends Driver.Document, Id> = Driver.ObjectId extends Id
  ? [options?: UploadOptions<Metadata, Id>]
  : [options: UploadOptions<Metadata, Id> & { readonly id: Id }]

/**
 * Which bytes of a file to download.
 *
 * @see {@link DownloadByNameOptions} for a download by name
 *
 * @stability unstable
 * @category options
 * @since 0.1.0
 */
export interface DownloadOptions {
  /** The offset of the first byte: 0 by default. */
  readonly start?: number | undefined
  /** The offset after the last byte: the file's length by default. */
  readonly end?: number | undefined
}

/**
 * Which of the files with a name to download, and which of its bytes.
 *
 * @see {@link DownloadOptions} for a download by id
 *
 * @stability unstable
 * @category options
 * @since 0.1.0
 */
export interface DownloadByNameOptions extends DownloadOptions {
  /** The revision by upload date: 0 is the oldest, 1 the next one; -1, the default, is the newest, -2 the one before it. */
  readonly revision?: number | undefined
}

/**
 * A bucket of files: a cheap value that does no I/O until one of its operations runs.
 *
 * **Details**
 *
 * Like the operations of a collection, those of a bucket are descriptions that can run any number of times, join the session
 * and the transaction of their context, and fail with a `MongoError`. Its reason is a `GridFSError` of kind `fileNotFound`
 * if the file does not exist, and of kind `corrupt` if the chunks of a file do not match its document: a chunk is
 * missing, also at the end, is there twice, has another length, or is one too many.
 *
 * Uploads work in batches of 4 MiB, downloads in batches of 2 MiB. They hold only a few of them, whatever the length of the file. The first upload
 * of a bucket value creates missing indexes if the bucket is empty.
 *
 * Numbers in `metadata` are read as numbers, or as `Long` if they do not fit, whatever the client's BSON settings are.
 *
 * **Gotchas**
 *
 * A file cannot be replaced in place: upload another one with its name, which is then its newest revision, and delete the old
 * one. In a transaction both happen at once. But by default the server ends a transaction after a minute, and a large upload may take
 * longer.
 *
 * If reads go to secondaries, one that lags behind may have a file's document, but not yet all of its chunks.
 *
 * @see {@link bucket} for the function that makes it
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface GridFSBucket<in out Metadata extends Driver.Document = Driver.Document, in out Id = Driver.ObjectId> {
  readonly [TypeId]: TypeId
  /** The bucket's name: `fs` by default. */
  readonly name: string
  /** The database that the bucket belongs to. */
  readonly database: MongoDatabase
  /** The number of bytes in a chunk, unless an upload says otherwise. */
  readonly chunkSize: number

  /**
   * Stores the bytes of a stream as a file, and returns the file's document. Fails with the failure of the stream, and with a
   * `DuplicateKeyError` if a file with the id already exists.
   *
   * The file exists only when the effect has succeeded. If it fails or is interrupted, it removes what was sent before
   * it ends; if the server does not answer within five seconds, that goes on in the background. Chunks are left only if the process or its
   * connection ends meanwhile; `delete` with the file's id removes them.
   */
  readonly upload: <E, R>(
    filename: string,
    stream: Stream.Stream<Uint8Array, E, R>,
    ...options: UploadArguments<Metadata, Id>
  ) => Effect.Effect<GridFSFile<Metadata, Id>, E | MongoError, R>
  /** Like `upload`, for a stream that runs elsewhere. */
  readonly uploadSink: (
    filename: string,
    ...options: UploadArguments<Metadata, Id>
  ) => Sink.Sink<GridFSFile<Metadata, Id>, Uint8Array, never, MongoError>

  /**
   * The bytes of a file, read through one cursor, which is closed when the stream ends, fails or is interrupted. For a range, only
   * the chunks that hold it are read. Fails with an `InvalidArgumentError` if the range is not within the file.
   */
  readonly download: (id: Id, options?: DownloadOptions) => Stream.Stream<Uint8Array, MongoError>
  /** The bytes of the newest file with a name, or of another revision. */
  readonly downloadByName: (
    filename: string,
    options?: DownloadByNameOptions
  ) => Stream.Stream<Uint8Array, MongoError>

  /** A query of the documents of the files that match; without a filter, of all files. */
  readonly find: (filter?: Filter<GridFSFile<Metadata, Id>>) => FindQuery<GridFSFile<Metadata, Id>>
  /** The document of the first file that matches, or none. */
  readonly findOne: (
    filter?: Filter<GridFSFile<Metadata, Id>>
  ) => Effect.Effect<Option.Option<GridFSFile<Metadata, Id>>, MongoError>

  /** Renames a file. */
  readonly rename: (id: Id, filename: string) => Effect.Effect<void, MongoError>
  /** Renames all files with a name: all its revisions. */
  readonly renameByName: (filename: string, newFilename: string) => Effect.Effect<void, MongoError>
  /**
   * Deletes a file and its chunks. An interruption does not stop it half-way: if it takes longer than five seconds, it is finished in
   * the background. If the file does not exist, it removes left-over chunks with the id, and fails.
   */
  readonly delete: (id: Id) => Effect.Effect<void, MongoError>
  /**
   * Deletes all files with a name, their chunks first. If it fails half-way, a second run finishes the work; until then a remaining
   * file may lack chunks.
   */
  readonly deleteByName: (filename: string) => Effect.Effect<void, MongoError>
  /** Drops both collections: all files of the bucket. */
  readonly drop: () => Effect.Effect<void, MongoError>
}

/**
 * Makes a bucket of a database.
 *
 * **When to use**
 *
 * Use it for data that is larger than a document may be (16 MiB), or that is read in parts. Keep smaller data in a
 * field of a document.
 *
 * **Details**
 *
 * Make it once and keep it: each value checks its indexes anew. Give the types of `metadata` and of the ids, if they are
 * not any document and `ObjectId`. Neither is checked.
 *
 * It follows the GridFS specification, without the deprecated MD5 sums.
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
 * Whether a value is a GridFS bucket.
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
