/**
 * Search indexes: the answers of a plain server, and their operations on a server with a `mongot`.
 *
 * @since 0.1.0
 */
import { assert, describe, it } from "@effect/vitest"
import { MongoClient, type MongoError } from "@mongofx/core"
import { MongoServer } from "@mongofx/testing"
import { Effect, Fiber, Redacted, Stream } from "effect"
import * as Driver from "mongodb"
import { reasonOf, setup } from "../support/utils.ts"
import { type Answer, standIn } from "../support/wire.ts"

const definition = { mappings: { dynamic: true } }

const unavailable = <A>(effect: Effect.Effect<A, MongoError.MongoError>, operation: string) =>
  Effect.map(reasonOf(effect), (reason) => {
    if (reason._tag !== "IndexError") return assert.fail(`${operation}: ${reason._tag}`)
    assert.strictEqual(reason.kind, "searchUnavailable", operation)
    assert.strictEqual(reason.operation, operation)
    assert.strictEqual(reason.code, 31082, operation)
    assert.strictEqual(reason.codeName, "SearchNotEnabled")
    assert.match(reason.message, /Atlas/)
    assert.isFalse(reason.isRetryable)
  })

describe("search indexes on a server without them", () => {
  it.live("make each operation fail with an IndexError that says so", () =>
    Effect.gen(function*() {
      const { db } = yield* setup()
      const things = db.collection("things")
      yield* things.insertOne({ a: 1 })
      yield* unavailable(things.createSearchIndex({ definition }), "createSearchIndex")
      yield* unavailable(things.createSearchIndexes([{ definition }]), "createSearchIndexes")
      yield* unavailable(things.updateSearchIndex("default", definition), "updateSearchIndex")
      yield* unavailable(things.dropSearchIndex("default"), "dropSearchIndex")
      yield* unavailable(things.listSearchIndexes(), "listSearchIndexes")
      yield* unavailable(things.listSearchIndexes("default").stream.pipe(Stream.runDrain), "listSearchIndexes")
      yield* unavailable(things.waitUntilQueryable("default"), "listSearchIndexes")
      yield* unavailable(things.aggregate([{ $search: { text: { query: "a", path: "b" } } }]), "aggregate")
    }))

  it.live("refuse bad input before anything is sent", () =>
    Effect.gen(function*() {
      const { db, sent } = yield* setup()
      const things = db.collection("things")
      const refused: ReadonlyArray<Effect.Effect<unknown, MongoError.MongoError>> = [
        things.createSearchIndex({ definition: undefined as never }),
        things.createSearchIndex(null as never),
        things.createSearchIndexes([{ definition }, { definition: { mappings: { dynamic: undefined } } }]),
        things.createSearchIndexes({} as never),
        things.updateSearchIndex("default", { mappings: undefined }),
        things.updateSearchIndex(undefined as never, definition),
        things.dropSearchIndex(undefined as never)
      ]
      for (const effect of refused) assert.strictEqual((yield* reasonOf(effect))._tag, "InvalidArgumentError")
      assert.deepStrictEqual(sent(), [])
    }))

  it.live("join the session, and get the server's own answer in a transaction", () =>
    Effect.gen(function*() {
      const { db, last, mongo } = yield* setup()
      const reason = yield* reasonOf(mongo.withTransaction(db.collection("things").createSearchIndex({ definition })))
      assert.isDefined(last("createSearchIndexes")["lsid"])
      assert.strictEqual(last("createSearchIndexes")["autocommit"], false)
      assert.isDefined(reason.code)
    }))
})

describe.skipIf(process.env["MONGOD_BINARY"] === undefined)("search indexes on a server with a mongot", () => {
  it.live("are made, listed, awaited, changed and dropped", () =>
    Effect.gen(function*() {
      const asked: Array<Driver.Document> = []
      const indexes = new Map<string, Driver.Document>()
      let polls = 0
      const manage: Answer = ({ userCommand: command }) => {
        asked.push(command)
        if (command["createSearchIndexes"] !== undefined) {
          const created = (command["indexes"] as Array<Driver.Document>).map(
            ({ definition, name = "default", type = "search" }) => {
              const id = `id of ${name}`
              indexes.set(name, { id, name, type, status: "PENDING", queryable: false, latestDefinition: definition })
              return { id, name }
            }
          )
          return { ok: 1, indexesCreated: created }
        }
        if (command["$listSearchIndexes"] !== undefined) {
          polls++
          const wanted = command["$listSearchIndexes"].name
          const listed = [...indexes.values()].filter(({ name }) => wanted === undefined || name === wanted)
          return { ok: 1, cursor: { id: Driver.Long.ZERO, ns: "test.things", firstBatch: listed } }
        }
        if (command["updateSearchIndex"] !== undefined) {
          indexes.get(command["name"])!["latestDefinition"] = command["definition"]
        }
        if (command["dropSearchIndex"] !== undefined) indexes.delete(command["name"])
        return { ok: 1 }
      }
      const port = yield* standIn(manage)
      const server = yield* MongoServer.startBinary({
        args: [
          "--setParameter",
          `searchIndexManagementHostAndPort=127.0.0.1:${port}`,
          "--setParameter",
          `mongotHost=127.0.0.1:${port}`
        ]
      })
      const mongo = yield* MongoClient.make({ url: server.uri })
      const things = mongo.db("test").collection("things")
      yield* things.insertOne({ a: 1 })

      assert.strictEqual(yield* things.createSearchIndex({ definition, name: undefined }), "default")
      assert.deepStrictEqual(
        yield* things.createSearchIndexes([
          { name: "a", definition },
          { name: "v", type: "vectorSearch", definition: { fields: [] } }
        ]),
        ["a", "v"]
      )
      assert.deepStrictEqual((yield* things.listSearchIndexes()).map(({ name }) => name), ["default", "a", "v"])
      const [vector] = yield* things.listSearchIndexes("v")
      assert.deepStrictEqual([vector?.type, vector?.queryable, vector?.status], ["vectorSearch", false, "PENDING"])

      // It waits as long as one of them is not ready.
      const waiting = yield* Effect.forkChild(things.waitUntilQueryable(["a", "v"], { interval: "20 millis" }), {
        startImmediately: true
      })
      polls = 0
      indexes.get("a")!["queryable"] = true
      yield* Effect.sleep("200 millis")
      assert.isUndefined(waiting.pollUnsafe())
      assert.isAbove(polls, 2)
      indexes.get("v")!["queryable"] = true
      yield* Fiber.join(waiting)

      const missing = yield* reasonOf(things.waitUntilQueryable("nothing"))
      assert.deepStrictEqual([missing._tag, (missing as MongoError.IndexError).kind], ["IndexError", "notFound"])
      assert.include(missing.message, "waitUntilQueryable on test.things")
      indexes.get("default")!["status"] = "FAILED"
      const failed = yield* reasonOf(things.waitUntilQueryable("default"))
      assert.strictEqual((failed as MongoError.IndexError).kind, "searchFailed")

      yield* things.updateSearchIndex("a", { mappings: { dynamic: false } })
      const [changed] = yield* things.listSearchIndexes("a")
      assert.deepStrictEqual(changed?.latestDefinition, { mappings: { dynamic: false } })
      yield* things.dropSearchIndex("a")
      assert.deepStrictEqual(yield* things.listSearchIndexes("a"), [])
      yield* mongo.db("test").collection("nothing").dropSearchIndex("a")
      assert.isAbove(asked.length, 8)
      assert.isTrue(Redacted.isRedacted(server.uri))
    }), 60_000)
})
