import { assert, describe, it } from "@effect/vitest"
import { MongoClient } from "@mongofx/core"
import { Effect, Option, Schedule, Stream } from "effect"
import * as Driver from "mongodb"
import { failCommand, type Fixture, reasonOf, setup, uri } from "../support/utils.ts"

interface Item {
  readonly _id: number
  readonly even?: boolean
  readonly tags?: ReadonlyArray<string>
}

const items: ReadonlyArray<Item> = Array.from({ length: 10 }, (_, _id) => ({ _id, even: _id % 2 === 0 }))

const filled = Effect.gen(function*() {
  const fixture = yield* setup()
  const collection = fixture.db.collection<Item>("items")
  yield* collection.insertMany(items)
  return { ...fixture, collection }
})

/** Freezes plain objects and arrays to the bottom, and keeps a copy to compare with. */
const frozen = <A extends object>(value: A): A => {
  const freeze = (u: unknown): void => {
    if (typeof u !== "object" || u === null || Object.isFrozen(u)) return
    if (!Array.isArray(u) && Object.getPrototypeOf(u) !== Object.prototype) return
    Object.freeze(u)
    Object.values(u).forEach(freeze)
  }
  freeze(value)
  return value
}

describe("running twice", () => {
  it.live("every view of a query gives the same answer again", () =>
    Effect.gen(function*() {
      const { collection } = yield* filled
      const query = collection.find({ even: true }).sort({ _id: -1 }).batchSize(2)
      const expected = [8, 6, 4, 2, 0]
      const ids = Effect.map(query, (all) => all.map(({ _id }) => _id))
      const streamed = Stream.runCollect(Stream.map(query.stream, ({ _id }) => _id))
      const raw = Stream.runCollect(Stream.map(query.raw, (bytes) => Driver.BSON.deserialize(bytes)["_id"]))
      const batches = Stream.runCollect(Stream.map(query.batches, (batch) => batch.map(({ _id }) => _id)))
      for (const round of [1, 2]) {
        assert.deepStrictEqual(yield* ids, expected, `array, round ${round}`)
        assert.deepStrictEqual(yield* streamed, expected, `stream, round ${round}`)
        assert.deepStrictEqual(yield* raw, expected, `raw, round ${round}`)
        assert.deepStrictEqual(yield* batches, [[8, 6], [4, 2], [0]], `batches, round ${round}`)
        assert.strictEqual(Option.getOrThrow(yield* query.first)._id, 8)
        assert.strictEqual((yield* query.one)._id, 8)
      }
      assert.deepStrictEqual(yield* Effect.all([ids, ids, streamed], { concurrency: 3 }), [
        expected,
        expected,
        expected
      ])
    }))

  it.live("the other queries give the same answer again", () =>
    Effect.gen(function*() {
      const { collection, db } = yield* filled
      yield* collection.createIndex({ even: 1 })
      const aggregate = collection.aggregate<Item>([{ $match: { even: true } }, { $sort: { _id: 1 } }])
      const names = Effect.map(collection.listIndexes(), (indexes) => indexes.map(({ name }) => name))
      const command = db.runCursorCommand<Item>({ find: "items", filter: { _id: { $lt: 3 } }, batchSize: 2 })
      for (let round = 0; round < 2; round++) {
        assert.deepStrictEqual((yield* aggregate).map(({ _id }) => _id), [0, 2, 4, 6, 8])
        assert.strictEqual(Option.getOrThrow(yield* aggregate.first)._id, 0)
        assert.deepStrictEqual(yield* names, ["_id_", "even_1"])
        assert.deepStrictEqual((yield* command).map(({ _id }) => _id), [0, 1, 2])
        assert.strictEqual(Option.getOrThrow(yield* command.first)._id, 0)
        assert.deepStrictEqual(yield* db.listCollectionNames(), ["items"])
      }
    }))

  it.live("insertOne inserts two documents and leaves its argument as it was", () =>
    Effect.gen(function*() {
      const { db } = yield* setup()
      const users = db.collection<{ name: string; _id?: Driver.ObjectId | null }>("users")
      for (const document of [{ name: "Ada" }, { name: "Ada", _id: undefined }, { name: "Ada", _id: null }] as const) {
        const before = { ...document }
        const insert = users.insertOne(document as never)
        const first = yield* insert
        const second = yield* insert
        assert.deepStrictEqual<unknown>(document, before)
        assert.notStrictEqual(String(first.insertedId), String(second.insertedId))
        const stored = yield* users.find().sort({ _id: 1 })
        assert.sameMembers(
          stored.map(({ _id }) => String(_id)),
          [String(first.insertedId), String(second.insertedId)]
        )
        yield* users.deleteMany({})
      }
    }))

  it.live("insertMany and bulkWrite insert anew, and leave their arguments as they were", () =>
    Effect.gen(function*() {
      const { db } = yield* setup()
      const users = db.collection<{ name: string }>("users")
      const documents = [{ name: "Ada" }, { name: "Grace" }]
      const models = documents.map((document) => ({ insertOne: { document } }))
      const insertMany = users.insertMany(documents)
      const bulkWrite = users.bulkWrite(models)
      const ids = [
        ...Object.values((yield* insertMany).insertedIds),
        ...Object.values((yield* insertMany).insertedIds),
        ...Object.values((yield* bulkWrite).insertedIds),
        ...Object.values((yield* bulkWrite).insertedIds)
      ]
      assert.deepStrictEqual(documents, [{ name: "Ada" }, { name: "Grace" }])
      assert.deepStrictEqual(models, [
        { insertOne: { document: { name: "Ada" } } },
        { insertOne: { document: { name: "Grace" } } }
      ])
      assert.strictEqual(new Set(ids.map(String)).size, 8)
      assert.sameMembers((yield* users.find()).map(({ _id }) => String(_id)), ids.map(String))
    }))

  it.live("an _id of the caller is kept, so that the second insert is a duplicate", () =>
    Effect.gen(function*() {
      const { db } = yield* setup()
      const insert = db.collection<{ _id: string }>("users").insertOne({ _id: "ada" })
      assert.strictEqual((yield* insert).insertedId, "ada")
      assert.strictEqual((yield* reasonOf(insert))._tag, "DuplicateKeyError")
    }))

  it.live("the client's pkFactory makes the ids, for null and undefined too", () =>
    Effect.gen(function*() {
      let next = 0
      const { db } = yield* setup({ driverOptions: { pkFactory: { createPk: () => next++ as never } } })
      const users = db.collection<{ _id?: unknown; name: string }>("users")
      yield* users.insertOne({ name: "a" } as never)
      yield* users.insertMany([{ _id: null, name: "b" }, { _id: undefined, name: "c" }] as never)
      yield* users.bulkWrite([{ insertOne: { document: { name: "d" } as never } }])
      yield* users.insertOne({ toBSON: () => ({ name: "e" }) } as never)
      const stored = yield* users.find().sort({ _id: 1 })
      assert.deepStrictEqual<unknown>(stored, ["a", "b", "c", "d", "e"].map((name, _id) => ({ _id, name })))
    }))

  it.live("forceServerObjectId leaves the ids to the server", () =>
    Effect.gen(function*() {
      const { db, last } = yield* setup()
      const users = db.collection<{ name: string }>("users")
      const document = { name: "Ada" }
      yield* users.insertOne(document, { forceServerObjectId: true })
      assert.deepStrictEqual(last("insert")["documents"], [{ name: "Ada" }])
      yield* users.insertMany([document], { forceServerObjectId: true })
      assert.deepStrictEqual(last("insert")["documents"], [{ name: "Ada" }])
      assert.strictEqual((yield* users.find()).filter(({ _id }) => _id instanceof Driver.ObjectId).length, 2)
    }))
})

