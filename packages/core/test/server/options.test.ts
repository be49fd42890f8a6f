/**
 * Values from untyped code that cannot be options make the operation fail with an error that names them.
 */
import { assert, describe, it } from "@effect/vitest"
import { GridFS, type MongoError, type MongoSession } from "@mongofx/core"
import { Effect, type Scope, Stream } from "effect"
import * as Driver from "mongodb"
import { type Fixture, reasonOf, setup } from "../support/utils.ts"

type Operations = Readonly<Record<string, Effect.Effect<unknown, MongoError.MongoError, Scope.Scope>>>

/** Every operation that takes options, with these. */
const operations = ({ db, mongo }: Fixture, options: never): Operations => {
  const items = db.collection<Driver.Document>("items")
  const bucket = GridFS.bucket(db)
  const bytes = Stream.make(new Uint8Array(3))
  const pass = mongo.withTransaction(options as MongoSession.WithTransactionOptions)
  return {
    aggregate: items.aggregate([], options),
    "aggregate first": items.aggregate([], options).first,
    "aggregate explain": items.aggregate([], options).explain(),
    bulkWrite: items.bulkWrite([{ insertOne: { document: {} } }], options),
    countDocuments: items.countDocuments({}, options),
    createIndex: items.createIndex({ a: 1 }, {}, options),
    createIndexes: items.createIndexes([{ key: { a: 1 } }], options),
    deleteMany: items.deleteMany({}, options),
    deleteOne: items.deleteOne({}, options),
    distinct: items.distinct("a", {}, options),
    drop: items.drop(options),
    dropIndex: items.dropIndex("a_1", options),
    dropIndexes: items.dropIndexes(options),
    estimatedDocumentCount: items.estimatedDocumentCount(options),
    find: items.find({}, options),
    "find first": items.find({}, options).sort({ a: 1 }).first,
    "find open": items.find({}, options).open,
    "find stream": Stream.runDrain(items.find({}, options).stream),
    findOne: items.findOne({}, options),
    findOneAndDelete: items.findOneAndDelete({}, options),
    findOneAndReplace: items.findOneAndReplace({}, {}, options),
    findOneAndUpdate: items.findOneAndUpdate({}, { $set: { a: 1 } }, options),
    indexExists: items.indexExists("a_1", options),
    insertMany: items.insertMany([{}], options),
    insertOne: items.insertOne({}, options),
    isCapped: items.isCapped(options),
    listIndexes: items.listIndexes(options),
    listSearchIndexes: items.listSearchIndexes(undefined, options),
    options: items.options(options),
    rename: items.rename("others", options),
    replaceOne: items.replaceOne({}, {}, options),
    updateMany: items.updateMany({}, { $set: { a: 1 } }, options),
    updateOne: items.updateOne({}, { $set: { a: 1 } }, options),
    waitUntilQueryable: items.waitUntilQueryable("a", options),
    watch: Stream.runDrain(items.watch([], options)),
    "watch open": items.watch([], options).open,
    "watch database": db.watch([], options).open,
    "watch client": mongo.watch([], options).open,
    "aggregate database": db.aggregate([{ $documents: [] }], options),
    command: db.command({ ping: 1 }, options),
    createCollection: db.createCollection("others", options),
    dropCollection: db.dropCollection("items", options),
    dropDatabase: db.dropDatabase(options),
    listCollectionNames: db.listCollectionNames({}, options),
    listCollections: db.listCollections({}, options),
    removeUser: db.removeUser("nobody", options),
    renameCollection: db.renameCollection("items", "others", options),
    runCursorCommand: db.runCursorCommand({ find: "items" }, options),
    setProfilingLevel: db.setProfilingLevel("off", options),
    stats: db.stats(options),
    validateCollection: db.validateCollection("items", options),
    "bulkWrite client": mongo.bulkWrite(
      [{ name: "insertOne", namespace: `${db.name}.items`, document: {} }],
      options
    ),
    "dropDatabase client": mongo.dropDatabase(db, options),
    listDatabaseNames: mongo.listDatabaseNames(options),
    listDatabases: mongo.listDatabases(options),
    session: mongo.session(options),
    startTransaction: Effect.flatMap(mongo.session(), (session) => session.startTransaction(options)),
    withSession: mongo.withSession(options)(Effect.void),
    withTransaction: mongo.withTransaction(Effect.void, options),
    "withTransaction later": pass(Effect.void),
    upload: bucket.upload("a", bytes, options),
    uploadSink: Stream.run(bytes, bucket.uploadSink("a", options)),
    download: Stream.runDrain(bucket.download(new Driver.ObjectId(), options)),
    downloadByName: Stream.runDrain(bucket.downloadByName("a", options))
  }
}

