import { assert, describe, it } from "@effect/vitest"
import { Names } from "@mongofx/core/internal/bson/names"
import { makeReader, type ReadOptions } from "@mongofx/core/internal/bson/read"
import { Effect, Random } from "effect"
import * as Driver from "mongodb"
import { damaged, makeDocuments, randomFrom } from "test-support/bsonBytes"
import { seeded } from "test-support/utils"

const { BSON } = Driver

/** The number of random documents. A million take some minutes. */
const size = Number(process.env["READ_DOCUMENTS"] ?? 4000)

/** What the driver's cursors pass, for the options that programs set, and more. */
const optionSets: ReadonlyArray<ReadOptions> = [
  { validation: { utf8: true } },
  {
    raw: false,
    fieldsAsRaw: {},
    promoteValues: true,
    promoteLongs: true,
    bsonRegExp: false,
    validation: { utf8: true }
  },
  {},
  { validation: { utf8: false } },
  { promoteValues: false },
  { promoteLongs: false },
  { promoteBuffers: true },
  { promoteBuffers: true, promoteValues: false },
  { useBigInt64: true },
  { useBigInt64: true, promoteBuffers: true, validation: { utf8: false } },
  { bsonRegExp: true },
  { fieldsAsRaw: { a: true, createdAt: true } },
  // bson refuses these two.
  { useBigInt64: true, promoteLongs: false },
  { useBigInt64: true, promoteValues: false },
  { raw: true },
  { validation: { utf8: { writeErrors: false } } },
  { promoteLongs: 0 as never },
  { promoteValues: "yes" as never }
]

const outcomeOf = (read: () => unknown) => {
  try {
    return { value: read() }
  } catch (error) {
    return { error: error as Error }
  }
}

/** Whether two values cannot be told apart, by the order of their keys either. */
const isSame = (a: unknown, b: unknown): boolean => {
  if (typeof a !== "object" || a === null || typeof b !== "object" || b === null) return Object.is(a, b)
  if (Object.getPrototypeOf(a) !== Object.getPrototypeOf(b)) return false
  if (a instanceof Uint8Array) return Buffer.compare(a, b as Uint8Array) === 0
  if (a instanceof Date) return Object.is(a.getTime(), (b as Date).getTime())
  if (a instanceof RegExp) return String(a) === String(b)
  const keys = Reflect.ownKeys(a)
  const others = Reflect.ownKeys(b)
  return keys.length === others.length && keys.every((key, i) => {
    if (key !== others[i]) return false
    const { value, ...flags } = Object.getOwnPropertyDescriptor(a, key)!
    const { value: other, ...otherFlags } = Object.getOwnPropertyDescriptor(b, key)!
    return flags.enumerable === otherFlags.enumerable && flags.writable === otherFlags.writable && isSame(value, other)
  })
}

/** Reads the document at `start` of `bytes` in both ways. */
const compare = (bytes: Uint8Array, start: number, options: ReadOptions, names: Names): void => {
  const actual = outcomeOf(() => makeReader(bytes, options, names)(start))
  const expected = outcomeOf(() =>
    BSON.deserialize(bytes, { ...options, index: start, allowObjectSmallerThanBufferSize: true })
  )
  const where = () => `${Buffer.from(bytes.subarray(start)).toString("hex")} with ${JSON.stringify(options)}`
  if (expected.error !== undefined || actual.error !== undefined) {
    assert.strictEqual(actual.error?.constructor, expected.error?.constructor, where())
    assert.strictEqual(actual.error?.message, expected.error?.message, where())
  } else if (!isSame(actual.value, expected.value)) {
    assert.deepStrictEqual(actual.value, expected.value, where())
    assert.fail(`the order of keys, a prototype or a flag differs: ${where()}`)
  }
}

const surrounded = (random: () => number, document: Uint8Array) => {
  const start = Math.floor(random() * 20)
  const around = () => Buffer.from(Array.from({ length: start }, () => Math.floor(random() * 256)))
  return { start, bytes: Buffer.concat([around(), document, around()]) }
}

const usual = optionSets[0]!

