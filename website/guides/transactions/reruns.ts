import { NodeRuntime } from "@effect/platform-node"
import { MongoClient } from "@mongofx/core"
import { FailPoint, MongoServer } from "@mongofx/testing"
import { Console, Effect, Layer } from "effect"
import { accounts, balances, Live, seed } from "./accounts.ts"

/** The server refuses the next updates with a conflict, as if another transaction had written the document. */
const conflicts = (times: number) =>
  FailPoint.failCommand({
    failCommands: ["update"],
    mode: { times },
    errorCode: 112,
    errorLabels: ["TransientTransactionError"]
  })

const program = Effect.gen(function*() {
  const mongo = yield* MongoClient.MongoClient
  const collection = yield* accounts
  yield* seed

  // #region body
  let runs = 0
  const body = Effect.gen(function*() {
    runs += 1
    yield* collection.updateOne({ _id: "Ada" }, { $inc: { balance: 1 } })
    yield* mongo.afterCommit(Console.log(`a mail after run ${runs}`))
  })

  yield* Effect.scoped(Effect.andThen(conflicts(2), mongo.withTransaction(body)))
  yield* Console.log(`two conflicts: ${runs} runs, ${yield* balances}`)

  yield* Effect.scoped(Effect.andThen(conflicts(1), mongo.withTransaction(body, { rerun: false }))).pipe(
    Effect.catchReason("MongoError", "WriteConflictError", () => Console.log("rerun: false: WriteConflictError"))
  )

  yield* Effect.scoped(Effect.andThen(conflicts(1000), mongo.withTransaction(body, { maxDuration: "1 second" }))).pipe(
    Effect.catchReason("MongoError", "WriteConflictError", () => Console.log("after a second: WriteConflictError"))
  )
  yield* Console.log(yield* balances)
  // #endregion body
})

NodeRuntime.runMain(Effect.provide(program, Layer.merge(Live, MongoServer.layer)))
