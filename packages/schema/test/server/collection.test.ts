import { assert, describe, it } from "@effect/vitest"
import { MongoDatabase, MongoError } from "@mongofx/core"
import { Bson, DocumentError, Filter, MongoModel, TypedCollection, Update } from "@mongofx/schema"
import {
  BigDecimal,
  Cause,
  Clock,
  Context,
  DateTime,
  Effect,
  Exit,
  Fiber,
  Logger,
  Option,
  Redacted,
  References,
  Result,
  Schema,
  SchemaGetter,
  Stream
} from "effect"
import { Model } from "effect/schema"
import * as Driver from "mongodb"
import { inspect } from "node:util"
import * as V8 from "node:v8"
import * as vm from "node:vm"
import { setup, uri } from "test-support/utils"
import { send, spoilt } from "test-support/wire"
import { compile } from "../support/codec.ts"

class Address extends Schema.Class<Address>("test/Address")({ city: Schema.String, since: Bson.Date }) {}

class User extends Model.Class<User>("test/User")({
  _id: MongoModel.ObjectIdGenerated,
  name: Schema.String,
  age: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 150 })),
  born: Schema.DateTimeUtcFromDate,
  views: Bson.Int64,
  tags: Schema.Array(Schema.String),
  address: Schema.optionalKey(Address),
  nick: Schema.NullOr(Schema.String),
  items: Schema.Array(
    Schema.Struct({ sku: Schema.String, count: Schema.Int, days: Schema.Array(Schema.DateTimeUtcFromDate) })
  ),
  scores: Schema.Record(Schema.String, Schema.DateTimeUtcFromDate),
  createdAt: Model.DateTimeInsertFromDate,
  updatedAt: Model.DateTimeUpdateFromDate
}) {}

const utc = (text: string): DateTime.Utc => DateTime.makeUnsafe(text)

const ada = {
  name: "Ada",
  age: 36,
  born: utc("1815-12-10"),
  views: 12n,
  tags: ["admin", "author"],
  address: new Address({ city: "London", since: new Date("1835-01-01") }),
  nick: null,
  items: [
    { sku: "a", count: 1, days: [utc("2026-01-01")] },
    { sku: "b", count: 2, days: [utc("2026-01-02"), utc("2026-01-03")] }
  ],
  scores: { first: utc("2020-01-01") }
}

/** A replacement. It has the fields that an insert would make. */
const whole = { ...ada, createdAt: utc("2026-01-01"), updatedAt: utc("2026-01-01") }

const grace = { ...ada, name: "Grace", age: 85, born: utc("1906-12-09"), tags: [], items: [], scores: {} }

const fixture = Effect.gen(function*() {
  const test = yield* setup()
  const users = TypedCollection.make(test.db, "users", User)
  return { ...test, users }
})

const people = Effect.gen(function*() {
  const test = yield* fixture
  const { insertedIds } = yield* test.users.insertMany([ada, grace])
  return { ...test, ids: insertedIds }
})

/** The failure of an effect that must fail. */
const failureOf = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<E, never, R> =>
  Effect.map(Effect.exit(effect), (exit) => {
    if (Exit.isSuccess(exit)) throw new Error("succeeded")
    const error = Cause.findErrorOption(exit.cause)
    if (Option.isNone(error)) throw new Error(Cause.pretty(exit.cause))
    return error.value
  })

const documentError = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<DocumentError.DocumentError, never, R> =>
  Effect.map(failureOf(effect), (error) => {
    assert.instanceOf(error, DocumentError.DocumentError)
    assert.isFalse(error.isTransient)
    assert.isFalse(error.isRetryable)
    return error
  })

const argumentError = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.map(failureOf(effect), (error) => {
    assert.isTrue(MongoError.isMongoError(error))
    const { reason } = error as unknown as MongoError.MongoError
    assert.instanceOf(reason, MongoError.InvalidArgumentError)
    return reason as MongoError.InvalidArgumentError
  })

describe("inserting", () => {
  it.live("fills in defaults, encodes every field and returns the _id", () =>
    Effect.gen(function*() {
      const { db, users } = yield* fixture
      const { acknowledged, insertedId } = yield* users.insertOne(ada)
      assert.isTrue(acknowledged)
      const stored = yield* db.collection("users").find({}, { promoteLongs: false }).one
      assert.isTrue(insertedId.equals(stored["_id"]))
      assert.deepStrictEqual(Object.keys(stored)[0], "_id")
      assert.deepStrictEqual(stored["born"], new Date("1815-12-10"))
      assert.isTrue(Driver.Long.fromNumber(12).equals(stored["views"]))
      assert.deepStrictEqual(stored["address"], { city: "London", since: new Date("1835-01-01") })
      assert.deepStrictEqual(stored["items"][1].days[0], new Date("2026-01-02"))
      assert.deepStrictEqual(stored["scores"], { first: new Date("2020-01-01") })
      assert.instanceOf(stored["createdAt"], Date)

      const [read] = yield* users.find()
      assert.instanceOf(read, User)
      assert.instanceOf(read!.address, Address)
      assert.isTrue(DateTime.isUtc(read!.createdAt))
      assert.strictEqual(read!.views, 12n)
    }))

  it.live("makes an _id for each run and leaves the argument as it was", () =>
    Effect.gen(function*() {
      const { users } = yield* fixture
      const given = { ...ada }
      const insert = users.insertOne(given)
      const first = yield* insert
      const second = yield* insert
      assert.isFalse(first.insertedId.equals(second.insertedId))
      assert.isFalse("_id" in given)
      const many = users.insertMany([ada, grace])
      const ids = [...(yield* many).insertedIds, ...(yield* many).insertedIds]
      assert.strictEqual(new Set(ids.map((id) => id.toHexString())).size, 4)
      assert.strictEqual(yield* users.countDocuments(), 6)
    }))

  it.live("takes an _id, makes a missing one, and makes one for a schema without _id", () =>
    Effect.gen(function*() {
      const { db } = yield* fixture
      const struct = TypedCollection.make(db, "struct", Schema.Struct({ _id: Bson.ObjectId, a: Schema.Number }))
      const id = new Driver.ObjectId()
      assert.isTrue((yield* struct.insertOne({ _id: id, a: 1 })).insertedId.equals(id))
      const made = yield* struct.insertOne({ a: 2 })
      assert.deepStrictEqual(
        yield* struct.findOne({ _id: made.insertedId }),
        Option.some({ _id: made.insertedId, a: 2 })
      )

      const without = TypedCollection.make(db, "without", Schema.Struct({ a: Schema.Number }))
      const { insertedId } = yield* without.insertOne({ a: 1 })
      assert.deepStrictEqual(yield* without.findOne({ _id: insertedId }), Option.some({ a: 1 }))

      const text = TypedCollection.make(db, "text", Schema.Struct({ _id: Schema.NumberFromString, a: Schema.Number }))
      assert.strictEqual((yield* text.insertOne({ _id: 7, a: 1 })).insertedId, 7)
      assert.deepStrictEqual(yield* db.collection("text").find().one, { _id: "7" as never, a: 1 })
      assert.deepStrictEqual(yield* text.findOne({ _id: { $in: [7, 8] } }), Option.some({ _id: 7, a: 1 }))
    }))

  it.live("sends nothing if one document does not fit, and names its path without the value", () =>
    Effect.gen(function*() {
      const { sent, users } = yield* fixture
      const error = yield* documentError(
        users.insertMany([ada, { ...ada, items: [{ sku: "a", count: 1.5, days: [] }] }])
      )
      assert.strictEqual(error.kind, "encode")
      assert.strictEqual(error.path, "documents[1].items[0].count")
      assert.match(error.message, /^insertMany on mongofx_\w+\.users|insertMany on .*users: documents\[1\]/)
      assert.notInclude(error.message, "1.5")
      assert.deepStrictEqual(sent(), [])
    }))
})

describe("filters", () => {
  it.live("encode each operand with the codec of its field", () =>
    Effect.gen(function*() {
      const { last, users } = yield* people
      const names = (filter: Filter.Filter<User>) =>
        Effect.map(users.find(filter).sort({ name: 1 }), (found) => found.map(({ name }) => name).join())

      assert.strictEqual(yield* names({ born: { $lt: utc("1900-01-01") } }), "Ada")
      assert.deepStrictEqual(last("find")["filter"], { born: { $lt: new Date("1900-01-01") } })
      assert.strictEqual(yield* names({ born: ada.born }), "Ada")
      assert.strictEqual(yield* names({ views: { $in: [12n, 13n] } }), "Ada,Grace")
      assert.strictEqual(last("find")["filter"].views.$in[0]._bsontype, "Long")
      assert.strictEqual(yield* names({ tags: "admin" }), "Ada")
      assert.strictEqual(yield* names({ tags: ["admin", "author"] }), "Ada")
      assert.strictEqual(yield* names({ tags: ["author", "admin"] }), "")
      assert.strictEqual(yield* names({ "tags.1": "author" }), "Ada")
      assert.strictEqual(yield* names({ tags: { $size: 0 } }), "Grace")
      assert.strictEqual(yield* names({ tags: { $all: ["author"] } }), "Ada")
      assert.strictEqual(yield* names({ "address.since": { $gte: new Date("1830-01-01") } }), "Ada,Grace")
      assert.strictEqual(yield* names({ address: ada.address }), "Ada,Grace")
      assert.strictEqual(yield* names({ items: { $elemMatch: { sku: "b", days: utc("2026-01-03") } } }), "Ada")
      assert.strictEqual(yield* names({ items: { $elemMatch: { sku: "a", days: utc("2026-01-03") } } }), "")
      assert.strictEqual(yield* names({ "items.days": utc("2026-01-03") }), "Ada")
      assert.strictEqual(yield* names({ "items.0.days.0": utc("2026-01-01") }), "Ada")
      assert.strictEqual(yield* names({ "items.days": { $elemMatch: { $gt: utc("2026-01-02") } } }), "Ada")
      assert.strictEqual(yield* names({ "scores.first": { $exists: true } }), "Ada")
      assert.strictEqual(yield* names({ "scores.first": utc("2020-01-01") }), "Ada")
      assert.strictEqual(yield* names({ nick: null }), "Ada,Grace")
      assert.strictEqual(yield* names({ name: /^a/i }), "Ada")
      assert.strictEqual(yield* names({ name: { $regex: "^g", $options: "i" } }), "Grace")
      assert.strictEqual(yield* names({ age: { $not: { $gt: 40 } }, name: { $not: /z/ } }), "Ada")
      assert.strictEqual(yield* names({ age: { $mod: [5, 0] } }), "Grace")
      assert.strictEqual(yield* names({ $or: [{ age: 36 }, { $and: [{ age: 85 }, { name: "Ada" }] }] }), "Ada")
      assert.strictEqual(yield* names({ $nor: [{ born: ada.born }], $comment: "why" }), "Grace")
      assert.strictEqual(yield* names(Filter.values({ name: "Ada" })), "Ada")
      assert.strictEqual(yield* names({ $or: [Filter.values({ name: "Ada" })] }), "Ada")
      assert.strictEqual(yield* names(Filter.unsafe({ $expr: { $eq: ["$name", "Ada"] } })), "Ada")
      assert.strictEqual(
        yield* names({ age: { $gt: 1 }, $or: [Filter.unsafe({ $where: "this.name == 'Ada'" })] }),
        "Ada"
      )
    }))

  it.live("find by _id", () =>
    Effect.gen(function*() {
      const { ids, users } = yield* people
      assert.strictEqual(Option.getOrThrow(yield* users.findOne({ _id: ids[1]! })).name, "Grace")
      assert.deepStrictEqual(yield* users.findOne({ _id: new Driver.ObjectId() }), Option.none())
    }))

  it.live("use the stored names of renamed keys", () =>
    Effect.gen(function*() {
      const { db } = yield* fixture
      const Renamed = Schema.Struct({ id: Bson.ObjectId, at: Schema.DateTimeUtcFromDate, n: Schema.Int }).pipe(
        Schema.encodeKeys({ id: "_id", at: "created_at" })
      )
      const renamed = TypedCollection.make(db, "renamed", Renamed)
      const id = new Driver.ObjectId()
      const at = utc("2026-01-01")
      assert.deepStrictEqual((yield* renamed.insertOne({ id, at, n: 1 })).insertedId, id)
      assert.deepStrictEqual(yield* db.collection("renamed").find().one, {
        _id: id,
        created_at: new Date("2026-01-01"),
        n: 1
      })
      assert.deepStrictEqual(yield* renamed.find({ id, at: { $lte: at } }).sort({ at: -1 }), [{ id, at, n: 1 }])
      yield* renamed.updateOne({ id }, { $set: { at: utc("2027-01-01") } })
      assert.deepStrictEqual(yield* renamed.distinct("at"), [utc("2027-01-01")])
      const left: ReadonlyArray<{ readonly at: DateTime.Utc }> = yield* renamed.find().project({ at: 1, id: 0 })
      assert.deepStrictEqual(left, [{ at: utc("2027-01-01") }])
      assert.deepStrictEqual(yield* renamed.find().project({ n: 1 }), [{ id, n: 1 } as never])
      yield* renamed.replaceOne({ id }, { id, at, n: 2 })
      assert.deepStrictEqual(yield* renamed.find(), [{ id, at, n: 2 }])
    }))
})

