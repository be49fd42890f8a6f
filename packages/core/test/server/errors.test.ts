import { assert, describe, it } from "@effect/vitest"
import { GridFS, Mongo, MongoClient, MongoError } from "@mongofx/core"
import { Cause, Deferred, Effect, Exit, Fiber, Option, Redacted, Schema, Scope, Stream } from "effect"
import * as Driver from "mongodb"
import { execFile } from "node:child_process"
import { fileURLToPath } from "node:url"
import { inspect } from "node:util"
import { refusedCommands } from "../support/refusedCommands.ts"
import { failCommand, type Fixture, setup, until, uri } from "../support/utils.ts"
import { slowWay, standIn } from "../support/wire.ts"

/** Every operation that fails here writes it or asks for it, and it must not appear in errors. */
const secret = "hunter2"

interface User {
  readonly _id?: number | string | ReadonlyArray<string>
  readonly [field: string]: unknown
}

const collectionOf = (fixture: Fixture) => fixture.db.collection<User>("users")

/** Every form in which a failure may be printed. */
const printed = (cause: Cause.Cause<MongoError.MongoError>, error: MongoError.MongoError): ReadonlyArray<string> => [
  inspect(error, { depth: 20, showHidden: true }),
  inspect(error.reason, { depth: 20, showHidden: true }),
  inspect(error.reason.cause, { depth: 20, showHidden: true }),
  JSON.stringify(error),
  JSON.stringify(Schema.encodeSync(Schema.toCodecJson(MongoError.MongoError))(error)),
  Cause.pretty(cause),
  String(error),
  String(error.stack)
]

/** The error of an effect that must fail with a `MongoError` that shows nothing of what was written. */
const failure = <A, R>(
  effect: Effect.Effect<A, MongoError.MongoError, R>
): Effect.Effect<MongoError.MongoError, never, R> =>
  Effect.map(Effect.exit(effect), (exit) => {
    if (Exit.isSuccess(exit)) throw new Error(`succeeded with ${inspect(exit.value)}`)
    const error = Cause.findErrorOption(exit.cause)
    if (Option.isNone(error)) throw new Error(`failed with a defect: ${Cause.pretty(exit.cause)}`)
    for (const text of printed(exit.cause, error.value)) assert.notInclude(text, secret)
    return error.value
  })

/** The reason of an effect that must fail with this reason. */
const failsWith = <Tag extends MongoError.MongoErrorReason["_tag"], A, R>(
  effect: Effect.Effect<A, MongoError.MongoError, R>,
  tag: Tag
): Effect.Effect<Extract<MongoError.MongoErrorReason, { readonly _tag: Tag }>, never, R> =>
  Effect.map(failure(effect), ({ reason }) => {
    assert.strictEqual(reason._tag, tag, reason.message)
    return reason as Extract<MongoError.MongoErrorReason, { readonly _tag: Tag }>
  })

const onServer = (
  name: string,
  test: (fixture: Fixture) => Effect.Effect<void, unknown, Scope.Scope>,
  timeout?: number
) => it.live(name, () => Effect.flatMap(setup(), test), timeout)

describe("duplicate keys", () => {
  onServer("insertOne has index, pattern and values", (fixture) =>
    Effect.gen(function*() {
      const users = collectionOf(fixture)
      yield* users.createIndex({ email: -1, "place.city": 1 }, { unique: true })
      yield* users.insertOne({ _id: 1, email: secret, place: { city: "Paris" } })
      const reason = yield* failsWith(
        users.insertOne({ _id: 2, email: secret, place: { city: "Paris" } }),
        "DuplicateKeyError"
      )
      assert.strictEqual(reason.code, 11000)
      assert.strictEqual(reason.index, "email_-1_place.city_1")
      assert.deepStrictEqual(reason.keyPattern, { email: -1, "place.city": 1 })
      assert.deepStrictEqual(Redacted.value(reason.keyValue), { email: secret, "place.city": "Paris" })
      assert.strictEqual(reason.operation, "insertOne")
      assert.strictEqual(reason.namespace, `${fixture.db.name}.users`)
      assert.isFalse(reason.isRetryable)
      assert.strictEqual(
        reason.message,
        `insertOne on ${fixture.db.name}.users: E11000 duplicate key error collection: ${fixture.db.name}.users ` +
          "index: email_-1_place.city_1 dup key: <redacted>"
      )
    }))

  onServer("updateOne and findOneAndUpdate have them too", (fixture) =>
    Effect.gen(function*() {
      const users = collectionOf(fixture)
      yield* users.createIndex({ email: 1 }, { unique: true })
      yield* users.insertMany([{ _id: 1, email: secret }, { _id: 2, email: "other" }])
      for (
        const update of [
          users.updateOne({ _id: 2 }, { $set: { email: secret } }),
          users.findOneAndUpdate({ _id: 2 }, { $set: { email: secret } })
        ]
      ) {
        const reason = yield* failsWith(update as Effect.Effect<unknown, MongoError.MongoError>, "DuplicateKeyError")
        assert.deepStrictEqual(reason.keyPattern, { email: 1 })
        assert.deepStrictEqual(Redacted.value(reason.keyValue), { email: secret })
      }
    }))

  onServer("of a bulk write have them, whatever is in the values", (fixture) =>
    Effect.gen(function*() {
      const users = collectionOf(fixture)
      yield* users.createIndex({ a: -1, "b.c": 1 }, { unique: true })
      const values: ReadonlyArray<readonly [written: unknown, read: unknown]> = [
        [`${secret} }, x: { "`, undefined],
        [`${secret}\n\t\\n\\`, `${secret}\n\t\\n\\`],
        [42, 42],
        [1.5, 1.5],
        [null, null],
        [true, true],
        [new Date(1700000000000), new Date(1700000000000)],
        [new Driver.ObjectId("665f1f77bcf86cd799439011"), new Driver.ObjectId("665f1f77bcf86cd799439011")],
        [Driver.Long.MAX_VALUE, "9223372036854775807"],
        [{ x: secret }, `{ x: "${secret}" }`]
      ]
      for (const [written, read] of values) {
        const document = { a: written, b: { c: 1 } }
        yield* users.insertOne(document)
        const { writeErrors } = yield* failsWith(users.insertMany([document]), "BulkWriteError")
        const reason = writeErrors[0]?.reason
        if (reason?._tag !== "DuplicateKeyError") throw new Error(reason?._tag)
        assert.strictEqual(reason.index, "a_-1_b.c_1")
        // Text with unpaired quotes is given up: the server does not escape quotes.
        assert.deepStrictEqual(reason.keyPattern, read === undefined ? {} : { a: -1, "b.c": 1 })
        assert.deepStrictEqual(Redacted.value(reason.keyValue), read === undefined ? {} : { a: read, "b.c": 1 })
      }
    }))
})

const uncaught = fileURLToPath(new URL("../support/uncaught.ts", import.meta.url))

