/**
 * Makes and encodes replacements.
 */
import type { Integration } from "@mongofx/core"
import * as Effect from "effect/Effect"
import type * as SchemaIssue from "effect/SchemaIssue"
import type * as Driver from "mongodb"
import { sameStored } from "../bson/extendedJson.ts"
import { refuse } from "../refusal.ts"
import { encoded, encodeError, type Options, type Origin, type Run } from "./failures.ts"
import type { Shape } from "./shape.ts"
import { checkInserted, equalTo } from "./upsert.ts"
import { madeNow, serialized, type Writer, written } from "./writer.ts"

/**
 * Makes a replacement, as bytes if there is a buffer. It may have the `_id` of the filter; the server refuses any other `_id`.
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
  { buffer, upsertPath = "options.upsert" }: {
    readonly buffer?: Integration.WriteBuffer | undefined
    readonly upsertPath?: string
  } = {}
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
      (writer) => {
        // An upsert looks into the document.
        const bytes = buffer !== undefined && shape.replacesByBytes && options?.["upsert"] !== true
          ? replacementNow(writer, buffer, value, id)
          : undefined
        if (bytes !== undefined) return Effect.succeed(bytes)
        return written(writer, origin, value, path, (document) => {
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
      }
    ))
}

const replacementNow = (
  writer: Writer,
  buffer: Integration.WriteBuffer,
  value: unknown,
  id: unknown
): Driver.Document | undefined => {
  const made = madeNow(writer, value)
  return made === undefined ? undefined : serialized(writer, buffer, made, id, id !== undefined)
}
