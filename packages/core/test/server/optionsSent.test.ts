/**
 * Every option of every operation arrives: the server receives it, or it is refused, or it is a setting that the
 * driver keeps to itself. The tables have all keys of the types, so that an additional option of a new driver does not compile.
 *
 * @since 0.1.0
 */
import { assert, describe, it } from "@effect/vitest"
import { Integration, type MongoClient, type MongoCollection, type MongoDatabase, type MongoError } from "@mongofx/core"
import { Effect, Fiber, Stream } from "effect"
import * as Driver from "mongodb"
import { type Fixture, reasonOf, setup } from "../support/utils.ts"

type Collection = MongoCollection.MongoCollection
type Database = MongoDatabase.MongoDatabase
type Client = MongoClient.MongoClient

/** The options of a method, by the place of their argument; settings of BSON are those of numbers.test.ts. */
type Keys<Method extends (...args: never) => unknown, Place extends number> = Exclude<
  keyof NonNullable<Parameters<Method>[Place]>,
  keyof Driver.BSONSerializeOptions
>

/** An option: a value for it, and what the server must find where in the command. */
interface Sent {
  readonly value: unknown
  readonly find: (command: Driver.Document) => unknown
  readonly expected: unknown
}

/** An option that only the driver uses, or that exists only for one kind of cursor. */
type Verdict = Sent | "setting"

/** An option that is a field of the command with the same name. */
const field = (name: string, value: unknown, expected = value): Sent => ({
  value,
  find: (command) => command[name],
  expected
})

/** An option that is a field of the first statement. */
const statement = (name: string, value: unknown, expected = value): Sent => ({
  value,
  find: (command) => (command["updates"] ?? command["deletes"])?.[0]?.[name],
  expected
})

const comment = field("comment", { why: ["not"] })
const maxTimeMS = field("maxTimeMS", 54_321)
const collation = field("collation", { locale: "de", strength: 3 })
const writeConcern = field("writeConcern", { w: 1, wtimeoutMS: 4321 }, { w: 1, wtimeout: 4321 })
const readConcern = field("readConcern", { level: "available" })
const readPreference = field("$readPreference", "primaryPreferred", { mode: "primaryPreferred" })
const bypassDocumentValidation = field("bypassDocumentValidation", true)
const ordered = field("ordered", false)
const variables = field("let", { marker: 7 })
const allowDiskUse = field("allowDiskUse", true)
const sorted = new Map([["n", -1]])
const pairs = [["n", 1]] as const

const hints: ReadonlyArray<readonly [hint: unknown, sent: unknown]> = [
  ["n_1", "n_1"],
  [{ n: 1 }, { n: 1 }],
  [new Map([["n", 1]]), { n: 1 }],
  [pairs, { n: 1 }],
  [["n"], { n: 1 }]
]

/** The options of all writes. */
const ofWrite = { comment, maxTimeMS, writeConcern } as const

/** The options of all reads. */
const ofRead = { collation, comment, maxTimeMS, readConcern, readPreference } as const

interface Operation {
  /** The command to look at. */
  readonly command: string
  readonly run: (fixture: Fixture, options: never) => Effect.Effect<unknown, unknown>
  readonly options: Readonly<Record<string, Verdict>>
}

const items = ({ db }: Fixture): Collection => db.collection("items")

