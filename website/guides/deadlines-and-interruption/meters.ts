import { MongoClient, MongoDatabase } from "@mongofx/core"
import { FailPoint, MongoServer } from "@mongofx/testing"
import { Config, type Duration, Effect, Layer } from "effect"

export interface Meter {
  readonly _id: number
  readonly kwh: number
}

export const meters = MongoDatabase.MongoDatabase.useSync((db) => db.collection<Meter>("meters"))

export const seed = Effect.flatMap(
  meters,
  (meters) => meters.insertMany(Array.from({ length: 100 }, (_, _id) => ({ _id, kwh: 0 })))
)

/** The server waits before it runs the next command of this name, as under load. */
export const slow = (command: string, blockTime: Duration.Input) =>
  FailPoint.failCommand({ failCommands: [command], mode: { times: 1 }, blockTime })

export const Live = MongoDatabase.layer("grid").pipe(
  Layer.provideMerge(MongoClient.layerConfig({
    url: Config.Redacted("MONGODB_URI"),
    appName: Config.succeed("grid"),
    // For the log of commands in one of the programs.
    driverOptions: Config.succeed({ monitorCommands: true })
  })),
  Layer.merge(MongoServer.layer)
)
