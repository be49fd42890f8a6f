/**
 * Values that the types promise to be numbers are numbers, whatever the client's BSON settings are.
 *
 * @since 0.1.0
 */
import { assert, describe, it } from "@effect/vitest"
import { GridFS, type MongoClient, type MongoCollection, MongoDatabase, type MongoError } from "@mongofx/core"
import { Effect, Stream } from "effect"
import * as Driver from "mongodb"
import { reasonOf, setup } from "../support/utils.ts"

type Bson = Pick<Driver.BSONSerializeOptions, "promoteLongs" | "promoteValues" | "useBigInt64">

interface Item {
  readonly _id: number
  readonly n: number
}

/** Settings that give numbers another form. */
const forms: Record<string, Bson> = {
  "promoteValues: false": { promoteValues: false },
  "promoteLongs: false": { promoteLongs: false },
  "useBigInt64: true": { useBigInt64: true }
}

/** The places where they can be given: the client, the collection and each operation. */
const places: Record<
  string,
  (bson: Bson) => { readonly client?: Bson; readonly collection?: Bson; readonly each?: Bson }
> = {
  client: (client) => ({ client }),
  collection: (collection) => ({ collection }),
  operation: (each) => ({ each })
}

type Counts = Record<string, unknown>

const only = <A extends object>(result: A, ...keys: ReadonlyArray<keyof A & string>): Counts =>
  Object.fromEntries(keys.map((key) => [key, result[key]]))

const writes = (items: MongoCollection.MongoCollection<Item>, each: Bson) =>
  Effect.gen(function*() {
    const found: Array<Counts> = []
    const updated = ["matchedCount", "modifiedCount", "upsertedCount"] as const
    const $set = { n: 9 }
    found.push(only(yield* items.insertMany([{ _id: 1, n: 1 }, { _id: 2, n: 2 }], each), "insertedCount"))
    found.push(only(yield* items.updateOne({ _id: 1 }, { $set }, each), ...updated))
    found.push(only(yield* items.updateMany({ _id: { $in: [1, 2] } }, { $set }, each), ...updated))
    found.push(only(yield* items.updateOne({ _id: 3 }, { $set }, { ...each, upsert: true }), ...updated))
    found.push(only((yield* items.replaceOne({ _id: 3 }, { n: 3 }, each)) as Driver.UpdateResult, ...updated))
    found.push({ countDocuments: yield* items.countDocuments({}, each) })
    found.push({ estimatedDocumentCount: yield* items.estimatedDocumentCount(each) })
    for (const ordered of [true, false]) {
      const result = yield* items.bulkWrite([
        { insertOne: { document: { _id: 4, n: 4 } } },
        { updateOne: { filter: { _id: 1 }, update: { $set: { n: 5 } } } },
        { updateOne: { filter: { _id: 5 }, update: { $set }, upsert: true } },
        { updateOne: { filter: { _id: 1 }, update: { $set } } },
        { deleteMany: { filter: { _id: { $in: [4, 5] } } } }
      ], { ...each, ordered })
      found.push(only(result, "insertedCount", "deletedCount", ...updated))
    }
    found.push(only(yield* items.deleteOne({ _id: 1 }, each), "deletedCount"))
    found.push(only(yield* items.deleteMany({}, each), "deletedCount"))
    return found
  })

const expected: ReadonlyArray<Counts> = [
  { insertedCount: 2 },
  { matchedCount: 1, modifiedCount: 1, upsertedCount: 0 },
  { matchedCount: 2, modifiedCount: 1, upsertedCount: 0 },
  { matchedCount: 0, modifiedCount: 0, upsertedCount: 1 },
  { matchedCount: 1, modifiedCount: 1, upsertedCount: 0 },
  { countDocuments: 3 },
  { estimatedDocumentCount: 3 },
  { insertedCount: 1, deletedCount: 2, matchedCount: 2, modifiedCount: 2, upsertedCount: 1 },
  { insertedCount: 1, deletedCount: 2, matchedCount: 2, modifiedCount: 2, upsertedCount: 1 },
  { deletedCount: 1 },
  { deletedCount: 2 }
]

