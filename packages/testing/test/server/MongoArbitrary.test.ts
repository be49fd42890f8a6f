import { assert, describe, it } from "@effect/vitest"
import { MongoDatabase } from "@mongofx/core"
import { Bson, MongoModel, TypedCollection } from "@mongofx/schema"
import { MongoArbitrary, MongoTest } from "@mongofx/testing"
import { entriesOf } from "@mongofx/testing/internal/arbitrary/stored"
import { Arbitrary, Effect, Layer, Option, Random, Schema } from "effect"
import { Model } from "effect/schema"
import { Decimal128, Int32, Long, type ObjectId } from "mongodb"
import { seeded } from "test-support/utils"

const Name = Schema.String.pipe(Schema.brand("Name"))

class Author extends Model.Class<Author>("test/Author")({
  _id: MongoModel.ObjectIdGenerated,
  name: Name,
  score: Bson.Int64,
  createdAt: Model.DateTimeInsertFromDate
}) {}

class Tag extends Schema.Class<Tag>("test/Tag")({
  _id: Schema.String,
  words: Schema.Array(Schema.String)
}) {}

const Post = Schema.Struct({
  _id: Bson.UUID,
  author: Bson.ObjectId,
  editor: Schema.NullOr(Bson.ObjectId),
  reviewer: Schema.OptionFromNullOr(Bson.ObjectId),
  likes: Schema.Array(Schema.Struct({ by: Bson.ObjectId, at: Bson.Date })),
  tags: Schema.Array(Schema.String),
  meta: Schema.optionalKey(Schema.Record(Schema.String, Schema.Union([Schema.String, Schema.Number])))
})

class Authors extends TypedCollection.Service<Authors>()("test/Authors", { name: "authors", schema: Author }) {}
class Tags extends TypedCollection.Service<Tags>()("test/Tags", { name: "tags", schema: Tag }) {}
class Posts extends TypedCollection.Service<Posts>()("test/Posts", { name: "posts", schema: Post }) {}

const layer = Layer.mergeAll(Authors.layer, Tags.layer, Posts.layer).pipe(Layer.provideMerge(MongoTest.layer))

const authors = MongoArbitrary.collection(Authors, { unique: ["name"] })

const posts = MongoArbitrary.collection(Posts, {
  refs: { author: authors, editor: Authors, reviewer: authors, "likes.by": Authors, tags: Tags },
  unique: ["tags"]
})

/** Runs a check of 100 random values, whose seed a failure shows. */
const holds = <A, E, R>(
  arbitrary: Arbitrary.Arbitrary<A>,
  property: (value: A) => Effect.Effect<void, E, R>,
  runs = 100
) =>
  seeded(Effect.flatMap(
    Arbitrary.checkEffect(arbitrary, (value) => Effect.as(Effect.suspend(() => property(value)), true), { runs }),
    (result) => Effect.sync(() => assert.isUndefined(Arbitrary.formatCheckFailure(result)))
  ))

const equalPosts = Schema.toEquivalence(Schema.Array(Post))

const hexOf = (ids: ReadonlyArray<ObjectId>) => ids.map((id) => id.toHexString())

