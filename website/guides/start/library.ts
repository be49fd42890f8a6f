import { NodeRuntime } from "@effect/platform-node"
import { MongoDatabase } from "@mongofx/core"
import { MongoIndex } from "@mongofx/schema"
import { Console, Effect, Layer } from "effect"
import { add, Books, longerThan } from "./books.ts"
import { explain, Mongo } from "./mongo.ts"

const addOrSay = (title: string, pages: number) =>
  add(title, pages).pipe(
    Effect.catchTag("TitleTaken", (taken) => Console.log(`there is a book called ${taken.title}`))
  )

const program = Effect.gen(function*() {
  // Makes the indexes that the collection declares, if they are missing.
  yield* MongoIndex.ensure(yield* Books)

  yield* addOrSay("Middlemarch", 880)
  yield* addOrSay("Middlemarch", 900)
  for (const { pages, title } of yield* longerThan(500)) {
    yield* Console.log(`${title} has ${pages} pages`)
  }
})

const Live = Books.layer.pipe(
  Layer.provide(MongoDatabase.layer("library")),
  Layer.provide(Mongo)
)

NodeRuntime.runMain(program.pipe(
  Effect.provide(Live),
  Effect.catchReason("MongoError", "ConnectionError", explain)
))
