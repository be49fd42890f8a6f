/**
 * Settings of a client, and how databases, collections and operations inherit them: what is sent to a real server.
 *
 * @since 0.1.0
 */
import { assert, describe, it } from "@effect/vitest"
import { MongoClient } from "@mongofx/core"
import { Effect, Option, Redacted } from "effect"
import * as Driver from "mongodb"
import { createRequire } from "node:module"
import * as Net from "node:net"
import { inspect } from "node:util"
import { type Fixture, reasonOf, setup, uri } from "../support/utils.ts"

const preferenceOf = (fixture: Fixture, name = "find") => fixture.last(name)["$readPreference"]

describe("settings", () => {
  it.live("rename and drop have the write concern of their collection, and a renamed collection keeps its settings", () =>
    Effect.gen(function*() {
      const fixture = yield* setup({ writeConcern: { w: 1 } })
      const { db, last } = fixture
      const things = db.collection("things", {
        writeConcern: { w: "majority", wtimeoutMS: 5000 },
        readConcern: { level: "majority" },
        readPreference: "nearest",
        promoteValues: false
      })
      yield* things.insertOne({ n: 5 })
      const renamed = yield* things.rename("others")
      assert.deepStrictEqual(last("renameCollection")["writeConcern"], { w: "majority", wtimeout: 5000 })
      assert.strictEqual(renamed.name, "others")
      assert.instanceOf(Option.getOrThrow(yield* renamed.findOne())["n"], Driver.Int32)
      assert.deepInclude(last("find")["readConcern"], { level: "majority" })
      assert.deepStrictEqual(preferenceOf(fixture), { mode: "nearest" })
      yield* renamed.insertOne({ n: 6 })
      assert.deepStrictEqual(last("insert")["writeConcern"], { w: "majority", wtimeout: 5000 })
      yield* renamed.rename("things", { writeConcern: { w: 1 } as Driver.WriteConcern })
      assert.deepStrictEqual(last("renameCollection")["writeConcern"], { w: 1 })
      yield* things.drop()
      assert.deepStrictEqual(last("drop")["writeConcern"], { w: "majority", wtimeout: 5000 })
      yield* db.collection("things").drop()
      assert.deepStrictEqual(last("drop")["writeConcern"], { w: 1 })
    }))

  it.live("go from the client to the database, the collection and the operation, and the nearest one applies", () =>
    Effect.gen(function*() {
      const fixture = yield* setup({
        readPreference: "secondaryPreferred",
        readConcern: { level: "majority" },
        writeConcern: { w: 1, journal: true },
        useBigInt64: true
      })
      const { db, last } = fixture
      const things = db.collection("things")
      yield* things.insertOne({ n: Driver.Long.fromNumber(5) })
      assert.deepStrictEqual(last("insert")["writeConcern"], { w: 1, j: true })
      assert.strictEqual(Option.getOrThrow(yield* things.findOne())["n"], 5n)
      assert.deepStrictEqual(preferenceOf(fixture), { mode: "secondaryPreferred" })
      assert.deepInclude(last("find")["readConcern"], { level: "majority" })

      const nearest = db.withOptions({ readPreference: "nearest", useBigInt64: false })
      yield* nearest.collection("things").find()
      assert.deepStrictEqual(preferenceOf(fixture), { mode: "nearest" })
      assert.strictEqual(Option.getOrThrow(yield* nearest.collection("things").findOne())["n"], 5)
      // Settings that the database leaves out are those of the client.
      assert.deepInclude(last("find")["readConcern"], { level: "majority" })

      const local = nearest.collection("things", { readConcern: { level: "local" } })
      yield* local.find()
      assert.deepStrictEqual(preferenceOf(fixture), { mode: "nearest" })
      assert.deepInclude(last("find")["readConcern"], { level: "local" })

      yield* local.find({}, { readPreference: "primaryPreferred", readConcern: { level: "available" } })
      assert.deepStrictEqual(preferenceOf(fixture), { mode: "primaryPreferred" })
      assert.deepInclude(last("find")["readConcern"], { level: "available" })
      yield* local.withOptions({ writeConcern: { w: "majority" } }).insertOne({})
      assert.deepStrictEqual(last("insert")["writeConcern"], { w: "majority" })
      yield* things.insertOne({}, { writeConcern: new Driver.WriteConcern(1) })
      assert.deepStrictEqual(last("insert")["writeConcern"], { w: 1 })

      // The values made from it have not changed it.
      yield* things.find()
      assert.deepStrictEqual(preferenceOf(fixture), { mode: "secondaryPreferred" })
    }))

  it.live("for reading BSON can be given at every level", () =>
    Effect.gen(function*() {
      const { db } = yield* setup({ promoteBuffers: true })
      const things = db.collection("things")
      yield* things.insertOne({ b: new Driver.Binary(Buffer.from("x")), r: /a/i, l: Driver.Long.fromNumber(7), d: 1.5 })
      const first = Option.getOrThrow(yield* things.findOne())
      assert.isTrue(Buffer.isBuffer(first["b"]))
      assert.instanceOf(first["r"], RegExp)
      assert.strictEqual(first["l"], 7)
      const exact = Option.getOrThrow(
        yield* things.withOptions({ promoteBuffers: false, bsonRegExp: true, promoteLongs: false }).findOne()
      )
      assert.instanceOf(exact["b"], Driver.Binary)
      assert.instanceOf(exact["r"], Driver.BSONRegExp)
      assert.isTrue(Driver.Long.isLong(exact["l"]))
      const values = Option.getOrThrow(yield* things.findOne({}, { promoteValues: false }))
      assert.strictEqual((values["d"] as Driver.Double)._bsontype, "Double")
      const [streamed] = yield* things.find({}, { useBigInt64: true })
      assert.strictEqual(streamed?.["l"], 7n)
    }))
})

