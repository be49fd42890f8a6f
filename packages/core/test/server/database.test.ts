/**
 * Every member of a database, on a real server.
 *
 * @since 0.1.0
 */
import { assert, describe, it } from "@effect/vitest"
import { MongoClient, MongoCollection, MongoDatabase } from "@mongofx/core"
import { Effect, Layer, Option, Redacted, Stream } from "effect"
import * as Driver from "mongodb"
import { randomUUID } from "node:crypto"
import { inspect } from "node:util"
import { reasonOf, setup, uri } from "../support/utils.ts"

/** The server's description of a collection. */
const infoOf = (db: MongoDatabase.MongoDatabase, name: string): Effect.Effect<Driver.Document> =>
  Effect.orDie(db.listCollections({ name }).one)

const numbered = (n: number) => Array.from({ length: n }, (_, a) => ({ a }))

describe("a database", () => {
  it.live("is a value with a name", () =>
    Effect.gen(function*() {
      const { db, mongo, sent } = yield* setup()
      assert.isTrue(MongoDatabase.isMongoDatabase(db))
      assert.isFalse(MongoDatabase.isMongoDatabase(mongo))
      assert.isFalse(MongoDatabase.isMongoDatabase(db.collection("things")))
      assert.strictEqual(db[MongoDatabase.TypeId], MongoDatabase.TypeId)
      assert.strictEqual(mongo.db("other").name, "other")
      assert.deepStrictEqual(JSON.parse(JSON.stringify(db)), { _id: "MongoDatabase", name: db.name })
      assert.notInclude(inspect(db), "127.0.0.1")
      assert.deepStrictEqual(sent(), [])
    }))

  it.live("makes collections that belong to it", () =>
    Effect.gen(function*() {
      const { db, sent } = yield* setup()
      const things = db.collection("things")
      assert.isTrue(MongoCollection.isMongoCollection(things))
      assert.strictEqual(things.name, "things")
      assert.strictEqual(things.fullName, `${db.name}.things`)
      assert.strictEqual(things.database, db)
      assert.deepStrictEqual(sent(), [])
    }))

  it.live("makes its operation fail for a bad name, and does not throw", () =>
    Effect.gen(function*() {
      const { mongo } = yield* setup()
      for (const name of ["a.b", ""]) {
        const db = mongo.db(name)
        assert.strictEqual((yield* reasonOf(db.stats()))._tag, "InvalidArgumentError", `stats of "${name}"`)
        assert.strictEqual((yield* reasonOf(db.listCollections()))._tag, "InvalidArgumentError", `list of "${name}"`)
        assert.strictEqual((yield* reasonOf(db.aggregate([]).first))._tag, "InvalidArgumentError")
      }
    }))
})

describe("withOptions", () => {
  it.live("reaches the operations of the database and its collections, and leaves the database as it was", () =>
    Effect.gen(function*() {
      const { db, last } = yield* setup()
      const settled = db.withOptions({ readConcern: { level: "majority" }, writeConcern: { w: 1 } })
      assert.strictEqual(settled.name, db.name)
      yield* settled.aggregate([{ $documents: [{ a: 1 }] }])
      assert.deepInclude(last("aggregate")["readConcern"], { level: "majority" })
      yield* settled.createCollection("made")
      assert.deepStrictEqual(last("create")["writeConcern"], { w: 1 })
      yield* settled.collection("things").insertOne({})
      assert.deepStrictEqual(last("insert")["writeConcern"], { w: 1 })
      yield* settled.collection("things").findOne()
      assert.deepInclude(last("find")["readConcern"], { level: "majority" })
      yield* settled.collection("things", { readConcern: { level: "local" } }).findOne()
      assert.deepInclude(last("find")["readConcern"], { level: "local" })
      // Settings are added to the existing ones.
      yield* settled.withOptions({ readConcern: { level: "available" } }).collection("things").insertOne({})
      assert.deepStrictEqual(last("insert")["writeConcern"], { w: 1 })

      yield* db.collection("things").insertOne({})
      assert.notProperty(last("insert"), "writeConcern")
      yield* db.collection("things").findOne()
      assert.notProperty(last("find")["readConcern"] ?? {}, "level")
    }))

  it.live("chooses the member that answers, and how BSON is read", () =>
    Effect.gen(function*() {
      const { db, last, mongo } = yield* setup()
      yield* db.collection("things").insertOne({ n: Driver.Long.fromNumber(5) })
      const exact = db.withOptions({ useBigInt64: true, readPreference: "secondaryPreferred" })
      const [thing] = yield* exact.collection("things").find()
      assert.strictEqual(thing["n"], 5n)
      assert.deepStrictEqual(last("find")["$readPreference"], { mode: "secondaryPreferred" })
      yield* mongo.db(db.name, { readPreference: "nearest" }).collection("things").findOne()
      assert.deepStrictEqual(last("find")["$readPreference"], { mode: "nearest" })
      const [again] = yield* db.collection("things").find()
      assert.strictEqual(again["n"], 5)
    }))
})

