import { Effect } from "effect"
import { Books } from "./books.ts"

export const program = Effect.gen(function*() {
  const books = yield* Books
  // @ts-expect-error
  yield* books.insertOne({ title: "Notes" })
  // @ts-expect-error
  yield* books.find({ titel: "Notes" })
  // @ts-expect-error
  yield* books.find({ loans: 3 })
})
