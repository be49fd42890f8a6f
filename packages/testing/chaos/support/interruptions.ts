/**
 * Two thousand operations that are interrupted somewhere, and what they leave.
 */
import { GridFS } from "@mongofx/core"
import { MongoTest } from "@mongofx/testing"
import { Effect, Fiber, Random, Stream } from "effect"
import type * as Driver from "mongodb"
import type { Arena } from "./arena.ts"

const fibers = 20
const perFiber = 100

/** An interruption waits for the server no longer than the bounds of mongofx allow: milliseconds. */
const bound = 15_000

interface Interrupted {
  count: number
  slowest: number
}

interface Item extends Driver.Document {
  readonly n?: number
}

/** Operations of each kind that can be on its way: reads with cursors, writes, transactions, change streams, files. */
const operationsOf = ({ db, mongo }: Arena): ReadonlyArray<(n: number) => Effect.Effect<unknown, unknown>> => {
  const [items, left, right] = ["items", "left", "right"].map((name) => db.collection<Item>(name))
  const bucket = GridFS.bucket(db)
  return [
    () => items!.find({}).batchSize(2),
    () => Stream.runDrain(items!.aggregate([{ $match: {} }]).stream),
    (n) => items!.insertOne({ n }),
    () => items!.updateOne({ n: 1 }, { $inc: { hits: 1 } }),
    (n) => mongo.withTransaction(Effect.andThen(left!.insertOne({ n }), right!.insertOne({ n }))),
    () => Stream.runDrain(items!.watch([], { maxAwaitTime: "1 second" })),
    (n) => bucket.upload(String(n), Stream.make(new Uint8Array(300_000))),
    () => mongo.withSession()(items!.countDocuments())
  ]
}

export const interruptionWork = (arena: Arena) =>
  Effect.gen(function*() {
    const operations = operationsOf(arena)
    const items = arena.db.collection<Item>("items")
    yield* items.insertMany(Array.from({ length: 50 }, (_, n) => ({ n })))
    const result: Interrupted = { count: 0, slowest: 0 }
    const step = (n: number) =>
      Effect.gen(function*() {
        const kind = yield* Random.nextIntBetween(0, operations.length, { halfOpen: true })
        const fiber = yield* Effect.forkChild(Effect.exit(operations[kind]!(n)), { startImmediately: true })
        yield* Effect.sleep(yield* Random.nextIntBetween(0, 15))
        const start = performance.now()
        yield* Fiber.interrupt(fiber)
        result.slowest = Math.max(result.slowest, performance.now() - start)
        result.count++
      })
    yield* Effect.forEach(
      Array.from({ length: fibers * perFiber }, (_, n) => n),
      step,
      { concurrency: fibers, discard: true }
    )
    return result
  })

/** What the interrupted operations have left on any member, and what a transaction has done by half. */
export const leftovers = ({ data }: Arena): Effect.Effect<ReadonlyArray<string>, never, MongoTest.Services> =>
  Effect.gen(function*() {
    const left = yield* MongoTest.nothingLeft.pipe(
      Effect.as<ReadonlyArray<string>>([]),
      Effect.catchTag("LeakError", ({ leaks }) => Effect.succeed(leaks)),
      Effect.orDie
    )
    const half = yield* Effect.promise(async () => {
      const [a, b] = await Promise.all(
        ["left", "right"].map((name) => data.collection<Item>(name).find().map(({ n }) => n).toArray())
      )
      return [...a!.filter((n) => !b!.includes(n)), ...b!.filter((n) => !a!.includes(n))]
    })
    return [...left, ...(half.length === 0 ? [] : [`transactions that were done by half: ${half.length}`])]
  })

export const interruptionProblems = (arena: Arena, { slowest }: Interrupted) =>
  Effect.map(leftovers(arena), (left) => [
    ...left,
    ...(slowest < bound ? [] : [`an interruption took ${Math.round(slowest)} milliseconds`])
  ])

export const interruptionFigures = ({ count, slowest }: Interrupted): string =>
  `${count} interruptions, the slowest took ${Math.round(slowest)} ms`
