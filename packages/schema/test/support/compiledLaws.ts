/**
 * The laws of compiled codecs: they agree with the deserializer of bson, the interpreter and the serializer of bson.
 *
 * @since 0.1.0
 */
import { assert } from "@effect/vitest"
// What core refuses is refused here, too.
// oxlint-disable-next-line mongofx/published-modules
import { checkDocument } from "@mongofx/core/internal/input/check"
import { lacksOf } from "@mongofx/schema/internal/bson/lacks"
import { mismatch } from "@mongofx/schema/internal/compiler/runtime"
import { BigDecimal, Effect, Exit, Schema, SchemaAST } from "effect"
import * as Driver from "mongodb"
import { inspect } from "node:util"
import { compile, type Compiled, decode, UnreadableDocument } from "./codec.ts"
import { type AnySchema, anyValue, foreignName, makeDocumentKind, Random } from "./compiledSchemas.ts"
import { hostile } from "./hostile.ts"

const { BSON } = Driver

/** Values of BSON print themselves by methods that a hostile field may have replaced. */
const show = (value: unknown): string => inspect(value, { depth: 20, customInspect: false })

/** Whether two values are the same, with the order of their keys. All invalid dates are the same. */
const isSame = (a: unknown, b: unknown): boolean => {
  if (Object.is(a, b)) return true
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false
  if (Object.getPrototypeOf(a) !== Object.getPrototypeOf(b)) return false
  if (a instanceof Date) return Object.is(a.getTime(), (b as Date).getTime())
  // It remembers its normalized form, which may be itself.
  if (BigDecimal.isBigDecimal(a)) return a.value === (b as typeof a).value && a.scale === (b as typeof a).scale
  if (a instanceof RegExp) return String(a) === String(b)
  if (ArrayBuffer.isView(a)) return Buffer.compare(bytesOf(a), bytesOf(b as ArrayBufferView)) === 0
  const keys = Reflect.ownKeys(a)
  const others = Reflect.ownKeys(b)
  return keys.length === others.length &&
    keys.every((key, i) => key === others[i] && isSame(Reflect.get(a, key), Reflect.get(b, key)))
}

const bytesOf = (view: ArrayBufferView): Buffer => Buffer.from(view.buffer, view.byteOffset, view.byteLength)

const same = (actual: unknown, expected: unknown, message: () => string): void => {
  if (isSame(actual, expected)) return
  throw new Error(`${message()}\nactual:   ${show(actual)}\nexpected: ${show(expected)}`)
}

const isDocument = (value: unknown): value is Driver.Document =>
  typeof value === "object" && value !== null && Object.getPrototypeOf(value) === Object.prototype

/** A value that is not a document becomes a field of one. */
const serialize = (value: unknown): Buffer =>
  Buffer.from(BSON.serialize(isDocument(value) ? value : { value }, { ignoreUndefined: false }))

const bsonOptions = { bsonRegExp: true } as const

/** The reference: bson, and the interpreter. */
const interpreted = (
  schema: AnySchema,
  bytes: Uint8Array,
  parse: SchemaAST.ParseOptions
): Exit.Exit<unknown, unknown> => {
  let document: Driver.Document
  try {
    document = BSON.deserialize(Buffer.from(bytes), bsonOptions)
  } catch (cause) {
    return Exit.fail(new UnreadableDocument({ message: cause instanceof Error ? cause.message : String(cause) }))
  }
  return Effect.runSyncExit(Schema.decodeUnknownEffect(schema, parse)(document))
}

/** The value of an element, with its length, as the specification of BSON says. */
const lengthOf = (type: number, bytes: Buffer, at: number): number => {
  switch (type) {
    case 1:
    case 9:
    case 17:
    case 18:
      return 8
    case 2:
    case 13:
    case 14:
      return 4 + bytes.readInt32LE(at)
    case 3:
    case 4:
    case 15:
      return bytes.readInt32LE(at)
    case 5:
      return 5 + bytes.readInt32LE(at)
    case 7:
      return 12
    case 8:
      return 1
    case 11:
      return bytes.indexOf(0, bytes.indexOf(0, at) + 1) + 1 - at
    case 12:
      return 4 + bytes.readInt32LE(at) + 12
    case 16:
      return 4
    case 19:
      return 16
    case 6:
    case 10:
    case 127:
    case 255:
      return 0
    default:
      throw new Error(`type ${type}`)
  }
}

