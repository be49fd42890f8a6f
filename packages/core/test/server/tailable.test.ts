import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Fiber, Queue, Stream } from "effect"
import { interrupt, leftOnServer, nothingLeft, reasonOf, setup, until } from "../support/utils.ts"

interface Entry {
  readonly _id: number
}

const capped = Effect.gen(function*() {
  const fixture = yield* setup()
  const log = yield* fixture.db.createCollection<Entry>("log", { capped: true, size: 100_000, max: 100 })
  return { ...fixture, log }
})

/** Runs a stream in the background; what it gives can be taken one by one. */
const follow = <A, E>(stream: Stream.Stream<A, E>) =>
  Effect.gen(function*() {
    const queue = yield* Queue.unbounded<A>()
    const fiber = yield* Effect.forkScoped(Stream.runForEach(stream, (entry) => Queue.offer(queue, entry)))
    return { fiber, take: (count: number) => Effect.timeout(Queue.takeN(queue, count), "3 seconds") }
  })

const ids = (...numbers: ReadonlyArray<number>) => numbers.map((_id) => ({ _id }))

describe.each([
  { name: "awaitData", options: undefined },
  { name: "awaitData of 100 ms", options: { maxAwaitTimeMS: 100 } },
  { name: "asking again", options: { awaitData: false } }
])("a tailable query: $name", ({ options }) => {
  it.live("gives the existing documents, then later ones, in order, and does not end", () =>
    Effect.gen(function*() {
      const fixture = yield* capped
      const { log } = fixture
      yield* log.insertMany(ids(1, 2, 3))
      const { fiber, take } = yield* follow(log.find().tailable(options).stream)
      assert.deepStrictEqual(yield* take(3), ids(1, 2, 3))
      yield* log.insertOne({ _id: 4 })
      assert.deepStrictEqual(yield* take(1), ids(4))
      yield* Effect.sleep(300)
      yield* log.insertMany(ids(5, 6))
      yield* log.insertOne({ _id: 7 })
      assert.deepStrictEqual(yield* take(3), ids(5, 6, 7))
      assert.isUndefined(fiber.pollUnsafe())
      assert.isBelow(yield* interrupt(fiber), 1000)
      yield* nothingLeft(fixture)
    }))

  it.live("waits on an empty collection", () =>
    Effect.gen(function*() {
      const fixture = yield* capped
      const { fiber, take } = yield* follow(fixture.log.find().tailable(options).stream)
      yield* Effect.sleep(500)
      assert.isUndefined(fiber.pollUnsafe())
      yield* fixture.log.insertMany(ids(1, 2))
      assert.deepStrictEqual(yield* take(2), ids(1, 2))
      yield* fixture.log.insertOne({ _id: 3 })
      assert.deepStrictEqual(yield* take(1), ids(3))
      assert.isBelow(yield* interrupt(fiber), 1000)
      yield* nothingLeft(fixture)
    }))

  it.live("ends with its consumer", () =>
    Effect.gen(function*() {
      const fixture = yield* capped
      yield* fixture.log.insertMany(ids(1, 2, 3))
      const stream = fixture.log.find().tailable(options).stream
      assert.deepStrictEqual(yield* Stream.runCollect(Stream.take(stream, 2)), ids(1, 2))
      yield* nothingLeft(fixture)
    }))
})

