import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Schema from "effect/Schema"
import type * as SchemaAST from "effect/SchemaAST"
import * as SchemaIssue from "effect/SchemaIssue"
import * as SchemaParser from "effect/SchemaParser"
import * as Driver from "mongodb"
import { compile, UnreadableDocument } from "./compiledCodec.ts"
import { mismatch } from "./program.ts"
import { lacksOf } from "./stored.ts"

/**
 * Decodes documents, as the driver delivers them or as bytes.
 *
 * @internal
 */
export interface Decoder<A> {
  /**
   * Decodes documents from the position `from` on, and adds the values to `out`. Stops at the first one that has no value at
   * once, and returns its position, or the number of documents.
   */
  readonly decodeMany: (documents: ReadonlyArray<unknown>, from: number, out: Array<A>) => number
  /** Decodes one document: the last word on those that `decodeMany` stops at. */
  readonly decode: (document: unknown) => Effect.Effect<A, SchemaIssue.Issue, unknown>
  /** The `_id` of a document, for errors; `undefined` where there is none. */
  readonly idOf: (document: unknown) => unknown
}

/**
 * Decodes and encodes whole documents. Where a schema has nothing effectful, what `decode` and `encode` give is an `Exit`.
 *
 * @internal
 */
export interface DocumentCodec<A> extends Decoder<A> {
  readonly encode: (value: unknown) => Effect.Effect<Driver.Document, SchemaIssue.Issue, unknown>
  /** What `encode` gives, or `undefined` where it takes an effect or fails. */
  readonly encodeNow: (value: unknown) => Driver.Document | undefined
  /** A decoder of bytes; none where the options of the driver make bytes of some fields. */
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

/** Options of the driver that say in which form a value is read. */
const bsonOptions = [
  "useBigInt64",
  "promoteLongs",
  "promoteValues",
  "promoteBuffers",
  "bsonRegExp",
  "enableUtf8Validation"
] as const

/** The document of damaged bytes, as far as it can be read. */
const readLoosely = (bytes: Uint8Array): Driver.Document => {
  try {
    return Driver.BSON.deserialize(bytes, { validation: { utf8: false } })
  } catch {
    return {}
  }
}

/** The field whose text is no UTF-8, if that is what is wrong. */
const fieldOfDamage = (bytes: Uint8Array): string | undefined =>
  Object.keys(readLoosely(bytes)).find((name) => {
    try {
      Driver.BSON.deserialize(bytes, { validation: { utf8: { [name]: true } } })
      return false
    } catch {
      return true
    }
  })

/** Bytes that bson cannot read are one more way in which a document does not decode. */
const unreadable = (bytes: Uint8Array, { cause }: UnreadableDocument): SchemaIssue.Issue => {
  const message = `Expected bytes that can be read: ${cause instanceof Error ? cause.message : String(cause)}`
  const issue = new SchemaIssue.InvalidValue({ message }, undefined, {})
  const field = fieldOfDamage(bytes)
  return field === undefined ? issue : new SchemaIssue.Pointer([field], issue)
}

const byteDecoder = <A>(ast: SchemaAST.AST, options: Driver.BSONSerializeOptions): Decoder<A> => {
  const codec = compile(Schema.make<Schema.ConstraintCodec<A, unknown, unknown, unknown>>(ast), { bson: options })
  const decode: Decoder<A>["decode"] = (bytes) =>
    Effect.mapErrorEager(
      codec.diagnose(bytes as Uint8Array),
      (error) => error instanceof UnreadableDocument ? unreadable(bytes as Uint8Array, error) : error.issue
    )
  return {
    decodeMany: codec.compiled.decode ? codec.decodeMany as Decoder<A>["decodeMany"] : manyWith(decode),
    decode,
    idOf: (bytes) => idOf(readLoosely(bytes as Uint8Array))
  }
}

const codecs = new WeakMap<SchemaAST.AST, DocumentCodec<unknown>>()

/**
 * The codec of a schema. What the compiled code refuses goes to effect's own parser, which has the last word.
 *
 * @internal
 */
export const codecOf = <A>(ast: SchemaAST.AST): DocumentCodec<A> => {
  let codec = codecs.get(ast)
  if (codec === undefined) {
    const schema = Schema.make<Schema.Constraint>(ast)
    const compiled = compile(schema)
    const decode = SchemaParser.decodeUnknownEffect(schema)
    const lacks = lacksOf(ast)
    const encodeNow = (value: unknown): Driver.Document | undefined => {
      const document = compiled.encodeValue(value)
      return document === mismatch || lacks?.(document) !== undefined ? undefined : document as Driver.Document
    }
    const encode = (value: unknown) =>
      Effect.mapErrorEager(compiled.encode(value), (error) => error.issue) as ReturnType<
        DocumentCodec<unknown>["encode"]
      >
    const decoders = new Map<string, Decoder<unknown>>()
    codec = {
      decodeMany: manyWith(decode),
      decode,
      idOf,
      encode: lacks === undefined ? encode : (value) =>
        Effect.flatMapEager(encode(value), (document) => {
          const issue = lacks(document)
          return issue === undefined ? Effect.succeed(document) : Effect.fail(issue)
        }),
      encodeNow,
      bytes: (options) => {
        // The driver's default is an object without fields.
        if (Object.keys(options.fieldsAsRaw ?? {}).length > 0) return undefined
        const chosen = bsonOptions.map((name) => options[name])
        const key = JSON.stringify(chosen)
        let decoder = decoders.get(key)
        if (decoder === undefined) {
          const entries = bsonOptions.flatMap((name, i) => chosen[i] === undefined ? [] : [[name, chosen[i]]])
          decoders.set(key, decoder = byteDecoder(ast, Object.fromEntries(entries)))
        }
        return decoder
      }
    }
    codecs.set(ast, codec)
  }
  return codec as DocumentCodec<A>
}

/**
 * A decoder by a function of its own.
 *
 * @internal
 */
export const decoderOf = <A>(
  decode: Decoder<A>["decode"],
  idOf: Decoder<A>["idOf"]
): Decoder<A> => ({ decodeMany: manyWith(decode), decode, idOf })
