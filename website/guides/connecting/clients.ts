import { NodeRuntime } from "@effect/platform-node"
import { MongoClient, type MongoError } from "@mongofx/core"
import { Config, Console, Context, Effect, Layer } from "effect"

// #region service
/** A second client: for reports, that read from a secondary if there is one. */
class Reports extends Context.Service<Reports, MongoClient.MongoClient>()("shop/Reports") {
  static readonly layer: Layer.Layer<Reports, Config.ConfigError | MongoError.MongoError> = Layer.effect(
    Reports,
    Effect.flatMap(
      Config.Redacted("MONGODB_URI"),
      (url) => MongoClient.make({ url, appName: "reports", readPreference: "secondaryPreferred", maxPoolSize: 2 })
    )
  )
}

const Live = Layer.merge(MongoClient.layerConfig({ url: Config.Redacted("MONGODB_URI") }), Reports.layer)

const program = Effect.gen(function*() {
  const mongo = yield* MongoClient.MongoClient
  const reports = yield* Reports
  yield* mongo.db("shop").collection("orders").insertOne({ total: 12 })
  const sum = yield* reports.db("shop").collection("orders").aggregate<{ total: number }>([
    { $group: { _id: null, total: { $sum: "$total" } } }
  ]).one
  yield* Console.log(`the orders make ${sum.total}`)
})
// #endregion service

// #region tenants
const perTenant = Effect.gen(function*() {
  const mongo = yield* MongoClient.MongoClient
  for (const tenant of ["ada", "grace"]) {
    const notes = mongo.db(`tenant_${tenant}`).collection("notes")
    yield* notes.insertOne({ text: "first" })
    yield* Console.log(`${notes.fullName} has ${yield* notes.countDocuments()} note`)
  }
})
// #endregion tenants

NodeRuntime.runMain(Effect.andThen(program, perTenant).pipe(Effect.provide(Live)))
