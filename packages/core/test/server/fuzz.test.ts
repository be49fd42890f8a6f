import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Fiber, Option, Stream } from "effect"
import { leftOnServer, nothingLeft, setup } from "../support/utils.ts"

interface Item {
  readonly _id: number
  readonly value: string
}

const itemCount = 200

const item = (_id: number): Item => ({ _id, value: `value ${_id}` })

const range = (from: number, to: number) => Array.from({ length: to - from }, (_, index) => from + index)

/** Numbers that look random and are the same in every run. */
const random = (seed: number) => (below: number) => {
  seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0
  return Math.floor((seed / 2 ** 32) * below)
}

describe.each([
  { maxPoolSize: 1, seed: 1 },
  { maxPoolSize: 3, seed: 2 },
  { maxPoolSize: 10, seed: 3 }
])("random operations, half of them interrupted, pool of $maxPoolSize", ({ maxPoolSize, seed }) => {
  it.live("get the right answers, and leave nothing on the server", () =>
    Effect.gen(function*() {
      const fixture = yield* setup({ maxPoolSize })
      const { db } = fixture
      const items = db.collection<Item>("items")
      const writes = db.collection<{ _id: number }>("writes")
      yield* items.insertMany(range(0, itemCount).map(item))
      yield* db.createCollection("writes")
      const next = random(seed)
      const written = new Set<number>()

      /** An operation whose answer follows from its arguments. */
      const operations: ReadonlyArray<(n: number) => Effect.Effect<void, unknown>> = [
        (n) => Effect.map(items.findOne(item(n)), (found) => assert.deepStrictEqual(found, Option.some(item(n)))),
        (n) =>
          Effect.map(
            items.find({ _id: { $gte: n, $lt: n + 20 } }).sort({ _id: 1 }).batchSize(3),
            (found) => assert.deepStrictEqual(found, range(n, Math.min(n + 20, itemCount)).map(item))
          ),
        (n) =>
          Effect.map(
            Stream.runCollect(items.find({ _id: { $gte: n } }).sort({ _id: 1 }).batchSize(7).stream),
            (found) => assert.deepStrictEqual(found, range(n, itemCount).map(item))
          ),
        (n) =>
          Effect.map(
            Stream.runCollect(Stream.take(items.find({ _id: { $gte: n } }).sort({ _id: 1 }).batchSize(2).stream, 3)),
            (found) => assert.deepStrictEqual(found, range(n, Math.min(n + 3, itemCount)).map(item))
          ),
        (n) =>
          Effect.map(
            items.aggregate([{ $match: { _id: { $lt: n } } }, { $sort: { _id: 1 } }], { batchSize: 11 }),
            (found) => assert.deepStrictEqual<unknown>(found, range(0, n).map(item))
          ),
        (n) =>
          Effect.map(
            db.aggregate([{ $documents: [{ n }] }]),
            (found) => assert.deepStrictEqual<unknown>(found, [{ n }])
          ),
        (n) =>
          Effect.map(
            db.runCursorCommand({ find: "items", filter: { _id: { $gt: n } }, sort: { _id: 1 }, batchSize: 9 }),
            (found) => assert.deepStrictEqual<unknown>(found, range(n + 1, itemCount).map(item))
          ),
        (n) => Effect.map(items.countDocuments({ _id: { $lt: n } }), (count) => assert.strictEqual(count, n)),
        (n) =>
          Effect.map(items.distinct("value", { _id: n }), (found) => assert.deepStrictEqual(found, [`value ${n}`])),
        (n) => Effect.map(items.find({ _id: n }).one, (found) => assert.deepStrictEqual(found, item(n))),
        () => Effect.map(items.listIndexes(), (found) => assert.strictEqual(found[0]?.name, "_id_")),
        (n) =>
          Effect.map(
            items.findOneAndUpdate({ _id: n }, { $set: { value: `value ${n}` } }),
            (found) => assert.deepStrictEqual(found, Option.some(item(n)))
          )
      ]
      const write = (id: number) =>
        Effect.map(writes.insertOne({ _id: id }), ({ insertedId }) => {
          assert.strictEqual(insertedId, id)
          written.add(id)
        })

      let finished = 0
      let interrupted = 0
      yield* Effect.forEach(
        range(0, 400),
        (id) => {
          const choice = next(operations.length + 1)
          const operation = operations[choice]?.(next(itemCount)) ?? write(id)
          const delay = next(2) === 0 ? undefined : next(8)
          return Effect.gen(function*() {
            const fiber = yield* Effect.forkChild(operation, { startImmediately: true })
            if (delay !== undefined) {
              yield* Effect.sleep(delay)
              yield* Fiber.interrupt(fiber)
            }
            const exit = yield* Fiber.await(fiber)
            if (Exit.isSuccess(exit)) finished++
            else if (Exit.hasInterrupts(exit)) interrupted++
            else yield* exit
          })
        },
        { concurrency: 12 }
      )
      assert.isAbove(interrupted, 20)
      assert.strictEqual(finished + interrupted, 400)

      // The pool as a whole still answers what it is asked.
      const found = yield* Effect.forEach(range(0, 60), (n) => items.findOne({ _id: n }), { concurrency: 30 })
      assert.deepStrictEqual(found, range(0, 60).map((n) => Option.some(item(n))))
      const stored = new Set((yield* writes.find()).map(({ _id }) => _id))
      for (const id of written) assert.isTrue(stored.has(id))
      yield* nothingLeft(fixture)
      assert.deepStrictEqual(yield* leftOnServer(fixture), [])
    }))
})
