/**
 * The options that mongofx owns are refused, everywhere.
 *
 * @since 0.1.0
 */
import type { MongoClient, MongoClientConfig, MongoCollection, MongoDatabase, OperationOptions } from "@mongofx/core"
import { Redacted } from "effect"
import type * as Driver from "mongodb"
import { describe, expect, it } from "tstyche"

declare const users: MongoCollection.MongoCollection<{ readonly name: string }>
declare const db: MongoDatabase.MongoDatabase
declare const mongo: MongoClient.MongoClient
declare const session: Driver.ClientSession
declare const signal: AbortSignal

describe("options of operations", () => {
  it("the driver's own are taken, also as undefined", () => {
    expect(users.findOne).type.toBeCallableWith({}, { maxTimeMS: 100, comment: "why", sort: { name: 1 } })
    expect(users.findOne).type.toBeCallableWith({}, { maxTimeMS: undefined })
    expect(users.insertOne).type.toBeCallableWith({ name: "" }, { bypassDocumentValidation: true })
    expect(users.updateOne).type.toBeCallableWith({}, {}, { upsert: true, sort: { name: 1 } })
    expect(db.createCollection).type.toBeCallableWith("log", { capped: true, size: 4096 })
    expect(db.createCollection).type.toBeCallableWith("weather", { timeseries: { timeField: "at" } })
    expect(users.findOne).type.not.toBeCallableWith({}, { nonsense: true })
    expect(users.findOne).type.not.toBeCallableWith({}, { maxTimeMS: "100" })
  })

  it("session, signal, timeoutMS and raw are refused by a read", () => {
    expect(users.find).type.not.toBeCallableWith({}, { session })
    expect(users.find).type.not.toBeCallableWith({}, { signal })
    expect(users.find).type.not.toBeCallableWith({}, { timeoutMS: 100 })
    expect(users.find).type.not.toBeCallableWith({}, { raw: true })
    expect(users.find).type.not.toBeCallableWith({}, { explain: true })
    expect(users.find).type.not.toBeCallableWith({}, { ignoreUndefined: false })
    expect(users.findOne).type.not.toBeCallableWith({}, { session })
    expect(users.findOne).type.not.toBeCallableWith({}, { signal })
    expect(users.aggregate).type.not.toBeCallableWith([], { session })
    expect(users.aggregate).type.not.toBeCallableWith([], { signal })
    expect(users.aggregate).type.not.toBeCallableWith([], { timeoutMS: 100 })
    expect(users.aggregate).type.not.toBeCallableWith([], { raw: true })
    expect(users.aggregate).type.not.toBeCallableWith([], { out: "elsewhere" })
    expect(users.countDocuments).type.not.toBeCallableWith({}, { session })
    expect(users.distinct).type.not.toBeCallableWith("name", {}, { session })
  })

  it("a write has no read concern and no read preference", () => {
    expect(users.insertOne).type.not.toBeCallableWith({ name: "" }, { readConcern: "local" })
    expect(users.deleteMany).type.not.toBeCallableWith({}, { readPreference: "secondary" })
    expect(users.countDocuments).type.not.toBeCallableWith({}, { out: "elsewhere" })
    expect(users.countDocuments).type.not.toBeCallableWith({}, { writeConcern: { w: 1 } })
    expect(users.listIndexes).type.not.toBeCallableWith({ tailable: true })
    expect(db.createCollection).type.toBeCallableWith("log", { readConcern: "local", readPreference: "secondary" })
  })

  it("hints, keys of indexes and databases have all their forms", () => {
    expect(users.findOneAndDelete).type.toBeCallableWith({}, { hint: "name_1" })
    expect(users.findOneAndUpdate).type.toBeCallableWith({}, {}, { hint: { name: 1 } })
    expect(users.findOneAndReplace).type.toBeCallableWith({}, { name: "" }, { hint: new Map([["name", 1]]) })
    expect(users.findOneAndDelete).type.not.toBeCallableWith({}, { hint: 5 })
    expect(users.dropIndex).type.toBeCallableWith("name_1")
    expect(users.dropIndex).type.toBeCallableWith({ name: 1 })
    expect(users.dropIndex).type.toBeCallableWith([["name", 1], ["age", -1]])
    expect(users.dropIndex).type.not.toBeCallableWith(5)
    expect(mongo.dropDatabase).type.toBeCallableWith(db)
    expect(mongo.dropDatabase).type.toBeCallableWith("app", { comment: "why" })
    expect(mongo.dropDatabase).type.not.toBeCallableWith()
    expect(mongo.listDatabaseNames).type.toBeCallableWith({ filter: { name: "app" } })
    expect(mongo.listDatabaseNames).type.not.toBeCallableWith({ nameOnly: false })
    expect(db.listCollectionNames).type.toBeCallableWith({}, { authorizedCollections: true })
    expect(db.listCollectionNames).type.not.toBeCallableWith({}, { nameOnly: false })
  })

  it("and by a write", () => {
    const ada = { name: "Ada" }
    expect(users.insertOne).type.not.toBeCallableWith(ada, { session })
    expect(users.insertOne).type.not.toBeCallableWith(ada, { timeoutMS: 100 })
    expect(users.insertOne).type.not.toBeCallableWith(ada, { raw: true })
    expect(users.insertOne).type.not.toBeCallableWith(ada, { serializeFunctions: true })
    expect(users.insertMany).type.not.toBeCallableWith([ada], { session })
    expect(users.updateOne).type.not.toBeCallableWith({}, {}, { session })
    expect(users.updateMany).type.not.toBeCallableWith({}, {}, { timeoutMS: 100 })
    expect(users.replaceOne).type.not.toBeCallableWith({}, ada, { session })
    expect(users.deleteOne).type.not.toBeCallableWith({}, { session })
    expect(users.deleteMany).type.not.toBeCallableWith({}, { session })
    expect(users.bulkWrite).type.not.toBeCallableWith([], { session })
    expect(users.findOneAndUpdate).type.not.toBeCallableWith({}, {}, { session })
    expect(users.findOneAndUpdate).type.not.toBeCallableWith({}, {}, { includeResultMetadata: true })
    expect(users.createIndex).type.not.toBeCallableWith({ name: 1 }, {}, { session })
    expect(users.drop).type.not.toBeCallableWith({ session })
  })

  it("and by the database and the client", () => {
    expect(db.command).type.not.toBeCallableWith({ ping: 1 }, { session })
    expect(db.command).type.not.toBeCallableWith({ ping: 1 }, { signal })
    expect(db.command).type.not.toBeCallableWith({ ping: 1 }, { timeoutMS: 100 })
    expect(db.createCollection).type.not.toBeCallableWith("log", { session })
    expect(db.createCollection).type.not.toBeCallableWith("log", { timeoutMS: 100 })
    expect(db.listCollections).type.not.toBeCallableWith({}, { signal })
    expect(db.runCursorCommand).type.not.toBeCallableWith({ find: "users" }, { session })
    expect(db.runCursorCommand).type.not.toBeCallableWith({ find: "users" }, { timeoutMode: "iteration" })
    expect(db.withOptions).type.not.toBeCallableWith({ timeoutMS: 100 })
    expect(db.withOptions).type.not.toBeCallableWith({ ignoreUndefined: false })
    expect(db.collection).type.not.toBeCallableWith("users", { timeoutMS: 100 })
    expect(mongo.db).type.not.toBeCallableWith("app", { timeoutMS: 100 })
    expect(mongo.listDatabases).type.not.toBeCallableWith({ session })
    expect(mongo.listDatabases).type.toBeCallableWith({ nameOnly: true })
  })

  it("OptionsOf leaves out what mongofx owns and what is named", () => {
    type Options = OperationOptions.OptionsOf<
      {
        session: Driver.ClientSession
        signal?: AbortSignal
        timeoutMS?: number
        raw: boolean
        a: number
        b?: string
        c: 1
      },
      "c"
    >
    expect<Options>().type.toBe<{ readonly a?: number | undefined; readonly b?: string | undefined }>()
  })
})

