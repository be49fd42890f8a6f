// Consumers of one collection in a process of its own: `consumerProcess.ts INSTANCE DATABASE SHIFT FORM...`. SHIFT moves its clock, in milliseconds.
import { ChangeStreamConsumer, MongoClient, MongoDatabase, ResumeTokenStore } from "@mongofx/core"
import { Effect, Layer, Redacted, Schedule } from "effect"
import { type Counted, type FormName, forms, numberOf } from "./forms.ts"

const [instance, database, shift, ...names] = process.argv.slice(2) as [string, string, string, ...Array<FormName>]

const realNow = Date.now
Date.now = () => realNow() + Number(shift)

const program = Effect.gen(function*() {
  const mongo = yield* MongoClient.MongoClient
  const db = yield* MongoDatabase.MongoDatabase
  const items = db.collection<Counted>("items")

  const consuming = (form: FormName) => {
    const { isTransactional, partitions } = forms[form]
    const handled = db.collection(form)
    return ChangeStreamConsumer.consume({
      name: form,
      watch: (position) => items.watch([], { maxAwaitTime: "100 millis", ...position }),
      partitions: partitions as number,
      lease: { duration: "2 seconds" },
      checkpoint: { events: 10, interval: "500 millis" },
      handler: (event, checkpoint) => {
        const n = numberOf(event)
        if (n === undefined) return Effect.void
        const insert = handled.insertOne({ n, instance })
        return Effect.asVoid(isTransactional ? mongo.withTransaction(Effect.andThen(insert, checkpoint)) : insert)
      }
      // A service starts again when its servers do not answer.
    }).pipe(Effect.retry(Schedule.spaced("200 millis")))
  }

  yield* Effect.all(names.map(consuming), { concurrency: "unbounded" })
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
