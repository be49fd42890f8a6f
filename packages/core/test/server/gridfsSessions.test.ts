import { assert, describe, it } from "@effect/vitest"
import { GridFS } from "@mongofx/core"
import { Data, Effect, Fiber, Option, Stream } from "effect"
import * as Driver from "mongodb"
import { type Fixture, setup, until } from "../support/utils.ts"

class Undo extends Data.TaggedError("Undo")<{}> {}

const bytes = Uint8Array.from({ length: 10 }, (_, i) => i)
const source = Stream.make(bytes)

const bytesFrom = <E>(stream: Stream.Stream<Uint8Array, E>) =>
  Effect.map(Stream.runCollect(stream), (parts) => new Uint8Array(Buffer.concat(parts)))

const indexesOf = ({ admin, db }: Fixture, name: string) =>
  Effect.promise(async () => {
    const indexes = await admin.db(db.name).collection(name).indexes()
    return indexes.filter((index) => index.name !== "_id_").map(({ key, unique }) => [key, unique === true])
  })

const wanted = (fixture: Fixture) =>
  Effect.gen(function*() {
    assert.deepStrictEqual(yield* indexesOf(fixture, "fs.files"), [[{ filename: 1, uploadDate: 1 }, false]])
    assert.deepStrictEqual(yield* indexesOf(fixture, "fs.chunks"), [[{ files_id: 1, n: 1 }, true]])
  })

const isIndexCommand = (name: string) => name === "createIndexes" || name === "listIndexes"

describe("the indexes of a bucket", () => {
  it.live("are made by the first upload, once", () =>
    Effect.gen(function*() {
      const fixture = yield* setup()
      const bucket = GridFS.bucket(fixture.db)
      yield* Effect.all([bucket.upload("a", source), bucket.upload("b", source)], { concurrency: "unbounded" })
      yield* bucket.upload("c", source)
      yield* wanted(fixture)
      assert.deepStrictEqual(
        fixture.sent().filter((name) => name !== "insert"),
        ["find", "listIndexes", "createIndexes", "listIndexes", "createIndexes"]
      )
      const look = fixture.commands.find(({ commandName }) => commandName === "find")?.command
      assert.deepStrictEqual([look?.["find"], look?.["projection"], look?.["limit"]], ["fs.files", { _id: 1 }, 1])
    }))

  it.live("are checked on the primary, wherever the bucket reads", () =>
    Effect.gen(function*() {
      const fixture = yield* setup()
      yield* GridFS.bucket(fixture.db, { readPreference: "secondaryPreferred" }).upload("a", source)
      const reads = fixture.commands.filter(({ commandName }) =>
        commandName === "find" || commandName === "listIndexes"
      )
      assert.strictEqual(reads.length, 3)
      for (const { command } of reads) {
        assert.notStrictEqual(command["$readPreference"]?.mode, "secondaryPreferred", JSON.stringify(command))
      }
    }))

  it.live("are not checked if the bucket has a file", () =>
    Effect.gen(function*() {
      const fixture = yield* setup()
      yield* GridFS.bucket(fixture.db).upload("a", source)
      fixture.clear()
      yield* GridFS.bucket(fixture.db).upload("b", source)
      assert.deepStrictEqual(fixture.sent(), ["find", "insert", "insert"])
    }))

  it.live("are not made again under another name or number type", () =>
    Effect.gen(function*() {
      const fixture = yield* setup()
      const db = fixture.admin.db(fixture.db.name)
      yield* Effect.promise(async () => {
        await db.createIndex("fs.files", { filename: new Driver.Double(1), uploadDate: 1 } as never, { name: "mine" })
        await db.createIndex("fs.chunks", { files_id: 1, n: 1 }, { name: "mine, too", unique: true })
      })
      yield* GridFS.bucket(fixture.db).upload("a", source)
      assert.notInclude(fixture.sent(), "createIndexes")
    }))

  it.live("are made even if other indexes have the same fields", () =>
    Effect.gen(function*() {
      const fixture = yield* setup()
      const db = fixture.admin.db(fixture.db.name)
      yield* Effect.promise(async () => {
        await db.createIndex("fs.files", { uploadDate: 1, filename: 1 })
        await db.createIndex("fs.chunks", { files_id: 1, n: -1 })
      })
      yield* GridFS.bucket(fixture.db).upload("a", source)
      assert.strictEqual(fixture.sent().filter((name) => name === "createIndexes").length, 2)
    }))

  it.live("are made again after a drop", () =>
    Effect.gen(function*() {
      const fixture = yield* setup()
      const bucket = GridFS.bucket(fixture.db)
      yield* bucket.upload("a", source)
      yield* bucket.drop()
      yield* bucket.upload("a", source)
      yield* wanted(fixture)
    }))
})

