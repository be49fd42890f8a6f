import { NodeRuntime } from "@effect/platform-node"
import { MongoClient, MongoDatabase } from "@mongofx/core"
import { MongoResolver, TypedCollection } from "@mongofx/schema"
import { CommandLog } from "@mongofx/testing"
import { Config, Console, Effect, Layer, Schema } from "effect"

const Author = Schema.Struct({ _id: Schema.Int, name: Schema.String })

class Authors extends TypedCollection.Service<Authors>()("paper/Authors", { name: "authors", schema: Author }) {}

const ids = Array.from({ length: 100 }, (_, i) => i)

const program = Effect.gen(function*() {
  const authors = yield* Authors
  const log = yield* CommandLog.make
  const count = (what: string) =>
    Effect.suspend(() => {
      const { length } = log.names("paper")
      log.clear()
      return Console.log(`${what}: ${length} command${length === 1 ? "" : "s"}`)
    })

  // #region writes
  yield* authors.insertMany(ids.map((_id) => ({ _id, name: `Author ${_id}` })))
  yield* count("a hundred documents with insertMany")
  // #endregion writes

  // #region lookups
  yield* Effect.forEach(ids, (id) => authors.findOne({ _id: id }), { concurrency: "unbounded" })
  yield* count("a hundred lookups with findOne")

  const authorById = MongoResolver.request(MongoResolver.findById(Authors))
  yield* Effect.forEach(ids, (id) => authorById(id), { concurrency: "unbounded" })
  yield* count("a hundred lookups through a resolver")
  // #endregion lookups
}).pipe(Effect.scoped)

// CommandLog needs the driver's command events.
const Live = Authors.layer.pipe(
  Layer.provideMerge(MongoDatabase.layer("paper")),
  Layer.provideMerge(
    MongoClient.layerConfig({
      url: Config.Redacted("MONGODB_URI"),
      driverOptions: Config.succeed({ monitorCommands: true })
    })
  )
)

NodeRuntime.runMain(Effect.provide(program, Live))
