import { NodeRuntime } from "@effect/platform-node"
import { MongoClient } from "@mongofx/core"
import { Console, Effect } from "effect"
import { accounts, balances, Live, seed } from "./accounts.ts"

const program = Effect.gen(function*() {
  const mongo = yield* MongoClient.MongoClient
  const collection = yield* accounts
  yield* seed

  // #region causal
  const readYourWrites = Effect.gen(function*() {
    yield* collection.updateOne({ _id: "Ada" }, { $set: { balance: 90 } })
    // On a secondary that is behind, this read waits until it has the write.
    return yield* collection.withOptions({ readPreference: "secondaryPreferred" }).find({ _id: "Ada" }).one
  })
  const { balance } = yield* readYourWrites.pipe(mongo.withSession())
  yield* Console.log("after my own write:", balance)
  // #endregion causal

  // #region snapshot
  const audit = Effect.gen(function*() {
    const before = yield* balances
    // Somebody else writes meanwhile.
    yield* mongo.withoutTransaction(collection.updateOne({ _id: "Grace" }, { $set: { balance: 0 } }))
    return { before, after: yield* balances }
  })
  const seen = yield* audit.pipe(mongo.withSession({ snapshot: true }))
  yield* Console.log("in a snapshot:", seen.before, "and again", seen.after)
  yield* Console.log("now:", yield* balances)
  // #endregion snapshot

  // #region concerns
  yield* collection.updateOne({ _id: "Grace" }, { $inc: { balance: 1 } }).pipe(
    mongo.withTransaction({
      readConcern: "snapshot",
      writeConcern: { w: "majority" },
      maxCommitTime: "2 seconds",
      maxDuration: "10 seconds"
    })
  )
  // #endregion concerns

  // #region explicit
  yield* Effect.scoped(Effect.gen(function*() {
    const session = yield* mongo.session()
    yield* session.startTransaction()
    yield* session.use(collection.updateOne({ _id: "Grace" }, { $inc: { balance: 1 } }))
    yield* session.commitTransaction
  }))
  yield* Console.log("after two transactions:", yield* balances)
  // #endregion explicit
})

NodeRuntime.runMain(Effect.provide(program, Live))
