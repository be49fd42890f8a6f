/**
 * The spans and the duration metric of operations on a real server. `poolMetrics.test.ts` has the metrics of pools,
 * `commandSpans.test.ts` the spans of commands.
 *
 * @since 0.1.0
 */
import { assert, describe, it } from "@effect/vitest"
import { MongoClient, type MongoError } from "@mongofx/core"
import { withOperationSpan } from "@mongofx/core/internal/telemetry/operationSpans"
import { durationBoundaries } from "@mongofx/core/internal/telemetry/telemetry"
import { Effect, Exit, Fiber, Metric, Option, Redacted, Stream, Tracer } from "effect"
import * as Driver from "mongodb"
import { exitOf, Recorder } from "../support/recorder.ts"
import { failCommand, measuringRealTime, setup, until, uri } from "../support/utils.ts"

const server = new URL(uri.replace(/^mongodb:/, "http:"))
const serverAttributes = { "server.address": server.hostname, "server.port": Number(server.port) }

/** The spans of an effect that may fail only with a `MongoError`. */
const spansOf = <A, R>(effect: Effect.Effect<A, MongoError.MongoError, R>) =>
  Effect.gen(function*() {
    const recorder = new Recorder()
    const exit = yield* Effect.exit(recorder.in(effect))
    return { exit, spans: recorder.spans }
  })

const fixture = Effect.gen(function*() {
  const fixture = yield* setup()
  const things = fixture.db.collection("things")
  yield* things.insertOne({ _id: 1, a: 1 } as Driver.Document)
  return { ...fixture, things }
})