describe("attacks", () => {
  it.live("are refused by every operation that takes a filter, before anything is sent", () =>
    Effect.gen(function*() {
      const { sent, users } = yield* fixture
      const input = JSON.parse(`{ "$gt": "" }`)
      const value: Filter.Filter<User> = { name: { $eq: input } }
      const key: Filter.Filter<User> = JSON.parse(`{ "$where": "sleep(1000)" }`)
      const update: Update.Update<User> = { $set: { age: 1 } }
      const operations = (filter: Filter.Filter<User>): ReadonlyArray<Effect.Effect<unknown, unknown>> => [
        users.find(filter),
        Stream.runDrain(users.find(filter).stream),
        Stream.runDrain(users.find(filter).raw),
        users.find(filter).first,
        users.find(filter).explain(),
        users.findOne(filter),
        users.countDocuments(filter),
        users.distinct("name", filter),
        users.deleteOne(filter),
        users.deleteMany(filter),
        users.updateOne(filter, update),
        users.updateMany(filter, update),
        users.replaceOne(filter, whole),
        users.findOneAndDelete(filter),
        users.findOneAndReplace(filter, whole),
        users.findOneAndUpdate(filter, update),
        users.bulkWrite([{ deleteMany: { filter } }]),
        users.createIndex({ name: 1 }, { partialFilterExpression: filter as Filter.PartialFilter<User> })
      ]
      for (const operation of operations(value)) {
        const error = yield* documentError(operation)
        assert.match(error.path, /name\.\$eq$/)
        assert.strictEqual(error.kind, "encode")
      }
      for (const operation of operations(key)) {
        assert.match((yield* argumentError(operation)).path!, /\$where$/)
      }
      assert.deepStrictEqual(sent(), [])
    }))

  it.live("in documents, updates and options are refused, before anything is sent", () =>
    Effect.gen(function*() {
      const { ids, clear, commands, users } = yield* people
      clear()
      const input = JSON.parse(`{ "$gt": "" }`)
      const proto = JSON.parse(`{ "__proto__": { "admin": true } }`)
      const filter = { _id: ids[0]! }
      const misfits: ReadonlyArray<readonly [Effect.Effect<unknown, unknown>, string]> = [
        [users.insertOne({ ...ada, name: input }), "document.name"],
        [users.insertOne({ ...ada, tags: [input] }), "document.tags[0]"],
        [users.insertOne({ ...ada, scores: input }), "document.scores.$gt"],
        [users.insertOne({ ...ada, scores: proto }), "document.scores.__proto__"],
        [users.replaceOne(filter, { ...whole, name: input }), "replacement.name"],
        [users.updateOne(filter, { $set: { name: input } }), "update.$set.name"],
        [users.updateOne(filter, { $push: { tags: input } }), "update.$push.tags"],
        [users.updateOne(filter, [{ $set: { name: input } }]), "update[0].$set.name"],
        [
          users.updateOne(filter, { $set: { "items.$[i].count": 1 } }, { arrayFilters: [{ "i.sku": { $eq: input } }] }),
          "options.arrayFilters[0].i.sku.$eq"
        ]
      ]
      for (const [operation, path] of misfits) assert.strictEqual((yield* documentError(operation)).path, path)
      const refused: ReadonlyArray<readonly [Effect.Effect<unknown, unknown>, string]> = [
        [users.updateOne(filter, { $set: proto }), "update.$set.__proto__"],
        [users.updateOne(filter, { $set: JSON.parse(`{ "role": "admin" }`) }), "update.$set.role"],
        [users.updateOne(filter, JSON.parse(`{ "name": "x" }`)), "update.name"],
        [users.find().sort(JSON.parse(`{ "password": 1 }`)), "sort.password"],
        [users.find().project(JSON.parse(`{ "name": "$password" }`)), "projection.name"],
        [
          users.findOne(filter, { projection: JSON.parse(`{ "name": { "$function": {} } }`) }),
          "options.projection.name"
        ],
        [users.find().hint(JSON.parse(`{ "password": 1 }`)), "hint.password"],
        [users.distinct(JSON.parse(`"password"`)), "path"]
      ]
      for (const [operation, path] of refused) {
        assert.strictEqual((yield* argumentError(operation)).path, path)
      }
      assert.deepStrictEqual(commands.map(({ commandName }) => commandName), [])
    }))
})

describe("updates", () => {
  it.live("encode each operand with the codec of its field", () =>
    Effect.gen(function*() {
      const { ids, last, users } = yield* people
      const _id = ids[0]!
      const after = (update: Update.Update<User>, options: Parameters<typeof users.updateOne>[2] = {}) =>
        Effect.gen(function*() {
          const { matchedCount } = yield* users.updateOne({ _id }, update, options)
          assert.strictEqual(matchedCount, 1)
          return Option.getOrThrow(yield* users.findOne({ _id }))
        })

      assert.deepStrictEqual((yield* after({ $set: { born: utc("1816-01-01") } })).born, utc("1816-01-01"))
      assert.deepStrictEqual(last("update")["updates"][0].u["$set"].born, new Date("1816-01-01"))
      assert.strictEqual((yield* after({ $inc: { views: 3n, age: -1 } })).views, 15n)
      assert.strictEqual((yield* after({ $mul: { age: 2 } })).age, 70)
      assert.strictEqual((yield* after({ $bit: { views: { and: 7n } } })).views, 7n)
      assert.strictEqual((yield* after({ $unset: { address: true } })).address, undefined)
      assert.strictEqual((yield* after({ $set: { address: ada.address } })).address!.city, "London")
      assert.strictEqual((yield* after({ $set: { "address.city": "Paris" } })).address!.city, "Paris")
      assert.deepStrictEqual((yield* after({ $max: { born: utc("1817-01-01") } })).born, utc("1817-01-01"))
      assert.deepStrictEqual((yield* after({ $min: { born: utc("1818-01-01") } })).born, utc("1817-01-01"))
      assert.deepStrictEqual((yield* after({ $push: { tags: "x" } })).tags, ["admin", "author", "x"])
      assert.deepStrictEqual(
        (yield* after({ $push: { tags: { $each: ["a", "b"], $position: 0, $slice: 3, $sort: -1 } } })).tags,
        ["x", "b", "author"]
      )
      assert.deepStrictEqual((yield* after({ $addToSet: { tags: { $each: ["x", "y"] } } })).tags, [
        "x",
        "b",
        "author",
        "y"
      ])
      assert.deepStrictEqual((yield* after({ $pull: { tags: { $in: ["b", "y"] } } })).tags, ["x", "author"])
      assert.deepStrictEqual((yield* after({ $pullAll: { tags: ["x"] } })).tags, ["author"])
      assert.deepStrictEqual((yield* after({ $pop: { tags: 1 } })).tags, [])
      const days = (user: User) => user.items.map((item) => item.days.map(DateTime.formatIsoDateUtc).join())
      assert.deepStrictEqual(
        days(yield* after({ $push: { "items.$[].days": utc("2026-02-01") } })),
        ["2026-01-01,2026-02-01", "2026-01-02,2026-01-03,2026-02-01"]
      )
      assert.deepStrictEqual(
        days(
          yield* after({ $set: { "items.$[item].days.$[day]": utc("2026-03-01") } }, {
            arrayFilters: [{ "item.sku": "b" }, { day: { $lt: utc("2026-01-03") } }]
          })
        ),
        ["2026-01-01,2026-02-01", "2026-03-01,2026-01-03,2026-02-01"]
      )
      assert.deepStrictEqual((yield* after({ $pull: { items: { sku: "a" } } })).items.length, 1)
      assert.deepStrictEqual((yield* after({ $push: { items: ada.items[0]! } })).items.length, 2)
      assert.deepStrictEqual((yield* after({ $set: { "scores.x": utc("2021-01-01") } })).scores["x"], utc("2021-01-01"))
      assert.deepStrictEqual((yield* after({ $unset: { "scores.x": true } })).scores["x"], undefined)
      assert.isTrue(DateTime.isGreaterThan((yield* after({ $currentDate: { born: true } })).born, utc("2020-01-01")))
      assert.strictEqual((yield* after([{ $set: { name: "$age" } }, { $unset: "address" }])).name, "$age")
      assert.strictEqual((yield* after([{ $set: { age: Update.unsafe({ $add: ["$age", 1] }) } }])).age, 71)
      const renamed = yield* users.updateOne({ _id }, Update.unsafe({ $rename: { nick: "nickname" } }))
      assert.strictEqual(renamed.modifiedCount, 1)
    }))

  it.live("with $ change the element that the filter found", () =>
    Effect.gen(function*() {
      const { ids, users } = yield* people
      yield* users.updateOne({ _id: ids[0]!, "items.sku": "b" }, { $inc: { "items.$.count": 5 } })
      const { items } = Option.getOrThrow(yield* users.findOne({ _id: ids[0]! }))
      assert.deepStrictEqual(items.map(({ count }) => count), [1, 7])
    }))

  it.live("insert what they set, and return its decoded _id", () =>
    Effect.gen(function*() {
      const { db } = yield* fixture
      const counters = TypedCollection.make(db, "c", Schema.Struct({ _id: Schema.NumberFromString, n: Bson.Int64 }))
      const { upsertedCount, upsertedId } = yield* counters.updateOne({ _id: 7 }, { $setOnInsert: { n: 1n } }, {
        upsert: true
      })
      assert.deepStrictEqual([upsertedCount, upsertedId], [1, 7])
      assert.deepStrictEqual((yield* counters.updateOne({ _id: 7 }, { $inc: { n: 1n } })).upsertedId, null)
      assert.deepStrictEqual(yield* counters.find(), [{ _id: 7, n: 2n }])
    }))

  it.live("set the fields that the variant `update` of a model fills in", () =>
    Effect.gen(function*() {
      const { ids, users } = yield* people
      const before = Option.getOrThrow(yield* users.findOne({ _id: ids[0]! }))
      const { _id, ...fields } = yield* Effect.orDie(User.update.makeEffect({ ...ada, _id: ids[0]!, name: "Augusta" }))
      yield* users.updateOne({ _id }, { $set: fields })
      const after = Option.getOrThrow(yield* users.findOne({ _id }))
      assert.strictEqual(after.name, "Augusta")
      assert.deepStrictEqual(after.createdAt, before.createdAt)
      assert.isTrue(DateTime.isGreaterThan(after.updatedAt, before.updatedAt))
    }))

  it.live("replace documents, with defaults and without _id", () =>
    Effect.gen(function*() {
      const { ids, users } = yield* people
      const { _id, ...rest } = Option.getOrThrow(yield* users.findOne({ _id: ids[0]! }))
      const { modifiedCount } = yield* users.replaceOne({ _id }, { ...rest, name: "Augusta" })
      assert.strictEqual(modifiedCount, 1)
      const found = Option.getOrThrow(yield* users.findOne({ _id }))
      assert.deepStrictEqual([found.name, found.createdAt, found._id], ["Augusta", rest.createdAt, _id])

      // A document that was read may replace itself with its own `_id`.
      const user = { ...found, name: "Ada" }
      assert.strictEqual((yield* users.replaceOne({ _id: { $eq: _id } }, user)).modifiedCount, 1)
      assert.strictEqual((yield* users.replaceOne({ name: "Ada" }, { ...user, age: 37 })).modifiedCount, 1)
      const bulk = yield* users.bulkWrite([{ replaceOne: { filter: { _id }, replacement: { ...user, age: 38 } } }])
      assert.strictEqual(bulk.modifiedCount, 1)
      const before = yield* users.findOneAndReplace({ _id }, { ...user, age: 39 })
      assert.strictEqual(Option.getOrThrow(before).age, 38)

      const other = { ...user, _id: new Driver.ObjectId() }
      const refused: ReadonlyArray<readonly [Effect.Effect<unknown, unknown>, string]> = [
        [users.replaceOne({ _id }, other), "replacement._id"],
        [users.findOneAndReplace({ _id: { $eq: _id } }, other), "replacement._id"],
        [
          users.bulkWrite([{ replaceOne: { filter: { _id }, replacement: other } }]),
          "operations[0].replaceOne.replacement._id"
        ]
      ]
      for (const [operation, path] of refused) assert.strictEqual((yield* argumentError(operation)).path, path)
      assert.isTrue(MongoError.isMongoError(yield* failureOf(users.replaceOne({ name: "Ada" }, other))))
      // An upsert inserts the document with this `_id`.
      const { upsertedId } = yield* users.replaceOne({ name: "Nobody" }, other, { upsert: true })
      assert.deepStrictEqual(upsertedId, other._id)
      assert.strictEqual(yield* users.countDocuments({ _id: other._id, name: "Ada" }), 1)
    }))
})