describe("createCollection", () => {
  it.live("returns the collection, and fails if the name is taken", () =>
    Effect.gen(function*() {
      const { db, sent } = yield* setup()
      const create = db.createCollection<{ a: number }>("things", { collation: { locale: "de" } })
      assert.deepStrictEqual(sent(), [])
      const things = yield* create
      assert.strictEqual(things.fullName, `${db.name}.things`)
      yield* things.insertOne({ a: 1 })
      assert.deepInclude((yield* infoOf(db, "things"))["options"].collation, { locale: "de" })
      const reason = yield* reasonOf(db.createCollection("things"))
      assert.strictEqual(reason._tag, "NamespaceExistsError")
      assert.strictEqual(reason.operation, "createCollection")
      assert.strictEqual(reason.namespace, `${db.name}.things`)
    }))

  it.live("with a validator", () =>
    Effect.gen(function*() {
      const { db } = yield* setup()
      const validator = { $jsonSchema: { required: ["a"], properties: { a: { bsonType: "int", minimum: 0 } } } }
      const things = yield* db.createCollection("things", {
        validator,
        validationLevel: "strict",
        validationAction: "error"
      })
      yield* things.insertOne({ a: 1 })
      assert.strictEqual((yield* reasonOf(things.insertOne({ a: -1 })))._tag, "DocumentValidationError")
      assert.strictEqual((yield* reasonOf(things.insertOne({})))._tag, "DocumentValidationError")
      assert.strictEqual(yield* things.countDocuments(), 1)
      assert.deepStrictEqual((yield* infoOf(db, "things"))["options"], {
        validator,
        validationLevel: "strict",
        validationAction: "error"
      })
    }))

  it.live("capped", () =>
    Effect.gen(function*() {
      const { db } = yield* setup()
      const log = yield* db.createCollection("log", { capped: true, size: 4096, max: 3 })
      assert.isTrue(yield* log.isCapped())
      yield* log.insertMany(numbered(5))
      assert.deepStrictEqual(yield* log.find().project({ _id: 0 }), [{ a: 2 }, { a: 3 }, { a: 4 }])
    }))

  it.live("clustered", () =>
    Effect.gen(function*() {
      const { db } = yield* setup()
      const things = yield* db.createCollection("things", {
        clusteredIndex: { key: { _id: 1 }, unique: true, name: "by id" },
        expireAfterSeconds: 3600
      })
      const [index, ...others] = yield* things.listIndexes()
      assert.deepStrictEqual(others, [])
      assert.deepInclude(index, { name: "by id", clustered: true, unique: true })
      assert.strictEqual((yield* infoOf(db, "things"))["options"].expireAfterSeconds, 3600)
    }))

  it.live("as a time series", () =>
    Effect.gen(function*() {
      const { db } = yield* setup()
      const weather = yield* db.createCollection("weather", {
        timeseries: { timeField: "at", metaField: "where", granularity: "minutes" },
        expireAfterSeconds: 3600
      })
      yield* weather.insertMany(
        [0, 1, 2].map((hour) => ({ at: new Date(Date.UTC(2026, 0, 1, hour)), where: "here", hour }))
      )
      assert.strictEqual(yield* weather.countDocuments({ where: "here" }), 3)
      const info = yield* infoOf(db, "weather")
      assert.strictEqual(info["type"], "timeseries")
      assert.deepInclude(info["options"].timeseries, { timeField: "at", metaField: "where", granularity: "minutes" })
      assert.strictEqual(info["options"].expireAfterSeconds, 3600)
      // Here the server itself refuses it.
      assert.isDefined((yield* reasonOf(weather.insertOne({ where: "no time" }))).code)
    }))

  it.live("as a view", () =>
    Effect.gen(function*() {
      const { db } = yield* setup()
      yield* db.collection("things").insertMany(numbered(4))
      const large = yield* db.createCollection<{ a: number }>("large", {
        viewOn: "things",
        pipeline: [{ $match: { a: { $gte: 2 } } }]
      })
      assert.deepStrictEqual((yield* large.find().sort({ a: 1 })).map(({ a }) => a), [2, 3])
      assert.strictEqual((yield* infoOf(db, "large"))["type"], "view")
      // CommandNotSupportedOnView.
      assert.strictEqual((yield* reasonOf(large.insertOne({ a: 9 }))).code, 166)
    }))

  it.live("with pre-images for change streams", () =>
    Effect.gen(function*() {
      const { admin, db } = yield* setup()
      const things = yield* db.createCollection("things", { changeStreamPreAndPostImages: { enabled: true } })
      assert.deepStrictEqual((yield* infoOf(db, "things"))["options"], {
        changeStreamPreAndPostImages: { enabled: true }
      })
      const changes = yield* Effect.acquireRelease(
        Effect.sync(() => admin.db(db.name).collection("things").watch([], { fullDocumentBeforeChange: "required" })),
        (changes) => Effect.promise(() => changes.close())
      )
      yield* Effect.promise(() => changes.tryNext())
      yield* things.insertOne({ _id: 1, a: 1 } as Driver.Document)
      yield* things.deleteOne({ a: 1 })
      yield* Effect.promise(() => changes.next())
      const change = yield* Effect.promise(() => changes.next()) as Effect.Effect<Driver.Document>
      assert.deepStrictEqual(change["fullDocumentBeforeChange"], { _id: 1, a: 1 })
    }))

  it.live("refuses undefined in the validator and in the pipeline of a view", () =>
    Effect.gen(function*() {
      const { db, sent } = yield* setup()
      const validator = yield* reasonOf(db.createCollection("things", { validator: { a: undefined } }))
      assert.strictEqual(validator._tag, "InvalidArgumentError")
      assert.include(validator.message, "validator.a is undefined")
      const pipeline = yield* reasonOf(
        db.createCollection("view", { viewOn: "things", pipeline: [{ $match: { a: undefined } }] })
      )
      assert.strictEqual(pipeline._tag, "InvalidArgumentError")
      assert.include(pipeline.message, "pipeline[0].$match.a is undefined")
      assert.deepStrictEqual(sent(), [])
    }))

  it.live("uses the settings of the database, and ignores undefined options", () =>
    Effect.gen(function*() {
      const { db, last } = yield* setup()
      const things = yield* db.withOptions({ writeConcern: { w: 1 } }).createCollection("things", { capped: undefined })
      assert.notProperty(last("create"), "capped")
      assert.deepStrictEqual(last("create")["writeConcern"], { w: 1 })
      yield* things.insertOne({})
      assert.deepStrictEqual(last("insert")["writeConcern"], { w: 1 })
    }))
})