describe("queries as values", () => {
  it.live("building on a query leaves the query as it was", () =>
    Effect.gen(function*() {
      const { collection, last } = yield* filled
      const base = collection.find({ even: true })
      const wire = Effect.map(base, () => {
        const { $clusterTime: _, lsid: __, ...command } = last("find")
        return command
      })
      const before = yield* wire
      const derived = [
        base.sort({ _id: -1 }),
        base.limit(1),
        base.skip(1),
        base.project({ even: 1 }),
        base.hint({ _id: 1 }),
        base.hint("_id_").min({ _id: 1 }).max({ _id: 3 }),
        base.collation({ locale: "de" }),
        base.comment("why"),
        base.batchSize(1),
        base.maxTimeMS(1000),
        base.allowDiskUse(),
        base.returnKey(),
        base.showRecordId(),
        base.noCursorTimeout(),
        base.readPreference("nearest"),
        base.readConcern("majority")
      ]
      for (const query of derived) {
        assert.notStrictEqual<unknown>(query, base)
        yield* query
      }
      assert.deepStrictEqual(yield* wire, before)
      assert.strictEqual((yield* base).length, 5)

      const aggregate = collection.aggregate([{ $match: { even: true } }])
      yield* aggregate.comment("why").collation({ locale: "de" }).batchSize(1).maxTimeMS(1000).hint("_id_").first
      yield* aggregate
      const { $clusterTime: _, lsid: __, ...command } = last("aggregate")
      assert.deepStrictEqual<unknown>(command, {
        aggregate: "items",
        pipeline: [{ $match: { even: true } }],
        cursor: {},
        $db: collection.database.name
      })
    }))

  it.live("a query made before its client connects runs after that", () =>
    Effect.gen(function*() {
      const { collection: { fullName }, db } = yield* filled
      const unconnected = yield* Effect.acquireRelease(
        Effect.sync(() => new Driver.MongoClient(uri)),
        (driver) => Effect.promise(() => driver.close())
      )
      const opened: Array<string> = []
      unconnected.on("connectionCreated", ({ address }) => opened.push(address))
      const program = MongoClient.MongoClient.useSync((mongo) => {
        const collection = mongo.db(db.name).collection<Item>("items")
        assert.strictEqual(collection.fullName, fullName)
        return { query: collection.find({ even: true }), insert: collection.insertOne({ _id: 10, even: true }) }
      })
      const { insert, query } = yield* program.pipe(
        Effect.provide(MongoClient.layerFrom(MongoClient.fromClient(unconnected)))
      )
      assert.deepStrictEqual(opened, [])
      yield* insert
      assert.strictEqual((yield* query).length, 6)
    }))
})

