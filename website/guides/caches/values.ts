import { NodeRuntime } from "@effect/platform-node"
import { MongoKeyValueStore } from "@mongofx/backends"
import { MongoClient, MongoDatabase } from "@mongofx/core"
import { Config, Console, DateTime, Effect, Layer, Option, Schema } from "effect"
import { KeyValueStore } from "effect/persistence"

const program = Effect.gen(function*() {
  const store = yield* KeyValueStore.KeyValueStore

  // #region modify
  yield* store.set("visits", "0")
  // The function may run several times: it has no effects.
  const visit = store.modify("visits", (count) => String(Number(count) + 1))
  yield* Effect.all(Array.from({ length: 20 }, () => visit), { concurrency: "unbounded" })
  yield* Console.log(`visits: ${yield* store.get("visits")}`)
  // #endregion modify

  // #region schema
  const Draft = Schema.Struct({ title: Schema.String, savedAt: Schema.DateTimeUtcFromMillis })
  const drafts = KeyValueStore.toSchemaStore(KeyValueStore.prefix(store, "draft:"), Draft)
  yield* drafts.set("ada", { title: "Notes", savedAt: DateTime.makeUnsafe(0) })
  yield* Console.log(`draft: ${Option.getOrThrow(yield* drafts.get("ada")).title}`)
  yield* store.clearPrefix("draft:")
  // #endregion schema
  yield* Console.log(yield* store.keys)
})

const Live = MongoKeyValueStore.layer.pipe(
  Layer.provide(MongoDatabase.layer("notes")),
  Layer.provide(MongoClient.layerConfig({ url: Config.Redacted("MONGODB_URI") }))
)

NodeRuntime.runMain(Effect.provide(program, Live))
