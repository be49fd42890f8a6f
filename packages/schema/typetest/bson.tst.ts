import { Bson } from "@mongofx/schema"
import { Schema } from "effect"
import type * as Driver from "mongodb"
import { describe, expect, it } from "tstyche"

describe("Bson", () => {
  it("has the driver's values on both sides", () => {
    const document = Schema.Struct({
      _id: Bson.ObjectId,
      born: Bson.Date,
      price: Bson.Decimal128,
      data: Bson.Binary,
      key: Bson.UUID,
      vector: Bson.Vector,
      at: Bson.Timestamp,
      code: Bson.Code,
      min: Bson.MinKey,
      max: Bson.MaxKey,
      ref: Bson.DBRef
    })
    interface Native {
      readonly _id: Driver.ObjectId
      readonly born: Date
      readonly price: Driver.Decimal128
      readonly data: Driver.Binary
      readonly key: Driver.UUID
      readonly vector: Driver.Binary
      readonly at: Driver.Timestamp
      readonly code: Driver.Code
      readonly min: Driver.MinKey
      readonly max: Driver.MaxKey
      readonly ref: Driver.DBRef
    }
    expect<typeof document.Type>().type.toBe<Native>()
    expect<typeof document.Encoded>().type.toBe<Native>()
    expect<typeof document.DecodingServices>().type.toBe<never>()
    expect<typeof document.EncodingServices>().type.toBe<never>()
  })

  it("decodes numbers, bytes, vectors and regular expressions to values of JavaScript", () => {
    expect<typeof Bson.Int32.Type>().type.toBe<number>()
    expect<typeof Bson.Int64.Type>().type.toBe<bigint>()
    expect<typeof Bson.Long.Type>().type.toBe<Driver.Long>()
    expect<typeof Bson.Double.Type>().type.toBe<number>()
    for (const schema of [Bson.Int32, Bson.Int64, Bson.Long, Bson.Double]) {
      expect<typeof schema.Encoded>().type.toBe<Bson.Numeric>()
    }
    expect<typeof Bson.Bytes.Type>().type.toBe<Uint8Array>()
    expect<typeof Bson.Bytes.Encoded>().type.toBe<Driver.Binary | Uint8Array>()
    expect<typeof Bson.Float32Vector.Type>().type.toBe<Float32Array>()
    expect<typeof Bson.Int8Vector.Type>().type.toBe<Int8Array>()
    expect<typeof Bson.BitVector.Type>().type.toBe<Int8Array>()
    expect<typeof Bson.BitVector.Encoded>().type.toBe<Driver.Binary>()
    expect<typeof Bson.BSONRegExp.Type>().type.toBe<Driver.BSONRegExp>()
    expect<typeof Bson.BSONRegExp.Encoded>().type.toBe<Driver.BSONRegExp | RegExp>()
    expect<typeof Bson.ObjectIdFromHex.Type>().type.toBe<Driver.ObjectId>()
    expect<typeof Bson.ObjectIdFromHex.Encoded>().type.toBe<string>()
  })

  it("keeps its type when it is checked or annotated", () => {
    expect(Bson.Int32.check(Schema.isGreaterThan(0))).type.toBe<Bson.Int32>()
    expect(Bson.ObjectId.annotate({ title: "An identifier" })).type.toBe<Bson.ObjectId>()
    expect(Bson.Bytes.check(Schema.isMinLength(1))).type.toBe<Bson.Bytes>()
  })

  it("takes only checks of its type", () => {
    expect(Bson.Int64.check).type.not.toBeCallableWith(Schema.isGreaterThan(0))
    expect(Bson.Int64.check).type.toBeCallableWith(Schema.isGreaterThanBigInt(0n))
  })

  it("tells branded identifiers apart", () => {
    const UserId = Bson.ObjectId.pipe(Schema.brand("UserId"))
    const PostId = Bson.ObjectId.pipe(Schema.brand("PostId"))
    expect<typeof UserId.Type>().type.toBeAssignableTo<Driver.ObjectId>()
    expect<typeof UserId.Type>().type.not.toBeAssignableTo<typeof PostId.Type>()
    expect<typeof UserId.Encoded>().type.toBe<Driver.ObjectId>()
  })

  it("types the annotation bsonType", () => {
    expect(Schema.String.annotate).type.toBeCallableWith({ bsonType: "string" })
    expect(Schema.String.annotate).type.toBeCallableWith({ bsonType: ["string", "null"] })
    expect(Schema.String.annotate).type.not.toBeCallableWith({ bsonType: "text" })
    expect<"binData" | "objectId" | "number">().type.toBeAssignableTo<Bson.BsonType>()
  })
})