describe("bulk writes", () => {
  for (const what of ["error", "reason"]) {
    onServer(`that nobody catches print no ids (${what})`, ({ db }) =>
      Effect.gen(function*() {
        const text = yield* Effect.promise(() =>
          new Promise<string>((resolve) => {
            const args = ["--import", "tsx", uncaught, uri, db.name, what, `up${secret}`, `in${secret}`]
            execFile(process.execPath, args, (_, stdout, stderr) => resolve(stdout + stderr))
          })
        )
        assert.include(text, "BulkWriteError")
        assert.match(text, /upsertedCount: 1/)
        assert.notInclude(text, secret)
      }), 60_000)
  }

  onServer("have ids that can be read and are not enumerable", (fixture) =>
    Effect.gen(function*() {
      const users = collectionOf(fixture)
      const insert = { insertOne: { document: { _id: "mine" } } }
      const reason = yield* failsWith(users.bulkWrite([insert, insert]), "BulkWriteError")
      assert.deepStrictEqual<unknown>([reason.insertedIds, reason.upsertedIds], [{ 0: "mine" }, {}])
      assert.notIncludeMembers(Object.keys(reason), ["insertedIds", "upsertedIds"])
      assert.deepInclude(reason.toJSON(), { insertedIds: { 0: "<redacted>" }, upsertedIds: {} })
      const codec = Schema.toCodecJson(MongoError.MongoErrorReason)
      const decoded = Schema.decodeUnknownSync(codec)(Schema.encodeSync(codec)(reason)) as MongoError.BulkWriteError
      assert.deepStrictEqual<unknown>(decoded.insertedIds, { 0: "mine" })
      assert.notInclude(Object.keys(decoded), "insertedIds")
    }))

  onServer("say what was done and what failed", (fixture) =>
    Effect.gen(function*() {
      const users = collectionOf(fixture)
      yield* users.insertMany([{ _id: 1 }, { _id: 2 }])
      const reason = yield* failsWith(
        users.bulkWrite([
          { insertOne: { document: { _id: 10, name: secret } } },
          { updateOne: { filter: { _id: 1 }, update: { $set: { name: secret } } } },
          { updateOne: { filter: { _id: 20 }, update: { $set: { name: secret } }, upsert: true } },
          { deleteOne: { filter: { _id: 2 } } },
          { insertOne: { document: { _id: 1, name: secret } } },
          { insertOne: { document: { _id: 11, name: secret } } }
        ]),
        "BulkWriteError"
      )
      const { deletedCount, insertedCount, insertedIds, matchedCount, modifiedCount, upsertedCount, upsertedIds } =
        reason
      assert.deepStrictEqual(
        { deletedCount, insertedCount, insertedIds, matchedCount, modifiedCount, upsertedCount, upsertedIds },
        {
          insertedCount: 1,
          matchedCount: 1,
          modifiedCount: 1,
          deletedCount: 1,
          upsertedCount: 1,
          insertedIds: { 0: 10 },
          upsertedIds: { 2: 20 }
        }
      )
      assert.deepStrictEqual(reason.writeErrors.map(({ index, reason }) => [index, reason._tag]), [[
        4,
        "DuplicateKeyError"
      ]])
      assert.isUndefined(reason.stoppedBy)
      assert.deepStrictEqual(reason.writeConcernErrors, [])
    }))

  onServer(
    "that are not ordered go on, and list the ids of what was inserted alone",
    (fixture) =>
      Effect.gen(function*() {
        const users = collectionOf(fixture)
        yield* fixture.db.createCollection("users", { validator: { age: { $type: "number" } } })
        const reason = yield* failsWith(
          users.insertMany(
            [{ _id: 1, age: 1 }, { _id: 1, age: 2 }, { _id: 2, age: secret }, { _id: 3, age: 3 }],
            { ordered: false }
          ),
          "BulkWriteError"
        )
        assert.deepStrictEqual(reason.insertedIds, { 0: 1, 3: 3 })
        assert.strictEqual(reason.insertedCount, 2)
        assert.deepStrictEqual(reason.writeErrors.map(({ index, reason }) => [index, reason._tag]), [
          [1, "DuplicateKeyError"],
          [2, "DocumentValidationError"]
        ])
        const invalid = reason.writeErrors[1]?.reason
        if (invalid?._tag !== "DocumentValidationError") throw new Error(invalid?._tag)
        assert.include(JSON.stringify(Redacted.value(invalid.details)), secret)
      })
  )

  onServer("that a command error stops have its reason", (fixture) =>
    Effect.gen(function*() {
      const users = collectionOf(fixture)
      yield* failCommand(fixture, { times: 1 }, { failCommands: ["update"], errorCode: 13 })
      const reason = yield* failsWith(
        users.bulkWrite([
          { insertOne: { document: { _id: 1 } } },
          { updateOne: { filter: { _id: 1 }, update: { $set: { name: secret } } } }
        ]),
        "BulkWriteError"
      )
      assert.deepStrictEqual(reason.insertedIds, { 0: 1 })
      assert.strictEqual(reason.stoppedBy?._tag, "AuthorizationError")
      assert.strictEqual(reason.stoppedBy?.code, 13)
      assert.deepStrictEqual(reason.writeErrors, [])
    }))

  onServer("that a broken connection stops have its reason", (fixture) =>
    Effect.gen(function*() {
      const users = collectionOf(fixture)
      yield* failCommand(fixture, { times: 2 }, { failCommands: ["update"], closeConnection: true })
      const reason = yield* failsWith(
        users.bulkWrite([
          { insertOne: { document: { _id: 1 } } },
          { updateOne: { filter: { _id: 1 }, update: { $set: { name: secret } } } }
        ]),
        "BulkWriteError"
      )
      assert.strictEqual(reason.insertedCount, 1)
      assert.strictEqual(reason.stoppedBy?._tag, "ConnectionError")
    }))

  onServer("that fail before anything was done fail with that", (fixture) =>
    Effect.gen(function*() {
      yield* failCommand(fixture, { times: 1 }, { failCommands: ["insert"], errorCode: 13 })
      yield* failsWith(collectionOf(fixture).insertMany([{ _id: 1, name: secret }]), "AuthorizationError")
    }))

  onServer("have their write concern error", (fixture) =>
    Effect.gen(function*() {
      yield* failCommand(fixture, { times: 1 }, {
        failCommands: ["insert"],
        writeConcernError: { code: 64, codeName: "WriteConcernTimeout", errmsg: "waiting for replication timed out" }
      })
      const reason = yield* failsWith(collectionOf(fixture).insertMany([{ _id: 1, name: secret }]), "BulkWriteError")
      assert.strictEqual(reason.insertedCount, 1)
      assert.deepStrictEqual(reason.insertedIds, { 0: 1 })
      assert.deepStrictEqual(reason.writeConcernErrors.map(({ code }) => code), [64])
      assert.isUndefined(reason.stoppedBy)
    }))

  onServer("of the client have ids and reasons", (fixture) =>
    Effect.gen(function*() {
      const namespace = `${fixture.db.name}.users`
      const reason = yield* failsWith(
        fixture.mongo.use((driver) =>
          driver.bulkWrite([
            { name: "insertOne", namespace, document: { _id: 1, name: secret } as never },
            { name: "insertOne", namespace, document: { _id: 1, name: secret } as never }
          ], { verboseResults: true })
        ),
        "BulkWriteError"
      )
      assert.strictEqual(reason.insertedCount, 1)
      assert.deepStrictEqual(reason.insertedIds, { 0: 1 })
      assert.deepStrictEqual(reason.writeErrors.map(({ index, reason }) => [index, reason._tag]), [[
        1,
        "DuplicateKeyError"
      ]])
    }))
})

