import { NodeRuntime } from "@effect/platform-node"
import { ChangeStreamConsumer, MongoClient, MongoDatabase, ResumeTokenStore } from "@mongofx/core"
import { Config, Console, Data, Effect, Layer, Schedule } from "effect"

interface Payment {
  readonly _id: string
  readonly customer: string
  readonly amount: number
}

interface Balance {
  readonly _id: string
  readonly paid: number
}

class Stopped extends Data.TaggedError("Stopped")<{}> {}

const program = Effect.gen(function*() {
  const mongo = yield* MongoClient.MongoClient
  const db = yield* MongoDatabase.MongoDatabase
  const payments = db.collection<Payment>("payments")
  const balances = db.collection<Balance>("balances")
  for (const name of ["payments", "balances"]) yield* db.createCollection(name)

  let attempts = 0
  // #region consumer
  yield* ChangeStreamConsumer.make({
    name: "balances",
    watch: (position) =>
      payments.watch([{ $match: { operationType: "insert" } }], { ...position, maxAwaitTime: "100 millis" }),
    handler: (event, checkpoint) =>
      event.operationType !== "insert" ? Effect.void : Effect.gen(function*() {
        const { amount, customer } = event.fullDocument
        yield* balances.updateOne({ _id: customer }, { $inc: { paid: amount } }, { upsert: true })
        // The first attempt fails after its write: the transaction undoes it.
        if (++attempts === 1) return yield* new Stopped()
        yield* checkpoint
      }).pipe(mongo.withTransaction()),
    onPoison: { retry: Schedule.recurs(3), deadLetter: (event) => Effect.logError("given up", event._id) }
  })
  // #endregion consumer

  yield* payments.insertMany([
    { _id: "p1", customer: "Ada", amount: 5 },
    { _id: "p2", customer: "Ada", amount: 7 }
  ])
  const paid = Effect.map(balances.find(), ([balance]) => balance?.paid)
  yield* Effect.repeat(Effect.delay(paid, "20 millis"), { until: (paid) => paid === 12 })
  yield* Console.log(`more attempts than payments: ${attempts > 2}`)
  yield* Console.log(yield* balances.find())
}).pipe(Effect.scoped)

const Database = MongoDatabase.layer("shop").pipe(
  Layer.provideMerge(MongoClient.layerConfig({ url: Config.Redacted("MONGODB_URI") }))
)

NodeRuntime.runMain(Effect.provide(program, Layer.provideMerge(ResumeTokenStore.layerMongo(), Database)))
