import { assert, describe, it } from "@effect/vitest"
import { Bson } from "@mongofx/schema"
import { Arbitrary, BigDecimal, Effect, Result, Schema, SchemaAST } from "effect"
import * as Driver from "mongodb"
import { runInNewContext } from "node:vm"

const { deserialize, EJSON, serialize } = Driver.BSON

const oid = "507f1f77bcf86cd799439011"
const objectId = new Driver.ObjectId(oid)
const bytesOf = (...bytes: Array<number>) => Uint8Array.from(bytes)

interface Cases<T, E> {
  /** Inputs of decoding, with their results. */
  readonly decodes: ReadonlyArray<readonly [unknown, T]>
  /** Inputs of encoding, with the values for the driver. */
  readonly encodes: ReadonlyArray<readonly [T, E]>
  /** A value, and one that is not equivalent to it. */
  readonly differ: ReadonlyArray<readonly [T, T]>
  /** Inputs that do not decode, with the whole message. */
  readonly rejects: ReadonlyArray<readonly [unknown, string]>
  /** Values that do not encode, with the whole message. */
  readonly rejectsEncode?: ReadonlyArray<readonly [unknown, string]>
  /** A value and its canonical Extended JSON. */
  readonly json: ReadonlyArray<readonly [T, unknown]>
  /** Further forms of Extended JSON that decode. */
  readonly jsonDecodes?: ReadonlyArray<readonly [unknown, T]>
  readonly jsonRejects: ReadonlyArray<readonly [unknown, string]>
  readonly bsonType: unknown
  /** How documents are read in the property test. */
  readonly reads?: ReadonlyArray<Driver.BSON.DeserializeOptions>
}

const message = (result: Result.Result<unknown, Schema.SchemaError>) => {
  if (Result.isFailure(result)) return result.failure.message
  assert.fail(`was accepted: ${String(result.success)}`)
}

const stored = (value: unknown): string => Buffer.from(serialize({ value })).toString("hex")

/** Asserts the same stored bytes, and the same class for values of the driver. */
const assertStored = (actual: unknown, expected: unknown) => {
  assert.strictEqual(stored(actual), stored(expected))
  assert.strictEqual(Object(actual).constructor, Object(expected).constructor)
}

const suite = <T, E>(name: string, schema: Schema.Codec<T, E>, cases: Cases<T, E>) => {
  const json = Schema.toCodecJson(schema)
  const isSame = Schema.toEquivalence(schema)
  const decode = Schema.decodeUnknownSync(schema)
  const encode = Schema.encodeSync(schema)
  const assertSame = (actual: T, expected: T) => {
    assert.isTrue(Schema.is(schema)(actual))
    assertStored(encode(actual), encode(expected))
    assert.isTrue(isSame(actual, expected))
  }

  describe(name, () => {
    it("decodes", () => {
      for (const [input, output] of cases.decodes) assertSame(decode(input), output)
    })

    it("encodes", () => {
      for (const [input, output] of cases.encodes) assertStored(encode(input), output)
    })

    it("tells values apart", () => {
      for (const [a, b] of cases.differ) assert.isFalse(isSame(a, b))
    })

    it("rejects", () => {
      for (const [input, expected] of cases.rejects) {
        assert.strictEqual(message(Schema.decodeUnknownResult(schema)(input)), expected)
      }
      for (const [input, expected] of cases.rejectsEncode ?? []) {
        assert.strictEqual(message(Schema.encodeUnknownResult(schema)(input)), expected)
      }
    })

    it("names the path of a rejected value", () => {
      const [input, expected] = cases.rejects[0]!
      const list = Schema.Struct({ values: Schema.Array(schema) })
      assert.strictEqual(
        message(Schema.decodeUnknownResult(list)({ values: [input] })),
        `${expected}\n  at ["values"][0]`
      )
    })

    it("converts to and from Extended JSON", () => {
      for (const [value, expected] of cases.json) {
        assert.deepStrictEqual(Schema.encodeSync(json)(value), expected)
        assertSame(Schema.decodeUnknownSync(json)(expected), value)
      }
      for (const [input, output] of cases.jsonDecodes ?? []) {
        assertSame(Schema.decodeUnknownSync(json)(input), output)
      }
      for (const [input, expected] of cases.jsonRejects) {
        assert.strictEqual(message(Schema.decodeUnknownResult(json)(input)), expected)
      }
    })

    it("is annotated with its type on both sides", () => {
      for (const ast of [schema.ast, SchemaAST.toEncoded(schema.ast)]) {
        assert.deepStrictEqual(SchemaAST.resolve(ast)?.["bsonType"], cases.bsonType)
      }
    })

    it.prop("comes back from BSON with any options of reading", [schema], ([value]) => {
      const bytes = serialize({ value: encode(value) })
      for (
        const options of cases.reads ?? [{}, { promoteValues: false }, { promoteLongs: false }, { useBigInt64: true }]
      ) {
        assertSame(decode(deserialize(bytes, options)["value"]), value)
      }
    })

    it.prop("comes back from JSON, which is the driver's Extended JSON", [schema], ([value]) => {
      const written = JSON.stringify(Schema.encodeSync(json)(value))
      assertSame(Schema.decodeUnknownSync(json)(JSON.parse(written)), value)
      // Goes through bytes, since EJSON alone reads some doubles inside documents as integers.
      const exact = deserialize(serialize({ value: encode(value) }), { promoteValues: false, bsonRegExp: true })
      assert.deepStrictEqual(JSON.parse(written), JSON.parse(EJSON.stringify(exact, { relaxed: false })).value)
    })
  })
}

