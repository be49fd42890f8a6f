import { Bson, TypedCollection } from "@mongofx/schema"
import { Schema } from "effect"

// #region schema
export class Book extends Schema.Opaque<Book>()(
  Schema.Struct({
    _id: Bson.ObjectId,
    title: Schema.NonEmptyString,
    published: Schema.DateTimeUtcFromDate,
    price: Bson.BigDecimal,
    loans: Bson.Int64,
    tags: Schema.Array(Schema.String),
    publisher: Schema.optionalKey(Schema.Struct({ name: Schema.String, city: Schema.String }))
  })
) {}

export class Books extends TypedCollection.Service<Books>()("library/Books", { name: "books", schema: Book }) {}
// #endregion schema
