import { NodeRuntime } from "@effect/platform-node"
import { MongoClient, MongoDatabase } from "@mongofx/core"
import { MongoResolver, TypedCollection } from "@mongofx/schema"
import { CommandLog } from "@mongofx/testing"
import { Config, Console, Effect, Layer, Option, Schema } from "effect"

// #region schemas
const Author = Schema.Struct({ _id: Schema.String, name: Schema.String })
const Post = Schema.Struct({
  _id: Schema.Int,
  title: Schema.String,
  author: Schema.String,
  reviewer: Schema.optionalKey(Schema.String)
})

class Authors extends TypedCollection.Service<Authors>()("blog/Authors", { name: "authors", schema: Author }) {}
class Posts extends TypedCollection.Service<Posts>()("blog/Posts", { name: "posts", schema: Post }) {}
// #endregion schemas

const seed = Effect.gen(function*() {
  const authors = yield* Authors
  yield* authors.insertMany(["Ada", "Grace", "Edsger"].map((name) => ({ _id: name.toLowerCase(), name })))
  const posts = yield* Posts
  yield* posts.insertMany(Array.from({ length: 9 }, (_, i) => ({
    _id: i,
    title: `Post ${i}`,
    author: ["ada", "grace", "nobody"][i % 3]!,
    ...(i === 0 ? { reviewer: "edsger" } : {})
  })))
})

// #region resolvers
const authorById = MongoResolver.request(MongoResolver.findByIdOption(Authors))
const postsOf = MongoResolver.request(MongoResolver.grouped(Posts, "author", { sort: { _id: 1 } }))
// #endregion resolvers

const program = Effect.gen(function*() {
  yield* seed
  const posts = yield* Posts
  const authors = yield* Authors
  const log = yield* CommandLog.make
  const report = (what: string) =>
    Effect.suspend(() => {
      const names = log.names("blog")
      log.clear()
      return Console.log(`${what}: ${names.length} commands (${[...new Set(names)].join(", ")})`)
    })

  // #region one
  const page = yield* posts.find().sort({ _id: 1 })
  yield* Effect.forEach(page, (post) => authors.findById(post.author), { concurrency: 10 })
  yield* report("one by one")
  // #endregion one

  // #region batched
  const again = yield* posts.find().sort({ _id: 1 })
  const names = yield* Effect.forEach(again, (post) => authorById(post.author), { concurrency: 10 })
  yield* report("batched")
  yield* Console.log(names.map(Option.match({ onNone: () => "-", onSome: ({ name }) => name })).join(" "))
  // #endregion batched

  // #region grouped
  const lists = yield* Effect.forEach(["ada", "grace"], (id) => postsOf(id), { concurrency: 10 })
  yield* report("grouped")
  yield* Console.log(lists.map((list) => list.length))
  // #endregion grouped

  // #region refs
  const joined = yield* MongoResolver.withRefs(posts.find().sort({ _id: 1 }).limit(3), {
    author: Authors,
    reviewer: MongoResolver.ref(Authors, { missing: "fail" })
  })
  yield* report("with refs")
  for (const { author, reviewer, title } of joined) {
    const by = Option.match(author, { onNone: () => "somebody who has left", onSome: ({ name }) => name })
    yield* Console.log(`${title} by ${by}${reviewer === undefined ? "" : `, reviewed by ${reviewer.name}`}`)
  }
  // #endregion refs
})

// #region live
const Live = Layer.mergeAll(Authors.layer, Posts.layer).pipe(
  Layer.provide(MongoDatabase.layer("blog")),
  Layer.provideMerge(MongoClient.layerConfig({
    url: Config.Redacted("MONGODB_URI"),
    // Only for counting the commands of this page.
    driverOptions: { monitorCommands: Config.succeed(true) }
  }))
)
// #endregion live

NodeRuntime.runMain(program.pipe(Effect.scoped, Effect.provide(Live)))
