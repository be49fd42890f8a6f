/**
 * Any text of a schema reaches generated source inside JSON strings only.
 *
 * @since 0.1.0
 */
import { assert, it } from "@effect/vitest"
import { Integration } from "@mongofx/core"
import { runtime } from "@mongofx/schema/internal/compiler/runtime"
import { Arbitrary, Effect, Exit, Schema } from "effect"
import * as Driver from "mongodb"
import { compile } from "../support/codec.ts"
import { type AnySchema, Random } from "../support/compiledSchemas.ts"

const seeds = Arbitrary.schema(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 2 ** 31 - 1 })))

// ---- schemas with hostile text

const marker = "zqx"

/** Text that ends a string, a comment, a template, a block or a statement, with code that would run after it. */
const fragments: ReadonlyArray<string> = [
  `"`,
  `'`,
  "`",
  "\\",
  "\\\"",
  "\\u0022",
  "\n",
  "\r\n",
  "\u2028",
  "\u2029",
  "*/",
  "/*",
  "//",
  "${",
  "${globalThis.planted = 1}",
  "}",
  "})",
  "]",
  ";",
  `");globalThis.planted=1;("`,
  `"]: globalThis.planted = 1, ["`,
  "</script>",
  "<!--",
  "\uFEFF",
  "\uD800",
  "é",
  "$",
  " ",
  "\t"
]

/** Names that mean something to JavaScript, to MongoDB or to the generated code. */
const reserved: ReadonlyArray<string> = [
  "__proto__",
  "constructor",
  "toString",
  "out",
  "mismatch",
  "giveUp",
  "C0",
  "x0",
  "return",
  "$ref",
  "a.b",
  "0",
  "-1",
  ""
]

class Source {
  readonly random: Random
  /** All text that the schema has. */
  readonly texts = new Set<string>()
  private count = 0
  constructor(seed: number) {
    this.random = new Random(seed)
  }
  /** Hostile text that is nowhere else. */
  text(): string {
    const { random } = this
    const parts = Array.from({ length: 1 + random.int(4) }, () => random.pick(fragments))
    parts.splice(random.int(parts.length + 1), 0, `${marker}${this.count++}`)
    return this.added(parts.join(""))
  }
  /** The name of a field. */
  name(): string {
    return this.random.chance(0.15) ? this.added(this.random.pick(reserved)) : this.text()
  }
  private added(text: string): string {
    this.texts.add(text)
    return text
  }
}

interface Kind {
  readonly schema: AnySchema
  readonly sample: () => unknown
}

const kind = (schema: Schema.Constraint, sample: () => unknown): Kind => ({ schema: schema as AnySchema, sample })

/** Some values fit nowhere, so that the code for refusals runs as well. */
const odd = (source: Source, sample: () => unknown) => () => source.random.chance(0.02) ? 1.5 : sample()

/** Text in the places that describe a node. */
const annotated = (source: Source, { sample, schema }: Kind): Kind => {
  if (source.random.chance(0.7)) return { schema, sample }
  const text = source.text()
  return kind(
    schema.annotate({
      identifier: text,
      title: text,
      description: text,
      expected: text,
      [text]: text
    } as never),
    sample
  )
}

const named = (source: Source, count: number, depth: number) => {
  const names = [...new Set(Array.from({ length: count }, () => source.name()))]
  return names.map((name) => ({ name, kind: anyKind(source, depth), optional: source.random.chance(0.3) }))
}

const defined = (entries: ReadonlyArray<readonly [name: string, value: unknown]>): Record<string, unknown> => {
  const out: Record<string, unknown> = {}
  for (const [name, value] of entries) {
    Object.defineProperty(out, name, { value, enumerable: true, configurable: true, writable: true })
  }
  return out
}

/** An optional field is left out, or filled in with hostile text. */
const withAbsence = (source: Source, schema: AnySchema, optional: boolean): Schema.Constraint => {
  if (!optional) return schema
  if (source.random.chance(0.6)) return Schema.optionalKey(schema)
  return schema.pipe(Schema.withDecodingDefaultKey(Effect.succeed(source.text())))
}

const struct = (source: Source, depth: number, count = 1 + source.random.int(7)): Kind => {
  const fields = named(source, count, depth)
  const schema = Schema.Struct(
    defined(
      fields.map(({ kind, name, optional }) => [name, withAbsence(source, kind.schema, optional)])
    ) as Record<
      string,
      AnySchema
    >
  )
  const sample = () =>
    defined(
      source.random.shuffle(fields)
        .filter(({ optional }) => !optional || source.random.chance(0.6))
        .map(({ kind, name }) => [name, kind.sample()])
    )
  return kind(schema, sample)
}