suite("ObjectId", Bson.ObjectId, {
  decodes: [[new Driver.ObjectId(oid), objectId]],
  encodes: [[objectId, objectId]],
  differ: [[objectId, new Driver.ObjectId("507f1f77bcf86cd799439012")]],
  rejects: [
    [oid, "Expected an ObjectId"],
    [undefined, "Expected an ObjectId"],
    [null, "Expected an ObjectId"],
    // Values that a client can send in a JSON body.
    [{ _bsontype: "ObjectId", id: oid }, "Expected an ObjectId"],
    [
      { _bsontype: "ObjectId", [Symbol.for("@@mdb.bson.version")]: 6 },
      "Expected an ObjectId of bson 7, which the driver writes, instead of bson 6"
    ]
  ],
  rejectsEncode: [[oid, "Expected an ObjectId"]],
  json: [[objectId, { $oid: oid }]],
  jsonDecodes: [[{ $oid: oid.toUpperCase() }, objectId]],
  jsonRejects: [
    [oid, "Expected object"],
    [{ $oid: "xyz" }, "Expected 24 hex digits\n  at [\"$oid\"]"]
  ],
  bsonType: "objectId"
})

describe("ObjectIdFromHex", () => {
  it("decodes hex digits of either case, and encodes small ones", () => {
    const id = Schema.decodeUnknownSync(Bson.ObjectIdFromHex)(oid.toUpperCase())
    assert.isTrue(id.equals(objectId))
    assert.strictEqual(Schema.encodeSync(Bson.ObjectIdFromHex)(objectId), oid)
  })

  it("rejects", () => {
    const reject = (input: unknown) => message(Schema.decodeUnknownResult(Bson.ObjectIdFromHex)(input))
    assert.strictEqual(reject(oid.slice(1)), "Expected 24 hex digits")
    assert.strictEqual(reject(`${oid}\n`), "Expected 24 hex digits")
    // ObjectId takes any text of 12 bytes in some versions of bson.
    assert.strictEqual(reject("twelve bytes"), "Expected 24 hex digits")
    assert.strictEqual(reject(objectId), "Expected string")
  })

  it.prop("round trips", [Bson.ObjectIdFromHex], ([id]) => {
    const hex = Schema.encodeSync(Bson.ObjectIdFromHex)(id)
    assert.isTrue(Schema.decodeUnknownSync(Bson.ObjectIdFromHex)(hex).equals(id))
    assert.strictEqual(Schema.encodeSync(Schema.toCodecJson(Bson.ObjectIdFromHex))(id), hex)
  })
})

suite("Date", Bson.Date, {
  decodes: [
    [new Date(12), new Date(12)],
    [new Date(-8.64e15), new Date(-8.64e15)]
  ],
  encodes: [[new Date(12), new Date(12)]],
  differ: [[new Date(12), new Date(13)]],
  rejects: [
    [new Date(Number.NaN), "Expected a valid Date"],
    ["2020-01-01T00:00:00Z", "Expected a valid Date"],
    [12, "Expected a valid Date"],
    [{ getTime: () => 12 }, "Expected a valid Date"]
  ],
  json: [
    [new Date(12), { $date: { $numberLong: "12" } }],
    [new Date(-1), { $date: { $numberLong: "-1" } }]
  ],
  jsonDecodes: [
    [{ $date: "1970-01-01T00:00:00.012Z" }, new Date(12)],
    [{ $date: "1970-01-01T01:00:00+01:00" }, new Date(0)]
  ],
  jsonRejects: [
    [{ $date: "2020-13-01T00:00:00Z" }, "Expected a date that JavaScript can represent"],
    [{ $date: { $numberLong: "8640000000000001" } }, "Expected a date that JavaScript can represent"],
    ["2020-01-01T00:00:00Z", "Expected object"]
  ],
  bsonType: "date"
})

it("Date and Bytes take the objects of another realm", () => {
  assert.isTrue(Schema.is(Bson.Date)(runInNewContext("new Date(0)")))
  assert.isFalse(Schema.is(Bson.Date)(runInNewContext("new Date(NaN)")))
  assert.isTrue(Schema.is(Bson.Bytes)(runInNewContext("new Uint8Array(2)")))
  assert.isFalse(Schema.is(Bson.Bytes)(runInNewContext("new Uint16Array(2)")))
  assert.strictEqual(Schema.decodeUnknownSync(Bson.BSONRegExp)(runInNewContext("/a/i")).options, "i")
})

const int64Message = "Expected an integer from -2^63 to 2^63 - 1"
const overflowMessage = `${int64Message}, and not a double: a sum or a product of int64 that overflows is one`
const unsigned = Driver.Long.fromString("18446744073709551615", true)

