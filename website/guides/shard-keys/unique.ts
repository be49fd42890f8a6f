// server: sharded
import { NodeRuntime } from "@effect/platform-node"
import { MongoDatabase, MongoSharding } from "@mongofx/core"
import { Console, Effect } from "effect"
import { Live } from "./orders.ts"

const program = Effect.gen(function*() {
  const db = yield* MongoDatabase.MongoDatabase

  // #region unique
  const invoices = db.collection<{ _id: number; customer: number; number: number }>("invoices")
  yield* MongoSharding.shardCollection(invoices, { customer: 1 })
  yield* invoices.createIndex({ number: 1 }, { unique: true }).pipe(
    Effect.catchReason("MongoError", "IndexError", ({ kind }) => Console.log(`a unique index on number alone: ${kind}`))
  )
  yield* invoices.createIndex({ customer: 1, number: 1 }, { unique: true })
  // #endregion unique

  // #region id
  const payments = db.collection<{ _id: number; customer: number }>("payments")
  yield* MongoSharding.shardCollection(payments, { customer: "hashed" })
  yield* payments.insertMany([{ _id: 1, customer: 1 }, { _id: 1, customer: 3 }])
  yield* Console.log(`payments with the _id 1: ${yield* payments.countDocuments({ _id: 1 })}`)
  // #endregion id
})

NodeRuntime.runMain(Effect.provide(program, Live))
