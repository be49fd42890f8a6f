/**
 * Core's own writer of BSON: it writes exactly what core's check takes and the serializer of bson would write, or nothing.
 *
 * @since 0.1.0
 */
import { assert, describe, it } from "@effect/vitest"
import { isSerialized } from "@mongofx/core/internal/bson/serialized"
import { writePlain } from "@mongofx/core/internal/bson/write"
import { WriteBuffer } from "@mongofx/core/internal/bson/writeBuffer"
import { checkDocument } from "@mongofx/core/internal/input/check"
import { type IdFactory, withOwnId } from "@mongofx/core/internal/input/ownId"
import { writtenInsert } from "@mongofx/core/internal/input/written"
import { Effect, Random } from "effect"
import * as Driver from "mongodb"
import { runInNewContext } from "node:vm"
import { seeded } from "../support/utils.ts"

const { BSON } = Driver

type Document = Driver.Document

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex")

/** What the driver sends of a document, or what refuses it. */
const sent = (document: object, makeId: IdFactory): string => {
  checkDocument(document)
  return hex(BSON.serialize(withOwnId(document, makeId), { ignoreUndefined: true }))
}

/** The bytes that core's writer makes; `undefined` if the document goes the other way. */
const written = (buffer: WriteBuffer, document: object, makeId: IdFactory): string | undefined => {
  let checked = false
  const result = writtenInsert(document, makeId, buffer, () => {
    checked = true
  })
  assert.strictEqual(isSerialized(result), !checked)
  return isSerialized(result) ? hex(result.bytes) : undefined
}

const key = Driver.ObjectId.createFromHexString("0123456789abcdef01234567")

/** The outcome of both ways. Whoever writes a document must write what the other way sends. */
const compared = (buffer: WriteBuffer, document: object): "written" | "left" | "refused" => {
  const makeId = () => key
  const bytes = written(buffer, document, makeId)
  let other: string
  try {
    other = sent(document, makeId)
  } catch {
    assert.isUndefined(bytes, "a document that is refused")
    return "refused"
  }
  if (bytes === undefined) return "left"
  assert.strictEqual(bytes, other)
  return "written"
}

interface Dice {
  readonly below: (n: number) => number
  readonly bytes: (n: number) => Buffer
}

const strings = [
  "",
  "a",
  "text",
  "ä€",
  "😀",
  "\0",
  "a\0b",
  "x".repeat(39),
  "x".repeat(40),
  "x".repeat(41),
  "é".repeat(50)
]
const keys = [
  "",
  "a",
  "b",
  "name",
  "$set",
  "a.b",
  "ä",
  "😀",
  "0",
  "7",
  "__proto__",
  "constructor",
  "k".repeat(80),
  "$db"
]
const numbers = [
  0,
  -0,
  1,
  -1,
  2 ** 31 - 1,
  2 ** 31,
  -(2 ** 31),
  -(2 ** 31) - 1,
  0.5,
  2 ** 53,
  1e300,
  NaN,
  Infinity,
  -Infinity
]
const dates = [0, -1, 1, 8.64e15, -8.64e15, 4294967296, -4294967296, 1_700_000_000_000]

/** Values that are written, also by core. */
const plainLeaves: ReadonlyArray<(dice: Dice) => unknown> = [
  (dice) => strings[dice.below(strings.length)],
  (dice) => numbers[dice.below(numbers.length)],
  (dice) => dice.below(2 ** 31) - 2 ** 30,
  (dice) => dice.below(1000) / 7,
  () => true,
  () => false,
  () => null,
  () => undefined,
  (dice) => new Date(dates[dice.below(dates.length)]!),
  (dice) => new Driver.ObjectId(dice.bytes(12)),
  (dice) => BigInt(dice.below(2 ** 31)) * 4_000_000_000n - 2n ** 62n,
  () => -(2n ** 63n),
  (dice) => new Driver.Long(dice.below(2 ** 31), dice.below(2 ** 31), dice.below(2) === 0),
  (dice) => new Driver.Timestamp({ t: dice.below(1000), i: dice.below(1000) }),
  (dice) => new Driver.Int32(dice.below(1000) - 500),
  (dice) => new Driver.Double(numbers[dice.below(numbers.length)]!),
  (dice) => new Driver.Decimal128(dice.bytes(16)),
  (dice) => new Driver.Binary(dice.bytes(dice.below(40)), [0, 1, 3, 5, 6, 128][dice.below(6)]!),
  () => new Driver.UUID(),
  (dice) => dice.bytes(dice.below(40)),
  (dice) => new Uint8Array(dice.bytes(dice.below(20)))
]

class Point {
  readonly x = 1
  readonly y = "two"
}

class Amount {
  readonly value = 1
  toBSON() {
    return { amount: this.value }
  }
}

const other = (): Record<string, unknown> => runInNewContext("({ a: 1, d: new Date(5), list: [1], r: /a/i })")

