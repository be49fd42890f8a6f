/**
 * Encodes the operations of a bulk write.
 */
import type { Integration } from "@mongofx/core"
import * as Effect from "effect/Effect"
import type * as Driver from "mongodb"
import { plainObject } from "../encode/arguments.ts"
import { encodeFilter } from "../encode/filter.ts"
import { encodeOptions } from "../encode/options.ts"
import { forEachEager } from "../forEachEager.ts"
import { isPlainObject } from "../plainObject.ts"
import { refuse } from "../refusal.ts"
import { encoded, type Origin, type Run } from "./failures.ts"
import { insertion, insertionNow } from "./insert.ts"
import { replacement } from "./replace.ts"
import type { Shape } from "./shape.ts"
import { updating } from "./update.ts"

type Fields = Readonly<Record<string, unknown>>

const named = (name: string, fields: Fields): Driver.AnyBulkWriteOperation =>
  ({ [name]: fields }) as unknown as Driver.AnyBulkWriteOperation

/** Encodes an operation into the form that core takes. `at` is its path among the arguments. */
const bulkModel = (
  shape: Shape,
  origin: Origin,
  operation: unknown,
  at: string,
  buffer: Integration.WriteBuffer | undefined
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
                replacement(shape, origin, selected.filter, given, options, `${path}replacement`, {
                  buffer,
                  upsertPath: `${path}upsert`
                }),
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

/** Encodes an insert that takes no effects. */
const insertNow = (
  shape: Shape,
  operation: unknown,
  buffer: Integration.WriteBuffer
): Driver.AnyBulkWriteOperation | undefined => {
  if (!isPlainObject(operation)) return undefined
  const [name, ...others] = Object.keys(operation)
  const fields = name === "insertOne" && others.length === 0 ? operation[name] : undefined
  const insertion = isPlainObject(fields) ? insertionNow(shape, fields["document"], buffer) : undefined
  return insertion && named("insertOne", { document: insertion.document })
}

/**
 * Encodes the operations of a bulk write into the form that core takes.
 *
 * @internal
 */
export const bulkModels = (
  shape: Shape,
  origin: Origin,
  operations: ReadonlyArray<unknown>,
  buffer: Integration.WriteBuffer | undefined
): Run<Array<Driver.AnyBulkWriteOperation>> => {
  const models: Array<Driver.AnyBulkWriteOperation> = []
  const each = forEachEager(
    operations,
    (operation) => {
      const model = buffer && insertNow(shape, operation, buffer)
      if (model === undefined) return false
      models.push(model)
      return true
    },
    (operation, index) =>
      Effect.map(
        bulkModel(shape, origin, operation, `operations[${index}]`, buffer),
        (model) => models.push(model)
      )
  )
  return Effect.as(each, models)
}

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
