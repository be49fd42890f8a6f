import { assert, describe, it } from "@effect/vitest"
import { Mongo, MongoClient, MongoDatabase, MongoError } from "@mongofx/core"
import { Bson, DocumentError, MongoResolver, TypedCollection, TypedQuery } from "@mongofx/schema"
import { CommandLog, FailPoint, MongoTest } from "@mongofx/testing"
import { Cause, Effect, Exit, Fiber, Option, Random, RequestResolver, Schema, SchemaGetter } from "effect"
import { Binary, Decimal128, Double, Int32, Long, ObjectId, Timestamp, UUID } from "mongodb"
import { seeded, until } from "test-support/utils"

class User extends Schema.Class<User>("User")({ _id: Bson.ObjectId, name: Schema.String }) {}

class Users extends TypedCollection.Service<Users>()("test/Users", { name: "users", schema: User }) {}

const Post = Schema.Struct({
  _id: Bson.ObjectId,
  author: Schema.NullOr(Bson.ObjectId),
  title: Schema.String,
  tags: Schema.Array(Schema.String),
  items: Schema.Array(Schema.Struct({ sku: Schema.Int }))
})

const Test = MongoTest.layerWith({ driverOptions: { monitorCommands: true } })

const test = <A, E, R>(self: Effect.Effect<A, E, R>) => Effect.provide(Effect.scoped(self), Test)

const fixture = Effect.gen(function*() {
  const db = yield* MongoDatabase.MongoDatabase
  const mongo = yield* MongoClient.MongoClient
  const users = TypedCollection.make(db, "users", User)
  const posts = TypedCollection.make(db, "posts", Post)
  const log = yield* CommandLog.make
  const sent = () => log.names(db.name)
  /** The values of the `$in` of each `find`. */
  const asked = (field = "_id"): ReadonlyArray<ReadonlyArray<unknown>> =>
    log.events.filter(({ commandName }) => commandName === "find").map(({ command }) => command["filter"][field].$in)
  const insert = (size: number) =>
    Effect.map(
      users.insertMany(Array.from({ length: size }, (_, i) => ({ name: `user ${i}` }))),
      ({ insertedIds }) => {
        log.clear()
        return insertedIds
      }
    )
  return { db, mongo, users, posts, log, sent, asked, insert }
})

const tagOf = (exit: Exit.Exit<unknown, unknown>) => {
  const error = Option.getOrUndefined(Exit.findErrorOption(exit))
  return MongoError.isMongoError(error) ? error.reason._tag : undefined
}

const unbounded = { concurrency: "unbounded" } as const

