/**
 * What of GridFS must compile, and what must not.
 *
 * @since 0.1.0
 */
import { GridFS, type MongoDatabase, type MongoError, type Query } from "@mongofx/core"
import type { Effect, Option, Sink, Stream } from "effect"
import type * as Driver from "mongodb"
import { describe, expect, it } from "tstyche"

interface Metadata {
  readonly type: string
}

declare const db: MongoDatabase.MongoDatabase
declare const id: Driver.ObjectId
declare const bytes: Stream.Stream<Uint8Array>
declare const needy: Stream.Stream<Uint8Array, "broken", "service">

const bucket = GridFS.bucket(db)
const typed = GridFS.bucket<Metadata>(db)
const named = GridFS.bucket<Metadata, string>(db)

describe("a bucket", () => {
  it("is made of a database", () => {
    expect(bucket).type.toBe<GridFS.GridFSBucket>()
    expect(typed).type.toBe<GridFS.GridFSBucket<Metadata, Driver.ObjectId>>()
    expect(GridFS.bucket).type.toBeCallableWith(db, {
      bucketName: "images",
      chunkSize: 1024,
      writeConcern: { w: "majority" },
      readConcern: { level: "majority" },
      readPreference: "secondary"
    })
    expect(GridFS.bucket).type.not.toBeCallableWith()
    expect(GridFS.bucket).type.not.toBeCallableWith(db, { chunkSizeBytes: 1024 })
    expect(GridFS.bucket).type.not.toBeCallableWith(db, { useBigInt64: true })
  })

  it("is told from other values", () => {
    expect(GridFS.isBucket).type.toBe<(u: unknown) => u is GridFS.GridFSBucket>()
  })
})

describe("an upload", () => {
  it("has the failures and requirements of its stream", () => {
    expect(bucket.upload("a", bytes)).type.toBe<Effect.Effect<GridFS.GridFSFile, MongoError.MongoError>>()
    expect(typed.upload("a", needy)).type.toBe<
      Effect.Effect<GridFS.GridFSFile<Metadata>, "broken" | MongoError.MongoError, "service">
    >()
    expect(typed.uploadSink("a")).type.toBe<
      Sink.Sink<GridFS.GridFSFile<Metadata>, Uint8Array, never, MongoError.MongoError>
    >()
  })

  it("takes bytes only", () => {
    expect(bucket.upload).type.not.toBeCallableWith("a", {} as Stream.Stream<string>)
    expect(bucket.upload).type.not.toBeCallableWith(1, bytes)
    expect(bucket.upload).type.not.toBeCallableWith("a")
  })

  it("takes an id, metadata and a chunk size", () => {
    expect(typed.upload).type.toBeCallableWith("a", bytes, { id, metadata: { type: "text" }, chunkSize: 1024 })
    expect(typed.upload).type.toBeCallableWith("a", bytes, { id: undefined })
    expect(typed.upload).type.not.toBeCallableWith("a", bytes, { metadata: { type: 1 } })
    expect(typed.upload).type.not.toBeCallableWith("a", bytes, { id: "mine" })
    expect(typed.uploadSink).type.not.toBeCallableWith("a", { metadata: {} })
  })

  it("needs an id where ids are no ObjectIds", () => {
    expect(named.upload).type.toBeCallableWith("a", bytes, { id: "mine" })
    expect(named.upload).type.not.toBeCallableWith("a", bytes)
    expect(named.upload).type.not.toBeCallableWith("a", bytes, {})
    expect(named.uploadSink).type.toBeCallableWith("a", { id: "mine" })
    expect(named.uploadSink).type.not.toBeCallableWith("a")
    expect(GridFS.bucket<Metadata, string | Driver.ObjectId>(db).upload).type.toBeCallableWith("a", bytes)
  })
})

describe("a download", () => {
  it("is a stream of bytes", () => {
    expect(bucket.download(id)).type.toBe<Stream.Stream<Uint8Array, MongoError.MongoError>>()
    expect(bucket.downloadByName("a")).type.toBe<Stream.Stream<Uint8Array, MongoError.MongoError>>()
  })

  it("takes a range, and by name a revision", () => {
    expect(bucket.download).type.toBeCallableWith(id, { start: 1, end: 2 })
    expect(bucket.download).type.not.toBeCallableWith(id, { revision: 1 })
    expect(bucket.downloadByName).type.toBeCallableWith("a", { revision: -2, start: 1, end: undefined })
  })

  it("takes the bucket's ids", () => {
    expect(bucket.download).type.not.toBeCallableWith("mine")
    expect(named.download).type.toBeCallableWith("mine")
    expect(named.download).type.not.toBeCallableWith(id)
    expect(named.rename).type.not.toBeCallableWith(id, "a")
    expect(named.delete).type.not.toBeCallableWith(id)
  })
})

describe("files", () => {
  it("are found as they are stored", () => {
    expect(named.find()).type.toBe<Query.FindQuery<GridFS.GridFSFile<Metadata, string>>>()
    expect(typed.findOne()).type.toBe<
      Effect.Effect<Option.Option<GridFS.GridFSFile<Metadata>>, MongoError.MongoError>
    >()
  })

  it("are found by what they have", () => {
    expect(typed.find).type.toBeCallableWith({ filename: /[.]png$/, length: { $gt: 10 }, "metadata.type": "text" })
    expect(typed.find).type.toBeCallableWith({ _id: id })
    expect(named.find).type.toBeCallableWith({ _id: "mine" })
    expect(typed.find).type.not.toBeCallableWith({ _id: "mine" })
    expect(typed.find).type.not.toBeCallableWith({ length: "10" })
  })
})
