import { NodeRuntime } from "@effect/platform-node"
import { Pagination } from "@mongofx/schema"
import { Console, Effect } from "effect"
import { Live, type Message, message, Messages } from "./messages.ts"

const ids = (messages: ReadonlyArray<Message>) => messages.map(({ _id }) => _id).join(" ")

const program = Effect.gen(function*() {
  const messages = yield* Messages
  // Two messages of the same minute: 3 and 4.
  yield* messages.insertMany([1, 2, 3, 3, 5, 6, 7].map((minute, i) => message(i + 1, minute)))

  // #region forwards
  const newest = messages.find({ room: "tea" }).sort({ sent: -1 })

  const first = yield* Pagination.page(newest, { first: 3, total: true })
  yield* Console.log(`${ids(first.items)} of ${first.totalCount}, more: ${first.hasNextPage}`)
  // #endregion forwards

  // #region writes
  // While somebody reads the first page, a message arrives and another one goes.
  yield* messages.insertOne(message(8, 8))
  yield* messages.deleteById(7)

  const second = yield* Pagination.page(newest, { first: 3, after: first.endCursor })
  yield* Console.log(`behind the cursor: ${ids(second.items)}`)
  yield* messages.insertOne(message(9, 9))
  yield* Console.log(`with skip:         ${ids(yield* newest.skip(3).limit(3))}`)
  // #endregion writes

  // #region backwards
  const back = yield* Pagination.page(newest, { last: 3, before: second.startCursor })
  yield* Console.log(`before the cursor: ${ids(back.items)}`)
  const last = yield* Pagination.page(newest, { last: 2 })
  yield* Console.log(`the last page:     ${ids(last.items)}`)
  // #endregion backwards
})

NodeRuntime.runMain(Effect.provide(program, Live))
