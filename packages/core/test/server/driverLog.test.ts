/**
 * The driver's log in Effect's loggers.
 *
 * @since 0.1.0
 */
import { assert, describe, it } from "@effect/vitest"
import { MongoClient, type MongoClientConfig } from "@mongofx/core"
import { toLogOptions } from "@mongofx/core/internal/driver/log"
import { Effect, Logger, Redacted, References } from "effect"
import { inspect } from "node:util"
import { reasonOf, setup, uri } from "../support/utils.ts"

interface Entry {
  readonly level: string
  readonly message: unknown
  readonly annotations: Readonly<Record<string, unknown>>
}

/** Runs an effect with a logger that keeps what it gets, from the given level on. */
const logged = <A, E, R>(effect: Effect.Effect<A, E, R>, minimum: "Debug" | "Info" | "Trace" = "Trace") =>
  Effect.suspend(() => {
    const entries: Array<Entry> = []
    const logger = Logger.make<unknown, void>((options) => {
      entries.push({
        level: options.logLevel,
        message: Array.isArray(options.message) ? options.message[0] : options.message,
        annotations: { ...options.fiber.getRef(References.CurrentLogAnnotations) }
      })
    })
    return Effect.scoped(effect as Effect.Effect<A, E, never>).pipe(
      Effect.provide(Logger.layer([logger])),
      Effect.provideService(References.MinimumLogLevel, minimum),
      Effect.as(entries)
    )
  })

const url = Redacted.make(uri)

const work = (logging: MongoClientConfig.LoggingOptions) =>
  Effect.gen(function*() {
    const mongo = yield* MongoClient.make({ url, logging })
    yield* mongo.db("mongofx_log").collection("things").find({ secret: "a value" })
    yield* Effect.ignore(mongo.db("mongofx_log").command({ nonsense: "another value" }))
  })

/** The driver's entries: mongofx's own, which says whom it connects to, has no component. */
const ofDriver = (entries: ReadonlyArray<Entry>) =>
  entries.filter(({ annotations }) => annotations["mongodb.component"] !== undefined)

const componentsOf = (entries: ReadonlyArray<Entry>) =>
  new Set(ofDriver(entries).map(({ annotations }) => annotations["mongodb.component"]))

