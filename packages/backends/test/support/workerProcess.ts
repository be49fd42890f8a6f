// A program that works on a queue in a process of its own: `workerProcess.ts DATABASE`.
import { MongoPersistedQueue } from "@mongofx/backends"
import { MongoClient, MongoDatabase } from "@mongofx/core"
import { Effect, Layer, Redacted, Schema } from "effect"
import { PersistedQueue } from "effect/persistence"

const [database] = process.argv.slice(2) as [string]

const program = Effect.gen(function*() {
  const handled = (yield* MongoDatabase.MongoDatabase).collection("handled")
  const queue = yield* PersistedQueue.make({ name: "work", schema: Schema.Struct({ n: Schema.Int }) })
  process.stdout.write("ready\n")
  const work = queue.take(({ n }, { attempts }) =>
    Effect.gen(function*() {
      yield* handled.insertOne({ n, attempts, process: process.pid })
      yield* Effect.sleep("15 millis")
      // Some elements fail at first.
      if (n % 10 === 3 && attempts === 1) return yield* Effect.fail("not yet")
    })
    // What fails in the work, also for want of a server, is tried again. A failure of the queue itself is the end of this process.
  ).pipe(
    Effect.catch((error) =>
      typeof error === "object" && error._tag === "PersistedQueueError" ? Effect.die(error) : Effect.void
    )
  )
  yield* Effect.all(Array.from({ length: 4 }, () => Effect.forever(work)), { concurrency: "unbounded" })
})

const Live = MongoPersistedQueue.layerWith({ lockExpiration: "3 seconds" }).pipe(
  Layer.provideMerge(MongoDatabase.layer(database)),
  Layer.provide(MongoClient.layer({ url: Redacted.make(process.env["MONGODB_URI"]!) }))
)

// No longer than the test.
process.stdin.resume().once("end", () => process.exit(1))
await Effect.runPromise(Effect.provide(program, Live))
