import { assert, describe, it } from "@effect/vitest"
import { eventOf } from "@mongofx/core/internal/changeStream/eventBytes"
import { Arbitrary, Schema } from "effect"
import * as Driver from "mongodb"

const { BSON } = Driver
const usual = { validation: { utf8: true } }

const document = { _id: 1, name: "Ada", tags: ["a"], nested: { n: null } }

const event = {
  _id: { _data: "82" },
  operationType: "update",
  fullDocument: document,
  clusterTime: new Driver.Timestamp({ t: 1, i: 2 }),
  fullDocumentBeforeChange: { ...document, name: "Augusta" },
  documentKey: { _id: 1 },
  // A nested field with the same name is not a document of the collection.
  updateDescription: { updatedFields: { fullDocument: { name: "Ada" } }, removedFields: [] },
  fullDocumen: { a: 1 },
  fullDocumentBeforeChang_: { a: 1 }
}

const isSame = (bytes: Uint8Array, options: Driver.BSON.DeserializeOptions = usual) => {
  const actual = eventOf(bytes, options)
  const expected = BSON.deserialize(bytes, options)
  assert.deepStrictEqual(Object.keys(actual), Object.keys(expected))
  for (const [name, value] of Object.entries(actual)) {
    assert.deepStrictEqual(value instanceof Buffer ? BSON.deserialize(value, options) : value, expected[name])
  }
  return actual
}

const thrownBy = (f: () => unknown): unknown => {
  try {
    f()
  } catch (error) {
    return error
  }
  return undefined
}

describe("eventOf", () => {
  it("leaves the two documents as bytes, and decodes the other fields in order", () => {
    const actual = isSame(BSON.serialize(event))
    assert.deepStrictEqual(actual["fullDocument"], Buffer.from(BSON.serialize(document)))
    assert.instanceOf(actual["fullDocumentBeforeChange"], Uint8Array)
    assert.deepStrictEqual(Object.values(actual).filter((value) => value instanceof Uint8Array).length, 2)
  })

  it.each([
    ["null", null],
    ["a string", "fullDocument"],
    ["an array", [{ a: 1 }]],
    ["binary data", new Driver.Binary(Buffer.from("abc"))]
  ])("decodes other values than documents as they are: %s", (_, fullDocument) => {
    const actual = isSame(BSON.serialize({ ...event, fullDocument }))
    assert.deepStrictEqual(actual["fullDocument"], fullDocument)
  })

  it("decodes the other fields by the options", () => {
    const bytes = BSON.serialize({
      _id: { _data: "82" },
      fullDocument: { n: 1 },
      documentKey: { _id: Driver.Long.fromNumber(5) },
      at: new Driver.Binary(Buffer.from("abc"))
    })
    assert.strictEqual(eventOf(bytes, usual)["documentKey"]._id, 5)
    assert.strictEqual(eventOf(bytes, { ...usual, useBigInt64: true })["documentKey"]._id, 5n)
    assert.instanceOf(eventOf(bytes, { ...usual, promoteLongs: false })["documentKey"]._id, Driver.Long)
    assert.instanceOf(eventOf(bytes, { ...usual, promoteBuffers: true })["at"], Uint8Array)
  })

  it("does not keep the reply in memory", () => {
    const reply = Buffer.concat([Buffer.alloc(9), BSON.serialize({ fullDocument: document, data: Buffer.from("abc") })])
    const actual = eventOf(reply.subarray(9), usual)
    reply.fill(0xff)
    assert.deepStrictEqual(BSON.deserialize(actual["fullDocument"]), document)
    assert.strictEqual(actual["data"].toString(), "abc")
  })

  const values = Schema.Union([
    Schema.String,
    Schema.Number,
    Schema.Null,
    Schema.Array(Schema.Int),
    Schema.Record(Schema.String.check(Schema.isPattern(/^[a-z]+$/)), Schema.String)
  ])
  const events = Arbitrary.schema(Schema.Array(Schema.Tuple([
    Schema.Literals(["fullDocument", "fullDocumentBeforeChange", "fullDocumentBefore", "operationType", "_id"]),
    values
  ])))

  it.prop("decodes the same as the deserializer", [events], ([fields]) => {
    isSame(BSON.serialize(Object.fromEntries(fields)))
  })

  it("fails like the deserializer for corrupt bytes in other fields, but not in a document", () => {
    const text = (field: string) => Buffer.from(BSON.serialize({ fullDocument: { a: 1 }, [field]: { text: "zzzz" } }))
    const spoilt = (bytes: Buffer) => {
      bytes.fill(0xff, bytes.indexOf("zzzz"), bytes.indexOf("zzzz") + 4)
      return bytes
    }
    const wrong = spoilt(text("updateDescription"))
    const error = thrownBy(() => eventOf(wrong, usual))
    assert.isTrue(BSON.BSONError.isBSONError(error))
    assert.deepStrictEqual(error, thrownBy(() => BSON.deserialize(wrong, usual)))
    assert.isDefined(eventOf(wrong, { validation: { utf8: false } })["updateDescription"])
    const kept = eventOf(spoilt(text("fullDocumentBeforeChange")), usual)
    assert.instanceOf(thrownBy(() => BSON.deserialize(kept["fullDocumentBeforeChange"], usual)), BSON.BSONError)
  })

  it("with one wrong byte, throws a BSONError or decodes the same as the deserializer", () => {
    const whole = BSON.serialize(event)
    for (let i = 0; i < whole.length; i++) {
      for (const byte of [0, 1, 3, 0x7f, 0xff]) {
        const bytes = Uint8Array.from(whole)
        bytes[i] = byte
        const expected = thrownBy(() => BSON.deserialize(bytes, usual))
        const actual = thrownBy(() => eventOf(bytes, usual))
        if (actual !== undefined) {
          assert.isTrue(BSON.BSONError.isBSONError(actual), `byte ${i}`)
          assert.isDefined(expected, `byte ${i}`)
        } else if (expected === undefined) isSame(bytes)
      }
    }
  })
})
