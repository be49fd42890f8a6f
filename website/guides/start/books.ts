import { MongoModel, TypedCollection } from "@mongofx/schema"
import { Data, Effect, Schema } from "effect"
import { Model } from "effect/schema"

class Book extends Model.Class<Book>("Book")({
  _id: MongoModel.ObjectIdGenerated,
  title: Schema.String,
  pages: Schema.Int.check(Schema.isGreaterThan(0))
}) {}

/** The collection as a service. `Books.layer` needs a database. */
export class Books extends TypedCollection.Service<Books>()("library/Books", {
  name: "books",
  schema: Book,
  indexes: [{ key: { title: 1 }, unique: true }]
}) {}

class TitleTaken extends Data.TaggedError("TitleTaken")<{ readonly title: string }> {}

export const add = Effect.fn("add")(function*(title: string, pages: number) {
  const books = yield* Books
  return yield* books.insertOne({ title, pages }).pipe(
    Effect.catchReason("MongoError", "DuplicateKeyError", () => Effect.fail(new TitleTaken({ title })))
  )
})

export const longerThan = Effect.fn("longerThan")(function*(pages: number) {
  const books = yield* Books
  return yield* books.find({ pages: { $gt: pages } }).sort({ title: 1 })
})
