import type * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Schema from "effect/Schema"
import type * as SchemaAST from "effect/SchemaAST"
import type * as SchemaIssue from "effect/SchemaIssue"
import * as SchemaParser from "effect/SchemaParser"
import type * as Driver from "mongodb"

/**
 * Decodes and encodes whole documents. Where a schema has nothing effectful, `encode` gives an `Exit`.
 *
 * @internal
 */
export interface DocumentCodec<A> {
  /**
   * Decodes documents from the position `from` on, and adds the values to `out`. Stops at the first one that has no value at
   * once, and returns its position, or the number of documents.
   */
  readonly decodeMany: (documents: ReadonlyArray<unknown>, from: number, out: Array<A>) => number
  /** Decodes one document: the last word on those that `decodeMany` stops at. */
  readonly decode: (document: unknown) => Effect.Effect<A, SchemaIssue.Issue, unknown>
  readonly encode: (value: unknown) => Effect.Effect<Driver.Document, SchemaIssue.Issue, unknown>
}

const manyWith = <A>(decode: DocumentCodec<A>["decode"]): DocumentCodec<A>["decodeMany"] => (documents, from, out) => {
  for (let i = from; i < documents.length; i++) {
    const decoded = decode(documents[i])
    if (!Exit.isExit(decoded) || Exit.isFailure(decoded)) return i
    out.push(decoded.value as A)
  }
  return documents.length
}

const codecs = new WeakMap<SchemaAST.AST, DocumentCodec<unknown>>()

/**
 * The codec of a schema: the interpreted one, by effect's own parser.
 *
 * @internal
 */
export const codecOf = <A>(ast: SchemaAST.AST): DocumentCodec<A> => {
  let codec = codecs.get(ast)
  if (codec === undefined) {
    const schema = Schema.make<Schema.Constraint>(ast)
    const decode = SchemaParser.decodeUnknownEffect(schema)
    codec = {
      decodeMany: manyWith(decode),
      decode,
      encode: SchemaParser.encodeUnknownEffect(schema) as DocumentCodec<unknown>["encode"]
    }
    codecs.set(ast, codec)
  }
  return codec as DocumentCodec<A>
}

/**
 * A codec that only decodes, by a function of its own.
 *
 * @internal
 */
export const decoderOf = <A>(decode: DocumentCodec<A>["decode"]): Pick<DocumentCodec<A>, "decode" | "decodeMany"> => ({
  decodeMany: manyWith(decode),
  decode
})
