/**
 * Between a schema and the bytes and values of documents: compiled where that is possible, and the interpreter for the rest.
 *
 * Whatever the compiled code refuses goes to the interpreter, which has the last word.
 */
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as SchemaAST from "effect/SchemaAST"
import * as Driver from "mongodb"
import { type ByteDecoder, compileDecoder } from "./decoder.ts"
import { compileValue } from "./encoder.ts"
import { type Mismatch, mismatch, type Step } from "./program.ts"

/**
 * The bytes of a document that bson cannot read. `cause` is what it threw.
 *
 * @internal
 */
export class UnreadableDocument extends Data.TaggedError("UnreadableDocument")<{ readonly cause: unknown }> {}

/** @internal */
export interface CodecOptions {
  /** How the schema is applied. */
  readonly parse?: SchemaAST.ParseOptions | undefined
  /** How the driver would deserialize. Options that give numbers and buffers another form switch the compiler off. */
  readonly bson?: Driver.BSONSerializeOptions | undefined
}

/** @internal */
export interface CompiledCodec<S extends Schema.Constraint> {
  /** Which of the two directions are compiled. */
  readonly compiled: { readonly decode: boolean; readonly encode: boolean }
  /** The value of a document, or `mismatch`, of which `diagnose` knows more. */
  readonly decodeBytes: (bytes: Uint8Array) => S["Type"] | Mismatch
  /**
   * Decodes documents from the position `from` on, and adds the values to `out`. Stops at the first mismatch and returns its
   * position, or the number of documents.
   */
  readonly decodeMany: (documents: ReadonlyArray<Uint8Array>, from: number, out: Array<S["Type"]>) => number
  /** The interpreter on the bytes of a document. */
  readonly diagnose: (
    bytes: Uint8Array
  ) => Effect.Effect<S["Type"], Schema.SchemaError | UnreadableDocument, S["DecodingServices"]>
  /** The document of a value, or `mismatch`, of which `encode` knows more. */
  readonly encodeValue: (value: S["Type"]) => S["Encoded"] | Mismatch
  /** The document of a value. */
  readonly encode: (value: S["Type"]) => Effect.Effect<S["Encoded"], Schema.SchemaError, S["EncodingServices"]>
}

/** Whether values have the form that the compiled decoder gives them. */
const isUsualForm = (options: Driver.BSONSerializeOptions): boolean =>
  options.promoteValues !== false && options.promoteLongs !== false && options.promoteBuffers !== true &&
  options.useBigInt64 !== true && options.enableUtf8Validation !== false && options.fieldsAsRaw === undefined

/**
 * The codec of a schema. Code is generated when it is first needed.
 *
 * @internal
 */
export const compile = <S extends Schema.Constraint>(schema: S, options: CodecOptions = {}): CompiledCodec<S> => {
  const { bson = {}, parse = {} } = options
  const { enableUtf8Validation: utf8 = true, ...rest } = bson
  const bsonOptions = { ...rest, raw: false, validation: { utf8 } }
  const deserialize = (bytes: Uint8Array): Driver.Document => Driver.BSON.deserialize(bytes, bsonOptions)

  const decodeUnknown = Schema.decodeUnknownEffect(schema, parse)
  const encodeKnown = Schema.encodeUnknownEffect(schema, parse)

  let decoder: ByteDecoder | null | undefined
  const getDecoder = (): ByteDecoder | null =>
    decoder ??= (isUsualForm(bson) ? compileDecoder(schema.ast, parse, deserialize) : undefined) ?? null
  let encoder: Step | null | undefined
  const getEncoder = (): Step | null => encoder ??= compileValue(SchemaAST.flip(schema.ast), parse) ?? null

  const decodeBytes = (bytes: Uint8Array): S["Type"] | Mismatch => {
    const decoder = getDecoder()
    return decoder === null ? mismatch : decoder.decode(bytes)
  }
  const decodeMany = (documents: ReadonlyArray<Uint8Array>, from: number, out: Array<S["Type"]>): number => {
    const decoder = getDecoder()
    return decoder === null ? from : decoder.decodeAll(documents, from, out)
  }
  const diagnose = (bytes: Uint8Array) =>
    Effect.flatMapEager(
      Effect.try({
        // A copy: what is made of binary data would keep the whole reply of the server alive.
        try: () => deserialize(Buffer.from(bytes)),
        catch: (cause) => new UnreadableDocument({ cause })
      }),
      (document) => decodeUnknown(document)
    )
  const encodeValue = (value: S["Type"]): S["Encoded"] | Mismatch => {
    const encoder = getEncoder()
    return encoder === null ? mismatch : encoder(value)
  }
  return {
    get compiled() {
      return { decode: getDecoder() !== null, encode: getEncoder() !== null }
    },
    decodeBytes,
    decodeMany,
    diagnose,
    encodeValue,
    encode: (value) => {
      const document = encodeValue(value)
      return document === mismatch ? encodeKnown(value) : Effect.succeed(document)
    }
  }
}