/** Values that core takes in another way, or refuses. */
const oddLeaves: ReadonlyArray<(dice: Dice) => unknown> = [
  () => "\uD800",
  () => "a\uDC00b",
  () => "x".repeat(50) + "\uD800",
  () => new Date(NaN),
  () => 2n ** 63n,
  () => Symbol("no"),
  () => () => 1,
  () => new Map([["a", 1]]),
  () => new Set([1]),
  () => new Point(),
  () => new Amount(),
  () => ({ toBSON: () => ({ a: 1 }) }),
  () => ({ toBSON: () => undefined }),
  () => ({ toBSON: 1 }),
  () => ({ _bsontype: "ObjectId" }),
  () => ({ _bsontype: 5 }),
  () => ({ _bsontype: undefined, a: 1 }),
  () => /a.b/gim,
  () => /a/s,
  () => new Driver.BSONRegExp("a", "im"),
  () => new Driver.BSONSymbol("s"),
  () => new Driver.Code("f()"),
  () => new Driver.Code("f()", { a: 1, u: undefined }),
  () => new Driver.DBRef("c", key, "db", { x: 1 }),
  () => new Driver.MinKey(),
  () => new Driver.MaxKey(),
  (dice) => new Driver.Binary(dice.bytes(9), 2),
  () => Driver.Binary.fromInt8Array(Int8Array.of(1, 2)),
  () => new Driver.Binary(Buffer.of(9, 9, 9, 9), 9),
  () => Object.assign(Buffer.of(1, 2), { toBSON: () => "bytes" }),
  () => Object.assign([1, 2], { toBSON: () => "array" }),
  () => Object.assign([1, 2], { _bsontype: "Long" }),
  () => Object.assign(new Date(1), { _bsontype: "Date" }),
  () => Object.assign(new Driver.ObjectId(), { toBSON: () => "id" }),
  () => Object.assign(new Driver.Int32(1), { value: 2.5 }),
  () => [1, undefined],
  () => Array(2),
  () => Object.assign(Array(3), { 1: null, 2: null }),
  () => new Float32Array(2),
  () => new DataView(new ArrayBuffer(2)),
  () => new Error("no"),
  () => Object("boxed"),
  () => Object(1),
  () => Promise.resolve(1),
  () => other(),
  () => other()["d"],
  () => other()["list"],
  () => Object.create({ inherited: 1 }) as object,
  () => Object.create(null) as object,
  () => Object.defineProperty({ a: 1 }, "hidden", { value: 2, enumerable: false }),
  () => ({ [Symbol("s")]: 1, a: 1 }),
  () => ({ "a\0": 1 }),
  () => ({ "\uD800": 1 }),
  () => ({ "ä\uD800": 1 }),
  () => new Proxy({ a: 1 }, {}),
  () => {
    const cyclic: Record<string, unknown> = {}
    cyclic["self"] = cyclic
    return cyclic
  },
  () => nested(199),
  () => nested(201),
  () => nested(260)
]

const nested = (depth: number): object => {
  let value: object = { a: 1 }
  for (let i = 0; i < depth; i++) value = i % 2 === 0 ? [value] : { n: value }
  return value
}

const value = (dice: Dice, depth: number, odd: number): unknown => {
  const kind = dice.below(12)
  if (depth < 4 && kind < 2) return documentOf(dice, depth + 1, odd)
  if (depth < 4 && kind < 4) {
    return Array.from({ length: dice.below(dice.below(8) === 0 ? 130 : 5) }, () => value(dice, depth + 1, odd) ?? null)
  }
  const leaves = dice.below(100) < odd ? oddLeaves : plainLeaves
  return leaves[dice.below(leaves.length)]!(dice)
}

const documentOf = (dice: Dice, depth: number, odd: number): Document => {
  const document: Document = dice.below(20) === 0 ? Object.create(null) as Document : {}
  for (let i = dice.below(8); i > 0; i--) {
    // Own, also for `__proto__`.
    Object.defineProperty(document, keys[dice.below(keys.length)]!, {
      value: value(dice, depth, odd),
      configurable: true,
      enumerable: true,
      writable: true
    })
  }
  return document
}

/** A document, half of the time with an `_id`, somewhere. */
const rootOf = (dice: Dice, odd: number): Document => {
  const document = documentOf(dice, 0, odd)
  switch (dice.below(6)) {
    case 0:
      return { _id: dice.below(1000), ...document }
    case 1:
      return { ...document, _id: value(dice, 3, odd) }
    case 2:
      return { ...document, _id: null }
    default:
      return document
  }
}

const random = (seed: number): Dice => {
  let state = seed | 1
  const next = () => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return state >>> 0
  }
  return {
    below: (n) => next() % n,
    bytes: (n) => Buffer.from(Array.from({ length: n }, () => next() & 255))
  }
}

