/**
 * Compiled codecs give what the deserializer and the interpreter give, on random schemas and on random, also damaged, bytes.
 *
 * @since 0.1.0
 */
import { assert, describe, it } from "@effect/vitest"
import { Bson } from "@mongofx/schema"
import { mismatch } from "@mongofx/schema/internal/compiler/runtime"
import { Arbitrary, Clock, Context, Effect, Exit, Option, Schema, SchemaGetter } from "effect"
import { TestClock } from "effect/testing"
import * as Driver from "mongodb"
import { execFile } from "node:child_process"
import { fileURLToPath } from "node:url"
import { promisify } from "node:util"
import * as V8 from "node:v8"
import * as vm from "node:vm"
import { compile, decode, UnreadableDocument } from "../support/codec.ts"
import { agree, tally } from "../support/compiledLaws.ts"
import { Random } from "../support/compiledSchemas.ts"

const { BSON } = Driver

const seeds = Arbitrary.schema(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 2 ** 31 - 1 })))

/** Each schema is about 70 cases. */
const runs = Number(process.env["COMPILED_RUNS"] ?? 320)

class Address
  extends Schema.Class<Address>("Address")({ street: Schema.String, zip: Schema.optionalKey(Schema.String) })
{}

const Event = Schema.Union([
  Schema.TaggedStruct("Created", { at: Schema.Date }),
  Schema.TaggedStruct("Moved", { to: Address })
])

/** A schema of usual documents. */
const Person = Schema.Struct({
  _id: Bson.ObjectId.pipe(Schema.brand("PersonId")),
  name: Schema.String.check(Schema.isMinLength(1)),
  age: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 150 })),
  views: Bson.Int64,
  rank: Bson.Int32,
  price: Bson.Decimal128,
  picture: Schema.optionalKey(Bson.Bytes),
  born: Schema.NullOr(Bson.Date),
  role: Schema.Literals(["admin", "user"]),
  address: Address,
  events: Schema.Array(Event),
  counts: Schema.Record(Schema.String, Schema.Finite),
  pair: Schema.Tuple([Schema.String, Schema.Int]),
  nick: Schema.optional(Schema.String),
  lang: Schema.String.pipe(Schema.withDecodingDefaultKey(Effect.succeed("en"))),
  ratio: Schema.FiniteFromString,
  note: Schema.OptionFromNullOr(Schema.String)
})

const person = {
  _id: new Driver.ObjectId("507f1f77bcf86cd799439011"),
  unknown: { deep: [1, { deeper: "x" }] },
  name: "Ada",
  age: 36,
  views: Driver.Long.fromString("9007199254740993"),
  rank: new Driver.Int32(1),
  price: Driver.Decimal128.fromString("3.50"),
  picture: new Driver.Binary(Buffer.from([1, 2, 3])),
  born: new Date(0),
  role: "admin",
  address: { street: "Main Street" },
  events: [{ _tag: "Created", at: new Date(1) }, { _tag: "Moved", to: { street: "Elm", zip: "1" } }],
  counts: { a: 1, b: 2.5 },
  pair: ["x", 1],
  ratio: "0.5",
  note: null
}

const bytes = (document: Driver.Document): Uint8Array => BSON.serialize(document)

/** The fields of two documents in one. */
const twice = (first: Uint8Array, second: Uint8Array): Buffer => {
  const document = Buffer.concat([first.subarray(0, -1), second.subarray(4)])
  document.writeInt32LE(document.length)
  return document
}

/** A document with a document as its only field. The name has one letter. */
const nested = (name: string, document: Buffer): Buffer => {
  const outer = Buffer.concat([Buffer.from([0, 0, 0, 0, 3]), Buffer.from(`${name}\0`), document, Buffer.alloc(1)])
  outer.writeInt32LE(outer.length)
  return outer
}

const decoded = Schema.decodeUnknownSync(Person)(BSON.deserialize(bytes(person)))

const execute = promisify(execFile)

