import { assert, describe, it } from "@effect/vitest"
import { type ChangeStream, MongoClient, type MongoError } from "@mongofx/core"
import { MongoServer } from "@mongofx/testing"
import { Effect, Exit, Fiber, Option, Redacted, Stream } from "effect"
import { TestClock } from "effect/testing"
import * as Driver from "mongodb"
import {
  failCommand,
  type Fixture,
  interrupt,
  nothingLeft,
  reasonOf,
  setup,
  timed,
  until,
  uri,
  waitingByTestClock
} from "../support/utils.ts"
import { send, spoilt } from "../support/wire.ts"

const hasBinary = (process.env["MONGOD_BINARY"] ?? "") !== ""

interface Item {
  readonly _id: number
  readonly n?: number
}

const watched = Effect.gen(function*() {
  const fixture = yield* setup()
  const items = fixture.db.collection<Item>("items")
  yield* fixture.db.createCollection("items", { changeStreamPreAndPostImages: { enabled: true } })
  const replied: Array<string> = []
  fixture.driver.on("commandSucceeded", (event) => replied.push(event.commandName))
  return { ...fixture, items, replies: (name: string) => replied.filter((one) => one === name).length }
})

type Event = ChangeStream.ChangeEvent<Item>

const take = (stream: Stream.Stream<Event, MongoError.MongoError>, count: number) =>
  Stream.runCollect(Stream.take(stream, count))

const keyOf = (event: Event) => (event as Driver.ChangeStreamInsertDocument<Item>).documentKey?._id

/** Kills the idle cursors of the watched collection, and says how many there were. */
const killCursors = ({ admin, db }: Fixture) =>
  Effect.promise(async () => {
    const operations = await admin.db("admin").aggregate([
      { $currentOp: { idleCursors: true } },
      { $match: { ns: `${db.name}.items`, type: "idleCursor" } }
      // An identifier that happens to be small must stay a long: the server takes no other number.
    ], { promoteLongs: false }).toArray()
    const cursors = operations.map((operation) => operation["cursor"].cursorId)
    if (cursors.length > 0) await admin.db(db.name).command({ killCursors: "items", cursors })
    return cursors.length
  })