/**
 * The bytes without the fields that the schema does not name: damage in those is not noticed. Only used if the
 * document as a whole cannot be read.
 */
const prune = (asts: ReadonlyArray<SchemaAST.AST>, bytes: Buffer, isArray = false): Buffer => {
  const all = asts.flatMap(sources)
  // A value of a union is pruned by the members that could take it.
  const types = all.length === 1 ? all : all.filter((source) => mayTake(source, bytes, isArray))
  if (types.length === 0 || !types.every(hasPlaces)) return bytes
  const typesOf = (name: string, index: number): ReadonlyArray<SchemaAST.AST> =>
    types.flatMap((ast) => {
      const type = ast._tag === "Arrays" && isArray
        ? ast.elements[index] ?? ast.rest[0]
        : ast._tag === "Objects" && !isArray
        ? ast.propertySignatures.find((property) => String(property.name) === name)?.type ??
          ast.indexSignatures[0]?.type
        : SchemaAST.unknown
      return type === undefined ? [] : [type]
    })
  const kept = elements(bytes).flatMap(({ head, name, type, value }, index) => {
    const children = typesOf(name, index)
    if (children.length === 0) return []
    return [head, type === 3 || type === 4 ? prune(children, value, type === 4) : value]
  })
  const body = Buffer.concat(kept)
  const size = Buffer.alloc(4)
  size.writeInt32LE(body.length + 5)
  return Buffer.concat([size, body, Buffer.alloc(1)])
}

/** Whether a schema has types for the contents of its values. An empty struct keeps its input as it is. */
const hasPlaces = (ast: SchemaAST.AST): boolean =>
  ast._tag === "Arrays" || ast._tag === "Objects" && ast.propertySignatures.length + ast.indexSignatures.length > 0

const mayTake = (ast: SchemaAST.AST, bytes: Buffer, isArray: boolean): boolean => {
  switch (ast._tag) {
    case "Arrays":
      return isArray
    case "Objects":
      return !isArray && ast.propertySignatures.every(({ name, type }) => {
        if (type._tag !== "Literal" || typeof type.literal !== "string" || type.encoding !== undefined) return true
        const found = elements(bytes).reverse().find((element) => element.name === name)
        if (found === undefined) return SchemaAST.isOptional(type)
        return found.type === 2 && found.value.subarray(4, -1).toString() === type.literal
      })
    case "Any":
    case "Unknown":
    case "ObjectKeyword":
      return true
    case "Declaration":
      // Of the types of BSON, only a DBRef is a document in the bytes.
      return [undefined, "object"].includes(ast.annotations?.["bsonType"] as string | undefined) &&
        ast.run !== Schema.Date.ast.run
    default:
      return false
  }
}

/** The nodes of the encoded side, without unions around them. */
const sources = (ast: SchemaAST.AST): ReadonlyArray<SchemaAST.AST> => {
  if (ast.encoding !== undefined) return sources(ast.encoding[ast.encoding.length - 1]!.to)
  if (ast._tag === "Suspend") return sources(ast.thunk())
  return ast._tag === "Union" ? ast.types.flatMap(sources) : [ast]
}

const elements = (bytes: Buffer) => {
  assert.strictEqual(bytes.readInt32LE(0), bytes.length)
  const out: Array<{ head: Buffer; type: number; name: string; value: Buffer }> = []
  let at = 4
  while (bytes[at] !== 0) {
    const type = bytes[at]!
    const start = bytes.indexOf(0, at + 1) + 1
    const end = start + lengthOf(type, bytes, start)
    assert.isTrue(start > 0 && end < bytes.length)
    out.push({
      head: bytes.subarray(at, start),
      type,
      name: bytes.subarray(at + 1, start - 1).toString(),
      value: bytes.subarray(start, end)
    })
    at = end
  }
  assert.strictEqual(at, bytes.length - 1)
  return out
}