describe("compiled codecs", () => {
  it.prop("agree with bson and the interpreter", [seeds], ([seed]) => agree(seed), {
    arbitrary: { runs },
    timeout: 240_000
  })

  // Each run has the same schemas and documents, so the share depends on the compiler and not on chance.
  it("do most of the work themselves", { timeout: 240_000 }, () => {
    const before = { ...tally }
    for (let seed = 1; seed <= 160; seed++) agree(seed)
    const decodable = tally.decodable - before.decodable
    const encodable = tally.encodable - before.encodable
    assert.isAbove(tally.cases - before.cases, 60 * 160)
    assert.isAbove(decodable, 1000)
    assert.isAbove(encodable, 1000)
    assert.isAbove((tally.decoded - before.decoded) / decodable, 0.65)
    assert.isAbove((tally.encoded - before.encoded) / encodable, 0.8)
    const writable = tally.writable - before.writable
    assert.isAbove(writable, 1000)
    assert.isAbove((tally.written - before.written) / writable, 0.7)
  })

  it("do all of the work for usual documents", () => {
    const codec = compile(Person)
    const { name, ...rest } = person
    for (const document of [person, { ...rest, name }, { ...person, lang: "de", nick: "A", born: null, note: "n" }]) {
      const value = codec.decodeBytes(bytes(document))
      assert.deepStrictEqual(value, Schema.decodeUnknownSync(Person)(BSON.deserialize(bytes(document))))
      const encoded = codec.encodeValue(value as typeof Person.Type)
      assert.notStrictEqual(encoded, mismatch)
      assert.deepStrictEqual(encoded, Schema.encodeSync(Person)(value as typeof Person.Type))
      assert.deepStrictEqual(
        Buffer.from(codec.writeValue(value as typeof Person.Type) ?? []),
        Buffer.from(BSON.serialize(encoded as Driver.Document))
      )
    }
    const value = codec.decodeBytes(bytes(person)) as typeof Person.Type
    assert.instanceOf(value.address, Address)
    assert.deepStrictEqual(codec.compiled, { decode: true, encode: true, write: true })
  })

  it.effect("agree with the interpreter where a shortcut would be wrong", () =>
    Effect.gen(function*() {
      const reference = { $ref: "users", $id: new Driver.ObjectId(), a: 1 }
      const A = Schema.Struct({ a: Schema.optionalKey(Schema.Int) })
      const Shout = Schema.String.pipe(Schema.decodeTo(Schema.String, {
        decode: SchemaGetter.transform((s: string) => s.toUpperCase()),
        encode: SchemaGetter.transform((s: string) => s.toLowerCase())
      }))
      const Negated = Schema.Number.pipe(Schema.decodeTo(Schema.Number, {
        decode: SchemaGetter.transform((n: number) => -n),
        encode: SchemaGetter.transform((n: number) => -n)
      }))
      const Tagged = Schema.Union([
        Schema.Struct({ kind: Schema.Literal("a"), n: Schema.Int }),
        Schema.Struct({ kind: Schema.Literal("b"), n: Schema.Int })
      ])
      const cases: ReadonlyArray<readonly [schema: Schema.Codec<unknown, unknown>, bytes: Uint8Array]> = [
        // An object that looks like a reference becomes a DBRef.
        [Schema.Struct({ x: A }), bytes({ x: reference })],
        [A, bytes(reference)],
        [Schema.Struct({ x: Schema.Record(Schema.String, Schema.Unknown) }), bytes({ x: reference })],
        // If a field comes twice, the last one counts.
        [
          Schema.Struct({
            x: Schema.Union([Schema.Struct({ a: Schema.String }), Schema.Struct({ b: Schema.Int })])
          }),
          nested("x", twice(bytes({ a: 1 }), bytes({ a: "one", b: 2 })))
        ],
        [Schema.Struct({ a: Schema.String }), twice(bytes({ a: "one" }), bytes({ a: "two" }))],
        [Tagged, twice(bytes({ kind: "a", n: 1 }), bytes({ kind: "b" }))],
        // A symbol is a string.
        [
          Schema.Struct({ x: Schema.Union([Shout, Schema.Unknown]) }),
          bytes({ x: new Driver.BSONSymbol("text") })
        ],
        // 2^53 is a number, 2^53 + 1 is a Long.
        ...[2n ** 53n, 2n ** 53n + 1n, -(2n ** 53n) - 1n].map((n) =>
          [
            Schema.Struct({ x: Schema.Union([Negated, Schema.Unknown]) }),
            bytes({ x: Driver.Long.fromBigInt(n) })
          ] as const
        ),
        // A struct without fields takes anything but null.
        ...[1, "text", true].map((x) =>
          [Schema.Struct({ x: Schema.Union([Schema.Struct({}), Bson.Long, Shout]) }), bytes({ x })] as const
        ),
        // To a struct, a Date is an object like any other.
        [Schema.Struct({ x: Schema.Union([A, Schema.Date]) }), bytes({ x: new Date(0) })]
      ]
      for (const [schema, document] of cases) {
        const expected = yield* Schema.decodeUnknownEffect(schema)(BSON.deserialize(document))
        const value = compile(schema).decodeBytes(document)
        if (value !== mismatch) assert.deepStrictEqual(value, expected)
        assert.deepStrictEqual(yield* decode(compile(schema), document), expected)
      }
      // A check of the decoded side applies to encoding too.
      const Range = Schema.Struct({ low: Schema.FiniteFromString, high: Schema.FiniteFromString }).check(
        Schema.makeFilter(({ high, low }) => low <= high)
      )
      const range = compile(Schema.Struct({ range: Range }))
      assert.deepStrictEqual(range.encodeValue({ range: { low: 1, high: 2 } }), { range: { low: "1", high: "2" } })
      assert.strictEqual(range.encodeValue({ range: { low: 2, high: 1 } }), mismatch)
    }))

  it("try the same members of a union as the interpreter", () => {
    const Old = Schema.Struct({
      version: Schema.Literal(1).pipe(Schema.withDecodingDefaultKey(Effect.succeed(1))),
      name: Schema.optionalKey(Schema.String)
    })
    const New = Schema.Struct({ schemaVersion: Schema.Literal(2), fullName: Schema.String })
    const Either = Schema.Union([Old, New])
    const either = compile(Either)
    const ada = { schemaVersion: 2, fullName: "Ada" } as const
    assert.deepStrictEqual(either.encodeValue(ada), ada)
    assert.deepStrictEqual(either.encodeValue({ version: 1, name: "Ada" }), { version: 1, name: "Ada" })
    // The struct alone takes a value that the union does not give it.
    const refused: ReadonlyArray<readonly [schema: Schema.Codec<unknown>, value: unknown]> = [
      [Schema.NullOr(Old), { name: "Ada" }],
      [Schema.UndefinedOr(Old), { name: "Ada" }],
      [Schema.Union([Schema.Union([Old, Schema.Struct({ ...Old.fields, n: Schema.Literal(1) })]), Schema.String]), {}],
      [
        Schema.NullOr(Schema.Struct({ _tag: Schema.tagDefaultOmit("A"), name: Schema.optionalKey(Schema.String) })),
        { name: "Ada" }
      ]
    ]
    for (const [schema, value] of refused) {
      assert.isTrue(Exit.isFailure(Effect.runSyncExit(Schema.encodeUnknownEffect(schema)(value))))
      assert.strictEqual(compile(schema).encodeValue(value), mismatch)
    }
    // The decoder agrees, if the encoded side has a literal that may be missing.
    const Filled = Schema.Literal(1).pipe(Schema.decodeTo(Schema.Literal(1), {
      decode: SchemaGetter.transformOptional(Option.orElseSome(() => 1 as const)),
      encode: SchemaGetter.transformOptional((o: Option.Option<1>) => o)
    }))
    const holder = Schema.Struct({ x: Schema.NullOr(Schema.Struct({ version: Filled })) })
    assert.isTrue(Exit.isFailure(Schema.decodeUnknownExit(holder)({ x: {} })))
    assert.strictEqual(compile(holder).decodeBytes(bytes({ x: {} })), mismatch)
    assert.deepStrictEqual(compile(holder).decodeBytes(bytes({ x: { version: 1 } })), { x: { version: 1 } })
    // A union may have one member.
    assert.strictEqual(compile(Schema.Union([Schema.String])).encodeValue("a"), "a")
  })

  it.effect("fail as the interpreter fails, with the path", () =>
    Effect.gen(function*() {
      const codec = compile(Person, { parse: { errors: "all" } })
      const wrong = bytes({ ...person, age: 200, events: [{ _tag: "Created", at: "today" }] })
      assert.strictEqual(codec.decodeBytes(wrong), mismatch)
      const expected = yield* Effect.flip(
        Schema.decodeUnknownEffect(Person, { errors: "all" })(BSON.deserialize(wrong))
      )
      const error = yield* Effect.flip(decode(codec, wrong))
      assert.strictEqual(String(error), String(expected))
      assert.include(String(error), `["events"][0]["at"]`)
      const invalid = { ...decoded, rank: 1.5 }
      const notEncoded = yield* Effect.flip(codec.encode(invalid))
      assert.strictEqual(
        String(notEncoded),
        String(yield* Effect.flip(Schema.encodeEffect(Person, { errors: "all" })(invalid)))
      )
      const cut = yield* Effect.flip(decode(codec, bytes(person).subarray(0, 100)))
      assert.instanceOf(cut, UnreadableDocument)
    }))

  it("refuse tuples that are too long and integers that were rounded", () => {
    const pair = compile(Schema.Struct({ pair: Schema.Tuple([Schema.String]) }))
    assert.deepStrictEqual(pair.encodeValue({ pair: ["a"] }), { pair: ["a"] })
    assert.strictEqual(pair.encodeValue({ pair: ["a", "b"] } as never), mismatch)
    assert.strictEqual(pair.encodeValue({ pair: [] } as never), mismatch)
    assert.strictEqual(pair.decodeBytes(bytes({ pair: ["a", "b"] })), mismatch)

    const int = compile(Schema.Struct({ n: Schema.Int }))
    const safe = Number.MAX_SAFE_INTEGER
    for (const n of [safe, -safe, new Driver.Double(safe), Driver.Long.fromNumber(safe)]) {
      assert.deepStrictEqual(int.decodeBytes(bytes({ n })), { n: Number(n) })
    }
    for (
      const n of [2 ** 53, -(2 ** 53), 2 ** 60, 1.5, Infinity, Driver.Long.fromBigInt(2n ** 53n), Driver.Long.MAX_VALUE]
    ) {
      assert.strictEqual(int.decodeBytes(bytes({ n })), mismatch)
      assert.strictEqual(int.encodeValue({ n: Number(n) }), mismatch)
    }
  })

  it("find a required value that BSON leaves out, beside values that hold themselves or one another, or that throw", () => {
    const cycle: Record<string, unknown> = { list: [] }
    cycle["list"] = [cycle]
    let shared: unknown = []
    for (let i = 0; i < 200; i++) shared = [shared, { shared }]
    const codec = compile(Schema.Struct({ a: Schema.UndefinedOr(Schema.Int), any: Schema.Unknown }))
    for (const any of [cycle, shared]) {
      assert.deepStrictEqual(Effect.runSync(codec.encode({ a: 1, any })), { a: 1, any })
      const exit = Effect.runSyncExit(codec.encode({ a: undefined, any }))
      assert.include(String(exit), `Missing key\n  at ["a"]`)
      assert.isTrue(Exit.isFailure(exit))
    }
    const any = {
      get b(): never {
        throw new Error("no value")
      }
    }
    // Core refuses it.
    assert.strictEqual(Effect.runSync(codec.encode({ a: 1, any })).any, any)
    assert.strictEqual(codec.writeValue({ a: 1, any }), undefined)
  })

  it("find fields in any order, in linear time", () => {
    const names = Array.from({ length: 1000 }, (_, i) => `field${1000 + i}`)
    const schema = Schema.Struct(Object.fromEntries(names.map((name) => [name, Schema.Number])))
    const codec = compile(schema)
    const ordered = Object.fromEntries(names.map((name, i) => [name, i]))
    const shuffled = new Random(7).shuffle(names)
    const documents = [names, [...names].reverse(), shuffled].map((names) =>
      bytes(Object.fromEntries(names.map((name) => [name, ordered[name]])))
    )
    const times = documents.map((document) => {
      assert.deepStrictEqual(codec.decodeBytes(document), ordered)
      // The fastest of many runs: other work of the machine only adds time.
      return Math.min(...Array.from({ length: 30 }, () => {
        const start = process.hrtime.bigint()
        codec.decodeBytes(document)
        return Number(process.hrtime.bigint() - start)
      }))
    })
    // A search one by one takes about forty times as long.
    for (const time of times.slice(1)) assert.isBelow(time / times[0]!, 10)
  })

  it("decode many documents, up to one that is left to the interpreter", () => {
    const codec = compile(Schema.Struct({ n: Schema.Number }))
    // 2^53 is a number that the compiled decoder cannot tell from its neighbours.
    const documents = [1, Driver.Long.fromBigInt(2n ** 53n), 3].map((n) => bytes({ n }))
    const out: Array<{ readonly n: number }> = []
    assert.strictEqual(codec.decodeMany(documents, 0, out), 1)
    assert.strictEqual(codec.decodeMany(documents, 2, out), 3)
    assert.deepStrictEqual(out, [{ n: 1 }, { n: 3 }])
  })

  it("decode documents that lie in several buffers, and anywhere in them", () => {
    const codec = compile(Schema.Struct({ n: Schema.Int, text: Schema.String }))
    const expected = Array.from({ length: 9 }, (_, n) => ({ n, text: `text of ${n}` }))
    const buffers = [0, 1, 2].map(() => new Uint8Array(1000).fill(0x5a))
    const documents = expected.map((document, i) => {
      const serialized = bytes(document)
      const view = buffers[i % 3]!.subarray(i * 90 + 7, i * 90 + 7 + serialized.length)
      view.set(serialized)
      return view
    })
    const out: Array<{ readonly n: number; readonly text: string }> = []
    assert.strictEqual(codec.decodeMany(documents, 0, out), documents.length)
    assert.deepStrictEqual(out, expected)
  })

  it.effect("leave effects to the interpreter, with the services of the caller", () =>
    Effect.gen(function*() {
      class Salt extends Context.Service<Salt, string>()("Salt") {}
      const Salted = Schema.String.pipe(Schema.decodeTo(Schema.String, {
        decode: SchemaGetter.transformEffect((s: string) => Effect.map(Salt, (salt) => s + salt)),
        encode: SchemaGetter.transformEffect((s: string) => Effect.map(Salt, (salt) => s.slice(0, -salt.length)))
      }))
      const Stamped = Schema.Struct({
        text: Salted,
        at: Schema.Number.pipe(Schema.withDecodingDefaultKey(Clock.currentTimeMillis))
      })
      const codec = compile(Stamped)
      yield* TestClock.adjust(1234)
      const value = yield* decode(codec, bytes({ text: "a" })).pipe(Effect.provideService(Salt, "!"))
      assert.deepStrictEqual(value, { text: "a!", at: 1234 })
      const document = yield* codec.encode(value).pipe(Effect.provideService(Salt, "!"))
      assert.deepStrictEqual(document, { text: "a", at: 1234 })
    }))

  it("skip fields that the schema does not name", () => {
    const codec = compile(Schema.Struct({ a: Schema.Int }))
    const document = Buffer.from(bytes({ text: "damaged", a: 1 }))
    document[document.indexOf("damaged")] = 0xff
    assert.throws(() => BSON.deserialize(document), /UTF-8/)
    assert.deepStrictEqual(codec.decodeBytes(document), { a: 1 })
    // Fields that it names are read as bson reads them.
    const named = compile(Schema.Struct({ text: Schema.String }))
    assert.strictEqual(named.decodeBytes(document), mismatch)
  })

  it("respect the options of the driver", () => {
    const schema = Schema.Struct({ n: Schema.Unknown })
    const long = bytes({ n: Driver.Long.fromNumber(5) })
    assert.deepStrictEqual(compile(schema).decodeBytes(long), { n: 5 })
    const codec = compile(schema, { bson: { useBigInt64: true } })
    assert.isFalse(codec.compiled.decode)
    assert.deepStrictEqual(Effect.runSync(decode(codec, long)), { n: 5n })
    const regex = bytes({ n: new Driver.BSONRegExp("a", "x") })
    assert.deepStrictEqual(compile(schema).decodeBytes(regex), { n: /a/ })
    assert.deepStrictEqual(compile(schema, { bson: { bsonRegExp: true } }).decodeBytes(regex), {
      n: new Driver.BSONRegExp("a", "x")
    })
  })

  it("do not keep the bytes of a batch alive", async () => {
    V8.setFlagsFromString("--expose-gc")
    const collect = vm.runInNewContext("gc") as () => void
    const codec = compile(Person)
    const decodeSome = (): readonly [values: Array<typeof Person.Type>, buffer: WeakRef<ArrayBuffer>] => {
      const document = bytes({ ...person, note: "a text that is long enough to be more than a few bytes" })
      const buffer = new ArrayBuffer(document.length * 2)
      const views = [0, 1].map((i) => new Uint8Array(buffer, i * document.length, document.length))
      for (const view of views) view.set(document)
      const values: Array<typeof Person.Type> = []
      assert.strictEqual(codec.decodeMany(views, 0, values), 2)
      values.push(codec.decodeBytes(views[0]!) as typeof Person.Type)
      values.push(Effect.runSync(codec.diagnose(views[1]!)))
      return [values, new WeakRef(buffer)]
    }
    const [values, buffer] = decodeSome()
    for (let i = 0; i < 10 && buffer.deref() !== undefined; i++) {
      await new Promise((resolve) => setTimeout(resolve, 5))
      collect()
    }
    assert.isUndefined(buffer.deref())
    assert.strictEqual(values.length, 4)
    assert.isTrue(Option.isSome(values[3]!.note))
  })

  it("leave everything to the interpreter if code generation is forbidden", async () => {
    const path = (name: string) => fileURLToPath(new URL(name, import.meta.url))
    const { stdout } = await execute(process.execPath, [
      "--disallow-code-generation-from-strings",
      "--import",
      "tsx",
      path("../support/compiledForbidden.ts")
    ], { env: { ...process.env, TSX_TSCONFIG_PATH: path("../../../../tsconfig.tests.json") } })
    assert.deepStrictEqual(JSON.parse(stdout), {
      compiled: { decode: false, encode: false, write: false },
      decoded: { a: 1 },
      encoded: { a: 1 },
      failed: true
    })
  })
})