describe("the events of a collection", () => {
  it.live("are insert, update, replace and delete, with the requested documents and pre-images", () =>
    Effect.gen(function*() {
      const { items } = yield* watched
      const changes = yield* items.watch([], {
        fullDocument: "whenAvailable",
        fullDocumentBeforeChange: "whenAvailable"
      })
        .open
      yield* items.insertOne({ _id: 1, n: 1 })
      yield* items.updateOne({ _id: 1 }, { $set: { n: 2 } })
      yield* items.replaceOne({ _id: 1 }, { n: 3 })
      yield* items.deleteOne({ _id: 1 })
      const [insert, update, replace, remove] = yield* take(changes.stream, 4)
      if (
        insert?.operationType !== "insert" || update?.operationType !== "update" ||
        replace?.operationType !== "replace" || remove?.operationType !== "delete"
      ) return assert.fail("not in order")
      assert.deepStrictEqual(insert.fullDocument, { _id: 1, n: 1 })
      assert.deepStrictEqual(update.updateDescription.updatedFields, { n: 2 })
      assert.deepStrictEqual(update.fullDocument, { _id: 1, n: 2 })
      assert.deepStrictEqual(update.fullDocumentBeforeChange, { _id: 1, n: 1 })
      assert.deepStrictEqual(replace.fullDocument, { _id: 1, n: 3 })
      assert.deepStrictEqual(remove.fullDocumentBeforeChange, { _id: 1, n: 3 })
      assert.deepStrictEqual<unknown>(remove.documentKey, { _id: 1 })
      for (const event of [insert, update, replace, remove]) assert.isDefined(event._id)
    }))

  it.live("are drop and invalidate, then it fails with the kind invalidated", () =>
    Effect.gen(function*() {
      const { items } = yield* watched
      const changes = yield* items.watch().open
      yield* items.insertOne({ _id: 1 })
      yield* items.drop()
      const seen: Array<string> = []
      const reason = yield* reasonOf(
        Stream.runForEach(changes.stream, (event) => Effect.sync(() => seen.push(String(event.operationType))))
      )
      assert.deepStrictEqual(seen, ["insert", "drop", "invalidate"])
      assert.deepInclude({ ...reason }, { _tag: "ChangeStreamError", kind: "invalidated" })
    }))

  it.live("end with an invalidate even if the pipeline filters it out", () =>
    Effect.gen(function*() {
      const { items } = yield* watched
      const changes = yield* items.watch([{ $match: { operationType: "insert" } }]).open
      yield* items.insertOne({ _id: 1 })
      yield* items.drop()
      const reason = yield* reasonOf(Stream.runDrain(changes.stream))
      assert.deepInclude({ ...reason }, { _tag: "ChangeStreamError", kind: "invalidated" })
    }))

  it.live("go on in a new collection of the same name with continueAfterInvalidate", () =>
    Effect.gen(function*() {
      const { items } = yield* watched
      const changes = yield* items.watch([], { continueAfterInvalidate: true }).open
      yield* items.insertOne({ _id: 1 })
      yield* items.drop()
      yield* items.insertOne({ _id: 2 })
      yield* items.drop()
      yield* items.insertOne({ _id: 3 })
      const events = yield* take(changes.stream, 7)
      assert.deepStrictEqual(events.map((event) => event.operationType), [
        "insert",
        "drop",
        "invalidate",
        "insert",
        "drop",
        "invalidate",
        "insert"
      ])
      assert.strictEqual(keyOf(events[6]!), 3)
    }))

  it.live("are rename, and expanded events of indexes, options and creation", () =>
    Effect.gen(function*() {
      const { db } = yield* setup()
      const changes = yield* db.watch([], { showExpandedEvents: true }).open
      yield* db.createCollection("things")
      const things = db.collection("things")
      yield* things.createIndex({ a: 1 })
      yield* things.dropIndex("a_1")
      yield* db.command({ collMod: "things", validator: { a: { $type: "int" } } })
      yield* things.rename("others")
      yield* db.dropDatabase()
      const events = yield* Stream.runCollect(
        Stream.takeUntil(changes.stream, (event) => event.operationType === "invalidate")
      )
      assert.deepStrictEqual(events.map((event) => event.operationType), [
        "create",
        "createIndexes",
        "dropIndexes",
        "modify",
        "rename",
        "drop",
        "dropDatabase",
        "invalidate"
      ])
    }))

  it.live("of a deployment", () =>
    Effect.gen(function*() {
      const { db, mongo } = yield* setup()
      const changes = yield* mongo.watch([{ $match: { "ns.db": db.name } }]).open
      yield* db.collection<Item>("a").insertOne({ _id: 1 })
      yield* mongo.db(`${db.name}_2`).collection<Item>("b").insertOne({ _id: 2 })
      yield* db.collection<Item>("c").insertOne({ _id: 3 })
      yield* mongo.dropDatabase(`${db.name}_2`)
      const events = yield* Stream.runCollect(Stream.take(changes.stream, 2))
      assert.deepStrictEqual(events.map((event) => (event as Driver.ChangeStreamInsertDocument)["ns"].coll), ["a", "c"])
    }))

  it.live("carry the options to the server", () =>
    Effect.gen(function*() {
      const { items, last } = yield* watched
      yield* items.watch([], {
        batchSize: 7,
        maxAwaitTime: "250 millis",
        comment: "why",
        collation: { locale: "en" },
        fullDocument: "updateLookup",
        splitLargeEvents: true
      }).open
      const command = last("aggregate")
      assert.deepInclude(command, { comment: "why", cursor: { batchSize: 7 } })
      assert.strictEqual(command["collation"].locale, "en")
      assert.deepStrictEqual(command["pipeline"], [
        { $changeStream: { fullDocument: "updateLookup" } },
        { $changeStreamSplitLargeEvent: {} }
      ])
    }))

  it.live("maxAwaitTime is how long the server waits", () =>
    Effect.gen(function*() {
      const { items, last, sent } = yield* watched
      const changes = yield* items.watch([], { maxAwaitTime: "50 millis" }).open
      const fiber = yield* Effect.forkChild(Stream.runDrain(changes.stream))
      yield* until("it has asked three times", () => sent().filter((name) => name === "getMore").length >= 3)
      assert.strictEqual(last("getMore")["maxTimeMS"], 50)
      yield* Fiber.interrupt(fiber)
    }))
})

