/** Decodes what an effect of the caller's gives, with the compiled decoder of its schema. */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as SchemaIssue from "effect/SchemaIssue"
import { codecOf, type Decoder } from "../compiler/codec.ts"

/** @internal */
export type Decode = (row: unknown) => Effect.Effect<unknown, Schema.SchemaError, unknown>

/**
 * Decodes one value.
 *
 * @internal
 */
export const decoding = (schema: Schema.Constraint): Decode => {
  const codec: Decoder<unknown> = codecOf(schema.ast)
  return (row) => Effect.mapErrorEager(codec.decode(row), (issue) => new Schema.SchemaError(issue))
}

/**
 * Decodes an array. A failure names the position of its element.
 *
 * @internal
 */
export const decodingAll = (
  schema: Schema.Constraint
): (rows: ReadonlyArray<unknown>) => Effect.Effect<Array<unknown>, Schema.SchemaError, unknown> => {
  const codec: Decoder<unknown> = codecOf(schema.ast)
  return (rows) => {
    const out: Array<unknown> = []
    const from = (start: number): Effect.Effect<Array<unknown>, Schema.SchemaError, unknown> => {
      const position = codec.decodeMany(rows, start, out)
      if (position === rows.length) return Effect.succeed(out)
      return Effect.matchEffect(codec.decode(rows[position]), {
        onFailure: (issue) => Effect.fail(new Schema.SchemaError(new SchemaIssue.Pointer([position], issue))),
        onSuccess: (value) => {
          out.push(value)
          return from(position + 1)
        }
      })
    }
    return Effect.suspend(() => from(0))
  }
}
