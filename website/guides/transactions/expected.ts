import { NodeRuntime } from "@effect/platform-node"
import { MongoClient, MongoError } from "@mongofx/core"
import { Console, Effect } from "effect"
import { accounts, balances, Live, seed } from "./accounts.ts"

const program = Effect.gen(function*() {
  const mongo = yield* MongoClient.MongoClient
  const collection = yield* accounts
  yield* seed
  const openAda = collection.insertOne({ _id: "Ada", balance: 0 })
  const giveGrace = collection.updateOne({ _id: "Grace" }, { $inc: { balance: 1 } })

  // #region inside
  // Wrong: the server has aborted the transaction with the duplicate key.
  const inside = Effect.gen(function*() {
    yield* openAda.pipe(Effect.catchReason("MongoError", "DuplicateKeyError", () => Effect.void))
    yield* giveGrace
  })
  yield* mongo.withTransaction(inside).pipe(
    Effect.catchReason(
      "MongoError",
      "TransactionError",
      ({ cause, kind }) => Console.log(`handled inside: TransactionError (${kind}), because of a ${tagOf(cause)}`)
    )
  )
  // #endregion inside
  yield* Console.log(yield* balances)

  // #region outside
  // Right: the transaction fails as a whole, and the error is handled around it.
  const outside = Effect.gen(function*() {
    yield* openAda
    yield* giveGrace
  })
  yield* mongo.withTransaction(outside).pipe(
    Effect.catchReason("MongoError", "DuplicateKeyError", () => Console.log("handled outside: nothing was changed"))
  )
  // #endregion outside
  yield* Console.log(yield* balances)

  // #region upsert
  // Right as well: an upsert does not fail when the account is there.
  const upsert = Effect.gen(function*() {
    yield* collection.updateOne({ _id: "Ada" }, { $setOnInsert: { balance: 0 } }, { upsert: true })
    yield* giveGrace
  })
  yield* mongo.withTransaction(upsert)
  yield* Console.log("with an upsert: committed")
  // #endregion upsert
  yield* Console.log(yield* balances)
})

const tagOf = (cause: unknown) => MongoError.isMongoError(cause) ? cause.reason._tag : "defect"

NodeRuntime.runMain(Effect.provide(program, Live))
