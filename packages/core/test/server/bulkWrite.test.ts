/**
 * The edges of bulk writes: no operations, invalid models, indexes of upserts, and failures half-way.
 *
 * @since 0.1.0
 */
import { assert, describe, it } from "@effect/vitest"
import { MongoClient } from "@mongofx/core"
import { partsOf } from "@mongofx/core/internal/handle/clientBulkWrite"
import { Effect } from "effect"
import * as Driver from "mongodb"
import { failCommand, reasonOf, setup, uri } from "../support/utils.ts"

interface Item {
  readonly _id: number
  readonly n?: number
  readonly text?: string
}

it.live("the hint of a model may be an array of pairs or a Map, like that of an operation", () =>
  Effect.gen(function*() {
    const { db, mongo } = yield* setup()
    const items = db.collection<Item>("items")
    yield* items.insertOne({ _id: 1 })
    for (const hint of [[["_id", 1]], new Map([["_id", 1]])] as ReadonlyArray<unknown> as ReadonlyArray<never>) {
      const fields = { filter: { _id: 1 }, update: { $inc: { n: 1 } }, hint }
      const namespace = `${db.name}.items`
      assert.strictEqual((yield* items.bulkWrite([{ updateOne: fields }])).matchedCount, 1)
      assert.strictEqual((yield* mongo.bulkWrite([{ name: "updateOne", namespace, ...fields }])).matchedCount, 1)
    }
    assert.deepStrictEqual(yield* items.find(), [{ _id: 1, n: 4 }])
  }))

describe("without operations", () => {
  it.live("succeeds without sending anything", () =>
    Effect.gen(function*() {
      const { commands, db, mongo } = yield* setup()
      const items = db.collection<Item>("items")
      const before = commands.length
      for (const ordered of [true, false]) {
        assert.deepStrictEqual(yield* items.insertMany([], { ordered }), {
          acknowledged: true,
          insertedCount: 0,
          insertedIds: {}
        })
        const result = yield* items.bulkWrite([], { ordered })
        assert.deepStrictEqual(
          [result.insertedCount, result.matchedCount, result.modifiedCount, result.deletedCount, result.upsertedCount],
          [0, 0, 0, 0, 0]
        )
        assert.deepStrictEqual([result.insertedIds, result.upsertedIds, result.getWriteErrors()], [{}, {}, []])
        assert.isTrue(result.isOk())
        const verbose = yield* mongo.bulkWrite([], { ordered, verboseResults: true })
        assert.deepStrictEqual([verbose.insertedCount, verbose.insertResults.size, verbose.deleteResults.size], [
          0,
          0,
          0
        ])
        assert.isUndefined((yield* mongo.bulkWrite([], { ordered })).insertResults)
      }
      assert.strictEqual(commands.length, before)
    }))

  it.live("refuses values that are not arrays", () =>
    Effect.gen(function*() {
      const { db, mongo } = yield* setup()
      const items = db.collection<Item>("items")
      const list = { 0: 1, length: 1 } as never
      for (
        const [effect, path] of [
          [items.insertMany(list), "documents"],
          [items.bulkWrite(list), "operations"],
          [items.insertMany(undefined as never), "documents"],
          [mongo.bulkWrite(list), "models"]
        ] as const
      ) {
        const reason = yield* reasonOf<unknown, never>(effect)
        if (reason._tag !== "InvalidArgumentError") return assert.fail(reason.message)
        assert.strictEqual(reason.path, path)
        assert.include(reason.message, `${path} is not an array`)
      }
    }))
})

