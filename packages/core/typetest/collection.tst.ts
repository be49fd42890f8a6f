/**
 * What of a collection and its queries must compile, and what must not.
 *
 * @since 0.1.0
 */
import type { MongoCollection, MongoError, Query, QueryPlan } from "@mongofx/core"
import {
  BigDecimal,
  type Cause,
  Chunk,
  DateTime,
  Duration,
  Effect,
  HashMap,
  Option,
  Redacted,
  Result,
  type Stream
} from "effect"
import * as Driver from "mongodb"
import { describe, expect, it } from "tstyche"

interface User {
  readonly name: string
  readonly age: number
  readonly tags: ReadonlyArray<string>
  readonly address?: { readonly city: string }
}
type Stored = Driver.WithId<User>

declare const users: MongoCollection.MongoCollection<User>
declare const anything: MongoCollection.MongoCollection
declare const filter: MongoCollection.Filter<User>
declare const drivers: Driver.Filter<User>
declare const anyDocument: Driver.Document

interface Named {
  readonly name: string
}
declare const query: Named
declare const Named: new() => Named

describe("filters", () => {
  it("are typed on the document", () => {
    expect(users.find).type.toBeCallableWith({ name: "Ada" })
    expect(users.find).type.toBeCallableWith({ age: { $gte: 18, $lt: 65 }, $or: [{ name: "Ada" }, { name: /a/ }] })
    expect(users.find).type.toBeCallableWith({ tags: "admin" })
    expect(users.find).type.toBeCallableWith({ "address.city": "London" })
    expect(users.find).type.toBeCallableWith()
    expect(users.find).type.not.toBeCallableWith({ name: 36 })
    expect(users.find).type.not.toBeCallableWith({ age: { $gte: "18" } })
    expect(users.find).type.not.toBeCallableWith({ age: { $in: ["18"] } })
    expect(users.find).type.not.toBeCallableWith({ _id: "text" })
    expect(users.find).type.not.toBeCallableWith("Ada")
  })

  it("are the same for every operation that takes one", () => {
    const good = { name: "Ada" }
    const bad = { name: 36 }
    const update = { $set: { age: 37 } }
    expect(users.findOne).type.toBeCallableWith(good)
    expect(users.findOne).type.not.toBeCallableWith(bad)
    expect(users.countDocuments).type.toBeCallableWith(good)
    expect(users.countDocuments).type.not.toBeCallableWith(bad)
    expect(users.deleteOne).type.toBeCallableWith(good)
    expect(users.deleteOne).type.not.toBeCallableWith(bad)
    expect(users.deleteMany).type.toBeCallableWith(good)
    expect(users.deleteMany).type.not.toBeCallableWith(bad)
    expect(users.findOneAndDelete).type.toBeCallableWith(good)
    expect(users.findOneAndDelete).type.not.toBeCallableWith(bad)
    expect(users.updateOne).type.toBeCallableWith(good, update)
    expect(users.updateOne).type.not.toBeCallableWith(bad, update)
    expect(users.updateMany).type.not.toBeCallableWith(bad, update)
    expect(users.findOneAndUpdate).type.not.toBeCallableWith(bad, update)
  })

  it("cannot be values of Effect, or instances that are not documents", () => {
    const user = Option.some<Stored>({ _id: new Driver.ObjectId(), name: "Ada", age: 36, tags: [] })
    expect(users.deleteMany).type.not.toBeCallableWith(user)
    expect(users.deleteMany).type.not.toBeCallableWith(Option.none())
    expect(users.bulkWrite).type.toBeCallableWith([{ deleteMany: { filter: { name: "Ada" } } }])
    expect(users.bulkWrite).type.not.toBeCallableWith([{ deleteMany: { filter: user } }])
    expect(users.bulkWrite).type.not.toBeCallableWith([{
      updateOne: { filter: Option.none(), update: { $set: { age: 1 } } }
    }])
    expect(users.deleteMany).type.not.toBeCallableWith(Result.succeed(1))
    expect(users.deleteMany).type.not.toBeCallableWith(Duration.seconds(1))
    expect(users.deleteMany).type.not.toBeCallableWith(DateTime.makeUnsafe(0))
    expect(users.deleteMany).type.not.toBeCallableWith(BigDecimal.fromBigInt(1n))
    expect(users.deleteMany).type.not.toBeCallableWith(HashMap.empty<string, number>())
    expect(users.deleteMany).type.not.toBeCallableWith(Chunk.empty())
    expect(users.deleteMany).type.not.toBeCallableWith(Redacted.make("secret"))
    expect(users.deleteMany).type.not.toBeCallableWith(Effect.succeed({}))
    expect(users.deleteMany).type.not.toBeCallableWith(Promise.resolve({}))
    expect(users.deleteMany).type.not.toBeCallableWith(new Map([["name", "Ada"]]))
    expect(users.deleteMany).type.not.toBeCallableWith(new Set(["Ada"]))
    expect(users.deleteMany).type.not.toBeCallableWith([{ name: "Ada" }])
    expect(users.deleteMany).type.not.toBeCallableWith(new Date(0))
    expect(users.deleteMany).type.not.toBeCallableWith(/a/)
    expect(users.deleteMany).type.not.toBeCallableWith(new Driver.ObjectId())
    expect(users.deleteMany).type.not.toBeCallableWith(new Uint8Array(1))
    expect(users.find).type.not.toBeCallableWith(user)
    expect(users.findOne).type.not.toBeCallableWith(user)
    expect(users.findOneAndDelete).type.not.toBeCallableWith(user)
    expect(users.findOneAndUpdate).type.not.toBeCallableWith(user, { $set: { age: 1 } })
    expect(users.findOneAndReplace).type.not.toBeCallableWith(user, { name: "Ada", age: 1, tags: [] })
    expect(users.updateOne).type.not.toBeCallableWith(user, { $set: { age: 1 } })
    expect(users.updateMany).type.not.toBeCallableWith(user, { $set: { age: 1 } })
    expect(users.updateMany).type.not.toBeCallableWith({}, user)
    expect(users.replaceOne).type.not.toBeCallableWith(user, { name: "Ada", age: 1, tags: [] })
    expect(users.deleteOne).type.not.toBeCallableWith(user)
    expect(users.countDocuments).type.not.toBeCallableWith(user)
    expect(users.distinct).type.not.toBeCallableWith("name", user)
    expect(anything.deleteMany).type.not.toBeCallableWith(user)
    expect(anything.deleteMany).type.not.toBeCallableWith(Duration.seconds(1))
  })

  it("are what has the form of one", () => {
    expect(users.find).type.toBeCallableWith(filter)
    expect(users.find).type.toBeCallableWith(drivers)
    expect(anything.find).type.toBeCallableWith(anyDocument)
    expect(anything.find).type.toBeCallableWith(query)
    expect(anything.find).type.toBeCallableWith(new Named())
  })

  it("are not optional where they decide what is lost", () => {
    expect(users.deleteOne).type.not.toBeCallableWith()
    expect(users.deleteMany).type.not.toBeCallableWith()
    expect(users.findOneAndDelete).type.not.toBeCallableWith()
    expect(users.updateMany).type.not.toBeCallableWith()
  })
})