describe("findById of a collection", () => {
  it.live("1,000 requests of 64 fibers take at most 20 commands", () =>
    test(Effect.gen(function*() {
      const { insert, sent, users } = yield* fixture
      const ids = yield* insert(1000)
      const found = yield* Effect.forEach(ids, (id) => MongoResolver.request(id, MongoResolver.findById(users)), {
        concurrency: 64
      })
      assert.deepStrictEqual(found.map(({ name }) => name), ids.map((_, i) => `user ${i}`))
      assert.isTrue(found.every((user) => user instanceof User))
      assert.isAtMost(sent().length, 20)
    })))

  it.live("a thousand requests at once are one command, and more are cut by number", () =>
    test(Effect.gen(function*() {
      const { asked, insert, log, sent, users } = yield* fixture
      const ids = yield* insert(1001)
      const all = (resolver: MongoResolver.FindById<typeof User>, some: ReadonlyArray<ObjectId>) =>
        Effect.forEach(some, (id) => MongoResolver.request(id, resolver), unbounded)
      yield* all(MongoResolver.findById(users), ids.slice(1))
      assert.deepStrictEqual(sent(), ["find"])
      log.clear()
      yield* all(MongoResolver.findById(users), ids)
      assert.deepStrictEqual(asked().map(({ length }) => length), [1000, 1])
      log.clear()
      const found = yield* all(MongoResolver.findById(users, { maxBatchSize: 3 }), ids.slice(0, 7))
      assert.deepStrictEqual(found.map(({ _id }) => _id), ids.slice(0, 7))
      assert.deepStrictEqual(asked().map(({ length }) => length), [3, 3, 1])
    })))

  it.live("batches are cut by bytes: 20 MB of ids go in several commands", () =>
    test(Effect.gen(function*() {
      const { asked, db } = yield* fixture
      const Blob = Schema.Struct({ _id: Bson.Binary, n: Schema.Int })
      const blobs = TypedCollection.make(db, "blobs", Blob)
      const ids = Array.from({ length: 20 }, (_, i) => new Binary(Buffer.alloc(1024 * 1024, i)))
      // Beyond the longest key of an index, so nothing can be stored under such an id: none is found.
      const find = MongoResolver.request(MongoResolver.findByIdOption(blobs))
      const found = yield* Effect.forEach(ids, find, unbounded)
      assert.isTrue(found.every(Option.isNone))
      assert.deepStrictEqual(asked().map(({ length }) => length), [7, 7, 6])
    })))

  it.live("a missing document fails with a NoSuchElementError, or is none", () =>
    test(Effect.gen(function*() {
      const { insert, sent, users } = yield* fixture
      const [ada] = yield* insert(1)
      const find = MongoResolver.request(MongoResolver.findById(users))
      const [there, missing] = yield* Effect.all([find(ada!), Effect.exit(find(new ObjectId()))], unbounded)
      assert.strictEqual(there.name, "user 0")
      const error = Option.getOrThrow(Exit.findErrorOption(missing))
      assert.isTrue(Cause.isNoSuchElementError(error))
      assert.include(error.message, `findById on ${users.fullName}`)
      assert.deepStrictEqual(sent(), ["find"])
      const perhaps = MongoResolver.request(MongoResolver.findByIdOption(users))
      assert.isTrue(Option.isNone(yield* perhaps(new ObjectId())))
      assert.isTrue(Option.isSome(yield* perhaps(ada!)))
    })))

  it.live("duplicates share a slot, also as different objects", () =>
    test(Effect.gen(function*() {
      const { asked, insert, users } = yield* fixture
      const [ada] = yield* insert(1)
      const find = MongoResolver.request(MongoResolver.findById(users))
      const found = yield* Effect.all([find(ada!), find(new ObjectId(ada!.toHexString())), find(ada!)], unbounded)
      assert.deepStrictEqual(asked(), [[ada]])
      assert.strictEqual(found[0], found[1])
      assert.strictEqual(found[0], found[2])
    })))

  it.live("decimals that the server finds equal share a slot, and find the same document", () =>
    test(Effect.gen(function*() {
      const { asked, db } = yield* fixture
      const Price = Schema.Struct({ _id: Bson.Decimal128, label: Schema.String })
      const prices = TypedCollection.make(db, "prices", Price)
      yield* prices.insertMany([
        { _id: Decimal128.fromString("1.0"), label: "one" },
        { _id: Decimal128.fromString("25E1"), label: "much" }
      ])
      const find = MongoResolver.request(MongoResolver.findById(prices))
      const found = yield* Effect.forEach(
        ["1", "1.0", "1.00", "250", "2.5E+2"],
        (text) => Effect.map(find(Decimal128.fromString(text)), ({ label }) => label),
        unbounded
      )
      assert.deepStrictEqual(found, ["one", "one", "one", "much", "much"])
      assert.deepStrictEqual(asked().map(({ length }) => length), [2])
    })))

  it.live("ids that are equal by the collection's collation find the same document, each in its request", () =>
    test(Effect.gen(function*() {
      const { db, log, sent } = yield* fixture
      yield* db.createCollection("accounts", { collation: { locale: "de@collation=phonebook", strength: 1 } })
      const accounts = TypedCollection.make(db, "accounts", Schema.Struct({ _id: Schema.String }))
      yield* accounts.insertMany(["ada", "Grace", "Mueller", "eve-1"].map((_id) => ({ _id })))
      log.clear()
      const perhaps = MongoResolver.request(MongoResolver.findByIdOption(accounts))
      const ids = ["ADA", "ada", "grace", "müller", "eve1", "nobody"]
      const one = yield* Effect.forEach(ids, (id) => accounts.findById(id))
      log.clear()
      const found = yield* Effect.forEach(ids, (id) => perhaps(id), unbounded)
      assert.deepStrictEqual(found, one)
      assert.deepStrictEqual(found.map(Option.isSome), [true, true, true, true, false, false])
      assert.isAtMost(sent().length, 10)
    })))

  it.live("letters that a collation finds equal find the same document, whatever the batch", () =>
    test(Effect.gen(function*() {
      const { db } = yield* fixture
      yield* db.createCollection("words", { collation: { locale: "de", strength: 1 } })
      const Word = Schema.Struct({ _id: Schema.String, root: Schema.String })
      const words = TypedCollection.make(db, "words", Word)
      yield* db.createCollection("phonebook", { collation: { locale: "de@collation=phonebook", strength: 1 } })
      const phonebook = TypedCollection.make(db, "phonebook", Schema.Struct({ _id: Schema.String }))
      yield* phonebook.insertOne({ _id: "Müller" })
      const one = yield* Effect.forEach(
        ["mueller", "müller"],
        (id) => MongoResolver.request(id, MongoResolver.findById(phonebook)),
        unbounded
      )
      assert.deepStrictEqual(one.map(({ _id }) => _id), ["Müller", "Müller"])
      const pairs = [["strasse", "Straße"], ["aether", "æther"], ["smorrebrod", "smørrebrød"], [
        "みかん",
        "ミカン"
      ]] as const
      yield* words.insertMany(pairs.map(([_id, root]) => ({ _id, root })))
      const found = yield* Effect.forEach(
        pairs.flat(),
        (id) => MongoResolver.request(id, MongoResolver.findById(words)),
        unbounded
      )
      assert.deepStrictEqual(found.map(({ _id }) => _id), pairs.flatMap(([_id]) => [_id, _id]))
      const grouped = yield* Effect.forEach(
        pairs.flat(),
        (root) => MongoResolver.request(root, MongoResolver.grouped(words, "root")),
        unbounded
      )
      assert.deepStrictEqual(
        grouped.map((group) => group.map(({ _id }) => _id)),
        pairs.flatMap(([_id]) => [[_id], [_id]])
      )
    })))

  it.live("ids that only a collation would find equal find their own documents without one", () =>
    test(Effect.gen(function*() {
      const { asked, db } = yield* fixture
      const words = TypedCollection.make(db, "words", Schema.Struct({ _id: Schema.String }))
      const ids = ["a", "A", "ä", "a-", "a01", "a1"]
      yield* words.insertMany(ids.map((_id) => ({ _id })))
      const find = MongoResolver.request(MongoResolver.findById(words))
      const found = yield* Effect.forEach([...ids].reverse(), find, unbounded)
      assert.deepStrictEqual(found.map(({ _id }) => _id).reverse(), ids)
      assert.strictEqual(asked().flat().length, ids.length)
    })))

  it.live("an id that does not encode fails alone", () =>
    test(Effect.gen(function*() {
      const { asked, insert, users } = yield* fixture
      const [ada] = yield* insert(1)
      const find = MongoResolver.request(MongoResolver.findById(users))
      const [bad, good] = yield* Effect.all([Effect.flip(find("ada" as never)), find(ada!)], unbounded)
      assert.instanceOf(bad, DocumentError.DocumentError)
      assert.strictEqual(good.name, "user 0")
      assert.deepStrictEqual(asked(), [[ada]])
    })))

  it.live("nothing is sent if no id encodes", () =>
    test(Effect.gen(function*() {
      const { sent, users } = yield* fixture
      const find = MongoResolver.request(MongoResolver.findById(users))
      yield* Effect.forEach([1, undefined, null], (id) => Effect.flip(find(id as never)), unbounded)
      assert.deepStrictEqual(sent(), [])
    })))

  it.live("a document that does not decode fails only the requests for it", () =>
    test(Effect.gen(function*() {
      const { asked, insert, users } = yield* fixture
      const [ada, broken] = yield* insert(2)
      yield* users.untyped.updateOne({ _id: broken! }, { $set: { name: 3 } })
      const find = MongoResolver.request(MongoResolver.findById(users))
      const [good, bad] = yield* Effect.all([find(ada!), Effect.flip(find(broken!))], unbounded)
      assert.strictEqual(good.name, "user 0")
      assert.instanceOf(bad, DocumentError.DocumentError)
      assert.strictEqual((bad as DocumentError.DocumentError).path, "name")
      assert.deepStrictEqual(asked(), [[ada, broken]])
    })))

  it.live("a chunk that fails does not fail the others", () =>
    test(Effect.gen(function*() {
      const { insert, users } = yield* fixture
      const ids = yield* insert(4)
      const find = MongoResolver.request(MongoResolver.findById(users, { maxBatchSize: 2 }))
      yield* FailPoint.failCommand({ failCommands: ["find"], errorCode: 1, mode: { times: 1 } })
      const exits = yield* Effect.forEach(ids, (id) => Effect.exit(find(id)), unbounded)
      assert.deepStrictEqual(exits.map(Exit.isSuccess), [false, false, true, true])
      assert.strictEqual(tagOf(exits[0]!), "ServerError")
    })))

  it.live("the resolver of a service is one for each of its collections", () =>
    test(Effect.gen(function*() {
      const { asked, db, insert, users } = yield* fixture
      const [a, b] = yield* insert(2)
      const others = TypedCollection.make(db, "others", User)
      const find = MongoResolver.request(MongoResolver.findById(Users, { maxBatchSize: 10 }))
      const names = yield* Effect.all([
        Effect.provideService(find(a!), Users, users),
        Effect.provideService(find(b!), Users, users),
        Effect.provideService(Effect.flip(find(a!)), Users, others)
      ], unbounded)
      assert.strictEqual(names.length, 3)
      assert.deepStrictEqual(asked(), [[a, b], [a]])
    })))

  it.live("a collection that is replaced in a test is asked in batches too", () =>
    Effect.gen(function*() {
      const ada = new User({ _id: new ObjectId(), name: "Ada" })
      const asked: Array<number> = []
      const mock = Users.mock({
        find: (filter) => {
          asked.push((filter as unknown as { _id: { $in: ReadonlyArray<ObjectId> } })._id.$in.length)
          return TypedQuery.fromIterable([ada]) as never
        }
      })
      const find = MongoResolver.request(MongoResolver.findByIdOption(Users))
      const found = yield* Effect.all([find(ada._id), find(new ObjectId())], unbounded).pipe(Effect.provide(mock))
      assert.deepStrictEqual(found, [Option.some(ada), Option.none()])
      assert.deepStrictEqual(asked, [2])
    }))

  it.live("a schema without _id is refused", () =>
    test(Effect.gen(function*() {
      const { db } = yield* fixture
      const names = TypedCollection.make(db, "names", Schema.Struct({ name: Schema.String }))
      try {
        MongoResolver.findById(names)
        assert.fail("it was accepted")
      } catch (error) {
        assert.isTrue(MongoError.isMongoError(error))
        assert.include((error as Error).message, "the schema has no _id")
      }
    })))

  it.live("renamed and encoded ids are found, and effects of codecs run", () =>
    test(Effect.gen(function*() {
      const { db } = yield* fixture
      const Slow = Schema.String.pipe(Schema.decodeTo(Schema.String, {
        decode: SchemaGetter.transformEffect((text: string) => Effect.as(Effect.yieldNow, text.slice(1))),
        encode: SchemaGetter.transformEffect((text: string) => Effect.as(Effect.yieldNow, `#${text}`))
      }))
      const Item = Schema.Struct({ id: Slow, n: Schema.Int }).pipe(Schema.encodeKeys({ id: "_id" }))
      const items = TypedCollection.make(db, "items", Item)
      yield* items.insertMany([{ id: "a", n: 1 }, { id: "b", n: 2 }])
      const find = MongoResolver.request(MongoResolver.findById(items))
      const found = yield* Effect.forEach(["b", "a", "b"], (id) => find(id as never), unbounded)
      assert.deepStrictEqual(found.map(({ n }) => n), [2, 1, 2])
    })))
})

