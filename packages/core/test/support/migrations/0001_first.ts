import { MongoDatabase } from "@mongofx/core"
import { Effect } from "effect"

export default Effect.flatMap(MongoDatabase.MongoDatabase, (db) => db.collection("work").insertOne({ by: "first" }))
