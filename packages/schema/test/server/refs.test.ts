import { assert, describe, it } from "@effect/vitest"
import { MongoClient, MongoDatabase } from "@mongofx/core"
import { Bson, DocumentError, MongoModel, MongoResolver, TypedCollection } from "@mongofx/schema"
import { CommandLog, FailPoint, MongoTest } from "@mongofx/testing"
import { BigDecimal, Cause, Effect, Fiber, Option, Schema, SchemaGetter, Stream } from "effect"
import { Model } from "effect/schema"
import { ObjectId } from "mongodb"
import { timed, until } from "test-support/utils"

const CompanyId = Bson.ObjectId.pipe(Schema.brand("CompanyId"))

const Company = Schema.Struct({ _id: CompanyId, name: Schema.String })

class User extends Schema.Class<User>("User")({
  _id: Bson.ObjectId,
  name: Schema.String,
  company: Schema.NullOr(CompanyId)
}) {
  get initial(): string {
    return this.name.slice(0, 1)
  }
}

class Post extends Schema.Class<Post>("Post")({
  _id: Bson.ObjectId,
  title: Schema.String,
  author: Bson.ObjectId,
  editor: Schema.optionalKey(Bson.ObjectId),
  publisher: Schema.OptionFromNullOr(CompanyId),
  reviewers: Schema.Array(Bson.ObjectId),
  parts: Schema.Array(Schema.Struct({ text: Schema.String, by: Schema.NullOr(Bson.ObjectId) }))
}) {
  get shout(): string {
    return `${this.title}!`
  }
}

class Companies
  extends TypedCollection.Service<Companies>()("test/Companies", { name: "companies", schema: Company })
{}
class Users extends TypedCollection.Service<Users>()("test/Users", { name: "users", schema: User }) {}
class Posts extends TypedCollection.Service<Posts>()("test/Posts", { name: "posts", schema: Post }) {}

const { ref } = MongoResolver

const Test = MongoTest.layerWith({ driverOptions: { monitorCommands: true } })

const test = <A, E, R>(self: Effect.Effect<A, E, R>) =>
  self.pipe(
    Effect.provide([Companies.layer, Users.layer, Posts.layer]),
    Effect.scoped,
    Effect.provide(Test)
  )

const fixture = Effect.gen(function*() {
  const db = yield* MongoDatabase.MongoDatabase
  const companies = yield* Companies
  const users = yield* Users
  const posts = yield* Posts
  const [acme, bolt] = (yield* companies.insertMany(["acme", "bolt"].map((name) => ({
    _id: CompanyId.make(new ObjectId()),
    name
  })))).insertedIds as [typeof CompanyId.Type, typeof CompanyId.Type]
  const people = [["ada", acme], ["eve", bolt], ["bob", null]] as const
  const [ada, eve, bob] = (yield* users.insertMany(people.map(([name, company]) => ({ name, company }))))
    .insertedIds as [
      ObjectId,
      ObjectId,
      ObjectId
    ]
  const gone = new ObjectId()
  const post = (title: string, author: ObjectId, more: object = {}) => ({
    title,
    author,
    publisher: Option.none<typeof acme>(),
    reviewers: [],
    parts: [],
    ...more
  })
  yield* posts.insertMany([
    post("a", ada, {
      editor: eve,
      publisher: Option.some(acme),
      reviewers: [eve, gone, ada, eve],
      parts: [{ text: "x", by: bob }, { text: "y", by: null }, { text: "z", by: gone }]
    }),
    post("b", gone),
    post("c", ada, { publisher: Option.some(CompanyId.make(gone)) })
  ])
  const log = yield* CommandLog.make
  /** The collection and the number of ids of each `find` after the first one. */
  const asked = () =>
    log.events.slice(1).map(({ command }) => `${command["find"]} ${command["filter"]?._id?.$in?.length}`)
  return { acme, ada, asked, bob, bolt, companies, db, eve, gone, log, posts, users }
})

const nameOf = Option.match({ onNone: () => "-", onSome: (user: { readonly name: string }) => user.name })

