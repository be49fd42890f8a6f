/**
 * Inference: every document that a schema was made from decodes by it, as a value and as the module that is printed.
 *
 * @since 0.1.0
 */
import { assert, describe, it } from "@effect/vitest"
import { Bson, MongoInfer } from "@mongofx/schema"
import { checkStored } from "@mongofx/schema/internal/bson/storable"
import { codecOf } from "@mongofx/schema/internal/compiler/codec"
import { Effect, Exit, Random as EffectRandom, Schema } from "effect"
import * as Driver from "mongodb"
import { spawnSync } from "node:child_process"
import { fileURLToPath } from "node:url"
import ts from "typescript-6"
import { seeded } from "../../../core/test/support/utils.ts"
import { Random } from "../support/compiledSchemas.ts"
import { compile } from "../support/compiler.ts"
import { collection, manyKeys } from "../support/storedDocuments.ts"

const root = fileURLToPath(new URL("../../../..", import.meta.url))

/** Reads as inference reads from a server. */
const exact = (bytes: Uint8Array): Driver.Document =>
  Driver.BSON.deserialize(bytes, { promoteValues: false, promoteLongs: false, bsonRegExp: true })

const inferred = (documents: ReadonlyArray<Uint8Array>, options?: MongoInfer.PrintOptions) =>
  MongoInfer.infer(MongoInfer.summarize(documents.map(exact)), options)

/** What a collection with this schema says about its stored documents. */
const undecoded = (schema: Schema.Constraint, documents: ReadonlyArray<Uint8Array>): ReadonlyArray<string> => {
  checkStored(schema.ast, {})
  const decoder = codecOf(schema.ast).bytes({})!
  return documents.flatMap((bytes) => {
    if (decoder.decodeMany([bytes], 0, []) === 1) return []
    const exit = Effect.runSyncExit(decoder.decode(bytes) as Effect.Effect<unknown, unknown>)
    return Exit.isSuccess(exit) ? [] : [`${Driver.BSON.EJSON.stringify(exact(bytes))}: ${String(exit.cause)}`]
  })
}

/** The classes of printed modules, by name. */
const load = (sources: ReadonlyArray<string>): Readonly<Record<string, Schema.Constraint>> => {
  const { outputText } = ts.transpileModule(bodyOf(sources), {
    compilerOptions: { target: ts.ScriptTarget.ESNext, module: ts.ModuleKind.CommonJS }
  })
  const exports: Record<string, Schema.Constraint> = {}
  new Function("Schema", "Bson", "exports", outputText)(Schema, Bson, exports)
  return exports
}

const bodyOf = (sources: ReadonlyArray<string>): string =>
  sources.map((source) => source.replace(/^import .*\n/gm, "").trim()).join("\n\n")

const module = (sources: ReadonlyArray<string>): string =>
  `import { Bson } from "@mongofx/schema"\nimport { Schema } from "effect"\n\n${bodyOf(sources)}\n`

const formatted = (source: string): string => {
  const { status, stderr, stdout } = spawnSync(
    process.execPath,
    ["node_modules/dprint/bin.cjs", "fmt", "--stdin", "printed.ts"],
    { cwd: root, input: source, encoding: "utf8" }
  )
  assert.strictEqual(status, 0, stderr)
  return stdout
}

const random = Effect.map(EffectRandom.nextInt, (seed) => new Random(seed))

const rounds = Number(process.env["INFER_ROUNDS"] ?? 60)

/** Random collections with their modules, whose classes have different names. */
const printed = (source: Random) =>
  Array.from({ length: Math.min(rounds / 2, 400) }, (_, i) => {
    const documents = i % 10 === 0 ? manyKeys(source) : collection(source)
    return { stored: documents, ...inferred(documents, { name: `Inferred${i}` }) }
  })