describe("rawDocuments", () => {
  it.live("gives the bytes of the documents, and the other fields as usual", () =>
    Effect.gen(function*() {
      const { db, items } = yield* watched
      const options = { fullDocument: "updateLookup", fullDocumentBeforeChange: "whenAvailable" } as const
      const events = Effect.gen(function*() {
        const [plain, raw] = [
          yield* items.watch([], options).open,
          yield* items.watch([], { ...options, rawDocuments: true }).open
        ]
        yield* items.insertMany([{ _id: 1, n: 1 }, { _id: 2, n: 2 }])
        yield* items.updateOne({ _id: 1 }, { $set: { n: 2 } })
        yield* items.deleteOne({ _id: 1 })
        yield* db.collection("items").drop()
        return [
          yield* Stream.runCollect(Stream.take(plain.stream, 6)),
          yield* Stream.runCollect(Stream.take(raw.stream, 6))
        ] as const
      })
      const [plain, raw] = yield* events
      const [insert, second, update, remove, , invalidate] = raw
      assert(insert?.operationType === "insert" && update?.operationType === "update")
      assert(second?.operationType === "insert" && remove?.operationType === "delete")
      assert.deepStrictEqual(Driver.BSON.deserialize(insert.fullDocument), { _id: 1, n: 1 })
      assert.deepStrictEqual(Driver.BSON.deserialize(second.fullDocument), { _id: 2, n: 2 })
      // It is gone when it is looked up, and the server says so.
      assert.isNull(update.fullDocument)
      assert.deepStrictEqual(Driver.BSON.deserialize(update.fullDocumentBeforeChange!), { _id: 1, n: 1 })
      assert.instanceOf(remove.fullDocumentBeforeChange, Uint8Array)
      assert.strictEqual(invalidate?.operationType, "invalidate")
      const decoded = raw.map((event) =>
        Object.fromEntries(
          Object.entries(event).map((
            [name, value]
          ) => [name, value instanceof Uint8Array ? Driver.BSON.deserialize(value) : value])
        )
      )
      assert.deepStrictEqual(decoded, plain as never)
      assert.deepStrictEqual(decoded.map(Object.keys), plain.map(Object.keys))
    }))

  it.live("decodes the other fields by the options of the stream, and of its collection or database", () =>
    Effect.gen(function*() {
      const { admin, db, items } = yield* watched
      const bigints = db.collection<Item>("items", { useBigInt64: true })
      const streams = [
        yield* items.watch([], { rawDocuments: true }).open,
        yield* items.watch([], { rawDocuments: true, useBigInt64: true }).open,
        yield* items.watch([], { rawDocuments: true, promoteLongs: false }).open,
        yield* bigints.watch([], { rawDocuments: true }).open,
        yield* db.watch<Item>([], { rawDocuments: true, useBigInt64: true }).open
      ]
      const document: Driver.Document = { _id: Driver.Long.fromNumber(7) }
      yield* Effect.promise(() => admin.db(db.name).collection("items").insertOne(document))
      const ids: Array<unknown> = []
      for (const { stream } of streams) {
        const [event] = yield* Stream.runCollect(Stream.take(stream, 1))
        assert(event?.operationType === "insert")
        assert.deepStrictEqual(Buffer.from(event.fullDocument), Buffer.from(Driver.BSON.serialize(document)))
        ids.push(event.documentKey._id)
      }
      assert.deepStrictEqual<unknown>(ids, [7, 7n, Driver.Long.fromNumber(7), 7n, 7n])
    }))

  it.live("goes on after a lost cursor, and at a token", () =>
    Effect.gen(function*() {
      const fixture = yield* watched
      const { items } = fixture
      const changes = yield* items.watch([], { rawDocuments: true, batchSize: 2 }).open
      yield* items.insertMany([1, 2, 3].map((_id) => ({ _id })))
      const first = yield* changes.next
      assert.strictEqual(first.events.length, 2)
      assert.isAbove(yield* killCursors(fixture), 0)
      const [third] = yield* Stream.runCollect(Stream.take(changes.stream, 1))
      assert(third?.operationType === "insert")
      assert.deepStrictEqual(Driver.BSON.deserialize(third.fullDocument), { _id: 3 })
      const resumeAfter = first.events[0]!._id
      const again = items.watch([], { rawDocuments: true, resumeAfter })
      assert.deepStrictEqual(
        (yield* Stream.runCollect(Stream.take(again, 2))).map(({ _id }) => _id),
        [first.events[1]!._id, third._id]
      )
    }))

  it.live("fails with a BsonError if the other fields cannot be decoded, as without it", () =>
    Effect.gen(function*() {
      const { db, items } = yield* watched
      const [plain, raw, unchecked, later] = [
        yield* items.watch().open,
        yield* items.watch([], { rawDocuments: true }).open,
        yield* items.watch([], { rawDocuments: true, enableUtf8Validation: false }).open,
        yield* items.watch([{ $match: { "fullDocument.n": 2 } }], { rawDocuments: true }).open
      ]
      const documents = [{ _id: 1, n: 2, text: "~~~" }, { _id: "~~~" }]
      yield* send(uri, spoilt({ insert: "items", documents, $db: db.name }))
      const reasons = [yield* reasonOf(Stream.runDrain(plain.stream)), yield* reasonOf(Stream.runDrain(raw.stream))]
      assert.deepStrictEqual(
        reasons.map(({ _tag, message }) => [_tag, message]),
        reasons.map(() => ["BsonError", reasons[0]!.message])
      )
      assert.strictEqual((yield* Stream.runCollect(Stream.take(unchecked.stream, 2))).length, 2)
      // Nothing looks into a document.
      assert.strictEqual((yield* Stream.runCollect(Stream.take(later.stream, 1))).length, 1)
    }))
})

