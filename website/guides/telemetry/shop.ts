import { MongoClient } from "@mongofx/core"
import { Config, Effect, Layer } from "effect"
import { FetchHttpClient, HttpServer } from "effect/http"
import { Otlp } from "effect/observability"
import { Collector } from "./collector.ts"
import { place, type Stock } from "./orders.ts"

// #region layers
const Telemetry = Layer.unwrap(Effect.map(HttpServer.HttpServer, ({ address }) =>
  Otlp.layerJson({
    baseUrl: HttpServer.formatAddress(address),
    resource: { serviceName: "shop" }
  }))).pipe(Layer.provide(FetchHttpClient.layer))

const Mongo = MongoClient.layerConfig({
  url: Config.Redacted("MONGODB_URI"),
  // A span for each command on the wire, inside that of its operation.
  commandSpans: Config.succeed({ queryText: true })
})
// #endregion layers

// #region work
const work = Effect.gen(function*() {
  const mongo = yield* MongoClient.MongoClient
  const stock = mongo.db("shop").collection<Stock>("stock")
  yield* stock.insertOne({ _id: "tea", count: 1 }).pipe(Effect.withTracerEnabled(false))
  yield* place("tea")
  // The second one is sold out.
  yield* Effect.ignore(place("tea"))
})

/** What the collector has after the work. The exporter sends what is left when its layer is released. */
export const collected = Effect.gen(function*() {
  yield* work.pipe(Effect.provide(Layer.merge(Mongo, Telemetry)))
  return (yield* Collector).spans
})
// #endregion work