describe("logging", () => {
  it.live("entries have the driver's fields, without commands and replies", () =>
    Effect.gen(function*() {
      const entries = yield* logged(work({ level: "Debug" }))
      assert.includeMembers([...componentsOf(entries)], ["command", "connection", "topology", "serverSelection"])
      const started = entries.find(({ annotations, message }) =>
        message === "Command started" && annotations["mongodb.commandName"] === "find"
      )
      assert.strictEqual(started?.level, "Debug")
      assert.strictEqual(started?.annotations["mongodb.databaseName"], "mongofx_log")
      const succeeded = entries.find(({ message }) => message === "Command succeeded")
      assert.isNumber(succeeded?.annotations["mongodb.durationMS"])
      assert.isTrue(entries.some(({ message }) => message === "Command failed"))
      const text = inspect(entries, { depth: 10 })
      for (const secret of ["a value", "another value", "mongodb.command:", "mongodb.reply"]) {
        assert.notInclude(text, secret)
      }
      for (const { annotations } of entries) {
        assert.notProperty(annotations, "mongodb.command")
        assert.notProperty(annotations, "mongodb.reply")
      }
    }))

  it.live("values in the server's messages are redacted", () =>
    Effect.gen(function*() {
      const fixture = yield* setup()
      const things = fixture.db.collection("things")
      yield* things.createIndex({ a: 1 }, { unique: true })
      yield* things.insertOne({ a: "hunter2" })
      const failing = (documents: boolean) =>
        logged(Effect.gen(function*() {
          const mongo = yield* MongoClient.make({ url, logging: { level: "Debug", documents } })
          const duplicate = mongo.db(fixture.db.name).collection("things")
          yield* reasonOf(duplicate.findOneAndUpdate({ b: 1 }, { $set: { a: "hunter2" } }, { upsert: true }))
        }))
      const entries = yield* failing(false)
      const failure = entries.find(({ message }) => message === "Command failed")?.annotations["mongodb.failure"]
      assert.include(failure, "E11000")
      assert.notInclude(inspect(entries, { depth: 10 }), "hunter2")
      assert.include(inspect(yield* failing(true), { depth: 10 }), "hunter2")
    }))

  it.effect("credentials in any field are redacted", () =>
    Effect.gen(function*() {
      const entries = yield* logged(Effect.map(Effect.context<never>(), (context) => {
        const { mongodbLogPath } = toLogOptions({ level: "All" }, context, ["pass-word"])
        if (typeof mongodbLogPath !== "object") throw new Error("no writable")
        void mongodbLogPath.write({
          t: new Date(0),
          c: "connection",
          s: "error",
          message: "no pass-word",
          error: new Error("mongodb://ada:other@host is pass-word"),
          reason: "mongodb://ada:other@host",
          driverConnectionId: 7
        })
      }))
      assert.deepStrictEqual(entries, [{
        level: "Error",
        message: "no <redacted>",
        annotations: {
          "mongodb.component": "connection",
          "mongodb.error": "mongodb://<redacted>@host is <redacted>",
          "mongodb.reason": "mongodb://<redacted>@host",
          "mongodb.driverConnectionId": 7
        }
      }])
    }))

  it.live("keeps documents when asked, up to a length", () =>
    Effect.gen(function*() {
      const entries = yield* logged(work({ components: { command: "Debug" }, level: "None", documents: true }))
      assert.deepStrictEqual([...componentsOf(entries)], ["command"])
      assert.include(inspect(entries, { depth: 10 }), "a value")
      const short = yield* logged(
        work({ components: { command: "Debug" }, level: "None", documents: { maxLength: 12 } })
      )
      for (const { annotations } of short) {
        assert.isAtMost(String(annotations["mongodb.command"] ?? "").length, 15)
      }
    }))

  it.live("components have their own levels", () =>
    Effect.gen(function*() {
      const entries = yield* logged(work({ components: { connection: "Debug", topology: undefined }, level: "None" }))
      assert.deepStrictEqual([...componentsOf(entries)], ["connection"])
      assert.include(entries.map(({ message }) => message), "Connection checked out")
      const info = yield* logged(work({}))
      assert.deepStrictEqual([...new Set(ofDriver(info).map(({ level }) => level))], ["Info"])
    }))

  it.live("Effect's minimum level applies too", () =>
    Effect.gen(function*() {
      const entries = yield* logged(work({ level: "All" }), "Info")
      assert.deepStrictEqual([...new Set(entries.map(({ level }) => level))], ["Info"])
    }))

  it.live("credentials do not appear, and a failing logger does no harm", () =>
    Effect.gen(function*() {
      const failing = Logger.make<unknown, void>(() => {
        throw new Error("the logger is broken")
      })
      const secret = "top%20secret"
      const withPassword = Redacted.make(uri.replace("://", `://ada:${secret}@`))
      const entries = yield* logged(
        reasonOf(MongoClient.make({
          url: withPassword,
          serverSelectionTimeout: "1 second",
          logging: { level: "All", documents: true }
        }))
      )
      assert.isAbove(entries.length, 3)
      const text = inspect(entries, { depth: 10 })
      for (const part of [secret, "top secret"]) assert.notInclude(text, part)

      const mongo = yield* MongoClient.make({ url, logging: { level: "All" } }).pipe(
        Effect.provide(Logger.layer([failing])),
        Effect.provideService(References.MinimumLogLevel, "Trace")
      )
      yield* mongo.ping
    }))

  it.live("a waiting operation says so at level Info", () =>
    Effect.gen(function*() {
      const entries = yield* logged(
        reasonOf(MongoClient.make({
          url: Redacted.make("mongodb://127.0.0.1:1"),
          serverSelectionTimeout: "300 millis",
          logging: {}
        })),
        "Info"
      )
      assert.deepStrictEqual([...componentsOf(entries)], ["serverSelection"])
      assert.deepStrictEqual([...new Set(entries.map(({ level }) => level))], ["Info"])
    }))
})
