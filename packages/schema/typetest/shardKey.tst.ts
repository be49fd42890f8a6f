import type { MongoDatabase } from "@mongofx/core"
import { TypedCollection } from "@mongofx/schema"
import { Schema } from "effect"
import { describe, expect, it } from "tstyche"

const Order = Schema.Struct({
  _id: Schema.String,
  customer: Schema.Number,
  address: Schema.Struct({ city: Schema.String })
})

declare const database: MongoDatabase.MongoDatabase

describe("a shard key", () => {
  type Options = TypedCollection.CollectionOptions<typeof Order.Type>
  const declare = (shardKey: Options["shardKey"], broadcast?: Options["broadcast"]) =>
    TypedCollection.make(database, "orders", Order, { shardKey, broadcast })

  it("has fields of the schema, by value or hashed", () => {
    expect(declare).type.toBeCallableWith({ customer: 1 as const, _id: "hashed" as const })
    expect(declare).type.toBeCallableWith({ "address.city": 1 as const })
    expect(declare).type.not.toBeCallableWith({ costumer: 1 as const })
    expect(declare).type.not.toBeCallableWith({ "address.town": 1 as const })
    expect(declare).type.not.toBeCallableWith({ customer: -1 as const })
    expect(declare).type.not.toBeCallableWith({ customer: "text" as const })
  })

  it("lets writes ask every shard never, or by id", () => {
    expect(declare).type.toBeCallableWith({ customer: 1 as const }, "byId" as const)
    expect(declare).type.not.toBeCallableWith({ customer: 1 as const }, "always" as const)
  })
})
