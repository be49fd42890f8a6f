/**
 * Encodes the operations of a bulk write.
 */
import * as Effect from "effect/Effect"
import type * as Driver from "mongodb"
import { plainObject } from "../encode/arguments.ts"
import { encodeFilter } from "../encode/filter.ts"
import { encodeOptions } from "../encode/options.ts"
import { refuse } from "../refusal.ts"
import { encoded, type Origin, type Run } from "./failures.ts"
import { insertion } from "./insert.ts"
import { replacement } from "./replace.ts"
import type { Shape } from "./shape.ts"
import { updating } from "./update.ts"

type Fields = Readonly<Record<string, unknown>>

const named = (name: string, fields: Fields): Driver.AnyBulkWriteOperation =>
  ({ [name]: fields }) as unknown as Driver.AnyBulkWriteOperation

/**
 * Encodes an operation into the form that core takes. `at` is its path among the arguments.
 *
 * @internal
 */
export const bulkModel = (
  shape: Shape,
  origin: Origin,
  operation: unknown,
  at: string
): Run<Driver.AnyBulkWriteOperation> =>
  Effect.flatMap(
    encoded(origin, () => {
      const [entry, ...others] = Object.entries(plainObject(operation, at))
      if (entry === undefined || others.length > 0) return refuse(at, "is not an object with exactly one operation")
      return [entry[0], plainObject(entry[1], `${at}.${entry[0]}`)] as const
    }),
    ([name, fields]): Run<Driver.AnyBulkWriteOperation> => {
      const path = `${at}.${name}.`
      switch (name) {
        case "insertOne":
          return Effect.map(
            insertion(shape, origin, fields["document"], `${path}document`),
            ({ document }) => named(name, { document })
          )
        case "updateOne":
        case "updateMany": {
          const { filter, update, ...options } = fields
          return Effect.map(
            updating(shape, origin, filter, update, options, path),
            ({ filter, options, update }) => named(name, { ...options, filter, update })
          )
        }
        case "replaceOne": {
          const { filter, replacement: given, ...options } = fields
          return Effect.flatMap(
            selection(shape, origin, filter, options, path),
            (selected) =>
              Effect.map(
                replacement(shape, origin, selected.filter, given, options, `${path}replacement`, `${path}upsert`),
                (replacement) => named(name, { ...selected, replacement })
              )
          )
        }
        case "deleteOne":
        case "deleteMany": {
          const { filter, ...options } = fields
          return Effect.map(selection(shape, origin, filter, options, path), (selected) => named(name, selected))
        }
        default:
          return encoded(origin, () => refuse(`${at}.${name}`, "is not an operation of a bulk write"))
      }
    }
  )

/** Encodes the filter of an operation and the options beside it. */
const selection = (
  shape: Shape,
  origin: Origin,
  filter: unknown,
  options: Fields,
  path: string
): Run<Fields & { readonly filter: Driver.Document }> =>
  encoded(origin, (operands) => ({
    ...encodeOptions(shape, options, operands, path),
    filter: encodeFilter(shape.read, filter, operands, `${path}filter`)
  }))
