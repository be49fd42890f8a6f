import { NodeRuntime } from "@effect/platform-node"
import { MongoSingleRunner } from "@mongofx/backends"
import { MongoClient, MongoDatabase } from "@mongofx/core"
import { Config, Console, Cron, DateTime, Deferred, Effect, Layer, PrimaryKey, References, Schema } from "effect"
import { ClusterCron, ClusterSchema, DeliverAt, Entity, Singleton } from "effect/cluster"
import { Rpc } from "effect/rpc"

// #region later
class Reminder extends Schema.Class<Reminder>("Reminder")({ id: Schema.String, at: Schema.DateTimeUtcFromMillis }) {
  [PrimaryKey.symbol]() {
    return this.id
  }
  [DeliverAt.symbol]() {
    return this.at
  }
}
// #endregion later

// #region entity
const Account = Entity.make("Account", [
  Rpc.make("deposit", {
    payload: { id: Schema.String, amount: Schema.Int },
    success: Schema.Int,
    primaryKey: ({ id }) => id
  }).annotate(ClusterSchema.WithTransaction, true),
  Rpc.make("remind", { payload: Reminder })
]).annotateRpcs(ClusterSchema.Persisted, true)
// #endregion entity

interface Balance {
  readonly _id: string
  readonly amount: number
}

const [watching, reminded, reported] = [
  Deferred.makeUnsafe<void>(),
  Deferred.makeUnsafe<void>(),
  Deferred.makeUnsafe<void>()
]

const done = (deferred: Deferred.Deferred<void>) => Effect.asVoid(Deferred.succeed(deferred, undefined))

// #region handlers
const AccountLive = Account.toLayer(Effect.gen(function*() {
  const { entityId } = yield* Entity.CurrentAddress
  const balances = (yield* MongoDatabase.MongoDatabase).collection<Balance>("balances")
  return {
    // One request of an entity after the other. The new balance and the reply are one transaction.
    deposit: Effect.fnUntraced(function*({ payload: { amount } }) {
      yield* balances.updateOne({ _id: entityId }, { $inc: { amount } }, { upsert: true })
      return (yield* balances.find({ _id: entityId }).one).amount
    }, Effect.orDie),
    remind: ({ payload: { id } }) => Effect.andThen(Console.log(`reminder ${id}`), done(reminded))
  }
}))
// #endregion handlers

// #region jobs
// In one process of the cluster at a time, and in the next one if that ends.
const Watcher = Singleton.make("watcher", Effect.andThen(done(watching), Effect.never))

// Each time once, by whichever process has it.
const Report = ClusterCron.make({
  name: "report",
  cron: Cron.parseUnsafe("* * * * * *"),
  execute: done(reported)
})
// #endregion jobs

const program = Effect.gen(function*() {
  yield* Deferred.await(watching)
  // #region send
  const account = (yield* Account.client)("ada")
  yield* Console.log(yield* account.deposit({ id: "d1", amount: 10 }))
  yield* Console.log(yield* account.deposit({ id: "d2", amount: 5 }))
  // The same key: the same reply, and nothing is done again.
  yield* Console.log(yield* account.deposit({ id: "d1", amount: 10 }))

  const at = DateTime.add(yield* DateTime.now, { seconds: 1 })
  yield* account.remind(new Reminder({ id: "r1", at }), { discard: true })
  // #endregion send
  yield* Deferred.await(reminded)
  yield* Console.log(`in time: ${DateTime.isGreaterThanOrEqualTo(yield* DateTime.now, at)}`)
  yield* Deferred.await(reported)
  yield* Console.log("watches and reports")
})

// #region layers
const Live = Layer.mergeAll(AccountLive, Watcher, Report).pipe(
  Layer.provideMerge(MongoSingleRunner.layer()),
  Layer.provideMerge(MongoDatabase.layer("bank")),
  Layer.provide(MongoClient.layerConfig({ url: Config.Redacted("MONGODB_URI") }))
)
// #endregion layers

// The last runner of a cluster warns at its end that there is none.
const Quiet = Layer.succeed(References.MinimumLogLevel, "Error")

NodeRuntime.runMain(Effect.provide(program, Layer.provide(Live, Quiet)))