/** How much the interpreter accepts, and how much of that the compiled code did alone. */
export const tally = {
  cases: 0,
  decoded: 0,
  decodable: 0,
  encoded: 0,
  encodable: 0,
  writes: 0,
  written: 0,
  writable: 0
}

const checkDecode = (
  schema: AnySchema,
  codec: Compiled<AnySchema>,
  bytes: Buffer,
  parse: SchemaAST.ParseOptions
) => {
  tally.cases++
  const expected = interpreted(schema, bytes, parse)
  const context = () => `bytes ${bytes.toString("hex")}`
  // A view into a longer buffer, as in a reply of the server.
  const reply = new Uint8Array(bytes.length + 37)
  reply.fill(0x5a)
  reply.set(bytes, 21)
  const view = reply.subarray(21, 21 + bytes.length)

  const fast = codec.decodeBytes(view)
  const many: Array<unknown> = []
  assert.strictEqual(codec.decodeMany([view], 0, many), fast === mismatch ? 0 : 1)
  if (fast !== mismatch) {
    const before = show(fast)
    same(many[0], fast, context)
    // The value shares no bytes with the reply.
    reply.fill(0)
    assert.strictEqual(show(fast), before)
    reply.set(bytes, 21)
    if (Exit.isSuccess(expected)) {
      same(fast, expected.value, context)
      tally.decoded++
    } else {
      const read = interpreted(schema, prune([schema.ast], bytes), parse)
      if (!Exit.isSuccess(read)) throw new Error(`decoded ${show(fast)}, but: ${show(expected)}\n${context()}`)
      same(fast, read.value, context)
    }
  }
  if (Exit.isSuccess(expected)) tally.decodable++
  if (fast === mismatch || Exit.isSuccess(expected)) {
    const whole = Effect.runSyncExit(decode(codec, view))
    assert.strictEqual(whole._tag, expected._tag)
    if (Exit.isFailure(expected)) assert.strictEqual(String(whole), String(expected))
    if (Exit.isSuccess(whole) && Exit.isSuccess(expected)) same(whole.value, expected.value, context)
  }
}

/** Whether the interpreter has met an exception, such as that of a getter. Compiled code may not have looked there. */
const isDefect = (exit: Exit.Exit<unknown, unknown>): boolean =>
  Exit.isFailure(exit) && exit.cause.reasons.some(({ _tag }) => _tag === "Die")

/** Decodes a value that is read already. */
const checkDecodeValue = (
  schema: AnySchema,
  codec: Compiled<AnySchema>,
  value: unknown,
  parse: SchemaAST.ParseOptions,
  isHostile = false
) => {
  tally.cases++
  const expected = Effect.runSyncExit(Effect.suspend(() => Schema.decodeUnknownEffect(schema, parse)(value)))
  const fast = codec.decodeValue(value)
  if (isHostile && fast !== mismatch && isDefect(expected)) return
  const context = () => `decoding ${show(value)}`
  if (fast !== mismatch) {
    if (!Exit.isSuccess(expected)) throw new Error(`decoded ${show(value)} to ${show(fast)}, but: ${String(expected)}`)
    same(fast, expected.value, context)
  }
  const whole = Effect.runSyncExit(Effect.suspend(() => codec.decodeRead(value)))
  assert.strictEqual(whole._tag, expected._tag)
  if (Exit.isFailure(expected)) assert.strictEqual(String(whole), String(expected))
  if (Exit.isSuccess(whole) && Exit.isSuccess(expected)) same(whole.value, expected.value, context)
}