const all: Record<string, Operation> = {
  insertOne: {
    command: "insert",
    run: (fixture, options) => items(fixture).insertOne({ n: 1 }, options),
    options: {
      ...ofWrite,
      bypassDocumentValidation,
      collation,
      forceServerObjectId: "setting"
    } satisfies Record<Keys<Collection["insertOne"], 1>, Verdict>
  },
  insertMany: {
    command: "insert",
    run: (fixture, options) => items(fixture).insertMany([{ n: 1 }], options),
    options: {
      ...ofWrite,
      bypassDocumentValidation,
      collation,
      forceServerObjectId: "setting",
      ordered
    } satisfies Record<Keys<Collection["insertMany"], 1>, Verdict>
  },
  find: {
    command: "find",
    run: (fixture, options) => Effect.scoped(items(fixture).find({}, options).open),
    options: {
      ...ofRead,
      allowDiskUse,
      allowPartialResults: field("allowPartialResults", true),
      awaitData: "setting",
      batchSize: field("batchSize", 17),
      hint: field("hint", { n: 1 }),
      let: variables,
      limit: field("limit", 3),
      max: field("max", { n: 5 }),
      maxAwaitTimeMS: "setting",
      min: field("min", { n: 1 }),
      noCursorTimeout: field("noCursorTimeout", true),
      oplogReplay: field("oplogReplay", true),
      projection: field("projection", { n: 1 }),
      returnKey: field("returnKey", true),
      showRecordId: field("showRecordId", true),
      singleBatch: field("singleBatch", true),
      skip: field("skip", 2),
      sort: field("sort", { n: -1 }, sorted),
      tailable: "setting",
      // The old name of noCursorTimeout, of which the driver reads only the new one.
      timeout: "setting"
    } satisfies Record<Keys<Collection["find"], 1>, Verdict>
  },
  findOne: {
    command: "find",
    run: (fixture, options) => items(fixture).findOne({}, options),
    options: {
      ...ofRead,
      allowDiskUse,
      allowPartialResults: field("allowPartialResults", true),
      awaitData: "setting",
      hint: field("hint", { n: 1 }),
      let: variables,
      max: field("max", { n: 5 }),
      maxAwaitTimeMS: "setting",
      min: field("min", { n: 1 }),
      oplogReplay: field("oplogReplay", true),
      projection: field("projection", { n: 1 }),
      returnKey: field("returnKey", true),
      showRecordId: field("showRecordId", true),
      singleBatch: field("singleBatch", true),
      skip: field("skip", 2),
      sort: field("sort", { n: -1 }, sorted),
      tailable: "setting",
      timeout: "setting"
    } satisfies Record<Keys<Collection["findOne"], 1>, Verdict>
  },
  findOneAndDelete: {
    command: "findAndModify",
    run: (fixture, options) => items(fixture).findOneAndDelete({}, options),
    options: {
      ...ofWrite,
      collation,
      hint: field("hint", "n_1"),
      let: variables,
      projection: field("fields", { n: 1 }),
      sort: field("sort", { n: -1 }, sorted)
    } satisfies Record<Keys<Collection["findOneAndDelete"], 1>, Verdict>
  },
  findOneAndReplace: {
    command: "findAndModify",
    run: (fixture, options) => items(fixture).findOneAndReplace({}, { n: 1 }, options),
    options: {
      ...ofWrite,
      bypassDocumentValidation,
      collation,
      hint: field("hint", "n_1"),
      let: variables,
      projection: field("fields", { n: 1 }),
      returnDocument: field("new", "after", true),
      sort: field("sort", { n: -1 }, sorted),
      upsert: field("upsert", true)
    } satisfies Record<Keys<Collection["findOneAndReplace"], 2>, Verdict>
  },
  findOneAndUpdate: {
    command: "findAndModify",
    run: (fixture, options) => items(fixture).findOneAndUpdate({}, { $set: { n: 1 } }, options),
    options: {
      ...ofWrite,
      arrayFilters: field("arrayFilters", [{ "x.a": 77 }]),
      bypassDocumentValidation,
      collation,
      hint: field("hint", "n_1"),
      let: variables,
      projection: field("fields", { n: 1 }),
      returnDocument: field("new", "after", true),
      sort: field("sort", { n: -1 }, sorted),
      upsert: field("upsert", true)
    } satisfies Record<Keys<Collection["findOneAndUpdate"], 2>, Verdict>
  },
  updateOne: {
    command: "update",
    run: (fixture, options) => items(fixture).updateOne({}, { $set: { n: 1 } }, options),
    options: {
      ...ofWrite,
      arrayFilters: statement("arrayFilters", [{ "x.a": 77 }]),
      bypassDocumentValidation,
      collation: statement("collation", { locale: "de" }),
      hint: statement("hint", { n: 1 }),
      let: variables,
      sort: statement("sort", { n: -1 }, sorted),
      upsert: statement("upsert", true)
    } satisfies Record<Keys<Collection["updateOne"], 2>, Verdict>
  },
  updateMany: {
    command: "update",
    run: (fixture, options) => items(fixture).updateMany({}, { $set: { n: 1 } }, options),
    options: {
      ...ofWrite,
      arrayFilters: statement("arrayFilters", [{ "x.a": 77 }]),
      bypassDocumentValidation,
      collation: statement("collation", { locale: "de" }),
      hint: statement("hint", { n: 1 }),
      let: variables,
      upsert: statement("upsert", true)
    } satisfies Record<Keys<Collection["updateMany"], 2>, Verdict>
  },
  replaceOne: {
    command: "update",
    run: (fixture, options) => items(fixture).replaceOne({}, { n: 1 }, options),
    options: {
      ...ofWrite,
      bypassDocumentValidation,
      collation: statement("collation", { locale: "de" }),
      hint: statement("hint", { n: 1 }),
      let: variables,
      sort: statement("sort", { n: -1 }, sorted),
      upsert: statement("upsert", true)
    } satisfies Record<Keys<Collection["replaceOne"], 2>, Verdict>
  },
  deleteOne: {
    command: "delete",
    run: (fixture, options) => items(fixture).deleteOne({}, options),
    options: {
      ...ofWrite,
      collation: statement("collation", { locale: "de" }),
      hint: statement("hint", { n: 1 }),
      let: variables
    } satisfies Record<Keys<Collection["deleteOne"], 1>, Verdict>
  },
  deleteMany: {
    command: "delete",
    run: (fixture, options) => items(fixture).deleteMany({}, options),
    options: {
      ...ofWrite,
      collation: statement("collation", { locale: "de" }),
      hint: statement("hint", { n: 1 }),
      let: variables
    } satisfies Record<Keys<Collection["deleteMany"], 1>, Verdict>
  },
  bulkWrite: {
    command: "update",
    run: (fixture, options) =>
      items(fixture).bulkWrite([{ updateOne: { filter: {}, update: { $set: { n: 1 } } } }], options),
    options: {
      ...ofWrite,
      bypassDocumentValidation,
      forceServerObjectId: "setting",
      let: variables,
      ordered
    } satisfies Record<Keys<Collection["bulkWrite"], 1>, Verdict>
  },
  "bulkWrite, updateOne": {
    command: "update",
    run: (fixture, options: object) =>
      items(fixture).bulkWrite([{ updateOne: { ...options, filter: {}, update: { $set: { n: 1 } } } }]),
    options: {
      arrayFilters: statement("arrayFilters", [{ "x.a": 77 }]),
      collation: statement("collation", { locale: "de" }),
      hint: statement("hint", { n: 1 }),
      sort: statement("sort", { n: -1 }, sorted),
      upsert: statement("upsert", true)
    } satisfies Record<Exclude<keyof Driver.UpdateOneModel, "filter" | "update">, Verdict>
  },
  "bulkWrite, updateMany": {
    command: "update",
    run: (fixture, options: object) =>
      items(fixture).bulkWrite([{ updateMany: { ...options, filter: {}, update: { $set: { n: 1 } } } }]),
    options: {
      arrayFilters: statement("arrayFilters", [{ "x.a": 77 }]),
      collation: statement("collation", { locale: "de" }),
      hint: statement("hint", { n: 1 }),
      upsert: statement("upsert", true)
    } satisfies Record<Exclude<keyof Driver.UpdateManyModel, "filter" | "update">, Verdict>
  },
  "bulkWrite, replaceOne": {
    command: "update",
    run: (fixture, options: object) =>
      items(fixture).bulkWrite([{ replaceOne: { ...options, filter: {}, replacement: { n: 1 } } }]),
    options: {
      collation: statement("collation", { locale: "de" }),
      hint: statement("hint", { n: 1 }),
      sort: statement("sort", { n: -1 }, sorted),
      upsert: statement("upsert", true)
    } satisfies Record<Exclude<keyof Driver.ReplaceOneModel, "filter" | "replacement">, Verdict>
  },
  "bulkWrite, deleteMany": {
    command: "delete",
    run: (fixture, options: object) => items(fixture).bulkWrite([{ deleteMany: { ...options, filter: {} } }]),
    options: {
      collation: statement("collation", { locale: "de" }),
      hint: statement("hint", { n: 1 })
    } satisfies Record<Exclude<keyof Driver.DeleteManyModel, "filter">, Verdict>
  },
  countDocuments: {
    command: "aggregate",
    run: (fixture, options) => items(fixture).countDocuments({}, options),
    options: {
      ...ofRead,
      allowDiskUse,
      batchSize: { value: 17, find: (command) => command["cursor"].batchSize, expected: 17 },
      bypassDocumentValidation,
      hint: field("hint", { n: 1 }),
      let: variables,
      limit: { value: 3, find: (command) => command["pipeline"][1].$limit, expected: 3 },
      maxAwaitTimeMS: "setting",
      skip: { value: 2, find: (command) => command["pipeline"][1].$skip, expected: 2 }
    } satisfies Record<Keys<Collection["countDocuments"], 1>, Verdict>
  },
  estimatedDocumentCount: {
    command: "count",
    run: (fixture, options) => items(fixture).estimatedDocumentCount(options),
    options: { ...ofRead } satisfies Record<Keys<Collection["estimatedDocumentCount"], 0>, Verdict>
  },
  distinct: {
    command: "distinct",
    run: (fixture, options) => items(fixture).distinct("n", {}, options),
    options: { ...ofRead, hint: field("hint", { n: 1 }) } satisfies Record<
      "hint" | keyof typeof ofRead,
      Verdict
    >
  },
  aggregate: {
    command: "aggregate",
    run: (fixture, options) => items(fixture).aggregate([{ $out: "copy" }], options),
    options: {
      ...ofRead,
      allowDiskUse,
      // The server refuses it with a stage that writes.
      batchSize: "setting",
      bypassDocumentValidation,
      hint: field("hint", { n: 1 }),
      let: variables,
      maxAwaitTimeMS: "setting",
      // A pipeline that writes goes to the primary if a member is too old.
      readPreference: "setting",
      writeConcern
    } satisfies Record<Keys<Collection["aggregate"], 1>, Verdict>
  },
  createIndex: {
    command: "createIndexes",
    run: (fixture, options) => items(fixture).createIndex({ m: 1 }, {}, options),
    options: { ...ofWrite, commitQuorum: field("commitQuorum", 1) } satisfies Record<
      Keys<Collection["createIndex"], 2>,
      Verdict
    >
  },
  createIndexes: {
    command: "createIndexes",
    run: (fixture, options) => items(fixture).createIndexes([{ key: { m: 1 } }], options),
    options: { ...ofWrite, commitQuorum: field("commitQuorum", 1) } satisfies Record<
      Keys<Collection["createIndexes"], 1>,
      Verdict
    >
  },
  dropIndex: {
    command: "dropIndexes",
    run: (fixture, options) => items(fixture).dropIndex("n_1", options),
    options: { ...ofWrite, collation } satisfies Record<Keys<Collection["dropIndex"], 1>, Verdict>
  },
  dropIndexes: {
    command: "dropIndexes",
    run: (fixture, options) => items(fixture).dropIndexes(options),
    options: { ...ofWrite, collation } satisfies Record<Keys<Collection["dropIndexes"], 0>, Verdict>
  },
  listIndexes: {
    command: "listIndexes",
    run: (fixture, options) => items(fixture).listIndexes(options),
    options: {
      batchSize: { value: 17, find: (command) => command["cursor"].batchSize, expected: 17 },
      comment,
      maxTimeMS,
      readPreference
    } satisfies Record<Keys<Collection["listIndexes"], 0>, Verdict>
  },
  indexExists: {
    command: "listIndexes",
    run: (fixture, options) => items(fixture).indexExists("n_1", options),
    options: {
      batchSize: { value: 17, find: (command) => command["cursor"].batchSize, expected: 17 },
      comment,
      maxTimeMS,
      readPreference
    } satisfies Record<Keys<Collection["indexExists"], 1>, Verdict>
  },
  options: {
    command: "listCollections",
    run: (fixture, options) => items(fixture).options(options),
    options: { readPreference } satisfies Record<Keys<Collection["options"], 0>, Verdict>
  },
  isCapped: {
    command: "listCollections",
    run: (fixture, options) => items(fixture).isCapped(options),
    options: { readPreference } satisfies Record<Keys<Collection["isCapped"], 0>, Verdict>
  },
  rename: {
    command: "renameCollection",
    run: (fixture, options) => items(fixture).rename("other", options),
    options: { ...ofWrite, collation, dropTarget: field("dropTarget", true) } satisfies Record<
      Keys<Collection["rename"], 1>,
      Verdict
    >
  },
  renameCollection: {
    command: "renameCollection",
    run: (fixture, options) => fixture.db.renameCollection("items", "other", options),
    options: { ...ofWrite, collation, dropTarget: field("dropTarget", true) } satisfies Record<
      Keys<Database["renameCollection"], 2>,
      Verdict
    >
  },
  drop: {
    command: "drop",
    run: (fixture, options) => items(fixture).drop(options),
    options: { ...ofWrite, collation, encryptedFields: "setting" } satisfies Record<
      Keys<Collection["drop"], 0>,
      Verdict
    >
  },
  dropCollection: {
    command: "drop",
    run: (fixture, options) => fixture.db.dropCollection("items", options),
    options: { ...ofWrite, collation, encryptedFields: "setting" } satisfies Record<
      Keys<Database["dropCollection"], 1>,
      Verdict
    >
  },
  createCollection: {
    command: "create",
    run: (fixture, options) => fixture.db.createCollection("other", options),
    options: {
      ...ofWrite,
      capped: field("capped", true),
      changeStreamPreAndPostImages: field("changeStreamPreAndPostImages", { enabled: true }),
      clusteredIndex: field("clusteredIndex", { key: { _id: 1 }, unique: true }),
      collation,
      // The driver makes more collections for these.
      encryptedFields: "setting",
      expireAfterSeconds: field("expireAfterSeconds", 60),
      flags: field("flags", 1),
      indexOptionDefaults: field("indexOptionDefaults", { storageEngine: {} }),
      max: field("max", 5),
      pipeline: field("pipeline", [{ $match: {} }]),
      pkFactory: "setting",
      // These are settings of the collection that is returned.
      readConcern: "setting",
      readPreference: "setting",
      size: field("size", 4096),
      storageEngine: field("storageEngine", { wiredTiger: {} }),
      timeseries: field("timeseries", { timeField: "at" }),
      validationAction: field("validationAction", "warn"),
      validationLevel: field("validationLevel", "moderate"),
      validator: field("validator", { n: { $gt: 0 } }),
      viewOn: field("viewOn", "items")
    } satisfies Record<Keys<Database["createCollection"], 1>, Verdict>
  },
  listCollections: {
    command: "listCollections",
    run: (fixture, options) => fixture.db.listCollections({}, options),
    options: {
      authorizedCollections: field("authorizedCollections", true),
      batchSize: { value: 17, find: (command) => command["cursor"].batchSize, expected: 17 },
      collation: "setting",
      comment,
      maxTimeMS,
      nameOnly: field("nameOnly", true),
      readPreference
    } satisfies Record<Keys<Database["listCollections"], 1>, Verdict>
  },
  listCollectionNames: {
    command: "listCollections",
    run: (fixture, options) => fixture.db.listCollectionNames({}, options),
    options: {
      authorizedCollections: field("authorizedCollections", true),
      batchSize: { value: 17, find: (command) => command["cursor"].batchSize, expected: 17 },
      collation: "setting",
      comment,
      maxTimeMS,
      readPreference
    } satisfies Record<Keys<Database["listCollectionNames"], 1>, Verdict>
  },
  command: {
    command: "ping",
    run: (fixture, options) => fixture.db.command({ ping: 1 }, options),
    options: { readPreference } satisfies Record<Keys<Database["command"], 1>, Verdict>
  },
  stats: {
    command: "dbStats",
    run: (fixture, options) => fixture.db.stats(options),
    options: { collation: "setting", comment, maxTimeMS, readPreference, scale: field("scale", 1024) } satisfies Record<
      Keys<Database["stats"], 0>,
      Verdict
    >
  },
  validateCollection: {
    command: "validate",
    run: (fixture, options) => fixture.db.validateCollection("items", options),
    options: {
      background: field("background", true),
      collation,
      comment,
      maxTimeMS,
      readConcern,
      readPreference
    } satisfies Record<Keys<Database["validateCollection"], 1>, Verdict>
  },
  removeUser: {
    command: "dropUser",
    run: (fixture, options) => fixture.db.removeUser("nobody", options),
    options: { ...ofWrite, collation } satisfies Record<Keys<Database["removeUser"], 1>, Verdict>
  },
  dropDatabase: {
    command: "dropDatabase",
    run: (fixture, options) => fixture.db.dropDatabase(options),
    options: { ...ofWrite, collation } satisfies Record<Keys<Database["dropDatabase"], 0>, Verdict>
  },
  "dropDatabase of a client": {
    command: "dropDatabase",
    run: ({ db, mongo }, options) => mongo.dropDatabase(db, options),
    options: { ...ofWrite, collation } satisfies Record<Keys<Client["dropDatabase"], 1>, Verdict>
  },
  listDatabases: {
    command: "listDatabases",
    run: ({ mongo }, options) => mongo.listDatabases(options),
    options: {
      authorizedDatabases: field("authorizedDatabases", true),
      collation,
      comment,
      filter: field("filter", { name: "x" }),
      maxTimeMS,
      nameOnly: field("nameOnly", true),
      readPreference
    } satisfies Record<Keys<Client["listDatabases"], 0>, Verdict>
  },
  listDatabaseNames: {
    command: "listDatabases",
    run: ({ mongo }, options) => mongo.listDatabaseNames(options),
    options: {
      authorizedDatabases: field("authorizedDatabases", true),
      collation,
      comment,
      filter: field("filter", { name: "x" }),
      maxTimeMS,
      readPreference
    } satisfies Record<Keys<Client["listDatabaseNames"], 0>, Verdict>
  },
  "bulkWrite of a client": {
    command: "bulkWrite",
    run: ({ db, mongo }, options: object) =>
      mongo.bulkWrite([{ namespace: `${db.name}.items`, name: "insertOne", document: { n: 1 } }], options),
    options: {
      ...ofWrite,
      bypassDocumentValidation,
      let: variables,
      ordered,
      verboseResults: field("errorsOnly", true, false)
    } satisfies Record<Keys<Client["bulkWrite"], 1>, Verdict>
  }
}

