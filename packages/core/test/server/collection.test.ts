import { assert, describe, it } from "@effect/vitest"
import { MongoCollection, type MongoError } from "@mongofx/core"
import { Effect, Option } from "effect"
import * as Driver from "mongodb"
import { reasonOf, setup } from "../support/utils.ts"

interface Item {
  readonly _id: number
  readonly name?: string
  readonly group?: string
  readonly count?: number
  readonly tags?: ReadonlyArray<string>
  readonly grades?: ReadonlyArray<{ readonly grade: number }>
}

const items: ReadonlyArray<Item> = [
  { _id: 1, name: "ada", group: "a", count: 3 },
  { _id: 2, name: "Bob", group: "b", count: 1 },
  { _id: 3, name: "cy", group: "a", count: 2 }
]

const filled = Effect.gen(function*() {
  const fixture = yield* setup()
  const collection = fixture.db.collection<Item>("items")
  yield* collection.insertMany(items)
  return { ...fixture, collection }
})

const idsOf = <E>(query: Effect.Effect<ReadonlyArray<{ readonly _id: unknown }>, E>) =>
  Effect.map(query, (found) => found.map(({ _id }) => _id))

const collation = { locale: "en", strength: 2 } as const

describe("a collection", () => {
  it.live("is a value with names", () =>
    Effect.gen(function*() {
      const { db } = yield* setup()
      const collection = db.collection("a.b")
      assert.strictEqual(collection.name, "a.b")
      assert.strictEqual(collection.fullName, `${db.name}.a.b`)
      assert.strictEqual(collection.database, db)
      assert.isTrue(MongoCollection.isMongoCollection(collection))
      assert.isFalse(MongoCollection.isMongoCollection(db))
      assert.strictEqual(collection[MongoCollection.TypeId], MongoCollection.TypeId)
    }))

  it.live("applies withOptions on the wire, and stays as it was", () =>
    Effect.gen(function*() {
      const { collection, db, last } = yield* filled
      const other = collection.withOptions({
        readConcern: { level: "majority" },
        writeConcern: { w: "majority", wtimeoutMS: 5000 },
        readPreference: "secondaryPreferred"
      })
      yield* other.insertOne({ _id: 10 })
      assert.deepStrictEqual<unknown>(last("insert")["writeConcern"], { w: "majority", wtimeout: 5000 })
      for (const read of [other.find(), other.findOne(), other.find().readConcern("majority")]) {
        yield* read as Effect.Effect<unknown, MongoError.MongoError>
        assert.deepStrictEqual<unknown>(last("find")["readConcern"], { level: "majority" })
      }
      yield* other.aggregate()
      assert.deepStrictEqual<unknown>(last("aggregate")["readConcern"], { level: "majority" })
      assert.deepStrictEqual<unknown>(last("find")["$readPreference"], { mode: "secondaryPreferred" })

      yield* collection.insertOne({ _id: 11 })
      assert.isUndefined(last("insert")["writeConcern"])
      yield* collection.find()
      assert.isUndefined(last("find")["readConcern"])
      assert.isUndefined(last("find")["$readPreference"])
      // Options of the operation win over those of the collection, those over the database's.
      yield* other.find({}, { readConcern: { level: "local" } })
      assert.deepStrictEqual<unknown>(last("find")["readConcern"], { level: "local" })
      const inherited = db.withOptions({ readConcern: { level: "local" }, writeConcern: { w: 1 } })
      yield* inherited.collection<Item>("items").find()
      assert.deepStrictEqual<unknown>(last("find")["readConcern"], { level: "local" })
      yield* inherited.collection<Item>("items", { readConcern: { level: "majority" } }).find()
      assert.deepStrictEqual<unknown>(last("find")["readConcern"], { level: "majority" })
      yield* inherited.collection<Item>("items", { readConcern: { level: "majority" } }).insertOne({ _id: 12 })
      assert.deepStrictEqual<unknown>(last("insert")["writeConcern"], { w: 1 })
    }))

  it.live("reads BSON by its options", () =>
    Effect.gen(function*() {
      const { db } = yield* setup()
      const collection = db.collection<{ _id: number; long: unknown; int: unknown }>("numbers")
      yield* collection.insertOne({ _id: 1, long: Driver.Long.fromNumber(7), int: 7 })
      const read = (options: MongoCollection.CollectionOptions) =>
        Effect.map(collection.withOptions(options).find({ _id: 1 }).one, ({ long, int }) => [long, int])
      assert.deepStrictEqual(yield* read({}), [7, 7])
      assert.deepStrictEqual(yield* read({ useBigInt64: true }), [7n, 7])
      const [long, int] = yield* read({ promoteValues: false })
      assert.instanceOf(long, Driver.Long)
      assert.instanceOf(int, Driver.Int32)
    }))
})

