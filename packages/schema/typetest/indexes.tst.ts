import type { MongoDatabase } from "@mongofx/core"
import { Bson, MongoIndex, TypedCollection } from "@mongofx/schema"
import { type Effect, type Layer, Option, Schema, type Stream } from "effect"
import { describe, expect, it } from "tstyche"

class Address extends Schema.Class<Address>("Address")({ city: Schema.String, zip: Schema.String }) {}

const User = Schema.Struct({
  _id: Bson.ObjectId,
  email: Schema.String,
  seenAt: Schema.Date,
  address: Address,
  tags: Schema.Array(Schema.String),
  nickname: Schema.NullOr(Schema.String),
  deletedAt: Schema.optionalKey(Schema.Date),
  removedAt: Schema.OptionFromOptionalNullOr(Schema.Date)
})

class Users extends TypedCollection.Service<Users>()("app/Users", {
  name: "users",
  schema: User,
  indexes: [
    { key: { email: 1, _id: -1 }, unique: true, partialFilterExpression: { deletedAt: null, removedAt: null } },
    { key: { "address.city": 1, tags: 1 }, partialFilterExpression: { nickname: null, seenAt: { $gt: new Date() } } },
    { key: { seenAt: 1 }, expireAfterSeconds: 60, hidden: true },
    { key: { "$**": "text" }, weights: { email: 2 } }
  ]
}) {}

declare const users: TypedCollection.TypedCollection<typeof User>
declare const database: MongoDatabase.MongoDatabase

describe("declared indexes", () => {
  const declare = (indexes: TypedCollection.CollectionOptions<typeof User.Type>["indexes"]) =>
    TypedCollection.make(database, "users", User, { indexes })

  it("have keys of the schema", () => {
    expect(declare).type.toBeCallableWith([{ key: { email: 1 } }])
    expect(declare).type.not.toBeCallableWith([{ key: { mail: 1 } }])
    expect(declare).type.not.toBeCallableWith([{ key: { "address.town": 1 } }])
    expect(declare).type.not.toBeCallableWith([{ key: { email: "up" } }])
    expect(declare).type.not.toBeCallableWith([{ unique: true }])
  })

  it("have filters that the server takes, of values of the fields", () => {
    expect(declare).type.toBeCallableWith([{ key: { email: 1 }, partialFilterExpression: { email: { $gt: "a" } } }])
    expect(declare).type.toBeCallableWith([
      { key: { email: 1 }, partialFilterExpression: { removedAt: Option.some(new Date()) } }
    ])
    expect(declare).type.not.toBeCallableWith([{ key: { email: 1 }, partialFilterExpression: { email: 1 } }])
    expect(declare).type.not.toBeCallableWith([{ key: { email: 1 }, partialFilterExpression: { email: { $ne: "a" } } }])
    expect(declare).type.not.toBeCallableWith([
      { key: { email: 1 }, partialFilterExpression: { deletedAt: { $exists: false } } }
    ])
  })

  it("have null in filters only for fields that may be absent or null", () => {
    expect(declare).type.toBeCallableWith([{ key: { email: 1 }, partialFilterExpression: { deletedAt: null } }])
    expect(declare).type.toBeCallableWith([{ key: { email: 1 }, partialFilterExpression: { nickname: null } }])
    expect(declare).type.not.toBeCallableWith([{ key: { email: 1 }, partialFilterExpression: { email: null } }])
    expect(declare).type.not.toBeCallableWith([{ key: { email: 1 }, partialFilterExpression: { seenAt: null } }])
  })
})

describe("MongoIndex", () => {
  it("fails with what its operations can fail with", () => {
    expect(MongoIndex.plan(users)).type.toBe<Effect.Effect<MongoIndex.Plan, TypedCollectionFailure>>()
    expect(MongoIndex.ensure(users)).type.toBe<Effect.Effect<MongoIndex.Applied, MongoIndex.IndexFailure>>()
    expect(MongoIndex.apply(users, { collection: "", steps: [] })).type.toBe<
      Effect.Effect<MongoIndex.Applied, MongoIndex.IndexFailure | MongoIndex.PlanChanged>
    >()
    expect(MongoIndex.events(users)).type.toBe<Stream.Stream<MongoIndex.Event, MongoIndex.IndexFailure>>()
    expect(MongoIndex.events(users, { plan: { collection: "", steps: [] } })).type.toBe<
      Stream.Stream<MongoIndex.Event, MongoIndex.IndexFailure | MongoIndex.PlanChanged>
    >()
  })

  it("makes a layer of a service", () => {
    expect(MongoIndex.layer(Users)).type.toBe<Layer.Layer<never, MongoIndex.IndexFailure, Users>>()
  })

  it("takes collections only", () => {
    expect(MongoIndex.plan).type.not.toBeCallableWith(users.untyped)
    expect(MongoIndex.ensure).type.not.toBeCallableWith(users, { allowDrops: true })
  })
})

type TypedCollectionFailure = Effect.Error<ReturnType<typeof MongoIndex.drift<typeof User>>>