describe("the collections of a database", () => {
  const fixture = Effect.gen(function*() {
    const fixture = yield* setup()
    yield* fixture.db.createCollection("one")
    yield* fixture.db.createCollection("two", { capped: true, size: 4096 })
    yield* fixture.db.createCollection("three", { viewOn: "one", pipeline: [] })
    return fixture
  })

  it.live("are listed", () =>
    Effect.gen(function*() {
      const { db, last } = yield* fixture
      const all = yield* db.listCollections()
      assert.deepStrictEqual(all.map(({ name, type }) => [name, type]).sort(), [
        ["one", "collection"],
        ["system.views", "collection"],
        ["three", "view"],
        ["two", "collection"]
      ])
      assert.deepStrictEqual((yield* db.listCollections({ type: "view" })).map(({ name }) => name), ["three"])
      assert.deepStrictEqual((yield* db.listCollections({ "options.capped": true })).map(({ name }) => name), ["two"])
      yield* db.listCollections({}, { nameOnly: true, authorizedCollections: true, batchSize: 2, comment: "why" })
      assert.deepInclude(last("listCollections"), {
        nameOnly: true,
        authorizedCollections: true,
        comment: "why",
        cursor: { batchSize: 2 }
      })
    }))

  it.live("are a query, in all its views", () =>
    Effect.gen(function*() {
      const { db, sent } = yield* fixture
      const query = db.listCollections({ name: { $in: ["one", "two"] } }, { batchSize: 1 })
      const names = yield* Stream.runCollect(Stream.map(query.stream, ({ name }) => name))
      assert.deepStrictEqual([...names].sort(), ["one", "two"])
      assert.strictEqual(sent().filter((name) => name === "getMore").length > 0, true)
      const batches = yield* Stream.runCollect(query.batches)
      assert.deepStrictEqual([...batches].map((batch) => batch.length), [1, 1])
      assert.isTrue(Option.isSome(yield* query.first))
      assert.strictEqual((yield* db.listCollections({ name: "one" }).one).name, "one")
      const missing = yield* Effect.flip(db.listCollections({ name: "none" }).one)
      assert.strictEqual(missing._tag, "NoSuchElementError")
      const raw = yield* Stream.runCollect(query.raw)
      assert.deepStrictEqual([...raw].map((bytes) => Driver.BSON.deserialize(bytes)["name"]).sort(), ["one", "two"])
    }))

  it.live("have names", () =>
    Effect.gen(function*() {
      const { db, last } = yield* fixture
      assert.deepStrictEqual((yield* db.listCollectionNames()).sort(), ["one", "system.views", "three", "two"])
      assert.isTrue(last("listCollections")["nameOnly"])
      assert.deepStrictEqual(yield* db.listCollectionNames({ name: "two" }), ["two"])
      assert.strictEqual((yield* reasonOf(db.listCollectionNames({ name: undefined })))._tag, "InvalidArgumentError")
    }))

  it.live("are an empty list for a missing database", () =>
    Effect.gen(function*() {
      const { mongo } = yield* setup()
      assert.deepStrictEqual(yield* mongo.db(`none_${randomUUID()}`).listCollections(), [])
    }))

  it.live("are dropped, which succeeds without one", () =>
    Effect.gen(function*() {
      const { db, last } = yield* fixture
      assert.isTrue(yield* db.dropCollection("two", { writeConcern: { w: 1 } }))
      assert.deepStrictEqual(last("drop")["writeConcern"], { w: 1 })
      assert.notInclude(yield* db.listCollectionNames(), "two")
      assert.isTrue(yield* db.dropCollection("two"))
      assert.isTrue(yield* db.dropCollection("never"))
      assert.strictEqual((yield* reasonOf(db.dropCollection("")))._tag, "InvalidArgumentError")
    }))

  it.live("are renamed", () =>
    Effect.gen(function*() {
      const { db } = yield* setup()
      yield* db.collection("old").insertOne({ a: 1 })
      yield* db.collection("taken").insertOne({ a: 2 })
      const reason = yield* reasonOf(db.renameCollection("old", "taken"))
      assert.strictEqual(reason._tag, "NamespaceExistsError")
      assert.strictEqual((yield* reasonOf(db.renameCollection("never", "new")))._tag, "NamespaceNotFoundError")
      assert.strictEqual((yield* reasonOf(db.renameCollection("old", "")))._tag, "InvalidArgumentError")

      const renamed = yield* db.renameCollection<{ a: number }>("old", "new")
      assert.strictEqual(renamed.fullName, `${db.name}.new`)
      assert.deepStrictEqual(yield* renamed.distinct("a"), [1])
      yield* db.renameCollection("new", "taken", { dropTarget: true })
      assert.deepStrictEqual(yield* db.listCollectionNames(), ["taken"])
      assert.deepStrictEqual(yield* db.collection("taken").distinct("a"), [1])
    }))
})