describe("read preference", () => {
  it.live("with tags and a limit of staleness is sent as it is", () =>
    Effect.gen(function*() {
      const preference = new Driver.ReadPreference("secondaryPreferred", [{ dc: "ny", rack: "1" }, {}], {
        maxStalenessSeconds: 120
      })
      const sent = {
        mode: "secondaryPreferred",
        tags: [{ dc: "ny", rack: "1" }, {}],
        maxStalenessSeconds: 120
      }
      const fixture = yield* setup({ readPreference: preference })
      const { db, mongo } = fixture
      const things = db.collection("things")
      yield* things.findOne()
      assert.deepStrictEqual(preferenceOf(fixture), sent)
      yield* mongo.db(db.name, { readPreference: "nearest" }).collection("things").find()
      assert.deepStrictEqual(preferenceOf(fixture), { mode: "nearest" })
      yield* db.withOptions({ readPreference: preference }).collection("things").aggregate([])
      assert.deepStrictEqual(preferenceOf(fixture, "aggregate"), sent)
      yield* things.find().readPreference(preference)
      assert.deepStrictEqual(preferenceOf(fixture), sent)
      yield* db.command({ ping: 1 }, { readPreference: preference })
      assert.deepStrictEqual(preferenceOf(fixture, "ping"), sent)
    }))

  it.live("chooses a server by its tags, or none", () =>
    Effect.gen(function*() {
      const fixture = yield* setup({ serverSelectionTimeout: "300 millis" })
      const { db } = fixture
      const tagged = (tag: Driver.TagSet) => new Driver.ReadPreference("nearest", [tag])
      const reason = yield* reasonOf(db.collection("things").find().readPreference(tagged({ dc: "nowhere" })))
      if (reason._tag !== "ConnectionError") return assert.fail(reason._tag)
      assert.strictEqual(reason.kind, "serverSelection")
      yield* db.collection("things").find().readPreference(
        new Driver.ReadPreference("nearest", [{ dc: "nowhere" }, {}])
      )
    }))

  it.live("of the connection string", () =>
    Effect.gen(function*() {
      const mongo = yield* MongoClient.make({
        url: Redacted.make(`${uri}&readPreference=secondaryPreferred&readPreferenceTags=dc:ny&readPreferenceTags=`)
      })
      const preference = yield* mongo.use(async (driver) => driver.readPreference.toJSON())
      assert.deepStrictEqual(preference, { mode: "secondaryPreferred", tags: [{ dc: "ny" }, {}] })
    }))
})

describe("the server API", () => {
  it.live("is declared with every command", () =>
    Effect.gen(function*() {
      const { commands, db } = yield* setup({ serverApi: { version: "1", strict: true, deprecationErrors: true } })
      const things = db.collection("things")
      yield* things.insertOne({ a: 1 })
      yield* things.find().batchSize(1)
      const reason = yield* reasonOf(things.distinct("a"))
      assert.strictEqual(reason._tag, "InvalidCommandError")
      assert.strictEqual(reason.code, 323)
      assert.strictEqual(reason.codeName, "APIStrictError")
      for (const { command, commandName } of commands) {
        if (commandName === "getMore") continue
        assert.deepInclude(command, { apiVersion: "1", apiStrict: true, apiDeprecationErrors: true }, commandName)
      }
    }))

  it.live("as a version alone", () =>
    Effect.gen(function*() {
      const { db, last } = yield* setup({ serverApi: "1" })
      yield* db.collection("things").findOne()
      assert.strictEqual(last("find")["apiVersion"], "1")
      assert.notProperty(last("find"), "apiStrict")
    }))
})