describe("reading", () => {
  it.live("findOneAnd* decode what they return", () =>
    Effect.gen(function*() {
      const { ids, users } = yield* people
      const _id = ids[0]!
      const before = yield* users.findOneAndUpdate({ _id }, { $set: { born: utc("1900-01-01") } })
      assert.deepStrictEqual(Option.getOrThrow(before).born, ada.born)
      const after = yield* users.findOneAndUpdate({ _id }, { $inc: { age: 1 } }, {
        returnDocument: "after",
        projection: { age: 1, born: 1, _id: 0 }
      })
      assert.deepStrictEqual(after, Option.some({ age: 37, born: utc("1900-01-01") }))
      const { _id: _, ...rest } = Option.getOrThrow(yield* users.findOne({ _id }))
      const replaced = yield* users.findOneAndReplace({ _id }, { ...rest, age: 1 }, { returnDocument: "after" })
      assert.strictEqual(Option.getOrThrow(replaced).age, 1)
      const deleted = yield* users.findOneAndDelete({ age: { $gte: 0 } }, { sort: { born: -1 } })
      assert.instanceOf(Option.getOrThrow(deleted), User)
      assert.deepStrictEqual(yield* users.findOneAndDelete({ _id: new Driver.ObjectId() }), Option.none())
    }))

  it.live("projections leave the chosen fields, decoded", () =>
    Effect.gen(function*() {
      const { ids, last, users } = yield* people
      const _id = ids[0]!
      const some = users.find({ _id })
      const included: ReadonlyArray<{ readonly _id: Driver.ObjectId; readonly born: DateTime.Utc }> = yield* some
        .project({ born: 1 })
      assert.deepStrictEqual(included, [{ _id, born: ada.born }])
      assert.deepStrictEqual(last("find")["projection"], { born: 1 })
      assert.deepStrictEqual(yield* some.project({ name: true, _id: false }), [{ name: "Ada" }])
      assert.deepStrictEqual(yield* some.project({ "address.since": 1, "items.days": 1, _id: 0 }), [{
        address: { since: new Date("1835-01-01") },
        items: ada.items.map(({ days }) => ({ days }))
      }])
      const excluded = (yield* some.project({ items: 0, "address.city": 0, _id: 0 }))[0]!
      assert.deepStrictEqual(excluded.address, { since: new Date("1835-01-01") })
      assert.notInstanceOf(excluded, User)
      assert.isFalse("items" in excluded || "_id" in excluded)
      const sliced = (yield* some.project({ tags: { $slice: 1 } }))[0]!
      assert.deepStrictEqual([sliced.tags, sliced.name], [["admin"], "Ada"])
      assert.deepStrictEqual(yield* some.project({ items: { $elemMatch: { days: utc("2026-01-03") } }, _id: 0 }), [{
        items: [ada.items[1]!]
      }])
      assert.deepStrictEqual(yield* some.project({ items: { $elemMatch: { sku: "z" } }, _id: 0 }), [{}])
      assert.deepStrictEqual(yield* some.project({ _id: 1 }), [{ _id }])
      assert.deepStrictEqual(
        yield* users.findOne({ _id }, { projection: { age: 1, _id: 0 } }),
        Option.some({ age: 36 })
      )
      assert.strictEqual((yield* argumentError(some.project({ name: 1, age: 0 } as never))).path, "projection.age")
      assert.strictEqual((yield* argumentError(some.project({ nmae: 1 } as never))).path, "projection.nmae")
    }))

  it.live("the compiled decoder reads the same as the interpreter with any options of the driver", () =>
    Effect.gen(function*() {
      const { db, users } = yield* people
      const expected = yield* Effect.forEach(
        yield* users.untyped.find().sort({ age: 1 }),
        (document) => Effect.orDie(Schema.decodeUnknownEffect(User)(document))
      )
      for (
        const options of [
          {},
          { promoteLongs: false },
          { useBigInt64: true },
          { promoteBuffers: true },
          { bsonRegExp: true },
          { enableUtf8Validation: false }
        ]
      ) {
        const found = yield* users.find({}, options).sort({ age: 1 }).batchSize(1)
        assert.deepStrictEqual(found, expected)
        const configured = TypedCollection.make(db, "users", User, options)
        assert.strictEqual(
          compile(User, { bson: options }).compiled.decode,
          "bsonRegExp" in options || Object.keys(options).length === 0
        )
        assert.deepStrictEqual(yield* users.findOne({}, { ...options, sort: { age: 1 } }), Option.some(expected[0]))
        assert.deepStrictEqual(yield* configured.findOne({}, { sort: { age: 1 } }), Option.some(expected[0]))
        assert.deepStrictEqual(yield* configured.find().sort({ age: 1 }), expected)
        assert.deepStrictEqual(yield* Stream.runCollect(configured.find().sort({ age: 1 }).stream), expected)
        const aggregated = users.aggregate(User, [{ $sort: { age: 1 } }], options)
        assert.deepStrictEqual(yield* aggregated, expected)
      }
    }))

  it.live("operations that give one document decode its bytes", () =>
    Effect.gen(function*() {
      const { ids, users } = yield* people
      const { untyped } = users
      const read: Array<unknown> = []
      for (const name of ["findOne", "findOneAndUpdate", "findOneAndReplace", "findOneAndDelete"] as const) {
        const run = untyped[name].bind(untyped) as (
          ...args: ReadonlyArray<unknown>
        ) => ReturnType<typeof untyped.findOne>
        Object.assign(untyped, {
          [name]: (...args: ReadonlyArray<unknown>) =>
            Effect.tap(run(...args), (document) => Effect.sync(() => read.push(Option.getOrUndefined(document))))
        })
      }
      const filter = { _id: ids[0]! }
      yield* users.findOne(filter)
      yield* users.findOne(filter, { projection: { age: 1 } })
      yield* users.findOne(filter, { useBigInt64: true })
      yield* users.findOneAndUpdate(filter, { $set: { age: 1 } })
      yield* users.findOneAndReplace(filter, whole)
      yield* users.findOneAndDelete(filter)
      assert.deepStrictEqual(
        read.map((document) => document instanceof Uint8Array),
        Array.from({ length: 6 }, () => true)
      )
    }))

  it.live("queries have streams, batches, first, one, limit, skip, hint and explain", () =>
    Effect.gen(function*() {
      const { last, users } = yield* people
      yield* users.insertMany(Array.from({ length: 5 }, (_, age) => ({ ...ada, age })))
      const query = users.find({ age: { $lt: 5 } }).sort({ age: 1 }).batchSize(2)
      const ages = yield* Stream.runCollect(Stream.map(query.stream, ({ age }) => age))
      assert.deepStrictEqual(ages, [0, 1, 2, 3, 4])
      const batches = yield* Stream.runCollect(query.batches)
      assert.deepStrictEqual(batches.map((batch) => batch.length), [2, 2, 1])
      assert.strictEqual(Option.getOrThrow(yield* query.first).age, 0)
      assert.strictEqual((yield* query.skip(3).one).age, 3)
      assert.strictEqual((yield* query.limit(2)).length, 2)
      assert.strictEqual((yield* Stream.runCollect(query.limit(1).raw))[0] instanceof Uint8Array, true)
      assert.instanceOf(yield* failureOf(users.find({ age: 149 }).one), Cause.NoSuchElementError)
      yield* users.createIndex({ born: 1, age: -1 }, {
        name: "born",
        partialFilterExpression: { born: { $gt: utc("1800-01-01") } }
      })
      const found = yield* users.find({ born: ada.born }).hint({ born: 1, age: -1 }).min({ born: ada.born, age: 10 })
        .max({ born: ada.born, age: 3 })
      assert.deepStrictEqual(found.map(({ age }) => age), [4])
      assert.deepStrictEqual(last("find")["min"], { born: new Date("1815-12-10"), age: 10 })
      assert.isDefined((yield* query.explain()).raw["queryPlanner"])
      const names = yield* users.createIndexes([
        { key: { name: "text" } },
        { key: { "items.sku": 1 }, partialFilterExpression: { views: { $gt: 1n } } }
      ])
      assert.deepStrictEqual(names, ["name_text", "items.sku_1"])
      assert.isTrue(yield* users.indexExists(["born", ...names]))
      const indexes = yield* users.listIndexes()
      assert.deepStrictEqual(indexes[1]!["partialFilterExpression"], { born: { $gt: new Date("1800-01-01") } })
      assert.strictEqual(
        (yield* argumentError(users.createIndexes([{ key: { nmae: 1 } as never }]))).path,
        "indexes[0].key.nmae"
      )
      yield* users.dropIndex("born")
      yield* users.dropIndex({ "items.sku": 1 })
      assert.isFalse(yield* users.indexExists("items.sku_1"))
      assert.strictEqual((yield* argumentError(users.dropIndex({ nmae: 1 } as never))).path, "index.nmae")
      assert.isTrue(yield* users.dropIndexes())
      assert.strictEqual((yield* users.listIndexes()).length, 1)
    }))

  it.live("queries and change streams print their arguments without values", () =>
    Effect.gen(function*() {
      const { db, users } = yield* fixture
      const namespace = `${db.name}.users`
      const find = users.find({ name: "s3cret" }).sort({ name: 1 }).limit(3).onInvalid("skip")
      const aggregate = users.aggregate(Schema.Unknown, [{ $match: { name: "s3cret" } }]).batchSize(3)
      const watch = users.watch([{ $match: { operationType: "s3cret" } }], { fullDocument: "updateLookup" })
      for (
        const [value, outline] of [
          [find, {
            _id: "Query",
            operation: "find",
            namespace,
            filter: ["name"],
            settings: { sort: ["name"], limit: 3 }
          }],
          [aggregate, {
            _id: "Query",
            operation: "aggregate",
            namespace,
            pipeline: ["$match"],
            settings: { batchSize: 3 }
          }],
          [watch, {
            _id: "ChangeStream",
            operation: "watch",
            namespace,
            pipeline: ["$match"],
            options: ["fullDocument"]
          }]
        ] as const
      ) {
        assert.deepStrictEqual<unknown>(JSON.parse(JSON.stringify(value)), outline)
        assert.strictEqual(inspect(value, { depth: 20 }), inspect(outline, { depth: 20 }))
        assert.notInclude(String(value), "s3cret")
      }
    }))

  it.live("a collection with an invalid name sends nothing", () =>
    Effect.gen(function*() {
      const { db } = yield* fixture
      for (const name of ["", undefined, null]) {
        const none = TypedCollection.make(db, name as string, User)
        for (const operation of [none.find(), Stream.runDrain(none.watch()), none.deleteMany({})]) {
          assert.strictEqual((yield* argumentError(Effect.asVoid(operation as Effect.Effect<unknown>))).path, "name")
        }
      }
    }))

  it.live("distinct decodes with the codec of the path", () =>
    Effect.gen(function*() {
      const { users } = yield* people
      assert.deepStrictEqual(yield* users.distinct("born"), [ada.born, grace.born])
      assert.deepStrictEqual(yield* users.distinct("tags", { name: "Ada" }), ["admin", "author"])
      assert.deepStrictEqual(yield* users.distinct("items.days"), [
        utc("2026-01-01"),
        utc("2026-01-02"),
        utc("2026-01-03")
      ])
      assert.deepStrictEqual(yield* users.distinct("scores.first"), [utc("2020-01-01")])
      assert.deepStrictEqual(yield* users.distinct("views"), [12n])
    }))

  it.live("aggregate decodes with the schema that it is given", () =>
    Effect.gen(function*() {
      const { users } = yield* people
      const Oldest = Schema.Struct({ _id: Schema.Null, born: Schema.DateTimeUtcFromDate })
      const query = users.aggregate(Oldest, [{ $group: { _id: null, born: { $min: "$born" } } }])
      assert.deepStrictEqual(yield* query, [{ _id: null, born: ada.born }])
      const wrong = users.aggregate(Schema.Struct({ n: Schema.Int }), [{ $project: { n: "$name" } }])
      assert.strictEqual((yield* documentError(wrong)).path, "n")
      assert.strictEqual((yield* wrong.onInvalid("skip")).length, 0)
      assert.strictEqual((yield* wrong.onInvalid("collect")).length, 2)
    }))

  it.live("change events decode", () =>
    Effect.gen(function*() {
      const { db, users } = yield* fixture
      yield* db.createCollection("users")
      const events = yield* Effect.scoped(Effect.gen(function*() {
        const { stream } = yield* users.watch([], { fullDocument: "updateLookup" }).open
        const fiber = yield* Effect.forkChild(Stream.runCollect(Stream.take(stream, 3)))
        const { insertedId } = yield* users.insertOne(ada)
        yield* users.updateOne({ _id: insertedId }, { $set: { age: 1 } })
        yield* users.deleteOne({ _id: insertedId })
        return yield* Fiber.join(fiber)
      }))
      const [insert, update, remove] = events
      assert(insert!.operationType === "insert" && update!.operationType === "update")
      assert(remove!.operationType === "delete")
      assert.instanceOf(insert.fullDocument, User)
      assert.deepStrictEqual(insert.fullDocument.born, ada.born)
      // The document may be gone when the server looks it up.
      if (update.fullDocument) assert.instanceOf(update.fullDocument, User)
      assert.deepStrictEqual(Object.keys(update.updateDescription.updatedFields ?? {}), ["age", "updatedAt"])
      assert.instanceOf(remove.documentKey._id, Driver.ObjectId)
    }))

  it.live("change events that do not decode fail, are left out or collected", () =>
    Effect.gen(function*() {
      const { db, users } = yield* fixture
      yield* db.createCollection("users")
      yield* Effect.scoped(Effect.gen(function*() {
        const open = (policy: "skip" | "collect" | "fail") => users.watch().onInvalid(policy as "fail").open
        const [fail, skip, collect] = [yield* open("fail"), yield* open("skip"), yield* open("collect")]
        yield* db.collection("users").insertOne({ _id: 5 as never, name: 5 })
        yield* users.insertOne(ada)
        const error = yield* documentError(Stream.runDrain(fail!.stream))
        assert.deepStrictEqual([error.id, error.operation], [5, "watch"])
        assert.match(error.path, /^fullDocument\./)
        const left = Option.getOrThrow(yield* Stream.runHead(skip!.stream))
        assert(left.operationType === "insert")
        assert.strictEqual(left.fullDocument.name, "Ada")
        const both = (yield* Stream.runCollect(Stream.take(collect!.stream, 2))) as unknown as ReadonlyArray<
          Result.Result<unknown, unknown>
        >
        assert.deepStrictEqual(both.map(Result.isSuccess), [false, true])
      }))
    }))
})