describe("requests that may not mix", () => {
  it.live("of different transactions go in different commands, those of one transaction in one", () =>
    test(Effect.gen(function*() {
      const { asked, insert, log, mongo, users } = yield* fixture
      const [a, b, c] = yield* insert(3)
      const find = (id: ObjectId) => MongoResolver.request(id, MongoResolver.findById(users))
      yield* Effect.all(
        [find(a!), find(b!), mongo.withTransaction(Effect.all([find(a!), find(c!)], unbounded))],
        unbounded
      )
      assert.deepStrictEqual(asked().map((ids) => ids.length).sort(), [2, 2])
      log.clear()
      // What only one transaction has written is seen by its own requests.
      const seen = yield* mongo.withTransaction(Effect.gen(function*() {
        yield* users.updateById(a!, { $set: { name: "changed" } })
        const [inside, outside] = yield* Effect.all([find(a!), mongo.withoutTransaction(find(a!))], unbounded)
        return [inside.name, outside.name]
      }))
      assert.deepStrictEqual(seen, ["changed", "user 0"])
      log.clear()
      const both = Effect.all([find(b!), find(c!)], unbounded)
      yield* Effect.all([mongo.withTransaction(both), mongo.withTransaction(both)], unbounded)
      assert.deepStrictEqual(asked(), [[b, c], [b, c]])
    })))

  it.live("of a session whose transaction begins in between stay apart", () =>
    test(Effect.gen(function*() {
      const { asked, insert, mongo, users } = yield* fixture
      const [a, b] = yield* insert(2)
      const find = (id: ObjectId) => MongoResolver.request(id, MongoResolver.findById(users))
      const session = yield* mongo.session()
      yield* session.use(Effect.gen(function*() {
        const first = yield* Effect.forkChild(find(a!), { startImmediately: true })
        yield* session.startTransaction()
        const second = yield* Effect.forkChild(find(b!), { startImmediately: true })
        yield* Fiber.join(first)
        yield* Fiber.join(second)
        yield* session.abortTransaction
      }))
      assert.strictEqual(asked().length, 2)
    })))

  it.live("of different deadlines: that of one fiber fails no other", () =>
    test(Effect.gen(function*() {
      const { insert, sent, users } = yield* fixture
      const [a, b] = yield* insert(2)
      const find = (id: ObjectId) => MongoResolver.request(id, MongoResolver.findById(users))
      yield* FailPoint.failCommand({ failCommands: ["find"], blockTime: "300 millis" })
      const [late, inTime] = yield* Effect.all([
        Effect.exit(Mongo.withDeadline(find(a!), "50 millis")),
        find(b!)
      ], unbounded)
      assert.strictEqual(tagOf(late), "MaxTimeExpiredError")
      assert.strictEqual(inTime.name, "user 1")
      assert.deepStrictEqual(sent(), ["find", "find"])
    })))
})