describe("bad input", () => {
  it.live("is refused before anything is sent", () =>
    Effect.gen(function*() {
      const { items, sent } = yield* watched
      const before = sent().length
      const unknown = yield* reasonOf(Stream.runDrain(items.watch([], { fullDocumnet: "updateLookup" } as never)))
      assert.deepInclude({ ...unknown }, { _tag: "InvalidArgumentError", path: "options.fullDocumnet" })
      const undefinedInside = yield* reasonOf(Stream.runDrain(items.watch([{ $match: { a: undefined } }])))
      assert.strictEqual(undefinedInside._tag, "InvalidArgumentError")
      assert.strictEqual(sent().length, before)
    }))

  it.live("a pipeline that drops _id", () =>
    Effect.gen(function*() {
      const { items } = yield* watched
      const changes = yield* items.watch([{ $project: { _id: 0 } }]).open
      yield* items.insertOne({ _id: 1 })
      const reason = yield* reasonOf(Stream.runDrain(changes.stream))
      assert.deepInclude({ ...reason }, { _tag: "ChangeStreamError", kind: "fatal" })
    }))
})

describe("resuming", () => {
  it.live("starts after a token, a time and the token of an invalidate", () =>
    Effect.gen(function*() {
      const { items } = yield* watched
      const changes = yield* items.watch().open
      for (const _id of [1, 2, 3]) yield* items.insertOne({ _id })
      const [first, second] = yield* take(changes.stream, 3)
      assert.deepStrictEqual((yield* take(items.watch([], { resumeAfter: first!._id }), 2)).map(keyOf), [2, 3])
      const { clusterTime } = second as Driver.ChangeStreamInsertDocument
      const fromTime = yield* take(items.watch([], { startAtOperationTime: clusterTime }), 2)
      assert.deepStrictEqual(fromTime.map(keyOf), [2, 3])
      yield* items.drop()
      const rest = yield* take(changes.stream, 2)
      yield* items.insertOne({ _id: 4 })
      const invalidate = rest[1]!
      assert.strictEqual(invalidate.operationType, "invalidate")
      assert.deepStrictEqual((yield* take(items.watch([], { startAfter: invalidate._id }), 1)).map(keyOf), [4])
      const reason = yield* reasonOf(take(items.watch([], { resumeAfter: invalidate._id }), 1))
      assert.deepInclude({ ...reason }, { _tag: "ChangeStreamError", kind: "invalidResumeToken" })
    }))

  it.live("startAfter is kept until the first event, when the cursor is lost before it", () =>
    Effect.gen(function*() {
      const fixture = yield* watched
      const { items } = fixture
      const changes = yield* items.watch().open
      yield* items.insertOne({ _id: 1 })
      yield* items.drop()
      const [, , invalidate] = yield* take(changes.stream, 3)
      const again = yield* items.watch([], { startAfter: invalidate!._id }).open
      assert.strictEqual(yield* killCursors(fixture), 1)
      yield* items.insertOne({ _id: 2 })
      assert.deepStrictEqual((yield* take(again.stream, 1)).map(keyOf), [2])
    }))

  it.live("the token moves on while nothing happens", () =>
    Effect.gen(function*() {
      const { db, items } = yield* watched
      const changes = yield* items.watch([], { maxAwaitTime: "50 millis" }).open
      const fiber = yield* Effect.forkChild(Stream.runDrain(changes.stream))
      const before = yield* changes.resumeToken
      assert.isTrue(Option.isSome(before))
      yield* db.collection("elsewhere").insertOne({})
      let now = before
      yield* until("the token moves", () => {
        now = Effect.runSync(changes.resumeToken)
        return JSON.stringify(now) !== JSON.stringify(before)
      })
      yield* Fiber.interrupt(fiber)
      yield* items.insertOne({ _id: 1 })
      const resumed = yield* take(items.watch([], { resumeAfter: Option.getOrThrow(now) }), 1)
      assert.deepStrictEqual(resumed.map(keyOf), [1])
    }))

  it.live("fails with its own kind when history is lost", () =>
    Effect.gen(function*() {
      const fixture = yield* watched
      yield* failCommand(fixture, { times: 1 }, { failCommands: ["aggregate"], errorCode: 286 })
      const reason = yield* reasonOf(Stream.runDrain(fixture.items.watch()))
      assert.deepInclude({ ...reason }, { _tag: "ChangeStreamError", kind: "historyLost" })
    }))

  it.effect("goes on after a connection that breaks again and again, although the clock of the test stands still", () =>
    Effect.gen(function*() {
      const fixture = yield* watched
      const { items } = fixture
      const changes = yield* items.watch().open
      // The driver sends each of them twice.
      yield* failCommand(fixture, { times: 8 }, { failCommands: ["getMore", "aggregate"], closeConnection: true })
      const fiber = yield* Effect.forkChild(take(changes.stream, 1))
      yield* items.insertOne({ _id: 1 })
      assert.deepStrictEqual((yield* Fiber.join(fiber)).map(keyOf), [1])
      assert.isAbove(fixture.sent().filter((name) => name === "aggregate").length, 4)
    }))

  it.effect("does not resume after errors without the server's label", () =>
    Effect.gen(function*() {
      const fixture = yield* watched
      for (const errorCode of [6, 91, 10_107]) {
        yield* Effect.scoped(Effect.gen(function*() {
          const changes = yield* fixture.items.watch().open
          yield* failCommand(fixture, { times: 1 }, { failCommands: ["getMore"], errorCode })
          const before = fixture.sent().length
          assert.strictEqual((yield* reasonOf(Stream.runDrain(changes.stream))).code, errorCode)
          assert.notInclude(fixture.sent().slice(before), "aggregate")
        }))
      }
    }))

  it.effect("gives a batch that arrives after an interruption of `next` to the next call", () =>
    Effect.gen(function*() {
      const fixture = yield* watched
      const { items, sent } = fixture
      const changes = yield* items.watch([], { maxAwaitTime: "10 seconds" }).open
      const ids: Array<number | undefined> = []
      for (let i = 0; i < 5; i++) {
        const before = sent().length
        const fiber = yield* Effect.forkChild(changes.next)
        yield* until("it waits for events", () => sent().slice(before).includes("getMore"))
        yield* Fiber.interrupt(fiber)
        const token = yield* changes.resumeToken
        yield* items.insertOne({ _id: i })
        // The reply comes while nobody waits for it.
        yield* until("the reply is there", () => fixture.replies("getMore") > i)
        assert.deepStrictEqual(yield* changes.resumeToken, token)
        const batch = yield* changes.next
        ids.push(...batch.events.map(keyOf))
        assert.deepStrictEqual(batch.tokens, batch.events.map((event) => event._id))
        // The token moves only when the events are taken.
        assert.notDeepEqual(yield* changes.resumeToken, token)
      }
      assert.deepStrictEqual(ids, [0, 1, 2, 3, 4])
    }))

  // It needs its own server, and a binary to start it from.
  it.live.skipIf(!hasBinary)("a server that steps down (needs MONGOD_BINARY)", () =>
    Effect.gen(function*() {
      const server = yield* MongoServer.startBinary()
      const mongo = yield* MongoClient.make({ url: server.uri })
      const items = mongo.db("app").collection<Item>("items")
      yield* items.insertOne({ _id: 0 })
      const changes = yield* items.watch().open
      yield* items.insertOne({ _id: 1 })
      assert.deepStrictEqual((yield* take(changes.stream, 1)).map(keyOf), [1])
      yield* Effect.promise(async () => {
        const admin = new Driver.MongoClient(
          Redacted.value(server.uri).replace("replicaSet=rs", "directConnection=true")
        )
        await admin.db("admin").command({ replSetStepDown: 1, force: true })
        await admin.close()
      })
      yield* items.insertOne({ _id: 2 }).pipe(Effect.retry({ times: 20, while: (error) => error.isTransient }))
      assert.deepStrictEqual((yield* take(changes.stream, 1)).map(keyOf), [2])
    }), 60_000)

  // By the clock of the test: the pauses between the attempts pass only when the test says so.
  it.effect(
    "ends after resumeTimeout, with the failure of the last attempt",
    () =>
      waitingByTestClock(Effect.gen(function*() {
        const fixture = yield* watched
        const { items } = fixture
        const changes = yield* items.watch([], { resumeTimeout: "1 minute" }).open
        yield* failCommand(fixture, "alwaysOn", {
          failCommands: ["getMore", "aggregate"],
          errorCode: 6,
          errorLabels: ["ResumableChangeStreamError"]
        })
        const fiber = yield* Effect.forkChild(reasonOf(Stream.runDrain(changes.stream)))
        const advance = (seconds: number) =>
          Effect.forEach(Array.from({ length: seconds }), () =>
            Effect.andThen(
              Effect.promise(() => new Promise((resolve) => setTimeout(resolve, 15))),
              TestClock.adjust("1 second")
            ))
        yield* advance(40)
        assert.isUndefined(fiber.pollUnsafe())
        yield* advance(30)
        const reason = yield* Fiber.join(fiber)
        assert.strictEqual(reason.code, 6)
      })),
    60_000
  )

  it.live("does not resume a stream that never opened", () =>
    Effect.gen(function*() {
      const fixture = yield* watched
      yield* failCommand(fixture, "alwaysOn", { failCommands: ["aggregate"], errorCode: 6 })
      const [reason, elapsed] = yield* timed(reasonOf(Stream.runDrain(fixture.items.watch())))
      assert.strictEqual(reason.code, 6)
      assert.isBelow(elapsed, 5000)
    }))

  it.live("gives 10,000 numbered events under repeated faults exactly once and in order", () =>
    Effect.gen(function*() {
      const fixture = yield* watched
      const { items } = fixture
      const count = 10_000
      const changes = yield* items.watch([], { batchSize: 100, maxAwaitTime: "100 millis" }).open
      let seen = 0
      const reader = yield* Effect.forkChild(Stream.runForEach(Stream.take(changes.stream, count), (event) =>
        Effect.suspend(() => {
          if (keyOf(event) !== seen) return Effect.die(`expected ${seen}, but got ${keyOf(event)}`)
          // While the reader works, its cursor is idle: if it is killed now, the next getMore does not find it.
          return ++seen % 500 === 0
            ? Effect.map(killCursors(fixture), (count) => {
              killed += count
            })
            : Effect.void
        })))
      let faults = 0
      let killed = 0
      const write = (from: number, to: number) =>
        Effect.forEach(
          Array.from({ length: (to - from) / 50 }, (_, i) =>
            from + i * 50),
          (start) =>
            Effect.andThen(
              items.insertMany(Array.from({ length: 50 }, (_, i) => ({ _id: start + i }))),
              Effect.sleep("2 millis")
            ),
          { discard: true }
        )
      // Other tests use the fail point too: the last events wait until there were enough faults.
      const writer = yield* Effect.forkChild(
        write(0, count - 1000).pipe(
          Effect.andThen(until("some faults", () => faults > 4, 60_000)),
          Effect.andThen(write(count - 1000, count))
        )
      )
      const saboteur = yield* Effect.forkChild(Effect.forever(Effect.gen(function*() {
        faults++
        yield* Effect.scoped(Effect.andThen(
          failCommand(fixture, { times: 2 }, {
            failCommands: ["getMore"],
            ...[{ closeConnection: true }, { errorCode: 10_107, errorLabels: ["ResumableChangeStreamError"] }, {
              errorCode: 43
            }][faults % 3]
          }),
          Effect.sleep("60 millis")
        ))
      })))
      yield* Fiber.join(writer)
      yield* Fiber.join(reader)
      yield* Fiber.interrupt(saboteur)
      assert.strictEqual(seen, count)
      assert.isAbove(faults, 3)
      assert.isAbove(killed, 0)
    }), 120_000)
})

