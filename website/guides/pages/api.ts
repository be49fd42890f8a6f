import { NodeRuntime } from "@effect/platform-node"
import { MongoIndex, Pagination } from "@mongofx/schema"
import { MongoTest } from "@mongofx/testing"
import { Console, Effect, Redacted, Schema, Stream } from "effect"
import { Live, Message, message, Messages } from "./messages.ts"

const program = Effect.gen(function*() {
  const messages = yield* Messages
  yield* messages.insertMany([1, 2, 3, 4, 5].map((minute) => message(minute, minute)))
  const newest = messages.find({ room: "tea" }).sort({ sent: -1 })

  // #region connection
  const Feed = Pagination.Connection(Message)
  const page = yield* Pagination.page(newest, { first: 1 })
  const json = yield* Schema.encodeEffect(Schema.toCodecJson(Feed))(Pagination.toConnection(page))
  yield* Console.log(Object.keys(json as object))
  // #endregion connection

  // #region stream
  yield* Pagination.pages(newest, { first: 2 }).pipe(
    Stream.runForEach((page) => Console.log(page.items.map(({ text }) => text)))
  )
  // #endregion stream

  // #region foreign
  const others = messages.find({ room: "coffee" }).sort({ sent: -1 })
  yield* Pagination.page(others, { first: 1, after: page.endCursor }).pipe(
    Effect.catchTag("InvalidCursorError", (error) => Console.log(error.message))
  )
  // #endregion foreign

  // #region signed
  const key = Redacted.make("a secret of the server, at least 16 bytes")
  yield* Pagination.page(newest, { first: 1, after: page.endCursor, key }).pipe(
    Effect.catchTag("InvalidCursorError", (error) => Console.log(error.message))
  )
  // #endregion signed

  // #region index
  yield* MongoIndex.ensure(messages)
  const queries = yield* Pagination.queries(newest, { first: 2, after: page.endCursor })
  for (const query of queries) {
    const plan = yield* MongoTest.usesIndex(query, { maxKeysPerResult: 2 })
    yield* Console.log(`${plan.indexes.join(", ")}: ${plan.keysExamined} keys examined`)
  }
  // #endregion index
})

NodeRuntime.runMain(Effect.provide(program, Live))