/** Runs an operation, whatever its outcome, and returns the command that the server has received. */
const received = (fixture: Fixture, { command, run }: Operation, options: object) =>
  Effect.gen(function*() {
    const before = fixture.commands.length
    const fiber = yield* Effect.forkChild(Effect.exit(run(fixture, options as never)), { startImmediately: true })
    yield* Fiber.join(fiber)
    return fixture.commands.slice(before).find((event) => event.commandName === command)?.command
  })

/** A collection with an index, for operations that need them. */
const prepare = (fixture: Fixture) =>
  Effect.promise(async () => {
    const db = fixture.admin.db(fixture.db.name)
    await db.dropDatabase()
    await db.collection("items").createIndex({ n: 1 })
    await db.collection<{ n: number }>("items").insertMany([{ n: 1 }, { n: 2 }, { n: 3 }])
  })

describe("accepted options arrive", () => {
  for (const [name, operation] of Object.entries(all)) {
    it.live(name, () =>
      Effect.gen(function*() {
        const fixture = yield* setup()
        for (const [option, verdict] of Object.entries(operation.options)) {
          if (verdict === "setting") continue
          yield* prepare(fixture)
          const command = yield* received(fixture, operation, { [option]: verdict.value })
          assert.isDefined(command, `${option}: no ${operation.command} was sent`)
          assert.deepStrictEqual(verdict.find(command!), verdict.expected, option)
        }
      }))
  }

  for (const [name, operation] of Object.entries(all)) {
    const hint = operation.options["hint"]
    if (hint === undefined || hint === "setting") continue
    it.live(`a hint of ${name} in all forms`, () =>
      Effect.gen(function*() {
        const fixture = yield* setup()
        for (const [value, sent] of hints) {
          yield* prepare(fixture)
          const command = yield* received(fixture, operation, { hint: value })
          assert.deepStrictEqual(hint.find(command!), sent, JSON.stringify(value))
        }
      }))
  }
})