describe("replies to one operation", () => {
  onServer("DocumentValidationError has the details", (fixture) =>
    Effect.gen(function*() {
      yield* fixture.db.createCollection("users", { validator: { $jsonSchema: { required: ["age"] } } })
      const reason = yield* failsWith(
        collectionOf(fixture).insertOne({ _id: secret, name: secret }),
        "DocumentValidationError"
      )
      assert.strictEqual(reason.code, 121)
      assert.deepStrictEqual(
        (Redacted.value(reason.details)["details"] as Driver.Document)["schemaRulesNotSatisfied"][0][
          "missingProperties"
        ],
        ["age"]
      )
    }))

  onServer("WriteConflictError of two transactions is transient", (fixture) =>
    Effect.gen(function*() {
      const users = collectionOf(fixture)
      yield* users.insertOne({ _id: 1, name: "before" })
      const write = users.updateOne({ _id: 1 }, { $set: { name: secret } })
      const first = yield* fixture.mongo.session()
      const second = yield* fixture.mongo.session()
      yield* first.startTransaction()
      yield* first.use(write)
      yield* second.startTransaction()
      const reason = yield* failsWith(second.use(write), "WriteConflictError")
      assert.strictEqual(reason.code, 112)
      assert.include(reason.labels, "TransientTransactionError")
      assert.isTrue(reason.isRetryable)
      yield* first.abortTransaction
      yield* second.abortTransaction
    }))

  onServer("WriteConcernError", (fixture) =>
    Effect.gen(function*() {
      yield* failCommand(fixture, { times: 1 }, {
        failCommands: ["insert"],
        writeConcernError: { code: 64, codeName: "WriteConcernTimeout", errmsg: "waiting for replication timed out" }
      })
      const reason = yield* failsWith(collectionOf(fixture).insertOne({ _id: 1, name: secret }), "WriteConcernError")
      assert.strictEqual(reason.code, 64)
      assert.include(reason.message, "waiting for replication timed out")
      assert.isFalse(reason.isRetryable)
    }))

  onServer("WriteConcernError of a write concern that cannot be met", (fixture) =>
    Effect.gen(function*() {
      const users = collectionOf(fixture).withOptions({ writeConcern: { w: 7, wtimeoutMS: 100 } })
      const reason = yield* failsWith(users.insertOne({ _id: 1, name: secret }), "WriteConcernError")
      assert.strictEqual(reason.code, 100)
    }))

  onServer("MaxTimeExpiredError", (fixture) =>
    Effect.gen(function*() {
      const users = collectionOf(fixture)
      yield* users.insertOne({ _id: 1, name: secret })
      const reason = yield* failsWith(
        users.find({ $where: `sleep(1000) || "${secret}"` }).maxTimeMS(50),
        "MaxTimeExpiredError"
      )
      assert.strictEqual(reason.code, 50)
      assert.strictEqual(reason.codeName, "MaxTimeMSExpired")
      assert.isFalse(reason.isRetryable)
    }))

  onServer("CursorError of a cursor that was killed", (fixture) =>
    Effect.gen(function*() {
      const users = collectionOf(fixture)
      yield* users.insertMany(Array.from({ length: 10 }, (_, _id) => ({ _id, name: secret })))
      const kill = Effect.promise(async () => {
        const [cursor] = await fixture.admin.db("admin").aggregate([
          { $currentOp: { allUsers: true, idleCursors: true } },
          { $match: { type: "idleCursor", ns: `${fixture.db.name}.users` } }
        ]).toArray()
        await fixture.admin.db(fixture.db.name).command({
          killCursors: "users",
          cursors: [cursor?.["cursor"].cursorId]
        })
      })
      const batches = users.find().batchSize(2).batches
      const reason = yield* failsWith(
        Stream.runForEach(batches, (batch) => batch[0]?._id === 0 ? kill : Effect.void),
        "CursorError"
      )
      assert.strictEqual(reason.code, 43)
      assert.strictEqual(reason.kind, "notFound")
      assert.isTrue(reason.isRetryable)
    }))

  onServer("NamespaceExistsError", (fixture) =>
    Effect.gen(function*() {
      yield* fixture.db.createCollection("users", { validator: { name: secret } })
      const again = fixture.db.createCollection("users", { validator: { name: `not ${secret}` } })
      assert.strictEqual((yield* failsWith(again, "NamespaceExistsError")).code, 48)
    }))

  onServer("NamespaceNotFoundError, of the server and of the driver", (fixture) =>
    Effect.gen(function*() {
      assert.strictEqual((yield* failsWith(collectionOf(fixture).rename("others"), "NamespaceNotFoundError")).code, 26)
      assert.isUndefined((yield* failsWith(collectionOf(fixture).options(), "NamespaceNotFoundError")).code)
    }))

  onServer("IndexError", (fixture) =>
    Effect.gen(function*() {
      const users = collectionOf(fixture)
      yield* users.createIndex({ name: 1 })
      const conflict = yield* failsWith(users.createIndex({ name: 1 }, { unique: true }), "IndexError")
      assert.strictEqual(conflict.code, 86)
      assert.include(conflict.message, "name: \"name_1\"")
      assert.strictEqual((yield* failsWith(users.createIndex({ name: 1 }, { name: "other" }), "IndexError")).code, 85)
      assert.strictEqual((yield* failsWith(users.dropIndex("nothing"), "IndexError")).code, 27)
      assert.strictEqual((yield* failsWith(users.createIndex({ name: "nothing" as never }), "IndexError")).code, 67)
    }))

  onServer("InvalidCommandError", (fixture) =>
    Effect.gen(function*() {
      const users = collectionOf(fixture)
      const codes = [
        yield* failsWith(fixture.db.command({ nothing: secret }), "InvalidCommandError"),
        yield* failsWith(users.find({ name: { $nothing: secret } }), "InvalidCommandError"),
        yield* failsWith(users.aggregate([{ $nothing: secret }]), "InvalidCommandError"),
        yield* failsWith(users.updateOne({}, { $set: { a: secret, "a.b": secret } }), "InvalidCommandError"),
        yield* failsWith(users.insertOne({ _id: [secret] }), "InvalidCommandError"),
        yield* failsWith(fixture.db.command({ find: "users", nothing: secret }), "InvalidCommandError")
      ].map(({ code }) => code)
      assert.deepStrictEqual(codes, [59, 2, 40324, 40, 53, 40415])
    }))

  onServer("BsonError of a document that is too large", (fixture) =>
    Effect.gen(function*() {
      const users = collectionOf(fixture)
      const name = secret.repeat(1_400_000)
      yield* users.insertOne({ _id: 1, name })
      yield* failsWith(users.updateOne({ _id: 1 }, { $set: { other: name } }), "BsonError")
      yield* failsWith(users.updateOne({ _id: 1 }, [{ $set: { other: "$name" } }]), "BsonError")
      yield* failsWith(users.insertOne({ _id: 2, name: secret.repeat(2_396_746) }), "BsonError")
      yield* failsWith(users.insertOne({ _id: 2, name, other: name }), "BsonError")
      yield* failsWith(users.insertOne({ _id: 2, name: secret.repeat(8_000_000) }), "BsonError")
    }))

  onServer("NotPrimaryError, after the driver's own retry", (fixture) =>
    Effect.gen(function*() {
      const users = collectionOf(fixture)
      yield* failCommand(fixture, { times: 2 }, {
        failCommands: ["insert"],
        errorCode: 10107,
        errorLabels: ["RetryableWriteError"]
      })
      const reason = yield* failsWith(users.insertOne({ _id: 1, name: secret }), "NotPrimaryError")
      assert.strictEqual(reason.code, 10107)
      assert.include(reason.labels, "RetryableWriteError")
      assert.isTrue(reason.isTransient)
      // The outcome of the first attempt is unknown.
      assert.isFalse(reason.isRetryable)
      assert.deepStrictEqual(fixture.sent(), ["insert", "insert"])
    }))

  onServer("AuthorizationError", (fixture) =>
    Effect.gen(function*() {
      yield* failCommand(fixture, { times: 1 }, { failCommands: ["find"], errorCode: 13 })
      assert.strictEqual(
        (yield* failsWith(collectionOf(fixture).findOne({ name: secret }), "AuthorizationError")).code,
        13
      )
    }))

  onServer("OverloadedError", (fixture) =>
    Effect.gen(function*() {
      yield* failCommand(fixture, "alwaysOn", { failCommands: ["find"], errorCode: 462 })
      const reason = yield* failsWith(collectionOf(fixture).findOne({ name: secret }), "OverloadedError")
      assert.strictEqual(reason.code, 462)
      assert.isTrue(reason.isRetryable)
    }))

  onServer("ServerError of any other code", (fixture) =>
    Effect.gen(function*() {
      yield* failCommand(fixture, { times: 1 }, { failCommands: ["find"], errorCode: 8 })
      const reason = yield* failsWith(collectionOf(fixture).findOne({ name: secret }), "ServerError")
      assert.strictEqual(reason.code, 8)
      assert.strictEqual(reason.codeName, "UnknownError")
      assert.isFalse(reason.isRetryable)
    }))

  onServer("ChangeStreamError of a history that is lost", (fixture) =>
    Effect.gen(function*() {
      yield* failCommand(fixture, { times: 1 }, { failCommands: ["aggregate"], errorCode: 286 })
      const reason = yield* failsWith(
        fixture.mongo.use((driver) => driver.db(fixture.db.name).watch([{ $match: { name: secret } }]).tryNext()),
        "ChangeStreamError"
      )
      assert.strictEqual(reason.kind, "historyLost")
    }))
})

