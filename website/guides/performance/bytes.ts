import { NodeRuntime } from "@effect/platform-node"
import { MongoClient, type Query } from "@mongofx/core"
import { Config, Console, Effect, Stream } from "effect"

interface Article {
  readonly _id: number
  readonly title: string
  readonly body: string
}

// #region measure
/** How many bytes of documents a query brings. */
const bytesOf = <A>(query: Query.Query<A>) => Stream.runFold(query.raw, () => 0, (sum, bytes) => sum + bytes.length)
// #endregion measure

const program = Effect.gen(function*() {
  const mongo = yield* MongoClient.MongoClient
  const articles = mongo.db("paper").collection<Article>("articles")
  yield* articles.insertMany(
    Array.from({ length: 1000 }, (_, _id) => ({ _id, title: `Article ${_id}`, body: "text ".repeat(400) }))
  )

  // #region projection
  const all = articles.find()
  const titles = articles.find().project<Pick<Article, "_id" | "title">>({ title: 1 })
  yield* Console.log(`whole documents: ${yield* bytesOf(all)} bytes`)
  yield* Console.log(`titles only: ${yield* bytesOf(titles)} bytes`)
  // #endregion projection

  // #region batches
  const sizes = yield* Stream.runCollect(Stream.map(titles.batchSize(400).batches, (batch) => batch.length))
  yield* Console.log(`batches of ${sizes.join(", ")}`)
  // #endregion batches
})

const Mongo = MongoClient.layerConfig({ url: Config.Redacted("MONGODB_URI") })

NodeRuntime.runMain(Effect.provide(program, Mongo))