suite("Long", Bson.Long, {
  decodes: [
    [12, Driver.Long.fromInt(12)],
    [2 ** 53, Driver.Long.fromString("9007199254740992")],
    [-(2n ** 63n), Driver.Long.MIN_VALUE],
    [Driver.Long.MAX_VALUE, Driver.Long.MAX_VALUE],
    [new Driver.Int32(-1), Driver.Long.NEG_ONE],
    [new Driver.Double(3), Driver.Long.fromInt(3)]
  ],
  encodes: [[Driver.Long.ONE, Driver.Long.ONE]],
  differ: [[Driver.Long.ONE, Driver.Long.fromString("4294967297")]],
  rejects: [
    [1.5, int64Message],
    [Number.NaN, int64Message],
    [2 ** 53 + 2, overflowMessage],
    [2n ** 63n, int64Message],
    [unsigned, int64Message],
    ["1", "Expected an int64"]
  ],
  rejectsEncode: [[unsigned, "Expected a signed Long of 64 bits"], [1, "Expected a signed Long of 64 bits"]],
  json: [[Driver.Long.MIN_VALUE, { $numberLong: "-9223372036854775808" }]],
  jsonDecodes: [[{ $numberInt: "1" }, Driver.Long.ONE], [1, Driver.Long.ONE]],
  jsonRejects: [
    [{ $numberLong: "9223372036854775808" }, "Expected an int64"],
    // JSON.parse may have rounded it.
    [2 ** 53, "Expected an integer"]
  ],
  bsonType: "long"
})

suite("Int64", Bson.Int64, {
  decodes: [
    [12, 12n],
    [-0, 0n],
    [2 ** 53, 2n ** 53n],
    [-(2 ** 53), -(2n ** 53n)],
    [2n ** 63n - 1n, 2n ** 63n - 1n],
    [Driver.Long.MIN_VALUE, -(2n ** 63n)],
    [new Driver.Int32(-1), -1n],
    [new Driver.Double(3), 3n]
  ],
  encodes: [[1n, Driver.Long.ONE], [2n ** 63n - 1n, Driver.Long.MAX_VALUE]],
  differ: [[1n, 2n]],
  rejects: [
    [1.5, int64Message],
    [2 ** 53 + 2, overflowMessage],
    [2n ** 63n, int64Message],
    [-(2n ** 63n) - 1n, int64Message],
    [unsigned, int64Message],
    ["1", "Expected an int64"]
  ],
  rejectsEncode: [
    [2n ** 63n, "Expected a bigint: an integer from -2^63 to 2^63 - 1"],
    [1, "Expected a bigint: an integer from -2^63 to 2^63 - 1"]
  ],
  json: [[-(2n ** 63n), { $numberLong: "-9223372036854775808" }], [1n, { $numberLong: "1" }]],
  jsonDecodes: [[{ $numberInt: "1" }, 1n], [{ $numberDouble: "1.0" }, 1n], [1, 1n]],
  jsonRejects: [
    [{ $numberLong: "9223372036854775808" }, "Expected an int64"],
    [{ $numberDouble: "1.5" }, int64Message],
    [2 ** 53, "Expected an integer"],
    ["1", "Expected object | number"]
  ],
  bsonType: "long"
})

const int32Message = "Expected an integer from -2^31 to 2^31 - 1"

suite("Int32", Bson.Int32, {
  decodes: [
    [2 ** 31 - 1, 2 ** 31 - 1],
    [-(2 ** 31), -(2 ** 31)],
    [3n, 3],
    [Driver.Long.NEG_ONE, -1],
    [new Driver.Double(3), 3]
  ],
  encodes: [[1, new Driver.Int32(1)], [-0, new Driver.Int32(0)]],
  differ: [[1, 2]],
  rejects: [
    [1.5, int32Message],
    [2 ** 31, int32Message],
    [-(2 ** 31) - 1, int32Message],
    [2n ** 31n, int32Message],
    [Number.NaN, int32Message],
    ["1", "Expected an int32"]
  ],
  rejectsEncode: [[2 ** 31, int32Message], [1.5, int32Message]],
  json: [[-1, { $numberInt: "-1" }]],
  jsonDecodes: [[7, 7], [{ $numberLong: "7" }, 7]],
  jsonRejects: [
    [{ $numberInt: "2147483648" }, "Expected an int32"],
    [{ $numberLong: "2147483648" }, int32Message],
    [1.5, "Expected an integer"]
  ],
  bsonType: "int"
})

it("Int32 decodes negative zero as zero", () => {
  assert.isTrue(Object.is(Schema.decodeUnknownSync(Bson.Int32)(-0), 0))
})