describe("what the server's parsers refuse", () => {
  onServer("is an InvalidCommandError, whatever they say of it", ({ db }) =>
    Effect.gen(function*() {
      const seen = yield* Effect.forEach(refusedCommands, ([, command]) =>
        Effect.map(Effect.flip(db.command(command)), ({ reason }) => [reason.code, reason._tag]))
      assert.deepStrictEqual(seen, refusedCommands.map(([code]) => [code, "InvalidCommandError"]))
    }))

  onServer("so is what a query, an aggregation or an update sends", ({ db }) =>
    Effect.gen(function*() {
      const users = db.collection("users")
      yield* users.insertOne({ a: 1 })
      const find = yield* failsWith(users.find().project({ a: 1, b: 0 }), "InvalidCommandError")
      const sum = yield* failsWith(users.aggregate([{ $group: { _id: 1, a: 1 } }]), "InvalidCommandError")
      const update = yield* failsWith(users.updateOne({}, [{ $unset: [] }]), "InvalidCommandError")
      const bulk = yield* failsWith(
        users.bulkWrite([{ updateOne: { filter: {}, update: [{ $unset: [] }] } }]),
        "BulkWriteError"
      )
      const codes = [find, sum, update, bulk.writeErrors[0]?.reason].map((reason) => reason?.code)
      assert.deepStrictEqual(codes, [31254, 40234, 31119, 31119])
      assert.strictEqual(bulk.writeErrors[0]?.reason._tag, "InvalidCommandError")
      // An error that the documents cause is not the fault of the command.
      yield* failsWith(users.aggregate([{ $project: { a: { $slice: ["$a", 1] } } }]), "ServerError")
    }))
})

describe("transactions", () => {
  onServer("TransactionError of the driver", (fixture) =>
    Effect.gen(function*() {
      const session = yield* fixture.mongo.session()
      yield* failsWith(session.commitTransaction, "TransactionError")
      yield* session.startTransaction()
      yield* failsWith(session.startTransaction(), "TransactionError")
    }))

  onServer(
    "TransactionError of the server is transient where the transaction is gone",
    (fixture) =>
      Effect.gen(function*() {
        const users = collectionOf(fixture)
        yield* users.insertOne({ _id: 1 })
        const session = yield* fixture.mongo.session()
        yield* session.startTransaction()
        yield* session.use(users.updateOne({ _id: 1 }, { $set: { name: secret } }))
        const id = Option.getOrThrow(yield* session.id)
        yield* Effect.promise(() => fixture.admin.db("admin").command({ killSessions: [{ id: id.id }] }))
        const reason = yield* failsWith(session.use(users.insertOne({ _id: 2, name: secret })), "TransactionError")
        assert.strictEqual(reason.code, 251)
        assert.strictEqual(reason.label, "TransientTransactionError")
        assert.isTrue(reason.isRetryable)
      })
  )

  onServer("TransactionError of an operation that is not allowed in one", (fixture) =>
    Effect.gen(function*() {
      const session = yield* fixture.mongo.session()
      yield* session.startTransaction()
      const list = session.use(fixture.mongo.listDatabaseNames())
      const reason = yield* failsWith(list, "TransactionError")
      assert.strictEqual(reason.code, 263)
      assert.isUndefined(reason.label)
    }))

  onServer("ClientClosedError of a session that has ended", (fixture) =>
    Effect.gen(function*() {
      const session = yield* Effect.scoped(fixture.mongo.session())
      const reason = yield* failsWith(session.use(collectionOf(fixture).findOne({ name: secret })), "ClientClosedError")
      assert.strictEqual(reason.kind, "session")
    }))
})

describe("connections", () => {
  onServer("ConnectionError of a connection that is closed", (fixture) =>
    Effect.gen(function*() {
      yield* failCommand(fixture, { times: 2 }, { failCommands: ["insert"], closeConnection: true })
      const reason = yield* failsWith(collectionOf(fixture).insertOne({ _id: 1, name: secret }), "ConnectionError")
      assert.strictEqual(reason.kind, "network")
      assert.include(reason.labels, "RetryableWriteError")
      assert.isTrue(reason.isTransient)
      assert.isFalse(reason.isRetryable)
    }))

  it.live("a silent socket is a ConnectionError", () =>
    Effect.gen(function*() {
      const fixture = yield* setup({ socketTimeout: "200 millis", retryWrites: false })
      yield* failCommand(fixture, { times: 1 }, { failCommands: ["insert"], blockConnection: true, blockTimeMS: 1000 })
      const reason = yield* failsWith(collectionOf(fixture).insertOne({ _id: 1, name: secret }), "ConnectionError")
      assert.strictEqual(reason.kind, "timeout")
    }))

  it.live("an address where nothing listens is a ConnectionError", () =>
    Effect.gen(function*() {
      const url = Redacted.make(`mongodb://ada:${secret}@127.0.0.1:9/?directConnection=true`)
      const make = Effect.scoped(MongoClient.make({ url, serverSelectionTimeout: "200 millis" }))
      assert.strictEqual((yield* failsWith(make, "ConnectionError")).kind, "refused")
    }))

  it.live("a search without a fitting member is a ConnectionError", () =>
    Effect.gen(function*() {
      const fixture = yield* setup({ serverSelectionTimeout: "200 millis" })
      const users = collectionOf(fixture).withOptions({ readPreference: "secondary" })
      const reason = yield* failsWith(users.findOne({ name: secret }), "ConnectionError")
      assert.strictEqual(reason.kind, "serverSelection")
    }))

  it.live("AuthenticationError", () =>
    Effect.gen(function*() {
      const url = Redacted.make(uri.replace("mongodb://", `mongodb://ada:${secret}@`))
      const make = Effect.scoped(MongoClient.make({ url, serverSelectionTimeout: "2 seconds" }))
      const reason = yield* failsWith(make, "AuthenticationError")
      assert.strictEqual(reason.code, 18)
      assert.isFalse(reason.isRetryable)
    }))

  it.live("PoolTimeoutError", () =>
    Effect.gen(function*() {
      const fixture = yield* setup({ maxPoolSize: 1, waitQueueTimeout: "100 millis" })
      const users = collectionOf(fixture)
      yield* users.insertOne({ _id: 1 })
      const slow = yield* Effect.forkChild(users.find({ $where: "sleep(1000) || true" }))
      yield* until("the slow query is sent", () => fixture.sent().includes("find"))
      const reason = yield* failsWith(users.insertOne({ _id: 2, name: secret }), "PoolTimeoutError")
      assert.include(uri, reason.address ?? "no address")
      assert.isTrue(reason.isRetryable)
      yield* Fiber.interrupt(slow)
    }))

  onServer("ClientClosedError", (fixture) =>
    Effect.gen(function*() {
      yield* Effect.promise(() => fixture.driver.close())
      const reason = yield* failsWith(collectionOf(fixture).findOne({ name: secret }), "ClientClosedError")
      assert.strictEqual(reason.kind, "client")
      assert.isFalse(reason.isRetryable)
    }))

  onServer(
    "ClientClosedError of an operation that the end of the client finds running",
    (fixture) =>
      Effect.gen(function*() {
        const users = collectionOf(fixture)
        yield* users.insertOne({ _id: 1, name: secret })
        const ready = yield* Deferred.make<void>()
        const fiber = yield* Effect.forkChild(
          Effect.andThen(Deferred.succeed(ready, undefined), failure(users.find({ $where: "sleep(1000) || true" })))
        )
        yield* Deferred.await(ready)
        yield* until("the slow query is sent", () => fixture.sent().includes("find"))
        yield* Effect.promise(() => fixture.driver.close())
        const { reason } = yield* Fiber.join(fiber)
        assert.include(["ClientClosedError", "ConnectionError"], reason._tag)
      })
  )
})

