import { NodeRuntime } from "@effect/platform-node"
import { MongoClient, type MongoError } from "@mongofx/core"
import { Console, Effect, Stream } from "effect"
import { accounts, Live, seed } from "./accounts.ts"

const program = Effect.gen(function*() {
  const mongo = yield* MongoClient.MongoClient
  const collection = yield* accounts
  const { database } = collection
  yield* seed

  // #region allowed
  const attempt = (name: string, body: Effect.Effect<unknown, MongoError.MongoError>) =>
    mongo.withTransaction(body).pipe(
      Effect.andThen(Console.log(`yes  ${name}`)),
      Effect.catchReason("MongoError", "TransactionError", ({ kind }) => Console.log(`no   ${name} (${kind})`))
    )
  yield* attempt("a stream of find", Stream.runDrain(collection.find().stream))
  yield* attempt("aggregate", collection.aggregate([{ $count: "n" }]))
  yield* attempt("countDocuments", collection.countDocuments())
  yield* attempt("bulkWrite", collection.bulkWrite([{ deleteOne: { filter: { _id: "Alan" } } }]))
  yield* attempt("insert into a new collection", database.collection("log").insertOne({ text: "hello" }))
  yield* attempt("index of a new collection", database.collection("fresh").createIndex({ at: 1 }))
  yield* attempt("index of a collection with documents", collection.createIndex({ balance: 1 }))
  yield* attempt("estimatedDocumentCount", collection.estimatedDocumentCount())
  yield* attempt("drop", collection.drop())
  yield* attempt("listCollections", database.listCollections())
  // #endregion allowed
})

NodeRuntime.runMain(Effect.provide(program, Live))
