// A consumer in a process of its own, for tests that stop it: `consumerProcess.ts NAME DATABASE FORM [STOP_AT]`.
// The form is `plain`, `transaction`, or `parts`: four of them, in transactions.
import { ChangeStreamConsumer, MongoClient, MongoDatabase, ResumeTokenStore } from "@mongofx/core"
import { Effect, Layer, Redacted } from "effect"

const [instance, database, form, stopAt] = process.argv.slice(2) as [string, string, string, string | undefined]

const pause = (milliseconds: number) =>
  Effect.promise(() => new Promise((resolve) => setTimeout(resolve, milliseconds)))

const tell = (text: string) => Effect.sync(() => process.stdout.write(`${text}\n`))

let n = 0

const program = Effect.gen(function*() {
  const mongo = yield* MongoClient.MongoClient
  const db = yield* MongoDatabase.MongoDatabase
  const handled = db.collection("handled")
  const items = db.collection<{ _id: number }>("items")
  yield* ChangeStreamConsumer.make({
    name: "test",
    watch: (position) =>
      items.watch([{ $match: { operationType: "insert" } }], { maxAwaitTime: "100 millis", ...position }),
    partitions: (form === "parts" ? 4 : 1) as number,
    lease: { duration: "2 seconds" },
    checkpoint: { events: 4, interval: "1 hour" },
    handler: (event, checkpoint) => {
      if (event.operationType !== "insert") return Effect.void
      const { _id } = event.documentKey
      // Where the test stops the process.
      const here = String(_id) === stopAt ? Effect.andThen(tell(`at ${_id}`), pause(1500)) : Effect.void
      const write = Effect.suspend(() => handled.insertOne({ event: _id, instance, n: n++ }))
      return form !== "plain"
        ? mongo.withTransaction(write.pipe(Effect.andThen(here), Effect.andThen(checkpoint)))
        : Effect.andThen(here, write)
    }
  })
  yield* tell("ready")
  yield* Effect.callback((resume) => {
    process.once("SIGTERM", () => resume(Effect.void))
    // Alive as long as nobody says otherwise, and no longer than the test.
    process.stdin.resume().once("end", () => process.exit(1))
  })
}).pipe(Effect.scoped)

const Client = MongoClient.layer({ url: Redacted.make(process.env["MONGODB_URI"]!) })
const Live = ResumeTokenStore.layerMongo().pipe(
  Layer.provideMerge(MongoDatabase.layer(database)),
  Layer.provideMerge(Client)
)

await Effect.runPromise(Effect.provide(program, Live))
process.exit(0)