describe("a document of more than 16 MiB is a BsonError", () => {
  const limit = 16_777_216
  /** A little more than a server takes, more than the driver writes, and more than a message holds. */
  const sizes = {
    "a bit too large": limit + 20,
    "too large for the driver": 20_000_000,
    "too large for a message": 60_000_000
  }
  type Users = ReturnType<typeof collectionOf>

  const lists: Record<string, (fixture: Fixture, large: string) => Effect.Effect<unknown, MongoError.MongoError>> = {
    insertMany: (fixture, large) => collectionOf(fixture).insertMany([{ _id: 1 }, { _id: 2, large }, { _id: 3 }]),
    "insertMany, unordered": (fixture, large) =>
      collectionOf(fixture).insertMany([{ _id: 1 }, { _id: 2, large }, { _id: 3 }], { ordered: false }),
    "an insert of bulkWrite": (fixture, large) =>
      collectionOf(fixture).bulkWrite([
        { insertOne: { document: { _id: 1 } } },
        { insertOne: { document: { _id: 2, large } } }
      ]),
    "a replacement of bulkWrite": (fixture, large) =>
      collectionOf(fixture).bulkWrite([
        { insertOne: { document: { _id: 1 } } },
        { replaceOne: { filter: { _id: 1 }, replacement: { large } } }
      ]),
    "an update of bulkWrite": (fixture, large) =>
      collectionOf(fixture).bulkWrite([
        { insertOne: { document: { _id: 1 } } },
        { updateOne: { filter: { _id: 1 }, update: { $set: { large } } } }
      ]),
    "a filter of bulkWrite": (fixture, large) =>
      collectionOf(fixture).bulkWrite([{ insertOne: { document: { _id: 1 } } }, { deleteMany: { filter: { large } } }]),
    "an insert of the client's bulkWrite": ({ db, mongo }, large) =>
      mongo.bulkWrite([
        { namespace: `${db.name}.users`, name: "insertOne", document: { _id: 1 } },
        { namespace: `${db.name}.users`, name: "insertOne", document: { _id: 2, large } }
      ]),
    "an update of the client's bulkWrite": ({ db, mongo }, large) =>
      mongo.bulkWrite([
        { namespace: `${db.name}.users`, name: "insertOne", document: { _id: 1 } },
        { namespace: `${db.name}.users`, name: "updateOne", filter: { _id: 1 }, update: { $set: { large } } }
      ])
  }

  it.live.each(Object.keys(lists))("%s, with its index", (name) =>
    Effect.gen(function*() {
      const fixture = yield* setup()
      for (const [what, size] of Object.entries(sizes)) {
        const reason = yield* failsWith(lists[name]!(fixture, secret.repeat(size / secret.length)), "BsonError")
        assert.strictEqual(reason.index, 1, what)
        assert.match(reason.message, /(?:documents|operations|models)\[1\] is too large: \d+ bytes/, what)
      }
      assert.strictEqual(yield* collectionOf(fixture).countDocuments(), 0)
    }))

  onServer("too large only with what the driver puts around it", ({ db, mongo }) =>
    Effect.gen(function*() {
      const empty = Driver.BSON.calculateObjectSize({ _id: 2, large: "" })
      const document = { _id: 2, large: "x".repeat(limit - empty) }
      const namespace = `${db.name}.users`
      const reason = yield* failsWith(
        mongo.bulkWrite([{ namespace, name: "insertOne", document: { _id: 1 } }, {
          namespace,
          name: "insertOne",
          document
        }]),
        "BsonError"
      )
      assert.strictEqual(reason.index, 1)
    }))

  const single: Record<string, (users: Users, large: string) => Effect.Effect<unknown, MongoError.MongoError>> = {
    insertOne: (users, large) => users.insertOne({ _id: 1, large }),
    replaceOne: (users, large) => users.replaceOne({ _id: 0 }, { large }),
    updateOne: (users, large) => users.updateOne({ _id: 0 }, { $set: { large } }),
    findOneAndReplace: (users, large) => users.findOneAndReplace({ _id: 0 }, { large }),
    findOneAndUpdate: (users, large) => users.findOneAndUpdate({ _id: 0 }, { $set: { large } })
  }

  it.live.each(Object.keys(single))("%s", (name) =>
    Effect.gen(function*() {
      const fixture = yield* setup()
      yield* collectionOf(fixture).insertOne({ _id: 0 })
      for (const size of Object.values(sizes)) {
        const large = secret.repeat(size / secret.length)
        assert.isUndefined((yield* failsWith(single[name]!(collectionOf(fixture), large), "BsonError")).index)
      }
    }))

  onServer("GridFS", (fixture) =>
    Effect.gen(function*() {
      for (const size of Object.values(sizes)) {
        const metadata = { large: secret.repeat(size / secret.length) }
        const upload = GridFS.bucket(fixture.db).upload("a", Stream.make(new Uint8Array(10)), { metadata })
        yield* failsWith(upload, "BsonError")
      }
      assert.strictEqual(yield* fixture.db.collection("fs.chunks").countDocuments(), 0)
    }))
})

