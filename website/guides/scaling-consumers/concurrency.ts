import { NodeRuntime } from "@effect/platform-node"
import { ChangeStreamConsumer, MongoClient, MongoDatabase, ResumeTokenStore } from "@mongofx/core"
import { Config, Console, Effect, Layer, Queue } from "effect"

interface Order {
  readonly _id: number
  readonly state: "placed" | "paid" | "sent"
}

const program = Effect.gen(function*() {
  const db = yield* MongoDatabase.MongoDatabase
  const orders = db.collection<Order>("orders")
  const calls = yield* Queue.unbounded<Order>()
  let now = 0
  let most = 0

  /** A service that takes 20 ms to answer. */
  const notify = (order: Order) =>
    Effect.gen(function*() {
      most = Math.max(most, ++now)
      yield* Effect.sleep("20 millis")
      now--
      yield* Queue.offer(calls, order)
    })

  // #region consumer
  yield* ChangeStreamConsumer.make({
    name: "notify",
    watch: (position) =>
      orders.watch([{ $match: { operationType: { $in: ["insert", "replace"] } } }], {
        ...position,
        maxAwaitTime: "100 millis"
      }),
    handler: (event) =>
      event.operationType === "insert" || event.operationType === "replace" ? notify(event.fullDocument) : Effect.void,
    concurrency: 4
  })
  // #endregion consumer

  const ids = [1, 2, 3, 4, 5, 6]
  yield* orders.insertMany(ids.map((_id) => ({ _id, state: "placed" })))
  for (const state of ["paid", "sent"] as const) {
    yield* Effect.forEach(ids, (_id) => orders.replaceOne({ _id }, { state }))
  }
  const all = yield* Queue.takeN(calls, 3 * ids.length)
  for (const id of [1, 6]) {
    const states = all.filter(({ _id }) => _id === id).map(({ state }) => state)
    yield* Console.log(`order ${id}: ${states.join(", ")}`)
  }
  yield* Console.log(`calls at a time: ${most}`)
}).pipe(Effect.scoped)

const Database = MongoDatabase.layer("shop").pipe(
  Layer.provideMerge(MongoClient.layerConfig({ url: Config.Redacted("MONGODB_URI") }))
)

NodeRuntime.runMain(Effect.provide(program, Layer.provideMerge(ResumeTokenStore.layerMongo(), Database)))