describe("invalid models", () => {
  const update = { filter: {}, update: { $set: { n: 1 } } }
  it.live.each<[unknown, string, string]>([
    [null, "operations[1]", "is not a write model"],
    [undefined, "operations[1]", "is not a write model"],
    ["insertOne", "operations[1]", "is not a write model"],
    [[{ insertOne: { document: {} } }], "operations[1]", "is not a write model"],
    [{}, "operations[1]", "has no operation"],
    [{ insertOne: undefined }, "operations[1]", "has no operation"],
    [
      { insertOne: { document: {} }, deleteOne: { filter: {} } },
      "operations[1]",
      "has several operations, insertOne and deleteOne"
    ],
    [{ updateOne: update, updateMany: update }, "operations[1]", "has several operations, updateOne and updateMany"],
    [{ upsertOne: update }, "operations[1].upsertOne", "is not a write"],
    [{ insertOne: null }, "operations[1].insertOne", "has no fields"],
    [{ deleteMany: "all" }, "operations[1].deleteMany", "has no fields"],
    [{ deleteMany: {} }, "operations[1].deleteMany.filter", "is undefined"],
    [{ updateOne: { filter: {} } }, "operations[1].updateOne.update", "is undefined"],
    [{ replaceOne: { filter: {} } }, "operations[1].replaceOne.replacement", "is undefined"]
  ])("%o", ([model, path, what]) =>
    Effect.gen(function*() {
      const { commands, db } = yield* setup()
      const items = db.collection<Item>("items")
      const before = commands.length
      const reason = yield* reasonOf(items.bulkWrite([{ insertOne: { document: { _id: 1 } } }, model as never]))
      if (reason._tag !== "InvalidArgumentError") return assert.fail(reason.message)
      assert.strictEqual(reason.path, path)
      assert.include(reason.message, `${path} ${what}`)
      assert.strictEqual(commands.length, before)
    }))

  it.live("of a client", () =>
    Effect.gen(function*() {
      const { mongo } = yield* setup()
      for (const model of [null, undefined, 5, []]) {
        const reason = yield* reasonOf(mongo.bulkWrite([model as never]))
        assert.include(reason.message, "models[0] is not a write model")
      }
    }))
})

const upsert = (_id: number): Driver.AnyBulkWriteOperation<Item> => ({
  updateOne: { filter: { _id }, update: { $set: { n: 1 } }, upsert: true }
})