/** Options of the driver's types that none of these operations sends. */
const dropped: ReadonlyArray<readonly [option: string, value: unknown, operations: ReadonlyArray<string>]> = [
  ["readConcern", { level: "local" }, [
    ...Object.keys(all).filter((name) =>
      "writeConcern" in all[name]!.options && !["aggregate", "createCollection"].includes(name)
    ),
    "stats",
    "listDatabases",
    "listCollections",
    "listIndexes",
    "indexExists"
  ]],
  ["readPreference", "secondary", [
    "insertOne",
    "updateMany",
    "deleteMany",
    "drop",
    "createIndexes",
    "bulkWrite of a client"
  ]],
  ["writeConcern", { w: 1 }, ["countDocuments", "estimatedDocumentCount", "distinct", "stats", "validateCollection"]],
  ["out", "elsewhere", ["countDocuments"]],
  ["cursor", {}, ["countDocuments"]],
  ["let", {}, ["insertMany"]],
  ["collation", { locale: "de" }, ["bulkWrite", "bulkWrite of a client"]],
  ["tailable", true, ["listIndexes", "listCollections"]]
]

describe("options that would not arrive are refused", () => {
  for (const [option, value, operations] of dropped) {
    it.live(option, () =>
      Effect.gen(function*() {
        const fixture = yield* setup()
        yield* prepare(fixture)
        for (const name of operations) {
          const before = fixture.commands.length
          const reason = yield* reasonOf(
            all[name]!.run(fixture, { [option]: value } as never) as Effect.Effect<unknown, MongoError.MongoError>
          )
          if (reason._tag !== "InvalidArgumentError") return assert.fail(`${name}: ${reason.message}`)
          assert.strictEqual(reason.path, `options.${option}`, name)
          assert.strictEqual(fixture.commands.length, before, name)
        }
      }))
  }

  it.live("a comment for a drop of encrypted fields", () =>
    Effect.gen(function*() {
      const { db } = yield* setup()
      const reason = yield* reasonOf(db.dropCollection("items", { comment: "why", encryptedFields: { fields: [] } }))
      assert.strictEqual(reason._tag, "InvalidArgumentError")
    }))
})

