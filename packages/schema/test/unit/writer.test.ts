/**
 * Writers at the edges of their buffer, and what they leave to the interpreter. `compiledCodec.test.ts` has the laws.
 *
 * @since 0.1.0
 */
import { assert, describe, it } from "@effect/vitest"
import { Integration } from "@mongofx/core"
import { Bson } from "@mongofx/schema"
import { makeCodec } from "@mongofx/schema/internal/compiler/codec"
import { Schema, SchemaGetter } from "effect"
import * as Driver from "mongodb"
import { compile } from "../support/codec.ts"
import { Random } from "../support/compiledSchemas.ts"

const { BSON } = Driver

const hexOf = (bytes: Uint8Array | undefined): string | undefined => bytes && Buffer.from(bytes).toString("hex")

const serialized = (document: Driver.Document) => hexOf(BSON.serialize(document, { ignoreUndefined: true }))

describe("the buffer of writers", () => {
  const Doc = Schema.Struct({
    _id: Schema.Int,
    text: Schema.String,
    list: Schema.Array(Schema.Struct({ a: Schema.Finite, b: Schema.optionalKey(Schema.NullOr(Schema.String)) })),
    counts: Schema.Record(Schema.String, Schema.Int),
    any: Schema.optionalKey(Schema.Unknown),
    data: Bson.Binary
  })

  it("is left when it is full: what was written in it stays", () => {
    const codec = compile(Doc)
    const random = new Random(7)
    const all = Array.from({ length: 3000 }, (_, _id) => {
      const text = random.pick(["x", "ä", "€", "😀"]).repeat(random.int(random.pick([3, 40, 300])))
      const document = {
        _id,
        text,
        list: Array.from({ length: random.int(12) }, (_, a) => random.chance(0.5) ? { a } : { a: a / 2, b: null }),
        counts: Object.fromEntries(Array.from({ length: random.int(4) }, (_, i) => [`${text.slice(0, 8)}${i}`, i])),
        data: new Driver.Binary(Buffer.alloc(random.int(200), 1)),
        ...random.chance(0.3) ? { any: [{ deep: [text, null, true, 1.5, 7n, { b: new Date(_id) }] }, []] } : {}
      }
      return { document, bytes: codec.writeValue(document), withId: codec.writeValue(document, `id${_id}`) }
    })
    assert.isAbove(new Set(all.map(({ bytes }) => bytes?.buffer)).size, 5, "there were several buffers")
    for (const { bytes, document, withId } of all) {
      const { any, counts, data, list } = document
      const ordered = { _id: document._id, text: document.text, list, counts, ...any && { any }, data }
      assert.strictEqual(hexOf(bytes), serialized(ordered))
      const expected = Buffer.from(BSON.serialize({ _id: `id${document._id}` }))
      assert.strictEqual(
        hexOf(withId)?.slice(8, expected.length * 2 - 2),
        expected.toString("hex", 4, expected.length - 1)
      )
    }
  })

  it("grows with a document, up to what a server takes", () => {
    const codec = compile(Doc)
    const small = { _id: 1, text: "", list: [], counts: {}, data: new Driver.Binary(Buffer.alloc(0)) }
    for (const size of [100_000, 262_144, 1_000_000, 16_700_000]) {
      const counts = Object.fromEntries(Array.from({ length: size / 40 }, (_, i) => [`key number ${i}`, i]))
      const large = [
        { ...small, text: "x".repeat(size) },
        { ...small, text: "ä".repeat(size / 2) },
        { ...small, data: new Driver.Binary(Buffer.alloc(size, 3)) }
      ]
      const many = [
        { ...small, list: Array.from({ length: size / 20 }, (_, a) => ({ a: a + 0.5 })) },
        { ...small, counts },
        { ...small, any: Array.from({ length: size / 20 }, (_, i) => `${i}`) }
      ]
      for (const document of size > 2_000_000 ? large : [...large, ...many]) {
        const { any, data, ...others } = document as typeof document & { readonly any?: unknown }
        const bytes = codec.writeValue(document)
        const expected = BSON.serialize({ ...others, ...any === undefined ? {} : { any }, data })
        assert.isOk(bytes)
        assert.strictEqual(Buffer.compare(bytes, expected), 0)
      }
    }
    assert.isUndefined(codec.writeValue({ ...small, text: "x".repeat(18_000_000) }), "the rest is left to bson")
    assert.strictEqual(hexOf(codec.writeValue(small)), serialized(small))
  })

  it("belongs to one document at a time", () => {
    const Inner = compile(Schema.Struct({ a: Schema.Int }))
    let inner: Uint8Array | undefined | "not run" = "not run"
    const Odd = Schema.String.pipe(Schema.decodeTo(Schema.String, {
      decode: SchemaGetter.transform((text: string) => text),
      encode: SchemaGetter.transform((text: string) => {
        inner = Inner.writeValue({ a: 1 })
        return text
      })
    }))
    const codec = compile(Schema.Struct({ a: Schema.String, odd: Odd, b: Schema.String }))
    const value = { a: "before", odd: "odd", b: "after" }
    assert.strictEqual(hexOf(codec.writeValue(value)), serialized(value))
    assert.isUndefined(inner)
    assert.strictEqual(hexOf(Inner.writeValue({ a: 1 })), serialized({ a: 1 }))
  })

  it("is used again when it was released, and by nobody else before", () => {
    const codec = makeCodec(Doc.ast)
    const document = (_id: number) => ({
      _id,
      text: "x".repeat(1000),
      list: [],
      counts: {},
      data: new Driver.Binary(Buffer.alloc(0))
    })
    const write = (buffer: Integration.WriteBuffer, value: ReturnType<typeof document>) =>
      codec.writeNow(buffer, value, value._id, false)?.bytes
    const [first, second, third] = [
      new Integration.WriteBuffer(),
      new Integration.WriteBuffer(),
      new Integration.WriteBuffer()
    ] as const
    const written = Array.from({ length: 300 }, (_, _id) => [
      write(first, document(_id)),
      write(second, document(-_id))
    ])
    written.forEach(([one, other], _id) => {
      assert.strictEqual(hexOf(one), serialized(document(_id)))
      assert.strictEqual(hexOf(other), serialized(document(-_id)))
    })
    const buffers = new Set(written.map(([bytes]) => bytes!.buffer))
    assert.isAbove(buffers.size, 1)
    first.release()
    const again = write(third, document(1))
    assert.isTrue(buffers.has(again!.buffer))
    assert.strictEqual(hexOf(written[299]![1]), serialized(document(-299)))
    // It has given its chunks away.
    assert.isFalse(new Set([again!.buffer, ...written.map(([, bytes]) => bytes!.buffer)]).has(
      write(first, document(2))!.buffer
    ))
  })

  it("is free again after an exception", () => {
    const codec = compile(Schema.Struct({ a: Schema.Int }))
    const hostile = {
      get a(): number {
        throw new Error("no")
      }
    }
    assert.isUndefined(codec.writeValue(hostile))
    assert.strictEqual(hexOf(codec.writeValue({ a: 1 })), serialized({ a: 1 }))
  })
})

