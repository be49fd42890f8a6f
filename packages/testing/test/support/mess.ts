/** A baseline with everything that a database can have, and random runs that leave none of it as it was. */
import { MongoClient, MongoDatabase } from "@mongofx/core"
import type { MongoTest } from "@mongofx/testing"
import { Effect, Random, Stream } from "effect"
import type * as Driver from "mongodb"

interface User {
  readonly _id: number
  readonly name?: string
  readonly age?: number
}

export const setup = Effect.gen(function*() {
  const db = yield* MongoDatabase.MongoDatabase
  yield* db.createCollection("users", { validator: { age: { $gte: 0 } } })
  yield* db.collection("users").createIndex({ name: 1 }, { unique: true })
  yield* db.collection("users").createIndex({ age: 1, name: -1 }, { hidden: true })
  yield* db.collection<User>("users").insertMany([{ _id: 2, name: "Bob", age: 3 }, { _id: 1, name: "Ada", age: 2 }])
  yield* db.createCollection("log", { capped: true, size: 4096 })
  yield* db.collection<User>("log").insertMany([{ _id: 1, name: "first" }, { _id: 2, name: "second" }])
  yield* db.createCollection("clustered", { clusteredIndex: { key: { _id: 1 }, unique: true } })
  yield* db.createCollection("samples", { timeseries: { timeField: "at", metaField: "of" } })
  yield* db.collection("samples").createIndex({ of: 1 })
  yield* db.createCollection("adults", { viewOn: "users", pipeline: [{ $match: { age: { $gte: 18 } } }] })
  yield* db.createCollection("words", { collation: { locale: "en", strength: 2 } })
  yield* db.collection("words").createIndex({ text: "text" }, { collation: { locale: "simple" } })
})

/** What `setup` makes, by name, with what the server makes for it. */
export const collections = [
  "adults",
  "clustered",
  "log",
  "samples",
  "system.buckets.samples",
  "system.views",
  "users",
  "words"
]

const names = ["users", "log", "clustered", "samples", "adults", "words", "more", "other"]

const pick = <A>(values: ReadonlyArray<A>): Effect.Effect<A> =>
  Effect.map(Random.nextIntBetween(0, values.length - 1), (i) => values[i]!)

const aName = pick(names)
const aNumber = Random.nextIntBetween(0, 9)

const onDatabase = <A, E, R>(use: (db: MongoDatabase.MongoDatabase) => Effect.Effect<A, E, R>) =>
  Effect.flatMap(MongoDatabase.MongoDatabase, use)

/** A transaction that the run itself has left open may keep the command from its end. */
const maxTimeMS = 200

const command = (document: Driver.Document) => onDatabase((db) => db.command({ ...document, maxTimeMS }))

const aValue = Effect.flatMap(aNumber, (n) => pick<unknown>([n, String(n), [n, n + 1], null, { n }, new Date(n), -n]))

const aDocument = Effect.gen(function*() {
  return {
    _id: yield* aNumber,
    name: yield* aValue,
    age: yield* aValue,
    text: yield* aValue,
    at: new Date(yield* aNumber),
    of: yield* aValue
  }
})

const someDocuments = Effect.flatMap(aNumber, (n) => Effect.all(Array.from({ length: n }, () => aDocument)))

const someOptions = Effect.flatMap(aNumber, (n) =>
  pick<Driver.Document>([
    {},
    { capped: true, size: 4096 * (n + 1) },
    { validator: { age: { $gte: n } } },
    { clusteredIndex: { key: { _id: 1 }, unique: true } },
    { timeseries: { timeField: "at" } },
    { viewOn: "users", pipeline: [{ $limit: n + 1 }] },
    { collation: { locale: "de" } },
    { changeStreamPreAndPostImages: { enabled: true } }
  ]))

const someIndex = Effect.flatMap(aNumber, (n) =>
  pick<Driver.Document>([
    { key: { age: 1 }, name: "name_1" },
    { key: { age: 1 }, name: `age_${n}`, unique: true },
    { key: { [`f${n}`]: -1 }, name: `f${n}`, sparse: true },
    { key: { at: 1 }, name: "ttl", expireAfterSeconds: 3600 + n },
    { key: { "$**": 1 }, name: "wild" },
    { key: { name: "text" }, name: "text" },
    { key: { name: "hashed" }, name: "hashed" },
    { key: { age: 1 }, name: "partial", partialFilterExpression: { age: { $gt: n } } },
    { key: { of: 1, n: 1 }, name: `of_${n}`, hidden: true }
  ]))

const anIndexName = pick(["name_1", "age_1_name_-1", "text_text", "of_1", "*", "ttl"])

