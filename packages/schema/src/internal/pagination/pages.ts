/** Pages of any query: of `find`, or of known values. */
import { Integration, MongoError, type Query } from "@mongofx/core"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import type { Page } from "../../Pagination.ts"
import type { Failure } from "../../TypedQuery.ts"
import { FindReading } from "../query/decodedReading.ts"
import { partsOf } from "../query/query.ts"
import { ValuesReading } from "../query/valuesReading.ts"
import type { InvalidCursorError } from "./invalidCursor.ts"
import { queries as queriesOf, readPage } from "./page.ts"
import type { Given } from "./prepare.ts"
import { pageOfValues } from "./values.ts"

type Run<A> = Effect.Effect<A, Failure | InvalidCursorError, unknown>

const notPageable = Integration.failure(MongoError.InvalidArgumentError, {
  operation: "page",
  path: "query",
  message: "query is not one of find: sort and limit a pipeline by its stages"
})

/** @internal */
export const page = (query: unknown, options: Given): Run<Page<unknown>> =>
  Effect.suspend(() => {
    const parts = partsOf(query)
    if (parts?.reading instanceof FindReading) return readPage(parts.reading, parts.settings, options)
    if (parts?.reading instanceof ValuesReading) return pageOfValues(parts.reading, parts.settings, options)
    return Effect.fail(notPageable)
  })

/** @internal */
export const queries = (query: unknown, options: Given): Run<ReadonlyArray<Query.Explainable>> =>
  Effect.suspend(() => {
    const parts = partsOf(query)
    if (parts?.reading instanceof FindReading) return queriesOf(parts.reading, parts.settings, options)
    return parts?.reading instanceof ValuesReading ? Effect.succeed([]) : Effect.fail(notPageable)
  })

const endless = Integration.failure(MongoError.InvalidArgumentError, {
  operation: "pages",
  path: "first",
  message: "first or last is 0: a stream of pages needs documents to go on"
})

/**
 * The pages from a place on, up to the end of the query. It leaves out pages without documents.
 *
 * @internal
 */
export const pages = (
  query: unknown,
  options: Given & { readonly first?: unknown; readonly last?: unknown }
): Stream.Stream<Page<unknown>, Failure | InvalidCursorError, unknown> =>
  options.first === 0 || options.last === 0 ?
    Stream.fail(endless) :
    Stream.paginate(options, (options) =>
      Effect.map(page(query, options), (page) => {
        const backward = (options.last ?? undefined) !== undefined
        const next = (backward ? page.hasPreviousPage : page.hasNextPage)
          ? Option.some({ ...options, ...(backward ? { before: page.startCursor } : { after: page.endCursor }) })
          : Option.none()
        return [page.items.length === 0 ? [] : [page], next] as const
      }))
