/**
 * Documents that are already BSON in bulk writes: they are sent as bytes, with the limits, results and errors of objects. If
 * somebody needs the documents, they are decoded from the bytes.
 *
 * @since 0.1.0
 */
import { assert, describe, it } from "@effect/vitest"
import { Integration, Mongo, MongoClient, type MongoClientConfig, type MongoCollection } from "@mongofx/core"
import { WriteBuffer } from "@mongofx/core/internal/bson/writeBuffer"
import { batchesOf } from "@mongofx/core/internal/driver/bulk"
import { insideClient } from "@mongofx/core/internal/driver/unpublished"
import { Effect, Exit, Fiber, Option, Redacted, Scope } from "effect"
import * as Driver from "mongodb"
import { randomBytes } from "node:crypto"
import { inspect } from "node:util"
import { canEncrypt } from "../support/encrypting.ts"
import { Recorder } from "../support/recorder.ts"
import { failCommand, type Fixture, leftOnServer, nothingLeft, reasonOf, setup, until, uri } from "../support/utils.ts"

const { SerializedDocument } = Integration

interface Item extends Driver.Document {
  readonly _id: number
}

type Items = MongoCollection.MongoCollection<Item>

const serialized = (document: Driver.Document) =>
  new SerializedDocument(Driver.BSON.serialize(document), document["_id"] as number)

/** The forms of documents that are sent as bytes. */
const forms: Readonly<Record<string, (document: Driver.Document) => Item>> = {
  bytes: serialized,
  // Core checks and writes them itself.
  objects: (document) => document as Item
}

const inserting = (
  given: (document: Driver.Document) => Item,
  document: Driver.Document
): Driver.AnyBulkWriteOperation<Item> => ({
  insertOne: { document: given(document) }
})

/** A collection, and a client whose commands nobody listens to. Fail points apply to it. */
const open = (config: Omit<MongoClientConfig.MongoClientConfig, "url"> = {}) =>
  Effect.gen(function*() {
    const fixture = yield* setup()
    const { name } = fixture.db
    const mongo = yield* MongoClient.make({ url: Redacted.make(uri), appName: name, ...config })
    const db = mongo.db(name)
    return {
      ...fixture,
      mongo,
      db,
      driver: yield* mongo.use(async (driver) => driver),
      items: db.collection<Item>("items")
    }
  })

/** How many documents an effect decodes from bytes. */
const reads = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<readonly [A, number], E, R> =>
  Effect.suspend(() => {
    const original = SerializedDocument.prototype.toBSON
    let count = 0
    SerializedDocument.prototype.toBSON = function() {
      count++
      return original.call(this)
    }
    return Effect.map(effect, (value) => [value, count] as const).pipe(
      Effect.ensuring(Effect.sync(() => {
        SerializedDocument.prototype.toBSON = original
      }))
    )
  })

/** The bytes of the stored documents, as another client sees them. */
const stored = ({ admin, db }: Pick<Fixture, "admin" | "db">, name = "items"): Effect.Effect<ReadonlyArray<string>> =>
  Effect.promise(async () => {
    const found = await admin.db(db.name).collection(name).find({}, { raw: true, sort: { _id: 1 } }).toArray()
    return found.map((bytes) => (bytes as unknown as Buffer).toString("hex"))
  })

const hexOf = (document: Driver.Document): string => Buffer.from(Driver.BSON.serialize(document)).toString("hex")

const idsIn = ({ admin, db }: Pick<Fixture, "admin" | "db">): Effect.Effect<ReadonlyArray<unknown>> =>
  Effect.promise(() => admin.db(db.name).collection("items").find().sort({ _id: 1 }).map(({ _id }) => _id).toArray())

const odd: ReadonlyArray<Driver.Document> = [
  { _id: 1, b: new Driver.Double(1), a: -0, n: new Driver.Long(3), z: null },
  { _id: 2, list: [1, [new Driver.Int32(2)], { d: new Date(0) }], id: new Driver.ObjectId() },
  { _id: 3, binary: new Driver.Binary(Buffer.from("abc"), 128), text: "ä€😀\0" }
]

