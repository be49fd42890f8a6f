/** Reads a page: sends its queries one after the other, decodes their documents, and writes the cursors. */
import { Integration, MongoError, type Query } from "@mongofx/core"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as SchemaIssue from "effect/SchemaIssue"
import type * as Driver from "mongodb"
import type { DocumentError } from "../../DocumentError.ts"
import type { Page } from "../../Pagination.ts"
import type { Failure } from "../../TypedQuery.ts"
import { deserializer } from "../bson/bytes.ts"
import { decodeError } from "../collection/failures.ts"
import { type Decoder, decoderOf as ofFunctions } from "../compiler/codec.ts"
import { bytesOf, decodeBatch, skipped } from "../query/decodeBatch.ts"
import type { FindReading } from "../query/decodedReading.ts"
import { anyAfter, filtersAfter, sortable } from "./after.ts"
import { misfit } from "./cursor.ts"
import { documentOf, type Element, elementAt, valuesIn } from "./elements.ts"
import type { InvalidCursorError } from "./invalidCursor.ts"
import { type Order, reversed, sortOf } from "./order.ts"
import { type Given, prepare, type Prepared } from "./prepare.ts"

type Run<A> = Effect.Effect<A, Failure, unknown>

/** The queries of a page, in their order: each for its number of documents. */
const queriesOf = ({ found: { collection, filter: given }, options, values, way }: Prepared) => {
  const filter = sortable(given, way)
  const filters = values === undefined ? [filter] : filtersAfter(filter, way, values)
  const sort = sortOf(way)
  return filters.map((filter) => (limit: number): Query.FindQuery<Driver.Document> =>
    // All documents come in one batch.
    collection.find(filter, { batchSize: limit, ...options }).sort(sort).limit(limit)
  )
}

/** One document more than the page has shows whether there are others. */
const wanted = ({ window }: Prepared): number => window.size + 1

const read = (prepared: Prepared): Run<ReadonlyArray<Uint8Array>> => {
  const queries = queriesOf(prepared)
  const from = (i: number, documents: ReadonlyArray<Uint8Array>): Run<ReadonlyArray<Uint8Array>> => {
    const query = queries[i]
    const left = wanted(prepared) - documents.length
    return query === undefined || left === 0 ? Effect.succeed(documents) : Effect.flatMap(
      Integration.rawQuery(query(left)),
      (more) => from(i + 1, [...documents, ...more])
    )
  }
  return from(0, [])
}

const decoderOf = ({ found: { codec, collection }, options }: Prepared): Decoder<unknown> => {
  const decoder = bytesOf(codec, collection, options)
  if (decoder !== undefined) return decoder
  // The driver keeps some fields as bytes.
  const deserialize = deserializer(Integration.bsonOptions(collection, options))
  const read = (bytes: unknown) => deserialize(bytes as Uint8Array)
  return ofFunctions((bytes) => codec.decode(read(bytes)), (bytes) => codec.idOf(read(bytes)))
}

/** A document of a page. */
interface Row {
  readonly document: Uint8Array
  /** Its sort values, or the name of the one that is not what the schema says. */
  readonly place: ReadonlyArray<Element> | string
}

/** A document that a page can end with. */
interface Placed extends Row {
  readonly place: ReadonlyArray<Element>
}

const rowOf = (order: Order, document: Uint8Array): Row => {
  try {
    const place = order.map(({ key }) => elementAt(document, key))
    return { document, place: misfit(order, place)?.key ?? place }
  } catch {
    return { document, place: "" }
  }
}

/** The error of a document without a place: no page can go on behind it. */
const displaced = (
  { found: { origin }, order }: Prepared,
  decoder: Decoder<unknown>,
  { document, place }: Row
): DocumentError => {
  const field = order.find(({ key }) => key === place)
  const message = field === undefined
    ? "Expected bytes that can be read"
    : `Expected ${field.bracket}${field.nullable ? " or null" : ""}, since the page is sorted by it`
  const issue = new SchemaIssue.InvalidValue({ message }, undefined, {})
  return decodeError(origin, decoder.idOf(document), issue, field?.key)
}

interface Decoded {
  readonly row: Placed
  readonly value: unknown
}

/** Decodes the rows. With the policy `skip` it leaves out those that do not decode or have no place. */
const decode = (prepared: Prepared, rows: ReadonlyArray<Row>): Run<ReadonlyArray<Decoded>> => {
  const { found: { origin, policy } } = prepared
  const decoder = decoderOf(prepared)
  const documents = rows.map(({ document }) => document)
  const lost = (row: Row) => displaced(prepared, decoder, row)
  if (policy !== "skip") {
    return Effect.flatMap(decodeBatch<unknown, unknown>(origin, decoder, policy, documents), (values) => {
      const out: Array<Decoded> = []
      for (const [i, row] of rows.entries()) {
        if (!isPlaced(row)) return Effect.fail(lost(row))
        out.push({ row, value: values[i] })
      }
      return Effect.succeed(out)
    })
  }
  const results = decodeBatch<Result.Result<unknown, DocumentError>, unknown>(origin, decoder, "collect", documents)
  return Effect.flatMap(results, (results) => {
    const out: Array<Decoded> = []
    const left: Array<DocumentError> = []
    for (const [i, row] of rows.entries()) {
      const result = results[i]!
      if (Result.isFailure(result)) left.push(result.failure)
      else if (isPlaced(row)) out.push({ row, value: result.success })
      else left.push(lost(row))
    }
    // Without any place the walk would end here, or begin again.
    const isStuck = rows.length > 0 && !rows.some(isPlaced)
    return isStuck ? Effect.fail(lost(rows[0]!)) : Effect.as(skipped(left), out)
  })
}