const fieldsOf = (schema: AnySchema): Record<string, AnySchema> =>
  (schema as unknown as Schema.Struct<Record<string, AnySchema>>).fields

const tagged = (source: Source, depth: number): Kind => {
  const tag = source.name()
  const members = Array.from({ length: 2 + source.random.int(3) }, () => {
    const literal = source.text()
    const inner = named(source, source.random.int(3), depth).filter(({ name }) => name !== tag)
    return kind(
      Schema.Struct(
        defined([
          [tag, Schema.Literal(literal)],
          ...inner.map(({ kind, name }) => [name, kind.schema] as const)
        ]) as Record<
          string,
          AnySchema
        >
      ),
      () => defined([[tag, literal], ...inner.map(({ kind, name }) => [name, kind.sample()] as const)])
    )
  })
  return kind(
    Schema.Union(members.map(({ schema }) => schema)),
    () => source.random.pick(members).sample()
  )
}

const leaf = (source: Source): Kind => {
  const { random } = source
  switch (random.int(7)) {
    case 0: {
      const text = source.text()
      return kind(Schema.Literal(text), odd(source, () => text))
    }
    case 1: {
      const texts = Array.from({ length: 2 + random.int(5) }, () => source.text())
      return kind(Schema.Literals(texts), odd(source, () => random.pick(texts)))
    }
    case 2: {
      const text = source.text()
      return kind(Schema.Enum({ [source.text()]: text }), odd(source, () => text))
    }
    case 3: {
      const [before, after] = [source.text(), source.text()]
      return kind(
        Schema.TemplateLiteral([before, Schema.String, after] as const),
        odd(source, () => `${before}a${after}`)
      )
    }
    case 4: {
      const message = source.text()
      const check = Schema.makeFilter<string>((text) => text.length > 0 || message, { title: message })
      return kind(Schema.String.check(check), odd(source, () => "a"))
    }
    case 5:
      return kind(Schema.String.pipe(Schema.brand(source.text() as "text")), odd(source, () => "a"))
    default:
      return kind(Schema.Int, odd(source, () => random.int(100)))
  }
}

const anyKind = (source: Source, depth: number): Kind => {
  const { random } = source
  if (depth === 0 || random.chance(0.35)) return annotated(source, leaf(source))
  const below = depth - 1
  switch (random.int(7)) {
    case 0:
      return annotated(source, struct(source, below))
    case 1: {
      const { sample, schema } = struct(source, below)
      class Named extends Schema.Class<Named>(source.text())(fieldsOf(schema)) {}
      return kind(Named, sample)
    }
    case 2:
      return annotated(source, tagged(source, below))
    case 3: {
      const item = anyKind(source, below)
      return kind(Schema.Array(item.schema), () => Array.from({ length: random.int(3) }, item.sample))
    }
    case 4: {
      const items = Array.from({ length: 1 + random.int(3) }, () => kind(Schema.Literal(source.text()), () => ""))
      return kind(
        Schema.Tuple(items.map(({ schema }) => schema)),
        () => items.map(({ schema }) => (schema as unknown as { readonly literal: string }).literal)
      )
    }
    case 5: {
      const value = anyKind(source, below)
      const key = source.text()
      return kind(Schema.Record(Schema.String, value.schema), () => defined([[key, value.sample()]]))
    }
    default: {
      const { sample, schema } = struct(source, 0, 3)
      const fields = Object.keys(fieldsOf(schema))
      // Effect's `encodeKeys` loses a field of this name.
      if (fields.includes("__proto__")) return kind(schema, sample)
      const names = new Map(fields.map((name) => [name, source.text()]))
      return kind(
        Schema.Struct(fieldsOf(schema)).pipe(Schema.encodeKeys(Object.fromEntries(names))),
        () => defined(Object.entries(sample() as object).map(([name, value]) => [names.get(name)!, value]))
      )
    }
  }
}

// ---- what the source is made of

/** The source of all functions that are generated on the way. */
const sourcesOf = (f: () => void): ReadonlyArray<string> => {
  const sources: Array<string> = []
  const { Function: original } = globalThis
  globalThis.Function = new Proxy(original, {
    construct: (target, args, self) => {
      sources.push(String(args.at(-1)))
      return Reflect.construct(target, args, self)
    }
  })
  try {
    f()
  } finally {
    globalThis.Function = original
  }
  return sources
}