const clientWrites = (mongo: MongoClient.MongoClient, namespace: string, each: Bson) =>
  Effect.gen(function*() {
    const models: ReadonlyArray<MongoClient.BulkWriteModel> = [
      { namespace, name: "insertOne", document: { _id: 1 } },
      { namespace, name: "updateOne", filter: { _id: 1 }, update: { $set: { n: 1 } } },
      { namespace, name: "updateOne", filter: { _id: 2 }, update: { $set: { n: 1 } }, upsert: true },
      { namespace, name: "deleteMany", filter: {} }
    ]
    const counts = ["insertedCount", "matchedCount", "modifiedCount", "deletedCount", "upsertedCount"] as const
    const silent = yield* mongo.bulkWrite(models, each)
    const verbose = yield* mongo.bulkWrite(models, { ...each, verboseResults: true })
    const errors: Array<MongoError.BulkWriteError> = []
    for (const ordered of [true, false]) {
      const reason = yield* reasonOf(
        mongo.bulkWrite([models[0]!, models[2]!, models[0]!], { ...each, ordered, verboseResults: true })
      )
      if (reason._tag !== "BulkWriteError") return assert.fail(reason.message)
      errors.push(reason)
      yield* mongo.bulkWrite([models[3]!])
    }
    return {
      silent: only(silent, ...counts),
      verbose: only(verbose, ...counts),
      update: only(verbose.updateResults.get(1)!, "matchedCount", "modifiedCount", "didUpsert"),
      upsert: only(verbose.updateResults.get(2)!, "matchedCount", "modifiedCount", "didUpsert"),
      deleted: verbose.deleteResults.get(3)!.deletedCount,
      inserted: [...verbose.insertResults.keys()],
      errors: errors.map((error) => [
        error.insertedCount,
        error.upsertedCount,
        error.writeErrors.map(({ index, reason }) => [index, reason.code]),
        { ...error.updateResults }
      ])
    }
  })

const done = { insertedCount: 1, matchedCount: 1, modifiedCount: 1, deletedCount: 2, upsertedCount: 1 }

const start = (place: keyof typeof places, form: keyof typeof forms) =>
  Effect.gen(function*() {
    const { client, collection, each = {} } = places[place]!(forms[form]!)
    const fixture = yield* setup(
      client === undefined ? {} : { driverOptions: { monitorCommands: true, ...client } }
    )
    return { fixture, each, items: fixture.db.collection<Item>("items", collection) }
  })