describe("large events", () => {
  it.live("of more than 16 MB arrive whole, followed by the next event", () =>
    Effect.gen(function*() {
      const fixture = yield* watched
      const large = fixture.db.collection<{ _id: number; text: string }>("large")
      yield* fixture.db.createCollection("large", { changeStreamPreAndPostImages: { enabled: true } })
      const options = {
        splitLargeEvents: true,
        fullDocument: "required",
        fullDocumentBeforeChange: "required"
      } as const
      const changes = yield* large.watch([], options).open
      const [a, b] = ["a".repeat(9_000_000), "b".repeat(9_000_000)]
      yield* large.insertOne({ _id: 1, text: a })
      yield* large.updateOne({ _id: 1 }, { $set: { text: b } })
      yield* large.insertOne({ _id: 2, text: "small" })
      const [insert, update, last] = yield* Stream.runCollect(Stream.take(changes.stream, 3))
      if (update?.operationType !== "update") return assert.fail(String(update?.operationType))
      assert.strictEqual(update.fullDocument?.text, b)
      assert.strictEqual(update.fullDocumentBeforeChange?.text, a)
      assert.notProperty(update, "splitEvent")
      assert.strictEqual(last?.operationType, "insert")

      // The whole event's token is that of its last fragment.
      const behind = yield* Stream.runCollect(Stream.take(large.watch([], { ...options, resumeAfter: update._id }), 1))
      assert.strictEqual((behind[0] as Driver.ChangeStreamInsertDocument<{ _id: number }>).documentKey._id, 2)

      // Even if the cursor is lost among its fragments, which arrive in separate batches, it arrives whole.
      yield* failCommand(fixture, { skip: 1 }, { failCommands: ["getMore"], errorCode: 43 })
      const fiber = yield* Effect.forkChild(
        Stream.runCollect(Stream.take(large.watch([], { ...options, resumeAfter: insert!._id, batchSize: 1 }), 1))
      )
      yield* until("it was resumed", () => fixture.sent().filter((name) => name === "aggregate").length > 2)
      const [again] = yield* Fiber.join(fiber)
      if (again?.operationType !== "update") return assert.fail(String(again?.operationType))
      assert.strictEqual(again.fullDocument?.text, b)
      assert.strictEqual(again.fullDocumentBeforeChange?.text, a)
    }), 60_000)

  it.live(
    "arrive whole with the bytes of their documents, also when the cursor is lost among their fragments",
    () =>
      Effect.gen(function*() {
        const fixture = yield* watched
        const large = fixture.db.collection<{ _id: number; text: string }>("large")
        yield* fixture.db.createCollection("large", { changeStreamPreAndPostImages: { enabled: true } })
        const options = {
          splitLargeEvents: true,
          fullDocument: "required",
          fullDocumentBeforeChange: "required",
          rawDocuments: true,
          batchSize: 1
        } as const
        const changes = yield* large.watch([], options).open
        const [a, b] = ["a".repeat(9_000_000), "b".repeat(9_000_000)]
        yield* large.insertOne({ _id: 1, text: a })
        yield* large.updateOne({ _id: 1 }, { $set: { text: b } })
        const [insert, update] = yield* Stream.runCollect(Stream.take(changes.stream, 2))
        const check = (event: ChangeStream.RawChangeEvent<{ _id: number; text: string }> | undefined) => {
          if (event?.operationType !== "update") return assert.fail(String(event?.operationType))
          assert.strictEqual(Driver.BSON.deserialize(event.fullDocument!)["text"], b)
          assert.strictEqual(Driver.BSON.deserialize(event.fullDocumentBeforeChange!)["text"], a)
          assert.notProperty(event, "splitEvent")
        }
        check(update)
        yield* failCommand(fixture, { skip: 1 }, { failCommands: ["getMore"], errorCode: 43 })
        const again = yield* Effect.forkChild(
          Stream.runCollect(Stream.take(large.watch([], { ...options, resumeAfter: insert!._id }), 1))
        )
        yield* until("it was resumed", () => fixture.sent().filter((name) => name === "aggregate").length > 2)
        check((yield* Fiber.join(again))[0])
      }),
    60_000
  )

  it.live("cause an error of the server without the option", () =>
    Effect.gen(function*() {
      const { db } = yield* setup()
      const large = db.collection<{ _id: number; text: string }>("large")
      yield* db.createCollection("large", { changeStreamPreAndPostImages: { enabled: true } })
      const changes = yield* large.watch([], { fullDocument: "required", fullDocumentBeforeChange: "required" }).open
      yield* large.insertOne({ _id: 1, text: "a".repeat(9_000_000) })
      yield* large.updateOne({ _id: 1 }, { $set: { text: "b".repeat(9_000_000) } })
      const reason = yield* reasonOf(Stream.runDrain(changes.stream))
      assert.strictEqual(reason._tag, "BsonError")
    }), 60_000)
})

