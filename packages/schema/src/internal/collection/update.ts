/**
 * Updates: what is sent of one, and what its result says.
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
import { withDefaults } from "./defaults.ts"
import { decodeError, encoded, type Options, type Origin, type Run } from "./failures.ts"
import type { Shape } from "./shape.ts"
import { checkUpsert } from "./upsert.ts"

/** An update that is ready to be sent. */
interface Updating {
  readonly filter: Driver.Document
  readonly update: Driver.Document | Array<Driver.Document>
  readonly options: Record<string, unknown>
  /** Of what `findOneAndUpdate` returns. */
  readonly codec: DocumentCodec<unknown>
}

/**
 * Filter, update and options of an operation that updates. `at` is the path of the model in a bulk write, whose options stand
 * beside the filter.
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
  const updating = encoded<Updating, never>(origin, (operands) => {
    const encodedFilter = encodeFilter(shape.read, filter, operands, `${at}filter`)
    const { identifiers, update: encodedUpdate } = encodeUpdate(shape.write, update, operands, `${at}update`)
    const projected = encodeProjected(shape, options ?? {}, operands, prefix)
    const arrayFilters = options?.["arrayFilters"] === undefined
      ? {}
      : {
        arrayFilters: encodeArrayFilters(identifiers, options["arrayFilters"], operands, `${prefix}arrayFilters`)
      }
    return {
      filter: encodedFilter,
      update: isUnsafe(update)
        ? encodedUpdate
        : withDefaults(shape.defaults, encodedFilter, encodedUpdate, upsert, operands, `${at}update`),
      options: { ...projected.options, ...arrayFilters },
      codec: projected.codec
    }
  })
  return !upsert ?
    updating :
    Effect.tap(
      updating,
      ({ filter, update }) => encoded(origin, () => checkUpsert(shape.ast, filter, update, `${prefix}upsert`))
    )
}

/**
 * What an update says, with the `_id` of an upsert decoded.
 *
 * @internal
 */
export const decodeUpdateResult =
  (shape: Shape, origin: Origin) => (result: Driver.UpdateResult): Run<UpdateResult<unknown>> => {
    const { acknowledged, matchedCount, modifiedCount, upsertedCount, upsertedId } = result
    const counts = { acknowledged, matchedCount, modifiedCount, upsertedCount }
    return upsertedId === null || upsertedId === undefined
      ? Effect.succeed({ ...counts, upsertedId: null })
      : Effect.map(
        Effect.mapError(
          shape.id.decode(upsertedId) as Effect.Effect<unknown, SchemaIssue.Issue>,
          (issue) => decodeError(origin, upsertedId, issue, "_id")
        ),
        (id) => ({ ...counts, upsertedId: id as Driver.ObjectId })
      )
  }