describe("a writer", () => {
  const Any = compile(Schema.Struct({ value: Schema.Unknown }))
  const Lenient = compile(Schema.Struct({ value: Schema.optionalKey(Schema.Unknown) }))

  it("writes what core and bson take as it is", () => {
    const id = new Driver.ObjectId()
    for (
      const value of [
        -0,
        NaN,
        Infinity,
        2 ** 31 - 1,
        -(2 ** 31),
        2 ** 31,
        2 ** 53,
        1e300,
        0n,
        2n ** 63n - 1n,
        -(2n ** 63n),
        new Driver.Int32(7),
        new Driver.Double(7),
        Driver.Long.MAX_VALUE,
        Driver.Long.MAX_UNSIGNED_VALUE,
        new Driver.Timestamp({ t: 4_294_967_295, i: 1 }),
        Driver.Decimal128.fromString("1.50"),
        id,
        new Driver.UUID(),
        new Driver.Binary(Buffer.from([1]), 128),
        Buffer.from([1, 2]),
        new Uint8Array([1, 2]),
        new Date(0),
        new Date(-8.64e15),
        new Date(8.64e15),
        new Date(-1),
        null,
        "a\0b",
        "\uFFFD",
        { "": 1, "ä€": 2, $set: 3, "a.b": 4, ["__proto__"]: 5 },
        { 10: 1, 9: 2, b: 3, length: 4 },
        Object.assign(Object.create(null) as object, { a: 1 }),
        [[], [[1]], {}]
      ]
    ) {
      assert.strictEqual(hexOf(Any.writeValue({ value })), serialized({ value }))
    }
    for (const n of [9, 10, 99, 100, 1001]) {
      const value = Array.from({ length: n }, (_, i) => i)
      assert.strictEqual(hexOf(Any.writeValue({ value })), serialized({ value }))
    }
  })

  it("leaves the rest to the interpreter, core and bson", () => {
    const cycle: Array<unknown> = []
    cycle.push(cycle)
    let deep: unknown = 1
    for (let i = 0; i < 300; i++) deep = { deep }
    for (
      const value of [
        undefined,
        2n ** 63n,
        -(2n ** 63n) - 1n,
        "\uD800",
        "x".repeat(100) + "\uDC00",
        { "\uD800": 1 },
        { "a\0b": 1 },
        { "ä\0b": 1 },
        [undefined],
        // oxlint-disable-next-line no-sparse-arrays
        [1, , 2],
        () => 1,
        Symbol("a"),
        { toBSON: () => 1 },
        { _bsontype: "ObjectId" },
        new Date(NaN),
        Object.assign(new Date(), { toBSON: () => 1 }),
        Object.assign(new Driver.ObjectId(), { toBSON: () => 1 }),
        /a/,
        new Map(),
        new (class Point {
          x = 1
        })(),
        new Driver.Binary(Buffer.from([1, 2]), 2),
        new Driver.Binary(Buffer.from([1, 2]), 9),
        new Driver.DBRef("a", new Driver.ObjectId()),
        new Driver.MinKey(),
        new Driver.Code("a"),
        cycle,
        deep
      ]
    ) {
      assert.isUndefined(Any.writeValue({ value }), "the schema requires a value")
      assert.strictEqual(hexOf(Lenient.writeValue({ value })), value === undefined ? serialized({}) : undefined)
    }
  })

  it("reads each field once: what it has checked is what it writes", () => {
    const Doc = Schema.Struct({
      a: Schema.Int,
      text: Schema.String,
      when: Schema.Date,
      either: Schema.Union([Schema.Int, Schema.String]),
      inner: Schema.Struct({ b: Schema.Literal("b") })
    })
    const value = { a: 1, text: "text", when: new Date(1), either: 1, inner: { b: "b" } } as const
    const codec = compile(Doc)
    for (const name of Object.keys(value) as Array<keyof typeof value>) {
      let reads = 0
      const changing = Object.defineProperty({ ...value }, name, {
        enumerable: true,
        get: () => reads++ === 0 ? value[name] : Symbol("something else")
      })
      assert.strictEqual(hexOf(codec.writeValue(changing)), serialized(value), name)
      assert.strictEqual(reads, 1, name)
    }
  })

  it("writes objects of hundreds of fields in the same way", () => {
    const names = Array.from({ length: 300 }, (_, i) => `field${i}`)
    const kinds = [Schema.String, Schema.optionalKey(Schema.Int), Schema.NullOr(Schema.Date)]
    const schema = Schema.Struct(Object.fromEntries(names.map((name, i) => [name, kinds[i % 3]!])))
    const codec = compile(schema as unknown as Schema.Codec<Record<string, unknown>>)
    const values = (i: number) => [`text ${i}`, i % 2 === 0 ? i : undefined, i % 4 === 0 ? null : new Date(i)][i % 3]
    const value = Object.fromEntries(
      names.map((name, i) => [name, values(i)]).filter(([, value]) => value !== undefined)
    )
    assert.strictEqual(hexOf(codec.writeValue(value)), serialized(value))
    for (const i of [0, 30, 33, 63, 66, 297]) {
      const { [`field${i}`]: _, ...others } = value
      assert.isUndefined(codec.writeValue(others), `without field${i}`)
      assert.isUndefined(codec.writeValue({ ...value, [`field${i}`]: 1 }), `a wrong field${i}`)
    }
  })

  it("writes no array in which something is not stored", () => {
    const codec = compile(Schema.Struct({ list: Schema.Array(Schema.Union([Schema.Int, Schema.Undefined])) }))
    assert.strictEqual(hexOf(codec.writeValue({ list: [1, 2] })), serialized({ list: [1, 2] }))
    assert.isUndefined(codec.writeValue({ list: [1, undefined] }))
  })

  it("has no bytes of a document whose keys it cannot write in their order", () => {
    for (const name of ["10", "toBSON", "_bsontype", "a\0b"]) {
      const codec = compile(Schema.Struct({ b: Schema.Int, [name]: Schema.Int }))
      const value = { b: 1, [name]: 2 }
      const written = hexOf(codec.writeValue(value as never))
      if (written !== undefined) assert.strictEqual(written, serialized(value))
    }
  })
})