const read = (document: Driver.Document, names = new Names()): Driver.Document =>
  makeReader(BSON.serialize(document), usual, names)(0)

/** Whether the reader leaves a document to bson. */
const isLeft = (bytes: Uint8Array, options = usual): boolean => {
  const names = new Names()
  try {
    makeReader(bytes, options, names)(0)
  } catch {
    // bson refuses it.
  }
  return names.doubt > 0
}

describe("the reader of documents", () => {
  it.effect("gives what bson gives, for every set of options", () =>
    seeded(Effect.gen(function*() {
      const random = randomFrom(yield* Random.nextInt)
      const next = makeDocuments(random)
      const namesOfSets = optionSets.map(() => new Names())
      for (let i = 0; i < size; i++) {
        const { bytes, start } = surrounded(random, next())
        // Most documents are read with the options that most programs have.
        const set = i % 3 > 0 ? 0 : Math.floor(random() * optionSets.length)
        compare(bytes, start, optionSets[set]!, namesOfSets[set]!)
      }
    })), 600_000)

  it.effect("gives what bson gives for damaged bytes, values and errors alike", () =>
    seeded(Effect.gen(function*() {
      const random = randomFrom(yield* Random.nextInt)
      const next = makeDocuments(random)
      let names = new Names()
      for (let i = 0; i < size; i++) {
        if (i % 20 === 0) names = new Names()
        names.doubt = 0
        const { bytes, start } = surrounded(random, next())
        const broken = damaged(random, bytes)
        compare(broken, Math.min(start, broken.length), i % 2 === 0 ? usual : optionSets[i % optionSets.length]!, names)
      }
    })), 600_000)

  it("with one wrong byte, gives what bson gives", () => {
    const whole = BSON.serialize({
      _id: new Driver.ObjectId(),
      text: "a text of more than sixteen bytes",
      nested: { list: [{ a: 1, b: true }, { a: 2 }, "x"], when: new Date(0) },
      data: new Driver.Binary(Buffer.from("abc"), 2),
      id: new Driver.UUID(),
      long: Driver.Long.MAX_VALUE
    })
    for (let i = 0; i < whole.length; i++) {
      for (let byte = 0; byte < 256; byte += i < 8 ? 1 : 7) {
        const bytes = Uint8Array.from(whole)
        bytes[i] = byte
        compare(bytes, 0, usual, new Names())
      }
    }
    for (let length = 0; length < whole.length; length++) compare(whole.subarray(0, length), 0, usual, new Names())
  })

  it.effect("reads nearly all usual documents itself", () =>
    seeded(Effect.gen(function*() {
      const random = randomFrom(yield* Random.nextInt)
      const next = makeDocuments(random)
      const names = new Names()
      let left = 0
      for (let i = 0; i < 1000; i++) {
        names.doubt = 0
        outcomeOf(() => makeReader(next(), usual, names)(0))
        if (names.doubt > 0) left++
      }
      // One in ten documents may have rare names and types.
      assert.isBelow(left, 160)
      assert.isAbove(left, 0)
    })))

  it("leaves to bson what bson treats in a way of its own", () => {
    for (
      const document of [
        { a: new Driver.DBRef("items", new Driver.ObjectId()) },
        { a: [{ $ref: "items", $id: 1 }] },
        JSON.parse(`{"__proto__": {"a": 1}}`) as Driver.Document,
        { a: /b/ },
        { a: new Driver.Code("x", { y: 1 }) },
        // An array with the name of a method: bson would leave the documents in it as bytes.
        { toString: [{ a: 1 }] }
      ]
    ) {
      const bytes = BSON.serialize(document)
      assert.isTrue(isLeft(bytes), JSON.stringify(document))
      compare(bytes, 0, usual, new Names())
      compare(bytes, 0, { ...usual, fieldsAsRaw: {} }, new Names())
    }
    const damage = Buffer.from(BSON.serialize({ a: "a text of more than sixteen bytes" }))
    damage[12] = 0xff
    assert.isTrue(isLeft(damage))
    assert.isFalse(isLeft(damage, { validation: { utf8: false } }))
  })

  it("reads documents that other code cannot change later, as bson does", () => {
    const bytes = Buffer.from(
      BSON.serialize({ id: new Driver.ObjectId(), amount: new Driver.Decimal128("1.5"), text: "abc" })
    )
    const before = BSON.deserialize(bytes)
    const document = makeReader(bytes, usual, new Names())(0)
    bytes.fill(0xff)
    assert.deepStrictEqual(document, before)
  })

  it("reads documents as deep as MongoDB stores them, and leaves deeper ones to bson", () => {
    const nested = (depth: number): Buffer => {
      const bytes = Buffer.alloc(depth * 8 + 5)
      for (let i = 0; i < depth; i++) {
        bytes.writeInt32LE(bytes.length - 8 * i, 7 * i)
        bytes.set([3, 97, 0], 7 * i + 4)
      }
      bytes.writeInt32LE(5, 7 * depth)
      for (let i = 0; i <= depth; i++) bytes.writeInt32LE(5 + 8 * (depth - i), 7 * i)
      return bytes
    }
    assert.isFalse(isLeft(nested(199)))
    assert.isTrue(isLeft(nested(200)))
    for (const depth of [1, 180, 199, 200, 201, 20_000]) {
      const bytes = nested(depth)
      let actual = makeReader(bytes, usual, new Names())(0)
      let reached = 0
      while ("a" in actual) {
        actual = actual["a"]
        reached++
      }
      assert.strictEqual(reached, depth)
    }
  })

  it("finds fields that are left out, come in another order, or are new", () => {
    const names = new Names()
    const orders = ["abcdef", "acdef", "abdef", "fedcba", "a", "", "fg", "abcdef", "aaab", "ghijk"]
    for (let i = 0; i < 50; i++) {
      for (const order of orders) {
        const document = Object.fromEntries(Array.from(order, (name, j) => [name, j]))
        assert.deepStrictEqual(Object.entries(read(document, names)), Object.entries(document))
      }
    }
    assert.strictEqual(names.size, 11)
    assert.strictEqual(names.doubt, 0)
  })

  it("keeps a bounded number of names, of a bounded length", () => {
    const names = new Names()
    // With a million documents this reads a million names.
    for (let i = 0; i < Math.max(50, size / 1000); i++) {
      const fields = Array.from({ length: 1000 }, (_, j) => [`key ${i} ${j}`, { name: j, [`inner ${i}`]: j }])
      const actual = read(Object.fromEntries(fields), names)
      assert.strictEqual(Object.keys(actual).length, 1000)
      assert.deepStrictEqual(actual[`key ${i} 999`], { name: 999, [`inner ${i}`]: 999 })
    }
    assert.isAtLeast(names.size, 1000)
    assert.isAtMost(names.size, 1500)
    read({ ["x".repeat(10_000_000)]: 1 }, names)
    assert.isBelow(names.memory, 150_000)
    const places = new Names()
    for (const place of "abcd") {
      read({ [place]: Object.fromEntries(Array.from({ length: 600 }, (_, j) => [`${place} ${j}`, j])) }, places)
    }
    assert.strictEqual(places.size, 1500)
    // Another place in the documents still has names.
    const fresh = new Names()
    for (let i = 0; i < 3; i++) {
      read(Object.fromEntries(Array.from({ length: 1200 }, (_, j) => [`${i} ${j}`, { a: 1 }])), fresh)
    }
    assert.strictEqual(fresh.size, 1000 + 32 + 1)
  }, 600_000)

  it("stops trying, for a while, where most documents are left to bson", () => {
    const names = new Names()
    const reference = { a: new Driver.DBRef("items", new Driver.ObjectId()) }
    let tries = 0
    for (let i = 0; i < 1000; i++) {
      const before = names.doubt
      read(reference, names)
      if (names.doubt > before) tries++
    }
    assert.isBelow(tries, 130)
    for (let i = 0; i < 100; i++) assert.deepStrictEqual(read({ a: { b: i } }, names), { a: { b: i } })
    assert.strictEqual(names.doubt, 0)
  })
})