describe("counts are numbers", () => {
  for (const form of Object.keys(forms)) {
    for (const place of Object.keys(places)) {
      it.live(`${form}, of the ${place}`, () =>
        Effect.gen(function*() {
          const { each, fixture, items } = yield* start(place, form)
          assert.deepStrictEqual(yield* writes(items, each), expected)
          const found = yield* clientWrites(fixture.mongo, `${fixture.db.name}.items`, each)
          assert.deepStrictEqual<unknown>(found, {
            silent: done,
            // In the results of single writes, an upsert counts as matched.
            verbose: done,
            update: { matchedCount: 1, modifiedCount: 1, didUpsert: false },
            upsert: { matchedCount: 1, modifiedCount: 0, didUpsert: true },
            deleted: 2,
            inserted: [0],
            errors: [
              [1, 1, [[2, 11000]], { 1: { matchedCount: 1, modifiedCount: 0 } }],
              [1, 1, [[2, 11000]], { 1: { matchedCount: 1, modifiedCount: 0 } }]
            ]
          })
        }))

      it.live(`of a failed bulk write: ${form}, of the ${place}`, () =>
        Effect.gen(function*() {
          const { each, items } = yield* start(place, form)
          yield* items.insertOne({ _id: 1, n: 1 })
          for (const ordered of [true, false]) {
            const reason = yield* reasonOf(
              items.bulkWrite([
                { updateOne: { filter: { _id: 1 }, update: { $inc: { n: 1 } } } },
                { insertOne: { document: { _id: 1, n: 1 } } }
              ], { ...each, ordered })
            )
            if (reason._tag !== "BulkWriteError") return assert.fail(reason.message)
            assert.deepStrictEqual([reason.matchedCount, reason.modifiedCount, reason.insertedCount], [1, 1, 0])
            assert.deepStrictEqual(reason.writeErrors.map(({ index, reason }) => [index, reason.code]), [[1, 11000]])
          }
          const many = yield* reasonOf(items.insertMany([{ _id: 2, n: 1 }, { _id: 1, n: 1 }], each))
          if (many._tag !== "BulkWriteError") return assert.fail(many.message)
          assert.deepStrictEqual([many.insertedCount, many.writeErrors[0]?.index], [1, 1])
        }))
    }

    it.live(`of databases, indexes and profiling: ${form}`, () =>
      Effect.gen(function*() {
        const { fixture: { db, mongo }, items } = yield* start("client", form)
        yield* items.insertOne({ _id: 1, n: 1 })
        yield* items.createIndex({ n: -1 }, { expireAfterSeconds: 5 })
        const databases = yield* mongo.listDatabases()
        const sizes = databases.map(({ sizeOnDisk }) => sizeOnDisk)
        assert.isAbove(sizes.length, 0)
        for (const size of sizes) assert.typeOf(size, "number")
        const [, index] = yield* items.listIndexes()
        assert.deepStrictEqual<unknown>(index, { v: 2, key: { n: -1 }, name: "n_-1", expireAfterSeconds: 5 })
        assert.isTrue(yield* items.indexExists("n_-1"))
        assert.isFalse(yield* items.isCapped())
        yield* db.setProfilingLevel("off")
        assert.strictEqual(yield* db.profilingLevel, "off")
      }))
  }

  it.live("documents keep the requested form", () =>
    Effect.gen(function*() {
      const { items } = yield* start("client", "promoteValues: false")
      yield* items.insertOne({ _id: 1, n: 1 })
      const item = yield* items.find().one
      assert.instanceOf(item.n, Driver.Int32)
      const upserted = yield* items.updateOne({ _id: 7 }, { $set: { n: 1 } }, { upsert: true })
      assert.instanceOf(upserted.upsertedId, Driver.Int32)
    }))
})

describe("names", () => {
  const names: ReadonlyArray<readonly [unknown, string]> = [
    ["", "is empty"],
    [undefined, "is not a string, but undefined"],
    [null, "is not a string, but null"],
    [5, "is not a string, but number"],
    ["a\uD83D", "has a lone surrogate"]
  ]

  const refusedName = (effect: Effect.Effect<unknown, MongoError.MongoError>, message: string) =>
    Effect.map(reasonOf(effect), (reason) => {
      assert.strictEqual(reason._tag, "InvalidArgumentError", reason.message)
      assert.include(reason.message, message)
    })

  it.live.each(names)(
    "a collection with the name %o does nothing, to a database neither",
    ([name, what]) =>
      Effect.gen(function*() {
        const { commands, db } = yield* setup()
        yield* db.collection("items").insertOne({ a: 1 })
        const before = commands.length
        const none = db.collection(name as string)
        const message = `the name of the collection ${what}`
        for (
          const effect of [
            none.find(),
            none.findOne(),
            none.aggregate([]),
            none.aggregate([{ $listLocalSessions: {} }]).first,
            none.insertOne({}),
            none.insertMany([{}]),
            none.bulkWrite([{ insertOne: { document: {} } }]),
            none.deleteMany({}),
            none.countDocuments(),
            none.estimatedDocumentCount(),
            none.distinct("a"),
            none.drop(),
            none.rename("other"),
            none.createIndex({ a: 1 }),
            none.listIndexes(),
            none.dropIndexes(),
            none.createSearchIndex({ definition: {} }),
            none.watch().pipe(Stream.runDrain),
            db.createCollection(name as string),
            db.dropCollection(name as string),
            db.renameCollection(name as string, "other"),
            db.validateCollection(name as string),
            ...(name === undefined || name === null
              ? []
              : [GridFS.bucket(db, { bucketName: name as string }).findOne()])
          ]
        ) yield* refusedName(effect, message)
        yield* refusedName(db.collection("items").rename(name as string), `the name of the collection ${what}`)
        yield* refusedName(db.renameCollection("items", name as string), `the name of the collection ${what}`)
        assert.strictEqual(commands.length, before, `${commands.at(-1)?.commandName}`)
        assert.strictEqual(yield* db.collection("items").countDocuments(), 1)
      })
  )

  it.live.each(names.filter(([name]) => name !== undefined))(
    "a database whose name is %o does nothing",
    ([name, what]) =>
      Effect.gen(function*() {
        const { commands, mongo } = yield* setup()
        const before = commands.length
        const none = mongo.db(name as string)
        const message = `the name of the database ${what}`
        for (
          const effect of [
            none.command({ ping: 1 }),
            none.dropDatabase(),
            none.listCollections(),
            none.aggregate([]),
            none.watch().pipe(Stream.runDrain),
            none.collection("items").find(),
            none.collection("items").watch().pipe(Stream.runDrain),
            mongo.dropDatabase(name as string)
          ]
        ) yield* refusedName(effect, message)
        assert.strictEqual(commands.length, before, `${commands.at(-1)?.commandName}`)
      })
  )

  it.live("an undefined name means the database of the connection string, except for a drop", () =>
    Effect.gen(function*() {
      const { mongo } = yield* setup()
      assert.strictEqual(mongo.db().name, "test")
      yield* refusedName(mongo.dropDatabase(undefined as never), "the name of the database is not a string, but null")
    }))
})

