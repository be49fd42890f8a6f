import { NodeRuntime } from "@effect/platform-node"
import { ChangeStreamConsumer, MongoClient, MongoDatabase, ResumeTokenStore } from "@mongofx/core"
import { Config, Console, Duration, Effect, Layer, Queue } from "effect"

const events = 400

const program = Effect.gen(function*() {
  const db = yield* MongoDatabase.MongoDatabase

  // #region measure
  /** How long 400 events take, each of another document, whose handler waits for 5 ms. */
  const timeOf = (name: string, { concurrency, partitions }: { concurrency: number; partitions: number }) =>
    Effect.gen(function*() {
      const items = db.collection<{ readonly _id: number }>(name)
      const handled = yield* Queue.unbounded<void>()
      yield* ChangeStreamConsumer.make({
        name,
        partitions,
        concurrency,
        watch: (position) => items.watch([{ $match: { operationType: "insert" } }], position),
        handler: () => Effect.andThen(Effect.sleep("5 millis"), Queue.offer(handled, undefined))
      })
      yield* items.insertMany(Array.from({ length: events }, (_, _id) => ({ _id })))
      // From the first event on: the start of the consumer does not count.
      yield* Queue.take(handled)
      const [time] = yield* Effect.timed(Queue.takeN(handled, events - 1))
      return Math.round(Duration.toMillis(time))
    }).pipe(Effect.scoped)
  // #endregion measure

  for (const partitions of [1, 2, 4, 8]) {
    const time = yield* timeOf(`parts${partitions}`, { partitions, concurrency: 1 })
    yield* Console.log(`partitions: ${partitions}: ${time} ms`)
  }
  for (const concurrency of [2, 4, 8]) {
    const time = yield* timeOf(`concurrency${concurrency}`, { partitions: 1, concurrency })
    yield* Console.log(`concurrency: ${concurrency}: ${time} ms`)
  }
})

const Database = MongoDatabase.layer("shop").pipe(
  Layer.provideMerge(MongoClient.layerConfig({ url: Config.Redacted("MONGODB_URI") }))
)

NodeRuntime.runMain(Effect.provide(program, Layer.provideMerge(ResumeTokenStore.layerMongo(), Database)))
