import { Effect } from "effect"
import { Books } from "./books.ts"

export const program = Effect.gen(function*() {
  const books = yield* Books
  const all = books.find()
  //    ^?
  const one = yield* books.findOne({ title: "Notes" })
  //    ^?
  const titles = yield* books.find().project({ title: 1, "publisher.city": 1 })
  //    ^?
  const cities = yield* books.distinct("publisher.city")
  //    ^?
  return { all, one, titles, cities }
})
