import { MongoClient, MongoDatabase } from "@mongofx/core"
import { Bson, TypedCollection } from "@mongofx/schema"
import { Config, Effect, Layer, Schema } from "effect"

// #region schema
const Station = Schema.Struct({ _id: Schema.String, city: Schema.String, docks: Schema.Int })

const Trip = Schema.Struct({
  _id: Schema.Int,
  bike: Schema.String,
  from: Schema.String,
  started: Bson.Date,
  minutes: Schema.Number,
  cents: Bson.Int64,
  rating: Schema.optionalKey(Schema.Int),
  stops: Schema.Array(Schema.Struct({ station: Schema.String, minutes: Schema.Number }))
})

export class Stations extends TypedCollection.Service<Stations>()("bikes/Stations", {
  name: "stations",
  schema: Station
}) {}

export class Trips extends TypedCollection.Service<Trips>()("bikes/Trips", { name: "trips", schema: Trip }) {}

/** Trips of past years, in a collection of their own. */
export class OldTrips extends TypedCollection.Service<OldTrips>()("bikes/OldTrips", {
  name: "oldTrips",
  schema: Trip
}) {}
// #endregion schema

export const seed = Effect.gen(function*() {
  const stations = yield* Stations
  yield* stations.insertMany([
    { _id: "port", city: "Genoa", docks: 20 },
    { _id: "park", city: "Genoa", docks: 8 },
    { _id: "dome", city: "Milan", docks: 30 }
  ])
  const trips = yield* Trips
  const of = (_id: number, bike: string, from: string, day: number, minutes: number, rating?: number) => ({
    _id,
    bike,
    from,
    started: new Date(Date.UTC(2026, 5, day, 8)),
    minutes,
    cents: BigInt(minutes) * 10n,
    ...(rating === undefined ? {} : { rating }),
    stops: minutes > 30 ? [{ station: "park", minutes: 5 }, { station: "dome", minutes: 10 }] : []
  })
  yield* trips.insertMany([
    of(1, "red", "port", 1, 20, 5),
    of(2, "red", "park", 2, 50),
    of(3, "blue", "port", 2, 10, 3),
    of(4, "blue", "dome", 3, 40, 4),
    of(5, "red", "dome", 5, 30)
  ])
  const old = yield* OldTrips
  yield* old.insertOne({ ...of(0, "red", "port", 1, 60, 2), started: new Date("2025-06-01") })
})

export const Live = Layer.mergeAll(Stations.layer, Trips.layer, OldTrips.layer).pipe(
  Layer.provideMerge(MongoDatabase.layer("bikes")),
  Layer.provide(MongoClient.layerConfig({ url: Config.Redacted("MONGODB_URI") }))
)
