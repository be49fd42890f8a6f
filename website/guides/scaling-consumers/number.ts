import { NodeRuntime } from "@effect/platform-node"
import { ChangeStreamConsumer, MongoClient, MongoDatabase, ResumeTokenStore } from "@mongofx/core"
import { Config, Console, Effect, Layer, Option, Queue } from "effect"

interface Order {
  readonly _id: number
}

const program = Effect.gen(function*() {
  const db = yield* MongoDatabase.MongoDatabase
  const orders = db.collection<Order>("orders")
  const handled = yield* Queue.unbounded<number>()

  const consumer = (partitions: number) =>
    ChangeStreamConsumer.make({
      name: "notify",
      partitions,
      watch: (position) =>
        orders.watch([{ $match: { operationType: "insert" } }], { ...position, maxAwaitTime: "100 millis" }),
      handler: (event) => event.operationType === "insert" ? Queue.offer(handled, event.documentKey._id) : Effect.void,
      lease: { duration: "2 seconds" }
    })
  const insert = (from: number, to: number) =>
    orders.insertMany(Array.from({ length: to - from }, (_, i) => ({ _id: from + i })))

  const seen = new Set<number>()
  /** Takes what is handled until it has seen so many orders. Some come again. */
  const until = (size: number) =>
    Effect.gen(function*() {
      while (seen.size < size) seen.add(yield* Queue.take(handled))
    })

  // #region change
  // One part is a consumer without partitions.
  yield* Effect.scoped(Effect.gen(function*() {
    yield* consumer(1)
    yield* insert(0, 20)
    yield* until(20)
  }))
  // Nobody consumes these. Then there are four parts, and later three.
  yield* insert(20, 40)
  for (const [partitions, total] of [[4, 60], [3, 80]] as const) {
    yield* Effect.scoped(Effect.gen(function*() {
      yield* consumer(partitions)
      yield* insert(total - 20, total)
      yield* until(total)
      yield* Console.log(`${partitions} parts: ${seen.size} orders are handled`)
    }))
  }
  // #endregion change

  const store = yield* ResumeTokenStore.ResumeTokenStore
  const saved = yield* store.load("notify")
  yield* Console.log(`the store says: ${Option.getOrThrow(saved).parts} parts`)
}).pipe(Effect.scoped)

const Database = MongoDatabase.layer("shop").pipe(
  Layer.provideMerge(MongoClient.layerConfig({ url: Config.Redacted("MONGODB_URI") }))
)

NodeRuntime.runMain(Effect.provide(program, Layer.provideMerge(ResumeTokenStore.layerMongo(), Database)))