describe("inserting", () => {
  it.live("insertOne returns the id and passes its options on", () =>
    Effect.gen(function*() {
      const { db, last } = yield* setup()
      const collection = db.collection<{ a: number }>("items")
      const result = yield* collection.insertOne({ a: 1 }, {
        comment: "why",
        writeConcern: { w: 1, journal: true },
        bypassDocumentValidation: true
      })
      assert.isTrue(result.acknowledged)
      assert.instanceOf(result.insertedId, Driver.ObjectId)
      assert.deepInclude(last("insert"), {
        comment: "why",
        bypassDocumentValidation: true,
        writeConcern: { w: 1, j: true }
      })
      assert.deepStrictEqual<unknown>(yield* collection.find().one, { _id: result.insertedId, a: 1 })
      const unacknowledged = yield* collection.insertOne({ a: 2 }, { writeConcern: { w: 0 } })
      assert.isFalse(unacknowledged.acknowledged)
    }))

  it.live("insertMany returns the ids in order; an error says what was inserted", () =>
    Effect.gen(function*() {
      const { db } = yield* setup()
      const collection = db.collection<Item>("items")
      const result = yield* collection.insertMany(items)
      assert.strictEqual(result.insertedCount, 3)
      assert.deepStrictEqual<unknown>(result.insertedIds, { 0: 1, 1: 2, 2: 3 })
      const more = [{ _id: 4 }, { _id: 1 }, { _id: 5 }, { _id: 2 }]
      const ordered = yield* reasonOf(collection.insertMany(more))
      if (ordered._tag !== "BulkWriteError") return assert.fail(ordered._tag)
      assert.strictEqual(ordered.insertedCount, 1)
      assert.deepStrictEqual(ordered.writeErrors.map(({ index, reason }) => [index, reason._tag]), [
        [1, "DuplicateKeyError"]
      ])
      yield* collection.deleteOne({ _id: 4 })
      const unordered = yield* reasonOf(collection.insertMany(more, { ordered: false }))
      if (unordered._tag !== "BulkWriteError") return assert.fail(unordered._tag)
      assert.strictEqual(unordered.insertedCount, 2)
      assert.deepStrictEqual(unordered.writeErrors.map(({ index }) => index), [1, 3])
      assert.deepStrictEqual(yield* idsOf(collection.find().sort({ _id: 1 })), [1, 2, 3, 4, 5])
    }))
})

