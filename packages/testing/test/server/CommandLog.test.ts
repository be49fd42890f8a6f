import { assert, it } from "@effect/vitest"
import { MongoClient, MongoDatabase } from "@mongofx/core"
import { CommandLog, MongoTest } from "@mongofx/testing"
import { Effect, Option } from "effect"

const Monitored = MongoTest.layerWith({ driverOptions: { monitorCommands: true } })

it.effect("a log has the commands of the client since it was made, in order", () =>
  Effect.gen(function*() {
    const mongo = yield* MongoClient.MongoClient
    const db = yield* MongoDatabase.MongoDatabase
    const users = db.collection("users")
    yield* users.insertOne({ name: "before" })
    const log = yield* CommandLog.make
    assert.deepStrictEqual(log.names(), [])
    assert.isTrue(Option.isNone(log.last("find")))
    yield* users.insertOne({ name: "Ada" })
    yield* users.find({ name: "Ada" })
    yield* mongo.ping
    yield* users.find({ name: "Grace" }).limit(1)
    assert.deepStrictEqual(log.names(db.name), ["insert", "find", "find"])
    assert.deepStrictEqual(log.names(), ["insert", "find", "ping", "find"])
    assert.deepStrictEqual(Option.getOrThrow(log.last("find"))["filter"], { name: "Grace" })
    log.clear()
    yield* users.countDocuments()
    assert.deepStrictEqual(log.events.map((event) => [event.commandName, event.databaseName]), [["aggregate", db.name]])
  }).pipe(Effect.scoped, Effect.provide(Monitored)))

it.effect("a log ends with its scope, and leaves other logs of the client alone", () =>
  Effect.gen(function*() {
    const db = yield* MongoDatabase.MongoDatabase
    const outer = yield* CommandLog.make
    const inner = yield* Effect.scoped(Effect.gen(function*() {
      const inner = yield* CommandLog.make
      yield* db.collection("users").countDocuments()
      return inner
    }))
    yield* db.collection("users").findOne({})
    assert.deepStrictEqual(inner.names(), ["aggregate"])
    assert.deepStrictEqual(outer.names(), ["aggregate", "find"])
    inner.clear()
    assert.lengthOf(outer.events, 2)
  }).pipe(Effect.scoped, Effect.provide(Monitored)))

it.effect("making a log fails if the client does not report its commands, and says how to change that", () =>
  Effect.gen(function*() {
    const error = yield* Effect.flip(CommandLog.make)
    assert.strictEqual(error.reason._tag, "InvalidArgumentError")
    assert.include(error.message, "monitorCommands: true")
  }).pipe(Effect.scoped, Effect.provide(MongoTest.layer)))
