/**
 * A corpus of BSON documents as bytes, and the laws for every case of a corpus.
 *
 * @since 0.1.0
 */
import { assert } from "@effect/vitest"
import { Bson } from "@mongofx/schema"
import { mismatch } from "@mongofx/schema/internal/compiler/runtime"
import { Effect, Exit, Schema } from "effect"
import * as Driver from "mongodb"
import { isDeepStrictEqual } from "node:util"
import { compile, decode } from "./codec.ts"

const { deserialize, EJSON, serialize } = Driver.BSON

/** The schema of a document. */
export type AnySchema = Schema.Codec<unknown, unknown>

/** Keeps the type of every value. The promoted form loses some in a scope and in the further fields of a DBRef. */
const exactly = { bsonRegExp: true, promoteValues: false } as const

const promoted = { bsonRegExp: true } as const

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex")

/** The driver's value of a document, with every type. */
export const exact = (bytes: Uint8Array): Driver.Document => deserialize(Buffer.from(bytes), exactly)

/** The schema of one field. A computed key, since the name may be `__proto__`. */
export const field = (name: string, schema: AnySchema): AnySchema => Schema.Struct({ [name]: schema })

// ---- the schema of a value

/** A schema with exactly the types of a value, and its properties. */
export interface Derived {
  readonly schema: AnySchema
  /** Whether the schema has Extended JSON. `Schema.Unknown` does not. */
  readonly hasJson: boolean
  /** Whether the promoted form of the value keeps all of its types. */
  readonly promotes: boolean
}

const schemas: { readonly [Tag in string]?: AnySchema } = {
  Binary: Bson.Binary,
  BSONRegExp: Bson.BSONRegExp,
  Code: Bson.Code,
  DBRef: Bson.DBRef,
  Decimal128: Bson.Decimal128,
  Double: Bson.Double,
  Int32: Bson.Int32,
  Long: Bson.Int64,
  MaxKey: Bson.MaxKey,
  MinKey: Bson.MinKey,
  ObjectId: Bson.ObjectId,
  Timestamp: Bson.Timestamp
}

const unknown: Derived = { schema: Schema.Unknown, hasJson: false, promotes: false }

const leaf = (schema: AnySchema, promotes = true): Derived => ({ schema, hasJson: true, promotes })

const all = (parts: ReadonlyArray<Derived>, schema: AnySchema): Derived => ({
  schema,
  hasJson: parts.every(({ hasJson }) => hasJson),
  promotes: parts.every(({ promotes }) => promotes)
})

/** The schema of a value that was read exactly. */
export const derive = (value: unknown): Derived => {
  if (value === null) return leaf(Schema.Null)
  if (typeof value === "string") return leaf(Schema.String)
  if (typeof value === "boolean") return leaf(Schema.Boolean)
  if (value instanceof Date) return leaf(Bson.Date)
  if (Array.isArray(value)) {
    const parts = value.map(derive)
    return all(parts, Schema.Tuple(parts.map(({ schema }) => schema)))
  }
  if (typeof value !== "object") return unknown
  const tag = (value as { readonly _bsontype?: unknown })._bsontype
  if (typeof tag === "string" && Object.getPrototypeOf(value) !== Object.prototype) {
    const schema = schemas[tag]
    // `Bson.DBRef` refuses a DBRef with another identifier.
    return schema === undefined || !Schema.is(Schema.toType(schema))(typed(tag, value))
      ? unknown
      : leaf(schema, tag !== "Code" && tag !== "DBRef")
  }
  const parts = Object.entries(value).map(([name, value]) => [name, derive(value)] as const)
  return all(
    parts.map(([, part]) => part),
    Schema.Struct(Object.fromEntries(parts.map(([name, { schema }]) => [name, schema])))
  )
}

const typed = (tag: string, value: object): unknown =>
  tag === "Long"
    ? (value as Driver.Long).toBigInt()
    : tag === "Int32" || tag === "Double"
    ? Number(value)
    : value

// ---- the laws

/** The doubles of Extended JSON may be written in several ways. */
const normal = (json: unknown): unknown =>
  JSON.parse(JSON.stringify(json), (key, value: unknown) => key === "$numberDouble" ? String(Number(value)) : value)

