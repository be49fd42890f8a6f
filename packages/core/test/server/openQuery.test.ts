/**
 * Queries whose cursor stays open: batches that are taken one by one.
 *
 * @since 0.1.0
 */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Fiber, Scope, Stream } from "effect"
import { failCommand, leftOnServer, nothingLeft, reasonOf, setup, until } from "../support/utils.ts"

interface Item {
  readonly _id: number
}

const filled = Effect.gen(function*() {
  const fixture = yield* setup()
  const items = fixture.db.collection<Item>("items")
  yield* items.insertMany([1, 2, 3, 4, 5].map((_id) => ({ _id })))
  return { ...fixture, items }
})

const ids = (batch: ReadonlyArray<Item>) => batch.map(({ _id }) => _id)

/** The commands sent since the documents were inserted. */
const read = (sent: ReadonlyArray<string>) => sent.filter((name) => name !== "insert" && name !== "create")

describe("open", () => {
  it.live("sends only the first command until a batch is requested", () =>
    Effect.gen(function*() {
      const { items, sent } = yield* filled
      const open = yield* items.find().batchSize(2).open
      assert.deepStrictEqual(read(sent()), ["find"])
      assert.deepStrictEqual(ids(yield* open.next), [1, 2])
      assert.deepStrictEqual(read(sent()), ["find"])
      assert.deepStrictEqual(ids(yield* open.next), [3, 4])
      assert.deepStrictEqual(ids(yield* open.next), [5])
      assert.deepStrictEqual(yield* open.next, [])
      assert.deepStrictEqual(yield* open.next, [])
      assert.deepStrictEqual(read(sent()), ["find", "getMore", "getMore"])
    }))

  it.live("lets its stream go on after the batches that were taken", () =>
    Effect.gen(function*() {
      const { items } = yield* filled
      const open = yield* items.find().batchSize(2).open
      assert.deepStrictEqual(ids(yield* open.next), [1, 2])
      assert.deepStrictEqual(ids(yield* Stream.runCollect(open.stream)), [3, 4, 5])
    }))

  it.live("closes the cursor with its scope, not earlier", () =>
    Effect.gen(function*() {
      const fixture = yield* filled
      const scope = yield* Scope.make()
      const open = yield* Scope.provide(fixture.items.find().batchSize(2).open, scope)
      yield* open.next
      assert.strictEqual((yield* leftOnServer(fixture)).length, 1)
      yield* Scope.close(scope, Exit.void)
      yield* nothingLeft(fixture)
      assert.strictEqual(fixture.sent().at(-1), "killCursors")
    }))

  it.live("fails if the first command fails", () =>
    Effect.gen(function*() {
      const fixture = yield* filled
      yield* failCommand(fixture, { times: 1 }, { failCommands: ["find"], errorCode: 13 })
      assert.strictEqual((yield* reasonOf(fixture.items.find().open))._tag, "AuthorizationError")
      yield* nothingLeft(fixture)
    }))

  it.live("makes a tailable query ask once, and give an empty batch if nothing has come", () =>
    Effect.gen(function*() {
      const { db, sent } = yield* setup()
      const log = yield* db.createCollection<Item>("log", { capped: true, size: 4096 })
      yield* log.insertOne({ _id: 1 })
      const open = yield* log.find().tailable({ maxAwaitTimeMS: 10 }).open
      assert.deepStrictEqual(ids(yield* open.next), [1])
      assert.deepStrictEqual(yield* open.next, [])
      assert.deepStrictEqual(sent().filter((name) => name === "getMore"), ["getMore"])
      yield* log.insertOne({ _id: 2 })
      assert.deepStrictEqual(ids(yield* open.next), [2])
    }))

  it.live("joins the session that it is opened in", () =>
    Effect.gen(function*() {
      const { db, items, last, mongo } = yield* filled
      yield* mongo.withTransaction(Effect.scoped(Effect.gen(function*() {
        yield* items.insertOne({ _id: 6 })
        const open = yield* items.find().sort({ _id: -1 }).batchSize(2).open
        assert.deepStrictEqual(ids(yield* open.next), [6, 5])
        yield* db.collection("items").countDocuments()
        assert.deepStrictEqual(ids(yield* open.next), [4, 3])
        assert.strictEqual(last("getMore")["autocommit"], false)
      })))
    }))
})

describe("in a session", () => {
  it.live("a step that is interrupted has ended before the next operation begins", () =>
    Effect.gen(function*() {
      const fixture = yield* filled
      const { driver, items, mongo, sent } = fixture
      const events: Array<string> = []
      driver.on("commandStarted", ({ commandName }) => events.push(`${commandName} begins`))
      driver.on("commandSucceeded", ({ commandName }) => events.push(`${commandName} ends`))
      driver.on("commandFailed", ({ commandName }) => events.push(`${commandName} ends`))
      yield* mongo.withSession()(Effect.scoped(Effect.gen(function*() {
        const open = yield* items.find().batchSize(2).open
        yield* open.next
        yield* failCommand(fixture, { times: 1 }, {
          failCommands: ["getMore"],
          blockConnection: true,
          blockTimeMS: 400
        })
        const fiber = yield* Effect.forkChild(open.next)
        yield* until("the next batch is asked for", async () => sent().includes("getMore"))
        yield* Fiber.interrupt(fiber)
        yield* items.insertOne({ _id: 6 })
      })))
      const [asked, answered, next] = ["getMore begins", "getMore ends", "insert begins"].map((event) =>
        events.lastIndexOf(event)
      ) as [number, number, number]
      assert.isTrue(asked >= 0 && asked < answered && answered < next, events.join(", "))
    }))
})
