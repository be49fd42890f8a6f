/** Pages of known values, for tests that replace a collection. A cursor is the position of a value. */
import type { Integration } from "@mongofx/core"
import * as Effect from "effect/Effect"
import type { Page } from "../../Pagination.ts"
import type { Failure } from "../../TypedQuery.ts"
import { encoded } from "../collection/failures.ts"
import type { ValuesReading } from "../query/valuesReading.ts"
import { Cursors, keyBytes } from "./cursor.ts"
import type { Element } from "./elements.ts"
import type { InvalidCursorError } from "./invalidCursor.ts"
import type { Order } from "./order.ts"
import { checkSettings, CurrentCursorKey, type Given, originOf } from "./prepare.ts"
import { windowOf } from "./window.ts"

const name = "fromIterable"

const order: Order = [
  { key: "position", direction: 1, bracket: "number", nullable: false, missable: false, nan: false, open: false }
]

const elementOf = (position: number): Element => {
  const bytes = Buffer.alloc(4)
  bytes.writeInt32LE(position)
  return { type: 16, bytes }
}

/** @internal */
export const pageOfValues = (
  reading: ValuesReading<unknown>,
  settings: Integration.Settings,
  given: Given
): Effect.Effect<Page<unknown>, Failure | InvalidCursorError> =>
  Effect.gen(function*() {
    const key = given.key ?? (yield* CurrentCursorKey)
    const { cursors, window } = yield* encoded<{ cursors: Cursors; window: ReturnType<typeof windowOf> }, never>(
      originOf(name),
      () => {
        checkSettings(settings)
        const subject = { collection: name, query: { sort: Object.entries(settings["sort"] ?? {}) } }
        return { cursors: new Cursors(subject, keyBytes(key)), window: windowOf(given) }
      }
    )
    const values = yield* reading.array({})
    const { backward, cursor, size } = window
    const position = cursor === undefined
      ? undefined
      : Number((yield* Effect.fromResult(cursors.read(cursor, order)))[0])
    const [from, to] = backward
      ? [Math.max(0, (position ?? values.length) - size), position ?? values.length]
      : [(position ?? -1) + 1, (position ?? -1) + 1 + size]
    const items = values.slice(from, to)
    const edges = items.map((node, i) => ({ cursor: cursors.write([elementOf(from + i)]), node }))
    return {
      items,
      edges,
      startCursor: edges[0]?.cursor ?? cursor,
      endCursor: edges.at(-1)?.cursor ?? cursor,
      hasNextPage: to < values.length,
      hasPreviousPage: from > 0,
      ...(given.total === true ? { totalCount: values.length } : {})
    }
  })