describe("a tailable query", () => {
  it.live("tells the server how to wait", () =>
    Effect.gen(function*() {
      const { last, log } = yield* capped
      yield* log.insertOne({ _id: 1 })
      const query = log.find({ _id: { $gt: 0 } })
      const { fiber, take } = yield* follow(query.tailable({ maxAwaitTimeMS: 150 }).stream)
      yield* take(1)
      yield* Effect.sleep(100)
      assert.deepInclude(last("find"), { tailable: true, awaitData: true })
      assert.strictEqual(last("getMore")["maxTimeMS"], 150)
      yield* Fiber.interrupt(fiber)
      const again = yield* follow(query.tailable({ awaitData: false }).stream)
      yield* again.take(1)
      assert.isTrue(last("find")["tailable"])
      assert.notStrictEqual(last("find")["awaitData"], true)
    }))

  it.live("pauses between requests when the server does not wait", () =>
    Effect.gen(function*() {
      const { log, sent } = yield* capped
      yield* log.insertOne({ _id: 1 })
      const { take } = yield* follow(log.find().tailable({ awaitData: false }).stream)
      yield* take(1)
      yield* Effect.sleep(1000)
      const asked = sent().filter((name) => name === "getMore").length
      assert.isAtLeast(asked, 3)
      assert.isAtMost(asked, 7)
    }))

  it.live("gives a first document", () =>
    Effect.gen(function*() {
      const fixture = yield* capped
      const first = yield* Effect.forkChild(fixture.log.find().tailable().one)
      yield* Effect.sleep(100)
      yield* fixture.log.insertOne({ _id: 1 })
      assert.deepStrictEqual(yield* Fiber.join(first), { _id: 1 })
      yield* nothingLeft(fixture)
    }))

  it.live("gives the existing documents as an array", () =>
    Effect.gen(function*() {
      const { log } = yield* capped
      yield* log.insertMany(ids(1, 2, 3))
      const query = log.find().tailable({ maxAwaitTimeMS: 50 })
      assert.deepStrictEqual(yield* query, ids(1, 2, 3))
      assert.deepStrictEqual(yield* query.batchSize(1), ids(1, 2, 3))
    }))

  it.live("ends when the server ends it, and is not opened again", () =>
    Effect.gen(function*() {
      const { log, sent } = yield* capped
      yield* log.insertMany(ids(1, 2, 3))
      const query = log.find().tailable({ maxAwaitTimeMS: 50 }).limit(2)
      assert.deepStrictEqual(yield* Effect.timeout(Stream.runCollect(query.stream), "3 seconds"), ids(1, 2))
      assert.deepStrictEqual(
        yield* Effect.timeout(Stream.runCollect(query.batchSize(1).stream), "3 seconds"),
        ids(1, 2)
      )
      assert.deepStrictEqual(yield* query, ids(1, 2))
      assert.deepStrictEqual(sent().filter((name) => name === "find"), ["find", "find", "find"])
    }))

  it.live("closes its cursor when it is interrupted while it waits for the server", () =>
    Effect.gen(function*() {
      const fixture = yield* capped
      yield* fixture.log.insertOne({ _id: 1 })
      const { fiber, take } = yield* follow(fixture.log.find().tailable({ maxAwaitTimeMS: 20_000 }).stream)
      yield* take(1)
      yield* until("getMore waits on the server", () =>
        Effect.runPromise(Effect.map(leftOnServer(fixture), (left) => left.some(({ op }) => op === "getmore"))))
      assert.isBelow(yield* interrupt(fiber), 1000)
      assert.isTrue(Exit.hasInterrupts(fiber.pollUnsafe()!))
      yield* nothingLeft(fixture)
    }))

  it.live("fails on a collection that is not capped", () =>
    Effect.gen(function*() {
      const { db } = yield* setup()
      const plain = yield* db.createCollection<Entry>("plain")
      yield* plain.insertOne({ _id: 1 })
      const reason = yield* reasonOf(Stream.runDrain(plain.find().tailable().stream))
      assert.strictEqual(reason.code, 2)
    }))

  it.live("fails when its collection is dropped", () =>
    Effect.gen(function*() {
      const { log } = yield* capped
      yield* log.insertOne({ _id: 1 })
      const { fiber, take } = yield* follow(log.find().tailable().stream)
      yield* take(1)
      yield* log.drop()
      assert.strictEqual((yield* reasonOf(Fiber.join(fiber)))._tag, "CursorError")
    }))
})