const checkEncode = (
  schema: AnySchema,
  codec: Compiled<AnySchema>,
  value: unknown,
  parse: SchemaAST.ParseOptions,
  isHostile = false
) => {
  tally.cases++
  const expected = Effect.runSyncExit(Effect.suspend(() => Schema.encodeUnknownEffect(schema, parse)(value)))
  const fast = codec.encodeValue(value)
  if (isHostile && fast !== mismatch && isDefect(expected)) return
  const context = () => `encoding ${show(value)}`
  if (fast !== mismatch) {
    if (!Exit.isSuccess(expected)) throw new Error(`encoded ${show(value)} to ${show(fast)}, but: ${String(expected)}`)
    same(fast, expected.value, context)
    tally.encoded++
  }
  if (Exit.isSuccess(expected)) tally.encodable++
  const whole = Effect.runSyncExit(Effect.suspend(() => codec.encode(value)))
  // A required value that BSON would leave out is refused.
  if (Exit.isSuccess(expected) && lacksOf(schema.ast)?.(expected.value) !== undefined) {
    assert.isTrue(Exit.isFailure(whole))
    return
  }
  assert.strictEqual(whole._tag, expected._tag)
  if (Exit.isFailure(expected)) assert.strictEqual(String(whole), String(expected))
  if (Exit.isSuccess(whole) && Exit.isSuccess(expected)) same(whole.value, expected.value, context)
}

/** The measure of bytes: the interpreter, what core refuses, and the serializer of bson as core has it called. */
const serialized = (
  schema: AnySchema,
  value: unknown,
  parse: SchemaAST.ParseOptions
): Uint8Array | "defect" | undefined => {
  const encoded = Effect.runSyncExit(Effect.suspend(() => Schema.encodeUnknownEffect(schema, parse)(value)))
  if (isDefect(encoded)) return "defect"
  if (!Exit.isSuccess(encoded) || lacksOf(schema.ast)?.(encoded.value) !== undefined) return undefined
  try {
    checkDocument(encoded.value)
    return BSON.serialize(encoded.value as Driver.Document, { ignoreUndefined: true })
  } catch {
    return undefined
  }
}

/** An `_id` before the other fields. */
const withId = (bytes: Uint8Array, id: unknown): Uint8Array => {
  const head = BSON.serialize({ _id: id })
  const out = Buffer.concat([head.subarray(0, -1), bytes.subarray(4)])
  out.writeInt32LE(out.length)
  return out
}

const hexOf = (bytes: Uint8Array | undefined): string =>
  bytes === undefined ? "no document" : Buffer.from(bytes).toString("hex")

/** The interpreter reads fields that a value inherits, too. */
const firstKey = (value: object): string => {
  for (const key in value) return key
  return ""
}

const checkWrite = (
  schema: AnySchema,
  codec: Compiled<AnySchema>,
  value: unknown,
  parse: SchemaAST.ParseOptions,
  isHostile = false
) => {
  tally.cases++
  tally.writes++
  const expected = serialized(schema, value, parse)
  const written = codec.writeValue(value)
  if (expected === "defect") {
    assert.isTrue(isHostile || written === undefined, "the interpreter has met an exception")
    return
  }
  if (expected !== undefined) tally.writable++
  if (written === undefined) return
  tally.written++
  const copy = Buffer.from(written)
  assert.strictEqual(hexOf(copy), hexOf(expected), `writing ${show(value)}`)
  const id = tally.cases % 2 === 0 ? new Driver.ObjectId() : `id${tally.cases}`
  // Keys that are numbers come before every other key of an object, and so before an `_id` that is added.
  const behindId = /^\d/.test(firstKey(value as object)) ? undefined : withId(copy, id)
  assert.strictEqual(hexOf(codec.writeValue(value, id)), hexOf(behindId), `writing ${show(value)}`)
  // Nothing writes over it.
  assert.strictEqual(hexOf(written), hexOf(copy))
}

const parseOptions: ReadonlyArray<SchemaAST.ParseOptions> = [
  {},
  {},
  {},
  { onExcessProperty: "error" },
  { errors: "all" },
  { disableChecks: true },
  { reportInput: true }
]

const corrupt = (random: Random, bytes: Buffer): Buffer => {
  const out = Buffer.from(bytes)
  switch (random.int(6)) {
    case 0:
      return out.subarray(0, random.int(out.length))
    case 1: {
      const at = random.int(out.length)
      return Buffer.concat([out.subarray(0, at), Buffer.from([random.int(256)]), out.subarray(at)])
    }
    case 2: {
      const at = random.int(out.length)
      const shorter = Buffer.concat([out.subarray(0, at), out.subarray(at + 1 + random.int(3))])
      if (shorter.length >= 4) shorter.writeInt32LE(shorter.length)
      return shorter
    }
    default: {
      for (let i = 1 + random.int(2); i > 0; i--) {
        const at = random.int(out.length)
        out[at] = random.pick([0, 1, 2, 3, 4, 5, 36, 127, 128, 255, out[at]! ^ (1 << random.int(8)), random.int(256)])
      }
      return out
    }
  }
}