/** Bytes, value, bytes: the same bytes come back, and the compiled codec does what the interpreter does. */
export const roundTrip = (schema: AnySchema, bytes: Uint8Array, canonical = bytes, promotes = true): void => {
  for (const options of promotes ? [exactly, promoted] : [exactly]) {
    const value = Schema.decodeUnknownSync(schema)(deserialize(Buffer.from(bytes), options))
    assert.strictEqual(hex(serialize(Schema.encodeSync(schema)(value) as Driver.Document)), hex(canonical))
  }
  const encoded = compile(schema).encodeValue(Schema.decodeUnknownSync(schema)(exact(bytes)))
  if (encoded !== mismatch) assert.strictEqual(hex(serialize(encoded as Driver.Document)), hex(canonical))
}

/** The compiled decoder, alone and with the interpreter behind it, agrees with the interpreter. */
export const agrees = (schema: AnySchema, codec: Codec, bytes: Uint8Array): "compiled" | "interpreted" | "refused" => {
  const expected = Effect.runSyncExit(
    Effect.try(() => deserialize(Buffer.from(bytes), promoted)).pipe(
      Effect.flatMap((document) => Schema.decodeUnknownEffect(schema)(document))
    )
  )
  const isExpected = (value: unknown) => Exit.isSuccess(expected) && isDeepStrictEqual(value, expected.value)
  const compiled = codec.decodeBytes(bytes)
  if (compiled !== mismatch) assert.isTrue(isExpected(compiled), `the compiled decoder differs on ${hex(bytes)}`)
  const actual = Effect.runSyncExit(decode(codec, bytes))
  assert.isTrue(
    Exit.isSuccess(actual) ? isExpected(actual.value) : Exit.isFailure(expected),
    `the codec differs on ${hex(bytes)}`
  )
  return compiled !== mismatch ? "compiled" : Exit.isSuccess(actual) ? "interpreted" : "refused"
}

/** The codec that `agrees` takes. */
export const codecOf = (schema: AnySchema) => compile(schema, { bson: promoted })

type Codec = ReturnType<typeof codecOf>

/** The value to Extended JSON and back: the JSON is the expected one, and the result has the same bytes. */
export const jsonRoundTrip = (schema: AnySchema, bytes: Uint8Array, expected: unknown, lossy = false): void => {
  const json = Schema.toCodecJson(schema)
  const written = JSON.stringify(Schema.encodeSync(json)(Schema.decodeUnknownSync(schema)(exact(bytes))))
  assert.deepStrictEqual(normal(JSON.parse(written)), normal(expected))
  if (!lossy) assert.strictEqual(fromJson(schema, JSON.parse(written)), hex(bytes))
}

/** The bytes of some Extended JSON as hex digits, or `undefined` if the schema refuses it. */
export const fromJson = (schema: AnySchema, json: unknown): string | undefined => {
  const value = Schema.decodeUnknownExit(Schema.toCodecJson(schema))(json)
  return Exit.isSuccess(value)
    ? hex(serialize(Schema.encodeSync(schema)(value.value) as Driver.Document))
    : undefined
}

/** The canonical Extended JSON that the driver writes for a document. */
export const driverJson = (bytes: Uint8Array): unknown => JSON.parse(EJSON.stringify(exact(bytes), { relaxed: false }))

// ---- bytes, as the specification of BSON says

const int32 = (...numbers: ReadonlyArray<number>): Buffer => {
  const bytes = Buffer.alloc(4 * numbers.length)
  numbers.forEach((number, i) => bytes.writeInt32LE(number | 0, 4 * i))
  return bytes
}

const int64 = (number: bigint): Buffer => {
  const bytes = Buffer.alloc(8)
  bytes.writeBigInt64LE(number)
  return bytes
}

const double = (number: number): Buffer => {
  const bytes = Buffer.alloc(8)
  bytes.writeDoubleLE(number)
  return bytes
}

const cstring = (text: string): Buffer => Buffer.from(`${text}\0`)

const string = (text: string): Buffer => {
  const bytes = cstring(text)
  return Buffer.concat([int32(bytes.length), bytes])
}

const binary = (subType: number, data: ReadonlyArray<number>): Buffer =>
  Buffer.concat([int32(data.length), Buffer.from([subType, ...data])])

const element = (type: number, name: string, value: Uint8Array): Buffer =>
  Buffer.concat([Buffer.from([type]), cstring(name), value])