suite("Double", Bson.Double, {
  decodes: [
    [1.5, 1.5],
    [-0, -0],
    [Number.NaN, Number.NaN],
    [2n ** 63n, 2 ** 63],
    [Driver.Long.fromInt(3), 3],
    [new Driver.Int32(3), 3],
    [new Driver.Double(-0), -0]
  ],
  encodes: [[21, new Driver.Double(21)], [-0, new Driver.Double(-0)], [2 ** 40, new Driver.Double(2 ** 40)]],
  differ: [[1, 1.5]],
  rejects: [
    [2n ** 53n + 1n, "Expected a number that a double holds exactly"],
    [Driver.Long.MAX_VALUE, "Expected a number that a double holds exactly"],
    [10n ** 400n, "Expected a number that a double holds exactly"],
    ["1.5", "Expected a double"],
    [Driver.Decimal128.fromString("1"), "Expected a double"]
  ],
  rejectsEncode: [[1n, "Expected a number"]],
  json: [
    [21, { $numberDouble: "21.0" }],
    [1.5, { $numberDouble: "1.5" }],
    [-0, { $numberDouble: "-0.0" }],
    [Number.NaN, { $numberDouble: "NaN" }],
    [Number.NEGATIVE_INFINITY, { $numberDouble: "-Infinity" }]
  ],
  jsonDecodes: [[1.5, 1.5], [{ $numberInt: "1" }, 1], [{ $numberDouble: "1.E3" }, 1000]],
  jsonRejects: [
    [
      { $numberDouble: "one" },
      "Missing key\n  at [\"$numberInt\"]\nMissing key\n  at [\"$numberLong\"]\nExpected a number as text\n  at [\"$numberDouble\"]"
    ],
    ["1.5", "Expected object | number"]
  ],
  bsonType: "double"
})

const decimal = (text: string) => Driver.Decimal128.fromString(text)

suite("Decimal128", Bson.Decimal128, {
  decodes: [[decimal("1.50"), decimal("1.50")]],
  encodes: [[decimal("NaN"), decimal("NaN")]],
  differ: [[decimal("1.5"), decimal("1.50")]],
  rejects: [[1.5, "Expected a Decimal128"], ["1.5", "Expected a Decimal128"]],
  json: [[decimal("1.50"), { $numberDecimal: "1.50" }]],
  jsonDecodes: [[{ $numberDecimal: "+1.50" }, decimal("1.50")]],
  jsonRejects: [
    [
      { $numberDecimal: "1".repeat(35) },
      "Expected a number of at most 34 digits, in the range of Decimal128"
    ],
    [{ $numberDecimal: "one" }, "Expected a number as text\n  at [\"$numberDecimal\"]"],
    [1.5, "Expected object"]
  ],
  bsonType: "decimal"
})

const big = BigDecimal.make
const digits = 10n ** 34n - 1n

suite("BigDecimal", Bson.BigDecimal, {
  decodes: [
    [decimal("1.50"), big(150n, 2)],
    [decimal("-0"), big(0n, 0)],
    [decimal("9.999999999999999999999999999999999E+6144"), big(digits, -6111)],
    [decimal("1E-6176"), big(1n, 6176)]
  ],
  encodes: [
    [big(350n, 2), decimal("3.50")],
    [big(-350n, 2), decimal("-3.50")],
    [big(0n, 0), decimal("0")],
    // Zeros at the end are removed or added if the number fits only so.
    [big(digits * 1000n, 3), decimal(`${digits}`)],
    [big(10n, 6177), decimal("1E-6176")],
    [big(1n, -6144), decimal(`1${"0".repeat(33)}E+6111`)]
  ],
  differ: [[big(15n, 1), big(16n, 1)]],
  rejects: [
    [decimal("NaN"), "Expected a finite Decimal128"],
    [decimal("Infinity"), "Expected a finite Decimal128"],
    [decimal("-Infinity"), "Expected a finite Decimal128"],
    [1.5, "Expected a Decimal128"]
  ],
  rejectsEncode: [digits + 2n, 10n * digits + 1n].map((value) =>
    [big(value, 0), "Expected a BigDecimal of at most 34 digits, in the range of Decimal128"] as const
  ).concat(
    [[1n, 6177], [1n, -6145], [digits, -6112]].map(([value, scale]) =>
      [
        big(BigInt(value!), Number(scale)),
        "Expected a BigDecimal of at most 34 digits, in the range of Decimal128"
      ] as const
    )
  ),
  json: [[big(350n, 2), { $numberDecimal: "3.50" }]],
  jsonDecodes: [[{ $numberDecimal: "+1.50" }, big(150n, 2)]],
  jsonRejects: [[{ $numberDecimal: "NaN" }, "Expected a finite Decimal128"], [1.5, "Expected object"]],
  bsonType: "decimal"
})

suite("Binary", Bson.Binary, {
  decodes: [
    [new Driver.Binary(bytesOf(1, 2), 128), new Driver.Binary(bytesOf(1, 2), 128)],
    [new Driver.UUID(bytesOf(...Array.from({ length: 16 }, () => 1))), new Driver.UUID("01".repeat(16))]
  ],
  encodes: [[new Driver.Binary(bytesOf(1, 2), 5), new Driver.Binary(bytesOf(1, 2), 5)]],
  differ: [
    [new Driver.Binary(bytesOf(1)), new Driver.Binary(bytesOf(2))],
    [new Driver.Binary(bytesOf(1)), new Driver.Binary(bytesOf(1, 0))],
    [new Driver.Binary(bytesOf(1)), new Driver.Binary(bytesOf(1), 5)]
  ],
  rejects: [[bytesOf(1), "Expected a Binary"], ["AQI=", "Expected a Binary"]],
  json: [[new Driver.Binary(bytesOf(1, 2), 128), { $binary: { base64: "AQI=", subType: "80" } }]],
  jsonDecodes: [[{ $binary: { base64: "AQI=", subType: "0" } }, new Driver.Binary(bytesOf(1, 2))]],
  jsonRejects: [
    [{ $binary: { base64: "AQI", subType: "00" } }, "Expected binary data in base64"],
    [{ $binary: { base64: "A*I=", subType: "00" } }, "Expected base64\n  at [\"$binary\"][\"base64\"]"],
    [
      { $binary: { base64: "AQI=", subType: "xx" } },
      "Expected a subtype of one or two hex digits\n  at [\"$binary\"][\"subType\"]"
    ]
  ],
  bsonType: "binData"
})

