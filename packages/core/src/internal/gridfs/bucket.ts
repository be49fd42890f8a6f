import * as Effect from "effect/Effect"
import * as Inspectable from "effect/Inspectable"
import * as Option from "effect/Option"
import * as Sink from "effect/Sink"
import * as Stream from "effect/Stream"
import type * as Driver from "mongodb"
import type {
  BucketOptions,
  DownloadByNameOptions,
  DownloadOptions,
  GridFSBucket,
  GridFSFile,
  UploadArguments,
  UploadOptions
} from "../../GridFS.ts"
import type { CollectionOptions, MongoCollection } from "../../MongoCollection.ts"
import type { MongoDatabase } from "../../MongoDatabase.ts"
import type { MongoError } from "../../MongoError.ts"
import type { FindQuery } from "../../Query.ts"
import { connectionOf } from "../call/connection.ts"
import type { Operation } from "../call/description.ts"
import { checking } from "../call/operation.ts"
import { defined } from "../call/options.ts"
import { toMongoError } from "../errors/toMongoError.ts"
import { checkGiven } from "../input/check.ts"
import { InvalidInput } from "../input/invalidInput.ts"
import { finished } from "./background.ts"
import { read } from "./download.ts"
import { GridFSIndexes } from "./indexes.ts"
import { type BucketCollections, equalTo, fail, type StoredChunk, type StoredFile } from "./model.ts"
import { upload } from "./upload.ts"

// The driver's GridFS streams cannot be used here. They take no session, so they would stand outside of a transaction. They
// take the end of the cursor for the end of the file, even if the last chunks are missing. And a destroyed stream leaves its
// chunks or its cursor on the server.

/** @internal */
export const TypeId = "~@mongofx/core/GridFSBucket" as const

const defaultChunkSize = 255 * 1024

/** The name of a collection of a bucket. An invalid name of a bucket stays invalid here, and is refused when it is used. */
const partOf = (bucket: unknown, part: "chunks" | "files"): string =>
  typeof bucket === "string" && bucket !== "" ? `${bucket}.${part}` : bucket as string