describe("write concerns", () => {
  const commands: Record<string, (collection: Collection, db: Database) => Effect.Effect<unknown, unknown>> = {
    createIndexes: (collection) => collection.createIndex({ m: 1 }),
    dropIndexes: (collection) => collection.dropIndexes(),
    renameCollection: (collection) => collection.rename("other"),
    drop: (collection) => collection.drop()
  }

  it.live("are those of the collection and the database", () =>
    Effect.gen(function*() {
      const fixture = yield* setup()
      const db = fixture.db.withOptions({ writeConcern: { w: 1, wtimeoutMS: 77 } })
      const expected = { w: 1, wtimeout: 77 }
      for (const [name, run] of Object.entries(commands)) {
        yield* prepare(fixture)
        yield* run(db.collection("items"), db)
        assert.deepStrictEqual(fixture.last(name)["writeConcern"], expected, name)
        yield* prepare(fixture)
        yield* run(fixture.db.collection("items"), fixture.db)
        assert.isUndefined(fixture.last(name)["writeConcern"], name)
      }
      yield* prepare(fixture)
      yield* db.renameCollection("items", "other")
      assert.deepStrictEqual(fixture.last("renameCollection")["writeConcern"], expected)
      yield* db.dropCollection("other")
      assert.deepStrictEqual(fixture.last("drop")["writeConcern"], expected)
      yield* db.dropDatabase({ writeConcern: { w: "majority" } })
      assert.deepStrictEqual(fixture.last("dropDatabase")["writeConcern"], { w: "majority" })
    }))

  it.live("are left out in a transaction, and their errors are failures", () =>
    Effect.gen(function*() {
      const fixture = yield* setup()
      const db = fixture.db.withOptions({ writeConcern: { w: 1 } })
      yield* fixture.mongo.withTransaction(db.collection("fresh").createIndex({ m: 1 }))
      assert.isUndefined(fixture.last("createIndexes")["writeConcern"])
      yield* prepare(fixture)
      const reason = yield* reasonOf(db.collection("items").drop({ writeConcern: { w: 50, wtimeoutMS: 10 } }))
      assert.strictEqual(reason._tag, "WriteConcernError", reason.message)
    }))
})