suite("Bytes", Bson.Bytes, {
  decodes: [
    [new Driver.Binary(bytesOf(1, 2)), bytesOf(1, 2)],
    [bytesOf(1, 2), bytesOf(1, 2)],
    [Buffer.from([1, 2]), bytesOf(1, 2)]
  ],
  encodes: [[bytesOf(1, 2), new Driver.Binary(bytesOf(1, 2))]],
  differ: [[bytesOf(1), bytesOf(1, 0)], [bytesOf(1), bytesOf(2)]],
  rejects: [
    [new Driver.Binary(bytesOf(1), 5), "Expected a Binary of subtype 0"],
    [[1, 2], "Expected a Binary of subtype 0"],
    ["AQI=", "Expected a Binary of subtype 0"]
  ],
  rejectsEncode: [[[1, 2], "Expected a Uint8Array"]],
  json: [[bytesOf(1, 2), { $binary: { base64: "AQI=", subType: "00" } }]],
  jsonRejects: [[{ $binary: { base64: "AQI=", subType: "05" } }, "Expected a Binary of subtype 0"]],
  bsonType: "binData",
  reads: [{}, { promoteValues: false }, { promoteBuffers: true }]
})

it("Bytes copies its bytes, so a whole reply does not stay in memory", () => {
  const reply = serialize({ value: new Driver.Binary(bytesOf(1, 2)) })
  const bytes = Schema.decodeUnknownSync(Bson.Bytes)(deserialize(reply)["value"])
  assert.strictEqual(bytes.buffer.byteLength, 2)
  assert.strictEqual(Object.getPrototypeOf(bytes), Uint8Array.prototype)
})

const uuidText = "c8edabc3-f738-4ca3-b68d-ab92a91478a3"
const uuid = new Driver.UUID(uuidText)

suite("UUID", Bson.UUID, {
  decodes: [[new Driver.UUID(uuidText), uuid]],
  encodes: [[uuid, uuid]],
  differ: [[uuid, new Driver.UUID("c8edabc3-f738-4ca3-b68d-ab92a91478a4")]],
  rejects: [
    [uuidText, "Expected a UUID of subtype 4"],
    [new Driver.Binary(uuid.buffer, 3), "Expected a UUID of subtype 4"],
    [Object.assign(new Driver.UUID(), { sub_type: 3 }), "Expected a UUID of subtype 4"],
    [Object.assign(new Driver.UUID(), { position: 15 }), "Expected a UUID of subtype 4"],
    [new Driver.Binary(bytesOf(1), 4), "Expected a UUID of subtype 4"]
  ],
  json: [[uuid, { $binary: { base64: "yO2rw/c4TKO2jauSqRR4ow==", subType: "04" } }]],
  jsonDecodes: [[{ $uuid: uuidText }, uuid]],
  jsonRejects: [
    [{ $binary: { base64: "AQI=", subType: "04" } }, "Expected a UUID"],
    [{ $binary: { base64: "yO2rw/c4TKO2jauSqRR4ow==", subType: "03" } }, "Expected a UUID"],
    [{ $uuid: "c8" }, "Missing key\n  at [\"$binary\"]\nExpected a GUID\n  at [\"$uuid\"]"]
  ],
  bsonType: "binData"
})

const vectorMessage = "Expected a vector: a Binary of subtype 9 with a valid header"
const float32 = (...elements: Array<number>) => Driver.Binary.fromFloat32Array(Float32Array.from(elements))
const int8 = (...elements: Array<number>) => Driver.Binary.fromInt8Array(Int8Array.from(elements))
const bits = (...elements: Array<number>) => Driver.Binary.fromBits(elements)
const vectorReads = [{}, { promoteValues: false }]

suite("Vector", Bson.Vector, {
  decodes: [[int8(1, -1), int8(1, -1)], [float32(1.5), float32(1.5)], [bits(1, 0, 1), bits(1, 0, 1)]],
  encodes: [[int8(1), int8(1)]],
  differ: [[int8(1), bits(0, 0, 0, 0, 0, 0, 0, 1)], [int8(1), int8(2)]],
  rejects: [
    [new Driver.Binary(bytesOf(3, 0, 1)), vectorMessage],
    // A padding that only bits have, a float32 of three bytes, an unknown type, eight bits of padding, padding of nothing.
    [new Driver.Binary(bytesOf(3, 1, 1), 9), vectorMessage],
    [new Driver.Binary(bytesOf(39, 0, 1, 2, 3), 9), vectorMessage],
    [new Driver.Binary(bytesOf(1, 0, 1), 9), vectorMessage],
    [new Driver.Binary(bytesOf(16, 8, 1), 9), vectorMessage],
    [new Driver.Binary(bytesOf(16, 1), 9), vectorMessage],
    [new Driver.Binary(bytesOf(3), 9), vectorMessage],
    [[1, 2], vectorMessage]
  ],
  json: [[int8(1, 2), { $binary: { base64: "AwABAg==", subType: "09" } }]],
  jsonRejects: [
    [{ $binary: { base64: "AwABAg==", subType: "00" } }, "Expected a vector"],
    [{ $binary: { base64: "AQI=", subType: "09" } }, "Expected a vector"]
  ],
  bsonType: "binData",
  reads: vectorReads
})