describe("core's writer of BSON", () => {
  it.live("writes random documents as bson does, and nothing that is refused", () =>
    seeded(Effect.gen(function*() {
      const dice = random(yield* Random.nextIntBetween(1, 2 ** 31))
      const buffer = new WriteBuffer()
      const outcomes = { written: 0, left: 0, refused: 0 }
      for (let i = 0; i < 12_000; i++) {
        // Documents without odd values, with a few, and with many.
        const odd = [0, 3, 30][i % 3]!
        const outcome = compared(buffer, rootOf(dice, odd))
        outcomes[outcome]++
        if (i % 1000 === 0) buffer.release()
      }
      assert.isAbove(outcomes.written, 4000)
      assert.isAbove(outcomes.left, 200)
      assert.isAbove(outcomes.refused, 200)
    })), 60_000)

  it("writes all that is usual by itself", () => {
    const dice = random(7)
    const buffer = new WriteBuffer()
    for (const leaf of plainLeaves) {
      for (let i = 0; i < 20; i++) {
        const x = leaf(dice)
        assert.strictEqual(compared(buffer, { x, nested: { x, list: [x ?? 0] } }), "written", String(x))
      }
    }
    assert.strictEqual(compared(buffer, nested(200)), "written")
  })

  it("leaves everything else to core and bson, wherever it stands", () => {
    const dice = random(9)
    const buffer = new WriteBuffer()
    for (const leaf of oddLeaves) {
      for (const place of [(x: unknown) => ({ x }), (x: unknown) => ({ a: { x } }), (x: unknown) => ({ a: [1, x] })]) {
        compared(buffer, place(leaf(dice)))
      }
      // As the `_id` too, which core writes itself.
      compared(buffer, { _id: leaf(dice), a: 1 })
    }
  })

  it("takes only plain objects for documents", () => {
    const buffer = new WriteBuffer()
    const outcomes = [
      new Point(),
      new Amount(),
      [1],
      new Map(),
      new Date(0),
      other(),
      { toBSON: () => ({ b: 1 }) },
      new Proxy({ a: 1 }, {})
    ]
      .map((document) => compared(buffer, document))
    assert.deepStrictEqual(outcomes, ["left", "left", "refused", "refused", "refused", "left", "left", "written"])
  })

  it("makes one id for a document, in its first place, also if it leaves the document", () => {
    const buffer = new WriteBuffer()
    let made = 0
    const makeId = () => `id${++made}`
    for (const document of [{ a: 1 }, { a: /x/ }, { _id: undefined, a: 1 }, { a: 1, _id: null }, {}]) {
      const before = made
      const result: { readonly _id?: unknown } = writtenInsert(document, makeId, buffer, () => {})
      assert.strictEqual(made, before + 1)
      assert.strictEqual(result._id, `id${made}`)
      const stored = isSerialized(result) ? result.toBSON() : result
      assert.deepStrictEqual(
        Object.keys(stored)[0],
        "a" in document && Object.keys(document)[1] === "_id" ? "a" : "_id"
      )
    }
    const given = { _id: 0, a: 1 }
    assert.strictEqual((writtenInsert(given, makeId, buffer, () => {}) as Document)["_id"], 0)
    assert.strictEqual(made, 5)
    const server = writtenInsert({ a: 1 }, undefined, buffer, () => {})
    assert.strictEqual(isSerialized(server) && hex(server.bytes), hex(BSON.serialize({ a: 1 })))
  })

  it("writes documents of any size up to that of a server, next to each other", () => {
    const buffer = new WriteBuffer()
    let joined = 0
    let last: Uint8Array | undefined
    let end = 0
    for (let i = 0; i < 300; i++) {
      const document = {
        _id: i,
        text: "ä".repeat(i * i * 3 % 20_000),
        list: Array.from({ length: i }, (_, j) => ({ j }))
      }
      const result = buffer.write(writePlain, document, i, false)!
      assert.strictEqual(hex(result.bytes), hex(BSON.serialize(document)))
      if (result.source === last && result.start === end) joined++
      last = result.source
      end = result.end
    }
    assert.isAbove(joined, 150)
    const text = "x".repeat(2 ** 24)
    assert.strictEqual(buffer.write(writePlain, { text }, 1, false)?.size, BSON.calculateObjectSize({ text }))
    assert.isUndefined(buffer.write(writePlain, { text: text + text }, 1, false))
  })

  it("writes nothing while another document is written", () => {
    const buffer = new WriteBuffer()
    let inner: unknown = "not read"
    const document = {
      get a() {
        inner = buffer.write(writePlain, { b: 1 }, 1, false)
        return 1
      }
    }
    assert.strictEqual(hex(buffer.write(writePlain, document, 1, false)!.bytes), hex(BSON.serialize({ a: 1 })))
    assert.isUndefined(inner)
    const throwing = {
      get a() {
        throw new Error("no")
      }
    }
    assert.isUndefined(buffer.write(writePlain, throwing, 1, false))
    assert.isDefined(buffer.write(writePlain, { a: 1 }, 1, false))
  })
})
