// Consumers of one collection in a process of its own: `consumerProcess.ts INSTANCE DATABASE SHIFT`. SHIFT moves its clock, in milliseconds.
import { ChangeStreamConsumer, MongoClient, MongoDatabase, type MongoError, ResumeTokenStore } from "@mongofx/core"
import { Effect, Layer, Redacted, Schedule } from "effect"
import type { Numbered } from "./events.ts"

const [instance, database, shift] = process.argv.slice(2) as [string, string, string]

const realNow = Date.now
Date.now = () => realNow() + Number(shift)

const program = Effect.gen(function*() {
  const mongo = yield* MongoClient.MongoClient
  const db = yield* MongoDatabase.MongoDatabase
  const items = db.collection<Numbered>("items")
  const insert = (form: string, n: number) => db.collection(form).insertOne({ n, instance })
  const consuming = (
    form: string,
    handle: (
      n: number,
      checkpoint: Effect.Effect<void, MongoError.MongoError>
    ) => Effect.Effect<unknown, MongoError.MongoError>
  ) =>
    ChangeStreamConsumer.consume({
      name: form,
      watch: (position) =>
        items.watch([{ $match: { operationType: "insert" } }], { maxAwaitTime: "100 millis", ...position }),
      lease: { duration: "2 seconds" },
      checkpoint: { events: 10, interval: "500 millis" },
      handler: (event, checkpoint) =>
        event.operationType === "insert" ? Effect.asVoid(handle(event.documentKey._id, checkpoint)) : Effect.void
      // A service starts again when its servers do not answer.
    }).pipe(Effect.retry(Schedule.spaced("200 millis")))

  yield* Effect.all([
    consuming("plain", (n) => insert("plain", n)),
    consuming(
      "transaction",
      (n, checkpoint) => mongo.withTransaction(Effect.andThen(insert("transaction", n), checkpoint))
    )
  ], { concurrency: "unbounded" })
})

const Client = MongoClient.layer({
  url: Redacted.make(process.env["CHAOS_URI"]!),
  heartbeatFrequency: "1 second",
  connectTimeout: "2 seconds",
  serverSelectionTimeout: "15 seconds"
})
const Live = ResumeTokenStore.layerMongo().pipe(
  Layer.provideMerge(MongoDatabase.layer(database)),
  Layer.provideMerge(Client)
)

// It lives no longer than the test.
process.stdin.resume().once("end", () => process.exit(1))
await Effect.runPromise(Effect.provide(program, Live))
