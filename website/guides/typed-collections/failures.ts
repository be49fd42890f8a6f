import { NodeRuntime } from "@effect/platform-node"
import { MongoClient, MongoDatabase } from "@mongofx/core"
import { TypedQuery } from "@mongofx/schema"
import { BigDecimal, Config, Console, DateTime, Effect, Layer, Result } from "effect"
import { Books } from "./books.ts"

const notes = {
  title: "Notes",
  published: DateTime.makeUnsafe("1843-08-01"),
  price: BigDecimal.fromStringUnsafe("12.50"),
  loans: 0n,
  tags: []
}

const program = Effect.gen(function*() {
  const books = yield* Books
  yield* books.insertOne(notes)

  // #region encode
  yield* books.insertOne({ ...notes, title: "" }).pipe(
    Effect.catchTag("DocumentError", (error) => Console.log(`${error.kind}: ${error.message}`))
  )
  // #endregion encode

  // #region decode
  // Another program, or an older version of this one, has stored the price as a number.
  yield* books.untyped.insertOne({ title: "Sketch", published: new Date(0), price: 9, loans: 1, tags: [] })

  yield* books.find().pipe(
    Effect.catchTag(
      "DocumentError",
      (error) => Console.log(`${error.kind}: ${error.message}\n  path ${error.path}, id ${String(error.id)}`)
    )
  )
  // #endregion decode

  // #region policies
  const readable = yield* books.find().onInvalid("skip")
  yield* Console.log(`skip: ${readable.map(({ title }) => title).join(", ")}`)

  for (const result of yield* books.find().sort({ title: 1 }).onInvalid("collect")) {
    yield* Console.log(Result.match(result, {
      onSuccess: ({ title }) => `collect: ${title}`,
      onFailure: ({ path }) => `collect: a document that does not fit at ${path}`
    }))
  }

  // A projection decodes only what it asks for.
  yield* Console.log(yield* books.find().sort({ title: 1 }).project({ title: 1, _id: 0 }))
  // #endregion policies

  // #region both
  const count = books.find({ "publisher.city": "London" }).pipe(
    Effect.map((found) => found.length),
    Effect.catchTag(TypedQuery.failureTags, (error) => Effect.as(Effect.logWarning(error.message), 0))
  )
  yield* Console.log(`London: ${yield* count}`)
  // #endregion both
})

const Live = Books.layer.pipe(
  Layer.provide(MongoDatabase.layer("library")),
  Layer.provide(MongoClient.layerConfig({ url: Config.Redacted("MONGODB_URI") }))
)

NodeRuntime.runMain(Effect.provide(program, Live))
