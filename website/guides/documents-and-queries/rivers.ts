import { MongoClient, MongoDatabase } from "@mongofx/core"
import { Config, Effect, Layer } from "effect"

export interface River {
  readonly name: string
  readonly km: number
  readonly countries: ReadonlyArray<string>
}

export const rivers = MongoDatabase.MongoDatabase.useSync((db) => db.collection<River>("rivers"))

/** Five rivers in an empty collection. */
export const seed = Effect.flatMap(rivers, (rivers) =>
  rivers.insertMany([
    { name: "Danube", km: 2850, countries: ["DE", "AT", "HU", "RO"] },
    { name: "Rhine", km: 1230, countries: ["CH", "DE", "NL"] },
    { name: "Elbe", km: 1094, countries: ["CZ", "DE"] },
    { name: "Loire", km: 1006, countries: ["FR"] },
    { name: "Thames", km: 346, countries: ["GB"] }
  ]))

export const Live = MongoDatabase.layer("geography").pipe(
  Layer.provide(MongoClient.layerConfig({ url: Config.Redacted("MONGODB_URI") }))
)
