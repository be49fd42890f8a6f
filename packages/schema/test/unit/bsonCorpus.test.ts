/**
 * Round trips of a corpus of BSON: a generated one, and the official one if its folder exists.
 *
 * `MONGODB_SPEC_TESTS` names a clone of https://github.com/mongodb/specifications, or its `source`.
 *
 * @since 0.1.0
 */
import { assert, describe, it } from "@effect/vitest"
import { Bson } from "@mongofx/schema"
import { Schema } from "effect"
import * as fs from "node:fs"
import * as path from "node:path"
import * as Corpus from "../support/corpus.ts"

/** Runs a check, and names the case if it fails. */
const named = (description: string, check: () => void): void => {
  try {
    check()
  } catch (cause) {
    throw new Error(`${description}: ${String(cause).slice(0, 1000)}`, { cause })
  }
}

describe("the generated corpus", () => {
  it("has cases for every schema", () => {
    const names = Object.entries(Bson).filter(([, value]) => Schema.isSchema(value)).map(([name]) => name)
    assert.isAbove(names.length, 15)
    for (const name of names) assert.isNotEmpty(Corpus.generated[name] ?? [], name)
  })

  for (const [name, cases] of Object.entries(Corpus.generated)) {
    describe(name, () => {
      it("comes back from BSON as the same bytes", () => {
        for (const { bytes, description, promotes, schema } of cases) {
          named(description, () => Corpus.roundTrip(schema, bytes, bytes, promotes))
        }
      })

      it("comes back from the driver's Extended JSON", () => {
        for (const { bytes, description, json, schema } of cases) {
          named(description, () => Corpus.jsonRoundTrip(schema, bytes, json ?? Corpus.driverJson(bytes)))
        }
      })

      it("is the same to the compiled decoder and to the interpreter", () => {
        for (const { bytes, description, interpreted = false, schema } of cases) {
          named(description, () => {
            const by = Corpus.agrees(schema, Corpus.codecOf(schema), bytes)
            assert.strictEqual(by, interpreted ? "interpreted" : "compiled")
          })
        }
      })

      it("is read or refused by both alike when its bytes are damaged", () => {
        for (const { bytes, description, schema } of cases) {
          const codec = Corpus.codecOf(schema)
          named(description, () => {
            for (const damaged of Corpus.damaged(bytes)) Corpus.agrees(schema, codec, damaged)
          })
        }
      })
    })
  }
})

// ---- the official corpus

interface ValidCase {
  readonly description: string
  readonly canonical_bson: string
  readonly canonical_extjson: string
  readonly degenerate_bson?: string
  readonly degenerate_extjson?: string
  readonly relaxed_extjson?: string
  /** Whether the Extended JSON loses something of the bytes. */
  readonly lossy?: boolean
}

interface CorpusFile {
  readonly description: string
  readonly bson_type: string
  readonly test_key?: string
  readonly deprecated?: boolean
  readonly valid?: ReadonlyArray<ValidCase>
  readonly decodeErrors?: ReadonlyArray<{ readonly description: string; readonly bson: string }>
  /** Text that is not a number of the type, or, in the file of documents, invalid Extended JSON. */
  readonly parseErrors?: ReadonlyArray<{ readonly description: string; readonly string: string }>
}

/**
 * The schemas of a type: the first takes all its values, the others some. Documents and arrays have no entry: their schema
 * is derived from the value.
 */
const schemasOf: { readonly [Type in number]?: ReadonlyArray<Corpus.AnySchema> } = {
  0x00: [],
  0x01: [Bson.Double],
  0x02: [Schema.String],
  0x03: [],
  0x04: [],
  0x05: [Bson.Binary, Bson.Bytes, Bson.UUID, Bson.Vector, Bson.Float32Vector, Bson.Int8Vector, Bson.BitVector],
  0x07: [Bson.ObjectId],
  0x08: [Schema.Boolean],
  0x09: [Bson.Date],
  0x0a: [Schema.Null],
  0x0b: [Bson.BSONRegExp],
  0x0d: [Bson.Code],
  0x0f: [Bson.Code],
  0x10: [Bson.Int32],
  0x11: [Bson.Timestamp],
  0x12: [Bson.Int64, Bson.Long],
  0x13: [Bson.Decimal128],
  0x7f: [Bson.MaxKey],
  0xff: [Bson.MinKey]
}

/** Why the valid cases of a file are read only, and not written. */
const reasonToSkip = ({ bson_type, deprecated = false }: CorpusFile): string | undefined =>
  deprecated || [0x06, 0x0c, 0x0e].includes(Number(bson_type))
    ? "the type is deprecated, and the driver writes another in its place"
    : schemasOf[Number(bson_type)] === undefined
    ? `no schema has the type ${bson_type}`
    : undefined

const AnyDocument = Schema.Record(Schema.String, Schema.Unknown)

/** JSON.parse has rounded such integers, so the schemas of integers refuse them. */
const hasUnsafeInteger = (json: string): boolean => {
  let found = false
  JSON.parse(json, (_, value: unknown) => {
    found ||= typeof value === "number" && Number.isInteger(value) && !Number.isSafeInteger(value)
    return value
  })
  return found
}

