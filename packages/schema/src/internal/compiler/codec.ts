/**
 * Decodes and encodes documents: by compiled code where possible, and by the interpreter for the rest.
 *
 * If the compiled code refuses a document, Effect's own parser decides.
 */
import type { Integration } from "@mongofx/core"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Schema from "effect/Schema"
import type * as SchemaAST from "effect/SchemaAST"
import type * as SchemaIssue from "effect/SchemaIssue"
import * as SchemaParser from "effect/SchemaParser"
import type * as Driver from "mongodb"
import { deserializer, readLoosely, unreadable } from "../bson/bytes.ts"
import { type Encode, lacksOf, withoutLacks } from "../bson/lacks.ts"
import { compileDecoder } from "./decoder.ts"
import { compileEncoder, compileValueDecoder } from "./encoder.ts"
import type { Step } from "./interpreter.ts"
import { type Mismatch, mismatch } from "./runtime.ts"
import { compileWriter } from "./writer.ts"

/**
 * Decodes documents: those that the driver delivers, or their bytes.
 *
 * @internal
 */
export interface Decoder<A> {
  /**
   * Decodes documents from the position `from` on, and adds the values to `out`. Stops at the first document that does not
   * decode at once. Returns its position, or the number of documents.
   */
  readonly decodeMany: (documents: ReadonlyArray<unknown>, from: number, out: Array<A>) => number
  /** Decodes one document. It decides on a document that `decodeMany` stops at. */
  readonly decode: (document: unknown) => Effect.Effect<A, SchemaIssue.Issue, unknown>
  /** The `_id` of a document, for errors, or `undefined`. */
  readonly idOf: (document: unknown) => unknown
}

/**
 * Decodes and encodes whole documents. If a schema has no effects, `decode` and `encode` give an `Exit`.
 *
 * @internal
 */
export interface DocumentCodec<A> extends Decoder<A> {
  readonly encode: (value: unknown) => Effect.Effect<Driver.Document, SchemaIssue.Issue, unknown>
  /** The result of `encode`, or `undefined` if encoding takes an effect or fails. */
  readonly encodeNow: (value: unknown) => Driver.Document | undefined
  /**
   * The bytes of what `encode` gives, for a document with this `_id`; `undefined` where the document has to be encoded and serialized.
   * With `isAdded`, the schema does not have the `_id`, which becomes the first field.
   */
  readonly writeNow: <Id>(
    buffer: Integration.WriteBuffer,
    value: unknown,
    id: Id,
    isAdded: boolean
  ) => Integration.SerializedDocument<Id> | undefined
  /** A decoder of bytes, or `undefined` if the driver's options keep some fields as bytes. */
  readonly bytes: (options: Driver.BSONSerializeOptions) => Decoder<A> | undefined
}

const manyWith = <A>(decode: Decoder<A>["decode"]): Decoder<A>["decodeMany"] => (documents, from, out) => {
  for (let i = from; i < documents.length; i++) {
    const decoded = decode(documents[i])
    if (!Exit.isExit(decoded) || Exit.isFailure(decoded)) return i
    out.push(decoded.value as A)
  }
  return documents.length
}

const idOf = (document: unknown): unknown =>
  typeof document === "object" && document !== null ? (document as { readonly _id?: unknown })._id : undefined

/** The driver's options that decide in which form a value is read. */
const bsonOptions = [
  "useBigInt64",
  "promoteLongs",
  "promoteValues",
  "promoteBuffers",
  "bsonRegExp",
  "enableUtf8Validation"
] as const

type Decode = Decoder<unknown>["decode"]

/**
 * A decoder of bytes, for options of the driver that decide in which form a value is read. `decodeRead` decodes the values
 * that bson reads. `interpret` does the same without generated code.
 */
