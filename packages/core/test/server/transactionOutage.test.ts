/**
 * Transactions while no server is available: no primary in the set, refused connections, a name that does not resolve.
 *
 * @since 0.1.0
 */
import { assert, describe, it } from "@effect/vitest"
import { MongoClient } from "@mongofx/core"
import { Effect, Fiber, Redacted } from "effect"
import type { LookupFunction } from "node:net"
import * as Net from "node:net"
import { committed, fixture, type Item } from "../support/items.ts"
import { startReplicaSet } from "../support/replicaSet.ts"
import { reasonOf, until, uri } from "../support/utils.ts"

it.live(
  "without a primary, the abort is given up and the body runs again in a fresh session",
  () =>
    Effect.gen(function*() {
      const set = yield* startReplicaSet()
      const mongo = yield* MongoClient.make({ url: set.uri, driverOptions: { monitorCommands: true } })
      const items = mongo.db("test").collection<Item>("items")
      yield* mongo.db("test").createCollection("items")
      const sessions = new Set<string>()
      const driver = yield* mongo.use(async (driver) => driver)
      driver.on("commandStarted", ({ command, commandName }) => {
        if (commandName === "insert") sessions.add(String(command["lsid"].id))
      })
      const primary = yield* set.primary
      const [one] = yield* set.secondaries

      const counts = { runs: 0, after: 0, outage: 0 }
      const body = (_id: number) => {
        let runs = 0
        return Effect.gen(function*() {
          counts.runs++
          runs++
          yield* mongo.afterCommit(Effect.sync(() => void counts.after++))
          yield* items.insertOne({ _id })
          if (runs === 1) {
            if (++counts.outage === 2) {
              // One of three members is left, which cannot become the primary alone.
              one!.freeze()
              primary.kill()
            }
            yield* until("the outage", () => counts.outage === 2, 20_000)
          }
          yield* items.updateOne({ _id }, { $inc: { n: 1 } })
        })
      }
      const session = yield* mongo.session()
      const fiber = yield* Effect.forkChild(Effect.all(
        [mongo.withTransaction(body(1)), session.withTransaction(body(2))],
        { concurrency: "unbounded" }
      ))
      yield* until("both bodies run again", () => counts.runs === 4, 20_000)
      one!.thaw()
      yield* Fiber.join(fiber)
      assert.deepStrictEqual(yield* items.find().sort({ _id: 1 }), [{ _id: 1, n: 1 }, { _id: 2, n: 1 }])
      assert.strictEqual(counts.after, 2)
      assert.isAtLeast(sessions.size, 3)
      // The explicit session goes on, causally after its transaction.
      yield* session.use(items.insertOne({ _id: 3 }))
      assert.strictEqual((yield* session.use(items.find())).length, 3)
    }),
  120_000
)

describe("a server that is away for a while, inside the body,", () => {
  /** A way to the server that can be closed, so that its port refuses connections, and whose name can stop resolving. */
  const way = Effect.gen(function*() {
    const { hostname, port } = new URL(uri.replace(/^mongodb:/, "http:"))
    const sockets = new Set<Net.Socket>()
    const server = Net.createServer((socket) => {
      const target = Net.connect(Number(port), hostname)
      for (const [from, to] of [[socket, target], [target, socket]] as const) {
        from.on("error", () => {}).on("close", () => to.destroy()).pipe(to)
      }
      sockets.add(socket)
    })
    const listen = (at: number) => new Promise<void>((resolve) => server.listen(at, "127.0.0.1", resolve))
    const close = () => {
      for (const socket of sockets) socket.destroy()
      sockets.clear()
    }
    yield* Effect.acquireRelease(
      Effect.promise(() => listen(0)),
      () => Effect.sync(() => (close(), server.close()))
    )
    const at = (server.address() as Net.AddressInfo).port
    let isNamed = true
    const lookup: LookupFunction = (name, _, callback) => {
      if (name !== "mongofx.test" || isNamed) return callback(null, [{ address: "127.0.0.1", family: 4 }])
      callback(Object.assign(new Error(`getaddrinfo ENOTFOUND ${name}`), { code: "ENOTFOUND" }), [])
    }
    const f = yield* fixture
    const mongo = yield* MongoClient.make({
      url: Redacted.make(`mongodb://mongofx.test:${at}/?directConnection=true`),
      serverSelectionTimeout: "300 millis",
      heartbeatFrequency: "500 millis",
      driverOptions: { lookup }
    })
    return {
      f,
      mongo,
      items: mongo.db(f.db.name).collection<Item>("items"),
      ways: {
        refused: {
          close: Effect.sync(() => (server.close(), close())),
          open: Effect.promise(() => listen(at))
        },
        dns: {
          close: Effect.sync(() => {
            isNamed = false
            close()
          }),
          open: Effect.sync(() => {
            isNamed = true
          })
        }
      }
    }
  })

  for (const kind of ["refused", "dns"] as const) {
    it.effect(`makes the body run again: ${kind}`, () =>
      Effect.gen(function*() {
        const { f, items, mongo, ways } = yield* way
        const kinds: Array<string> = []
        let runs = 0
        yield* mongo.withTransaction(
          Effect.gen(function*() {
            runs++
            yield* items.insertOne({ _id: 1 })
            if (runs > 1) return
            yield* ways[kind].close
            // The first operation finds a broken connection, and a later one that the server is gone.
            yield* Effect.ignore(mongo.withoutTransaction(items.find()))
            yield* items.updateOne({ _id: 1 }, { $inc: { n: 1 } })
          }).pipe(
            Effect.tapError((error) =>
              Effect.gen(function*() {
                const { reason } = error
                kinds.push(reason._tag === "ConnectionError" ? reason.kind : reason._tag)
                if (kinds.length === 2) yield* ways[kind].open
              })
            )
          )
        )
        assert.include(kinds, kind)
        assert.isAbove(runs, 1)
        assert.deepStrictEqual(yield* committed(f), [1])
      }), 60_000)
  }

  it.effect("makes the transaction fail when its time is over", () =>
    Effect.gen(function*() {
      const { items, mongo, ways } = yield* way
      yield* items.find()
      yield* ways.refused.close
      let runs = 0
      const body = Effect.suspend(() => {
        runs++
        return items.insertOne({ _id: 1 })
      })
      const reason = yield* reasonOf(mongo.withTransaction(body, { maxDuration: "1 second" }))
      assert.strictEqual(reason._tag, "ConnectionError")
      assert.isAbove(runs, 1)
    }), 60_000)
})
