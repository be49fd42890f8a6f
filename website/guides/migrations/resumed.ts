import { NodeRuntime } from "@effect/platform-node"
import { MongoDatabase, MongoMigrator } from "@mongofx/core"
import { Console, Effect } from "effect"
import { Database, past } from "./invoices.ts"

// #region program
let attempt = 0

const loader = MongoMigrator.fromRecord({
  "1_round": Effect.gen(function*() {
    attempt++
    const db = yield* MongoDatabase.MongoDatabase
    const collection = db.collection<{ _id: number }>("invoices")
    yield* MongoMigrator.step("note", Console.log("a step that is done once"))
    yield* MongoMigrator.forEachBatch({ step: "round", collection, batchSize: 500 }, (batch) =>
      Effect.gen(function*() {
        if (attempt === 1 && batch.some(({ _id }) => _id === 600)) return yield* Effect.fail("the disk is full")
        yield* Console.log(`attempt ${attempt}: ${batch[0]?._id} to ${batch.at(-1)?._id}`)
        yield* collection.updateMany({ _id: { $in: batch.map(({ _id }) => _id) } }, [
          { $set: { total: { $round: ["$total", 0] } } }
        ])
      }))
  })
})

const program = Effect.gen(function*() {
  yield* past
  yield* MongoMigrator.run({ loader }).pipe(
    Effect.catchTag("MigrationError", (error) => Console.log(`${error.kind}: ${error.message}`))
  )
  yield* MongoMigrator.run({ loader })
})
// #endregion program

NodeRuntime.runMain(Effect.provide(program, Database))
