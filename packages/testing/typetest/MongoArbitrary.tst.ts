import type { MongoError } from "@mongofx/core"
import { Bson, TypedCollection } from "@mongofx/schema"
import { MongoArbitrary, MongoLaws } from "@mongofx/testing"
import { type Arbitrary, type Effect, Schema } from "effect"
import { describe, expect, it } from "tstyche"

const Author = Schema.Struct({ _id: Bson.ObjectId, name: Schema.String })
const Tag = Schema.Struct({ _id: Schema.String })
const Post = Schema.Struct({
  _id: Bson.ObjectId,
  author: Bson.ObjectId,
  editor: Schema.optionalKey(Schema.NullOr(Bson.ObjectId)),
  reviewer: Schema.OptionFromNullOr(Bson.ObjectId),
  tags: Schema.Array(Schema.String),
  likes: Schema.Array(Schema.Struct({ by: Bson.ObjectId }))
})

class Authors extends TypedCollection.Service<Authors>()("test/Authors", { name: "authors", schema: Author }) {}
class Tags extends TypedCollection.Service<Tags>()("test/Tags", { name: "tags", schema: Tag }) {}
class Posts extends TypedCollection.Service<Posts>()("test/Posts", { name: "posts", schema: Post }) {}

const posts = MongoArbitrary.collection(Posts, {
  refs: {
    author: Authors,
    editor: Authors,
    reviewer: Authors,
    tags: Tags,
    "likes.by": MongoArbitrary.collection(Authors)
  },
  unique: ["tags", ["author", "likes.by"]]
})

describe("MongoArbitrary", () => {
  it("needs the services of all collections to insert", () => {
    expect(posts).type.toBe<MongoArbitrary.CollectionArbitrary<typeof Post.Type, Posts | Authors | Tags>>()
    const insert = (dataset: MongoArbitrary.Dataset<typeof Post.Type, Posts | Authors>) =>
      MongoArbitrary.insert(dataset)
    expect<ReturnType<typeof insert>>().type.toBe<Effect.Effect<void, MongoError.MongoError, Posts | Authors>>()
    expect(MongoArbitrary.documents(Author)).type.toBe<Arbitrary.Arbitrary<ReadonlyArray<typeof Author.Type>>>()
  })

  it("refuses references whose ids have another type, and unknown fields", () => {
    expect(MongoArbitrary.collection).type.not.toBeCallableWith(Posts, { refs: { author: Tags } })
    expect(MongoArbitrary.collection).type.not.toBeCallableWith(Posts, { refs: { tags: Authors } })
    expect(MongoArbitrary.collection).type.not.toBeCallableWith(Posts, { refs: { writer: Authors } })
    expect(MongoArbitrary.collection).type.not.toBeCallableWith(Posts, { refs: { "likes.of": Authors } })
    expect(MongoArbitrary.collection).type.not.toBeCallableWith(Posts, { unique: ["title"] })
  })
})

describe("MongoLaws", () => {
  it("takes services and collections, and needs their services", () => {
    expect(MongoLaws.roundTrip(Posts)).type.toBe<Effect.Effect<void, MongoLaws.LawError, Posts>>()
    expect(MongoLaws.codec(Bson.Int64)).type.toBe<Effect.Effect<void, MongoLaws.LawError>>()
    expect(MongoLaws.roundTrip).type.not.toBeCallableWith(Author)
  })
})