describe("updating", () => {
  it.live("updateOne, updateMany and replaceOne say what they did", () =>
    Effect.gen(function*() {
      const { collection } = yield* filled
      const one = yield* collection.updateOne({ group: "a" }, { $inc: { count: 10 } })
      assert.deepInclude({ ...one }, { matchedCount: 1, modifiedCount: 1, upsertedCount: 0, upsertedId: null })
      const many = yield* collection.updateMany({ group: "a" }, { $set: { group: "c" } })
      assert.deepInclude({ ...many }, { matchedCount: 2, modifiedCount: 2 })
      const same = yield* collection.updateMany({ group: "c" }, { $set: { group: "c" } })
      assert.deepInclude({ ...same }, { matchedCount: 2, modifiedCount: 0 })
      const pipeline = yield* collection.updateOne({ _id: 2 }, [{ $set: { name: { $concat: ["$name", "!"] } } }])
      assert.strictEqual(pipeline.modifiedCount, 1)
      const replaced = yield* collection.replaceOne({ _id: 1 }, { name: "eve" })
      assert.deepInclude({ ...replaced }, { matchedCount: 1, modifiedCount: 1 })
      assert.deepStrictEqual<unknown>(yield* collection.find().sort({ _id: 1 }), [
        { _id: 1, name: "eve" },
        { _id: 2, name: "Bob!", group: "b", count: 1 },
        { _id: 3, name: "cy", group: "c", count: 2 }
      ])
    }))

  it.live("upsert, arrayFilters, collation, hint, let, sort and comment", () =>
    Effect.gen(function*() {
      const { collection, last } = yield* filled
      const upserted = yield* collection.updateOne({ _id: 9 }, { $set: { name: "new" } }, { upsert: true })
      assert.deepInclude({ ...upserted }, { matchedCount: 0, upsertedCount: 1, upsertedId: 9 })
      const replaced = yield* collection.replaceOne({ _id: 10 }, { name: "new" }, { upsert: true })
      assert.strictEqual<unknown>(replaced.upsertedId, 10)
      const updated = yield* collection.updateMany({ group: "z" }, { $set: { _id: 11 } }, { upsert: true })
      assert.strictEqual<unknown>(updated.upsertedId, 11)

      yield* collection.updateOne({ _id: 1 }, { $set: { grades: [{ grade: 1 }, { grade: 5 }] } })
      yield* collection.updateOne({ _id: 1 }, { $set: { "grades.$[low].grade": 2 } }, {
        arrayFilters: [{ "low.grade": { $lt: 3 } }]
      })
      assert.deepStrictEqual((yield* collection.find({ _id: 1 }).one).grades, [{ grade: 2 }, { grade: 5 }])

      const insensitive = yield* collection.updateMany({ name: "BOB" }, { $set: { count: 99 } }, {
        collation,
        hint: { _id: 1 },
        comment: { why: 1 },
        let: { x: 1 }
      })
      assert.strictEqual(insensitive.modifiedCount, 1)
      assert.deepInclude(last("update"), { comment: { why: 1 }, let: { x: 1 } })
      assert.deepStrictEqual<unknown>(last("update")["updates"][0].hint, { _id: 1 })

      const byLet = yield* collection.updateMany({ $expr: { $eq: ["$name", "$$n"] } }, { $set: { count: 1 } }, {
        let: { n: "cy" }
      })
      assert.strictEqual(byLet.modifiedCount, 1)

      yield* collection.updateOne({ group: "a" }, { $set: { name: "last" } }, { sort: { _id: -1 } })
      assert.strictEqual((yield* collection.find({ name: "last" }).one)._id, 3)
      yield* collection.replaceOne({ group: "a" }, { name: "replaced" }, { sort: { _id: -1 } })
      assert.strictEqual((yield* collection.find({ name: "replaced" }).one)._id, 3)
      assert.strictEqual(
        (yield* reasonOf(collection.updateOne({}, { $set: { a: 1 } as never }, { hint: "nope" })))._tag,
        "InvalidCommandError"
      )
    }))
})

describe("deleting", () => {
  it.live("deleteOne and deleteMany say how many", () =>
    Effect.gen(function*() {
      const { collection, last } = yield* filled
      assert.strictEqual((yield* collection.deleteOne({ group: "a" })).deletedCount, 1)
      assert.strictEqual((yield* collection.deleteOne({ group: "none" })).deletedCount, 0)
      const result = yield* collection.deleteMany({ name: { $in: ["bob", "CY"] } }, {
        collation,
        hint: "_id_",
        comment: "why"
      })
      assert.deepStrictEqual<unknown>({ ...result }, { acknowledged: true, deletedCount: 2 })
      assert.deepInclude(last("delete"), { comment: "why" })
      assert.strictEqual(last("delete")["deletes"][0].hint, "_id_")
      assert.strictEqual(yield* collection.countDocuments(), 0)
    }))
})

