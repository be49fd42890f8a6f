import type { MongoDatabase, MongoError } from "@mongofx/core"
import { Bson, MongoModel, MongoValidator, TypedCollection } from "@mongofx/schema"
import { Context, type Effect, Schema } from "effect"
import { Model } from "effect/schema"
import { describe, expect, it } from "tstyche"

class Salt extends Context.Service<Salt, string>()("typetest/validator/Salt") {}
class User extends Model.Class<User>("typetest/validator/User")({
  _id: MongoModel.ObjectIdGenerated,
  name: Schema.String
}) {}
const Order = Schema.Struct({ _id: Bson.ObjectId, total: Bson.BigDecimal })

class Users extends TypedCollection.Service<Users>()("typetest/validator/Users", { name: "users", schema: User }) {}
class Orders extends TypedCollection.Service<Orders>()("typetest/validator/Orders", {
  name: "orders",
  schema: Order
}) {}

declare const db: MongoDatabase.MongoDatabase
declare const Salted: Schema.Codec<{ readonly name: string }, { readonly name: string }, Salt>

const orders = TypedCollection.make(db, "orders", Order)
const salted = TypedCollection.make(db, "salted", Salted)

type Failure = MongoError.MongoError | MongoValidator.ValidatorError

describe("MongoValidator", () => {
  it("takes schemas, classes and models", () => {
    expect(MongoValidator.fromSchema).type.toBeCallableWith(Order)
    expect(MongoValidator.fromSchema).type.toBeCallableWith(User, { depth: 2, open: ["name"] })
    expect(MongoValidator.fromSchema).type.not.toBeCallableWith({ name: Schema.String })
    expect(MongoValidator.fromSchema).type.not.toBeCallableWith(Order, { depth: "2" })
  })

  it("needs the services of collections, and none of codecs", () => {
    expect(MongoValidator.plan(Users)).type.toBe<Effect.Effect<MongoValidator.Plan, Failure, Users>>()
    expect(MongoValidator.plan(orders)).type.toBe<Effect.Effect<MongoValidator.Plan, Failure>>()
    expect(MongoValidator.apply(salted, { level: "moderate" })).type.toBe<Effect.Effect<MongoValidator.Plan, Failure>>()
    expect(MongoValidator.applyAll([Users, Orders])).type.toBe<
      Effect.Effect<ReadonlyArray<MongoValidator.Plan>, Failure, Users | Orders>
    >()
    expect(MongoValidator.planAll([Users, orders])).type.toBe<
      Effect.Effect<ReadonlyArray<MongoValidator.Plan>, Failure, Users>
    >()
  })

  it("knows its settings", () => {
    expect(MongoValidator.apply).type.not.toBeCallableWith(orders, { level: "loose" })
    expect(MongoValidator.apply).type.not.toBeCallableWith(orders, { action: "log" })
    expect(MongoValidator.plan).type.not.toBeCallableWith(orders, { allowFailing: true })
    expect(MongoValidator.plan).type.not.toBeCallableWith("orders")
    expect(MongoValidator.plan).type.not.toBeCallableWith(Order)
  })

  it("works for any schema", () => {
    const validated = <S extends Schema.Constraint>(collection: TypedCollection.TypedCollection<S>) =>
      MongoValidator.apply(collection)
    expect(validated(orders)).type.toBe<Effect.Effect<MongoValidator.Plan, Failure>>()
  })
})
