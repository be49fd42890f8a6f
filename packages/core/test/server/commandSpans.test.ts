/**
 * The spans of commands: one per attempt on the wire, inside the span of its operation.
 *
 * @since 0.1.0
 */
import { assert, describe, it } from "@effect/vitest"
import { MongoClient, type MongoClientConfig, type MongoError } from "@mongofx/core"
import { attach, queryText, runWithParent } from "@mongofx/core/internal/telemetry/commandSpans"
import { Effect, Exit, Fiber, Option, Redacted, Scope, Stream, Tracer } from "effect"
import * as Driver from "mongodb"
import { randomUUID } from "node:crypto"
import { inspect } from "node:util"
import { exitOf, Recorder } from "../support/recorder.ts"
import { failCommand, setup, until, uri } from "../support/utils.ts"

const server = new URL(uri.replace(/^mongodb:/, "http:"))

class CommandRecorder extends Recorder {
  /** The spans of commands: those with a command's name. */
  get commands(): ReadonlyArray<Tracer.NativeSpan> {
    return this.spans.filter((span) => span.attributes.has("db.command.name"))
  }

  get operations(): ReadonlyArray<Tracer.NativeSpan> {
    return this.spans.filter((span) => span.attributes.has("db.operation.name"))
  }

  /** The names of the commands inside of each operation, in order. */
  get tree(): Record<string, Array<string>> {
    return Object.fromEntries(
      this.operations.map((operation) => [
        operation.name,
        this.commands.filter((span) => Option.getOrUndefined(span.parent) === operation).map((span) => span.name)
      ])
    )
  }
}

/** A client that is made and used under a tracer that records. */
const traced = (config: Omit<MongoClientConfig.MongoClientConfig, "url"> = { commandSpans: true }) =>
  Effect.gen(function*() {
    const recorder = new CommandRecorder()
    const fixture = yield* recorder.in(setup(config))
    const things = fixture.db.collection("things")
    yield* Effect.promise(() =>
      fixture.admin.db(fixture.db.name).collection("things").insertMany(
        Array.from({ length: 5 }, (_, a) => ({ a }))
      )
    )
    recorder.spans.length = 0
    return { ...fixture, recorder, things }
  })

