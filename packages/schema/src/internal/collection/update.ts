/**
 * Encodes updates and decodes their results.
 */
import * as Effect from "effect/Effect"
import type * as SchemaIssue from "effect/SchemaIssue"
import type * as Driver from "mongodb"
import type { UpdateResult } from "../../TypedCollection.ts"
import type { DocumentCodec } from "../compiler/codec.ts"
import { encodeFilter } from "../encode/filter.ts"
import { isUnsafe } from "../encode/marked.ts"
import { encodeProjected } from "../encode/options.ts"
import { encodeArrayFilters, encodeUpdate } from "../encode/update.ts"
import { checkInsertedBy } from "../pipeline/update.ts"
import { withDefaults } from "./defaults.ts"
import { decodeError, encodedNow, type Options, type Origin, type Run } from "./failures.ts"
import type { Shape } from "./shape.ts"
import { checkUpsert } from "./upsert.ts"

/** An encoded update. */
interface Updating {
  readonly filter: Driver.Document
  readonly update: Driver.Document | Array<Driver.Document>
  readonly options: Readonly<Record<string, unknown>> | undefined
  /** The codec of the document that `findOneAndUpdate` returns. */
  readonly codec: DocumentCodec<unknown>
}

/**
 * Encodes filter, update and options of an update at once. `at` is its path in a bulk write, where options stand beside the filter.
 *
 * @internal
 */
export const updating = (
  shape: Shape,
  origin: Origin,
  filter: unknown,
  update: unknown,
  options: Options,
  at = ""
): Run<Updating> => {
  const prefix = at === "" ? "options." : at
  const upsert = options?.["upsert"] === true
  const updating = encodedNow<Updating, never>(origin, (operands) => {
    const encodedFilter = encodeFilter(shape.read, filter, operands, `${at}filter`)
    const { identifiers, update: encodedUpdate } = encodeUpdate(shape.write, update, operands, `${at}update`)
    const projected = encodeProjected(shape, options, operands, prefix)
    const arrayFilters = options?.["arrayFilters"]
    const encodedOptions = arrayFilters === undefined ? projected.options : {
      ...projected.options,
      arrayFilters: encodeArrayFilters(identifiers, arrayFilters, operands, `${prefix}arrayFilters`)
    }
    return {
      filter: encodedFilter,
      update: isUnsafe(update)
        ? encodedUpdate
        : withDefaults(shape.defaults, encodedFilter, encodedUpdate, upsert, operands, `${at}update`),
      options: encodedOptions,
      codec: projected.codec
    }
  })
  return !upsert ?
    updating :
    Effect.tap(
      updating,
      (encoded) =>
        encodedNow(origin, () => {
          checkUpsert(shape.ast, encoded.filter, encoded.update, `${prefix}upsert`)
          checkInsertedBy(update, shape.ast, encoded.filter, `${prefix}upsert`)
        })
    )
}

/**
 * Decodes the `_id` of an upsert in the result of an update.
 *
 * @internal
 */
export const decodeUpdateResult =
  (shape: Shape, origin: Origin) => (result: Driver.UpdateResult): Run<UpdateResult<unknown>> => {
    const { acknowledged, matchedCount, modifiedCount, upsertedCount, upsertedId } = result
    // A literal: a spread costs more than all the rest of it.
    const resultWith = (upsertedId: Driver.ObjectId | null): UpdateResult<unknown> => ({
      acknowledged,
      matchedCount,
      modifiedCount,
      upsertedCount,
      upsertedId
    })
    return upsertedId === null || upsertedId === undefined
      ? Effect.succeed(resultWith(null))
      : Effect.map(
        Effect.mapError(
          shape.id.decode(upsertedId) as Effect.Effect<unknown, SchemaIssue.Issue>,
          (issue) => decodeError(origin, upsertedId, issue, "_id")
        ),
        (id) => resultWith(id as Driver.ObjectId)
      )
  }