describe("the end of a run", () => {
  it.live("an interrupted stream stops within a second although a getMore waits, and leaves no cursor", () =>
    Effect.gen(function*() {
      const fixture = yield* watched
      const changes = fixture.items.watch([], { maxAwaitTime: "30 seconds" })
      const fiber = yield* Effect.forkChild(Stream.runDrain(changes))
      yield* until("a getMore waits", () => fixture.sent().includes("getMore"))
      yield* Effect.sleep("100 millis")
      assert.isBelow(yield* interrupt(fiber), 1000)
      assert.isTrue(Exit.hasInterrupts(fiber.pollUnsafe()!))
      yield* nothingLeft(fixture)
    }))

  it.live("an interrupted first reply leaves no cursor", () =>
    Effect.gen(function*() {
      const fixture = yield* watched
      yield* failCommand(fixture, { times: 1 }, {
        failCommands: ["aggregate"],
        blockConnection: true,
        blockTimeMS: 500
      })
      const fiber = yield* Effect.forkChild(Stream.runDrain(fixture.items.watch()))
      yield* until("the aggregate is sent", () => fixture.sent().includes("aggregate"))
      yield* Effect.sleep("50 millis")
      assert.isBelow(yield* interrupt(fiber), 1500)
      yield* nothingLeft(fixture)
    }))

  it.live("a stream that is not read to its end leaves no cursor", () =>
    Effect.gen(function*() {
      const fixture = yield* watched
      yield* Effect.scoped(Effect.gen(function*() {
        const changes = yield* fixture.items.watch().open
        yield* fixture.items.insertMany([{ _id: 1 }, { _id: 2 }])
        yield* take(changes.stream, 1)
      }))
      yield* nothingLeft(fixture)
    }))

  it.live("two runs of one stream are two change streams", () =>
    Effect.gen(function*() {
      const fixture = yield* watched
      const stream = fixture.items.watch()
      const run = Effect.map(take(stream, 2), (events) => events.map(keyOf))
      const a = yield* Effect.forkChild(run)
      const b = yield* Effect.forkChild(run)
      yield* until("both are open", () => fixture.sent().filter((name) => name === "getMore").length >= 2)
      yield* fixture.items.insertMany([{ _id: 1 }, { _id: 2 }])
      assert.deepStrictEqual(yield* Fiber.join(a), [1, 2])
      assert.deepStrictEqual(yield* Fiber.join(b), [1, 2])
    }))

  it.live("does not join a transaction", () =>
    Effect.gen(function*() {
      const { items, mongo } = yield* watched
      const seen = yield* mongo.withTransaction(
        Effect.gen(function*() {
          const changes = yield* items.watch().open
          yield* Effect.forkChild(mongo.withoutTransaction(items.insertOne({ _id: 7 })))
          return yield* take(changes.stream, 1)
        }).pipe(Effect.scoped)
      )
      assert.deepStrictEqual(seen.map(keyOf), [7])
    }))
})