describe("command spans", () => {
  it.live("are inside the span of their operation, with OpenTelemetry's attributes", () =>
    Effect.gen(function*() {
      const { db, last, recorder, things } = yield* traced()
      yield* recorder.in(things.findOne({ a: 1 }))
      assert.deepStrictEqual(recorder.tree, { "find things": ["find"] })
      const [span] = recorder.commands
      assert.strictEqual(span.kind, "client")
      assert.isTrue(Exit.isSuccess(exitOf(span)))
      const {
        "db.mongodb.driver_connection_id": driverConnection,
        "db.mongodb.server_connection_id": serverConnection,
        ...attributes
      } = Object.fromEntries(span.attributes)
      assert.isNumber(driverConnection)
      assert.isNumber(serverConnection)
      assert.deepStrictEqual(attributes, {
        "db.system.name": "mongodb",
        "db.namespace": db.name,
        "db.collection.name": "things",
        "db.command.name": "find",
        "db.query.summary": `find ${db.name}.things`,
        "server.address": server.hostname,
        "server.port": Number(server.port),
        "network.transport": "tcp",
        "db.mongodb.lsid": last("find")["lsid"].id.toUUID().toHexString()
      })
    }))

  it.live("are off by default, and off when nobody listens", () =>
    Effect.gen(function*() {
      // Command events are on in both: mongofx does not make spans of them.
      for (const config of [{}, { commandSpans: false }]) {
        const { recorder, sent, things } = yield* traced(config)
        yield* recorder.in(things.findOne({ a: 1 }))
        yield* recorder.in(things.find().batchSize(2))
        assert.include(sent(), "getMore")
        assert.deepStrictEqual(recorder.spans.map((span) => span.name), ["find things", "find things"])
      }
      const { recorder, sent, things } = yield* traced()
      yield* recorder.in(Effect.withTracerEnabled(things.findOne({ a: 1 }), false))
      yield* things.findOne({ a: 1 })
      assert.deepStrictEqual(sent(), ["find", "find"])
      assert.deepStrictEqual(recorder.spans, [])
    }))

  it.live("leave the driver's events off when nobody asks for them", () =>
    Effect.gen(function*() {
      const monitors = (config: MongoClientConfig.ClientOptions) =>
        Effect.scoped(Effect.flatMap(
          MongoClient.make({ url: Redacted.make(uri), ...config }),
          (mongo) =>
            mongo.use(async (driver) => [driver.options.monitorCommands, driver.listenerCount("commandStarted")])
        ))
      assert.deepStrictEqual(yield* monitors({}), [false, 0])
      assert.deepStrictEqual(yield* monitors({ commandSpans: true }), [true, 1])
    }))

  it.live("exist for each attempt", () =>
    Effect.gen(function*() {
      const fixture = yield* traced()
      const { recorder, things } = fixture
      yield* failCommand(fixture, { times: 1 }, {
        failCommands: ["find", "insert"],
        errorCode: 91,
        errorLabels: ["RetryableWriteError"]
      })
      yield* recorder.in(things.findOne({ a: 1 }))
      assert.deepStrictEqual(recorder.tree, { "find things": ["find", "find"] })
      const [first, second] = recorder.commands
      assert.isTrue(Exit.isFailure(exitOf(first)))
      assert.strictEqual(first.attributes.get("db.response.status_code"), "91")
      assert.strictEqual(first.attributes.get("error.type"), "91")
      assert.isTrue(Exit.isSuccess(exitOf(second)))
      assert.isFalse(second.attributes.has("error.type"))
      // The operation did not fail.
      const [operation] = recorder.operations
      assert.isTrue(Exit.isSuccess(exitOf(operation)))
      assert.isFalse(operation.attributes.has("error.type"))
    }))

  it.live("have the driver's error for an attempt whose connection broke", () =>
    Effect.gen(function*() {
      const fixture = yield* traced()
      const { recorder, things } = fixture
      yield* failCommand(fixture, { times: 1 }, { failCommands: ["insert"], closeConnection: true })
      yield* recorder.in(things.insertOne({}))
      assert.deepStrictEqual(recorder.tree, { "insert things": ["insert", "insert"] })
      const [first, second] = recorder.commands
      assert.strictEqual(first.attributes.get("error.type"), "MongoNetworkError")
      assert.isFalse(first.attributes.has("db.response.status_code"))
      assert.strictEqual(second.attributes.get("db.mongodb.txn_number"), first.attributes.get("db.mongodb.txn_number"))
      assert.isAbove(Number(first.attributes.get("db.mongodb.txn_number")), 0)
    }))

  it.live("show the code of a failure, without the values in the server's message", () =>
    Effect.gen(function*() {
      const { recorder, things } = yield* traced()
      const secret = "s3cr3t-key"
      yield* things.insertOne({ _id: secret } as Driver.Document)
      yield* Effect.exit(recorder.in(things.updateOne({ a: 1 }, { $set: { _id: secret } } as Driver.Document)))
      yield* Effect.exit(recorder.in(things.find({ $nonsense: secret })))
      // The server reports a duplicate key inside a successful reply.
      yield* Effect.exit(recorder.in(things.insertOne({ _id: secret } as Driver.Document)))
      yield* Effect.exit(recorder.in(things.findOneAndUpdate(
        { a: 1, _id: secret } as Driver.Document,
        { $set: { a: 2 } },
        { collation: { locale: secret } }
      )))
      const failed = recorder.commands.filter((span) => Exit.isFailure(exitOf(span)))
      assert.deepStrictEqual(failed.map((span) => span.name), ["find", "findAndModify"])
      for (const span of failed) assert.match(String(span.attributes.get("db.response.status_code")), /^\d+$/)
      for (const span of recorder.commands) {
        assert.notInclude(inspect([span.attributes, exitOf(span)], { depth: 20 }), secret)
      }
    }))

  it.live("exist for each batch of a query", () =>
    Effect.gen(function*() {
      const { recorder, things } = yield* traced()
      yield* recorder.in(Stream.runDrain(things.find().batchSize(2).stream))
      assert.deepStrictEqual(recorder.tree, { "find things": ["find", "getMore", "getMore"] })
      const [find, ...more] = recorder.commands
      const cursor = find.attributes.get("db.mongodb.cursor_id")
      assert.match(String(cursor), /^-?\d+$/)
      assert.notStrictEqual(cursor, "0")
      for (const span of more) {
        assert.strictEqual(span.attributes.get("db.mongodb.cursor_id"), cursor)
        assert.strictEqual(span.attributes.get("db.collection.name"), "things")
      }
    }))

  it.live("stay with their operations when several wait for one connection", () =>
    Effect.gen(function*() {
      const { db, recorder } = yield* traced({ commandSpans: true, maxPoolSize: 1 })
      const names = Array.from({ length: 8 }, (_, i) => `c${i}`)
      yield* recorder.in(
        Effect.forEach(names, (name) => db.collection(name).insertOne({}), { concurrency: "unbounded" })
      )
      assert.strictEqual(recorder.commands.length, names.length)
      for (const span of recorder.commands) {
        const parent = Option.getOrThrow(span.parent) as Tracer.Span
        assert.strictEqual(parent.name, `insert ${span.attributes.get("db.collection.name")}`)
      }
    }))

  it.live("exist for the promise of use", () =>
    Effect.gen(function*() {
      const { db, mongo, recorder } = yield* traced()
      yield* recorder.in(mongo.use(async (driver) => {
        await driver.db(db.name).collection("things").findOne()
        await driver.db(db.name).command({ ping: 1 })
      }))
      assert.deepStrictEqual(recorder.operations.length, 1)
      assert.deepStrictEqual(Object.values(recorder.tree), [["find", "ping"]])
    }))

  it.live("exist for the abort of a transaction", () =>
    Effect.gen(function*() {
      const { mongo, recorder, things } = yield* traced()
      yield* Effect.exit(recorder.in(mongo.withTransaction(Effect.andThen(things.insertOne({}), Effect.fail("no")))))
      assert.deepStrictEqual(recorder.tree, {
        "insert things": ["insert"],
        "abortTransaction admin": ["abortTransaction"]
      })
    }))

  it.live("end as interrupted", () =>
    Effect.gen(function*() {
      const { recorder, sent, things } = yield* traced()
      const fiber = yield* Effect.forkChild(recorder.in(things.findOne({ $where: "sleep(3000)" })))
      yield* until("the find is sent", () => sent().length === 1)
      yield* Fiber.interrupt(fiber)
      yield* until("the span has ended", () => recorder.commands[0]?.status._tag === "Ended")
      assert.deepStrictEqual(recorder.tree, { "find things": ["find"] })
      assert.isTrue(Exit.hasInterrupts(exitOf(recorder.commands[0])))
    }))
})

