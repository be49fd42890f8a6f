import { assert, describe, it } from "@effect/vitest"
import type { MongoCollection, MongoDatabase, MongoError } from "@mongofx/core"
import { DateTime, Duration, Effect, HashMap, Option, Result, Stream } from "effect"
import type * as Driver from "mongodb"
import { reasonOf, setup } from "../support/utils.ts"

type Operation = (
  collection: MongoCollection.MongoCollection,
  db: MongoDatabase.MongoDatabase
) => Effect.Effect<unknown, MongoError.MongoError>

/** An `undefined` inside a filter. */
const bad = { address: { city: undefined } }

/** The result of `findOne`, which is not a filter. */
const nobody = Option.none() as never
const somebody = Option.some({ a: 1 }) as never

/** Every operation that takes a filter. */
const filteredBy = (filter: Driver.Document): Record<string, Operation> => ({
  find: (c) => c.find(filter),
  "find as a stream": (c) => Stream.runDrain(c.find(filter).stream),
  "find, first": (c) => c.find(filter).first,
  "find, raw": (c) => Stream.runDrain(c.find(filter).raw),
  "find, explained": (c) => c.find(filter).explain(),
  findOne: (c) => c.findOne(filter),
  findOneAndDelete: (c) => c.findOneAndDelete(filter),
  findOneAndReplace: (c) => c.findOneAndReplace(filter, {}),
  findOneAndUpdate: (c) => c.findOneAndUpdate(filter, { $set: { a: 1 } }),
  updateOne: (c) => c.updateOne(filter, { $set: { a: 1 } }),
  updateMany: (c) => c.updateMany(filter, { $set: { a: 1 } }),
  replaceOne: (c) => c.replaceOne(filter, {}),
  deleteOne: (c) => c.deleteOne(filter),
  deleteMany: (c) => c.deleteMany(filter),
  countDocuments: (c) => c.countDocuments(filter),
  distinct: (c) => c.distinct("a", filter),
  listCollections: (_, db) => db.listCollections(filter),
  listCollectionNames: (_, db) => db.listCollectionNames(filter)
})

const prefixed = (prefix: string, operations: Record<string, Operation>) =>
  Object.fromEntries(Object.entries(operations).map(([name, operation]) => [`${prefix}, ${name}`, operation]))

