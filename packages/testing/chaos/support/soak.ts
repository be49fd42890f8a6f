/**
 * Mixed work by a client of its own, and what it leaves in this process: heap and handles.
 */
import { GridFS, MongoClient } from "@mongofx/core"
import { Effect, Random, Redacted, Stream } from "effect"
import type * as Driver from "mongodb"
import { setFlagsFromString } from "node:v8"
import { runInNewContext } from "node:vm"
import { type Arena, repeatedly } from "./arena.ts"

setFlagsFromString("--expose-gc")
const collectGarbage = runInNewContext("gc") as () => void

interface Footprint {
  /** Bytes. */
  readonly heap: number
  /** Sockets, timers and the like that are open. */
  readonly handles: number
}

/** What this process holds once it has come to rest. */
export const footprint: Effect.Effect<Footprint> = Effect.gen(function*() {
  // The other ends of closed connections close a little later.
  yield* Effect.sleep("500 millis")
  collectGarbage()
  collectGarbage()
  return { heap: process.memoryUsage().heapUsed, handles: process.getActiveResourcesInfo().length }
})

interface Soaked {
  readonly before: Footprint
  readonly after: Footprint
  readonly operations: number
}

/** A client that is used by 16 fibers has more connections than this. Those between the members come and go, and pass through this process. */
const handleLimit = 24
/** Code that is compiled on the way and caches stay below this. */
const heapLimit = 16 * 1024 ** 2

interface Item extends Driver.Document {
  readonly n: number
}

/** Gives the number of operations that ended well. */
const mixedWork = (arena: Arena) =>
  Effect.gen(function*() {
    let done = 0
    const mongo = yield* MongoClient.make({
      url: Redacted.make(arena.uri),
      heartbeatFrequency: "1 second",
      connectTimeout: "2 seconds",
      serverSelectionTimeout: "15 seconds"
    })
    const db = mongo.db(arena.db.name)
    const items = db.collection<Item>("soak")
    const bucket = GridFS.bucket(db)
    const operations: ReadonlyArray<(n: number) => Effect.Effect<unknown, unknown>> = [
      (n) => items.insertMany(Array.from({ length: 20 }, (_, i) => ({ n: n + i }))),
      (n) => items.find({ n: { $gte: n } }).limit(50),
      (n) => items.updateMany({ n }, { $inc: { hits: 1 } }),
      (n) => items.deleteMany({ n: { $lt: n } }),
      (n) => mongo.withTransaction(Effect.andThen(items.insertOne({ n }), items.deleteOne({ n }))),
      () =>
        items.watch([], { maxAwaitTime: "50 millis" }).pipe(
          Stream.take(3),
          Stream.runDrain,
          Effect.timeoutOption("200 millis")
        ),
      (n) =>
        Effect.flatMap(
          bucket.upload(String(n), Stream.make(new Uint8Array(100_000))),
          ({ _id }) => Effect.andThen(Stream.runDrain(bucket.download(_id)), bucket.delete(_id))
        )
    ]
    yield* repeatedly(16, () =>
      Effect.gen(function*() {
        const kind = yield* Random.nextIntBetween(0, operations.length, { halfOpen: true })
        const exit = yield* Effect.exit(operations[kind]!(yield* Random.nextIntBetween(0, 1000)))
        if (exit._tag === "Success") done++
      }), { confirmed: () => done, share: 0.5 })
    return done
  }).pipe(Effect.scoped, Effect.orDie)

/** Works twice: what the first round leaves, such as compiled code, is there once and for all. */
export const soakWork = (arena: Arena) =>
  Effect.gen(function*() {
    const first = yield* mixedWork(arena)
    const before = yield* footprint
    const second = yield* mixedWork(arena)
    return { before, after: yield* footprint, operations: first + second } satisfies Soaked
  })

const megabytes = (bytes: number): string => (bytes / 1024 ** 2).toFixed(1)

export const soakProblems = ({ after, before }: Pick<Soaked, "after" | "before">): ReadonlyArray<string> => {
  const heap = after.heap - before.heap
  const handles = after.handles - before.handles
  return [
    ...(heap < heapLimit ? [] : [`the heap has grown by ${megabytes(heap)} MB`]),
    ...(handles < handleLimit ? [] : [`${handles} handles are left`])
  ]
}

export const soakFigures = ({ after, before, operations }: Soaked): string =>
  `${operations} operations; heap ${megabytes(before.heap)} then ${
    megabytes(after.heap)
  } MB, handles ${before.handles} then ${after.handles}`
