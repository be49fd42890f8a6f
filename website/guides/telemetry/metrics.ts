import { NodeRuntime } from "@effect/platform-node"
import { MongoClient } from "@mongofx/core"
import { Config, Console, Effect } from "effect"
import { PrometheusMetrics } from "effect/observability"

const isShown = (line: string) => /^db_client_(operation_duration_count|connection_max)\{/.test(line)

// #region program
const program = Effect.gen(function*() {
  const mongo = yield* MongoClient.MongoClient
  const rooms = mongo.db("hotel").collection<{ readonly _id: number; readonly guest: string }>("rooms")
  yield* rooms.insertMany([{ _id: 1, guest: "Ada" }, { _id: 2, guest: "Grace" }])
  yield* rooms.findOne({ guest: "Ada" })
  yield* rooms.findOne({ guest: "Grace" })
  // Fails, and is counted as a failure.
  yield* Effect.option(rooms.insertOne({ _id: 1, guest: "Eve" }))

  const lines = (yield* PrometheusMetrics.format()).split("\n").filter(isShown)
  // The attributes of the server are left out here.
  yield* Console.log(lines.map((line) => line.replace(/,server_address="[^"]*",server_port="\d+"/, "")).join("\n"))
})
// #endregion program

const Mongo = MongoClient.layerConfig({ url: Config.Redacted("MONGODB_URI") })

NodeRuntime.runMain(Effect.provide(program, Mongo))