/** The path at which input is refused, and operations that must refuse it there. */
const refused: Record<string, Record<string, Operation>> = {
  "filter.address.city": filteredBy(bad),
  "filter.address": filteredBy({ address: nobody }),
  "filter.$or[1].a.$in[0]": filteredBy({ $or: [{ a: 1 }, { a: { $in: [Duration.seconds(1)] } }] }),
  "filter.a": filteredBy({ a: "\uD83D" }),
  filter: {
    deleteMany: (c) => c.deleteMany(undefined as never),
    deleteOne: (c) => c.deleteOne(null as never),
    updateMany: (c) => c.updateMany("all" as never, { $set: { a: 1 } }),
    findOneAndDelete: (c) => c.findOneAndDelete([] as never),
    ...prefixed("None", filteredBy(nobody)),
    ...prefixed("Some", filteredBy(somebody)),
    ...prefixed("a Map", filteredBy(new Map([["a", 1]])))
  },
  "pipeline[0].$match.address.city": {
    aggregate: (c) => c.aggregate([{ $match: bad }]),
    "aggregate as a stream": (c) => Stream.runDrain(c.aggregate([{ $match: bad }]).stream),
    "aggregate, first": (c) => c.aggregate([{ $match: bad }]).first,
    "aggregate, explained": (c) => c.aggregate([{ $match: bad }]).explain(),
    "aggregate of the database": (_, db) => db.aggregate([{ $match: bad }]),
    "a view": (_, db) => db.createCollection("other", { viewOn: "items", pipeline: [{ $match: bad }] })
  },
  pipeline: {
    aggregate: (c) => c.aggregate({ $match: {} } as never),
    "aggregate, first": (c) => c.aggregate({ $match: {} } as never).first
  },
  "validator.address.city": {
    createCollection: (_, db) => db.createCollection("other", { validator: bad })
  },
  "indexOptions.partialFilterExpression.address.city": {
    createIndex: (c) => c.createIndex({ a: 1 }, { partialFilterExpression: bad })
  },
  "keys.a": {
    createIndex: (c) => c.createIndex({ a: undefined as never })
  },
  "indexes[1].key.a": {
    createIndexes: (c) => c.createIndexes([{ key: { b: 1 } }, { key: { a: undefined as never } }])
  },
  "command.filter.address.city": {
    command: (_, db) => db.command({ find: "items", filter: bad }),
    runCursorCommand: (_, db) => db.runCursorCommand({ find: "items", filter: bad })
  },
  "operations[1].updateOne.filter.address.city": {
    bulkWrite: (c) =>
      c.bulkWrite([{ insertOne: { document: {} } }, { updateOne: { filter: bad, update: { $set: { a: 1 } } } }])
  },
  "operations[0].updateMany.filter.address.city": {
    bulkWrite: (c) => c.bulkWrite([{ updateMany: { filter: bad, update: { $set: { a: 1 } } } }])
  },
  "operations[0].replaceOne.filter.address.city": {
    bulkWrite: (c) => c.bulkWrite([{ replaceOne: { filter: bad, replacement: {} } }])
  },
  "operations[0].deleteOne.filter.address.city": {
    bulkWrite: (c) => c.bulkWrite([{ deleteOne: { filter: bad } }])
  },
  "operations[0].deleteMany.filter.address.city": {
    bulkWrite: (c) => c.bulkWrite([{ deleteMany: { filter: bad } }])
  },
  "operations[0].insertOne.document.when": {
    bulkWrite: (c) => c.bulkWrite([{ insertOne: { document: { when: new Date(NaN) } } }])
  },
  "operations[0].updateOne.update.name": {
    bulkWrite: (c) => c.bulkWrite([{ updateOne: { filter: {}, update: { name: "Ada" } as never } }])
  },
  "operations[0].replaceOne.replacement.$set": {
    bulkWrite: (c) => c.bulkWrite([{ replaceOne: { filter: {}, replacement: { $set: {} } as never } }])
  },
  "operations[0].updateOne.arrayFilters[0].a": {
    bulkWrite: (c) =>
      c.bulkWrite([{ updateOne: { filter: {}, update: { $set: { a: 1 } }, arrayFilters: [{ a: undefined }] } }])
  },
  "options.sort.a": {
    find: (c) => c.find({}, { sort: { a: undefined } as never }),
    "find, then sort": (c) => c.find().sort({ a: undefined } as never),
    findOne: (c) => c.findOne({}, { sort: { a: undefined } as never }),
    findOneAndUpdate: (c) => c.findOneAndUpdate({}, { $set: { a: 1 } }, { sort: { a: undefined } as never }),
    updateOne: (c) => c.updateOne({}, { $set: { a: 1 } }, { sort: { a: undefined } as never })
  },
  "options.hint.a": {
    find: (c) => c.find().hint({ a: undefined } as never),
    aggregate: (c) => c.aggregate([]).hint({ a: undefined } as never),
    deleteMany: (c) => c.deleteMany({}, { hint: { a: undefined } as never }),
    countDocuments: (c) => c.countDocuments({}, { hint: { a: undefined } as never })
  },
  "options.projection.a": {
    find: (c) => c.find().project({ a: undefined }),
    findOne: (c) => c.findOne({}, { projection: { a: undefined } })
  },
  "options.arrayFilters[0].a": {
    updateOne: (c) => c.updateOne({}, { $set: { a: 1 } }, { arrayFilters: [{ a: undefined }] }),
    updateMany: (c) => c.updateMany({}, { $set: { a: 1 } }, { arrayFilters: [{ a: undefined }] })
  },
  "options.let.a": {
    updateOne: (c) => c.updateOne({}, { $set: { a: 1 } }, { let: { a: undefined } }),
    deleteMany: (c) => c.deleteMany({}, { let: { a: undefined } })
  },
  "options.min.a": { find: (c) => c.find().min({ a: undefined }) },
  "options.max.a": { find: (c) => c.find().max({ a: undefined }) },
  "options.collation.locale": {
    find: (c) => c.find().collation({ locale: undefined } as never),
    distinct: (c) => c.distinct("a", {}, { collation: { locale: undefined } as never })
  },
  "document.when": {
    insertOne: (c) => c.insertOne({ when: new Date(NaN) })
  },
  "document.count": {
    insertOne: (c) => c.insertOne({ count: 2n ** 63n })
  },
  "document.tags": {
    insertOne: (c) => c.insertOne({ tags: new Set(["a"]) })
  },
  "document.tags[1]": {
    insertOne: (c) => c.insertOne({ tags: ["a", undefined] })
  },
  "document.user": {
    insertOne: (c) => c.insertOne({ user: nobody })
  },
  document: {
    insertOne: (c) => c.insertOne(somebody)
  },
  "documents[0]": {
    insertMany: (c) => c.insertMany([somebody])
  },
  replacement: {
    replaceOne: (c) => c.replaceOne({}, somebody),
    findOneAndReplace: (c) => c.findOneAndReplace({}, nobody)
  },
  "update.$set.at": {
    updateOne: (c) => c.updateOne({}, { $set: { at: DateTime.makeUnsafe(0) } }),
    updateMany: (c) => c.updateMany({}, { $set: { at: HashMap.make(["a", 1]) } }),
    findOneAndUpdate: (c) => c.findOneAndUpdate({}, { $set: { at: Result.succeed(1) } })
  },
  "pipeline[0].$match.a": {
    aggregate: (c) => c.aggregate([{ $match: { a: nobody } }]),
    "aggregate of the database": (_, db) => db.aggregate([{ $match: { a: somebody } }]),
    watch: (c) => Stream.runDrain(c.watch([{ $match: { a: nobody } }]))
  },
  "operations[0].deleteMany.filter": {
    bulkWrite: (c) => c.bulkWrite([{ deleteMany: { filter: nobody } }])
  },
  "options.let.b": {
    deleteMany: (c) => c.deleteMany({}, { let: { b: nobody } })
  },
  "document.greet": {
    insertOne: (c) => c.insertOne({ greet: () => "hello" })
  },
  "document.kind": {
    insertOne: (c) => c.insertOne({ kind: Symbol("kind") })
  },
  "documents[1].when": {
    insertMany: (c) => c.insertMany([{ a: 1 }, { when: new Date(NaN) }])
  },
  command: {
    command: (_, db) => db.command(null as never),
    "command with a Map": (_, db) => db.command(new Map([["ping", 1]])),
    runCursorCommand: (_, db) => db.runCursorCommand(undefined as never)
  },
  "replacement.when": {
    replaceOne: (c) => c.replaceOne({}, { when: new Date(NaN) }),
    findOneAndReplace: (c) => c.findOneAndReplace({}, { when: new Date(NaN) })
  },
  "replacement.$set": {
    replaceOne: (c) => c.replaceOne({}, { $set: { a: 1 } })
  },
  "update.$set.when": {
    updateOne: (c) => c.updateOne({}, { $set: { when: new Date(NaN) } }),
    findOneAndUpdate: (c) => c.findOneAndUpdate({}, { $set: { when: new Date(NaN) } })
  },
  "update.$inc.a": {
    updateMany: (c) => c.updateMany({}, { $inc: { a: undefined } as never })
  },
  "update.name": {
    updateOne: (c) => c.updateOne({}, { name: "Ada" } as never)
  },
  "update[0].$set.a": {
    updateOne: (c) => c.updateOne({}, [{ $set: { a: undefined } }])
  },
  update: {
    updateOne: (c) => c.updateOne({}, {}),
    updateMany: (c) => c.updateMany({}, []),
    findOneAndUpdate: (c) => c.findOneAndUpdate({}, undefined as never),
    "updateOne with an Option": (c) => c.updateOne({}, somebody),
    "updateMany with an Option": (c) => c.updateMany({}, nobody)
  }
}