const token =
  /\s+|(?<string>"(?:[^"\\\u0000-\u001F]|\\["\\/bfnrt]|\\u[0-9a-fA-F]{4})*")|(?<number>-?\d+)|(?<word>[A-Za-z_$][\w$]*)|(?<sign>===|!==|=>|\+\+|\+=|&&|\|\||\?\?|>=|<=|[{}()[\];:,.?=<>!|&+\-*])/uy

const words = new Set([
  ...Object.keys(runtime),
  ...Object.keys(Integration.bsonWriting),
  // The language
  ..."break case const continue default else for function if in let loop new of return switch this typeof while true false null undefined"
    .split(" "),
  ..."Array Buffer Object Number String BigInt isArray hasOwn keys push length defineProperty has from fromInt".split(
    " "
  ),
  ..."fromBigInt fromCharCode getTime isFinite isSafeInteger subarray utf8Slice".split(" "),
  ..."getBigInt64 getFloat64 getInt32 getUint32 setBigInt64 setFloat64 setInt32".split(" "),
  ..."configurable enumerable value writable i t".split(" "),
  // What the program has
  ..."constants mismatch missing omitted giveUp text add known".split(" "),
  ..."b dv p s n v k x end limit start out rest key here at cap buffer view".split(" ")
])

/** A constant, or a function or variable of a node. */
const numbered = /^(?:C|c|i|r|x|at|value|member|tag|array|object|write)\d+(?:find|make)?$/

const ofLanguage = new Set([
  "use strict",
  "",
  "string",
  "number",
  "boolean",
  "bigint",
  "symbol",
  "object",
  "__proto__",
  "toBSON",
  "_bsontype"
])

/** Reads a whole source, and returns what is neither code of the compiler nor a JSON string of the schema. */
const strange = (source: string, texts: ReadonlySet<string>): string | undefined => {
  token.lastIndex = 0
  while (token.lastIndex < source.length) {
    const at = token.lastIndex
    const found = token.exec(source)
    const place = () => JSON.stringify(source.slice(Math.max(0, at - 40), at + 60))
    if (found === null) return `no token at ${place()}`
    const { string, word } = found.groups!
    if (word !== undefined && !words.has(word) && !numbered.test(word)) return `the word ${word} at ${place()}`
    if (string !== undefined) {
      const text = JSON.parse(string) as string
      if (!ofLanguage.has(text) && !texts.has(text)) return `the string ${string} at ${place()}`
    }
  }
  return undefined
}

/** How many programs were read, and how many of them had text of their schema. */
const tally = { programs: 0, texts: 0 }

const check = (seed: number): void => {
  const source = new Source(seed)
  const { sample, schema } = struct(source, 3)
  const parse = source.random.pick([{}, {}, { onExcessProperty: "error" }, { disableChecks: true }] as const)
  let codec!: ReturnType<typeof compile<AnySchema>>
  const sources = sourcesOf(() => codec = compile(schema, { parse }))
  assert.isAbove(sources.length, 0)
  for (const generated of sources) {
    assert.isUndefined(strange(generated, source.texts), `with the seed ${seed}`)
    tally.programs++
    if (generated.includes(marker)) tally.texts++
  }
  for (let i = 0; i < 3; i++) {
    const bytes = Driver.BSON.serialize(sample() as Driver.Document)
    const document = Driver.BSON.deserialize(bytes)
    const expected = Effect.runSyncExit(Schema.decodeUnknownEffect(schema, parse)(document))
    const decoded = codec.decodeBytes(bytes)
    if (typeof decoded === "symbol") continue
    assert.deepStrictEqual(Exit.succeed(decoded), expected, `with the seed ${seed}`)
    codec.encodeValue(decoded)
  }
  assert.isFalse("planted" in globalThis, `with the seed ${seed}`)
}

it.prop("generated source contains the text of a schema in JSON strings only", [seeds], ([seed]) => check(seed), {
  arbitrary: { runs: 250 },
  timeout: 120_000
})

it("most of the checked programs contain hostile text", () => {
  for (let seed = 1; seed <= 40; seed++) check(seed)
  assert.isAbove(tally.texts / tally.programs, 0.5)
})

it("the reader of sources finds text outside of strings", () => {
  const texts = new Set(["a\"b"])
  for (const good of [`return "a\\"b"`, `const x0 = C1(v)`, `out["a\\"b"] = x1`]) {
    assert.isUndefined(strange(good, texts), good)
  }
  for (
    const bad of [
      "return zqx0",
      "// zqx0",
      "/* */",
      "`zqx0`",
      "return 'a'",
      `return "c"`,
      "x0.zqx0",
      "return \"a\n\"",
      "return \"\\x41\"",
      "return /a/"
    ]
  ) {
    assert.isDefined(strange(bad, texts), bad)
  }
})
