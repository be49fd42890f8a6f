import type { MongoDatabase } from "@mongofx/core"
import { Bson, MongoAudit, TypedCollection, type TypedQuery } from "@mongofx/schema"
import { Context, type Effect, Schema, type Stream } from "effect"
import { describe, expect, it } from "tstyche"

class User extends Schema.Class<User>("typetest/audit/User")({ _id: Bson.ObjectId, name: Schema.String }) {}
class Salt extends Context.Service<Salt, string>()("typetest/audit/Salt") {}

declare const db: MongoDatabase.MongoDatabase
declare const Salted: Schema.Codec<{ readonly name: string }, { readonly name: string }, Salt>

const users = TypedCollection.make(db, "users", User)

describe("MongoAudit", () => {
  it("gives progress and a report, and fails as typed operations do", () => {
    expect(MongoAudit.run(users)).type.toBe<
      Stream.Stream<MongoAudit.Progress | MongoAudit.Report, TypedQuery.Failure>
    >()
    expect(MongoAudit.report(users, { sample: 10 })).type.toBe<Effect.Effect<MongoAudit.Report, TypedQuery.Failure>>()
  })

  it("needs the services of the codec", () => {
    expect(MongoAudit.report(TypedCollection.make(db, "salted", Salted))).type.toBe<
      Effect.Effect<MongoAudit.Report, TypedQuery.Failure, Salt>
    >()
  })

  it("takes a filter of the collection's documents", () => {
    expect(MongoAudit.report).type.toBeCallableWith(users, { filter: { name: "Ada" } })
    expect(MongoAudit.report).type.not.toBeCallableWith(users, { filter: { nmae: "Ada" } })
    expect(MongoAudit.report).type.not.toBeCallableWith(users, { filter: { name: 3 } })
    expect(MongoAudit.report).type.not.toBeCallableWith(users, { sample: "many" })
  })

  it("does not take a collection without a schema", () => {
    expect(MongoAudit.report).type.not.toBeCallableWith(users.untyped)
  })

  it("is generic over collections", () => {
    const audit = <S extends Schema.Constraint>(collection: TypedCollection.TypedCollection<S>) =>
      MongoAudit.report(collection)
    expect(audit(users)).type.toBe<Effect.Effect<MongoAudit.Report, TypedQuery.Failure>>()
  })
})