describe("interruption", () => {
  it.live(
    "of one requester does not fail the others; that of the last one ends the command",
    () =>
      test(Effect.gen(function*() {
        const { insert, mongo, sent, users } = yield* fixture
        const [a, b] = yield* insert(2)
        const admin = mongo.db("admin")
        const running = () =>
          Effect.runPromise(Effect.map(
            admin.aggregate<{ n: number }>([
              { $currentOp: {} },
              { $match: { ns: users.fullName, "command.find": "users" } },
              { $count: "n" }
            ]),
            ([found]) => found?.n ?? 0
          ))
        const slow = MongoResolver.findById({
          Id: Bson.ObjectId,
          Result: User,
          ResultId: ({ _id }) => _id,
          execute: (ids) => users.untyped.find({ _id: { $in: ids }, $where: "sleep(1500) || true" })
        })
        const find = MongoResolver.request(slow)
        const first = yield* Effect.forkChild(find(a!))
        const second = yield* Effect.forkChild(find(b!))
        yield* until("the query runs", async () => (await running()) === 1)
        yield* Fiber.interrupt(first)
        assert.strictEqual((yield* Fiber.join(second)).name, "user 1")
        assert.deepStrictEqual(sent(), ["find"])

        const third = yield* Effect.forkChild(find(a!))
        const fourth = yield* Effect.forkChild(find(b!))
        yield* until("the query runs", async () => (await running()) === 1)
        yield* Fiber.interrupt(third)
        assert.strictEqual(yield* Effect.promise(running), 1)
        yield* Fiber.interrupt(fourth)
        yield* until("the query has ended", async () => (await running()) === 0, 1000)
      })),
    20_000
  )

  it.live("of the last one that has no answer yet ends a batch of several commands", () =>
    test(Effect.gen(function*() {
      const { insert, sent, users } = yield* fixture
      const [a, b] = yield* insert(2)
      const find = MongoResolver.request(MongoResolver.findById(users, { maxBatchSize: 1 }))
      yield* FailPoint.failCommand({ failCommands: ["find"], blockTime: "3 seconds", mode: { skip: 1 } })
      const first = yield* Effect.forkChild(find(a!))
      const second = yield* Effect.forkChild(find(b!))
      yield* Fiber.join(first)
      yield* until("the second command is sent", () => sent().length === 2)
      const started = Date.now()
      yield* Fiber.interrupt(second)
      // The client waits for nothing more: it can be closed at once.
      yield* MongoTest.nothingLeft
      assert.isBelow(Date.now() - started, 2500)
    })))

  it.live("before the batch begins takes the request out of it", () =>
    test(Effect.gen(function*() {
      const { asked, insert, users } = yield* fixture
      const [a, b] = yield* insert(2)
      const delayed = RequestResolver.setDelay(MongoResolver.findById(users), "50 millis")
      const first = yield* Effect.forkChild(MongoResolver.request(a!, delayed), { startImmediately: true })
      const second = yield* Effect.forkChild(MongoResolver.request(b!, delayed), { startImmediately: true })
      yield* Fiber.interrupt(first)
      yield* Fiber.join(second)
      assert.deepStrictEqual(asked(), [[b]])
    })))

  it.live("does not end a request that somebody runs a second time", () =>
    test(Effect.gen(function*() {
      const { insert, log, sent, users } = yield* fixture
      const [a, b] = yield* insert(2)
      const resolver = MongoResolver.findById(users)
      const again = Effect.request(
        MongoResolver.MongoRequest<ObjectId, User, TypedQuery.Failure | Cause.NoSuchElementError>(a!),
        resolver
      )
      yield* again
      log.clear()
      yield* FailPoint.failCommand({ failCommands: ["find"], blockTime: "300 millis" })
      const second = yield* Effect.forkChild(again)
      const other = yield* Effect.forkChild(MongoResolver.request(b!, resolver))
      yield* until("the command is on its way", () => sent().length > 0)
      yield* Fiber.interrupt(other)
      assert.strictEqual((yield* Fiber.join(second)).name, "user 0")
      assert.deepStrictEqual(sent(), ["find"])
    })))

  it.live("does not end a request that others wait for in a cache", () =>
    test(Effect.gen(function*() {
      const { insert, sent, users } = yield* fixture
      const [a] = yield* insert(1)
      const cached = yield* RequestResolver.withCache(MongoResolver.findById(users), { capacity: 10 })
      yield* FailPoint.failCommand({ failCommands: ["find"], blockTime: "200 millis", mode: { times: 1 } })
      const first = yield* Effect.forkChild(MongoResolver.request(a!, cached), { startImmediately: true })
      const second = yield* Effect.forkChild(MongoResolver.request(a!, cached), { startImmediately: true })
      yield* until("the query is sent", () => sent().length === 1)
      yield* Fiber.interrupt(first)
      assert.strictEqual((yield* Fiber.join(second)).name, "user 0")
      yield* MongoResolver.request(a!, cached)
      assert.deepStrictEqual(sent(), ["find"])
    })))
})