describe("inference", () => {
  it.effect("gives a schema that decodes all documents that it was made from", () =>
    seeded(Effect.gen(function*() {
      const source = yield* random
      for (let i = 0; i < rounds; i++) {
        const documents = i % 20 === 0 ? manyKeys(source) : collection(source)
        assert.deepStrictEqual(undecoded(inferred(documents).schema, documents), [])
      }
    })), 600_000)

  it.effect(
    "prints modules that compile and decode the same documents",
    () =>
      seeded(Effect.gen(function*() {
        const source = yield* random
        const cases = printed(source)
        const sources = cases.map(({ source }) => source)
        for (const source of sources) {
          assert.match(
            source,
            /^(import \{ Bson \} from "@mongofx\/schema"\n)?import \{ Schema \} from "effect"\n\n\/\/ /
          )
          assert.strictEqual(/^import \{ Bson \}/m.test(source), /\bBson\./.test(source.replace(/^ *\/\/.*$/gm, "")))
        }
        assert.deepStrictEqual(compile(module(sources)).errors, [])
        const text = module(sources)
        assert.strictEqual(formatted(text), text)
        const classes = load(sources)
        for (const { name, stored } of cases) {
          assert.deepStrictEqual(undecoded(classes[name]!, stored), [])
        }
        assert.notProperty(globalThis, "planted")
      })),
    600_000
  )

  it.effect(
    "gives for two parts together what it gives for all documents at once",
    () =>
      seeded(Effect.gen(function*() {
        const source = yield* random
        for (let i = 0; i < rounds; i++) {
          const documents = (i % 20 === 0 ? manyKeys(source) : collection(source)).map(exact)
          const [a, b] = [source.int(documents.length + 1), source.int(documents.length + 1)].sort((a, b) => a - b) as [
            number,
            number
          ]
          const [one, two, three] = [documents.slice(0, a), documents.slice(a, b), documents.slice(b)].map(
            MongoInfer.summarize
          ) as [MongoInfer.Summary, MongoInfer.Summary, MongoInfer.Summary]
          const all = MongoInfer.summarize(documents)
          const left = MongoInfer.combine(MongoInfer.combine(one, two), three)
          const right = MongoInfer.combine(one, MongoInfer.combine(two, three))
          assert.deepStrictEqual(left, all)
          assert.deepStrictEqual(right, all)
          assert.strictEqual(MongoInfer.infer(left).source, MongoInfer.infer(all).source)
          // The parts stay as they were.
          assert.deepStrictEqual(one, MongoInfer.summarize(documents.slice(0, a)))
        }
      })),
    600_000
  )
})

// ---- decisions, one by one

const oid = (n: number) => new Driver.ObjectId(n.toString(16).padStart(24, "0"))

/** The lines of the fields of a schema, with their comments. */
const fieldsOf = (
  documents: ReadonlyArray<Driver.Document>,
  options?: MongoInfer.PrintOptions
): ReadonlyArray<string> => {
  const { source } = inferred(documents.map((document) => Driver.BSON.serialize(document)), options)
  const lines = source.split("\n")
  return lines.slice(lines.indexOf("  Schema.Struct({") + 1, lines.indexOf("  })")).map((line) => line.slice(4))
}

const many = (count: number, f: (i: number) => Driver.Document): ReadonlyArray<Driver.Document> =>
  Array.from({ length: count }, (_, i) => ({ _id: i, ...f(i) }))

/** The schema of a field with these values. */
const schemaOf = (...values: ReadonlyArray<unknown>): string =>
  fieldsOf(values.map((a, _id) => ({ _id, a }))).filter((line) => line.startsWith("a: ")).join().slice(3)