describe("no command span", () => {
  it.live("comes from heartbeats and handshakes", () =>
    Effect.gen(function*() {
      const recorder = new CommandRecorder()
      const heartbeats: Array<unknown> = []
      const { mongo, driver, things } = yield* traced({ commandSpans: true, heartbeatFrequency: "500 millis" })
      driver.on("serverHeartbeatStarted", (event) => heartbeats.push(event))
      // Each needs its own connection, which is made inside the operation.
      yield* recorder.in(Effect.forEach([1, 2, 3], () => things.findOne({ $where: "sleep(100) || true" }), {
        concurrency: "unbounded"
      }))
      yield* mongo.ping
      yield* until("there are heartbeats", () => heartbeats.length > 0)
      assert.deepStrictEqual([...new Set(recorder.spans.map((span) => span.name))].sort(), ["find", "find things"])
    }))

  it.live("comes from a login", () =>
    Effect.gen(function*() {
      const { admin, db } = yield* setup()
      const name = `user_${randomUUID().slice(0, 8)}`
      const password = "s3cr3t-pa55word"
      yield* Effect.acquireRelease(
        Effect.promise(() => admin.db(db.name).command({ createUser: name, pwd: password, roles: ["dbOwner"] })),
        () => Effect.promise(() => admin.db(db.name).command({ dropUser: name }))
      )
      const recorder = new CommandRecorder()
      yield* Effect.scoped(recorder.in(Effect.gen(function*() {
        const mongo = yield* MongoClient.make({
          url: Redacted.make(uri),
          username: name,
          password: Redacted.make(password),
          authSource: db.name,
          commandSpans: { queryText: true }
        })
        const things = mongo.db(db.name).collection("things")
        yield* Effect.forEach([1, 2, 3], () => things.findOne({ $where: "sleep(100) || true" }), {
          concurrency: "unbounded"
        })
      })))
      assert.deepStrictEqual(
        recorder.commands.map((span) => span.name).sort(),
        ["find", "find", "find", "ping"]
      )
      assert.notInclude(inspect(recorder.spans, { depth: 20 }), password)
    }))

  it.live("comes from commands without an operation", () =>
    Effect.gen(function*() {
      const { db, driver, recorder, sent } = yield* traced()
      yield* recorder.in(Effect.promise(() => driver.db(db.name).collection("things").findOne()))
      assert.deepStrictEqual(sent(), ["find"])
      assert.deepStrictEqual(recorder.spans, [])
    }))
})