describe("the span of an operation", () => {
  it.live("has OpenTelemetry's name, kind and attributes", () =>
    Effect.gen(function*() {
      const { db, mongo, things } = yield* fixture
      const collection = { "db.namespace": db.name, "db.collection.name": "things" }
      const database = { "db.namespace": db.name }
      type Case = readonly [
        Effect.Effect<unknown, MongoError.MongoError>,
        command: string,
        target: string,
        attributes: Record<string, unknown>
      ]
      const cases: ReadonlyArray<Case> = [
        [things.insertOne({}), "insert", "things", collection],
        [things.insertMany([{}, {}, {}]), "insert", "things", { ...collection, "db.operation.batch.size": 3 }],
        // One operation is not a batch.
        [things.insertMany([{}]), "insert", "things", collection],
        [
          things.bulkWrite([{ insertOne: { document: {} } }, { deleteOne: { filter: { a: 7 } } }]),
          "bulkWrite",
          "things",
          { ...collection, "db.operation.batch.size": 2 }
        ],
        [things.updateOne({ a: 1 }, { $set: { b: 1 } }), "update", "things", collection],
        [things.updateMany({ a: 1 }, { $set: { b: 1 } }), "update", "things", collection],
        [things.replaceOne({ a: 1 }, { a: 1 }), "update", "things", collection],
        [things.deleteOne({ a: 7 }), "delete", "things", collection],
        [things.deleteMany({ a: 7 }), "delete", "things", collection],
        [things.findOne({ a: 1 }), "find", "things", collection],
        [things.find({ a: 1 }), "find", "things", collection],
        [things.find({ a: 1 }).first, "find", "things", collection],
        [Stream.runDrain(things.find({ a: 1 }).batchSize(1).stream), "find", "things", collection],
        [things.find({ a: 1 }).explain(), "explain", "things", collection],
        [things.findOneAndUpdate({ a: 1 }, { $set: { b: 2 } }), "findAndModify", "things", collection],
        [things.findOneAndReplace({ a: 1 }, { a: 1 }), "findAndModify", "things", collection],
        [things.findOneAndDelete({ a: 7 }), "findAndModify", "things", collection],
        [things.aggregate([{ $match: { a: 1 } }]), "aggregate", "things", collection],
        [things.countDocuments(), "aggregate", "things", collection],
        [things.estimatedDocumentCount(), "count", "things", collection],
        [things.distinct("a"), "distinct", "things", collection],
        [things.createIndex({ a: 1 }), "createIndexes", "things", collection],
        [things.listIndexes(), "listIndexes", "things", collection],
        [things.dropIndex("a_1"), "dropIndexes", "things", collection],
        [db.createCollection("made"), "create", "made", { ...database, "db.collection.name": "made" }],
        [db.dropCollection("made"), "drop", "made", { ...database, "db.collection.name": "made" }],
        [db.validateCollection("things"), "validate", "things", collection],
        [db.listCollections(), "listCollections", db.name, database],
        [db.aggregate([{ $documents: [{ a: 1 }] }]), "aggregate", db.name, database],
        [db.command({ ping: 1 }), "ping", db.name, database],
        [db.runCursorCommand({ listCollections: 1 }), "listCollections", db.name, database],
        [db.stats(), "dbStats", db.name, database],
        [mongo.ping, "ping", "admin", {}],
        [mongo.serverInfo, "buildInfo", "admin", {}],
        [mongo.listDatabases(), "listDatabases", "admin", {}],
        [mongo.dropDatabase(db.name), "dropDatabase", db.name, database]
      ]
      for (const [effect, command, target, attributes] of cases) {
        const { exit, spans } = yield* spansOf(effect)
        const what = `${command} ${target}`
        assert.isTrue(Exit.isSuccess(exit), what)
        assert.deepStrictEqual(spans.map((span) => span.name), [what])
        const [span] = spans
        assert.strictEqual(span.kind, "client")
        assert.isTrue(Exit.isSuccess(exitOf(span)), what)
        assert.deepStrictEqual(Object.fromEntries(span.attributes), {
          "db.system.name": "mongodb",
          "db.operation.name": command,
          ...attributes,
          ...serverAttributes
        }, what)
      }
    }))

  it.live("is inside the span around it", () =>
    Effect.gen(function*() {
      const { things } = yield* fixture
      const { spans } = yield* spansOf(Effect.withSpan(things.findOne({ a: 1 }), "outer"))
      const [outer, find] = spans
      assert.deepStrictEqual(spans.map((span) => span.name), ["outer", "find things"])
      assert.strictEqual(Option.getOrUndefined(find.parent), outer)
      assert.strictEqual(find.traceId, outer.traceId)
    }))

  it.live("is a new one for every run", () =>
    Effect.gen(function*() {
      const { things } = yield* fixture
      const find = things.findOne({ a: 1 })
      const { spans } = yield* spansOf(Effect.andThen(find, find))
      assert.strictEqual(new Set(spans.map((span) => span.spanId)).size, 2)
    }))

  it.live("lasts as long as its operation", () =>
    Effect.gen(function*() {
      const { things } = yield* fixture
      const { spans: [span] } = yield* spansOf(things.findOne({ $where: "sleep(60) || true" }))
      if (span.status._tag !== "Ended") throw new Error("not ended")
      assert.isAtLeast(Number(span.status.endTime - span.status.startTime), 50e6)
    }).pipe(measuringRealTime))

  it.live("has its attributes from the start, so that a sampler sees them", () =>
    Effect.gen(function*() {
      const { db, things } = yield* fixture
      const seen: Array<unknown> = []
      const tracer = Tracer.make({
        span: (options) => {
          const span = new Tracer.NativeSpan(options)
          queueMicrotask(() => seen.push(span.attributes.get("db.namespace")))
          return span
        }
      })
      yield* Effect.provideService(things.findOne({ a: 1 }), Tracer.Tracer, tracer)
      assert.deepStrictEqual(seen, [db.name])
    }))

  it.live("says how a server's error failed the operation", () =>
    Effect.gen(function*() {
      const { things } = yield* fixture
      const { exit, spans: [span] } = yield* spansOf(things.insertOne({ _id: 1 } as Driver.Document))
      assert.isTrue(Exit.isFailure(exit))
      assert.strictEqual(span.attributes.get("db.response.status_code"), "11000")
      assert.strictEqual(span.attributes.get("error.type"), "11000")
      assert.isTrue(Exit.isFailure(exitOf(span)))
    }))

  it.live("says how a query failed, in its first batch and later", () =>
    Effect.gen(function*() {
      const { db, things } = yield* fixture
      const first = yield* spansOf(things.find({ $nonsense: 1 }))
      assert.deepInclude(Object.fromEntries(first.spans[0].attributes), {
        "db.response.status_code": "2",
        "error.type": "2"
      })
      yield* db.collection("many").insertMany(Array.from({ length: 5 }, (_, a) => ({ a })))
      // The division fails at the third document.
      const later = yield* spansOf(
        db.collection("many").aggregate([{ $project: { b: { $divide: [1, { $subtract: [2, "$a"] }] } } }]).batchSize(1)
      )
      assert.isTrue(Exit.isFailure(later.exit))
      assert.strictEqual(later.spans.length, 1)
      assert.match(String(later.spans[0].attributes.get("db.response.status_code")), /^\d+$/)
      assert.isTrue(Exit.isFailure(exitOf(later.spans[0])))
    }))

  it.live("has the reason of a failure without a code", () =>
    Effect.gen(function*() {
      const { things } = yield* fixture
      for (const effect of [things.find({ a: undefined }), things.deleteMany({ a: undefined })]) {
        const { spans: [span] } = yield* spansOf<unknown, never>(effect)
        assert.isFalse(span.attributes.has("db.response.status_code"))
        assert.strictEqual(span.attributes.get("error.type"), "InvalidArgumentError")
      }
    }))

  it.live("ends as interrupted when its operation is interrupted", () =>
    Effect.gen(function*() {
      const { sent, things } = yield* fixture
      for (const effect of [things.findOne({ $where: "sleep(5000)" }), things.find({ $where: "sleep(5000)" })]) {
        const recorder = new Recorder()
        const before = sent().length
        const fiber = yield* Effect.forkChild(recorder.in<unknown, unknown, never>(effect))
        yield* until("the find is sent", () => sent().length > before)
        yield* Fiber.interrupt(fiber)
        assert.strictEqual(recorder.spans.length, 1)
        assert.isTrue(Exit.hasInterrupts(exitOf(recorder.spans[0])))
      }
    }))

  it.live("has no values of documents and filters", () =>
    Effect.gen(function*() {
      const { things } = yield* fixture
      const secret = "s3cr3t-value"
      const { spans } = yield* spansOf(Effect.all([
        things.insertOne({ secret }),
        things.findOne({ secret }),
        things.updateOne({ secret }, { $set: { secret } }),
        things.aggregate([{ $match: { secret } }])
      ]))
      assert.strictEqual(spans.length, 4)
      assert.notInclude(JSON.stringify(spans.map((span) => [span.name, [...span.attributes], span.events])), secret)
      assert.isFalse(spans.some((span) => span.attributes.has("db.query.text")))
    }))
})