describe("finding and changing one", () => {
  it.live("returns the document before, the one after, or none", () =>
    Effect.gen(function*() {
      const { collection, last } = yield* filled
      const before = yield* collection.findOneAndUpdate({ _id: 1 }, { $inc: { count: 1 } })
      assert.deepStrictEqual(before, Option.some(items[0]))
      const after = yield* collection.findOneAndUpdate({ _id: 1 }, { $inc: { count: 1 } }, {
        returnDocument: "after",
        projection: { count: 1 }
      })
      assert.deepStrictEqual<unknown>(after, Option.some({ _id: 1, count: 5 }))
      assert.isTrue(Option.isNone(yield* collection.findOneAndUpdate({ _id: 99 }, { $inc: { count: 1 } })))
      const upserted = yield* collection.findOneAndUpdate({ _id: 7 }, { $set: { count: 1 } }, {
        upsert: true,
        returnDocument: "after"
      })
      assert.deepStrictEqual<unknown>(upserted, Option.some({ _id: 7, count: 1 }))
      const pipeline = yield* collection.findOneAndUpdate({ _id: 7 }, [{ $set: { count: { $add: ["$count", 1] } } }], {
        returnDocument: "after"
      })
      assert.strictEqual(Option.getOrThrow(pipeline).count, 2)

      const replaced = yield* collection.findOneAndReplace({ group: "a" }, { name: "new" }, {
        sort: { _id: -1 },
        returnDocument: "after",
        comment: "why"
      })
      assert.deepStrictEqual<unknown>(replaced, Option.some({ _id: 3, name: "new" }))
      assert.strictEqual(last("findAndModify")["comment"], "why")
      assert.isTrue(Option.isNone(yield* collection.findOneAndReplace({ _id: 99 }, {})))

      const deleted = yield* collection.findOneAndDelete({ name: "BOB" }, { collation })
      assert.deepStrictEqual(deleted, Option.some(items[1]))
      assert.isTrue(Option.isNone(yield* collection.findOneAndDelete({ _id: 2 })))
    }))
})

describe("bulkWrite", () => {
  const models: ReadonlyArray<Driver.AnyBulkWriteOperation<Item>> = [
    { insertOne: { document: { _id: 4, group: "d" } } },
    { updateOne: { filter: { _id: 1 }, update: { $set: { name: "one" } } } },
    { updateOne: { filter: { _id: 5 }, update: { $set: { name: "five" } }, upsert: true } },
    { updateMany: { filter: { group: "a" }, update: [{ $set: { count: 0 } }] } },
    { replaceOne: { filter: { _id: 2 }, replacement: { name: "two" } } },
    { deleteOne: { filter: { _id: 3 } } },
    { deleteMany: { filter: { group: "d" } } }
  ]
  for (const ordered of [true, false]) {
    it.live(`runs all six kinds of models, ordered: ${ordered}`, () =>
      Effect.gen(function*() {
        const { collection, last } = yield* filled
        const result = yield* collection.bulkWrite(models, { ordered, comment: "why", let: { a: 1 } })
        if (ordered) {
          assert.deepInclude({ ...result }, {
            insertedCount: 1,
            matchedCount: 4,
            upsertedCount: 1,
            deletedCount: 2,
            insertedIds: { 0: 4 },
            upsertedIds: { 2: 5 }
          })
          assert.deepStrictEqual(yield* collection.find().sort({ _id: 1 }), [
            { _id: 1, name: "one", group: "a", count: 0 },
            { _id: 2, name: "two" },
            { _id: 5, name: "five" }
          ] as never)
        } else {
          assert.deepInclude({ ...result }, { insertedCount: 1, upsertedCount: 1, deletedCount: 2 })
        }
        assert.strictEqual(last("update")["ordered"], ordered)
        assert.strictEqual(last("update")["comment"], "why")
      }))
  }

  it.live("stops at the first error when ordered, and goes on when unordered", () =>
    Effect.gen(function*() {
      const { collection } = yield* filled
      const failing: ReadonlyArray<Driver.AnyBulkWriteOperation<Item>> = [
        { insertOne: { document: { _id: 4 } } },
        { insertOne: { document: { _id: 1 } } },
        { insertOne: { document: { _id: 5 } } }
      ]
      const ordered = yield* reasonOf(collection.bulkWrite(failing))
      if (ordered._tag !== "BulkWriteError") return assert.fail(ordered._tag)
      assert.deepInclude({ ...ordered }, { operation: "bulkWrite", insertedCount: 1 })
      assert.deepStrictEqual(ordered.writeErrors.map(({ index, reason }) => [index, reason._tag]), [
        [1, "DuplicateKeyError"]
      ])
      assert.strictEqual(yield* collection.countDocuments(), 4)
      yield* collection.deleteOne({ _id: 4 })
      const unordered = yield* reasonOf(collection.bulkWrite(failing, { ordered: false }))
      if (unordered._tag !== "BulkWriteError") return assert.fail(unordered._tag)
      assert.strictEqual(unordered.insertedCount, 2)
      assert.strictEqual(yield* collection.countDocuments(), 5)
    }))
})