/** The same document with some of its fields repeated, at the start or at the end. */
const repeat = (random: Random, bytes: Buffer, other: Buffer): Buffer => {
  const all = elements(bytes)
  const extra = random.shuffle(elements(other)).slice(0, 1 + random.int(2))
  const parts = (random.chance(0.5) ? [...all, ...extra] : [...extra, ...all])
    .flatMap(({ head, value }) => [head, value])
  const body = Buffer.concat(parts)
  const size = Buffer.alloc(4)
  size.writeInt32LE(body.length + 5)
  return Buffer.concat([size, body, Buffer.alloc(1)])
}

/** A value with another value in one place. */
const change = (random: Random, value: unknown): unknown => {
  if (typeof value !== "object" || value === null || "_bsontype" in value || random.chance(0.3)) return anyValue(random)
  if (value instanceof Date || ArrayBuffer.isView(value)) return anyValue(random)
  if (Array.isArray(value)) return value.map((item) => random.chance(0.3) ? change(random, item) : item)
  const prototype = Object.getPrototypeOf(value)
  const copy = Object.assign(Object.create(prototype), value) as Record<string, unknown>
  const keys = Object.keys(copy)
  if (keys.length === 0) return copy
  const key = random.pick(keys)
  switch (random.int(3)) {
    case 0:
      delete copy[key]
      break
    case 1:
      copy[foreignName] = anyValue(random)
      break
    default:
      Object.defineProperty(copy, key, {
        value: change(random, copy[key]),
        enumerable: true,
        configurable: true,
        writable: true
      })
  }
  return copy
}

/** How much is checked with each schema. */
export interface Amount {
  readonly documents: number
  /** The values that are made of each document by a change of one place. */
  readonly changes: number
}

/** Checks a random schema with random documents, damaged ones among them. */
export const agree = (seed: number, amount: Amount = { documents: 6, changes: 3 }): void => {
  try {
    agreeWith(seed, amount)
  } catch (error) {
    throw new Error(`with the seed ${seed}`, { cause: error })
  }
}

const agreeWith = (seed: number, { changes, documents }: Amount): void => {
  const random = new Random(seed)
  const { sample, schema } = makeDocumentKind(random)
  const parse = random.pick(parseOptions)
  const codec = compile(schema, { parse, bson: bsonOptions })
  for (let i = 0; i < documents; i++) {
    const bytes = serialize(sample(random))
    checkDecode(schema, codec, bytes, parse)
    checkDecode(schema, codec, repeat(random, bytes, serialize(sample(random))), parse)
    for (let j = 0; j < 6; j++) checkDecode(schema, codec, corrupt(random, bytes), parse)
    const decoded = interpreted(schema, bytes, {})
    if (Exit.isSuccess(decoded)) {
      checkEncode(schema, codec, decoded.value, parse)
      checkWrite(schema, codec, decoded.value, parse)
      for (let j = 0; j < changes; j++) {
        const changed = change(random, decoded.value)
        checkEncode(schema, codec, changed, parse)
        checkWrite(schema, codec, changed, parse)
      }
    }
    if (Exit.isSuccess(decoded)) {
      const value = hostile(random, decoded.value)
      checkEncode(schema, codec, value, parse, true)
      checkWrite(schema, codec, value, parse, true)
    }
    checkDecodeValue(schema, codec, hostile(random, sample(random)), parse, true)
    const other = sample(random)
    checkEncode(schema, codec, other, parse)
    checkWrite(schema, codec, other, parse)
    const document = sample(random)
    checkDecodeValue(schema, codec, document, parse)
    for (let j = 0; j < 3; j++) checkDecodeValue(schema, codec, change(random, document), parse)
  }
}
