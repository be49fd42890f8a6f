/**
 * What packages that build on core must be able to write, and what must not compile.
 *
 * @since 0.1.0
 */
import { Integration, type MongoCollection, type MongoDatabase, MongoError, type Query } from "@mongofx/core"
import type { Effect, Option } from "effect"
import type * as Driver from "mongodb"
import { describe, expect, it } from "tstyche"

interface User {
  readonly _id: number
  readonly name: string
}

declare const users: MongoCollection.MongoCollection<User>
declare const untyped: MongoCollection.MongoCollection
declare const db: MongoDatabase.MongoDatabase

describe("rawQuery", () => {
  it("gives the kind of query that it takes", () => {
    expect(Integration.rawQuery(users.find())).type.toBe<Query.FindQuery<Uint8Array>>()
    expect(Integration.rawQuery(users.aggregate([]))).type.toBe<Query.AggregateQuery<Uint8Array>>()
    expect(Integration.rawQuery(db.aggregate([]))).type.toBe<Query.AggregateQuery<Uint8Array>>()
    expect(Integration.rawQuery(users.listIndexes())).type.toBe<Query.Query<Uint8Array>>()
  })

  it("takes queries of core only", () => {
    expect(Integration.rawQuery).type.not.toBeCallableWith([new Uint8Array()])
    expect(Integration.rawQuery).type.not.toBeCallableWith(users)
  })
})

describe("rawReads", () => {
  it("takes what the operations of the collection take", () => {
    const reads = Integration.rawReads(users)
    expect(reads).type.toBe<Integration.RawReads<User>>()
    expect(reads.findOne({ name: "Ada" }, { sort: { name: 1 } })).type.toBe<
      Effect.Effect<Option.Option<Uint8Array>, MongoError.MongoError>
    >()
    expect(reads.findOne).type.toBeCallableWith()
    expect(reads.findOneAndDelete).type.not.toBeCallableWith()
    expect(reads.findOneAndUpdate).type.toBeCallableWith({ _id: 1 }, { $set: { name: "Ada" } }, {
      returnDocument: "after"
    })
    expect(reads.findOneAndUpdate).type.not.toBeCallableWith({ _id: 1 }, { $set: { name: 1 } })
    expect(reads.findOneAndReplace).type.toBeCallableWith({ _id: 1 }, { name: "Ada" })
  })

  it("has no door to the driver's own options", () => {
    expect(Integration.rawReads(users).findOne).type.not.toBeCallableWith({}, { raw: true })
    expect(Integration.rawReads(users).findOne).type.not.toBeCallableWith({}, { session: {} as Driver.ClientSession })
  })
})

describe("bsonOptions", () => {
  it("takes collections and databases, and the options of an operation", () => {
    expect(Integration.bsonOptions(users)).type.toBe<Integration.BsonOptions>()
    expect(Integration.bsonOptions(untyped, { promoteLongs: false })).type.toBe<Integration.BsonOptions>()
    expect(Integration.bsonOptions(db)).type.toBe<Integration.BsonOptions>()
    expect(Integration.bsonOptions).type.not.toBeCallableWith("users")
  })

  it("is what the driver takes", () => {
    expect<Integration.BsonOptions>().type.toBeAssignableTo<Driver.BSONSerializeOptions>()
  })

  it("is not a member of a collection", () => {
    expect(users).type.not.toHaveProperty("bsonOptions")
  })
})

describe("failure", () => {
  const said = { operation: "page", message: "first is not positive" }

  it("takes the fields of the reason", () => {
    expect(Integration.failure(MongoError.InvalidArgumentError, { ...said, path: "first" })).type.toBe<
      MongoError.MongoError
    >()
    expect(Integration.failure).type.toBeCallableWith(MongoError.UnknownError, { ...said, namespace: "app.users" })
    expect(Integration.failure).type.toBeCallableWith(MongoError.UnknownError, { ...said, cause: new Error() })
    expect(Integration.failure).type.toBeCallableWith(MongoError.TransactionError, {
      ...said,
      kind: "aborted",
      labels: ["TransientTransactionError"],
      code: 251
    })
  })

  it("refuses what the reason does not have, and asks for what it needs", () => {
    expect(Integration.failure).type.not.toBeCallableWith(MongoError.UnknownError, { ...said, path: "first" })
    expect(Integration.failure).type.not.toBeCallableWith(MongoError.TransactionError, said)
    expect(Integration.failure).type.not.toBeCallableWith(MongoError.TransactionError, { ...said, kind: "nonsense" })
    expect(Integration.failure).type.not.toBeCallableWith(MongoError.UnknownError, { operation: "page" })
    expect(Integration.failure).type.not.toBeCallableWith(MongoError.MongoError, said)
    expect(Integration.failure).type.not.toBeCallableWith(Error, said)
  })
})

describe("leases", () => {
  it("take durations of every kind and give fences", () => {
    const leases = Integration.leases(db, { collection: "leases" })
    expect(leases.acquire("a", "me", "1 minute")).type.toBe<
      Effect.Effect<Option.Option<Integration.Lease>, MongoError.MongoError>
    >()
    expect(leases.renew({ name: "a", fence: 1 }, 1000)).type.toBe<Effect.Effect<boolean, MongoError.MongoError>>()
    expect(leases.release).type.not.toBeCallableWith("a")
  })
})

describe("withLease", () => {
  it("gives what the work gives, or what ended the waiting, with the failures of both", () => {
    const lookedUp = {} as Effect.Effect<Option.Option<"done">, "unreadable", "lookup">
    const work = {} as Effect.Effect<number, "failed", "worker">
    expect(Integration.withLease(db, { name: "a", unless: lookedUp }, () => work)).type.toBe<
      Effect.Effect<
        number | "done",
        "failed" | "unreadable" | Integration.LeaseError | MongoError.MongoError,
        "worker" | "lookup"
      >
    >()
    expect(Integration.withLease(db, { name: "a" }, () => work)).type.toBe<
      Effect.Effect<number, "failed" | Integration.LeaseError | MongoError.MongoError, "worker">
    >()
  })

  it("needs a name, and works in a function that gets the lease", () => {
    expect(Integration.withLease).type.not.toBeCallableWith(db, {}, () => ({}) as Effect.Effect<void>)
    expect(Integration.withLease).type.not.toBeCallableWith(db, { name: "a" }, {} as Effect.Effect<void>)
    expect(Integration.withLease).type.not.toBeCallableWith(
      db,
      { name: "a", lease: 1 },
      () => ({}) as Effect.Effect<void>
    )
    Integration.withLease(db, { name: "a" }, (lease) => {
      expect(lease).type.toBe<Integration.HeldLease>()
      expect(lease.confirm).type.toBe<Effect.Effect<void, Integration.LeaseError | MongoError.MongoError>>()
      return {} as Effect.Effect<void>
    })
  })
})