describe("command", () => {
  it.live("gives the server's reply", () =>
    Effect.gen(function*() {
      const { db, last, mongo } = yield* setup()
      assert.strictEqual((yield* db.command({ ping: 1 }))["ok"], 1)
      yield* db.collection("things").insertMany(numbered(3))
      const { n } = yield* db.command<{ n: number }>({ count: "things", query: { a: { $gt: 0 } } })
      assert.strictEqual(n, 2)
      yield* mongo.db("admin").command({ ping: 1 }, { readPreference: "secondaryPreferred" })
      assert.deepStrictEqual(last("ping")["$readPreference"], { mode: "secondaryPreferred" })
    }))

  it.live("is sent as it is, and stays as it was", () =>
    Effect.gen(function*() {
      const { db, last } = yield* setup()
      const command = Object.freeze({ count: "things", query: Object.freeze({ a: 1 }) })
      yield* db.withOptions({ readConcern: { level: "majority" } }).command(command)
      assert.deepStrictEqual(command, { count: "things", query: { a: 1 } })
      assert.deepInclude(last("count"), command)
      assert.notProperty(last("count")["readConcern"] ?? {}, "level")
    }))

  it.live("fails with the server's error, and refuses undefined", () =>
    Effect.gen(function*() {
      const { db, sent } = yield* setup()
      const unknown = yield* reasonOf(db.command({ nonsense: 1 }))
      assert.strictEqual(unknown.codeName, "CommandNotFound")
      assert.strictEqual(unknown.namespace, db.name)
      const before = sent().length
      const refused = yield* reasonOf(db.command({ count: "things", query: { a: undefined } }))
      assert.strictEqual(refused._tag, "InvalidArgumentError")
      assert.include(refused.message, "command.query.a is undefined")
      assert.strictEqual(sent().length, before)
    }))
})