describe("documents that do not decode", () => {
  const spoilt = Effect.gen(function*() {
    const test = yield* people
    yield* test.db.collection("users").updateOne({ name: "Grace" }, { $set: { "address.since": "secret" } })
    return test
  })

  it.live("fail, with collection, _id and path and without the value", () =>
    Effect.gen(function*() {
      const { ids, users } = yield* spoilt
      for (const effect of [users.find(), users.findOne({ name: "Grace" }), Stream.runDrain(users.find().stream)]) {
        const error = yield* documentError(effect as Effect.Effect<unknown, unknown>)
        assert.strictEqual(error.kind, "decode")
        assert.strictEqual(error.path, "address.since")
        assert.strictEqual(error.collection, users.fullName)
        assert.deepStrictEqual(error.id, ids[1])
        assert.include(error.message, ids[1]!.toHexString())
        assert.notInclude(error.message + JSON.stringify(error) + String(error.cause), "secret")
      }
    }))

  it.live("are left out", () =>
    Effect.gen(function*() {
      const { users } = yield* spoilt
      const query = users.find().sort({ name: -1 }).onInvalid("skip")
      assert.deepStrictEqual((yield* query).map(({ name }) => name), ["Ada"])
      assert.strictEqual(Option.getOrThrow(yield* query.first).name, "Ada")
      assert.strictEqual((yield* Stream.runCollect(query.batchSize(1).stream)).length, 1)
    }))

  it.live("are logged when they are left out, without their values", () =>
    Effect.gen(function*() {
      const { ids, users } = yield* spoilt
      const messages: Array<string> = []
      const logger = Logger.make<unknown, void>(({ logLevel, message }) => {
        messages.push(`${logLevel} ${String(message)}`)
      })
      yield* users.find().onInvalid("skip").pipe(
        Effect.provide(Logger.layer([logger])),
        Effect.provideService(References.MinimumLogLevel, "Debug")
      )
      const [message, ...others] = messages.filter((message) => message.includes("left out"))
      assert.match(message!, /^Debug /)
      assert.include(message!, `${users.fullName}, document ${ids[1]!.toHexString()}: address.since`)
      assert.notInclude(message!, "secret")
      assert.deepStrictEqual(others, [])
    }))

  it.live("are collected", () =>
    Effect.gen(function*() {
      const { ids, users } = yield* spoilt
      const [first, second] = yield* users.find().sort({ name: -1 }).onInvalid("collect")
      assert.deepStrictEqual(Result.getOrThrow(Result.flip(first!)).id, ids[1])
      assert.strictEqual(Result.getOrThrow(second!).name, "Ada")
    }))
})

describe("operations as descriptions", () => {
  const freeze = <A>(value: A): A => {
    if (typeof value === "object" && value !== null && Object.getPrototypeOf(value) === Object.prototype) {
      Object.values(value).forEach(freeze)
      Object.freeze(value)
    }
    return value
  }

  it.live("leave their arguments as they were and can be run twice", () =>
    Effect.gen(function*() {
      const { users } = yield* fixture
      const insert = users.insertOne(freeze({ ...ada }))
      yield* insert
      yield* insert
      const filter = freeze<Filter.Filter<User>>({ $or: [{ born: { $lt: utc("1900-01-01") } }, { views: 1n }] })
      const update = users.updateMany(filter, freeze<Update.Update<User>>({ $inc: { age: 1 }, $set: { nick: "a" } }))
      yield* update
      yield* update
      const find = users.find(filter, freeze({})).sort(freeze({ born: 1 } as const))
      assert.deepStrictEqual((yield* find).map(({ age }) => age), [38, 38])
      assert.deepStrictEqual((yield* find.limit(1)).map(({ age }) => age), [38])
      assert.strictEqual((yield* find).length, 2)
      assert.strictEqual((yield* Stream.runCollect(find.stream)).length, 2)
    }))

  it.live("read their arguments when they run", () =>
    Effect.gen(function*() {
      const { users } = yield* people
      const filter: { name: string } = { name: "Ada" }
      const find = users.find(filter)
      filter.name = "Grace"
      assert.deepStrictEqual((yield* find).map(({ name }) => name), ["Grace"])
    }))

  it.live("join a transaction", () =>
    Effect.gen(function*() {
      const { db, mongo, users } = yield* people
      yield* db.createCollection("other")
      const failed = yield* failureOf(mongo.withTransaction(Effect.gen(function*() {
        yield* users.insertOne({ ...ada, name: "Alan" })
        yield* users.updateMany({}, { $set: { age: 1 } })
        assert.strictEqual((yield* users.find({ age: 1 })).length, 3)
        return yield* Effect.fail("no" as const)
      })))
      assert.strictEqual(failed, "no")
      assert.deepStrictEqual([...(yield* users.distinct("age"))].sort(), [36, 85])
    }))
})

describe("bulk writes", () => {
  it.live("encode all of their operations", () =>
    Effect.gen(function*() {
      const { ids, users } = yield* people
      const [_id] = ids
      const { _id: _, ...rest } = Option.getOrThrow(yield* users.findOne({ _id: ids[1]! }))
      const result = yield* users.bulkWrite([
        { insertOne: { document: { ...ada, name: "Alan" } } },
        { updateOne: { filter: { _id: _id! }, update: { $set: { born: utc("1850-01-01") } } } },
        {
          updateMany: {
            filter: {},
            update: { $set: { "items.$[item].days": [] } },
            arrayFilters: [{ "item.days": utc("2026-01-01") }]
          }
        },
        { replaceOne: { filter: { name: "Grace" }, replacement: { ...rest, age: 1 } } },
        { deleteMany: { filter: { born: { $gte: utc("1850-01-01"), $lt: utc("1900-01-01") } } } }
      ])
      assert.deepStrictEqual(
        [result.insertedCount, result.modifiedCount, result.deletedCount],
        [1, 5, 1]
      )
      assert.deepStrictEqual((yield* users.find().sort({ name: 1 })).map(({ age, name }) => [name, age]), [
        ["Alan", 36],
        ["Grace", 1]
      ])
      const error = yield* argumentError(
        users.bulkWrite([{ updateOne: { filter: { nmae: "x" } as never, update: { $set: { name: "x" } } } }])
      )
      assert.strictEqual(error.path, "operations[0].updateOne.filter.nmae")
    }))
})

describe("codecs with effects", () => {
  class Salt extends Context.Service<Salt, { readonly salt: string }>()("test/Salt") {}

  const Salted = Schema.String.pipe(Schema.decodeTo(Schema.String, {
    decode: SchemaGetter.transformEffect((text: string) => Salt.useSync(({ salt }) => text.slice(salt.length))),
    encode: SchemaGetter.transformEffect((text: string) =>
      Effect.andThen(Effect.sleep(1), Salt.useSync(({ salt }) => salt + text))
    )
  }))

  it.live("work in documents, filters, updates and results", () =>
    Effect.gen(function*() {
      const { db } = yield* fixture
      const notes = TypedCollection.make(
        db,
        "notes",
        Schema.Struct({ _id: Bson.ObjectId, text: Salted, list: Schema.Array(Salted) })
      )
      yield* Effect.gen(function*() {
        const { insertedId: _id } = yield* notes.insertOne({ text: "a", list: ["b"] })
        assert.deepStrictEqual(yield* db.collection("notes").find().one, { _id, text: "salt-a", list: ["salt-b"] })
        assert.deepStrictEqual(yield* notes.find({ text: { $in: ["a"] }, list: "b" }), [{
          _id,
          text: "a",
          list: ["b"]
        }])
        yield* notes.updateOne({ _id }, { $push: { list: { $each: ["c"] } } })
        assert.deepStrictEqual(yield* notes.distinct("list"), ["b", "c"])
        assert.deepStrictEqual(yield* Stream.runCollect(notes.find({ list: "c" }).stream), [{
          _id,
          text: "a",
          list: ["b", "c"]
        }])
      }).pipe(Effect.provideService(Salt, { salt: "salt-" }))
    }))
})