describe("refused before anything is sent", () => {
  for (const [path, operations] of Object.entries(refused)) {
    it.live(path, () =>
      Effect.gen(function*() {
        const { admin, commands, db } = yield* setup()
        const collection = db.collection("items")
        yield* collection.insertMany([{ _id: 1 as never, a: 1 }, { _id: 2 as never, a: 2 }])
        const before = commands.length
        for (const [name, operation] of Object.entries(operations)) {
          const reason = yield* reasonOf(operation(collection, db))
          if (reason._tag !== "InvalidArgumentError") return assert.fail(`${name}: ${reason._tag} ${reason.message}`)
          assert.strictEqual(reason.path, path, name)
          assert.include(reason.message, `${path} `, name)
          assert.strictEqual(commands.length, before, `${name} has sent ${commands.at(-1)?.commandName}`)
        }
        const left = yield* Effect.promise(() => admin.db(db.name).collection("items").find().toArray())
        assert.deepStrictEqual<unknown>(left, [{ _id: 1, a: 1 }, { _id: 2, a: 2 }])
      }))
  }

  it.live("a second run of the same query is refused again", () =>
    Effect.gen(function*() {
      const { commands, db } = yield* setup()
      const query = db.collection("items").find(bad)
      const before = commands.length
      assert.strictEqual((yield* reasonOf(query))._tag, "InvalidArgumentError")
      assert.strictEqual((yield* reasonOf(query.limit(1)))._tag, "InvalidArgumentError")
      assert.strictEqual((yield* reasonOf(query))._tag, "InvalidArgumentError")
      assert.strictEqual(commands.length, before)
    }))
})

