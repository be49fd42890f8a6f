/** A process that ends with an uncaught failure of a bulk write: with its error, or with the reason in it. */
import { MongoClient } from "@mongofx/core"
import { Effect, Redacted } from "effect"

const [, , url, database, what, upserted, inserted] = process.argv as [string, string, ...Array<string>]

await Effect.runPromise(Effect.scoped(Effect.gen(function*() {
  const mongo = yield* MongoClient.make({ url: Redacted.make(url!) })
  const items = mongo.db(database!).collection<{ readonly _id: string; readonly a?: number }>("items")
  const insert = { insertOne: { document: { _id: inserted! } } }
  const write = items.bulkWrite([
    { updateOne: { filter: { _id: upserted! }, update: { $set: { a: 1 } }, upsert: true } },
    insert,
    insert
  ])
  return yield* Effect.mapError(write, (error) => what === "error" ? error : error.reason)
})))