describe("schemas", () => {
  it.live("a collection takes unions of documents", () =>
    Effect.gen(function*() {
      const { db } = yield* fixture
      class Circle extends Schema.Class<Circle>("test/Circle")({
        _id: Bson.ObjectId,
        kind: Schema.tag("circle"),
        radius: Schema.NumberFromString
      }) {}
      const Square = Schema.Struct({ _id: Bson.ObjectId, kind: Schema.tag("square"), side: Bson.Int64 })
      const shapes = TypedCollection.make(db, "shapes", Schema.Union([Circle, Square]))
      const circle = new Circle({ _id: new Driver.ObjectId(), radius: 1 })
      yield* shapes.insertMany([circle, { kind: "square", side: 2n }])
      assert.deepStrictEqual(yield* shapes.find({ kind: "circle", radius: { $in: [1, 2] } }), [circle])
      yield* shapes.updateMany({ side: { $exists: true } }, { $inc: { side: 1n } })
      const [square] = yield* shapes.find({ side: 3n }).project({ kind: 1, side: 1, _id: 0 })
      assert.deepStrictEqual(square, { kind: "square", side: 3n })
      assert.deepStrictEqual(yield* shapes.distinct("radius"), [1])
    }))

  it.live("a field may be an Option", () =>
    Effect.gen(function*() {
      const { db } = yield* fixture
      const notes = TypedCollection.make(
        db,
        "notes",
        Schema.Struct({
          nullable: Schema.OptionFromNullOr(Schema.DateTimeUtcFromDate),
          absent: Schema.OptionFromOptionalKey(Schema.DateTimeUtcFromDate)
        })
      )
      const some = { nullable: Option.some(utc("2026-01-01")), absent: Option.some(utc("2026-01-02")) }
      const none = { nullable: Option.none(), absent: Option.none() }
      yield* notes.insertMany([some, none])
      assert.deepStrictEqual(Object.keys(yield* notes.untyped.find({ nullable: null }).one), ["_id", "nullable"])
      assert.deepStrictEqual(yield* notes.find({ absent: some.absent }), [some])
      assert.deepStrictEqual(yield* notes.find({ absent: { $exists: false } }), [none])
      assert.deepStrictEqual(yield* notes.find({ nullable: Option.none() }), [none])
      yield* notes.updateOne({ absent: some.absent }, { $set: { nullable: Option.none() } })
      assert.strictEqual(yield* notes.countDocuments({ nullable: Option.none() }), 2)
      assert.deepStrictEqual(yield* notes.find({ absent: Option.none() }), [none])
    }))

  it.live("a field has its default in documents that lack it", () =>
    Effect.gen(function*() {
      const { db } = yield* fixture
      const Note = Schema.Struct({
        text: Schema.String,
        likes: Bson.Int64.pipe(Schema.withDecodingDefaultKey(Effect.succeed(0n)))
      })
      const notes = TypedCollection.make(db, "notes", Note)
      yield* notes.untyped.insertOne({ text: "a" })
      assert.deepStrictEqual(yield* notes.find(), [{ text: "a", likes: 0n }])
      yield* notes.updateOne({ likes: { $exists: false } }, { $inc: { likes: 1n } })
      assert.deepStrictEqual(yield* notes.find({ likes: 1n }), [{ text: "a", likes: 1n }])
    }))

  it.live("redacted values stay hidden", () =>
    Effect.gen(function*() {
      const { db } = yield* fixture
      const logins = TypedCollection.make(
        db,
        "logins",
        Schema.Struct({ token: Schema.RedactedFromValue(Schema.String) })
      )
      yield* logins.insertOne({ token: Redacted.make("secret") })
      assert.strictEqual((yield* logins.untyped.find().one)["token"], "secret")
      assert.deepStrictEqual((yield* logins.find({ token: Redacted.make("secret") })).length, 1)
      assert.deepStrictEqual((yield* logins.find({ token: Redacted.make("other") })).length, 0)
    }))
})

describe("services", () => {
  class Users extends TypedCollection.Service<Users>()("test/Users", { name: "users", schema: User }) {}

  it.live("supply a collection of the database in the context", () =>
    Effect.gen(function*() {
      const { db } = yield* people
      const count = Effect.gen(function*() {
        const users = yield* Users
        assert.strictEqual(users.fullName, `${db.name}.users`)
        return yield* users.countDocuments({ name: "Ada" })
      })
      const counted = yield* count.pipe(
        Effect.provide(Users.layer),
        Effect.provideService(MongoDatabase.MongoDatabase, db)
      )
      assert.strictEqual(counted, 1)
    }))

  it.live("let a collection be renamed, dropped and inspected", () =>
    Effect.gen(function*() {
      const { db, users } = yield* people
      assert.isTrue(TypedCollection.isTypedCollection(users))
      assert.isFalse(yield* users.isCapped())
      assert.deepStrictEqual(yield* users.options(), {})
      assert.strictEqual(yield* users.estimatedDocumentCount(), 2)
      const renamed = yield* users.rename("people")
      assert.instanceOf((yield* renamed.find())[0], User)
      assert.strictEqual((yield* renamed.deleteMany({ name: { $ne: "x" } })).deletedCount, 2)
      assert.isTrue(yield* renamed.drop())
      assert.deepStrictEqual(yield* db.listCollectionNames(), [])
      assert.strictEqual(users.withOptions({ writeConcern: { w: 1 } }).name, "users")
    }))
})

describe("a type that BSON lacks", () => {
  it.live("is refused when the collection is made, with the schema to use instead", () =>
    Effect.gen(function*() {
      const { db } = yield* fixture
      class Instance extends Schema.Class<Instance>("test/Instance")({ a: Schema.String }) {}
      const refused: ReadonlyArray<readonly [field: Schema.Constraint, message: string]> = [
        [Schema.BigInt, "stores a bigint, which is read as a number: use Bson.Int64, or Schema.BigIntFromString"],
        [Schema.Literal(1n), "use Bson.Int64"],
        [Schema.Uint8Array, "stores a Uint8Array, which cannot be read again: use Bson.Bytes"],
        [
          Schema.Option(Schema.String),
          "stores an Option, which cannot be read again: use Schema.OptionFromNullOr or Schema.OptionFromOptionalKey"
        ],
        [Schema.Result(Schema.String, Schema.String), "stores a Result, which cannot be read again"],
        [Schema.DateTimeUtc, "use Schema.DateTimeUtcFromDate"],
        [Schema.DateTimeZoned, "use Schema.DateTimeZonedFromString"],
        [Schema.Duration, "use Schema.DurationFromMillis"],
        [Schema.BigDecimal, "use Bson.BigDecimal"],
        [Schema.HashMap(Schema.String, Schema.Number), "use Schema.Record"],
        [Schema.ReadonlyMap(Schema.String, Schema.Number), "use Schema.Record"],
        [Schema.ReadonlySet(Schema.String), "use Schema.UniqueArray"],
        [Schema.HashSet(Schema.String), "use Schema.UniqueArray"],
        [Schema.Chunk(Schema.String), "use Schema.Array"],
        [Schema.URL, "use Schema.URLFromString"],
        [Schema.Redacted(Schema.String), "use Schema.RedactedFromValue"],
        [Schema.Symbol, "is a symbol"],
        [Schema.toType(Instance), "use the class itself as schema"]
      ]
      const places = (field: Schema.Constraint): ReadonlyArray<readonly [path: string, schema: Schema.Constraint]> => [
        ["schema.a", Schema.Struct({ a: field })],
        ["schema.a", Schema.Struct({ a: Schema.optional(field) })],
        ["schema.b", Schema.Struct({ a: field }).pipe(Schema.encodeKeys({ a: "b" }))],
        [
          "schema.a[].b.*",
          Schema.Struct({ a: Schema.Array(Schema.Struct({ b: Schema.Record(Schema.String, field) })) })
        ],
        ["schema.a", Schema.Struct({ a: Schema.NullOr(Schema.suspend(() => field as Schema.Codec<unknown>)) })]
      ]
      const failure = (make: () => unknown): MongoError.InvalidArgumentError => {
        try {
          make()
        } catch (error) {
          assert.isTrue(MongoError.isMongoError(error))
          return (error as MongoError.MongoError).reason as MongoError.InvalidArgumentError
        }
        throw new Error("succeeded")
      }
      for (const [field, message] of refused) {
        for (const [path, schema] of places(field)) {
          const reason = failure(() => TypedCollection.make(db, "c", schema))
          assert.instanceOf(reason, MongoError.InvalidArgumentError)
          assert.strictEqual(reason.path, path)
          assert.include(reason.message, message)
          assert.include(reason.message, `make on ${db.name}.c: ${path} `)
        }
      }
      for (const schema of [Schema.String, Schema.Null, Schema.Array(Schema.Struct({})), Schema.FiniteFromString]) {
        const reason = failure(() => TypedCollection.make(db, "c", schema))
        assert.strictEqual(reason.path, "schema")
        assert.include(reason.message, "does not store documents")
      }
      const symbols = Schema.Struct({ a: Schema.Record(Schema.Symbol, Schema.String) })
      assert.strictEqual(failure(() => TypedCollection.make(db, "c", symbols)).path, "schema.a.*")

      class Written extends Model.Class<Written>("test/Written")({
        _id: MongoModel.ObjectIdGenerated,
        at: Model.Field({ select: Schema.DateTimeUtcFromDate, insert: Schema.DateTimeUtc })
      }) {}
      assert.strictEqual(failure(() => TypedCollection.make(db, "c", Written)).path, "schema.at")

      // With these options of the driver they can be read.
      const Read = Schema.Struct({ n: Schema.BigInt, bytes: Schema.Uint8Array, r: Schema.RegExp, json: Schema.Json })
      const read = TypedCollection.make(db, "read", Read, { useBigInt64: true, promoteBuffers: true })
      const value = { n: 2n ** 60n, bytes: new Uint8Array([1, 2]), r: /a/i, json: { a: [1] } }
      yield* read.insertOne(value)
      const [found] = yield* read.find()
      assert.deepStrictEqual({ ...found, bytes: [...found!.bytes] }, { ...value, bytes: [1, 2] } as never)
    }))

  it.live("may be a BigDecimal, which is stored as a decimal that the server can add to", () =>
    Effect.gen(function*() {
      const { db } = yield* fixture
      const Account = Schema.Struct({
        _id: Schema.String,
        balance: Bson.BigDecimal,
        all: Schema.Array(Bson.BigDecimal)
      })
      const accounts = TypedCollection.make(db, "accounts", Account)
      const of = BigDecimal.fromStringUnsafe
      yield* accounts.insertOne({ _id: "a", balance: of("3.50"), all: [of("1"), of("2.5")] })
      yield* accounts.updateOne({ _id: "a" }, {
        $inc: { balance: of("0.10") },
        $mul: { "all.1": of("2") },
        $min: { "all.0": of("0.1") }
      })
      const stored = yield* db.collection("accounts").find().one
      assert.strictEqual(String(stored["balance"]), "3.60")
      assert.strictEqual(yield* accounts.countDocuments({ balance: { $gt: of("3.5"), $lte: of("3.6") } }), 1)
      const [account] = yield* accounts.find({ all: of("5.0") })
      assert.isTrue(BigDecimal.equals(account!.balance, of("3.6")))
      const error = yield* documentError(
        accounts.updateOne({ _id: "a" }, { $set: { balance: of("1".repeat(35)) } })
      )
      assert.strictEqual(error.path, "update.$set.balance")
      yield* db.collection("accounts").updateOne({}, { $set: { balance: Driver.Decimal128.fromString("NaN") } })
      assert.strictEqual((yield* documentError(accounts.find())).path, "balance")
    }))
})