describe("changes", () => {
  it("are typed on the document", () => {
    expect(users.updateOne).type.toBeCallableWith({}, {
      $set: { name: "Ada" },
      $inc: { age: 1 },
      $unset: { address: "" }
    })
    expect(users.updateOne).type.toBeCallableWith({}, [{ $set: { age: { $add: ["$age", 1] } } }])
    expect(users.updateOne).type.toBeCallableWith({}, { $set: { "address.city": "London" } })
    expect(users.updateOne).type.not.toBeCallableWith({}, { $set: { name: 36 } })
    expect(users.updateOne).type.not.toBeCallableWith({}, { $inc: { name: 1 } })
    expect(users.updateOne).type.not.toBeCallableWith({}, { $set: "Ada" })
    expect(users.updateMany).type.not.toBeCallableWith({}, { $set: { age: "37" } })
    expect(users.findOneAndUpdate).type.not.toBeCallableWith({}, { $set: { age: "37" } })
  })

  it("whole documents need all of the document", () => {
    const ada = { name: "Ada", age: 36, tags: [] }
    expect(users.insertOne).type.toBeCallableWith(ada)
    expect(users.insertOne).type.toBeCallableWith({ ...ada, address: { city: "London" } })
    expect(users.insertOne).type.not.toBeCallableWith({ name: "Ada" })
    expect(users.insertOne).type.not.toBeCallableWith({ ...ada, age: "36" })
    expect(users.insertMany).type.toBeCallableWith([ada, ada] as const)
    expect(users.insertMany).type.not.toBeCallableWith([{ name: "Ada" }])
    expect(users.insertMany).type.not.toBeCallableWith(ada)
    expect(users.replaceOne).type.toBeCallableWith({}, ada)
    expect(users.replaceOne).type.not.toBeCallableWith({}, { $set: { age: 37 } })
    expect(users.findOneAndReplace).type.not.toBeCallableWith({}, { name: "Ada" })
    expect(users.bulkWrite).type.toBeCallableWith([{ insertOne: { document: ada } }, { deleteOne: { filter: {} } }])
    expect(users.bulkWrite).type.not.toBeCallableWith([{ insertOne: { document: { name: "Ada" } } }])
    expect(users.bulkWrite).type.not.toBeCallableWith([{ updateOne: { filter: { name: 36 }, update: {} } }])
  })

  it("a document whose type has an _id needs one", () => {
    const numbered = {} as MongoCollection.MongoCollection<{ readonly _id: number; readonly a: string }>
    expect(numbered.insertOne).type.toBeCallableWith({ _id: 1, a: "" })
    expect(numbered.insertOne).type.not.toBeCallableWith({ a: "" })
    expect(numbered.find).type.toBeCallableWith({ _id: 1 })
    expect(numbered.find).type.not.toBeCallableWith({ _id: "1" })
  })
})