describe("MongoArbitrary", () => {
  it.live(
    "makes documents of several collections whose references lead to documents, and inserts them as they are",
    () =>
      Effect.gen(function*() {
        const db = yield* MongoDatabase.MongoDatabase
        yield* db.collection("authors").createIndex({ name: 1 }, { unique: true })
        yield* db.collection("posts").createIndex({ tags: 1 }, { unique: true })
        const seen = { posts: 0, authors: 0, editors: 0, reviewers: 0, likes: 0, tags: 0 }
        yield* holds(
          posts,
          Effect.fnUntraced(function*(dataset) {
            for (const name of ["authors", "tags", "posts"]) yield* db.collection(name).deleteMany({})
            // The unique indexes of the server accept them all.
            yield* MongoArbitrary.insert(dataset)
            const ids = hexOf(dataset.of(Authors).map(({ _id }) => _id))
            const tags = dataset.of(Tags).map(({ _id }) => _id)
            seen.posts += dataset.documents.length
            seen.authors += ids.length
            for (const post of dataset.documents) {
              const likes = post.likes.map(({ by }) => by)
              for (
                const id of hexOf([
                  post.author,
                  ...(post.editor === null ? [] : [post.editor]),
                  ...Option.toArray(post.reviewer),
                  ...likes
                ])
              ) assert.include(ids, id)
              for (const tag of post.tags) assert.include(tags, tag)
              seen.editors += post.editor === null ? 0 : 1
              seen.reviewers += Option.isSome(post.reviewer) ? 1 : 0
              seen.likes += likes.length
              seen.tags += post.tags.length
            }
            const byId = (list: ReadonlyArray<typeof Post.Type>) =>
              [...list].sort((a, b) => a._id.toHexString() < b._id.toHexString() ? -1 : 1)
            const found = yield* (yield* Posts).find()
            assert.isTrue(equalPosts(byId(found), byId(dataset.documents)))
            const stored = yield* (yield* Authors).find()
            assert.strictEqual(stored.length, ids.length)
            assert.isTrue(stored.every((author) => author instanceof Author))
            assert.deepStrictEqual(dataset.collections.map(({ name }) => name), [
              "test/Authors",
              "test/Tags",
              "test/Posts"
            ])
            // A model's variant for inserts would set the time anew.
            const times = (list: ReadonlyArray<Author>) =>
              list.map(({ createdAt }) => createdAt.epochMilliseconds).sort()
            assert.deepStrictEqual(times(stored), times(dataset.of(Authors)))
          })
        )
        for (const count of Object.values(seen)) assert.isAbove(count, 20, JSON.stringify(seen))
      }).pipe(Effect.provide(layer)),
    60_000
  )

  it.live("makes only values that a collection takes", () =>
    Effect.gen(function*() {
      const db = yield* MongoDatabase.MongoDatabase
      const Wild = Schema.Struct({
        _id: Schema.Union([Schema.String, Schema.Number, Schema.Array(Schema.String)]),
        text: Schema.String,
        record: Schema.Record(Schema.String, Schema.String),
        maybe: Schema.UndefinedOr(Schema.Number),
        date: Schema.Date
      })
      const wild = TypedCollection.make(db, "wild", Wild)
      const source = MongoArbitrary.collection(wild)
      const counted = { documents: 0, texts: new Set<string>() }
      yield* holds(
        source,
        Effect.fnUntraced(function*(dataset) {
          yield* wild.deleteMany({})
          yield* MongoArbitrary.insert(dataset)
          const found = yield* wild.find()
          assert.strictEqual(found.length, dataset.documents.length)
          counted.documents += found.length
          for (const { text } of found) counted.texts.add(text)
        })
      )
      assert.isAbove(counted.documents, 100)
      assert.isAbove(counted.texts.size, 50)
      // The plain generator makes others, too.
      const plain = yield* Arbitrary.sampleEffect(Arbitrary.schema(Wild), { count: 300, seed: 1 })
      const outcomes = yield* Effect.forEach(plain, (document) =>
        Effect.exit(wild.replaceOne({ text: "none" }, document, { upsert: true })))
      assert.isAbove(
        outcomes.filter(({ _tag }) =>
          _tag === "Failure"
        ).length,
        10
      )
    }).pipe(Effect.provide(MongoTest.layer)), 60_000)

  it.effect("makes lists with different keys, at least as long as they must be", () =>
    Effect.gen(function*() {
      const User = Schema.Struct({
        _id: Bson.ObjectId,
        name: Schema.Literals(["a", "b", "c"]),
        tenant: Schema.Literals([1, 2, 3]),
        mails: Schema.Array(Schema.Literals(["x", "y", "z", "u", "v"]))
      })
      const users = MongoArbitrary.documents(User, {
        minLength: 3,
        maxLength: 5,
        unique: [["tenant", "name"], "mails"]
      })
      yield* holds(users, (list) =>
        Effect.sync(() => {
          assert.isTrue(list.length >= 3 && list.length <= 5)
          assert.strictEqual(new Set(list.map(({ name, tenant }) => `${name}${tenant}`)).size, list.length)
          assert.strictEqual(new Set(hexOf(list.map(({ _id }) => _id))).size, list.length)
          // An index of arrays has each element once, and one entry for all empty arrays.
          const mails = list.flatMap(({ mails }) => mails.length === 0 ? ["none"] : [...new Set(mails)])
          assert.strictEqual(new Set(mails).size, mails.length)
        }))
    }))

  it.effect("shrinks to the fewest documents that still refer to each other", () =>
    Effect.gen(function*() {
      const result = yield* Arbitrary.checkEffect(posts, (dataset) => dataset.documents.length < 2, {
        seed: 7,
        maxShrinks: 2000
      })
      assert.strictEqual(result._tag, "Falsified")
      if (result._tag !== "Falsified") return
      const { shrunkInput } = result
      assert.strictEqual(shrunkInput.documents.length, 2)
      assert.strictEqual(shrunkInput.of(Authors).length, 1)
      assert.isTrue(shrunkInput.documents.every(({ author }) => author.equals(shrunkInput.of(Authors)[0]!._id)))
      assert.isTrue(shrunkInput.documents.every(({ editor, likes }) => editor === null && likes.length === 0))
    }))

  it("leaves out documents that need a reference to nothing, and refuses circles and settings that differ", () =>
    Effect.runPromise(Effect.gen(function*() {
      const none = MongoArbitrary.collection(Authors, { maxLength: 0 })
      const orphans = MongoArbitrary.collection(Posts, { refs: { author: none } })
      const sets = yield* Arbitrary.sampleEffect(orphans, { count: 50, seed: yield* Random.nextInt })
      assert.isTrue(sets.every(({ documents }) => documents.length === 0))
      assert.throws(
        () =>
          MongoArbitrary.collection(Posts, {
            refs: { author: authors, editor: MongoArbitrary.collection(Authors, { minLength: 2 }) }
          }),
        /refs name test\/Authors twice, with different settings/
      )
      const Node = Schema.Struct({ _id: Schema.String, parent: Schema.String })
      class Nodes extends TypedCollection.Service<Nodes>()("test/Nodes", { name: "nodes", schema: Node }) {}
      assert.throws(() => MongoArbitrary.collection(Nodes, { refs: { parent: Nodes } }), /test\/Nodes refers to itself/)
    })))

  it("takes keys for equal that the server takes for equal", () => {
    const key = (value: unknown) => entriesOf({ value }, ["value"])
    const same = [
      1,
      new Int32(1),
      Long.fromNumber(1),
      Decimal128.fromString("1.00"),
      Decimal128.fromString("10E-1"),
      1n
    ]
    for (const value of same) assert.deepStrictEqual(key(value), key(1))
    for (const zero of [-0, Decimal128.fromString("-0.0"), Decimal128.fromString("0E+9")]) {
      assert.deepStrictEqual(key(zero), key(0))
    }
    assert.deepStrictEqual(key(null), entriesOf({}, ["value"]))
    const different = [
      1,
      2,
      "1",
      true,
      null,
      new Date(1),
      { a: 1 },
      [[1]],
      Decimal128.fromString("1.0000000000000000001")
    ]
    assert.strictEqual(new Set(different.map((value) => key(value).join())).size, different.length - 1)
  })
})