describe("undefined values and absent fields", () => {
  const Loose = Schema.Struct({
    _id: Schema.String,
    nick: Schema.OptionFromUndefinedOr(Schema.String),
    inner: Schema.optionalKey(Schema.Struct({ a: Schema.UndefinedOr(Schema.String) })),
    list: Schema.Array(Schema.Struct({ a: Schema.UndefinedOr(Schema.Number), b: Schema.optional(Schema.Number) })),
    any: Schema.Unknown
  })
  const value = { _id: "a", nick: Option.some("x"), list: [], any: 1 }

  it.live("are refused if BSON would leave out a required value", () =>
    Effect.gen(function*() {
      const { clear, db, sent } = yield* fixture
      const loose = TypedCollection.make(db, "loose", Loose)
      yield* loose.insertMany([value, { ...value, _id: "b", list: [{ a: 1, b: undefined }] }])
      clear()
      const none = { ...value, nick: Option.none() }
      const refused: ReadonlyArray<readonly [Effect.Effect<unknown, unknown>, path: string]> = [
        [loose.insertOne(none), "document.nick"],
        [loose.insertOne({ ...value, inner: { a: undefined } }), "document.inner.a"],
        [loose.insertOne({ ...value, any: undefined }), "document.any"],
        [loose.insertMany([value, { ...value, list: [{ a: undefined }] }]), "documents[1].list[0].a"],
        [loose.bulkWrite([{ insertOne: { document: none } }]), "operations[0].insertOne.document.nick"],
        [loose.replaceOne({ _id: "a" }, { ...none, _id: "a" } as never), "replacement.nick"],
        [loose.updateOne({ _id: "a" }, { $set: { inner: { a: undefined } } }), "update.$set.inner.a"],
        [loose.updateOne({ _id: "a" }, { $push: { list: { a: undefined } } }), "update.$push.list.a"],
        [
          loose.updateOne({ _id: "a" }, { $push: { list: { $each: [{ a: undefined }] } } }),
          "update.$push.list.$each[0].a"
        ]
      ]
      for (const [operation, path] of refused) assert.strictEqual((yield* documentError(operation)).path, path)
      // A condition is never left out: the rest of the filter would find too much.
      const conditions: ReadonlyArray<readonly [Effect.Effect<unknown, unknown>, path: string]> = [
        [loose.deleteMany({ nick: Option.none() }), "filter.nick"],
        [loose.deleteMany({ nick: { $eq: Option.none() } }), "filter.nick.$eq"],
        [loose.deleteMany({ nick: { $in: [Option.none()] } }), "filter.nick.$in[0]"],
        [loose.deleteMany({ $or: [{ nick: Option.none() }] }), "filter.$or[0].nick"],
        [loose.deleteMany(Filter.values({ nick: Option.none() })), "filter.nick"],
        [loose.updateMany({}, { $set: { nick: Option.none() } }), "update.$set.nick"]
      ]
      for (const [operation, path] of conditions) assert.strictEqual((yield* argumentError(operation)).path, path)
      // The check finds each of them at any place.
      const lacking = Schema.Struct({ a: Schema.UndefinedOr(Schema.Number) })
      const places: ReadonlyArray<readonly [inner: Schema.Codec<any>, value: unknown, path: string]> = [
        [Schema.Array(lacking), [{ a: undefined }], "document.x[0].a"],
        [Schema.Record(Schema.String, lacking), { k: { a: undefined } }, "document.x.k.a"],
        [Schema.NullOr(lacking), { a: undefined }, "document.x.a"],
        [Schema.Tuple([lacking]), [{ a: undefined }], "document.x[0].a"],
        [Schema.suspend(() => lacking), { a: undefined }, "document.x.a"]
      ]
      for (const [inner, x, path] of places) {
        const alone = TypedCollection.make(db, "alone", Schema.Struct({ _id: Schema.String, x: inner }))
        assert.strictEqual((yield* documentError(alone.insertOne({ _id: "a", x }))).path, path)
      }
      assert.deepStrictEqual(sent(), [])
      assert.strictEqual((yield* loose.find()).length, 2)
    }))

  it.live("are absent keys for the Options that stand for one", () =>
    Effect.gen(function*() {
      const { db, last } = yield* fixture
      const Optional = Schema.Struct({
        _id: Schema.String,
        nick: Schema.OptionFromOptionalKey(Schema.String),
        loose: Schema.OptionFromOptionalNullOr(Schema.String),
        both: Schema.OptionFromOptionalKey(Schema.NullOr(Schema.String))
      })
      const users = TypedCollection.make(db, "optional", Optional)
      const none = Option.none()
      yield* users.insertMany([
        { _id: "all", nick: Option.some("a"), loose: Option.some("a"), both: Option.some("a") },
        { _id: "none", nick: none, loose: none, both: none },
        { _id: "null", nick: Option.some("b"), loose: Option.some("b"), both: Option.some(null) }
      ])
      yield* db.collection("optional").updateOne({ _id: "null" as never }, { $set: { loose: null } })
      const ids = (filter: Filter.Filter<typeof Optional.Type>) =>
        Effect.map(users.find(filter).sort({ _id: 1 }), (found) => found.map(({ _id }) => _id).join())
      assert.strictEqual(yield* ids({ nick: none }), "none")
      assert.deepStrictEqual(last("find")["filter"], { nick: { $exists: false } })
      assert.strictEqual(yield* ids({ nick: { $ne: none } }), "all,null")
      assert.strictEqual(yield* ids({ nick: { $eq: none } }), "none")
      assert.strictEqual(yield* ids({ nick: { $in: [none, Option.some("b")] } }), "none,null")
      assert.strictEqual(yield* ids(Filter.values({ nick: none })), "none")
      assert.strictEqual(yield* ids({ loose: none }), "none,null")
      assert.strictEqual(yield* ids({ loose: { $ne: none } }), "all")
      assert.strictEqual(yield* ids({ loose: { $in: [none] } }), "none,null")
      assert.strictEqual(yield* ids({ both: none }), "none")
      assert.strictEqual(yield* ids({ both: Option.some(null) }), "none,null")
      assert.strictEqual((yield* argumentError(ids({ both: { $in: [none] } }))).path, "filter.both.$in[0]")
      assert.strictEqual((yield* argumentError(ids({ nick: { $gt: none } }))).path, "filter.nick.$gt")
      assert.strictEqual(
        (yield* argumentError(ids({ nick: { $eq: none, $exists: true } }))).path,
        "filter.nick.$exists"
      )
      assert.strictEqual((yield* argumentError(ids({ nick: { $exists: true, $eq: none } }))).path, "filter.nick.$eq")

      yield* users.updateOne({ _id: "all" }, { $set: { nick: none, loose: Option.some("c") } })
      assert.deepStrictEqual(last("update")["updates"][0].u, { $set: { loose: "c" }, $unset: { nick: "" } })
      yield* users.updateOne({ _id: "all" }, { $set: { loose: none }, $unset: { nick: true } })
      assert.deepStrictEqual(last("update")["updates"][0].u, { $unset: { loose: "", nick: "" } })
      yield* users.updateOne({ _id: "all" }, [{ $set: { both: none } }])
      assert.deepStrictEqual(yield* db.collection("optional").find({ _id: "all" as never }).one, {
        _id: "all" as never
      })
      yield* users.updateOne({ _id: "new" }, { $setOnInsert: { nick: none, loose: Option.some("d") } }, {
        upsert: true
      })
      assert.deepStrictEqual(
        yield* users.findOne({ _id: "new" }),
        Option.some({ _id: "new", nick: none, loose: Option.some("d"), both: none })
      )
    }))
})

describe("upserts and the defaults of a model", () => {
  const Counter = Schema.Struct({
    _id: Schema.String,
    name: Schema.String,
    n: Bson.Int64,
    at: Schema.DateTimeUtcFromDate.pipe(Schema.withConstructorDefault(Effect.sync(() => utc("2026-01-01")))),
    inner: Schema.optionalKey(Schema.Struct({ a: Schema.String, b: Schema.String })),
    tags: Schema.optionalKey(Schema.Array(Schema.String)),
    nick: Schema.OptionFromOptionalKey(Schema.String),
    id: Schema.String.pipe(Schema.withDecodingDefaultKey(Effect.succeed("decoded")))
  })
  type Counter = typeof Counter.Type

  it.live("are refused if they could insert a document that cannot be read", () =>
    Effect.gen(function*() {
      const { db, sent } = yield* fixture
      const counters = TypedCollection.make(db, "counters", Counter)
      const upsert = { upsert: true } as const
      const refused: ReadonlyArray<
        readonly [filter: Filter.Filter<Counter>, update: Update.Update<Counter>, names: string]
      > = [
        [{ _id: "a" }, { $set: { n: 1n } }, "name."],
        [{ _id: "a" }, { $setOnInsert: { tags: [] } }, "name, n."],
        [{ name: "x" }, { $inc: { n: 1n } }, "_id."],
        [{ _id: "a", name: { $gt: "x" } }, { $inc: { n: 1n } }, "name."],
        [{ _id: "a", name: { $in: ["x", "y"] } }, { $inc: { n: 1n } }, "name."],
        [{ _id: "a", name: /x/ }, { $inc: { n: 1n } }, "name."],
        [{ _id: "a", $or: [{ name: "x" }, { name: "y" }] }, { $inc: { n: 1n } }, "name."],
        // A path makes an object with that field alone. An element stands for its array.
        [{ _id: "a", name: "x" }, { $set: { n: 1n, "inner.a": "a" } }, "inner.b."],
        [{ _id: "a", name: "x", tags: "t" }, { $set: { n: 1n } }, "tags."],
        [{ _id: "a" }, [{ $set: { n: 1n, name: "x" } }, { $unset: "tags" }], "at."],
        [{ _id: "a" }, [{ $set: { n: 1n, nick: Option.none() } }], "name, at."],
        [{ _id: "a", tags: "t" }, [{ $set: { n: 1n, name: "x", at: utc("2020-01-01") } }], "tags."]
      ]
      for (const [filter, update, names] of refused) {
        const operations: ReadonlyArray<readonly [Effect.Effect<unknown, unknown>, path: string]> = [
          [counters.updateOne(filter, update, upsert), "options.upsert"],
          [counters.updateMany(filter, update, upsert), "options.upsert"],
          [counters.findOneAndUpdate(filter, update, upsert), "options.upsert"],
          [counters.bulkWrite([{ updateOne: { filter, update, upsert: true } }]), "operations[0].updateOne.upsert"]
        ]
        for (const [operation, path] of operations) {
          const reason = yield* argumentError(operation)
          assert.strictEqual(reason.path, path)
          assert.include(reason.message, `could insert a document that cannot be read: ${names}`)
        }
      }
      const replacement = { name: "x", n: 1n, id: "i", nick: Option.none() }
      const nameless: ReadonlyArray<readonly [Effect.Effect<unknown, unknown>, path: string]> = [
        [counters.replaceOne({ name: "x" }, replacement, upsert), "options.upsert"],
        [counters.findOneAndReplace({ _id: { $gt: "" } }, replacement, upsert), "options.upsert"],
        [
          counters.bulkWrite([{ replaceOne: { filter: { name: "x" }, replacement, upsert: true } }]),
          "operations[0].replaceOne.upsert"
        ]
      ]
      for (const [operation, path] of nameless) assert.strictEqual((yield* argumentError(operation)).path, path)
      assert.deepStrictEqual(sent(), [])
    }))

  it.live("insert the document that the filter, the update and the defaults make together", () =>
    Effect.gen(function*() {
      const { db, last } = yield* fixture
      const counters = TypedCollection.make(db, "counters", Counter)
      const upsert = { upsert: true } as const
      const accepted: ReadonlyArray<readonly [filter: Filter.Filter<Counter>, update: Update.Update<Counter>]> = [
        [{ _id: "a", name: "x" }, { $inc: { n: 1n } }],
        [{ _id: { $eq: "b" }, $and: [{ name: { $in: ["x"] } }, { $or: [{ n: 3n }] }] }, { $set: { id: "i" } }],
        [{ _id: "c", n: { $lt: 5n } }, { $mul: { n: 2n }, $min: { name: "x" }, $push: { tags: { $each: ["t"] } } }],
        [{ _id: "d" }, {
          $max: { n: 2n },
          $setOnInsert: { name: "x", at: utc("2020-01-01"), "inner.a": "a", "inner.b": "b" }
        }],
        [{ _id: "e" }, { $currentDate: { at: true }, $set: { n: 1n, name: "x" }, $addToSet: { tags: "t" } }],
        [{ _id: "f" }, [{ $set: { n: 1n, name: "x", at: utc("2020-01-01") } }]],
        [{ _id: "g" }, Update.unsafe({ $rename: { x: "y" }, $set: { n: 1, name: "x", at: new Date(0) } })],
        [
          { _id: "g2", tags: "t" },
          [
            { $set: { n: 1n, name: "x", at: utc("2020-01-01"), "inner.a": "a", nick: Option.some("n") } },
            { $unset: ["inner", "tags"] },
            { $set: { nick: Option.none() } }
          ]
        ],
        [{ _id: "h", inner: { a: "a", b: "b" } }, { $set: { "inner.a": "c", n: 1n, name: "x" } }]
      ]
      for (const [filter, update] of accepted) {
        assert.strictEqual((yield* counters.updateOne(filter, update, upsert)).upsertedCount, 1)
      }
      // The check has left the command as it was.
      assert.deepStrictEqual(last("update")["updates"][0].q, { _id: "h", inner: { a: "a", b: "b" } })
      yield* counters.replaceOne({ _id: "i" }, { name: "x", n: 1n, id: "i", nick: Option.none() }, upsert)
      const found = yield* counters.find().sort({ _id: 1 })
      assert.strictEqual(found.map(({ _id }) => _id).join(""), "abcdefgg2hi")
      assert.deepStrictEqual(found[0], {
        _id: "a",
        name: "x",
        n: 1n,
        at: utc("2026-01-01"),
        nick: Option.none(),
        id: "decoded"
      })
      assert.deepStrictEqual(found[3]!.at, utc("2020-01-01"))
      // Without `upsert` the update stays as it is.
      yield* counters.updateOne({ _id: "a" }, { $inc: { n: 1n } })
      assert.deepStrictEqual(Object.keys(last("update")["updates"][0].u), ["$inc"])
    }))

  it.live("come with every update that does not name their fields", () =>
    Effect.gen(function*() {
      const { db, last } = yield* fixture
      class Note extends Model.Class<Note>("test/Note")({
        _id: Schema.String,
        text: Schema.String,
        role: Schema.String.pipe(Schema.withConstructorDefault(Effect.succeed("user"))),
        createdAt: Model.DateTimeInsertFromDate,
        updatedAt: Model.DateTimeUpdateFromDate
      }) {}
      const notes = TypedCollection.make(db, "notes", Note)
      yield* notes.insertOne({ _id: "a", text: "one", role: "admin" })
      const first = yield* notes.find().one
      const long = utc("2000-01-01")
      const reset = db.collection("notes").updateOne({}, { $set: { updatedAt: new Date("2000-01-01") } })
      const filter = { _id: "a" }
      const updates: ReadonlyArray<Effect.Effect<unknown, unknown>> = [
        notes.updateOne(filter, { $set: { text: "two" } }),
        notes.updateMany(filter, { $unset: {}, $set: { text: "three" } }),
        notes.updateOne(filter, [{ $set: { text: "four" } }]),
        notes.findOneAndUpdate(filter, { $set: { text: "five" } }),
        notes.bulkWrite([{ updateOne: { filter, update: { $set: { text: "six" } } } }]),
        notes.bulkWrite([{ updateMany: { filter, update: [{ $set: { text: "seven" } }] } }])
      ]
      for (const update of updates) {
        yield* reset
        yield* update
        const note = yield* notes.find().one
        assert.isTrue(DateTime.isGreaterThanOrEqualTo(note.updatedAt, first.updatedAt))
        // Values from the insert stay.
        assert.deepStrictEqual([note.role, note.createdAt], ["admin", first.createdAt])
      }
      // One description gets a new time in each run.
      const update = notes.updateOne(filter, { $set: { text: "again" } })
      const clock = Object.create(yield* Clock.Clock) as Clock.Clock
      const still = Object.assign(clock, { currentTimeMillis: Effect.succeed(1), currentTimeMillisUnsafe: () => 1 })
      yield* update.pipe(Effect.provideService(Clock.Clock, still))
      assert.deepStrictEqual((yield* notes.find().one).updatedAt, DateTime.makeUnsafe(1))
      yield* update
      assert.isTrue(DateTime.isGreaterThanOrEqualTo((yield* notes.find().one).updatedAt, first.updatedAt))

      const named: ReadonlyArray<Update.Update<Note>> = [
        { $set: { updatedAt: long } },
        { $min: { updatedAt: long } },
        [{ $set: { updatedAt: long } }]
      ]
      for (const update of named) {
        yield* notes.updateOne(filter, update)
        assert.deepStrictEqual((yield* notes.find().one).updatedAt, long)
      }
      yield* notes.updateOne(filter, Update.unsafe({ $set: { text: "as it is" } }))
      assert.deepStrictEqual(last("update")["updates"][0].u, { $set: { text: "as it is" } })

      // An upsert fills in the defaults of an insert.
      yield* notes.updateOne({ _id: "b" }, { $set: { text: "new" } }, { upsert: true })
      const made = Option.getOrThrow(yield* notes.findOne({ _id: "b" }))
      assert.deepStrictEqual(made.role, "user")
      assert.isTrue(DateTime.isGreaterThanOrEqualTo(made.createdAt, first.createdAt))
      assert.deepStrictEqual(Object.keys(last("update")["updates"][0].u["$setOnInsert"]), ["role", "createdAt"])
      yield* notes.updateOne({ _id: "b" }, { $set: { text: "old" } }, { upsert: true })
      const again = Option.getOrThrow(yield* notes.findOne({ _id: "b" }))
      assert.deepStrictEqual([again.role, again.createdAt, again.text], [made.role, made.createdAt, "old"])
    }))
})