describe("values of Effect", () => {
  it.live("an Option from findOne deletes nothing", () =>
    Effect.gen(function*() {
      const { db } = yield* setup()
      const users = db.collection<{ name: string }>("users")
      yield* users.insertMany([{ name: "Ada" }, { name: "Grace" }])
      const nobody = yield* users.findOne({ name: "nobody" })
      // @ts-expect-error an Option is not a filter
      const deleted = users.deleteMany(nobody)
      const reason = yield* reasonOf(deleted)
      assert.strictEqual(reason._tag, "InvalidArgumentError")
      assert.strictEqual(reason.message, `deleteMany on ${db.name}.users: filter is an Option`)
      assert.strictEqual(yield* users.countDocuments(), 2)
    }))
})

describe("undefined", () => {
  it.live("deletes nothing as an _id, while an empty filter deletes everything", () =>
    Effect.gen(function*() {
      const { db } = yield* setup()
      const users = db.collection<{ name: string }>("users")
      yield* users.insertMany([{ name: "Ada" }, { name: "Grace" }])
      assert.strictEqual((yield* reasonOf(users.deleteMany({ _id: undefined as never })))._tag, "InvalidArgumentError")
      assert.strictEqual((yield* reasonOf(users.deleteOne({ _id: undefined as never })))._tag, "InvalidArgumentError")
      assert.strictEqual(yield* users.countDocuments(), 2)
      assert.strictEqual((yield* users.deleteMany({})).deletedCount, 2)
    }))

  it.live("as a property of a document is left out", () =>
    Effect.gen(function*() {
      const { admin, db } = yield* setup()
      const items = db.collection<{ _id: number; [key: string]: unknown }>("items")
      const document = { a: undefined, b: { c: undefined, d: 1 }, list: [{ e: undefined, f: 2 }] }
      const stored = { b: { d: 1 }, list: [{ f: 2 }] }
      yield* items.insertOne({ ...document, _id: 1 })
      yield* items.insertMany([{ ...document, _id: 2 }])
      yield* items.bulkWrite([{ insertOne: { document: { ...document, _id: 3 } } }])
      for (const _id of [4, 5, 6, 7]) yield* items.insertOne({ _id })
      yield* items.replaceOne({ _id: 4 }, document)
      yield* items.findOneAndReplace({ _id: 5 }, document)
      yield* items.bulkWrite([{ replaceOne: { filter: { _id: 6 }, replacement: document } }])
      yield* items.updateOne({ _id: 7 }, { $set: document })
      yield* db.withOptions({ readPreference: "primary" }).collection<{ _id: number }>("items")
        .insertOne({ ...document, _id: 8 })
      yield* items.withOptions({ writeConcern: { w: 1 } }).insertOne({ ...document, _id: 9 })
      const all = yield* Effect.promise(() => admin.db(db.name).collection("items").find().sort({ _id: 1 }).toArray())
      assert.deepStrictEqual<unknown>(all, [1, 2, 3, 4, 5, 6, 7, 8, 9].map((_id) => ({ _id, ...stored })))
    }))

  it.live("as an option counts as not given", () =>
    Effect.gen(function*() {
      const { db, last } = yield* setup()
      const items = db.collection<{ a: number }>("items", { readConcern: undefined, writeConcern: undefined })
      const undefinedOptions = {
        comment: undefined,
        hint: undefined,
        collation: undefined,
        maxTimeMS: undefined,
        let: undefined
      }
      yield* items.insertOne({ a: 1 }, {
        comment: undefined,
        writeConcern: undefined,
        bypassDocumentValidation: undefined
      })
      yield* items.updateOne({}, { $set: { a: 2 } }, {
        ...undefinedOptions,
        upsert: undefined,
        arrayFilters: undefined
      })
      yield* items.deleteOne({ a: 9 }, undefinedOptions)
      yield* items.findOneAndUpdate({}, { $set: { a: 2 } }, {
        ...undefinedOptions,
        sort: undefined,
        projection: undefined
      })
      yield* items.countDocuments({}, { ...undefinedOptions, limit: undefined, skip: undefined })
      assert.strictEqual((yield* items.find({}, { ...undefinedOptions, sort: undefined, limit: undefined })).length, 1)
      assert.strictEqual((yield* items.aggregate([], { ...undefinedOptions, allowDiskUse: undefined })).length, 1)
      for (const name of ["insert", "update", "delete", "findAndModify", "aggregate", "find"]) {
        const command = last(name)
        const given = Object.entries(command).filter(([, value]) => value === undefined || value === null)
        assert.deepStrictEqual(given, [], name)
      }
    }))
})
