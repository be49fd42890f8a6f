/**
 * A codec in parts: the generated code alone, and the generated code with the interpreter behind it.
 *
 * @since 0.1.0
 */
import { Integration } from "@mongofx/core"
import { lacksOf } from "@mongofx/schema/internal/bson/lacks"
import { makeCodec } from "@mongofx/schema/internal/compiler/codec"
import { compileDecoder } from "@mongofx/schema/internal/compiler/decoder"
import { compileEncoder, compileValueDecoder } from "@mongofx/schema/internal/compiler/encoder"
import { type Mismatch, mismatch } from "@mongofx/schema/internal/compiler/runtime"
import { compileWriter } from "@mongofx/schema/internal/compiler/writer"
import { Data, Effect, Schema, type SchemaAST, type SchemaIssue } from "effect"
import type { BSONSerializeOptions } from "mongodb"

/** The bytes of a document that bson cannot read, with the message of bson. */
export class UnreadableDocument extends Data.TaggedError("UnreadableDocument")<{ readonly message: string }> {}

interface Options {
  readonly parse?: SchemaAST.ParseOptions
  readonly bson?: BSONSerializeOptions
}

const isDamage = /^Expected bytes that can be read: /

const failureOf = (issue: SchemaIssue.Issue): Schema.SchemaError | UnreadableDocument => {
  const leaf = issue._tag === "Pointer" ? issue.issue : issue
  const message = leaf._tag === "InvalidValue" ? leaf.annotations?.message : undefined
  return typeof message === "string" && isDamage.test(message)
    ? new UnreadableDocument({ message: message.replace(isDamage, "") })
    : new Schema.SchemaError(issue)
}

/** The parts of a compiled codec. */
export interface Compiled<S extends Schema.Constraint> {
  /** What is compiled. */
  readonly compiled: { readonly decode: boolean; readonly encode: boolean; readonly write: boolean }
  /** The value of a document by the generated code, or `mismatch`. */
  readonly decodeBytes: (bytes: Uint8Array) => S["Type"] | Mismatch
  /** A value that is read already by the generated code, or `mismatch`. */
  readonly decodeValue: (value: unknown) => S["Type"] | Mismatch
  /** A value that is read already, by the generated code and after a mismatch by the interpreter. */
  readonly decodeRead: (value: unknown) => Effect.Effect<S["Type"], Schema.SchemaError, S["DecodingServices"]>
  readonly decodeMany: (documents: ReadonlyArray<Uint8Array>, from: number, out: Array<S["Type"]>) => number
  /** The interpreter on the bytes of a document. */
  readonly diagnose: (
    bytes: Uint8Array
  ) => Effect.Effect<S["Type"], Schema.SchemaError | UnreadableDocument, S["DecodingServices"]>
  /** The document of a value by the generated code, or `mismatch`. */
  readonly encodeValue: (value: S["Type"]) => S["Encoded"] | Mismatch
  /** The bytes of a value by the generated code. */
  readonly writeValue: (value: S["Type"], id?: unknown) => Uint8Array | undefined
  readonly encode: (value: S["Type"]) => Effect.Effect<S["Encoded"], Schema.SchemaError, S["EncodingServices"]>
}

/** Compiles the codec of a schema, and its parts. */
export const compile = <S extends Schema.Constraint>(
  schema: S,
  { bson = {}, parse = {} }: Options = {}
): Compiled<S> => {
  const codec = makeCodec(schema.ast, parse)
  const decoder = codec.bytes(bson)!
  const decodeAlone = compileDecoder(schema.ast, parse, bson)
  const encodeAlone = compileEncoder(schema.ast, parse)
  const decodeValueAlone = compileValueDecoder(schema.ast, parse)
  const buffer = new Integration.WriteBuffer()
  const writeAlone = compileWriter(schema.ast, parse, lacksOf(schema.ast) !== undefined)
  return {
    compiled: {
      decode: decodeAlone !== undefined,
      encode: encodeAlone !== undefined,
      write: writeAlone !== undefined
    },
    decodeBytes: (bytes) => {
      const out: Array<unknown> = []
      return decodeAlone?.([bytes], 0, out) === 1 ? out[0] : mismatch
    },
    decodeValue: (value) => decodeValueAlone === undefined ? mismatch : decodeValueAlone(value),
    decodeRead: (value) =>
      Effect.mapErrorEager(codec.decode(value), (issue) => new Schema.SchemaError(issue)) as ReturnType<
        Compiled<S>["decodeRead"]
      >,
    decodeMany: (documents, from, out) => decodeAlone === undefined ? from : decodeAlone(documents, from, out),
    diagnose: (bytes) => Effect.mapErrorEager(decoder.decode(bytes), failureOf) as ReturnType<Compiled<S>["diagnose"]>,
    encodeValue: (value) => encodeAlone === undefined ? mismatch : encodeAlone(value),
    writeValue: (value, id) =>
      writeAlone === undefined ? undefined : buffer.write(writeAlone, value, id, id !== undefined)?.bytes,
    encode: (value) =>
      Effect.mapErrorEager(codec.encode(value), (issue) => new Schema.SchemaError(issue)) as ReturnType<
        Compiled<S>["encode"]
      >
  }
}

/** Decodes the bytes of one document as a collection does: compiled, and after a mismatch with the interpreter. */
export const decode = <S extends Schema.Constraint>({ decodeBytes, diagnose }: Compiled<S>, bytes: Uint8Array) =>
  Effect.suspend(() => {
    const value = decodeBytes(bytes)
    return value === mismatch ? diagnose(bytes) : Effect.succeed(value)
  })