describe("counting and listing values", () => {
  it.live("countDocuments and estimatedDocumentCount", () =>
    Effect.gen(function*() {
      const { collection, last } = yield* filled
      assert.strictEqual(yield* collection.countDocuments(), 3)
      assert.strictEqual(yield* collection.countDocuments({ group: "a" }), 2)
      assert.strictEqual(yield* collection.countDocuments({ name: "BOB" }, { collation }), 1)
      assert.strictEqual(yield* collection.countDocuments({}, { skip: 1, limit: 1, hint: "_id_" }), 1)
      assert.strictEqual(last("aggregate")["hint"], "_id_")
      assert.strictEqual(yield* collection.estimatedDocumentCount({ comment: "why", maxTimeMS: 5000 }), 3)
      assert.deepInclude(last("count"), { comment: "why", maxTimeMS: 5000 })
    }))

  it.live("distinct, by key and by path", () =>
    Effect.gen(function*() {
      const { collection, last } = yield* filled
      yield* collection.updateOne({ _id: 1 }, { $set: { grades: [{ grade: 1 }, { grade: 2 }] } })
      assert.sameMembers(yield* collection.distinct("group"), ["a", "b"])
      assert.sameMembers(yield* collection.distinct("_id", { group: "a" }), [1, 3])
      assert.deepStrictEqual(yield* collection.distinct<number>("grades.grade"), [1, 2])
      assert.deepStrictEqual(yield* collection.distinct("group", { name: "BOB" }, { collation, comment: "why" }), ["b"])
      assert.strictEqual(last("distinct")["comment"], "why")
    }))
})

describe("find", () => {
  it.live("findOne gives the first document, or none", () =>
    Effect.gen(function*() {
      const { collection } = yield* filled
      assert.deepStrictEqual(yield* collection.findOne({ _id: 2 }), Option.some(items[1]))
      assert.isTrue(Option.isNone(yield* collection.findOne({ _id: 99 })))
      assert.isTrue(Option.isSome(yield* collection.findOne()))
      const options = { sort: { _id: -1 }, skip: 1, projection: { _id: 1 }, collation } as const
      assert.deepStrictEqual<unknown>(yield* collection.findOne({}, options), Option.some({ _id: 2 }))
    }))

  it.live("each setting does what it says", () =>
    Effect.gen(function*() {
      const { collection, last } = yield* filled
      yield* collection.createIndex({ count: 1 })
      const all = collection.find()
      assert.deepStrictEqual(yield* idsOf(all.sort({ name: 1 }).collation(collation)), [1, 2, 3])
      assert.deepStrictEqual(yield* idsOf(all.sort({ name: 1 })), [2, 1, 3])
      assert.deepStrictEqual(yield* idsOf(all.sort([["group", -1], ["_id", -1]])), [2, 3, 1])
      assert.deepStrictEqual(yield* idsOf(all.sort({ _id: 1 }).skip(1).limit(1)), [2])
      assert.deepStrictEqual(yield* idsOf(all.sort({ _id: 1 }).limit(1).limit(0)), [1, 2, 3])
      assert.deepStrictEqual<unknown>(
        yield* all.sort({ _id: 1 }).limit(1).project<{ name: string }>({ _id: 0, name: 1 }),
        [{ name: "ada" }]
      )
      assert.deepStrictEqual(yield* idsOf(all.hint({ count: 1 })), [2, 3, 1])
      assert.deepStrictEqual(yield* idsOf(all.hint("count_1")), [2, 3, 1])
      assert.deepStrictEqual(yield* idsOf(all.hint({ count: 1 }).min({ count: 2 }).max({ count: 3 })), [3])
      assert.deepStrictEqual<unknown>(yield* all.hint({ count: 1 }).returnKey(), [{ count: 1 }, { count: 2 }, {
        count: 3
      }])
      const [withRecordId] = yield* all.showRecordId()
      assert.property(withRecordId, "$recordId")
      assert.strictEqual((yield* reasonOf(all.hint("nope"))).code, 2)

      yield* all.comment({ why: 1 }).maxTimeMS(5000).allowDiskUse().noCursorTimeout().batchSize(2)
      assert.deepInclude(last("find"), {
        comment: { why: 1 },
        maxTimeMS: 5000,
        allowDiskUse: true,
        noCursorTimeout: true,
        batchSize: 2
      })
      yield* all.readPreference("nearest").readConcern("majority")
      assert.deepInclude(last("find"), { readConcern: { level: "majority" }, $readPreference: { mode: "nearest" } })
      yield* all.returnKey().returnKey(false).showRecordId(false).allowDiskUse(false).noCursorTimeout(false)
      assert.deepInclude(last("find"), { returnKey: false, showRecordId: false, allowDiskUse: false })
      yield* collection.find({ $expr: { $eq: ["$_id", "$$id"] } }, { let: { id: 2 } })
      assert.deepStrictEqual<unknown>(last("find")["let"], { id: 2 })
    }))

  it.live("shows its comment on the server", () =>
    Effect.gen(function*() {
      const { admin, collection } = yield* filled
      const slow = collection.find({ $where: "sleep(300) || true" }).comment("seen from outside")
      const fiber = yield* Effect.forkChild(Effect.asVoid(slow))
      yield* Effect.sleep(150)
      const seen = yield* Effect.promise(() =>
        admin.db("admin").aggregate([
          { $currentOp: {} },
          { $match: { "command.comment": "seen from outside" } }
        ]).toArray()
      )
      assert.strictEqual(seen.length, 1)
      yield* Effect.sync(() => fiber.interruptUnsafe())
    }))

  it.live("fails with a MaxTimeExpiredError after maxTimeMS", () =>
    Effect.gen(function*() {
      const { collection } = yield* filled
      const slow = { $where: "sleep(2000) || true" }
      assert.strictEqual((yield* reasonOf(collection.find(slow).maxTimeMS(50)))._tag, "MaxTimeExpiredError")
      assert.strictEqual((yield* reasonOf(collection.findOne(slow, { maxTimeMS: 50 })))._tag, "MaxTimeExpiredError")
    }))

  it.live("explain", () =>
    Effect.gen(function*() {
      const { collection, last } = yield* filled
      const plan = yield* collection.find({ _id: 1 }).explain()
      assert.property(plan.raw, "queryPlanner")
      assert.notProperty(plan.raw, "executionStats")
      assert.strictEqual(last("explain")["verbosity"], "queryPlanner")
      const executed = yield* collection.find({ group: "a" }).limit(1).explain("executionStats")
      assert.strictEqual(executed.raw["executionStats"].nReturned, 1)
      const aggregated = yield* collection.aggregate([{ $match: { _id: 1 } }]).explain("allPlansExecution")
      assert.property(aggregated.raw, "executionStats")
    }))
})

