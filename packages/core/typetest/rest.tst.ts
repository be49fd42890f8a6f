/**
 * What of client bulk writes, search indexes, administration, deadlines, logging and encryption must compile, and what must
 * not.
 *
 * @since 0.1.0
 */
import {
  Mongo,
  type MongoClient,
  type MongoClientConfig,
  type MongoCollection,
  type MongoDatabase,
  type MongoEncryption,
  type MongoError,
  type Query
} from "@mongofx/core"
import type { Effect, Layer, Option, Redacted } from "effect"
import type * as Driver from "mongodb"
import { describe, expect, it } from "tstyche"

declare const mongo: MongoClient.MongoClient
declare const user: Option.Option<{ readonly name: string }>
declare const db: MongoDatabase.MongoDatabase
declare const things: MongoCollection.MongoCollection
declare const encryption: MongoEncryption.MongoEncryption

type Library = {
  "library.books": { _id: number; title: string; pages?: number }
  "library.authors": { name: string }
}

describe("bulkWrite of a client", () => {
  it("takes documents of any shape where no namespaces are declared", () => {
    expect(mongo.bulkWrite).type.toBeCallableWith([
      { namespace: "a.b", name: "insertOne", document: { _id: 1, any: "thing" } },
      { namespace: "a.c", name: "updateOne", filter: { _id: "x" }, update: { $set: { a: 1 } }, upsert: true },
      { namespace: "a.c", name: "updateMany", filter: {}, update: [{ $set: { a: 1 } }] },
      { namespace: "a.c", name: "replaceOne", filter: {}, replacement: { a: 1 } },
      { namespace: "a.c", name: "deleteOne", filter: {} },
      { namespace: "a.c", name: "deleteMany", filter: {} }
    ])
    expect(mongo.bulkWrite).type.not.toBeCallableWith([{ namespace: "a.b", name: "insert", document: {} }])
    expect(mongo.bulkWrite).type.not.toBeCallableWith([{ namespace: "a.b", name: "insertOne" }])
    expect(mongo.bulkWrite).type.not.toBeCallableWith([{ namespace: "a.b", name: "deleteMany" }])
    expect(mongo.bulkWrite).type.not.toBeCallableWith([{ name: "deleteMany", filter: {} }])
    expect(mongo.bulkWrite).type.not.toBeCallableWith([{ namespace: "a.b", name: "deleteMany", filter: user }])
  })

  it("checks documents, filters and updates by their namespaces", () => {
    const write = (models: ReadonlyArray<MongoClient.BulkWriteModel<Library>>) => mongo.bulkWrite<Library>(models)
    expect(write).type.toBeCallableWith([
      { namespace: "library.books", name: "insertOne", document: { _id: 1, title: "A" } },
      { namespace: "library.authors", name: "updateMany", filter: { name: "A" }, update: { $set: { name: "B" } } }
    ])
    expect(write).type.not.toBeCallableWith([{
      namespace: "library.books",
      name: "insertOne",
      document: { name: "A" }
    }])
    expect(write).type.not.toBeCallableWith([{ namespace: "library.none", name: "deleteMany", filter: {} }])
    expect(write).type.not.toBeCallableWith([
      { namespace: "library.authors", name: "updateOne", filter: {}, update: { $set: { name: 1 } } }
    ])
    expect(write).type.not.toBeCallableWith([
      { namespace: "library.books", name: "deleteOne", filter: { pages: { $gt: "1" } } }
    ])
  })

  it("has the results of each write where they are asked for", () => {
    const models: ReadonlyArray<MongoClient.BulkWriteModel> = []
    expect(mongo.bulkWrite(models)).type.toBe<Effect.Effect<Driver.ClientBulkWriteResult, MongoError.MongoError>>()
    expect(mongo.bulkWrite(models, { verboseResults: true })).type.toBe<
      Effect.Effect<MongoClient.VerboseBulkWriteResult, MongoError.MongoError>
    >()
    expect(mongo.bulkWrite(models, { ordered: false })).type.toBe<
      Effect.Effect<Driver.ClientBulkWriteResult, MongoError.MongoError>
    >()
    expect(mongo.bulkWrite).type.not.toBeCallableWith(models, { session: {} })
  })
})