describe("settings", () => {
  it.live("of createCollection apply to the collection that it returns", () =>
    Effect.gen(function*() {
      const fixture = yield* setup()
      const made = yield* fixture.db.createCollection("items", {
        readPreference: "primaryPreferred",
        readConcern: { level: "available" },
        writeConcern: { w: 1, wtimeoutMS: 99 },
        promoteValues: false
      })
      yield* made.insertOne({ n: 1 })
      assert.deepStrictEqual(fixture.last("insert")["writeConcern"], { w: 1, wtimeout: 99 })
      const item = yield* made.find().one
      assert.deepStrictEqual(fixture.last("find")["readConcern"], { level: "available" })
      assert.deepStrictEqual(fixture.last("find")["$readPreference"], { mode: "primaryPreferred" })
      assert.instanceOf(item["n"], Driver.Int32)
      assert.isFalse(Integration.bsonOptions(made).promoteValues)
    }))
})

describe("indexes", () => {
  const forms: ReadonlyArray<readonly [form: string, keys: Driver.IndexSpecification]> = [
    ["an object", { a: 1, b: -1 }],
    ["a Map", new Map([["a", 1], ["b", -1]])],
    ["a list of pairs", [["a", 1], ["b", -1]]],
    ["a list of objects", [{ a: 1 }, { b: -1 }]]
  ]
  it.live.each(forms)("are made and dropped by keys as %s", ([, keys]) =>
    Effect.gen(function*() {
      const fixture = yield* setup()
      const collection = items(fixture)
      assert.strictEqual(yield* collection.createIndex(keys), "a_1_b_-1")
      assert.isTrue(yield* collection.indexExists("a_1_b_-1"))
      yield* collection.dropIndex(keys)
      assert.isFalse(yield* collection.indexExists("a_1_b_-1"))
      const reason = yield* reasonOf(collection.dropIndex(keys))
      assert.strictEqual(reason._tag, "IndexError")
    }))

  it.live("keep the order of keys that look like numbers", () =>
    Effect.gen(function*() {
      const fixture = yield* setup()
      const collection = items(fixture)
      const keys = new Map([["b", 1], ["1", 1]])
      assert.strictEqual(yield* collection.createIndex(keys), "b_1_1_1")
      const [, index] = yield* collection.listIndexes({ bsonRegExp: true })
      assert.strictEqual(index?.name, "b_1_1_1")
      assert.deepStrictEqual([...fixture.last("createIndexes")["indexes"][0].key.keys()], ["b", "1"])
      yield* collection.dropIndex(keys)
    }))

  it.live("are sent with the server's names of their options", () =>
    Effect.gen(function*() {
      const fixture = yield* setup()
      yield* items(fixture).createIndexes([{
        key: { text: "text" },
        name: "words",
        version: 2,
        defaultLanguage: "german",
        languageOverride: "lang"
      } as Driver.IndexDescription])
      const [index] = fixture.last("createIndexes")["indexes"]
      assert.deepInclude(index, { name: "words", v: 2, default_language: "german", language_override: "lang" })
    }))

  it.live("without keys are refused", () =>
    Effect.gen(function*() {
      const fixture = yield* setup()
      const collection = items(fixture)
      for (const keys of [{}, [], new Map(), null, undefined, 5]) {
        for (const effect of [collection.createIndex(keys as never), collection.dropIndex(keys as never)]) {
          assert.strictEqual((yield* reasonOf<unknown, never>(effect))._tag, "InvalidArgumentError", String(keys))
        }
      }
    }))

  it.live("names of databases and collections with options", () =>
    Effect.gen(function*() {
      const fixture = yield* setup()
      yield* prepare(fixture)
      const { db, mongo } = fixture
      assert.deepStrictEqual(yield* mongo.listDatabaseNames({ filter: { name: db.name } }), [db.name])
      assert.deepStrictEqual(yield* db.listCollectionNames({}, { batchSize: 1, comment: "why" }), ["items"])
      assert.strictEqual(yield* Stream.runCount(db.listCollections().stream), 1)
    }))
})
