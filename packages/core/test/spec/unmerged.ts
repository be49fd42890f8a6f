/**
 * What mongofx is to offer, and does not yet: client bulk writes, GridFS, search indexes, deadlines.
 *
 * Each function here becomes a call of the public API once that is there, and this file goes.
 *
 * @since 0.1.0
 */
import type { MongoClient, MongoCollection, MongoDatabase, MongoError } from "@mongofx/core"
import type { Effect } from "effect"
import { type Document, Undrivable } from "./format.ts"

type Result = Effect.Effect<unknown, MongoError.MongoError>

const missing = (what: string): never => {
  throw new Undrivable(`mongofx has no ${what} yet`)
}

/** One model of a client bulk write: `{ insertOne: { namespace, document } }`, its keys checked. */
export type ClientBulkModel = Document

/** `mongo.bulkWrite(models, options)`: the driver's result, verbose or not. */
export const clientBulkWrite = (
  _mongo: MongoClient.MongoClient,
  _models: ReadonlyArray<ClientBulkModel>,
  _options: Document
): Result => missing("client bulk write")

/** `mongo.appendMetadata(info)`. */
export const appendMetadata = (
  _mongo: MongoClient.MongoClient,
  _info: Document
): Result => missing("appendMetadata")

/** Runs an effect of which the format says `timeoutMS`: `Mongo.withDeadline`. */
export const withTimeout = (_milliseconds: number, _effect: Result): Result =>
  missing("deadline, and the driver's timeoutMS has no effect")

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

/** `GridFS.bucket(database, options)`, of which `options` are `bucketName`, `chunkSizeBytes` and the concerns. */
export const makeBucket = (_database: MongoDatabase.MongoDatabase, _options: Document): SpecBucket => ({
  upload: () => missing("GridFS"),
  uploadWithId: () => missing("GridFS"),
  download: () => missing("GridFS"),
  downloadByName: () => missing("GridFS"),
  delete: () => missing("GridFS"),
  deleteByName: () => missing("GridFS"),
  rename: () => missing("GridFS"),
  renameByName: () => missing("GridFS"),
  drop: () => missing("GridFS"),
  find: () => missing("GridFS")
})

export interface SearchIndexModel {
  readonly name?: string
  readonly type?: string
  readonly definition: Document
}

/** The names of the indexes that are made. */
export const createSearchIndexes = (
  _collection: MongoCollection.MongoCollection,
  _models: ReadonlyArray<SearchIndexModel>
): Result => missing("search indexes")

export const updateSearchIndex = (
  _collection: MongoCollection.MongoCollection,
  _name: string,
  _definition: Document
): Result => missing("search indexes")

export const dropSearchIndex = (_collection: MongoCollection.MongoCollection, _name: string): Result =>
  missing("search indexes")

export const listSearchIndexes = (
  _collection: MongoCollection.MongoCollection,
  _name: string | undefined,
  _options: Document
): Result => missing("search indexes")