for (const [form, given] of Object.entries(forms)) {
  describe(form, () => {
    for (const ordered of [true, false]) {
      it.live(`are stored as they are, ${ordered ? "ordered" : "unordered"}`, () =>
        Effect.gen(function*() {
          const fixture = yield* open()
          const { items } = fixture
          assert.isTrue(Integration.sendsBytes(items, { ordered }))
          const [result, count] = yield* reads(items.insertMany(odd.map(given), { ordered }))
          assert.deepStrictEqual(result, { acknowledged: true, insertedCount: 3, insertedIds: { 0: 1, 1: 2, 2: 3 } })
          assert.strictEqual(count, 0)
          assert.deepStrictEqual(yield* stored(fixture), odd.map(hexOf))
        }))

      it.live(`mix with documents that are objects, ${ordered ? "ordered" : "unordered"}`, () =>
        Effect.gen(function*() {
          const fixture = yield* open()
          const { items } = fixture
          yield* items.insertMany([given({ _id: 1, n: 1 }), { _id: 2, n: undefined }, given({ _id: 3 })], {
            ordered
          })
          const hint = { _id: 1 }
          const [result, count] = yield* reads(items.bulkWrite([
            inserting(given, { _id: 4, n: 4 }),
            { replaceOne: { filter: { _id: 1 }, replacement: given({ n: 10, m: new Driver.Double(1) }), hint } },
            { updateOne: { filter: { _id: 2 }, update: { $set: { n: 20 } } } },
            { insertOne: { document: { _id: 5 } } },
            { replaceOne: { filter: { _id: 6 }, replacement: given({ n: 60 }), upsert: true } },
            { deleteOne: { filter: { _id: 3 } } },
            inserting(given, { _id: 7 })
          ], { ordered }))
          assert.strictEqual(count, 0)
          assert.deepStrictEqual(
            [
              result.insertedCount,
              result.matchedCount,
              result.modifiedCount,
              result.deletedCount,
              result.upsertedCount
            ],
            [3, 2, 2, 1, 1]
          )
          assert.deepStrictEqual([result.insertedIds, result.upsertedIds], [{ 0: 4, 3: 5, 6: 7 }, { 4: 6 }])
          assert.deepStrictEqual(
            yield* stored(fixture),
            [
              { _id: 1, n: 10, m: new Driver.Double(1) },
              { _id: 2, n: 20 },
              { _id: 4, n: 4 },
              { _id: 5 },
              { _id: 6, n: 60 },
              { _id: 7 }
            ].map(hexOf)
          )
        }))

      it.live(`fail at a document that already exists, ${ordered ? "ordered" : "unordered"}`, () =>
        Effect.gen(function*() {
          const fixture = yield* open()
          const { items } = fixture
          yield* items.insertMany([{ _id: 1 }, { _id: 3 }])
          const documents = [0, 1, 2, 3, 4].map((_id) => ({ _id, n: _id }))
          const objects = yield* reasonOf(fixture.db.collection<Item>("items").insertMany(documents, { ordered }))
          if (ordered) yield* items.deleteOne({ _id: 0 })
          else yield* items.deleteMany({ _id: { $in: [0, 2, 4] } })
          const [reason, count] = yield* reads(reasonOf(items.insertMany(documents.map(given), { ordered })))
          if (reason._tag !== "BulkWriteError" || objects._tag !== "BulkWriteError") return assert.fail(reason.message)
          assert.strictEqual(count, 0)
          assert.strictEqual(reason.message, objects.message)
          assert.deepStrictEqual(reason.insertedIds, ordered ? { 0: 0 } : { 0: 0, 2: 2, 4: 4 })
          assert.deepStrictEqual(
            reason.writeErrors.map(({ index, reason }) => [index, reason._tag]),
            (ordered ? [1] : [1, 3]).map((index) => [index, "DuplicateKeyError"])
          )
          assert.deepStrictEqual(yield* idsIn(fixture), ordered ? [0, 1, 3] : [0, 1, 2, 3, 4])
          const models = documents.map((document) => inserting(given, document))
          const bulk = yield* reasonOf(items.bulkWrite(models, { ordered }))
          if (bulk._tag !== "BulkWriteError") return assert.fail(bulk.message)
          assert.deepStrictEqual(bulk.writeErrors.map(({ index }) => index), ordered ? [0] : [0, 1, 2, 3, 4])
        }))

      it.live(
        `of more than a batch stop when the connection breaks, ${ordered ? "ordered" : "unordered"}`,
        () =>
          Effect.gen(function*() {
            const fixture = yield* open({ retryWrites: false })
            yield* failCommand(fixture, { skip: 1 }, { failCommands: ["insert"], closeConnection: true })
            const documents = megabytes(5, 5)
            const reason = yield* reasonOf(fixture.items.insertMany(documents.map(given), { ordered }))
            if (reason._tag !== "BulkWriteError") return assert.fail(`${reason._tag} ${reason.message}`)
            assert.strictEqual(reason.insertedCount, 3)
            assert.deepStrictEqual({ ...reason.insertedIds }, { 0: 0, 1: 1, 2: 2 })
            assert.strictEqual(reason.stoppedBy?._tag, "ConnectionError")
            assert.deepStrictEqual(yield* idsIn(fixture), [0, 1, 2])
          }),
        60_000
      )

      it.live(
        `of more than a batch stop when the client closes, ${ordered ? "ordered" : "unordered"}`,
        () =>
          Effect.gen(function*() {
            const fixture = yield* setup()
            const { name } = fixture.db
            const scope = yield* Scope.make()
            yield* Effect.addFinalizer((exit) => Scope.close(scope, exit))
            const mongo = yield* Scope.provide(MongoClient.make({ url: Redacted.make(uri), appName: name }), scope)
            const items: Items = mongo.db(name).collection<Item>("items")
            yield* failCommand(fixture, { skip: 1 }, {
              failCommands: ["insert"],
              blockConnection: true,
              blockTimeMS: 800
            })
            let batches = 0
            yield* mongo.use(async (driver) => driver.on("connectionCheckedOut", () => batches++))
            const documents = megabytes(7, 5).map(given)
            const inserting = yield* Effect.forkChild(reasonOf(items.insertMany(documents, { ordered })), {
              startImmediately: true
            })
            yield* until("the second batch is on its way", async () => {
              const running = await Effect.runPromise(leftOnServer(fixture))
              return batches === 2 && running.length > 0
            })
            yield* Scope.close(scope, Exit.void)
            const reason = yield* Fiber.join(inserting)
            if (reason._tag !== "BulkWriteError") return assert.fail(`${reason._tag} ${reason.message}`)
            assert.strictEqual(reason.stoppedBy?._tag, "ClientClosedError")
            assert.deepStrictEqual({ ...reason.insertedIds }, { 0: 0, 1: 1, 2: 2 })
            // The second batch is on the server, whatever becomes of it. The third one is not.
            yield* nothingLeft(fixture)
            assert.notInclude(yield* idsIn(fixture), 6)
          }),
        60_000
      )

      it.live(
        `of a batch are sent again when the connection breaks, ${ordered ? "ordered" : "unordered"}`,
        () =>
          Effect.gen(function*() {
            const fixture = yield* open()
            const documents = megabytes(5, 5)
            for (const skipped of [0, 1]) {
              const inserted = Effect.gen(function*() {
                const mode = skipped === 0 ? { times: 1 } : { skip: 1 }
                yield* failCommand(fixture, mode, {
                  failCommands: ["insert"],
                  errorCode: 91,
                  errorLabels: ["RetryableWriteError"]
                })
                return yield* Effect.exit(reads(fixture.items.insertMany(documents.map(given), { ordered })))
              })
              const exit = yield* Effect.scoped(inserted)
              if (skipped === 0) {
                if (exit._tag !== "Success") return assert.fail(String(exit.cause))
                const [result, count] = exit.value
                assert.deepStrictEqual([result.insertedCount, count], [5, 0])
                assert.deepStrictEqual(yield* stored(fixture), documents.map(hexOf))
                yield* fixture.items.deleteMany({})
              } else {
                // Every attempt at the second batch fails.
                assert.strictEqual(exit._tag, "Failure")
                assert.deepStrictEqual(yield* idsIn(fixture), [0, 1, 2])
              }
            }
          }),
        60_000
      )
    }

    it.live("are committed and rolled back with their transaction", () =>
      Effect.gen(function*() {
        const fixture = yield* open()
        const { items, mongo } = fixture
        yield* fixture.db.createCollection("items")
        const insert = (...ids: ReadonlyArray<number>) => items.insertMany(ids.map((_id) => given({ _id })))
        const [, count] = yield* reads(mongo.withTransaction(Effect.gen(function*() {
          yield* insert(1, 2)
          yield* items.bulkWrite([inserting(given, { _id: 3 }), {
            replaceOne: { filter: { _id: 1 }, replacement: given({ n: 1 }) }
          }])
          assert.deepStrictEqual(yield* idsIn(fixture), [])
        })))
        assert.strictEqual(count, 0)
        assert.deepStrictEqual(yield* stored(fixture), [{ _id: 1, n: 1 }, { _id: 2 }, { _id: 3 }].map(hexOf))
        const reason = yield* reasonOf(mongo.withTransaction(Effect.andThen(insert(4), insert(5, 1, 6))))
        assert.strictEqual(reason._tag, "BulkWriteError")
        assert.deepStrictEqual(yield* idsIn(fixture), [1, 2, 3])
        // Another attempt of a transaction sends the bytes again.
        yield* failCommand(fixture, { times: 1 }, {
          failCommands: ["insert"],
          errorCode: 112,
          errorLabels: ["TransientTransactionError"]
        })
        yield* mongo.withTransaction(insert(7, 8))
        assert.deepStrictEqual(yield* idsIn(fixture), [1, 2, 3, 7, 8])
      }), 30_000)

    it.live("of more than 100,000 documents go in batches that the server accepts", () =>
      Effect.gen(function*() {
        const fixture = yield* open()
        const documents = Array.from({ length: 200_003 }, (_, _id) => given({ _id }))
        const before = yield* inserts(fixture)
        const [result, count] = yield* reads(fixture.items.insertMany(documents))
        assert.deepStrictEqual([result.insertedCount, count, result.insertedIds[200_002]], [200_003, 0, 200_002])
        assert.strictEqual(yield* fixture.items.countDocuments(), 200_003)
        assert.isAtLeast((yield* inserts(fixture)) - before, 3)
      }), 120_000)

    it.live("of more than 48 MB go in messages that the server accepts", () =>
      Effect.gen(function*() {
        const fixture = yield* open()
        const documents = megabytes(7, 8)
        const [result, count] = yield* reads(fixture.items.insertMany(documents.map(given)))
        assert.deepStrictEqual([result.insertedCount, count], [7, 0])
        assert.deepStrictEqual(yield* idsIn(fixture), [0, 1, 2, 3, 4, 5, 6])
        const models = documents.map(({ _id, bytes }) => ({
          replaceOne: { filter: { _id }, replacement: given({ bytes, again: true }) }
        }))
        const written = yield* fixture.items.bulkWrite(models)
        assert.strictEqual(written.modifiedCount, 7)
        assert.strictEqual(yield* fixture.items.countDocuments({ again: true }), 7)
      }), 120_000)

    it.live("that are too large are named in the error, and nothing is sent", () =>
      Effect.gen(function*() {
        const fixture = yield* open()
        for (const size of [2 ** 24, 2 ** 24 + 1]) {
          const over = size - Driver.BSON.calculateObjectSize({ _id: 1, text: "" })
          const document = { _id: 1, text: "x".repeat(over) }
          const messages: Array<string> = []
          for (const form of [document, given(document)]) {
            messages.push((yield* reasonOf(fixture.items.insertMany([{ _id: 0 }, form]))).message)
            messages.push((yield* reasonOf(fixture.items.bulkWrite([{ insertOne: { document: form } }]))).message)
          }
          assert.deepStrictEqual(messages.slice(0, 2), messages.slice(2))
          assert.include(messages[0], `documents[1] is too large: ${size} bytes`)
          assert.include(messages[1], `operations[0] is too large: ${size} bytes`)
        }
        const replacement = { text: "x".repeat(2 ** 24) }
        const messages: Array<string> = []
        for (const form of [replacement, given(replacement)]) {
          messages.push(
            (yield* reasonOf(
              fixture.items.bulkWrite([{ replaceOne: { filter: { _id: 0 }, replacement: form } }])
            )).message
          )
        }
        assert.strictEqual(messages[0], messages[1])
        assert.deepStrictEqual(yield* idsIn(fixture), [])
      }), 60_000)

    it.live("work without an open connection, also for unacknowledged writes", () =>
      Effect.gen(function*() {
        const fixture = yield* open()
        const driver = new Driver.MongoClient(uri)
        const mongo = yield* MongoClient.fromClient(driver)
        yield* Effect.addFinalizer(() => Effect.promise(() => driver.close()))
        const items: Items = mongo.db(fixture.db.name).collection<Item>("items")
        const [, count] = yield* reads(items.insertMany([given({ _id: 1 })]))
        assert.strictEqual(count, 0)
        const result = yield* items.insertMany([given({ _id: 2 })], { writeConcern: { w: 0 } })
        assert.isFalse(result.acknowledged)
        yield* items.insertMany([given({ _id: 3 })])
        assert.includeMembers([...yield* idsIn(fixture)], [1, 3])
      }))
  })
}