describe("a value has the schema of its type", () => {
  const id = oid(1)
  for (
    const [schema, value] of [
      ["Bson.Int32", 1],
      ["Bson.Double", 1.5],
      ["Bson.Double", new Driver.Double(2)],
      ["Bson.Int64", Driver.Long.fromNumber(1)],
      ["Bson.BigDecimal", Driver.Decimal128.fromString("1.50")],
      ["Bson.Decimal128", Driver.Decimal128.fromString("NaN")],
      ["Schema.Boolean", true],
      ["Schema.String", "a"],
      ["Schema.String", new Driver.BSONSymbol("a")],
      ["Schema.Null", null],
      ["Bson.Date", new Date(0)],
      ["Bson.ObjectId", id],
      ["Bson.UUID", new Driver.UUID()],
      ["Bson.Bytes", new Driver.Binary(Buffer.from([1]))],
      ["Bson.Binary", new Driver.Binary(Buffer.alloc(16), 3)],
      ["Bson.Binary", new Driver.Binary(Buffer.alloc(3), 4)],
      ["Bson.Float32Vector", Driver.Binary.fromFloat32Array(new Float32Array([1]))],
      ["Bson.Int8Vector", Driver.Binary.fromInt8Array(new Int8Array([1]))],
      ["Bson.BitVector", Driver.Binary.fromBits(new Int8Array([1]))],
      ["Bson.Timestamp", new Driver.Timestamp({ t: 1, i: 1 })],
      ["Bson.BSONRegExp", /a/],
      ["Bson.Code", new Driver.Code("f()")],
      ["Bson.MinKey", new Driver.MinKey()],
      ["Bson.MaxKey", new Driver.MaxKey()],
      ["Bson.DBRef", new Driver.DBRef("users", id)],
      ["Schema.Unknown", new Driver.DBRef("users", 1 as never)],
      ["Schema.Array(Schema.Unknown)", []],
      ["Schema.Record(Schema.String, Schema.Unknown)", {}],
      ["Schema.Array(Bson.Int32)", [1, 2]],
      ["Schema.Array(Schema.Array(Schema.NullOr(Schema.String)))", [["a", null]]],
      ["Schema.Struct({ b: Bson.Int32 })", { b: 1 }]
    ] as const
  ) {
    it(`${Driver.BSON.EJSON.stringify({ value }).slice(0, 60)}: ${schema}`, () => {
      assert.strictEqual(schemaOf(value), schema)
      // A value at hand means the same as the one that is stored.
      const own = MongoInfer.infer(MongoInfer.summarize([{ _id: 1, a: value }])).source
      assert.include(own, `a: ${schema}\n`)
    })
  }

  it("a value that no serializer writes has none", () => {
    const date = Buffer.from(Driver.BSON.serialize({ _id: 1, a: Driver.Long.MAX_VALUE }))
    date[date.indexOf("\x12a\0", "latin1")] = 9
    const far = inferred([date])
    assert.include(far.source, "    // dates beyond those of JavaScript in 1 of 1: see 1\n    a: Schema.Unknown\n")
    assert.deepStrictEqual(undecoded(far.schema, [date]), [])
    const old = Buffer.from(Driver.BSON.serialize({ _id: 1, a: null }))
    old[old.indexOf("\x0aa\0", "latin1")] = 6
    assert.include(inferred([old]).source, "    a: Schema.Undefined\n")
    assert.deepStrictEqual(undecoded(inferred([old]).schema, [old]), [])
  })
})

describe("several types at one place", () => {
  it("are a union, objects last, with their counts and a document of the rarest", () => {
    assert.deepStrictEqual(
      fieldsOf(many(10, (i) => ({ a: i < 5 ? "x" : i < 8 ? { b: 1 } : i < 9 ? new Date(0) : [1] }))),
      [
        "_id: Bson.Int32,",
        "// string 5, object 3, array 1, date 1: see 8",
        "a: Schema.Union([Bson.Date, Schema.String, Schema.Array(Bson.Int32), Schema.Struct({ b: Bson.Int32 })])"
      ]
    )
  })

  it("are one schema for numbers that one schema reads", () => {
    const long = Driver.Long.fromNumber(5)
    const wide = Driver.Long.MAX_VALUE
    const decimal = Driver.Decimal128.fromString("1")
    assert.strictEqual(schemaOf(1, long), "Bson.Int64")
    assert.strictEqual(schemaOf(1, 1.5), "Schema.Number")
    assert.strictEqual(schemaOf(1.5, long), "Schema.Number")
    assert.strictEqual(schemaOf(1, 1.5, wide), "Schema.Union([Bson.Int64, Bson.Double])")
    assert.strictEqual(schemaOf(1, decimal), "Schema.Union([Bson.BigDecimal, Bson.Int32])")
  })

  it("are one schema for binary data of several subtypes", () => {
    const bytes = new Driver.Binary(Buffer.from([1]))
    const vector = Driver.Binary.fromInt8Array(new Int8Array([1]))
    assert.strictEqual(schemaOf(bytes, new Driver.UUID()), "Bson.Binary")
    assert.strictEqual(schemaOf(vector, Driver.Binary.fromBits(new Int8Array([1]))), "Bson.Vector")
    assert.strictEqual(schemaOf(vector, bytes), "Bson.Binary")
  })
})