const document = (...elements: ReadonlyArray<Uint8Array>): Buffer => {
  const content = Buffer.concat(elements)
  return Buffer.concat([int32(content.length + 5), content, Buffer.alloc(1)])
}

const codeWithScope = (code: string, scope: Uint8Array): Buffer => {
  const content = Buffer.concat([string(code), scope])
  return Buffer.concat([int32(content.length + 4), content])
}

const nothing = Buffer.alloc(0)
const id = Buffer.from("507f1f77bcf86cd799439011", "hex")
const decimalsOf = (texts: ReadonlyArray<string>): Values =>
  texts.map((text) => [text, Driver.Decimal128.fromString(text).bytes])

// ---- the generated corpus

/** A document, and its schema. */
export interface Case {
  readonly description: string
  readonly schema: AnySchema
  readonly bytes: Buffer
  /** See `Derived`. */
  readonly promotes: boolean
  /** The Extended JSON, if the driver does not write it. */
  readonly json?: unknown
  /** Whether the compiled decoder leaves the document to the interpreter. */
  readonly interpreted?: boolean
}

type Values = ReadonlyArray<readonly [description: string, value: Uint8Array]>

interface Options {
  readonly promotes?: boolean
}

/** Each value as the only field, under a plain and under a strange name, in a document inside, and in an array. */
const values = (type: number, schema: AnySchema, values: Values, { promotes = true }: Options = {}) =>
  values.flatMap(([description, value]): Array<Case> => [
    { description, schema: field("v", schema), bytes: document(element(type, "v", value)), promotes },
    {
      description: `${description}, under __proto__`,
      schema: field("__proto__", schema),
      bytes: document(element(type, "__proto__", value)),
      promotes
    },
    {
      description: `${description}, inside`,
      schema: Schema.Struct({ "": field("$a.b", schema), list: Schema.Array(schema) }),
      bytes: document(
        element(3, "", document(element(type, "$a.b", value))),
        element(4, "list", document(element(type, "0", value), element(type, "1", value)))
      ),
      promotes
    }
  ])

const edges = (numbers: ReadonlyArray<bigint>): Values => numbers.map((number) => [String(number), int64(number)])

const int64s = edges([
  0n,
  1n,
  -1n,
  2n ** 31n,
  -(2n ** 31n) - 1n,
  2n ** 32n,
  2n ** 53n - 1n,
  2n ** 53n,
  2n ** 53n + 1n,
  -(2n ** 53n),
  -(2n ** 53n) - 1n,
  2n ** 63n - 1n,
  -(2n ** 63n)
])

const strings: Values = [
  "",
  "a",
  "\0",
  "a\0b",
  "\uFEFF",
  "é€😀",
  "$where",
  "507f1f77bcf86cd799439011",
  "x".repeat(2 ** 20)
]
  .map((text) => [text.length > 100 ? "huge" : JSON.stringify(text), string(text)])

const uuid = Array.from({ length: 16 }, (_, i) => i * 17)

const binaries: Values = [
  ["subtype 0", binary(0, [1, 2, 255])],
  ["empty", binary(0, [])],
  ["huge", binary(0, Array.from({ length: 2 ** 16 }, (_, i) => i % 256))],
  ["function", binary(1, [1])],
  // Subtype 2 has its length a second time inside.
  ["old subtype 2", binary(2, [3, 0, 0, 0, 1, 2, 3])],
  ["old subtype 2, empty", binary(2, [0, 0, 0, 0])],
  ["old UUID", binary(3, uuid)],
  ["UUID", binary(4, uuid)],
  ["MD5", binary(5, uuid)],
  ["encrypted", binary(6, [1])],
  ["column", binary(7, [1])],
  ["sensitive", binary(8, [1])],
  ["vector", binary(9, [3, 0, 1])],
  ["user", binary(128, [1])],
  ["last user", binary(255, [1])]
]

const vectors = {
  int8: [["int8", binary(9, [3, 0, 127, 128])], ["no int8", binary(9, [3, 0])]],
  float32: [["float32", binary(9, [0x27, 0, 0, 0, 192, 63, 0, 0, 0, 128])], ["no float32", binary(9, [0x27, 0])]],
  bits: [["bits", binary(9, [16, 5, 160])], ["a byte of bits", binary(9, [16, 0, 255])], [
    "no bits",
    binary(9, [16, 0])
  ]]
} as const satisfies Record<string, Values>