describe("documents that are objects", () => {
  it.live("are written by core if they are inserted, and serialized by the driver only if nobody sends bytes", () =>
    Effect.gen(function*() {
      const documents = [{ _id: 1, n: 1 }, { _id: 2, n: [1, { a: "b" }] }]
      const models = [
        { replaceOne: { filter: { _id: 1 }, replacement: { n: 2 } } },
        { insertOne: { document: { _id: 3 } } }
      ]
      for (const [config, expected] of [[{}, 3], [{ driverOptions: { monitorCommands: true } }, 0]] as const) {
        const fixture = yield* open(config)
        const original = WriteBuffer.prototype.write
        let count = 0
        WriteBuffer.prototype.write = function(...args) {
          const written = original.apply(this, args) as ReturnType<typeof original>
          if (written !== undefined) count++
          return written as never
        }
        yield* Effect.andThen(fixture.items.insertMany(documents), fixture.items.bulkWrite(models)).pipe(
          Effect.ensuring(Effect.sync(() => {
            WriteBuffer.prototype.write = original
          }))
        )
        assert.strictEqual(count, expected)
        assert.deepStrictEqual(yield* stored(fixture), [{ _id: 1, n: 2 }, documents[1]!, { _id: 3 }].map(hexOf))
      }
    }))

  for (
    const [how, data] of [
      ["waits for a connection", { failCommands: ["insert"], blockConnection: true, blockTimeMS: 300 }],
      [
        "is sent again after its connection breaks",
        { failCommands: ["insert"], blockConnection: true, blockTimeMS: 300, closeConnection: true }
      ]
    ] as const
  ) {
    it.live(`stay as they are in a detached insert that ${how}, whatever is written after its interruption`, () =>
      Effect.gen(function*() {
        // One connection: each operation waits for the one before, and has written its documents by then.
        const fixture = yield* open({ maxPoolSize: 1 })
        const { items } = fixture
        const documents = (from: number) =>
          Array.from({ length: 300 }, (_, i) => ({ _id: from + i, text: `${from} `.repeat(100) }))
        const insert = (from: number) => items.insertMany(documents(from))
        const replace = items.bulkWrite(
          documents(10_000).map(({ _id, ...replacement }) => ({
            replaceOne: { filter: { _id }, replacement, upsert: true }
          }))
        )
        // Leaves chunks of bytes that are free.
        yield* insert(0)
        yield* failCommand(fixture, { times: 1 }, data)
        const detached = yield* Effect.forEach(
          [1000, 2000],
          (from) => Effect.forkChild(Mongo.withInterruptionPolicy(insert(from), "detach"), { startImmediately: true })
        )
        for (const fiber of detached) yield* Fiber.interrupt(fiber)
        yield* Effect.all([insert(3000), replace, insert(4000)], { concurrency: "unbounded" })
        const expected = [0, 1000, 2000, 3000, 4000, 10_000].flatMap(documents).map(hexOf)
        yield* until(
          "both detached inserts have ended",
          async () => await fixture.admin.db(fixture.db.name).collection("items").countDocuments() === expected.length
        )
        assert.deepStrictEqual(yield* stored(fixture), expected)
      }))
  }

  it.live("stay as they are while other fibers write theirs", () =>
    Effect.gen(function*() {
      const fixture = yield* open()
      const batches = Array.from({ length: 40 }, (_, batch) =>
        Array.from({ length: 60 }, (_, i) => ({ _id: batch * 1000 + i, text: `${batch}-${i} `.repeat(i * 3) })))
      yield* Effect.forEach(batches, (documents) =>
        fixture.items.insertMany(documents), { concurrency: 8 })
      assert.deepStrictEqual(yield* stored(fixture), batches.flat().map(hexOf))
    }))
})