describe("search indexes", () => {
  it("need a definition", () => {
    expect(things.createSearchIndex).type.toBeCallableWith({ definition: {}, name: undefined, type: "vectorSearch" })
    expect(things.createSearchIndex).type.not.toBeCallableWith({ name: "a" })
    expect(things.createSearchIndex).type.not.toBeCallableWith({ definition: {}, type: "text" })
    expect(things.listSearchIndexes()).type.toBe<Query.Query<MongoCollection.SearchIndex>>()
    expect(things.waitUntilQueryable(["a", "b"], { interval: "1 second" })).type.toBe<
      Effect.Effect<void, MongoError.MongoError>
    >()
  })
})

describe("administration", () => {
  it("levels and results are typed", () => {
    expect(db.setProfilingLevel).type.toBeCallableWith("slow_only", { slow: "1 second", filter: "unset" })
    expect(db.setProfilingLevel).type.not.toBeCallableWith("loud")
    expect(db.profilingLevel).type.toBe<Effect.Effect<MongoDatabase.ProfilingLevel, MongoError.MongoError>>()
    expect(mongo.serverStatus).type.toBe<Effect.Effect<Driver.Document, MongoError.MongoError>>()
    expect(mongo.appendMetadata({ name: "a" })).type.toBe<Effect.Effect<void>>()
  })
})

describe("withDeadline", () => {
  it("leaves the type of the effect as it is, both ways", () => {
    const effect = {} as Effect.Effect<number, "no", MongoClient.MongoClient>
    expect(effect.pipe(Mongo.withDeadline("2 seconds"))).type.toBe<typeof effect>()
    expect(Mongo.withDeadline(effect, 2000)).type.toBe<typeof effect>()
    expect(Mongo.withDeadline).type.not.toBeCallableWith("soon")
  })
})

describe("options of a client", () => {
  it("log by component and level", () => {
    expect<MongoClientConfig.LoggingOptions>().type.toBeAssignableFrom({
      level: "Info" as const,
      components: { command: "Debug" as const, topology: undefined },
      documents: { maxLength: 100 }
    })
    expect<MongoClientConfig.LoggingOptions>().type.not.toBeAssignableFrom({ level: "loud" as const })
    expect<MongoClientConfig.LoggingOptions>().type.not.toBeAssignableFrom({ components: { command: 1 } })
  })
})

describe("encryption", () => {
  it("takes keys that are redacted, and no others", () => {
    const key = {} as Redacted.Redacted<Uint8Array>
    const text = {} as Redacted.Redacted<string>
    expect<MongoEncryption.KmsProviders>().type.toBeAssignableFrom({ local: { key } })
    expect<MongoEncryption.KmsProviders>().type.toBeAssignableFrom({
      "aws:second": { accessKeyId: "a", secretAccessKey: text },
      aws: {},
      azure: { tenantId: "a", clientId: "b", clientSecret: text },
      gcp: { accessToken: text },
      kmip: { endpoint: "a:1" }
    })
    expect<MongoEncryption.KmsProviders>().type.not.toBeAssignableFrom({ local: { key: new Uint8Array(96) } })
    expect<MongoEncryption.KmsProviders>().type.not.toBeAssignableFrom({
      aws: { accessKeyId: "a", secretAccessKey: "in the open" }
    })
    expect(encryption.createDataKey).type.toBeCallableWith("local", { keyMaterial: key })
    expect(encryption.createDataKey).type.not.toBeCallableWith("local", { keyMaterial: new Uint8Array(96) })
    expect(encryption.createDataKey).type.not.toBeCallableWith("nonsense")
  })

  it("algorithms are those that there are", () => {
    expect(encryption.encrypt).type.toBeCallableWith(1, { algorithm: "Indexed", contentionFactor: 0 })
    expect(encryption.encrypt).type.not.toBeCallableWith(1, { algorithm: "rot13" })
    expect(encryption.encrypt).type.not.toBeCallableWith(1)
  })

  it("results", () => {
    const binary = {} as Driver.Binary
    expect(encryption.decrypt(binary)).type.toBe<Effect.Effect<unknown, MongoError.MongoError>>()
    expect(encryption.getKey(binary)).type.toBe<
      Effect.Effect<Option.Option<Driver.DataKey>, MongoError.MongoError>
    >()
    expect(encryption.getKeys()).type.toBe<Query.Query<Driver.DataKey>>()
    expect({} as ReturnType<typeof MongoEncryption.layer>).type.toBe<
      Layer.Layer<MongoEncryption.MongoEncryption, MongoError.MongoError, MongoClient.MongoClient>
    >()
    expect(encryption.createEncryptedCollection).type.not.toBeCallableWith(db, "a", { provider: "local" })
  })
})
