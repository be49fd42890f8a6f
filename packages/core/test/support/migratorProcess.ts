// A program that migrates in a process of its own, for tests that kill it: `migratorProcess.ts DATABASE many|long`.
import { MongoClient, MongoDatabase, MongoMigrator } from "@mongofx/core"
import { Effect, Layer, Logger, Redacted } from "effect"

const [database, form] = process.argv.slice(2) as [string, string]

const tell = (text: string) => Effect.sync(() => process.stdout.write(`${text}\n`))

/** Waits for a line from the test, which may never come. */
const line = Effect.callback<void>((resume) => {
  process.stdin.resume().once("data", () => resume(Effect.void))
})

const pause = (milliseconds: number) =>
  Effect.promise(() => new Promise((resolve) => setTimeout(resolve, milliseconds)))

/** A migration that two processes must not do at the same time, and that leaves a trace of each run. */
const once = (name: string) =>
  Effect.gen(function*() {
    const db = yield* MongoDatabase.MongoDatabase
    yield* db.collection<{ _id: string }>("busy").insertOne({ _id: "busy" })
    yield* db.collection("runs").insertOne({ name, process: process.pid })
    yield* pause(50)
    yield* db.collection<{ _id: string }>("busy").deleteOne({ _id: "busy" })
  })

/** A long change of data: each document counts how often it was changed. */
const long = Effect.gen(function*() {
  const db = yield* MongoDatabase.MongoDatabase
  const items = db.collection<{ _id: number; n: number }>("items")
  yield* MongoMigrator.step("begun", db.collection("runs").insertOne({ name: "begun", process: process.pid }))
  let batches = 0
  yield* MongoMigrator.forEachBatch(
    { step: "items", collection: items, batchSize: 10 },
    (batch) =>
      Effect.gen(function*() {
        yield* items.updateMany({ _id: { $in: batch.map(({ _id }) => _id) } }, { $inc: { n: 1 } })
        if (++batches < 3) return
        yield* tell("here")
        yield* Effect.never
      })
  )
})

const loader = form === "many"
  ? MongoMigrator.fromRecord({ "1_a": once("a"), "2_b": once("b"), "3_c": once("c") })
  : MongoMigrator.fromRecord({ "1_long": long })

const program = Effect.gen(function*() {
  yield* tell("ready")
  if (form === "many") yield* line
  const applied = yield* MongoMigrator.run({ loader, lease: { duration: "3 seconds" } })
  yield* tell(JSON.stringify(applied.map(({ name }) => name)))
  return 0
}).pipe(Effect.catchTag("MigrationError", (error) => Effect.as(tell(error.kind), 2)))

const Client = MongoClient.layer({ url: Redacted.make(process.env["MONGODB_URI"]!) })
const Live = MongoDatabase.layer(database).pipe(Layer.provideMerge(Client), Layer.provideMerge(Logger.layer([])))

// No longer than the test.
process.stdin.resume().once("end", () => process.exit(1))
process.exit(await Effect.runPromise(Effect.provide(program, Live)))