describe("the indexes of upserts", () => {
  const models: ReadonlyArray<Driver.AnyBulkWriteOperation<Item>> = [
    { insertOne: { document: { _id: 100 } } },
    { deleteOne: { filter: { _id: 5 } } },
    upsert(2),
    { insertOne: { document: { _id: 103 } } },
    { replaceOne: { filter: { _id: 4 }, replacement: { n: 4 }, upsert: true } },
    { updateMany: { filter: { _id: 100 }, update: { $set: { n: 5 } } } },
    upsert(6)
  ]

  for (const ordered of [true, false]) {
    it.live(`are those of the models, ${ordered ? "ordered" : "unordered"}`, () =>
      Effect.gen(function*() {
        const { db } = yield* setup()
        const result = yield* db.collection<Item>("items").bulkWrite(models, { ordered })
        assert.deepStrictEqual({ ...result.upsertedIds }, { 2: 2, 4: 4, 6: 6 })
        assert.deepStrictEqual({ ...result.insertedIds }, { 0: 100, 3: 103 })
        assert.strictEqual(result.upsertedCount, 3)
      }))

    it.live(`in an error too, ${ordered ? "ordered" : "unordered"}`, () =>
      Effect.gen(function*() {
        const { db } = yield* setup()
        const reason = yield* reasonOf(
          db.collection<Item>("items").bulkWrite([...models, { insertOne: { document: { _id: 100 } } }], { ordered })
        )
        if (reason._tag !== "BulkWriteError") return assert.fail(reason.message)
        assert.deepStrictEqual({ ...reason.upsertedIds }, { 2: 2, 4: 4, 6: 6 })
        assert.deepStrictEqual({ ...reason.insertedIds }, { 0: 100, 3: 103 })
        assert.deepStrictEqual(reason.writeErrors.map(({ index }) => index), [7])
      }))
  }

  it.live("over several batches", () =>
    Effect.gen(function*() {
      const { commands, db } = yield* setup()
      const text = "x".repeat(6_000_000)
      const many = Array.from({ length: 5 }, (_, i): ReadonlyArray<Driver.AnyBulkWriteOperation<Item>> => [
        { deleteOne: { filter: { _id: -1 } } },
        { updateOne: { filter: { _id: i }, update: { $set: { text } }, upsert: true } }
      ]).flat()
      const result = yield* db.collection<Item>("items").bulkWrite(many, { ordered: false })
      assert.isAbove(commands.filter(({ commandName }) => commandName === "update").length, 1)
      assert.deepStrictEqual({ ...result.upsertedIds }, { 1: 0, 3: 1, 5: 2, 7: 3, 9: 4 })
    }))

  it.live("when the connection breaks between two batches", () =>
    Effect.gen(function*() {
      const fixture = yield* setup({ retryWrites: false })
      yield* failCommand(fixture, "alwaysOn", { failCommands: ["delete"], closeConnection: true })
      const reason = yield* reasonOf(
        fixture.db.collection<Item>("items").bulkWrite([
          { deleteOne: { filter: { _id: -1 } } },
          { insertOne: { document: { _id: 1 } } },
          upsert(2),
          { deleteOne: { filter: { _id: -1 } } },
          upsert(4)
        ], { ordered: false })
      )
      if (reason._tag !== "BulkWriteError") return assert.fail(reason.message)
      assert.deepStrictEqual({ ...reason.upsertedIds }, { 2: 2, 4: 4 })
      assert.strictEqual(reason.insertedCount, 1)
      assert.strictEqual(reason.stoppedBy?._tag, "ConnectionError")
    }))

  it.live("with the user's own client that is not connected yet", () =>
    Effect.gen(function*() {
      const { admin, db } = yield* setup()
      const driver = new Driver.MongoClient(uri)
      yield* Effect.addFinalizer(() => Effect.promise(() => driver.close()))
      const mongo = yield* MongoClient.fromClient(driver)
      const result = yield* mongo.db(db.name).collection<Item>("items").bulkWrite(models, { ordered: false })
      assert.deepStrictEqual({ ...result.upsertedIds }, { 2: 2, 4: 4, 6: 6 })
      assert.strictEqual(yield* Effect.promise(() => admin.db(db.name).collection("items").countDocuments()), 5)
    }))
})

