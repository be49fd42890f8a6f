/**
 * Questions about the server itself: its status, profiler and users.
 *
 * @since 0.1.0
 */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import type * as Driver from "mongodb"
import { reasonOf, setup } from "../support/utils.ts"

describe("the server's status", () => {
  it.live("serverStatus and replSetGetStatus", () =>
    Effect.gen(function*() {
      const { mongo } = yield* setup()
      const status = yield* mongo.serverStatus
      assert.strictEqual(status["ok"], 1)
      assert.isAbove(status["connections"].current, 0)
      const members = (yield* mongo.replSetGetStatus)["members"] as Array<Driver.Document>
      assert.strictEqual(members[0]!["stateStr"], "PRIMARY")
      assert.strictEqual((yield* mongo.serverInfo)["version"], status["version"])
    }))
})

describe("the profiler", () => {
  it.live("is set and read by database", () =>
    Effect.gen(function*() {
      const { admin, db } = yield* setup()
      assert.strictEqual(yield* db.profilingLevel, "off")
      yield* db.setProfilingLevel("all")
      assert.strictEqual(yield* db.profilingLevel, "all")
      yield* db.collection("things").findOne({ a: 1 })
      const recorded = yield* db.collection("system.profile").countDocuments({ op: "query" })
      assert.isAbove(recorded, 0)
      yield* db.setProfilingLevel("slow_only", { slow: "2 seconds", sampleRate: 0.5 })
      const settings = yield* Effect.promise(() => admin.db(db.name).command({ profile: -1 }))
      assert.deepStrictEqual([settings["was"], settings["slowms"], settings["sampleRate"]], [1, 2000, 0.5])
      yield* db.setProfilingLevel("slow_only", { filter: { op: "query" } })
      yield* db.setProfilingLevel("off", { slow: "100 millis", sampleRate: 1, filter: "unset" })
      assert.strictEqual(yield* db.profilingLevel, "off")
    }))

  it.live("refuses an unknown level before anything is sent", () =>
    Effect.gen(function*() {
      const { db, sent } = yield* setup()
      const reason = yield* reasonOf(db.setProfilingLevel("loud" as "all"))
      assert.strictEqual(reason._tag, "InvalidArgumentError")
      assert.include(reason.message, "off, slow_only, all")
      assert.strictEqual(
        (yield* reasonOf(db.setProfilingLevel("all", { filter: { op: undefined } })))._tag,
        "InvalidArgumentError"
      )
      assert.deepStrictEqual(sent(), [])
    }))
})

describe("users", () => {
  it.live("removeUser removes a user, and fails without one", () =>
    Effect.gen(function*() {
      const { db } = yield* setup()
      yield* db.command({ createUser: "ada", pwd: "correct horse", roles: [] })
      yield* db.removeUser("ada")
      const { users } = yield* db.command({ usersInfo: "ada" })
      assert.deepStrictEqual(users, [])
      const reason = yield* reasonOf(db.removeUser("ada"))
      assert.strictEqual(reason.code, 11)
      assert.strictEqual(reason.operation, "removeUser")
    }))
})

describe("appendMetadata", () => {
  it.live("names a library to the server, on later connections", () =>
    Effect.gen(function*() {
      const { db, mongo } = yield* setup({ maxPoolSize: 3 })
      yield* mongo.appendMetadata({ name: "ledger", version: "1.2.3" })
      // The existing connections keep what they have reported, so this opens more of them.
      yield* Effect.all(
        Array.from({ length: 3 }, () => mongo.db("admin").command({ hello: 1 })),
        { concurrency: "unbounded" }
      )
      const operations = yield* mongo.db("admin").aggregate([
        { $currentOp: { allUsers: true, idleConnections: true } },
        { $match: { appName: db.name } }
      ])
      const names = operations.map((operation) => operation["clientMetadata"]?.driver.name)
      assert.include(names, "nodejs|ledger")
    }))
})
