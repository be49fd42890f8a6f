import { NodeRuntime } from "@effect/platform-node"
import { MongoPersistence } from "@mongofx/backends"
import { MongoClient, MongoDatabase } from "@mongofx/core"
import { Config, Console, DateTime, Effect, Layer, Request, RequestResolver, Schema } from "effect"
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

// #region resolver
class Country extends Persistable.Class<{ payload: { readonly code: string } }>()("Country", {
  primaryKey: ({ code }) => code,
  success: Schema.String
}) {}

const countries = RequestResolver.make<Country>((entries) =>
  Effect.gen(function*() {
    yield* Console.log(`asks for ${entries.map(({ request }) => request.code).join(" and ")}`)
    for (const entry of entries) yield* Request.succeed(entry, `country ${entry.request.code}`)
  })
).pipe(RequestResolver.persisted({ storeId: "countries", timeToLive: () => "1 day" }))
// #endregion resolver

const program = Effect.gen(function*() {
  // #region processes
  const one = yield* rates
  const two = yield* rates
  const first = yield* one.get(new Rate({ currency: "EUR" }))
  const second = yield* two.get(new Rate({ currency: "EUR" }))
  yield* Console.log(`the same: ${DateTime.Equivalence(first.at, second.at)}`)
  // #endregion processes

  // #region lookups
  const resolver = yield* countries
  const find = (...codes: ReadonlyArray<string>) =>
    Effect.forEach(codes, (code) => Effect.request(new Country({ code }), resolver), { concurrency: "unbounded" })
  yield* find("NO", "PT")
  yield* Console.log((yield* find("NO", "JP")).join(", "))
  // #endregion lookups

  const entries = (yield* MongoDatabase.MongoDatabase).collection<{ readonly _id: string }>("effect_persistence")
  yield* Console.log(Object.keys(yield* entries.find({ _id: "rates:EUR" }).one).join(", "))
}).pipe(Effect.scoped)

const Live = MongoPersistence.layer.pipe(
  Layer.provideMerge(MongoDatabase.layer("shop")),
  Layer.provide(MongoClient.layerConfig({ url: Config.Redacted("MONGODB_URI") }))
)

NodeRuntime.runMain(Effect.provide(program, Live))
