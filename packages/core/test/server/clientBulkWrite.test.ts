/**
 * `mongo.bulkWrite`: writes to several namespaces with one command.
 *
 * @since 0.1.0
 */
import { assert, describe, it } from "@effect/vitest"
import { MongoClient, type MongoError } from "@mongofx/core"
import { Cause, Effect, Exit, Fiber, Option, Redacted } from "effect"
import * as Driver from "mongodb"
import { failCommand, type Fixture, interrupt, nothingLeft, reasonOf, setup, until } from "../support/utils.ts"

const bulkError = <A>(effect: Effect.Effect<A, MongoError.MongoError>): Effect.Effect<MongoError.BulkWriteError> =>
  Effect.map(reasonOf(effect), (reason) => {
    assert.strictEqual(reason._tag, "BulkWriteError", reason.message)
    return reason as MongoError.BulkWriteError
  })

const namespaces = ({ db }: Fixture) => ({ books: `${db.name}.books`, authors: `${db.name}_b.authors` })

/** A second database of the test, dropped at its end. */
const second = (fixture: Fixture) =>
  Effect.addFinalizer(() => Effect.promise(() => fixture.admin.db(`${fixture.db.name}_b`).dropDatabase()))

describe("bulkWrite of a client", () => {
  it.live("runs every kind of write on several databases with one command", () =>
    Effect.gen(function*() {
      const fixture = yield* setup()
      yield* second(fixture)
      const { books, authors } = namespaces(fixture)
      const result = yield* fixture.mongo.bulkWrite([
        { namespace: books, name: "insertOne", document: { _id: 1, title: "A" } },
        { namespace: authors, name: "insertOne", document: { name: "Ada" } },
        { namespace: books, name: "updateOne", filter: { _id: 1 }, update: { $set: { title: "B" } } },
        { namespace: books, name: "updateMany", filter: {}, update: [{ $set: { pages: 3 } }] },
        { namespace: books, name: "replaceOne", filter: { _id: 2 }, replacement: { title: "C" }, upsert: true },
        { namespace: authors, name: "deleteOne", filter: { name: "nobody" } },
        { namespace: authors, name: "deleteMany", filter: { name: "Ada" } }
      ])
      assert.isTrue(result.acknowledged)
      assert.strictEqual(result.insertedCount, 2)
      assert.strictEqual(result.matchedCount, 2)
      assert.strictEqual(result.modifiedCount, 2)
      assert.strictEqual(result.upsertedCount, 1)
      assert.strictEqual(result.deletedCount, 1)
      assert.isUndefined(result.insertResults)
      const found = yield* fixture.db.collection("books").find().sort({ _id: 1 })
      assert.deepStrictEqual(found as Array<unknown>, [{ _id: 1, title: "B", pages: 3 }, { _id: 2, title: "C" }])
      assert.strictEqual(fixture.commands.filter((event) => event.commandName === "bulkWrite").length, 1)
      assert.strictEqual(fixture.last("bulkWrite")["errorsOnly"], true)
      yield* nothingLeft(fixture)
    }))

  it.live("returns the result of each write when asked", () =>
    Effect.gen(function*() {
      const fixture = yield* setup()
      const { books } = namespaces(fixture)
      const result = yield* fixture.mongo.bulkWrite([
        { namespace: books, name: "insertOne", document: { _id: "a" } },
        { namespace: books, name: "updateOne", filter: { _id: "b" }, update: { $set: { n: 1 } }, upsert: true },
        { namespace: books, name: "deleteMany", filter: {} }
      ], { verboseResults: true })
      assert.deepStrictEqual([...result.insertResults], [[0, { insertedId: "a" }]])
      const update = result.updateResults.get(1)
      assert.deepStrictEqual([update?.matchedCount, update?.upsertedId], [1, "b"])
      assert.strictEqual(result.deleteResults.get(2)?.deletedCount, 2)
      yield* nothingLeft(fixture)
    }))

  it.live("fails with what was done, and why the rest was not", () =>
    Effect.gen(function*() {
      const fixture = yield* setup()
      const { books } = namespaces(fixture)
      const models: ReadonlyArray<MongoClient.BulkWriteModel> = [
        { namespace: books, name: "insertOne", document: { _id: 1 } },
        { namespace: books, name: "insertOne", document: { _id: 1, secret: "classified" } },
        { namespace: books, name: "insertOne", document: { _id: 2 } },
        { namespace: books, name: "updateOne", filter: { _id: 9 }, update: { $set: { a: 1 } }, upsert: true }
      ]
      const ordered = yield* bulkError(fixture.mongo.bulkWrite(models, { verboseResults: true }))
      assert.strictEqual(ordered.insertedCount, 1)
      assert.deepStrictEqual({ ...ordered.insertedIds }, { 0: 1 })
      assert.strictEqual(ordered.writeErrors.length, 1)
      const [failure] = ordered.writeErrors
      assert.strictEqual(failure!.index, 1)
      const duplicate = failure!.reason
      if (duplicate._tag !== "DuplicateKeyError") return assert.fail(duplicate._tag)
      assert.strictEqual(duplicate.code, 11000)
      assert.deepStrictEqual(Redacted.value(duplicate.keyValue), { _id: 1 })

      yield* fixture.db.collection("books").deleteMany({})
      const unordered = yield* bulkError(fixture.mongo.bulkWrite(models, { ordered: false, verboseResults: true }))
      assert.strictEqual(unordered.insertedCount, 2)
      assert.strictEqual(unordered.upsertedCount, 1)
      assert.deepStrictEqual({ ...unordered.insertedIds }, { 0: 1, 2: 2 })
      assert.deepStrictEqual({ ...unordered.upsertedIds }, { 3: 9 })
      assert.deepStrictEqual(unordered.writeErrors.map(({ index }) => index), [1])
      assert.deepStrictEqual({ ...unordered.updateResults }, { 3: { matchedCount: 1, modifiedCount: 0 } })
      assert.deepStrictEqual({ ...unordered.deleteResults }, {})
      assert.notInclude(JSON.stringify(unordered), "classified")
      const silent = yield* bulkError(fixture.mongo.bulkWrite(models, { ordered: false }))
      assert.isUndefined(silent.updateResults)
      assert.deepStrictEqual({ ...silent.insertedIds }, {})
      yield* nothingLeft(fixture)
    }))

  it.live.each([
    ["the server fails", { errorCode: 8 }, "ServerError"],
    ["the connection breaks", { closeConnection: true }, "ConnectionError"]
  ])("has the batches that were done when %s in a later one", ([, data, tag]) =>
    Effect.gen(function*() {
      const fixture = yield* setup({ retryWrites: false })
      const { books } = namespaces(fixture)
      yield* failCommand(fixture, { skip: 1 }, { failCommands: ["bulkWrite"], ...(data as Driver.Document) })
      // Each is a third of what one message may hold, so these are two batches or more.
      const filling = "x".repeat(15_000_000)
      const models = [1, 2, 3, 4].map((_id): MongoClient.BulkWriteModel => ({
        namespace: books,
        name: "insertOne",
        document: { _id, filling }
      }))
      const error = yield* bulkError(fixture.mongo.bulkWrite(models, { verboseResults: true }))
      assert.strictEqual(error.stoppedBy?._tag, tag)
      assert.isFalse(error.isRetryable)
      assert.isAbove(error.insertedCount, 0)
      assert.isBelow(error.insertedCount, 4)
      assert.strictEqual(Object.keys(error.insertedIds).length, error.insertedCount)
      assert.strictEqual(yield* fixture.db.collection("books").countDocuments(), error.insertedCount)
    }))

  it.live("fails with a ConnectionError for a broken connection, as other writes do", () =>
    Effect.gen(function*() {
      const fixture = yield* setup({ retryWrites: false })
      const { books } = namespaces(fixture)
      yield* failCommand(fixture, { times: 1 }, { failCommands: ["bulkWrite"], closeConnection: true })
      const reason = yield* reasonOf(
        fixture.mongo.bulkWrite([{ namespace: books, name: "insertOne", document: { _id: 1 } }])
      )
      assert.strictEqual(reason._tag, "ConnectionError")
      assert.isTrue(reason.isTransient)
      assert.isFalse(reason.isRetryable)
    }))

  it.live("has an unmet write concern in its error", () =>
    Effect.gen(function*() {
      const fixture = yield* setup({ retryWrites: false })
      const { books } = namespaces(fixture)
      yield* failCommand(fixture, { times: 1 }, {
        failCommands: ["bulkWrite"],
        writeConcernError: { code: 64, errmsg: "waiting for replication timed out" }
      })
      const error = yield* bulkError(
        fixture.mongo.bulkWrite([{ namespace: books, name: "insertOne", document: { _id: 1 } }])
      )
      assert.strictEqual(error.insertedCount, 1)
      assert.deepStrictEqual(error.writeConcernErrors.map(({ code }) => code), [64])
    }))

  it.live("leaves its arguments as they were, and inserts anew for every run", () =>
    Effect.gen(function*() {
      const fixture = yield* setup()
      const { books } = namespaces(fixture)
      const document = Object.freeze({ title: "A" })
      const named = Object.freeze({ _id: 7, title: "B" })
      const insert = fixture.mongo.bulkWrite(
        Object.freeze([Object.freeze({ namespace: books, name: "insertOne" as const, document })])
      )
      yield* insert
      yield* insert
      yield* fixture.mongo.bulkWrite([{ namespace: books, name: "insertOne", document: named }])
      assert.deepStrictEqual(Object.keys(document), ["title"])
      assert.strictEqual(yield* fixture.db.collection("books").countDocuments(), 3)
    }))

  it.live("refuses bad input before anything is sent, and says where it is", () =>
    Effect.gen(function*() {
      const fixture = yield* setup()
      const { books: namespace } = namespaces(fixture)
      const good: MongoClient.BulkWriteModel = { namespace, name: "insertOne", document: {} }
      const cases: ReadonlyArray<readonly [string, object]> = [
        ["models[1].filter._id is undefined", { namespace, name: "deleteMany", filter: { _id: undefined } }],
        ["models[1].filter.a is undefined", {
          namespace,
          name: "updateOne",
          filter: { a: undefined },
          update: { $set: {} }
        }],
        ["models[1].filter is undefined", { namespace, name: "deleteOne" }],
        ["models[1].update.title is not an update", {
          namespace,
          name: "updateMany",
          filter: {},
          update: { title: "A" }
        }],
        ["models[1].update", { namespace, name: "updateOne", filter: {}, update: {} }],
        ["models[1].replacement[\"$set\"]", { namespace, name: "replaceOne", filter: {}, replacement: { $set: {} } }],
        ["models[1].document.at", { namespace, name: "insertOne", document: { at: new Date(Number.NaN) } }],
        ["models[1].document is undefined", { namespace, name: "insertOne" }],
        ["models[1].arrayFilters", {
          namespace,
          name: "updateOne",
          filter: {},
          update: { $set: { a: 1 } },
          arrayFilters: [{ a: undefined }]
        }],
        ["models[1].namespace", { namespace: "books", name: "deleteMany", filter: {} }],
        ["models[1].namespace", { name: "deleteMany", filter: {} }],
        ["models[1].name", { namespace, name: "dropAll", filter: {} }],
        ["models[1] is not a write model", null as unknown as object]
      ]
      for (const [message, model] of cases) {
        const reason = yield* reasonOf(fixture.mongo.bulkWrite([good, model as MongoClient.BulkWriteModel]))
        assert.strictEqual(reason._tag, "InvalidArgumentError", message)
        assert.include(reason.message, message.replace("[\"$set\"]", ".$set"))
      }
      assert.strictEqual(
        (yield* reasonOf(fixture.mongo.bulkWrite([good], { let: { a: undefined } })))._tag,
        "InvalidArgumentError"
      )
      assert.notInclude(fixture.commands.map((event) => event.commandName), "bulkWrite")
    }))

  it.live("leaves out undefined properties of a document", () =>
    Effect.gen(function*() {
      const fixture = yield* setup()
      const { books: namespace } = namespaces(fixture)
      yield* fixture.mongo.bulkWrite([
        { namespace, name: "insertOne", document: { _id: 1, a: undefined, b: { c: undefined } } },
        { namespace, name: "updateOne", filter: { _id: 1 }, update: { $set: { d: undefined, e: 1 } } }
      ])
      const found = yield* fixture.db.collection("books").find()
      assert.deepStrictEqual(found as Array<unknown>, [{ _id: 1, b: {}, e: 1 }])
    }))

  it.live("joins the transaction of its context", () =>
    Effect.gen(function*() {
      const fixture = yield* setup()
      const { books: namespace } = namespaces(fixture)
      yield* fixture.db.createCollection("books")
      const exit = yield* Effect.exit(fixture.mongo.withTransaction(Effect.gen(function*() {
        yield* fixture.mongo.bulkWrite([{ namespace, name: "insertOne", document: { _id: 1 } }])
        return yield* Effect.fail("no")
      })))
      assert.deepStrictEqual(Exit.isFailure(exit) ? Cause.findErrorOption(exit.cause) : undefined, Option.some("no"))
      assert.strictEqual(yield* fixture.db.collection("books").countDocuments(), 0)
      yield* fixture.mongo.withTransaction(
        fixture.mongo.bulkWrite([{ namespace, name: "insertOne", document: { _id: 1 } }])
      )
      assert.strictEqual(yield* fixture.db.collection("books").countDocuments(), 1)
    }))

  it.live("is aborted on interruption", () =>
    Effect.gen(function*() {
      const fixture = yield* setup()
      const { books: namespace } = namespaces(fixture)
      yield* failCommand(fixture, "alwaysOn", { failCommands: ["bulkWrite"], blockConnection: true, blockTimeMS: 2000 })
      const fiber = yield* Effect.forkChild(
        fixture.mongo.bulkWrite([{ namespace, name: "insertOne", document: { _id: 1 } }]),
        { startImmediately: true }
      )
      yield* until("sent", () => fixture.commands.some((event) => event.commandName === "bulkWrite"))
      assert.isBelow(yield* interrupt(fiber), 500)
      assert.isTrue(Exit.isFailure(yield* Fiber.await(fiber)))
    }))

  it.live("is not acknowledged with w: 0", () =>
    Effect.gen(function*() {
      const fixture = yield* setup()
      const { books: namespace } = namespaces(fixture)
      const result = yield* fixture.mongo.bulkWrite(
        [{ namespace, name: "insertOne", document: { _id: 1 } }],
        { ordered: false, writeConcern: new Driver.WriteConcern(0) }
      )
      assert.isFalse(result.acknowledged)
      assert.isTrue(MongoClient.isMongoClient(fixture.mongo))
    }))
})
