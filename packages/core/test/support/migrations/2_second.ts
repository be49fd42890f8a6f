import { MongoDatabase, MongoMigrator } from "@mongofx/core"
import { Effect } from "effect"

export default MongoMigrator.migration(
  Effect.flatMap(MongoDatabase.MongoDatabase, (db) => db.collection("work").insertOne({ by: "second" })),
  { checksum: "of the second", transaction: true }
)