describe("values that are not options", () => {
  const wrong = [[null, "null"], [["a"], "an array"], ["majority", "a string"], [1, "a number"]] as const
  for (const [options, what] of wrong) {
    it.live(`such as ${what} are refused by every operation before anything is sent`, () =>
      Effect.gen(function*() {
        const fixture = yield* setup()
        const all = operations(fixture, options as never)
        const reasons = yield* Effect.forEach(Object.entries(all), ([name, operation]) =>
          Effect.map(
            reasonOf(Effect.scoped(operation)),
            (reason) => [name, reason._tag, "path" in reason && reason.path]
          ))
        assert.deepStrictEqual(reasons, Object.keys(all).map((name) => [name, "InvalidArgumentError", "options"]))
        assert.include((yield* reasonOf(Effect.scoped(all["find"]!))).message, `: options is ${what}`)
        const index = yield* reasonOf(fixture.db.collection("items").createIndex({ a: 1 }, options as never))
        assert.include(index.message, `: indexOptions is ${what}`)
        assert.deepStrictEqual(fixture.sent(), [])
      }))
  }

  it.live("include invalid durations of a change stream and of a wait", () =>
    Effect.gen(function*() {
      const { db, sent } = yield* setup()
      const items = db.collection("items")
      for (const duration of [NaN, -1, "soon"] as ReadonlyArray<unknown> as ReadonlyArray<never>) {
        const all = {
          "options.maxAwaitTime": items.watch([], { maxAwaitTime: duration }).open,
          "options.resumeTimeout": items.watch([], { resumeTimeout: duration }).open,
          "options.interval": items.waitUntilQueryable("a", { interval: duration })
        }
        for (const [path, operation] of Object.entries(all)) {
          const reason = yield* reasonOf(Effect.scoped<unknown, MongoError.MongoError, Scope.Scope>(operation))
          assert.deepStrictEqual([reason._tag, "path" in reason && reason.path], ["InvalidArgumentError", path])
        }
      }
      assert.deepStrictEqual(sent(), [])
    }))

  it.live("exclude undefined, which means without options", () =>
    Effect.gen(function*() {
      const fixture = yield* setup()
      for (const [name, operation] of Object.entries(operations(fixture, undefined as never))) {
        // Some operations wait for events, and some for what does not exist.
        if (/^watch$|SearchIndexes|waitUntilQueryable/.test(name)) continue
        const exit = yield* Effect.result(Effect.scoped(operation))
        if (exit._tag === "Failure") assert.notStrictEqual(exit.failure.reason._tag, "InvalidArgumentError", name)
      }
    }))
})

it.live("are refused in the sent options of lists, as in all operations", () =>
  Effect.gen(function*() {
    const { commands, db } = yield* setup()
    const items = db.collection("items")
    const options = { comment: { a: undefined } }
    const before = commands.length
    for (
      const list of [
        items.listIndexes(options),
        items.listSearchIndexes(undefined, options),
        items.listSearchIndexes("a", options),
        db.listCollections({}, options)
      ]
    ) {
      const reason = yield* reasonOf(list as Effect.Effect<unknown, MongoError.MongoError>)
      if (reason._tag !== "InvalidArgumentError") return assert.fail(reason.message)
      assert.strictEqual(reason.path, "options.comment.a")
    }
    assert.strictEqual(commands.length, before)
  }))