describe("grouped of a collection", () => {
  const posts = (author: ObjectId | null, titles: ReadonlyArray<string>) =>
    titles.map((title) => ({ author, title, tags: [title, `by ${title}`], items: [{ sku: title.length }, { sku: 1 }] }))

  it.live("gives all documents of a value, and [] for nothing", () =>
    test(Effect.gen(function*() {
      const { asked, log, posts: collection } = yield* fixture
      const [ada, eve, bob] = [new ObjectId(), new ObjectId(), new ObjectId()]
      yield* collection.insertMany([...posts(ada, ["b", "a"]), ...posts(eve, ["c"]), ...posts(null, ["d"])])
      log.clear()
      const ofAuthor = MongoResolver.request(MongoResolver.grouped(collection, "author"))
      const sorted = MongoResolver.request(
        MongoResolver.grouped(collection, "author", { sort: { title: 1 }, filter: { title: { $ne: "c" } } })
      )
      const titles = (found: ReadonlyArray<ReadonlyArray<typeof Post.Type>>) =>
        found.map((posts) => posts.map(({ title }) => title).join())
      const authors = [ada, eve, bob, null, ada]
      assert.deepStrictEqual(titles(yield* Effect.forEach(authors, ofAuthor, unbounded)), ["b,a", "c", "", "d", "b,a"])
      assert.deepStrictEqual(asked("author"), [[ada, eve, bob, null]])
      assert.deepStrictEqual(titles(yield* Effect.forEach(authors, sorted, unbounded)), ["a,b", "", "", "d", "a,b"])
    })))

  it.live("null finds what has null, and what has no value", () =>
    test(Effect.gen(function*() {
      const { asked, db } = yield* fixture
      const Task = Schema.Struct({ _id: Schema.Int, owner: Schema.optionalKey(Schema.NullOr(Schema.String)) })
      const tasks = TypedCollection.make(db, "tasks", Task)
      yield* tasks.insertMany([{ _id: 1 }, { _id: 2, owner: null }, { _id: 3, owner: "ada" }])
      const ofOwner = MongoResolver.request(MongoResolver.grouped(tasks, "owner", { sort: { _id: 1 } }))
      const found = yield* Effect.forEach([null, "ada", "eve"], (owner) => ofOwner(owner), unbounded)
      assert.deepStrictEqual(found.map((tasks) => tasks.map(({ _id }) => _id)), [[1, 2], [3], []])
      assert.strictEqual(asked("owner").length, 1)
    })))

  it.live("a document belongs to each element of an array, and the path may go through one", () =>
    test(Effect.gen(function*() {
      const { posts: collection, sent, log } = yield* fixture
      yield* collection.insertMany([...posts(null, ["a", "bb"])])
      log.clear()
      const tagged = MongoResolver.request(MongoResolver.grouped(collection, "tags"))
      const withSku = MongoResolver.request(MongoResolver.grouped(collection, "items.sku"))
      const count = (found: ReadonlyArray<ReadonlyArray<unknown>>) => found.map(({ length }) => length)
      assert.deepStrictEqual(count(yield* Effect.forEach(["a", "by a", "by bb", "x"], tagged, unbounded)), [1, 1, 1, 0])
      assert.deepStrictEqual(count(yield* Effect.forEach([1, 2, 3], withSku, unbounded)), [2, 1, 0])
      assert.deepStrictEqual(sent(), ["find", "find"])
    })))

  it.live("texts of an array that only a collation finds equal belong where the collation says", () =>
    test(Effect.gen(function*() {
      const { db } = yield* fixture
      yield* db.createCollection("loose", { collation: { locale: "en", strength: 2 } })
      const Item = Schema.Struct({ _id: Schema.Int, tags: Schema.Array(Schema.String) })
      for (const name of ["strict", "loose"]) {
        const items = TypedCollection.make(db, name, Item)
        yield* items.insertMany([["A", "b"], ["B"], ["a", "c"]].map((tags, _id) => ({ _id, tags })))
        const tagged = MongoResolver.request(MongoResolver.grouped(items, "tags", { sort: { _id: 1 } }))
        for (const tags of [["a", "b", "c"], ["b", "a"], ["B", "C", "b", "x"]]) {
          const one = yield* Effect.forEach(tags, (tag) => items.find({ tags: { $in: [tag] } }).sort({ _id: 1 }))
          assert.deepStrictEqual(yield* Effect.forEach(tags, (tag) => tagged(tag), unbounded), one, name)
        }
      }
    })))

  it.live("200 documents come with one command", () =>
    test(Effect.gen(function*() {
      const { log, posts: collection, sent } = yield* fixture
      const ada = new ObjectId()
      yield* collection.insertMany(posts(ada, Array.from({ length: 200 }, (_, i) => String(i))))
      log.clear()
      const found = yield* MongoResolver.request(ada, MongoResolver.grouped(collection, "author"))
      assert.strictEqual(found.length, 200)
      assert.deepStrictEqual(sent(), ["find"])
    })))

  it.live("a document that does not decode fails the requests that it belongs to", () =>
    test(Effect.gen(function*() {
      const { posts: collection } = yield* fixture
      const authors = Array.from({ length: 8 }, () => new ObjectId())
      yield* collection.insertMany(authors.flatMap((author) => posts(author, ["a"])))
      yield* collection.untyped.updateOne({ author: authors[3]! }, { $set: { title: 3 } })
      const ofAuthor = MongoResolver.request(MongoResolver.grouped(collection, "author"))
      const exits = yield* Effect.forEach(authors, (author) => Effect.exit(ofAuthor(author)), unbounded)
      assert.deepStrictEqual(exits.map(Exit.isSuccess), authors.map((_, i) => i !== 3))
    })))
})