class GridFSBucketImpl<Metadata extends Driver.Document, Id> extends Inspectable.Class
  implements GridFSBucket<Metadata, Id>
{
  readonly [TypeId] = TypeId
  readonly database: MongoDatabase
  readonly name: string
  readonly chunkSize: number
  private readonly files: MongoCollection<GridFSFile<Metadata, Id>>
  private readonly chunks: MongoCollection<StoredChunk>
  private readonly indexes: GridFSIndexes

  constructor(database: MongoDatabase, options: BucketOptions) {
    super()
    this.database = database
    // As for a collection, null means without options.
    const { bucketName, chunkSize, readConcern, readPreference, writeConcern } = defined(options) ?? {}
    this.name = bucketName ?? "fs"
    this.chunkSize = chunkSize ?? defaultChunkSize
    // Lengths and numbers of chunks are read as numbers, whatever the client's BSON settings are.
    const settings: CollectionOptions = {
      ...defined({ readConcern, readPreference, writeConcern }),
      promoteValues: true,
      promoteLongs: true,
      useBigInt64: false
    }
    this.files = database.collection<GridFSFile<Metadata, Id>>(partOf(this.name, "files"), settings)
    this.chunks = database.collection<StoredChunk>(partOf(this.name, "chunks"), { ...settings, promoteBuffers: true })
    this.indexes = new GridFSIndexes(connectionOf(database), this.collections)
  }

  toJSON(): unknown {
    return { _id: "GridFSBucket", name: `${this.database.name}.${this.name}` }
  }

  private get collections(): BucketCollections {
    return { files: this.files as unknown as BucketCollections["files"], chunks: this.chunks }
  }

  private operation(name: string, command: string): Operation {
    return { name, command, database: this.database.name, collection: this.files.name }
  }

  upload<E, R>(
    filename: string,
    stream: Stream.Stream<Uint8Array, E, R>,
    ...[options]: UploadArguments<Metadata, Id>
  ): Effect.Effect<GridFSFile<Metadata, Id>, E | MongoError, R> {
    return Stream.run(stream, this.sink("upload", filename, options))
  }

  uploadSink(filename: string, ...[options]: UploadArguments<Metadata, Id>) {
    return this.sink("uploadSink", filename, options)
  }

  private sink(
    name: string,
    filename: string,
    options: UploadOptions<Metadata, Id> = {}
  ): Sink.Sink<GridFSFile<Metadata, Id>, Uint8Array, never, MongoError> {
    const operation = this.operation(name, "insert")
    return Sink.fromTransform((upstream: Parameters<typeof upload>[1]) =>
      checking(operation, () => checkGiven(options)).pipe(
        Effect.flatMap(() =>
          upload(
            {
              ...this.collections,
              indexes: this.indexes,
              operation,
              filename,
              id: options.id as Driver.ObjectId | undefined,
              chunkSize: options.chunkSize ?? this.chunkSize,
              metadata: options.metadata
            },
            upstream
          )
        ),
        Effect.map((file) => [file as unknown as GridFSFile<Metadata, Id>] as const)
      )
    )
  }

  /** Returns the first file of a query, or fails. */
  private existing(
    operation: Operation,
    query: FindQuery<GridFSFile<Metadata, Id>>
  ): Effect.Effect<GridFSFile<Metadata, Id>, MongoError> {
    return Effect.flatMap(
      query.first,
      Option.match({
        onNone: () => fail(operation, "fileNotFound", "the file does not exist"),
        onSome: (file) => Effect.succeed(file)
      })
    )
  }

  private reader(operation: Operation, query: FindQuery<GridFSFile<Metadata, Id>>, options: DownloadOptions) {
    return Stream.unwrap(
      Effect.map(
        Effect.andThen(checking(operation, () => checkGiven(options)), this.existing(operation, query)),
        (file) => read(this.chunks, operation, file as unknown as StoredFile, options)
      )
    )
  }

  download(id: Id, options: DownloadOptions = {}): Stream.Stream<Uint8Array, MongoError> {
    return this.reader(this.operation("download", "find"), this.query({ _id: equalTo(id) }), options)
  }

  downloadByName(filename: string, options: DownloadByNameOptions = {}): Stream.Stream<Uint8Array, MongoError> {
    const operation = this.operation("downloadByName", "find")
    const revision = defined(options)?.revision ?? -1
    if (!Number.isSafeInteger(revision)) {
      return Stream.fail(toMongoError(new InvalidInput("revision", "revision is not an integer"), operation))
    }
    const revisions = this.query({ filename: equalTo(filename) })
    const query = revision < 0
      ? revisions.sort({ uploadDate: -1 }).skip(-revision - 1)
      : revisions.sort({ uploadDate: 1 }).skip(revision)
    return this.reader(operation, query, options)
  }

  /** The keys of a file are known here, but not to the driver's type of filters. */
  private query(filter: Driver.Document): FindQuery<GridFSFile<Metadata, Id>> {
    return this.find(filter as Driver.Filter<GridFSFile<Metadata, Id>>)
  }

  find(filter?: Driver.Filter<GridFSFile<Metadata, Id>>): FindQuery<GridFSFile<Metadata, Id>> {
    return this.files.find(filter) as unknown as FindQuery<GridFSFile<Metadata, Id>>
  }

  findOne(filter?: Driver.Filter<GridFSFile<Metadata, Id>>) {
    return this.find(filter).first
  }

  rename(id: Id, filename: string): Effect.Effect<void, MongoError> {
    const { files } = this.collections
    return Effect.flatMap(
      files.updateOne({ _id: equalTo(id as Driver.ObjectId) }, { $set: { filename } }),
      ({ acknowledged, matchedCount }) => this.found("rename", "update", !acknowledged || matchedCount > 0)
    )
  }

  renameByName(filename: string, newFilename: string): Effect.Effect<void, MongoError> {
    const { files } = this.collections
    return Effect.flatMap(
      files.updateMany({ filename: equalTo(filename) }, { $set: { filename: newFilename } }),
      ({ acknowledged, matchedCount }) => this.found("renameByName", "update", !acknowledged || matchedCount > 0)
    )
  }

  private found(name: string, command: string, found: boolean): Effect.Effect<void, MongoError> {
    return found ? Effect.void : fail(this.operation(name, command), "fileNotFound", "the file does not exist")
  }

  delete(id: Id): Effect.Effect<void, MongoError> {
    const { chunks, files } = this.collections
    return finished(
      this.operation("delete", "delete"),
      Effect.gen({ self: this }, function*() {
        const { acknowledged, deletedCount } = yield* files.deleteOne({ _id: equalTo(id as Driver.ObjectId) })
        // Even if the file does not exist: a process that died may have left chunks of it.
        yield* chunks.deleteMany({ files_id: equalTo(id as Driver.ObjectId) })
        yield* this.found("delete", "delete", !acknowledged || deletedCount > 0)
      })
    )
  }

  deleteByName(filename: string): Effect.Effect<void, MongoError> {
    const { chunks, files } = this.collections
    return finished(
      this.operation("deleteByName", "delete"),
      Effect.gen({ self: this }, function*() {
        const found = yield* files.find({ filename: equalTo(filename) }).project<Pick<StoredFile, "_id">>({ _id: 1 })
        yield* this.found("deleteByName", "delete", found.length > 0)
        const ids = found.map(({ _id }) => _id)
        // The documents of the files go last: by them a second run finds what the first one has left.
        yield* chunks.deleteMany({ files_id: { $in: ids } })
        yield* files.deleteMany({ _id: { $in: ids } })
      })
    )
  }

  drop(): Effect.Effect<void, MongoError> {
    return Effect.andThen(
      Effect.andThen(this.files.drop(), this.chunks.drop()),
      Effect.sync(() => this.indexes.forget())
    )
  }
}

/** @internal */
export const makeBucket = <Metadata extends Driver.Document, Id>(
  database: MongoDatabase,
  options: BucketOptions
): GridFSBucket<Metadata, Id> => new GridFSBucketImpl<Metadata, Id>(database, options)