describe("retrying", () => {
  const twice = (fixture: Fixture, command: string) =>
    // The driver retries a read once by itself, so the caller sees two failures as one.
    failCommand(fixture, { times: 2 }, { failCommands: [command], errorCode: 6 })

  it.live("a failed find gives the documents, not an empty array", () =>
    Effect.gen(function*() {
      const fixture = yield* filled
      const query = fixture.collection.find().sort({ _id: 1 })
      yield* twice(fixture, "find")
      const failed: Array<boolean> = []
      const all = yield* query.pipe(
        Effect.tapError((error) => Effect.sync(() => failed.push(error.isRetryable))),
        Effect.retry({ times: 2 })
      )
      assert.deepStrictEqual(failed, [true])
      assert.deepStrictEqual(all, items)
      assert.strictEqual(fixture.sent().filter((name) => name === "find").length, 3)
    }))

  it.live("a failed stream, first and aggregate give the documents", () =>
    Effect.gen(function*() {
      const fixture = yield* filled
      const query = fixture.collection.find().sort({ _id: 1 }).batchSize(3)
      const retries = { times: 2 }
      yield* Effect.scoped(Effect.gen(function*() {
        yield* twice(fixture, "find")
        assert.deepStrictEqual(yield* Effect.retry(Stream.runCollect(query.stream), retries), items)
      }))
      yield* Effect.scoped(Effect.gen(function*() {
        yield* twice(fixture, "find")
        assert.deepStrictEqual(
          yield* Stream.runCollect(Stream.retry(query.stream, Schedule.recurs(2))),
          items
        )
      }))
      yield* Effect.scoped(Effect.gen(function*() {
        yield* twice(fixture, "find")
        assert.deepStrictEqual(yield* Effect.retry(query.first, retries), Option.some(items[0]))
      }))
      yield* Effect.scoped(Effect.gen(function*() {
        yield* twice(fixture, "aggregate")
        const aggregate = fixture.collection.aggregate([{ $sort: { _id: 1 } }])
        assert.deepStrictEqual<unknown>(yield* Effect.retry(aggregate, retries), items)
      }))
    }))

  it.live("a failure in a later batch loses and repeats no document", () =>
    Effect.gen(function*() {
      const fixture = yield* filled
      const query = fixture.collection.find().sort({ _id: 1 }).batchSize(3)
      yield* failCommand(fixture, { times: 1 }, { failCommands: ["getMore"], errorCode: 6 })
      let failures = 0
      const all = yield* query.pipe(
        Effect.tapError(() => Effect.sync(() => failures++)),
        Effect.retry({ times: 1 })
      )
      assert.strictEqual(failures, 1)
      assert.deepStrictEqual(all, items)
    }))
})