describe("the configuration of a client", () => {
  const url = Redacted.make("mongodb://localhost")

  it("has durations and secrets", () => {
    type Config = MongoClientConfig.MongoClientConfig
    expect<Config>().type.toBeAssignableFrom(
      { url, connectTimeout: "2 seconds", password: Redacted.make("secret") } as const
    )
    expect<Config>().type.toBeAssignableFrom({ url, appName: undefined, maxIdleTime: undefined })
    expect<Config>().type.not.toBeAssignableFrom({ url: "mongodb://localhost" })
    expect<Config>().type.not.toBeAssignableFrom({ url, password: "secret" })
    expect<Config>().type.not.toBeAssignableFrom({ url, connectTimeout: "soon" } as const)
    expect<Config>().type.not.toBeAssignableFrom({})
  })

  it("driverOptions have none that mongofx owns", () => {
    type DriverOptions = Exclude<MongoClientConfig.MongoClientConfig["driverOptions"], undefined>
    expect<DriverOptions>().type.toHaveProperty("maxStalenessSeconds")
    expect<DriverOptions>().type.not.toHaveProperty("timeoutMS")
    expect<DriverOptions>().type.not.toHaveProperty("raw")
    expect<DriverOptions>().type.not.toHaveProperty("ignoreUndefined")
  })
})
