import { NodeRuntime } from "@effect/platform-node"
import { MongoClient, MongoDatabase } from "@mongofx/core"
import { BigDecimal, Config, Console, DateTime, Effect, Layer } from "effect"
import { Books } from "./books.ts"

// #region program
const program = Effect.gen(function*() {
  const books = yield* Books

  yield* books.insertOne({
    title: "Notes on the Analytical Engine",
    published: DateTime.makeUnsafe("1843-08-01"),
    price: BigDecimal.fromStringUnsafe("12.50"),
    loans: 0n,
    tags: ["mathematics"]
  })

  const old = yield* books
    .find({ published: { $lt: DateTime.makeUnsafe("1900-01-01") }, "tags.0": "mathematics" })
    .sort({ published: 1 })
  for (const book of old) {
    yield* Console.log(
      `${book.title}, ${DateTime.getPartUtc(book.published, "year")}, ${BigDecimal.format(book.price)} €`
    )
  }
})
// #endregion program

// #region layers
const Live = Books.layer.pipe(
  Layer.provide(MongoDatabase.layer("library")),
  Layer.provide(MongoClient.layerConfig({ url: Config.Redacted("MONGODB_URI") }))
)

NodeRuntime.runMain(Effect.provide(program, Live))
// #endregion layers