describe("the text of a query", () => {
  it.live("exists only when asked for", () =>
    Effect.gen(function*() {
      for (const commandSpans of [true, { queryText: false }]) {
        const { recorder, things } = yield* traced({ commandSpans })
        yield* recorder.in(things.findOne({ a: 1 }))
        assert.strictEqual(recorder.commands.length, 1)
        assert.isFalse(recorder.commands[0].attributes.has("db.query.text"))
      }
    }))

  it.live("has the form of the command, without values", () =>
    Effect.gen(function*() {
      const { recorder, things } = yield* traced({ commandSpans: { queryText: true } })
      const secret = "s3cr3t-value"
      const texts = <A>(effect: Effect.Effect<A, MongoError.MongoError>) =>
        Effect.gen(function*() {
          recorder.spans.length = 0
          yield* recorder.in(effect)
          assert.notInclude(inspect(recorder.commands.map((span) => [span.name, span.attributes])), secret)
          return recorder.commands.map((span) => span.attributes.get("db.query.text"))
        })
      assert.deepStrictEqual(
        yield* texts(things.find({ name: secret, a: { $gt: 1, $in: [1, 2, 3] } }).sort({ a: 1 })),
        [
          "{\"find\":\"things\",\"filter\":{\"name\":\"?\",\"a\":{\"$gt\":\"?\",\"$in\":[\"?\"]}},\"sort\":{\"a\":\"?\"}}"
        ]
      )
      assert.deepStrictEqual(yield* texts(things.insertMany([{ secret }, { secret, b: { c: secret } }])), [
        "{\"insert\":\"things\",\"documents\":[\"?\"],\"ordered\":\"?\",\"txnNumber\":\"?\"}"
      ])
      const [update] = yield* texts(things.updateOne({ secret }, { $set: { "b.c": secret } }))
      assert.include(String(update), "\"updates\":[{\"q\":{\"secret\":\"?\"},\"u\":{\"$set\":{\"b.c\":\"?\"}}")
      const [aggregate] = yield* texts(things.aggregate([{ $match: { secret } }, { $limit: 1 }]))
      assert.include(String(aggregate), "\"pipeline\":[{\"$match\":{\"secret\":\"?\"}},{\"$limit\":\"?\"}]")
      const [explain] = yield* texts(things.find({ secret }).explain())
      assert.match(String(explain), /^\{"explain":\{"find":"things","filter":\{"secret":"\?"\}/)
    }))

  it("replaces every kind of value", () => {
    const values = [
      1,
      1n,
      "text",
      true,
      null,
      new Date(0),
      /text/,
      new Driver.ObjectId(),
      new Driver.Long(1),
      Driver.Decimal128.fromString("1"),
      new Driver.Binary(Buffer.from("text")),
      Buffer.from("text"),
      new Driver.UUID()
    ]
    for (const value of values) {
      assert.strictEqual(queryText({ find: "c", filter: { a: value } }), "{\"find\":\"c\",\"filter\":{\"a\":\"?\"}}")
    }
    assert.strictEqual(
      queryText({ find: "c", filter: new Map<string, unknown>([["a", 1], ["b", [[2, 3], { c: 4 }, 5]]]) }),
      "{\"find\":\"c\",\"filter\":{\"a\":\"?\",\"b\":[[\"?\"],{\"c\":\"?\"},\"?\"]}}"
    )
    assert.strictEqual(queryText({ find: "c", filter: {}, hint: [] }), "{\"find\":\"c\",\"filter\":{},\"hint\":[]}")
  })

  it("names the collection only if the command does", () => {
    assert.strictEqual(
      queryText({ getMore: new Driver.Long(5), collection: "c" }),
      "{\"getMore\":\"?\",\"collection\":\"c\"}"
    )
    assert.strictEqual(queryText({ renameCollection: "a.b", to: "a.c" }), "{\"renameCollection\":\"?\",\"to\":\"?\"}")
    assert.strictEqual(queryText({ aggregate: 1, pipeline: [] }), "{\"aggregate\":\"?\",\"pipeline\":[]}")
    // A value that happens to be the collection's name is a value.
    assert.strictEqual(
      queryText({ find: "secret", filter: { a: "secret" }, comment: "secret" }),
      "{\"find\":\"secret\",\"filter\":{\"a\":\"?\"},\"comment\":\"?\"}"
    )
  })

  it("is cut off", () => {
    const text = queryText({ find: "c", filter: { ["a".repeat(100)]: 1 } }, 20)
    assert.strictEqual(text, "{\"find\":\"c\",\"filter\"…")
    assert.strictEqual(queryText({ find: "c" }, 12), "{\"find\":\"c\"}")
    const long = queryText({
      find: "c",
      filter: Object.fromEntries(Array.from({ length: 9999 }, (_, i) => [`k${i}`, i]))
    })
    assert.strictEqual(long?.length, 1025)
  })

  it("does not exist for commands that carry credentials", () => {
    for (
      const command of [
        { saslStart: 1 },
        { createUser: "ada", pwd: "x" },
        { updateUser: "ada", pwd: "x" },
        { authenticate: 1 },
        { hello: 1, speculativeAuthenticate: { saslStart: 1 } },
        {}
      ]
    ) {
      assert.isUndefined(queryText(command))
    }
    assert.isDefined(queryText({ hello: 1 }))
  })
})

describe("listening", () => {
  const client = Effect.acquireRelease(
    Effect.promise(() => Driver.MongoClient.connect(uri, { monitorCommands: true })),
    (driver) => Effect.promise(() => driver.close())
  )
  const listeners = (driver: Driver.MongoClient) =>
    (["commandStarted", "commandSucceeded", "commandFailed"] as const).map((name) => driver.listenerCount(name))

  it.live("ends with the scope, and ends the open spans", () =>
    Effect.gen(function*() {
      const driver = yield* client
      const recorder = new CommandRecorder()
      const scope = yield* Scope.make()
      yield* recorder.in(Scope.provide(attach(driver, { queryText: false }), scope))
      assert.deepStrictEqual(listeners(driver), [1, 1, 1])
      const parent = recorder.tracer.span({
        name: "parent",
        parent: Option.none(),
        annotations: yield* Effect.context<never>(),
        links: [],
        startTime: 0n,
        kind: "internal",
        root: true,
        sampled: true
      })
      const find = () => driver.db("admin").collection("mongofx_nothing").aggregate([{ $currentOp: {} }]).toArray()
      const sleeping = runWithParent(parent, () => driver.db("admin").command({ sleep: 1, millis: 200, lock: "none" }))
      yield* until("the command is sent", () => recorder.spans.length === 2)
      yield* Scope.close(scope, Exit.void)
      assert.deepStrictEqual(listeners(driver), [0, 0, 0])
      assert.isTrue(Exit.hasInterrupts(exitOf(recorder.spans[1])))
      yield* Effect.promise(() => sleeping)
      yield* Effect.promise(() => runWithParent(parent, find).catch(() => undefined))
      assert.strictEqual(recorder.spans.length, 2)
    }))

  it.live("uses the tracer of the operation if it has one", () =>
    Effect.gen(function*() {
      const driver = yield* client
      const [own, given] = [new CommandRecorder(), new CommandRecorder()]
      yield* own.in(attach(driver, { queryText: false }))
      const span = yield* given.in(Effect.makeSpan("operation"))
      yield* Effect.promise(() => runWithParent(span, () => driver.db("admin").command({ ping: 1 }), given.tracer))
      assert.deepStrictEqual(own.spans, [])
      assert.deepStrictEqual(given.spans.map((span) => span.name), ["operation", "ping"])
    }))

  it.live("loses only the span of a tracer that throws", () =>
    Effect.gen(function*() {
      const driver = yield* client
      const span = yield* Effect.makeSpan("operation")
      let asked = 0
      const broken = Tracer.make({
        span: () => {
          asked++
          throw new Error("broken")
        }
      })
      yield* Effect.provideService(attach(driver, { queryText: true }), Tracer.Tracer, broken)
      const reply = yield* Effect.promise(() => runWithParent(span, () => driver.db("admin").command({ ping: 1 })))
      assert.strictEqual(reply["ok"], 1)
      assert.strictEqual(asked, 1)
    }))
})
