import { NodeRuntime } from "@effect/platform-node"
import { MongoClient, MongoDatabase } from "@mongofx/core"
import { Bson, MongoModel, Repository, TypedCollection } from "@mongofx/schema"
import { BigDecimal, Config, Console, Context, Effect, Layer, Schema } from "effect"
import { Model } from "effect/schema"

// #region model
const WalletId = Bson.ObjectId.pipe(Schema.brand("WalletId"))

class Wallet extends Model.Class<Wallet>("Wallet")({
  _id: MongoModel.generatedId(WalletId),
  owner: Schema.String,
  balance: MongoModel.Money,
  note: Schema.optionalKey(Schema.String),
  version: MongoModel.Version,
  deletedAt: MongoModel.DeletedAt,
  ...MongoModel.Timestamps
}) {}

class WalletCollection extends TypedCollection.Service<WalletCollection>()("bank/WalletCollection", {
  name: "wallets",
  schema: Wallet
}) {}
// #endregion model

// #region repository
const make = Effect.map(WalletCollection, (wallets) =>
  MongoModel.makeRepository(wallets, {
    version: "version",
    softDelete: "deletedAt",
    beforeInsert: ({ owner }) => Effect.succeed({ owner: owner.trim() })
  }))

class Wallets extends Context.Service<Wallets, Effect.Success<typeof make>>()("bank/Wallets") {
  static readonly layer = Layer.effect(this, make).pipe(Layer.provide(WalletCollection.layer))
}
// #endregion repository

const euros = BigDecimal.fromStringUnsafe

const program = Effect.gen(function*() {
  // #region basics
  const wallets = yield* Wallets
  const ada = yield* wallets.insert({ owner: " Ada ", balance: euros("10"), note: "new" })
  yield* Console.log(`${ada.owner}, version ${ada.version}`)

  const { note: _, ...rest } = ada
  const changed = yield* wallets.update(rest)
  yield* Console.log(`version ${changed.version}, ${"note" in changed ? "with" : "without"} a note`)
  // #endregion basics

  // #region stale
  // `ada` is what was read before the update: its version is 1.
  yield* wallets.update({ ...ada, balance: euros("0") }).pipe(
    Effect.catchTag("StaleDocument", (error) => Console.log(error.message))
  )
  // #endregion stale

  // #region retry
  const deposit = Effect.gen(function*() {
    const wallet = yield* wallets.getById(ada._id)
    return yield* wallets.update({ ...wallet, balance: BigDecimal.sum(wallet.balance, euros("1")) })
  }).pipe(Effect.retry({ while: Repository.isStaleDocument }))

  yield* Effect.all(Array.from({ length: 8 }, () => deposit), { concurrency: "unbounded" })
  const after = yield* wallets.getById(ada._id)
  yield* Console.log(`${BigDecimal.format(after.balance)} €, version ${after.version}`)
  // #endregion retry

  // #region deleted
  yield* wallets.delete(ada._id)
  yield* Console.log(
    `${yield* wallets.count()} wallets, ${yield* wallets.count({}, { withDeleted: true })} with deleted ones`
  )
  yield* wallets.getById(ada._id).pipe(
    Effect.catchTag("NoSuchElementError", () => Console.log("not there"))
  )
  yield* wallets.restore(ada._id)
  yield* Console.log(`${yield* wallets.count()} wallet again`)
  // #endregion deleted
})

const Live = Wallets.layer.pipe(
  Layer.provide(MongoDatabase.layer("bank")),
  Layer.provide(MongoClient.layerConfig({ url: Config.Redacted("MONGODB_URI") }))
)

NodeRuntime.runMain(Effect.provide(program, Live))
