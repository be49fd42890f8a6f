import type { MongoCollection, MongoDatabase, MongoError } from "@mongofx/core"
import { Bson, MongoInfer, TypedCollection } from "@mongofx/schema"
import { type Effect, Schema, type Stream } from "effect"
import type { Document } from "mongodb"
import { describe, expect, it } from "tstyche"

declare const db: MongoDatabase.MongoDatabase
declare const notes: MongoCollection.MongoCollection<{ readonly text: string }>

const users = TypedCollection.make(db, "users", Schema.Struct({ _id: Bson.ObjectId, name: Schema.String }))

describe("MongoInfer", () => {
  it("takes any collection", () => {
    expect(MongoInfer.schema(notes)).type.toBe<Effect.Effect<MongoInfer.Inferred, MongoError.MongoError>>()
    expect(MongoInfer.schema(users, { sample: 10, name: "User", enums: false })).type.toBe<
      Effect.Effect<MongoInfer.Inferred, MongoError.MongoError>
    >()
    expect(MongoInfer.run(users)).type.toBe<
      Stream.Stream<MongoInfer.Progress | MongoInfer.Summarized, MongoError.MongoError>
    >()
  })

  it("takes no other options", () => {
    expect(MongoInfer.schema).type.not.toBeCallableWith(notes, { size: 10 })
    expect(MongoInfer.infer).type.not.toBeCallableWith(MongoInfer.summarize([]), { sample: 10 })
    expect(MongoInfer.schema).type.not.toBeCallableWith("notes")
  })

  it("combines summaries alone", () => {
    expect(MongoInfer.combine(MongoInfer.summarize([]), MongoInfer.summarize([{ _id: 1 }]))).type.toBe<
      MongoInfer.Summary
    >()
    expect(MongoInfer.combine).type.not.toBeCallableWith(MongoInfer.summarize([]), { documents: 1 })
  })

  it("gives a schema that makes a collection", () => {
    const { schema } = MongoInfer.infer(MongoInfer.summarize([]))
    const inferred = TypedCollection.make(db, "users", schema)
    expect(inferred.find({}).first).type.toBeAssignableTo<Effect.Effect<unknown, unknown>>()
    expect<typeof inferred.schema.Type>().type.toBe<Document>()
  })
})