/** One thing that a run does. Whether it fails does not matter. */
const actions: ReadonlyArray<Effect.Effect<unknown, unknown, MongoTest.Services>> = [
  Effect.gen(function*() {
    yield* command({ insert: yield* aName, documents: yield* someDocuments, ordered: false })
  }),
  Effect.gen(function*() {
    yield* command({ update: yield* aName, updates: [{ q: {}, u: { $set: { age: yield* aNumber } }, multi: true }] })
  }),
  Effect.gen(function*() {
    yield* command({ delete: yield* aName, deletes: [{ q: { age: { $lt: yield* aNumber } }, limit: 0 }] })
  }),
  Effect.gen(function*() {
    yield* command({ create: yield* aName, ...yield* someOptions })
  }),
  Effect.gen(function*() {
    yield* command({ drop: yield* aName })
  }),
  Effect.gen(function*() {
    const db = yield* MongoDatabase.MongoDatabase
    const mongo = yield* MongoClient.MongoClient
    yield* mongo.db("admin").command({
      renameCollection: `${db.name}.${yield* aName}`,
      to: `${db.name}.${yield* aName}`,
      dropTarget: (yield* aNumber) < 5,
      maxTimeMS
    })
  }),
  Effect.gen(function*() {
    yield* command({ createIndexes: yield* aName, indexes: [yield* someIndex] })
  }),
  Effect.gen(function*() {
    yield* command({ dropIndexes: yield* aName, index: yield* anIndexName })
  }),
  Effect.gen(function*() {
    const index = { name: yield* anIndexName, hidden: (yield* aNumber) < 5 }
    yield* command({ collMod: yield* aName, index })
  }),
  Effect.gen(function*() {
    yield* command({ collMod: yield* aName, validator: { age: { $lt: yield* aNumber } }, validationLevel: "moderate" })
  }),
  Effect.gen(function*() {
    yield* command({ collMod: yield* pick(["adults", "more"]), viewOn: yield* aName, pipeline: [{ $limit: 1 }] })
  }),
  Effect.gen(function*() {
    yield* command({ convertToCapped: yield* aName, size: 8192 })
  }),
  Effect.gen(function*() {
    yield* command({ profile: yield* pick([0, 1, 2]), slowms: 100 })
  }),
  Effect.flatMap(aNumber, (n) => n < 3 ? command({ dropDatabase: 1 }) : Effect.void),
  // Cursors that are not read to their end.
  Effect.gen(function*() {
    const db = yield* MongoDatabase.MongoDatabase
    const name = yield* aName
    const mongo = yield* MongoClient.MongoClient
    yield* mongo.use((driver) => driver.db(db.name).collection(name).find({}, { batchSize: 1 }).next())
  }),
  Effect.gen(function*() {
    const db = yield* MongoDatabase.MongoDatabase
    const mongo = yield* MongoClient.MongoClient
    yield* mongo.use((driver) => driver.db(db.name).collection("log").find({}, { tailable: true }).next())
  }),
  onDatabase((db) => db.watch().pipe(Stream.take(1), Stream.runDrain, Effect.forkChild)),
  // Transactions that nobody ends.
  Effect.gen(function*() {
    const db = yield* MongoDatabase.MongoDatabase
    const mongo = yield* MongoClient.MongoClient
    const name = yield* aName
    const document = yield* aDocument
    yield* mongo.use(async (driver) => {
      const session = driver.startSession()
      session.startTransaction()
      await driver.db(db.name).collection(name).updateMany({}, { $set: { touched: 1 } }, { session, maxTimeMS })
      await driver.db(db.name).collection<{ _id: number }>(name).insertOne(document, { session, maxTimeMS })
    })
  }),
  // Operations that nobody awaits.
  Effect.gen(function*() {
    const documents = yield* someDocuments
    const name = yield* aName
    const mongo = yield* MongoClient.MongoClient
    const db = yield* MongoDatabase.MongoDatabase
    yield* mongo.use(async (driver) => {
      driver.db(db.name).collection<{ _id: number }>(name).insertMany(documents).catch(() => undefined)
    })
  })
]

/** How a run ends. */
const ends: ReadonlyArray<Effect.Effect<unknown, unknown>> = [
  Effect.void,
  Effect.void,
  Effect.fail("failed"),
  Effect.die("died"),
  Effect.interrupt
]

/** A run of a few random things. */
export const mess: Effect.Effect<void, unknown, MongoTest.Services> = Effect.gen(function*() {
  const count = yield* Random.nextIntBetween(1, 6)
  for (let i = 0; i < count; i++) yield* Effect.ignore(yield* pick(actions))
  yield* yield* pick(ends)
})
