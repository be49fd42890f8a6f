/** What a page needs before anything is sent: its arguments are checked, encoded, and its cursor is read. */
import { Integration, MongoError } from "@mongofx/core"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as Driver from "mongodb"
import type { Failure } from "../../TypedQuery.ts"
import { encoded } from "../collection/failures.ts"
import type { FindReading, Found } from "../query/decodedReading.ts"
import { refuse } from "../refusal.ts"
import { Cursors, type Key, keyBytes } from "./cursor.ts"
import type { InvalidCursorError } from "./invalidCursor.ts"
import { type Order, orderOf, reversed } from "./order.ts"
import { withOrder } from "./projection.ts"
import { type Window, windowOf } from "./window.ts"

/** @internal */
export const CurrentCursorKey: Context.Reference<Key | undefined> = Context.Reference<Key | undefined>(
  "@mongofx/schema/CurrentCursorKey",
  { defaultValue: () => undefined }
)

/** @internal */
export interface Given {
  readonly key?: Key | undefined
  readonly total?: boolean | undefined
  readonly bothEnds?: boolean | undefined
}

/** @internal */
export interface Prepared {
  readonly found: Found
  readonly window: Window
  /** The order of the query. */
  readonly order: Order
  /** The order in which the page is read. */
  readonly way: Order
  readonly cursors: Cursors
  /** The values at the place that the page begins behind. */
  readonly values: ReadonlyArray<unknown> | undefined
  /** The settings of the queries, without the order. */
  readonly options: Integration.Settings
}

/** Settings that would take documents out of a page, or whose order is not that of fields. */
const refused: Readonly<Record<string, string>> = {
  limit: "limits a query that pages are made of: pass first or last",
  skip: "skips documents, and the server would read them: pass the cursor of a page",
  min: "is a bound of an index: write it as a condition of the filter",
  max: "is a bound of an index: write it as a condition of the filter",
  tailable: "has no end: pages need a query that ends",
  singleBatch: "ends a query before its end: pass first or last"
}

/** @internal */
export const checkSettings = (settings: Integration.Settings): void => {
  for (const [name, what] of Object.entries(refused)) {
    const value = settings[name]
    if (value !== undefined && value !== null && value !== false && value !== 0) refuse(name, what)
  }
}

/**
 * The origin of failures of pages.
 *
 * @internal
 */
export const originOf = (collection: string) => ({ operation: "page", collection })

/** BSON cannot hold everything that somebody may write in a filter. Core would refuse it too. */
const cursorsOf = (
  { collection, filter, options }: Found,
  order: Order,
  key: Uint8Array | undefined
): Effect.Effect<Cursors, MongoError.MongoError> => {
  const subject = {
    collection: collection.fullName,
    query: {
      filter,
      order: order.map(({ direction, key }) => ({ key, direction })),
      collation: options["collation"] ?? null,
      let: options["let"] ?? null
    }
  }
  return Effect.try({
    try: () => new Cursors(subject, key),
    catch: (cause) =>
      Integration.failure(MongoError.InvalidArgumentError, {
        operation: "page",
        namespace: collection.fullName,
        path: "filter",
        message: "filter has a value that BSON cannot hold",
        cause
      })
  })
}

/** @internal */
export const prepare = (
  reading: FindReading<unknown, unknown>,
  settings: Integration.Settings,
  given: Given
): Effect.Effect<Prepared, Failure | InvalidCursorError, unknown> =>
  Effect.gen(function*() {
    const current = yield* CurrentCursorKey
    const origin = originOf(reading.namespace)
    const { key, order, window } = yield* encoded(origin, () => {
      checkSettings(settings)
      return {
        window: windowOf(given),
        order: orderOf(reading.shape, settings["sort"], settings["collation"]),
        key: keyBytes(given.key ?? current)
      }
    })
    const found = yield* reading.found(settings)
    const options = yield* encoded(origin, () => optionsOf(found, order))
    const cursors = yield* cursorsOf(found, order, key)
    const values = window.cursor === undefined
      ? undefined
      : yield* Effect.fromResult(cursors.read(window.cursor, order))
    return { found, window, order, way: window.backward ? reversed(order) : order, cursors, values, options }
  })

const optionsOf = ({ options }: Found, order: Order): Integration.Settings => {
  const { projection, sort: _, ...others } = options
  return projection === undefined ? others : { ...others, projection: withOrder(projection as Driver.Document, order) }
}
