/**
 * Client bulk writes, files, search indexes and time limits: translates the format to mongofx.
 *
 * @since 0.1.0
 */
import { GridFS, Mongo, MongoClient, MongoCollection, type MongoDatabase, type MongoError } from "@mongofx/core"
import { Effect, type Scope, Stream } from "effect"
import type * as Driver from "mongodb"
import { type Failure, failureOf } from "./errors.ts"
import { type Document, Undrivable } from "./format.ts"

type Result = Effect.Effect<unknown, MongoError.MongoError>

/** One model of a client bulk write: `{ insertOne: { namespace, document } }`, its keys checked. */
type ClientBulkModel = Document

/** The format uses indexes as keys, and lacks `didUpsert`, which the driver adds. */
const byIndex = (results: unknown): unknown =>
  results instanceof Map
    ? Object.fromEntries([...results].map(([index, { didUpsert: _, ...result }]) => [String(index), result]))
    : results

export const clientBulkResult = (result: Driver.ClientBulkWriteResult): Document => ({
  ...result,
  insertResults: byIndex(result.insertResults),
  updateResults: byIndex(result.updateResults),
  deleteResults: byIndex(result.deleteResults)
})

/** `mongo.bulkWrite(models, options)`: the driver's result, verbose or not. */
export const clientBulkWrite = (
  mongo: MongoClient.MongoClient,
  models: ReadonlyArray<ClientBulkModel>,
  options: Document
): Result =>
  Effect.map(
    mongo.bulkWrite(
      models.map((model) => {
        const [[name, fields]] = Object.entries(model) as [[string, Document]]
        return { name, ...fields } as never
      }),
      options
    ),
    clientBulkResult
  )

/** `mongo.appendMetadata(info)`. */
export const appendMetadata = (mongo: MongoClient.MongoClient, info: Document): Result =>
  mongo.appendMetadata(info as unknown as Driver.DriverInfo)

/** What the runner drives: mongofx, or the bare driver in its shape (`bare.ts`). */
export interface Api {
  readonly fromClient: (
    driver: Driver.MongoClient
  ) => Effect.Effect<MongoClient.MongoClient, MongoError.MongoError, Scope.Scope>
  readonly makeBucket: (database: MongoDatabase.MongoDatabase, options: Document) => SpecBucket
  readonly isCollection: (value: unknown) => value is MongoCollection.MongoCollection
  /** Runs an effect with a `timeoutMS` of the format. */
  readonly withTimeout: (milliseconds: number, effect: Result) => Result
  /** Reads the failure of an operation. */
  readonly failureOf: (error: unknown) => Failure
}

export interface SpecBucket {
  readonly upload: (filename: string, bytes: Uint8Array, options: Document) => Result
  readonly uploadWithId: (id: unknown, filename: string, bytes: Uint8Array, options: Document) => Result
  /** The bytes of a file. */
  readonly download: (id: unknown) => Result
  readonly downloadByName: (filename: string, revision: number | undefined) => Result
  readonly delete: (id: unknown) => Result
  readonly deleteByName: (filename: string) => Result
  readonly rename: (id: unknown, filename: string) => Result
  readonly renameByName: (filename: string, newFilename: string) => Result
  readonly drop: () => Result
  readonly find: (filter: Document, options: Document) => Result
}

const bytesOf = (stream: Stream.Stream<Uint8Array, MongoError.MongoError>): Result =>
  Effect.map(Stream.runCollect(stream), (chunks) => Buffer.concat(chunks))

const renamed = ({ chunkSizeBytes, ...options }: Document): Document =>
  chunkSizeBytes === undefined ? options : { ...options, chunkSize: chunkSizeBytes }

/** `GridFS.bucket(database, options)`, with the options `bucketName`, `chunkSizeBytes` and the concerns. */
const makeBucket = (database: MongoDatabase.MongoDatabase, options: Document): SpecBucket => {
  const bucket = GridFS.bucket<Driver.Document, unknown>(database, renamed(options))
  const upload = (filename: string, bytes: Uint8Array, options: Document) =>
    Effect.map(
      bucket.upload(filename, Stream.make(bytes), renamed(options) as { readonly id: unknown }),
      ({ _id }) => _id
    )
  return {
    upload,
    uploadWithId: (id, filename, bytes, options) => upload(filename, bytes, { ...options, id }),
    download: (id) => bytesOf(bucket.download(id)),
    downloadByName: (filename, revision) =>
      bytesOf(bucket.downloadByName(filename, revision === undefined ? {} : { revision })),
    delete: (id) => bucket.delete(id),
    deleteByName: (filename) => bucket.deleteByName(filename),
    rename: (id, filename) => bucket.rename(id, filename),
    renameByName: (filename, newFilename) => bucket.renameByName(filename, newFilename),
    drop: () => bucket.drop(),
    find: (filter, { allowDiskUse, batchSize, limit, maxTimeMS, skip, sort, ...others }) => {
      const left = Object.keys(others)
      if (left.length > 0) throw new Undrivable(`find of a bucket has no option ${left.join(", ")}`)
      let query = bucket.find(filter as never)
      if (allowDiskUse !== undefined) query = query.allowDiskUse(allowDiskUse as boolean)
      if (batchSize !== undefined) query = query.batchSize(batchSize as number)
      if (limit !== undefined) query = query.limit(limit as number)
      if (maxTimeMS !== undefined) query = query.maxTimeMS(maxTimeMS as number)
      if (skip !== undefined) query = query.skip(skip as number)
      if (sort !== undefined) query = query.sort(sort as Driver.Sort)
      return query
    }
  }
}

export type SearchIndexModel = MongoCollection.SearchIndexDescription

/** The names of the new indexes. */
export const createSearchIndexes = (
  collection: MongoCollection.MongoCollection,
  models: ReadonlyArray<SearchIndexModel>
): Result => collection.createSearchIndexes(models)

export const updateSearchIndex = (
  collection: MongoCollection.MongoCollection,
  name: string,
  definition: Document
): Result => collection.updateSearchIndex(name, definition)

export const dropSearchIndex = (collection: MongoCollection.MongoCollection, name: string): Result =>
  collection.dropSearchIndex(name)

export const listSearchIndexes = (
  collection: MongoCollection.MongoCollection,
  name: string | undefined,
  options: Document
): Result => collection.listSearchIndexes(name, options)

export const mongofx: Api = {
  fromClient: MongoClient.fromClient,
  makeBucket,
  isCollection: MongoCollection.isMongoCollection,
  withTimeout: (milliseconds, effect) => Mongo.withDeadline(effect, milliseconds),
  failureOf
}