describe("aggregate", () => {
  it.live("each setting does what it says", () =>
    Effect.gen(function*() {
      const { collection, last } = yield* filled
      const groups = collection.aggregate<{ _id: string; count: number }>([
        { $group: { _id: "$group", count: { $sum: 1 } } },
        { $sort: { _id: 1 } }
      ])
      assert.deepStrictEqual(yield* groups, [{ _id: "a", count: 2 }, { _id: "b", count: 1 }])
      assert.deepStrictEqual(yield* groups.first, Option.some({ _id: "a", count: 2 }))
      assert.deepStrictEqual(yield* groups.one, { _id: "a", count: 2 })
      assert.deepStrictEqual(
        yield* idsOf(collection.aggregate<Item>([{ $match: { name: "BOB" } }]).collation(collation)),
        [2]
      )
      yield* groups.hint("_id_").comment("why").batchSize(1).maxTimeMS(5000).allowDiskUse()
        .readPreference("nearest").readConcern("majority")
      assert.deepInclude(last("aggregate"), {
        hint: "_id_",
        comment: "why",
        cursor: { batchSize: 1 },
        maxTimeMS: 5000,
        allowDiskUse: true,
        readConcern: { level: "majority" },
        $readPreference: { mode: "nearest" }
      })
      const byLet = collection.aggregate<Item>([{ $match: { $expr: { $eq: ["$_id", "$$id"] } } }], { let: { id: 3 } })
      assert.deepStrictEqual(yield* idsOf(byLet), [3])
      assert.deepStrictEqual((yield* collection.aggregate()).length, 3)
    }))

  it.live("writes with $out and $merge, also for first", () =>
    Effect.gen(function*() {
      const { collection, db } = yield* filled
      assert.deepStrictEqual(yield* collection.aggregate([{ $match: { group: "a" } }, { $out: "copy" }]), [])
      assert.strictEqual(yield* db.collection("copy").countDocuments(), 2)
      assert.isTrue(Option.isNone(yield* collection.aggregate([{ $merge: { into: "merged" } }]).first))
      assert.strictEqual(yield* db.collection("merged").countDocuments(), 3)
    }))
})