describe("frozen arguments", () => {
  it.live("work, and stay as they were", () =>
    Effect.gen(function*() {
      const { db } = yield* setup()
      const frozenSort = frozen({ sort: { _id: 1 }, comment: { why: "test" } } as const)
      const collection = db.collection<Driver.Document>("items", frozen({ readConcern: { level: "local" } } as const))
      const document = frozen({ name: "Ada", address: { city: "London" }, tags: ["a", "b"] })
      const filter = frozen({ name: { $in: ["Ada"] }, $or: [{ a: 1 }, { "address.city": "London" }] })
      const update = frozen<Driver.Document>({ $set: { "address.city": "Paris" }, $push: { tags: { $each: ["c"] } } })
      const pipeline = frozen([{ $match: { name: "Ada" } }, { $project: { name: 1 } }])
      const models: ReadonlyArray<Driver.AnyBulkWriteOperation> = frozen([
        { insertOne: { document: { name: "Grace", address: { city: "New York" } } } },
        { updateOne: { filter: { name: "Grace" }, update: { $set: { age: 1 } }, upsert: true } },
        { updateMany: { filter: {}, update: [{ $set: { age: 2 } }], collation: { locale: "en" } } },
        { replaceOne: { filter: { name: "Grace" }, replacement: { name: "Grace" } } },
        { deleteOne: { filter: { name: "Grace" } } },
        { deleteMany: { filter: { name: "Nobody" }, hint: { _id: 1 } } }
      ])
      const everything = {
        frozenSort,
        document,
        filter,
        update,
        pipeline,
        models,
        documents: frozen([{ a: 1 }, { a: { b: [1] } }]),
        keys: frozen({ name: 1, "address.city": -1 } as const),
        indexes: frozen([{ key: { a: 1 }, name: "a", sparse: true }]),
        indexOptions: frozen({ partialFilterExpression: { name: { $exists: true } } }),
        arrayFilters: frozen({ arrayFilters: [{ tag: "a" }] }),
        names: frozen(["_id_"]),
        validator: frozen({ validator: { $jsonSchema: { bsonType: "object" } } }),
        command: frozen({ find: "items", filter: { name: "Ada" } }),
        collectionFilter: frozen({ name: { $in: ["items"] } })
      }
      const before = structuredClone(everything)
      const operations: Record<string, Effect.Effect<unknown, unknown>> = {
        insertOne: collection.insertOne(document, frozen({ comment: "c" })),
        insertMany: collection.insertMany(everything.documents, frozen({ ordered: false })),
        bulkWrite: collection.bulkWrite(models, frozen({ ordered: true })),
        find: collection.find(filter, frozenSort).project(frozen({ name: 1 })).collation(frozen({ locale: "en" })),
        findOne: collection.findOne(filter, frozenSort),
        findOneAndUpdate: collection.findOneAndUpdate(filter, update, frozenSort),
        findOneAndReplace: collection.findOneAndReplace(filter, document, frozenSort),
        findOneAndDelete: collection.findOneAndDelete(frozen({ name: "Nobody" }), frozenSort),
        updateOne: collection.updateOne(
          filter,
          frozen({ $set: { "tags.$[tag]": "z" } }),
          everything.arrayFilters
        ),
        updateMany: collection.updateMany(filter, frozen([{ $set: { x: "$name" } }])),
        replaceOne: collection.replaceOne(filter, document, frozen({ upsert: true })),
        deleteOne: collection.deleteOne(frozen({ name: "Nobody" })),
        deleteMany: collection.deleteMany(frozen({ name: "Nobody" })),
        countDocuments: collection.countDocuments(filter),
        distinct: collection.distinct("name", filter),
        aggregate: collection.aggregate(pipeline, frozen({ let: { a: 1 } })),
        aggregateFirst: collection.aggregate(pipeline).first,
        explain: collection.aggregate(pipeline).explain(),
        createIndex: collection.createIndex(everything.keys, everything.indexOptions, frozen({ comment: "c" })),
        createIndexes: collection.createIndexes(everything.indexes),
        indexExists: collection.indexExists(everything.names),
        createCollection: db.createCollection("other", everything.validator),
        listCollections: db.listCollections(everything.collectionFilter, frozen({ nameOnly: true })),
        command: db.command(everything.command),
        runCursorCommand: db.runCursorCommand(everything.command, frozen({ batchSize: 1 }))
      }
      for (const [name, operation] of Object.entries(operations)) {
        yield* Effect.mapError(operation, (cause) => new Error(name, { cause }))
      }
      assert.deepStrictEqual(everything, before)
    }))
})