describe("runCursorCommand", () => {
  it.live("is a query of the command's cursor", () =>
    Effect.gen(function*() {
      const { db, last, sent } = yield* setup()
      yield* db.collection("things").insertMany(numbered(5))
      const query = db.runCursorCommand<{ a: number }>(
        { find: "things", sort: { a: 1 }, projection: { _id: 0 }, batchSize: 1 },
        { batchSize: 2, comment: "why" }
      )
      assert.deepStrictEqual(yield* query, numbered(5))
      assert.deepInclude(last("getMore"), { batchSize: 2, comment: "why", collection: "things" })
      assert.strictEqual(last("find")["batchSize"], 1)
      assert.deepStrictEqual(sent(), ["insert", "find", "getMore", "getMore", "getMore"])
      assert.deepStrictEqual(
        [...(yield* Stream.runCollect(query.batches))].map((batch) => batch.length),
        [1, 2, 2]
      )
      assert.deepStrictEqual(yield* query.first, Option.some({ a: 0 }))
    }))

  it.live("applies maxTimeMS to the batches of a cursor that waits", () =>
    Effect.gen(function*() {
      const { db, last } = yield* setup()
      const log = yield* db.createCollection("log", { capped: true, size: 4096 })
      yield* log.insertMany(numbered(1))
      yield* db.runCursorCommand(
        { find: "log", tailable: true, awaitData: true, batchSize: 0 },
        { maxTimeMS: 50, cursorType: "tailableAwait" } as MongoDatabase.CommandCursorOptions
      ).first
      assert.strictEqual(last("getMore")["maxTimeMS"], 50)
    }))

  it.live("refuses commands without a cursor, and undefined", () =>
    Effect.gen(function*() {
      const { db } = yield* setup()
      assert.isDefined(yield* reasonOf(db.runCursorCommand({ ping: 1 })))
      const refused = yield* reasonOf(db.runCursorCommand({ find: "things", filter: { a: undefined } }))
      assert.strictEqual(refused._tag, "InvalidArgumentError")
      assert.include(refused.message, "command.filter.a is undefined")
    }))
})

describe("aggregate", () => {
  it.live("works without a collection", () =>
    Effect.gen(function*() {
      const { db, last, mongo } = yield* setup()
      const query = db.aggregate<{ a: number }>([{ $documents: numbered(3) }, { $match: { a: { $gt: 0 } } }])
      assert.deepStrictEqual(yield* query, [{ a: 1 }, { a: 2 }])
      assert.strictEqual(last("aggregate")["aggregate"], 1)
      assert.deepStrictEqual(yield* query.first, Option.some({ a: 1 }))
      yield* query.batchSize(1).comment("why").maxTimeMS(5000)
      assert.deepInclude(last("aggregate"), { comment: "why", maxTimeMS: 5000, cursor: { batchSize: 1 } })
      const operations = yield* mongo.db("admin").aggregate([{ $currentOp: {} }])
      assert.isNotEmpty(operations)
    }))

  it.live("fails with the server's error, and refuses undefined", () =>
    Effect.gen(function*() {
      const { db } = yield* setup()
      assert.isDefined((yield* reasonOf(db.aggregate([{ $match: {} }]))).code)
      const refused = yield* reasonOf(db.aggregate([{ $documents: [{ a: undefined }] }]))
      assert.strictEqual(refused._tag, "InvalidArgumentError")
    }))
})

