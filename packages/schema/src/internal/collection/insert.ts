/**
 * Makes and encodes the documents to insert. Each has its `_id` before it is sent.
 */
import type { Integration } from "@mongofx/core"
import * as Effect from "effect/Effect"
import type * as SchemaIssue from "effect/SchemaIssue"
import * as Driver from "mongodb"
import { forEachEager } from "../forEachEager.ts"
import { encodeError, type Origin, type Run } from "./failures.ts"
import type { Shape } from "./shape.ts"
import { keeping, type ShardKeyRules } from "./shardKey.ts"
import { madeNow, serialized, written } from "./writer.ts"

/** A document as core takes it, and its decoded `_id`. */
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
 * Makes a document to insert, which has the shard key if there are rules for it.
 *
 * @internal
 */
export const insertion = (
  shape: Shape,
  origin: Origin,
  value: unknown,
  path: string,
  rules?: ShardKeyRules
): Run<Insertion> => {
  const made = madeInsertion(shape, origin, value, path)
  return rules === undefined ? made : Effect.flatMapEager(made, (insertion) =>
    keeping(
      rules,
      origin,
      (rules) => rules.document(insertion.document, path),
      () => Effect.succeed(insertion)
    ))
}

const madeInsertion = (shape: Shape, origin: Origin, value: unknown, path: string): Run<Insertion> =>
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

/**
 * Makes a document at once if it takes no effects, as most documents of large inserts: as bytes if there is a buffer. `undefined` if it
 * takes an effect, or is refused.
 *
 * @internal
 */
export const insertionNow = (
  shape: Shape,
  value: unknown,
  buffer: Integration.WriteBuffer | undefined
): Insertion | undefined => {
  const { insert, inserted } = shape
  if (typeof value !== "object" || value === null || !insert.plain && buffer === undefined) return undefined
  const made = madeNow(insert, withGeneratedId(shape.generated, value))
  if (typeof made !== "object" || made === null) return undefined
  const id = inserted === undefined ? undefined : (made as Record<string, unknown>)[inserted]
  if (id === undefined) return buffer !== undefined && shape.lacksId ? withNewId(shape, buffer, made) : undefined
  if (buffer === undefined) return insertionOf(insert.codec.encodeNow(made), id)
  const stored = shape.insertedId.encodeNow(id)
  return stored === undefined ? undefined : insertionOf(serialized(insert, buffer, made, stored, false), id)
}

const insertionOf = (document: Driver.Document | undefined, id: unknown): Insertion | undefined =>
  document === undefined ? undefined : { document, id }

/** A document of a schema without `_id`. */
const withNewId = ({ insert }: Shape, buffer: Integration.WriteBuffer, made: unknown): Insertion | undefined => {
  const id = new Driver.ObjectId()
  return insertionOf(serialized(insert, buffer, made, id, true), id)
}

/**
 * Makes several documents to insert.
 *
 * @internal
 */
export const insertions = (
  shape: Shape,
  origin: Origin,
  values: ReadonlyArray<unknown>,
  buffer: Integration.WriteBuffer | undefined
): Run<Insertions> => {
  const all: Insertions = { documents: [], ids: [] }
  const add = ({ document, id }: Insertion) => {
    all.documents.push(document)
    all.ids.push(id)
  }
  const each = forEachEager(
    values,
    (value) => {
      const insertion = insertionNow(shape, value, buffer)
      if (insertion === undefined) return false
      add(insertion)
      return true
    },
    (value, index) => Effect.map(insertion(shape, origin, value, `documents[${index}]`), add)
  )
  return Effect.as(each, all)
}