describe("indexes", () => {
  it.live("are created, listed, found and dropped", () =>
    Effect.gen(function*() {
      const { collection, last } = yield* filled
      assert.strictEqual(
        yield* collection.createIndex(
          { name: 1 },
          { unique: true, partialFilterExpression: { name: { $exists: true } }, collation },
          { commitQuorum: "majority", maxTimeMS: 5000 }
        ),
        "name_1"
      )
      assert.deepInclude(last("createIndexes"), { commitQuorum: "majority", maxTimeMS: 5000 })
      assert.strictEqual((yield* reasonOf(collection.insertOne({ _id: 9, name: "ADA" })))._tag, "DuplicateKeyError")
      assert.strictEqual(yield* collection.createIndex("group"), "group_1")
      assert.deepStrictEqual(
        yield* collection.createIndexes([
          { key: { count: -1 }, name: "by count" },
          { key: { group: 1, count: 1 }, sparse: true }
        ]),
        ["by count", "group_1_count_1"]
      )
      const listed = yield* collection.listIndexes({ batchSize: 2 })
      assert.sameMembers(listed.map(({ name }) => name), ["_id_", "name_1", "group_1", "by count", "group_1_count_1"])
      assert.isTrue(listed.find(({ name }) => name === "name_1")?.unique)
      assert.isTrue(listed.find(({ name }) => name === "group_1_count_1")?.sparse)
      assert.isTrue(yield* collection.indexExists("by count"))
      assert.isTrue(yield* collection.indexExists(["by count", "_id_"]))
      assert.isFalse(yield* collection.indexExists(["by count", "nope"]))

      assert.strictEqual((yield* reasonOf(collection.createIndex({ name: 1 }, { unique: false })))._tag, "IndexError")
      assert.strictEqual(yield* collection.dropIndex("by count"), undefined)
      assert.strictEqual((yield* reasonOf(collection.dropIndex("by count")))._tag, "IndexError")
      assert.isTrue(yield* collection.dropIndexes())
      assert.deepStrictEqual((yield* collection.listIndexes()).map(({ name }) => name), ["_id_"])
    }))

  it.live("of a missing collection", () =>
    Effect.gen(function*() {
      const { db } = yield* setup()
      const none = db.collection("none")
      assert.isFalse(yield* none.dropIndexes())
      assert.strictEqual((yield* reasonOf(none.listIndexes()))._tag, "NamespaceNotFoundError")
      assert.strictEqual((yield* reasonOf(none.dropIndex("a_1")))._tag, "NamespaceNotFoundError")
    }))
})

describe("the collection itself", () => {
  it.live("options and isCapped", () =>
    Effect.gen(function*() {
      const { db } = yield* setup()
      const capped = yield* db.createCollection("capped", { capped: true, size: 4096, max: 10 })
      const plain = yield* db.createCollection("plain")
      assert.deepInclude(yield* capped.options(), { capped: true, size: 4096, max: 10 })
      assert.isTrue(yield* capped.isCapped())
      assert.isFalse(yield* plain.isCapped())
      yield* reasonOf(db.collection("none").options())
      yield* reasonOf(db.collection("none").isCapped())
    }))

  it.live("rename returns the collection under its new name", () =>
    Effect.gen(function*() {
      const { collection, db } = yield* filled
      const renamed = yield* collection.rename("renamed")
      assert.strictEqual(renamed.name, "renamed")
      assert.strictEqual(yield* renamed.countDocuments(), 3)
      assert.deepStrictEqual(yield* db.listCollectionNames(), ["renamed"])
      yield* collection.insertOne({ _id: 1 })
      assert.strictEqual((yield* reasonOf(renamed.rename("items")))._tag, "NamespaceExistsError")
      yield* renamed.rename("items", { dropTarget: true })
      assert.strictEqual(yield* collection.countDocuments(), 3)
      assert.strictEqual((yield* reasonOf(renamed.rename("other")))._tag, "NamespaceNotFoundError")
    }))

  it.live("drop", () =>
    Effect.gen(function*() {
      const { collection, db } = yield* filled
      assert.isTrue(yield* collection.drop())
      assert.deepStrictEqual(yield* db.listCollectionNames(), [])
      yield* collection.drop()
    }))
})

