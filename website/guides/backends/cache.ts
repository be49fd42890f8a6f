import { NodeRuntime } from "@effect/platform-node"
import { MongoPersistence } from "@mongofx/backends"
import { MongoClient, MongoDatabase } from "@mongofx/core"
import { Config, Console, DateTime, Effect, Layer, Schema } from "effect"
import { Persistable, PersistedCache } from "effect/persistence"

// #region cache
class Rate extends Persistable.Class<{ payload: { readonly currency: string } }>()("Rate", {
  primaryKey: ({ currency }) => currency,
  success: Schema.Struct({ rate: Schema.Number, at: Schema.DateTimeUtc })
}) {}

const rates = PersistedCache.make(
  ({ currency }: Rate) =>
    Effect.gen(function*() {
      yield* Console.log(`asks for ${currency}`)
      return { rate: 1.17, at: yield* DateTime.now }
    }),
  { storeId: "rates", timeToLive: () => "1 hour", inMemoryTTL: () => "1 second" }
)
// #endregion cache

const program = Effect.gen(function*() {
  // #region processes
  const one = yield* rates
  const two = yield* rates
  const first = yield* one.get(new Rate({ currency: "EUR" }))
  const second = yield* two.get(new Rate({ currency: "EUR" }))
  yield* Console.log(`the same: ${DateTime.Equivalence(first.at, second.at)}`)
  // #endregion processes

  const entries = (yield* MongoDatabase.MongoDatabase).collection<{ readonly _id: string }>("effect_persistence")
  yield* Console.log(Object.keys(yield* entries.find({ _id: "rates:EUR" }).one).join(", "))
}).pipe(Effect.scoped)

const Live = MongoPersistence.layer.pipe(
  Layer.provideMerge(MongoDatabase.layer("shop")),
  Layer.provide(MongoClient.layerConfig({ url: Config.Redacted("MONGODB_URI") }))
)

NodeRuntime.runMain(Effect.provide(program, Live))