suite("Float32Vector", Bson.Float32Vector, {
  decodes: [[float32(1.5, -0), Float32Array.of(1.5, -0)], [float32(), Float32Array.of()]],
  encodes: [[Float32Array.of(1.5, Number.NaN), float32(1.5, Number.NaN)]],
  differ: [[Float32Array.of(1), Float32Array.of(2)], [Float32Array.of(Number.NaN), Float32Array.of(0)]],
  rejects: [[int8(1), "Expected a vector of float32"], [[1.5], vectorMessage]],
  rejectsEncode: [[[1.5], "Expected a Float32Array"], [Float64Array.of(1.5), "Expected a Float32Array"]],
  json: [[Float32Array.of(1.5), { $binary: { base64: "JwAAAMA/", subType: "09" } }]],
  jsonRejects: [[{ $binary: { base64: "AwABAg==", subType: "09" } }, "Expected a vector of float32"]],
  bsonType: "binData",
  reads: vectorReads
})

suite("Int8Vector", Bson.Int8Vector, {
  decodes: [[int8(127, -128), Int8Array.of(127, -128)]],
  encodes: [[Int8Array.of(127, -128), int8(127, -128)]],
  differ: [[Int8Array.of(1), Int8Array.of(-1)]],
  rejects: [[bits(1), "Expected a vector of int8"], [Int8Array.of(1), vectorMessage]],
  rejectsEncode: [[bytesOf(1), "Expected an Int8Array"]],
  json: [[Int8Array.of(1, 2), { $binary: { base64: "AwABAg==", subType: "09" } }]],
  jsonRejects: [[{ $binary: { base64: "JwAAAMA/", subType: "09" } }, "Expected a vector of int8"]],
  bsonType: "binData",
  reads: vectorReads
})

suite("BitVector", Bson.BitVector, {
  decodes: [[bits(1, 0, 1), Int8Array.of(1, 0, 1)], [bits(), Int8Array.of()]],
  encodes: [[Int8Array.of(1, 0, 1), bits(1, 0, 1)]],
  differ: [[Int8Array.of(1), Int8Array.of(1, 0)]],
  rejects: [[int8(1), "Expected a vector of bits"]],
  rejectsEncode: [[Int8Array.of(2), "Expected an Int8Array of zeros and ones"]],
  json: [[Int8Array.of(1, 0, 1), { $binary: { base64: "EAWg", subType: "09" } }]],
  jsonRejects: [[{ $binary: { base64: "AwABAg==", subType: "09" } }, "Expected a vector of bits"]],
  bsonType: "binData",
  reads: vectorReads
})

const timestamp = (t: number, i: number) => new Driver.Timestamp({ t, i })

suite("Timestamp", Bson.Timestamp, {
  decodes: [[timestamp(7, 1), timestamp(7, 1)]],
  encodes: [[timestamp(7, 1), timestamp(7, 1)]],
  differ: [[timestamp(7, 1), timestamp(7, 2)], [timestamp(7, 1), timestamp(8, 1)]],
  rejects: [[Driver.Long.ONE, "Expected a Timestamp"], [new Date(0), "Expected a Timestamp"]],
  json: [[timestamp(2 ** 32 - 1, 1), { $timestamp: { t: 4294967295, i: 1 } }]],
  jsonRejects: [
    [
      { $timestamp: { t: -1, i: 0 } },
      "Expected a value between 0 and 4294967295\n  at [\"$timestamp\"][\"t\"]"
    ],
    [{ $timestamp: { t: 1 } }, "Missing key\n  at [\"$timestamp\"][\"i\"]"]
  ],
  bsonType: "timestamp"
})

const stickyMessage = "Expected a RegExp without the flag y, and without NUL in its source"
const nul = "a\0"
const regExpJsonMessage = "Expected a pattern without NUL, and options out of i, l, m, s, u and x"

