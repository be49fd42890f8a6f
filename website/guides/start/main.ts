import { NodeRuntime } from "@effect/platform-node"
import { MongoClient } from "@mongofx/core"
import { Console, Effect } from "effect"
import { explain, Mongo } from "./mongo.ts"

interface Book {
  readonly title: string
  readonly pages: number
}

const program = Effect.gen(function*() {
  const mongo = yield* MongoClient.MongoClient
  const books = mongo.db("library").collection<Book>("books")

  // Upserts, so that a second run finds the same two books.
  yield* books.updateOne({ title: "Emma" }, { $set: { pages: 474 } }, { upsert: true })
  yield* books.updateOne({ title: "Walden" }, { $set: { pages: 352 } }, { upsert: true })

  const long = yield* books.find({ pages: { $gt: 400 } }).sort({ title: 1 })
  for (const { pages, title } of long) yield* Console.log(`${title} has ${pages} pages`)
})

NodeRuntime.runMain(program.pipe(
  Effect.provide(Mongo),
  Effect.catchReason("MongoError", "ConnectionError", explain)
))
