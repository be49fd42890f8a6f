import type { MongoClient, MongoError, MongoSession } from "@mongofx/core"
import { Context, Effect, pipe } from "effect"
import type { WithId } from "mongodb"
import { describe, expect, it } from "tstyche"

interface Item {
  readonly _id: number
}

class Needed extends Context.Service<Needed, { readonly n: number }>()("Needed") {}

declare const mongo: MongoClient.MongoClient
declare const session: MongoSession.MongoSession
declare const effect: Effect.Effect<string, "mine", Needed>
const items = mongo.db("app").collection<Item>("items")

type Expected = Effect.Effect<string, "mine" | MongoError.MongoError, Needed>

describe("withTransaction", () => {
  it("takes the effect first", () => {
    expect(mongo.withTransaction(effect)).type.toBe<Expected>()
    expect(mongo.withTransaction(effect, { rerun: false })).type.toBe<Expected>()
    expect(session.withTransaction(effect)).type.toBe<Expected>()
  })

  it("or after its options", () => {
    expect(effect.pipe(mongo.withTransaction({ rerun: false }))).type.toBe<Expected>()
    expect(effect.pipe(mongo.withTransaction())).type.toBe<Expected>()
    expect(pipe(effect, session.withTransaction({ onNested: "fail" }))).type.toBe<Expected>()
  })

  it("or is put into a pipe as it is", () => {
    expect(effect.pipe(mongo.withTransaction)).type.toBe<Expected>()
    expect(pipe(effect, mongo.withTransaction)).type.toBe<Expected>()
  })

  it("takes a query as an effect", () => {
    expect(mongo.withTransaction(items.find())).type.toBe<Effect.Effect<Array<WithId<Item>>, MongoError.MongoError>>()
    expect(items.find().pipe(Effect.asVoid, mongo.withTransaction)).type.toBe<
      Effect.Effect<void, MongoError.MongoError>
    >()
  })

  it("keeps the types of a generic effect", () => {
    const generic = <A, E, R>(self: Effect.Effect<A, E, R>): Effect.Effect<A, E | MongoError.MongoError, R> =>
      mongo.withTransaction(self)
    expect(generic(effect)).type.toBe<Expected>()
    const piped = <A, E, R>(self: Effect.Effect<A, E, R>): Effect.Effect<A, E | MongoError.MongoError, R> =>
      self.pipe(mongo.withTransaction({ rerun: false }))
    expect(piped(effect)).type.toBe<Expected>()
  })

  it("refuses options that do not exist", () => {
    expect(mongo.withTransaction).type.not.toBeCallableWith(effect, { retry: false })
    expect(mongo.withTransaction).type.not.toBeCallableWith({ retry: false })
    expect(mongo.withTransaction).type.not.toBeCallableWith({ rerun: false, retry: 1 })
    expect(mongo.withTransaction).type.not.toBeCallableWith(1)
  })
})