describe("a field", () => {
  it("is optional where some objects lack it, with a comment where that is rare", () => {
    assert.deepStrictEqual(
      fieldsOf(
        many(
          40,
          (i) => ({ a: 1, ...(i === 7 ? {} : { b: 1 }), ...(i === 9 ? { c: 1 } : {}), ...(i % 2 ? { d: 1 } : {}) })
        )
      ),
      [
        "_id: Bson.Int32,",
        "a: Bson.Int32,",
        "// missing in 1 of 40: see 7",
        "b: Schema.optionalKey(Bson.Int32),",
        "// only in 1 of 40: see 9",
        "c: Schema.optionalKey(Bson.Int32),",
        "d: Schema.optionalKey(Bson.Int32)"
      ]
    )
  })

  it("may be null, with a comment where that is rare, or the only value", () => {
    assert.deepStrictEqual(
      fieldsOf(many(40, (i) => ({ a: i === 7 ? null : 1, b: i === 9 ? 1 : null, c: i % 2 ? null : 1, d: null }))),
      [
        "_id: Bson.Int32,",
        "// null in 1 of 40: see 7",
        "a: Schema.NullOr(Bson.Int32),",
        "// not null in 1 of 40: see 9",
        "b: Schema.NullOr(Bson.Int32),",
        "c: Schema.NullOr(Bson.Int32),",
        "// always null",
        "d: Schema.Null"
      ]
    )
  })

  it("counts in the objects around it, also inside of arrays, whose comments stand at the array", () => {
    assert.deepStrictEqual(
      fieldsOf(
        many(2, (i) => ({
          lines: Array.from({ length: 20 }, (_, j) => i === 1 && j === 3 ? { sku: "a", gift: true } : { sku: "a" }),
          tags: i === 1 ? ["a", 1] : ["a"]
        })),
        {
          enums: false
        }
      ),
      [
        "_id: Bson.Int32,",
        "lines: Schema.Array(Schema.Struct({",
        "  sku: Schema.String,",
        "  // only in 1 of 40: see 1",
        "  gift: Schema.optionalKey(Schema.Boolean)",
        "})),",
        "// []: string 2, int 1: see 1",
        "tags: Schema.Array(Schema.Union([Schema.String, Bson.Int32]))"
      ]
    )
  })

  it("with an odd name is quoted", () => {
    const odd = JSON.parse(`{ "__proto__": 1, "a-b": 1, "class": 1, "1": 1, "$a": 1, "\\u2028": 1 }`) as Driver.Document
    assert.deepStrictEqual(
      fieldsOf([{ _id: 1, ...Object.fromEntries(Object.entries(odd).slice(2)) }, Object.assign(odd, { _id: 2 })])
        .length,
      7
    )
    assert.deepStrictEqual(fieldsOf([Object.assign(odd, { _id: 2 })]), [
      "_id: Bson.Int32,",
      `"1": Bson.Int32,`,
      `["__proto__"]: Bson.Int32,`,
      `"a-b": Bson.Int32,`,
      "class: Bson.Int32,",
      "$a: Bson.Int32,",
      `"\\u2028": Bson.Int32`
    ])
  })

  it("with the name of a member of every object is left out if it is optional", () => {
    const documents: ReadonlyArray<Driver.Document> = [{ _id: 1, constructor: "x" }, { _id: 2 }]
    assert.deepStrictEqual(fieldsOf(documents), [
      "_id: Bson.Int32",
      "// constructor: left out: a schema cannot tell whether an object has an optional field of this name"
    ])
    assert.deepStrictEqual(fieldsOf([documents[0]!]), ["_id: Bson.Int32,", "constructor: Schema.String"])
  })

  it("stands where it mostly stands in the documents", () => {
    assert.deepStrictEqual(fieldsOf([{ _id: 1, a: 1, c: 1 }, { _id: 2, a: 1, b: 1, c: 1 }]).map((line) => line[0]), [
      "_",
      "a",
      "b",
      "c"
    ])
  })
})

