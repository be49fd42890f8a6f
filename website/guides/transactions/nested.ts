import { NodeRuntime } from "@effect/platform-node"
import { MongoClient } from "@mongofx/core"
import { Console, Effect } from "effect"
import { accounts, balances, Live, seed } from "./accounts.ts"

const program = Effect.gen(function*() {
  const mongo = yield* MongoClient.MongoClient
  const collection = yield* accounts
  const journal = collection.database.collection<{ readonly text: string }>("journal")
  yield* seed
  const give = (_id: string, amount: number) => collection.updateOne({ _id }, { $inc: { balance: amount } })

  // #region nested
  const bonus = mongo.withTransaction(Effect.gen(function*() {
    yield* give("Grace", 5)
    yield* mongo.afterCommit(Console.log("the bonus is committed"))
  }))
  const both = mongo.withTransaction(Effect.gen(function*() {
    yield* bonus
    yield* Console.log("the inner transaction has ended")
    yield* give("Ada", 1)
  }))
  yield* both
  yield* Console.log(yield* balances)

  const strict = mongo.withTransaction(mongo.withTransaction(give("Ada", 1), { onNested: "fail" }))
  yield* strict.pipe(
    Effect.catchReason("MongoError", "TransactionError", ({ message }) => Console.log(message))
  )
  // #endregion nested

  // #region without
  const failing = mongo.withTransaction(Effect.gen(function*() {
    yield* give("Ada", 1000)
    yield* mongo.withoutTransaction(journal.insertOne({ text: "tried to give 1000" }))
    return yield* Effect.fail("too much")
  }))
  yield* Effect.ignore(failing)
  yield* Console.log(yield* balances)
  yield* Console.log("the journal:", (yield* journal.find()).map(({ text }) => text).join(", "))
  // #endregion without
})

NodeRuntime.runMain(Effect.provide(program, Live))
