/**
 * Operations whose arguments or results the format and mongofx have in other shapes: client bulk writes, GridFS, search indexes and
 * deadlines.
 *
 * @since 0.1.0
 */
import { GridFS, Mongo, type MongoClient, type MongoDatabase, type MongoError } from "@mongofx/core"
import { Effect, Stream } from "effect"
import type { Document } from "./format.ts"

type Result = Effect.Effect<unknown, MongoError.MongoError>

/** What each write has done, by its index. The format has no `upsertedId` that is null, and no flag for it. */
const byIndex = (results: ReadonlyMap<number, object> | undefined): Document =>
  Object.fromEntries(
    [...results ?? []].map(([index, result]) => {
      const { didUpsert: _, upsertedId, ...others } = result as Document
      return [index, upsertedId === null || upsertedId === undefined ? others : { ...others, upsertedId }]
    })
  )

/** `models` are `{ insertOne: { namespace, document } }`, and their keys are checked. */
export const clientBulkWrite = (
  mongo: MongoClient.MongoClient,
  models: ReadonlyArray<Document>,
  options: Document
): Result => {
  const flat = models.map((model) => {
    const [[name, fields]] = Object.entries(model) as [[string, Document]]
    return { name, ...fields }
  })
  return Effect.map(mongo.bulkWrite(flat as never, options as { readonly verboseResults: true }), (result) => {
    const { acknowledged, deleteResults, insertResults, updateResults, ...counts } = result
    if (!acknowledged) return { acknowledged }
    return options["verboseResults"] === true
      ? {
        ...counts,
        insertResults: byIndex(insertResults),
        updateResults: byIndex(updateResults),
        deleteResults: byIndex(deleteResults)
      }
      : counts
  })
}

/** Runs an effect of which the format says `timeoutMS`. */
export const withTimeout = (milliseconds: number, effect: Result): Result => Mongo.withDeadline(effect, milliseconds)

export interface SpecBucket {
  readonly upload: (filename: string, bytes: Uint8Array, options: Document) => Result
  readonly uploadWithId: (id: unknown, filename: string, bytes: Uint8Array, options: Document) => Result
  readonly download: (id: unknown) => Result
  readonly downloadByName: (filename: string, revision: number | undefined) => Result
  readonly delete: (id: unknown) => Result
  readonly deleteByName: (filename: string) => Result
  readonly rename: (id: unknown, filename: string) => Result
  readonly renameByName: (filename: string, newFilename: string) => Result
  readonly drop: () => Result
  readonly find: (filter: Document, options: Document) => Result
}

const whole = (stream: Stream.Stream<Uint8Array, MongoError.MongoError>): Result =>
  Effect.map(Stream.runCollect(stream), (chunks) => Buffer.concat(chunks))

/** The options of the format end in `Bytes` where they are lengths. */
const withoutUnits = ({ chunkSizeBytes, ...others }: Document): Document =>
  chunkSizeBytes === undefined ? others : { ...others, chunkSize: chunkSizeBytes }

export const makeBucket = (database: MongoDatabase.MongoDatabase, options: Document): SpecBucket => {
  const bucket = GridFS.bucket<Document, unknown>(database, withoutUnits(options))
  const upload = (filename: string, bytes: Uint8Array, options: Document): Result =>
    Effect.map(bucket.upload(filename, Stream.make(bytes), withoutUnits(options)), ({ _id }) => _id)
  return {
    upload,
    uploadWithId: (id, filename, bytes, options) => Effect.asVoid(upload(filename, bytes, { ...options, id })),
    download: (id) => whole(bucket.download(id)),
    downloadByName: (filename, revision) => whole(bucket.downloadByName(filename, { revision })),
    delete: (id) => bucket.delete(id),
    deleteByName: (filename) => bucket.deleteByName(filename),
    rename: (id, filename) => bucket.rename(id, filename),
    renameByName: (filename, newFilename) => bucket.renameByName(filename, newFilename),
    drop: () => bucket.drop(),
    find: (filter, { allowDiskUse, batchSize, limit, maxTimeMS, skip, sort }) => {
      let query = bucket.find(filter)
      if (allowDiskUse !== undefined) query = query.allowDiskUse(allowDiskUse as boolean)
      if (batchSize !== undefined) query = query.batchSize(batchSize as number)
      if (limit !== undefined) query = query.limit(limit as number)
      if (maxTimeMS !== undefined) query = query.maxTimeMS(maxTimeMS as number)
      if (skip !== undefined) query = query.skip(skip as number)
      if (sort !== undefined) query = query.sort(sort as never)
      return query
    }
  }
}
