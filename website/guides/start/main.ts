import { NodeRuntime } from "@effect/platform-node"
import { MongoClient } from "@mongofx/core"
import { Config, Console, Effect } from "effect"

// #region program
const program = Effect.gen(function*() {
  const mongo = yield* MongoClient.MongoClient
  const readers = mongo.db("library").collection<{ readonly name: string; readonly books: number }>("readers")
  yield* readers.insertMany([{ name: "Ada", books: 3 }, { name: "Grace", books: 5 }])
  yield* Console.log(yield* readers.find({ books: { $gt: 3 } }).project<{ name: string }>({ _id: 0, name: 1 }))
})
// #endregion

const Mongo = MongoClient.layerConfig({ url: Config.Redacted("MONGODB_URI") })

NodeRuntime.runMain(Effect.provide(program, Mongo))