const byteDecoder = (
  ast: SchemaAST.AST,
  decodeRead: Decode,
  interpret: Decode,
  parse: SchemaAST.ParseOptions,
  options: Driver.BSONSerializeOptions
): Decoder<unknown> => {
  const deserialize = deserializer(options)
  const decodeMany = compileDecoder(ast, parse, options)
  const decode: Decode = (document) => {
    const bytes = document as Uint8Array
    return Effect.flatMapEager(
      Effect.try({
        // A copy, since binary data in the result would keep the whole reply of the server alive.
        try: () => deserialize(Buffer.from(bytes)),
        catch: (cause) => unreadable(bytes, cause)
      }),
      decodeMany === undefined ? decodeRead : interpret
    )
  }
  return {
    decodeMany: decodeMany === undefined ? manyWith(decode) : decodeMany as Decoder<unknown>["decodeMany"],
    decode,
    idOf: (bytes) => idOf(readLoosely(bytes as Uint8Array))
  }
}

/** Leaves everything to the interpreter. */
const refuseAll = (): Mismatch => mismatch

/** A function that is compiled when it is first called. */
const compiledLater = (compile: () => Step | undefined): Step => {
  let step: Step | undefined
  return (value) => (step ??= compile() ?? refuseAll)(value)
}

/** Numbers the combinations of options: one digit for each, of base 3. */
const keyOf = (options: Driver.BSONSerializeOptions): number => {
  let key = 0
  for (const name of bsonOptions) {
    const value = options[name]
    key = key * 3 + (value === undefined ? 0 : value ? 1 : 2)
  }
  return key
}

/**
 * Makes a new codec. It generates code when it first needs it. `parse` applies the schema in another way than collections do.
 *
 * @internal
 */
export const makeCodec = (ast: SchemaAST.AST, parse?: SchemaAST.ParseOptions): DocumentCodec<unknown> => {
  const schema = Schema.make<Schema.Constraint>(ast)
  const interpretDecode = SchemaParser.decodeUnknownEffect(schema, parse)
  const interpretEncode = SchemaParser.encodeUnknownEffect(schema, parse) as Encode
  const lacks = lacksOf(ast)
  const decodeFast = compiledLater(() => compileValueDecoder(ast, parse ?? {}))
  const encodeFast = compiledLater(() => compileEncoder(ast, parse ?? {}))
  let write: Integration.BsonWrite | undefined
  const decoders = new Map<number, Decoder<unknown>>()
  const decode: Decode = (document) => {
    const value = decodeFast(document)
    return value === mismatch ? interpretDecode(document) : Effect.succeed(value)
  }
  return {
    decodeMany: manyWith(decode),
    decode,
    idOf,
    encode: withoutLacks(ast, (value) => {
      const document = encodeFast(value)
      return document === mismatch ? interpretEncode(value) : Effect.succeed(document)
    }) as DocumentCodec<unknown>["encode"],
    encodeNow: (value) => {
      const document = encodeFast(value)
      return document === mismatch || lacks?.(document) !== undefined ? undefined : document as Driver.Document
    },
    writeNow: (buffer, value, id, isAdded) =>
      buffer.write(write ??= compileWriter(ast, parse ?? {}, lacks !== undefined) ?? refuseAll, value, id, isAdded),
    bytes: (options) => {
      // The driver's default is an object without fields.
      if (Object.keys(options.fieldsAsRaw ?? {}).length > 0) return undefined
      const key = keyOf(options)
      let decoder = decoders.get(key)
      if (decoder === undefined) {
        const entries = bsonOptions.flatMap((name) => options[name] === undefined ? [] : [[name, options[name]]])
        decoders.set(key, decoder = byteDecoder(ast, decode, interpretDecode, parse ?? {}, Object.fromEntries(entries)))
      }
      return decoder
    }
  }
}

const codecs = new WeakMap<SchemaAST.AST, DocumentCodec<unknown>>()

/**
 * The codec of a schema. The same schema has the same codec.
 *
 * @internal
 */
export const codecOf = <A>(ast: SchemaAST.AST): DocumentCodec<A> => {
  let codec = codecs.get(ast)
  if (codec === undefined) codecs.set(ast, codec = makeCodec(ast))
  return codec as DocumentCodec<A>
}

/**
 * Makes a decoder of a function.
 *
 * @internal
 */
export const decoderOf = <A>(
  decode: Decoder<A>["decode"],
  idOf: Decoder<A>["idOf"]
): Decoder<A> => ({ decodeMany: manyWith(decode), decode, idOf })
