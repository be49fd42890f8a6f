import { NodeRuntime } from "@effect/platform-node"
import { MongoReactivity } from "@mongofx/backends"
import { MongoClient, MongoDatabase } from "@mongofx/core"
import { Config, Console, Effect, Layer, Queue } from "effect"
import { Reactivity } from "effect/reactivity"

interface Account {
  readonly _id: string
  readonly balance: number
}

const program = Effect.gen(function*() {
  const mongo = yield* MongoClient.MongoClient
  const accounts = (yield* MongoDatabase.MongoDatabase).collection<Account>("accounts")
  yield* accounts.insertMany([{ _id: "ada", balance: 5 }, { _id: "grace", balance: 0 }])

  // #region transfer
  const transfer = (amount: number) =>
    Effect.gen(function*() {
      yield* accounts.updateOne({ _id: "grace" }, { $inc: { balance: amount } })
      yield* Reactivity.invalidate(["balances"])
      const { matchedCount } = yield* accounts.updateOne(
        { _id: "ada", balance: { $gte: amount } },
        { $inc: { balance: -amount } }
      )
      if (matchedCount === 0) return yield* Effect.fail("ada has not enough" as const)
    }).pipe(mongo.withTransaction())
  // #endregion transfer

  // #region query
  let runs = 0
  const read = Effect.suspend(() => {
    runs++
    return accounts.find().sort({ _id: 1 })
  })
  const balances = yield* Reactivity.query(read, ["balances"])
  const show = Effect.flatMap(
    Queue.take(balances),
    (all) => Console.log(all.map(({ _id, balance }) => `${_id} has ${balance}`).join(", "))
  )
  yield* show
  yield* transfer(3)
  yield* show
  yield* Console.log(yield* Effect.flip(transfer(100)))
  yield* Console.log(`runs of the query: ${runs}`)
  // #endregion query
}).pipe(Effect.scoped)

// #region layer
const Live = MongoReactivity.layer({ collections: [] }).pipe(
  Layer.provideMerge(MongoDatabase.layer("bank")),
  Layer.provideMerge(MongoClient.layerConfig({ url: Config.Redacted("MONGODB_URI") }))
)
// #endregion layer

NodeRuntime.runMain(Effect.provide(program, Live))