const scope = document(
  element(1, "double", double(1)),
  element(18, "int64", int64(1n)),
  element(3, "__proto__", document(element(16, "x", int32(1)))),
  element(7, "id", id)
)

const reference = (...more: ReadonlyArray<Uint8Array>) =>
  document(element(2, "$ref", string("users")), element(7, "$id", id), ...more)

interface Tree {
  readonly v: number
  readonly next?: Tree
}

const Tree: Schema.Codec<Tree, unknown> = Schema.Struct({
  v: Bson.Int32,
  next: Schema.optionalKey(Schema.suspend((): Schema.Codec<Tree, unknown> => Tree))
})

const tree = (depth: number): Buffer => {
  let bytes = document(element(16, "v", int32(depth)))
  for (let i = depth - 1; i >= 0; i--) bytes = document(element(16, "v", int32(i)), element(3, "next", bytes))
  return bytes
}

const deepArray = (depth: number): readonly [AnySchema, Buffer] => {
  let schema: AnySchema = Schema.Array(Bson.Int64)
  let bytes = document(element(18, "0", int64(7n)))
  for (let i = 0; i < depth; i++) {
    schema = Schema.Array(schema)
    bytes = document(element(4, "0", bytes))
  }
  return [field("v", schema), document(element(4, "v", bytes))]
}

const whole = (description: string, schema: AnySchema, bytes: Buffer): Case => ({
  description,
  schema,
  bytes,
  promotes: true
})

const names = ["__proto__", "constructor", "toString", "hasOwnProperty", "", "$oid", "a.b", "é😀", "length"]

const decimals = decimalsOf([
  "0",
  "0E+3",
  "0E-6176",
  "0E+6111",
  "1.50",
  "-1",
  "1E-6176",
  `${"9".repeat(34)}E+6111`,
  `-${"9".repeat(34)}E+6111`,
  "1.000000000000000000000000000000000E+6144"
])