describe("compression", () => {
  it.live("zlib is agreed on and used", () =>
    Effect.gen(function*() {
      const compressed = (fixture: Fixture) =>
        Effect.map(
          fixture.mongo.serverStatus,
          (status) => Number(status["network"].compression.zlib.decompressor.bytesIn)
        )
      const fixture = yield* setup({ compressors: ["zlib"], zlibCompressionLevel: 9 })
      const before = yield* compressed(fixture)
      const text = "the same again and again ".repeat(4000)
      yield* fixture.db.collection("things").insertOne({ text })
      assert.isAbove(yield* compressed(fixture), before)
      assert.strictEqual(Option.getOrThrow(yield* fixture.db.collection("things").findOne())["text"], text)
    }))

  it.live("fails with the name of a compressor whose package is missing", () =>
    Effect.gen(function*() {
      const reason = yield* reasonOf(MongoClient.make({ url: Redacted.make(uri), compressors: ["snappy"] }))
      assert.include(reason.message, "snappy")
      assert.strictEqual(reason._tag, "InvalidArgumentError")
    }))
})

/** A SOCKS5 proxy that lets one user through, and counts the connections. */
const proxy = (user: string, password: string) =>
  Effect.acquireRelease(
    Effect.promise<{ readonly port: number; readonly seen: Array<string>; readonly close: () => void }>(() =>
      new Promise((resolve) => {
        const seen: Array<string> = []
        const sockets = new Set<Net.Socket>()
        const server = Net.createServer((socket) => {
          sockets.add(socket)
          socket.on("error", () => undefined)
          socket.once("data", () => {
            socket.write(Buffer.from([5, 2]))
            socket.once("data", (login) => {
              const name = login.subarray(2, 2 + login[1]!).toString()
              const word = login.subarray(3 + login[1]!).toString()
              seen.push(`${name}:${word}`)
              const isKnown = name === user && word === password
              socket.write(Buffer.from([1, isKnown ? 0 : 1]))
              if (!isKnown) return socket.end()
              socket.once("data", (request) => {
                const host = request[3] === 1
                  ? request.subarray(4, 8).join(".")
                  : request.subarray(5, 5 + request[4]!).toString()
                const target = Net.connect(request.readUInt16BE(request.length - 2), host, () => {
                  socket.write(Buffer.from([5, 0, 0, 1, 0, 0, 0, 0, 0, 0]))
                  socket.pipe(target).pipe(socket)
                })
                sockets.add(target)
                target.on("error", () => socket.destroy())
              })
            })
          })
        })
        const close = () => {
          server.close()
          for (const socket of sockets) socket.destroy()
        }
        server.listen(0, "127.0.0.1", () => resolve({ port: (server.address() as Net.AddressInfo).port, seen, close }))
      })
    ),
    ({ close }) => Effect.sync(close)
  )

const hasSocks = (() => {
  try {
    createRequire(createRequire(import.meta.url).resolve("mongodb")).resolve("socks")
    return true
  } catch {
    return false
  }
})()

describe.skipIf(!hasSocks)("a proxy (needs the package socks)", () => {
  it.live("is used, with its user", () =>
    Effect.gen(function*() {
      const { port, seen } = yield* proxy("ada", "proxy secret")
      const config = {
        url: Redacted.make(uri),
        proxyHost: "127.0.0.1",
        proxyPort: port,
        proxyUsername: "ada",
        serverSelectionTimeout: "1 second"
      } as const
      yield* Effect.scoped(Effect.gen(function*() {
        const mongo = yield* MongoClient.make({ ...config, proxyPassword: Redacted.make("proxy secret") })
        yield* mongo.ping
      }))
      assert.include(seen, "ada:proxy secret")
      const reason = yield* reasonOf(
        Effect.scoped(MongoClient.make({ ...config, proxyPassword: Redacted.make("wrong secret") }))
      )
      assert.strictEqual(reason._tag, "ConnectionError")
      assert.notInclude(inspect(reason, { depth: 20 }), "wrong secret")
    }))
})