describe("the server's address", () => {
  const attributesFor = (url: string) =>
    Effect.gen(function*() {
      const driver = yield* Effect.acquireRelease(
        Effect.sync(() => new Driver.MongoClient(url, { serverSelectionTimeoutMS: 1 })),
        (driver) => Effect.promise(() => driver.close())
      )
      const mongo = yield* MongoClient.fromClient(driver)
      const { spans: [span] } = yield* spansOf(mongo.ping)
      return Object.fromEntries([...span.attributes].filter(([key]) => key.startsWith("server.")))
    })

  it.live.each<[url: string, expected: Record<string, unknown>]>([
    ["mongodb://127.0.0.1:1", { "server.address": "127.0.0.1", "server.port": 1 }],
    // By the conventions, the default port is left out.
    ["mongodb://127.0.0.9:27017", { "server.address": "127.0.0.9" }],
    ["mongodb://127.0.0.9", { "server.address": "127.0.0.9" }],
    ["mongodb://[::1]:1", { "server.address": "::1", "server.port": 1 }],
    ["mongodb://%2Ftmp%2Fnothing.sock", { "server.address": "/tmp/nothing.sock" }],
    // With several servers, the one to use is unknown at the start.
    ["mongodb://127.0.0.1:1,127.0.0.1:2", {}]
  ])("of %s", ([url, expected]) =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* attributesFor(url), expected)
    }))
})

describe("without a tracer", () => {
  const connection = { attributes: serverAttributes } as unknown as Parameters<typeof withOperationSpan>[0]
  const spanOf = Effect.withFiber((fiber) =>
    withOperationSpan(connection, { name: "findOne", command: "find" }, fiber, (span) => Effect.succeed(span))
  )

  it.effect("an operation has no span", () =>
    Effect.gen(function*() {
      assert.isUndefined(yield* spanOf)
      const recorder = new Recorder()
      assert.strictEqual(yield* recorder.in(spanOf), recorder.spans[0])
    }))

  it.live("an operation has no span when tracing is turned off", () =>
    Effect.gen(function*() {
      const { things } = yield* fixture
      const recorder = new Recorder()
      yield* recorder.in(Effect.withTracerEnabled(Effect.all([things.findOne(), things.find()]), false))
      assert.deepStrictEqual(recorder.spans, [])
    }))
})

