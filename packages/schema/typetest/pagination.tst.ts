import type { MongoDatabase, Query } from "@mongofx/core"
import { Bson, type DocumentError, Pagination, Pipeline, TypedCollection, TypedQuery } from "@mongofx/schema"
import { Context, type Effect, type Redacted, type Result, Schema, type Stream } from "effect"
import type { ObjectId } from "mongodb"
import { describe, expect, it } from "tstyche"

class User extends Schema.Class<User>("typetest/pagination/User")({ _id: Bson.ObjectId, name: Schema.String }) {}
class Salt extends Context.Service<Salt, string>()("typetest/pagination/Salt") {}

declare const db: MongoDatabase.MongoDatabase
declare const Salted: Schema.Codec<{ readonly name: string }, { readonly name: string }, Salt>
declare const key: Redacted.Redacted

const users = TypedCollection.make(db, "users", User)

type Read<A> = Effect.Effect<Pagination.Page<A>, Pagination.Failure>

describe("Pagination.page", () => {
  it("gives the documents of the query, whatever its projection and its treatment of invalid ones", () => {
    const query = users.find({ name: "Ada" }).sort({ name: -1 })
    expect(Pagination.page(query, { first: 10 })).type.toBe<Read<User>>()
    expect(query.pipe(Pagination.page({ last: 10, before: "x" }))).type.toBe<Read<User>>()
    expect(Pagination.page(query.onInvalid("skip"), { first: 10 })).type.toBe<Read<User>>()
    expect(Pagination.page(query.onInvalid("collect"), { first: 10 })).type.toBe<
      Read<Result.Result<User, DocumentError.DocumentError>>
    >()
    expect(Pagination.page(query.project({ name: 1 }), { first: 10 })).type.toBe<
      Read<{ readonly name: string; readonly _id: ObjectId }>
    >()
    expect(Pagination.page(TypedQuery.fromIterable([1]), { first: 10 })).type.toBe<Read<number>>()
  })

  it("has a count if it is asked for", () => {
    type Counted = Effect.Effect<Pagination.CountedPage<User>, Pagination.Failure>
    expect(Pagination.page(users.find(), { first: 10, total: true })).type.toBe<Counted>()
    expect(users.find().pipe(Pagination.page({ first: 10, total: true }))).type.toBe<Counted>()
    expect(Pagination.page(users.find(), { first: 10, total: false })).type.toBe<Read<User>>()
    expect(Pagination.page(users.find(), { first: 10, total: true as boolean })).type.toBe<Read<User>>()
  })

  it("needs the services of the codecs", () => {
    const salted = TypedCollection.make(db, "salted", Salted)
    expect(Pagination.page(salted.find(), { first: 1 })).type.toBe<
      Effect.Effect<Pagination.Page<{ readonly name: string }>, Pagination.Failure, Salt>
    >()
  })

  it("goes one way", () => {
    expect(Pagination.page).type.toBeCallableWith(users.find(), {
      first: 1,
      after: null,
      last: null,
      before: undefined
    })
    expect(Pagination.page).type.toBeCallableWith(users.find(), { last: 1, key, bothEnds: true })
    expect(Pagination.page).type.not.toBeCallableWith(users.find(), {})
    expect(Pagination.page).type.not.toBeCallableWith(users.find(), { after: "x" })
    expect(Pagination.page).type.not.toBeCallableWith(users.find(), { first: 1, last: 1 })
    expect(Pagination.page).type.not.toBeCallableWith(users.find(), { first: 1, before: "x" })
    expect(Pagination.page).type.not.toBeCallableWith(users.find(), { last: 1, after: "x" })
    expect(Pagination.page).type.not.toBeCallableWith(users.find(), { first: "1" })
    expect(Pagination.page).type.not.toBeCallableWith(users.find(), { first: 1, key: "secret" })
  })

  it("takes queries of find only", () => {
    const sorted = users.aggregate((users) => users.pipe(Pipeline.sort({ name: 1 })))
    expect(Pagination.page).type.not.toBeCallableWith(sorted, { first: 1 })
    expect(Pagination.page).type.not.toBeCallableWith(users.untyped.find(), { first: 1 })
    expect(Pagination.page).type.not.toBeCallableWith(users, { first: 1 })
  })
})

describe("Pagination", () => {
  it("streams pages, which take no count", () => {
    type Pages = Stream.Stream<Pagination.Page<User>, Pagination.Failure>
    expect(Pagination.pages(users.find(), { first: 1 })).type.toBe<Pages>()
    expect(users.find().pipe(Pagination.pages({ last: 1 }))).type.toBe<Pages>()
    expect(Pagination.pages).type.not.toBeCallableWith(users.find(), { first: 1, total: true })
  })

  it("maps pages, and keeps their count", () => {
    const name = (user: User) => user.name
    expect(Pagination.map({} as Pagination.Page<User>, name)).type.toBe<Pagination.Page<string>>()
    expect(Pagination.map({} as Pagination.CountedPage<User>, name)).type.toBe<Pagination.CountedPage<string>>()
    expect(Pagination.toConnection({} as Pagination.CountedPage<User>)).type.toBe<Pagination.Connection<User>>()
    const Users = Pagination.Connection(User)
    expect<typeof Users.Type>().type.toBeAssignableTo<Pagination.Connection<User>>()
    expect<Pagination.Connection<User>>().type.toBeAssignableTo<typeof Users.Type>()
  })

  it("has the queries of a page", () => {
    expect(Pagination.queries(users.find(), { first: 1 })).type.toBe<
      Effect.Effect<ReadonlyArray<Query.Explainable<TypedQuery.Failure>>, Pagination.Failure>
    >()
  })
})

it("a function can page the query of any collection", () => {
  const newest = <S extends Schema.Constraint & { readonly Type: { readonly at: Date } }>(
    collection: TypedCollection.TypedCollection<S>
  ) => Pagination.page(collection.find().sort({ at: -1 }), { first: 10 })
  expect(newest).type.toBe<
    <S extends Schema.Constraint & { readonly Type: { readonly at: Date } }>(
      collection: TypedCollection.TypedCollection<S>
    ) => Effect.Effect<Pagination.Page<S["Type"]>, Pagination.Failure, S["DecodingServices"] | S["EncodingServices"]>
  >()
})