describe("documents that another package writes", () => {
  const { close, writeKey, writeText } = Integration.bsonWriting

  const writeNamed: Integration.BsonWrite = (name, from, b, dv, cap) => {
    const at = from + 4
    const p = writeKey(b, cap, at, "name")
    b[at] = 2
    return close(b, dv, from, writeText(b, dv, cap, p, String(name)))
  }

  it.live("are stored each time their effect runs, and in each attempt of a transaction", () =>
    Effect.gen(function*() {
      const fixture = yield* open()
      const { items, mongo } = fixture
      let id = 0
      const insert = (names: ReadonlyArray<string>) =>
        Effect.suspend(() => {
          const buffer = new Integration.WriteBuffer()
          const documents = names.map((name) => {
            const _id = id++
            return (buffer.write(writeNamed, name, _id, true) ?? { _id, name }) as Item
          })
          return Effect.tap(items.insertMany(documents), () => Effect.sync(() => buffer.release()))
        })
      const names = ["Ada", "Grace ".repeat(50), "Ä\uFFFD", "\u{1F600}".repeat(30)]
      const named = insert(names)
      yield* named
      yield* insert(["x".repeat(400)])
      yield* named
      yield* failCommand(fixture, { times: 1 }, { failCommands: ["commitTransaction"], errorCode: 251 })
      yield* mongo.withTransaction(named)
      const all = yield* items.find().sort({ _id: 1 })
      assert.deepStrictEqual(all.map(({ name }) => name), [...names, "x".repeat(400), ...names, ...names])
      assert.strictEqual(id, 17)
    }))
})