describe("stats and validateCollection", () => {
  it.live("stats counts in the requested unit", () =>
    Effect.gen(function*() {
      const { db, last } = yield* setup()
      yield* db.collection("things").insertMany(numbered(50))
      const stats = yield* db.stats()
      assert.deepInclude(stats, { db: db.name, collections: 1, objects: 50 })
      const scaled = yield* db.stats({ scale: 10 })
      assert.strictEqual(scaled["scaleFactor"], 10)
      assert.strictEqual(scaled["dataSize"], stats["dataSize"] / 10)
      assert.strictEqual(last("dbStats")["scale"], 10)
    }))

  it.live("validateCollection returns the server's findings", () =>
    Effect.gen(function*() {
      const { db, last } = yield* setup()
      yield* db.collection("things").insertMany(numbered(3))
      const plain = yield* db.validateCollection("things", { background: undefined, comment: "why" })
      assert.deepInclude(plain, { ns: `${db.name}.things`, nrecords: 3, valid: true })
      assert.strictEqual(last("validate")["comment"], "why")
      assert.notProperty(last("validate"), "background")
      const found = yield* db.validateCollection("things", { full: true } as object)
      assert.deepInclude(found, { nrecords: 3, valid: true })
      assert.isTrue(last("validate")["full"])
      assert.notProperty(last("validate"), "signal")
      const reason = yield* reasonOf(db.validateCollection("never"))
      assert.strictEqual(reason._tag, "NamespaceNotFoundError")
    }))
})

describe("dropDatabase", () => {
  it.live("drops all collections, and succeeds without a database", () =>
    Effect.gen(function*() {
      const { db, last, mongo } = yield* setup()
      yield* db.collection("things").insertOne({})
      assert.include(yield* mongo.listDatabaseNames(), db.name)
      assert.isUndefined(yield* db.dropDatabase({ writeConcern: { w: 1 } }))
      assert.deepStrictEqual(last("dropDatabase")["writeConcern"], { w: 1 })
      assert.notInclude(yield* mongo.listDatabaseNames(), db.name)
      assert.isUndefined(yield* db.dropDatabase())
    }))
})

describe("the service", () => {
  const client = (url: string) => MongoClient.layer({ url: Redacted.make(url) })
  const nameOf = MongoDatabase.MongoDatabase.useSync((db) => db.name)

  it.live("is the database that its layer names", () =>
    Effect.gen(function*() {
      const { db } = yield* setup()
      yield* db.collection("things").insertMany(numbered(3))
      const count = Effect.flatMap(MongoDatabase.MongoDatabase, (db) => db.collection("things").countDocuments())
      const live = Layer.provide(MongoDatabase.layer(db.name), client(uri))
      assert.strictEqual(yield* Effect.provide(count, live), 3)
    }))

  it.live("is that of the connection string, or test, without a name", () =>
    Effect.gen(function*() {
      const withName = uri.replace(/\/(\?|$)/, "/of_the_url$1")
      assert.strictEqual(
        yield* Effect.provide(nameOf, Layer.provide(MongoDatabase.layer(), client(withName))),
        "of_the_url"
      )
      assert.strictEqual(yield* Effect.provide(nameOf, Layer.provide(MongoDatabase.layer(), client(uri))), "test")
      assert.strictEqual(
        yield* Effect.provide(nameOf, Layer.provide(MongoDatabase.layer("given"), client(withName))),
        "given"
      )
    }))

  it.live("takes settings", () =>
    Effect.gen(function*() {
      const { commands, db, last, mongo } = yield* setup()
      const live = Layer.provide(
        MongoDatabase.layer(db.name, { writeConcern: { w: 1 } }),
        Layer.succeed(MongoClient.MongoClient, mongo)
      )
      yield* Effect.provide(
        Effect.flatMap(MongoDatabase.MongoDatabase, (db) => db.collection("things").insertOne({})),
        live
      )
      assert.isNotEmpty(commands)
      assert.deepStrictEqual(last("insert")["writeConcern"], { w: 1 })
    }))
})
