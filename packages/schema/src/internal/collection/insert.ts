/**
 * Makes and encodes the documents to insert. Each has its `_id` before it is sent.
 */
import * as Effect from "effect/Effect"
import type * as SchemaIssue from "effect/SchemaIssue"
import * as Driver from "mongodb"
import { forEachEager } from "../forEachEager.ts"
import { encodeError, type Origin, type Run } from "./failures.ts"
import type { Shape } from "./shape.ts"
import { written } from "./writer.ts"

/** An encoded document, and its decoded `_id`. */
interface Insertion {
  readonly document: Driver.Document
  readonly id: unknown
}

/** Adds a missing `_id` to a document, if the schema requires one that inserts may leave out. */
const withGeneratedId = (generated: string | undefined, value: unknown): unknown =>
  generated !== undefined && typeof value === "object" && value !== null &&
    (value as Record<string, unknown>)[generated] === undefined
    ? { ...value, [generated]: new Driver.ObjectId() }
    : value

/**
 * Makes a document to insert.
 *
 * @internal
 */
export const insertion = (shape: Shape, origin: Origin, value: unknown, path: string): Run<Insertion> =>
  written(
    shape.insert,
    origin,
    withGeneratedId(shape.generated, value),
    path,
    (document, made): Run<Insertion> => {
      const id = shape.inserted === undefined ? undefined : (made as Record<string, unknown>)[shape.inserted]
      return id === undefined ? withStoredId(shape, origin, document, path) : Effect.succeed({ document, id })
    }
  )

/** Takes the `_id` from the encoded document. A document without one gets an ObjectId. */
const withStoredId = (shape: Shape, origin: Origin, document: Driver.Document, path: string): Run<Insertion> => {
  const { _id: stored = new Driver.ObjectId(), ...others } = document
  return Effect.mapBothEager(
    shape.id.decode(stored) as Effect.Effect<unknown, SchemaIssue.Issue>,
    {
      onFailure: (issue) => encodeError(origin, `${path}._id`, issue),
      onSuccess: (id) => ({ document: { _id: stored, ...others }, id })
    }
  )
}

/** The documents to insert, and their `_id`s in the same order. */
interface Insertions {
  readonly documents: Array<Driver.Document>
  readonly ids: Array<unknown>
}

/** Adds a document at once if it needs no defaults and no effects, as most documents of large inserts. */
const addNow = ({ insert, inserted }: Shape, value: unknown, { documents, ids }: Insertions): boolean => {
  if (!insert.plain || inserted === undefined || typeof value !== "object" || value === null) return false
  const id = (value as Record<string, unknown>)[inserted]
  const document = id === undefined ? undefined : insert.codec.encodeNow(value)
  if (document === undefined) return false
  documents.push(document)
  ids.push(id)
  return true
}

/**
 * Makes several documents to insert.
 *
 * @internal
 */
export const insertions = (shape: Shape, origin: Origin, values: ReadonlyArray<unknown>): Run<Insertions> => {
  const all: Insertions = { documents: [], ids: [] }
  const each = forEachEager(
    values,
    (value) => addNow(shape, value, all),
    (value, index) =>
      Effect.map(insertion(shape, origin, value, `documents[${index}]`), ({ document, id }) => {
        all.documents.push(document)
        all.ids.push(id)
      })
  )
  return Effect.as(each, all)
}