suite("BSONRegExp", Bson.BSONRegExp, {
  decodes: [
    [new Driver.BSONRegExp("^a", "xi"), new Driver.BSONRegExp("^a", "ix")],
    [/^a/im, new Driver.BSONRegExp("^a", "im")],
    [/a/g, new Driver.BSONRegExp("a", "s")],
    [/a/s, new Driver.BSONRegExp("a", "s")],
    [/a/du, new Driver.BSONRegExp("a", "")]
  ],
  encodes: [[new Driver.BSONRegExp("^a", "lx"), new Driver.BSONRegExp("^a", "lx")]],
  differ: [
    [new Driver.BSONRegExp("a"), new Driver.BSONRegExp("b")],
    [new Driver.BSONRegExp("a"), new Driver.BSONRegExp("a", "i")]
  ],
  rejects: [
    ["a", "Expected a BSONRegExp or a RegExp"],
    [/a/y, stickyMessage],
    [new RegExp(nul), stickyMessage]
  ],
  rejectsEncode: [[/a/, "Expected a BSONRegExp"]],
  json: [[new Driver.BSONRegExp("^a/", "i"), { $regularExpression: { pattern: "^a/", options: "i" } }]],
  jsonDecodes: [
    [{ $regularExpression: { pattern: "a", options: "xi" } }, new Driver.BSONRegExp("a", "ix")]
  ],
  jsonRejects: [
    [{ $regularExpression: { pattern: "a", options: "z" } }, regExpJsonMessage],
    [{ $regularExpression: { pattern: "a\0", options: "" } }, regExpJsonMessage],
    [{ $regularExpression: { pattern: "a" } }, "Missing key\n  at [\"$regularExpression\"][\"options\"]"]
  ],
  bsonType: "regex",
  reads: [{ bsonRegExp: true }, { bsonRegExp: true, promoteValues: false }]
})

describe("BSONRegExp and RegExp", () => {
  const encoded = Schema.toEncoded(Bson.BSONRegExp)

  it.prop("reads the RegExp that the driver delivers by default", [Bson.BSONRegExp], ([{ options, pattern }]) => {
    const back = Schema.decodeUnknownSync(Bson.BSONRegExp)(
      deserialize(serialize({ value: new Driver.BSONRegExp(pattern, options) }))["value"]
    )
    assert.strictEqual(back.pattern, new RegExp(pattern).source.replace(/^\(\?:\)$/, back.pattern))
    assert.strictEqual(back.options, options.replaceAll(/[lux]/g, ""))
  })

  it("a RegExp has Extended JSON if the server knows its flags", () => {
    const json = Schema.toCodecJson(encoded)
    assert.deepStrictEqual(Schema.encodeSync(json)(/a/i), { $regularExpression: { pattern: "a", options: "i" } })
    assert.strictEqual(message(Schema.encodeUnknownResult(json)(/a/y)), regExpJsonMessage)
  })
})

const scoped = new Driver.Code("f()", { a: 1, id: objectId })

suite("Code", Bson.Code, {
  decodes: [[new Driver.Code("f()"), new Driver.Code("f()")], [scoped, scoped]],
  encodes: [[scoped, scoped]],
  differ: [
    [new Driver.Code("f()"), new Driver.Code("g()")],
    [new Driver.Code("f()"), new Driver.Code("f()", {})],
    [new Driver.Code("f()", { a: 1 }), new Driver.Code("f()", { a: 2 })]
  ],
  rejects: [["f()", "Expected a Code"], [() => 1, "Expected a Code"]],
  json: [
    [new Driver.Code("f()"), { $code: "f()" }],
    [scoped, { $code: "f()", $scope: { a: { $numberInt: "1" }, id: { $oid: oid } } }]
  ],
  jsonDecodes: [[{ $code: "f()", $scope: { a: 1, id: { $oid: oid } } }, scoped]],
  jsonRejects: [
    [{ $code: 1 }, "Expected string\n  at [\"$code\"]"],
    [{ $code: "f()", $scope: { id: { $oid: "xyz" } } }, "Expected code, and a scope in Extended JSON"]
  ],
  bsonType: ["javascript", "javascriptWithScope"]
})

suite("MinKey", Bson.MinKey, {
  decodes: [[new Driver.MinKey(), new Driver.MinKey()]],
  encodes: [[new Driver.MinKey(), new Driver.MinKey()]],
  differ: [],
  rejects: [[new Driver.MaxKey(), "Expected a MinKey"], [1, "Expected a MinKey"]],
  json: [[new Driver.MinKey(), { $minKey: 1 }]],
  jsonRejects: [[{ $minKey: 2 }, "Expected 1\n  at [\"$minKey\"]"]],
  bsonType: "minKey"
})

suite("MaxKey", Bson.MaxKey, {
  decodes: [[new Driver.MaxKey(), new Driver.MaxKey()]],
  encodes: [[new Driver.MaxKey(), new Driver.MaxKey()]],
  differ: [],
  rejects: [[new Driver.MinKey(), "Expected a MaxKey"], [1, "Expected a MaxKey"]],
  json: [[new Driver.MaxKey(), { $maxKey: 1 }]],
  jsonRejects: [[{ $minKey: 1 }, "Missing key\n  at [\"$maxKey\"]"]],
  bsonType: "maxKey"
})

const ref = new Driver.DBRef("users", objectId, "app", { note: "a" })

suite("DBRef", Bson.DBRef, {
  decodes: [[new Driver.DBRef("users", objectId), new Driver.DBRef("users", objectId)], [ref, ref]],
  encodes: [[ref, ref]],
  differ: [
    [ref, new Driver.DBRef("users", objectId)],
    [new Driver.DBRef("users", objectId), new Driver.DBRef("posts", objectId)]
  ],
  rejects: [
    [new Driver.DBRef("users", 1 as never), "Expected a DBRef to an ObjectId"],
    [{ $ref: "users", $id: objectId }, "Expected a DBRef to an ObjectId"]
  ],
  json: [
    [new Driver.DBRef("users", objectId), { $ref: "users", $id: { $oid: oid } }],
    [ref, { $ref: "users", $id: { $oid: oid }, $db: "app", note: "a" }]
  ],
  jsonRejects: [
    [{ $ref: "users", $id: 1 }, "Expected object\n  at [\"$id\"]"],
    [{ $id: { $oid: oid } }, "Missing key\n  at [\"$ref\"]"]
  ],
  bsonType: "object"
})