describe("in a transaction", () => {
  it.live("everything joins", () =>
    Effect.gen(function*() {
      const fixture = yield* setup()
      const { clear, commands, db, mongo } = fixture
      const bucket = GridFS.bucket(db, { chunkSize: 4 })
      const kept = yield* bucket.upload("kept", source)
      clear()
      const undone = yield* Effect.flip(mongo.withTransaction(Effect.gen(function*() {
        const file = yield* bucket.upload("a", source)
        assert.deepStrictEqual(yield* bytesFrom(bucket.download(file._id, { start: 3 })), bytes.slice(3))
        assert.deepStrictEqual(yield* bytesFrom(bucket.downloadByName("a")), bytes)
        // Nobody else sees it yet.
        assert.deepStrictEqual(yield* mongo.withoutTransaction(bucket.find()), [kept])
        assert.strictEqual((yield* bucket.find()).length, 2)
        yield* bucket.rename(file._id, "b")
        yield* bucket.renameByName("b", "c")
        yield* bucket.delete(kept._id)
        yield* bucket.deleteByName("c")
        assert.deepStrictEqual(yield* bucket.find(), [])
        return yield* new Undo()
      })))
      assert.strictEqual(undone._tag, "Undo")
      const outside = commands.filter(({ command }) => command["autocommit"] !== false)
      assert.deepStrictEqual(
        outside.map(({ commandName }) => commandName),
        ["find", "endSessions"].slice(0, outside.length)
      )
      assert.deepStrictEqual(yield* bucket.find(), [kept])
      assert.deepStrictEqual(yield* bytesFrom(bucket.download(kept._id)), bytes)
      assert.strictEqual(yield* db.collection("fs.chunks").countDocuments(), 3)
    }))

  it.live("an upload exists after the commit", () =>
    Effect.gen(function*() {
      const { db, mongo } = yield* setup()
      const bucket = GridFS.bucket(db, { chunkSize: 4 })
      const file = yield* mongo.withTransaction(bucket.upload("a", source))
      assert.deepStrictEqual(yield* bytesFrom(bucket.download(file._id)), bytes)
    }))

  it.live("a first upload makes the indexes", () =>
    Effect.gen(function*() {
      const fixture = yield* setup()
      yield* fixture.mongo.withTransaction(GridFS.bucket(fixture.db).upload("a", source))
      yield* wanted(fixture)
    }))

  it.live("a first upload makes the indexes, after a search for the file", () =>
    Effect.gen(function*() {
      const fixture = yield* setup()
      const bucket = GridFS.bucket(fixture.db)
      const ensure = (name: string) =>
        Effect.flatMap(bucket.findOne({ filename: name }), (found) =>
          Option.isSome(found) ? Effect.succeed(found.value) : bucket.upload(name, source))
      yield* fixture.mongo.withTransaction(ensure("a"))
      yield* fixture.mongo.withTransaction(ensure("b"))
      assert.strictEqual((yield* bucket.find()).length, 2)
      yield* wanted(fixture)
    }))

  it.live("a first upload fails in time when it blocks the index that it needs", () =>
    Effect.gen(function*() {
      const fixture = yield* setup()
      const bucket = GridFS.bucket(fixture.db)
      yield* fixture.db.createCollection("fs.files")
      yield* fixture.db.createCollection("fs.chunks")
      const failed = yield* Effect.flip(
        fixture.mongo.withTransaction(Effect.andThen(bucket.findOne(), bucket.upload("a", source)))
      )
      assert.strictEqual(failed.reason._tag, "MaxTimeExpiredError")
      yield* fixture.mongo.withTransaction(bucket.upload("a", source))
      yield* wanted(fixture)
    }))

  it.live("a first upload works with snapshot reads too", () =>
    Effect.gen(function*() {
      const fixture = yield* setup()
      const bucket = GridFS.bucket(fixture.db)
      yield* fixture.mongo.withTransaction(bucket.upload("a", source), { readConcern: { level: "snapshot" } })
      yield* wanted(fixture)
    }))

  it.live("first uploads inside and outside do not wait for each other", () =>
    Effect.gen(function*() {
      const fixture = yield* setup()
      const bucket = GridFS.bucket(fixture.db)
      yield* fixture.db.createCollection("fs.files")
      yield* fixture.db.createCollection("fs.chunks")
      const outside = yield* fixture.mongo.withTransaction(Effect.gen(function*() {
        yield* bucket.findOne()
        // It needs the lock of this transaction, so this transaction must not wait for it.
        const outside = yield* Effect.forkDetach(fixture.mongo.withoutTransaction(bucket.upload("a", source)))
        yield* until("the index is asked for", () => fixture.sent().includes("createIndexes"))
        const failed = yield* Effect.flip(bucket.upload("b", source))
        assert.strictEqual(failed.reason._tag, "MaxTimeExpiredError")
        return outside
      }))
      yield* Fiber.join(outside)
      assert.deepStrictEqual((yield* bucket.find()).map(({ filename }) => filename), ["a"])
      yield* wanted(fixture)
    }))

  it.live("an upload that fails leaves nothing when the transaction goes on", () =>
    Effect.gen(function*() {
      const { db, mongo } = yield* setup()
      const bucket = GridFS.bucket(db, { chunkSize: 255 * 1024 })
      yield* bucket.upload("kept", source)
      const broken = Stream.concat(Stream.make(new Uint8Array(255 * 1024 * 20)), Stream.fail(new Undo()))
      yield* mongo.withTransaction(Effect.gen(function*() {
        yield* Effect.flip(bucket.upload("a", broken))
        yield* bucket.upload("b", source)
      }))
      assert.deepStrictEqual((yield* bucket.find()).map(({ filename }) => filename), ["kept", "b"])
      assert.strictEqual(yield* db.collection("fs.chunks").countDocuments(), 2)
    }))

  it.live("an upload that runs again with its transaction is stored once", () =>
    Effect.gen(function*() {
      const { db, mongo } = yield* setup()
      const bucket = GridFS.bucket(db, { chunkSize: 4 })
      const counters = db.collection<{ readonly _id: string; readonly n: number }>("counters")
      yield* counters.insertOne({ _id: "a", n: 0 })
      let attempts = 0
      yield* mongo.withTransaction(Effect.gen(function*() {
        yield* bucket.upload("a", source)
        // Another write in between makes the first attempt a conflict.
        if (attempts++ === 0) yield* mongo.withoutTransaction(counters.updateOne({ _id: "a" }, { $inc: { n: 1 } }))
        yield* counters.updateOne({ _id: "a" }, { $inc: { n: 1 } })
      }))
      assert.strictEqual(attempts, 2)
      assert.strictEqual((yield* bucket.find()).length, 1)
      assert.strictEqual(yield* db.collection("fs.chunks").countDocuments(), 3)
    }))
})

describe("in a session", () => {
  it.live("everything joins", () =>
    Effect.gen(function*() {
      const { clear, commands, db, mongo } = yield* setup()
      const bucket = GridFS.bucket(db, { chunkSize: 4 })
      yield* bucket.upload("first", source)
      clear()
      yield* mongo.withSession()(Effect.gen(function*() {
        const file = yield* bucket.upload("a", source)
        yield* Stream.runDrain(bucket.download(file._id))
        yield* bucket.rename(file._id, "b")
        yield* bucket.delete(file._id)
      }))
      const sent = commands.filter(({ databaseName }) => databaseName === db.name)
      assert.deepStrictEqual(
        sent.map(({ commandName }) => commandName),
        ["insert", "insert", "find", "find", "update", "delete", "delete"]
      )
      assert.strictEqual(new Set(sent.map(({ command }) => command["lsid"].id.toString("hex"))).size, 1)
      assert.isFalse(sent.some(({ commandName }) => isIndexCommand(commandName)))
    }))
})