describe("texts", () => {
  const colours = (count: number) => many(count, (i) => ({ a: ["red", "green", "blue"][i % 3] }))

  it("are choices where there are few among many", () => {
    assert.strictEqual(fieldsOf(colours(60))[1], `a: Schema.Literals(["blue", "green", "red"])`)
    assert.strictEqual(fieldsOf(colours(59))[1], "a: Schema.String")
    assert.strictEqual(fieldsOf(colours(60), { enums: false })[1], "a: Schema.String")
    assert.strictEqual(fieldsOf(many(20, () => ({ a: "movie" })))[1], `a: Schema.Literal("movie")`)
    assert.strictEqual(fieldsOf(many(600, (i) => ({ a: `c${i % 13}` })))[1], "a: Schema.String")
  })

  it("with the form of dates and identifiers stay texts, with a comment", () => {
    const iso = new Date(0).toISOString()
    assert.deepStrictEqual(
      fieldsOf(many(40, (i) => ({
        a: iso,
        b: i === 7 ? "soon" : iso,
        c: "2026-01-31",
        d: oid(i).toHexString(),
        e: new Driver.UUID().toHexString(),
        f: "2026-13-41"
      }))),
      [
        "_id: Bson.Int32,",
        "// dates and times in text, which Schema.DateTimeUtcFromString would decode",
        "a: Schema.String,",
        "// 39 of 40 texts have this form: dates and times in text, which Schema.DateTimeUtcFromString would decode",
        "b: Schema.String,",
        "// dates in text, as 2026-01-31",
        "c: Schema.String,",
        "// ObjectIds in text, which Bson.ObjectIdFromHex would decode",
        "d: Schema.String,",
        "// UUIDs in text",
        "e: Schema.String,",
        `f: Schema.Literal("2026-13-41")`
      ]
    )
    assert.isTrue(Exit.isSuccess(Schema.decodeUnknownExit(Schema.DateTimeUtcFromString)(iso)))
    assert.isTrue(Exit.isSuccess(Schema.decodeUnknownExit(Bson.ObjectIdFromHex)(oid(1).toHexString())))
  })

  it("that are long are no choices", () => {
    const long = (length: number) => fieldsOf(many(20, () => ({ a: "x".repeat(length) })))[1]
    assert.strictEqual(long(64), `a: Schema.Literal("${"x".repeat(64)}")`)
    assert.strictEqual(long(65), "a: Schema.String")
  })

  it("that name a schema in a comment import nothing", () => {
    const { source } = MongoInfer.infer(MongoInfer.summarize([{ _id: "a", of: oid(1).toHexString() }]))
    assert.include(source, "// ObjectIds in text, which Bson.ObjectIdFromHex would decode\n")
    assert.notInclude(source, "import { Bson }")
  })

  it("of documents are in no source without enums, except as ids", () => {
    const secret = "s3cret"
    const { notes, source } = inferred(
      many(40, (i) => ({ a: secret, b: [secret], c: { d: i === 3 ? 1 : secret }, e: { [`${secret}${i}`]: secret } }))
        .map(
          (document) => Driver.BSON.serialize(document)
        ),
      { enums: false }
    )
    assert.notInclude(source + JSON.stringify(notes), secret)
    assert.deepStrictEqual(notes, [
      { path: "c.d", message: "string 39, int 1", id: 3 },
      { path: "e", message: "40 different keys in 40 objects", id: undefined }
    ])
  })
})

describe("an object", () => {
  const prices = (names: ReadonlyArray<string>) => ({ _id: 1, a: Object.fromEntries(names.map((name) => [name, 1])) })
  const record = "a: Schema.Record(Schema.String, Bson.Int32)"

  it("is a record where its keys are identifiers, numbers or days", () => {
    assert.include(fieldsOf([prices([oid(1).toHexString()])]), record)
    assert.include(fieldsOf([prices(["f47ac10b-58cc-4372-a567-0e02b2c3d479"])]), record)
    assert.include(fieldsOf([prices(["2024", "2025"])]), record)
    assert.include(fieldsOf([prices(["2024-01-01", "2024-01-02"])]), record)
    assert.include(
      fieldsOf([prices(["a", "2025"])]).join(" "),
      `a: Schema.Struct({ "2025": Bson.Int32, a: Bson.Int32 })`
    )
  })

  it("is a record where many keys are rare each", () => {
    const users = (each: number) =>
      many(20, (i) => ({ a: Object.fromEntries(Array.from({ length: each }, (_, j) => [`u${i * each + j}`, 1])) }))
    assert.include(fieldsOf(users(1)), "// 20 different keys in 20 objects")
    assert.include(fieldsOf(users(1)), record)
    assert.include(fieldsOf(users(10)), "// many different keys")
    assert.include(fieldsOf(users(10)), record)
  })

  it("is a struct where its keys return", () => {
    const fields = fieldsOf(many(20, (i) => ({ a: { name: "x", ...(i % 2 ? { age: 1 } : { birthday: 2 }) } })), {
      enums: false
    })
    assert.deepStrictEqual(fields.slice(1), [
      "a: Schema.Struct({",
      "  name: Schema.String,",
      "  age: Schema.optionalKey(Bson.Int32),",
      "  birthday: Schema.optionalKey(Bson.Int32)",
      "})"
    ])
  })
})