describe("results", () => {
  it("R is never and the error is exactly MongoError", () => {
    type Operation<A> = Effect.Effect<A, MongoError.MongoError, never>
    const ada = {} as User
    expect(users.insertOne(ada)).type.toBe<Operation<Driver.InsertOneResult<User>>>()
    expect(users.insertMany([ada])).type.toBe<Operation<Driver.InsertManyResult<User>>>()
    expect(users.findOne()).type.toBe<Operation<Option.Option<Stored>>>()
    expect(users.findOneAndDelete({})).type.toBe<Operation<Option.Option<Stored>>>()
    expect(users.findOneAndReplace({}, ada)).type.toBe<Operation<Option.Option<Stored>>>()
    expect(users.findOneAndUpdate({}, {})).type.toBe<Operation<Option.Option<Stored>>>()
    expect(users.updateOne({}, {})).type.toBe<Operation<Driver.UpdateResult<User>>>()
    expect(users.updateMany({}, {})).type.toBe<Operation<Driver.UpdateResult<User>>>()
    expect(users.replaceOne({}, ada)).type.toBe<Operation<Driver.UpdateResult<User>>>()
    expect(users.deleteOne({})).type.toBe<Operation<Driver.DeleteResult>>()
    expect(users.deleteMany({})).type.toBe<Operation<Driver.DeleteResult>>()
    expect(users.bulkWrite([])).type.toBe<Operation<Driver.BulkWriteResult>>()
    expect(users.countDocuments()).type.toBe<Operation<number>>()
    expect(users.estimatedDocumentCount()).type.toBe<Operation<number>>()
    expect(users.createIndex({ name: 1 })).type.toBe<Operation<string>>()
    expect(users.createIndexes([])).type.toBe<Operation<Array<string>>>()
    expect(users.dropIndex("")).type.toBe<Operation<void>>()
    expect(users.dropIndexes()).type.toBe<Operation<boolean>>()
    expect(users.indexExists("")).type.toBe<Operation<boolean>>()
    expect(users.options()).type.toBe<Operation<Driver.Document>>()
    expect(users.isCapped()).type.toBe<Operation<boolean>>()
    expect(users.rename("")).type.toBe<Operation<MongoCollection.MongoCollection<User>>>()
    expect(users.drop()).type.toBe<Operation<boolean>>()
    expect(users.withOptions({})).type.toBe<MongoCollection.MongoCollection<User>>()
  })

  it("distinct has the type of the key", () => {
    expect(users.distinct("age")).type.toBe<Effect.Effect<Array<number>, MongoError.MongoError>>()
    expect(users.distinct("tags")).type.toBe<Effect.Effect<Array<string>, MongoError.MongoError>>()
    expect(users.distinct("address.city")).type.toBe<Effect.Effect<Array<unknown>, MongoError.MongoError>>()
    expect(users.distinct<string>("address.city")).type.toBe<Effect.Effect<Array<string>, MongoError.MongoError>>()
  })
})