describe("a value with several stored forms", () => {
  const Moment = Schema.Union([Schema.DateTimeUtcFromDate, Schema.DateTimeUtcFromMillis])
  const Event = Schema.Union([
    Schema.Struct({ _id: Schema.String, kind: Schema.Literal("a"), at: Schema.DateTimeUtcFromDate, n: Bson.Int32 }),
    Schema.Struct({ _id: Schema.String, kind: Schema.Literal("b"), at: Schema.DateTimeUtcFromMillis, n: Bson.Double })
  ])
  const Holder = Schema.Struct({
    at: Moment,
    all: Schema.Array(Moment),
    inner: Schema.Struct({ at: Moment, other: Schema.NullOr(Schema.DateTimeUtcFromDate) }),
    either: Schema.Union([Schema.DateTimeUtcFromDate, Schema.String, Schema.Array(Bson.Int64), Bson.Int32])
  })

  it.live("is refused in comparisons, and in writes whose form depends on the member of a union", () =>
    Effect.gen(function*() {
      const { db, sent } = yield* fixture
      const events = TypedCollection.make(db, "events", Event)
      const holders = TypedCollection.make(db, "holders", Holder)
      const at = utc("2026-01-01")
      const held = { at, all: [at], inner: { at, other: at }, either: at }
      const refused: ReadonlyArray<readonly [Effect.Effect<unknown, unknown>, path: string]> = [
        [events.find({ at }), "filter.at"],
        [events.find({ at: { $gt: at } }), "filter.at.$gt"],
        [events.find({ at: { $in: [at] } }), "filter.at.$in[0]"],
        [events.deleteMany(Filter.values({ at })), "filter.at"],
        [events.updateMany({}, { $set: { at } }), "update.$set.at"],
        [events.updateMany({}, { $max: { at } }), "update.$max.at"],
        [events.updateMany({}, [{ $set: { at } }]), "update[0].$set.at"],
        [holders.find({ at }), "filter.at"],
        [holders.find({ all: at }), "filter.all"],
        [holders.find({ all: [at] }), "filter.all"],
        [holders.find({ all: { $all: [at] } }), "filter.all.$all[0]"],
        [holders.find({ all: { $elemMatch: { $gte: at } } }), "filter.all.$elemMatch.$gte"],
        [holders.find({ "all.0": at }), "filter.all.0"],
        [holders.find({ inner: { at, other: null } }), "filter.inner"],
        [holders.updateMany({}, { $pull: { all: at } }), "update.$pull.all"],
        [holders.updateMany({}, { $pullAll: { all: [at] } }), "update.$pullAll.all[0]"],
        [holders.updateMany({}, { $addToSet: { all: at } }), "update.$addToSet.all"]
      ]
      for (const [operation, path] of refused) {
        const reason = yield* argumentError(operation)
        assert.strictEqual(reason.path, path)
        assert.include(reason.message, "is stored in several forms")
      }
      assert.deepStrictEqual(sent(), [])
      // A value with one possible form, or with forms that are equal to the server, passes.
      yield* events.insertMany([{ _id: "a", kind: "a", at, n: 5 }, { _id: "b", kind: "b", at, n: 5 }])
      assert.strictEqual(yield* events.countDocuments({ n: 5 }), 2)
      assert.strictEqual(yield* events.countDocuments({ kind: "a" }), 1)
      yield* holders.insertOne(held)
      assert.strictEqual(yield* holders.countDocuments({ either: at, "inner.other": at }), 1)
      assert.strictEqual(yield* holders.countDocuments({ either: "x" }), 0)
      yield* holders.updateOne({ either: at }, { $push: { all: at }, $set: { at, either: 5 } })
      assert.deepStrictEqual((yield* holders.find({ either: 5 }).one).all.length, 2)
    }))
})

describe("bytes that cannot be read", () => {
  const Note = Schema.Struct({ _id: Schema.Number, text: Schema.String, n: Schema.optionalKey(Schema.Number) })
  const places: ReadonlyArray<object> = [{}, { promoteLongs: false }]

  it.live("make a document that does not decode, in every way of reading it", () =>
    Effect.gen(function*() {
      const { db } = yield* fixture
      for (const options of places) {
        const name = `notes${Object.keys(options).length}`
        const notes = TypedCollection.make(db, name, Note, options)
        const spoil = (n: number) =>
          send(uri, spoilt({ insert: name, documents: [{ _id: 3, text: "~~~", n }], $db: db.name }))
        yield* notes.insertMany([1, 2, 4, 5].map((_id) => ({ _id, text: `note ${_id}` })))
        yield* spoil(1)
        const bad = notes.find({ _id: 3 })
        const stages = [{ $match: { _id: 3 } }]
        const ways: ReadonlyArray<readonly [Effect.Effect<unknown, unknown>, operation: string]> = [
          [notes.find(), "find"],
          [bad.first, "find"],
          [bad.one, "find"],
          [Stream.runDrain(bad.stream), "find"],
          [Stream.runDrain(bad.batches), "find"],
          [bad.project({ text: 1 }).first, "find"],
          [notes.findOne({ _id: 3 }), "findOne"],
          [notes.aggregate(Note, stages), "aggregate"],
          [notes.aggregate(Note, stages).batchSize(1).first, "aggregate"],
          [Stream.runDrain(notes.aggregate(Note, stages).stream), "aggregate"],
          [notes.findOneAndUpdate({ _id: 3 }, { $set: { n: 1 } }), "findOneAndUpdate"],
          [notes.findOneAndUpdate({ _id: 3 }, { $set: { n: 2 } }, { projection: { text: 1 } }), "findOneAndUpdate"],
          [notes.findOneAndReplace({ _id: 3 }, { text: "whole" }), "findOneAndReplace"]
        ]
        for (const [way, operation] of ways) {
          const error = yield* documentError(way)
          assert.deepStrictEqual([error.kind, error.operation, error.id, error.path], ["decode", operation, 3, "text"])
          assert.match(error.message, /document 3: text: Expected bytes that can be read: .*UTF-8/)
        }
        // `findOneAndReplace` has replaced it.
        yield* notes.deleteOne({ _id: 3 })
        yield* spoil(2)
        const ids = (found: ReadonlyArray<typeof Note.Type>) => found.map(({ _id }) => _id).join("")
        const skipping = notes.find().sort({ _id: 1 }).onInvalid("skip")
        assert.strictEqual(ids(yield* skipping), "1245")
        assert.strictEqual(ids(yield* Stream.runCollect(skipping.stream)), "1245")
        assert.strictEqual(ids(yield* notes.aggregate(Note, [{ $sort: { _id: 1 } }]).onInvalid("skip")), "1245")
        const collected = yield* notes.find().sort({ _id: 1 }).onInvalid("collect")
        assert.deepStrictEqual(collected.map(Result.isSuccess), [true, true, false, true, true])
        assert.strictEqual(Option.getOrThrow(Result.getFailure(collected[2]!)).id, 3)
        // Damage in a field that is not read does not matter.
        assert.deepStrictEqual(yield* notes.find({ _id: 3 }).project({ n: 1 }), [{ _id: 3, n: 2 }])
        const deleted = yield* documentError(notes.findOneAndDelete({ _id: 3 }))
        assert.deepStrictEqual([deleted.id, deleted.path], [3, "text"])
      }
    }))

  it.live("leave the errors of the server in findOneAnd* as they are", () =>
    Effect.gen(function*() {
      const { db } = yield* fixture
      const notes = TypedCollection.make(db, "unique", Note)
      yield* notes.createIndex({ text: 1 }, { unique: true })
      yield* notes.insertMany([{ _id: 1, text: "a" }, { _id: 2, text: "b" }])
      const error = yield* failureOf(notes.findOneAndUpdate({ _id: 1 }, { $set: { text: "b" } }))
      assert.isTrue(MongoError.isMongoError(error))
      const { reason } = error as MongoError.MongoError
      assert.instanceOf(reason, MongoError.DuplicateKeyError)
      assert.deepStrictEqual(reason.keyPattern, { text: 1 })
      assert.deepStrictEqual(yield* notes.findOneAndUpdate({ _id: 9 }, { $set: { n: 1 } }), Option.none())
    }))

  it.live("leave the last document of a batch when all before it are left out", () =>
    Effect.gen(function*() {
      const { db } = yield* fixture
      const notes = TypedCollection.make(db, "last", Note)
      const batch = [1, 2, 3].map((_id) => ({ _id, text: _id as unknown }))
      yield* db.collection<{ _id: number; text: unknown }>("last").insertMany([...batch, { _id: 4, text: "last" }])
      const query = notes.find().sort({ _id: 1 })
      const last = { _id: 4, text: "last" }
      for (const options of [{}, { batchSize: 2 }, { promoteLongs: false }]) {
        const skipping = notes.withOptions(options).find({}, options).sort({ _id: 1 }).onInvalid("skip")
        assert.deepStrictEqual(yield* skipping, [last])
        assert.deepStrictEqual(yield* Stream.runCollect(skipping.stream), [last])
        assert.deepStrictEqual((yield* Stream.runCollect(skipping.batches)).flat(), [last])
        assert.deepStrictEqual(yield* skipping.first, Option.some(last))
      }
      const collected = yield* query.onInvalid("collect")
      assert.deepStrictEqual(Option.getOrThrow(Result.getSuccess(collected[3]!)), last)
    }))
})