describe("documents", () => {
  it("that are many need no more memory than a few", () => {
    const document = (i: number) => ({
      _id: i,
      text: `text ${i}`,
      [`key${i}`]: i,
      inside: { [`key${i}`]: { [`key${i}`]: [i, `text ${i}`] } },
      list: [{ [`key${i}`]: `text ${i}` }]
    })
    const sizeOf = (count: number): number => {
      const seen = new Set<unknown>()
      const visit = (value: unknown): void => {
        if (typeof value !== "object" || value === null || seen.has(value)) return
        seen.add(value)
        const parts = value instanceof Map ? value.values() : value instanceof Set ? value : Object.values(value)
        for (const part of parts) visit(part)
      }
      visit(MongoInfer.summarize(Array.from({ length: count }, (_, i) => document(i))))
      return seen.size
    }
    const size = sizeOf(1500)
    assert.isBelow(size, 200)
    assert.strictEqual(sizeOf(6000), size)
  })

  it("that are nested deeply are looked into down to a depth", () => {
    let deep: unknown = "bottom"
    for (let i = 0; i < 60; i++) deep = { deep }
    const documents = [Driver.BSON.serialize({ _id: 1, deep })]
    const { notes, schema } = inferred(documents)
    assert.deepStrictEqual(notes.map(({ message }) => message), ["values nested too deeply in 1 of 1"])
    assert.deepStrictEqual(undecoded(schema, documents), [])
  })

  it("that are nested under names as long as a line are printed as fast as others", () => {
    const name = "n".repeat(94)
    const nested = (depth: number, last: Driver.Document): Driver.Document =>
      depth === 0 ? last : { [name]: nested(depth - 1, last) }
    const documents = Array.from(
      { length: 11 },
      (_, depth) =>
        [{ [name]: null }, {}, { n: 1 }].map((last) => Driver.BSON.serialize({ _id: 1, ...nested(depth, last) }))
    ).flat()
    const start = performance.now()
    const { source } = inferred(documents)
    assert.isBelow(performance.now() - start, 1000)
    assert.deepStrictEqual(undecoded(load([source])["Inferred"]!, documents), [])
  })

  it("with a DBRef as their whole are named in the heading", () => {
    const { source } = inferred([
      Driver.BSON.serialize({ _id: 1, $ref: "a", $id: oid(1) }),
      Driver.BSON.serialize({ _id: 2 })
    ])
    assert.include(source, "// 1 of 2 left out: they are read as a DBRef, or not at all\nexport class")
    assert.include(source, "    _id: Bson.Int32\n")
  })

  it("of which there are none have an _id", () => {
    const { documents, source } = MongoInfer.infer(MongoInfer.summarize([]))
    assert.strictEqual(documents, 0)
    assert.include(
      source,
      "// Inferred from 0 documents.\n// there are no documents to infer from\nexport class Inferred "
    )
  })

  it("have a heading of one line, whatever they are of", () => {
    const { source } = MongoInfer.infer(MongoInfer.summarize([]), { of: "app.a\nb\u2028c" })
    assert.include(source, "\n// Inferred from 0 documents of app.a\\u000ab\\u2028c.\n")
  })

  it("give their class the name of the collection", () => {
    for (
      const [given, name] of [
        ["movies", "Movies"],
        ["order-lines", "OrderLines"],
        ["app.users_v2", "AppUsers_v2"],
        ["2024", "Inferred2024"],
        ["", "Inferred"],
        ["*/", "Inferred"],
        ["schema", "SchemaDocument"],
        ["日本", "日本"]
      ]
    ) {
      assert.strictEqual(MongoInfer.infer(MongoInfer.summarize([]), { name: given }).name, name)
    }
  })
})