describe("db.client.operation.duration", () => {
  const measured = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
    Effect.gen(function*() {
      const registry: Metric.MetricRegistry = new Map()
      yield* Effect.exit(Effect.provideService(effect, Metric.MetricRegistry, registry))
      const series = yield* Effect.provideService(Metric.snapshot, Metric.MetricRegistry, registry)
      return series.filter((series) => series.id === "db.client.operation.duration").map((series) => {
        if (series.type !== "Histogram") throw new Error(`it is a ${series.type}`)
        return series
      })
    })

  it.live("counts operations by name and outcome, with unit and boundaries", () =>
    Effect.gen(function*() {
      const { db, things } = yield* fixture
      const series = yield* measured(Effect.all([
        things.findOne(),
        things.findOne(),
        things.find(),
        things.insertMany([{}, {}]),
        db.stats()
      ]))
      const attributes = {
        unit: "s",
        "db.system.name": "mongodb",
        "db.namespace": db.name,
        "server.address": server.hostname,
        "server.port": server.port
      }
      const counts = new Map(series.map((series) => [series.attributes?.["db.operation.name"], series]))
      assert.strictEqual(counts.size, series.length)
      const expected = [["find", 3, "things"], ["insert", 1, "things"], ["dbStats", 1, undefined]] as const
      assert.strictEqual(series.length, expected.length)
      for (const [command, count, collection] of expected) {
        assert.strictEqual(counts.get(command)?.state.count, count)
        assert.deepStrictEqual(counts.get(command)?.attributes, {
          ...attributes,
          "db.operation.name": command,
          ...(collection === undefined ? {} : { "db.collection.name": collection })
        })
      }
      for (const { state } of series) {
        assert.deepStrictEqual(
          state.buckets.map(([boundary]) => boundary).filter((boundary) => boundary !== Infinity),
          [...durationBoundaries]
        )
      }
    }))

  it.live("does not count connecting, which is not a command", () =>
    Effect.gen(function*() {
      const series = yield* measured(Effect.scoped(MongoClient.make({ url: Redacted.make(uri) })))
      assert.deepStrictEqual(series.map(({ attributes }) => attributes?.["db.operation.name"]), ["ping"])
    }))

  it.live("counts failures separately, by code or reason", () =>
    Effect.gen(function*() {
      const { things } = yield* fixture
      const failures = [
        things.insertOne({ _id: 1 } as Driver.Document),
        things.deleteMany({ a: undefined }),
        things.find({ $nonsense: 1 })
      ] as ReadonlyArray<Effect.Effect<unknown, MongoError.MongoError>>
      const series = yield* measured(Effect.forEach(failures, Effect.exit))
      const failed = Object.fromEntries(
        series.map(({ attributes }) => [
          attributes?.["db.operation.name"],
          [attributes?.["error.type"], attributes?.["db.response.status_code"]]
        ])
      )
      assert.deepStrictEqual(failed, {
        insert: ["11000", "11000"],
        delete: ["InvalidArgumentError", undefined],
        find: ["2", "2"]
      })
    }))

  it.live("counts the failures of one operation separately from each other and from its successes", () =>
    Effect.gen(function*() {
      const { things } = yield* fixture
      const inserts = [{ _id: 1 }, { _id: 2 }, { _id: 1 }, { at: new Date(NaN) }] as ReadonlyArray<Driver.Document>
      const series = yield* measured(Effect.forEach(inserts, (document) => Effect.exit(things.insertOne(document))))
      assert.deepStrictEqual(
        new Map(series.map(({ attributes, state }) => [attributes?.["error.type"], state.count])),
        new Map([[undefined, 1], ["11000", 2], ["InvalidArgumentError", 1]])
      )
    }))

  it.live("measures seconds once per operation, including retries", () =>
    Effect.gen(function*() {
      const fixture_ = yield* fixture
      const [slow, ...others] = yield* measured(fixture_.things.findOne({ $where: "sleep(60) || true" }))
      assert.deepStrictEqual(others, [])
      assert.strictEqual(slow.state.count, 1)
      assert.isAtLeast(slow.state.sum, 0.05)
      assert.isBelow(slow.state.sum, 5)
      yield* failCommand(fixture_, { times: 1 }, { failCommands: ["find"], errorCode: 91 })
      const [retried] = yield* measured(fixture_.things.findOne())
      assert.strictEqual(retried.state.count, 1)
      assert.isUndefined(retried.attributes?.["error.type"])
    }).pipe(measuringRealTime))

  it.live("measures the server's work on a stream, not its reader's", () =>
    Effect.gen(function*() {
      const { things } = yield* fixture
      yield* things.insertMany([{}, {}, {}])
      const [stream, ...others] = yield* measured(
        Stream.runForEach(things.find().batchSize(1).stream, () => Effect.sleep("100 millis"))
      )
      assert.deepStrictEqual(others, [])
      assert.strictEqual(stream.state.count, 1)
      assert.isBelow(stream.state.sum, 0.3)
    }).pipe(measuringRealTime))
})