/** Mistakes in commands, options, versions and stages, and what the server's message must still say. */
const wordsOfMistakes: Record<string, readonly [command: Driver.Document, message: RegExp]> = {
  version: [{ ping: 1, apiVersion: "2" }, /Cannot accept API version 2/],
  "strict API": [{ ping: 1, apiVersion: "1", apiStrict: true, foo: 1 }, /'ping\.foo' is an unknown field|foo/],
  "command of the API": [
    { distinct: "users", key: "a", apiVersion: "1", apiStrict: true },
    /the command distinct is not in API Version 1/
  ],
  "stage of the API": [
    { aggregate: "users", pipeline: [{ $indexStats: {} }], cursor: {}, apiVersion: "1", apiStrict: true },
    /\$indexStats/
  ],
  "read concern of a write": [
    { insert: "users", documents: [{}], readConcern: { level: "majority" } },
    /insert does not support \{ readConcern: \{ level: "majority", provenance: "clientSupplied" \} \}/
  ],
  "snapshot of indexes": [
    { listIndexes: "users", readConcern: { level: "snapshot" } },
    /listIndexes does not support \{ readConcern: \{ level: "snapshot"/
  ],
  command: [{ nonsense: 1 }, /no such command: 'nonsense'/],
  option: [{ find: "users", nonsense: 1 }, /nonsense/],
  stage: [
    { aggregate: "users", pipeline: [{ $nonsense: 1 }], cursor: {} },
    /Unrecognized pipeline stage name: '\$nonsense'/
  ],
  "stage without a collection": [
    { aggregate: 1, pipeline: [{ $match: {} }], cursor: {} },
    /\{aggregate: 1\} is not valid for '\$match'/
  ],
  "operator of an update": [
    { findAndModify: "users", query: {}, update: { $nonsense: 1 } },
    /Unknown modifier: \$nonsense/
  ],
  "index by its keys": [{ dropIndexes: "users", index: { zz: 1 } }, /can't find index with key: \{ zz: 1 \}/],
  "index of _id": [
    { createIndexes: "users", indexes: [{ key: { _id: -1 }, name: "x" }] },
    /must be \{_id: 1\}, but got \{ _id: -1 \}/
  ],
  "index that cannot expire": [
    { createIndexes: "users", indexes: [{ key: { a: 1 }, name: "x", expireAfterSeconds: -5 }] },
    /\{ key: \{ a: 1 \}, name: "x", expireAfterSeconds: -5/
  ],
  "tailable sort": [{ find: "capped", tailable: true, sort: { a: 1 } }, /other than \{\$natural: 1\}/],
  hint: [
    { find: "users", filter: { name: secret, age: 4242424242 }, hint: { zz: 1 } },
    /hint provided does not correspond to an existing index/
  ]
}

onServer("what finds no document says where it has looked", (fixture) =>
  Effect.gen(function*() {
    const users = collectionOf(fixture)
    for (const [name, query] of Object.entries({ find: users.find({}), aggregate: users.aggregate([]) })) {
      const error = yield* Effect.flip(query.one)
      assert.strictEqual(error._tag, "NoSuchElementError")
      assert.strictEqual(error.message, `${name} on ${fixture.db.name}.users: found no document`)
    }
  }))

describe("the server's words", () => {
  onServer("of mistakes without values are kept", (fixture) =>
    Effect.gen(function*() {
      yield* collectionOf(fixture).insertOne({ _id: 1 })
      yield* fixture.db.createCollection("capped", { capped: true, size: 4096 })
      for (const [name, [command, message]] of Object.entries(wordsOfMistakes)) {
        const { reason } = yield* failure(fixture.db.command(command))
        assert.match(reason.message, message, name)
        assert.notInclude(reason.message, "4242424242", name)
      }
      const users = collectionOf(fixture)
      const session = yield* fixture.mongo.session()
      yield* session.startTransaction()
      yield* failure(session.use(users.insertOne({ _id: 1 })))
      const aborted = yield* failure(session.use(users.insertOne({ _id: 2 })))
      assert.match(aborted.message, /Transaction with \{ txnNumber: \d+ \} has been aborted/)
    }))

  onServer("of code 20 are kept", (fixture) =>
    Effect.gen(function*() {
      const users = collectionOf(fixture)
      yield* users.insertOne({ _id: 1 })
      const reason = yield* failsWith(users.rename("users"), "InvalidCommandError")
      assert.strictEqual(reason.code, 20)
      assert.match(reason.message, /rename a collection to itself/)
      const local = yield* failsWith(fixture.mongo.db("local").dropDatabase(), "InvalidCommandError")
      assert.strictEqual(local.code, 20)
      assert.include(local.message, "local")
      // The driver reads it as a server without retryable writes.
      yield* failCommand(fixture, { times: 1 }, { failCommands: ["insert"], errorCode: 20 })
      const insert = yield* failsWith(users.insertOne({ _id: 2 }), "InvalidCommandError")
      assert.strictEqual(insert.code, 20)
      assert.notInclude(insert.message, "retryable writes")
    }))

  it.live("a message with a negative length is a broken connection", () =>
    Effect.gen(function*() {
      const port = yield* standIn(() => ({ ok: 1 }), -5)
      const mongo = yield* MongoClient.make({
        url: Redacted.make(`mongodb://127.0.0.1:${port}/?directConnection=true&retryReads=false`),
        serverSelectionTimeout: "2 seconds"
      }).pipe(Effect.exit)
      const error = Option.getOrThrow(Exit.isFailure(mongo) ? Cause.findErrorOption(mongo.cause) : Option.none())
      assert.strictEqual(error.reason._tag, "ConnectionError", error.message)
      assert.strictEqual((error.reason as MongoError.ConnectionError).kind, "network")
      assert.include(error.message, "negative")
      assert.isTrue(error.isTransient)
    }))
})

describe("isRetryable", () => {
  const add = { $inc: { n: 1 } } as unknown as Driver.UpdateFilter<User>

  /** The reasons of operations whose connection breaks. */
  const broken: Record<
    string,
    readonly [
      retryable: boolean,
      operation: (fixture: Fixture) => Effect.Effect<unknown, MongoError.MongoError>
    ]
  > = {
    find: [true, (fixture) => collectionOf(fixture).find({})],
    findOne: [true, (fixture) => collectionOf(fixture).findOne({})],
    countDocuments: [true, (fixture) => collectionOf(fixture).countDocuments()],
    distinct: [true, (fixture) => collectionOf(fixture).distinct("name")],
    aggregate: [true, (fixture) => collectionOf(fixture).aggregate([{ $match: {} }])],
    "aggregate that writes": [false, (fixture) => collectionOf(fixture).aggregate([{ $merge: { into: "other" } }])],
    "first of an aggregate that writes": [
      false,
      (fixture) => collectionOf(fixture).aggregate([{ $out: "other" }]).first
    ],
    "a command that reads": [true, (fixture) => fixture.db.command({ count: "users" })],
    "a command that writes": [
      false,
      (fixture) => fixture.db.command({ insert: "users", documents: [{ _id: 1 }] })
    ],
    "a batch by command": [
      false,
      (fixture) => fixture.db.command({ getMore: Driver.Long.fromInt(1), collection: "u" })
    ],
    "an aggregate by command": [
      false,
      (fixture) => fixture.db.command({ aggregate: "users", pipeline: [{ $out: "other" }], cursor: {} })
    ],
    listCollections: [true, (fixture) => fixture.db.listCollections()],
    insertOne: [false, (fixture) => collectionOf(fixture).insertOne({ _id: 1 })],
    insertMany: [false, (fixture) => collectionOf(fixture).insertMany([{ _id: 1 }])],
    updateMany: [false, (fixture) => collectionOf(fixture).updateMany({}, add)],
    findOneAndUpdate: [false, (fixture) => collectionOf(fixture).findOneAndUpdate({}, add)],
    createIndex: [false, (fixture) => collectionOf(fixture).createIndex({ name: 1 })],
    "insertOne that is awaited": [
      false,
      (fixture) => Mongo.withInterruptionPolicy(collectionOf(fixture).insertOne({ _id: 1 }), "await")
    ]
  }

  it.live.each(Object.keys(broken))("%s on a connection that breaks", (name) =>
    Effect.gen(function*() {
      const [isRetryable, operation] = broken[name]!
      const fixture = yield* setup()
      yield* collectionOf(fixture).insertOne({ _id: 0 })
      yield* failCommand(fixture, { times: 2 }, {
        failCommands: [
          "find",
          "getMore",
          "count",
          "distinct",
          "aggregate",
          "listCollections",
          "insert",
          "update",
          "findAndModify",
          "createIndexes"
        ],
        closeConnection: true
      })
      const error = yield* failure(operation(fixture))
      assert.strictEqual(error.reason._tag, "ConnectionError")
      assert.isTrue(error.isTransient)
      assert.strictEqual(error.isRetryable, isRetryable)
    }))

  it.live("a write that finds no server was not sent", () =>
    Effect.gen(function*() {
      const way = yield* Scope.make()
      const port = yield* Scope.provide(slowWay(uri, () => 0), way)
      const mongo = yield* MongoClient.make({
        url: Redacted.make(`mongodb://127.0.0.1:${port}/?directConnection=true`),
        serverSelectionTimeout: "200 millis"
      })
      const users = mongo.db("app").collection<User>("users")
      yield* Scope.close(way, Exit.void)
      // The client notices it.
      yield* failure(users.findOne({}))
      for (const policy of ["abort", "await", "detach"] as const) {
        for (const write of [Effect.asVoid(users.insertOne({ _id: 1 })), Effect.asVoid(users.updateMany({}, add))]) {
          const error = yield* failure(Mongo.withInterruptionPolicy(write, policy))
          assert.strictEqual(error.reason._tag, "ConnectionError")
          assert.isTrue(error.isRetryable, `${policy}: ${error.message}`)
        }
      }
    }))

  it.live("a write whose second attempt finds no server may have been applied", () =>
    Effect.gen(function*() {
      const fixture = yield* setup({ serverSelectionTimeout: "300 millis" })
      const users = collectionOf(fixture)
      yield* users.insertOne({ _id: 0 })
      yield* failCommand(fixture, "alwaysOn", {
        failCommands: ["insert", "hello", "isMaster", "ismaster"],
        closeConnection: true
      })
      const error = yield* failure(users.insertOne({ _id: 1 }))
      assert.strictEqual(error.reason._tag, "ConnectionError")
      assert.deepStrictEqual(fixture.sent(), ["insert", "insert"])
      assert.isTrue(error.isTransient)
      assert.isFalse(error.isRetryable)
    }))

  onServer("a write that the server refuses at once is", (fixture) =>
    Effect.gen(function*() {
      const users = collectionOf(fixture)
      yield* failCommand(fixture, "alwaysOn", { failCommands: ["insert", "update"], errorCode: 112, errorLabels: [] })
      assert.isTrue((yield* failsWith(users.insertOne({ _id: 1 }), "WriteConflictError")).isRetryable)
      assert.isFalse((yield* failsWith(users.updateMany({}, add), "WriteConflictError")).isRetryable)
    }))

  it.live("a write whose acknowledgement failed is not retryable, whatever the code", () =>
    Effect.gen(function*() {
      const fixture = yield* setup({ retryWrites: false })
      const users = collectionOf(fixture)
      yield* failCommand(fixture, "alwaysOn", {
        failCommands: ["insert"],
        writeConcernError: { code: 10107, codeName: "NotWritablePrimary", errmsg: "stepped down" },
        errorLabels: ["RetryableWriteError"]
      })
      const reason = yield* failsWith(users.insertOne({ _id: 1 }), "WriteConcernError")
      assert.strictEqual(yield* users.countDocuments(), 1)
      assert.isTrue(reason.isTransient)
      assert.isFalse(reason.isRetryable)
    }))

  onServer("a bulk write is only where no batch of it has done anything", (fixture) =>
    Effect.gen(function*() {
      const users = collectionOf(fixture)
      const namespace = `${fixture.db.name}.users`
      yield* failCommand(fixture, "alwaysOn", {
        failCommands: ["update", "bulkWrite"],
        errorCode: 91,
        errorLabels: ["RetryableWriteError", "NoWritesPerformed"]
      })
      const updates = { updateMany: { filter: {}, update: add } }
      assert.isTrue((yield* failsWith(users.bulkWrite([updates]), "NotPrimaryError")).isRetryable)
      const half = yield* failsWith(
        users.bulkWrite([{ insertOne: { document: { _id: 1 } } }, updates]),
        "BulkWriteError"
      )
      assert.strictEqual(half.insertedCount, 1)
      assert.strictEqual(half.stoppedBy?._tag, "NotPrimaryError")
      assert.isFalse(half.isRetryable)
      const insert = { namespace, name: "insertOne", document: { _id: 2 } } as const
      assert.isTrue((yield* failsWith(fixture.mongo.bulkWrite([insert]), "NotPrimaryError")).isRetryable)
    }))
})

const update = (users: ReturnType<typeof collectionOf>, update: unknown) =>
  users.updateOne({ _id: secret }, update as Driver.UpdateFilter<User>)

/** Operations for which the server's messages quote stored or given values. */
const quoting: Record<
  string,
  (users: ReturnType<typeof collectionOf>) => Effect.Effect<unknown, MongoError.MongoError>
> = {
  "$inc of a text": (users) => update(users, { $inc: { name: 1 } }),
  "$inc by a text": (users) => update(users, { $inc: { n: secret } }),
  "$mul by a text": (users) => update(users, { $mul: { n: secret } }),
  "$push to a text": (users) => update(users, { $push: { name: secret } }),
  "$addToSet of a text": (users) => update(users, { $addToSet: { name: secret } }),
  "$pop by a text": (users) => update(users, { $pop: { tags: secret } }),
  "$bit by a text": (users) => update(users, { $bit: { n: { and: secret } } }),
  "$bit of a text": (users) => update(users, { $bit: { name: { and: 1 } } }),
  "$set below a text": (users) => update(users, { $set: { "name.x": 1 } }),
  "$set below an array": (users) => update(users, { $set: { "tags.x": 1 } }),
  "$set of all elements of a text": (users) => update(users, { $set: { "name.$[]": 1 } }),
  "$rename below an array": (users) => update(users, { $rename: { "tags.x": "y" } }),
  "$set of a text": (users) => update(users, { $set: secret }),
  "$set of _id": (users) => update(users, [{ $set: { _id: `not ${secret}` } }]),
  "another _id": (users) => users.replaceOne({ _id: secret }, { _id: `not ${secret}` } as never),
  "$size of a text": (users) => users.find({ tags: { $size: secret as never } }),
  "$bitsAllSet of a text": (users) => users.find({ n: { $bitsAllSet: secret as never } }),
  "$near a text": (users) => users.find({ place: { $near: secret as never } }),
  "$near a geometry": (users) =>
    users.find({ place: { $near: { $geometry: { type: secret, coordinates: [1, 2] } } } as never }),
  "$text in no language": (users) => users.find({ $text: { $search: "a", $language: secret } }),
  "$toInt of a text": (users) => users.aggregate([{ $project: { x: { $toInt: "$name" } } }]),
  "$toObjectId of a text": (users) => users.aggregate([{ $project: { x: { $toObjectId: "$name" } } }]),
  "$toDate of a text": (users) => users.aggregate([{ $project: { x: { $toDate: "$name" } } }]),
  "$convert to a UUID": (users) =>
    users.aggregate([{
      $project: { x: { $convert: { input: "$name", to: { type: "binData", subtype: 4 }, format: "uuid" } } }
    }]),
  "a time zone": (users) => users.aggregate([{ $project: { x: { $hour: { date: "$$NOW", timezone: "$name" } } } }]),
  "a year": (users) => users.aggregate([{ $project: { x: { $dateFromParts: { year: "$name" } } } }]),
  "a unit": (users) => users.aggregate([{ $project: { x: { $dateTrunc: { date: "$$NOW", unit: "$name" } } } }]),
  "$mergeObjects of a text": (users) => users.aggregate([{ $project: { x: { $mergeObjects: ["$name"] } } }]),
  "$replaceRoot by a text": (users) => users.aggregate([{ $replaceRoot: { newRoot: "$name" } }]),
  "$limit of a text": (users) => users.aggregate([{ $limit: secret }]),
  "$merge that fails": (users) => users.aggregate([{ $merge: { into: "users", whenMatched: "fail" } }]),
  "a collation": (users) => users.find({}, { collation: { locale: secret } }),
  "an invalid place": (users) => users.insertOne({ place: secret }),
  "a place of another type": (users) => users.insertOne({ place: { type: secret, coordinates: [1, 2] } }),
  "a place out of bounds": (users) =>
    users.insertOne({ name: secret, place: { type: "Point", coordinates: [1000, 1000] } }),
  "an invalid 2d place": (users) => users.insertOne({ flat: [1000, secret] }),
  "an unknown language": (users) => users.insertOne({ words: secret, language: secret }),
  "an index whose filter is wrong": (users) =>
    users.createIndex({ n: 1 }, { partialFilterExpression: { name: { $nothing: secret } } }),
  "a unique index over duplicates": (users) => users.createIndex({ same: 1 }, { unique: true })
}

const project = (x: Driver.Document) => (users: ReturnType<typeof collectionOf>) =>
  users.aggregate([{ $project: { x } }])

/** Operations whose messages quote numbers and dates that are stored, and what else must stand in the message. */
const quotingNumbers: Record<
  string,
  readonly [(users: ReturnType<typeof collectionOf>) => Effect.Effect<unknown, MongoError.MongoError>, RegExp]
> = {
  "$inc that overflows": [
    (users) => users.updateOne({}, { $inc: { long: 1 } } as never),
    /Failed to apply \$inc operations to current value/
  ],
  "$acos": [project({ $acos: "$n" }), /cannot apply \$acos to <redacted>, value must be in \[-1,1\]/],
  "$round": [project({ $round: [1.5, "$n"] }), /precision value <redacted> value must be in \[-20, 100\]/],
  "$range": [project({ $range: [0, "$double"] }), /32-bit integer, found value: <redacted>/],
  "$substrBytes": [
    project({ $substrBytes: ["abc", { $multiply: ["$n", -1] }, 1] }),
    /non-negative \(got: <redacted>\)/
  ],
  "$mergeObjects of an int": [project({ $mergeObjects: ["$n"] }), /but input <redacted> is of type int/],
  "$mergeObjects of a date": [project({ $mergeObjects: ["$date"] }), /but input <redacted> is of type date/],
  "$mergeObjects of a decimal": [project({ $mergeObjects: ["$decimal"] }), /but input <redacted> is of type decimal/],
  "$trim": [project({ $trim: { input: "a", chars: "$n" } }), /got <redacted> \(of type int\)/],
  "$convert": [project({ $convert: { input: 1, to: "$n" } }), /does not correspond to a BSON type: <redacted>/],
  "$firstN": [project({ $firstN: { input: [1], n: "$double" } }), /must be of integral type, but found <redacted>/]
}

describe("messages of the server that quote values", () => {
  onServer("show no numbers and dates, and keep the server's own", (fixture) =>
    Effect.gen(function*() {
      const users = fixture.db.collection<Driver.Document>("users")
      yield* users.insertOne({
        n: 987654321,
        long: Driver.Long.MAX_VALUE,
        double: 98765.4321,
        date: new Date(987654321000),
        decimal: Driver.Decimal128.fromString("9876543.21")
      })
      for (const [name, [operation, words]] of Object.entries(quotingNumbers)) {
        const { message } = (yield* failure(operation(users as never))).reason
        assert.match(message, words, name)
        assert.notMatch(message.replace(fixture.db.name, ""), /9876|92233|2001-04/, name)
      }
    }))

  it.live("show none", () =>
    Effect.gen(function*() {
      const fixture = yield* setup()
      const users = collectionOf(fixture)
      yield* users.createIndexes([{ key: { place: "2dsphere" } }, { key: { flat: "2d" } }, { key: { words: "text" } }])
      yield* users.insertMany([
        { _id: secret, name: secret, n: 1, tags: [secret], same: secret },
        { _id: `not ${secret}`, name: secret, n: 1, tags: [secret], same: secret }
      ])
      for (const [name, operation] of Object.entries(quoting)) {
        const { reason } = yield* failure(operation(users))
        assert.isDefined(reason.code, `${name}: ${reason._tag}`)
        assert.notStrictEqual(reason._tag, "UnknownError", name)
      }
    }))
})

describe("the names of codes", () => {
  onServer(
    "are there for single writes, whose errors the server sends without names",
    (fixture) =>
      Effect.gen(function*() {
        const users = collectionOf(fixture)
        yield* fixture.db.createCollection("users", { validator: { age: { $type: "number" } } })
        yield* users.insertOne({ _id: 1, age: 1, name: secret })
        const failures: ReadonlyArray<readonly [string, Effect.Effect<unknown, MongoError.MongoError>]> = [
          ["DuplicateKey", users.insertOne({ _id: 1, age: 1 })],
          ["DocumentValidationFailure", users.insertOne({ _id: 2, age: secret })],
          ["TypeMismatch", users.updateOne({ _id: 1 }, { $inc: { name: 1 } } as never)],
          ["ImmutableField", users.updateOne({ _id: 1 }, { $set: { _id: 2 } })]
        ]
        for (const [name, write] of failures) {
          const { reason } = yield* Effect.flip(write)
          assert.strictEqual(reason.codeName, name)
          assert.isUndefined((reason.cause as { readonly codeName?: string }).codeName, name)
        }
        const bulk = yield* failsWith(
          users.insertMany([{ _id: 1, age: 1 }, { _id: 2, age: secret }], { ordered: false }),
          "BulkWriteError"
        )
        assert.deepStrictEqual(bulk.writeErrors.map(({ reason }) => reason.codeName), [
          "DuplicateKey",
          "DocumentValidationFailure"
        ])
      })
  )
})

describe("the server's reply", () => {
  onServer("is kept whole, and is not printed", (fixture) =>
    Effect.gen(function*() {
      const users = collectionOf(fixture)
      yield* users.insertOne({ _id: secret })
      const { response } = yield* failsWith(
        users.aggregate([{ $merge: { into: "users", whenMatched: "fail" } }]),
        "DuplicateKeyError"
      )
      const reply = Redacted.value(response!)
      assert.strictEqual(reply["code"], 11000)
      assert.strictEqual(reply["codeName"], "DuplicateKey")
      assert.include(String(reply["errmsg"]), secret)
    }))

  onServer("is there of a bulk write that a reply has ended", (fixture) =>
    Effect.gen(function*() {
      yield* failCommand(fixture, { times: 1 }, { failCommands: ["insert"], errorCode: 8 })
      const { response } = yield* failsWith(
        collectionOf(fixture).bulkWrite([{ insertOne: { document: { _id: 1 } } }]),
        "ServerError"
      )
      assert.strictEqual(Redacted.value(response!)["code"], 8)
    }))

  onServer("is not there where the server has not answered", (fixture) =>
    Effect.gen(function*() {
      yield* failCommand(fixture, { times: 2 }, { failCommands: ["insert"], closeConnection: true })
      const { response } = yield* failsWith(collectionOf(fixture).insertOne({ _id: 1 }), "ConnectionError")
      assert.isUndefined(response)
    }))
})