/** The settings of a query that a count takes too. */
const counted = ["collation", "comment", "hint", "let", "maxTimeMS", "readConcern", "readPreference"]

const count = ({ found: { collection, filter }, options }: Prepared): Run<number> =>
  collection.countDocuments(
    filter,
    Object.fromEntries(counted.flatMap((name) => options[name] === undefined ? [] : [[name, options[name]]]))
  )

/** Whether there is a document on the side that the page was not read towards. */
const isPreceded = (
  { found: { collection, filter }, options, values, way }: Prepared,
  nearest: ReadonlyArray<Element> | undefined,
  bothEnds: boolean | undefined
): Run<boolean> => {
  if (values === undefined) return Effect.succeed(false)
  if (bothEnds !== true) return Effect.succeed(true)
  // Of an empty page the place of the cursor itself is on that side.
  const before = nearest === undefined
    ? anyAfter(filter, reversed(way), values, true)
    : anyAfter(filter, reversed(way), valuesIn(documentOf(nearest)), false)
  return Effect.map(collection.find(before, { ...options, projection: { _id: 1 } }).first, Option.isSome)
}

const isPlaced = (row: Row): row is Placed => typeof row.place !== "string"

/** Whether two rows stand in one place: no page can go on between them. Views and time series may have an `_id` twice. */
const isTied = (one: Row, next: Row | undefined): boolean =>
  next !== undefined && isPlaced(one) && isPlaced(next) && one.place.every(({ bytes, type }, i) => {
    const other = next.place[i]!
    return type === other.type && Buffer.compare(bytes, other.bytes) === 0
  })

const tied = ({ found: { collection } }: Prepared) =>
  Integration.failure(MongoError.InvalidArgumentError, {
    operation: "page",
    namespace: collection.fullName,
    path: "query",
    message:
      "query has two documents with the same _id in one place of its order, and no page could begin between them: " +
      "sort by a field that tells them apart, or give each an _id of its own"
  })

const assemble = (prepared: Prepared, documents: ReadonlyArray<Uint8Array>, bothEnds: boolean | undefined) => {
  const { cursors, order, window } = prepared
  const isFollowed = documents.length > window.size
  const all = documents.map((document) => rowOf(order, document))
  if (all.some((row, i) => isTied(row, all[i + 1]))) return Effect.fail(tied(prepared))
  const rows = all.slice(0, window.size)
  if (window.backward) rows.reverse()
  const placed = rows.filter(isPlaced)
  const [first, last] = [placed[0], placed.at(-1)]
  return Effect.map(
    Effect.zip(decode(prepared, rows), isPreceded(prepared, (window.backward ? last : first)?.place, bothEnds)),
    ([decoded, isPreceded]): Page<unknown> => {
      const edges = decoded.map(({ row, value }) => ({ cursor: cursors.write(row.place), node: value }))
      // Documents that are left out have a place too: the next page begins behind them.
      const end = (row: Placed | undefined) => row === undefined ? window.cursor : cursors.write(row.place)
      return {
        items: decoded.map(({ value }) => value),
        edges,
        startCursor: end(first),
        endCursor: end(last),
        hasNextPage: window.backward ? isPreceded : isFollowed,
        hasPreviousPage: window.backward ? isFollowed : isPreceded
      }
    }
  )
}

/** @internal */
export const readPage = (
  reading: FindReading<unknown, unknown>,
  settings: Integration.Settings,
  given: Given
): Effect.Effect<Page<unknown>, Failure | InvalidCursorError, unknown> =>
  Effect.flatMap(prepare(reading, settings, given), (prepared) => {
    const page = Effect.flatMap(read(prepared), (documents) => assemble(prepared, documents, given.bothEnds))
    return given.total !== true ? page : Effect.map(
      Effect.all([page, count(prepared)], { concurrency: 2 }),
      ([page, totalCount]) => ({ ...page, totalCount })
    )
  })

/**
 * The queries that a page may send, in their order.
 *
 * @internal
 */
export const queries = (
  reading: FindReading<unknown, unknown>,
  settings: Integration.Settings,
  given: Given
): Effect.Effect<ReadonlyArray<Query.Explainable>, Failure | InvalidCursorError, unknown> =>
  Effect.map(
    prepare(reading, settings, given),
    (prepared) => queriesOf(prepared).map((query) => query(wanted(prepared)))
  )