describe("NaN", () => {
  it.live("is refused as a limit, a time and a size", () =>
    Effect.gen(function*() {
      const { commands, db, mongo } = yield* setup()
      const items = db.collection<Item>("items")
      const before = commands.length
      const nan = Number.NaN
      for (
        const [effect, path] of [
          [items.countDocuments({}, { limit: nan }), "options.limit"],
          [items.countDocuments({}, { skip: nan }), "options.skip"],
          [items.countDocuments({}, { maxTimeMS: nan }), "options.maxTimeMS"],
          [items.insertOne({ _id: 1, n: 1 }, { maxTimeMS: nan }), "options.maxTimeMS"],
          [items.deleteMany({}, { maxTimeMS: nan }), "options.maxTimeMS"],
          [items.distinct("n", {}, { maxTimeMS: nan }), "options.maxTimeMS"],
          [items.createIndex({ n: 1 }, {}, { maxTimeMS: nan }), "options.maxTimeMS"],
          [db.createCollection("other", { capped: true, size: nan }), "options.size"],
          [db.setProfilingLevel("off", { sampleRate: nan }), "options.sampleRate"],
          [db.stats({ scale: nan }), "options.scale"],
          [mongo.bulkWrite([], { maxTimeMS: nan }), "options.maxTimeMS"],
          [mongo.listDatabases({ maxTimeMS: nan }), "options.maxTimeMS"]
        ] as const
      ) {
        const reason = yield* reasonOf<unknown, never>(effect)
        if (reason._tag !== "InvalidArgumentError") return assert.fail(`${path}: ${reason.message}`)
        assert.strictEqual(reason.path, path)
        assert.include(reason.message, `${path} is not a number`)
      }
      assert.strictEqual(commands.length, before)
    }))

  it.live("is accepted as a value", () =>
    Effect.gen(function*() {
      const { db } = yield* setup()
      const items = db.collection<Item>("items")
      yield* items.insertOne({ _id: 1, n: Number.NaN }, { comment: Number.NaN })
      assert.strictEqual(yield* items.countDocuments({ n: Number.NaN }), 1)
    }))
})

describe("databases", () => {
  it.live("are dropped by name and by value", () =>
    Effect.gen(function*() {
      const { db, mongo } = yield* setup()
      yield* db.collection<Item>("items").insertOne({ _id: 1, n: 1 })
      yield* mongo.dropDatabase(db)
      assert.strictEqual(yield* db.collection("items").countDocuments(), 0)
      assert.isTrue(MongoDatabase.isMongoDatabase(db))
      yield* db.collection<Item>("items").insertOne({ _id: 1, n: 1 })
      yield* mongo.dropDatabase(db.name)
      assert.strictEqual(yield* db.collection("items").countDocuments(), 0)
    }))
})