describe("input under $push and $pull", () => {
  it.live("is an element in an update of values, and removes nothing", () =>
    Effect.gen(function*() {
      const { clear, db, last, sent } = yield* fixture
      const Post = Schema.Struct({
        _id: Schema.String,
        tags: Schema.Array(Schema.String),
        any: Schema.Array(Schema.Json),
        items: Schema.Array(Schema.Struct({ sku: Schema.String }))
      })
      const posts = TypedCollection.make(db, "posts", Post)
      yield* posts.insertOne({ _id: "a", tags: ["x", "y"], any: [1], items: [{ sku: "s" }] })
      clear()
      const inputs = [
        { $each: [], $slice: 0 },
        { $each: ["z"], $slice: 1 },
        { $exists: true },
        { $ne: "" },
        { $gte: "" },
        { $nin: [] },
        { $in: ["x"] }
      ].map((input): unknown => JSON.parse(JSON.stringify(input)))
      for (const input of inputs) {
        for (const operator of ["$push", "$addToSet", "$pull"]) {
          const error = yield* documentError(
            posts.updateOne({ _id: "a" }, Update.values({ [operator]: { tags: input } }))
          )
          assert.strictEqual(error.path, `update.${operator}.tags`)
          assert.strictEqual(
            (yield* documentError(
              posts.updateOne({ _id: "a" }, Update.values({ [operator]: { items: { sku: input } } }))
            )).path,
            `update.${operator}.items.sku`
          )
        }
      }
      // An operator that can only empty an array is refused in any update.
      const plain: ReadonlyArray<readonly [update: object, path: string]> = [
        [{ $push: { tags: { $each: [], $slice: 0 } } }, "update.$push.tags.$slice"],
        [{ $pull: { tags: { $exists: true } } }, "update.$pull.tags"]
      ]
      for (const [update, path] of plain) {
        assert.strictEqual(
          (yield* argumentError(posts.updateOne({ _id: "a" }, update as Update.Update<typeof Post.Type>))).path,
          path
        )
      }
      assert.deepStrictEqual(sent(), [])
      // If elements may look like that, the value is an element.
      yield* posts.updateOne({ _id: "a" }, Update.values({ $push: { any: { a: 1 }, tags: "z" }, $set: { items: [] } }))
      assert.deepStrictEqual(last("update")["updates"][0].u, {
        $push: { any: { $each: [{ a: 1 }] }, tags: { $each: ["z"] } },
        $set: { items: [] }
      })
      yield* posts.updateOne(
        { _id: "a" },
        Update.values({ $pull: { any: 1, tags: "x" }, $addToSet: { items: { sku: "t" } } })
      )
      yield* posts.updateOne({ _id: "a" }, Update.values({ $pull: { any: JSON.parse(`{ "$exists": true }`) } }))
      assert.deepStrictEqual(last("update")["updates"][0].u, { $pull: { any: { $eq: { $exists: true } } } })
      assert.deepStrictEqual(yield* posts.find().one, {
        _id: "a",
        tags: ["y", "z"],
        any: [{ a: 1 }],
        items: [{ sku: "t" }]
      })
    }))
})

describe("paths", () => {
  it.live("are optional in a projection if they lead through a value that may be another type than an object", () =>
    Effect.gen(function*() {
      const { db } = yield* fixture
      const City = Schema.Struct({ city: Schema.String, zip: Schema.String })
      const Place = Schema.Struct({
        _id: Schema.Number,
        address: Schema.NullOr(City),
        either: Schema.Union([Schema.String, City]),
        deep: Schema.Struct({ inner: Schema.NullOr(City) }),
        list: Schema.Array(Schema.NullOr(City))
      })
      const places = TypedCollection.make(db, "places", Place)
      const city = { city: "London", zip: "1" }
      yield* places.insertMany([
        { _id: 1, address: null, either: "x", deep: { inner: null }, list: [null, city] },
        { _id: 2, address: city, either: city, deep: { inner: city }, list: [] }
      ])
      const project = (projection: object): Effect.Effect<ReadonlyArray<unknown>, unknown> =>
        places.find().sort({ _id: 1 }).project(projection as { readonly address: 1 })
      assert.deepStrictEqual(yield* project({ "address.city": 1 }), [{ _id: 1 }, {
        _id: 2,
        address: { city: "London" }
      }])
      assert.deepStrictEqual(yield* project({ "either.city": 1, _id: 0 }), [{}, { either: { city: "London" } }])
      assert.deepStrictEqual(yield* project({ "deep.inner.city": 1, _id: 0 }), [
        { deep: {} },
        { deep: { inner: { city: "London" } } }
      ])
      assert.deepStrictEqual(yield* project({ "list.zip": 1, _id: 0 }), [{ list: [{ zip: "1" }] }, { list: [] }])
      assert.deepStrictEqual(
        yield* project({ "address.city": 0, either: 0, deep: 0, list: 0 }),
        [{ _id: 1, address: null }, { _id: 2, address: { zip: "1" } }]
      )
      // An inclusion and an `$elemMatch` of one field leave different documents, also one after the other.
      const match = { list: { $elemMatch: { city: "London" } }, _id: 0 }
      for (let i = 0; i < 2; i++) {
        assert.deepStrictEqual(yield* project({ list: 1, _id: 0 }), [{ list: [null, city] }, { list: [] }])
        assert.deepStrictEqual(yield* project(match), [{ list: [city] }, {}])
      }
    }))

  it.live("have a name or an index for digits, as the schema decides", () =>
    Effect.gen(function*() {
      const { db, last } = yield* fixture
      const Report = Schema.Struct({
        _id: Schema.Number,
        years: Schema.Record(Schema.String, Schema.Number),
        fixed: Schema.Struct({ "1": Schema.String, "2": Schema.optionalKey(Schema.String) }),
        matrix: Schema.Array(Schema.Array(Schema.Number))
      })
      const reports = TypedCollection.make(db, "reports", Report)
      const all = reports.find()
      yield* reports.insertOne({
        _id: 1,
        years: { 2024: 1, 2025: 2 },
        fixed: { 1: "a", 2: "b" },
        matrix: [[1, 2], [3]]
      })
      const project = (projection: object) => all.project(projection as { readonly years: 1 })
      assert.deepStrictEqual<ReadonlyArray<unknown>>(yield* project({ "years.2024": 1 }), [{
        _id: 1,
        years: { 2024: 1 }
      }])
      assert.deepStrictEqual<ReadonlyArray<unknown>>(yield* project({ "fixed.1": 1, _id: 0 }), [{ fixed: { 1: "a" } }])
      const update = (update: object) => reports.updateOne({}, update as Update.Update<typeof Report.Type>)
      yield* update([{ $set: { "years.2024": 5, "fixed.1": "c" } }, { $unset: ["fixed.2"] }])
      yield* update({ $inc: { "matrix.0.1": 1, "years.2025": 1 } })
      assert.deepStrictEqual(yield* all, [
        { _id: 1, years: { 2024: 5, 2025: 3 }, fixed: { 1: "c" }, matrix: [[1, 3], [3]] }
      ])
      assert.strictEqual(yield* reports.countDocuments({ "matrix.0.1": 3 } as Filter.Filter<typeof Report.Type>), 1)
      assert.deepStrictEqual(last("aggregate")["pipeline"][0], { $match: { "matrix.0.1": 3 } })
      assert.strictEqual((yield* argumentError(project({ "matrix.0": 1 }))).path, "projection.matrix.0")
      assert.strictEqual(
        (yield* argumentError(update([{ $set: { "matrix.0": [1] } }]))).path,
        "update[0].$set.matrix.0"
      )
    }))

  it.live("may name one stored field only once in a filter", () =>
    Effect.gen(function*() {
      const { db, sent } = yield* fixture
      const at = Schema.DateTimeUtcFromDate
      const Old = Schema.Struct({ kind: Schema.Literal("old"), when: at, name: Schema.String }).pipe(
        Schema.encodeKeys({ when: "at" })
      )
      const New = Schema.Struct({ kind: Schema.Literal("new"), at, name: Schema.String }).pipe(
        Schema.encodeKeys({ name: "title" })
      )
      const Items = Schema.Struct({ items: Schema.Array(Schema.Struct({ sku: Schema.String })) })
      const either = TypedCollection.make(db, "either", Schema.Union([Old, New]))
      const lists = TypedCollection.make(db, "lists", Items)
      const filter = (filter: object) => filter as never
      const day = utc("2026-01-01")
      const refused: ReadonlyArray<readonly [Effect.Effect<unknown, unknown>, path: string, message: string]> = [
        [
          either.find(filter({ when: day, at: day })),
          "filter.at",
          "names a stored field for the second time: join the conditions with $and"
        ],
        [
          either.deleteMany(filter({ at: { $gt: day }, when: { $lt: day } })),
          "filter.when",
          "names a stored field for the second time: join the conditions with $and"
        ],
        [either.find(filter({ name: "x" })), "filter.name", "different names in the database"],
        [either.updateMany({}, filter({ $set: { name: "x" } })), "update.$set.name", "different names in the database"]
      ]
      for (const [operation, path, message] of refused) {
        const reason = yield* argumentError(operation)
        assert.strictEqual(reason.path, path)
        assert.include(reason.message, message)
      }
      // A misspelt field is refused, not dropped: the rest of the object would match other documents.
      for (const item of [{ sku: "a", skuu: "b" }, { skuu: "b" }]) {
        const error = yield* documentError(lists.deleteMany(filter({ items: { $all: [item] } })))
        assert.match(error.path, /^filter\.items\.\$all\[0\]\.sku/)
        assert.match((yield* documentError(lists.deleteMany(filter({ items: item })))).path, /^filter\.items/)
      }
      assert.deepStrictEqual(sent(), [])
    }))

  it.live("with keys from outside are not remembered for ever", () =>
    Effect.gen(function*() {
      const { db } = yield* fixture
      const records = TypedCollection.make(
        db,
        "records",
        Schema.Struct({ values: Schema.Record(Schema.String, Schema.Number) })
      )
      V8.setFlagsFromString("--expose-gc")
      const collect = vm.runInNewContext("gc") as () => void
      const long = "k".repeat(10_000)
      // The path is resolved first and the value refused then, so nothing is sent.
      const ask = (i: number) => Effect.exit(records.find({ [`values.${long}${i}`]: "text" } as never))
      yield* ask(0)
      collect()
      const before = process.memoryUsage().heapUsed
      for (let i = 0; i < 10_000; i++) yield* ask(i)
      collect()
      // The keys together have a hundred megabytes.
      assert.isBelow(process.memoryUsage().heapUsed - before, 50_000_000)
    }), 60_000)
})

it.live("an insert returns the `_id` that it makes, decoded", () =>
  Effect.gen(function*() {
    const { db } = yield* setup()
    const Own = Schema.Struct({ _id: Schema.optionalKey(Schema.flip(Bson.ObjectIdFromHex)), name: Schema.String })
    const users = TypedCollection.make(db, "users", Own)
    const { insertedId } = yield* users.insertOne({ name: "Ada" })
    const { insertedIds } = yield* users.insertMany([{ name: "Bea" }, { _id: "65f0c0ffee0123456789abcd", name: "Cy" }])
    assert.match(String(insertedId), /^[0-9a-f]{24}$/)
    assert.strictEqual(typeof insertedId, "string")
    assert.deepStrictEqual(
      yield* users.find(),
      [
        { _id: insertedId, name: "Ada" },
        { _id: insertedIds[0], name: "Bea" },
        { _id: "65f0c0ffee0123456789abcd", name: "Cy" }
      ] as never
    )
  }))