describe("queries", () => {
  const find = users.find()

  it("are effects of all their documents", () => {
    expect(find).type.toBe<Query.FindQuery<Stored>>()
    expect(find).type.toBeAssignableTo<Effect.Effect<Array<Stored>, MongoError.MongoError, never>>()
    expect<Effect.Error<typeof find>>().type.toBe<MongoError.MongoError>()
    expect<Effect.Services<typeof find>>().type.toBe<never>()
    const program = Effect.gen(function*() {
      return yield* find
    })
    expect(program).type.toBe<Effect.Effect<Array<Stored>, MongoError.MongoError, never>>()
  })

  it("are pipeable", () => {
    expect(find.pipe(Effect.map((all) => all.length))).type.toBe<Effect.Effect<number, MongoError.MongoError>>()
    const caught = find.pipe(Effect.catchReason("MongoError", "CursorError", () => Effect.succeed([])))
    expect<Effect.Error<typeof caught>>().type.toBe<MongoError.MongoError>()
    const handled = find.pipe(Effect.catchTag("MongoError", () => Effect.succeed("none")))
    expect(handled).type.toBe<Effect.Effect<Array<Stored> | string, never, never>>()
  })

  it("have views; only one fails with more than a MongoError", () => {
    expect(find.stream).type.toBe<Stream.Stream<Stored, MongoError.MongoError, never>>()
    expect(find.batches).type.toBe<Stream.Stream<ReadonlyArray<Stored>, MongoError.MongoError, never>>()
    expect(find.raw).type.toBe<Stream.Stream<Uint8Array, MongoError.MongoError, never>>()
    expect(find.first).type.toBe<Effect.Effect<Option.Option<Stored>, MongoError.MongoError, never>>()
    expect(find.one).type.toBe<Effect.Effect<Stored, MongoError.MongoError | Cause.NoSuchElementError, never>>()
    expect(find.explain()).type.toBe<Effect.Effect<QueryPlan.QueryPlan, MongoError.MongoError, never>>()
  })

  it("keep their type when they are built on, save for project", () => {
    const built = find.sort({ age: -1 }).limit(10).skip(1).hint("age_1").batchSize(2).maxTimeMS(100).comment("why")
    expect(built).type.toBe<Query.FindQuery<Stored>>()
    expect(find.project<{ age: number }>({ age: 1 })).type.toBe<Query.FindQuery<{ age: number }>>()
    expect(find.project({ age: 1 })).type.toBe<Query.FindQuery<Driver.Document>>()
    expect(find.limit).type.not.toBeCallableWith("10")
  })

  it("of a pipeline have the type that is said", () => {
    expect(users.aggregate()).type.toBe<Query.AggregateQuery<Driver.Document>>()
    const grouped = users.aggregate<{ _id: string; count: number }>([{ $group: { _id: "$name", count: { $sum: 1 } } }])
    expect(grouped).type.toBe<Query.AggregateQuery<{ _id: string; count: number }>>()
    expect(grouped).type.toBeAssignableTo<Effect.Effect<Array<{ _id: string; count: number }>, MongoError.MongoError>>()
    expect(grouped.one).type.toBe<
      Effect.Effect<{ _id: string; count: number }, MongoError.MongoError | Cause.NoSuchElementError>
    >()
    expect(users.aggregate).type.not.toBeCallableWith({ $match: {} })
    expect(users.listIndexes()).type.toBe<Query.Query<Driver.IndexDescriptionInfo>>()
    expect(users.listIndexes()).type.not.toHaveProperty("explain")
    expect(grouped).type.not.toHaveProperty("sort")
  })
})
