import { assert, describe, it, layer } from "@effect/vitest"
import { MongoClient, MongoDatabase } from "@mongofx/core"
import { MongoServer, MongoTest } from "@mongofx/testing"
import { Effect, Exit, Layer, Redacted, Scope, Stream } from "effect"
import { ReadPreference } from "mongodb"
import { spawn } from "node:child_process"
import { existsSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { leaksOf } from "../support/leaksOf.ts"
import { hasBinary, isRunning, processes, until } from "../support/processes.ts"

const rolesOf = (members: ReadonlyArray<MongoServer.Member>) => members.map(({ role }) => role)

const dataOf = (pid: number) =>
  /--dbpath (\S+)/.exec(processes("--dbpath").find((line) => line.trim().startsWith(`${pid} `)) ?? "")?.[1]

describe.skipIf(!hasBinary)("a replica set (needs MONGOD_BINARY)", () => {
  const Servers = MongoServer.layerReplicaSet({
    members: 2,
    arbiters: 1,
    delayed: ["2 seconds"],
    tags: [{ place: "north" }, { place: "south" }]
  })

  layer(Servers, { excludeTestServices: true, timeout: 60_000 })("of all kinds of members", (it) => {
    it.effect("is ready with its first member as primary, and tells roles, addresses and processes", () =>
      Effect.gen(function*() {
        const members = yield* MongoServer.members
        assert.deepStrictEqual(rolesOf(members), ["primary", "secondary", "secondary", "arbiter"])
        for (const { host, part, pid, replicaSet } of members) {
          assert.deepStrictEqual([part, replicaSet], ["replicaSet", "rs"])
          assert.lengthOf(
            processes(`--port ${host.split(":")[1]} `).filter((line) => line.trim().startsWith(`${pid} `)),
            1
          )
        }
        const { uri } = yield* MongoServer.MongoServer
        const [first, second] = members.map(({ host }) => host)
        assert.strictEqual(Redacted.value(uri), `mongodb://${first},${second}/?replicaSet=rs`)
      }))

    it.effect("takes writes of every concern, and reads by tag", () =>
      Effect.gen(function*() {
        const { uri } = yield* MongoServer.MongoServer
        const mongo = yield* MongoClient.make({ url: uri })
        const items = mongo.db("app").collection<{ readonly _id: number }>("items")
        yield* items.insertOne({ _id: 1 }, { writeConcern: { w: "majority", journal: true } })
        yield* items.insertOne({ _id: 2 }, { writeConcern: { w: 2 } })
        const south = items.withOptions({ readPreference: new ReadPreference("secondary", [{ place: "south" }]) })
        yield* until("the write is in the south", () =>
          Effect.runPromise(Effect.map(south.countDocuments(), (count) => count === 2)))
      }))

    it.effect("a member that stays behind answers with what was there before", () =>
      Effect.gen(function*() {
        const { uri } = yield* MongoServer.MongoServer
        const mongo = yield* MongoClient.make({ url: uri })
        const { host } = (yield* MongoServer.members)[2]!
        const late = (yield* MongoClient.make({ url: Redacted.make(`mongodb://${host}/?directConnection=true`) }))
          .db("app").collection("late")
        const writes = mongo.db("app").collection<{ readonly _id: string }>("late")
        const before = performance.now()
        yield* writes.insertOne({ _id: "now" }, { writeConcern: { w: "majority" } })
        assert.strictEqual(yield* late.countDocuments(), 0)
        yield* until("the write comes late", () =>
          Effect.runPromise(Effect.map(late.countDocuments(), (count) => count === 1)))
        // The server counts by seconds of its clock.
        assert.isAbove(performance.now() - before, 900)
      }))

    it.effect("a configuration is as the options say, and keeps what it has confirmed", () =>
      Effect.gen(function*() {
        const { uri } = yield* MongoServer.MongoServer
        const mongo = yield* MongoClient.make({ url: uri })
        const { config } = yield* mongo.db("admin").command({ replSetGetConfig: 1 })
        const { members, settings, writeConcernMajorityJournalDefault } = config as {
          readonly members: ReadonlyArray<Record<string, unknown>>
          readonly settings: Record<string, unknown>
          readonly writeConcernMajorityJournalDefault: boolean
        }
        assert.isTrue(writeConcernMajorityJournalDefault)
        assert.strictEqual(settings["electionTimeoutMillis"], 2000)
        assert.deepStrictEqual(members.map(({ votes }) => votes), [1, 1, 0, 1])
        assert.deepStrictEqual(members.map(({ tags }) => tags), [{ place: "north" }, { place: "south" }, {}, {}])
      }))

    it.effect("one that others have started tells its members too", () =>
      Effect.gen(function*() {
        const { uri } = yield* MongoServer.MongoServer
        const own = yield* MongoServer.members
        const seen = yield* Effect.provide(MongoServer.members, MongoServer.layerUri(uri))
        // Nobody is told of a member that stays behind.
        const [first, second, , arbiter] = own
        const lines = (members: ReadonlyArray<MongoServer.Member | undefined>) =>
          members.map((member) => Object.entries(member!).sort().join()).sort()
        assert.deepStrictEqual(lines(seen), lines([first, second, arbiter]))
      }))

    it.effect("is ready while all members have their places", () => MongoServer.ready)

    it.effect("is the server of the tests that have it in their context, and noLeaks looks at all members", () =>
      Effect.gen(function*() {
        const { uri } = yield* MongoServer.MongoServer
        const secondary = (yield* MongoServer.members)[1]!
        const leave = Effect.gen(function*() {
          assert.strictEqual((yield* MongoServer.MongoServer).uri, uri)
          const db = yield* MongoDatabase.MongoDatabase
          const items = db.collection("items")
          yield* items.insertMany(Array.from({ length: 10 }, () => ({})), { writeConcern: { w: 2 } })
          const mongo = yield* MongoClient.MongoClient
          // An iterator that nobody closes leaves its cursor on the member that it has read from.
          yield* mongo.use((driver) =>
            driver.db(db.name).collection("items").find({}, { readPreference: "secondary" }).batchSize(2).next()
          )
        })
        const leaks = yield* leaksOf(leave)
        assert.isTrue(
          leaks.some((leak) => /^an open cursor on .*items/.test(leak) && leak.includes(secondary.host)),
          `${leaks}`
        )
        yield* MongoTest.noLeaks(Effect.gen(function*() {
          const items = (yield* MongoDatabase.MongoDatabase).collection("items")
          yield* items.insertMany(Array.from({ length: 10 }, () => ({})), { writeConcern: { w: 2 } })
          yield* items.withOptions({ readPreference: "secondary" }).find().batchSize(2).stream.pipe(
            Stream.take(3),
            Stream.runDrain
          )
          yield* MongoTest.nothingLeft
        }))
      }))
  })

  it.effect(
    "starts under TestClock, and nothing is left of it when its scope closes",
    () =>
      Effect.gen(function*() {
        const scope = yield* Scope.make()
        const context = yield* Layer.buildWithScope(MongoServer.layerReplicaSet({ members: 2, name: "gone" }), scope)
        const members = yield* Effect.provideContext(MongoServer.members, context)
        const pids = members.map(({ pid }) => pid!)
        const data = pids.map((pid) => dataOf(pid)!)
        assert.isTrue(data.every((dir) => existsSync(dir)))
        yield* Scope.close(scope, Exit.void)
        assert.isFalse(pids.some(isRunning))
        assert.isFalse(data.some((dir) => existsSync(dir)))
      }),
    60_000
  )

  it.live(
    "is killed and its data removed when the process that started it is killed, also a member that was started again",
    () =>
      Effect.gen(function*() {
        const program = fileURLToPath(new URL("../support/startSet.ts", import.meta.url))
        const parent = yield* Effect.acquireRelease(
          Effect.sync(() =>
            spawn(process.execPath, ["--import", "tsx", program], { stdio: ["ignore", "pipe", "inherit"] })
          ),
          (parent) => Effect.sync(() => parent.kill("SIGKILL"))
        )
        const pids = yield* Effect.promise(() =>
          new Promise<ReadonlyArray<number>>((resolve, reject) => {
            parent.stdout.setEncoding("utf8").once("data", (text: string) => resolve(JSON.parse(text)))
            parent.once("exit", (code) => reject(new Error(`ended with ${code}`)))
          })
        )
        assert.lengthOf(pids, 2)
        const data = pids.map((pid) => dataOf(pid)!)
        assert.isTrue(data.every((dir) => existsSync(dir)))
        // Without its data a server that runs ends by itself.
        for (const pid of pids) process.kill(pid, "SIGSTOP")
        parent.kill("SIGKILL")
        yield* until("the members are gone", () => !pids.some(isRunning))
        yield* until("their data is gone", () => !data.some((dir) => existsSync(dir)))
      }),
    60_000
  )

  it.live(
    "a member that refuses its arguments fails the start with its words, and none is left",
    () =>
      Effect.gen(function*() {
        const error = yield* Effect.flip(Effect.scoped(Layer.build(
          MongoServer.layerReplicaSet({ members: 2, name: "refused", args: ["--nonsense"] })
        )))
        assert.strictEqual(error.kind, "cannotStart")
        assert.match(error.message, /unrecognised option '--nonsense'/)
        assert.deepStrictEqual(processes("--replSet refused"), [])
      }),
    60_000
  )

  it.effect(
    "a configuration that the server refuses fails the start with the server's words",
    () =>
      Effect.gen(function*() {
        const error = yield* Effect.flip(Effect.scoped(Layer.build(
          MongoServer.layerReplicaSet({ members: 1, electionTimeout: 0, startTimeout: "5 seconds" })
        )))
        assert.match(
          error.message,
          /not ready within 5s, since it did not join the replica set \(.*electionTimeoutMillis/
        )
      }),
    60_000
  )
})

describe("options that make no replica set", () => {
  const messageOf = (options: MongoServer.ReplicaSetOptions) =>
    Effect.map(
      Effect.flip(Effect.scoped(Layer.build(MongoServer.layerReplicaSet({ binary: "/no/such/mongod", ...options })))),
      ({ message }) => message
    )

  it.effect("fail with words, before anything starts", () =>
    Effect.gen(function*() {
      assert.strictEqual(yield* messageOf({ members: 0 }), "layerReplicaSet: members is 0: pass a whole number from 1")
      assert.include(yield* messageOf({ members: 2, arbiters: -1 }), "arbiters is -1")
      assert.include(yield* messageOf({ members: 5, arbiters: 2, delayed: ["1 second"] }), "would have 8 members")
      assert.include(yield* messageOf({ members: 1, delayed: ["1500 millis"] }), "delayed has 1500 milliseconds")
      assert.include(yield* messageOf({ members: 1, tags: [{}, { a: "b" }] }), "tags has 2 entries for 1 members")
    }))
})
