import type { ChangeStream, MongoClient, MongoCollection, MongoDatabase, MongoError } from "@mongofx/core"
import type { Effect, Option, Scope, Stream } from "effect"
import type * as Driver from "mongodb"
import { describe, expect, it } from "tstyche"

interface User {
  readonly name: string
}

declare const users: MongoCollection.MongoCollection<User>
declare const db: MongoDatabase.MongoDatabase
declare const mongo: MongoClient.MongoClient
declare const event: ChangeStream.ChangeEvent<User>

describe("watch", () => {
  it("is a stream of the collection's events that fails with MongoError and needs nothing", () => {
    expect(users.watch()).type.toBeAssignableTo<Stream.Stream<ChangeStream.ChangeEvent<User>, MongoError.MongoError>>()
    expect(db.watch<User>()).type.toBe<ChangeStream.ChangeStream<User>>()
    expect(mongo.watch()).type.toBe<ChangeStream.ChangeStream<Driver.Document>>()
  })

  it("opens in a scope", () => {
    expect(users.watch().open).type.toBe<
      Effect.Effect<ChangeStream.OpenChangeStream<User>, MongoError.MongoError, Scope.Scope>
    >()
    expect<ChangeStream.OpenChangeStream["resumeToken"]>().type.toBe<Effect.Effect<Option.Option<Driver.ResumeToken>>>()
  })

  it("takes its own options only", () => {
    expect(users.watch).type.toBeCallableWith([{ $match: { operationType: "insert" } }], {
      fullDocument: "updateLookup",
      maxAwaitTime: "1 second",
      splitLargeEvents: true
    })
    expect(users.watch).type.not.toBeCallableWith([], { fullDocumnet: "updateLookup" })
    expect(users.watch).type.not.toBeCallableWith([], { fullDocument: "always" })
    expect(users.watch).type.not.toBeCallableWith([], { session: {} as Driver.ClientSession })
    expect(users.watch).type.not.toBeCallableWith([], { maxAwaitTimeMS: 1000 })
  })
})

describe("rawDocuments", () => {
  type Raw = ChangeStream.RawChangeEvent<User>

  it("gives events with the bytes of the documents, whatever is watched", () => {
    const changes = users.watch([], { rawDocuments: true, fullDocument: "updateLookup" })
    expect(changes).type.toBe<ChangeStream.ChangeStream<User, Raw>>()
    expect(changes).type.toBeAssignableTo<Stream.Stream<Raw, MongoError.MongoError>>()
    expect(changes.open).type.toBe<
      Effect.Effect<ChangeStream.OpenChangeStream<User, Raw>, MongoError.MongoError, Scope.Scope>
    >()
    expect(db.watch<User>(undefined, { rawDocuments: true })).type.toBe<ChangeStream.ChangeStream<User, Raw>>()
    expect(mongo.watch([], { rawDocuments: true })).type.toBe<
      ChangeStream.ChangeStream<Driver.Document, ChangeStream.RawChangeEvent>
    >()
  })

  it("changes nothing but the documents", () => {
    const raw = {} as Raw
    expect(raw._id).type.toBe<Driver.ResumeToken>()
    if (raw.operationType === "insert") expect(raw.fullDocument).type.toBe<Uint8Array>()
    if (raw.operationType === "update") {
      expect(raw.fullDocument).type.toBe<Uint8Array | null | undefined>()
      expect(raw.fullDocumentBeforeChange).type.toBe<Uint8Array | null | undefined>()
      expect(raw.updateDescription.updatedFields).type.toBe<Partial<User> | undefined>()
    }
    if (raw.operationType === "drop") expect(raw).type.toBe<Driver.ChangeStreamDropDocument>()
  })

  it("is told at the call, and leaves the type without it as it is", () => {
    expect(users.watch([], { fullDocument: "updateLookup" })).type.toBe<ChangeStream.ChangeStream<User>>()
    expect<ReturnType<typeof users.watch>>().type.toBe<ChangeStream.ChangeStream>()
    expect(users.watch([], {} as ChangeStream.RawWatchOptions)).type.toBe<ChangeStream.ChangeStream<User, Raw>>()
    expect(users.watch).type.not.toBeCallableWith([], { rawDocuments: {} as boolean })
    expect(users.watch).type.not.toBeCallableWith([], { rawDocuments: true, fullDocument: "always" })
  })
})

describe("ChangeEvent", () => {
  it("is told apart by its operation type", () => {
    if (event.operationType === "insert") expect(event.fullDocument).type.toBe<User>()
    if (event.operationType === "update") {
      expect(event.updateDescription.updatedFields).type.toBe<Partial<User> | undefined>()
    }
    if (event.operationType === "delete") expect(event).type.not.toHaveProperty("fullDocument")
    if (event.operationType === "createIndexes") {
      expect(event).type.toBe<Driver.ChangeStreamCreateIndexDocument>()
    }
    if (event.operationType === "endOfTransaction") expect(event).type.toBe<ChangeStream.EndOfTransactionEvent>()
  })

  it("has its resume token, whatever it tells of", () => {
    expect(event._id).type.toBe<Driver.ResumeToken>()
  })
})
