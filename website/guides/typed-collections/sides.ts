import { NodeRuntime } from "@effect/platform-node"
import { MongoClient, MongoDatabase } from "@mongofx/core"
import { TypedCollection } from "@mongofx/schema"
import { BigDecimal, Config, Console, DateTime, Effect, Layer, Schema } from "effect"
import { Books } from "./books.ts"

const program = Effect.gen(function*() {
  // #region sides
  const books = yield* Books
  const { insertedId } = yield* books.insertOne({
    title: "Notes",
    published: DateTime.makeUnsafe("1843-08-01"),
    price: BigDecimal.fromStringUnsafe("12.50"),
    loans: 3n,
    tags: []
  })
  const decoded = yield* books.find({ _id: insertedId }).one
  const stored = yield* books.untyped.find({ _id: insertedId }, { promoteLongs: false }).one
  for (const key of ["published", "price", "loans"] as const) {
    yield* Console.log(`${key}: ${String(decoded[key])} | stored:`, stored[key])
  }
  // #endregion sides

  // #region refused
  const Wrong = Schema.Struct({ _id: Schema.String, total: Schema.BigInt })
  const database = yield* MongoDatabase.MongoDatabase
  yield* Effect.try({
    try: () => TypedCollection.make(database, "totals", Wrong),
    catch: (error) => error instanceof Error ? error.message : String(error)
  }).pipe(Effect.catch((message) => Console.log(message)))
  // #endregion refused
})

const Live = Books.layer.pipe(
  Layer.provideMerge(MongoDatabase.layer("library")),
  Layer.provide(MongoClient.layerConfig({ url: Config.Redacted("MONGODB_URI") }))
)

NodeRuntime.runMain(Effect.provide(program, Live))
