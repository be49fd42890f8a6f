/**
 * Makes and encodes replacements.
 */
import * as Effect from "effect/Effect"
import type * as SchemaIssue from "effect/SchemaIssue"
import type * as Driver from "mongodb"
import { sameStored } from "../bson/extendedJson.ts"
import { refuse } from "../refusal.ts"
import { encoded, encodeError, type Options, type Origin, type Run } from "./failures.ts"
import type { Shape } from "./shape.ts"
import { checkInserted, equalTo } from "./upsert.ts"
import { written } from "./writer.ts"

/**
 * Makes a replacement. It may have the `_id` of the filter; the server refuses any other `_id`.
 *
 * @internal
 */
export const replacement = (
  shape: Shape,
  origin: Origin,
  filter: Driver.Document,
  value: unknown,
  options: Options,
  path: string,
  upsertPath = "options.upsert"
): Run<Driver.Document> => {
  const { name, value: given } = shape.idIn(value)
  const at = `${path}.${name}`
  const wanted = equalTo(filter["_id"])
  const encodedId: Run<unknown> = given === undefined ? Effect.undefined : Effect.mapErrorEager(
    shape.id.encode(given) as Effect.Effect<unknown, SchemaIssue.Issue>,
    (issue) => encodeError(origin, at, issue)
  )
  return Effect.flatMapEager(encodedId, (id) =>
    Effect.flatMapEager(
      encoded(origin, () => {
        if (id !== undefined && wanted !== undefined && !sameStored(id, wanted)) {
          refuse(at, "is not the _id of the filter: leave it out")
        }
        return shape.replacement
      }),
      (writer) =>
        written(writer, origin, value, path, (document) => {
          const replacement = id === undefined ? document : { _id: id, ...document }
          if (options?.["upsert"] !== true) return Effect.succeed(replacement)
          return encoded(origin, () => {
            checkInserted(
              shape.ast,
              wanted === undefined ? replacement : { _id: wanted, ...document },
              upsertPath
            )
            return replacement
          })
        })
    ))
}