describe("withRefs", () => {
  it.live("puts documents in the place of ids, with one command for each collection", () =>
    test(Effect.gen(function*() {
      const { asked, posts } = yield* fixture
      const found = yield* MongoResolver.withRefs(posts.find().sort({ title: 1 }), {
        author: Users,
        editor: Users,
        publisher: Companies,
        reviewers: Users,
        parts: { by: Users }
      })
      assert.deepStrictEqual(found.map(({ author }) => nameOf(author)), ["ada", "-", "ada"])
      assert.deepStrictEqual(found.map(({ publisher }) => nameOf(publisher)), ["acme", "-", "-"])
      const [a, b] = found
      assert.strictEqual(nameOf(a!.editor!), "eve")
      assert.isFalse("editor" in b!)
      assert.deepStrictEqual(a!.reviewers.map(nameOf), ["eve", "-", "ada", "eve"])
      assert.deepStrictEqual(
        a!.parts.map(({ by, text }) => [text, by === null ? null : nameOf(by)]),
        [["x", "bob"], ["y", null], ["z", "-"]]
      )
      assert.deepStrictEqual(asked().sort(), ["companies 2", "users 4"])
      // Documents stay what they were, and those that several refer to are the same.
      assert.instanceOf(a, Post)
      assert.strictEqual(a!.shout, "a!")
      assert.strictEqual(Option.getOrThrow(a!.author), Option.getOrThrow(a!.reviewers[2]!))
      assert.strictEqual(Option.getOrThrow(a!.author).initial, "a")
    })))

  it.live("follows references of references, with one command for each collection and depth", () =>
    test(Effect.gen(function*() {
      const { asked, posts } = yield* fixture
      const user = ref(Users, { missing: "null", refs: { company: ref(Companies, { missing: "fail" }) } })
      const found = yield* MongoResolver.withRefs(posts.find().sort({ title: 1 }), {
        author: user,
        reviewers: ref(Users, { refs: { company: Companies } }),
        publisher: Companies
      })
      assert.deepStrictEqual(found.map(({ author }) => author?.company?.name), ["acme", undefined, "acme"])
      const companies = found[0]!.reviewers.map((reviewer) =>
        Option.isNone(reviewer) || reviewer.value.company === null ? "-" : nameOf(reviewer.value.company)
      )
      assert.deepStrictEqual(companies, ["bolt", "-", "acme", "bolt"])
      assert.strictEqual(Option.getOrThrow(found[0]!.reviewers[0]!), Option.getOrThrow(found[0]!.reviewers[3]!))
      assert.deepStrictEqual(asked(), ["users 3", "companies 2", "companies 2"])
      assert.instanceOf(found[0]!.author, User)
    })))

  it.live("a missing document is none, null or a failure", () =>
    test(Effect.gen(function*() {
      const { posts, users } = yield* fixture
      const all = posts.find().sort({ title: 1 })
      const orNull = yield* MongoResolver.withRefs(all, {
        author: ref(Users, { missing: "null" }),
        reviewers: ref(Users, { missing: "null" }),
        publisher: ref(Companies, { missing: "null" })
      })
      assert.deepStrictEqual(orNull.map(({ author }) => author?.name), ["ada", undefined, "ada"])
      assert.deepStrictEqual(orNull[0]!.reviewers.map((user) => user?.name), ["eve", undefined, "ada", "eve"])
      assert.deepStrictEqual(
        orNull.map(({ publisher }) => Option.map(publisher, (company) => company?.name)),
        [Option.some("acme"), Option.none(), Option.some(undefined)]
      )
      const strict = { author: ref(Users, { missing: "fail" }) }
      const error = yield* Effect.flip(MongoResolver.withRefs(all, strict))
      assert.isTrue(Cause.isNoSuchElementError(error))
      assert.strictEqual(
        error.message,
        `withRefs: author refers to a document of ${users.fullName} that is not there`
      )
      const [first] = yield* MongoResolver.withRefs(all.limit(1), strict)
      assert.strictEqual(first!.author.name, "ada")
    })))

  it.live("documents that do not meet a filter count as missing", () =>
    test(Effect.gen(function*() {
      const { ada, asked, eve, posts, users } = yield* fixture
      const filter = { name: { $ne: "eve" } }
      const [found] = yield* MongoResolver.withRefs(posts.find({ title: "a" }), {
        author: Users,
        reviewers: ref(Users, { filter })
      })
      assert.deepStrictEqual(found!.reviewers.map(nameOf), ["-", "-", "ada", "-"])
      assert.strictEqual(asked().length, 2)
      const perhaps = MongoResolver.request(MongoResolver.findByIdOption(users, { filter }))
      assert.deepStrictEqual((yield* Effect.forEach([ada, eve], (id) => perhaps(id))).map(nameOf), ["ada", "-"])
    })))

  it.live("a document that does not decode fails the query", () =>
    test(Effect.gen(function*() {
      const { eve, posts, users } = yield* fixture
      yield* users.untyped.updateOne({ _id: eve }, { $set: { name: 3 } })
      const error = yield* Effect.flip(MongoResolver.withRefs(posts.find(), { reviewers: Users }))
      assert.instanceOf(error, DocumentError.DocumentError)
    })))

  it.live("follows references of a transaction inside of it", () =>
    test(Effect.gen(function*() {
      const { ada, posts, users } = yield* fixture
      const mongo = yield* MongoClient.MongoClient
      const query = MongoResolver.withRefs(posts.find({ title: "c" }), { author: Users })
      const inside = mongo.withTransaction(
        Effect.andThen(users.updateById(ada, { $set: { name: "changed" } }), query.one)
      )
      const [changed, before] = yield* mongo.withTransaction(Effect.all([inside, mongo.withoutTransaction(query.one)]))
      assert.deepStrictEqual([nameOf(changed.author), nameOf(before.author)], ["changed", "ada"])
    })))

  it.live("ends its commands when it is interrupted", () =>
    test(Effect.gen(function*() {
      const { log, posts } = yield* fixture
      yield* FailPoint.failCommand({ failCommands: ["find"], blockTime: "3 seconds", mode: { skip: 1 } })
      log.clear()
      const fiber = yield* Effect.forkChild(MongoResolver.withRefs(posts.find(), { author: Users, reviewers: Users }))
      yield* until("the documents of references are asked for", () => log.events.length === 2)
      const [, millis] = yield* timed(Effect.andThen(Fiber.interrupt(fiber), MongoTest.nothingLeft))
      assert.isBelow(millis, 2500)
    })))

  it.live("has the views of a query, and a stream asks once for each batch", () =>
    test(Effect.gen(function*() {
      const { asked, log, posts } = yield* fixture
      const query = MongoResolver.withRefs(posts.find().sort({ title: 1 }).batchSize(2), { author: Users })
      log.clear()
      const streamed = yield* Stream.runCollect(query.stream)
      assert.deepStrictEqual(streamed.map(({ author }) => nameOf(author)), ["ada", "-", "ada"])
      assert.deepStrictEqual(
        log.events.map(({ command, commandName }) => `${commandName} ${command["find"] ?? ""}`),
        ["find posts", "find users", "getMore ", "find users"]
      )
      assert.strictEqual(nameOf((yield* query.one).author), "ada")
      assert.strictEqual(nameOf(Option.getOrThrow(yield* query.first).author), "ada")
      assert.strictEqual((yield* Stream.runCollect(query.raw)).length, 3)
      assert.strictEqual((yield* Stream.runCollect(query.batches))[0]!.length, 2)
      const none = MongoResolver.withRefs(posts.find({ title: "nothing" }), { author: Users })
      log.clear()
      assert.deepStrictEqual(yield* none, [])
      assert.isTrue(Option.isNone(yield* none.first))
      assert.isTrue(Cause.isNoSuchElementError(yield* Effect.flip(none.one)))
      assert.isFalse(asked().some((find) => find.startsWith("users")))
      assert.include(JSON.stringify(query), "posts")
    })))

  it.live("takes pipelines and projections, collections and services", () =>
    test(Effect.gen(function*() {
      const { posts, users } = yield* fixture
      const projected = yield* MongoResolver.withRefs(
        posts.find({ title: "a" }).project({ title: 1, author: 1 }),
        { author: users }
      )
      assert.deepStrictEqual(projected.map(({ author, title }) => [title, nameOf(author)]), [["a", "ada"]])
      const grouped = yield* MongoResolver.withRefs(
        posts.aggregate(Schema.Struct({ _id: Bson.ObjectId, n: Schema.Int }), [
          { $group: { _id: "$author", n: { $sum: 1 } } },
          { $sort: { n: -1 } }
        ]),
        { _id: Users }
      )
      assert.deepStrictEqual(grouped.map(({ _id, n }) => [nameOf(_id), n]), [["ada", 2], ["-", 1]])
    })))
})

