/**
 * The keys of documents, and what events invalidate.
 *
 * @since 0.1.0
 */
import { assert, describe, it } from "@effect/vitest"
import { MongoReactivity } from "@mongofx/backends"
import { keysOfChanges, keysOfDocuments } from "@mongofx/backends/internal/reactivityKeys"
import { Effect } from "effect"
import { Binary, Decimal128, Double, Int32, Long, MaxKey, ObjectId, Timestamp, UUID } from "mongodb"
import { setup } from "test-support/utils"

const { id } = MongoReactivity
const uuid = "0b9b1f2c-3d4e-4f50-8a6b-7c8d9e0f1a2b"
const bytes = Buffer.from(uuid.replaceAll("-", ""), "hex")

describe("the text of an _id", () => {
  it("is the usual form of a value", () => {
    const hex = "665f1c2e8d3b4a0012345678"
    assert.deepStrictEqual(
      ["ada", "", "5", 5, 1.5, -0, 5n, true, null, new ObjectId(hex), new Date(5), new UUID(uuid)].map(id),
      ["ada", "", "5", "5", "1.5", "0", "5", "true", "null", hex, "1970-01-01T00:00:00.005Z", uuid]
    )
    assert.deepStrictEqual(
      [new Binary(bytes), bytes, new Binary(Buffer.from("ab"), 0), Buffer.from("ab"), new Date(Number.NaN)].map(id),
      [uuid, uuid, "YWI=", "YWI=", "null"]
    )
    assert.strictEqual(
      id({ tenant: new ObjectId(hex), n: [Long.fromNumber(1), { a: 1n }] }),
      `{tenant:${hex},n:[1,{a:1}]}`
    )
    assert.notStrictEqual(id({ a: 1, b: 2 }), id({ b: 2, a: 1 }))
    assert.notStrictEqual(id(new Timestamp(5n)), id(new Timestamp(6n)))
    assert.isString(id(new MaxKey()))
    // A document that other drivers can write, and this one reads as it is.
    assert.strictEqual(id({ _bsontype: "ObjectId", n: 1 }), "{_bsontype:ObjectId,n:1}")
  })

  it.live("is the same for all values that the server takes for the same one", () =>
    Effect.gen(function*() {
      const { db } = yield* setup()
      const decimal = (text: string) => Decimal128.fromString(text)
      const large = 2n ** 60n
      const numbers = [
        [0, -0, new Double(-0), new Int32(0), Long.ZERO, decimal("0"), decimal("-0.0"), decimal("0E+3")],
        [1, new Double(1), Long.ONE, decimal("1"), decimal("1.000"), decimal("0.1E+1")],
        [1.5, decimal("1.5"), decimal("1.50"), decimal("15E-1")],
        [-3000, decimal("-3E+3"), decimal("-3000.00")],
        [Long.fromBigInt(large), new Double(2 ** 60), decimal(String(large)), decimal(`${large}.0`)],
        [Long.MAX_VALUE, decimal(Long.MAX_VALUE.toString())],
        [Long.fromString("9223372036854775800"), decimal("922337203685477580E+1"), decimal("92233720368547.7580E+5")],
        [Long.fromString("-9007199254740993000"), decimal("-9007199254740993E+3")],
        [2 ** 70, decimal(String(2n ** 70n)), decimal("1180591620717411303424E+0")],
        [1e22, decimal("1E+22"), decimal("100E+20")],
        [1e21, decimal("1E+21"), decimal("1000000000000000000000")],
        [Number.POSITIVE_INFINITY, decimal("Infinity")],
        [Number.NaN, decimal("NaN")]
      ]
      const others = ["1", true, null, new Date(1), new ObjectId(), new UUID(uuid), new Binary(bytes, 4), {}, { a: 1 }]
      const values: Array<unknown> = [
        ...numbers.flat(),
        ...others,
        ...numbers.flat().map((number) => ({ a: number, b: "x" }))
      ]
      const equal = yield* db.aggregate([
        { $documents: values.map((value, i) => ({ i, value: { $literal: value } })) },
        { $group: { _id: "$value", all: { $push: "$i" } } }
      ])
      const groups = equal.map(({ all }) => all as ReadonlyArray<number>)
      for (const group of groups) {
        assert.strictEqual(new Set(group.map((i) => id(values[i]))).size, 1, group.map((i) => id(values[i])).join(" "))
      }
      assert.isAbove(groups.filter((group) => group.length > 1).length, 2 * numbers.length - 2)
    }))
})

describe("keys", () => {
  it("of documents are theirs and those of all", () => {
    assert.deepStrictEqual(keysOfDocuments("users", [1, "b"]), ["users:1", "users:b", "users:*"])
    assert.deepStrictEqual(keysOfDocuments("users", []), ["users:*"])
  })

  it("of a batch of events are each document once, and all for a drop or a rename", () => {
    const ns = (coll: string) => ({ ns: { coll } })
    assert.deepStrictEqual(
      keysOfChanges([
        { ...ns("users"), documentKey: { _id: 1 } },
        { ...ns("users"), documentKey: { _id: 2 } },
        { ...ns("users"), documentKey: { _id: 1 } },
        { ...ns("__proto__"), documentKey: { _id: null } },
        { ...ns("others"), documentKey: { _id: 1 } },
        { ...ns("others"), to: { coll: "orders" } },
        { ...ns("drafts"), to: { coll: "others" } },
        {}
      ], new Set(["users", "orders", "drafts", "__proto__"])),
      Object.fromEntries([["users", ["1", "2"]], ["__proto__", ["null"]], ["orders", ["*"]], ["drafts", ["*"]]])
    )
  })
})
