// server: none
import { NodeRuntime } from "@effect/platform-node"
import { MongoClient } from "@mongofx/core"
import { MongoServer } from "@mongofx/testing"
import { Console, Effect, Layer } from "effect"
import { ReadPreference } from "mongodb"

// #region shape
const Servers = MongoServer.layerReplicaSet({
  members: 2,
  arbiters: 1,
  delayed: ["1 hour"],
  tags: [{ city: "Bern" }, { city: "Oslo" }]
})
// #endregion shape

const Client = MongoClient.layerFrom(
  Effect.flatMap(MongoServer.MongoServer, ({ uri }) => MongoClient.make({ url: uri, appName: "members" }))
)

// #region members
const program = Effect.gen(function*() {
  for (const { replicaSet, role } of yield* MongoServer.members) yield* Console.log(`${role} of ${replicaSet}`)

  const mongo = yield* MongoClient.MongoClient
  const places = mongo.db("app").collection("places")
  yield* places.insertOne({ name: "harbour" }, { writeConcern: { w: 2 } })
  const inOslo = places.withOptions({ readPreference: new ReadPreference("secondary", [{ city: "Oslo" }]) })
  yield* Console.log(`read in Oslo: ${(yield* inOslo.find().one).name}`)
})
// #endregion members

NodeRuntime.runMain(Effect.provide(program, Layer.provideMerge(Client, Servers)))