const checkValid = (type: number, test: ValidCase): void => {
  const bytes = Buffer.from(test.canonical_bson, "hex")
  const canonical = bytes.toString("hex")
  const document = Corpus.exact(bytes)
  const lossy = test.lossy ?? false

  const derived = Corpus.derive(document)
  const names = Object.keys(document)
  // Some files have documents of other types as well.
  const [first, ...others] = names.length === 1 && bytes[4] === type ? schemasOf[type] ?? [] : []
  const schemas = [
    derived.schema,
    ...first === undefined ? [] : [Corpus.field(names[0]!, first)],
    ...others.map((schema) => Corpus.field(names[0]!, schema)).filter((schema) =>
      Schema.decodeUnknownResult(schema)(document)._tag === "Success"
    )
  ]
  for (const schema of schemas) {
    Corpus.roundTrip(schema, bytes, bytes, derived.promotes)
    const codec = Corpus.codecOf(schema)
    assert.notStrictEqual(Corpus.agrees(schema, codec, bytes), "refused")
    if (test.degenerate_bson !== undefined) {
      const degenerate = Buffer.from(test.degenerate_bson, "hex")
      Corpus.roundTrip(schema, degenerate, bytes, derived.promotes)
      assert.notStrictEqual(Corpus.agrees(schema, codec, degenerate), "refused")
    }
    if (!derived.hasJson) continue
    Corpus.jsonRoundTrip(schema, bytes, JSON.parse(test.canonical_extjson), lossy)
    if (lossy) continue
    if (test.relaxed_extjson !== undefined) {
      const back = Corpus.fromJson(schema, JSON.parse(test.relaxed_extjson))
      if (back !== undefined || !hasUnsafeInteger(test.relaxed_extjson)) assert.strictEqual(back, canonical)
    }
    // Our schemas may refuse more than a parser of Extended JSON must, but give the same values.
    if (test.degenerate_extjson !== undefined) {
      assert.include([canonical, undefined], Corpus.fromJson(schema, JSON.parse(test.degenerate_extjson)))
    }
  }
}

/** The Extended JSON of a case that cannot be parsed, and the schemas that must refuse it. */
const unparsable = (type: number, text: string): readonly [json: unknown, schemas: ReadonlyArray<Corpus.AnySchema>] => {
  if (type === 0x13) return [{ d: { $numberDecimal: text } }, [Corpus.field("d", Bson.Decimal128)]]
  const json = JSON.parse(text) as object
  const every = Object.values(schemasOf).flatMap((schemas) => schemas ?? [])
  return [json, every.map((schema) => Corpus.field(Object.keys(json)[0]!, schema))]
}

const folder = process.env["MONGODB_SPEC_TESTS"] ?? ""
const corpus = ["bson-corpus/tests", "source/bson-corpus/tests", "bson-corpus", "source/bson-corpus"]
  .map((name) => path.join(folder, name))
  .find((name) => folder !== "" && fs.existsSync(name) && fs.readdirSync(name).some((file) => file.endsWith(".json")))

if (corpus === undefined) {
  it.skip(
    folder === ""
      ? "the official corpus: MONGODB_SPEC_TESTS names no folder"
      : "the official corpus: the folder that MONGODB_SPEC_TESTS names has no bson-corpus"
  )
} else {
  describe("the official corpus", () => {
    for (const name of fs.readdirSync(corpus).filter((name) => name.endsWith(".json")).sort()) {
      const file = JSON.parse(fs.readFileSync(path.join(corpus, name), "utf8")) as CorpusFile
      const type = Number(file.bson_type)
      const skipped = reasonToSkip(file)
      const schemas = [
        AnyDocument,
        ...file.test_key === undefined
          ? []
          : [Schema.Unknown, ...schemasOf[type] ?? []].map((schema) => Corpus.field(file.test_key!, schema))
      ]

      describe(`${name}: ${file.description}`, () => {
        for (const test of file.valid ?? []) {
          if (skipped === undefined) it(test.description, () => checkValid(type, test))
          else it.skip(`${test.description}: ${skipped}`)
        }

        for (const { description, string } of file.parseErrors ?? []) {
          it(`refused as JSON: ${description}`, () => {
            const [json, schemas] = unparsable(type, string)
            for (const schema of schemas) assert.isUndefined(Corpus.fromJson(schema, json))
          })
        }

        const errors = [
          ...(file.decodeErrors ?? []).map(({ bson, description }) => ({ bson, description: `error: ${description}` })),
          ...(file.valid ?? []).map(({ canonical_bson, description }) => ({
            bson: canonical_bson,
            description: `read by both alike: ${description}`
          }))
        ]
        for (const { bson, description } of errors) {
          it(description, () => {
            for (const schema of schemas) Corpus.agrees(schema, Corpus.codecOf(schema), Buffer.from(bson, "hex"))
          })
        }
      })
    }
  })
}