class Comment extends Model.Class<Comment>("Comment")({
  _id: MongoModel.ObjectIdGenerated,
  by: MongoModel.ref(Users),
  about: Model.FieldOption(MongoModel.ref(CompanyId)),
  text: Schema.String
}) {}

describe("loadRefs", () => {
  it.live("follows the references of models", () =>
    test(Effect.gen(function*() {
      const { acme, ada, asked, db, log } = yield* fixture
      const comments = TypedCollection.make(db, "comments", Comment)
      yield* comments.insertMany([
        { by: ada, about: Option.some(acme), text: "a" },
        { by: ada, about: Option.none(), text: "b" }
      ])
      log.clear()
      const [a, b] = yield* MongoResolver.withRefs(comments.find().sort({ text: 1 }), {
        by: ref(Users, { missing: "fail" }),
        about: Companies
      })
      assert.strictEqual(a!.by.name, "ada")
      assert.deepStrictEqual([a!, b!].map(({ about }) => nameOf(about)), ["acme", "-"])
      assert.deepStrictEqual(asked().sort(), ["companies 1", "users 1"])
    })))

  it.live("tells ids apart whose fields do not show what they are, and whose digits a long does not hold", () =>
    test(Effect.gen(function*() {
      const { asked, db, log } = yield* fixture
      const Site = Schema.Struct({ _id: Schema.URLFromString, price: Bson.BigDecimal })
      const Price = Schema.Struct({ _id: Bson.BigDecimal, label: Schema.String })
      const sites = TypedCollection.make(db, "sites", Site)
      const prices = TypedCollection.make(db, "prices", Price)
      // The second number is the first one in 64 bits.
      const [one, large] = ["1", "18446744073709551617"].map((text) => BigDecimal.fromStringUnsafe(text))
      yield* prices.insertMany([{ _id: one!, label: "one" }, { _id: large!, label: "large" }])
      yield* sites.insertMany([{ _id: new URL("http://a/"), price: one! }, {
        _id: new URL("http://b/"),
        price: large!
      }])
      log.clear()
      const links = ["http://a/", "http://b/", "http://a/"].map((url) => ({ to: new URL(url) }))
      const joined = yield* MongoResolver.loadRefs(links, {
        to: ref(sites, { missing: "fail", refs: { price: ref(prices, { missing: "fail" }) } })
      })
      assert.deepStrictEqual(joined.map(({ to }) => `${to._id.href} ${to.price.label}`), [
        "http://a/ one",
        "http://b/ large",
        "http://a/ one"
      ])
      assert.strictEqual(joined[0]!.to, joined[2]!.to)
      assert.deepStrictEqual(asked(), ["prices 2"])
      // Texts that a codec stores as one: the document is the same object, with its own references too.
      const Lower = Schema.String.pipe(Schema.decodeTo(Schema.String, {
        decode: SchemaGetter.transform((text: string) => text),
        encode: SchemaGetter.transform((text: string) => text.toLowerCase())
      }))
      const slugs = TypedCollection.make(db, "slugs", Schema.Struct({ _id: Lower, price: Bson.BigDecimal }))
      yield* slugs.insertOne({ _id: "a", price: one! })
      const [upper, lower] = yield* MongoResolver.loadRefs([{ to: "A" }, { to: "a" }], {
        to: ref(slugs, { missing: "fail", refs: { price: ref(prices, { missing: "fail" }) } })
      })
      assert.strictEqual(upper!.to, lower!.to)
    })))

  it.live("joins documents that are there already, and leaves them as they were", () =>
    test(Effect.gen(function*() {
      const { ada, log, posts } = yield* fixture
      const found = yield* posts.find({ author: ada }).sort({ title: 1 })
      log.clear()
      const joined = yield* MongoResolver.loadRefs(found, { author: Users, reviewers: Users, parts: { by: Users } })
      assert.deepStrictEqual(joined.map(({ author }) => nameOf(author)), ["ada", "ada"])
      assert.deepStrictEqual(found.map(({ author }) => author), [ada, ada])
      assert.instanceOf(found[0]!.parts[0]!.by, ObjectId)
      assert.isTrue(found[0]!.reviewers.every((id) => id instanceof ObjectId))
      assert.strictEqual(log.events.length, 1)
      assert.deepStrictEqual(yield* MongoResolver.loadRefs([] as typeof found, { author: Users }), [])
    })))
})
