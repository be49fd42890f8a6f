import { ChangeStreamConsumer, type MongoDatabase, type MongoError, type ResumeTokenStore } from "@mongofx/core"
import { Bson, type DocumentError, type TypedChangeStream, TypedCollection } from "@mongofx/schema"
import { Context, type Effect, type Result, Schema } from "effect"
import { describe, expect, it } from "tstyche"

class User extends Schema.Class<User>("typetest/consumer/User")({ _id: Bson.ObjectId, name: Schema.String }) {}
class Salt extends Context.Service<Salt, string>()("typetest/consumer/Salt") {}

declare const db: MongoDatabase.MongoDatabase
declare const Salted: Schema.Codec<{ readonly name: string }, { readonly name: string }, Salt>
declare const mine: Effect.Effect<void, "mine", "service">

const users = TypedCollection.make(db, "users", User)

describe("ChangeStreamConsumer", () => {
  it("takes the change stream of a typed collection, with its errors", () => {
    const run = ChangeStreamConsumer.consume({
      name: "mail",
      watch: (position) => users.watch([], position),
      handler: (event) => {
        expect(event).type.toBe<TypedChangeStream.ChangeEvent<User>>()
        return mine
      }
    })
    expect(run).type.toBe<
      Effect.Effect<
        never,
        "mine" | MongoError.MongoError | DocumentError.DocumentError,
        "service" | ResumeTokenStore.ResumeTokenStore
      >
    >()
  })

  it("gives events that do not decode to the handler, when they are collected", () => {
    ChangeStreamConsumer.make({
      name: "mail",
      partitions: 4,
      watch: (position) => users.watch([], position).onInvalid("collect"),
      handler: (event) => {
        expect(event).type.toBe<Result.Result<TypedChangeStream.ChangeEvent<User>, DocumentError.DocumentError>>()
        return mine
      }
    })
  })

  it("needs the services of decoding", () => {
    const salted = TypedCollection.make(db, "salted", Salted)
    const run = ChangeStreamConsumer.consume({
      name: "mail",
      watch: (position) => salted.watch([], position),
      handler: () => mine
    })
    expect<Effect.Services<typeof run>>().type.toBe<"service" | Salt | ResumeTokenStore.ResumeTokenStore>()
  })
})
