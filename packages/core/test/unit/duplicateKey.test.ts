import { assert, describe, it } from "@effect/vitest"
import { parseDuplicateKey } from "@mongofx/core/internal/errors/duplicateKey"
import * as Driver from "mongodb"

const e11000 = (index: string, key: string) =>
  `E11000 duplicate key error collection: app.users index: ${index} dup key: ${key}`

describe("parseDuplicateKey", () => {
  it.each<readonly [string, string, Record<string, unknown>]>([
    ["a string", "\"Ada\"", { a: "Ada" }],
    ["a string with braces and commas", "\"x }, b: { y\"", { a: "x }, b: { y" }],
    ["a string with backslashes, which the server does not escape", "\"a\\nb\\\"", { a: "a\\nb\\" }],
    ["a string with quotes, which the server does not escape", "\"say \"hi\" now\"", { a: "say \"hi\" now" }],
    ["a string with a line break", "\"a\nb\"", { a: "a\nb" }],
    ["an empty string", "\"\"", { a: "" }],
    ["an integer", "42", { a: 42 }],
    ["a negative integer", "-42", { a: -42 }],
    ["a double", "1.5", { a: 1.5 }],
    ["a double with exponent", "1e+30", { a: "1e+30" }],
    ["a long that a number cannot hold", "9223372036854775807", { a: "9223372036854775807" }],
    ["null", "null", { a: null }],
    ["true", "true", { a: true }],
    ["false", "false", { a: false }],
    ["an ObjectId", "ObjectId('665f1f77bcf86cd799439011')", { a: new Driver.ObjectId("665f1f77bcf86cd799439011") }],
    ["a date", "new Date(1700000000000)", { a: new Date(1700000000000) }],
    ["a date before 1970", "new Date(-1)", { a: new Date(-1) }],
    ["a document, as text", "{ x: 1, y: \"}\" }", { a: "{ x: 1, y: \"}\" }" }],
    ["an array, as text", "[ 1, 2 ]", { a: "[ 1, 2 ]" }],
    ["MinKey, as text", "MinKey", { a: "MinKey" }]
  ])("reads %s", (_, value, keyValue) =>
    assert.deepStrictEqual(parseDuplicateKey(e11000("a_1", `{ a: ${value} }`)), {
      index: "a_1",
      keyPattern: { a: 1 },
      keyValue
    }))

  it("reads the fields and directions of a compound index in order", () => {
    const parsed = parseDuplicateKey(e11000("b.c_-1_a_1_t_hashed", "{ b.c: 1, a: \"x, y: 2\", t: null }"))
    assert.deepStrictEqual(parsed, {
      index: "b.c_-1_a_1_t_hashed",
      keyPattern: { "b.c": -1, a: 1, t: "hashed" },
      keyValue: { "b.c": 1, a: "x, y: 2", t: null }
    })
    assert.deepStrictEqual(Object.keys(parsed.keyPattern), ["b.c", "a", "t"])
  })

  it("reads the index on _id", () => {
    assert.deepStrictEqual(parseDuplicateKey(e11000("_id_", "{ _id: 1 }")), {
      index: "_id_",
      keyPattern: { _id: 1 },
      keyValue: { _id: 1 }
    })
  })

  it("assumes ascending directions if the name of the index does not say them", () => {
    assert.deepStrictEqual(parseDuplicateKey(e11000("my index", "{ a: 1, b: 2 }")), {
      index: "my index",
      keyPattern: { a: 1, b: 1 },
      keyValue: { a: 1, b: 2 }
    })
  })

  it("reads past a collation, whose keys are hexadecimal", () => {
    assert.deepStrictEqual(
      parseDuplicateKey(e11000("a_1 collation: { locale: \"en\", strength: 2 }", "{ a: \"0x2939\" }")),
      { index: "a_1", keyPattern: { a: 1 }, keyValue: { a: "0x2939" } }
    )
  })

  it("reads a key that other text follows", () => {
    const message = `Index build failed: 5875b883: Collection app.users ( 936fda0c ) :: caused by :: ${
      e11000("a_1", "{ a: null }")
    }`
    assert.deepStrictEqual(parseDuplicateKey(message), { index: "a_1", keyPattern: { a: 1 }, keyValue: { a: null } })
  })

  it.each([
    ["a document that is cut off", e11000("a_1", "{ a: \"x")],
    ["a quote inside of a string", e11000("a_1", "{ a: \"x\"y\" }")],
    ["brackets that do not close", e11000("a_1", "{ a: { b: 1 }")],
    ["text behind the document", e11000("a_1", "{ a: 1 } and more")],
    ["no document", e11000("a_1", "a: 1")],
    ["no key", "E11000 duplicate key error collection: app.users index: a_1"]
  ])(
    "says the index alone where there is %s",
    (_, message) => assert.deepStrictEqual(parseDuplicateKey(message), { index: "a_1", keyPattern: {}, keyValue: {} })
  )

  it.each(["", "something else", "dup key: { a: 1 }"])(
    "says nothing of %j",
    (message) => assert.deepStrictEqual(parseDuplicateKey(message), { index: undefined, keyPattern: {}, keyValue: {} })
  )

  it("keeps a field named __proto__ a field", () => {
    const { keyValue } = parseDuplicateKey(e11000("i", "{ __proto__: 1 }"))
    assert.isTrue(Object.hasOwn(keyValue, "__proto__"))
  })
})