/** For each schema the documents at the edges of its type. */
export const generated: { readonly [Name in string]: ReadonlyArray<Case> } = {
  ObjectId: values(7, Bson.ObjectId, [
    ["an id", id],
    ["zeros", Buffer.alloc(12)],
    ["ones", Buffer.alloc(12, 255)]
  ]),
  ObjectIdFromHex: values(2, Bson.ObjectIdFromHex, [["an id", string("507f1f77bcf86cd799439011")]]),
  Date: values(
    9,
    Bson.Date,
    edges([0n, 1n, -1n, 8_640_000_000_000_000n, -8_640_000_000_000_000n, -62_135_596_800_001n])
  ),
  Long: values(18, Bson.Long, int64s),
  Int64: values(18, Bson.Int64, int64s),
  Int32: values(
    16,
    Bson.Int32,
    [0, 1, -1, 2 ** 31 - 1, -(2 ** 31)].map((number) => [String(number), int32(number)])
  ),
  Double: values(
    1,
    Bson.Double,
    [
      0,
      -0,
      1,
      1.5,
      -1e10,
      2 ** 31,
      2 ** 53,
      2 ** 63,
      1e21,
      Number.NaN,
      Infinity,
      -Infinity,
      Number.MIN_VALUE,
      Number.MAX_VALUE,
      -Number.MAX_VALUE,
      2 ** -1022,
      Number.EPSILON
    ].map((number) => [Object.is(number, -0) ? "-0" : String(number), double(number)])
  ),
  Decimal128: values(19, Bson.Decimal128, [...decimals, ...decimalsOf(["-0", "NaN", "Infinity", "-Infinity"])]),
  BigDecimal: values(19, Bson.BigDecimal, decimals),
  Binary: values(5, Bson.Binary, binaries),
  Bytes: values(5, Bson.Bytes, binaries.slice(0, 3)),
  UUID: values(5, Bson.UUID, [["a UUID", binary(4, uuid)], ["nil", binary(4, uuid.map(() => 0))]]),
  Vector: values(5, Bson.Vector, [...vectors.int8, ...vectors.float32, ...vectors.bits]),
  Float32Vector: values(5, Bson.Float32Vector, vectors.float32),
  Int8Vector: values(5, Bson.Int8Vector, vectors.int8),
  BitVector: values(5, Bson.BitVector, vectors.bits),
  Timestamp: values(17, Bson.Timestamp, [
    ["zero", int32(0, 0)],
    ["one of each", int32(1, 2)],
    ["the greatest", int32(-1, -1)],
    ["the upper half", int32(2 ** 31, 2 ** 31)]
  ]),
  BSONRegExp: values(
    11,
    Bson.BSONRegExp,
    [["", ""], ["^a/b", "i"], ["a\\\"é😀", "ilmsux"], ["(?:)", "x"], ["[unclosed", ""]].map(([pattern, options]) => [
      `/${pattern}/${options}`,
      Buffer.concat([cstring(pattern!), cstring(options!)])
    ])
  ),
  Code: [
    ...values(13, Bson.Code, [["code", string("f()")], ["empty", string("")], ["with NUL", string("a\0é")]]),
    ...values(15, Bson.Code, [
      ["an empty scope", codeWithScope("f()", document())],
      ["a scope", codeWithScope("", scope)]
    ], { promotes: false })
  ],
  MinKey: values(255, Bson.MinKey, [["the key", nothing]]),
  MaxKey: values(127, Bson.MaxKey, [["the key", nothing]]),
  DBRef: values(3, Bson.DBRef, [
    ["collection and id", reference()],
    ["database", reference(element(2, "$db", string("app")))],
    [
      "further fields",
      reference(element(2, "$db", string("app")), element(1, "double", double(1)), element(10, "n", nothing))
    ]
  ], { promotes: false }),
  "other types": [
    ...values(2, Schema.String, strings),
    ...values(8, Schema.Boolean, [["false", Buffer.of(0)], ["true", Buffer.of(1)]]),
    ...values(10, Schema.Null, [["null", nothing]])
  ],
  documents: [
    // The schema takes every document as it is.
    { ...whole("empty", Schema.Struct({}), document()), interpreted: true },
    whole("an empty record", Schema.Record(Schema.String, Bson.Int64), document()),
    whole(
      "a struct of strange names",
      Schema.Struct(Object.fromEntries(names.map((name) => [name, Bson.Int64]))),
      document(...names.map((name, i) => element(18, name, int64(BigInt(i)))))
    ),
    whole(
      "a record of strange names",
      Schema.Record(Schema.String, Bson.Double),
      document(...names.filter((name) => !name.startsWith("$")).map((name, i) => element(1, name, double(i))))
    ),
    {
      // It might be the start of a DBRef.
      ...whole(
        "a record of a name with a dollar sign",
        Schema.Record(Schema.String, Bson.Double),
        document(element(1, "$oid", double(1)))
      ),
      interpreted: true
    },
    {
      // The Extended JSON of the driver takes this for a type.
      ...whole("a field _bsontype", field("_bsontype", Bson.Int64), document(element(18, "_bsontype", int64(1n)))),
      json: { _bsontype: { $numberLong: "1" } }
    },
    whole("an empty array", field("v", Schema.Array(Bson.Int32)), document(element(4, "v", document()))),
    whole(
      "an array of 1000",
      field("v", Schema.Array(Bson.Int32)),
      document(element(4, "v", document(...Array.from({ length: 1000 }, (_, i) => element(16, String(i), int32(i))))))
    ),
    whole("documents 100 deep", Tree, tree(100)),
    whole("arrays 100 deep", ...deepArray(100))
  ]
}

// ---- damage

/** The bytes cut off and changed everywhere, of documents that are not long. */
export function* damaged(bytes: Buffer): Generator<Buffer> {
  if (bytes.length > 100) return
  for (let length = 0; length < bytes.length; length++) {
    const cut = Buffer.from(bytes.subarray(0, length))
    yield cut
    if (length < 5) continue
    // The same, with the right length.
    const shorter = Buffer.from(cut)
    shorter.writeInt32LE(length)
    yield shorter
    shorter[length - 1] = 0
    yield shorter
  }
  for (let at = 0; at < bytes.length; at++) {
    for (const byte of new Set([0, 1, 127, 255, (bytes[at]! + 1) % 256, bytes[at]! ^ 128])) {
      const changed = Buffer.from(bytes)
      changed[at] = byte
      yield changed
    }
  }
}
