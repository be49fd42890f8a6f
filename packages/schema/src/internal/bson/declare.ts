/** Builds the schemas of BSON values: declarations and conversions. */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as SchemaGetter from "effect/SchemaGetter"
import * as SchemaIssue from "effect/SchemaIssue"
import { version, versionOf } from "./values.ts"

/**
 * As `Schema.declare`, with a message for values of the right type from a version of bson that the driver does not write.
 *
 * @internal
 */
export const declare = <T>(
  is: (u: unknown) => u is T,
  annotations: Schema.Annotations.Declaration<T> & { readonly expected: string }
): Schema.declare<T> =>
  Schema.declareConstructor<T>()([], () => (input, ast, options) => {
    if (is(input)) return Effect.succeed(input)
    const found = typeof input === "object" && input !== null ? versionOf(input) : undefined
    return Effect.fail(
      typeof found === "number" && found !== version
        ? new SchemaIssue.InvalidValue(
          {
            message:
              `Expected ${annotations.expected} of bson ${version}, which the driver writes, instead of bson ${found}`
          },
          input,
          options
        )
        : new SchemaIssue.InvalidType(ast, input, options)
    )
  }, annotations) as Schema.declare<T>

/**
 * A getter for a function that returns `undefined` or throws if it cannot convert a value.
 *
 * @internal
 */
export const convert = <A, B>(
  f: (input: A) => B | undefined,
  expected: string | ((input: A) => string)
): SchemaGetter.Getter<B, A> =>
  SchemaGetter.transformEffect((input: A, options) => {
    const output = attempt(f, input)
    return output === undefined
      ? Effect.fail(
        new SchemaIssue.InvalidValue(
          { expected: typeof expected === "string" ? expected : expected(input) },
          input,
          options
        )
      )
      : Effect.succeed(output)
  })

const attempt = <A, B>(f: (input: A) => B | undefined, input: A): B | undefined => {
  try {
    return f(input)
  } catch {
    return undefined
  }
}