describe("failures rather than defects", () => {
  const cyclic: Record<string, unknown> = {}
  cyclic["self"] = cyclic
  const failures: Record<
    string,
    (collection: MongoCollection.MongoCollection) => Effect.Effect<unknown, MongoError.MongoError>
  > = {
    "a NUL in a key of a document": (c) => c.insertOne({ "a\0b": 1 }),
    "a NUL in a key of a filter": (c) => c.find({ "a\0b": 1 }),
    "a NUL in a key of a bulk write": (c) => c.bulkWrite([{ insertOne: { document: { "a\0b": 1 } } }]),
    "a NUL in a regular expression": (c) => c.find({ a: new RegExp("a\0b") }),
    "a document that contains itself": (c) => c.insertOne(cyclic),
    "a filter that contains itself": (c) => c.deleteMany(cyclic),
    "a pipeline that contains itself": (c) => c.aggregate([{ $match: cyclic }]),
    "a document of more than 16 MB": (c) => c.insertOne({ a: "x".repeat(17 * 1024 * 1024) }),
    "documents of more than 16 MB": (c) => c.insertMany([{ a: "x".repeat(17 * 1024 * 1024) }]),
    "a toBSON that throws": (c) =>
      c.insertOne({
        a: {
          toBSON: () => {
            throw new Error("no")
          }
        }
      }),
    "a getter that throws": (c) =>
      c.insertOne(Object.defineProperty({}, "a", {
        enumerable: true,
        get: () => {
          throw new Error("no")
        }
      })),
    "a bad sort direction": (c) => c.find({}, { sort: { a: "sideways" as never } }),
    "a bad sort direction, later": (c) => c.find().sort({ a: 5 as never }),
    "a bad limit": (c) => c.find().limit("many" as never),
    "a bad batch size": (c) => c.find().batchSize("many" as never),
    "a bad read preference": (c) => c.find().readPreference("anybody" as never),
    "a bad read concern": (c) => c.find().readConcern(5 as never),
    "a bad hint": (c) => c.find().hint(5 as never),
    "a bad option": (c) => c.updateOne({}, { $set: { a: 1 } }, { arrayFilters: "all" as never }),
    "a bad maxTimeMS": (c) => c.find().maxTimeMS(-1),
    "bad models": (c) => c.bulkWrite([{ upsertOne: {} } as never]),
    "models that are null": (c) => c.bulkWrite([null as never]),
    "models that are not an array": (c) => c.bulkWrite("all" as never),
    "documents that are not an array": (c) => c.insertMany({ a: 1 } as never),
    "documents that are undefined": (c) => c.insertMany(undefined as never),
    "a document that is null": (c) => c.insertOne(null as never),
    "indexes that are undefined": (c) => c.createIndexes(undefined as never),
    "a bad index": (c) => c.createIndex({ a: "nonsense" as never }),
    "a bad name of an index": (c) => c.dropIndex(5 as never),
    "a bad new name": (c) => c.rename(""),
    "a new name with a dollar": (c) => c.rename("$cmd"),
    "a bad projection": (c) => c.find().project({ a: { $nonsense: 1 } }),
    "a tailable aggregate": (c) => c.find().tailable({ maxAwaitTimeMS: -1 }),
    "a bad name": (c) => c.database.collection("").insertOne({ a: 1 }),
    "a name with a NUL": (c) => c.database.collection("a\0b").find(),
    "a bad name of a database": (c) => c.database.collection("a").database.withOptions({}).command(5 as never)
  }
  for (const [name, failure] of Object.entries(failures)) {
    it.live(name, () =>
      Effect.gen(function*() {
        const { db } = yield* setup()
        const collection = db.collection("items")
        yield* collection.insertOne({ a: 1 })
        const reason = yield* reasonOf(Effect.suspend(() => failure(collection)))
        // The driver's errors do not include what a callback of the caller throws.
        const isForeign = name === "a toBSON that throws" || name === "a getter that throws"
        assert.strictEqual(reason._tag === "UnknownError", isForeign, reason.message)
        assert.strictEqual(yield* collection.countDocuments(), 1)
      }))
  }

  it.live("bad input makes the effect fail when it runs, and does not throw when it is made", () =>
    Effect.gen(function*() {
      const { db } = yield* setup()
      const collection = db.collection("items")
      for (const make of Object.values(failures)) assert.doesNotThrow(() => void make(collection))
    }))
})
