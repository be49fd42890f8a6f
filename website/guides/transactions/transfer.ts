import { NodeRuntime } from "@effect/platform-node"
import { MongoClient } from "@mongofx/core"
import { Console, Data, Effect } from "effect"
import { accounts, balances, Live, seed } from "./accounts.ts"

// #region transfer
class Overdrawn extends Data.TaggedError("Overdrawn")<{ readonly account: string }> {}

const transfer = (from: string, to: string, amount: number) =>
  Effect.gen(function*() {
    const mongo = yield* MongoClient.MongoClient
    const collection = yield* accounts

    const move = Effect.gen(function*() {
      yield* collection.updateOne({ _id: to }, { $inc: { balance: amount } })
      const { matchedCount } = yield* collection.updateOne(
        { _id: from, balance: { $gte: amount } },
        { $inc: { balance: -amount } }
      )
      if (matchedCount === 0) return yield* new Overdrawn({ account: from })
    })
    yield* mongo.withTransaction(move)
  })

const program = Effect.gen(function*() {
  yield* seed
  yield* transfer("Ada", "Grace", 30)
  yield* Console.log("after 30:", yield* balances)

  yield* transfer("Ada", "Grace", 500).pipe(
    Effect.catchTag("Overdrawn", ({ account }) => Console.log(`${account} has not enough`))
  )
  yield* Console.log("after 500:", yield* balances)
})
// #endregion transfer

NodeRuntime.runMain(Effect.provide(program, Live))