describe("documents are decoded from bytes", () => {
  const check = (items: Items, fixture: Pick<Fixture, "admin" | "db">, options: object = {}) =>
    Effect.gen(function*() {
      assert.isFalse(Integration.sendsBytes(items, options))
      const [, inserted] = yield* reads(items.insertMany(odd.map(serialized), options))
      assert.isAtLeast(inserted, 3)
      assert.deepStrictEqual(yield* stored(fixture), odd.map(hexOf))
      const replacement = { n: new Driver.Double(2) }
      const [, written] = yield* reads(items.bulkWrite([
        inserting(serialized, { _id: 4, n: new Driver.Double(1) }),
        { replaceOne: { filter: { _id: 1 }, replacement: serialized(replacement) } }
      ], options))
      assert.isAtLeast(written, 2)
      const all = [{ _id: 1, ...replacement }, ...odd.slice(1), { _id: 4, n: new Driver.Double(1) }]
      assert.deepStrictEqual(yield* stored(fixture), all.map(hexOf))
    })

  it.live("if somebody listens to commands", () =>
    Effect.gen(function*() {
      const fixture = yield* open({ driverOptions: { monitorCommands: true } })
      yield* check(fixture.items, fixture)
      const shown: Array<Driver.Document> = []
      fixture.driver.on("commandStarted", ({ command }) => shown.push(command))
      yield* fixture.items.insertMany([serialized({ _id: 5, n: new Driver.Double(1) })])
      assert.deepStrictEqual(shown[0]?.["documents"], [{ _id: new Driver.Int32(5), n: new Driver.Double(1) }])
    }))

  it.live("if commands have spans", () =>
    Effect.gen(function*() {
      const fixture = yield* open()
      const recorder = new Recorder()
      yield* recorder.in(Effect.gen(function*() {
        const mongo = yield* MongoClient.make({ url: Redacted.make(uri), commandSpans: { queryText: true } })
        yield* check(mongo.db(fixture.db.name).collection<Item>("items"), fixture)
      }))
      const text = recorder.spans.find(({ name }) => name === "update")?.attributes.get("db.query.text")
      assert.include(String(text), `"updates":[{"q":{"_id":"?"},"u":{"n":"?"}}]`)
    }))

  it.live("if the driver logs commands", () =>
    Effect.gen(function*() {
      const lines: Array<string> = []
      const fixture = yield* open({
        driverOptions: {
          mongodbLogComponentSeverities: { command: "debug" },
          mongodbLogPath: { write: (log: Driver.Log) => lines.push(inspect(log)) }
        }
      })
      yield* check(fixture.items, fixture)
      assert.isTrue(lines.some((line) => line.includes("ä€")))
    }))

  it.live.skipIf(!canEncrypt())("where they may be encrypted", () =>
    Effect.gen(function*() {
      const fixture = yield* open()
      const mongo = yield* MongoClient.make({
        url: Redacted.make(uri),
        autoEncryption: {
          keyVault: `${fixture.db.name}.keys`,
          kmsProviders: { local: { key: Redacted.make(randomBytes(96).toString("base64")) } },
          bypassAutoEncryption: true
        }
      })
      yield* check(mongo.db(fixture.db.name).collection<Item>("items"), fixture)
    }))

  for (const options of [{ checkKeys: true }, { serializeFunctions: true }, { ignoreUndefined: false }]) {
    it.live(`with the option ${Object.keys(options)}`, () =>
      Effect.gen(function*() {
        const fixture = yield* open()
        yield* check(fixture.items, fixture, options)
      }))
  }

  it.live("with serializeFunctions in the settings of the collection", () =>
    Effect.gen(function*() {
      const fixture = yield* open()
      yield* check(fixture.items.withOptions({ serializeFunctions: true } as never), fixture)
    }))

  it.live("if the driver keeps no bytes", () =>
    Effect.gen(function*() {
      const fixture = yield* open()
      const collection = fixture.driver.db(fixture.db.name).collection("items")
      const prototype = Object.getPrototypeOf(collection) as Driver.Collection
      const { initializeOrderedBulkOp: original } = prototype
      // Another version of the driver: its bulks do not serialize what is added.
      const other = Object.create(
        Object.getPrototypeOf(collection.initializeOrderedBulkOp())
      ) as Driver.OrderedBulkOperation
      const { addToOperationsList } = other
      other.addToOperationsList = function(kind, operation) {
        addToOperationsList.call(this, kind, operation)
        for (const batch of this.batches) Reflect.deleteProperty(batch, "serializedOperations")
        return this
      }
      yield* Effect.acquireRelease(
        Effect.sync(() => {
          prototype.initializeOrderedBulkOp = function(options) {
            return Object.setPrototypeOf(original.call(this, options), other)
          }
        }),
        () =>
          Effect.sync(() => {
            prototype.initializeOrderedBulkOp = original
          })
      )
      assert.isUndefined(batchesOf(collection, true, { ignoreUndefined: true }))
      const [, count] = yield* reads(fixture.items.insertMany([serialized({ _id: 1, n: new Driver.Double(1) })]))
      assert.isAtLeast(count, 1)
      assert.deepStrictEqual(yield* stored(fixture), [hexOf({ _id: 1, n: new Driver.Double(1) })])
    }))

  it.live("if the driver says that it encrypts", () =>
    Effect.gen(function*() {
      const fixture = yield* open()
      const collection = fixture.driver.db(fixture.db.name).collection("items")
      const { s } = insideClient(fixture.driver).topology as unknown as { readonly s: { readonly options: object } }
      const encrypting = Object.assign(Object.create(s.options) as object, { autoEncrypter: {} })
      assert.isOk(batchesOf(collection, true, { ignoreUndefined: true }))
      Object.assign(s, { options: encrypting })
      assert.isUndefined(batchesOf(collection, true, { ignoreUndefined: true }))
    }))

  it.live("by operations on one document", () =>
    Effect.gen(function*() {
      const fixture = yield* open()
      const { items } = fixture
      yield* items.insertOne(serialized({ _id: 1, n: new Driver.Double(1) }))
      yield* items.insertOne(serialized({ _id: 2 }))
      yield* items.replaceOne({ _id: 2 }, serialized({ n: 2 }))
      assert.deepStrictEqual(yield* stored(fixture), [{ _id: 1, n: new Driver.Double(1) }, { _id: 2, n: 2 }].map(hexOf))
      const before = yield* items.findOneAndReplace({ _id: 2 }, serialized({ n: 3 }))
      assert.deepStrictEqual(Option.getOrThrow(before), { _id: 2, n: 2 })
    }))

  it("if the collection is not of core", () => {
    assert.isFalse(Integration.sendsBytes({ name: "items" } as never))
  })
})

/** Documents of this many MB each. */
const megabytes = (count: number, size: number) =>
  Array.from({ length: count }, (_, _id) => ({ _id, bytes: new Driver.Binary(Buffer.alloc(size * 2 ** 20, _id)) }))

/** How many insert commands the server has got from all clients. */
const inserts = ({ admin }: Fixture): Effect.Effect<number> =>
  Effect.promise(async () =>
    Number((await admin.db("admin").command({ serverStatus: 1 }))["metrics"].commands.insert.total)
  )