describe("a client's bulk write of several commands", () => {
  const text = "x".repeat(12_000_000)
  const writesTo = (namespace: string): ReadonlyArray<MongoClient.BulkWriteModel> =>
    Array.from({ length: 7 }, (_, _id) => ({ namespace, name: "insertOne", document: { _id, text } }))

  it("goes to the server in parts that fit", () => {
    const models = writesTo("a.b") as unknown as ReadonlyArray<Driver.ClientBulkWriteModel>
    assert.deepStrictEqual(partsOf(models).map((part) => part.length), [3, 3, 1])
    const small: Driver.ClientBulkWriteModel = { namespace: "a.b", name: "deleteOne", filter: {} }
    const many = Array.from({ length: 200_001 }, () => small)
    assert.deepStrictEqual(partsOf(many).map((part) => part.length), [100_000, 100_000, 1])
    assert.deepStrictEqual(partsOf([small]), [[small]])
  })

  it.live("returns the result of all of them", () =>
    Effect.gen(function*() {
      const { commands, db, mongo } = yield* setup()
      const result = yield* mongo.bulkWrite([
        ...writesTo(`${db.name}.items`),
        {
          namespace: `${db.name}.items`,
          name: "updateOne",
          filter: { _id: 50 },
          update: { $set: { n: 1 } },
          upsert: true
        }
      ], { verboseResults: true })
      assert.strictEqual(commands.filter(({ commandName }) => commandName === "bulkWrite").length, 3)
      assert.deepStrictEqual([result.insertedCount, result.upsertedCount], [7, 1])
      assert.deepStrictEqual(
        [...result.insertResults].map(([index, { insertedId }]) => [index, insertedId]),
        Array.from({ length: 7 }, (_, i) => [i, i])
      )
      assert.deepStrictEqual([...result.updateResults].map(([index, { upsertedId }]) => [index, upsertedId]), [[7, 50]])
    }), 60_000)

  for (const ordered of [true, false]) {
    it.live(
      `says what was done when the connection breaks between two commands, ${ordered ? "ordered" : "unordered"}`,
      () =>
        Effect.gen(function*() {
          const fixture = yield* setup()
          yield* failCommand(fixture, { skip: 1 }, { failCommands: ["bulkWrite"], closeConnection: true })
          const reason = yield* reasonOf(
            fixture.mongo.bulkWrite(writesTo(`${fixture.db.name}.items`), { ordered, verboseResults: true })
          )
          if (reason._tag !== "BulkWriteError") return assert.fail(`${reason._tag} ${reason.message}`)
          assert.strictEqual(reason.insertedCount, 3)
          assert.deepStrictEqual({ ...reason.insertedIds }, { 0: 0, 1: 1, 2: 2 })
          assert.strictEqual(reason.stoppedBy?._tag, "ConnectionError")
          assert.deepStrictEqual(reason.writeErrors, [])
          const stored = yield* Effect.promise(() =>
            fixture.admin.db(fixture.db.name).collection<Item>("items").find().project({ _id: 1 }).sort({ _id: 1 })
              .toArray()
          )
          assert.deepStrictEqual<unknown>(stored, [{ _id: 0 }, { _id: 1 }, { _id: 2 }])
        }),
      60_000
    )

    it.live(
      `has the errors of all commands by their indexes, ${ordered ? "ordered" : "unordered"}`,
      () =>
        Effect.gen(function*() {
          const { db, mongo } = yield* setup()
          yield* db.collection<Item>("items").insertMany([{ _id: 1 }, { _id: 5 }])
          const reason = yield* reasonOf(
            mongo.bulkWrite(writesTo(`${db.name}.items`), { ordered, verboseResults: true })
          )
          if (reason._tag !== "BulkWriteError") return assert.fail(`${reason._tag} ${reason.message}`)
          assert.deepStrictEqual(reason.writeErrors.map(({ index }) => index), ordered ? [1] : [1, 5])
          assert.strictEqual(reason.insertedCount, ordered ? 1 : 5)
          assert.deepStrictEqual(
            Object.keys(reason.insertedIds).map(Number),
            ordered ? [0] : [0, 2, 3, 4, 6]
          )
        }),
      60_000
    )
  }

  it.live("fails as its first command does, if that breaks", () =>
    Effect.gen(function*() {
      const fixture = yield* setup()
      yield* failCommand(fixture, "alwaysOn", { failCommands: ["bulkWrite"], closeConnection: true })
      const reason = yield* reasonOf(fixture.mongo.bulkWrite(writesTo(`${fixture.db.name}.items`)))
      assert.strictEqual(reason._tag, "ConnectionError")
    }), 60_000)

  it.live("goes on after write concern errors, and reports them", () =>
    Effect.gen(function*() {
      const fixture = yield* setup({ retryWrites: false })
      yield* failCommand(fixture, { times: 1 }, {
        failCommands: ["bulkWrite"],
        writeConcernError: { code: 64, errmsg: "waited in vain", codeName: "WriteConcernTimeout" }
      })
      const reason = yield* reasonOf(fixture.mongo.bulkWrite(writesTo(`${fixture.db.name}.items`)))
      if (reason._tag !== "BulkWriteError") return assert.fail(`${reason._tag} ${reason.message}`)
      assert.strictEqual(reason.insertedCount, 7)
      assert.deepStrictEqual(reason.writeConcernErrors.map(({ code }) => code), [64])
    }), 60_000)
})
