import type * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type * as SchemaAST from "effect/SchemaAST"
import type * as SchemaIssue from "effect/SchemaIssue"
import * as SchemaParser from "effect/SchemaParser"
import type * as Driver from "mongodb"

/**
 * Decodes and encodes whole documents. Where a schema has nothing effectful, what comes back is an `Exit`.
 *
 * @internal
 */
export interface DocumentCodec<A> {
  readonly decode: (document: unknown) => Effect.Effect<A, SchemaIssue.Issue, unknown>
  readonly encode: (value: unknown) => Effect.Effect<Driver.Document, SchemaIssue.Issue, unknown>
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
    codec = {
      decode: SchemaParser.decodeUnknownEffect(schema),
      encode: SchemaParser.encodeUnknownEffect(schema) as DocumentCodec<unknown>["encode"]
    }
    codecs.set(ast, codec)
  }
  return codec as DocumentCodec<A>
}