describe("relaxed Extended JSON of the driver", () => {
  const relaxed = <T, E>(schema: Schema.Codec<T, E>) => {
    const decode = Schema.decodeUnknownSync(Schema.toCodecJson(schema))
    const encode = Schema.encodeSync(schema)
    return (value: T): T => decode(JSON.parse(EJSON.stringify({ value: encode(value) }, { relaxed: true })).value)
  }

  it.prop("decodes to a Date", [Bson.Date], ([date]) => {
    assert.strictEqual(relaxed(Bson.Date)(date).getTime(), date.getTime())
  })

  it.prop("decodes to an Int32", [Bson.Int32], ([int]) => {
    assert.isTrue(relaxed(Bson.Int32)(int) === int)
  })

  it.prop("decodes to an Int64, for safe integers", [Bson.Int64], ([int]) => {
    if (Number.isSafeInteger(Number(int))) assert.strictEqual(relaxed(Bson.Int64)(int), int)
    else assert.throws(() => relaxed(Bson.Int64)(int), "Expected an integer")
  })

  it.prop("decodes to a Double, without the sign of negative zero", [Bson.Double], ([double]) => {
    assert.isTrue(Object.is(relaxed(Bson.Double)(double), Object.is(double, -0) ? 0 : double))
  })
})

describe("generators", () => {
  const sample = <T>(schema: Schema.Codec<T, unknown>) =>
    Arbitrary.sampleEffect(Arbitrary.schema(schema), { count: 300, seed: "mongofx" })

  it.effect("reach the edges of each type", () =>
    Effect.gen(function*() {
      const int64 = yield* sample(Bson.Int64)
      for (const edge of [-(2n ** 63n), 2n ** 63n - 1n, 2n ** 53n + 1n]) assert.include(int64, edge)
      const int32 = yield* sample(Bson.Int32)
      for (const edge of [-(2 ** 31), 2 ** 31 - 1]) assert.include(int32, edge)
      const double = yield* sample(Bson.Double)
      for (const edge of [Number.NaN, -0, Number.NEGATIVE_INFINITY, Number.MIN_VALUE]) {
        assert.isTrue(double.some((number) => Object.is(number, edge)), String(edge))
      }
      const dates = (yield* sample(Bson.Date)).map((date) => date.getTime())
      for (const edge of [-8.64e15, 8.64e15, -1]) assert.include(dates, edge)
      const decimals = (yield* sample(Bson.Decimal128)).map(String)
      for (const edge of ["NaN", "-0", "1E-6176"]) assert.include(decimals, edge)
      const lengths = (yield* sample(Bson.Bytes)).map(({ length }) => length)
      for (const edge of [0, 65_536]) assert.include(lengths, edge)
      const subTypes = (yield* sample(Bson.Binary)).map((binary) => binary.sub_type)
      for (const subType of [0, 2, 4, 128]) assert.include(subTypes, subType)
    }))

  it.effect("keep the checks of the schema, and reach its bounds", () =>
    Effect.gen(function*() {
      const ages = yield* sample(Bson.Int32.check(Schema.isBetween({ minimum: -1, maximum: 150 })))
      assert.isTrue(ages.every((age) => age >= -1 && age <= 150))
      assert.include(ages, -1)
      const longs = yield* sample(Bson.Int64.check(Schema.isGreaterThanOrEqualToBigInt(2n ** 62n)))
      assert.isTrue(longs.every((long) => long >= 2n ** 62n))
      assert.include(longs, 2n ** 63n - 1n)
      const degrees = yield* sample(Bson.Double.check(Schema.isBetween({ minimum: -90, maximum: 90 })))
      assert.isTrue(degrees.every((degree) => degree >= -90 && degree <= 90))
      const dates = yield* sample(Bson.Date.check(Schema.isGreaterThanDate(new Date(0))))
      assert.isTrue(dates.every((date) => date.getTime() > 0))
      const hashes = yield* sample(Bson.Bytes.check(Schema.isMinLength(32), Schema.isMaxLength(32)))
      assert.isTrue(hashes.every(({ length }) => length === 32))
    }))

  it.effect("share no object between values, so changing one value leaves the others", () =>
    Effect.gen(function*() {
      const values = yield* sample(Bson.Bytes)
      assert.strictEqual(new Set(values).size, values.length)
      assert.strictEqual(new Set(values.map(({ buffer }) => buffer)).size, values.length)
    }))
})

it("formats values as the driver does", () => {
  assert.strictEqual(Schema.toFormatter(Bson.ObjectId)(objectId), `new ObjectId("${oid}")`)
  assert.strictEqual(Schema.toFormatter(Bson.Date)(new Date(12)), "1970-01-01T00:00:00.012Z")
  assert.strictEqual(Schema.toFormatter(Bson.Decimal128)(decimal("1.50")), "new Decimal128(\"1.50\")")
})