describe("keys of values", () => {
  it.live("values share a slot if, and only if, the server finds them equal", () =>
    test(seeded(Effect.gen(function*() {
      const { asked, db, log } = yield* fixture
      const numbers = [0, -0, 1, 2, 10, 100, 0.1, 0.5, -0.5, 1e21, 1e300, 5e-324, 2 ** 53, NaN, Infinity, -Infinity]
      const texts = [
        "0",
        "1",
        "1.0",
        "10",
        "1E+2",
        "0.1",
        "0.10",
        "0.5",
        "-0.5",
        "1E+21",
        "NaN",
        "-Infinity",
        "1E-6176",
        "-0"
      ]
      const tiny = "0.1000000000000000055511151231257827"
      const pool: ReadonlyArray<unknown> = [
        ...numbers.map((n) => new Double(n)),
        ...[0, 1, 2, 10, 100].flatMap((n) => [new Int32(n), Long.fromNumber(n)]),
        Long.fromString("9007199254740993"),
        ...[...texts, tiny].map((text) => Decimal128.fromString(text)),
        "",
        "a",
        "A",
        "ä",
        "1",
        true,
        false,
        null,
        new Date(0),
        new Date(1),
        new Timestamp({ t: 0, i: 1 }),
        new ObjectId("000000000000000000000001"),
        "000000000000000000000001",
        new UUID("00000000-0000-4000-8000-000000000001"),
        new Binary(Buffer.from([1])),
        new Binary(Buffer.from([1]), 5),
        { a: 1, b: 2 },
        { b: 2, a: 1 },
        { a: new Double(1), b: Long.fromNumber(2) },
        { a: "x" },
        {}
      ]
      const Any = Schema.Struct({ _id: Schema.Unknown })
      const ids = TypedCollection.make(db, "ids", Any)
      for (let round = 0; round < 15; round++) {
        const chosen = yield* Effect.forEach(
          Array.from({ length: 40 }),
          () => Effect.map(Random.nextIntBetween(0, pool.length), (i) => pool[i % pool.length])
        )
        log.clear()
        const find = MongoResolver.request(MongoResolver.findByIdOption(ids))
        yield* Effect.forEach(chosen, find, unbounded)
        const slots = asked().flat()
        // The server's own count of different values: `$group` compares as queries do.
        const [{ n } = { n: -1 }] = yield* db.aggregate<{ n: number }>([
          { $documents: chosen.map((value) => ({ value: { $literal: value } })) },
          { $group: { _id: "$value" } },
          { $count: "n" }
        ])
        assert.strictEqual(slots.length, n, `${slots.length} slots for ${n} values`)
      }
    }))))
})
